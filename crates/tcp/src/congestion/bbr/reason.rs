//! Why BBR went from one phase of its search to the next: for traces and people.

use crate::congestion::Growth;
use crate::segment::listed;

listed! {
    /// Why BBR went to another phase.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum ProbeReason {
        /// The delivery rate has stopped growing.
        FullPipe,
        /// More than 2 % of what was in flight was lost.
        HighLoss,
        /// The network marked something (ECN).
        Marked,
        /// No more is in flight than the path holds.
        Drained,
        /// More is in flight than the path should hold, for too many round trips.
        TookTooLong,
        /// The time until the next probe is over.
        Waited,
        /// Reno would have grown by what the path holds.
        RenoRounds,
        /// The pipe was refilled for a round trip.
        Refilled,
        /// As much is in flight as when the last probe went too high.
        Precaution,
        /// The probe that stopped early lost nothing.
        DidNoHarm,
        /// The shortest round trip is older than five seconds.
        RttIsOld,
        /// The round trip was measured without a queue.
        RttMeasured,
        /// Nothing was lost after all.
        Undone,
    }
}

impl ProbeReason {
    /// A word for JSON and tables: `full-pipe`.
    pub const fn name(self) -> &'static str {
        match self {
            ProbeReason::FullPipe => "full-pipe",
            ProbeReason::HighLoss => "high-loss",
            ProbeReason::Marked => "marked",
            ProbeReason::Drained => "drained",
            ProbeReason::TookTooLong => "took-too-long",
            ProbeReason::Waited => "waited",
            ProbeReason::RenoRounds => "reno-rounds",
            ProbeReason::Refilled => "refilled",
            ProbeReason::Precaution => "precaution",
            ProbeReason::DidNoHarm => "did-no-harm",
            ProbeReason::RttIsOld => "rtt-is-old",
            ProbeReason::RttMeasured => "rtt-measured",
            ProbeReason::Undone => "undone",
        }
    }

    /// A few words for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            ProbeReason::FullPipe => "the delivery rate has stopped growing",
            ProbeReason::HighLoss => "more than 2 % were lost",
            ProbeReason::Marked => "the network marks packets",
            ProbeReason::Drained => "the queue is drained",
            ProbeReason::TookTooLong => "draining took too long",
            ProbeReason::Waited => "it is time to probe",
            ProbeReason::RenoRounds => "Reno would have grown as far",
            ProbeReason::Refilled => "the pipe is refilled",
            ProbeReason::Precaution => "in flight is what was too much last time",
            ProbeReason::DidNoHarm => "the careful probe lost nothing",
            ProbeReason::RttIsOld => "the round trip has to be measured again",
            ProbeReason::RttMeasured => "the round trip is measured",
            ProbeReason::Undone => "nothing was lost after all",
        }
    }
}

/// A step from one phase to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) into: Growth,
    pub(crate) why: ProbeReason,
}
