//! How long a sender waits for what may only be late: RACK.reo_wnd, and what makes it wider (RFC 8985 §6.2, step 4).

use wire::Seq;

/// Recoveries after which a sender has no more patience than usual again (RFC 8985 §6.2, step 4).
const RECOVERIES_REMEMBERED: u8 = 16;

/// What a sender has learned of the order of its path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    /// Something sent once arrived after something sent later.
    pub(super) reorders: bool,
    /// Round trips in which something sent again turned out to be needless (RACK.reo_wnd_mult, less one).
    needless_rounds: u8,
    /// RACK.reo_wnd_persist.
    recoveries_left: u8,
    /// Until this is acknowledged further needless ones belong to the same round (RACK.dsack_round).
    round_until: Option<Seq>,
}

impl Patience {
    /// RACK.reo_wnd, where it waits at all: a quarter of the shortest round trip for each round, and no more than a
    /// usual one.
    pub(super) fn window_ns(&self, rtt_min_ns: u64, srtt_ns: u64) -> u64 {
        (rtt_min_ns / 4 * (u64::from(self.needless_rounds) + 1)).min(srtt_ns)
    }

    /// A retransmission turned out to be needless, where `una` is acknowledged and `next` comes next: once a round trip
    /// that makes the sender more patient.
    pub(super) fn on_needless(&mut self, una: Seq, next: Seq) {
        if self.round_until.is_some_and(|round| una.before(round)) {
            return;
        }
        self.round_until = Some(next);
        self.needless_rounds = self.needless_rounds.saturating_add(1);
        self.recoveries_left = RECOVERIES_REMEMBERED;
    }

    /// Everything before `una` is acknowledged.
    pub(super) fn on_progress(&mut self, una: Seq) {
        self.round_until = self.round_until.filter(|round| una.before(*round));
    }

    /// A recovery is over.
    pub(super) fn on_recovered(&mut self) {
        self.recoveries_left = self.recoveries_left.saturating_sub(1);
        if self.recoveries_left == 0 {
            self.needless_rounds = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_round_trip_what_was_in_vain_makes_it_more_patient_for_sixteen_recoveries() {
        let mut patience = Patience::default();
        let at = Seq::new;
        assert_eq!(patience.window_ns(4_000, 20_000), 1_000);
        patience.on_needless(at(100), at(900));
        patience.on_needless(at(500), at(1_200));
        assert_eq!(patience.window_ns(4_000, 20_000), 2_000, "both belong to one round");
        patience.on_progress(at(900));
        patience.on_needless(at(900), at(2_000));
        assert_eq!(patience.window_ns(4_000, 20_000), 3_000);
        assert_eq!(patience.window_ns(4_000, 2_500), 2_500, "no more than a usual round trip");
        for _ in 1..RECOVERIES_REMEMBERED {
            patience.on_recovered();
        }
        assert_eq!(patience.window_ns(4_000, 20_000), 3_000);
        patience.on_recovered();
        assert_eq!(patience.window_ns(4_000, 20_000), 1_000);
    }
}
