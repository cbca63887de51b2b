//! Descriptors, for libraries that set options of a socket through one (`socket2`), or that take a socket to `std` and
//! back to do so.
//!
//! Sockets of a world have none. In their place stands a socket of the system that is never connected: options can be
//! set on it and read from it, reading and writing fail. When a socket comes back from `std`, the options that the
//! engine knows are carried over: no delay, linger, keep-alive, user timeout. Set through a *borrowed* descriptor
//! they stay where they are set.

use crate::ambient::Ambient;
use crate::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use socket2::{Domain, SockRef, Socket, Type};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What was taken to `std`, by the number of the stand-in that is there now.
///
/// What is dropped there stays here: `std` says nothing about it.
static AWAY: Mutex<BTreeMap<u64, TcpStream>> = Mutex::new(BTreeMap::new());

fn away() -> MutexGuard<'static, BTreeMap<u64, TcpStream>> {
    AWAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number by which the system knows a socket, through whichever descriptor.
fn number(socket: &impl AsFd) -> io::Result<u64> {
    Ok(File::from(socket.as_fd().try_clone_to_owned()?).metadata()?.ino())
}

fn not_of_this_world() -> io::Error {
    let sentence = "this is a socket of the system, and the program runs on the sockets of a simulated world";
    io::Error::new(ErrorKind::Unsupported, sentence)
}

fn cannot_leave() -> io::Error {
    let sentence = "this is a socket of a simulated world, which std cannot have";
    io::Error::new(ErrorKind::Unsupported, sentence)
}

impl Ambient {
    /// What stands in for a socket with this local address.
    fn stand_in(&self, local: io::Result<SocketAddr>, kind: Type) -> BorrowedFd<'_> {
        let made = self.stand_in.get_or_init(|| {
            let domain = local.map_or(Domain::IPV4, Domain::for_address);
            Socket::new(domain, kind, None).expect("the system has a socket to stand in for this one")
        });
        made.as_fd()
    }
}

macro_rules! descriptors {
    ($($socket:ty: $kind:expr),+) => { $(
        impl AsFd for $socket {
            /// # Panics
            /// If the system has no more descriptors.
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.stack().stand_in(self.local_addr(), $kind)
            }
        }

        impl AsRawFd for $socket {
            /// # Panics
            /// If the system has no more descriptors.
            fn as_raw_fd(&self) -> RawFd {
                self.as_fd().as_raw_fd()
            }
        }
    )+ };
}

descriptors!(TcpStream: Type::STREAM, TcpListener: Type::STREAM, TcpSocket: Type::STREAM, UdpSocket: Type::DGRAM);

/// The options of a descriptor that the engine knows.
struct Options {
    nodelay: bool,
    linger: Option<Duration>,
    keep_alive: Option<tcp::KeepAlive>,
    user_timeout: Option<Duration>,
}

impl Options {
    fn of(socket: &impl AsFd) -> io::Result<Options> {
        let socket = SockRef::from(socket);
        Ok(Options {
            nodelay: socket.tcp_nodelay()?,
            linger: socket.linger()?,
            keep_alive: if socket.keepalive()? { Some(keep_alive(&socket)?) } else { None },
            user_timeout: user_timeout(&socket)?,
        })
    }

    fn apply(&self, config: &mut tcp::Config) {
        config.nagle = if self.nodelay { tcp::Nagle::Off } else { tcp::Nagle::default() };
        config.keep_alive = self.keep_alive;
        config.user_timeout = self.user_timeout;
    }
}

fn keep_alive(socket: &Socket) -> io::Result<tcp::KeepAlive> {
    Ok(tcp::KeepAlive {
        idle: socket.tcp_keepalive_time()?,
        interval: socket.tcp_keepalive_interval()?,
        probes: u8::try_from(socket.tcp_keepalive_retries()?).unwrap_or(u8::MAX),
    })
}

#[cfg(target_os = "linux")]
fn user_timeout(socket: &Socket) -> io::Result<Option<Duration>> {
    Ok(socket.tcp_user_timeout()?.filter(|timeout| !timeout.is_zero()))
}

#[cfg(not(target_os = "linux"))]
fn user_timeout(_: &Socket) -> io::Result<Option<Duration>> {
    Ok(None)
}

macro_rules! from_std {
    ($($std:ty => $socket:ty),+) => { $(
        impl TryFrom<$std> for $socket {
            type Error = io::Error;

            /// As `from_std`.
            fn try_from(socket: $std) -> io::Result<Self> {
                Self::from_std(socket)
            }
        }
    )+ };
}

from_std!(
    std::net::TcpStream => TcpStream, std::net::TcpListener => TcpListener, std::net::UdpSocket => UdpSocket
);

/// To `std` and back, for the options' sake.
impl TcpStream {
    /// A descriptor that stands for the stream until [`from_std`](Self::from_std) takes it back. Meanwhile nothing can
    /// be read or written, and a stream that does not come back is not closed.
    ///
    /// # Errors
    /// When the system has no more descriptors.
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        let stand_in = Socket::from(self.as_fd().try_clone_to_owned()?);
        stand_in.set_nonblocking(true)?;
        stand_in.set_tcp_nodelay(self.nodelay()?)?;
        stand_in.set_linger(self.linger()?)?;
        away().insert(number(&stand_in)?, self);
        Ok(stand_in.into())
    }

    /// The stream that a descriptor stands for, with the options that were set on it.
    ///
    /// # Errors
    /// `Unsupported` for a socket of the system.
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<Self> {
        let back = away().remove(&number(&stream)?).ok_or_else(not_of_this_world)?;
        let options = Options::of(&stream)?;
        drop(stream);
        // A connection that has ended meanwhile says so where it is read.
        let _ = back.configure(|config| options.apply(config));
        back.set_linger(options.linger)?;
        Ok(back)
    }
}

impl TcpSocket {
    /// A socket of this host, of the family and with the options of the system's; an address that this was bound to is
    /// not one of the world, and is left behind.
    ///
    /// # Panics
    /// Where the program runs on no simulated host; if the system cannot tell the options.
    pub fn from_std_stream(std_stream: std::net::TcpStream) -> Self {
        let is_ipv6 = std_stream.local_addr().is_ok_and(|local| local.is_ipv6());
        let made = if is_ipv6 { TcpSocket::new_v6() } else { TcpSocket::new_v4() };
        let socket = made.expect("the program runs on a simulated host");
        let options = Options::of(&std_stream).expect("a TCP socket has the options of one");
        drop(std_stream);
        socket.configure(|config| options.apply(config));
        socket.set_linger(options.linger).expect("any time can be set");
        socket
    }
}

/// There is no way between the system's sockets and those of a world.
impl TcpListener {
    /// Fails: a listener of the system is no listener of a world.
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn from_std(_: std::net::TcpListener) -> io::Result<Self> {
        Err(not_of_this_world())
    }

    /// Fails: a listener of a world is no listener of the system.
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        Err(cannot_leave())
    }
}

/// There is no way between the system's sockets and those of a world.
impl UdpSocket {
    /// Fails: a socket of the system is no socket of a world.
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn from_std(_: std::net::UdpSocket) -> io::Result<Self> {
        Err(not_of_this_world())
    }

    /// Fails: a socket of a world is no socket of the system.
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn into_std(self) -> io::Result<std::net::UdpSocket> {
        Err(cannot_leave())
    }
}
