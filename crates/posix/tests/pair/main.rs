//! Two systems on one link: what a program sees of the calls.

mod calls;
mod datagrams;
mod once;

use core::time::Duration;
use stack::{Cidr, Host, Interface, InterfaceId};
use synfin_posix::{Domain, Fd, Stop, System, Type, Waiting};
use tcp::{Habits, Instant};
use wire::{LinkCapabilities, Medium, TransmitChecksum};

/// Client and server, and the time.
pub(crate) struct Pair {
    pub(crate) client: System,
    pub(crate) server: System,
    link: [InterfaceId; 2],
    pub(crate) now: Instant,
}

fn system(address: &str, habits: Habits) -> (System, InterfaceId) {
    let mut host = Host::new(stack::Config::default(), [3; 32]);
    let link = host.add_interface(Interface {
        name: "link".to_owned(),
        capabilities: LinkCapabilities {
            medium: Medium::Ip,
            mtu_bytes: 1_500,
            super_segment_bytes_max: 0,
            transmit_checksum: TransmitChecksum::Full,
        },
        hardware: None,
        addresses: vec![
            Cidr::new(address.parse().expect("the test's world is right"), 24)
                .expect("the test's world is right"),
        ],
    });
    host.add_route(
        Cidr::new("10.0.0.0".parse().expect("the test's world is right"), 24)
            .expect("the test's world is right"),
        None,
        link,
    );
    (System::new(host, habits), link)
}

impl Pair {
    pub(crate) fn new(habits: Habits) -> Self {
        let (client, here) = system("10.0.0.1", habits);
        let (server, there) = system("10.0.0.2", habits);
        Pair { client, server, link: [here, there], now: Instant::from_millis(1_000) }
    }

    /// Delivers everything that is on the way.
    pub(crate) fn deliver(&mut self) {
        for _ in 0..1_000 {
            let mut quiet = true;
            while let Some((_, frame)) = self.client.poll_transmit(self.now) {
                self.server.handle_frame(self.now, self.link[1], frame);
                quiet = false;
            }
            while let Some((_, frame)) = self.server.poll_transmit(self.now) {
                self.client.handle_frame(self.now, self.link[0], frame);
                quiet = false;
            }
            if quiet {
                return;
            }
        }
        panic!("the two never fall silent");
    }

    /// Lets time pass, timers and all.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.deliver();
            let next = [self.client.poll_timeout(), self.server.poll_timeout()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
        }
        self.now = end;
    }

    /// A listener, and a connection to it: the client's and the server's descriptor.
    pub(crate) fn connected(habits: Habits) -> (Pair, Fd, Fd) {
        let mut pair = Pair::new(habits);
        let listener = pair.server.socket(Domain::Inet, Type::Stream).expect("the test's world is right");
        pair.server
            .bind(listener, "10.0.0.2:80".parse().expect("the test's world is right"))
            .expect("the test's world is right");
        pair.server.listen(listener, 5).expect("the test's world is right");
        let client = pair.client.socket(Domain::Inet, Type::Stream).expect("the test's world is right");
        let mut waiting = Waiting::new();
        let remote = "10.0.0.2:80".parse().expect("the test's world is right");
        assert_eq!(pair.client.connect(pair.now, client, remote, &mut waiting), Err(Stop::Blocked));
        pair.deliver();
        assert_eq!(pair.client.connect(pair.now, client, remote, &mut waiting), Ok(()));
        let (server, from) = pair.server.accept(pair.now, listener).expect("the test's world is right");
        assert_eq!(from, pair.client.local_address(client).expect("the test's world is right"));
        assert_eq!(pair.client.peer_address(client).expect("the test's world is right"), remote);
        (pair, client, server)
    }
}
