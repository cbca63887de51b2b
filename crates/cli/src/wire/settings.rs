//! What the wire does, as arguments, and the lanes that do it.

use super::language::{self, Length, Meddling, Pair, pair};
use crate::units;
use clap::{Args, ValueEnum};
use netem::{
    Chance, Discipline, Lane, Loss, Marking, Order, PathMtu, Queue, QueueLimit, Recurring, Spike,
    TooBigAnswer,
};
use std::time::Duration;

/// The least that a queue of one bandwidth-delay product holds: ten full packets.
const QUEUE_BYTES_MIN: u64 = 15_000;

/// What the wire does.
#[derive(Args, Debug)]
#[command(next_help_heading = "The wire; VALUE/VALUE differs by direction")]
pub(super) struct Settings {
    /// How much crosses per second [default: no limit]
    #[arg(long, value_name = "RATE", allow_hyphen_values = true, value_parser = pair(units::rate))]
    rate: Option<Pair<u64>>,
    /// How long a frame takes, each way
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with = "rtt", default_value = "0ms", value_parser = pair(units::duration))]
    delay: Pair<Duration>,
    /// The same there and back together: half of it each way
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = units::duration)]
    rtt: Option<Duration>,
    /// How much longer a frame takes at most, uniformly distributed
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "0ms", value_parser = pair(units::duration))]
    jitter: Pair<Duration>,
    /// Let jitter reorder frames; otherwise a frame waits for those before it
    #[arg(long)]
    jitter_reorders: bool,
    /// How many frames are lost
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = pair(language::percent))]
    loss: Pair<f64>,
    /// How many frames in a row are lost on average; without it losses are independent
    #[arg(long, value_name = "FRAMES", requires = "loss", allow_hyphen_values = true, value_parser = pair(units::burst))]
    burst: Option<Pair<f64>>,
    /// How many frames are held back, and overtaken
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = pair(language::percent))]
    reorder: Pair<f64>,
    /// How long they are held back [default: a quarter of the round-trip time, at least 1ms]
    #[arg(long, value_name = "TIME", requires = "reorder", allow_hyphen_values = true, value_parser = pair(units::duration))]
    reorder_by: Option<Pair<Duration>>,
    /// How many frames arrive twice
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = pair(language::percent))]
    duplicate: Pair<f64>,
    /// How many frames have one bit flipped
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = pair(language::percent))]
    corrupt: Pair<f64>,
    /// How many segments are damaged so that no checksum notices
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = pair(language::percent))]
    corrupt_unseen: Pair<f64>,
    /// The length of the queue before the rate: `1bdp`, bytes (`64k`) or packets (`100p`) [default: 1bdp, at least ten
    /// packets]
    #[arg(long, visible_alias = "limit", value_name = "SIZE", requires = "rate", allow_hyphen_values = true, value_parser = pair(language::length))]
    queue: Option<Pair<Length>>,
    /// Who is dropped or marked before the queue is full
    #[arg(long, value_enum, requires = "rate", default_value_t = Aqm::None)]
    aqm: Aqm,
    /// With --aqm codel: mark packets of ECN-capable senders instead of dropping them
    #[arg(long, requires = "aqm")]
    ecn: bool,
    /// Mark packets of ECN-capable senders while more than this waits
    #[arg(long, value_name = "BYTES", requires = "rate", conflicts_with = "ecn", allow_hyphen_values = true, value_parser = units::bytes)]
    mark_above: Option<u64>,
    /// When nothing enters the wire: START+LENGTH, or START+LENGTH+PERIOD for what comes again; may be repeated
    #[arg(long, value_name = "TIMES", allow_hyphen_values = true, value_parser = language::times)]
    outage: Vec<Recurring>,
    /// When frames take longer, and how much: TIME@START+LENGTH[+PERIOD]; may be repeated
    #[arg(long, value_name = "TIME@TIMES", allow_hyphen_values = true, value_parser = language::spike)]
    spike: Vec<Spike>,
    /// The largest packet that goes through; a router says so to senders of larger ones
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = units::whole(68..=65_535_u32))]
    path_mtu: Option<u32>,
    /// With --path-mtu: nobody says so
    #[arg(long, requires = "path_mtu")]
    black_hole: bool,
    /// Somebody on the way meddles
    #[arg(long, value_name = "WORD,...", value_delimiter = ',', long_help = meddle_help(), value_parser = language::meddling)]
    meddle: Vec<Meddling>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Aqm {
    /// Nobody: drop-tail
    None,
    /// Controlled delay, RFC 8289
    Codel,
    /// Two queues, one with low latency for L4S, RFC 9332
    Dualpi2,
}

fn meddle_help() -> String {
    format!("Somebody on the way meddles, in both directions: {}", language::MEDDLING)
}

impl Settings {
    /// What each direction does.
    pub(super) fn lanes(&self) -> Pair<Lane> {
        let delay = self.rtt.map_or(self.delay, |rtt| Pair { there: rtt / 2, back: rtt - rtt / 2 });
        let rtt = delay.there + delay.back;
        let held_back = (rtt / 4).max(Duration::from_millis(1));
        let pick = |side: Side| Lane {
            rate_bits_per_s: self.rate.map(|rate| side.of(rate)),
            delay: side.of(delay),
            jitter: side.of(self.jitter),
            order: if self.jitter_reorders { Order::ByArrival } else { Order::Kept },
            queue: self.queue(side, rtt),
            loss: match (side.of(self.loss), self.burst) {
                (0.0, _) => Loss::Nothing,
                (percent, None) => Loss::Random(Chance::percent(percent)),
                (percent, Some(frames)) => Loss::in_bursts(percent, side.of(frames)),
            },
            reorder: Chance::percent(side.of(self.reorder)),
            reorder_by: self.reorder_by.map_or(held_back, |by| side.of(by)),
            duplicate: Chance::percent(side.of(self.duplicate)),
            corrupt: Chance::percent(side.of(self.corrupt)),
            corrupt_unseen: Chance::percent(side.of(self.corrupt_unseen)),
            flaps: self.outage.clone(),
            spikes: self.spike.clone(),
            path_mtu: self.path_mtu.map(|mtu_bytes| PathMtu {
                mtu_bytes,
                answer: if self.black_hole { TooBigAnswer::Silence } else { TooBigAnswer::Icmp },
            }),
            middlebox: language::middlebox(&self.meddle),
            ..Lane::default()
        };
        Pair { there: pick(Side::There), back: pick(Side::Back) }
    }

    fn queue(&self, side: Side, rtt: Duration) -> Queue {
        let length = self.queue.map_or(Length::Products(1.0), |queue| side.of(queue));
        let limit = match (length, self.rate) {
            (Length::Limit(limit), _) => limit,
            (Length::Products(products), Some(rate)) => {
                let bytes = side.of(rate) as f64 / 8.0 * rtt.as_secs_f64() * products;
                QueueLimit::Bytes((bytes as u64).max(QUEUE_BYTES_MIN))
            }
            // Without a rate nothing waits.
            (Length::Products(_), None) => Queue::default().limit,
        };
        let discipline = match self.aqm {
            Aqm::None => Discipline::DropTail,
            Aqm::Codel => Discipline::CODEL,
            Aqm::Dualpi2 => Discipline::dual_pi2(),
        };
        let marking = match (self.ecn, self.mark_above) {
            (true, _) => Marking::InsteadOfDropping,
            (false, Some(bytes)) => Marking::AboveBytes(bytes),
            (false, None) => Marking::Never,
        };
        Queue { limit, discipline, marking }
    }
}

#[derive(Clone, Copy, Debug)]
enum Side {
    There,
    Back,
}

impl Side {
    fn of<T: Copy>(self, pair: Pair<T>) -> T {
        match self {
            Side::There => pair.there,
            Side::Back => pair.back,
        }
    }
}

#[cfg(test)]
mod tests;
