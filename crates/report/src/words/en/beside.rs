//! What `synfin demo` and `synfin explain` say beside their results.

use std::fmt::Display;
use std::io;

pub(in crate::words) fn wrote(file: impl Display) -> String {
    format!("wrote {file}")
}

pub(in crate::words) fn capturing(interface: &str) -> String {
    format!("capturing on {interface}; Ctrl-C ends it")
}

pub(in crate::words) fn only_own_frames(error: &io::Error) -> String {
    format!("only frames to and from this machine are seen: {error}")
}

pub(in crate::words) fn capture_ended(interface: &str, error: &io::Error) -> String {
    format!("the capture on {interface} ended: {error}")
}

pub(in crate::words) fn dropped(dropped: impl Display, of: impl Display) -> String {
    format!("{dropped} of {of} frames came too fast and were not seen")
}

pub(in crate::words) fn completeness_so_far() -> &'static str {
    "tcp.completeness is that of the connection so far, because this capture cannot be read twice"
}

pub(in crate::words) fn no_stream(stream: u32, count: u64) -> String {
    format!("there is no stream {stream}: this capture has {count}, counted from 0")
}
