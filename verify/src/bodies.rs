//! What the fuzz targets do with their bytes, callable from anywhere.
//!
//! libFuzzer needs a nightly compiler; the bodies do not. `fuzz/` calls them from its targets, and the smoke run
//! in `tests/bodies.rs` feeds them the committed seeds and bytes of its own, in every `cargo test`. A body panics when
//! something is wrong, and only then.

mod connection;
mod feed;
mod host;
mod parsers;
mod segmentation;

/// A body: it panics when something is wrong.
pub type Body = fn(&[u8]);

/// Each body with the name of its target, of which `fuzz/seeds/<name>/` holds seeds.
pub const BODIES: &[(&str, Body)] = &[
    ("wire_tcp", parsers::wire_tcp),
    ("wire_ip", parsers::wire_ip),
    ("wire_icmp", parsers::wire_icmp),
    ("wire_link", parsers::wire_link),
    ("segmentation", segmentation::segmentation),
    ("capture_file", parsers::capture_file),
    ("decode_packet", parsers::decode_packet),
    ("script_text", parsers::script_text),
    ("connection", connection::connection),
    ("host", host::host),
];

/// The body of this name.
///
/// # Panics
/// If there is none.
pub fn body(name: &str) -> Body {
    let found = BODIES.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("there is no fuzz body called {name}")).1
}
