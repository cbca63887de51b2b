//! `TCP_INFO`: what Linux's `struct tcp_info` says, under the same names.
//!
//! Linux counts in segments what the engine counts in bytes; the conversion is here. What the engine does
//! not measure is not shown: a zero would be taken for a measurement.

use tcp::FastOpenOutcome;
use tcp::{Habits, Info, State};

macro_rules! tcp_info {
    ($($(#[$doc:meta])* $field:ident,)+) => {
        /// The fields of `struct tcp_info`, in the order of Linux's header.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
        #[non_exhaustive]
        pub struct TcpInfo {
            $($(#[$doc])* pub $field: u64,)+
        }

        impl TcpInfo {
            const ALL: &[&str] = &[$(stringify!($field)),+];

            /// Every field that is kept, with its name, in order.
            ///
            /// ```
            /// let mut info = synfin_posix::TcpInfo::default();
            /// info.tcpi_snd_cwnd = 10;
            /// assert!(info.fields().contains(&("tcpi_snd_cwnd", 10)));
            /// ```
            pub fn fields(&self) -> Vec<(&'static str, u64)> {
                let mut fields = vec![$((stringify!($field), self.$field)),+];
                fields.retain(|(name, _)| TcpInfo::keeps(name));
                fields
            }
        }
    };
}

tcp_info! {
    /// On Linux `TCP_ESTABLISHED` is 1 ... `TCP_CLOSING` is 11, on FreeBSD `TCPS_CLOSED` is 0 ...
    tcpi_state,
    /// `TCP_CA_Open` 0, `Disorder` 1, `CWR` 2, `Recovery` 3, `Loss` 4.
    tcpi_ca_state,
    /// Retransmissions in a row without an answer.
    tcpi_retransmits,
    /// Keep-alive or window probes in a row without an answer.
    tcpi_probes,
    /// How often the timeout was doubled.
    tcpi_backoff,
    /// Timestamps 1, SACK 2, WSCALE 4, ECN 8, ECN_SEEN 16, SYN_DATA 32.
    tcpi_options,
    /// Shift of the peer's windows.
    tcpi_snd_wscale,
    /// Shift of our windows.
    tcpi_rcv_wscale,
    /// The delivery rate was limited by the application.
    tcpi_delivery_rate_app_limited,
    /// Why a Fast Open client failed.
    tcpi_fastopen_client_fail,
    /// Retransmission timeout, in microseconds.
    tcpi_rto,
    /// Delayed-ACK time, in microseconds.
    tcpi_ato,
    /// Text bytes of a full-sized segment that we send.
    tcpi_snd_mss,
    /// The largest segment received.
    tcpi_rcv_mss,
    /// Segments sent and not acknowledged.
    tcpi_unacked,
    /// Segments that SACK reports.
    tcpi_sacked,
    /// Segments deemed lost.
    tcpi_lost,
    /// Segments sent again and not acknowledged.
    tcpi_retrans,
    /// Not used by Linux any more.
    tcpi_fackets,
    /// Milliseconds since text was sent.
    tcpi_last_data_sent,
    /// Not used by Linux.
    tcpi_last_ack_sent,
    /// Milliseconds since text was received.
    tcpi_last_data_recv,
    /// Milliseconds since an acknowledgment was received.
    tcpi_last_ack_recv,
    /// Path MTU.
    tcpi_pmtu,
    /// Slow-start threshold of the receiver.
    tcpi_rcv_ssthresh,
    /// Smoothed round-trip time, in microseconds.
    tcpi_rtt,
    /// Its variation, in microseconds.
    tcpi_rttvar,
    /// Slow-start threshold, in segments (FreeBSD: bytes); 0x7fffffff before a loss.
    tcpi_snd_ssthresh,
    /// Congestion window, in segments (FreeBSD: bytes).
    tcpi_snd_cwnd,
    /// The MSS that we announced.
    tcpi_advmss,
    /// How far out of order segments may come before they count as lost.
    tcpi_reordering,
    /// The receiver's estimate of the round-trip time, in microseconds.
    tcpi_rcv_rtt,
    /// The receiver's room.
    tcpi_rcv_space,
    /// Retransmissions of the connection's life.
    tcpi_total_retrans,
    /// Bytes per second.
    tcpi_pacing_rate,
    /// Bytes per second.
    tcpi_max_pacing_rate,
    /// Bytes that the peer acknowledged.
    tcpi_bytes_acked,
    /// Bytes received in order.
    tcpi_bytes_received,
    /// Segments sent.
    tcpi_segs_out,
    /// Segments received.
    tcpi_segs_in,
    /// Bytes written and not sent.
    tcpi_notsent_bytes,
    /// The smallest round-trip time, in microseconds.
    tcpi_min_rtt,
    /// Segments with text received.
    tcpi_data_segs_in,
    /// Segments with text sent.
    tcpi_data_segs_out,
    /// Bytes per second.
    tcpi_delivery_rate,
    /// Microseconds during which there was something to send.
    tcpi_busy_time,
    /// Of them, how long the peer's window stood in the way.
    tcpi_rwnd_limited,
    /// Of them, how long the send buffer stood in the way.
    tcpi_sndbuf_limited,
    /// Segments delivered, as acknowledgments say.
    tcpi_delivered,
    /// Of them, those with a congestion mark.
    tcpi_delivered_ce,
    /// Bytes sent, retransmissions included.
    tcpi_bytes_sent,
    /// Bytes sent again.
    tcpi_bytes_retrans,
    /// Duplicates that the peer reported.
    tcpi_dsack_dups,
    /// Reorderings seen.
    tcpi_reord_seen,
    /// Segments received out of order.
    tcpi_rcv_ooopack,
    /// The peer's window, in bytes.
    tcpi_snd_wnd,
    /// Our window, in bytes.
    tcpi_rcv_wnd,
    /// Timeouts in a row that changed the path's hash.
    tcpi_rehash,
    /// Times the retransmission timer ran out.
    tcpi_total_rto,
    /// Recoveries that a timeout began.
    tcpi_total_rto_recoveries,
    /// Milliseconds spent in them.
    tcpi_total_rto_time,
    /// Packets received with a congestion mark.
    tcpi_received_ce,
    /// Bytes delivered with ECT(1), as AccECN says.
    tcpi_delivered_e1_bytes,
    /// Bytes delivered with ECT(0), as AccECN says.
    tcpi_delivered_e0_bytes,
    /// Bytes delivered with a congestion mark, as AccECN says.
    tcpi_delivered_ce_bytes,
    /// Bytes received with ECT(1), where AccECN is in use.
    tcpi_received_e1_bytes,
    /// Bytes received with ECT(0), where AccECN is in use.
    tcpi_received_e0_bytes,
    /// Bytes received with a congestion mark, where AccECN is in use.
    tcpi_received_ce_bytes,
}

/// The fields that the engine does not measure: they stay zero.
const NOT_KEPT: &[&str] = &[
    "tcpi_last_data_recv",
    "tcpi_rcv_ssthresh",
    "tcpi_max_pacing_rate",
    "tcpi_dsack_dups",
    "tcpi_rcv_ooopack",
    "tcpi_rehash",
    "tcpi_total_rto_recoveries",
    "tcpi_total_rto_time",
];

/// Each system's numbers of the states.
pub(crate) const fn state_number(state: State, habits: Habits) -> u64 {
    let (linux, freebsd) = match state {
        State::Closed => (7, 0),
        State::Listen => (10, 1),
        State::SynSent => (2, 2),
        State::SynReceived => (3, 3),
        State::Established => (1, 4),
        State::CloseWait => (8, 5),
        State::FinWait1 => (4, 6),
        State::Closing => (11, 7),
        State::LastAck => (9, 8),
        State::FinWait2 => (5, 9),
        State::TimeWait => (6, 10),
    };
    match habits {
        Habits::Linux | Habits::Rfc => linux,
        Habits::FreeBsd => freebsd,
    }
}

/// What Linux says of a threshold that was never lowered.
const INFINITE_SSTHRESH: u64 = 0x7fff_ffff;

/// What FreeBSD says of it: `TCP_MAXWIN << TCP_MAX_WINSHIFT`.
const LARGEST_WINDOW: u64 = 65_535 << 14;

/// Linux's initial tolerance of reordering, in segments.
const REORDERING: u64 = 3;

impl TcpInfo {
    /// Whether the field of that name is kept; one that is not always says zero.
    ///
    /// ```
    /// assert!(synfin_posix::TcpInfo::keeps("tcpi_rtt"));
    /// assert!(!synfin_posix::TcpInfo::keeps("tcpi_dsack_dups") && !synfin_posix::TcpInfo::keeps("tcpi_no_such_thing"));
    /// ```
    pub fn keeps(name: &str) -> bool {
        TcpInfo::ALL.contains(&name) && !NOT_KEPT.contains(&name)
    }

    /// What is said where there is no socket at all.
    pub fn without_socket(habits: Habits) -> Self {
        TcpInfo::without_connection(State::Closed, habits)
    }

    /// What is said of a socket without a connection.
    pub(crate) fn without_connection(state: State, habits: Habits) -> Self {
        TcpInfo { tcpi_state: state_number(state, habits), ..Default::default() }
    }

    /// What is said of a connection.
    pub(crate) fn of(info: &Info, config: &tcp::Config, habits: Habits) -> Self {
        let us = |duration: core::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let ms = |duration: core::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let mss = u64::from(info.send_mss_bytes.max(1));
        let segments = |bytes: u32| u64::from(bytes).div_ceil(mss);
        let is_linux = habits != Habits::FreeBsd;
        // FreeBSD says windows in bytes, and one segment size for both directions, without options taken off.
        let window_unit = if is_linux { mss } else { 1 };
        let whole_mss = mss + if info.timestamps { 12 } else { 0 };
        let (send_shift, receive_shift) = info.window_shifts.unwrap_or_default();
        let option = |present: bool, bit: u64| if present { bit } else { 0 };
        TcpInfo {
            tcpi_state: state_number(info.state, habits),
            tcpi_ca_state: match info.recovery {
                tcp::RecoveryPhase::Disorder => 1,
                tcp::RecoveryPhase::Cwr => 2,
                tcp::RecoveryPhase::Recovery => 3,
                tcp::RecoveryPhase::Loss => 4,
                // tcp::RecoveryPhase::Open, and what the kernel has no number for.
                _ => 0,
            },
            tcpi_retransmits: info.attempts.into(),
            tcpi_probes: info.keep_alive_probes.into(),
            tcpi_backoff: info.backoff.into(),
            tcpi_options: option(info.timestamps, 1)
                | option(info.sack, 2)
                | option(info.window_shifts.is_some(), 4)
                | option(info.ecn != tcp::EcnFeedback::Off, 8)
                | option(info.marks_received > 0 || info.ecn_received != tcp::EcnBytes::default(), 16)
                | option(info.fast_open == FastOpenOutcome::Taken, 32),
            tcpi_fastopen_client_fail: match info.fast_open {
                FastOpenOutcome::NoCookie => 1,
                FastOpenOutcome::NotTaken => 2,
                FastOpenOutcome::SynRepeated => 3,
                _ => 0,
            },
            tcpi_snd_wscale: send_shift.into(),
            tcpi_rcv_wscale: receive_shift.into(),
            tcpi_rto: us(info.rto),
            tcpi_ato: us(config.delayed_ack),
            tcpi_snd_mss: if is_linux { mss } else { whole_mss },
            tcpi_rcv_mss: if is_linux { info.receive_mss_bytes.into() } else { whole_mss },
            tcpi_unacked: segments(info.in_flight_bytes),
            tcpi_sacked: segments(info.sacked_bytes),
            tcpi_lost: segments(info.lost_bytes),
            tcpi_retrans: segments(info.resent_bytes),
            tcpi_last_data_sent: ms(info.since_sent),
            tcpi_last_ack_recv: ms(info.since_received),
            tcpi_pmtu: info.path_mtu_bytes.into(),
            tcpi_rtt: info.rtt.map_or(0, us),
            tcpi_rttvar: us(info.rtt_variation),
            tcpi_snd_ssthresh: if info.ssthresh_bytes >= u32::MAX / 2 {
                if is_linux { INFINITE_SSTHRESH } else { LARGEST_WINDOW }
            } else {
                u64::from(info.ssthresh_bytes) / window_unit
            },
            tcpi_snd_cwnd: u64::from(info.cwnd_bytes) / window_unit,
            tcpi_advmss: info.announced_mss_bytes.into(),
            tcpi_reordering: REORDERING,
            tcpi_rcv_rtt: info.receive_rtt.map_or(0, us),
            tcpi_rcv_space: info.receive_window_bytes.into(),
            tcpi_total_retrans: info.retransmissions.into(),
            tcpi_pacing_rate: info.pacing_bytes_per_s.unwrap_or(u64::MAX),
            tcpi_delivery_rate: info.delivery_bytes_per_s.unwrap_or(0),
            tcpi_delivery_rate_app_limited: info.delivery_is_app_limited.into(),
            tcpi_busy_time: us(info.busy),
            tcpi_rwnd_limited: us(info.limited_by_window),
            tcpi_sndbuf_limited: us(info.limited_by_buffer),
            tcpi_delivered: u64::from(info.segments_delivered) + u64::from(info.state.is_synchronized()),
            tcpi_reord_seen: info.reordering_seen.into(),
            tcpi_bytes_acked: info.bytes_acked,
            tcpi_bytes_received: info.bytes_received,
            tcpi_segs_out: info.segments_out.into(),
            tcpi_segs_in: info.segments_in.into(),
            tcpi_notsent_bytes: info.not_sent_bytes.into(),
            tcpi_min_rtt: info.rtt_min.map_or(u64::from(u32::MAX), us),
            tcpi_data_segs_in: info.data_segments_in.into(),
            tcpi_data_segs_out: info.data_segments_out.into(),
            tcpi_bytes_sent: info.bytes_sent,
            tcpi_bytes_retrans: info.bytes_retransmitted,
            tcpi_snd_wnd: info.send_window_bytes.into(),
            tcpi_rcv_wnd: info.receive_window_bytes.into(),
            tcpi_total_rto: info.timeouts.into(),
            tcpi_delivered_ce: info.marks_delivered.into(),
            tcpi_received_ce: info.marks_received.into(),
            tcpi_delivered_e1_bytes: info.ecn_delivered.e1b.into(),
            tcpi_delivered_e0_bytes: info.ecn_delivered.e0b.into(),
            tcpi_delivered_ce_bytes: info.ecn_delivered.ceb.into(),
            tcpi_received_e1_bytes: info.ecn_received.e1b.into(),
            tcpi_received_e0_bytes: info.ecn_received.e0b.into(),
            tcpi_received_ce_bytes: info.ecn_received.ceb.into(),
            ..Default::default()
        }
    }
}
