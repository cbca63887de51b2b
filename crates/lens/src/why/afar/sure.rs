//! How sure a conclusion from afar is, by what it says and what it rests on: as measured beside a kernel's own word, see
//! `docs/causes.md`.

use super::super::{Confidence, Why};
use tcp::SendReason;

/// The confidence of `told`, of which `first` was concluded before it was asked what the sender knows; `is_clocked`: its own
/// clock said how long it had waited.
pub(super) fn confidence(first: &Why, told: &Why, is_clocked: bool) -> Confidence {
    let is_revised = first.reason != told.reason;
    match told.reason {
        SendReason::SackRecovery | SendReason::FastRetransmit if first.reason == SendReason::AfterTimeout => {
            Confidence::HIGH
        }
        // too few signs for an acknowledgment's, and nothing says how long it waited
        SendReason::SackRecovery if first.confidence < Confidence::HIGH && !is_clocked => Confidence::LOW,
        SendReason::SackRecovery if first.reason == SendReason::Timeout => Confidence::LIKELY,
        SendReason::SackRecovery | SendReason::FastRetransmit => Confidence::NEAR_CERTAIN,
        SendReason::RecoveryRetransmit => Confidence::HIGH,
        SendReason::AfterTimeout if is_clocked || is_revised => Confidence::HIGH,
        SendReason::AfterTimeout => Confidence::LOW,
        SendReason::ReorderTimeout if !is_clocked => Confidence::LOW,
        SendReason::ReorderTimeout if is_revised && first.confidence >= Confidence::HIGH => Confidence::LOW,
        SendReason::ReorderTimeout => Confidence::NEAR_CERTAIN,
        SendReason::Timeout if first.reason == SendReason::TailLossProbe => Confidence::LOW,
        SendReason::Timeout if first.confidence >= Confidence::HIGH && is_clocked => Confidence::NEAR_CERTAIN,
        SendReason::Timeout => Confidence::LIKELY,
        // a lone segment's probe and its timeout are due at the same time
        SendReason::TailLossProbe if first.confidence < Confidence::HIGH => Confidence::LIKELY,
        SendReason::PathMtu => Confidence::HIGH,
        _ => told.confidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_the_sender_makes_sure() {
        let timeout = Why::new(SendReason::Timeout, Confidence::HIGH);
        assert_eq!(confidence(&timeout, &timeout, true), Confidence::NEAR_CERTAIN);
        assert_eq!(confidence(&timeout, &timeout, false), Confidence::LIKELY);
        let few = Why::new(SendReason::SackRecovery, Confidence::LIKELY);
        assert_eq!(confidence(&few, &few, true), Confidence::NEAR_CERTAIN);
        assert_eq!(confidence(&few, &few, false), Confidence::LOW);
    }

    #[test]
    fn what_is_revised_says_how_likely_that_is() {
        let probe = Why::new(SendReason::TailLossProbe, Confidence::LIKELY);
        let timeout = Why::new(SendReason::Timeout, Confidence::LIKELY);
        assert_eq!(confidence(&probe, &probe, true), Confidence::LIKELY);
        assert_eq!(confidence(&probe, &timeout, true), Confidence::LOW);
        let after = Why::new(SendReason::AfterTimeout, Confidence::LIKELY);
        let recovery = Why::new(SendReason::SackRecovery, Confidence::HIGH);
        assert_eq!(confidence(&after, &after, false), Confidence::LOW);
        assert_eq!(confidence(&recovery, &after, false), Confidence::HIGH);
        assert_eq!(confidence(&after, &recovery, false), Confidence::HIGH);
    }
}
