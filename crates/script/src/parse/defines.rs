//! What a name stands for: `--define=NAME=value` of the script, `-D NAME=value` of the command line.
//!
//! A name may stand wherever a number, bytes, a value of a call, an ICMP code or a command may. What was
//! given before the script was read wins, as on packetdrill's command line. Names without a value are
//! there for `#ifdef`.

use crate::ast::OptionLine;

/// Names and what they stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct Defines {
    given: Vec<(String, String)>,
    own: Vec<(String, String)>,
}

impl Defines {
    /// What the caller defines.
    pub(super) fn new(given: &[(String, String)]) -> Self {
        Defines { given: given.to_vec(), own: Vec::new() }
    }

    /// Takes an option of the script in, if it defines something.
    pub(super) fn learn(&mut self, option: &OptionLine) {
        if option.name == "define"
            && let Some(text) = &option.value
        {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            self.own.push((name.trim().to_owned(), value.to_owned()));
        }
    }

    /// What a name stands for; empty if it was defined without a value.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let last = |list: &'_ [(String, String)]| list.iter().rposition(|(known, _)| known == name);
        let found = last(&self.given).map(|at| &self.given[at]);
        let found = found.or_else(|| last(&self.own).map(|at| &self.own[at]));
        found.map(|(_, value)| value.as_str())
    }
}
