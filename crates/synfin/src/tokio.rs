//! Asynchronous sockets with the methods and the behaviour of [`tokio::net`].
//!
//! There is no global network, so whoever makes a socket names the stack that it lives on:
//!
//! | kernel | here |
//! | --- | --- |
//! | `tokio::net::TcpStream::connect("10.90.0.2:80").await` | `synfin::tokio::TcpStream::connect(&stack, "10.90.0.2:80").await` |
//! | `tokio::net::TcpListener::bind("0.0.0.0:80").await` | `synfin::tokio::TcpListener::bind(&stack, "0.0.0.0:80").await` |
//! | `tokio::net::UdpSocket::bind("0.0.0.0:53").await` | `synfin::tokio::UdpSocket::bind(&stack, "0.0.0.0:53").await` |
//!
//! Everything else is called as it is there; one set of tests runs over both. Streams are
//! [`AsyncRead`](::tokio::io::AsyncRead) and [`AsyncWrite`](::tokio::io::AsyncWrite), so hyper, rustls and whatever
//! else takes these runs over them.
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! use synfin::tokio::{TcpListener, TcpStream};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! let stack = synfin::Stack::builder().start_task()?;
//! let listener = TcpListener::bind(&stack, "127.0.0.1:80").await?;
//! tokio::spawn(async move {
//!     let (mut stream, _) = listener.accept().await?;
//!     stream.write_all(b"hello").await
//! });
//! let mut heard = String::new();
//! TcpStream::connect(&stack, "127.0.0.1:80").await?.read_to_string(&mut heard).await?;
//! assert_eq!(heard, "hello");
//! synfin::tokio::shutdown(&stack, std::time::Duration::from_secs(10)).await
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! [`Builder::start_task`](crate::Builder::start_task) drives the stack by a task of the runtime;
//! [`Builder::start`](crate::Builder::start) by a thread, which leaves the runtime's threads to the program. The
//! sockets are the same. The drop of the last handle must not block a task, so say [`shutdown`] before `main` returns:
//! it waits until peers have what was written.

use crate::Stack;
use std::io;
use std::time::Duration;

/// A port that takes connections: [`socket::tokio::TcpListener`] on a [`Stack`].
pub type TcpListener = socket::tokio::TcpListener<Stack>;
/// One end of a TCP connection: [`socket::tokio::TcpStream`] on a [`Stack`].
pub type TcpStream = socket::tokio::TcpStream<Stack>;
/// A socket that neither listens nor is connected yet: [`socket::tokio::TcpSocket`] on a [`Stack`].
pub type TcpSocket = socket::tokio::TcpSocket<Stack>;
/// A socket for datagrams: [`socket::tokio::UdpSocket`] on a [`Stack`].
pub type UdpSocket = socket::tokio::UdpSocket<Stack>;

/// A gate that yields a [`Flow`] for each connection to an address and port for which nobody listens:
/// [`socket::tokio::Flows`] on a [`Stack`].
///
/// ```no_run
/// # async fn gateway(stack: synfin::Stack) -> std::io::Result<()> {
/// use synfin::GateOptions;
/// use synfin::stack::{Refuse, Unreachable};
/// use synfin::tokio::Flows;
///
/// let flows = Flows::open(&stack, GateOptions::default())?;
/// loop {
///     let flow = flows.next().await?;
///     tokio::spawn(async move {
///         // Whatever leads there: the kernel's sockets, a proxy, a tunnel. The peer waits, unanswered.
///         match tokio::net::TcpStream::connect(flow.local_addr()).await {
///             Ok(mut beyond) => {
///                 let mut stream = flow.accept().await?;
///                 tokio::io::copy_bidirectional(&mut stream, &mut beyond).await.map(drop)
///             }
///             Err(_) => Ok(flow.refuse(Refuse::Unreachable(Unreachable::Host))),
///         }
///     });
/// }
/// # }
/// ```
pub type Flows = socket::tokio::Flows<Stack>;
/// A connection that a peer asks for, before it is answered: [`socket::Flow`] on a [`Stack`].
pub type Flow = socket::Flow<Stack>;

/// A gate for datagrams to any address and port: [`socket::tokio::Datagrams`] on a [`Stack`].
pub type Datagrams = socket::tokio::Datagrams<Stack>;

/// Connects clients of hyper-util to servers: [`socket::tokio::Connector`] on a [`Stack`].
#[cfg(feature = "hyper")]
pub type Connector = socket::tokio::Connector<Stack>;
#[cfg(feature = "axum")]
pub use socket::tokio::Peer;

/// The halves of a [`TcpStream`].
pub mod tcp {
    use crate::Stack;

    /// The half of a borrowed stream that reads.
    pub type ReadHalf<'a> = socket::tokio::tcp::ReadHalf<'a, Stack>;
    /// The half of a borrowed stream that writes.
    pub type WriteHalf<'a> = socket::tokio::tcp::WriteHalf<'a, Stack>;
    /// The half that reads, for a task of its own.
    pub type OwnedReadHalf = socket::tokio::tcp::OwnedReadHalf<Stack>;
    /// The half that writes, for a task of its own.
    pub type OwnedWriteHalf = socket::tokio::tcp::OwnedWriteHalf<Stack>;
    /// The halves are not those of one stream.
    pub type ReuniteError = socket::tokio::tcp::ReuniteError<Stack>;
}

pub use socket::tokio::{Relayed, Target, ToSocketAddrs, lookup_host, relay, relay_datagrams};

/// Closes every socket as the end of a process would, waits until all connections are over or `timeout` has passed,
/// and releases the links; [`Stack::shutdown`] for tasks. Calls that wait on sockets return `NotConnected`, as does
/// everything later. Dropping the future leaves the stack on its way down.
///
/// # Errors
/// `TimedOut` if connections were not over in time, because their peers did not acknowledge or close:
/// they are reset, and the stack is down all the same.
pub async fn shutdown(stack: &Stack, timeout: Duration) -> io::Result<()> {
    stack.begin_shutdown(timeout);
    std::future::poll_fn(|context| stack.poll_ended(context)).await
}
