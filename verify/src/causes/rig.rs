//! The rig: two hosts in namespaces of one kernel, a bad wire between them, tcpdump at both, and the kernel's own word.
//!
//! Needs root, network namespaces, TUN, tracefs, `ip` and `tc` of iproute2, and tcpdump; where one is missing, [`Missing`]
//! says which. What is *not* here: what the kernel's word means (`truth.rs`), and what the lens says.

mod dump;
mod ground;
mod network;
mod pinned;
mod scenarios;
mod tracing;
mod traffic;

pub use ground::Joint;
pub use scenarios::{Scenario, all};
pub use traffic::{Talk, Traffic};

use super::record::{CAPTURES, Circumstances, Record, TRACE};
use dump::Dump;
use ground::Ground;
use pinned::Pinned;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tracing::Tracing;

/// What is still on its way when everybody has closed.
const LINGER: Duration = Duration::from_millis(800);

/// Why the rig cannot run here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs a scenario; its captures, the kernel's trace and what is to be known of both are put into `folder`.
///
/// # Errors
/// What is missing here.
pub fn run(scenario: &Scenario, seed: u64, folder: &Path) -> Result<Record, Missing> {
    let _here = Pinned::here();
    let ground = Ground::lay(scenario.joint)?;
    for host in &ground.hosts {
        for (name, value) in &scenario.settings {
            host.set(name, value).map_err(|error| Missing(format!("a setting: {error}")))?;
        }
    }
    let captures = CAPTURES.map(|name| folder.join(name));
    let tracing = Tracing::begin()?;
    let dumps = [0, 1].map(|host| Dump::begin(&ground.hosts[host], ground.interface, &captures[host]));
    let [first, second] = dumps;
    let dumps = [first?, second?];
    let wire = ground.join(scenario.lanes.clone(), seed);
    let at = SocketAddr::new(ground.plan.address(1, scenario.is_v6), 0);
    let done = traffic::talk(&ground.hosts, at, scenario.traffic, scenario.control, scenario.lasts, seed)
        .map_err(|error| Missing(format!("the hosts cannot talk: {error}")))?;
    std::thread::sleep(LINGER);
    drop(wire);
    let mut capture_lost = 0;
    for dump in dumps {
        capture_lost += dump.end()?;
    }
    let (text, clock_ns) = tracing.end()?;
    let hosts = [0, 1].map(|host| ground.plan.address(host, scenario.is_v6));
    let circumstances =
        Circumstances { kernel: tracing::kernel(), seed, hosts, clock_ns, capture_lost, done };
    std::fs::write(folder.join(TRACE), text)
        .and_then(|()| circumstances.keep(folder))
        .and_then(|()| Record::of(folder))
        .map_err(|error| Missing(format!("nothing can be kept: {error}")))
}
