//! Moving bytes: read, write, send, recv and their relatives.

use crate::socket::{Fd, Phase, Role};
use crate::system::Entry;
use crate::{Errno, Stop, System, Type, Waiting};
use bytes::Bytes;
use core::ops::BitOr;
use std::net::SocketAddr;
use tcp::{Habits, Instant, ReadError, WriteError};

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
    }
}

/// What a read gave.
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
        self.settle();
        let socket = self.socket_at(fd)?;
        if socket.kind == Type::Datagram {
            return self.recv_datagram(now, fd, into, flags, waiting);
        }
        let bytes = self.recv_stream(now, fd, into, flags, waiting)?;
        self.settle();
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
        let habits = self.habits();
        let (host, Some(Entry::Socket(socket))) = (&mut self.host, self.entries.get_mut(&fd)) else {
            return Err(Errno::BadDescriptor.into());
        };
        let Role::Stream(id, phase) = socket.role else { return Err(Errno::NotConnected.into()) };
        let dont_wait = socket.nonblocking || flags.contains(RecvFlags::DONT_WAIT);
        if phase == Phase::Connecting {
            socket.take_error()?;
            if dont_wait {
                return Err(Errno::Again.into());
            }
            return waiting.block(now, socket.options.receive_timeout, Errno::Again).map(|()| 0);
        }
        if into.is_empty() || (socket.read_shut && habits == Habits::FreeBsd) {
            return Ok(0);
        }
        let peek = flags.contains(RecvFlags::PEEK);
        let done = waiting.bytes;
        let result = if peek {
            host.tcp_peek(id, into)
        } else {
            host.tcp_read(now, id, into.get_mut(done..).unwrap_or_default())
        };
        match result {
            Ok(bytes) => {
                socket.urgent = false;
                waiting.bytes = done + bytes;
                let wants_more = flags.contains(RecvFlags::WAIT_ALL)
                    && !peek
                    && bytes > 0
                    && waiting.bytes < into.len()
                    && !dont_wait;
                if !wants_more {
                    return Ok(std::mem::take(&mut waiting.bytes));
                }
                waiting.block(now, socket.options.receive_timeout, Errno::Again).map(|()| 0)
            }
            Err(_) if done > 0 && socket.phase() == Some(Phase::Over) => {
                Ok(std::mem::take(&mut waiting.bytes))
            }
            Err(ReadError::Failed(_) | ReadError::NotConnected) => {
                socket.take_error()?;
                Ok(0)
            }
            Err(ReadError::WouldBlock) => {
                socket.take_error()?;
                if socket.read_shut {
                    return Ok(0);
                }
                if dont_wait {
                    return Err(Errno::Again.into());
                }
                let blocked = waiting.block(now, socket.options.receive_timeout, Errno::Again);
                if blocked != Err(Stop::Blocked) && done > 0 {
                    return Ok(std::mem::take(&mut waiting.bytes));
                }
                blocked.map(|()| 0)
            }
        }
    }

    fn recv_datagram(
        &mut self,
        now: Instant,
        fd: Fd,
        into: &mut [u8],
        flags: RecvFlags,
        waiting: &mut Waiting,
    ) -> Result<Received, Stop> {
        let habits = self.habits();
        let id = self.datagram_id(fd)?;
        let socket = self.socket_at_mut(fd)?;
        socket.take_error()?;
        let (nonblocking, timeout) = (socket.nonblocking, socket.options.receive_timeout);
        if let Some(error) = self.host.udp_take_error(id) {
            return Err(Errno::of_host(error, habits).into());
        }
        let result = if flags.contains(RecvFlags::PEEK) {
            self.host.udp_peek_from(id, into)
        } else {
            self.host.udp_recv_from(id, into)
        };
        let datagram_waits = self.host.udp_peek_from(id, &mut []).is_ok();
        self.socket_at_mut(fd)?.datagram_waits = datagram_waits;
        match result {
            Ok((bytes, from)) => {
                let from = self.socket_at(fd)?.shown(from);
                Ok(Received { bytes, from: Some(from) })
            }
            Err(stack::Error::WouldBlock) if !nonblocking && !flags.contains(RecvFlags::DONT_WAIT) => {
                waiting.block(now, timeout, Errno::Again)?;
                Err(Stop::Blocked)
            }
            Err(error) => Err(Errno::of_host(error, habits).into()),
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
        self.settle();
        if self.socket_at(fd)?.kind == Type::Datagram {
            return self.send_datagram(now, fd, data, to);
        }
        let sent = self.send_stream(now, fd, data, flags, waiting);
        self.settle();
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
        let habits = self.habits();
        let (host, Some(Entry::Socket(socket))) = (&mut self.host, self.entries.get_mut(&fd)) else {
            return Err(Errno::BadDescriptor.into());
        };
        let dont_wait = socket.nonblocking || flags.contains(SendFlags::DONT_WAIT);
        let timeout = socket.options.send_timeout;
        let never = if habits != Habits::FreeBsd { Errno::Pipe } else { Errno::NotConnected };
        let Role::Stream(id, phase) = socket.role else {
            socket.take_error()?;
            return Err(never.into());
        };
        if waiting.bytes > 0 && (socket.error.is_some() || phase == Phase::Over) {
            return Ok(std::mem::take(&mut waiting.bytes));
        }
        match (phase, habits) {
            (Phase::Connecting, Habits::FreeBsd) => return Err(Errno::NotConnected.into()),
            (Phase::Connecting, Habits::Linux | Habits::Rfc) if socket.write_shut => {
                return Err(Errno::Pipe.into());
            }
            (Phase::Connecting, Habits::Linux | Habits::Rfc) if dont_wait => return Err(Errno::Again.into()),
            (Phase::Connecting, Habits::Linux | Habits::Rfc) => {
                return waiting.block(now, timeout, Errno::Again).map(|()| 0);
            }
            (_, Habits::FreeBsd) if socket.write_shut || phase == Phase::Over => {
                return Err(Errno::Pipe.into());
            }
            _ => socket.take_error()?,
        }
        if socket.write_shut || phase == Phase::Over {
            return Err(Errno::Pipe.into());
        }
        if flags.contains(SendFlags::END_OF_RECORD) && habits == Habits::FreeBsd {
            return Err(Errno::Invalid.into());
        }
        if data.is_empty() {
            return Ok(0);
        }
        if flags.contains(SendFlags::MORE) || socket.options.held_back {
            socket.options.held_back = flags.contains(SendFlags::MORE);
            let cork = socket.options.held_back || socket.options.cork;
            let _ = host.tcp_configure(now, id, |config| config.cork = cork);
        }
        let rest = data.get(waiting.bytes..).unwrap_or_default();
        let room = socket.options.not_sent_low_water().map(|most| not_sent_room(host, now, id, most));
        let part = &rest[..rest.len().min(room.unwrap_or(usize::MAX))];
        let written = match () {
            () if part.is_empty() => Err(WriteError::WouldBlock),
            () if flags.contains(SendFlags::URGENT) => host.tcp_write_urgent(now, id, part),
            () if flags.contains(SendFlags::END_OF_RECORD) && part.len() == rest.len() => {
                host.tcp_write_record(now, id, part)
            }
            () => host.tcp_write(now, id, part),
        };
        match written {
            Ok(bytes) => {
                waiting.bytes += bytes;
                if waiting.bytes >= data.len() || dont_wait {
                    return Ok(std::mem::take(&mut waiting.bytes));
                }
                waiting.block(now, timeout, Errno::Again).map(|()| 0)
            }
            Err(WriteError::WouldBlock) if dont_wait => Err(Errno::Again.into()),
            Err(WriteError::WouldBlock) => {
                let blocked = waiting.block(now, timeout, Errno::Again);
                if blocked != Err(Stop::Blocked) && waiting.bytes > 0 {
                    return Ok(std::mem::take(&mut waiting.bytes));
                }
                blocked.map(|()| 0)
            }
            Err(WriteError::NotConnected) => Err(never.into()),
            Err(WriteError::Finished | WriteError::Failed(_)) => {
                socket.take_error()?;
                Err(Errno::Pipe.into())
            }
        }
    }

    fn send_datagram(
        &mut self,
        now: Instant,
        fd: Fd,
        data: &[u8],
        to: Option<SocketAddr>,
    ) -> Result<usize, Stop> {
        let habits = self.habits();
        let id = self.datagram_id(fd)?;
        let socket = self.socket_at_mut(fd)?;
        socket.take_error()?;
        if socket.write_shut {
            return Err(Errno::Pipe.into());
        }
        let to = to.map(|to| socket.canonical(to)).transpose()?;
        if to.is_none() && socket.peer.is_none() {
            return Err(Errno::DestinationRequired.into());
        }
        if let Some(error) = self.host.udp_take_error(id) {
            return Err(Errno::of_host(error, habits).into());
        }
        let data = Bytes::copy_from_slice(data);
        let sent = match to {
            Some(to) => self.host.udp_send_to(now, id, data, to),
            None => self.host.udp_send(now, id, data),
        };
        sent.map_err(|error| Errno::of_host(error, habits).into())
    }
}

/// How much a write may take with `TCP_NOTSENT_LOWAT`: as Linux, whole buffers of up to half the peer's window,
/// as long as less than `most` would wait when all has been sent that may be.
fn not_sent_room(host: &stack::Host, now: Instant, id: stack::SocketId, most: u32) -> usize {
    let Some(info) = host.tcp(id).map(|connection| connection.info(now)) else { return usize::MAX };
    let sendable = info.cwnd_bytes.min(info.send_window_bytes).saturating_sub(info.in_flight_bytes);
    let mss = info.send_mss_bytes.max(1);
    let buffer = (info.send_window_bytes / 2).min(BUFFER_BYTES_MAX);
    let buffer = (buffer - buffer % mss).max(mss);
    let limit = most.saturating_add(sendable);
    limit.saturating_sub(info.not_sent_bytes).div_ceil(buffer) as usize * buffer as usize
}

/// The largest buffer that one write fills before the next is asked for, in bytes.
const BUFFER_BYTES_MAX: u32 = 65_535;
