//! Few segments at a time: timers decide.

use super::{Scenario, both, exchanges, lossy, ms, scenario};
use crate::causes::rig::ground::Joint;
use crate::causes::rig::traffic::{Talk, Traffic};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario(
            "short-flights",
            "answers of a few segments, 8 % loss, 30 ms",
            both(&lossy(20, 15, 8.0)),
            exchanges(40, 400, 12_000, 60, 8),
        )
        .lasting(10),
        scenario(
            "short-flights-v6",
            "the same over IPv6, every packet alone, 6 %, 80 ms",
            both(&lossy(20, 40, 6.0)),
            exchanges(40, 4_000, 8_000, 100, 8),
        )
        .v6()
        .over(Joint::Plain)
        .lasting(10),
        scenario(
            "single-segments",
            "one segment at a time, 12 % loss, 10 ms",
            both(&lossy(20, 5, 12.0)),
            exchanges(60, 400, 900, 80, 8),
        )
        .lasting(10),
        scenario(
            "short-no-probes",
            "answers of a few segments, no probes, 8 % loss",
            both(&lossy(20, 15, 8.0)),
            exchanges(40, 400, 12_000, 60, 8),
        )
        .with("tcp_early_retrans", "0")
        .lasting(10),
        scenario(
            "short-no-sack",
            "answers of a few segments, no SACK, 8 % loss",
            both(&lossy(20, 15, 8.0)),
            exchanges(40, 400, 12_000, 60, 8),
        )
        .with("tcp_sack", "0")
        .lasting(10),
        scenario(
            "ack-loss",
            "30 % of acknowledgments lost",
            [lossy(20, 15, 1.0), lossy(20, 15, 30.0)],
            exchanges(30, 12_000, 200, 50, 6),
        )
        .lasting(9),
        scenario(
            "many-handshakes",
            "connections of one exchange, 10 % loss",
            both(&lossy(20, 10, 10.0)),
            Traffic {
                talk: Talk::Exchanges { count: 1, request_bytes: 300, answer_bytes: 6_000, pause: ms(1) },
                lanes: 10,
                rounds: 60,
            },
        )
        .lasting(10),
    ]
}
