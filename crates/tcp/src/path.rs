//! What ICMP and silence say about our packets (RFC 9293 §3.9.2.2, RFC 5927, RFC 1191, RFC 8201, RFC 4821 §7.7).
//!
//! Anyone can forge ICMP, so only a message that quotes a sequence number in flight is heard (RFC 5927 §4), and an
//! established connection is never killed by one (§5.2). One that says "too big" of a size that has arrived before waits
//! for a timeout, which does not come while there is progress (§7.2). RFC 5927's maxsizesent is the segment that is
//! quoted, which the scoreboard knows. Where nobody says anything, timeouts of large segments do.
//!
//! What is *not* here: the search for a larger size, which is `sender/path_search.rs`'s.

use crate::connection::Connection;
use crate::segment::{Path, PathEvent};
use crate::sender::PathSearch;
use crate::sizes::{initial_window, standing_options_bytes};
use crate::state::{Cause, State};
use crate::trace::{LossSign, Trace};
use crate::{Instant, MtuProbing};
use alloc::sync::Arc;
use wire::Seq;

/// No path of IPv4 is believed to be smaller than this: RFC 791's 68 bytes would let a forged message turn a
/// stream into crumbs (RFC 5927 §7.3).
const IPV4_MTU_BYTES_MIN: u32 = 296;
/// Every link of IPv6 carries this (RFC 8200 §5; RFC 8201 §4: never believe less).
const IPV6_MTU_BYTES_MIN: u32 = 1_280;
/// What nobody has claimed, but silence suggests, may be as small as RFC 791 permits (RFC 4821 §7.7).
const IPV4_MTU_BYTES_LEAST: u32 = 68;
/// RFC 9293 §3.1: Data Offset has four bits.
const TCP_HEADER_BYTES_MAX: u32 = 60;
/// R1 where the host does not want to hear of it (RFC 9293 §3.8.3, SHLD-10).
const TIMEOUTS_UNTIL_DOUBT: u8 = 3;
/// Timeouts after which a size that has never arrived is in doubt.
const TIMEOUTS_OF_NEW_SIZE: u8 = 2;

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
                let survives = self.handshake.is_passive() && habits.half_open_survives_icmp();
                !(self.handshake.is_early() || survives)
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
            PathEvent::PacketTooBig { mtu_bytes, seq } => self.on_packet_too_big(now, mtu_bytes, seq),
        }
    }

    fn is_in_flight(&self, seq: Seq) -> bool {
        seq.at_or_after(self.sender.una) && seq.before(self.sender.nxt)
    }

    /// A router says that a segment does not fit (RFC 5927 §7.2; RFC 8899 §4.6).
    fn on_packet_too_big(&mut self, now: Instant, claimed_bytes: u32, seq: Seq) {
        // What was sent has more than this of headers at most: who claims that it would have fitted did not see it.
        let Some(text_bytes) = self.sender.segment_in_flight(seq) else { return };
        let mtu_bytes = claimed_bytes.max(self.least_mtu_bytes());
        let would_have_fitted =
            mtu_bytes >= text_bytes + u32::from(self.path().ip_header_bytes) + TCP_HEADER_BYTES_MAX;
        if would_have_fitted && !self.config.habits.too_big_is_believed_at_once() {
            return;
        }
        let (sender, mut lent) = self.sending(now);
        if sender.is_probe_too_big(seq, mtu_bytes, &mut lent) || mtu_bytes >= self.path().mtu_bytes {
            return;
        }
        let is_update = self.header_bytes() + u32::from(self.sender.segment_bytes_acked) > mtu_bytes;
        if is_update && !self.config.habits.too_big_is_believed_at_once() {
            // Larger ones have arrived: only if this one does not, the message tells the truth.
            self.path_search(now).keep_claim(seq, mtu_bytes);
            return;
        }
        self.lower_path(now, mtu_bytes);
    }

    /// The path is smaller than believed, says a router that is believed.
    fn lower_path(&mut self, now: Instant, mtu_bytes: u32) {
        if self.config.mtu_probing != MtuProbing::Off || self.sender.known_path_search().is_some() {
            let config = Arc::clone(&self.config);
            self.path_search(now).lower(now, mtu_bytes, &config);
        }
        self.shrink_path(now, mtu_bytes, LossSign::PathMtu);
    }

    /// Sends smaller packets from here on; what was larger, and is in flight, counts as lost by `sign`.
    fn shrink_path(&mut self, now: Instant, mtu_bytes: u32, sign: LossSign) {
        self.use_path(Path { mtu_bytes, ..self.path() });
        let (sender, mut lent) = self.sending(now);
        // RFC 5927 §7.2: maxsizeacked.
        sender.segment_bytes_acked =
            sender.segment_bytes_acked.min(u16::try_from(lent.mss).unwrap_or(u16::MAX));
        sender.on_smaller_path(sign, &mut lent);
    }

    fn use_path(&mut self, path: Path) {
        self.keep_path(path);
        if self.state().is_synchronized() {
            self.sizes.measure_sending(path, &self.config);
        } else {
            self.measure();
        }
        let mtu_bytes = u16::try_from(path.mtu_bytes).unwrap_or(u16::MAX);
        self.trace(|| Trace::PathMtu { mtu_bytes });
    }

    /// The host knows better about the path; never below 296 bytes, or 1,280 for IPv6. An MTU that has become larger
    /// is searched for by probes, unless these are off.
    pub fn set_path(&mut self, now: Instant, path: Path) {
        let path = Path { mtu_bytes: path.mtu_bytes.max(self.least_mtu_bytes()), ..path };
        let is_searched = self.config.mtu_probing != MtuProbing::Off && self.state().is_synchronized();
        if path.mtu_bytes > self.path().mtu_bytes && is_searched {
            let largest = self.largest_packet_bytes_on_any_path();
            self.path_search(now).raise_ceiling(path.mtu_bytes.min(largest));
        } else {
            self.use_path(path);
        }
    }

    /// The retransmission timer ran out for data. If a router has said why, it is believed now (RFC 5927 §7.2,
    /// MAXSEGRTO = 1); else, when it has run out often enough, large packets seem to vanish (RFC 4821 §7.7).
    pub(crate) fn doubt_path_mtu(&mut self, now: Instant) {
        if self.syn_unacked() {
            return;
        }
        if let Some(mtu_bytes) = self.sender.known_path_search().and_then(PathSearch::take_claim) {
            if mtu_bytes < self.path().mtu_bytes {
                self.lower_path(now, mtu_bytes);
            }
            return;
        }
        if self.config.mtu_probing == MtuProbing::Off
            || self.sender.wnd == 0
            || !self.suspects_black_hole(now)
        {
            return;
        }
        let mtu_bytes = self.size_below();
        let first_bytes = self.sender.segment_in_flight(self.sender.una).unwrap_or(0);
        if first_bytes + self.header_bytes() <= mtu_bytes {
            return;
        }
        self.trace(|| Trace::BlackHole { mtu_bytes });
        let config = Arc::clone(&self.config);
        self.path_search(now).suspect_black_hole(mtu_bytes, &config);
        // A suspicion: what is known is that the timer ran out.
        self.shrink_path(now, mtu_bytes, LossSign::Timeout);
    }

    /// R1 is when a path is in doubt (RFC 4821 §7.7). Where nothing as large has ever arrived, a second timeout is enough:
    /// the handshake, which is small, did.
    fn suspects_black_hole(&self, now: Instant) -> bool {
        let doubt = match self.config.retries_until_doubt {
            0 => TIMEOUTS_UNTIL_DOUBT,
            retries => retries,
        };
        if self.config.habits.gives_up_by_the_clock() {
            let time = self.time_of_retries(doubt, self.config.rto_min);
            return self.sender.attempts > 1 && self.sender.attempting_for(now) >= time;
        }
        let first_bytes = self.sender.segment_in_flight(self.sender.una).unwrap_or(0);
        let has_arrived = u32::from(self.sender.segment_bytes_acked) >= first_bytes;
        self.sender.attempts >= if has_arrived { doubt } else { doubt.min(TIMEOUTS_OF_NEW_SIZE) }
    }

    /// How large packets are when those that are sent vanish: of the base size; half as large when those are (RFC 4821
    /// §7.7).
    fn size_below(&self) -> u32 {
        let (headers, base_bytes) = (self.header_bytes(), self.base_mtu_bytes());
        if self.path().mtu_bytes > base_bytes {
            return base_bytes;
        }
        let floor = self.config.mtu_floor_mss_bytes.max(self.config.send_mss_bytes_min);
        let least = if self.path().ip_header_bytes < 40 { IPV4_MTU_BYTES_LEAST } else { IPV6_MTU_BYTES_MIN };
        (headers + (self.mss() / 2).max(floor.into())).max(least).min(self.path().mtu_bytes)
    }

    fn base_mtu_bytes(&self) -> u32 {
        let bytes = self.header_bytes() + u32::from(self.config.mtu_base_mss_bytes.max(1));
        if self.path().ip_header_bytes < 40 { bytes } else { bytes.max(IPV6_MTU_BYTES_MIN) }
    }

    /// Where paths are always searched, a connection begins with packets of the base size (RFC 4821 §7.2).
    pub(crate) fn begin_path_search(&mut self, now: Instant) {
        if self.config.mtu_probing != MtuProbing::Always {
            return;
        }
        let base_bytes = self.base_mtu_bytes();
        if base_bytes < self.largest_packet_bytes() {
            let ceiling_bytes = self.largest_packet_bytes();
            self.use_path(Path { mtu_bytes: base_bytes, ..self.path() });
            self.path_search(now).raise_ceiling(ceiling_bytes);
            self.sender.begin(initial_window(&self.config, self.mss()), &self.config);
        }
    }

    /// A probe has arrived, or a size has turned out to be a mistake.
    #[cold]
    pub(crate) fn take_path_news(&mut self, mtu_bytes: u32) {
        self.use_path(Path { mtu_bytes, ..self.path() });
    }

    fn path_search(&mut self, now: Instant) -> &mut PathSearch {
        let (mtu_bytes, header_bytes) = (self.largest_packet_bytes(), self.header_bytes());
        self.sender.path_search(now, mtu_bytes, header_bytes)
    }

    /// What full-sized segments make: less than the path's MTU where the peer takes less.
    fn largest_packet_bytes(&self) -> u32 {
        u32::from(self.sizes.send_mss()) + u32::from(self.path().ip_header_bytes) + 20
    }

    /// What the peer takes and we are allowed, whatever the path carries.
    fn largest_packet_bytes_on_any_path(&self) -> u32 {
        u32::from(self.sizes.largest_mss(&self.config)) + u32::from(self.path().ip_header_bytes) + 20
    }

    /// A search goes no further than the sizes in force allow.
    pub(crate) fn bound_path_search(&mut self) {
        let most_bytes = self.largest_packet_bytes_on_any_path();
        if let Some(search) = self.sender.known_path_search() {
            search.lower_ceiling(most_bytes);
        }
    }

    /// IP and TCP header with the options that every segment has.
    fn header_bytes(&self) -> u32 {
        u32::from(self.path().ip_header_bytes) + 20 + standing_options_bytes(&self.timestamps)
    }

    fn least_mtu_bytes(&self) -> u32 {
        if self.path().ip_header_bytes < 40 { IPV4_MTU_BYTES_MIN } else { IPV6_MTU_BYTES_MIN }
    }

    /// The last soft error that ICMP reported, if any (RFC 9293 §3.9.2.2, MUST-56).
    pub fn soft_error(&self) -> Option<crate::Error> {
        self.soft_error
    }
}
