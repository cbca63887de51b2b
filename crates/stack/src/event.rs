//! What a host tells the application.

use tcp::Error;

/// Something an application should know about one of its sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// A listener has a connection to accept, or a gate a flow to decide about.
    Acceptable,
    /// The connection is open: the SYN-ACK, the second step of the handshake, has arrived; or the third, if the
    /// application accepted it at a gate.
    Connected,
    /// There are bytes or datagrams to read.
    Readable,
    /// There is room to write again.
    Writable,
    /// The peer announced urgent data (RFC 6093).
    Urgent,
    /// The peer has no more data to send; reading ends after what is queued.
    PeerFinished,
    /// The peer has acknowledged our FIN, and with it everything that was written.
    Finished,
    /// What a connection sends is not acknowledged (RFC 9293 §3.8.3, R1); it continues to try.
    PathDoubted,
    /// The connection failed, or an ICMP error came for a datagram that was sent.
    Failed(Error),
    /// The connection is CLOSED; no event follows.
    Closed,
}

impl Event {
    /// The host's event for an event of a connection. `None` for the third step of a handshake, for which the
    /// listener has an event.
    pub(crate) fn of_connection(event: tcp::Event) -> Option<Event> {
        Some(match event {
            tcp::Event::Accepted => return None,
            tcp::Event::Connected => Event::Connected,
            tcp::Event::Readable => Event::Readable,
            tcp::Event::Writable => Event::Writable,
            tcp::Event::Urgent => Event::Urgent,
            tcp::Event::PeerFinished => Event::PeerFinished,
            tcp::Event::Finished => Event::Finished,
            tcp::Event::PathDoubted => Event::PathDoubted,
            tcp::Event::Failed(error) => Event::Failed(error),
            tcp::Event::Closed => Event::Closed,
            // Each event of a connection is above; a new one is told when it has a name here.
            _ => return None,
        })
    }
}
