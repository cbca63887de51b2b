//! Commands that ask for the host's sockets: `sockstat -s | grep -q ESTABLISHED`, `ss -tan`, `tcpdrop`.
//!
//! They never reach a shell. What they would print is made from the host's own list, and the few words of the
//! shell that look into it (`grep`, `awk '{print $5}'`, `wc -l`, `[ ... ]`, `$(...)`, `&&`, `||`) are done here.
//! Whether the command would have succeeded decides; anything else is named, and the script skipped.

mod listing;
mod text;

use super::host::{Ends, Host};
use posix::Errno;
use stack::Listed;
use std::net::SocketAddr;
use tcp::Habits;

/// The programs that are about sockets.
const PROGRAMS: [&str; 4] = ["sockstat", "ss", "netstat", "tcpdrop"];

/// How deep `$(...)` may nest.
const DEPTH_MAX: usize = 4;

/// The host's side of an inquiry.
pub(crate) trait Sockets {
    /// Every TCP socket; `None` if the host does not tell.
    fn listed(&mut self) -> Option<Vec<Listed>>;

    /// Ends the connection between these ends; says whether there was one.
    ///
    /// # Errors
    /// The host does not do that.
    fn drop_connection(&mut self, local: SocketAddr, remote: SocketAddr) -> Result<bool, Errno>;
}

impl Sockets for Box<dyn Host> {
    fn listed(&mut self) -> Option<Vec<Listed>> {
        self.as_mut().listed()
    }

    fn drop_connection(&mut self, local: SocketAddr, remote: SocketAddr) -> Result<bool, Errno> {
        self.as_mut().drop_connection(Ends { local, remote })
    }
}

/// Whether a command is an inquiry.
pub(crate) fn is_inquiry(command: &str) -> bool {
    let words = command.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '|' | ';' | '&' | '"'));
    words.into_iter().any(|word| PROGRAMS.contains(&word.rsplit('/').next().unwrap_or(word)))
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    /// What it printed.
    pub(crate) text: String,
    /// Its status was zero.
    pub(crate) succeeded: bool,
}

impl Answered {
    fn of(text: String, succeeded: bool) -> Answered {
        Answered { text, succeeded }
    }
}

/// Answers an inquiry.
///
/// # Errors
/// What it needs and we do not have.
pub(crate) fn answer(command: &str, sockets: &mut dyn Sockets, habits: Habits) -> Result<Answered, String> {
    Shell { sockets, habits, command }.run(command, 0)
}

/// One token of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `|`
    Pipe,
    And,
    Or,
    /// `;` and the end of a line.
    Then,
}

struct Shell<'a> {
    sockets: &'a mut dyn Sockets,
    habits: Habits,
    command: &'a str,
}

impl Shell<'_> {
    fn unmet<T>(&self) -> Result<T, String> {
        Err(format!("the command `{}`", self.command))
    }

    /// Pipelines one after the other, as `&&`, `||` and `;` say.
    fn run(&mut self, source: &str, depth: usize) -> Result<Answered, String> {
        let tokens = self.tokens(source, depth)?;
        let mut last = Answered::of(String::new(), true);
        let (mut printed, mut rest, mut joint) = (String::new(), tokens.as_slice(), Token::Then);
        while !rest.is_empty() {
            let ends = |token: &Token| matches!(token, Token::And | Token::Or | Token::Then);
            let end = rest.iter().position(ends).unwrap_or(rest.len());
            let goes = match joint {
                Token::And => last.succeeded,
                Token::Or => !last.succeeded,
                _ => true,
            };
            if goes && end > 0 {
                last = self.pipeline(&rest[..end])?;
                printed.push_str(&last.text);
            }
            joint = rest.get(end).cloned().unwrap_or(Token::Then);
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        Ok(Answered::of(printed, last.succeeded))
    }

    fn pipeline(&mut self, tokens: &[Token]) -> Result<Answered, String> {
        let mut passed = Answered::of(String::new(), true);
        let mut negated = false;
        for (stage, words) in tokens.split(|token| *token == Token::Pipe).enumerate() {
            let words = words.iter().filter_map(|token| match token {
                Token::Word(word) => Some(word.as_str()),
                _ => None,
            });
            let mut words: Vec<&str> = words.collect();
            if stage == 0 && words.first() == Some(&"!") {
                negated = true;
                words.remove(0);
            }
            passed = self.program(&words, &passed.text)?;
        }
        passed.succeeded ^= negated;
        Ok(passed)
    }

    fn program(&mut self, words: &[&str], input: &str) -> Result<Answered, String> {
        let Some((program, arguments)) = words.split_first() else { return self.unmet() };
        let name = program.rsplit('/').next().unwrap_or(program);
        let done = |succeeded| Ok(Answered::of(String::new(), succeeded));
        match name {
            "sudo" => self.program(arguments, input),
            "true" | ":" | "sleep" => done(true),
            "false" => done(false),
            "exit" => done(arguments.first().is_none_or(|code| *code == "0")),
            "echo" => Ok(Answered::of(arguments.join(" ") + "\n", true)),
            "[" | "test" => match text::test(arguments) {
                Some(holds) => done(holds),
                None => self.unmet(),
            },
            "tcpdrop" => self.drop_connections(arguments),
            "sockstat" | "ss" | "netstat" => {
                let Some(listed) = self.sockets.listed() else { return self.unmet() };
                let printed = match name {
                    "sockstat" => listing::sockstat(&listed, arguments, self.habits),
                    "ss" => listing::ss(&listed, arguments),
                    _ => listing::netstat(&listed, arguments, self.habits),
                };
                match printed {
                    Some(text) => Ok(Answered::of(text, true)),
                    None => self.unmet(),
                }
            }
            _ => match text::filter(name, arguments, input) {
                Some(answered) => Ok(answered),
                None => self.unmet(),
            },
        }
    }

    /// `tcpdrop local port foreign port`, `tcpdrop local:port foreign:port`, `tcpdrop -a [-s STATE]`.
    fn drop_connections(&mut self, arguments: &[&str]) -> Result<Answered, String> {
        let Some(listed) = self.sockets.listed() else { return self.unmet() };
        let ends = match arguments {
            ["-a"] => listed.iter().filter_map(|line| Some((line.local, line.remote?))).collect(),
            ["-a", "-s", state] => {
                let lines = listed.iter().filter(|line| listing::state_of_freebsd(line.state) == *state);
                lines.filter_map(|line| Some((line.local, line.remote?))).collect()
            }
            [local, foreign] => match (end(local), end(foreign)) {
                (Some(local), Some(foreign)) => vec![(local, foreign)],
                _ => return self.unmet(),
            },
            [local, local_port, foreign, foreign_port] => {
                let end = |ip: &str, port: &str| Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?));
                match (end(local, local_port), end(foreign, foreign_port)) {
                    (Some(local), Some(foreign)) => vec![(local, foreign)],
                    _ => return self.unmet(),
                }
            }
            _ => return self.unmet(),
        };
        let mut answered = Answered::of(String::new(), true);
        for (local, foreign) in ends {
            match self.sockets.drop_connection(local, foreign) {
                Ok(true) => answered.text += &format!("{local} {foreign}: dropped\n"),
                Ok(false) => answered.succeeded = false,
                Err(_) => return self.unmet(),
            }
        }
        Ok(answered)
    }

    fn tokens(&mut self, source: &str, depth: usize) -> Result<Vec<Token>, String> {
        let (mut tokens, mut word, mut begun) = (Vec::new(), String::new(), false);
        let (mut rest, mut quote) = (source, None);
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            if quote != Some('\'') && rest.starts_with("$(") {
                let Some(end) = closing(rest) else { return self.unmet() };
                if depth >= DEPTH_MAX {
                    return self.unmet();
                }
                let inner = self.run(&rest[2..end], depth + 1)?.text;
                let inner = inner.trim_end_matches('\n');
                if quote.is_some() {
                    word.push_str(inner);
                } else {
                    let mut pieces = inner.split_whitespace();
                    word.push_str(pieces.next().unwrap_or(""));
                    for piece in pieces {
                        tokens.push(Token::Word(std::mem::replace(&mut word, piece.to_owned())));
                    }
                }
                begun |= !word.is_empty() || quote.is_some();
                rest = &rest[end + 1..];
                continue;
            }
            rest = after;
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (Some('"') | None, '\\') => {
                    word.extend(rest.chars().next());
                    begun = true;
                    rest = rest.get(rest.chars().next().map_or(0, char::len_utf8)..).unwrap_or("");
                }
                (Some(_), c) => word.push(c),
                (None, '"' | '\'') => (quote, begun) = (Some(c), true),
                (None, '$') => return self.unmet(),
                (None, '>' | '<') => {
                    // A redirection: where it goes is nobody's business. `2` belongs to it.
                    if word.bytes().all(|byte| byte.is_ascii_digit()) {
                        word.clear();
                        begun = false;
                    }
                    let target = rest.trim_start_matches(['>', '&', ' ']);
                    let len = target.find(|c: char| c.is_whitespace() || ";|&".contains(c));
                    rest = &target[len.unwrap_or(target.len())..];
                }
                (None, '|' | '&' | ';' | '\n') | (None, ' ' | '\t' | '\r') => {
                    if begun || !word.is_empty() {
                        tokens.push(Token::Word(std::mem::take(&mut word)));
                        begun = false;
                    }
                    let double = rest.starts_with(c);
                    let token = match c {
                        '|' if double => Some(Token::Or),
                        '|' => Some(Token::Pipe),
                        '&' if double => Some(Token::And),
                        '&' => return self.unmet(),
                        ';' | '\n' => Some(Token::Then),
                        _ => None,
                    };
                    rest = if double && matches!(c, '|' | '&') { &rest[1..] } else { rest };
                    tokens.extend(token);
                }
                (None, c) => word.push(c),
            }
        }
        if quote.is_some() {
            return self.unmet();
        }
        if begun || !word.is_empty() {
            tokens.push(Token::Word(word));
        }
        Ok(tokens)
    }
}

/// `192.0.2.1:80`, `[2001:db8::1]:80`, or with a dot before the port, as FreeBSD writes it.
fn end(text: &str) -> Option<SocketAddr> {
    let dotted = || {
        let (ip, port) = text.rsplit_once('.')?;
        Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
    };
    text.parse().ok().or_else(dotted)
}

/// Where the `)` of the `$(` at the start is.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '(' => depth += 1,
            ')' if depth <= 1 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
