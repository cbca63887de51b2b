//! Packet sockets.

use super::socket::outcome;
use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

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
