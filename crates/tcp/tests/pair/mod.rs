//! Two connections, a wire between them and a clock that only the test moves.
//!
//! A test reads as a story: `pair.client.write(..)`, `pair.drive()`, look. The wire delivers after
//! [`Pair::delay`]; [`Pair::fate`] may lose, hold or double a segment.
#![allow(dead_code, reason = "each story uses its own part of the world")]

pub(crate) mod dice;
pub(crate) mod ledger;

use ledger::Ledger;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use synfin_tcp::{
    Birth, Config, CongestionControl, Connection, Event, Instant, Path, ReadError, Segment, SendReason, State,
};
use wire::Seq;
use wire::ip::Ecn;
use wire::tcp::{Flags, Header};

pub(crate) const CLIENT_ISS: u32 = 4_225_926_656;
pub(crate) const SERVER_ISS: u32 = 3_022_381_253;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// What the wire does with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Deliver,
    Lose,
    Double,
    /// Marked if it is ECN-capable, else lost.
    Mark,
    /// Arrives this much later than it should.
    Late(Duration),
}

/// A segment as it went over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) from: Side,
    pub(crate) header: Header,
    pub(crate) len: usize,
    pub(crate) ecn: Ecn,
    pub(crate) why: SendReason,
}

/// What happens to a segment on its way from this side.
pub(crate) type Meddle = Box<dyn FnMut(Side, &mut Segment)>;

pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) delay: Duration,
    pub(crate) super_bytes: u32,
    pub(crate) client: Connection,
    pub(crate) server: Connection,
    pub(crate) client_events: Vec<Event>,
    pub(crate) server_events: Vec<Event>,
    pub(crate) log: Vec<Sent>,
    pub(crate) fate: Box<dyn FnMut(&Sent) -> Fate>,
    /// A middlebox on the way: what it changes.
    pub(crate) meddle: Meddle,
    /// A host stands behind each end: what arrives for a connection that is gone is answered by a reset.
    pub(crate) hosts: bool,
    /// What client and server owe by the rows, if [`Pair::keep_ledgers`] was called.
    pub(crate) ledgers: Option<[Ledger; 2]>,
    wire: VecDeque<(Instant, Side, Segment)>,
}

pub(crate) fn path(mtu_bytes: u32) -> Path {
    Path { mtu_bytes, ip_header_bytes: 20 }
}

pub(crate) fn birth(iss: u32) -> Birth {
    Birth { iss: Seq::new(iss), timestamp_offset: iss, path: path(1_500) }
}

/// What is sent leaves as soon as the windows allow: for stories in which the spreading of bursts is in the way.
pub(crate) fn unpaced() -> Config {
    Config { pacing: false, ..Config::default() }
}

/// The sender of RFC 5681, 6298 and 6582 alone: no SACK, no probes of the tail, no pacing, NewReno's window.
pub(crate) fn classic() -> Config {
    Config {
        sack: false,
        tail_loss_probes: false,
        congestion: CongestionControl::NewReno,
        frto: false,
        ..unpaced()
    }
}

/// Buffers that may be used in full from the beginning, so that a test says how much there is; how they grow is the
/// subject of `sizing.rs`.
pub(crate) fn whole_buffers(mut config: Config) -> Config {
    (config.send_buffer_bytes_initial, config.receive_buffer_bytes_initial) = (0, 0);
    config
}

impl Pair {
    pub(crate) fn new() -> Self {
        Pair::with(Config::default(), Config::default())
    }

    /// The client's SYN is not sent yet; the server is a connection in LISTEN.
    pub(crate) fn with(client: Config, server: Config) -> Self {
        Pair::growing(whole_buffers(client), whole_buffers(server))
    }

    /// The same with buffers that grow, if the configurations say so.
    pub(crate) fn growing(client: Config, server: Config) -> Self {
        let now = Instant::from_millis(1_000);
        Pair {
            now,
            delay: Duration::from_millis(10),
            super_bytes: 0,
            client: Connection::connect(now, birth(CLIENT_ISS), Arc::new(client)),
            server: Connection::listen(now, birth(SERVER_ISS), Arc::new(server)),
            client_events: Vec::new(),
            server_events: Vec::new(),
            log: Vec::new(),
            fate: Box::new(|_| Fate::Deliver),
            meddle: Box::new(|_, _| {}),
            hosts: false,
            ledgers: None,
            wire: VecDeque::new(),
        }
    }

    /// Both ends ESTABLISHED, the log empty.
    pub(crate) fn established() -> Self {
        Pair::with(Config::default(), Config::default()).opened()
    }

    pub(crate) fn opened(mut self) -> Self {
        self.drive();
        assert_eq!(self.states(), (State::Established, State::Established));
        self.log.clear();
        self
    }

    /// From here on, everything sent is held against the rows. Both connections are new; a failure names `world`.
    pub(crate) fn keep_ledgers(&mut self, world: &str) {
        self.ledgers = Some([&mut self.client, &mut self.server].map(|end| Ledger::open(world, end)));
    }

    pub(crate) fn states(&self) -> (State, State) {
        (self.client.state(), self.server.state())
    }

    pub(crate) fn end(&mut self, side: Side) -> &mut Connection {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Takes away what both ends want to send and say.
    pub(crate) fn flush(&mut self) {
        for side in [Side::Client, Side::Server] {
            let (now, super_bytes) = (self.now, self.super_bytes);
            for _ in 0..100_000 {
                let Some(transmit) = self.end(side).poll_transmit(now, super_bytes) else { break };
                let why = transmit.why;
                self.put_on_wire(side, transmit.into(), why);
            }
            assert!(self.end(side).poll_transmit(now, super_bytes).is_none(), "{side:?} never stops sending");
            while let Some(event) = self.end(side).poll_event() {
                match side {
                    Side::Client => self.client_events.push(event),
                    Side::Server => self.server_events.push(event),
                }
            }
        }
        if let Some([client, server]) = &mut self.ledgers {
            client.read(&mut self.client);
            server.read(&mut self.server);
        }
    }

    fn put_on_wire(&mut self, from: Side, mut segment: Segment, why: SendReason) {
        let Segment { header, ecn, .. } = segment;
        let sent = Sent { at: self.now, from, header, len: segment.payload.len(), ecn, why };
        let fate = (self.fate)(&sent);
        self.log.push(sent);
        let due = self.now + self.delay;
        let to = if from == Side::Client { Side::Server } else { Side::Client };
        (self.meddle)(from, &mut segment);
        match fate {
            Fate::Mark if segment.ecn == Ecn::NotCapable => {}
            Fate::Mark => {
                segment.ecn = Ecn::CongestionExperienced;
                self.wire.push_back((due, to, segment));
            }
            Fate::Lose => {}
            Fate::Deliver => self.wire.push_back((due, to, segment)),
            Fate::Double => self.wire.extend([(due, to, segment.clone()), (due, to, segment)]),
            Fate::Late(by) => self.wire.push_back((due + by, to, segment)),
        }
    }

    /// One thing happens: the next arrival or the next timer, not after `until`. Returns whether.
    pub(crate) fn step(&mut self, until: Instant) -> bool {
        self.flush();
        let arrival = self.wire.iter().map(|(due, ..)| *due).min();
        let timer = [self.client.poll_timeout(), self.server.poll_timeout()].into_iter().flatten().min();
        let Some(next) = arrival.into_iter().chain(timer).min().filter(|next| *next <= until) else {
            return false;
        };
        self.now = self.now.max(next);
        if arrival == Some(next) {
            let index = self.wire.iter().position(|(due, ..)| *due == next).expect("it was just found");
            let (_, to, segment) = self.wire.remove(index).expect("it was just found");
            let now = self.now;
            if self.hosts && self.end(to).is_closed() {
                let (text_bytes, why) =
                    (segment.text_bytes(), SendReason::Reset(synfin_tcp::ResetReason::ClosedPort));
                if let Some(header) = synfin_tcp::closed::arrives(&segment.header, text_bytes) {
                    self.put_on_wire(to, Segment { header, ..Segment::default() }, why);
                }
            }
            self.end(to).handle_segment(now, segment);
        } else {
            let now = self.now;
            self.client.handle_timeout(now);
            self.server.handle_timeout(now);
        }
        self.flush();
        true
    }

    /// Runs for `duration` of virtual time.
    pub(crate) fn run_for(&mut self, duration: Duration) {
        let until = self.now + duration;
        for _ in 0..2_000_000 {
            if !self.step(until) {
                self.now = self.now.max(until);
                return;
            }
        }
        panic!("more than two million events in {duration:?}: something never settles");
    }

    /// Runs for half a second, long enough for everything but the slow timers.
    pub(crate) fn drive(&mut self) {
        self.run_for(Duration::from_millis(500));
    }

    /// Everything that one end can read now.
    pub(crate) fn read_all(&mut self, side: Side) -> Vec<u8> {
        let (mut out, mut buffer) = (Vec::new(), vec![0; 65_536]);
        loop {
            match self.end(side).read(&mut buffer) {
                Ok(0) | Err(ReadError::WouldBlock) => return out,
                Ok(count) => out.extend_from_slice(&buffer[..count]),
                Err(error) => panic!("{side:?} cannot read: {error:?}"),
            }
        }
    }

    /// A segment made by hand arrives at one end, from nowhere; what the end answers at once.
    pub(crate) fn inject(&mut self, to: Side, header: Header, text: &[u8]) -> Vec<Sent> {
        self.flush();
        let before = self.log.len();
        let now = self.now;
        let payload = bytes::Bytes::copy_from_slice(text).into();
        self.end(to).handle_segment(now, Segment { header, payload, ..Segment::default() });
        self.flush();
        self.log[before..].to_vec()
    }

    /// A header that this end's peer could send now.
    pub(crate) fn next_header(&mut self, to: Side, flags: Flags) -> Header {
        let snapshot = self.end(to).snapshot();
        let timestamps = self.end(to).info(Instant::ZERO).timestamps.then(|| wire::tcp::Timestamps {
            value: (self.now.as_millis() as u32).wrapping_add(if to == Side::Client {
                SERVER_ISS
            } else {
                CLIENT_ISS
            }),
            echo: 0,
        });
        Header {
            seq: snapshot.rcv_nxt,
            ack: snapshot.snd_nxt,
            flags,
            window: 1_000,
            options: wire::tcp::Options { timestamps, ..Default::default() },
            ..Header::default()
        }
    }

    /// Segments in the log as `C S 0:1(0) ack 0`-like lines, relative.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log
            .iter()
            .map(|sent| {
                let (mine, other) = match sent.from {
                    Side::Client => (CLIENT_ISS, SERVER_ISS),
                    Side::Server => (SERVER_ISS, CLIENT_ISS),
                };
                let ack = match sent.header.flags.ack() {
                    true => format!(" Ack={}", sent.header.ack.bytes_since(Seq::new(other))),
                    false => String::new(),
                };
                let from = if sent.from == Side::Client { "C" } else { "S" };
                let seq = sent.header.seq.bytes_since(Seq::new(mine));
                format!("{from} {} Seq={seq}{ack} Len={} {}", sent.header.flags, sent.len, sent.why.name())
            })
            .collect()
    }
}

/// Bytes that show where they belong.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index % 251) as u8 ^ (index / 251) as u8).collect()
}
