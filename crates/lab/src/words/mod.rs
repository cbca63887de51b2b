//! The words of the laboratory: what its lessons, its notes and the page's surface say, in every language.
//!
//! A text has a key, and each language a table a theme: `(key, text)`, one line a key, in the order of the keys. A test
//! fails when a language lacks a key that another has, or a place for a number: `{n}`. What is *not* here: the words
//! of reasons, refusals and findings; they are `report`'s.

mod en;
mod zh;

#[cfg(test)]
mod tests;

use report::words::Language;
use std::collections::BTreeMap;

/// Keys and texts, in the order of the keys.
type Table = &'static [(&'static str, &'static str)];

/// Every language of the laboratory.
pub const LANGUAGES: [Language; 2] = [Language::English, Language::Chinese];

fn tables(language: Language) -> &'static [Table] {
    match language {
        Language::Chinese => &zh::TABLES,
        _ => &en::TABLES,
    }
}

/// The text of a key, if there is one.
pub(crate) fn find(language: Language, key: &str) -> Option<&'static str> {
    tables(language).iter().find_map(|table| {
        let place = table.binary_search_by(|(known, _)| (*known).cmp(key)).ok()?;
        Some(table[place].1)
    })
}

/// The text of a key.
///
/// # Panics
/// In tests, if there is none; elsewhere the key stands for it.
pub(crate) fn text(language: Language, key: &str) -> &'static str {
    let found = find(language, key);
    debug_assert!(found.is_some(), "{key}");
    found.unwrap_or_default()
}

/// The texts `{key}/1`, `{key}/2`, ... as far as there are any.
pub(crate) fn list(language: Language, key: &str) -> Vec<&'static str> {
    (1..).map_while(|number| find(language, &format!("{key}/{number}"))).collect()
}

/// A text with its places filled: `{n}` by the value of `n`.
pub(crate) fn filled(language: Language, key: &str, values: &[(&str, &str)]) -> String {
    let mut text = text(language, key).to_owned();
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

/// The words of the page's surface: buttons, labels, headings.
pub(crate) fn surface(language: Language) -> BTreeMap<&'static str, &'static str> {
    match language {
        Language::Chinese => zh::SURFACE,
        _ => en::SURFACE,
    }
    .iter()
    .copied()
    .collect()
}
