//! Loss on the wire, by itself and in bursts.

use crate::random::Chance;

/// What the wire loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Loss {
    /// Nothing.
    #[default]
    Nothing,
    /// Each frame by itself.
    Random(Chance),
    /// In bursts: a good and a bad state with chances of their own (Gilbert 1960, Elliott 1963).
    GilbertElliott {
        /// From good to bad, asked once per frame.
        to_bad: Chance,
        /// From bad to good.
        to_good: Chance,
        /// Loss in the good state.
        in_good: Chance,
        /// Loss in the bad state.
        in_bad: Chance,
    },
}

impl Loss {
    /// `percent` of all frames, in bursts of `mean_frames` (one at least) on average: the good state loses
    /// nothing, the bad one everything.
    ///
    /// ```
    /// use synfin_netem::{Chance, Loss};
    /// let wireless = Loss::in_bursts(1.0, 4.0);
    /// assert!(matches!(wireless, Loss::GilbertElliott { to_good, .. } if to_good == Chance::percent(25.0)));
    /// ```
    pub fn in_bursts(percent: f64, mean_frames: f64) -> Loss {
        let to_good = 1.0 / mean_frames.max(1.0);
        // Of all frames, to_bad / (to_bad + to_good) meet the bad state.
        let share = (percent / 100.0).min(0.999);
        let to_bad = (to_good * share / (1.0 - share)).min(1.0);
        Loss::GilbertElliott {
            to_bad: Chance::percent(to_bad * 100.0),
            to_good: Chance::percent(to_good * 100.0),
            in_good: Chance::NEVER,
            in_bad: Chance::ALWAYS,
        }
    }
}

/// Where a lane stands in its loss model.
#[derive(Clone, Debug, Default)]
pub(crate) struct LossState {
    is_bad: bool,
}

impl LossState {
    /// Whether the next frame is lost. Both draws are always made, so that a lane's later fate does not
    /// depend on its model.
    pub(crate) fn loses(&mut self, loss: Loss, move_draw: u64, loss_draw: u64) -> bool {
        match loss {
            Loss::Nothing => false,
            Loss::Random(chance) => chance.comes_true(loss_draw),
            Loss::GilbertElliott { to_bad, to_good, in_good, in_bad } => {
                let leaves = if self.is_bad { to_good } else { to_bad };
                self.is_bad ^= leaves.comes_true(move_draw);
                (if self.is_bad { in_bad } else { in_good }).comes_true(loss_draw)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Dice;

    #[test]
    fn bursts_are_as_long_and_as_frequent_as_the_model_says() {
        // Bad one frame in six (1 % to, 5 % back), losing half of them: 8.3 %, in bursts.
        let loss = Loss::GilbertElliott {
            to_bad: Chance::percent(1.0),
            to_good: Chance::percent(5.0),
            in_good: Chance::NEVER,
            in_bad: Chance::percent(50.0),
        };
        let (mut state, mut dice) = (LossState::default(), Dice::new(3));
        let lost: Vec<bool> = (0..200_000).map(|_| state.loses(loss, dice.roll(), dice.roll())).collect();
        let share = lost.iter().filter(|lost| **lost).count() as f64 / lost.len() as f64;
        assert!((0.075..0.092).contains(&share), "{share}");
        let pairs = lost.windows(2).filter(|pair| pair[0] && pair[1]).count() as f64 / lost.len() as f64;
        assert!(pairs > 4.0 * share * share, "losses come together: {pairs} against {}", share * share);
    }

    #[test]
    fn bursts_have_the_share_and_the_mean_length_that_were_asked_for() {
        for (percent, mean) in [(1.0, 1.0), (1.0, 5.0), (10.0, 3.0), (50.0, 20.0)] {
            let loss = Loss::in_bursts(percent, mean);
            let (mut state, mut dice) = (LossState::default(), Dice::new(9));
            let lost: Vec<bool> = (0..400_000).map(|_| state.loses(loss, dice.roll(), dice.roll())).collect();
            let total = lost.iter().filter(|lost| **lost).count() as f64;
            let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64;
            let share = total / lost.len() as f64 * 100.0;
            assert!((share / percent - 1.0).abs() < 0.1, "{percent} % in bursts of {mean}: {share} %");
            assert!((total / bursts / mean - 1.0).abs() < 0.1, "{mean} in a row: {}", total / bursts);
        }
    }
}
