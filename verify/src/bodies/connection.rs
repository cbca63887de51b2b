//! A connection fed with arbitrary segments, calls, errors and times.
//!
//! Whatever happens: nothing panics, nothing is sent without end, queues stay within their bounds, sequence
//! variables in their order, and time always brings a connection that nobody feeds to rest.

use super::feed::Feed;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tcp::{Birth, Config, Connection, Error, Instant, KeepAlive, Nagle, Path, PathEvent, Segment, State};
use wire::tcp::{Flags, Header, Options, SackBlock, Timestamps};
use wire::{Payload, Seq};

/// Segments that may leave at one moment: a full send buffer in segments of one byte.
const BURST_MAX: usize = 300_000;
/// Steps of one life.
const STEPS_MAX: usize = 2_000;
/// Timers that may fire in the rest of a life: days of probes, an orphan, TIME-WAIT.
const TIMERS_MAX: usize = 200;

struct Life {
    connection: Connection,
    now: Instant,
}

/// The body.
pub(super) fn connection(bytes: &[u8]) {
    live(bytes, |_| {});
}

/// Lives what the bytes say, telling each state on the way.
fn live(bytes: &[u8], mut seen: impl FnMut(State)) {
    let mut feed = Feed::new(bytes);
    let now = Instant::from_millis(1_000);
    let config = Arc::new(config(&mut feed));
    let path = Path {
        mtu_bytes: 296 + u32::from(feed.u16()) % 9_000,
        ip_header_bytes: if feed.u8() & 1 == 0 { 20 } else { 40 },
    };
    let birth = Birth { iss: Seq::new(feed.u32()), timestamp_offset: feed.u32(), path };
    let connection = match feed.u8() % 3 {
        0 => Connection::connect(now, birth, config),
        1 => Connection::listen(now, birth, config),
        _ => {
            let options = options(&mut feed);
            let header = Header {
                seq: Seq::new(feed.u32()),
                flags: Flags::SYN,
                window: feed.u16(),
                options,
                ..Header::default()
            };
            let payload = Payload::from(Bytes::copy_from_slice(feed.bytes(40)));
            Connection::answer(now, birth, config, &Segment { header, payload })
        }
    };
    let mut life = Life { connection, now };
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

fn options(feed: &mut Feed<'_>) -> Options {
    let bits = feed.u8();
    let mut options = Options::default();
    if bits & 1 != 0 {
        options.mss = Some(feed.u16());
    }
    if bits & 2 != 0 {
        options.window_scale = Some(feed.u8() % 20);
    }
    options.sack_permitted = bits & 4 != 0;
    if bits & 8 != 0 {
        options.timestamps = Some(Timestamps { value: feed.u32(), echo: feed.u32() });
    }
    options
}

impl Life {
    fn step(&mut self, feed: &mut Feed<'_>) {
        let now = self.now;
        let connection = &mut self.connection;
        match feed.u8() % 16 {
            0..=6 => {
                let segment = self.segment(feed);
                self.connection.handle_segment(now, segment);
            }
            7 => drop(connection.write(now, &vec![7; usize::from(feed.u16())])),
            8 => drop(connection.read(&mut vec![0; 1 + usize::from(feed.u16())])),
            9 => self.now += Duration::from_micros(u64::from(feed.u32() >> 8)),
            10 => {
                if let Some(due) = connection.poll_timeout() {
                    self.now = self.now.max(due);
                    connection.handle_timeout(self.now);
                }
            }
            11 => connection.finish(now),
            12 => match feed.u8() % 8 {
                0 => connection.abort(now),
                1 => connection.close(now),
                2 => drop(connection.open(now)),
                _ => {}
            },
            13 => self.path(feed),
            14 => drop(connection.write_urgent(now, &vec![8; usize::from(feed.u8())])),
            _ => {
                let _ = connection.peek(&mut [0; 10]);
                let config = Arc::new(config(feed));
                connection.set_config(now, config);
            }
        }
    }

    /// A segment near the borders of what the connection expects.
    fn segment(&mut self, feed: &mut Feed<'_>) -> Segment {
        let at = self.connection.snapshot();
        let flags = Flags::from_bits(match feed.u8() {
            plain @ 0..=127 => u16::from(plain & 0x0b) | Flags::ACK.bits(),
            any => u16::from(any) | u16::from(feed.u8()) << 8,
        });
        let seq = at.rcv_nxt + feed.offset() + if feed.u8() & 3 == 0 { at.rcv_wnd } else { 0 };
        let ack = if feed.u8() & 3 == 0 { at.snd_una } else { at.snd_nxt } + feed.offset();
        let mut options = options(feed);
        if self.connection.info(self.now).timestamps && feed.u8() & 3 != 0 {
            options.timestamps = Some(Timestamps { value: feed.offset(), echo: feed.offset() });
        }
        for _ in 0..feed.u8() % 5 {
            let left = at.snd_una + feed.offset();
            options.sack.push(SackBlock { left, right: left + feed.offset() });
        }
        let header =
            Header { seq, ack, flags, window: feed.u16(), urgent: feed.u16(), options, ..Header::default() };
        let text = vec![9; usize::from(feed.u16() % 4_000) * usize::from(feed.u8() & 1)];
        Segment { header, payload: Payload::from(Bytes::from(text)) }
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
        }
        let mut events = 0;
        while self.connection.poll_event().is_some() {
            events += 1;
            assert!(events < 100, "never stops telling");
        }
    }

    fn check(&self) {
        let (info, at) = (self.connection.info(self.now), self.connection.snapshot());
        assert!(at.snd_una.at_or_before(at.snd_nxt), "SND.UNA =< SND.NXT: {at:?}");
        // Buffers may have been made smaller after they were filled: the largest there is counts.
        assert!(info.unread_bytes + info.held_bytes <= 300_000 + 65_536, "{info:?}");
        assert!(self.connection.unacknowledged_bytes() <= 300_000);
        if self.connection.is_closed() {
            assert!(matches!(info.state, State::Closed));
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
    use std::collections::BTreeSet;

    #[test]
    fn noise_leads_to_every_state() {
        let (mut states, mut dice) = (BTreeSet::new(), sim::Dice::new(1));
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..dice.below(1_500)).map(|_| dice.roll() as u8).collect();
            live(&bytes, |state| _ = states.insert(state));
        }
        assert_eq!(states.len(), State::ALL.len(), "{states:?}");
    }
}
