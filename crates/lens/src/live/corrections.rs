//! What a segment shows of earlier ones, for the sink: other causes, and what was needless.

use super::Live;
use crate::{Analysis, Confidence, Correction, Evidence, Notes, Segment, Side};

impl Live {
    /// Causes of this end's segments were decided anew.
    pub(super) fn has_decided(&self, from: Side) -> bool {
        self.halves[from].sender.loss.as_ref().is_some_and(|loss| loss.has_decided())
    }

    /// What `segment`, of which `said` was said, shows of earlier ones: told once, and the counts follow.
    #[cold]
    pub(crate) fn correct(&mut self, segment: &Segment, said: &Analysis, mut tell: impl FnMut(&Correction)) {
        if said.notes.contains(Notes::SHOWS_CAUSE) {
            self.correct_causes(segment, said.from, &mut tell);
        }
        if said.notes.contains(Notes::SHOWS_SPURIOUS)
            && let Some(correction) = self.needless(segment, said)
        {
            tell(&correction);
        }
    }

    fn correct_causes(&mut self, segment: &Segment, from: Side, tell: &mut impl FnMut(&Correction)) {
        let (stream, at_frame) = (self.stream, segment.frame);
        let Some(loss) = &mut self.halves[from].sender.loss else { return };
        let mut stuck = 0;
        for decided in loss.take_decided() {
            stuck += decided.more_in_a_row();
            tell(&Correction {
                stream,
                from,
                frame: decided.frame,
                at_frame,
                was: decided.was,
                now: decided.now,
                confidence: Confidence::HIGH,
                evidence: Evidence::TIMING,
                implied_rto_ns: decided.implied_rto_ns,
                is_needless: false,
            });
        }
        self.marks.correct_stuck(from, at_frame, stuck);
    }

    fn needless(&self, segment: &Segment, said: &Analysis) -> Option<Correction> {
        let from = said.from.other();
        let frame = said.shows_frame?;
        let reason = self.halves[from].sender.loss.as_ref()?.reason_of(frame)?;
        let is_told = !segment.options.sack.is_empty();
        Some(Correction {
            stream: self.stream,
            from,
            frame,
            at_frame: segment.frame,
            was: reason,
            now: reason,
            confidence: Confidence::HIGH,
            evidence: if is_told { Evidence::DSACK } else { Evidence::TIMESTAMPS },
            implied_rto_ns: None,
            is_needless: true,
        })
    }
}
