//! How a gate for datagrams is set up: which addresses it takes, and what may wait at it.

use crate::gate::GateAddresses;
use core::time::Duration;

/// How a gate holds datagrams.
///
/// Fields are added in minor versions: write `DatagramGateOptions { idle, ..DatagramGateOptions::default() }`.
#[derive(Clone, Debug)]
pub struct DatagramGateOptions {
    /// To which addresses the datagrams go that it takes; all.
    pub addresses: GateAddresses,
    /// How many flows are remembered; 0 counts as 1. Beyond it the one that has been idle for longest goes, unless
    /// something of it waits; then the newcomer is dropped. 8,192: a few hundred hosts with a dozen questions to name
    /// servers each; one takes about 500 bytes.
    pub flows_max: usize,
    /// Bytes of datagrams of one flow that may wait, with about 100 more for each; later ones are dropped. 256 KiB: two
    /// tenths of a second at 10 Mbit/s, which is longer than a program that works looks away.
    pub flow_bytes_max: usize,
    /// The same for all flows together. A flow gets at most as much as is still free of it: one noisy flow half, the
    /// next half of the rest. 4 MiB: sixteen times what one flow may have.
    pub bytes_max: usize,
    /// How long a flow is remembered of which no datagram comes or goes. 5 minutes, as RFC 4787 §4.3 (REQ-5)
    /// recommends.
    pub idle: Duration,
}

impl Default for DatagramGateOptions {
    fn default() -> Self {
        DatagramGateOptions {
            addresses: GateAddresses::all(),
            flows_max: 8_192,
            flow_bytes_max: 256 << 10,
            bytes_max: 4 << 20,
            idle: Duration::from_secs(300),
        }
    }
}
