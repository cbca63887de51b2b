//! One life of two connections, act by act.

use bytes::Bytes;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use tcp::{Birth, Config, Connection, Instant, Path, ReadError, Segment, State, closed, listen};
use wire::Seq;
use wire::tcp::{Flags, Header, Options};

const ISS: [u32; 2] = [u32::MAX - 20, 5_000];
const GHOST_ISS: u32 = 77_000;
/// Segments that one end may send at one moment; the windows are smaller.
const BURST_MAX: usize = 100;

/// What the applications do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    /// What the client and the server write, in bytes.
    pub bytes: [usize; 2],
    /// Both receive buffers, in bytes.
    pub receive_buffer_bytes: u32,
    /// When the applications read.
    pub reading: Reading,
    /// How it opens.
    pub opening: Opening,
}

/// When the applications read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// At once.
    Eager,
    /// Whenever the search decides: windows close.
    Whenever,
}

/// How it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The client connects, the server listens.
    Plain,
    /// The same, and a SYN of long ago is under way (RFC 9293 §3.5, figure 8).
    WithGhost,
    /// Both connect.
    Simultaneous,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// The segment at this place of what is under way arrives.
    Deliver(usize),
    /// It is lost.
    Lose(usize),
    /// It arrives and stays to arrive again.
    Double(usize),
    /// Time jumps to the next timer.
    Timer,
    /// The application of this end reads.
    Read(usize),
}

/// Where an end is.
enum Home {
    /// A listener without a connection.
    Listening,
    Connected(Box<Connection>),
    /// The connection is over.
    Gone,
}

/// Two ends and what is under way between them.
pub struct Live {
    script: Script,
    now: Instant,
    homes: [Home; 2],
    wire: Vec<(usize, Segment)>,
    written: [usize; 2],
    read: [usize; 2],
    finished: [bool; 2],
    /// What should never be, in words.
    pub wrong: Option<String>,
}

fn config(script: &Script) -> Arc<Config> {
    Arc::new(Config {
        receive_buffer_bytes: script.receive_buffer_bytes,
        send_buffer_bytes: 4_096,
        mss_bytes_max: 48,
        timestamps: false,
        window_scaling: false,
        ..Config::default()
    })
}

fn birth(end: usize) -> Birth {
    let path = Path { mtu_bytes: 1_500, ip_header_bytes: 20 };
    Birth { iss: Seq::new(ISS[end]), timestamp_offset: 0, path }
}

fn byte(end: usize, position: usize) -> u8 {
    (end * 100 + position % 97) as u8
}

impl Live {
    /// The beginning.
    pub fn new(script: Script) -> Live {
        let now = Instant::from_millis(1_000);
        let connecting =
            |end| Home::Connected(Box::new(Connection::connect(now, birth(end), config(&script))));
        let server = if script.opening == Opening::Simultaneous { connecting(1) } else { Home::Listening };
        let homes = [connecting(0), server];
        let mut wire = Vec::new();
        if script.opening == Opening::WithGhost {
            let options = Options { mss: Some(48), ..Options::default() };
            let header = Header {
                seq: Seq::new(GHOST_ISS),
                flags: Flags::SYN,
                window: 96,
                options,
                ..Header::default()
            };
            wire.push((1, Segment { header, ..Segment::default() }));
        }
        let [written, read] = [[0; 2]; 2];
        let mut live = Live { script, now, homes, wire, written, read, finished: [false; 2], wrong: None };
        live.settle();
        live
    }

    /// One thing happens.
    pub fn act(&mut self, act: Act) {
        match act {
            Act::Deliver(index) => {
                let (to, segment) = self.wire.remove(index);
                self.arrive(to, segment);
            }
            Act::Double(index) => {
                let (to, segment) = self.wire[index].clone();
                self.arrive(to, segment);
            }
            Act::Lose(index) => drop(self.wire.remove(index)),
            Act::Timer => {
                if let Some(due) = self.next_timer() {
                    self.now = self.now.max(due);
                    let now = self.now;
                    self.connections().for_each(|(_, connection)| connection.handle_timeout(now));
                }
            }
            Act::Read(end) => self.read(end),
        }
        self.settle();
    }

    fn connections(&mut self) -> impl Iterator<Item = (usize, &mut Connection)> {
        self.homes.iter_mut().enumerate().filter_map(|(end, home)| match home {
            Home::Connected(connection) => Some((end, &mut **connection)),
            Home::Listening | Home::Gone => None,
        })
    }

    fn arrive(&mut self, to: usize, segment: Segment) {
        let now = self.now;
        let reply = match &mut self.homes[to] {
            Home::Connected(connection) => {
                connection.handle_segment(now, segment);
                None
            }
            Home::Listening => match listen::arrives(&segment.header, tcp::Habits::Rfc) {
                listen::Arrival::Open => {
                    let config = config(&self.script);
                    let connection = Connection::answer(now, birth(to), config, &segment);
                    self.homes[to] = Home::Connected(Box::new(connection));
                    None
                }
                listen::Arrival::Reset(header) => Some(header),
                listen::Arrival::Ignore(_) => None,
            },
            Home::Gone => closed::arrives(&segment.header, segment.text_bytes()),
        };
        if let Some(header) = reply {
            self.wire.push((1 - to, Segment { header, ..Segment::default() }));
        }
    }

    /// Applications do what they can, and what is to be sent goes under way.
    fn settle(&mut self) {
        for end in [0, 1] {
            self.write(end);
            if self.script.reading == Reading::Eager {
                self.read(end);
            }
            self.send(end);
            if let Home::Connected(connection) = &mut self.homes[end] {
                while connection.poll_event().is_some() {}
                if let Some(failure) = connection.failure() {
                    self.wrong.get_or_insert(format!("end {end} failed: {failure}"));
                }
                let state = connection.state();
                if state == State::Listen {
                    // Back to the listener, as if nothing had been (RFC 9293 §3.10.7.4).
                    self.homes[end] = Home::Listening;
                    (self.written[end], self.finished[end]) = (0, false);
                } else if connection.is_closed() && connection.readable_bytes() == 0 {
                    self.homes[end] = Home::Gone;
                }
            }
        }
    }

    fn write(&mut self, end: usize) {
        let Home::Connected(connection) = &mut self.homes[end] else { return };
        if self.finished[end] || !(connection.state().is_synchronized()) {
            return;
        }
        let data: Bytes =
            (self.written[end]..self.script.bytes[end]).map(|position| byte(end, position)).collect();
        if !data.is_empty() {
            self.written[end] += connection.write_bytes(self.now, &data).unwrap_or(0);
        }
        if self.written[end] == self.script.bytes[end] {
            self.finished[end] = true;
            connection.finish(self.now);
        }
    }

    fn read(&mut self, end: usize) {
        let Home::Connected(connection) = &mut self.homes[end] else { return };
        let mut buffer = [0; 4_096];
        loop {
            match connection.read(&mut buffer) {
                Ok(0) => {
                    if self.read[end] != self.script.bytes[1 - end] {
                        self.wrong.get_or_insert(format!("end {end} was told of the end too early"));
                    }
                    return;
                }
                Ok(count) => {
                    let start = self.read[end];
                    let is_right = |(offset, seen): (usize, &u8)| *seen == byte(1 - end, start + offset);
                    if !buffer[..count].iter().enumerate().all(is_right) {
                        self.wrong.get_or_insert(format!("end {end} read wrong bytes from {start} on"));
                    }
                    self.read[end] += count;
                }
                Err(ReadError::WouldBlock | ReadError::NotConnected) => return,
                Err(error) => {
                    self.wrong.get_or_insert(format!("end {end} cannot read: {error:?}"));
                    return;
                }
            }
        }
    }

    fn send(&mut self, end: usize) {
        let now = self.now;
        for burst in 0.. {
            let Home::Connected(connection) = &mut self.homes[end] else { return };
            let Some(transmit) = connection.poll_transmit(now, 0) else { return };
            if burst == BURST_MAX {
                self.wrong.get_or_insert(format!("end {end} never stops sending"));
                return;
            }
            self.wire.push((1 - end, Segment::from(transmit)));
        }
    }

    fn next_timer(&self) -> Option<Instant> {
        let due = |home: &Home| match home {
            Home::Connected(connection) => connection.poll_timeout(),
            Home::Listening | Home::Gone => None,
        };
        self.homes.iter().filter_map(due).min()
    }

    // What the search needs to know.

    /// To whom each segment under way goes.
    pub fn under_way(&self) -> impl Iterator<Item = usize> + '_ {
        self.wire.iter().map(|(to, _)| *to)
    }

    /// Whether a timer runs.
    pub fn has_timer(&self) -> bool {
        self.next_timer().is_some()
    }

    /// Whether this end's application has something to read and does not do so by itself.
    pub fn may_read(&self, end: usize) -> bool {
        match &self.homes[end] {
            Home::Connected(connection) => {
                self.script.reading == Reading::Whenever && connection.readable_bytes() > 0
            }
            Home::Listening | Home::Gone => false,
        }
    }

    /// Whether both have delivered everything and are over.
    pub fn is_over(&self) -> bool {
        let over = |home: &Home| match home {
            Home::Gone => true,
            Home::Connected(connection) => connection.state() == State::TimeWait,
            Home::Listening => false,
        };
        self.homes.iter().all(over) && self.read == [self.script.bytes[1], self.script.bytes[0]]
    }

    /// Whether an end is open towards a peer that never was: an old duplicate has opened it.
    pub fn is_haunted(&self) -> bool {
        self.homes.iter().enumerate().any(|(end, home)| match home {
            Home::Connected(connection) => {
                connection.state() == State::Established
                    && connection.snapshot().irs != Seq::new(ISS[1 - end])
            }
            Home::Listening | Home::Gone => false,
        })
    }

    /// How long virtual time has run.
    pub fn age(&self) -> Duration {
        self.now.since(Instant::from_millis(1_000))
    }

    /// Both ends and what is under way, for people.
    pub fn summary(&self) -> String {
        let home = |home: &Home| match home {
            Home::Connected(connection) => connection.state().name(),
            Home::Listening => "LISTEN",
            Home::Gone => "CLOSED",
        };
        let under_way: Vec<String> = self
            .wire
            .iter()
            .map(|(to, Segment { header, payload, .. })| {
                let Header { seq, ack, flags, .. } = header;
                format!("to {to}: {flags} seq {seq} ack {ack} len {}", payload.len())
            })
            .collect();
        let [client, server] = &self.homes;
        format!(
            "{} {}, read {:?}, {:?}, under way {under_way:?}{}",
            home(client),
            home(server),
            self.read,
            self.age(),
            self.wrong.as_ref().map(|wrong| format!(", {wrong}")).unwrap_or_default()
        )
    }

    /// A number for everything that can make a difference.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for home in &self.homes {
            match home {
                Home::Connected(connection) => format!("{connection:?}").hash(&mut hasher),
                Home::Listening => 1.hash(&mut hasher),
                Home::Gone => 2.hash(&mut hasher),
            }
        }
        // Of the order only that within a direction can make a difference.
        for end in [0, 1] {
            let mine = self.wire.iter().filter(|(to, _)| *to == end);
            mine.for_each(|(_, segment)| format!("{segment:?}").hash(&mut hasher));
        }
        (self.now, self.written, self.read, self.finished, &self.wrong).hash(&mut hasher);
        hasher.finish()
    }
}
