//! What limited a sender when: the lens's totals ([`lens::LimitedTime`]) along the axis of time.
//!
//! The lens adds up, and says of each text what it waited for; here that is put on the axis of time. What is *not* here: totals, which are the lens's own.

use crate::page::LimitSpan;
use lens::{Analysis, Order, Segment, Waited};
use tcp::Instant;

/// The most spans of one direction: a strip on a screen shows no more apart. Beyond it the two neighbours that are
/// shortest together become one, and their times are added.
pub(super) const SPANS_MAX: usize = 64;

/// A stretch of time, in nanoseconds since the first segment.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from_ns: u64,
    to_ns: u64,
    /// Waited for the application, the network, the receiver, itself.
    waited_ns: [u64; 4],
}

const APPLICATION: usize = 0;
const NETWORK: usize = 1;
const RECEIVER: usize = 2;
const SENDER: usize = 3;

impl Stretch {
    /// What most of it was waited for.
    fn mostly(&self) -> usize {
        (0..4).max_by_key(|by| (self.waited_ns[*by], std::cmp::Reverse(*by))).unwrap_or(APPLICATION)
    }

    fn join(&mut self, later: Stretch) {
        self.to_ns = later.to_ns;
        for (sum, more) in self.waited_ns.iter_mut().zip(later.waited_ns) {
            *sum = sum.saturating_add(more);
        }
    }
}

/// The clock of one direction.
#[derive(Debug, Default)]
struct Clock {
    last_text_ns: Option<u64>,
    /// When the lens says that the sender kept something back itself.
    own: Vec<[u64; 2]>,
    stretches: Vec<Stretch>,
}

impl Clock {
    fn on_text(&mut self, now_ns: u64, waited: Waited) {
        if let Some(last_ns) = self.last_text_ns {
            let waited_ns = u64::from(waited.for_acknowledgments_us) * 1_000;
            let emptied_ns = last_ns.saturating_add(waited_ns).clamp(last_ns, now_ns.max(last_ns));
            if !waited.by_window && self.is_own(last_ns, now_ns) {
                self.add(last_ns, now_ns, SENDER);
            } else {
                self.add(last_ns, emptied_ns, if waited.by_window { RECEIVER } else { NETWORK });
                self.add(emptied_ns, now_ns, APPLICATION);
            }
        }
        self.last_text_ns = Some(now_ns);
    }

    /// The lens says that the sender kept something back itself then.
    fn is_own(&self, from_ns: u64, to_ns: u64) -> bool {
        let at = self.own.partition_point(|span| span[1] < to_ns);
        self.own.get(at).is_some_and(|span| span[0] <= from_ns && to_ns <= span[1])
    }

    fn add(&mut self, from_ns: u64, to_ns: u64, by: usize) {
        if to_ns <= from_ns {
            return;
        }
        let mut waited_ns = [0; 4];
        waited_ns[by] = to_ns - from_ns;
        let stretch = Stretch { from_ns, to_ns, waited_ns };
        match self.stretches.last_mut() {
            Some(last) if last.mostly() == by => last.join(stretch),
            _ => self.stretches.push(stretch),
        }
        if self.stretches.len() > SPANS_MAX {
            self.join_shortest();
        }
    }

    fn join_shortest(&mut self) {
        let lasts = |at: &usize| self.stretches[*at + 1].to_ns.saturating_sub(self.stretches[*at].from_ns);
        if let Some(at) = (0..self.stretches.len() - 1).min_by_key(lasts) {
            let later = self.stretches.remove(at + 1);
            self.stretches[at].join(later);
        }
    }
}

/// The strips of both directions of a connection, in the order of [`lens::Side`].
#[derive(Debug)]
pub(super) struct Strips {
    origin: Instant,
    clocks: [Clock; 2],
}

impl Strips {
    pub(super) fn of(captured: &lens::Connection) -> Strips {
        let origin = captured.first_time;
        let since = |time: Instant| time.as_nanos().saturating_sub(origin.as_nanos());
        let clocks = lens::Side::BOTH.map(|side| {
            let own = captured.sent_by(side).own_limit.spans.iter().map(|span| span.map(since)).collect();
            Clock { own, ..Clock::default() }
        });
        Strips { origin, clocks }
    }

    pub(super) fn take(&mut self, segment: &Segment, analysis: &Analysis) {
        if matches!(analysis.why.order, Order::CapturedTwice { .. }) {
            return;
        }
        let now_ns = segment.time.as_nanos().saturating_sub(self.origin.as_nanos());
        if segment.text_bytes > 0 {
            self.clocks[analysis.from.index()].on_text(now_ns, analysis.waited);
        }
    }

    pub(super) fn spans(&self, side: lens::Side) -> Vec<LimitSpan> {
        let seconds = |ns: u64| ns as f64 / 1e9;
        let span = |stretch: &Stretch| LimitSpan {
            from: seconds(stretch.from_ns),
            to: seconds(stretch.to_ns),
            waited: stretch.waited_ns.map(seconds),
        };
        self.clocks[side.index()].stretches.iter().map(span).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_is_bounded_and_loses_no_time() {
        let mut clock = Clock::default();
        for number in 0..1_000u64 {
            let from_ns = number * 1_000;
            clock.add(from_ns, from_ns + 10 + number % 7, (number % 3) as usize);
            clock.add(from_ns + 10 + number % 7, from_ns + 1_000, ((number + 1) % 3) as usize);
        }
        assert!(clock.stretches.len() <= SPANS_MAX);
        let waited: u64 = clock.stretches.iter().flat_map(|stretch| stretch.waited_ns).sum();
        assert_eq!(waited, 1_000_000);
        assert!(clock.stretches.is_sorted_by(|a, b| a.to_ns <= b.from_ns));
    }
}
