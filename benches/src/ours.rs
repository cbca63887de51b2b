//! Two synfin hosts joined by nothing: what one sends, the other is handed.

use crate::{BUFFER_BYTES, CHUNK_BYTES};
use stack::{Cidr, Config, Event, Host, Interface, InterfaceId, MemoryBudget, SocketId};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tcp::Instant;
use wire::{LinkCapabilities, Medium, TransmitChecksum};

/// What the link does.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    /// MTU.
    pub mtu_bytes: u32,
    /// Super-segments up to this many bytes; zero for none.
    pub super_segment_bytes_max: u32,
    /// Compute and verify checksums.
    pub checksums: bool,
    /// Length of TIME-WAIT.
    pub time_wait: Duration,
}

impl Default for Wire {
    /// MTU 1500, checksums, TIME-WAIT of a minute.
    fn default() -> Self {
        Wire {
            mtu_bytes: 1_500,
            super_segment_bytes_max: 0,
            checksums: true,
            time_wait: Duration::from_secs(60),
        }
    }
}

/// Two hosts, a clock that the benchmark moves.
pub struct Pair {
    /// The one that connects.
    pub client: Host,
    /// The one that listens.
    pub server: Host,
    /// The time.
    pub now: Instant,
    link: [InterfaceId; 2],
    listener: SocketId,
    /// Frames that crossed, both ways.
    pub frames: u64,
}

fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

impl Pair {
    /// Two hosts and a listener on the server.
    pub fn new(wire: Wire) -> Pair {
        let tcp = tcp::Config {
            send_buffer_bytes: BUFFER_BYTES as u32,
            receive_buffer_bytes: BUFFER_BYTES as u32,
            // The peer's buffers do not grow either.
            send_buffer_bytes_initial: 0,
            receive_buffer_bytes_initial: 0,
            time_wait: wire.time_wait,
            ..tcp::Config::default()
        };
        let tcp = Arc::new(tcp);
        let host = |last: u8| {
            // Room for a million connections.
            let memory = MemoryBudget::of(4 << 30);
            let mut host = Host::new(Config { tcp: tcp.clone(), memory, ..Config::default() }, [last; 32]);
            let id = host.add_interface(Interface {
                name: "memory".into(),
                capabilities: LinkCapabilities {
                    medium: Medium::Ip,
                    mtu_bytes: wire.mtu_bytes,
                    super_segment_bytes_max: wire.super_segment_bytes_max,
                    transmit_checksum: if wire.checksums {
                        TransmitChecksum::Full
                    } else {
                        TransmitChecksum::None
                    },
                },
                hardware: None,
                addresses: vec![Cidr::new(address(last), 24).expect("a network")],
            });
            (host, id)
        };
        let ((client, a), (mut server, b)) = (host(1), host(2));
        let listener = server.tcp_listen(SocketAddr::new(address(2), 80), 1_024).expect("port 80 is free");
        Pair { client, server, now: Instant::from_millis(1_000), link: [a, b], listener, frames: 0 }
    }

    /// Hands over frames until nobody has any.
    pub fn shuttle(&mut self) {
        loop {
            let mut moved = 0;
            while let Some((_, frame)) = self.client.poll_transmit(self.now) {
                self.server.handle_frame(self.now, self.link[1], frame);
                moved += 1;
            }
            while let Some((_, frame)) = self.server.poll_transmit(self.now) {
                self.client.handle_frame(self.now, self.link[0], frame);
                moved += 1;
            }
            if moved == 0 {
                return;
            }
            self.frames += moved;
        }
    }

    /// Takes away what both hosts have to say.
    pub fn forget_events(&mut self) {
        while self.client.poll_event().is_some() {}
        while self.server.poll_event().is_some() {}
    }

    /// Opens a connection to `port` (0: the listener's): the client's and the server's end.
    pub fn open(&mut self, local: Option<SocketAddr>) -> (SocketId, SocketId) {
        let remote = SocketAddr::new(address(2), 80);
        let client = self.client.tcp_connect(self.now, local, remote).expect("a connection");
        self.shuttle();
        let server = self.server.tcp_accept(self.listener).expect("three steps were made").id;
        (client, server)
    }

    /// Sends `total` bytes from the client to the server, copying at both ends as applications do.
    pub fn bulk(&mut self, client: SocketId, server: SocketId, total: u64) -> u64 {
        let (data, mut into) = (vec![0x5a; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
        let (mut written, mut read) = (0, 0);
        while read < total {
            self.now += Duration::from_micros(1);
            while written < total {
                match self.client.tcp_write(self.now, client, &data) {
                    Ok(count) => written += count as u64,
                    Err(_) => break,
                }
            }
            while let Some((_, frame)) = self.client.poll_transmit(self.now) {
                self.frames += 1;
                self.server.handle_frame(self.now, self.link[1], frame);
            }
            while let Ok(count) = self.server.tcp_read(self.now, server, &mut into) {
                read += count as u64;
            }
            while let Some((_, frame)) = self.server.poll_transmit(self.now) {
                self.frames += 1;
                self.client.handle_frame(self.now, self.link[0], frame);
            }
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
            self.forget_events();
        }
        read
    }

    /// Connect, accept, close by the server, close by the client.
    pub fn cycle(&mut self) {
        self.now += Duration::from_micros(10);
        let (client, server) = self.open(None);
        self.server.tcp_close(self.now, server).expect("it is open");
        self.shuttle();
        self.client.tcp_close(self.now, client).expect("it is open");
        self.shuttle();
        self.forget_events();
        self.server.handle_timeout(self.now);
    }

    /// A question of 100 bytes and an answer of 1,000.
    pub fn exchange(&mut self, client: SocketId, server: SocketId) {
        self.now += Duration::from_micros(10);
        let mut into = [0; 2_048];
        self.client.tcp_write(self.now, client, &[1; 100]).expect("room");
        self.shuttle();
        assert_eq!(self.server.tcp_read(self.now, server, &mut into), Ok(100));
        self.server.tcp_write(self.now, server, &[2; 1_000]).expect("room");
        self.shuttle();
        assert_eq!(self.client.tcp_read(self.now, client, &mut into), Ok(1_000));
        self.client.handle_timeout(self.now);
        self.server.handle_timeout(self.now);
        self.forget_events();
    }

    /// Opens `count` connections from as many ends and leaves them alone.
    pub fn idle(&mut self, count: usize) {
        for index in 0..count {
            // A client has 28,000 ports here; more connections come from more addresses.
            let host = 16 + index / 28_000;
            let ip = Ipv4Addr::new(10, 0, 1 + (host / 200) as u8, (host % 200) as u8);
            if index % 28_000 == 0 {
                self.client.add_address(self.link[0], Cidr::host(IpAddr::V4(ip)));
                self.server.add_route(Cidr::host(IpAddr::V4(ip)), None, self.link[1]);
            }
            let local = SocketAddr::new(IpAddr::V4(ip), 20_000 + (index % 28_000) as u16);
            self.open(Some(local));
            if index % 1_000 == 0 {
                self.forget_events();
                self.now += Duration::from_micros(100);
            }
        }
        self.forget_events();
        self.now += Duration::from_secs(1);
        self.client.handle_timeout(self.now);
        self.server.handle_timeout(self.now);
        self.shuttle();
        self.forget_events();
    }

    /// Whether a host has said that a connection is there; for the benchmark's own checks.
    pub fn says(&mut self, event: Event) -> bool {
        std::iter::from_fn(|| self.client.poll_event()).any(|(_, said)| said == event)
    }
}
