//! What can be set for a connection, each default with its reason.
//!
//! One [`Config`] is shared by all connections of a host; changing a connection's options gives it
//! a copy of its own, so that an idle connection pays one pointer for all of them.

use crate::{Allowance, EcnFeedback, Habits};
use core::time::Duration;
use wire::tcp::OptionLayout;

/// When a segment smaller than the MSS may be sent (RFC 9293 §3.7.4, SHLD-7, MUST-17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Nagle {
    /// At once: the application asked for low delay (`TCP_NODELAY`).
    Off,
    /// When nothing at all is unacknowledged (RFC 896, RFC 9293 §3.7.4).
    Rfc896,
    /// When no other small segment is unacknowledged: full segments in flight do not hold back the
    /// tail of a write. Linux does so too; it keeps Nagle's promise of one small segment per
    /// round trip and avoids most of the delay that it is known for.
    #[default]
    Minshall,
}

/// How much may be in flight, and who decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum CongestionControl {
    /// Slow start and additive increase (RFC 5681, RFC 6582).
    NewReno,
    /// CUBIC (RFC 9438) with HyStart++ (RFC 9406): what Linux, Windows and Apple's systems use, because a window
    /// that grows by the clock fills fast and long paths.
    #[default]
    Cubic,
    /// BBR, version 3 (draft-ietf-ccwg-bbr): from a model of the path's rate and round trip, always paced. Losses that
    /// have nothing to do with a full queue hardly slow it down.
    Bbr,
    /// Prague (draft-briscoe-iccrg-prague-congestion-control), the congestion control of L4S (RFC 9331 §4): it follows the
    /// share of packets that are marked, so that a queue for it is about a millisecond long, and is always paced. It needs
    /// [`EcnFeedback::Accurate`], for which its connections ask whatever [`Config::ecn_outgoing`] says; with a peer that
    /// has less, and where the path is not fit for it, it is CUBIC.
    Prague,
}

impl CongestionControl {
    /// All of them.
    pub const ALL: [CongestionControl; 4] = [
        CongestionControl::NewReno,
        CongestionControl::Cubic,
        CongestionControl::Bbr,
        CongestionControl::Prague,
    ];

    /// Its name on command lines: `newreno`, `cubic`, `bbr` or `prague`.
    pub const fn name(self) -> &'static str {
        match self {
            CongestionControl::NewReno => "newreno",
            CongestionControl::Cubic => "cubic",
            CongestionControl::Bbr => "bbr",
            CongestionControl::Prague => "prague",
        }
    }

    /// The one of that name, as FreeBSD and as Linux say it (`newreno`, `reno`).
    ///
    /// ```
    /// use synfin_tcp::CongestionControl;
    /// assert_eq!(CongestionControl::named("reno"), Some(CongestionControl::NewReno));
    /// assert!(CongestionControl::ALL.iter().all(|control| CongestionControl::named(control.name()) == Some(*control)));
    /// ```
    pub fn named(name: &str) -> Option<CongestionControl> {
        if name == "reno" {
            return Some(CongestionControl::NewReno);
        }
        CongestionControl::ALL.into_iter().find(|control| control.name() == name)
    }
}

/// How long to wait between one SYN and the next, in units of the initial timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SynRetry {
    /// Twice as long each time (RFC 6298 §5.5).
    #[default]
    Exponential,
    /// After the first so many retransmissions no longer than before the first, then doubling: a lost
    /// SYN says little of congestion. Linux does so (`tcp_syn_linear_timeouts`), FreeBSD once did.
    LinearFirst(u8),
}

/// Whether to find out by probing how large packets the path carries (RFC 4821), beside what ICMP says.
///
/// There are no others: Linux's `tcp_mtu_probing` has the same three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum MtuProbing {
    /// No: large packets that vanish without a word end the connection. A size that ICMP has lowered is given up after
    /// ten minutes (RFC 1191 §6.3).
    Off,
    /// When large packets seem to vanish, smaller ones are sent, and larger ones are searched for from there. A size
    /// that ICMP has lowered is tried higher by a probe. Until then it costs nothing, so it is on.
    #[default]
    OnBlackHole,
    /// From the start: connections begin with small packets and search for the largest. For paths on which ICMP is
    /// known not to arrive.
    Always,
}

/// When and how often to ask an idle peer whether it is still there (RFC 9293 §3.8.4).
///
/// Fields are added in minor versions: write `KeepAlive { idle, ..KeepAlive::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Silence before the first probe. RFC 9293 MUST-28: no less than two hours by default.
    pub idle: Duration,
    /// Time between probes.
    pub interval: Duration,
    /// Unanswered probes after which the connection is given up.
    pub probes: u8,
}

impl Default for KeepAlive {
    /// Two hours, then nine probes 75 s apart, as everybody does.
    fn default() -> Self {
        KeepAlive { idle: Duration::from_secs(7_200), interval: Duration::from_secs(75), probes: 9 }
    }
}

/// The options of a connection.
///
/// ```
/// let config = synfin_tcp::Config { nagle: synfin_tcp::Nagle::Off, ..synfin_tcp::Config::default() };
/// assert!(config.keep_alive.is_none(), "RFC 9293 MUST-25: keep-alives are off by default");
/// ```
///
/// Fields are added in minor versions: write `Config { nagle, ..Config::default() }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Upper limit for the MSS that we announce and use, in bytes (`TCP_MAXSEG`).
    pub mss_bytes_max: u16,
    /// Bytes the application may have written that are not acknowledged yet, 1 GiB at most. Allocated
    /// as used.
    pub send_buffer_bytes: u32,
    /// What the send buffer begins with. It grows with what it is used for: the application may have written twice
    /// the congestion window, as on Linux, because more waits in the buffer only to become old. Zero: it does not
    /// grow, all of `send_buffer_bytes` may be used at once.
    pub send_buffer_bytes_initial: u32,
    /// Bytes that may have arrived and are not read yet; the largest window. Allocated as used. Scaling
    /// rounds windows up, so up to an eighth more can arrive before it takes a little back.
    pub receive_buffer_bytes: u32,
    /// What the receive buffer begins with: 64 KiB, as on Linux. It grows with what the reader takes within a round
    /// trip, so that a peer cannot fill megabytes that nobody reads. Zero: it does not grow, all of
    /// `receive_buffer_bytes` is offered at once.
    pub receive_buffer_bytes_initial: u32,
    /// What `receive_buffer_bytes` may be set to later: the scale of the window is agreed upon once, so
    /// it is chosen for the larger of both (Linux: `tcp_rmem[2]`, FreeBSD: `maxsockbuf`). Zero: no more
    /// than `receive_buffer_bytes`, so that the windows of a small buffer are not rounded needlessly.
    pub receive_buffer_bytes_max: u32,
    /// Announce our MSS in SYNs (RFC 9293 §3.7.1, SHLD-5). Off only for those who want no option at all
    /// (FreeBSD: `TCP_NOOPT`).
    pub mss_announced: bool,
    /// Offer and accept Window Scale (RFC 7323 §2).
    pub window_scaling: bool,
    /// Offer and accept Timestamps (RFC 7323 §3).
    pub timestamps: bool,
    /// Offer and accept SACK (RFC 2018).
    pub sack: bool,
    /// Report duplicates by D-SACK where SACK was agreed upon (RFC 2883).
    pub dsack: bool,
    /// The MSS to assume of a peer that names none; `None`: 536 over IPv4, 1,220 over IPv6
    /// (RFC 9293 §3.7.1, MUST-15).
    pub mss_bytes_default: Option<u16>,
    /// The Differentiated Services field, in the upper six bits of the byte in the IP header (RFC 9293 §3.9.1.9,
    /// MUST-48; `IP_TOS`, `IPV6_TCLASS`). The lower two are the ECN field, which is the connection's to set: they
    /// are ignored.
    pub traffic_class: u8,
    /// What a peer that asks for explicit congestion notification gets at most. [`EcnFeedback::Classic`] by default, as with
    /// Linux (`tcp_ecn` 2): who asks knows a path on which it works, and marks instead of losses are better for both.
    pub ecn_incoming: EcnFeedback,
    /// What our SYNs ask for. Nothing by default, as with Linux: there are middleboxes that drop such a SYN, and the
    /// connection would wait for its second or third.
    pub ecn_outgoing: EcnFeedback,
    /// Retransmissions of a SYN that still ask for ECN; the later ones do not (RFC 3168 §6.1.1.1; RFC 9768 §3.1.4.1:
    /// one; FreeBSD: `ecn.maxretries`). 255: all ask.
    pub ecn_syn_retries: u8,
    /// A mark reduces the window by less than a loss does, because it comes before the queue is full (RFC 8511; FreeBSD:
    /// `cc.abe`). Off: by as much (RFC 3168 §6.1.2).
    pub alternative_backoff: bool,
    /// Count marked bytes in an option beside the packets in the header, where that was agreed upon
    /// (RFC 9768 §3.2.3; Linux: `tcp_ecn_option`).
    pub accurate_ecn_options: bool,
    /// Holding back small segments.
    pub nagle: Nagle,
    /// Hold back every partial segment until uncorked (`TCP_CORK`), for 200 ms at most.
    pub cork: bool,
    /// Whether the path's MTU is searched for by probes (Linux: `tcp_mtu_probing`; FreeBSD: `pmtud_blackhole_detection`).
    pub mtu_probing: MtuProbing,
    /// Text of a segment that hardly any path is too small for: what is sent when large packets vanish, and what a
    /// search begins with (RFC 4821 §7.2: 1,024; Linux: `tcp_base_mss`, FreeBSD: `pmtud_blackhole_mss`). Over IPv6 never
    /// less than its smallest MTU has room for.
    pub mtu_base_mss_bytes: u16,
    /// Text of the smallest segment that further timeouts lead to (Linux: `tcp_mtu_probe_floor`).
    pub mtu_floor_mss_bytes: u16,
    /// How long after a search has ended, or ICMP has lowered the size, a larger one is tried; at least five minutes
    /// (RFC 4821 §7.3, RFC 8201 §4; Linux: `tcp_probe_interval`).
    pub mtu_probe_interval: Duration,
    /// A search ends when fewer bytes than this are open (Linux: `tcp_probe_threshold`).
    pub mtu_probe_threshold_bytes: u16,
    /// The smallest MSS that a peer is believed. RFC 9293 §3.7.1 sets no bound; below this the headers are most of the
    /// traffic, which makes a cheap attack (Linux: `tcp_min_snd_mss`, 48).
    pub send_mss_bytes_min: u16,
    /// Who decides how much may be in flight (`TCP_CONGESTION`).
    pub congestion: CongestionControl,
    /// Probe a silent tail after two round trips instead of waiting for the retransmission timer, where SACK was
    /// agreed upon (RFC 8985 §7; Linux: `tcp_early_retrans`).
    pub tail_loss_probes: bool,
    /// Ask after a timeout whether it came too early, and take it back if so (RFC 5682; Linux: `tcp_frto`).
    pub frto: bool,
    /// Spread a window over its round trip instead of sending it in bursts: short queues lose less.
    /// [`CongestionControl::Bbr`], which has a rate of its own, and [`CongestionControl::Prague`] spread always.
    pub pacing: bool,
    /// The initial congestion window in segments. RFC 6928 §2: 10.
    pub initial_window_segments: u8,
    /// Segments by which one acknowledgment may open the window in slow start (the limit L of RFC 3465
    /// §2.2; RFC 5681 §3.1 says 1); one after a timeout. Zero: as many as it acknowledges, because
    /// receivers with offload acknowledge whole super-segments.
    pub abc_limit_segments: u8,
    /// How long an acknowledgment may wait for company, 499 ms at most (RFC 9293 MUST-40); 40 ms is
    /// what Linux does and what request-response traffic can bear.
    pub delayed_ack: Duration,
    /// The application wants connections that have something to read (`TCP_DEFER_ACCEPT`). Of a listener's connection the
    /// third step without text is ignored for so long, counted in timeouts of the SYN-ACK; then the SYN-ACK goes again, and
    /// its answer opens. Of an active open the third step waits up to 200 ms for text to take along. `None`: neither.
    pub defer_accept: Option<Duration>,
    /// The first so many segments are acknowledged at once, so that the peer's slow start is not
    /// held up.
    pub quick_ack_segments: u8,
    /// Lower bound of the retransmission timeout. RFC 6298 §2.4 says 1 s; Linux and the BSDs use
    /// 200 ms and less, because timestamps and D-SACK make a spurious timeout cheap.
    pub rto_min: Duration,
    /// Lower bound of the timeout's second part, four times RTTVAR: the timeout is never less than this
    /// above SRTT. 200 ms, as Linux has it: a queue that fills within a round trip must not make the timer run out
    /// before the acknowledgments can come.
    pub rto_variance_min: Duration,
    /// Upper bound of the retransmission timeout (RFC 6298 §2.5: at least 60 s); never below `rto_min`.
    pub rto_max: Duration,
    /// Added to every measured or backed-off timeout, for a peer that delays its acknowledgments
    /// (FreeBSD: `rexmit_slop`, 200 ms).
    pub rto_slop: Duration,
    /// The timeout before any measurement (RFC 6298 §2.1: 1 s).
    pub rto_initial: Duration,
    /// How the time between SYNs grows.
    pub syn_retry: SynRetry,
    /// How long an active open may take; `None`: until `syn_retries` are used up (FreeBSD: `keepinit`).
    pub connect_timeout: Option<Duration>,
    /// Retransmissions of a SYN before giving up. Seven make 183 s with the default timeouts
    /// (RFC 9293 §3.8.3, MUST-23: at least three minutes).
    pub syn_retries: u8,
    /// Retransmissions of a SYN-ACK before the half-open connection is forgotten.
    pub syn_ack_retries: u8,
    /// R2: retransmissions of one segment before giving up. Fifteen make more than the 100 s of
    /// RFC 9293 §3.8.3, SHLD-11.
    pub retries: u8,
    /// R1: retransmissions after which [`crate::Event::PathDoubted`] is raised (RFC 9293 §3.8.3, SHLD-10:
    /// at least 3). Zero: never (SHLD-20).
    pub retries_until_doubt: u8,
    /// How long sent data may stay unacknowledged, and keep-alive probes unanswered, before the
    /// connection is given up (RFC 9293 §3.10.8, RFC 5482). `None`: R2 decides.
    pub user_timeout: Option<Duration>,
    /// Keep-alive probing; off unless asked for (RFC 9293 §3.8.4, MUST-25).
    pub keep_alive: Option<KeepAlive>,
    /// 2 MSL, the length of TIME-WAIT. RFC 9293 §3.4.2 says 4 minutes; Linux and FreeBSD use 60 s,
    /// because no path keeps a packet for two minutes.
    pub time_wait: Duration,
    /// How long FIN-WAIT-2 may last once the application has left (not in the RFC; everybody has it,
    /// for a peer that never closes would hold the memory for ever).
    pub orphan_timeout: Duration,
    /// How long a connection that its application has left, and that still has something to deliver, may get nowhere: a
    /// peer must acknowledge at least 1/64 of what was left, and a segment, within this time. A byte for each probe and
    /// repeated acknowledgments are no progress. `None`: `retries` decide alone, as on Linux.
    pub orphan_progress: Option<Duration>,
    /// Whose way to go where the RFCs leave a choice.
    pub habits: Habits,
    /// A SYN with FIN opens a listener's connection, and its FIN is forgotten (FreeBSD: `drop_synfin`).
    /// Off: only scanners send it, and it is dropped.
    pub syn_fin_opens: bool,
    /// Take segments without the timestamp that was agreed upon, as Linux does. Off: RFC 7323 §3.2
    /// drops them (FreeBSD: `tolerate_missing_ts`).
    pub missing_timestamps_tolerated: bool,
    /// An ICMP error that is hard ends an attempt to connect (RFC 9293 §3.9.2.2, SHLD-26; FreeBSD:
    /// `icmp_may_rst`). Off: it is only remembered, as the reason should the attempt fail.
    pub icmp_ends_opening: bool,
    /// Ignore RSTs in TIME-WAIT (RFC 1337 §3, fix F1): a stray RST must not end it early. The one that answers our answer
    /// to a SYN is no stray: see [`TimeWait`](crate::TimeWait).
    pub time_wait_ignores_rst: bool,
    /// Go back to the initial window after an idle period of one RTO (RFC 5681 §4.1).
    pub slow_start_after_idle: bool,
    /// How often segments are answered that look like an attack or a loop, for each kind of answer (RFC 5961 §7).
    pub challenge_acks: Allowance,
    /// In which order options stand, for those who compare bytes.
    pub option_layout: OptionLayout,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            mss_bytes_max: u16::MAX,
            send_buffer_bytes: 4 << 20,
            send_buffer_bytes_initial: 16 << 10,
            receive_buffer_bytes: 4 << 20,
            receive_buffer_bytes_initial: 64 << 10,
            receive_buffer_bytes_max: 0,
            mss_announced: true,
            window_scaling: true,
            timestamps: true,
            sack: true,
            dsack: true,
            mss_bytes_default: None,
            traffic_class: 0,
            ecn_incoming: EcnFeedback::Classic,
            ecn_outgoing: EcnFeedback::Off,
            ecn_syn_retries: 1,
            alternative_backoff: true,
            accurate_ecn_options: true,
            nagle: Nagle::default(),
            cork: false,
            mtu_probing: MtuProbing::default(),
            mtu_base_mss_bytes: 1_024,
            mtu_floor_mss_bytes: 48,
            mtu_probe_interval: Duration::from_secs(600),
            mtu_probe_threshold_bytes: 8,
            send_mss_bytes_min: 48,
            congestion: CongestionControl::default(),
            tail_loss_probes: true,
            frto: true,
            pacing: true,
            initial_window_segments: 10,
            abc_limit_segments: 0,
            delayed_ack: Duration::from_millis(40),
            defer_accept: None,
            quick_ack_segments: 16,
            rto_min: Duration::from_millis(200),
            rto_variance_min: Duration::from_millis(200),
            rto_max: Duration::from_secs(60),
            rto_slop: Duration::ZERO,
            rto_initial: Duration::from_secs(1),
            syn_retry: SynRetry::Exponential,
            connect_timeout: None,
            syn_retries: 7,
            syn_ack_retries: 5,
            retries: 15,
            retries_until_doubt: 3,
            user_timeout: None,
            keep_alive: None,
            time_wait: Duration::from_secs(60),
            orphan_timeout: Duration::from_secs(60),
            orphan_progress: Some(Duration::from_secs(60)),
            habits: Habits::Rfc,
            syn_fin_opens: false,
            missing_timestamps_tolerated: false,
            icmp_ends_opening: true,
            time_wait_ignores_rst: true,
            slow_start_after_idle: true,
            challenge_acks: Allowance { answers: 10, per: Duration::from_secs(1) },
            option_layout: OptionLayout::Linux,
        }
    }
}

impl Config {
    /// What a peer that asks for explicit congestion notification gets at most: [`Config::ecn_incoming`], but with
    /// [`CongestionControl::Prague`] all that there is.
    pub fn ecn_given(&self) -> EcnFeedback {
        match self.congestion {
            CongestionControl::Prague => EcnFeedback::Accurate,
            _ => self.ecn_incoming,
        }
    }

    /// What our SYNs ask for: [`Config::ecn_outgoing`], but with [`CongestionControl::Prague`] all that there is, because
    /// it is a prerequisite (RFC 9331 §4.2).
    pub fn ecn_asked(&self) -> EcnFeedback {
        match self.congestion {
            CongestionControl::Prague => EcnFeedback::Accurate,
            _ => self.ecn_outgoing,
        }
    }

    /// The shift count to offer: the smallest with which the receive buffer can be announced, now and
    /// when it has grown (RFC 7323 §2.3: 14 at most).
    pub(crate) fn window_shift(&self) -> u8 {
        let buffer_bytes = self.receive_buffer_bytes.max(self.receive_buffer_bytes_max);
        (0..14).find(|shift| 0xffff_u32 << shift >= buffer_bytes).unwrap_or(14)
    }
}
