//! tokio programs in virtual time, over TCP as it is: with handshakes, windows, retransmissions and resets.
//!
//! Each host of a [`Sim`] runs its program on a tokio runtime of its own, whose clock is the world's: `sleep`, `timeout`
//! and `interval` of tokio take no real time. The sockets of [`net`] are made as those of `tokio::net` are, so that a
//! program is brought here by one changed `use`.
//!
//! | of tokio | here |
//! | --- | --- |
//! | `tokio::net::{TcpListener, TcpStream, TcpSocket, UdpSocket}` | [`net`] |
//! | `tokio::time`, `tokio::spawn`, `tokio::sync`, `tokio::select!` | as they are |
//! | names that the system resolves | names of hosts: `TcpStream::connect("db:5432")` |
//!
//! What tokio does outside of its runtime's thread (`spawn_blocking`, `tokio::fs`) takes real time, during which
//! virtual time stands still.
//!
//! One seed gives one run, to the byte, as far as the programs allow it: [`replay`] names the first event in which two runs
//! differ. Programs part two runs by what they bring in themselves: the time of day,
//! threads, the order of a `HashMap`, a random seed. `tokio::select!` without `biased` is such a seed: with
//! `--cfg tokio_unstable` it comes from the world's.

mod builder;
mod here;
mod hosts;
mod lanes;
mod program;
mod pulse;
mod sim;

pub use builder::{Builder, IpVersion};
pub use here::{
    elapsed, hold, in_simulation, lookup, lookup_many, partition, partition_oneway, release, repair,
    repair_oneway, reverse_lookup, say, sim_elapsed, since_epoch,
};
pub use hosts::ToIpAddrs;
#[cfg(feature = "tokio")]
pub use net::ToSocketAddrs;
pub use sim::{Sim, replay};

/// What a program returns.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Sockets with the names, methods and behaviour of [`tokio::net`], on the host whose program makes them.
#[cfg(feature = "tokio")]
pub mod net {
    use socket::Ambient;

    /// A port that takes connections.
    pub type TcpListener = socket::tokio::TcpListener<Ambient>;
    /// One end of a TCP connection.
    pub type TcpStream = socket::tokio::TcpStream<Ambient>;
    /// A socket that neither listens nor is connected yet.
    pub type TcpSocket = socket::tokio::TcpSocket<Ambient>;
    /// A socket for datagrams.
    pub type UdpSocket = socket::tokio::UdpSocket<Ambient>;
    pub use socket::tokio::{ToSocketAddrs, lookup_host_here as lookup_host};

    /// The halves of a [`TcpStream`].
    pub mod tcp {
        use socket::Ambient;

        /// The half of a borrowed stream that reads.
        pub type ReadHalf<'a> = socket::tokio::tcp::ReadHalf<'a, Ambient>;
        /// The half of a borrowed stream that writes.
        pub type WriteHalf<'a> = socket::tokio::tcp::WriteHalf<'a, Ambient>;
        /// The half that reads, for a task of its own.
        pub type OwnedReadHalf = socket::tokio::tcp::OwnedReadHalf<Ambient>;
        /// The half that writes, for a task of its own.
        pub type OwnedWriteHalf = socket::tokio::tcp::OwnedWriteHalf<Ambient>;
        /// Two halves that are not of one stream.
        pub type ReuniteError = socket::tokio::tcp::ReuniteError<Ambient>;
    }
}
