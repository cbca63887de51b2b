//! The sockets of programs that name no stack, as `tokio::net` has them: types without a parameter.

use crate::Ambient;

pub use super::addresses::ToSocketAddrs;
pub use super::ambient::lookup_host_here as lookup_host;

/// A port that takes connections.
pub type TcpListener = super::TcpListener<Ambient>;
/// One end of a TCP connection.
pub type TcpStream = super::TcpStream<Ambient>;
/// A socket that neither listens nor is connected yet.
pub type TcpSocket = super::TcpSocket<Ambient>;
/// A socket for datagrams.
pub type UdpSocket = super::UdpSocket<Ambient>;

/// The halves of a [`TcpStream`].
pub mod tcp {
    use crate::Ambient;

    /// The half of a borrowed stream that reads.
    pub type ReadHalf<'a> = super::super::tcp::ReadHalf<'a, Ambient>;
    /// The half of a borrowed stream that writes.
    pub type WriteHalf<'a> = super::super::tcp::WriteHalf<'a, Ambient>;
    /// The half that reads, for a task of its own.
    pub type OwnedReadHalf = super::super::tcp::OwnedReadHalf<Ambient>;
    /// The half that writes, for a task of its own.
    pub type OwnedWriteHalf = super::super::tcp::OwnedWriteHalf<Ambient>;
    /// Two halves that are not of one stream.
    pub type ReuniteError = super::super::tcp::ReuniteError<Ambient>;
}
