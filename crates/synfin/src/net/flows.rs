//! Connections to any address and any port, for gateways, transparent proxies and sandboxes.

use super::{Deadlines, TcpStream, wait};
use crate::Stack;
use crate::park::Patience;
use socket::{Flow, Held, Interest};
use stack::GateOptions;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// A gate: it yields a [`Flow`] for each SYN to an address and port for which nobody listens.
///
/// ```no_run
/// # fn gateway(stack: &synfin::Stack) -> std::io::Result<()> {
/// use synfin::{GateOptions, net::{self, Flows}, stack::Refuse};
///
/// let flows = Flows::open(stack, GateOptions::default())?;
/// loop {
///     let flow = flows.next()?;
///     match flow.local_addr().port() {
///         80 => std::io::Write::write_all(&mut net::accept(flow)?, b"HTTP/1.0 200 OK\r\n\r\nhello\n")?,
///         _ => flow.refuse(Refuse::Reset),
///     }
/// }
/// # }
/// ```
///
/// Dropping it closes the gate; what waits for a decision is refused with a reset, and connections that were accepted
/// go on.
#[derive(Debug)]
pub struct Flows {
    gate: Held<Stack>,
    deadlines: Deadlines,
}

impl Flows {
    /// Opens a gate.
    ///
    /// # Errors
    /// `QuotaExceeded` beyond 64 gates; `NotConnected` when the stack was shut down.
    pub fn open(stack: &Stack, options: GateOptions) -> io::Result<Flows> {
        let id = stack.shared().with(|locked, _| locked.core.open_gate(options))?;
        Ok(Flows { gate: Held::new(stack.clone(), id), deadlines: Deadlines::default() })
    }

    /// Waits for the next flow.
    ///
    /// # Errors
    /// `WouldBlock` when non-blocking or out of time; `NotConnected` when the stack was shut down.
    pub fn next(&self) -> io::Result<Flow<Stack>> {
        let id = self.gate.id();
        let patience = self.deadlines.patience(Interest::Read);
        let pending = wait(&self.gate, Interest::Read, patience, |core, _| core.poll_flow(id))?;
        Ok(Flow::new(self.gate.reach().clone(), pending))
    }

    /// How long [`next`](Self::next) waits before it gives `WouldBlock`; `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    pub fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.deadlines.set_timeout(Interest::Read, timeout)
    }

    /// Makes [`next`](Self::next) return `WouldBlock` when no flow waits.
    pub fn set_nonblocking(&self, nonblocking: bool) {
        self.deadlines.set_nonblocking(nonblocking);
    }

    /// The stack that it lives on.
    pub fn stack(&self) -> &Stack {
        self.gate.reach()
    }
}

/// Accepts a flow: answers with the SYN-ACK and returns when the third step of the handshake has arrived. Our end of
/// the stream is the address that the peer asked for.
///
/// # Errors
/// `NotConnected` if the flow does not wait any more: its peer has withdrawn it, or it is too old; why the handshake
/// failed.
pub fn accept(flow: Flow<Stack>) -> io::Result<TcpStream> {
    accept_with(flow, None)
}

/// Like [`accept`], with options of its own instead of those of the gate.
///
/// # Errors
/// As for [`accept`].
pub fn accept_with(flow: Flow<Stack>, config: Option<Arc<tcp::Config>>) -> io::Result<TcpStream> {
    let remote = flow.peer_addr();
    let (socket, opened) = flow.answer(config)?;
    // From here on dropping the stream takes everything back.
    let stream = TcpStream::new(socket, opened.local, remote);
    stream.connected(Patience::Forever)?;
    Ok(stream)
}
