//! How a gate is set up: which addresses it takes, how much it holds and for how long.

use super::EchoPolicy;
use crate::cidr::Cidr;
use crate::config::IsnPolicy;
use core::time::Duration;
use std::net::IpAddr;
use std::sync::Arc;

/// Which addresses a gate takes.
///
/// ```
/// use synfin_stack::GateAddresses;
/// let net = |text: &str| text.parse::<synfin_stack::Cidr>().expect("an address with its prefix");
/// let gate = GateAddresses::of([net("0.0.0.0/0")]).except([net("10.0.0.0/8")]);
/// assert!(gate.take("93.184.216.34".parse().expect("an address")));
/// assert!(!gate.take("10.1.2.3".parse().expect("an address")));
/// assert!(!gate.take("2001:db8::1".parse().expect("an address")), "IPv6 was not named");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateAddresses {
    /// `None`: all.
    only: Option<Vec<Cidr>>,
    except: Vec<Cidr>,
}

impl GateAddresses {
    /// Every address of both families, ours included.
    pub fn all() -> Self {
        GateAddresses::default()
    }

    /// Those in one of these networks. Each SYN without a listener is compared with one after the other.
    pub fn of(networks: impl IntoIterator<Item = Cidr>) -> Self {
        GateAddresses { only: Some(networks.into_iter().collect()), except: Vec::new() }
    }

    /// The same without these networks.
    #[must_use]
    pub fn except(mut self, networks: impl IntoIterator<Item = Cidr>) -> Self {
        self.except.extend(networks);
        self
    }

    /// Whether this address is one of them.
    pub fn take(&self, ip: IpAddr) -> bool {
        let is_in = |networks: &[Cidr]| networks.iter().any(|network| network.contains(ip));
        self.only.as_deref().is_none_or(is_in) && !is_in(&self.except)
    }

    pub(crate) fn held_bytes(&self) -> usize {
        (self.only.as_ref().map_or(0, Vec::capacity) + self.except.capacity()) * size_of::<Cidr>()
    }
}

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
