//! Plays those of `tests/scripts/` that are meant for Linux against the kernel that this machine has.
//!
//! A script is meant for Linux if our own stack passes it with Linux's habits: what a habit contradicts is the
//! RFC's or another system's. Where the kernel does otherwise still, the script and the reason stand in
//! `tests/scripts/LINUX-DIFFERS.md`. Scripts that take longer than [`SECONDS_MAX`] are left to
//! `synfin script --kernel`. Needs root and `/dev/net/tun`; without them it says so and passes, except where
//! `CI` is set.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test's way to fail

use script::{IpVersion, Outcome, RunOptions};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tcp::Habits;

/// Longer ones, of which there are few, would make the test as long as the longest of them.
const SECONDS_MAX: u64 = 4;

/// How many are played at once: they mostly wait.
const AT_ONCE: usize = 4;

/// How often what fails is played again: the machine may have been busy.
const TRIES_MAX: u32 = 3;

/// What share of the scripts that are meant for Linux passes at least, in percent.
const PERCENT_MIN: usize = 95;

/// The kernel on which `LINUX-DIFFERS.md` was made.
const KERNEL: &str = "6.18";

fn is_the_kernel_of_the_list() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.strip_prefix(KERNEL).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scripts")
}

fn is_possible(name: &str) -> bool {
    let Some(why) = synfin_kernel::unavailable() else { return true };
    assert!(std::env::var_os("CI").is_none(), "{name}: {why}");
    drop(writeln!(std::io::stderr(), "skipped: {name}: {why}"));
    false
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "pkt") {
            into.push(path);
        }
    }
}

/// The scripts in the list, each with what stands behind it.
fn differing() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root().join("LINUX-DIFFERS.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    rows.map(|(name, rest)| (name.to_owned(), rest.to_owned())).collect()
}

/// Scripts of Accurate ECN, and the values that a kernel without it refuses; one that has it plays them.
const ACCURATE_ECN: &str = "rfc9768/";
const SETTINGS_LACKING: [&str; 2] =
    ["net.ipv4.tcp_ecn=3: the kernel says", "net.ipv4.tcp_ecn=5: the kernel says"];
/// Scripts about version 3 of BBR, of which the kernel has version 1, and about Prague, which it does not have.
const CONTROLS_LACKING: [&str; 2] = ["bbr/", "rfc9331/"];

#[derive(Debug, PartialEq)]
enum Verdict {
    /// For another system, or for the RFC where Linux has a habit.
    NotMeant,
    TooLong,
    Right,
    /// Differs, as the list says.
    Listed,
    /// It needs what only our own host answers, such as `sockstat`.
    Skipped,
    /// It is about what the kernel of the list does not have.
    Lacking,
    Wrong(String),
}

fn play(name: &str, path: &Path, listed: bool) -> (Verdict, u32) {
    let text = std::fs::read_to_string(path).unwrap();
    let directory = path.parent().map(Path::to_owned);
    let options = RunOptions { file: name.to_owned(), directory, ..RunOptions::default() };
    let strict = RunOptions { habits: Some(Habits::Linux), ..RunOptions::strict() };
    let virtually =
        script::run_recorded(&text, &RunOptions { directory: options.directory.clone(), ..strict });
    let for_freebsd = script::habits_of(&text, &options) == Some(Habits::FreeBsd);
    if for_freebsd || virtually.outcome != Outcome::Passed {
        return (Verdict::NotMeant, 0);
    }
    if CONTROLS_LACKING.iter().any(|folder| name.starts_with(folder)) {
        return (Verdict::Lacking, 0);
    }
    if virtually.virtual_time.as_secs() > SECONDS_MAX {
        return (Verdict::TooLong, 0);
    }
    let played = synfin_kernel::play(&text, &options, if listed { 1 } else { TRIES_MAX }).unwrap();
    let verdict = match (played.run.outcome, listed) {
        (Outcome::Passed, false) => Verdict::Right,
        (Outcome::Failed(_), true) => Verdict::Listed,
        (Outcome::Passed, true) => {
            Verdict::Wrong(format!("{name} passes now; take it out of LINUX-DIFFERS.md"))
        }
        (Outcome::Failed(failure), false) => Verdict::Wrong(failure.to_string()),
        (Outcome::Skipped(reason), _)
            if name.starts_with(ACCURATE_ECN)
                && SETTINGS_LACKING.iter().any(|lacks| reason.contains(lacks)) =>
        {
            Verdict::Lacking
        }
        (Outcome::Skipped(reason), _) => {
            drop(writeln!(std::io::stderr(), "skipped: {name} {reason}"));
            Verdict::Skipped
        }
    };
    (verdict, played.tries)
}

#[test]
fn the_kernel_does_what_our_linux_habits_do() {
    if !is_possible("the_kernel_does_what_our_linux_habits_do") {
        return;
    }
    let (mut paths, listed) = (Vec::new(), differing());
    collect(&root(), &mut paths);
    paths.sort();
    for name in listed.keys() {
        assert!(root().join(name).exists(), "LINUX-DIFFERS.md names {name}, which is not there");
    }
    let (next, verdicts) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = path.strip_prefix(root()).unwrap().display().to_string();
                    let verdict = play(&name, path, listed.contains_key(&name));
                    verdicts.lock().unwrap().push((path, verdict));
                }
            });
        }
    });
    // What fails among others is played once more with the machine to itself.
    let play_alone = |(path, verdict): (&PathBuf, (Verdict, u32))| match verdict {
        (Verdict::Wrong(_), tries) => {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            let (verdict, more) = play(&name, path, listed.contains_key(&name));
            (verdict, tries + more)
        }
        other => other,
    };
    let verdicts: Vec<_> = verdicts.into_inner().unwrap().into_iter().map(play_alone).collect();
    let count = |wanted: &Verdict| verdicts.iter().filter(|(verdict, _)| verdict == wanted).count();
    let (right, differing) = (count(&Verdict::Right), count(&Verdict::Listed));
    let again = verdicts.iter().filter(|(verdict, tries)| *verdict == Verdict::Right && *tries > 1).count();
    println!(
        "{right} as the kernel does, {again} of them not at the first try; {differing} differ as listed; {} take too \
         long; {} are about what it lacks; {} need what the kernel does not answer; {} are not meant for Linux",
        count(&Verdict::TooLong),
        count(&Verdict::Lacking),
        count(&Verdict::Skipped),
        count(&Verdict::NotMeant),
    );
    let wrong: Vec<&str> = verdicts
        .iter()
        .filter_map(|(verdict, _)| match verdict {
            Verdict::Wrong(why) => Some(why.as_str()),
            _ => None,
        })
        .collect();
    if is_the_kernel_of_the_list() {
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    } else if !wrong.is_empty() {
        // The list was made on one kernel; on another only the share must hold.
        drop(writeln!(std::io::stderr(), "other than on Linux {KERNEL}:\n{}", wrong.join("\n\n")));
    }
    let played = right + differing + wrong.len();
    assert!(right * 100 >= played * PERCENT_MIN, "{right} of {played}");
    assert!(right >= 80, "only {right} scripts were played");
    assert!(count(&Verdict::Skipped) <= 3, "too many are skipped: see above");
}

const EVERY_CALL: &str = "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 getsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], [4]) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 ioctl(3, SIOCINQ, [0]) = -1 EINVAL (Invalid argument)
+0...0.2 accept(3, ..., ...) = 4
+.1 < S 0:0(0) win 65535 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 65535
+0 fcntl(4, F_GETFL) = 2
+0...0.1 read(4, ..., 100) = 5
+.1 < P. 1:6(5) ack 1 win 65535
+0 > . 1:1(0) ack 6
+0 epoll_create(1) = 5
+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = 0
+0...0.1 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 1000) = 1
+.1 < P. 6:16(10) ack 1 win 65535
* > . 1:1(0) ack 16
+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN|POLLOUT}], 1, 0) = 1
+0 ioctl(4, SIOCINQ, [10]) = 0
+0 readv(4, [{..., 4}, {..., 6}], 2) = 10
+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 fcntl(4, F_GETFL) = O_RDWR|O_NONBLOCK
+0 recvfrom(4, ..., 10, 0, ..., ...) = -1 EAGAIN (Resource temporarily unavailable)
+0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 30}, {..., 20}], msg_flags=0}, 0) = 50
+0 > P. 1:51(50) ack 16
+0 ioctl(4, SIOCOUTQ, [50]) = 0
+0 %{ assert tcpi_state == TCP_ESTABLISHED and tcpi_unacked == 1, (tcpi_state, tcpi_unacked) }%
+.01 < . 16:16(0) ack 51 win 65535
+0 getsockopt(4, SOL_TCP, TCP_INFO, {tcpi_unacked=0, tcpi_bytes_acked=50}, [...]) = 0
+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
+0 getsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, [8]) = 0
+0 close(4) = 0
+0 > R. 51:51(0) ack 16
+0 read(4, ..., 10) = -1 EBADF (Bad file descriptor)
";

fn outcome_of(text: &str, options: &RunOptions) -> Outcome {
    synfin_kernel::play(text, options, TRIES_MAX).unwrap().run.outcome
}

#[test]
fn calls_of_every_kind_are_the_kernels_over_both_versions_of_ip() {
    if !is_possible("calls_of_every_kind_are_the_kernels_over_both_versions_of_ip") {
        return;
    }
    for ip_version in [IpVersion::V4, IpVersion::V6, IpVersion::V4MappedV6] {
        let options = RunOptions { ip_version: Some(ip_version), ..RunOptions::default() };
        let outcome = outcome_of(EVERY_CALL, &options);
        assert!(outcome == Outcome::Passed, "{ip_version:?}: {outcome:#?}");
    }
}

#[test]
fn what_the_kernel_does_otherwise_is_told_with_its_packets() {
    if !is_possible("what_the_kernel_does_otherwise_is_told_with_its_packets") {
        return;
    }
    let text = EVERY_CALL.replace("+0 > S. 0:0(0) ack 1 <mss 1460>", "+0 > S. 0:0(0) ack 1 <mss 1461>");
    let played = synfin_kernel::play(&text, &RunOptions::default(), 2).unwrap();
    let Outcome::Failed(failure) = played.run.outcome else { panic!("the kernel announces 1,460 bytes") };
    assert_eq!(played.tries, 2, "it is played again");
    assert!(failure.differences.iter().any(|difference| difference.contains("mss 1460")), "{failure}");
    assert!(failure.ladder.iter().any(|rung| rung.packet.starts_with("> S.")), "{failure}");
    assert_eq!(played.run.packets.len(), failure.ladder.len());
}

#[test]
fn what_would_change_the_machine_is_skipped_by_name() {
    if !is_possible("what_would_change_the_machine_is_skipped_by_name") {
        return;
    }
    for (line, need) in [
        ("`sysctl -q net.core.rmem_max=12345`", "for the whole machine"),
        ("`sysctl -q net.ipv4.tcp_max_orphans=5`", "does not have for one network"),
        ("`sysctl -q kernel.hostname=x`", "not one of Linux's network"),
        ("`sysctl -q net.ipv4.tcp_retries2=many`", "the kernel says"),
        ("`sysctl -q net.inet.tcp.sack.enable=0`", "FreeBSD"),
    ] {
        let text = format!("0 {line}\n+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
        let outcome = outcome_of(&text, &RunOptions::default());
        let Outcome::Skipped(reason) = &outcome else { panic!("{line}: {outcome:?}") };
        assert!(reason.contains(need), "{reason}");
    }
}

#[test]
fn a_call_that_sleeps_to_the_end_fails_and_holds_nothing_up() {
    if !is_possible("a_call_that_sleeps_to_the_end_fails_and_holds_nothing_up") {
        return;
    }
    let began = std::time::Instant::now();
    let socket =
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n";
    let outcome = outcome_of(&format!("{socket}+0 accept(3, ..., ...) = 4"), &RunOptions::default());
    let Outcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
    assert!(failure.to_string().contains("the call waits"), "{failure}");
    let outcome = outcome_of(&format!("{socket}+0...0.05 accept(3, ..., ...) = 4"), &RunOptions::default());
    assert!(matches!(outcome, Outcome::Failed(_)));
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}
