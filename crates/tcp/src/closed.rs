//! A segment arrives where there is no connection (RFC 9293 §3.10.7.1).

use crate::segment::sequence_length;
use wire::Seq;
use wire::tcp::{Flags, Header};

/// The reset that answers a segment for which there is no connection; `None` for a reset.
///
/// Its numbers are chosen so that the sender of the segment will accept it. The ports are left for
/// the host to fill in.
///
/// ```
/// use wire::{Seq, tcp::{Flags, Header}};
/// let syn = Header { seq: Seq::new(100), flags: Flags::SYN, ..Header::default() };
/// let reset = synfin_tcp::closed::arrives(&syn, 0).expect("a SYN to a closed port is answered");
/// assert_eq!((reset.seq, reset.ack, reset.flags), (Seq::new(0), Seq::new(101), Flags::RST | Flags::ACK));
/// ```
pub fn arrives(header: &Header, text_bytes: u32) -> Option<Header> {
    if header.flags.rst() {
        return None;
    }
    Some(if header.flags.ack() {
        Header { seq: header.ack, flags: Flags::RST, ..Header::default() }
    } else {
        Header {
            seq: Seq::new(0),
            ack: header.seq + sequence_length(header, text_bytes),
            flags: Flags::RST | Flags::ACK,
            ..Header::default()
        }
    })
}
