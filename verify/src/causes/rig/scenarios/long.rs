//! Transfers that are long enough for a recovery.

use super::{KIB, MIB, Scenario, both, download, lane, lossy, ms, random, scenario, upload};
use crate::causes::rig::ground::Joint;
use netem::{Chance, Lane, Loss, Queue, QueueLimit};
use std::time::Duration;

pub(super) fn all() -> Vec<Scenario> {
    let bursts = Lane { loss: Loss::in_bursts(2.0, 5.0), ..lane(20, 15) };
    let narrow = Lane { queue: Queue { limit: QueueLimit::Packets(12), ..Queue::default() }, ..lane(8, 10) };
    let reordering = Lane { reorder: Chance::percent(3.0), reorder_by: ms(8), ..lane(20, 10) };
    let reordering_and_loss = Lane { loss: random(1.0), ..reordering.clone() };
    vec![
        scenario("cubic-loss", "CUBIC, 2 % random loss, 20 ms", both(&lossy(20, 10, 2.0)), upload(MIB, 2, 8)),
        scenario(
            "reno-loss",
            "Reno, 2 % random loss, 20 ms, every packet alone",
            both(&lossy(20, 10, 2.0)),
            upload(MIB, 2, 8),
        )
        .controlled_by("reno")
        .over(Joint::Plain),
        scenario("bbr-loss", "BBR, 3 % random loss, 40 ms", both(&lossy(20, 20, 3.0)), upload(2 * MIB, 2, 8))
            .controlled_by("bbr"),
        scenario(
            "bbr-queue",
            "BBR into a short queue, IPv6, Ethernet",
            [narrow.clone(), lane(8, 10)],
            upload(2 * MIB, 2, 4),
        )
        .controlled_by("bbr")
        .v6()
        .over(Joint::Ethernet),
        scenario(
            "queue-drops",
            "CUBIC into a queue of 12 packets",
            [narrow.clone(), lane(8, 10)],
            upload(MIB, 3, 4),
        ),
        scenario(
            "bursts",
            "losses in bursts of 5, IPv6, every packet alone",
            both(&bursts),
            download(MIB, 2, 8),
        )
        .v6()
        .over(Joint::Plain),
        scenario("no-sack", "without SACK, 2 % loss", both(&lossy(20, 10, 2.0)), upload(MIB, 2, 8))
            .with("tcp_sack", "0"),
        scenario(
            "no-sack-reno",
            "Reno without SACK, loss of 4 %",
            both(&lossy(20, 25, 4.0)),
            download(512 * KIB, 3, 8),
        )
        .with("tcp_sack", "0")
        .controlled_by("reno")
        .over(Joint::Plain),
        scenario(
            "no-timestamps",
            "without timestamps, 2 % loss",
            both(&lossy(20, 10, 2.0)),
            upload(MIB, 2, 8),
        )
        .with("tcp_timestamps", "0"),
        scenario(
            "no-sack-no-timestamps",
            "neither SACK nor timestamps, 2 % loss",
            both(&lossy(20, 10, 2.0)),
            upload(MIB, 2, 8),
        )
        .with("tcp_timestamps", "0")
        .with("tcp_sack", "0"),
        scenario(
            "no-rack",
            "without RACK (RFC 6675), 2 % loss",
            both(&lossy(20, 10, 2.0)),
            upload(MIB, 2, 8),
        )
        .with("tcp_recovery", "0"),
        scenario("reordering", "3 % of packets overtaken, no loss", both(&reordering), upload(MIB, 2, 8)),
        scenario(
            "reordering-loss",
            "3 % overtaken and 1 % lost",
            both(&reordering_and_loss),
            upload(MIB, 2, 8),
        )
        .over(Joint::Ethernet),
        scenario(
            "heavy-loss",
            "15 % loss there, 5 % back",
            [lossy(10, 15, 15.0), lossy(10, 15, 5.0)],
            upload(200 * KIB, 6, 10),
        )
        .lasting(10),
        scenario("far", "RTT 300 ms, 2 % loss", both(&lossy(20, 150, 2.0)), upload(512 * KIB, 4, 6))
            .lasting(10),
        scenario(
            "near",
            "RTT 1 ms, 1 % loss, Ethernet",
            [
                Lane { delay: Duration::from_micros(500), ..lossy(50, 0, 1.0) },
                Lane { delay: Duration::from_micros(500), ..lossy(50, 0, 0.5) },
            ],
            upload(2 * MIB, 2, 30),
        )
        .over(Joint::Ethernet),
    ]
}
