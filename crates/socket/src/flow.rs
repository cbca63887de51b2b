//! What is asked of a gate: connections to any address and any port, decided before anybody is answered.
//!
//! The host holds the SYN ([`stack::Host::open_gate`]); here is how a program waits for flows, and what becomes of one.

use crate::core::Core;
use crate::fault::{Cause, Fault};
use crate::held::Held;
use crate::reach::Reach;
use crate::stream::Opened;
use stack::{EchoRequest, FlowId, GateOptions, PendingFlow, Refuse, SocketId, SynOffer, Unreachable};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use tcp::Instant;

impl Core {
    /// Opens a gate: every SYN to an address that it takes and to a port for which nobody listens waits for a decision.
    ///
    /// # Errors
    /// What the host refuses: too many gates.
    pub fn open_gate(&mut self, options: GateOptions) -> Result<SocketId, Fault> {
        self.check_is_open()?;
        let id = self.host.open_gate(options).map_err(|error| Fault::host(error, None))?;
        self.sockets.insert(id);
        Ok(id)
    }

    /// The oldest flow that waits and was not returned yet.
    ///
    /// # Errors
    /// None of its own.
    pub fn poll_flow(&mut self, gate: SocketId) -> Poll<Result<PendingFlow, Fault>> {
        self.host.next_flow(gate).map_or(Poll::Pending, |flow| Poll::Ready(Ok(flow)))
    }

    /// Answers a flow with the SYN-ACK. The connection is the caller's to close from here on; [`Core::poll_connected`]
    /// says when the third step has arrived.
    ///
    /// # Errors
    /// [`Cause::NotConnected`] if the flow does not wait any more: its peer has withdrawn it, or it was too old.
    pub fn accept_flow(
        &mut self,
        now: Instant,
        flow: &PendingFlow,
        config: Option<Arc<tcp::Config>>,
    ) -> Result<Opened, Fault> {
        self.check_is_open()?;
        let accepted =
            self.host.accept_flow(now, flow.id, config).map_err(|error| of_flow(error, flow.remote))?;
        self.sockets.insert(accepted.id).peer = Some(accepted.remote);
        self.watch.on_answered(now, accepted.id, accepted.local, accepted.remote);
        Ok(Opened { id: accepted.id, local: accepted.local })
    }

    /// Refuses a flow. One that does not wait any more needs no refusal.
    pub fn refuse_flow(&mut self, now: Instant, flow: FlowId, how: Refuse) {
        let _ = self.host.refuse_flow(now, flow, how);
    }
}

/// What is asked of a gate about echo requests, where its options hand them to the program.
impl Core {
    /// The oldest echo request that waits.
    ///
    /// # Errors
    /// None of its own.
    pub fn poll_echo(&mut self, gate: SocketId) -> Poll<Result<EchoRequest, Fault>> {
        self.host.next_echo(gate).map_or(Poll::Pending, |request| Poll::Ready(Ok(request)))
    }

    /// Answers an echo request, from the address that was asked.
    ///
    /// # Errors
    /// What the host refuses.
    pub fn answer_echo(&mut self, now: Instant, gate: SocketId, request: &EchoRequest) -> Result<(), Fault> {
        self.host.answer_echo(now, gate, request).map_err(|error| Fault::host(error, None))
    }

    /// Says why an echo request is not answered.
    ///
    /// # Errors
    /// What the host refuses.
    pub fn refuse_echo(
        &mut self,
        now: Instant,
        gate: SocketId,
        request: &EchoRequest,
        why: Unreachable,
    ) -> Result<(), Fault> {
        self.host.refuse_echo(now, gate, request, why).map_err(|error| Fault::host(error, None))
    }
}

fn of_flow(error: stack::Error, peer: SocketAddr) -> Fault {
    match error {
        stack::Error::UnknownSocket => Fault::with(Some(peer), Cause::NotConnected),
        error => Fault::host(error, Some(peer)),
    }
}

/// A connection that a peer asks for, in the hands of a program that has to decide. Nobody was answered yet; the peer
/// waits, and tries again.
///
/// One that is dropped without a decision is refused with a reset: its peer should not wait for nothing.
pub struct Flow<R: Reach> {
    reach: R,
    pending: PendingFlow,
    is_decided: bool,
}

impl<R: Reach> Flow<R> {
    /// A flow that was taken from a gate.
    pub fn new(reach: R, pending: PendingFlow) -> Self {
        Flow { reach, pending, is_decided: false }
    }

    /// Where the peer wants to connect to: our end, once it is accepted.
    pub fn local_addr(&self) -> SocketAddr {
        self.pending.local
    }

    /// The peer.
    pub fn peer_addr(&self) -> SocketAddr {
        self.pending.remote
    }

    /// The hop limit or TTL with which the SYN came.
    pub fn hop_limit(&self) -> u8 {
        self.pending.hop_limit
    }

    /// What the SYN offers: segment size, window scale, timestamps, SACK, ECN.
    pub fn syn(&self) -> SynOffer {
        self.pending.syn
    }

    /// Refuses it: by a reset, by an ICMP error, or without a word.
    pub fn refuse(mut self, how: Refuse) {
        self.decide(how);
    }

    /// Answers with the SYN-ACK, and gives the socket whose handshake goes on.
    ///
    /// # Errors
    /// `NotConnected` if it does not wait any more; what the host refuses.
    pub fn answer(mut self, config: Option<Arc<tcp::Config>>) -> Result<(Held<R>, Opened), Fault> {
        let opened = self.reach.with(|core, now| core.accept_flow(now, &self.pending, config))?;
        self.is_decided = true;
        Ok((Held::new(self.reach.clone(), opened.id), opened))
    }

    fn decide(&mut self, how: Refuse) {
        self.is_decided = true;
        self.reach.with(|core, now| core.refuse_flow(now, self.pending.id, how));
    }
}

impl<R: Reach> Drop for Flow<R> {
    fn drop(&mut self) {
        if !self.is_decided {
            self.decide(Refuse::Reset);
        }
    }
}

impl<R: Reach> fmt::Debug for Flow<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flow").field(&self.pending).finish()
    }
}
