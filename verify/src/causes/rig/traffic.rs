//! What the two hosts say to each other: a thread for each end of each connection, over the standard library's sockets.
//!
//! The first host asks, the second one listens. Everything ends by itself or at the deadline, when the sockets are shut.

use super::network::Network;
use netem::Dice;
use rustix::net::{AddressFamily, SocketType, sockopt};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a SYN may be repeated.
const CONNECT_MAX: Duration = Duration::from_secs(8);
/// How soon the deadline is noticed.
const NAP: Duration = Duration::from_millis(5);
const PORT: u16 = 5_001;

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    /// The first host sends so many bytes, and closes.
    Upload {
        /// How many.
        bytes: usize,
    },
    /// The second host sends so many bytes when it is asked, and closes first.
    Download {
        /// How many.
        bytes: usize,
    },
    /// Requests and answers on one connection, with pauses between them.
    Exchanges {
        /// How many.
        count: usize,
        /// Bytes of a request, at most.
        request_bytes: usize,
        /// Bytes of an answer, at most.
        answer_bytes: usize,
        /// The longest pause.
        pause: Duration,
    },
    /// As an upload, but the reader stops now and then, with a small window.
    SlowReader {
        /// How many bytes in all.
        bytes: usize,
        /// How many are read at once.
        read_bytes: usize,
        /// The pause after that.
        pause: Duration,
    },
    /// Short exchanges, between them a silence in which both ends ask whether the other is there.
    KeepAlive {
        /// The silence.
        silence: Duration,
        /// How often.
        count: usize,
    },
}

/// Conversations between two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// What each connection says.
    pub talk: Talk,
    /// How many connections at the same time.
    pub lanes: usize,
    /// How many one after the other.
    pub rounds: usize,
}

/// Everybody's sockets, so that they can be shut.
#[derive(Debug, Default)]
struct Sockets {
    is_over: AtomicBool,
    open: Mutex<Vec<Weak<TcpStream>>>,
}

impl Sockets {
    /// Keeps an eye on it without keeping it open.
    fn register(&self, stream: TcpStream) -> io::Result<Arc<TcpStream>> {
        let stream = Arc::new(stream);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&stream));
        if self.is_over() { Err(io::Error::other("it is over")) } else { Ok(stream) }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        for stream in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.upgrade().map(|stream| stream.shutdown(Shutdown::Both));
        }
    }
}

/// Lets the hosts talk, for at most this long. How many connections came to their end.
pub(super) fn talk(
    hosts: &[Network; 2],
    at: SocketAddr,
    traffic: Traffic,
    control: &'static str,
    lasts: Duration,
    seed: u64,
) -> io::Result<usize> {
    let at = SocketAddr::new(at.ip(), PORT);
    let deadline = Instant::now() + lasts;
    let sockets = Arc::new(Sockets::default());
    let listener = hosts[1].within(move || {
        let listener = TcpListener::bind(at)?;
        // Those that it accepts have it, too.
        sockopt::set_tcp_congestion(&listener, control)?;
        if let Talk::SlowReader { .. } = traffic.talk {
            sockopt::set_socket_recv_buffer_size(&listener, 16_384)?;
        }
        listener.set_nonblocking(true)?;
        Ok(listener)
    })?;
    let server = {
        let sockets = Arc::clone(&sockets);
        hosts[1].spawn(move || serve(&listener, traffic.talk, &sockets))
    };
    let clients: Vec<JoinHandle<io::Result<usize>>> = (0..traffic.lanes)
        .map(|lane| {
            let sockets = Arc::clone(&sockets);
            let mut dice = Dice::for_purpose(seed, 100 + lane as u64);
            hosts[0].spawn(move || {
                let mut done = 0;
                for _ in 0..traffic.rounds {
                    if sockets.is_over() {
                        break;
                    }
                    done += usize::from(ask(at, traffic.talk, control, &mut dice, &sockets).is_ok());
                }
                Ok(done)
            })
        })
        .collect();
    while Instant::now() < deadline && !clients.iter().all(JoinHandle::is_finished) {
        std::thread::sleep(NAP);
    }
    if !clients.iter().all(JoinHandle::is_finished) {
        sockets.end();
    }
    let mut done = 0;
    for client in clients {
        done += client.join().unwrap_or(Ok(0)).unwrap_or(0);
    }
    sockets.is_over.store(true, Ordering::Release);
    let _ = server.join();
    sockets.end();
    Ok(done)
}

fn serve(listener: &TcpListener, talk: Talk, sockets: &Arc<Sockets>) -> io::Result<()> {
    let mut answering = Vec::new();
    while !sockets.is_over() {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                let sockets = Arc::clone(sockets);
                answering.push(std::thread::spawn(move || drop(answer(stream, talk, &sockets))));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(NAP),
            Err(error) => return Err(error),
        }
    }
    // Those that wait for the other end to close come to an end on their own, or when the sockets are shut.
    let until = Instant::now() + Duration::from_secs(1);
    while Instant::now() < until && !answering.iter().all(JoinHandle::is_finished) {
        std::thread::sleep(NAP);
    }
    sockets.end();
    answering.into_iter().for_each(|thread| drop(thread.join()));
    Ok(())
}

/// The first host's part of one connection.
fn ask(at: SocketAddr, talk: Talk, control: &str, dice: &mut Dice, sockets: &Sockets) -> io::Result<()> {
    let stream = connect(at, control, sockets)?;
    let mut stream = &*stream;
    match talk {
        Talk::Upload { bytes } | Talk::SlowReader { bytes, .. } => {
            send(&mut stream, bytes)?;
            stream.shutdown(Shutdown::Write)?;
        }
        Talk::Download { .. } => stream.write_all(b"go")?,
        Talk::Exchanges { count, request_bytes, answer_bytes, pause } => {
            for _ in 0..count {
                let [request, answer] =
                    [request_bytes, answer_bytes].map(|most| 8 + dice.below(most as u64) as usize);
                exchange(&mut stream, request, answer)?;
                std::thread::sleep(dice.time_below(pause));
            }
            stream.shutdown(Shutdown::Write)?;
        }
        Talk::KeepAlive { silence, count } => {
            keep_alive(stream)?;
            for _ in 0..count {
                exchange(&mut stream, 300, 3_000)?;
                std::thread::sleep(silence);
            }
            stream.shutdown(Shutdown::Write)?;
        }
    }
    drain(&mut stream)
}

/// A socket that has its congestion control from the beginning: what another one had set up, such as pacing, would stay.
fn connect(at: SocketAddr, control: &str, sockets: &Sockets) -> io::Result<Arc<TcpStream>> {
    let family = if at.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let stream = TcpStream::from(rustix::net::socket(family, SocketType::STREAM, None)?);
    sockopt::set_tcp_congestion(&stream, control)?;
    let stream = sockets.register(stream)?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(CONNECT_MAX))?;
    rustix::net::connect(&*stream, &at)?;
    stream.set_write_timeout(None)?;
    Ok(stream)
}

/// The second host's part.
fn answer(stream: TcpStream, talk: Talk, sockets: &Sockets) -> io::Result<()> {
    let stream = sockets.register(stream)?;
    let mut stream = &*stream;
    stream.set_nodelay(true)?;
    match talk {
        Talk::Upload { .. } => drain(&mut stream),
        Talk::Download { bytes } => {
            stream.read_exact(&mut [0; 2])?;
            send(&mut stream, bytes)?;
            stream.shutdown(Shutdown::Write)?;
            drain(&mut stream)
        }
        Talk::Exchanges { .. } => answer_all(&mut stream),
        Talk::KeepAlive { .. } => {
            keep_alive(stream)?;
            answer_all(&mut stream)
        }
        Talk::SlowReader { read_bytes, pause, .. } => {
            let mut buffer = vec![0; read_bytes];
            while stream.read(&mut buffer)? > 0 && !sockets.is_over() {
                std::thread::sleep(pause);
            }
            Ok(())
        }
    }
}

/// A request says how long it is and how long its answer is to be.
fn exchange(stream: &mut &TcpStream, request: usize, answer: usize) -> io::Result<()> {
    let mut text = vec![b'q'; request.max(8)];
    text[..4].copy_from_slice(&(request.max(8) as u32).to_be_bytes());
    text[4..8].copy_from_slice(&(answer as u32).to_be_bytes());
    stream.write_all(&text)?;
    stream.read_exact(&mut vec![0; answer])
}

fn answer_all(stream: &mut &TcpStream) -> io::Result<()> {
    let mut head = [0; 8];
    loop {
        match stream.read(&mut head[..1])? {
            0 => return Ok(()),
            _ => stream.read_exact(&mut head[1..])?,
        }
        let number =
            |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
        stream.read_exact(&mut vec![0; number(0).saturating_sub(8)])?;
        send(stream, number(4))?;
    }
}

fn send(stream: &mut &TcpStream, bytes: usize) -> io::Result<()> {
    let text = vec![b't'; 65_536];
    let mut left = bytes;
    while left > 0 {
        let count = stream.write(&text[..left.min(text.len())])?;
        left -= count;
    }
    Ok(())
}

/// Reads until the other end closes.
fn drain(stream: &mut &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 65_536];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, Duration::from_secs(1))?;
    sockopt::set_tcp_keepintvl(stream, Duration::from_secs(1))?;
    sockopt::set_tcp_keepcnt(stream, 9)?;
    Ok(())
}
