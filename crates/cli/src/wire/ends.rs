//! The two TUN devices, and the network namespaces that they may be in.
//!
//! A device is opened on a thread that has entered its namespace; its descriptor works from anywhere afterwards.
//! Namespaces are made and removed by `ip`, which is also how they are entered by whoever uses them.

use super::language::EndName;
use crate::failure::Failure;
use device::{InterfaceAddress, Tun, TunConfig, kernel};
use std::fmt;
use std::fs::File;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::Arc;

/// The device in a namespace that was made here.
const DEVICE: &str = "wire0";
/// Where `ip` keeps namespaces.
const NAMESPACES: &str = "/run/netns";

/// Whether there are devices already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// The names are those of namespaces to be made.
    Setup {
        /// The largest packet.
        mtu_bytes: u32,
    },
    /// They are there.
    AsTheyAre,
}

/// Both ends, open. Namespaces that were made are removed with it.
pub(super) struct Ends {
    pub(super) links: [Arc<Tun>; 2],
    /// What each end is called by the other, if it was made here.
    pub(super) addresses: Vec<Vec<String>>,
    _made: Vec<Namespace>,
}

impl Ends {
    pub(super) fn open(names: [EndName; 2], plan: Plan) -> Result<Ends, Failure> {
        if names[0] == names[1] {
            return Err(Failure::usage(format!("{} cannot be both ends of the wire", names[0])));
        }
        let Plan::Setup { mtu_bytes } = plan else {
            let [first, second] = names.map(|name| within(name.namespace.clone(), move || existing(&name)));
            return Ok(Ends {
                links: [Arc::new(first?), Arc::new(second?)],
                addresses: Vec::new(),
                _made: Vec::new(),
            });
        };
        if let Some(name) = names.iter().find(|name| name.namespace.is_some()) {
            return Err(Failure::usage(format!(
                "--setup makes namespaces with devices of their own: give the name of one instead of {name}"
            )));
        }
        let [first, second] = &names;
        let made = vec![Namespace::make(&first.device)?, Namespace::make(&second.device)?];
        let open = |number: u8, name: &EndName| {
            let addresses = addresses(number);
            let shown: Vec<String> = addresses.iter().map(|host| host.address.to_string()).collect();
            let namespace = name.device.clone();
            let tun = within(Some(name.device.clone()), move || fresh(&namespace, addresses, mtu_bytes))?;
            Ok::<_, Failure>((Arc::new(tun), shown))
        };
        let ((first, first_addresses), (second, second_addresses)) = (open(1, first)?, open(2, second)?);
        Ok(Ends { links: [first, second], addresses: vec![first_addresses, second_addresses], _made: made })
    }
}

/// The addresses of the first or the second end.
fn addresses(number: u8) -> Vec<InterfaceAddress> {
    let v4 = IpAddr::from([10, 77, 0, number]);
    let v6 = IpAddr::from([0xfd77, 0, 0, 0, 0, 0, 0, u16::from(number)]);
    vec![InterfaceAddress { address: v4, prefix_bits: 24 }, InterfaceAddress { address: v6, prefix_bits: 64 }]
}

/// A device with addresses, in the namespace of this thread, which is new.
fn fresh(namespace: &str, addresses: Vec<InterfaceAddress>, mtu_bytes: u32) -> Result<Tun, Failure> {
    let set_up = |error| Failure::io(format_args!("set up the namespace {namespace}"), &error);
    kernel::bring_up_loopback().map_err(set_up)?;
    let config = TunConfig { host_addresses: addresses, ..TunConfig::new(DEVICE).with_mtu(mtu_bytes) };
    let tun = Tun::open(&config).map_err(|error| Failure::new(error.to_string()))?;
    tun.route_everything().map_err(set_up)?;
    Ok(tun)
}

fn existing(name: &EndName) -> Result<Tun, Failure> {
    Tun::open_existing(&name.device).map_err(|error| Failure::new(format!("{name}: {error}")))
}

/// Does something in a namespace; in ours if it is none.
fn within<T: Send + 'static>(
    namespace: Option<String>,
    act: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let Some(namespace) = namespace else { return act() };
    let inside = move || {
        let path = format!("{NAMESPACES}/{namespace}");
        let doing = format!("enter the namespace {namespace} ({path})");
        let file = File::open(&path).map_err(|error| Failure::io(&doing, &error))?;
        kernel::enter_network(file.as_fd()).map_err(|error| Failure::io(&doing, &error))?;
        act()
    };
    // A thread that has entered a namespace has no way back.
    std::thread::spawn(inside)
        .join()
        .unwrap_or_else(|_| Err(Failure::new("a thread in a namespace has panicked")))
}

/// A namespace that is removed with it.
struct Namespace {
    name: String,
}

impl Namespace {
    fn make(name: &str) -> Result<Namespace, Failure> {
        ip(&["netns", "add", name])?;
        Ok(Namespace { name: name.to_owned() })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // There is nobody to tell; the next --setup says that it is there.
        let _ = ip(&["netns", "del", &self.name]);
    }
}

fn ip(words: &[&str]) -> Result<(), Failure> {
    let output = Command::new("ip").args(words).output();
    let output = output.map_err(|error| Failure::io("run `ip` (of iproute2)", &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = crate::terminal::foreign(said.trim());
    let hint = match words {
        [.., name] if said.contains("File exists") => {
            format!("; if nobody uses it, remove it: ip netns del {name}")
        }
        _ if said.contains("not permitted") || said.contains("ermission denied") => {
            "; run it as root".to_owned()
        }
        _ => String::new(),
    };
    Err(Failure::new(format!("`ip {}` failed: {said}{hint}", words.join(" "))))
}

impl fmt::Display for EndName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.device),
            None => f.write_str(&self.device),
        }
    }
}
