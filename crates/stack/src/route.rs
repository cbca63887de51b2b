//! Where a packet for an address goes: the routing table (RFC 1122 §3.3.1).
//!
//! The longest prefix wins; among equal ones the earlier route. Each address of an interface is also a
//! route to its network. A host has few routes, so they are in a list, longest prefix first. A connection
//! remembers its interface and searches the table again only when it has changed ([`Routes::epoch`]).

use crate::cidr::Cidr;
use crate::interface::InterfaceId;
use std::net::IpAddr;

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The destinations of the route.
    pub destination: Cidr,
    /// The router to send packets to; `None` if the destination is on the link itself.
    pub via: Option<IpAddr>,
    /// The interface to use.
    pub interface: InterfaceId,
}

/// Where to send a packet next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) interface: InterfaceId,
    /// The receiver on the link: a router, or the destination.
    pub(crate) neighbour: IpAddr,
}

/// The routing table.
#[derive(Default)]
pub(crate) struct Routes {
    routes: Vec<Route>,
    epoch: u16,
}

impl Routes {
    /// Adds a route; one to the same destination by the same interface is replaced.
    pub(crate) fn add(&mut self, route: Route) {
        let same = |old: &Route| old.destination == route.destination && old.interface == route.interface;
        self.routes.retain(|old| !same(old));
        let longer = |old: &Route| old.destination.prefix_bits() >= route.destination.prefix_bits();
        let at = self.routes.iter().position(|old| !longer(old)).unwrap_or(self.routes.len());
        self.routes.insert(at, route);
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Removes the routes for which `unwanted` returns true.
    pub(crate) fn remove(&mut self, unwanted: impl Fn(&Route) -> bool) {
        self.routes.retain(|route| !unwanted(route));
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Connections look at their way again: something that is not in the table has changed.
    pub(crate) fn renew_epoch(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// A number that changes whenever the table does.
    pub(crate) fn epoch(&self) -> u16 {
        self.epoch
    }

    /// Where a packet for `destination` goes.
    pub(crate) fn find(&self, destination: IpAddr) -> Option<Hop> {
        let route = self.routes.iter().find(|route| route.destination.contains(destination))?;
        Some(Hop { interface: route.interface, neighbour: route.via.unwrap_or(destination) })
    }

    /// The same by one interface only, for link-local destinations with a scope.
    pub(crate) fn find_on(&self, destination: IpAddr, interface: InterfaceId) -> Option<Hop> {
        let fits = |route: &&Route| route.interface == interface && route.destination.contains(destination);
        let route = self.routes.iter().find(fits)?;
        Some(Hop { interface, neighbour: route.via.unwrap_or(destination) })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(destination: &str, via: Option<&str>, interface: u16) -> Route {
        Route {
            destination: destination.parse().unwrap(),
            via: via.map(|via| via.parse().unwrap()),
            interface: InterfaceId(interface),
        }
    }

    fn find(routes: &Routes, destination: &str) -> Option<(u16, String)> {
        routes.find(destination.parse().unwrap()).map(|hop| (hop.interface.0, hop.neighbour.to_string()))
    }

    #[test]
    fn the_longest_prefix_wins_in_both_families() {
        let mut routes = Routes::default();
        for added in [
            route("0.0.0.0/0", Some("10.0.0.254"), 0),
            route("10.0.0.0/24", None, 0),
            route("10.0.0.128/25", None, 1),
            route("::/0", Some("fe80::1"), 0),
            route("fd00::/64", None, 1),
        ] {
            routes.add(added);
        }
        assert_eq!(find(&routes, "10.0.0.5"), Some((0, "10.0.0.5".into())));
        assert_eq!(find(&routes, "10.0.0.200"), Some((1, "10.0.0.200".into())));
        assert_eq!(find(&routes, "8.8.8.8"), Some((0, "10.0.0.254".into())));
        assert_eq!(find(&routes, "fd00::7"), Some((1, "fd00::7".into())));
        assert_eq!(find(&routes, "2001:db8::1"), Some((0, "fe80::1".into())));
    }

    #[test]
    fn a_route_is_replaced_and_removed_and_the_epoch_changes() {
        let mut routes = Routes::default();
        routes.add(route("0.0.0.0/0", Some("10.0.0.1"), 0));
        let before = routes.epoch();
        routes.add(route("0.0.0.0/0", Some("10.0.0.2"), 0));
        assert_eq!(find(&routes, "1.2.3.4"), Some((0, "10.0.0.2".into())));
        routes.remove(|route| route.via.is_some());
        assert_eq!(find(&routes, "1.2.3.4"), None);
        assert_ne!(routes.epoch(), before);
    }
}
