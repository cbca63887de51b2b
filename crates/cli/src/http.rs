//! What both ends of HTTP share (RFC 9110): fields as text, hosts, ranges, media types.
//!
//! Messages on the wire are hyper's. What is *not* here: files, sockets, the meaning of a request.

pub(crate) mod authority;
pub(crate) mod media_type;
pub(crate) mod range;

use http::header::{AsHeaderName, HeaderMap, HeaderValue};
use std::borrow::Cow;

/// Who we are, in `Server` and `User-Agent`.
pub(crate) const PRODUCT: &str = concat!("synfin/", env!("CARGO_PKG_VERSION"));
/// The longest head, in bytes: four times what common servers allow for one line.
pub(crate) const HEAD_BYTES_MAX: usize = 32 << 10;

/// A field's value as text. Bytes that are no UTF-8 are replaced and never left out: a condition in them is still a
/// condition, which does not hold.
pub(crate) fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

/// The first field of this name.
pub(crate) fn first(fields: &HeaderMap, name: impl AsHeaderName) -> Option<Cow<'_, str>> {
    fields.get(name).map(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_no_text_is_still_there() {
        let mut fields = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"\"\xff\"").expect("opaque bytes are allowed");
        fields.insert(http::header::IF_MATCH, value);
        assert_eq!(first(&fields, "if-match").as_deref(), Some("\"\u{fffd}\""));
        assert_eq!(first(&fields, "if-none-match"), None);
    }
}
