//! Worlds in which applications stall, leave and abort, buffers are tiny, numbers wrap, options
//! change and paths shrink: bytes are right as far as they go, and everything comes to an end.
//!
//! A failure prints its seed first. `worlds.rs` has those in which everybody behaves.

mod pair;

use pair::dice::Dice;
use pair::{Fate, Pair, Side, pattern};
use std::sync::Arc;
use std::time::Duration;
use synfin_tcp::{Birth, Config, Connection, Error, KeepAlive, Nagle, Path, PathEvent, ReadError, State};
use wire::Seq;

fn config(dice: &mut Dice) -> Config {
    let keep_alive =
        KeepAlive { idle: Duration::from_secs(60), interval: Duration::from_secs(10), probes: 30 };
    Config {
        timestamps: dice.chance(60),
        sack: dice.chance(60),
        window_scaling: dice.chance(60),
        receive_buffer_bytes: dice.one_of(&[1, 100, 600, 3_000, 70_000, 1 << 20]),
        send_buffer_bytes: dice.one_of(&[1, 100, 3_000, 70_000, 1 << 20]),
        nagle: dice.one_of(&[Nagle::Off, Nagle::Rfc896, Nagle::Minshall]),
        cork: dice.chance(10),
        mss_bytes_max: dice.one_of(&[100, 536, 1_460, u16::MAX]),
        delayed_ack: Duration::from_millis(dice.one_of(&[0, 40, 400])),
        keep_alive: Some(keep_alive),
        // RFC 9293 §3.4.2: a last FIN that goes again once a minute still finds somebody.
        time_wait: Duration::from_secs(240),
        ..Config::default()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Finish,
    Leave,
    Abort,
}

/// One application: what it sends, how it reads, how it ends.
struct Program {
    side: Side,
    data: Vec<u8>,
    written: usize,
    read: Vec<u8>,
    ending: Ending,
    /// The turn at which it ends, whatever is still to do, unless it finishes properly.
    ends_at: u64,
    ended: bool,
    stalled_until: synfin_tcp::Instant,
}

impl Program {
    fn new(side: Side, dice: &mut Dice) -> Self {
        let ending =
            dice.one_of(&[Ending::Finish, Ending::Finish, Ending::Finish, Ending::Leave, Ending::Abort]);
        Program {
            side,
            data: pattern(dice.one_of(&[0, 1, 500, 5_000, 40_000]).min(1 + dice.below(40_000)) as usize),
            written: 0,
            read: Vec::new(),
            ending,
            ends_at: dice.below(400),
            ended: false,
            stalled_until: synfin_tcp::Instant::ZERO,
        }
    }

    fn turn(&mut self, turn: u64, pair: &mut Pair, dice: &mut Dice) {
        let now = pair.now;
        if now < self.stalled_until {
            return;
        }
        if dice.below(3_000) == 0 {
            self.stalled_until = now + Duration::from_secs(dice.below(150));
            return;
        }
        let end = pair.end(self.side);
        if self.ended && self.ending != Ending::Finish {
            return;
        }
        if self.ending != Ending::Finish && turn > self.ends_at {
            match self.ending {
                Ending::Abort => end.abort(now),
                _ => end.close(now),
            }
            self.ended = true;
            return;
        }
        if self.written < self.data.len() {
            if end.state() != State::Listen {
                let upto = self.data.len().min(self.written + 1 + dice.below(9_000) as usize);
                self.written += end.write(now, &self.data[self.written..upto]).unwrap_or(0);
            }
        } else if !self.ended && end.state().is_synchronized() {
            end.finish(now);
            self.ended = true;
        }
        if dice.chance(60) {
            let mut buffer = vec![0; 1 + dice.below(5_000) as usize];
            if let Ok(count) = end.read(&mut buffer) {
                self.read.extend_from_slice(&buffer[..count]);
            }
        }
    }

    fn disturb(&self, pair: &mut Pair, dice: &mut Dice) {
        let now = pair.now;
        let end = pair.end(self.side);
        match dice.below(2_000) {
            0 => {
                let (mtu_bytes, seq) = (dice.one_of(&[0, 300, 576, 1_280, 9_000]), end.snapshot().snd_una);
                end.handle_path(now, PathEvent::PacketTooBig { mtu_bytes, seq });
            }
            1 => {
                let seq = end.snapshot().snd_una;
                let error = Error::HostUnreachable;
                end.handle_path(now, PathEvent::SoftError { error, seq });
            }
            2 => {
                let keep = end.config().clone();
                let changed = Config {
                    receive_buffer_bytes: dice.one_of(&[1, 600, 3_000, 70_000]),
                    send_buffer_bytes: dice.one_of(&[100, 70_000]),
                    cork: dice.chance(30),
                    nagle: dice.one_of(&[Nagle::Off, Nagle::Minshall]),
                    ..(*keep).clone()
                };
                end.set_config(now, Arc::new(changed));
            }
            _ => {}
        }
    }
}

fn born(dice: &mut Dice) -> Birth {
    let iss = Seq::new(dice.one_of(&[0, u32::MAX, u32::MAX - 1_000, 0x7fff_ff00, 0x8000_0000, 12_345]));
    let path = Path { mtu_bytes: dice.one_of(&[296, 576, 1_500, 9_000]), ip_header_bytes: 20 };
    Birth { iss, timestamp_offset: dice.one_of(&[0, u32::MAX - 2_000, 0x7fff_f000]), path }
}

fn live(seed: u64) {
    let mut dice = Dice(seed ^ 0x5eed);
    let mut pair = Pair::new();
    pair.hosts = true;
    let (client, server) = (Arc::new(config(&mut dice)), Arc::new(config(&mut dice)));
    pair.client = Connection::connect(pair.now, born(&mut dice), client);
    pair.server = match dice.chance(20) {
        true => Connection::connect(pair.now, born(&mut dice), server),
        false => Connection::listen(pair.now, born(&mut dice), server),
    };
    pair.delay = Duration::from_millis(dice.one_of(&[0, 1, 10, 150]));
    pair.keep_ledgers(&format!("seed {seed}"));
    pair.super_bytes = dice.one_of(&[0, 4_000, 65_535]);
    let (lose, double, late) = (dice.below(15), dice.below(10), dice.below(15));
    let mut fates = Dice(dice.roll());
    pair.fate = Box::new(move |_| match fates.below(100) {
        roll if roll < lose => Fate::Lose,
        roll if roll < lose + double => Fate::Double,
        roll if roll < lose + double + late => Fate::Late(Duration::from_micros(fates.below(60_000))),
        _ => Fate::Deliver,
    });
    let mut programs = [Program::new(Side::Client, &mut dice), Program::new(Side::Server, &mut dice)];
    let over = |state| matches!(state, State::TimeWait | State::Closed);
    for turn in 0..400_000 {
        let until = pair.now + Duration::from_millis(20);
        pair.step(until);
        pair.now = pair.now.max(if dice.chance(50) { until } else { pair.now });
        for program in &mut programs {
            program.turn(turn, &mut pair, &mut dice);
            program.disturb(&mut pair, &mut dice);
        }
        for (me, peer) in [(0, 1), (1, 0)] {
            let (sent, read) = (&programs[me].data, &programs[peer].read);
            assert!(
                sent.starts_with(read),
                "seed {seed}, turn {turn}: wrong bytes to {:?}",
                programs[peer].side
            );
        }
        if over(pair.client.state()) && over(pair.server.state()) {
            break;
        }
        // A server that went back to listening because its client left has nobody any more.
        if pair.client.state() == State::Closed && pair.server.state() == State::Listen {
            break;
        }
    }
    for program in &mut programs {
        let mut rest = vec![0; 4 << 20];
        match pair.end(program.side).read(&mut rest) {
            Ok(count) => program.read.extend_from_slice(&rest[..count]),
            Err(ReadError::WouldBlock | ReadError::NotConnected | ReadError::Failed(_)) => {}
        }
    }
    let clean = programs.iter().all(|program| program.ending == Ending::Finish);
    let [client, server] = &programs;
    let told = format!(
        "seed {seed}: {:?} read {} of {}, {} of {}, {:?} {:?}",
        pair.states(),
        server.read.len(),
        client.data.len(),
        client.read.len(),
        server.data.len(),
        pair.client.info(pair.now),
        pair.server.info(pair.now),
    );
    if clean {
        assert!(server.read == client.data && client.read == server.data, "{told}");
        assert_eq!((pair.client.failure(), pair.server.failure()), (None, None), "{told}");
    }
    pair.run_for(Duration::from_secs(4_000));
    if pair.server.state() != State::Listen {
        assert_eq!(pair.states(), (State::Closed, State::Closed), "{told}");
    }
}

#[test]
fn everything_comes_to_an_end_and_no_byte_is_wrong() {
    let seeds: u64 = std::env::var("SYNFIN_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(300);
    let first: u64 = std::env::var("SYNFIN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for seed in first..first + seeds {
        live(seed);
    }
}
