//! When a host's timers can run out: at the ticks of its kernel.
//!
//! Linux looks at its timers once a tick, which is every 4 ms or 10 ms on many systems. So what a timer sends leaves just
//! after a tick, whatever it waited for, and what an acknowledgment or a pacer lets out leaves at any time. The ticks of a
//! host are learned from what only a timer can have sent. What is *not* here: systems with a tick each millisecond, where
//! too much would fall on one by chance, and those whose timers know no ticks.

/// How long a tick may be, in nanoseconds; the longer one is believed first, as each of its ticks is one of a shorter.
const LENGTHS_NS: [u64; 2] = [10_000_000, 4_000_000];
/// The processor gets to what a tick has made due within a time that differs by no more than this, mostly.
const LATE_NS: i64 = 200_000;
/// And by no more than this to the other side.
const EARLY_NS: i64 = 120_000;
/// The part of its distance by which something moves where timers are thought to run out.
const WEIGHT: i64 = 8;
/// So many on the tick show that there is one: by chance it is one of ten for each.
const HITS_MIN: u8 = 4;
/// For so many on a tick one may be off it.
const HITS_PER_MISS: u8 = 8;

/// Where the ticks of one length are, if there are any.
#[derive(Clone, Copy, Debug, Default)]
struct Comb {
    /// When in a tick's length timers were seen to run out, smoothed.
    phase_ns: u32,
    hits: u8,
    misses: u8,
}

impl Comb {
    /// How long after the usual time this is; below zero: before it.
    fn after_ns(self, length_ns: u64, now_ns: u64) -> i64 {
        let after_ns = (now_ns + length_ns - u64::from(self.phase_ns)) % length_ns;
        if after_ns > length_ns / 2 {
            after_ns.cast_signed() - length_ns.cast_signed()
        } else {
            after_ns.cast_signed()
        }
    }

    fn on_timer(&mut self, length_ns: u64, now_ns: u64) {
        let phase_ns = (now_ns % length_ns) as u32;
        if self.hits == 0 {
            (self.phase_ns, self.hits, self.misses) = (phase_ns, 1, 0);
            return;
        }
        let after_ns = self.after_ns(length_ns, now_ns);
        if (-EARLY_NS..=LATE_NS).contains(&after_ns) {
            let moved_ns = i64::from(self.phase_ns) + after_ns / WEIGHT;
            self.phase_ns = moved_ns.rem_euclid(length_ns.cast_signed()) as u32;
            self.hits = self.hits.saturating_add(1);
        } else {
            self.misses += 1;
            if self.misses > self.hits {
                (self.phase_ns, self.hits, self.misses) = (phase_ns, 1, 0);
            }
        }
        if self.hits == u8::MAX {
            (self.hits, self.misses) = (self.hits / 2, self.misses / 2);
        }
    }

    fn is_known(self) -> bool {
        self.hits >= HITS_MIN && u16::from(self.misses) * u16::from(HITS_PER_MISS) <= u16::from(self.hits)
    }
}

/// The ticks of a host.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ticks([Comb; LENGTHS_NS.len()]);

impl Ticks {
    /// A timer ran out: nothing else can have sent what was captured now.
    pub(crate) fn on_timer(&mut self, now_ns: u64) {
        for (comb, length_ns) in self.0.iter_mut().zip(LENGTHS_NS) {
            comb.on_timer(length_ns, now_ns);
        }
    }

    /// Whether a timer can have run out now; `None` while the host is not known to have such ticks.
    pub(crate) fn may_run_out(&self, now_ns: u64) -> Option<bool> {
        let (comb, length_ns) = self.0.iter().zip(LENGTHS_NS).find(|(comb, _)| comb.is_known())?;
        Some((-EARLY_NS..=LATE_NS).contains(&comb.after_ns(length_ns, now_ns)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticks_of_a_host_are_learned_from_its_timers() {
        for length_ns in LENGTHS_NS {
            let mut ticks = Ticks::default();
            let at = |tick: u64, late_us: u64| 7_000_123 + tick * length_ns + late_us * 1_000;
            assert_eq!(ticks.may_run_out(at(1, 0)), None);
            for (tick, late_us) in [(3, 60), (10, 0), (17, 110), (64, 20), (1_001, 70)] {
                ticks.on_timer(at(tick, late_us));
            }
            assert_eq!(ticks.may_run_out(at(2_000, 100)), Some(true), "{length_ns}");
            assert_eq!(ticks.may_run_out(at(2_000, 900)), Some(false), "{length_ns}");
            assert_eq!(ticks.may_run_out(at(2_000, 0) - 900_000), Some(false), "{length_ns}");
        }
    }

    #[test]
    fn timers_at_any_time_show_no_ticks() {
        let mut ticks = Ticks::default();
        for tick in 0..1_000 {
            ticks.on_timer(tick * 1_234_567_891);
        }
        assert_eq!(ticks.may_run_out(1_000_000), None);
    }
}
