//! Regular expressions of `matches`: over bytes, without regard to case, as Wireshark's.
//!
//! They are matched in time linear in the text, whatever the expression: look-around and back-references
//! are refused. What an expression may take is bounded.

use regex::bytes::{Regex, RegexBuilder};

/// The memory of one compiled expression, in bytes: `[0-9a-f]{1,500}` takes some 100 kB.
const SIZE_BYTES_MAX: usize = 1 << 20;
/// How deep groups may nest.
const DEPTH_MAX: u32 = 64;

/// A regular expression that was understood.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Pattern {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub(super) fn new(source: &[u8]) -> Result<Pattern, String> {
        let source = match std::str::from_utf8(source) {
            Ok(text) => text.to_owned(),
            Err(_) => source.iter().map(|byte| readable(*byte)).collect(),
        };
        let built = RegexBuilder::new(&source)
            .case_insensitive(true)
            .unicode(false)
            .size_limit(SIZE_BYTES_MAX)
            .dfa_size_limit(SIZE_BYTES_MAX)
            .nest_limit(DEPTH_MAX)
            .build();
        built.map(Pattern).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "this regular expression is too large".to_owned(),
            other => {
                // the last line says what, those before it show where
                let text = other.to_string();
                let what = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                format!("this is no regular expression that can be used: {what}")
            }
        })
    }

    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }
}

/// A byte as an expression writes it.
fn readable(byte: u8) -> String {
    if byte.is_ascii() { char::from(byte).to_string() } else { format!("\\x{byte:02x}") }
}
