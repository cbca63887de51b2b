//! Our stack beside the kernel: the flags that `serve` and `get` share, the TUN interface, the stack on
//! it, and the capture of its packets.
//!
//! The kernel is the other host on the link, so each of our addresses is in a network of one of the
//! kernel's. What is *not* here: what the sockets are used for.

use crate::failure::Failure;
use crate::output::{Existing, Files};
use crate::recording::Recording;
use device::{InterfaceAddress, Tun, TunConfig, TunError};
use std::net::IpAddr;
use std::path::PathBuf;
use synfin::{ConnectionEvent, Stack};

/// Where our stack and the kernel meet.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "The link to the kernel")]
pub(crate) struct Flags {
    /// The TUN interface; if it does not exist, it is created and removed at the end.
    #[arg(long, value_name = "NAME", default_value = "synfin0")]
    tun: String,
    /// An address of the kernel's side, with its network. May be repeated [default: 10.90.0.1/24 and
    /// fd90::1/64].
    #[arg(long = "host", value_name = "ADDR/PREFIX")]
    hosts: Vec<InterfaceAddress>,
    /// An address of our side. May be repeated [default: the one after each of the kernel's, so 10.90.0.2
    /// and fd90::2].
    #[arg(long = "address", value_name = "ADDR")]
    addresses: Vec<IpAddr>,
    /// Write all packets into a pcapng file, with nanoseconds, complete checksums, and each super-segment as
    /// one packet, as the stack and the kernel exchange them. `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Let --pcap replace a file that exists.
    #[arg(long, requires = "pcap")]
    force: bool,
}

/// What drives the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    /// A thread of its own: the program may be busy elsewhere.
    Thread,
    /// A task of the current runtime: nothing has to be handed from thread to thread.
    Task,
}

/// A running stack.
pub(crate) struct OverTun {
    /// The stack.
    pub(crate) stack: Stack,
    /// The interface's name.
    pub(crate) name: String,
    /// The kernel's side.
    pub(crate) hosts: Vec<InterfaceAddress>,
    /// Our side.
    pub(crate) addresses: Vec<IpAddr>,
    recording: Option<Recording>,
}

impl Flags {
    /// Opens the interface and starts a stack on it. The recording joins the other `files`.
    pub(crate) fn open(
        &self,
        files: &mut Files,
        observer: Option<impl FnMut(ConnectionEvent) + Send + 'static>,
        driver: Driver,
    ) -> Result<OverTun, Failure> {
        let hosts = self.hosts();
        let ours = self.ours(&hosts)?;
        let existing = if self.force { Existing::Overwritten } else { Existing::Refused };
        let pcap = self.pcap.as_deref().map(|path| files.record("--pcap", path, existing)).transpose()?;
        let config =
            hosts.iter().fold(TunConfig::new(&self.tun), |config, host| config.with_host_address(*host));
        let tun = Tun::open(&config).map_err(|error| match error {
            TunError::Name { .. } | TunError::OtherKind { .. } => {
                Failure::usage(format!("--tun {}: {error}", self.tun))
            }
            other => Failure::new(other.to_string()),
        })?;
        let name = tun.name().to_owned();
        let recording = pcap.map(|target| Recording::begin(&target, &name)).transpose()?;
        let mut builder = Stack::builder().link(tun).name(&name);
        for address in &ours {
            builder = builder.address(address.to_string());
        }
        // The kernel is also the gateway to all other networks, if it forwards.
        for family in [IpAddr::is_ipv4, IpAddr::is_ipv6] {
            if let Some(host) = hosts.iter().find(|host| family(&host.address)) {
                builder = builder.gateway(host.address.to_string());
            }
        }
        if let Some(observer) = observer {
            builder = builder.on_connection(observer);
        }
        if let Some(recording) = &recording {
            builder = builder.tap(recording.tap());
        }
        let started = match driver {
            Driver::Thread => builder.start(),
            Driver::Task => builder.start_task(),
        };
        let stack = started.map_err(|error| Failure::io("start the stack", &error))?;
        if let Some(recording) = &recording {
            recording.keep();
        }
        let addresses = ours.iter().map(|address| address.address).collect();
        Ok(OverTun { stack, name, hosts, addresses, recording })
    }

    fn hosts(&self) -> Vec<InterfaceAddress> {
        if !self.hosts.is_empty() {
            return self.hosts.clone();
        }
        let defaults =
            [(IpAddr::from([10, 90, 0, 1]), 24), (IpAddr::from([0xfd90, 0, 0, 0, 0, 0, 0, 1]), 64)];
        defaults.map(|(address, prefix_bits)| InterfaceAddress { address, prefix_bits }).to_vec()
    }

    /// Our addresses, each with the network that it shares with the kernel.
    fn ours(&self, hosts: &[InterfaceAddress]) -> Result<Vec<InterfaceAddress>, Failure> {
        if self.addresses.is_empty() {
            return hosts.iter().map(|host| neighbour(*host)).collect();
        }
        let beside = |address: IpAddr| {
            if let Some(host) = hosts.iter().find(|host| host.address == address) {
                return Err(Failure::usage(format!(
                    "{address} is the kernel's address (--host {host}); give --address another one"
                )));
            }
            let host = hosts
                .iter()
                .find(|host| network(host.address, host.prefix_bits) == network(address, host.prefix_bits));
            host.map(|host| InterfaceAddress { address, prefix_bits: host.prefix_bits }).ok_or_else(|| {
                Failure::usage(format!(
                    "{address} is in none of the kernel's networks, so the kernel would not find it; \
                     give it one with --host, such as --host {}",
                    suggestion(address)
                ))
            })
        };
        self.addresses.iter().map(|address| beside(*address)).collect()
    }
}

impl OverTun {
    /// Writes the rest of the capture.
    pub(crate) fn finish_recording(&self) -> Result<(), Failure> {
        self.recording.as_ref().map_or(Ok(()), Recording::finish)
    }

    /// Whether the kernel's side of the link has this address in one of its networks.
    pub(crate) fn is_on_link(&self, address: IpAddr) -> bool {
        self.hosts
            .iter()
            .any(|host| network(host.address, host.prefix_bits) == network(address, host.prefix_bits))
    }
}

/// The network's bits of an address, or nothing if the prefix does not fit its family.
fn network(address: IpAddr, prefix_bits: u8) -> Option<(bool, u128)> {
    let (bits, width) = match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32_u8),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let host_bits = width.checked_sub(prefix_bits)?;
    Some((address.is_ipv4(), bits.checked_shr(host_bits.into()).unwrap_or(0)))
}

/// The address after the kernel's, or before it at the end of the network.
fn neighbour(host: InterfaceAddress) -> Result<InterfaceAddress, Failure> {
    let step = |up: bool| -> Option<IpAddr> {
        match host.address {
            IpAddr::V4(address) => {
                let number = u32::from(address);
                let next = if up { number.checked_add(1) } else { number.checked_sub(1) };
                next.map(|next| IpAddr::V4(next.into()))
            }
            IpAddr::V6(address) => {
                let number = u128::from(address);
                let next = if up { number.checked_add(1) } else { number.checked_sub(1) };
                next.map(|next| IpAddr::V6(next.into()))
            }
        }
    };
    let home = network(host.address, host.prefix_bits);
    // The last address of an IPv4 network is its broadcast address.
    let is_usable = |address: &IpAddr| {
        let last = match address {
            IpAddr::V4(address) => {
                host.prefix_bits < 31
                    && u32::from(*address).trailing_ones() >= u32::from(32 - host.prefix_bits)
            }
            IpAddr::V6(_) => false,
        };
        network(*address, host.prefix_bits) == home && !last
    };
    [true, false].into_iter().filter_map(step).find(is_usable).map_or_else(
        || {
            Err(Failure::usage(format!(
                "the network of --host {host} has no room for an address of ours; give it a shorter prefix"
            )))
        },
        |address| Ok(InterfaceAddress { address, prefix_bits: host.prefix_bits }),
    )
}

/// An address of the kernel that would fit this address of ours.
fn suggestion(address: IpAddr) -> InterfaceAddress {
    let prefix_bits = if address.is_ipv4() { 24 } else { 64 };
    neighbour(InterfaceAddress { address, prefix_bits }).unwrap_or(InterfaceAddress { address, prefix_bits })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(hosts: &[&str], addresses: &[&str]) -> Flags {
        Flags {
            tun: "synfin0".to_owned(),
            hosts: hosts.iter().map(|text| text.parse().expect("a host")).collect(),
            addresses: addresses.iter().map(|text| text.parse().expect("an address")).collect(),
            pcap: None,
            force: false,
        }
    }

    fn ours(hosts: &[&str], addresses: &[&str]) -> Result<Vec<String>, String> {
        let flags = flags(hosts, addresses);
        match flags.ours(&flags.hosts()) {
            Ok(ours) => Ok(ours.iter().map(ToString::to_string).collect()),
            Err(failure) => Err(format!("{failure:?}")),
        }
    }

    #[test]
    fn our_address_is_the_one_after_the_kernels() {
        assert_eq!(ours(&[], &[]).expect("the defaults"), ["10.90.0.2/24", "fd90::2/64"]);
        assert_eq!(ours(&["192.168.7.254/24"], &[]).expect("room below"), ["192.168.7.253/24"]);
        assert_eq!(ours(&["10.0.0.4/31"], &[]).expect("two addresses"), ["10.0.0.5/31"]);
        assert_eq!(ours(&["10.0.0.5/31"], &[]).expect("two addresses"), ["10.0.0.4/31"]);
        assert!(ours(&["10.0.0.5/32"], &[]).expect_err("no room").contains("no room"));
    }

    #[test]
    fn an_address_of_ours_stands_beside_one_of_the_kernels() {
        assert_eq!(ours(&[], &["10.90.0.77"]).expect("in the network"), ["10.90.0.77/24"]);
        assert_eq!(ours(&[], &["fd90::7", "10.90.0.9"]).expect("both"), ["fd90::7/64", "10.90.0.9/24"]);
        assert!(ours(&[], &["10.91.0.2"]).expect_err("elsewhere").contains("--host 10.91.0.3/24"));
        assert!(ours(&[], &["10.90.0.1"]).expect_err("taken").contains("the kernel's address"));
    }
}
