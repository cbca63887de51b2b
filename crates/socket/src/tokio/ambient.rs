//! Sockets of programs that name no stack: they are made as those of tokio are, word for word.

use super::addresses::{ToSocketAddrs, addresses};
use super::tcp_socket::{Family, TcpSocket};
use super::{TcpListener, TcpStream, UdpSocket};
use crate::Ambient;
use std::io;
use std::net::SocketAddr;

/// Where the program runs on a stack that was entered for it.
impl TcpStream<Ambient> {
    /// Connects and returns when the peer's SYN-ACK has arrived, the second step of the handshake.
    ///
    /// # Errors
    /// Those of a stack that is named, and `Unsupported` where no stack was entered.
    pub async fn connect(addr: impl ToSocketAddrs) -> io::Result<Self> {
        TcpStream::connect_on(&Ambient::current()?, addr, None).await
    }

    /// Connects with `first` as the first bytes of the stream, which may go with the SYN; see
    /// [`TcpStream::connect_with`] of a stack that is named.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect), and those of writing.
    pub async fn connect_with(addr: impl ToSocketAddrs, first: &[u8]) -> io::Result<Self> {
        TcpStream::connect_on(&Ambient::current()?, addr, Some(first)).await
    }
}

/// Where the program runs on a stack that was entered for it.
impl TcpListener<Ambient> {
    /// Takes connections to this address from now on. Port zero: the host chooses one.
    ///
    /// # Errors
    /// Those of a stack that is named, and `Unsupported` where no stack was entered.
    pub async fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        TcpListener::bind_on(&Ambient::current()?, addr).await
    }
}

/// Where the program runs on a stack that was entered for it.
impl TcpSocket<Ambient> {
    /// A socket for IPv4.
    ///
    /// # Errors
    /// `Unsupported` where no stack was entered.
    pub fn new_v4() -> io::Result<Self> {
        Ok(TcpSocket::new(&Ambient::current()?, Family::V4))
    }

    /// A socket for IPv6.
    ///
    /// # Errors
    /// `Unsupported` where no stack was entered.
    pub fn new_v6() -> io::Result<Self> {
        Ok(TcpSocket::new(&Ambient::current()?, Family::V6))
    }
}

/// Where the program runs on a stack that was entered for it.
impl UdpSocket<Ambient> {
    /// Receives datagrams to this address from now on. Port zero: the host chooses one.
    ///
    /// # Errors
    /// Those of a stack that is named, and `Unsupported` where no stack was entered.
    pub async fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        UdpSocket::bind_on(&Ambient::current()?, addr).await
    }
}

/// The addresses that something stands for, as the stack looks them up that was entered.
///
/// # Errors
/// Those of the lookup; `InvalidInput` for a text without a port; `Unsupported` where no stack was entered.
pub async fn lookup_host_here(host: impl ToSocketAddrs) -> io::Result<std::vec::IntoIter<SocketAddr>> {
    Ok(addresses(&Ambient::current()?, host).await?.collect::<Vec<_>>().into_iter())
}
