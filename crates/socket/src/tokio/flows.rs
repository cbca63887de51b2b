//! Connections to any address and any port, for gateways, transparent proxies and sandboxes.

use super::budget::within_budget;
use super::tcp_stream::TcpStream;
use crate::{Flow, Held, Interest, Place, Reach};
use stack::{EchoRequest, GateOptions, Unreachable};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::task::coop;

/// A gate: it yields a [`Flow`] for each SYN to an address and port for which nobody listens.
///
/// Dropping it closes the gate; what waits for a decision is refused with a reset, and connections that were accepted
/// go on.
#[derive(Debug)]
pub struct Flows<R: Reach> {
    gate: Held<R>,
}

impl<R: Reach> Flows<R> {
    /// Opens a gate.
    ///
    /// # Errors
    /// `QuotaExceeded` beyond 64 gates; `NotConnected` when the stack was shut down.
    pub fn open(stack: &R, options: GateOptions) -> io::Result<Self> {
        let id = stack.with(|core, _| core.open_gate(options))?;
        Ok(Flows { gate: Held::new(stack.clone(), id) })
    }

    /// Waits for the next flow. Cancel safe.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub async fn next(&self) -> io::Result<Flow<R>> {
        let wait = self.gate.wait(Interest::Read, |core, _, id| core.poll_flow(id));
        Ok(Flow::new(self.gate.reach().clone(), coop::cooperative(wait).await?))
    }

    /// Like [`next`](Self::next), for callers that poll. The waker of the last call counts.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub fn poll_next(&self, context: &mut Context<'_>) -> Poll<io::Result<Flow<R>>> {
        let flow = within_budget(context, |context| {
            self.gate.poll(Interest::Read, Place::Slot, context, |core, _, id| core.poll_flow(id))
        });
        flow.map(|flow| Ok(Flow::new(self.gate.reach().clone(), flow?)))
    }
}

/// Echo requests, where [`GateOptions`] hands them to the program.
impl<R: Reach> Flows<R> {
    /// Waits for the next echo request. Cancel safe.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub async fn next_echo(&self) -> io::Result<EchoRequest> {
        let wait = self.gate.wait(Interest::Read, |core, _, id| core.poll_echo(id));
        Ok(coop::cooperative(wait).await?)
    }

    /// Answers an echo request, from the address that was asked.
    ///
    /// # Errors
    /// What the host refuses: no way back.
    pub fn answer_echo(&self, request: &EchoRequest) -> io::Result<()> {
        Ok(self.gate.with(|core, now, id| core.answer_echo(now, id, request))?)
    }

    /// Says why an echo request is not answered.
    ///
    /// # Errors
    /// What the host refuses: no way back.
    pub fn refuse_echo(&self, request: &EchoRequest, why: Unreachable) -> io::Result<()> {
        Ok(self.gate.with(|core, now, id| core.refuse_echo(now, id, request, why))?)
    }
}

/// How tasks accept a flow.
impl<R: Reach> Flow<R> {
    /// Accepts: answers with the SYN-ACK and returns when the third step of the handshake has arrived. Our end of the
    /// stream is the address that the peer asked for. Dropping the future resets the connection.
    ///
    /// # Errors
    /// `NotConnected` if the flow does not wait any more: its peer has withdrawn it, or it is too old; why the
    /// handshake failed.
    pub async fn accept(self) -> io::Result<TcpStream<R>> {
        self.accept_with(None).await
    }

    /// Like [`accept`](Self::accept), with options of its own instead of those of the gate.
    ///
    /// # Errors
    /// As for [`accept`](Self::accept).
    pub async fn accept_with(self, config: Option<Arc<tcp::Config>>) -> io::Result<TcpStream<R>> {
        let remote = self.peer_addr();
        let (socket, opened) = self.answer(config)?;
        let stream = TcpStream::new(socket, opened.local, remote);
        stream.connected().await?;
        Ok(stream)
    }
}
