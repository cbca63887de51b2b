//! A host with two links, of which one takes nothing for a while.

use crate::world::{link, text};
use std::time::Duration;
use synfin_stack::{Config, Discard, Error, Event, Host, Interface, InterfaceId, MemoryBudget, SocketId};
use tcp::Instant;
use wire::{LinkCapabilities, Medium};

/// The host in the middle has links to two others, at 10.1.0.0/24 and at 10.2.0.0/24.
struct Three {
    middle: Host,
    links: [InterfaceId; 2],
    others: [Host; 2],
    ends: [InterfaceId; 2],
    now: Instant,
}

fn host(config: Config, n: u8, networks: &[u8]) -> (Host, Vec<InterfaceId>) {
    let mut host = Host::new(config, [n; 32]);
    let mut add = |network: &u8| {
        let addresses = vec![format!("10.{network}.0.{n}/24").parse().unwrap()];
        host.add_interface(Interface {
            name: format!("wire{network}"),
            capabilities: link(),
            hardware: None,
            addresses,
        })
    };
    let links = networks.iter().map(&mut add).collect();
    (host, links)
}

impl Three {
    fn new() -> Self {
        Three::with(Config::default())
    }

    fn with(config: Config) -> Self {
        let (middle, links) = host(config, 1, &[1, 2]);
        let [(a, at_a), (b, at_b)] = [1, 2].map(|network| host(Config::default(), 2, &[network]));
        let now = Instant::from_millis(1_000_000);
        Three { middle, links: [links[0], links[1]], others: [a, b], ends: [at_a[0], at_b[0]], now }
    }

    /// Carries frames until nobody has more to send; returns how many left the middle by each link.
    fn settle(&mut self) -> [usize; 2] {
        let mut left = [0; 2];
        loop {
            let mut is_busy = false;
            while let Some((interface, frame)) = self.middle.poll_transmit(self.now) {
                is_busy = true;
                let n = interface.index();
                left[n] += 1;
                self.others[n].handle_frame(self.now, self.ends[n], frame);
            }
            for n in 0..2 {
                while let Some((_, frame)) = self.others[n].poll_transmit(self.now) {
                    is_busy = true;
                    self.middle.handle_frame(self.now, self.links[n], frame);
                }
            }
            if !is_busy {
                return left;
            }
        }
    }

    /// Connects the middle to a listener of the other at this link.
    fn connect(&mut self, n: usize) -> (SocketId, SocketId) {
        let listener = self.others[n].tcp_listen("0.0.0.0:80".parse().unwrap(), 8).unwrap();
        let remote = format!("10.{}.0.2:80", n + 1).parse().unwrap();
        let id = self.middle.tcp_connect(self.now, None, remote).unwrap();
        self.settle();
        (id, self.others[n].tcp_accept(listener).unwrap().id)
    }
}

#[test]
fn a_full_link_holds_up_its_own_connections_alone() {
    let mut three = Three::new();
    let (held, held_peer) = three.connect(0);
    let (free, free_peer) = three.connect(1);
    three.middle.hold_interface(three.links[0]);
    let now = three.now;
    three.middle.tcp_write(now, held, &text(5_000)).unwrap();
    three.middle.tcp_write(now, free, &text(5_000)).unwrap();
    assert_eq!(three.settle()[0], 0);
    let mut buffer = [0; 9_000];
    assert_eq!(three.others[1].tcp_read(now, free_peer, &mut buffer), Ok(5_000));
    // Nothing is due at once: a driver that waits for the link does not spin.
    assert!(three.middle.poll_timeout().is_none_or(|due| due > now));
    three.middle.release_interface(three.links[0]);
    three.settle();
    assert_eq!(three.others[0].tcp_read(now, held_peer, &mut buffer), Ok(5_000));
}

#[test]
fn a_full_link_holds_up_its_own_datagrams_alone() {
    let mut three = Three::new();
    let socket = three.middle.udp_bind("0.0.0.0:9".parse().unwrap()).unwrap();
    let to = |n: u8| format!("10.{n}.0.2:9").parse().unwrap();
    let peers = [0, 1].map(|n: usize| three.others[n].udp_bind("0.0.0.0:9".parse().unwrap()).unwrap());
    three.middle.hold_interface(three.links[0]);
    let now = three.now;
    let mut sent = 0;
    while three.middle.udp_send_to(now, socket, text(100).into(), to(1)) == Ok(100) {
        sent += 1;
    }
    assert_eq!(sent, three.middle.config().outbox_frames_max);
    assert_eq!(three.middle.udp_send_to(now, socket, text(100).into(), to(1)), Err(Error::WouldBlock));
    for _ in 0..10 {
        assert_eq!(three.middle.udp_send_to(now, socket, text(100).into(), to(2)), Ok(100));
        assert_eq!(three.settle(), [0, 1]);
        assert!(three.others[1].udp_recv_from(peers[1], &mut [0; 100]).is_ok());
    }
    assert_eq!(three.middle.poll_event(), None, "there is no room yet for whoever waits for the full link");
    three.middle.release_interface(three.links[0]);
    assert_eq!(three.settle()[0], sent);
    assert_eq!(three.middle.poll_event(), Some((socket, Event::Writable)));
}

#[test]
fn a_super_segment_that_is_being_cut_is_finished_first() {
    let mut three = Three::new();
    let (held, _) = three.connect(0);
    let now = three.now;
    three.middle.tcp_write(now, held, &text(10_000)).unwrap();
    assert!(three.middle.poll_transmit(now).is_some(), "the first piece");
    three.middle.hold_interface(three.links[0]);
    let (free, _) = three.connect(1);
    let pieces = std::iter::from_fn(|| three.middle.poll_transmit(now)).count();
    assert!(pieces < 7, "the rest of it and no more: {pieces}");
    assert_eq!(three.middle.tcp(free).unwrap().state(), tcp::State::Established);
}

#[test]
fn a_connection_behind_a_full_link_still_ends_at_its_user_timeout() {
    let tcp = tcp::Config { user_timeout: Some(Duration::from_secs(30)), ..tcp::Config::default() };
    let mut three = Three::with(Config { tcp: tcp.into(), ..Config::default() });
    let (held, _) = three.connect(0);
    three.middle.hold_interface(three.links[0]);
    three.middle.tcp_write(three.now, held, &text(5_000)).unwrap();
    three.settle();
    let end = three.now + Duration::from_secs(40);
    let mut looks = 0;
    while let Some(due) = three.middle.poll_timeout().filter(|due| *due <= end) {
        three.now = three.now.max(due);
        three.middle.handle_timeout(three.now);
        three.settle();
        looks += 1;
        assert!(looks < 1_000, "a held connection keeps the driver busy");
    }
    assert_eq!(three.middle.tcp(held).unwrap().failure(), Some(tcp::Error::TimedOut));
}

#[test]
fn connections_that_are_over_are_not_kept_for_a_link_that_takes_nothing() {
    let mut three = Three::new();
    let (held, held_peer) = three.connect(0);
    three.middle.hold_interface(three.links[0]);
    let now = three.now;
    three.middle.tcp_write(now, held, &text(50_000)).unwrap();
    assert_eq!(three.settle(), [0, 0]);
    three.middle.tcp_abort(now, held).unwrap();
    three.middle.tcp_close(now, held).unwrap();
    assert_eq!(three.settle(), [0, 0]);
    assert_eq!(three.middle.usage().connections, 0, "its reset waits, and nothing else of it");
    three.middle.release_interface(three.links[0]);
    assert_eq!(three.settle(), [1, 0]);
    let reset = three.others[0].tcp_read(now, held_peer, &mut [0; 10]);
    assert_eq!(reset, Err(tcp::ReadError::Failed(tcp::Error::Reset)));
}

#[test]
fn a_new_route_leads_around_a_full_link() {
    let mut three = Three::new();
    // The network behind both others; first by the link that will be full.
    three.middle.add_route("10.9.0.0/16".parse().unwrap(), Some("10.1.0.2".parse().unwrap()), three.links[0]);
    three.middle.hold_interface(three.links[0]);
    three.middle.tcp_connect(three.now, None, "10.9.0.1:80".parse().unwrap()).unwrap();
    assert_eq!(three.settle(), [0, 0]);
    three.middle.add_route("10.9.0.0/24".parse().unwrap(), Some("10.2.0.2".parse().unwrap()), three.links[1]);
    assert_eq!(three.settle(), [0, 1]);
}

#[test]
fn questions_for_neighbours_wait_for_their_own_link() {
    let ethernet = LinkCapabilities { medium: Medium::Ethernet, ..link() };
    let (mut host, links) = host(Config::default(), 1, &[2]);
    let addresses = vec!["10.1.0.1/24".parse().unwrap()];
    let hardware = Some(synfin_stack::Mac([2, 0, 0, 0, 0, 1]));
    let slow =
        host.add_interface(Interface { name: "slow".into(), capabilities: ethernet, hardware, addresses });
    let now = Instant::from_millis(1_000_000);
    host.hold_interface(slow);
    host.tcp_connect(now, None, "10.1.0.2:80".parse().unwrap()).unwrap();
    host.tcp_connect(now, None, "10.2.0.2:80".parse().unwrap()).unwrap();
    let left: Vec<_> =
        std::iter::from_fn(|| host.poll_transmit(now)).map(|(interface, _)| interface).collect();
    assert_eq!(left, [links[0]]);
    host.release_interface(slow);
    let left =
        std::iter::from_fn(|| host.poll_transmit(now)).filter(|(interface, _)| *interface == slow).count();
    assert_eq!(left, 2, "the announcement of our address and the question");
}

#[test]
fn what_waits_for_a_link_that_takes_nothing_stays_within_the_budget() {
    let memory = MemoryBudget::of(200_000);
    let mut three = Three::with(Config { memory, ..Config::default() });
    let now = three.now;
    three.middle.tcp_listen("0.0.0.0:80".parse().unwrap(), 8).unwrap();
    three.middle.hold_interface(three.links[0]);
    // Each SYN becomes a cookie that cannot leave.
    for _ in 0..2_000 {
        three.others[0].tcp_connect(now, None, "10.1.0.1:80".parse().unwrap()).unwrap();
        three.settle();
        let held = three.middle.usage().held_bytes;
        assert!(held <= 220_000, "{:?}", three.middle.usage());
    }
    assert!(three.middle.counters().cookies_sent > 100);
    assert!(three.middle.counters().discarded(Discard::OutboxFull) > 0);
    three.middle.release_interface(three.links[0]);
    let left = three.settle()[0];
    assert!(left > 50, "{left}");
    assert!(three.middle.usage().held_bytes < 150_000, "the queue has given back its places");
}

impl Three {
    /// Lets time pass until the middle has no more to do, or `most` has passed; returns how much passed.
    fn live(&mut self, most: Duration) -> Duration {
        let began = self.now;
        loop {
            self.settle();
            match self.middle.poll_timeout() {
                Some(due) if due < began + most => self.now = self.now.max(due),
                _ => return self.now.since(began),
            }
            self.middle.handle_timeout(self.now);
        }
    }
}

#[test]
fn nobody_waits_for_ever_for_a_link_that_is_gone() {
    let mut three = Three::new();
    three.middle.tcp_listen("0.0.0.0:80".parse().unwrap(), 8).unwrap();
    let (busy, _) = three.connect(0);
    three.middle.hold_interface(three.links[0]);
    let now = three.now;
    three.middle.tcp_write(now, busy, &text(50_000)).unwrap();
    let attempt = three.middle.tcp_connect(now, None, "10.1.0.2:81".parse().unwrap()).unwrap();
    three.others[0].tcp_connect(now, None, "10.1.0.1:80".parse().unwrap()).unwrap();
    three.settle();
    assert_eq!(three.middle.usage().half_open, 1);
    let hour = Duration::from_secs(3_600);
    assert!(three.live(hour) < hour, "{:?}", three.middle.usage());
    for id in [busy, attempt] {
        assert_eq!(
            three.middle.tcp_read(three.now, id, &mut [0; 9]),
            Err(tcp::ReadError::Failed(tcp::Error::TimedOut))
        );
    }
    assert_eq!(three.middle.usage().half_open, 0);
}

#[test]
fn a_link_that_was_full_for_some_seconds_has_lost_nothing() {
    let mut three = Three::new();
    let (held, peer) = three.connect(0);
    three.middle.hold_interface(three.links[0]);
    let now = three.now;
    three.middle.tcp_write(now, held, &text(5_000)).unwrap();
    three.live(Duration::from_secs(9));
    three.now += Duration::from_secs(9);
    three.middle.release_interface(three.links[0]);
    three.settle();
    assert_eq!(three.others[0].tcp_read(three.now, peer, &mut [0; 9_000]), Ok(5_000));
    let connection = three.middle.tcp(held).unwrap();
    assert_eq!(connection.info(three.now).bytes_retransmitted, 0);
}
