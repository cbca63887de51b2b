//! The two systems that may stand at an end of the link: the machine's kernel, in a network namespace of its own, and
//! a stack of this program. Both are one thread, with equal settings.

use crate::run::{Amount, Control, Told};
use rustix::net::{AddressFamily, SocketType};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::time::{Duration, Instant};
use synfin::device::{self, Link, Tun, TunConfig, memory};
use synfin::wire::LinkCapabilities;
use synfin::{Stack, net, tcp};

/// The most that either system keeps for a connection in each direction: more than any path here holds.
const BUFFER_BYTES: u32 = 64 << 20;
/// What both systems' buffers begin with (the kernel's `tcp_wmem[1]` and `tcp_rmem[1]`).
const SEND_BYTES_INITIAL: u32 = 16 << 10;
const RECEIVE_BYTES_INITIAL: u32 = 128 << 10;
const PORT: u16 = 5_001;
/// How much a program writes and reads at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// No run is silent for longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// A sender with a time goes on for longer than the receiver counts, so that what is counted is of a sender at work.
const LONGER: Duration = Duration::from_millis(500);
/// How often a program that waits looks whether its time is over.
const GLANCE: Duration = Duration::from_millis(20);

/// Who speaks TCP at an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Kernel,
    Ours,
}

/// Which end of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Sender,
    Receiver,
}

impl Side {
    fn address(self) -> Ipv4Addr {
        match self {
            Side::Sender => Ipv4Addr::new(10, 90, 0, 1),
            Side::Receiver => Ipv4Addr::new(10, 90, 0, 2),
        }
    }
}

/// What happens at one end, from plugging in to the last byte.
pub(crate) struct End {
    pub(crate) side: Side,
    pub(crate) control: Control,
    pub(crate) amount: Amount,
    /// Where the end's link goes, once there is one.
    pub(crate) plug: SyncSender<Box<dyn Link>>,
    /// The sender waits until somebody listens, the receiver says so.
    pub(crate) listening: (Sender<()>, Receiver<()>),
}

/// What a sender's counters say at the end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) segments_again: u64,
    pub(crate) timeouts: u64,
}

impl End {
    /// Plays the end on the calling thread, which must be one of its own.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn play(self, system: System) -> io::Result<Told> {
        match system {
            System::Kernel => self.play_kernel(),
            System::Ours => self.play_ours(),
        }
    }

    fn play_kernel(self) -> io::Result<Told> {
        device::kernel::enter_new_network()?;
        device::kernel::bring_up_loopback()?;
        // Neighbour discovery and the like are traffic that nobody asked for.
        set("net/ipv6/conf/default/disable_ipv6", "1")?;
        set("net/ipv4/tcp_wmem", &format!("4096 {SEND_BYTES_INITIAL} {BUFFER_BYTES}"))?;
        set("net/ipv4/tcp_rmem", &format!("4096 {RECEIVE_BYTES_INITIAL} {BUFFER_BYTES}"))?;
        set("net/ipv4/tcp_no_metrics_save", "1")?;
        let address = format!("{}/24", self.side.address());
        let config =
            TunConfig::new("wire0").with_host_address(address.parse().expect("an address with its network"));
        let tun = Tun::open(&config).map_err(io::Error::other)?;
        self.plug.send(Box::new(tun)).expect("the wire waits for it");
        match self.side {
            Side::Sender => {
                self.wait_for_listener();
                let began = Instant::now();
                let stream = connect_of_kernel(self.control)?;
                stream.set_write_timeout(Some(self.amount.patience()))?;
                stream.set_read_timeout(Some(self.amount.patience()))?;
                send(&stream, began, self.amount, || stream.shutdown(net::Shutdown::Write))?;
                // What is left must not go on behind our back.
                rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
                Ok(Told::Sent { began, counted: counted_by_kernel()? })
            }
            Side::Receiver => {
                let listener = std::net::TcpListener::bind(far())?;
                self.tell_listening();
                listener.set_nonblocking(true)?;
                let stream = accepted(|| listener.accept().map(|(stream, _)| stream))?;
                stream.set_nonblocking(false)?;
                stream.set_read_timeout(Some(self.amount.patience()))?;
                receive(&stream, self.amount)
            }
        }
    }

    fn play_ours(self) -> io::Result<Told> {
        let capabilities =
            LinkCapabilities { super_segment_bytes_max: 65_000, ..LinkCapabilities::default() };
        let (near, far_end) = memory::pair(capabilities);
        self.plug.send(Box::new(far_end)).expect("the wire waits for it");
        let config = tcp::Config {
            congestion: self.control.ours(),
            send_buffer_bytes: BUFFER_BYTES,
            send_buffer_bytes_initial: SEND_BYTES_INITIAL,
            receive_buffer_bytes: BUFFER_BYTES,
            receive_buffer_bytes_initial: RECEIVE_BYTES_INITIAL,
            ..tcp::Config::default()
        };
        let stack = Stack::builder()
            .link(near)
            .address(format!("{}/24", self.side.address()))
            .tcp(config)
            .memory(4 * BUFFER_BYTES as usize)
            .start()?;
        let told = match self.side {
            Side::Sender => {
                self.wait_for_listener();
                let began = Instant::now();
                let mut stream = net::TcpStream::connect_timeout(&stack, &far(), PATIENCE)?;
                stream.set_write_timeout(Some(self.amount.patience()))?;
                stream.set_read_timeout(Some(self.amount.patience()))?;
                let finisher = stream.try_clone()?;
                send(&mut stream, began, self.amount, || finisher.shutdown(net::Shutdown::Write))?;
                let info = stream.info()?;
                let counted =
                    Counted { segments_again: info.retransmissions.into(), timeouts: info.timeouts.into() };
                Told::Sent { began, counted }
            }
            Side::Receiver => {
                let listener = net::TcpListener::bind(&stack, far())?;
                self.tell_listening();
                listener.set_nonblocking(true)?;
                let stream = accepted(|| listener.accept().map(|(stream, _)| stream))?;
                stream.set_nonblocking(false)?;
                stream.set_read_timeout(Some(self.amount.patience()))?;
                receive(stream, self.amount)?
            }
        };
        stack.abort();
        Ok(told)
    }

    fn wait_for_listener(&self) {
        // Whatever it was: the connection will show it.
        let _ = self.listening.1.recv_timeout(PATIENCE);
    }

    fn tell_listening(&self) {
        let _ = self.listening.0.send(());
    }
}

/// Where the receiver listens.
fn far() -> SocketAddr {
    SocketAddrV4::new(Side::Receiver.address(), PORT).into()
}

/// A connection of the kernel's. The socket chooses its congestion control itself: a network of its own may only have a
/// default that is allowed to everybody.
fn connect_of_kernel(control: Control) -> io::Result<std::net::TcpStream> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    rustix::net::sockopt::set_tcp_congestion(&socket, control.name_of_kernel())?;
    rustix::net::connect(&socket, &far())?;
    Ok(socket.into())
}

/// Whether this machine lets us, or why not.
pub(crate) fn is_possible() -> Result<(), String> {
    let probe = std::thread::spawn(|| {
        device::kernel::enter_new_network()?;
        Tun::open(&TunConfig::new("wire0")).map(drop).map_err(io::Error::other)
    });
    let reason = |error| format!("no network namespace with a TUN device in it (run as root): {error}");
    probe.join().expect("it does not panic").map_err(reason)
}

/// Waits for the one connection.
fn accepted<S>(mut accept: impl FnMut() -> io::Result<S>) -> io::Result<S> {
    let began = Instant::now();
    loop {
        match accept() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(1));
            }
            outcome => return outcome,
        }
    }
}

/// A setting of the calling thread's network.
fn set(name: &str, value: &str) -> io::Result<()> {
    let error =
        |error: io::Error| io::Error::new(error.kind(), format!("cannot set {name} to {value}: {error}"));
    fs::write(format!("/proc/sys/{name}"), value).map_err(error)
}

/// The counters of the calling thread's network, in which there is one connection.
fn counted_by_kernel() -> io::Result<Counted> {
    Ok(Counted {
        segments_again: counter("snmp", "Tcp:", "RetransSegs")?,
        timeouts: counter("netstat", "TcpExt:", "TCPTimeouts")?,
    })
}

fn counter(file: &str, family: &str, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/thread-self/net/{file}"))?;
    let mut lines = text.lines().filter(|line| line.starts_with(family));
    let (names, values) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let found = names.split(' ').zip(values.split(' ')).find(|(found, _)| *found == name);
    found
        .and_then(|(_, value)| value.parse().ok())
        .ok_or_else(|| io::Error::other(format!("the kernel has no counter {name}")))
}

/// Sends what there is to send. With an end in bytes it waits until the peer has read all.
fn send(
    mut stream: impl Read + Write,
    began: Instant,
    amount: Amount,
    finish: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let chunk = vec![0x5a; CHUNK_BYTES];
    match amount {
        Amount::Bytes(bytes) => {
            let mut left = bytes;
            while left > 0 {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
                left -= stream.write(&chunk[..most])? as u64;
            }
            finish()?;
            stream.read(&mut [0]).map(drop)
        }
        Amount::Time(time) => {
            while began.elapsed() < time + LONGER {
                match stream.write(&chunk) {
                    Err(error) if is_over(&error) => {}
                    outcome => drop(outcome?),
                }
            }
            Ok(())
        }
    }
}

/// Reads until there is no more. What counts is what was read until the time was over; whether the sender's farewell
/// arrives then does not.
fn receive(mut stream: impl Read, amount: Amount) -> io::Result<Told> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let (began, mut bytes) = (Instant::now(), 0);
    let mut ended = None;
    loop {
        if let Amount::Time(time) = amount
            && began.elapsed() >= time
        {
            ended.get_or_insert((bytes, Instant::now()));
        }
        match stream.read(&mut chunk) {
            Ok(read @ 1..) => bytes += read as u64,
            Err(error) if is_over(&error) && began.elapsed() < amount.silence() => {}
            // A sender whose time is over leaves without a word, or its word is lost.
            Err(error) if ended.is_none() => return Err(error),
            _ => {
                let (bytes, ended) = ended.unwrap_or((bytes, Instant::now()));
                return Ok(Told::Received { bytes, ended });
            }
        }
    }
}

fn is_over(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

impl Amount {
    /// How long a receiver waits for the end.
    fn silence(self) -> Duration {
        match self {
            Amount::Bytes(_) => PATIENCE,
            Amount::Time(time) => time + 3 * LONGER,
        }
    }

    /// How long a call may wait.
    fn patience(self) -> Duration {
        match self {
            Amount::Bytes(_) => PATIENCE,
            Amount::Time(_) => GLANCE,
        }
    }
}
