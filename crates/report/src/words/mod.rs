//! The room of sentences: what the lens found, said to a person. One file per language.
//!
//! A sentence is made of a value and nothing else: its kind, its numbers and signs. What is *not* here: what to say of a
//! connection; `lens` decides that. Every language has every kind, or it does not compile.

mod en;

use lens::capture::Damage;
use lens::{Connection, Contents, Correction, Finding, FindingGroup, Notice, TimeOrder};
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

/// What the packets are that are not explained, one sentence for each fact, as far as there is something to say. That
/// nothing is TCP is said by [`instead_of_tcp`].
pub fn left_out(contents: &Contents, language: Language) -> Vec<String> {
    match language {
        Language::English | Language::Chinese => en::left_out(contents),
    }
}

/// What is in a capture that has no TCP connection.
pub fn instead_of_tcp(contents: &Contents, language: Language) -> String {
    match language {
        Language::English | Language::Chinese => en::instead_of_tcp(contents),
    }
}

/// How many segments the file has too late; nothing where it has none.
pub fn moved(order: &TimeOrder, language: Language) -> Option<String> {
    match language {
        Language::English | Language::Chinese => en::moved(order),
    }
}

/// Where the file is damaged or cut short.
pub fn damage(damage: &Damage, language: Language) -> String {
    match language {
        Language::English | Language::Chinese => en::damage(damage),
    }
}

#[cfg(test)]
mod tests;
