//! How large the segments of a connection may be (RFC 9293 §3.7.1, RFC 6691).
//!
//! Measured once after each change of the path, the options or the peer's word, because every segment asks.
//! Both halves need it, so it belongs to neither: the connection lends it.

use crate::Config;
use crate::segment::Path;
use crate::timestamps::TimestampState;

/// The Timestamps option and its padding, in every segment once agreed upon (RFC 7323 §3.2).
const TIMESTAMPS_BYTES: u32 = 12;

/// The segment sizes in force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// The MSS the peer announced, or the default (SendMSS).
    peer_mss: u16,
    /// The MSS we announce.
    receive_mss: u16,
    /// Eff.snd.MSS without options.
    send_mss: u16,
}

/// RFC 6928 §2, in bytes: so many segments, but no more than as many of Ethernet's size, nor less than two.
pub(crate) fn initial_window(config: &Config, mss: u32) -> u32 {
    const ETHERNET_MSS_BYTES: u32 = 1_460;
    let segments = u32::from(config.initial_window_segments.max(1));
    (segments * mss).min((2 * mss).max(segments * ETHERNET_MSS_BYTES))
}

impl Sizes {
    /// For a peer that has not said anything yet.
    pub(crate) fn new(path: Path, config: &Config) -> Self {
        let mut sizes = Sizes { peer_mss: path.mss_bytes_by_default(), receive_mss: 0, send_mss: 0 };
        sizes.measure(path, config);
        sizes
    }

    /// Takes over the MSS of the peer's SYN; without one the default holds (MUST-15).
    pub(crate) fn take_peer_mss(&mut self, announced: Option<u16>, path: Path, config: &Config) {
        let default = config.mss_bytes_default.unwrap_or_else(|| path.mss_bytes_by_default());
        self.peer_mss = announced.unwrap_or(default).max(config.send_mss_bytes_min);
        self.measure(path, config);
    }

    /// Measures anew: the path or the options have changed.
    pub(crate) fn measure(&mut self, path: Path, config: &Config) {
        let mss = path.mss_bytes();
        let bounded_mss = mss.min(config.mss_bytes_max);
        self.receive_mss = if config.habits.announced_mss_is_the_links() { mss } else { bounded_mss };
        self.send_mss = self.peer_mss.min(bounded_mss);
    }

    /// Measures anew what is sent: the path carries larger or smaller packets than believed. What we have announced
    /// stays announced.
    pub(crate) fn measure_sending(&mut self, path: Path, config: &Config) {
        self.send_mss = path.mss_bytes().min(self.largest_mss(config));
    }

    /// The MSS that no path makes larger: what the peer takes and we are allowed.
    pub(crate) fn largest_mss(self, config: &Config) -> u16 {
        self.peer_mss.min(config.mss_bytes_max)
    }

    /// The MSS we announce (MUST-67; RFC 6691: options do not count).
    pub(crate) fn receive_mss(self) -> u16 {
        self.receive_mss
    }

    /// Eff.snd.MSS without options (MUST-16).
    pub(crate) fn send_mss(self) -> u16 {
        self.send_mss
    }

    /// Text bytes of a full-sized segment: SMSS with the standing options taken off.
    pub(crate) fn text_bytes(self, timestamps: &TimestampState) -> u32 {
        u32::from(self.send_mss).saturating_sub(standing_options_bytes(timestamps)).max(1)
    }
}

/// What every segment has of options.
pub(crate) fn standing_options_bytes(timestamps: &TimestampState) -> u32 {
    if timestamps.agreed() { TIMESTAMPS_BYTES } else { 0 }
}
