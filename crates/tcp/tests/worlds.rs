//! Random applications over a random wire, many seeds: what must hold whatever happens.
//!
//! Bytes arrive in order and once; a clean close delivers everything; both ends come to an end within
//! a bound after the last fault; nothing panics or runs wild. A failure prints its seed first.

mod pair;

use pair::dice::Dice;
use pair::{Fate, Pair, Side, pattern};
use std::time::Duration;
use synfin_tcp::{Config, ReadError, State};

fn config(dice: &mut Dice) -> Config {
    let buffer = |dice: &mut Dice| [3_000, 20_000, 200_000, 4 << 20][dice.below(4) as usize];
    Config {
        timestamps: dice.chance(70),
        sack: dice.chance(70),
        window_scaling: dice.chance(70),
        receive_buffer_bytes: buffer(dice),
        send_buffer_bytes: buffer(dice),
        ..Config::default()
    }
}

/// One life of a connection under the faults that `seed` says.
fn live(seed: u64) {
    let mut dice = Dice(seed);
    let (client, server) = (config(&mut dice), config(&mut dice));
    let mut pair = Pair::with(client, server);
    pair.hosts = true;
    pair.keep_ledgers(&format!("seed {seed}"));
    pair.super_bytes = if dice.chance(50) { 65_536 } else { 0 };
    let (lose, double, late) = (dice.below(20), dice.below(10), dice.below(20));
    let mut fates = Dice(dice.roll());
    pair.fate = Box::new(move |_| match fates.below(100) {
        roll if roll < lose => Fate::Lose,
        roll if roll < lose + double => Fate::Double,
        roll if roll < lose + double + late => Fate::Late(Duration::from_micros(fates.below(60_000))),
        _ => Fate::Deliver,
    });
    let data = [pattern(dice.below(120_000) as usize), pattern(dice.below(120_000) as usize)];
    let (mut written, mut read) = ([0, 0], [Vec::new(), Vec::new()]);
    let mut finished = [false, false];
    let sides = [Side::Client, Side::Server];
    // Without timestamps the back-off stays until something new is measured (Karn), so that much loss
    // makes a connection slow for hours.
    for turn in 0..2_000_000 {
        let until = pair.now + Duration::from_millis(5);
        pair.step(until);
        pair.now = pair.now.max(if dice.chance(50) { until } else { pair.now });
        let now = pair.now;
        for (me, side) in sides.into_iter().enumerate() {
            let end = pair.end(side);
            if written[me] < data[me].len() && end.state() != State::Listen {
                let chunk = 1 + dice.below(9_000) as usize;
                let upto = data[me].len().min(written[me] + chunk);
                written[me] += end.write(now, &data[me][written[me]..upto]).unwrap_or(0);
            } else if !finished[me] && end.state().is_synchronized() {
                end.finish(now);
                finished[me] = true;
            }
            if dice.chance(60) {
                let mut buffer = vec![0; 1 + dice.below(30_000) as usize];
                match end.read(&mut buffer) {
                    Ok(count) => read[1 - me].extend_from_slice(&buffer[..count]),
                    Err(ReadError::WouldBlock | ReadError::NotConnected) => {}
                    Err(error) => panic!("seed {seed}, turn {turn}: {side:?} failed: {error:?}"),
                }
            }
        }
        for (from, data) in data.iter().enumerate() {
            assert!(
                data.starts_with(&read[from]),
                "seed {seed}, turn {turn}: wrong bytes from {:?}",
                sides[from]
            );
        }
        let over = |state| matches!(state, State::TimeWait | State::Closed);
        if over(pair.client.state()) && over(pair.server.state()) && read[0].len() == data[0].len() {
            break;
        }
    }
    for (me, side) in sides.into_iter().enumerate() {
        let rest = pair.read_all(side);
        read[1 - me].extend(rest);
    }
    assert!(
        read[0] == data[0] && read[1] == data[1],
        "seed {seed}: {:?} of {:?} after {:?}: {:?} {:?}",
        read.map(|r| r.len()),
        data.map(|d| d.len()),
        pair.now,
        pair.client.info(pair.now),
        pair.server.info(pair.now)
    );
    pair.run_for(Duration::from_secs(700));
    assert_eq!(pair.states(), (State::Closed, State::Closed), "seed {seed}");
    assert_eq!((pair.client.failure(), pair.server.failure()), (None, None), "seed {seed}");
}

#[test]
fn a_clean_close_delivers_everything_whatever_the_wire_does() {
    let seeds: u64 = std::env::var("SYNFIN_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(300);
    let first: u64 = std::env::var("SYNFIN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for seed in first..first + seeds {
        live(seed);
    }
}
