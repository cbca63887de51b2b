//! What can be set for a connection, each default with its reason.
//!
//! One [`Config`] is shared by all connections of a host; changing a connection's options gives it
//! a copy of its own, so that an idle connection pays one pointer for all of them.

use core::time::Duration;
use wire::tcp::OptionLayout;

/// When a segment smaller than the MSS may be sent (RFC 9293 §3.7.4, SHLD-7, MUST-17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
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

/// When and how often to ask an idle peer whether it is still there (RFC 9293 §3.8.4).
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
/// let config = tcp::Config { nagle: tcp::Nagle::Off, ..tcp::Config::default() };
/// assert!(config.keep_alive.is_none(), "RFC 9293 MUST-25: keep-alives are off by default");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Upper limit for the MSS that we announce and use, in bytes (`TCP_MAXSEG`).
    pub mss_bytes_max: u16,
    /// Bytes the application may have written that are not acknowledged yet, 1 GiB at most. Allocated
    /// as used.
    pub send_buffer_bytes: u32,
    /// Bytes that may have arrived and are not read yet; the largest window. Allocated as used. Scaling
    /// rounds windows up, so up to an eighth more can arrive before it takes a little back.
    pub receive_buffer_bytes: u32,
    /// Offer and accept Window Scale (RFC 7323 §2).
    pub window_scaling: bool,
    /// Offer and accept Timestamps (RFC 7323 §3).
    pub timestamps: bool,
    /// Offer and accept SACK (RFC 2018), report duplicates by D-SACK (RFC 2883).
    pub sack: bool,
    /// Holding back small segments.
    pub nagle: Nagle,
    /// Hold back every partial segment until uncorked (`TCP_CORK`), for 200 ms at most.
    pub cork: bool,
    /// The initial congestion window in segments. RFC 6928 §2: 10.
    pub initial_window_segments: u8,
    /// How long an acknowledgment may wait for company, 499 ms at most (RFC 9293 MUST-40); 40 ms is
    /// what Linux does and what request-response traffic can bear.
    pub delayed_ack: Duration,
    /// The first so many segments are acknowledged at once, so that the peer's slow start is not
    /// held up.
    pub quick_ack_segments: u8,
    /// Lower bound of the retransmission timeout. RFC 6298 §2.4 says 1 s; Linux and the BSDs use
    /// 200 ms and less, because timestamps and D-SACK make a spurious timeout cheap.
    pub rto_min: Duration,
    /// Upper bound of the retransmission timeout (RFC 6298 §2.5: at least 60 s); never below `rto_min`.
    pub rto_max: Duration,
    /// The timeout before any measurement (RFC 6298 §2.1: 1 s).
    pub rto_initial: Duration,
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
    /// Ignore RSTs in TIME-WAIT (RFC 1337 §3, fix F1): a stray RST must not end it early.
    pub time_wait_ignores_rst: bool,
    /// Go back to the initial window after an idle period of one RTO (RFC 5681 §4.1).
    pub slow_start_after_idle: bool,
    /// Answers per second and connection to segments that look like an attack or a loop
    /// (RFC 5961 §7). Counted per connection: a count for the host would be a side channel.
    pub challenge_acks_per_second: u8,
    /// In which order options stand, for those who compare bytes.
    pub option_layout: OptionLayout,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            mss_bytes_max: u16::MAX,
            send_buffer_bytes: 4 << 20,
            receive_buffer_bytes: 4 << 20,
            window_scaling: true,
            timestamps: true,
            sack: true,
            nagle: Nagle::default(),
            cork: false,
            initial_window_segments: 10,
            delayed_ack: Duration::from_millis(40),
            quick_ack_segments: 16,
            rto_min: Duration::from_millis(200),
            rto_max: Duration::from_secs(60),
            rto_initial: Duration::from_secs(1),
            syn_retries: 7,
            syn_ack_retries: 5,
            retries: 15,
            retries_until_doubt: 3,
            user_timeout: None,
            keep_alive: None,
            time_wait: Duration::from_secs(60),
            orphan_timeout: Duration::from_secs(60),
            time_wait_ignores_rst: true,
            slow_start_after_idle: true,
            challenge_acks_per_second: 10,
            option_layout: OptionLayout::Linux,
        }
    }
}

impl Config {
    /// The shift count to offer: the smallest with which the receive buffer can be announced
    /// (RFC 7323 §2.3: 14 at most).
    pub(crate) fn window_shift(&self) -> u8 {
        (0..14).find(|shift| 0xffff_u32 << shift >= self.receive_buffer_bytes).unwrap_or(14)
    }
}
