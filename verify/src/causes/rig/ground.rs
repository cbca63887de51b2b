//! Two hosts and the wire between them.
//!
//! Either each host has a TUN device on our wire, with or without segmentation offload, or it has an Ethernet interface with
//! offload (veth) to a router, and the routers are on the wire. What is *not* here: what the wire does.

use super::Missing;
use super::network::Network;
use device::{Carrier, InterfaceAddress, Tun, TunConfig, kernel};
use netem::wire::Medium;
use netem::{Dice, Lane, Pipe};
use std::io;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How soon the end is noticed.
const TURN: Duration = Duration::from_millis(20);

/// How the hosts are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// A TUN device each, without offload: every packet fits the MTU.
    Plain,
    /// A TUN device each that takes super-segments.
    Offload,
    /// An Ethernet interface each that takes and joins super-segments, and a router behind it.
    Ethernet,
}

/// Both hosts, joined; they are gone with it.
pub(super) struct Ground {
    pub(super) plan: Plan,
    pub(super) hosts: [Network; 2],
    links: [Arc<Tun>; 2],
    /// The name of the hosts' interface.
    pub(super) interface: &'static str,
    _routers: Vec<Network>,
}

/// The addresses. The kernel's trace shows everybody's: two runs at the same time must not have the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    net: u8,
}

impl Plan {
    pub(super) fn of_this_process() -> Plan {
        Plan { net: 128 + (std::process::id() % 120) as u8 }
    }

    /// The address of a host.
    pub(super) fn address(self, host: usize, is_v6: bool) -> IpAddr {
        match is_v6 {
            false => IpAddr::from([10, self.net, host as u8, 1]),
            true => IpAddr::from([0xfd77, self.net.into(), host as u16, 0, 0, 0, 0, 1]),
        }
    }

    fn addresses(self, host: usize) -> Vec<InterfaceAddress> {
        vec![
            InterfaceAddress { address: self.address(host, false), prefix_bits: 24 },
            InterfaceAddress { address: self.address(host, true), prefix_bits: 64 },
        ]
    }
}

impl Ground {
    pub(super) fn lay(joint: Joint) -> Result<Ground, Missing> {
        let plan = Plan::of_this_process();
        let hosts = [Network::new()?, Network::new()?];
        match joint {
            Joint::Plain | Joint::Offload => {
                let mut links = Vec::new();
                for (host, network) in hosts.iter().enumerate() {
                    let config =
                        TunConfig { host_addresses: plan.addresses(host), ..TunConfig::new("wire0") };
                    let config = if joint == Joint::Plain { config.without_offload() } else { config };
                    links.push(Arc::new(tun(network, config)?));
                }
                Ok(Ground { plan, hosts, links: pair(links)?, interface: "wire0", _routers: Vec::new() })
            }
            Joint::Ethernet => {
                let routers = [Network::new()?, Network::new()?];
                let mut links = Vec::new();
                for (host, (network, router)) in hosts.iter().zip(&routers).enumerate() {
                    veth(plan, host, network, router)
                        .map_err(|error| Missing(format!("no veth: {error}")))?;
                    links.push(Arc::new(tun(router, TunConfig::new("wire0"))?));
                }
                Ok(Ground { plan, hosts, links: pair(links)?, interface: "eth0", _routers: routers.into() })
            }
        }
    }

    /// Joins them by a wire that does this to what goes there and back.
    pub(super) fn join(&self, lanes: [Lane; 2], seed: u64) -> Wire {
        let began = Instant::now();
        let stop = Arc::new(AtomicBool::new(false));
        let directions = lanes.into_iter().enumerate().map(|(side, lane)| {
            let seed = Dice::for_purpose(seed, side as u64).roll();
            let (from, to) = (Arc::clone(&self.links[side]), Arc::clone(&self.links[1 - side]));
            let mut carrier = Carrier::new(from, to, Pipe::new(lane, seed, Medium::Ip), began);
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                // Without these frames are a little later.
                let _ = kernel::wake_exactly();
                let _ = kernel::run_before_others();
                while !stop.load(Ordering::Acquire) && carrier.turn(&mut (), TURN).is_ok() {}
                carrier.pipe().counts()
            })
        });
        Wire { directions: directions.collect(), stop }
    }
}

/// A wire that is at work; it ends with it.
pub(super) struct Wire {
    directions: Vec<JoinHandle<netem::Counts>>,
    stop: Arc<AtomicBool>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for direction in self.directions.drain(..) {
            let _ = direction.join();
        }
    }
}

fn pair(links: Vec<Arc<Tun>>) -> Result<[Arc<Tun>; 2], Missing> {
    links.try_into().map_err(|_| Missing("a wire has two ends".to_owned()))
}

/// A TUN device that is the way to everywhere. Nothing waits above it, so that packets leave in the call that sends them.
fn tun(network: &Network, config: TunConfig) -> Result<Tun, Missing> {
    let open = move || {
        let tun = Tun::open(&config).map_err(|error| io::Error::other(error.to_string()))?;
        run("tc", "qdisc replace dev wire0 root noqueue")?;
        tun.route_everything()?;
        Ok(tun)
    };
    network.within(open).map_err(|error| Missing(format!("no TUN device: {error}")))
}

/// An Ethernet interface `eth0` in the host's network whose other end is in the router's.
fn veth(plan: Plan, host: usize, network: &Network, router: &Network) -> io::Result<()> {
    let target = network.path();
    let net = plan.net;
    let (v4, v6) = (format!("10.{net}.{host}"), format!("fd77:{net:x}:{host:x}"));
    let gates = [format!("{v4}.254"), format!("{v6}::fe")];
    let ends = [format!("{v4}.1"), format!("{v6}::1")];
    let at_router = [
        format!("link add down0 type veth peer name eth0 netns {target}"),
        format!("address add {}/24 dev down0", gates[0]),
        format!("address add {}/64 dev down0 nodad", gates[1]),
        "link set down0 up".to_owned(),
    ];
    let at_host = [
        format!("address add {}/24 dev eth0", ends[0]),
        format!("address add {}/64 dev eth0 nodad", ends[1]),
        "link set eth0 up".to_owned(),
        format!("route add default via {}", gates[0]),
        format!("-6 route add default via {} dev eth0", gates[1]),
    ];
    router.within(move || at_router.iter().try_for_each(|words| run("ip", words)))?;
    router.set("ip_forward", "1")?;
    router.set("ipv6/conf/all/forwarding", "1")?;
    network.within(move || at_host.iter().try_for_each(|words| run("ip", words)))
}

fn run(program: &str, words: &str) -> io::Result<()> {
    let output = Command::new(program).args(words.split(' ')).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("`{program} {words}`: {}", said.trim())))
}
