//! A server, an honest client and the network between them, in virtual time; and frames that strangers send.

use bytes::Bytes;
use sim::Dice;
use stack::{Cidr, Config, Host, Interface, InterfaceId};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tcp::Instant;
use wire::ip::protocol;
use wire::tcp::{Header, OptionLayout};
use wire::{Checksum, Frame, LinkCapabilities, Medium, Payload, TransmitChecksum, ipv4};

/// The server's address.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// The honest client's; all others are strangers.
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// Two hosts, what is under way between them, the clock.
pub(crate) struct Network {
    pub(crate) server: Host,
    pub(crate) client: Host,
    pub(crate) now: Instant,
    links: [InterfaceId; 2],
    /// To the server and to the client.
    under_way: [VecDeque<(Instant, Frame)>; 2],
    delay: Duration,
    loss_percent: u64,
    dice: Dice,
    /// What the server sent to strangers since they last looked.
    pub(crate) to_strangers: Vec<Frame>,
}

impl Network {
    /// Both with the default bounds, each packet this long under way, so many of a hundred lost.
    pub(crate) fn new(delay: Duration, loss_percent: u64) -> Network {
        let mut links = Vec::new();
        let mut host = |address: Ipv4Addr| {
            let mut host =
                Host::new(Config::default(), address.octets().repeat(8).try_into().expect("32 bytes"));
            let link = host.add_interface(Interface {
                name: "memory".into(),
                capabilities: LinkCapabilities {
                    medium: Medium::Ip,
                    mtu_bytes: 1_500,
                    super_segment_bytes_max: 0,
                    transmit_checksum: TransmitChecksum::None,
                },
                hardware: None,
                addresses: vec![Cidr::new(address.into(), 24).expect("a network")],
            });
            let everywhere = Cidr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0).expect("a network");
            host.add_route(everywhere, None, link);
            links.push(link);
            host
        };
        let (server, client) = (host(SERVER), host(CLIENT));
        Network {
            server,
            client,
            now: Instant::from_millis(1_000),
            links: [links[0], links[1]],
            under_way: Default::default(),
            delay,
            loss_percent,
            dice: Dice::new(1),
            to_strangers: Vec::new(),
        }
    }

    /// A stranger's frame reaches the server.
    pub(crate) fn arrive(&mut self, frame: Frame) {
        self.server.handle_frame(self.now, self.links[0], frame);
    }

    /// When the network or a timer has something to do next.
    pub(crate) fn next(&self) -> Option<Instant> {
        let under_way = self.under_way.iter().filter_map(|lane| Some(lane.front()?.0));
        under_way.chain(self.server.poll_timeout()).chain(self.client.poll_timeout()).min()
    }

    /// What is due happens: arrivals, timers, and what the hosts send because of them.
    pub(crate) fn turn(&mut self) {
        for to in 0..2 {
            while self.under_way[to].front().is_some_and(|(due, _)| *due <= self.now) {
                let Some((_, frame)) = self.under_way[to].pop_front() else { break };
                let host = if to == 0 { &mut self.server } else { &mut self.client };
                host.handle_frame(self.now, self.links[to], frame);
            }
        }
        self.server.handle_timeout(self.now);
        self.client.handle_timeout(self.now);
        while let Some((_, frame)) = self.server.poll_transmit(self.now) {
            if destination(&frame) == Some(CLIENT) {
                self.send(1, frame)
            } else {
                self.to_strangers.push(frame)
            }
        }
        while let Some((_, frame)) = self.client.poll_transmit(self.now) {
            self.send(0, frame);
        }
    }

    fn send(&mut self, to: usize, frame: Frame) {
        if self.dice.below(100) >= self.loss_percent {
            self.under_way[to].push_back((self.now + self.delay, frame));
        }
    }
}

fn destination(frame: &Frame) -> Option<Ipv4Addr> {
    ipv4::Header::parse(frame.head.as_slice()).ok().map(|(header, _)| header.destination)
}

/// A stranger's segment to the server.
pub(crate) fn segment(source: Ipv4Addr, header: &Header, text: &'static [u8]) -> Frame {
    let header_bytes = header.len_bytes(OptionLayout::Linux);
    let mut bytes = vec![0; ipv4::HEADER_BYTES + header_bytes];
    ipv4::Header {
        source,
        destination: SERVER,
        protocol: protocol::TCP,
        ttl: 64,
        total_bytes: (bytes.len() + text.len()) as u16,
        ..ipv4::Header::default()
    }
    .emit(&mut bytes);
    header.emit(&mut bytes[ipv4::HEADER_BYTES..], OptionLayout::Linux);
    bytes.extend(text);
    let mut frame = Frame { payload: Payload::from(Bytes::from(bytes)), ..Frame::default() };
    frame.offload.checksum = Checksum::Trusted;
    frame
}

/// The TCP header of what the server sent, and how much text it has.
pub(crate) fn parse(frame: &Frame) -> Option<(Header, u32)> {
    let head = frame.head.as_slice();
    let (_, ip_bytes) = ipv4::Header::parse(head).ok()?;
    let (header, tcp_bytes) = Header::parse(head.get(ip_bytes..)?).ok()?;
    Some((header, (frame.len() - ip_bytes - tcp_bytes) as u32))
}
