//! Commands in backquotes. None of them reaches a shell: `sysctl` changes our settings, a `*.sh` is read as a
//! list of such lines, and commands that only prepare a real machine's network are ignored.

use super::host::{Setting, Voice};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// How deep `*.sh` files may name each other, so that a loop of files ends.
const DEPTH_MAX: usize = 4;

/// How long a `*.sh` may be, in bytes.
const SHELL_BYTES_MAX: u64 = 1 << 20;

/// Programs that prepare or watch a real machine's network and have no effect on ours.
const IGNORED: [&str; 12] =
    ["nstat", "tc", "ethtool", "true", ":", "echo", "sync", "set", "exit", "sleep", "kldload", "modprobe"];

/// Programs that are ignored in a `*.sh` only, because in a script they may matter.
const IGNORED_IN_FILES: [&str; 6] = ["ip", "ifconfig", "route", "export", "wait", "cd"];

/// Words of the shell that are ignored in a `*.sh`: the settings of all branches are applied.
const SHELL_WORDS: [&str; 24] = [
    "fi", "done", "esac", "for", "case", "in", "function", "return", "local", "unset", "shift", "read",
    "trap", "printf", "[", "[[", "test", "uname", "}", "{", ")", "(", "break", "continue",
];

/// Words before a command that do not change which command it is.
const BEFORE_COMMANDS: [&str; 15] = [
    "if", "then", "elif", "else", "while", "until", "do", "!", "sudo", "exec", "command", "sh", "bash",
    "source", ".",
];

/// The file that restores the settings of a machine; ours end with the script.
const RESTORES: &str = "/tmp/sysctl_restore";

/// The settings of a command, in order; `event` is the number of the event with the command. Other commands
/// of a shared file that we do not have are noted in `instead`.
///
/// # Errors
/// What the script needs and we do not have.
pub(crate) fn settings(
    command: &str,
    directory: Option<&Path>,
    event: Option<usize>,
    instead: &mut BTreeSet<String>,
) -> Result<Vec<Setting>, String> {
    let mut settings = Settings { all: Vec::new(), event, instead };
    run_lines(&mut settings, command, directory, 0)?;
    Ok(settings.all)
}

/// The settings found so far.
struct Settings<'a> {
    all: Vec<Setting>,
    event: Option<usize>,
    instead: &'a mut BTreeSet<String>,
}

impl Settings<'_> {
    fn add(&mut self, name: &str, value: &str, voice: Voice) {
        let name = name.replace('/', ".");
        let value = value.to_owned();
        self.all.push(Setting { name, value, voice, event: self.event });
    }
}

fn run_lines(
    settings: &mut Settings<'_>,
    text: &str,
    directory: Option<&Path>,
    depth: usize,
) -> Result<(), String> {
    let text = text.replace("\r\n", "\n").replace("\\\n", " ");
    for line in text.lines() {
        for piece in pieces(line) {
            run_one(settings, &piece, directory, depth)?;
        }
    }
    Ok(())
}

fn run_one(
    settings: &mut Settings<'_>,
    words: &[String],
    directory: Option<&Path>,
    depth: usize,
) -> Result<(), String> {
    let prefix = words.iter().take_while(|word| BEFORE_COMMANDS.contains(&word.as_str())).count();
    let words = &words[prefix..];
    let Some(program) = words.first() else { return Ok(()) };
    if program.starts_with(RESTORES) {
        return Ok(());
    }
    let name = program.rsplit('/').next().unwrap_or(program);
    if name == "sysctl" {
        sysctl(settings, &words[1..], if depth > 0 { Voice::File } else { Voice::Script });
        return Ok(());
    }
    if name == "ip" && words.get(1).is_some_and(|word| word == "tcp_metrics") {
        return Ok(());
    }
    if IGNORED.contains(&name) || (depth > 0 && IGNORED_IN_FILES.contains(&name)) {
        return Ok(());
    }
    if depth > 0 && (SHELL_WORDS.contains(&name) || is_of_the_shell(program)) {
        return Ok(());
    }
    if !(name.ends_with(".sh") || name.ends_with("set_sysctls.py")) {
        let need = format!("the command `{}`", words.join(" "));
        if depth == 0 {
            return Err(need);
        }
        settings.instead.insert(format!("without {need}"));
        return Ok(());
    }
    for word in words {
        if word.ends_with(".sh") {
            shell_file(settings, word, directory, depth)?;
        } else if let Some(assignment) = word.strip_prefix("/proc/sys/") {
            let (name, value) =
                assignment.split_once('=').ok_or_else(|| format!("the command `{}`", words.join(" ")))?;
            settings.add(name, value, Voice::Script);
        }
    }
    Ok(())
}

/// An assignment, a function's head, or the mark of a case.
fn is_of_the_shell(word: &str) -> bool {
    let name = word.split(['=', '(']).next().unwrap_or(word);
    let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    named && name.len() < word.len() || word.ends_with(')') || word.starts_with('$')
}

/// Where a shared file may be: next to the script, in the working directory, or in a folder above the script.
fn places(name: &str, directory: Option<&Path>) -> Vec<PathBuf> {
    let beside = directory.unwrap_or(Path::new("."));
    let mut places = vec![beside.join(name), PathBuf::from(name)];
    let plain = Path::new(name).components().filter(|part| matches!(part, Component::Normal(_)));
    let plain: PathBuf = plain.collect();
    let above = std::path::absolute(beside).unwrap_or_default();
    places.extend(above.ancestors().take(FOLDERS_ABOVE_MAX).map(|folder| folder.join(&plain)));
    places
}

/// How many folders above a script are searched.
const FOLDERS_ABOVE_MAX: usize = 32;

fn shell_file(
    settings: &mut Settings<'_>,
    name: &str,
    directory: Option<&Path>,
    depth: usize,
) -> Result<(), String> {
    if depth >= DEPTH_MAX {
        return Err(format!("{name}, which goes through more than {DEPTH_MAX} files"));
    }
    let small = |path: &PathBuf| {
        std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() <= SHELL_BYTES_MAX)
    };
    let missing = || format!("{name}, which is neither beside the script nor above it");
    let path = places(name, directory).into_iter().find(small).ok_or_else(missing)?;
    let text = std::fs::read_to_string(&path).map_err(|_| missing())?;
    run_lines(settings, &text, path.parent(), depth + 1)
}

/// `-q -w a=b "c=1 2 3" d = e`
fn sysctl(settings: &mut Settings<'_>, words: &[String], voice: Voice) {
    let mut words = words.iter().filter(|word| !word.starts_with('-')).peekable();
    while let Some(word) = words.next() {
        if let Some((name, value)) = word.split_once('=') {
            settings.add(name.trim(), &computed(value.trim()), voice);
        } else if words.next_if(|next| *next == "=").is_some() {
            settings.add(word, &computed(words.next().map_or("", String::as_str)), voice);
        }
        // A name alone only reads the setting.
    }
}

/// A value with its products computed: `4096 $((15*1024*1024))`. Other arithmetic stays as it is, and is
/// later refused, because it is not a number.
fn computed(value: &str) -> String {
    let mut text = value.to_owned();
    while let Some((before, rest)) = text.split_once("$((")
        && let Some((product, after)) = rest.split_once("))")
    {
        let factors = product.split('*').map(|factor| factor.trim().parse::<u64>());
        let number = factors.into_iter().try_fold(1u64, |all, factor| all.checked_mul(factor.ok()?));
        let Some(number) = number else { break };
        text = format!("{before}{number}{after}");
    }
    text
}

/// The commands of one line, each as words: quotes protect, `;` and `&&` divide, a `#` word, `||` and
/// redirections end.
fn pieces(line: &str) -> Vec<Vec<String>> {
    let mut pieces = vec![Vec::new()];
    let mut word = String::new();
    let mut quoted = None;
    let mut any = false;
    let mut chars = line.chars().peekable();
    let mut ended = false;
    while let Some(c) = chars.next() {
        match (quoted, c) {
            (Some(open), c) if c == open => quoted = None,
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => {
                quoted = Some(c);
                any = true;
            }
            (None, '#') if word.is_empty() && !any => ended = true,
            (None, '>' | '|') => {
                // `2>` belongs to the redirection.
                if word.chars().all(|c| c.is_ascii_digit()) {
                    word.clear();
                }
                ended = true;
            }
            (None, ';') => {
                finish(&mut word, &mut any, &mut pieces);
                pieces.push(Vec::new());
            }
            (None, '&') => {
                chars.next_if_eq(&'&');
                finish(&mut word, &mut any, &mut pieces);
                pieces.push(Vec::new());
            }
            (None, c) if c.is_whitespace() => finish(&mut word, &mut any, &mut pieces),
            (None, c) => word.push(c),
        }
        if ended {
            break;
        }
    }
    finish(&mut word, &mut any, &mut pieces);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn finish(word: &mut String, quoted: &mut bool, pieces: &mut [Vec<String>]) {
    if (!word.is_empty() || *quoted)
        && let Some(last) = pieces.last_mut()
    {
        last.push(std::mem::take(word));
    }
    *quoted = false;
}

#[cfg(test)]
mod tests {
    use super::super::{HostSettings, sysctls};
    use super::*;
    use std::time::Duration;
    use tcp::Habits;

    fn run_freebsd(command: &str) -> Result<HostSettings, String> {
        run_with(Habits::FreeBsd, command, None)
    }

    fn run_with(habits: Habits, command: &str, directory: Option<&Path>) -> Result<HostSettings, String> {
        let mut host = HostSettings::new(habits);
        let mut instead = BTreeSet::new();
        for setting in settings(command, directory, None, &mut instead)? {
            sysctls::apply(&mut host, &setting)?;
        }
        host.instead.append(&mut instead);
        Ok(host)
    }

    #[test]
    fn sysctls_of_every_spelling_are_applied() {
        let host = run_freebsd(
            "sysctl -q -w net.ipv4.tcp_sack=0 \"net.ipv4.tcp_rmem=4096 9000 100000\"; sysctl net.inet.tcp.rexmit_min = 500 > /dev/null 2>&1\n\
             # sysctl net.ipv4.no=1\n /sbin/sysctl net.inet.tcp.msl=1000 && nstat -n | grep x",
        )
        .unwrap();
        assert!(!host.defaults.config.sack);
        assert_eq!(host.defaults.receive_buffer_bytes, 9_000);
        assert_eq!(host.defaults.config.rto_min, Duration::from_millis(500));
        assert_eq!(host.defaults.config.time_wait, Duration::from_secs(2));
    }

    #[test]
    fn products_of_numbers_are_worked_out() {
        let host = run_freebsd("sysctl net.ipv4.tcp_rmem=\"4096 9000 $((15*1024 * 1024))\"").unwrap();
        assert_eq!(host.defaults.config.receive_buffer_bytes_max, 15 << 20);
        for strange in ["$((1+1))", "$((", "$(())", "$((99999999999*99999999999))"] {
            assert!(run_freebsd(&format!("sysctl net.ipv4.tcp_rmem='1 {strange} 3'")).is_err(), "{strange}");
        }
    }

    #[test]
    fn what_we_do_not_have_is_named() {
        let unmet = |command: &str| run_freebsd(command).err().unwrap_or_default();
        assert_eq!(unmet("sysctl net.inet.tcp.insecure_rst=1"), "sysctl net.inet.tcp.insecure_rst=1");
        assert_eq!(
            unmet("sysctl -w net.ipv4.tcp_new=1"),
            "sysctl net.ipv4.tcp_new, which synfin does not know"
        );
        assert_eq!(unmet("rm -rf /"), "the command `rm -rf /`");
        assert_eq!(unmet("./missing.sh"), "./missing.sh, which is neither beside the script nor above it");
        assert_eq!(
            unmet("sysctl net.ipv4.tcp_retries2=x"),
            "sysctl net.ipv4.tcp_retries2=x: not a number that fits"
        );
        assert!(run_freebsd("sysctl net.inet.tcp.insecure_rst=0; ip tcp_metrics flush all").is_ok());
    }

    #[test]
    fn files_are_read_and_cannot_name_each_other_for_ever() {
        let directory = std::env::temp_dir().join(format!("synfin-commands-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(
            directory.join("a.sh"),
            "#!/bin/sh\nsysctl -q net.ipv4.tcp_retries2=9\nip link set up\n\
             sysctl -q net.ipv4.tcp_congestion_control=bbr\n",
        )
        .unwrap();
        std::fs::write(directory.join("b.sh"), "./b.sh\n").unwrap();
        let linux = |command: &str| run_with(Habits::Linux, command, Some(&directory));
        let host = linux("./a.sh /proc/sys/net/ipv4/tcp_timestamps=0").unwrap();
        assert_eq!((host.defaults.config.retries, host.defaults.config.timestamps), (9, false));
        assert_eq!(host.instead.iter().collect::<Vec<_>>(), ["cubic instead of bbr"]);
        let own = "sysctl -q net.ipv4.tcp_congestion_control=bbr";
        let chosen = |line: &str| linux(line).unwrap().defaults.config.congestion;
        assert_eq!(chosen(own), tcp::CongestionControl::Bbr, "a script means it");
        let unknown = "sysctl -q net.ipv4.tcp_congestion_control=vegas";
        assert!(linux(unknown).unwrap_err().contains("vegas is not there"));
        assert_eq!(chosen("sysctl -q net.ipv4.tcp_sack=1"), tcp::CongestionControl::Cubic);
        assert_eq!(chosen("sysctl -q net.ipv4.tcp_congestion_control=reno"), tcp::CongestionControl::NewReno);
        assert_eq!(chosen("sysctl net.inet.tcp.cc.algorithm=newreno"), tcp::CongestionControl::NewReno);
        assert_eq!(chosen("sysctl net.inet.tcp.cc.algorithm=cubic"), tcp::CongestionControl::Cubic);
        let pacing = |line: &str| linux(line).unwrap().defaults.config.pacing;
        assert!(!pacing("sysctl net.ipv4.tcp_sack=1") && pacing("sysctl synfin.pacing=1"));
        assert!(linux("./b.sh").unwrap_err().contains("more than 4 files"));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
