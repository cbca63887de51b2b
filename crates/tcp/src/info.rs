//! What can be seen from outside: [`Info`], what Linux calls `tcp_info`, and [`Snapshot`].

use crate::congestion::Controller;
use crate::connection::Connection;
use crate::ecn::{EcnBytes, EcnFeedback};
use crate::fast_open::FastOpenOutcome;
use crate::segment::Error;
use crate::sender::RecoveryPhase;
use crate::state::State;
use crate::time_wait::{LastStamps, TimeWait, milliseconds};
use crate::timers::Timer;
use crate::timestamps::TimestampState;
use crate::{Instant, window_field};
use core::time::Duration;
use wire::Seq;

/// How a connection is doing. Names in brackets are those of Linux's `struct tcp_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// Where it stands (`tcpi_state`).
    pub state: State,
    /// Where loss recovery stands (`tcpi_ca_state`).
    pub recovery: RecoveryPhase,
    /// Consecutive retransmissions without an answer (`tcpi_retransmits`).
    pub attempts: u8,
    /// Consecutive keep-alive probes without an answer (`tcpi_probes`).
    pub keep_alive_probes: u8,
    /// How often the timeout was doubled (`tcpi_backoff`).
    pub backoff: u8,
    /// Timestamps are in use (`TCPI_OPT_TIMESTAMPS`).
    pub timestamps: bool,
    /// SACK is in use (`TCPI_OPT_SACK`).
    pub sack: bool,
    /// How marks of the network are told, if ECN is in use (`TCPI_OPT_ECN`, `tcpi_ecn_mode`).
    pub ecn: EcnFeedback,
    /// Text that we send for the first time is ECN-capable.
    pub ecn_capable: bool,
    /// Packets of ours that arrived marked; with classic feedback, acknowledgments that tell of marks
    /// (`tcpi_delivered_ce`).
    pub marks_delivered: u32,
    /// Packets that arrived here marked (`tcpi_received_ce`).
    pub marks_received: u32,
    /// Text bytes of ours by the ECN field with which they arrived, as far as the peer tells; modulo 2^32
    /// (`tcpi_delivered_e0_bytes` and others).
    pub ecn_delivered: EcnBytes,
    /// Text bytes by the ECN field with which they arrived here, where it is told by counters; modulo 2^32
    /// (`tcpi_received_e0_bytes` and others).
    pub ecn_received: EcnBytes,
    /// Shifts of the peer's and of our windows, if scaling is in use (`TCPI_OPT_WSCALE`).
    pub window_shifts: Option<(u8, u8)>,
    /// Retransmission timeout (`tcpi_rto`).
    pub rto: Duration,
    /// Smoothed round-trip time, once measured (`tcpi_rtt`).
    pub rtt: Option<Duration>,
    /// Its variation (`tcpi_rttvar`).
    pub rtt_variation: Duration,
    /// The smallest seen (`tcpi_min_rtt`).
    pub rtt_min: Option<Duration>,
    /// The latest measurement.
    pub rtt_latest: Option<Duration>,
    /// The round trip as the receive half sees it, by the text that arrives, once measured: of a connection that only
    /// receives the only one (`tcpi_rcv_rtt`).
    pub receive_rtt: Option<Duration>,
    /// Text bytes of a full-sized segment that we send (`tcpi_snd_mss`).
    pub send_mss_bytes: u32,
    /// The largest segment received (`tcpi_rcv_mss`).
    pub receive_mss_bytes: u32,
    /// The MSS that we announced (`tcpi_advmss`).
    pub announced_mss_bytes: u32,
    /// Path MTU: the largest packets that are sent, as far as the peer takes such (`tcpi_pmtu`).
    pub path_mtu_bytes: u32,
    /// While a larger one is searched for: the largest packet that is known to arrive, and the largest that may (RFC 4821
    /// §7.1, search_low and search_high).
    pub path_search_bytes: Option<(u32, u32)>,
    /// Congestion window; Linux counts it in segments (`tcpi_snd_cwnd`).
    pub cwnd_bytes: u32,
    /// Slow-start threshold, in bytes; `u32::MAX` before the first loss (`tcpi_snd_ssthresh`).
    pub ssthresh_bytes: u32,
    /// The peer's window (`tcpi_snd_wnd`).
    pub send_window_bytes: u32,
    /// Our window (`tcpi_rcv_wnd`).
    pub receive_window_bytes: u32,
    /// Sent and not acknowledged (`tcpi_unacked` counts segments).
    pub in_flight_bytes: u32,
    /// Of these, what the peer reports beyond gaps (`tcpi_sacked`).
    pub sacked_bytes: u32,
    /// Of these, what counts as lost, sent again or not (`tcpi_lost`).
    pub lost_bytes: u32,
    /// Of these, what has been sent again and is in the network (`tcpi_retrans`).
    pub resent_bytes: u32,
    /// At how many bytes a second data leaves; `None`: unpaced (`tcpi_pacing_rate`).
    pub pacing_bytes_per_s: Option<u64>,
    /// At how many bytes a second data was delivered lately (`tcpi_delivery_rate`), as far as it was measured.
    pub delivery_bytes_per_s: Option<u64>,
    /// That rate was limited by the application (`tcpi_delivery_rate_app_limited`).
    pub delivery_is_app_limited: bool,
    /// The path was seen to deliver in another order (`tcpi_reord_seen`).
    pub reordering_seen: bool,
    /// Reductions of the congestion window that were taken back because nothing was lost.
    pub undone: u32,
    /// Written and not sent (`tcpi_notsent_bytes`).
    pub not_sent_bytes: u32,
    /// Arrived and not read.
    pub unread_bytes: u32,
    /// Arrived out of order and held.
    pub held_bytes: u32,
    /// Text bytes that the peer acknowledged (`tcpi_bytes_acked`).
    pub bytes_acked: u64,
    /// Segments with text that the peer has, acknowledged or reported (`tcpi_delivered`, which counts the SYN, too).
    pub segments_delivered: u32,
    /// Text bytes received in order (`tcpi_bytes_received`).
    pub bytes_received: u64,
    /// Text bytes sent, retransmissions included (`tcpi_bytes_sent`).
    pub bytes_sent: u64,
    /// Text bytes sent again (`tcpi_bytes_retrans`).
    pub bytes_retransmitted: u64,
    /// Segments and super-segments sent (`tcpi_segs_out`).
    pub segments_out: u32,
    /// Segments and super-segments received (`tcpi_segs_in`).
    pub segments_in: u32,
    /// Segments with text sent (`tcpi_data_segs_out`).
    pub data_segments_out: u32,
    /// Segments with text received (`tcpi_data_segs_in`).
    pub data_segments_in: u32,
    /// Segments sent again (`tcpi_total_retrans`).
    pub retransmissions: u32,
    /// Times the retransmission timer ran out.
    pub timeouts: u32,
    /// Segments refused.
    pub refused: u32,
    /// Segments received twice.
    pub duplicates_received: u32,
    /// Time since text was last sent (`tcpi_last_data_sent`).
    pub since_sent: Duration,
    /// Time since something was last received (`tcpi_last_data_recv`).
    pub since_received: Duration,
    /// Time during which there was something to send or to be acknowledged (`tcpi_busy_time`).
    pub busy: Duration,
    /// Of it, the time during which the peer's window stood in the way (`tcpi_rwnd_limited`).
    pub limited_by_window: Duration,
    /// Of it, the time during which the send buffer stood in the way (`tcpi_sndbuf_limited`).
    pub limited_by_buffer: Duration,
    /// How a Fast Open went (`TCPI_OPT_SYN_DATA`, `tcpi_fastopen_client_fail`).
    pub fast_open: FastOpenOutcome,
    /// Why the connection died, if it did.
    pub failure: Option<Error>,
}

/// The sequence variables at one moment (RFC 9293 §3.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The state.
    pub state: State,
    /// ISS.
    pub iss: Seq,
    /// SND.UNA.
    pub snd_una: Seq,
    /// SND.NXT.
    pub snd_nxt: Seq,
    /// SND.WND in bytes.
    pub snd_wnd: u32,
    /// IRS; meaningful from SYN-RECEIVED on.
    pub irs: Seq,
    /// RCV.NXT.
    pub rcv_nxt: Seq,
    /// RCV.WND in bytes.
    pub rcv_wnd: u32,
}

impl Connection {
    /// How the connection is doing.
    pub fn info(&self, now: Instant) -> Info {
        let micros = |us: u32| Duration::from_micros(u64::from(us));
        let saturated = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let (counters, sent, received) = (&self.counters, &self.sender.sent, self.receiver.received());
        let (sacked_bytes, lost_bytes, resent_bytes) = self.sender.scoreboard();
        let delivery = self.sender.delivery_rate();
        let heeds = self.ecn.as_ref().map(|ecn| &ecn.heeds);
        let reflector = self.ecn.as_ref().map(|ecn| &ecn.reflector);
        let (busy, limited_by_window, limited_by_buffer) = self.sender.busy.times(now);
        Info {
            state: self.state(),
            recovery: self.sender.phase(),
            attempts: self.sender.attempts,
            keep_alive_probes: self.keep_alive_probes,
            backoff: self.sender.rtt.backoff(),
            timestamps: self.timestamps.agreed(),
            sack: self.receiver.sack_agreed(),
            ecn: self.ecn_feedback(),
            ecn_capable: heeds.is_some_and(|heeds| heeds.is_capable()),
            marks_delivered: heeds.map_or(0, |heeds| heeds.marked_packets()),
            marks_received: reflector.map_or(0, |reflector| reflector.marked_packets()),
            ecn_delivered: heeds.map_or(EcnBytes::default(), |heeds| heeds.bytes()),
            ecn_received: reflector.map_or(EcnBytes::default(), |reflector| reflector.bytes()),
            window_shifts: self.is_scaling().then_some((self.sender.shift, self.receiver.shift())),
            rto: micros(self.sender.rtt.rto_us()),
            rtt: self.sender.rtt.srtt_us().map(micros),
            rtt_variation: micros(self.sender.rtt.rttvar_us()),
            rtt_min: self.sender.rtt.min_ns().map(Duration::from_nanos),
            rtt_latest: self.sender.rtt.latest_us().map(micros),
            receive_rtt: self.receiver.rtt_us().map(micros),
            send_mss_bytes: self.mss(),
            receive_mss_bytes: u32::from(self.receiver.acks.segment_bytes()),
            announced_mss_bytes: u32::from(self.sizes.receive_mss()),
            path_mtu_bytes: self.path().mtu_bytes,
            path_search_bytes: self.sender.path_search_range(),
            cwnd_bytes: self.sender.window_bytes(),
            ssthresh_bytes: self.sender.congestion.ssthresh_bytes(),
            send_window_bytes: self.sender.wnd,
            receive_window_bytes: self.receiver.wnd(),
            in_flight_bytes: self.sender.flight_bytes(),
            sacked_bytes,
            lost_bytes,
            resent_bytes,
            pacing_bytes_per_s: self.sender.paced_bytes_per_s(&self.config),
            delivery_bytes_per_s: delivery.map(|sample| sample.bytes_per_s),
            delivery_is_app_limited: delivery.is_some_and(|sample| sample.is_app_limited),
            reordering_seen: self.sender.has_seen_reordering(),
            undone: sent.undone.into(),
            not_sent_bytes: self.sender.unsent_bytes(),
            unread_bytes: saturated(self.receiver.unread_bytes()),
            held_bytes: saturated(self.receiver.disorder_bytes()),
            bytes_acked: sent.bytes_acked,
            segments_delivered: sent.delivered_segments,
            bytes_received: received.bytes,
            bytes_sent: self.sender.sent_bytes(),
            bytes_retransmitted: sent.bytes_again,
            segments_out: counters.segments_out,
            segments_in: counters.segments_in,
            data_segments_out: sent.segments,
            data_segments_in: received.segments,
            retransmissions: sent.segments_again,
            timeouts: sent.timeouts.into(),
            refused: counters.refused,
            duplicates_received: received.duplicates,
            since_sent: now.since(self.sender.last_sent_at),
            since_received: self.silent_for(now),
            busy,
            limited_by_window,
            limited_by_buffer,
            fast_open: self.fast_open_outcome(),
            failure: self.failure,
        }
    }

    /// The sequence variables.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.state(),
            iss: self.sender.iss,
            snd_una: self.sender.una,
            snd_nxt: self.sender.nxt,
            snd_wnd: self.sender.wnd,
            irs: self.receiver.irs(),
            rcv_nxt: self.receiver.nxt(),
            rcv_wnd: self.receiver.wnd(),
        }
    }

    /// Why the connection died, if it did.
    pub fn failure(&self) -> Option<Error> {
        self.failure
    }

    /// Born by a passive open.
    pub fn is_passive(&self) -> bool {
        self.handshake.is_passive()
    }

    /// In TIME-WAIT with nothing left to read: the compact form, for the host's table. The
    /// connection can be dropped then.
    pub fn time_wait(&self) -> Option<TimeWait> {
        let idle = !self.receiver.has_unread() && self.receiver.acks.owed().is_none();
        if idle { self.what_is_left() } else { None }
    }

    /// The compact form of a connection in TIME-WAIT.
    pub(crate) fn what_is_left(&self) -> Option<TimeWait> {
        let due = self.timers.due(Timer::Linger).filter(|_| self.state() == State::TimeWait)?;
        let TimestampState { recent, offset, .. } = self.timestamps;
        Some(TimeWait {
            snd_nxt: self.sender.nxt,
            rcv_nxt: self.receiver.nxt(),
            stamps: LastStamps { recent, offset },
            reset_until_ms: self.timers.due(Timer::Challenge).map(milliseconds),
            due,
            window: window_field(self.receiver.wnd(), self.receiver.shift()),
            rto_ms: u16::try_from(self.sender.rtt.rto_us() / 1_000).unwrap_or(u16::MAX),
            shift: self.receiver.shift(),
            spent: crate::allowance::Spent::NOTHING,
            has_stamps: self.timestamps.agreed(),
        })
    }
}
