//! How a gate is set up: how much it holds, for how long, and what comes of it.

use super::{EchoPolicy, GateAddresses};
use crate::config::IsnPolicy;
use core::time::Duration;
use std::sync::Arc;

/// How a gate holds connections.
///
/// Fields are added in minor versions: write `GateOptions { held_max, ..GateOptions::default() }`.
#[derive(Clone, Debug)]
pub struct GateOptions {
    /// To which addresses the SYNs go that it holds; all.
    pub addresses: GateAddresses,
    /// How many flows may wait for a decision; 0 counts as 1. Beyond it SYNs are dropped, and their senders try again.
    /// 1,024: a program that needs a tenth of a second for each decides about ten thousand in a second. Each takes
    /// about 400 bytes.
    pub held_max: usize,
    /// How long a flow waits for a decision; then it is dropped, and the next SYN of its peer is a new flow. 10
    /// seconds: a peer sends its SYN again after 1, 3 and 7 seconds (RFC 6298 §2.1, §5.5), so several have come by
    /// then, and people have not given up yet.
    pub decide_within: Duration,
    /// The configuration of the connections; `None`: the host's.
    pub config: Option<Arc<tcp::Config>>,
    /// How the connections' initial sequence numbers are chosen; `None`: as the host's configuration says.
    pub isn: Option<IsnPolicy>,
    /// Who answers pings to addresses that are not ours; the host.
    pub echo: EchoPolicy,
}

impl Default for GateOptions {
    fn default() -> Self {
        GateOptions {
            addresses: GateAddresses::all(),
            held_max: 1_024,
            decide_within: Duration::from_secs(10),
            config: None,
            isn: None,
            echo: EchoPolicy::default(),
        }
    }
}
