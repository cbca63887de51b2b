//! Every language has every key, with the same places for numbers, in order.

use super::{LANGUAGES, Table, tables};
use report::words::Language;
use std::collections::{BTreeMap, BTreeSet};

fn all(language: Language) -> BTreeMap<&'static str, &'static str> {
    tables(language).iter().flat_map(|table| table.iter().copied()).collect()
}

/// The `{places}` of a text.
fn places(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

#[test]
fn every_language_has_every_key_and_place() {
    let english = all(Language::English);
    for language in LANGUAGES {
        let known = all(language);
        let lacks: Vec<_> = english.keys().filter(|key| !known.contains_key(*key)).collect();
        let has_alone: Vec<_> = known.keys().filter(|key| !english.contains_key(*key)).collect();
        assert!(
            lacks.is_empty() && has_alone.is_empty(),
            "{language:?} lacks {lacks:?}, alone has {has_alone:?}"
        );
        for (key, text) in &known {
            assert!(!text.trim().is_empty(), "{language:?} {key} is empty");
            assert_eq!(places(text), places(english[key]), "{language:?} {key}");
        }
    }
}

#[test]
fn tables_are_in_order_and_no_key_stands_twice() {
    for language in LANGUAGES {
        let mut seen = BTreeSet::new();
        for table in tables(language) {
            let table: Table = table;
            for pair in table.windows(2) {
                assert!(pair[0].0 < pair[1].0, "{language:?}: {} stands before {}", pair[0].0, pair[1].0);
            }
            for (key, _) in table {
                assert!(seen.insert(*key), "{language:?} {key}");
            }
        }
    }
}

#[test]
fn chinese_is_chinese_and_english_is_english() {
    let han = |text: &str| text.chars().any(|sign| ('\u{4e00}'..='\u{9fff}').contains(&sign));
    for (key, text) in all(Language::English) {
        // The name of the other language is written in it.
        assert!(!han(text) || key == "language.zh", "{key}: {text}");
    }
    // Names, signs and units are the same in both.
    let as_is = |text: &str| text.split_whitespace().count() <= 3;
    for (key, text) in all(Language::Chinese) {
        assert!(han(text) || as_is(text), "{key}: {text}");
        let halfwidth = text.chars().zip(text.chars().skip(1)).find(|(before, after)| {
            ('\u{4e00}'..='\u{9fff}').contains(before) && matches!(after, ',' | ';' | '?' | '!')
        });
        assert_eq!(halfwidth, None, "{key}: Chinese punctuation is full-width: {text}");
    }
}
