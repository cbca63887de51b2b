//! What only Linux has: eventfd, TUN, interface requests, netlink and packet sockets.

use super::socket::{outcome, owned};
use std::ffi::CString;
use std::io;
use std::mem::{self, MaybeUninit};
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

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
    let bytes = request.ifr_name.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0);
    Ok(String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned())
}

/// Which kinds of unfinished frames the interface may hand us, and we it (`TUN_F_*`).
pub(crate) fn tun_set_offload(fd: BorrowedFd<'_>, features: libc::c_uint) -> io::Result<()> {
    // SAFETY: this request takes an integer.
    outcome(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETOFFLOAD, libc::c_ulong::from(features)) })
        .map(drop)
}

/// The length of the header before every frame, and its byte order.
pub(crate) fn tun_set_header(fd: BorrowedFd<'_>, len_bytes: usize) -> io::Result<()> {
    let len = len_bytes as libc::c_int;
    // SAFETY: this request reads one int through the pointer, which is valid for the call.
    outcome(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETVNETHDRSZ, std::ptr::from_ref(&len)) })?;
    let little_endian: libc::c_int = 1;
    // SAFETY: as above.
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

/// Binds a packet socket to an interface (0: all) and to all protocols.
pub(crate) fn packet_bind(fd: BorrowedFd<'_>, index: u32) -> io::Result<()> {
    // SAFETY: `sockaddr_ll` is integers and an array: all zeros is a value.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as libc::c_ushort;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = libc::c_int::try_from(index).unwrap_or(0);
    let len = size_of_val(&address) as libc::socklen_t;
    // SAFETY: the pointer is valid for the length given during the call.
    outcome(unsafe { libc::bind(fd.as_raw_fd(), std::ptr::from_ref(&address).cast(), len) }).map(drop)
}

/// Asks an interface to hand over frames for other stations too, as long as the socket is open.
pub(crate) fn packet_listen_to_all(fd: BorrowedFd<'_>, index: u32) -> io::Result<()> {
    // SAFETY: `packet_mreq` is integers and an array: all zeros is a value.
    let mut request: libc::packet_mreq = unsafe { mem::zeroed() };
    request.mr_ifindex = libc::c_int::try_from(index).unwrap_or(0);
    request.mr_type = libc::PACKET_MR_PROMISC as libc::c_ushort;
    let len = size_of_val(&request) as libc::socklen_t;
    let (level, name) = (libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP);
    // SAFETY: the pointer is valid for the length given during the call.
    outcome(unsafe {
        libc::setsockopt(fd.as_raw_fd(), level, name, std::ptr::from_ref(&request).cast(), len)
    })
    .map(drop)
}

/// How many packets a packet socket has seen and dropped since this was asked last.
pub(crate) fn packet_statistics(fd: BorrowedFd<'_>) -> io::Result<(u32, u32)> {
    let mut counts = [0u32; 2];
    let mut len = size_of_val(&counts) as libc::socklen_t;
    let (level, name) = (libc::SOL_PACKET, libc::PACKET_STATISTICS);
    // SAFETY: `tpacket_stats` is two 32-bit counters; both pointers are valid during the call.
    outcome(unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, counts.as_mut_ptr().cast(), &mut len) })?;
    Ok((counts[0], counts[1]))
}

/// What came with a packet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PacketNote {
    /// Its length on the wire, more than was received if the buffer was too small.
    pub(crate) wire_bytes: usize,
    /// When the kernel saw it, since 1970.
    pub(crate) time: Option<Duration>,
    /// `PACKET_OUTGOING` and its like.
    pub(crate) packet_type: u8,
    /// `TP_STATUS_*`.
    pub(crate) status: u32,
    /// The VLAN tag that the kernel took out: its control word and its ethertype.
    pub(crate) vlan: Option<(u16, u16)>,
}

/// Receives one packet behind what `buffer` holds, as much as it has room for.
pub(crate) fn packet_receive(fd: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> io::Result<PacketNote> {
    // SAFETY: `sockaddr_ll` is integers and an array: all zeros is a value.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    let mut control = [MaybeUninit::<u64>::zeroed(); 16];
    let spare = buffer.spare_capacity_mut();
    let room = spare.len();
    let mut piece = libc::iovec { iov_base: spare.as_mut_ptr().cast(), iov_len: room };
    // SAFETY: `msghdr` is integers and pointers: all zeros is a value.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_name = std::ptr::from_mut(&mut address).cast();
    message.msg_namelen = size_of_val(&address) as libc::socklen_t;
    message.msg_iov = &mut piece;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: every pointer in the message is valid and writable for the length beside it during the call.
    let count = unsafe { libc::recvmsg(fd.as_raw_fd(), &mut message, libc::MSG_TRUNC) };
    let wire_bytes = outcome(count as i64)?;
    // SAFETY: the kernel has initialised as many bytes as there are, or as there was room for.
    unsafe { buffer.set_len(buffer.len() + wire_bytes.min(room)) };
    let mut note = PacketNote { wire_bytes, packet_type: address.sll_pkttype, ..PacketNote::default() };
    read_control(&message, &mut note);
    Ok(note)
}

/// Takes over what the control messages say that `recvmsg` has just filled in.
fn read_control(message: &libc::msghdr, note: &mut PacketNote) {
    // SAFETY: the message's control buffer was filled in by the kernel, which also set its length.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !header.is_null() {
        // SAFETY: the macro returns null or a header that lies whole within the control buffer.
        let current = unsafe { &*header };
        match (current.cmsg_level, current.cmsg_type) {
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                // SAFETY: the data of this kind of control message is a `timespec`, perhaps not aligned.
                let time = unsafe { libc::CMSG_DATA(header).cast::<libc::timespec>().read_unaligned() };
                let parts = u64::try_from(time.tv_sec).ok().zip(u32::try_from(time.tv_nsec).ok());
                note.time = parts.map(|(seconds, nanos)| Duration::new(seconds, nanos));
            }
            (libc::SOL_PACKET, libc::PACKET_AUXDATA) => {
                // SAFETY: the data of this kind is a `tpacket_auxdata`, perhaps not aligned.
                let data =
                    unsafe { libc::CMSG_DATA(header).cast::<libc::tpacket_auxdata>().read_unaligned() };
                note.status = data.tp_status;
                let (tagged, named) = (libc::TP_STATUS_VLAN_VALID, libc::TP_STATUS_VLAN_TPID_VALID);
                let ethertype = if data.tp_status & named != 0 { data.tp_vlan_tpid } else { 0x8100 };
                note.vlan = (data.tp_status & tagged != 0).then_some((data.tp_vlan_tci, ethertype));
            }
            _ => {}
        }
        // SAFETY: as for the first header.
        header = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
}
