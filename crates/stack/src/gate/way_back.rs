//! The way back to a peer that asked for an address which is not ours.
//!
//! Nothing says that a route leads to it: behind a TUN device there may be anybody, and the interface may have no
//! address at all. It is certain that its packets come by an interface. So they go back by that one: to the router that
//! a route by this interface names, or straight into a link with one other end. Only on a link with several hosts does
//! the table decide otherwise. Connections at our own addresses follow the routing table, as always.

use crate::flow::Address;
use crate::host::Host;
use crate::interface::InterfaceId;
use crate::route::Hop;
use std::net::SocketAddr;
use wire::Medium;

impl Host {
    /// The next hop from this address of ours, or of a gate, to a peer whose packets come by an interface.
    pub(crate) fn hop_back(&mut self, local: Address, remote: Address, came_by: InterfaceId) -> Option<Hop> {
        let peer = SocketAddr::new(remote.ip(), 0);
        let Some(medium) = self.interfaces.get(came_by.index()).map(|link| link.capabilities.medium) else {
            return self.route(peer);
        };
        if self.addresses.takes(local) || self.addresses.are_ours(remote) {
            return self.route(peer);
        }
        let straight = Hop { interface: came_by, neighbour: remote.ip() };
        let by_table = self.routes.find_on(remote.ip(), came_by);
        by_table.or_else(|| match medium {
            Medium::Ip => Some(straight),
            Medium::Ethernet => self.routes.find(remote.ip()).or(Some(straight)),
        })
    }
}
