//! Requests that nobody reads: strangers ask for a file, take two kilobytes of it and close their window; they answer
//! probes for a while, and then they are gone without a word. The server writes as fast as it may, gives up a peer that
//! takes nothing for a minute, and answers an honest client meanwhile.

use crate::network::{CLIENT, Network, SERVER, parse, segment};
use crate::{Peak, megabytes, resident};
use bytes::Bytes;
use stack::{Event, SocketId};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tcp::Instant;
use wire::Seq;
use wire::tcp::{Flags, Header, Options};

const PORT: u16 = 80;
const REQUEST: &[u8] = b"GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const SMALL_REQUEST: &[u8] = b"GET /word HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const WORD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere";
/// What a stranger's window takes, in all.
const STRANGER_BYTES: u32 = 2_048;
/// How long a peer may take nothing.
const STALL: Duration = Duration::from_secs(60);
/// Time between two strangers, from the last of them until they are gone, and from then to the last look.
const BETWEEN_STRANGERS: Duration = Duration::from_millis(1);
const THEY_STAY: Duration = Duration::from_secs(10);
const AFTERWARDS: Duration = Duration::from_secs(70);
/// Pieces of a file as they are read.
const PIECE_BYTES: usize = 256 << 10;

/// What the server does with one connection.
struct Answering {
    /// Nothing before the request is there.
    left_bytes: Option<usize>,
    since: Instant,
}

/// One stranger: what it expects next.
#[derive(Clone, Copy, Default)]
struct Stranger {
    next: Seq,
    taken_bytes: u32,
}

pub(crate) fn run(count: usize, file_bytes: usize) {
    let mut network = Network::new(Duration::from_millis(1), 0);
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    let listener = network.server.tcp_listen(any, 4_096).expect("the port is free");
    let mut strangers = vec![Stranger::default(); count];
    let mut answering = BTreeMap::new();
    let mut honest = Honest::default();
    let mut peak = Peak::new();
    let begin = network.now;
    let gone = begin + BETWEEN_STRANGERS * count as u32 + THEY_STAY;
    let (mut asked, mut held_when_gone) = (0, None);
    while network.now < gone + AFTERWARDS {
        let next_stranger = (asked < count).then(|| begin + BETWEEN_STRANGERS * asked as u32);
        // The applications' own clocks: a look every 100 ms.
        let next = [next_stranger, network.next(), Some(network.now + Duration::from_millis(100))];
        network.now = next.into_iter().flatten().min().map_or(network.now, |next| next.max(network.now));
        if next_stranger.is_some_and(|due| due <= network.now) {
            network.arrive(from_stranger(asked, Flags::SYN, 0, Seq::new(0), &[]));
            asked += 1;
        }
        network.turn();
        let frames = std::mem::take(&mut network.to_strangers);
        if network.now < gone {
            frames.iter().for_each(|frame| answer_as_stranger(&mut network, &mut strangers, frame));
        } else if held_when_gone.is_none() {
            held_when_gone = Some(peak.held());
        }
        drop(frames);
        serve(&mut network, listener, file_bytes, &mut answering);
        honest.go_on(&mut network);
        network.turn();
        peak.look();
    }
    println!(
        "unread: {count} requests for {file_bytes} bytes: held at most {} (bar: the budget, 268.4 MB), {} when they \
         left, {} after {} s (bar: a tenth of the most); RSS {}; honest requests answered: {} of {}, the slowest in {:?}",
        megabytes(peak.highest()),
        megabytes(held_when_gone.unwrap_or_default()),
        megabytes(peak.held()),
        AFTERWARDS.as_secs(),
        resident(),
        honest.answered,
        honest.asked,
        honest.slowest,
    );
}

fn from_stranger(number: usize, flags: Flags, window: u16, ack: Seq, text: &'static [u8]) -> wire::Frame {
    let source = Ipv4Addr::from(0x0b00_0000 + number as u32);
    let options = Options { mss: flags.syn().then_some(1_460), ..Options::default() };
    let seq = Seq::new(if flags.syn() { 0 } else { 1 });
    let seq = if flags.syn() || !text.is_empty() { seq } else { seq + REQUEST.len() as u32 };
    let header = Header {
        source_port: 4_000,
        destination_port: PORT,
        seq,
        ack,
        flags,
        window: if flags.syn() { STRANGER_BYTES as u16 } else { window },
        options,
        ..Header::default()
    };
    segment(source, &header, text)
}

fn answer_as_stranger(network: &mut Network, strangers: &mut [Stranger], frame: &wire::Frame) {
    let Some((header, text_bytes)) = parse(frame) else { return };
    let destination = wire::ipv4::Header::parse(frame.head.as_slice()).map(|(header, _)| header.destination);
    let Ok(number) = destination.map(|to| (u32::from(to) - 0x0b00_0000) as usize) else { return };
    let stranger = &mut strangers[number];
    if header.flags.rst() {
        return;
    }
    if header.flags.syn() {
        stranger.next = header.seq + 1;
        let reply = from_stranger(number, Flags::ACK, STRANGER_BYTES as u16, stranger.next, REQUEST);
        return network.arrive(reply);
    }
    if text_bytes == 0 {
        return;
    }
    if header.seq == stranger.next && stranger.taken_bytes + text_bytes <= STRANGER_BYTES {
        stranger.next += text_bytes;
        stranger.taken_bytes += text_bytes;
    }
    let room = (STRANGER_BYTES - stranger.taken_bytes) as u16;
    let reply = from_stranger(number, Flags::ACK, room, stranger.next, &[]);
    network.arrive(reply);
}

/// The server's application, without threads: everybody is accepted, and written to as far as there is room.
fn serve(
    network: &mut Network,
    listener: SocketId,
    file_bytes: usize,
    answering: &mut BTreeMap<SocketId, Answering>,
) {
    let now = network.now;
    let mut ready = Vec::new();
    while let Some(accepted) = network.server.tcp_accept(listener) {
        answering.insert(accepted.id, Answering { left_bytes: None, since: now });
        ready.push(accepted.id);
    }
    while let Some((id, _)) = network.server.poll_event() {
        ready.push(id);
    }
    for id in ready {
        let Some(one) = answering.get_mut(&id) else { continue };
        if !advance(network, id, one, file_bytes) {
            answering.remove(&id);
        }
    }
    answering.retain(|id, one| {
        if now < one.since + STALL {
            return true;
        }
        let _ = network.server.tcp_abort(now, *id);
        let _ = network.server.tcp_close(now, *id);
        false
    });
}

/// Reads the request, or writes what there is room for; whether there is more to do.
fn advance(network: &mut Network, id: SocketId, one: &mut Answering, file_bytes: usize) -> bool {
    let now = network.now;
    let mut into = [0; 100];
    let mut left_bytes = match (one.left_bytes, network.server.tcp_read(now, id, &mut into)) {
        (Some(left_bytes), _) => left_bytes,
        (None, Ok(count)) if into[..count] == *SMALL_REQUEST => {
            let _ = network.server.tcp_write(now, id, WORD);
            0
        }
        (None, Ok(_)) => file_bytes,
        (None, Err(tcp::ReadError::WouldBlock)) => return true,
        (None, Err(_)) => 0,
    };
    while left_bytes > 0 {
        let piece = Bytes::from(vec![b'f'; left_bytes.min(PIECE_BYTES)]);
        match network.server.tcp_write_bytes(now, id, piece.clone()) {
            Ok(taken) => {
                left_bytes -= taken;
                one.since = now;
                if taken < piece.len() {
                    break;
                }
            }
            Err(tcp::WriteError::WouldBlock) => break,
            Err(_) => left_bytes = 0,
        }
    }
    one.left_bytes = Some(left_bytes);
    if left_bytes == 0 {
        let _ = network.server.tcp_close(now, id);
    }
    left_bytes > 0
}

/// An honest client asks for a small file every second.
#[derive(Default)]
struct Honest {
    open: BTreeMap<SocketId, Instant>,
    asked: usize,
    answered: usize,
    slowest: Duration,
    next: Option<Instant>,
}

impl Honest {
    fn go_on(&mut self, network: &mut Network) {
        let now = network.now;
        if self.next.is_none_or(|next| next <= now) {
            self.next = Some(now + Duration::from_secs(1));
            let local = SocketAddr::from((CLIENT, 20_000 + self.asked as u16));
            if let Ok(id) = network.client.tcp_connect(now, Some(local), (SERVER, PORT).into()) {
                self.open.insert(id, now);
            }
            self.asked += 1;
        }
        while let Some((id, event)) = network.client.poll_event() {
            let Some(since) = self.open.get(&id).copied() else { continue };
            if event == Event::Connected {
                let _ = network.client.tcp_write(now, id, SMALL_REQUEST);
            }
            let mut into = [0; 100];
            let is_answered =
                matches!(network.client.tcp_read(now, id, &mut into), Ok(count) if into[..count] == *WORD);
            if is_answered {
                self.answered += 1;
                self.slowest = self.slowest.max(now.since(since));
            }
            if is_answered || matches!(event, Event::Failed(_)) {
                self.open.remove(&id);
                let _ = network.client.tcp_close(now, id);
            }
        }
    }
}
