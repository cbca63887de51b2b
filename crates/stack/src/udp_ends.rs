//! Both ends of a datagram at a socket on several addresses (RFC 1122 §4.1.3.5, UDP multihoming).
//!
//! An answer must come from the address that was asked, or who asked does not know it for an answer. So a socket on an
//! unspecified address can tell to which address a datagram was sent, and send from a chosen one; this is
//! `IP_PKTINFO` and `IPV6_PKTINFO`. What is *not* here: addresses that are not ours; those are for gates.

use crate::error::Error;
use crate::host::Host;
use crate::id::SocketId;
use crate::interface::InterfaceId;
use crate::udp::udp_key;
use bytes::Bytes;
use std::net::{IpAddr, SocketAddr};
use tcp::Instant;

/// What is known of a datagram besides its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatagramInfo {
    /// How many bytes were copied.
    pub copied_bytes: usize,
    /// How many bytes it had; what did not fit is lost.
    pub datagram_bytes: usize,
    /// Who sent it.
    pub remote: SocketAddr,
    /// Where it was sent to: one of our addresses, a broadcast address or a group, and the port of the socket.
    pub local: SocketAddr,
    /// By which interface it came; `None` from this host itself.
    pub interface: Option<InterfaceId>,
    /// The hop limit or TTL with which it came.
    pub hop_limit: u8,
}

impl Host {
    /// Like [`Host::udp_recv_from`], and tells to which address the datagram was sent, and how it came.
    ///
    /// # Errors
    /// As [`Host::udp_recv_from`].
    ///
    /// ```
    /// use synfin_stack::{Error, Host, SocketId};
    /// /// Sends back what has arrived, from the address that it was sent to.
    /// fn echo(host: &mut Host, now: tcp::Instant, socket: SocketId) -> Result<usize, Error> {
    ///     let mut buffer = [0; 2_048];
    ///     let asked = host.udp_recv_with_info(socket, &mut buffer)?;
    ///     let data = buffer[..asked.copied_bytes].to_vec().into();
    ///     host.udp_send_from(now, socket, data, asked.local.ip(), asked.remote)
    /// }
    /// ```
    pub fn udp_recv_with_info(&mut self, id: SocketId, into: &mut [u8]) -> Result<DatagramInfo, Error> {
        let port = self.udp.get(udp_key(id)?).ok_or(Error::UnknownSocket)?.local.port();
        let front = self.udp_front(id)?;
        let copied_bytes = front.data.len().min(into.len());
        into[..copied_bytes].copy_from_slice(&front.data[..copied_bytes]);
        let info = DatagramInfo {
            copied_bytes,
            datagram_bytes: front.data.len(),
            remote: front.remote(),
            local: SocketAddr::new(front.to.ip(), port),
            interface: Some(front.arrival).filter(|arrival| *arrival != InterfaceId::LOOPBACK),
            hop_limit: front.hop_limit,
        };
        self.udp_drop_front(id);
        Ok(info)
    }

    /// Like [`Host::udp_send_to`], from this address of ours. The socket must be on this address or on an unspecified
    /// one; an unspecified `local` lets the host choose.
    ///
    /// # Errors
    /// As [`Host::udp_send_to`]; [`Error::AddressNotAvailable`] if the address is not ours or the socket is on another.
    pub fn udp_send_from(
        &mut self,
        now: Instant,
        id: SocketId,
        data: Bytes,
        local: IpAddr,
        remote: SocketAddr,
    ) -> Result<usize, Error> {
        let bound = self.udp.get(udp_key(id)?).ok_or(Error::UnknownSocket)?.local.ip();
        if local.is_unspecified() {
            return self.udp_send_to(now, id, data, remote);
        }
        let is_covered = match bound {
            IpAddr::V4(v4) if v4.is_unspecified() => local.is_ipv4(),
            IpAddr::V6(v6) if v6.is_unspecified() => true,
            bound => bound == local,
        };
        if !is_covered {
            return Err(Error::AddressNotAvailable);
        }
        self.udp_send_from_to(now, id, data, (Some(local), remote))
    }
}
