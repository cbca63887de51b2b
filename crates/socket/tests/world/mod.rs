//! Two hosts on one wire, in virtual time: frames move when a test says so.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use synfin_socket::stack::{Config, Host, Interface, InterfaceId, wire};
use synfin_socket::{Core, Handle, Lookup, Reach};
use tcp::Instant;
use wire::{LinkCapabilities, Medium, TransmitChecksum};

/// One host, and the way to it.
#[derive(Clone)]
pub struct Side {
    core: Arc<Mutex<Core>>,
    now: Arc<Mutex<Instant>>,
    link: InterfaceId,
}

impl Reach for Side {
    fn with<T>(&self, change: impl FnOnce(&mut Core, Instant) -> T) -> T {
        let mut core = self.core.lock().unwrap();
        let now = *self.now.lock().unwrap();
        let outcome = change(&mut core, now);
        let wakeups = core.settle(now);
        drop(core);
        wakeups.wake();
        outcome
    }

    fn lookup(&self, _: &str, port: u16) -> Lookup {
        let address = SocketAddr::from(([10, 0, 0, 2], port));
        Box::pin(async move { Ok(vec![address]) })
    }
}

impl Handle for Side {}

impl Side {
    fn new(secret: u8, address: &str, now: &Arc<Mutex<Instant>>, config: tcp::Config) -> Side {
        let mut host = Host::new(Config { tcp: Arc::new(config), ..Config::default() }, [secret; 32]);
        let capabilities = LinkCapabilities {
            medium: Medium::Ip,
            mtu_bytes: 1_500,
            super_segment_bytes_max: 0,
            transmit_checksum: TransmitChecksum::Full,
        };
        let addresses = vec![address.parse().unwrap()];
        let link =
            host.add_interface(Interface { name: "wire".into(), capabilities, hardware: None, addresses });
        host.add_route("0.0.0.0/0".parse().unwrap(), None, link);
        Side { core: Arc::new(Mutex::new(Core::new(host))), now: Arc::clone(now), link }
    }

    /// How many threads and futures wait, sockets are held, and connections are there in any state but TIME-WAIT.
    pub fn counts(&self) -> (usize, usize, usize) {
        self.with(|core, _| (core.waiting(), core.sockets(), core.host().usage().connections))
    }
}

/// Both hosts.
pub struct World {
    pub client: Side,
    pub server: Side,
    now: Arc<Mutex<Instant>>,
}

impl World {
    pub fn new() -> World {
        World::with(tcp::Config::default())
    }

    pub fn with(config: tcp::Config) -> World {
        let now = Arc::new(Mutex::new(Instant::from_millis(1)));
        let client = Side::new(1, "10.0.0.1/24", &now, config.clone());
        let server = Side::new(2, "10.0.0.2/24", &now, config);
        World { client, server, now }
    }

    /// Carries one frame, from either side. Returns whether there was one.
    pub fn carry_one(&self) -> bool {
        for (from, to) in [(&self.client, &self.server), (&self.server, &self.client)] {
            if let Some((_, frame)) = from.with(|core, now| core.host_mut().poll_transmit(now)) {
                to.with(|core, now| core.host_mut().handle_frame(now, to.link, frame));
                return true;
            }
        }
        false
    }

    /// Carries frames until there are none.
    pub fn carry(&self) {
        while self.carry_one() {}
    }

    /// Lets time pass, in steps that timers notice.
    pub fn wait(&self, time: Duration) {
        for _ in 0..20 {
            let mut now = self.now.lock().unwrap();
            *now += time / 20;
            drop(now);
            for side in [&self.client, &self.server] {
                side.with(|core, now| core.host_mut().handle_timeout(now));
            }
            self.carry();
        }
    }
}
