//! Byte ranges, one at a time (RFC 9110 §14).

/// What a `Range` field asks of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it: there is no range, or one that may be ignored (several, another unit, nonsense).
    Whole,
    /// From the first to the last byte, both included.
    Part {
        /// The first byte's place.
        first: u64,
        /// The last byte's place.
        last: u64,
    },
    /// Nothing that the file has.
    Unsatisfiable,
}

/// What `field` asks of a file of `len_bytes`.
pub(crate) fn asked(field: Option<&str>, len_bytes: u64) -> Asked {
    let Some((first, last)) = field.and_then(single) else { return Asked::Whole };
    match (first, last) {
        (None, None) => Asked::Whole,
        (None, Some(0)) => Asked::Unsatisfiable,
        (None, Some(_)) if len_bytes == 0 => Asked::Unsatisfiable,
        (None, Some(suffix)) => Asked::Part { first: len_bytes.saturating_sub(suffix), last: len_bytes - 1 },
        (Some(first), Some(last)) if last < first => Asked::Whole,
        (Some(first), _) if first >= len_bytes => Asked::Unsatisfiable,
        (Some(first), last) => Asked::Part { first, last: last.unwrap_or(u64::MAX).min(len_bytes - 1) },
    }
}

/// Both ends of the one range, if it is one range of bytes.
fn single(field: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, set) = field.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    Some((number(first)?, number(last)?))
}

/// A number, or nothing where nothing is written; `None` for anything else.
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit mean "beyond the end".
    is_number.then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

/// The part that a server sends: the first byte, the last, and the whole length if the server knows it
/// (`bytes 5-9/10`).
pub(crate) fn content_range(field: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, whole) = field.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let whole = if whole == "*" { None } else { Some(whole.parse().ok()?) };
    Some((first.parse().ok()?, last.parse().ok()?, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_cut_to_the_file() {
        let part = |first, last| Asked::Part { first, last };
        for (field, expected) in [
            ("bytes=0-0", part(0, 0)),
            ("bytes=2-5", part(2, 5)),
            ("bytes=2-", part(2, 9)),
            ("bytes=2-999999999999999999999999", part(2, 9)),
            ("bytes=-3", part(7, 9)),
            ("bytes=-30", part(0, 9)),
            ("Bytes=9-", part(9, 9)),
            ("bytes=10-", Asked::Unsatisfiable),
            ("bytes=99999999999999999999-", Asked::Unsatisfiable),
            ("bytes=-0", Asked::Unsatisfiable),
            ("bytes=5-2", Asked::Whole),
            ("bytes=1-2,5-6", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("lines=1-2", Asked::Whole),
            ("bytes", Asked::Whole),
        ] {
            assert_eq!(asked(Some(field), 10), expected, "{field}");
        }
        assert_eq!(asked(None, 10), Asked::Whole);
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Unsatisfiable);
        assert_eq!(asked(Some("bytes=-1"), 0), Asked::Unsatisfiable);
    }

    #[test]
    fn what_a_server_sends_is_understood() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, 9, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, 9, None)));
        assert_eq!(content_range("bytes */10"), None);
    }
}
