//! What later frames show of earlier ones.

use lens::tcp::SendReason;
use lens::{Correction, Evidence};

pub(in crate::words) fn correction(correction: &Correction) -> String {
    let Correction { frame, at_frame, was, now, evidence, .. } = correction;
    let mut parts = Vec::new();
    if correction.has_other_cause() {
        parts.push(format!("now {}, not {}", cause(*now), cause(*was)));
    }
    if correction.is_needless {
        let by =
            if evidence.contains(Evidence::DSACK) { "it arrived twice" } else { "the original had arrived" };
        parts.push(format!("{} was needless: {by}", cause(*now)));
    }
    format!("frame {frame}: {} (frame {at_frame} shows it)", parts.join("; "))
}

/// A cause as a noun.
fn cause(reason: SendReason) -> &'static str {
    match reason {
        SendReason::Timeout => "timeout",
        SendReason::AfterTimeout => "retransmission after a timeout",
        SendReason::TailLossProbe => "tail-loss probe",
        SendReason::FastRetransmit => "fast retransmission",
        SendReason::RecoveryRetransmit | SendReason::SackRecovery => "retransmission in recovery",
        SendReason::ReorderTimeout => "retransmission by the reordering timer",
        SendReason::PathMtu => "retransmission for the path MTU",
        SendReason::WindowReopened => "retransmission into a window that opened",
        SendReason::NewData => "new data",
        other => other.name(),
    }
}
