//! The kernel's side of an interface: its addresses, its MTU, and whether it is up (netlink: RFC 3549,
//! `rtnetlink(7)`).
//!
//! No other program is started. Settings that are already right are not changed, so that an interface that
//! was prepared needs no privilege. IPv6 addresses are added without duplicate address detection, because
//! the only other station on the wire is this program.

use crate::sys;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;

/// Adds an address unless the interface has it.
pub(crate) fn add_address(name: &str, address: IpAddr, prefix_bits: u8) -> io::Result<()> {
    if sys::interface_addresses(name)?.contains(&(address, prefix_bits)) {
        return Ok(());
    }
    ask(&new_address_request(sys::interface_index(name)?, address, prefix_bits))
}

/// Sends every packet of that family for which there is no better route out of the interface, which must
/// be up.
pub(crate) fn add_default_route(name: &str, family: libc::c_int) -> io::Result<()> {
    ask(&new_default_route_request(sys::interface_index(name)?, family))
}

/// Makes a request; what is there already is fine.
fn ask(request: &[u8]) -> io::Result<()> {
    let socket = sys::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?;
    sys::send(socket.as_fd(), request)?;
    let mut reply = [0; 512];
    let len = sys::receive(socket.as_fd(), &mut reply)?;
    match acknowledgement(&reply[..len]) {
        Some(0 | libc::EEXIST) => Ok(()),
        Some(errno) => Err(io::Error::from_raw_os_error(errno)),
        None => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the kernel's answer to a request is cut short"))
        }
    }
}

/// Sets the MTU unless it is right already.
pub(crate) fn set_mtu(name: &str, mtu_bytes: u32) -> io::Result<()> {
    let socket = any_socket()?;
    if sys::interface_state(socket.as_fd(), name)?.mtu_bytes == mtu_bytes {
        return Ok(());
    }
    sys::set_interface_mtu(socket.as_fd(), name, mtu_bytes)
}

/// Makes the transmit queue of the interface at least this long.
pub(crate) fn lengthen_queue(name: &str, packets: u32) -> io::Result<()> {
    let socket = any_socket()?;
    if sys::interface_queue_packets(socket.as_fd(), name)? >= packets {
        return Ok(());
    }
    sys::set_interface_queue_packets(socket.as_fd(), name, packets)
}

/// Brings the interface up unless it is up already.
pub(crate) fn bring_up(name: &str) -> io::Result<()> {
    let socket = any_socket()?;
    if sys::interface_state(socket.as_fd(), name)?.is_up {
        return Ok(());
    }
    sys::bring_interface_up(socket.as_fd(), name)
}

/// Whether there is an interface of this name.
pub(crate) fn exists(name: &str) -> bool {
    sys::interface_index(name).is_ok()
}

/// The state of an interface.
pub(crate) fn state(name: &str) -> io::Result<sys::InterfaceState> {
    sys::interface_state(any_socket()?.as_fd(), name)
}

/// A socket for requests about interfaces; any kind of socket will do.
fn any_socket() -> io::Result<std::os::fd::OwnedFd> {
    sys::socket(libc::AF_INET, libc::SOCK_DGRAM, 0)
        .or_else(|_| sys::socket(libc::AF_INET6, libc::SOCK_DGRAM, 0))
}

fn new_address_request(index: u32, address: IpAddr, prefix_bits: u8) -> Vec<u8> {
    let (family, octets) = match address {
        IpAddr::V4(address) => (libc::AF_INET as u8, address.octets().to_vec()),
        IpAddr::V6(address) => (libc::AF_INET6 as u8, address.octets().to_vec()),
    };
    let mut request = new_request(libc::RTM_NEWADDR);
    // ifaddrmsg: family, prefix, flags, scope, interface
    request.extend_from_slice(&[family, prefix_bits, libc::IFA_F_NODAD as u8, 0]);
    request.extend_from_slice(&index.to_ne_bytes());
    for kind in [libc::IFA_LOCAL, libc::IFA_ADDRESS] {
        attribute(&mut request, kind, &octets);
    }
    finished(request)
}

fn new_default_route_request(index: u32, family: libc::c_int) -> Vec<u8> {
    let mut request = new_request(libc::RTM_NEWROUTE);
    // rtmsg: family, prefixes, type of service, table, who made it, scope, kind; flags
    let (table, protocol) = (libc::RT_TABLE_MAIN, libc::RTPROT_STATIC);
    let (scope, kind) = (libc::RT_SCOPE_UNIVERSE, libc::RTN_UNICAST);
    request.extend_from_slice(&[family as u8, 0, 0, 0, table, protocol, scope, kind]);
    request.extend_from_slice(&0u32.to_ne_bytes());
    attribute(&mut request, libc::RTA_OIF, &index.to_ne_bytes());
    finished(request)
}

/// The header of a request that makes something and wants to know whether it was done.
fn new_request(kind: u16) -> Vec<u8> {
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16;
    let mut request = Vec::with_capacity(96);
    // nlmsghdr: length (filled in at the end), type, flags, sequence, sender
    request.extend_from_slice(&[0; 4]);
    request.extend_from_slice(&kind.to_ne_bytes());
    request.extend_from_slice(&flags.to_ne_bytes());
    request.extend_from_slice(&1u32.to_ne_bytes());
    request.extend_from_slice(&0u32.to_ne_bytes());
    request
}

fn finished(mut request: Vec<u8>) -> Vec<u8> {
    let len = request.len() as u32;
    request[..4].copy_from_slice(&len.to_ne_bytes());
    request
}

/// Appends an attribute. The length of an address is a multiple of four bytes, so no padding is needed.
fn attribute(request: &mut Vec<u8>, kind: u16, data: &[u8]) {
    request.extend_from_slice(&(4 + data.len() as u16).to_ne_bytes());
    request.extend_from_slice(&kind.to_ne_bytes());
    request.extend_from_slice(data);
}

/// The error number in an answer; 0 means success.
fn acknowledgement(reply: &[u8]) -> Option<i32> {
    let errno: &[u8; 4] = reply.get(16..)?.first_chunk()?;
    Some(-i32::from_ne_bytes(*errno))
}
