//! What happens more rarely: blackouts, spikes, copies, closed windows, silences, narrow paths.

use super::{KIB, MIB, Scenario, at_ms, both, download, lane, lossy, ms, random, scenario, upload};
use crate::causes::rig::traffic::{Talk, Traffic};
use netem::{Chance, Lane, PathMtu, Queue, QueueLimit, Recurring, Spike, TooBigAnswer};

pub(super) fn all() -> Vec<Scenario> {
    let queue = Queue { limit: QueueLimit::Packets(60), ..Queue::default() };
    let blackouts = Lane {
        flaps: vec![Recurring { first: at_ms(500), lasts: ms(500), every: Some(ms(1_300)) }],
        queue,
        ..lane(20, 15)
    };
    let spikes = Lane {
        spikes: vec![Spike {
            when: Recurring { first: at_ms(400), lasts: ms(120), every: Some(ms(900)) },
            by: ms(450),
        }],
        queue,
        ..lane(20, 10)
    };
    let copies = Lane { duplicate: Chance::percent(5.0), loss: random(2.0), ..lane(20, 10) };
    let narrow = Lane {
        path_mtu: Some(PathMtu { mtu_bytes: 1_300, answer: TooBigAnswer::Icmp }),
        ..lossy(20, 10, 1.0)
    };
    vec![
        scenario(
            "blackouts",
            "nothing passes for 0.5 s of every 1.3 s",
            both(&blackouts),
            upload(300 * KIB, 5, 40),
        )
        .lasting(9),
        scenario(
            "blackouts-bbr",
            "the same, BBR and downloads",
            both(&blackouts),
            download(300 * KIB, 5, 40),
        )
        .controlled_by("bbr")
        .lasting(10),
        scenario(
            "spikes",
            "packets take 0.45 s longer for 0.12 s of every 0.9 s",
            both(&spikes),
            upload(300 * KIB, 5, 40),
        )
        .lasting(9),
        scenario(
            "spikes-no-timestamps",
            "the same without timestamps",
            both(&spikes),
            upload(300 * KIB, 5, 40),
        )
        .with("tcp_timestamps", "0")
        .lasting(10),
        scenario("copies", "5 % of packets arrive twice, 2 % are lost", both(&copies), download(MIB, 2, 8)),
        scenario(
            "zero-windows",
            "the reader pauses, 3 % loss",
            both(&lossy(20, 10, 3.0)),
            Traffic {
                talk: Talk::SlowReader { bytes: 400 * KIB, read_bytes: 16_384, pause: ms(400) },
                lanes: 4,
                rounds: 4,
            },
        )
        .lasting(9),
        scenario(
            "keep-alives",
            "silences of 2.5 s with keep-alives, 10 % loss",
            both(&lossy(20, 20, 10.0)),
            Traffic { talk: Talk::KeepAlive { silence: ms(2_500), count: 3 }, lanes: 12, rounds: 2 },
        )
        .lasting(9),
        scenario(
            "path-mtu",
            "a path of 1,300 bytes that says so, 1 % loss",
            [narrow, lossy(20, 10, 1.0)],
            upload(256 * KIB, 4, 8),
        ),
    ]
}
