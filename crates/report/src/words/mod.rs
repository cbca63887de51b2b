//! The room of sentences: what the lens found, said to a person. One file per language.
//!
//! A sentence is made of a value and nothing else: its kind, its numbers and signs. What is *not* here: what to say of a
//! connection; `lens` decides that. Every language has every kind, or it does not compile.

mod en;

use lens::{Connection, Correction, Finding, FindingGroup, Notice};
use serde::{Deserialize, Serialize};

/// The language of sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Language {
    /// English, `en`.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Chinese in simplified characters, `zh`.
    #[serde(rename = "zh")]
    Chinese,
}

/// What happened, to whom, and what to do about it when there is something to do.
///
/// ```
/// use synfin_report::{lens, words};
/// let kept = lens::Kept::default();
/// for finding in &kept.findings {
///     println!("{}", words::finding(finding, words::Language::English));
/// }
/// ```
pub fn finding(finding: &Finding, language: Language) -> String {
    match language {
        Language::English | Language::Chinese => en::finding(finding),
    }
}

/// The same of findings of one kind and host together.
pub fn group(group: &FindingGroup, language: Language) -> String {
    match language {
        Language::English | Language::Chinese => en::group(group),
    }
}

/// What limited the transfer, a line for each direction that had one, the larger first; and how long the other end thought
/// and paused.
pub fn limits(connection: &Connection, language: Language) -> Vec<String> {
    match language {
        Language::English | Language::Chinese => en::limits(connection),
    }
}

/// What a later frame shows of an earlier one: `frame 17: now timeout, not tail-loss probe (frame 23 shows it)`.
pub fn correction(correction: &Correction, language: Language) -> String {
    match language {
        Language::English | Language::Chinese => en::correction(correction),
    }
}

/// What the lens could not do.
pub fn notice(notice: &Notice, language: Language) -> String {
    match language {
        Language::English | Language::Chinese => notice.to_string(),
    }
}

#[cfg(test)]
mod tests;
