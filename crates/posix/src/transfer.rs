//! Moving bytes: read, write, send, recv and their relatives.

use crate::descriptor::{Fd, Phase, Role};
use crate::{Errno, Stop, System, Type, Waiting};
use bytes::Bytes;
use core::ops::BitOr;
use socket::{Fault, SocketId, WriteMark};
use std::io::{IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::task::Poll;
use tcp::{Habits, Instant};

macro_rules! flag_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$flag_doc:meta])* $flag:ident = $bit:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
        pub struct $name(u8);

        impl $name {
            /// No flag.
            pub const NONE: $name = $name(0);
            $($(#[$flag_doc])* pub const $flag: $name = $name($bit);)+

            /// Whether all flags of `other` are set.
            pub const fn contains(self, other: $name) -> bool {
                self.0 & other.0 == other.0
            }
        }

        impl BitOr for $name {
            type Output = $name;
            fn bitor(self, other: $name) -> $name {
                $name(self.0 | other.0)
            }
        }
    };
}

flag_set! {
    /// The flags of `recv`.
    RecvFlags {
        /// `MSG_DONTWAIT`: this call does not block.
        DONT_WAIT = 1,
        /// `MSG_PEEK`: what is read stays.
        PEEK = 2,
        /// `MSG_WAITALL`: wait until the buffer is full.
        WAIT_ALL = 4,
        /// `MSG_TRUNC`: on TCP (Linux), throw the bytes away instead of copying them.
        TRUNCATE = 8,
    }
}

flag_set! {
    /// The flags of `send`.
    SendFlags {
        /// `MSG_DONTWAIT`: this call does not block.
        DONT_WAIT = 1,
        /// `MSG_MORE`: more follows at once; hold back a partial segment.
        MORE = 2,
        /// `MSG_OOB`: the last byte is urgent (RFC 6093).
        URGENT = 4,
        /// `MSG_EOR`: a record ends here; no segment has bytes of two records.
        END_OF_RECORD = 8,
        /// `MSG_FASTOPEN` (Linux): opens the connection, with the data on the SYN if there is a cookie (RFC 7413).
        FAST_OPEN = 16,
    }
}

/// What a read gave. Other hosts under a script make it as well, so it has no further fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// How many bytes; 0 on a stream is its end.
    pub bytes: usize,
    /// Who sent a datagram.
    pub from: Option<SocketAddr>,
}

/// The most that one scattered read fills, in bytes: it needs a buffer of its own.
const SCATTERED_BYTES_MAX: usize = 64 << 20;

impl System {
    /// `read`
    ///
    /// # Errors
    /// As [`System::recv`].
    pub fn read(
        &mut self,
        now: Instant,
        fd: Fd,
        into: &mut [u8],
        waiting: &mut Waiting,
    ) -> Result<usize, Stop> {
        Ok(self.recv(now, fd, into, RecvFlags::NONE, waiting)?.bytes)
    }

    /// `write`
    ///
    /// # Errors
    /// As [`System::send`].
    pub fn write(&mut self, now: Instant, fd: Fd, data: &[u8], waiting: &mut Waiting) -> Result<usize, Stop> {
        self.send(now, fd, data, SendFlags::NONE, None, waiting)
    }

    /// `readv`: fills the buffers in order.
    ///
    /// # Errors
    /// As [`System::recv`].
    pub fn readv(
        &mut self,
        now: Instant,
        fd: Fd,
        into: &mut [&mut [u8]],
        flags: RecvFlags,
        waiting: &mut Waiting,
    ) -> Result<Received, Stop> {
        let room = into.iter().map(|piece| piece.len()).sum::<usize>().min(SCATTERED_BYTES_MAX);
        let mut whole = vec![0; room];
        let received = self.recv(now, fd, &mut whole, flags, waiting)?;
        let mut rest = &whole[..received.bytes.min(room)];
        for piece in into {
            let (here, later) = rest.split_at(piece.len().min(rest.len()));
            piece[..here.len()].copy_from_slice(here);
            rest = later;
        }
        Ok(received)
    }

    /// `writev`: one write of all pieces in order.
    ///
    /// # Errors
    /// As [`System::send`].
    pub fn writev(
        &mut self,
        now: Instant,
        fd: Fd,
        pieces: &[&[u8]],
        flags: SendFlags,
        waiting: &mut Waiting,
    ) -> Result<usize, Stop> {
        self.send(now, fd, &pieces.concat(), flags, None, waiting)
    }

    /// `recv`, `recvfrom`: what has arrived, and from whom.
    ///
    /// # Errors
    /// [`Stop::Blocked`] or `EAGAIN` when nothing has arrived, the pending error once, `ENOTCONN`.
    pub fn recv(
        &mut self,
        now: Instant,
        fd: Fd,
        into: &mut [u8],
        flags: RecvFlags,
        waiting: &mut Waiting,
    ) -> Result<Received, Stop> {
        self.settle(now);
        if self.socket_at(fd)?.kind == Type::Datagram {
            return self.recv_datagram(now, fd, into, flags, waiting);
        }
        let bytes = self.recv_stream(now, fd, into, flags, waiting)?;
        self.settle(now);
        Ok(Received { bytes, from: None })
    }

    fn recv_stream(
        &mut self,
        now: Instant,
        fd: Fd,
        into: &mut [u8],
        flags: RecvFlags,
        waiting: &mut Waiting,
    ) -> Result<usize, Stop> {
        let socket = self.socket_at(fd)?;
        let dont_wait = socket.nonblocking || flags.contains(RecvFlags::DONT_WAIT);
        let timeout = socket.options.receive_timeout;
        if socket.deferred.is_some() {
            // It counts as connecting.
            return if dont_wait { Err(Errno::Again.into()) } else { waiting.block_moving(now, timeout) };
        }
        let Role::Stream(id) = socket.role else { return Err(Errno::NotConnected.into()) };
        let (phase, done) = (self.phase(id), waiting.bytes);
        if done > 0 && phase == Phase::Over && self.bytes_readable(fd)? == 0 {
            // Why it is over is for the next call.
            return Ok(std::mem::take(&mut waiting.bytes));
        }
        let peek = flags.contains(RecvFlags::PEEK);
        let attempt = match phase {
            Phase::Connecting => Poll::Pending,
            _ if into.is_empty() => Poll::Ready(Ok(0)),
            _ if peek => self.core.poll_peek(id, into),
            _ => {
                self.core.poll_read(now, id, &mut [IoSliceMut::new(into.get_mut(done..).unwrap_or_default())])
            }
        };
        if let Some(bytes) = self.outcome(attempt, dont_wait)? {
            waiting.bytes += bytes;
            let is_enough = peek || bytes == 0 || waiting.bytes >= into.len();
            if is_enough || dont_wait || !flags.contains(RecvFlags::WAIT_ALL) {
                return Ok(std::mem::take(&mut waiting.bytes));
            }
        }
        waiting.block_moving(now, timeout)
    }

    fn recv_datagram(
        &mut self,
        now: Instant,
        fd: Fd,
        into: &mut [u8],
        flags: RecvFlags,
        waiting: &mut Waiting,
    ) -> Result<Received, Stop> {
        let id = self.datagram_id(fd)?;
        let socket = self.socket_at(fd)?;
        let dont_wait = socket.nonblocking || flags.contains(RecvFlags::DONT_WAIT);
        let timeout = socket.options.receive_timeout;
        let attempt = if flags.contains(RecvFlags::PEEK) {
            self.core.poll_peek_from(id, into)
        } else {
            self.core.poll_recv_from(id, into)
        };
        // After a shutdown who would wait hears of the end; Linux still says EAGAIN to those who would not.
        let is_shut = self.core.closed_sides(id).read;
        let dont_wait = dont_wait && !(is_shut && self.habits() == Habits::FreeBsd);
        match self.outcome(attempt, dont_wait)? {
            Some((bytes, from)) => Ok(Received { bytes, from: Some(self.socket_at(fd)?.shown(from)) }),
            None if is_shut => Ok(Received { bytes: 0, from: None }),
            None => Err(waiting.block(now, timeout, Errno::Again)),
        }
    }

    /// `send`, `sendto`: hands bytes over. A blocking call returns when all are handed over, a
    /// non-blocking one with as many as there was room for.
    ///
    /// # Errors
    /// [`Stop::Blocked`] or `EAGAIN` without room, `EPIPE` after a shutdown, `ENOTCONN`, the pending
    /// error once, `EMSGSIZE` for a datagram that is too large.
    pub fn send(
        &mut self,
        now: Instant,
        fd: Fd,
        data: &[u8],
        flags: SendFlags,
        to: Option<SocketAddr>,
        waiting: &mut Waiting,
    ) -> Result<usize, Stop> {
        self.settle(now);
        if self.socket_at(fd)?.kind == Type::Datagram {
            return self.send_datagram(now, fd, data, flags, to, waiting);
        }
        let sent = match self.send_fast(now, fd, data, (flags, to), waiting) {
            Ok(Some(sent)) => Ok(sent),
            Ok(None) => self.send_stream(now, fd, data, flags, waiting),
            Err(stop) => Err(stop),
        };
        self.settle(now);
        sent
    }

    fn send_stream(
        &mut self,
        now: Instant,
        fd: Fd,
        data: &[u8],
        flags: SendFlags,
        waiting: &mut Waiting,
    ) -> Result<usize, Stop> {
        let is_freebsd = self.habits() == Habits::FreeBsd;
        let socket = self.socket_at(fd)?;
        let dont_wait = socket.nonblocking || flags.contains(SendFlags::DONT_WAIT);
        let (timeout, not_sent_most) = (socket.options.send_timeout, socket.options.not_sent_low_water());
        let never_connected = if is_freebsd { Errno::NotConnected } else { Errno::Pipe };
        let Role::Stream(id) = socket.role else { return Err(never_connected.into()) };
        let phase = self.phase(id);
        if waiting.bytes > 0 && phase == Phase::Over {
            // Why it is over is for the next call.
            return Ok(std::mem::take(&mut waiting.bytes));
        }
        if phase == Phase::Connecting && is_freebsd {
            return Err(never_connected.into());
        }
        // On FreeBSD this comes before the failure, which stays for `SO_ERROR`.
        if self.core.closed_sides(id).write && (is_freebsd || phase == Phase::Connecting) {
            return Err(Errno::Pipe.into());
        }
        if flags.contains(SendFlags::END_OF_RECORD) && is_freebsd {
            return Err(Errno::Invalid.into());
        }
        let attempt = if phase == Phase::Connecting {
            Poll::Pending
        } else {
            self.hold_back(now, fd, id, flags);
            let room = not_sent_most.map_or(usize::MAX, |most| self.not_sent_room(now, id, most));
            self.queue(now, id, data.get(waiting.bytes..).unwrap_or_default(), room, flags)
        };
        if let Some(bytes) = self.outcome(attempt, dont_wait)? {
            waiting.bytes += bytes;
            if waiting.bytes >= data.len() || dont_wait {
                return Ok(std::mem::take(&mut waiting.bytes));
            }
        }
        waiting.block_moving(now, timeout)
    }

    /// `MSG_MORE`: a cork for as long as more follows.
    fn hold_back(&mut self, now: Instant, fd: Fd, id: SocketId, flags: SendFlags) {
        let more = flags.contains(SendFlags::MORE);
        let Ok(socket) = self.socket_at_mut(fd) else { return };
        if more || socket.options.held_back {
            socket.options.held_back = more;
            let cork = more || socket.options.cork;
            // A connection that is gone says so to the write that follows.
            let _ = self.core.configure(now, id, |config| config.cork = cork);
        }
    }

    /// Queues what there is room for, at most `room` bytes.
    fn queue(
        &mut self,
        now: Instant,
        id: SocketId,
        data: &[u8],
        room: usize,
        flags: SendFlags,
    ) -> Poll<Result<usize, Fault>> {
        let part = &data[..data.len().min(room)];
        let has_all = part.len() == data.len();
        if part.is_empty() && !has_all {
            // Nothing may be queued, but a failure is told.
            return match self.core.poll_room(now, id) {
                Poll::Ready(Err(fault)) => Poll::Ready(Err(fault)),
                _ => Poll::Pending,
            };
        }
        if flags.contains(SendFlags::URGENT) && !part.is_empty() {
            self.core.poll_write_marked(now, id, part, WriteMark::Urgent)
        } else if flags.contains(SendFlags::END_OF_RECORD) && has_all && !part.is_empty() {
            self.core.poll_write_marked(now, id, part, WriteMark::EndOfRecord)
        } else {
            self.core.poll_write(now, id, &[IoSlice::new(part)], 0)
        }
    }

    fn send_datagram(
        &mut self,
        now: Instant,
        fd: Fd,
        data: &[u8],
        flags: SendFlags,
        to: Option<SocketAddr>,
        waiting: &mut Waiting,
    ) -> Result<usize, Stop> {
        let id = self.datagram_id(fd)?;
        let socket = self.socket_at(fd)?;
        let dont_wait = socket.nonblocking || flags.contains(SendFlags::DONT_WAIT);
        let timeout = socket.options.send_timeout;
        let to = to.map(|to| socket.canonical(to)).transpose()?;
        if to.is_none() && self.core.peer(id).is_none() {
            return Err(Errno::DestinationRequired.into());
        }
        let attempt = self.core.poll_send_to(now, id, &Bytes::copy_from_slice(data), to);
        self.outcome(attempt, dont_wait)?.ok_or_else(|| waiting.block(now, timeout, Errno::Again))
    }

    /// How much a write may take with `TCP_NOTSENT_LOWAT`: as Linux, whole buffers of up to half the peer's window,
    /// as long as less than `most` would wait when all has been sent that may be.
    fn not_sent_room(&self, now: Instant, id: SocketId, most: u32) -> usize {
        let Ok(info) = self.core.connection(id).map(|connection| connection.info(now)) else {
            return usize::MAX;
        };
        let sendable = info.cwnd_bytes.min(info.send_window_bytes).saturating_sub(info.in_flight_bytes);
        let mss = info.send_mss_bytes.max(1);
        let buffer = (info.send_window_bytes / 2).min(BUFFER_BYTES_MAX);
        let buffer = (buffer - buffer % mss).max(mss);
        let limit = most.saturating_add(sendable);
        limit.saturating_sub(info.not_sent_bytes).div_ceil(buffer) as usize * buffer as usize
    }
}

/// The largest buffer that one write fills before the next is asked for, in bytes.
const BUFFER_BYTES_MAX: u32 = 65_535;
