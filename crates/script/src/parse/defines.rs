//! Defined names: `--define=NAME=value` of the script, `-D NAME=value` of the command line.
//!
//! A name may replace a number, bytes, a value of a call, an ICMP code or a command. Definitions of the
//! caller take precedence over those of the script, as in packetdrill. Names without a value are for
//! `#ifdef`.

use crate::ast::OptionLine;

/// Names and their values.
#[derive(Clone, Debug, Default)]
pub(super) struct Defines {
    given: Vec<(String, String)>,
    own: Vec<(String, String)>,
}

impl Defines {
    /// Starts with the definitions of the caller.
    pub(super) fn new(given: &[(String, String)]) -> Self {
        Defines { given: given.to_vec(), own: Vec::new() }
    }

    /// Learns from an option of the script, if it defines a name.
    pub(super) fn learn(&mut self, option: &OptionLine) {
        if option.name == "define"
            && let Some(text) = &option.value
        {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            self.own.push((name.trim().to_owned(), value.to_owned()));
        }
    }

    /// The value of a name; empty if it was defined without one.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let last = |list: &'_ [(String, String)]| list.iter().rposition(|(known, _)| known == name);
        let found = last(&self.given).map(|at| &self.given[at]);
        let found = found.or_else(|| last(&self.own).map(|at| &self.own[at]));
        found.map(|(_, value)| value.as_str())
    }
}
