//! A connection fed with segments, calls, errors and times: arbitrary ones, and what an honest peer sends.
//!
//! Whatever happens: nothing panics, nothing is sent without end, queues stay within their bounds, what is sent
//! keeps to RFC 9293 ([`sent`]), what is read is what the peer said ([`stream`]), a user timeout is kept, an
//! honest peer gets everything that was written, and time always brings a connection that nobody feeds to rest.

mod peer;
mod sent;
mod stream;

use super::feed::Feed;
use sent::Watch;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use stream::Stream;
use tcp::{Birth, Config, Connection, Error, FastOpen, FastOpenAnswer, Instant, KeepAlive, Nagle, Path};
use tcp::{PathEvent, State, SynText};
use wire::Seq;
use wire::tcp::{Flags, Header};

/// Segments that may leave at one moment: a full send buffer in segments of one byte.
const BURST_MAX: usize = 300_000;
/// Steps of one life.
const STEPS_MAX: usize = 2_000;
/// Timers that may fire in the rest of a life: days of probes, an orphan, TIME-WAIT.
const TIMERS_MAX: usize = 200;
/// Round trips with an honest peer at the end of a life, and how many of them may bring nothing.
const ROUND_TRIPS_MAX: usize = 200;
const IDLE_ROUND_TRIPS_MAX: usize = 10;

struct Life {
    connection: Connection,
    now: Instant,
    watch: Watch,
    /// Bytes of the peer's stream that the application has read.
    read: u32,
    /// Where the peer said that its stream ends; a liar says so more than once.
    ends: BTreeSet<u32>,
    patience: Patience,
    /// The application has closed or aborted: it reads no more.
    has_left: bool,
}

/// Since when written data has waited, for this user timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Patience {
    since: Instant,
    una: Seq,
    limit: Option<Duration>,
}

/// The body.
pub(super) fn connection(bytes: &[u8]) {
    live(bytes, |_| {});
}

/// Lives what the bytes say, telling each state on the way.
fn live(bytes: &[u8], mut seen: impl FnMut(State)) {
    let mut feed = Feed::new(bytes);
    let mut life = Life::begin(&mut feed);
    life.drain();
    for _ in 0..STEPS_MAX {
        if feed.is_empty() {
            break;
        }
        life.step(&mut feed);
        life.drain();
        life.check();
        seen(life.connection.state());
    }
    life.meet_an_honest_peer();
    life.rest();
}

fn config(feed: &mut Feed<'_>) -> Config {
    let bits = feed.u16();
    let bit = |number: u32| bits >> number & 1 == 1;
    let buffer = |feed: &mut Feed<'_>| [1, 100, 3_000, 65_535, 300_000][usize::from(feed.u8() % 5)];
    Config {
        timestamps: bit(0),
        sack: bit(1),
        window_scaling: bit(2),
        cork: bit(3),
        nagle: if bit(4) { Nagle::Off } else { Nagle::Rfc896 },
        keep_alive: bit(5).then(KeepAlive::default),
        user_timeout: bit(6).then_some(Duration::from_secs(30)),
        slow_start_after_idle: bit(7),
        time_wait_ignores_rst: bit(8),
        quick_ack_segments: if bit(9) { 0 } else { 16 },
        send_buffer_bytes: buffer(feed),
        receive_buffer_bytes: buffer(feed),
        mss_bytes_max: [u16::MAX, 536, 88, 1][usize::from(feed.u8() % 4)],
        ..Config::default()
    }
}

impl Life {
    fn begin(feed: &mut Feed<'_>) -> Life {
        let now = Instant::from_millis(1_000);
        let config = Arc::new(config(feed));
        let path = Path {
            mtu_bytes: 296 + u32::from(feed.u16()) % 9_000,
            ip_header_bytes: if feed.u8() & 1 == 0 { 20 } else { 40 },
        };
        let birth = Birth { iss: Seq::new(feed.u32()), timestamp_offset: feed.u32(), path };
        let syn = match feed.u8() % 3 {
            0 => None,
            kind => {
                let options = peer::options(feed);
                let seq = Seq::new(feed.u32());
                let header =
                    Header { seq, flags: Flags::SYN, window: feed.u16(), options, ..Header::default() };
                let text_bytes = usize::from(feed.u8() % 41);
                (kind == 2).then(|| peer::segment(header, text_bytes, State::Listen, seq))
            }
        };
        let odd = feed.u8();
        let (is_active, is_fast) = (odd & 1 == 0, odd & 2 != 0);
        let mut connection = match &syn {
            Some(syn) => Connection::answer(now, birth, config, syn),
            None if is_active => Connection::connect(now, birth, config),
            None => Connection::listen(now, birth, config),
        };
        if is_fast {
            // Text goes with its SYN, or is taken with a peer's.
            connection.open_fast(FastOpen::default());
            connection.answer_fast(FastOpenAnswer { text: SynText::Taken, cookie: None });
        }
        let patience = Patience { since: now, una: birth.iss, limit: None };
        let (watch, ends) = (Watch::default(), BTreeSet::new());
        let mut life = Life { connection, now, watch, read: 0, ends, patience, has_left: false };
        if let Some(syn) = syn {
            let was = Connection::listen(now, birth, Arc::clone(life.connection.config())).snapshot();
            life.watch.heard(&was, &life.connection, &syn);
        } else if is_fast && is_active {
            life.write(usize::from(odd) * 16, |connection, text| connection.write(now, text));
        }
        life
    }

    fn step(&mut self, feed: &mut Feed<'_>) {
        let now = self.now;
        match feed.u8() % 16 {
            0..=2 => {
                let segment = peer::hostile(feed, &self.connection, now);
                self.hear(&segment);
            }
            3..=6 => {
                let segment = peer::honest(feed, &self.connection, now, self.watch.stamps);
                self.hear(&segment);
            }
            7 => self.write(usize::from(feed.u16()), |connection, text| connection.write(now, text)),
            8 => self.read(1 + usize::from(feed.u16())),
            9 => self.wait(feed),
            10 => {
                if let Some(due) = self.connection.poll_timeout() {
                    self.now = now.max(due);
                    self.fire_timers();
                }
            }
            11 => self.connection.finish(now),
            12 => match feed.u8() % 8 {
                0 => self.leave(|connection| connection.abort(now)),
                1 => self.leave(|connection| connection.close(now)),
                2 => drop(self.connection.open(now)),
                _ => {}
            },
            13 => self.path(feed),
            14 => self.write(usize::from(feed.u8()), |connection, text| connection.write_urgent(now, text)),
            _ => {
                let mut ahead = [0; 10];
                if let Ok(count) = self.connection.peek(&mut ahead) {
                    Stream::Theirs.check(self.read, &ahead[..count]);
                }
                let config = Arc::new(config(feed));
                self.connection.set_config(now, config);
            }
        }
    }

    fn hear(&mut self, segment: &tcp::Segment) {
        let was = self.connection.snapshot();
        let (flags, seq, text_bytes) =
            (segment.header.flags, segment.header.seq, segment.payload.len() as u32);
        self.connection.handle_segment(self.now, segment.clone());
        if was.state != State::Listen && self.connection.state() == State::Listen {
            self.watch.begin_anew(&self.connection);
            self.read = 0;
            self.ends.clear();
            return;
        }
        self.watch.heard(&was, &self.connection, segment);
        if flags.fin() {
            let irs = self.connection.snapshot().irs;
            self.ends.insert((seq + u32::from(flags.syn()) + text_bytes).bytes_since(irs + 1));
        }
    }

    fn write(
        &mut self,
        len_bytes: usize,
        call: impl FnOnce(&mut Connection, &[u8]) -> Result<usize, tcp::WriteError>,
    ) {
        let text = Stream::Ours.text(self.watch.written, len_bytes);
        if let Ok(taken) = call(&mut self.connection, &text) {
            self.watch.written += taken as u32;
        }
    }

    fn leave(&mut self, call: impl FnOnce(&mut Connection)) {
        call(&mut self.connection);
        self.has_left = true;
    }

    fn read(&mut self, len_bytes: usize) {
        if self.has_left {
            return;
        }
        let mut into = vec![0; len_bytes];
        match self.connection.read(&mut into) {
            Ok(0) => assert!(
                self.ends.contains(&self.read),
                "the stream ends after {} bytes, the peer said {:?}",
                self.read,
                self.ends
            ),
            Ok(count) => {
                Stream::Theirs.check(self.read, &into[..count]);
                self.read += count as u32;
            }
            Err(_) => {}
        }
    }

    /// Seconds, hours or weeks; the driver is late, or in time.
    fn wait(&mut self, feed: &mut Feed<'_>) {
        let amount = u64::from(feed.u32());
        self.now += match feed.u8() % 8 {
            0 => Duration::from_millis(amount),
            1 => Duration::from_millis(amount >> 10),
            _ => Duration::from_micros(amount >> 8),
        };
        if feed.u8() & 1 == 0 {
            self.fire_timers();
        }
    }

    fn fire_timers(&mut self) {
        self.connection.handle_timeout(self.now);
        let Patience { since, limit, una } = self.patience;
        let waits = self.connection.state().is_synchronized() && self.connection.unacknowledged_bytes() > 0;
        if let Some(limit) = limit.filter(|_| waits && una == self.connection.snapshot().snd_una) {
            assert!(self.now < since + limit, "data has waited since {since:?}, the timeout is {limit:?}");
        }
    }

    fn path(&mut self, feed: &mut Feed<'_>) {
        let at = self.connection.snapshot();
        let seq = at.snd_una + feed.offset();
        let event = match feed.u8() % 3 {
            0 => PathEvent::HardError { error: Error::PortUnreachable, seq },
            1 => PathEvent::SoftError { error: Error::HostUnreachable, seq },
            _ => PathEvent::PacketTooBig { mtu_bytes: feed.u32() >> (feed.u8() % 32), seq },
        };
        self.connection.handle_path(self.now, event);
    }

    fn drain(&mut self) {
        let mut segments = 0;
        while let Some(transmit) = self.connection.poll_transmit(self.now, 0) {
            segments += 1;
            assert!(segments < BURST_MAX, "never stops sending: {:?}", transmit.header);
            let mut into = [0; 60];
            let len = transmit.header.emit(&mut into, self.connection.config().option_layout);
            assert!(Header::parse(&into[..len]).is_ok(), "what is sent can be read");
            self.watch.sent(self.now, &self.connection, &transmit);
        }
        let mut events = 0;
        while self.connection.poll_event().is_some() {
            events += 1;
            assert!(events < 100, "never stops telling");
        }
    }

    fn check(&mut self) {
        let (info, at) = (self.connection.info(self.now), self.connection.snapshot());
        assert!(at.snd_una.at_or_before(at.snd_nxt), "SND.UNA =< SND.NXT: {at:?}");
        // Buffers may have been made smaller after they were filled: the largest there is counts.
        assert!(info.unread_bytes + info.held_bytes <= 300_000 + 65_536, "{info:?}");
        assert!(self.connection.unacknowledged_bytes() <= 300_000);
        if self.connection.is_closed() {
            assert!(matches!(info.state, State::Closed));
        }
        self.watch.look(&at);
        let limit = self.connection.config().user_timeout;
        let waits = info.state.is_synchronized() && self.connection.unacknowledged_bytes() > 0;
        if !waits || at.snd_una != self.patience.una || limit != self.patience.limit {
            self.patience = Patience { since: self.now, una: at.snd_una, limit };
        }
    }

    /// An honest peer gets all that was written, whatever was before.
    fn meet_an_honest_peer(&mut self) {
        let config = Config { cork: false, pacing: false, ..Config::clone(self.connection.config()) };
        self.connection.set_config(self.now, config.into());
        let mut idle = 0;
        for _ in 0..ROUND_TRIPS_MAX {
            let (info, at) = (self.connection.info(self.now), self.connection.snapshot());
            let can_send = info.state.is_synchronized() && info.state != State::TimeWait;
            if !can_send || self.connection.unacknowledged_bytes() == 0 {
                break;
            }
            let segment = peer::all_taken(&self.connection, self.now, self.watch.stamps);
            self.hear(&segment);
            self.drain();
            if at.snd_una == self.connection.snapshot().snd_una {
                idle += 1;
                assert!(idle < IDLE_ROUND_TRIPS_MAX, "an honest peer gets nothing more: {info:?}, {at:?}");
                if let Some(due) = self.connection.poll_timeout() {
                    self.now = self.now.max(due);
                    self.fire_timers();
                    self.drain();
                }
            } else {
                idle = 0;
            }
            self.check();
        }
    }

    /// The application leaves and nobody sends any more: it comes to rest.
    fn rest(&mut self) {
        self.connection.close(self.now);
        // A stream in segments of a byte, spread over round trips of half a minute, takes more timers than it is worth.
        let config = Config { pacing: false, ..Config::clone(self.connection.config()) };
        self.connection.set_config(self.now, config.into());
        self.drain();
        for _ in 0..TIMERS_MAX {
            let Some(due) = self.connection.poll_timeout() else {
                let state = self.connection.state();
                assert!(matches!(state, State::Closed | State::Listen), "{state} without a timer");
                return;
            };
            self.now = self.now.max(due);
            self.connection.handle_timeout(self.now);
            self.drain();
        }
        panic!("{} goes on for ever: {:?}", self.connection.state(), self.connection.info(self.now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_leads_to_every_state() {
        let (mut states, mut dice) = (BTreeSet::new(), sim::Dice::new(1));
        for _ in 0..5_000 {
            let bytes: Vec<u8> = (0..dice.below(1_500)).map(|_| dice.roll() as u8).collect();
            live(&bytes, |state| _ = states.insert(state));
        }
        assert_eq!(states.len(), State::ALL.len(), "{states:?}");
    }
}
