//! Datagrams to any address and any port, with both ends, for gateways, transparent proxies and sandboxes.

use super::budget::within_budget;
use crate::{Held, Interest, Place, Reach};
use bytes::Bytes;
use stack::{Datagram, DatagramError, DatagramGateOptions, Flow, Unreachable};
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use tokio::task::coop;

/// A gate for datagrams: it yields every [`Datagram`] to an address and port for which there is no socket, and answers
/// from where they were sent to.
///
/// Who has sent what to whom is a flow: each has a queue of its own with a bound, and is forgotten when it has been
/// idle for long enough ([`DatagramGateOptions`]).
#[derive(Debug)]
pub struct Datagrams<R: Reach> {
    gate: Held<R>,
}

impl<R: Reach> Datagrams<R> {
    /// Opens a gate.
    ///
    /// # Errors
    /// `QuotaExceeded` beyond 64 gates; `NotConnected` when the stack was shut down.
    pub fn open(stack: &R, options: DatagramGateOptions) -> io::Result<Self> {
        let id = stack.with(|core, _| core.open_datagram_gate(options))?;
        Ok(Datagrams { gate: Held::new(stack.clone(), id) })
    }

    /// Waits for the next datagram. Cancel safe.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub async fn next(&self) -> io::Result<Datagram> {
        let wait = self.gate.wait(Interest::Read, |core, _, id| core.poll_datagram(id));
        Ok(coop::cooperative(wait).await?)
    }

    /// Like [`next`](Self::next), for callers that poll. The waker of the last call counts.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub fn poll_next(&self, context: &mut Context<'_>) -> Poll<io::Result<Datagram>> {
        let datagram = within_budget(context, |context| {
            self.gate.poll(Interest::Read, Place::Slot, context, |core, _, id| core.poll_datagram(id))
        });
        datagram.map_err(io::Error::from)
    }

    /// Sends one datagram from `local`, an address that the gate takes, to `remote`; returns its length. Cancel safe.
    ///
    /// # Errors
    /// `AddrNotAvailable` for an address that the gate does not take; `InvalidInput` (too long, or an address nobody
    /// can have).
    pub async fn send(&self, local: SocketAddr, remote: SocketAddr, data: Bytes) -> io::Result<usize> {
        let ends = Flow { local, remote };
        let wait = self.gate.wait(Interest::Write, |core, now, id| core.poll_send_from(now, id, ends, &data));
        Ok(coop::cooperative(wait).await?)
    }

    /// Refuses a datagram with an ICMP error that quotes it, within the rate limit for such errors.
    ///
    /// # Errors
    /// `AddrNotAvailable` if the gate does not take the address that it was sent to.
    pub fn refuse(&self, datagram: &Datagram, why: Unreachable) -> io::Result<()> {
        Ok(self.gate.with(|core, now, id| core.refuse_datagram(now, id, datagram, why))?)
    }

    /// Waits for the next ICMP error about something that was sent; of each flow only the latest is kept. Cancel safe.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub async fn next_error(&self) -> io::Result<DatagramError> {
        let wait = self.gate.wait(Interest::Either, |core, _, id| core.poll_datagram_error(id));
        Ok(wait.await?)
    }
}
