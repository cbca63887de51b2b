//! The wire between the script and the kernel: a TUN interface in a network of the calling thread's own.
//!
//! What the kernel says by itself on a new interface (neighbour discovery, multicast listeners) is switched
//! off where it can be and left out here where it cannot: it is not about the script's connections.

use device::{InterfaceAddress, Link, Tun, TunConfig, kernel};
use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};
use wire::{Frame, checksum, ip};

/// Settings that a new network begins with, whatever the machine's are. Those of TCP are what the kernel has
/// when nobody has changed anything.
const SETTINGS: &[(&str, &str)] = &[
    ("ipv4/tcp_rmem", "4096 131072 6291456"),
    ("ipv4/tcp_wmem", "4096 16384 4194304"),
    ("ipv6/conf/all/accept_dad", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/all/accept_ra", "0"),
    ("ipv6/conf/default/accept_ra", "0"),
    ("ipv6/conf/default/router_solicitations", "0"),
    // No link-local address.
    ("ipv6/conf/default/addr_gen_mode", "1"),
];

/// The least MTU of IPv6 (RFC 8200 §5).
const IPV6_MTU_BYTES_MIN: u32 = 1_280;

/// How long a new interface may take to answer: the kernel enters IPv6 routes when a worker comes to it,
/// which waits while other networks are taken down.
const READY_MAX: Duration = Duration::from_secs(30);

/// How long to wait for an answer before asking again.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// How many packets are read at once.
const READ_AT_ONCE: usize = 64;

pub(crate) struct Wire {
    tun: Tun,
    received: VecDeque<Frame>,
}

impl Wire {
    /// Gives the calling thread a network of its own with these addresses, everything else being behind
    /// the interface.
    ///
    /// # Errors
    /// A sentence that says what could not be done.
    pub(crate) fn open(addresses: &[IpAddr], mtu_bytes: u32) -> Result<Wire, String> {
        let failed = |what: &'static str| move |error: io::Error| format!("{what} failed: {error}");
        kernel::enter_new_network().map_err(failed("making a network of its own"))?;
        for (name, value) in SETTINGS {
            // Where there is no IPv6, or no such setting, there is nothing to switch off.
            let _ = std::fs::write(format!("/proc/sys/net/{name}"), value);
        }
        kernel::bring_up_loopback().map_err(failed("bringing up the loopback interface"))?;
        let mut config = TunConfig::new("script%d").with_mtu(mtu_bytes).without_offload();
        let main = addresses.first().copied();
        let fits = |ip: &IpAddr| ip.is_ipv4() || mtu_bytes >= IPV6_MTU_BYTES_MIN;
        if main.is_some_and(|ip| !fits(&ip)) {
            return Err(format!("IPv6 over an MTU of {mtu_bytes} bytes, which the kernel does not do"));
        }
        for address in addresses.iter().copied().filter(fits) {
            let prefix_bits = if address.is_ipv4() { 16 } else { 64 };
            config = config.with_host_address(InterfaceAddress { address, prefix_bits });
        }
        let tun = Tun::open(&config).map_err(|error| error.to_string())?;
        tun.route_everything().map_err(failed("setting the default route"))?;
        let mut wire = Wire { tun, received: VecDeque::new() };
        if let Some(main) = main {
            wire.wait_until_answered(main)?;
        }
        Ok(wire)
    }

    /// What to wait on: readable when a packet has come.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.tun.poll_fd()
    }

    /// Hands a packet to the kernel.
    pub(crate) fn send(&self, packet: Vec<u8>) -> io::Result<()> {
        let mut frames = VecDeque::from([Frame::from_bytes(packet.into())]);
        match self.tun.transmit(&mut frames)? {
            0 => Err(io::Error::new(io::ErrorKind::WouldBlock, "the interface takes nothing")),
            _ => Ok(()),
        }
    }

    /// The next packet that the kernel has sent, if there is one now.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if self.received.is_empty() && self.tun.receive(&mut self.received, READ_AT_ONCE)? == 0 {
                return Ok(None);
            }
            let packet = self.received.pop_front().map(|frame| frame.to_vec());
            if let Some(packet) = packet.filter(|packet| !is_background(packet)) {
                return Ok(Some(packet));
            }
        }
    }

    /// Asks until the kernel answers at its address: only then does it take packets for it.
    fn wait_until_answered(&mut self, address: IpAddr) -> Result<(), String> {
        let began = Instant::now();
        let failed = |error: io::Error| format!("asking the new interface failed: {error}");
        while began.elapsed() < READY_MAX {
            self.send(echo_request(address)).map_err(failed)?;
            let asked = Instant::now();
            while asked.elapsed() < ASK_AGAIN {
                let ready = self.fd().map(|fd| device::wait(&[fd], Some(ASK_AGAIN)));
                ready.transpose().map_err(failed)?;
                while let Some(packet) = self.receive().map_err(failed)? {
                    if is_echo_reply(&packet) {
                        return Ok(());
                    }
                }
            }
        }
        Err(format!("the new interface has not answered at {address} for {} s", READY_MAX.as_secs()))
    }
}

/// Whether the kernel sends this by itself, to find neighbours, routers and listeners.
fn is_background(packet: &[u8]) -> bool {
    match packet.first().map(|byte| byte >> 4) {
        // IGMP, and whatever else goes to a group.
        Some(4) => packet.get(9) == Some(&2) || packet.get(16).is_some_and(|byte| byte & 0xf0 == 0xe0),
        Some(6) => {
            let discovers = packet.get(6) == Some(&ip::protocol::ICMPV6)
                && packet.get(40).is_some_and(|kind| matches!(kind, 130..=137 | 143));
            discovers || packet.get(24) == Some(&0xff)
        }
        _ => true,
    }
}

/// An echo request (RFC 792, RFC 4443 §4.1) from a documentation address.
fn echo_request(to: IpAddr) -> Vec<u8> {
    let mut message = vec![0, 0, 0, 0, 0, 1, 0, 1];
    match to {
        IpAddr::V4(to) => {
            message[0] = 8;
            let sum = checksum::of(&message);
            message[2..4].copy_from_slice(&sum.to_be_bytes());
            let mut packet =
                vec![0x45, 0, 0, 28, 0, 0, 0x40, 0, 64, ip::protocol::ICMP, 0, 0, 198, 51, 100, 1];
            packet.extend_from_slice(&to.octets());
            let sum = checksum::of(&packet);
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
            packet.extend_from_slice(&message);
            packet
        }
        IpAddr::V6(to) => {
            let from = [0x20, 1, 0xd, 0xb8, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
            message[0] = 128;
            let mut sum = checksum::pseudo_header_v6(from.into(), to, ip::protocol::ICMPV6, 8);
            sum.add(&message);
            message[2..4].copy_from_slice(&sum.checksum().to_be_bytes());
            let mut packet = vec![0x60, 0, 0, 0, 0, 8, ip::protocol::ICMPV6, 64];
            packet.extend_from_slice(&from);
            packet.extend_from_slice(&to.octets());
            packet.extend_from_slice(&message);
            packet
        }
    }
}

fn is_echo_reply(packet: &[u8]) -> bool {
    match packet.first().map(|byte| byte >> 4) {
        Some(4) => packet.get(9) == Some(&ip::protocol::ICMP) && packet.get(20) == Some(&0),
        _ => packet.get(6) == Some(&ip::protocol::ICMPV6) && packet.get(40) == Some(&129),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echo_requests_are_whole() {
        let v4 = echo_request([192, 168, 0, 1].into());
        assert_eq!((checksum::of(&v4[..20]), checksum::of(&v4[20..]), v4.len()), (0, 0, 28));
        let v6 = echo_request(
            "fd3d:fa7b:d17d::1".parse::<std::net::Ipv6Addr>().map_or_else(|_| panic!(), IpAddr::V6),
        );
        assert_eq!(v6.len(), 48);
        assert!(!is_background(&v4) && !is_background(&v6));
    }

    #[test]
    fn what_the_kernel_says_by_itself_is_left_out() {
        let mut solicitation = echo_request(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST));
        solicitation[40] = 133;
        assert!(is_background(&solicitation));
        let mut report = echo_request([224, 0, 0, 22].into());
        assert!(is_background(&report));
        report[9] = 2;
        assert!(is_background(&report));
        assert!(is_background(&[]));
    }
}
