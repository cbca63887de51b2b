//! How much may be in flight: the trait of the controllers, and what they are told.
//!
//! A controller decides the congestion window and nothing else; *which* bytes are lost and sent again
//! is decided in `recovery/`. One algorithm, one file.

// The controllers of the new sender, complete but not asked yet.
#[allow(dead_code, unreachable_pub)]
pub(crate) mod controller;
pub(crate) mod new_reno;

/// New data was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acked {
    /// How many bytes this acknowledgment newly covers.
    pub(crate) bytes: u32,
    /// By how much slow start may open the window at most (the limit L of RFC 3465 §2.2).
    pub(crate) growth_bytes_max: u32,
    /// The sender had more window than data: growing would promise what was never tried (RFC 7661 §1).
    pub(crate) app_limited: bool,
}

/// Data is deemed lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost {
    /// Bytes sent and not acknowledged (FlightSize).
    pub(crate) in_flight_bytes: u32,
    /// The loss was found by the retransmission timer.
    pub(crate) by_timeout: bool,
}

/// A congestion controller; windows in bytes, `mss` is SMSS with the options taken off.
pub(crate) trait Controller {
    /// The congestion window.
    fn cwnd_bytes(&self) -> u32;
    /// The slow-start threshold.
    fn ssthresh_bytes(&self) -> u32;
    /// New data was acknowledged outside of recovery.
    fn on_acked(&mut self, acked: &Acked, mss: u32);
    /// Data is lost: reduce.
    fn on_lost(&mut self, lost: &Lost, mss: u32);
    /// Sets the window directly, as the recovery algorithm prescribes.
    fn set_cwnd(&mut self, cwnd_bytes: u32);
    /// Nothing was sent for longer than the retransmission timeout (RFC 5681 §4.1).
    fn on_idle(&mut self, initial_window_bytes: u32);
}
