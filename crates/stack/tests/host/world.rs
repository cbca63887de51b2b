//! Two hosts on one wire in virtual time, so that a test reads as a story.

use std::time::Duration;
use synfin_stack::{Config, Event, Host, Interface, InterfaceId, Mac, SocketId, Usage};
use tcp::Instant;
use wire::{Frame, LinkCapabilities, Medium, TransmitChecksum};

pub(crate) const CLIENT: usize = 0;
pub(crate) const SERVER: usize = 1;

/// What becomes of a frame on the wire.
pub(crate) enum Fate {
    Deliver,
    Lose,
}

/// Decides about a frame: who sent it, and its bytes.
type Judge = dyn FnMut(usize, &[u8]) -> Fate;

/// Two hosts, and what is on the way between them.
pub(crate) struct Pair {
    pub(crate) hosts: [Host; 2],
    pub(crate) links: [InterfaceId; 2],
    pub(crate) now: Instant,
    pub(crate) events: [Vec<(SocketId, Event)>; 2],
    /// Every frame that was put on the wire: who sent it, and its bytes.
    pub(crate) seen: Vec<(usize, Vec<u8>)>,
    pub(crate) keep_seen: bool,
    /// Decides about each frame: sender, bytes.
    pub(crate) fate: Box<Judge>,
}

pub(crate) fn link() -> LinkCapabilities {
    LinkCapabilities {
        medium: Medium::Ip,
        mtu_bytes: 1_500,
        super_segment_bytes_max: 0,
        transmit_checksum: TransmitChecksum::Full,
    }
}

impl Pair {
    /// 10.0.0.1 and fd00::1 are the client's, 10.0.0.2 and fd00::2 the server's.
    pub(crate) fn new() -> Self {
        Pair::with(&Config::default(), link())
    }

    pub(crate) fn with(config: &Config, capabilities: LinkCapabilities) -> Self {
        Pair::of(config, config, capabilities)
    }

    /// The same with a configuration for each.
    pub(crate) fn of(client: &Config, server: &Config, capabilities: LinkCapabilities) -> Self {
        let make = |n: u8, config: &Config| {
            let mut host = Host::new(config.clone(), [n; 32]);
            let hardware = (capabilities.medium == Medium::Ethernet).then_some(Mac([2, 0, 0, 0, 0, n]));
            let addresses = [format!("10.0.0.{n}/24"), format!("fd00::{n}/64"), format!("fe80::{n}/64")];
            let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
            let id =
                host.add_interface(Interface { name: format!("wire{n}"), capabilities, hardware, addresses });
            (host, id)
        };
        let (client, to_server) = make(1, client);
        let (server, to_client) = make(2, server);
        Pair {
            hosts: [client, server],
            links: [to_server, to_client],
            now: Instant::from_millis(1_000_000),
            events: [Vec::new(), Vec::new()],
            seen: Vec::new(),
            keep_seen: true,
            fate: Box::new(|_, _| Fate::Deliver),
        }
    }

    pub(crate) fn client(&mut self) -> &mut Host {
        &mut self.hosts[CLIENT]
    }

    pub(crate) fn server(&mut self) -> &mut Host {
        &mut self.hosts[SERVER]
    }

    /// Carries frames both ways, without time passing, until neither host has more to send.
    pub(crate) fn settle(&mut self) {
        for _ in 0..1_000_000 {
            if !(self.carry(CLIENT) | self.carry(SERVER)) {
                return;
            }
        }
        panic!("the hosts never stop sending");
    }

    /// Carries one frame of this host, if it has one.
    pub(crate) fn carry(&mut self, from: usize) -> bool {
        let sent = self.hosts[from].poll_transmit(self.now);
        while let Some(event) = self.hosts[from].poll_event() {
            self.events[from].push(event);
        }
        let Some((interface, frame)) = sent else { return false };
        assert_eq!(interface, self.links[from]);
        let bytes = frame.to_vec();
        let fate = (self.fate)(from, &bytes);
        if self.keep_seen {
            self.seen.push((from, bytes));
        }
        if matches!(fate, Fate::Deliver) {
            self.hosts[1 - from].handle_frame(self.now, self.links[1 - from], frame);
        }
        true
    }

    /// Lets time pass, from timeout to timeout.
    pub(crate) fn pass_time(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.settle();
        for _ in 0..100_000 {
            let next = self.hosts.iter().filter_map(Host::poll_timeout).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            self.hosts.iter_mut().for_each(|host| host.handle_timeout(next));
            self.settle();
        }
        self.now = end;
        self.hosts.iter_mut().for_each(|host| host.handle_timeout(end));
        self.settle();
    }

    /// Puts bytes on the wire as if `from` had sent them.
    pub(crate) fn inject(&mut self, from: usize, bytes: Vec<u8>) {
        let frame = Frame::from_bytes(bytes.into());
        self.hosts[1 - from].handle_frame(self.now, self.links[1 - from], frame);
    }

    /// Connects the client to `address`, at which the server listens; returns the ids of both ends.
    pub(crate) fn connect(&mut self, listener: SocketId, address: &str) -> (SocketId, SocketId) {
        let now = self.now;
        let id = self.client().tcp_connect(now, None, address.parse().unwrap()).unwrap();
        self.settle();
        let accepted = self.server().tcp_accept(listener).expect("the handshake is complete");
        (id, accepted.id)
    }

    /// Writes at one end and reads at the other until everything has arrived.
    pub(crate) fn send(&mut self, from: (usize, SocketId), to: (usize, SocketId), data: &[u8]) -> Vec<u8> {
        let mut sent = 0;
        let mut got = Vec::new();
        let mut buffer = vec![0; 65_536];
        for _ in 0..100_000 {
            let now = self.now;
            if sent < data.len() {
                match self.hosts[from.0].tcp_write(now, from.1, &data[sent..]) {
                    Ok(count) => sent += count,
                    Err(tcp::WriteError::WouldBlock) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            self.settle();
            while let Ok(count @ 1..) = self.hosts[to.0].tcp_read(now, to.1, &mut buffer) {
                got.extend_from_slice(&buffer[..count]);
            }
            self.settle();
            if got.len() >= data.len() {
                return got;
            }
            self.pass_time(Duration::from_millis(50));
        }
        got
    }

    pub(crate) fn close(&mut self, at: (usize, SocketId)) {
        let now = self.now;
        self.hosts[at.0].tcp_close(now, at.1).unwrap();
        self.settle();
    }
}

/// Bytes without repetitions that are near each other.
pub(crate) fn text(len: usize) -> Vec<u8> {
    (0..len as u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).take(len).collect()
}

/// What a host holds: nothing but what `fill` says.
pub(crate) fn usage(fill: impl FnOnce(&mut Usage)) -> Usage {
    let mut used = Usage::default();
    fill(&mut used);
    used
}
