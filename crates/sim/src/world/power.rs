//! Hosts that lose their power, and come back: what they knew is gone, and what their programs held leads nowhere.

use super::{World, secret};
use crate::ids::HostId;
use stack::Host;

impl World {
    /// A host loses its power and comes back at once: with its name, addresses and links, with this configuration,
    /// another secret, and neither connections nor programs. What is under way to it arrives, and finds nobody.
    ///
    /// ```
    /// use synfin_sim::{LinkConfig, World};
    /// use std::time::Duration;
    /// let mut world = World::new(7);
    /// let client = world.add_host("client", stack::Config::default(), &["10.0.0.1"]);
    /// let server = world.add_host("server", stack::Config::default(), &["10.0.0.2"]);
    /// world.link(client, server, LinkConfig::delay(Duration::from_millis(20)));
    /// world.at(server).listen(80);
    /// let stream = world.at(client).connect("10.0.0.2:80");
    /// world.run_for(Duration::from_secs(1));
    /// world.restart(server, stack::Config::default());
    /// let _ = world.at(client).write(stream, b"hello?");
    /// world.run_for(Duration::from_secs(1));
    /// assert_eq!(world.at(client).state(stream), tcp::State::Closed, "a reset comes back");
    /// ```
    pub fn restart(&mut self, host: HostId, config: stack::Config) {
        self.start_anew(host, config);
        self.nodes[host.0].is_down = false;
        for (link, side) in self.nodes[host.0].links.clone() {
            let (there, config) = (self.links[link].ends[1 - side], self.links[link].config.clone());
            let interface = self.attach(host, there, (link, side), &config);
            debug_assert_eq!(
                interface, self.links[link].interfaces[side],
                "interfaces come in the order of links"
            );
            self.apply_device(link, side);
        }
        self.set_tracing();
    }

    /// A host loses its power and stays without until [`World::restart`]: its programs are gone, nobody hears of it,
    /// and what reaches it is lost.
    pub fn crash(&mut self, host: HostId) {
        self.start_anew(host, stack::Config::default());
        self.nodes[host.0].is_down = true;
    }

    /// Whether a host has power.
    pub fn is_up(&self, host: HostId) -> bool {
        !self.nodes[host.0].is_down
    }

    fn start_anew(&mut self, host: HostId, config: stack::Config) {
        self.flush();
        let node = &mut self.nodes[host.0];
        node.lives += 1;
        let secret = secret(self.seed, host, node.lives);
        node.start_anew(host, Host::new(config, secret), &self.commons);
    }
}
