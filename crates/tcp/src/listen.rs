//! A segment arrives in LISTEN (RFC 9293 §3.10.7.2).
//!
//! A listener is not a connection: it keeps no sequence numbers, so three questions decide. The host
//! owns the listeners; this is the rule they follow.

use crate::{Habits, Refusal};
use wire::tcp::{Flags, Header};

/// What to do with a segment for a listener.
///
/// RFC 9293 has no fourth answer: a host has to act on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Nothing.
    Ignore(Refusal),
    /// Answer with this reset; the ports are left for the host to fill in.
    Reset(Header),
    /// A SYN: [`crate::Connection::answer`] it.
    Open,
}

/// Decides about a segment that arrived for a listener.
///
/// ```
/// use synfin_tcp::listen::{arrives, Arrival};
/// use synfin_tcp::Habits;
/// use wire::tcp::{Flags, Header};
/// assert_eq!(arrives(&Header { flags: Flags::SYN, ..Header::default() }, Habits::Rfc), Arrival::Open);
/// ```
pub fn arrives(header: &Header, habits: Habits) -> Arrival {
    if header.flags.rst() {
        // First: it cannot answer anything this end has sent.
        Arrival::Ignore(Refusal::UnprovenReset)
    } else if header.flags.ack() && header.flags.syn() && habits.listener_ignores_syn_ack() {
        Arrival::Ignore(Refusal::AckOfUnsent)
    } else if header.flags.ack() {
        // Second: any acknowledgment is bad here; the reset tells a half-open peer (§3.5.2).
        Arrival::Reset(Header { seq: header.ack, flags: Flags::RST, ..Header::default() })
    } else if !header.flags.syn() {
        // Fourth: should not be reached.
        Arrival::Ignore(Refusal::NoSyn)
    } else if header.flags.fin() {
        // A departure: the RFC answers the SYN and queues the FIN for later, as FreeBSD does unless told otherwise. Linux
        // drops it, and so do firewalls, because only scanners send it: nobody opens in order to say nothing.
        // `Config::syn_fin_opens` answers it.
        Arrival::Ignore(Refusal::UnexpectedSyn)
    } else {
        Arrival::Open
    }
}
