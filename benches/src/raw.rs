//! A host that is handed frames made by hand: peers that do what no stack of ours would do.

use bytes::Bytes;
use stack::{Cidr, Config, Host, Interface, InterfaceId, SocketId};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tcp::Instant;
use wire::ip::protocol;
use wire::tcp::{Flags, Header, OptionLayout};
use wire::{Checksum, Frame, Head, LinkCapabilities, Medium, Offload, Seq, TransmitChecksum, ipv4, udp};

/// A host with a listener at port 80, and the time.
pub struct Alone {
    /// The host.
    pub host: Host,
    /// The time.
    pub now: Instant,
    /// Its listener.
    pub listener: SocketId,
    link: InterfaceId,
}

/// One end of a connection with it, as far as a peer made by hand knows it.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Address and port.
    pub end: (Ipv4Addr, u16),
    /// The next number to send.
    pub nxt: Seq,
    /// What it acknowledges.
    pub ack: Seq,
}

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

impl Alone {
    /// A host on an IP link; peers are in 10.0.0.0/8.
    pub fn new(config: Config, backlog: usize) -> Alone {
        let mut host = Host::new(config, [7; 32]);
        let link = host.add_interface(Interface {
            name: "memory".into(),
            capabilities: LinkCapabilities {
                medium: Medium::Ip,
                mtu_bytes: 1_500,
                super_segment_bytes_max: 65_535,
                transmit_checksum: TransmitChecksum::None,
            },
            hardware: None,
            addresses: vec![Cidr::new(IpAddr::V4(SERVER), 8).expect("a network")],
        });
        let listener =
            host.tcp_listen(SocketAddr::new(IpAddr::V4(SERVER), 80), backlog).expect("port 80 is free");
        Alone { host, now: Instant::from_millis(1_000), listener, link }
    }

    /// The peer with this number.
    pub fn end(number: u32) -> (Ipv4Addr, u16) {
        let [_, a, b, c] = number.to_be_bytes();
        (Ipv4Addr::new(10, 1 + a, b, c), 20_000)
    }

    /// Hands over a packet: the buffer is exactly as large as the packet.
    pub fn packet(&mut self, source: Ipv4Addr, protocol: u8, transport: &[u8]) {
        let mut bytes = vec![0; ipv4::HEADER_BYTES + transport.len()];
        let total_bytes = u16::try_from(bytes.len()).unwrap_or(0);
        ipv4::Header {
            source,
            destination: SERVER,
            protocol,
            ttl: 64,
            total_bytes,
            ..ipv4::Header::default()
        }
        .emit(&mut bytes[..ipv4::HEADER_BYTES]);
        bytes[ipv4::HEADER_BYTES..].copy_from_slice(transport);
        self.frame(bytes);
    }

    /// Hands over an IP packet as it is; its checksums are trusted.
    pub fn frame(&mut self, bytes: Vec<u8>) {
        let offload = Offload { segment_bytes: 0, checksum: Checksum::Trusted };
        let frame = Frame { offload, ..Frame::from_bytes(Bytes::from(bytes)) };
        self.host.handle_frame(self.now, self.link, frame);
    }

    /// A peer sends a segment.
    pub fn segment(&mut self, end: (Ipv4Addr, u16), header: &Header, text: &[u8]) {
        let header = Header { source_port: end.1, destination_port: 80, ..*header };
        let mut head = Head::new();
        header.append_to(&mut head, OptionLayout::Linux);
        let mut transport = head.as_slice().to_vec();
        transport.extend_from_slice(text);
        self.packet(end.0, protocol::TCP, &transport);
    }

    /// A peer sends a datagram to a port, which says that it is `said_bytes` long.
    pub fn datagram(&mut self, end: (Ipv4Addr, u16), port: u16, said_bytes: usize, text: &[u8]) {
        let len_bytes = (udp::HEADER_BYTES + said_bytes) as u16;
        let header = udp::Header { source_port: end.1, destination_port: port, len_bytes, checksum: 0 };
        let mut transport = vec![0; udp::HEADER_BYTES];
        header.emit(&mut transport);
        transport.extend_from_slice(text);
        self.packet(end.0, protocol::UDP, &transport);
    }

    /// What the host sends now, headers only.
    pub fn answers(&mut self) -> Vec<Header> {
        let mut answers = Vec::new();
        while let Some((_, frame)) = self.host.poll_transmit(self.now) {
            let mut header = Header::default();
            if header.read(&frame.head.as_slice()[ipv4::HEADER_BYTES..]).is_ok() {
                answers.push(header);
            }
        }
        while self.host.poll_event().is_some() {}
        answers
    }

    /// The SYN of a peer, and the answer to it.
    pub fn syn(&mut self, number: u32, text: &[u8]) -> Option<Header> {
        let mut syn =
            Header { seq: Seq::new(number), flags: Flags::SYN, window: 65_535, ..Header::default() };
        syn.options.mss = Some(1_460);
        syn.options.window_scale = Some(7);
        syn.options.sack_permitted = true;
        self.segment(Alone::end(number), &syn, text);
        self.answers().into_iter().find(|answer| answer.flags.syn())
    }

    /// A peer connects; it says that its window is `window`, in units of 128 bytes.
    pub fn connect(&mut self, number: u32, window: u16) -> Peer {
        let syn_ack = self.syn(number, &[]).expect("the second step");
        let peer = Peer { end: Alone::end(number), nxt: Seq::new(number) + 1, ack: syn_ack.seq + 1 };
        self.say(&peer, peer.nxt, window, &[]);
        self.answers();
        peer
    }

    /// A peer sends text from `seq` on.
    pub fn say(&mut self, peer: &Peer, seq: Seq, window: u16, text: &[u8]) {
        let header = Header { seq, ack: peer.ack, flags: Flags::ACK, window, ..Header::default() };
        self.segment(peer.end, &header, text);
    }

    /// The oldest connection that waits to be accepted.
    pub fn accept(&mut self) -> Option<SocketId> {
        self.host.tcp_accept(self.listener).map(|accepted| accepted.id)
    }
}
