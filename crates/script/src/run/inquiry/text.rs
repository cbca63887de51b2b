//! The programs that look into a text: `grep`, `awk '{print $N}'`, `wc -l`, `head`, `tail`, `sort`, `tr -d`,
//! and `test`.
//!
//! What they cannot do as the real ones gives `None`.

use super::Answered;
use regex_lite::RegexBuilder;

/// Runs one of them over `input`.
pub(super) fn filter(name: &str, arguments: &[&str], input: &str) -> Option<Answered> {
    let lines = input.lines();
    let joined = |lines: Vec<&str>| lines.into_iter().map(|line| format!("{line}\n")).collect::<String>();
    let text = match name {
        "grep" | "egrep" | "fgrep" => return grep(name, arguments, input),
        "awk" => awk(arguments, input)?,
        "wc" if arguments == ["-l"] => format!("{}\n", lines.count()),
        "cat" if arguments.is_empty() => input.to_owned(),
        "head" => joined(lines.take(count(arguments)?).collect()),
        "tail" => {
            let from = match arguments {
                ["-n", from] if from.starts_with('+') => from.parse::<usize>().ok()?.saturating_sub(1),
                _ => lines.clone().count().saturating_sub(count(arguments)?),
            };
            joined(lines.skip(from).collect())
        }
        "sort" if arguments.is_empty() => {
            let mut lines: Vec<_> = lines.collect();
            lines.sort_unstable();
            joined(lines)
        }
        "uniq" if arguments.is_empty() => {
            let mut lines: Vec<_> = lines.collect();
            lines.dedup();
            joined(lines)
        }
        "tr" => match arguments {
            ["-d", set] => input.chars().filter(|c| !set.contains(*c)).collect(),
            _ => return None,
        },
        _ => return None,
    };
    Some(Answered::of(text, true))
}

/// `-n 3`, `-n3`, `-3`; ten if nothing is said.
fn count(arguments: &[&str]) -> Option<usize> {
    match arguments {
        [] => Some(10),
        ["-n", count] => count.parse().ok(),
        [one] => one.strip_prefix("-n").or(one.strip_prefix('-'))?.parse().ok(),
        _ => None,
    }
}

fn grep(name: &str, arguments: &[&str], input: &str) -> Option<Answered> {
    let (mut letters, mut patterns, mut rest) = (String::new(), Vec::new(), arguments.iter());
    while let Some(argument) = rest.next() {
        match argument.strip_prefix('-') {
            Some("e") => patterns.push(*rest.next()?),
            Some(flags) if !flags.is_empty() && patterns.is_empty() => letters.push_str(flags),
            _ if patterns.is_empty() => patterns.push(*argument),
            // A file, or an option after the pattern.
            _ => return None,
        }
    }
    if patterns.is_empty() || letters.chars().any(|letter| !"qvciEFwxso".contains(letter)) {
        return None;
    }
    let has = |letter| letters.contains(letter);
    let whole: Vec<String> = patterns
        .iter()
        .map(|pattern| match () {
            () if has('F') || name == "fgrep" => regex_lite::escape(pattern),
            () if has('E') || name == "egrep" => (*pattern).to_owned(),
            () => extended(pattern),
        })
        .map(|pattern| if has('w') { format!("\\b(?:{pattern})\\b") } else { pattern })
        .map(|pattern| if has('x') { format!("^(?:{pattern})$") } else { pattern })
        .collect();
    let regex = RegexBuilder::new(&whole.join("|")).case_insensitive(has('i')).build().ok()?;
    let found: Vec<&str> = input.lines().filter(|line| regex.is_match(line) != has('v')).collect();
    let succeeded = !found.is_empty();
    let text = match () {
        () if has('q') => String::new(),
        () if has('c') => format!("{}\n", found.len()),
        () if has('o') => {
            let all = found.iter().flat_map(|line| regex.find_iter(line));
            all.map(|found| format!("{}\n", found.as_str())).collect()
        }
        () => found.iter().map(|line| format!("{line}\n")).collect(),
    };
    Some(Answered::of(text, succeeded))
}

/// A basic expression as an extended one: `\|` divides and `|` is a letter.
fn extended(basic: &str) -> String {
    let (mut out, mut chars) = (String::new(), basic.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(special @ ('|' | '+' | '?' | '(' | ')' | '{' | '}')) => out.push(special),
                Some(other) => out.extend(['\\', other]),
                None => out.push_str("\\\\"),
            },
            '|' | '+' | '?' | '(' | ')' | '{' | '}' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// `'{print $5}'`, `'/LISTEN/ {print $5, $6}'`, with `-F`.
fn awk(arguments: &[&str], input: &str) -> Option<String> {
    let (separator, program) = match arguments {
        ["-F", separator, program] => (Some(*separator), *program),
        [flag, program] => (Some(flag.strip_prefix("-F")?), *program),
        [program] => (None, *program),
        _ => return None,
    };
    let program = program.trim();
    let (pattern, action) = match program.strip_prefix('/') {
        Some(rest) => rest.split_once('/')?,
        None => ("", program),
    };
    let pattern = regex_lite::Regex::new(pattern).ok()?;
    let action = match action.trim() {
        "" => "print",
        action => action.strip_prefix('{')?.strip_suffix('}')?.trim().trim_end_matches(';').trim(),
    };
    let fields = action.strip_prefix("print")?.trim();
    let mut out = String::new();
    for line in input.lines().filter(|line| pattern.is_match(line)) {
        let all: Vec<&str> = match separator {
            Some(separator) => line.split(separator).collect(),
            None => line.split_whitespace().collect(),
        };
        let mut said = Vec::new();
        for field in fields.split(',').map(str::trim) {
            said.push(match field {
                "" | "$0" => line,
                "$NF" => all.last().copied().unwrap_or(""),
                _ => {
                    let number = field.strip_prefix('$')?.parse::<usize>().ok()?;
                    all.get(number.checked_sub(1)?).copied().unwrap_or("")
                }
            });
        }
        out += &said.join(" ");
        out.push('\n');
    }
    Some(out)
}

/// `test`, and `[` with its `]`: whether it holds.
pub(super) fn test(arguments: &[&str]) -> Option<bool> {
    let arguments = arguments.strip_suffix(&["]"]).unwrap_or(arguments);
    let numbers = |left: &str, right: &str| Some((left.parse::<i64>().ok()?, right.parse::<i64>().ok()?));
    Some(match arguments {
        ["!", rest @ ..] => !test(rest)?,
        ["-n", text] => !text.is_empty(),
        ["-z", text] => text.is_empty(),
        ["-n"] | [] => false,
        ["-z"] => true,
        [text] => !text.is_empty(),
        [left, "=" | "==", right] => left == right,
        [left, "!=", right] => left != right,
        [left, sign, right] => {
            let (left, right) = numbers(left, right)?;
            match *sign {
                "-eq" => left == right,
                "-ne" => left != right,
                "-gt" => left > right,
                "-ge" => left >= right,
                "-lt" => left < right,
                "-le" => left <= right,
                _ => return None,
            }
        }
        _ => return None,
    })
}
