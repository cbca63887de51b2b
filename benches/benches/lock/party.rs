//! Who is measured: a network that gives out connections, both ends of each in one thread's hands.
//!
//! Ours is two stacks with a wire in memory between them, each under its own lock and with its own driver. The peers
//! are the kernel's loopback, where every socket has a lock of its own, and smoltcp, whose user puts one lock around
//! everything: both its hosts stand under it, and nothing is handed from thread to thread.

use smoltcp::iface::SocketHandle;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use synfin::wire::{LinkCapabilities, Medium, TransmitChecksum};
use synfin::{Stack, device, net, tcp};
use synfin_benches::{BUFFER_BYTES, theirs};

/// Gives out connections.
pub(crate) trait Party {
    /// What the table calls it.
    fn name(&self) -> &'static str;

    /// A new connection.
    fn connect(&self) -> Box<dyn Ends>;
}

/// A connection: one end is written to, the other one is read from.
pub(crate) trait Ends: Send {
    /// Queues the whole piece.
    fn write(&mut self, piece: &[u8]);

    /// Reads until the buffer is full.
    fn read(&mut self, into: &mut [u8]);
}

struct Streams<S> {
    near: S,
    far: S,
}

impl<S: Read + Write + Send> Ends for Streams<S> {
    fn write(&mut self, piece: &[u8]) {
        self.near.write_all(piece).expect("the connection lives");
    }

    fn read(&mut self, into: &mut [u8]) {
        self.far.read_exact(into).expect("the connection lives");
    }
}

/// Two stacks of ours.
pub(crate) struct Ours {
    client: Stack,
    _server: Stack,
    listener: net::TcpListener,
}

impl Ours {
    pub(crate) fn new() -> Ours {
        let capabilities = LinkCapabilities {
            medium: Medium::Ip,
            mtu_bytes: 1_500,
            super_segment_bytes_max: 65_160,
            transmit_checksum: TransmitChecksum::None,
        };
        let (left, right) = device::memory::pair(capabilities);
        let stack = |link: device::memory::MemoryLink, address: &str| {
            let tcp = tcp::Config {
                send_buffer_bytes: BUFFER_BYTES as u32,
                receive_buffer_bytes: BUFFER_BYTES as u32,
                // The others' buffers do not grow either.
                send_buffer_bytes_initial: 0,
                receive_buffer_bytes_initial: 0,
                ..tcp::Config::default()
            };
            Stack::builder().link(link).address(address).tcp(tcp).start().expect("a thread for the driver")
        };
        let (client, server) = (stack(left, "10.0.0.1/24"), stack(right, "10.0.0.2/24"));
        let listener = net::TcpListener::bind(&server, "10.0.0.2:80").expect("a free port");
        Ours { client, _server: server, listener }
    }
}

impl Party for Ours {
    fn name(&self) -> &'static str {
        "synfin"
    }

    fn connect(&self) -> Box<dyn Ends> {
        let to = SocketAddr::from(([10, 0, 0, 2], 80));
        let near = net::TcpStream::connect(&self.client, to).expect("a connection");
        near.set_nodelay(true).expect("an option");
        let (far, _) = self.listener.accept().expect("a connection");
        Box::new(Streams { near, far })
    }
}

/// The kernel's loopback.
pub(crate) struct Kernel {
    listener: std::net::TcpListener,
}

impl Kernel {
    pub(crate) fn new() -> Kernel {
        Kernel { listener: std::net::TcpListener::bind("127.0.0.1:0").expect("a free port") }
    }
}

impl Party for Kernel {
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn connect(&self) -> Box<dyn Ends> {
        let to = self.listener.local_addr().expect("it is bound");
        let near = std::net::TcpStream::connect(to).expect("a connection");
        near.set_nodelay(true).expect("an option");
        let (far, _) = self.listener.accept().expect("a connection");
        Box::new(Streams { near, far })
    }
}

/// smoltcp under a lock.
pub(crate) struct Smoltcp {
    pair: Arc<Mutex<theirs::Pair>>,
}

impl Smoltcp {
    pub(crate) fn new() -> Smoltcp {
        // It has no super-segments; its nearest thing is the largest MTU.
        Smoltcp { pair: Arc::new(Mutex::new(theirs::bulky(65_535, false))) }
    }
}

impl Party for Smoltcp {
    fn name(&self) -> &'static str {
        "smoltcp"
    }

    fn connect(&self) -> Box<dyn Ends> {
        let (client, server) = self.pair.lock().unwrap_or_else(PoisonError::into_inner).open();
        Box::new(UnderLock { pair: Arc::clone(&self.pair), client, server })
    }
}

struct UnderLock {
    pair: Arc<Mutex<theirs::Pair>>,
    client: SocketHandle,
    server: SocketHandle,
}

impl Ends for UnderLock {
    fn write(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let mut pair = self.pair.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = pair.write(self.client, piece);
            piece = &piece[taken..];
        }
    }

    fn read(&mut self, into: &mut [u8]) {
        let mut done = 0;
        while done < into.len() {
            let mut pair = self.pair.lock().unwrap_or_else(PoisonError::into_inner);
            done += pair.read(self.server, &mut into[done..]);
        }
    }
}
