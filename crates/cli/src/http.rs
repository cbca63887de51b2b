//! HTTP/1.1 on the wire, for both ends (RFC 9112): heads, bodies, ranges.
//!
//! `httparse` parses the heads; the framing and its bounds are here. What is *not* here: files, sockets,
//! the meaning of a request.

pub(crate) mod authority;
pub(crate) mod body;
pub(crate) mod head;
pub(crate) mod media_type;
pub(crate) mod range;

/// Who we are, in `Server` and `User-Agent`.
pub(crate) const PRODUCT: &str = concat!("synfin/", env!("CARGO_PKG_VERSION"));
