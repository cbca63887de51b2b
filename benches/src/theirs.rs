//! The same with smoltcp 0.14, in the way its own documentation uses it.

use crate::{BUFFER_BYTES, CHUNK_BYTES};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Checksum, ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint};
use std::collections::VecDeque;

/// One end of a wire in memory. Buffers are used again, so that the wire costs the peer nothing.
pub struct End {
    incoming: VecDeque<Vec<u8>>,
    outgoing: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    mtu: usize,
    checksums: bool,
}

pub struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

pub struct Sending<'a>(&'a mut VecDeque<Vec<u8>>, &'a mut Vec<Vec<u8>>);

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let mut buffer = self.1.pop().unwrap_or_default();
        buffer.resize(len, 0);
        let result = fill(&mut buffer);
        self.0.push_back(buffer);
        result
    }
}

impl Device for End {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Sending<'_>)> {
        let packet = self.incoming.pop_front()?;
        Some((Received(packet), Sending(&mut self.outgoing, &mut self.spare)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending<'_>> {
        (self.outgoing.len() < 1_024).then_some(Sending(&mut self.outgoing, &mut self.spare))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        if !self.checksums {
            let mut none = ChecksumCapabilities::ignored();
            none.tcp = Checksum::None;
            capabilities.checksum = none;
        }
        capabilities
    }
}

struct Host {
    interface: Interface,
    device: End,
    sockets: SocketSet<'static>,
}

/// Two hosts, a clock that the benchmark moves.
pub struct Pair {
    client: Host,
    server: Host,
    now: Instant,
    port: u16,
    buffer_bytes: usize,
}

impl Pair {
    /// Two hosts.
    pub fn new(mtu: usize, checksums: bool, buffer_bytes: usize) -> Pair {
        let now = Instant::from_millis(1_000);
        let host = |last: u8| {
            let mut device = End {
                incoming: VecDeque::new(),
                outgoing: VecDeque::new(),
                spare: Vec::new(),
                mtu,
                checksums,
            };
            let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut device, now);
            interface.update_ip_addrs(|addresses| {
                addresses.push(IpCidr::new(IpAddress::v4(10, 0, 0, last), 24)).expect("room for an address");
            });
            Host { interface, device, sockets: SocketSet::new(Vec::new()) }
        };
        Pair { client: host(1), server: host(2), now, port: 20_000, buffer_bytes }
    }

    fn socket(&self) -> Socket<'static> {
        let buffer = || SocketBuffer::new(vec![0; self.buffer_bytes]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(true);
        socket
    }

    /// Both hosts do what there is to do, until no frame moves.
    pub fn shuttle(&mut self) {
        loop {
            self.client.interface.poll(self.now, &mut self.client.device, &mut self.client.sockets);
            let mut moved = std::mem::take(&mut self.client.device.outgoing);
            self.server.device.incoming.append(&mut moved);
            self.server.interface.poll(self.now, &mut self.server.device, &mut self.server.sockets);
            let mut moved = std::mem::take(&mut self.server.device.outgoing);
            let idle = moved.is_empty();
            self.client.device.incoming.append(&mut moved);
            if idle && self.client.device.incoming.is_empty() {
                return;
            }
        }
    }

    /// Opens a connection: the client's and the server's end.
    pub fn open(&mut self) -> (SocketHandle, SocketHandle) {
        let mut listening = self.socket();
        listening.listen(80).expect("a port");
        let server = self.server.sockets.add(listening);
        let client = self.client.sockets.add(self.socket());
        self.port = if self.port == 60_000 { 20_000 } else { self.port + 1 };
        let context = self.client.interface.context();
        let remote = IpEndpoint::new(IpAddress::v4(10, 0, 0, 2), 80);
        self.client
            .sockets
            .get_mut::<Socket<'_>>(client)
            .connect(context, remote, self.port)
            .expect("a connection");
        self.shuttle();
        assert!(self.server.sockets.get::<Socket<'_>>(server).may_send(), "three steps were made");
        (client, server)
    }

    /// Sends `total` bytes from the client to the server.
    pub fn bulk(&mut self, client: SocketHandle, server: SocketHandle, total: u64) -> u64 {
        let (data, mut into) = (vec![0x5a; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
        let (mut written, mut read) = (0, 0);
        while read < total {
            self.now += Duration::from_micros(1);
            let socket = self.client.sockets.get_mut::<Socket<'_>>(client);
            while written < total && socket.can_send() {
                written += socket.send_slice(&data).expect("it is open") as u64;
            }
            self.client.interface.poll(self.now, &mut self.client.device, &mut self.client.sockets);
            let mut moved = std::mem::take(&mut self.client.device.outgoing);
            self.server.device.incoming.append(&mut moved);
            self.server.interface.poll(self.now, &mut self.server.device, &mut self.server.sockets);
            let socket = self.server.sockets.get_mut::<Socket<'_>>(server);
            while socket.can_recv() {
                read += socket.recv_slice(&mut into).expect("it is open") as u64;
            }
            self.server.interface.poll(self.now, &mut self.server.device, &mut self.server.sockets);
            let mut moved = std::mem::take(&mut self.server.device.outgoing);
            self.client.device.incoming.append(&mut moved);
        }
        read
    }

    /// Queues what there is room for at the client's end, and sends it.
    pub fn write(&mut self, client: SocketHandle, piece: &[u8]) -> usize {
        self.now += Duration::from_micros(1);
        let socket = self.client.sockets.get_mut::<Socket<'_>>(client);
        socket.set_nagle_enabled(false);
        let taken = socket.send_slice(piece).expect("it is open");
        self.shuttle();
        taken
    }

    /// Reads what has come to the server's end.
    pub fn read(&mut self, server: SocketHandle, into: &mut [u8]) -> usize {
        self.now += Duration::from_micros(1);
        let taken = self.server.sockets.get_mut::<Socket<'_>>(server).recv_slice(into).expect("it is open");
        self.shuttle();
        taken
    }

    /// Connect, accept, close by the server, close by the client; the sockets are new each time.
    pub fn cycle(&mut self) {
        self.now += Duration::from_micros(10);
        let (client, server) = self.open();
        self.server.sockets.get_mut::<Socket<'_>>(server).close();
        self.shuttle();
        self.client.sockets.get_mut::<Socket<'_>>(client).close();
        self.shuttle();
        self.client.sockets.remove(client);
        self.server.sockets.remove(server);
    }

    /// A question of 100 bytes and an answer of 1,000.
    pub fn exchange(&mut self, client: SocketHandle, server: SocketHandle) {
        self.now += Duration::from_micros(10);
        let mut into = [0; 2_048];
        self.client.sockets.get_mut::<Socket<'_>>(client).send_slice(&[1; 100]).expect("room");
        self.shuttle();
        let socket = self.server.sockets.get_mut::<Socket<'_>>(server);
        assert_eq!(socket.recv_slice(&mut into).expect("open"), 100);
        socket.send_slice(&[2; 1_000]).expect("room");
        self.shuttle();
        let socket = self.client.sockets.get_mut::<Socket<'_>>(client);
        assert_eq!(socket.recv_slice(&mut into).expect("open"), 1_000);
    }

    /// Opens `count` connections and leaves them alone.
    pub fn idle(&mut self, count: usize) {
        for _ in 0..count {
            self.open();
        }
    }
}

/// A pair with the buffers that bulk transfer wants.
pub fn bulky(mtu: usize, checksums: bool) -> Pair {
    Pair::new(mtu, checksums, BUFFER_BYTES)
}
