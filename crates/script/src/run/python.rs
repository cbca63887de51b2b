//! Blocks of Python: collected while the script runs, checked by one `python3` after it.

use super::symbols;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;
use tcp::Habits;

/// A block, and what `TCP_INFO` said when its time came.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) event: usize,
    pub(crate) code: String,
    pub(crate) info: Vec<(&'static str, u64)>,
}

/// What became of the blocks.
pub(crate) enum Verdict {
    Passed,
    /// The event whose block failed, and what Python said.
    Failed(usize, String),
    NoPython,
}

/// How long Python may think, in seconds: an endless loop in a script must not hang the suite.
const SECONDS_MAX: u32 = 20;

/// Runs every block, in order, in one process. Beside the constants they know `TICK_US`: how exact the
/// host's clock is, zero in virtual time.
pub(crate) fn check(blocks: &[Block], habits: Habits, tick: Duration) -> Verdict {
    if blocks.is_empty() {
        return Verdict::Passed;
    }
    let child = Command::new("python3")
        .args(["-I", "-S", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else { return Verdict::NoPython };
    // A Python that ends early closes its end; what it printed says why.
    let written =
        child.stdin.take().map(|mut stdin| stdin.write_all(program(blocks, habits, tick).as_bytes()));
    drop(written);
    let Ok(output) = child.wait_with_output() else { return Verdict::NoPython };
    if output.status.success() {
        return Verdict::Passed;
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let event = text.lines().rev().find_map(|line| line.strip_prefix("event ")?.parse().ok());
    let said =
        text.lines().rfind(|line| !line.starts_with("event ")).unwrap_or("Python ended without a word");
    Verdict::Failed(event.unwrap_or(blocks[0].event), said.to_owned())
}

/// One program: the constants, then for each block its values and its code, run from a string so that
/// an error names it.
fn program(blocks: &[Block], habits: Habits, tick: Duration) -> String {
    let mut program =
        format!("import signal, sys, textwrap, traceback\nsignal.alarm({SECONDS_MAX})\nscope = {{}}\n");
    for (name, number) in symbols::for_python(habits) {
        let _ = writeln!(program, "scope['{name}'] = {number}");
    }
    let _ = writeln!(program, "scope['TICK_US'] = {}", tick.as_micros());
    program.push_str(PRELUDE);
    for Block { event, code, info } in blocks {
        let values: Vec<String> = info.iter().map(|(name, value)| format!("'{name}': {value}")).collect();
        let _ = writeln!(program, "block({event}, {{{}}}, {})", values.join(", "), literal(code));
    }
    program
}

/// Code may begin beside the `%{` or below it, indented or not.
const PRELUDE: &str = "\
def block(event, values, code):
    scope.update(values)
    first, _, rest = code.partition('\\n')
    first = first.strip()
    if not first or not first.endswith(':'):
        rest = textwrap.dedent(rest)
    try:
        exec(compile(first + '\\n' + rest, 'script', 'exec'), scope)
    except BaseException as error:
        said = ' '.join(str(error).split())
        said = ': ' + said if said else ''
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == 'script']
        number = frames[-1].lineno if frames else getattr(error, 'lineno', None)
        lines = (first + '\\n' + rest).splitlines()
        line = lines[number - 1].strip() if number and number <= len(lines) else ''
        sys.stderr.write('%s%s  in `%s`\\nevent %d\\n' % (type(error).__name__, said, line, event))
        sys.exit(1)
";

/// A string as Python writes it.
fn literal(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(c),
            _ => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(codes: &[&str]) -> Verdict {
        let info = vec![("tcpi_snd_cwnd", 10), ("tcpi_state", 1)];
        let blocks: Vec<_> = codes
            .iter()
            .enumerate()
            .map(|(event, code)| Block { event, code: (*code).to_owned(), info: info.clone() })
            .collect();
        check(&blocks, Habits::Linux, Duration::ZERO)
    }

    #[test]
    fn asserts_decide() {
        if let Verdict::NoPython = verdict(&["pass"]) {
            drop(writeln!(std::io::stderr(), "skipped: there is no python3"));
            return;
        }
        assert!(matches!(
            verdict(&["assert tcpi_snd_cwnd == 10\nassert tcpi_state == TCP_ESTABLISHED"]),
            Verdict::Passed
        ));
        assert!(matches!(
            verdict(&[
                "\n  x = 'é\\''\n  y = 2\n",
                " assert y == 2\nassert x\n ",
                " if y == 2:\n  z = 1\nassert z"
            ]),
            Verdict::Passed
        ));
        let Verdict::Failed(event, said) = verdict(&["pass", "assert tcpi_snd_cwnd == 11, tcpi_snd_cwnd"])
        else {
            panic!("10 is not 11")
        };
        assert_eq!(
            (event, said.as_str()),
            (1, "AssertionError: 10  in `assert tcpi_snd_cwnd == 11, tcpi_snd_cwnd`")
        );
        let Verdict::Failed(_, said) = verdict(&["\n  x = 1\n  assert x == 2\n  y = 3"]) else {
            panic!("1 is not 2")
        };
        assert_eq!(said, "AssertionError  in `assert x == 2`");
        assert!(matches!(verdict(&["syntax error here"]), Verdict::Failed(0, _)));
        assert!(matches!(verdict(&["import sys; sys.exit(0)"]), Verdict::Failed(0, _)));
    }
}
