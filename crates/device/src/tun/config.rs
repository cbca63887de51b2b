//! The settings of a TUN interface, and the addresses of the kernel's side.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use wire::Medium;

/// The largest TCP payload in one IPv4 packet with the longest TCP header.
pub const SUPER_SEGMENT_BYTES_MAX: u32 = 65_535 - 20 - 60;

/// How long the transmit queue of an interface is made by default. The kernel gives a TUN interface 500 packets, and an
/// Ethernet interface 1,000 (as VPNs do for TUN); but with two thousand connections that say something at once, 1,000
/// still lose thousands of segments. Read at the slowest rate of a program (some 100,000 packets per second), this is a
/// delay of 40 ms.
const QUEUE_PACKETS_MIN: u32 = 4_096;

/// The settings of an interface.
///
/// Fields are added in minor versions: write `TunConfig { mtu_bytes, ..TunConfig::new(name) }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TunConfig {
    /// The interface's name, at most 15 bytes; with `%d` in it the kernel finds a free number.
    pub name: String,
    /// IP packets (TUN) or Ethernet frames (TAP).
    pub medium: Medium,
    /// The largest IP packet in bytes; IPv6 needs at least 1,280.
    pub mtu_bytes: u32,
    /// Addresses of the kernel's side, which programs on this machine use.
    pub host_addresses: Vec<InterfaceAddress>,
    /// The largest payload of a super-segment in bytes, in both directions; 0 turns all offload off.
    pub super_segment_bytes_max: u32,
    /// The interface can have more than one queue; see [`Tun::open_queues`](super::Tun::open_queues).
    pub multi_queue: bool,
    /// How many packets the kernel keeps for us at least until we read them, in each queue of the interface
    /// (`txqueuelen`); it drops what comes beyond that. 4,096 by default; with 0 it stays as it is.
    ///
    /// A queue that is longer already is left alone, and so is one that we have no right to change.
    pub queue_packets_min: u32,
}

impl TunConfig {
    /// A TUN interface of this name with an MTU of 1,500 bytes, full offload and no addresses.
    ///
    /// The kernel needs an address on it ([`with_host_address`](Self::with_host_address)), in the network of the
    /// addresses of the stack: without one it has no route to them.
    ///
    /// ```
    /// let config = synfin_device::TunConfig::new("synfin0")
    ///     .with_host_address("10.90.0.1/24".parse()?)
    ///     .with_host_address("fd90::1/64".parse()?);
    /// # Ok::<(), synfin_device::tun::InterfaceAddressError>(())
    /// ```
    pub fn new(name: &str) -> TunConfig {
        TunConfig {
            name: name.to_owned(),
            medium: Medium::Ip,
            mtu_bytes: 1_500,
            host_addresses: Vec::new(),
            super_segment_bytes_max: SUPER_SEGMENT_BYTES_MAX,
            multi_queue: false,
            queue_packets_min: QUEUE_PACKETS_MIN,
        }
    }

    /// The same with one more address for the kernel's side.
    #[must_use]
    pub fn with_host_address(mut self, address: InterfaceAddress) -> TunConfig {
        self.host_addresses.push(address);
        self
    }

    /// The same with another MTU, in bytes.
    #[must_use]
    pub fn with_mtu(mut self, mtu_bytes: u32) -> TunConfig {
        self.mtu_bytes = mtu_bytes;
        self
    }

    /// The same with another length of the transmit queue, in packets: many connections that are busy at once may need
    /// a longer one, as the interface's count of dropped packets shows (`ip -s link show dev NAME`).
    ///
    /// ```
    /// let config = synfin_device::TunConfig::new("synfin0").with_queue_packets_min(10_000);
    /// assert!(config.preparation().contains("txqueuelen 10000"));
    /// ```
    #[must_use]
    pub fn with_queue_packets_min(mut self, queue_packets_min: u32) -> TunConfig {
        self.queue_packets_min = queue_packets_min;
        self
    }

    /// The same without any offload: every frame fits the MTU, and every checksum is complete.
    #[must_use]
    pub fn without_offload(mut self) -> TunConfig {
        self.super_segment_bytes_max = 0;
        self
    }

    /// The commands that create such an interface, to be run once with privileges.
    pub fn preparation(&self) -> String {
        let user = std::env::var("USER").unwrap_or_else(|_| "\"$USER\"".to_owned());
        let name = &self.name;
        let mtu_bytes = self.mtu_bytes;
        let mode = if self.medium == Medium::Ip { "tun" } else { "tap" };
        let queues = if self.multi_queue { " multi_queue" } else { "" };
        let mut commands =
            format!("  sudo ip tuntap add dev {name} mode {mode} user {user} vnet_hdr{queues}\n");
        for host in &self.host_addresses {
            let nodad = if host.address.is_ipv6() { " nodad" } else { "" };
            commands += &format!("  sudo ip addr add {host} dev {name}{nodad}\n");
        }
        let queue = match self.queue_packets_min {
            0 => String::new(),
            packets => format!(" txqueuelen {packets}"),
        };
        commands + &format!("  sudo ip link set {name} mtu {mtu_bytes}{queue} up")
    }
}

/// An address with the length of its prefix, such as `10.90.0.1/24` or `fd90::1/64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// How many leading bits name the network.
    pub prefix_bits: u8,
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

impl FromStr for InterfaceAddress {
    type Err = InterfaceAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || InterfaceAddressError { text: text.to_owned() };
        let (address, bits) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let prefix_bits: u8 = bits.parse().map_err(|_| wrong())?;
        let prefix_bits_max = if address.is_ipv4() { 32 } else { 128 };
        (prefix_bits <= prefix_bits_max)
            .then_some(InterfaceAddress { address, prefix_bits })
            .ok_or_else(wrong)
    }
}

/// A text that is not an address with a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceAddressError {
    text: String,
}

impl fmt::Display for InterfaceAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not an address with a prefix such as 10.90.0.1/24 or fd90::1/64", self.text)
    }
}

impl std::error::Error for InterfaceAddressError {}
