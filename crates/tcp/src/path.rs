//! What ICMP says about our packets (RFC 9293 §3.9.2.2, RFC 5927, RFC 1191, RFC 8201).
//!
//! Anyone can forge ICMP, so only a message that quotes a sequence number in flight is heard
//! (RFC 5927 §4), and an established connection is never killed by one (§5.2).

use crate::Instant;
use crate::connection::Connection;
use crate::segment::{Path, PathEvent};
use crate::state::{Cause, State};
use crate::trace::Trace;
use wire::Seq;

/// No path of IPv4 is believed to be smaller than this: RFC 791's 68 bytes would let a forged message turn a
/// stream into crumbs (RFC 5927 §7.3).
const IPV4_MTU_BYTES_MIN: u32 = 296;
/// Every link of IPv6 carries this (RFC 8200 §5; RFC 8201 §4: never believe less).
const IPV6_MTU_BYTES_MIN: u32 = 1_280;

impl Connection {
    /// The host got an ICMP error that quotes a packet of this connection.
    pub fn handle_path(&mut self, now: Instant, event: PathEvent) {
        let (PathEvent::HardError { seq, .. }
        | PathEvent::SoftError { seq, .. }
        | PathEvent::PacketTooBig { seq, .. }) = event;
        if self.state() == State::Closed || !self.is_in_flight(seq) {
            return;
        }
        let habits = self.config.habits;
        let believed = match self.state() {
            State::SynSent => self.config.icmp_ends_opening,
            // Whose text was taken has a connection, and none is ended by ICMP.
            State::SynReceived => {
                !self.handshake.is_early && !(self.handshake.is_passive && habits.half_open_survives_icmp())
            }
            _ => false,
        };
        match event {
            PathEvent::HardError { error, .. } if believed => self.fail(now, Cause::HardError, error),
            PathEvent::SoftError { error, .. } if believed && habits.soft_error_ends_opening(error) => {
                self.fail(now, Cause::HardError, error);
            }
            PathEvent::HardError { error, .. } | PathEvent::SoftError { error, .. } => {
                self.soft_error = Some(error);
            }
            PathEvent::PacketTooBig { mtu_bytes, .. } => self.on_packet_too_big(now, mtu_bytes),
        }
    }

    fn is_in_flight(&self, seq: Seq) -> bool {
        seq.at_or_after(self.sender.una) && seq.before(self.sender.nxt)
    }

    fn on_packet_too_big(&mut self, now: Instant, mtu_bytes: u32) {
        if mtu_bytes >= self.path().mtu_bytes {
            return;
        }
        self.set_path(Path { mtu_bytes, ..self.path() });
        if !self.syn_unacked() {
            let (sender, mut lent) = self.sending(now);
            sender.on_smaller_path(&mut lent);
        }
    }

    /// The host knows better about the path; never below 296 bytes, or 1,280 for IPv6.
    pub fn set_path(&mut self, path: Path) {
        let least = if path.ip_header_bytes < 40 { IPV4_MTU_BYTES_MIN } else { IPV6_MTU_BYTES_MIN };
        self.keep_path(Path { mtu_bytes: path.mtu_bytes.max(least), ..path });
        self.measure();
        let mtu_bytes = u16::try_from(self.path().mtu_bytes).unwrap_or(u16::MAX);
        self.trace(|| Trace::PathMtu { mtu_bytes });
    }

    /// The last soft error that ICMP reported, if any (RFC 9293 §3.9.2.2, MUST-56).
    pub fn soft_error(&self) -> Option<crate::Error> {
        self.soft_error
    }
}
