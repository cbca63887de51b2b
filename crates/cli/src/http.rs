//! HTTP/1.1 on the wire, for both ends (RFC 9112): heads, bodies, ranges.
//!
//! `httparse` reads the heads; what is here is the framing around it and its bounds. What is *not*
//! here: files, sockets, what a request means.

pub(crate) mod body;
pub(crate) mod head;
pub(crate) mod media_type;
pub(crate) mod range;

/// Who we are, in `Server` and `User-Agent`.
pub(crate) const PRODUCT: &str = concat!("synfin/", env!("CARGO_PKG_VERSION"));
