//! What `posix` and `rustix` call by different names: flags of calls, times.
//!
//! What is *not* here: socket options (`options.rs`) and error numbers (`errno.rs`).

use posix::{RecvFlags, SendFlags};
use rustix::event::Timespec;
use rustix::net;
use std::time::Duration;

/// A time to wait; what is too long waits for ever.
pub(crate) fn timespec(time: Duration) -> Timespec {
    Timespec::try_from(time).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 })
}

/// The flags of a receiving call.
pub(crate) fn receive_flags(flags: RecvFlags) -> net::RecvFlags {
    let table = [
        (RecvFlags::DONT_WAIT, net::RecvFlags::DONTWAIT),
        (RecvFlags::PEEK, net::RecvFlags::PEEK),
        (RecvFlags::WAIT_ALL, net::RecvFlags::WAITALL),
        (RecvFlags::TRUNCATE, net::RecvFlags::TRUNC),
    ];
    let set = table.into_iter().filter(|(ours, _)| flags.contains(*ours));
    set.fold(net::RecvFlags::empty(), |all, (_, theirs)| all | theirs)
}

/// `MSG_FASTOPEN` of `linux/socket.h`, for which `rustix` has no name.
const MSG_FASTOPEN: u32 = 0x2000_0000;

/// The flags of a sending call.
pub(crate) fn send_flags(flags: SendFlags) -> net::SendFlags {
    let table = [
        (SendFlags::DONT_WAIT, net::SendFlags::DONTWAIT),
        (SendFlags::MORE, net::SendFlags::MORE),
        (SendFlags::URGENT, net::SendFlags::OOB),
        (SendFlags::END_OF_RECORD, net::SendFlags::EOR),
        (SendFlags::FAST_OPEN, net::SendFlags::from_bits_retain(MSG_FASTOPEN)),
    ];
    let set = table.into_iter().filter(|(ours, _)| flags.contains(*ours));
    // A signal would be the program's.
    set.fold(net::SendFlags::NOSIGNAL, |all, (_, theirs)| all | theirs)
}
