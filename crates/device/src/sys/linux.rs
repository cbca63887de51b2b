//! What only Linux has, Android included: eventfd, TUN, interface requests and netlink.

use super::socket::{outcome, owned};
use std::ffi::CString;
use std::io;
use std::mem;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// A new event counter, non-blocking.
pub(crate) fn eventfd() -> io::Result<OwnedFd> {
    // SAFETY: takes two integers.
    owned(unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) })
}

/// A new socket, non-blocking if `kind` says so.
pub(crate) fn socket(domain: libc::c_int, kind: libc::c_int, protocol: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: takes three integers.
    owned(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) })
}

/// Makes reads and writes return instead of waiting, for everybody who shares the descriptor.
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: takes integers.
    let flags = outcome(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })? as libc::c_int;
    if flags & libc::O_NONBLOCK != 0 {
        return Ok(());
    }
    // SAFETY: takes integers.
    outcome(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) }).map(drop)
}

/// An `ifreq` for the interface `name`, of which at most 15 bytes count.
fn interface_request(name: &str) -> libc::ifreq {
    // SAFETY: `ifreq` is integers, arrays and unions of them: all zeros is a value.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    let room = request.ifr_name.len() - 1;
    for (slot, byte) in request.ifr_name[..room].iter_mut().zip(name.bytes()) {
        *slot = byte as libc::c_char;
    }
    request
}

fn ioctl_interface(fd: BorrowedFd<'_>, number: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: every request this module passes takes a pointer to an `ifreq`, which lives across the call.
    outcome(unsafe { libc::ioctl(fd.as_raw_fd(), number, std::ptr::from_mut(request)) }).map(drop)
}

/// Attaches an open `/dev/net/tun` to the interface `name`; an empty name or one with `%d` is chosen by
/// the kernel. Returns the name.
pub(crate) fn tun_attach(fd: BorrowedFd<'_>, name: &str, flags: libc::c_int) -> io::Result<String> {
    let mut request = interface_request(name);
    request.ifr_ifru.ifru_flags = flags as libc::c_short;
    ioctl_interface(fd, libc::TUNSETIFF, &mut request)?;
    Ok(name_of(&request))
}

fn name_of(request: &libc::ifreq) -> String {
    let bytes = request
        .ifr_name
        .iter()
        .map(|byte| u8::from_ne_bytes(byte.to_ne_bytes()))
        .take_while(|&byte| byte != 0);
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}

/// Which kinds of unfinished frames the interface may hand us, and we it (`TUN_F_*`).
pub(crate) fn tun_set_offload(fd: BorrowedFd<'_>, features: libc::c_uint) -> io::Result<()> {
    // SAFETY: this request takes an integer.
    outcome(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETOFFLOAD, libc::c_ulong::from(features)) })
        .map(drop)
}

/// The interface that a descriptor of `/dev/net/tun` is attached to: its name and its flags (`IFF_*`).
pub(crate) fn tun_interface(fd: BorrowedFd<'_>) -> io::Result<(String, libc::c_int)> {
    let mut request = interface_request("");
    ioctl_interface(fd, libc::TUNGETIFF, &mut request)?;
    // SAFETY: the request above filled in the flags.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    Ok((name_of(&request), libc::c_int::from(flags)))
}

/// The length of the virtio header before every frame.
pub(crate) fn tun_set_header(fd: BorrowedFd<'_>, len_bytes: usize) -> io::Result<()> {
    let len = len_bytes as libc::c_int;
    // SAFETY: this request reads one int through the pointer, which is valid for the call.
    outcome(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETVNETHDRSZ, std::ptr::from_ref(&len)) }).map(drop)
}

/// As it was set, by us or others.
pub(crate) fn tun_header_bytes(fd: BorrowedFd<'_>) -> io::Result<usize> {
    let mut len: libc::c_int = 0;
    // SAFETY: this request writes one int through the pointer, which is valid for the call.
    outcome(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNGETVNETHDRSZ, std::ptr::from_mut(&mut len)) })?;
    Ok(usize::try_from(len).unwrap_or(0))
}

/// The byte order of the virtio header.
pub(crate) fn tun_set_little_endian(fd: BorrowedFd<'_>) -> io::Result<()> {
    let little_endian: libc::c_int = 1;
    // SAFETY: this request reads one int through the pointer, which is valid for the call.
    outcome(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETVNETLE, std::ptr::from_ref(&little_endian)) })
        .map(drop)
}

/// What one can ask of an interface, and change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InterfaceState {
    pub(crate) is_up: bool,
    pub(crate) mtu_bytes: u32,
    /// `ARPHRD_*`: what its frames start with.
    pub(crate) hardware: u16,
}

/// Reads the state of an interface; `fd` is any socket.
pub(crate) fn interface_state(fd: BorrowedFd<'_>, name: &str) -> io::Result<InterfaceState> {
    let mut request = interface_request(name);
    ioctl_interface(fd, libc::SIOCGIFFLAGS as libc::Ioctl, &mut request)?;
    // SAFETY: the request above filled in the flags.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    ioctl_interface(fd, libc::SIOCGIFMTU as libc::Ioctl, &mut request)?;
    // SAFETY: the request above filled in the MTU.
    let mtu = unsafe { request.ifr_ifru.ifru_mtu };
    ioctl_interface(fd, libc::SIOCGIFHWADDR as libc::Ioctl, &mut request)?;
    // SAFETY: the request above filled in the hardware address.
    let hardware = unsafe { request.ifr_ifru.ifru_hwaddr.sa_family };
    let is_up = libc::c_int::from(flags) & libc::IFF_UP != 0;
    Ok(InterfaceState { is_up, mtu_bytes: u32::try_from(mtu).unwrap_or(0), hardware })
}

/// Sets the MTU of an interface; `fd` is any socket.
pub(crate) fn set_interface_mtu(fd: BorrowedFd<'_>, name: &str, mtu_bytes: u32) -> io::Result<()> {
    let mut request = interface_request(name);
    request.ifr_ifru.ifru_mtu = libc::c_int::try_from(mtu_bytes).unwrap_or(libc::c_int::MAX);
    ioctl_interface(fd, libc::SIOCSIFMTU as libc::Ioctl, &mut request)
}

/// Requests about the transmit queue of an interface (`linux/sockios.h`), which libc has for Android only.
const SIOCGIFTXQLEN: libc::Ioctl = 0x8942;
const SIOCSIFTXQLEN: libc::Ioctl = 0x8943;

/// The most packets that wait in the transmit queue of an interface; `fd` is any socket.
pub(crate) fn interface_queue_packets(fd: BorrowedFd<'_>, name: &str) -> io::Result<u32> {
    let mut request = interface_request(name);
    ioctl_interface(fd, SIOCGIFTXQLEN, &mut request)?;
    // SAFETY: `ifr_qlen` is an int, as this field is, and the request above filled it in.
    let packets = unsafe { request.ifr_ifru.ifru_metric };
    Ok(u32::try_from(packets).unwrap_or(u32::MAX))
}

/// Sets the length of the transmit queue of an interface; `fd` is any socket.
pub(crate) fn set_interface_queue_packets(fd: BorrowedFd<'_>, name: &str, packets: u32) -> io::Result<()> {
    let mut request = interface_request(name);
    request.ifr_ifru.ifru_metric = libc::c_int::try_from(packets).unwrap_or(libc::c_int::MAX);
    ioctl_interface(fd, SIOCSIFTXQLEN, &mut request)
}

/// Brings an interface up; `fd` is any socket.
pub(crate) fn bring_interface_up(fd: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    let mut request = interface_request(name);
    ioctl_interface(fd, libc::SIOCGIFFLAGS as libc::Ioctl, &mut request)?;
    // SAFETY: the request above filled in the flags.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    request.ifr_ifru.ifru_flags = flags | libc::IFF_UP as libc::c_short;
    ioctl_interface(fd, libc::SIOCSIFFLAGS as libc::Ioctl, &mut request)
}

/// The number of an interface.
pub(crate) fn interface_index(name: &str) -> io::Result<u32> {
    let name = CString::new(name)?;
    // SAFETY: the string ends with a zero byte and lives across the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// The addresses of an interface, each with the length of its prefix.
pub(crate) fn interface_addresses(name: &str) -> io::Result<Vec<(IpAddr, u8)>> {
    let mut list = std::ptr::null_mut();
    // SAFETY: the call stores a list at the pointer, which is freed below and not used after.
    outcome(unsafe { libc::getifaddrs(&mut list) })?;
    let (mut found, mut entry) = (Vec::new(), list);
    while !entry.is_null() {
        // SAFETY: a non-null entry of the list is valid until the list is freed.
        let current = unsafe { &*entry };
        entry = current.ifa_next;
        // SAFETY: `ifa_name` is a string that ends with a zero byte, of the list's life.
        let its_name = unsafe { std::ffi::CStr::from_ptr(current.ifa_name) };
        if its_name.to_bytes() == name.as_bytes() {
            // SAFETY: both are null or point at a socket address of the family it names.
            let (address, mask) =
                unsafe { (socket_address_ip(current.ifa_addr), socket_address_ip(current.ifa_netmask)) };
            found.extend(address.zip(mask).map(|(address, mask)| (address, ones(mask))));
        }
    }
    // SAFETY: `list` came from `getifaddrs` and is freed once.
    unsafe { libc::freeifaddrs(list) };
    Ok(found)
}

/// # Safety
/// `address` is null or points at a socket address as large as its family says.
unsafe fn socket_address_ip(address: *const libc::sockaddr) -> Option<IpAddr> {
    if address.is_null() {
        return None;
    }
    // SAFETY: not null, so the caller promises a socket address with a family.
    match libc::c_int::from(unsafe { (*address).sa_family }) {
        libc::AF_INET => {
            // SAFETY: the family says it is a `sockaddr_in`, perhaps not aligned as one.
            let address = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(IpAddr::from(address.sin_addr.s_addr.to_ne_bytes()))
        }
        libc::AF_INET6 => {
            // SAFETY: the family says it is a `sockaddr_in6`, perhaps not aligned as one.
            let address = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(IpAddr::from(address.sin6_addr.s6_addr))
        }
        _ => None,
    }
}

fn ones(mask: IpAddr) -> u8 {
    match mask {
        IpAddr::V4(mask) => mask.to_bits().count_ones() as u8,
        IpAddr::V6(mask) => mask.to_bits().count_ones() as u8,
    }
}

/// Receives into `into`; returns how many bytes.
pub(crate) fn receive(fd: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the slice is writable for its length during the call.
    outcome(unsafe { libc::recv(fd.as_raw_fd(), into.as_mut_ptr().cast(), into.len(), 0) } as i64)
}
