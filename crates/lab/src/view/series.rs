//! What a host has measured over time, for graphs.

use super::{millis, seconds};
use crate::run::Run;
use serde::Serialize;
use tcp::Info;

/// Values over time: each when it changed, in seconds, and the value since then.
///
/// They are those of the host's first connection that is not over.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Series {
    /// The congestion window, in bytes.
    pub cwnd: Vec<(f64, f64)>,
    /// The slow-start threshold, in bytes, once it has a value.
    pub ssthresh: Vec<(f64, f64)>,
    /// In flight, in bytes.
    pub flight: Vec<(f64, f64)>,
    /// The peer's window, in bytes.
    pub send_window: Vec<(f64, f64)>,
    /// The own window, in bytes.
    pub receive_window: Vec<(f64, f64)>,
    /// The smoothed round trip, in milliseconds.
    pub rtt_ms: Vec<(f64, f64)>,
    /// The retransmission timeout, in milliseconds.
    pub rto_ms: Vec<(f64, f64)>,
}

impl Run {
    /// What a host has measured when `at` events have happened.
    pub(super) fn series(&self, host: usize, at: usize) -> Series {
        let mut series = Series::default();
        for event in &self.events[..at] {
            let Some(listed) = event.hosts[host].connections.first() else { continue };
            series.add(seconds(event.at), &listed.info);
        }
        series
    }
}

impl Series {
    fn add(&mut self, at: f64, info: &Info) {
        let bytes = |bytes: u32| Some(f64::from(bytes));
        let ssthresh = Some(info.ssthresh_bytes).filter(|bytes| *bytes != u32::MAX).and_then(bytes);
        for (line, value) in [
            (&mut self.cwnd, bytes(info.cwnd_bytes)),
            (&mut self.ssthresh, ssthresh),
            (&mut self.flight, bytes(info.in_flight_bytes)),
            (&mut self.send_window, bytes(info.send_window_bytes)),
            (&mut self.receive_window, bytes(info.receive_window_bytes)),
            (&mut self.rtt_ms, info.rtt.map(millis)),
            (&mut self.rto_ms, Some(millis(info.rto))),
        ] {
            let Some(value) = value else { continue };
            if line.last().is_none_or(|(_, last)| *last != value) {
                line.push((at, value));
            }
        }
    }
}
