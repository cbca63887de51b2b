//! Where a sender stands between "all is well" and "the timer ran out" (RFC 5681, RFC 6675 §5, RFC 5682).

use crate::sender::prr::Prr;
use wire::Seq;

/// Where loss recovery stands, as [`crate::Info`] and traces tell it (`tcpi_ca_state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecoveryPhase {
    /// Nothing is known to be lost, all arrives in order.
    Open,
    /// The peer reports gaps; they may yet be filled.
    Disorder,
    /// The window is being reduced although nothing waits to be sent again.
    Cwr,
    /// Something was lost and is being sent again without waiting for the timer.
    Recovery,
    /// The retransmission timer ran out.
    Loss,
}

impl RecoveryPhase {
    /// A word for people and JSON: `open`.
    pub const fn name(self) -> &'static str {
        match self {
            RecoveryPhase::Open => "open",
            RecoveryPhase::Disorder => "disorder",
            RecoveryPhase::Cwr => "cwr",
            RecoveryPhase::Recovery => "recovery",
            RecoveryPhase::Loss => "loss",
        }
    }
}

/// Where a sender stands; each but the first ends when everything before its `point` is acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// Nothing is being reduced or recovered.
    Open,
    /// Reducing, with nothing to be sent again. Without `prr` the controller reduces by itself.
    Cwr { point: Seq, prr: Option<Prr> },
    /// Reducing, and sending again what is lost.
    Recovery { point: Seq, prr: Option<Prr>, had_partial_ack: bool },
    /// Slow start after a timeout.
    Loss { point: Seq, frto: Frto },
}

/// Whether a timeout was early: the steps of RFC 5682.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frto {
    /// It is not asked, or it is decided.
    Off,
    /// Step 2: waits for the acknowledgment of the first retransmission.
    AwaitsAdvance,
    /// Step 3: up to two new segments go; the next acknowledgment tells.
    Probing,
}

impl Phase {
    pub(crate) fn prr(&self) -> Option<&Prr> {
        match self {
            Phase::Cwr { prr, .. } | Phase::Recovery { prr, .. } => prr.as_ref(),
            Phase::Open | Phase::Loss { .. } => None,
        }
    }

    pub(crate) fn prr_mut(&mut self) -> Option<&mut Prr> {
        match self {
            Phase::Cwr { prr, .. } | Phase::Recovery { prr, .. } => prr.as_mut(),
            Phase::Open | Phase::Loss { .. } => None,
        }
    }

    /// Until when it lasts.
    pub(crate) fn point(&self) -> Option<Seq> {
        match self {
            Phase::Open => None,
            Phase::Cwr { point, .. } | Phase::Recovery { point, .. } | Phase::Loss { point, .. } => {
                Some(*point)
            }
        }
    }

    /// A partial acknowledgment of this recovery, and not its first.
    pub(crate) fn is_later_partial(&mut self, una: Seq) -> bool {
        match self {
            Phase::Recovery { point, had_partial_ack, .. } if una.before(*point) => {
                core::mem::replace(had_partial_ack, true)
            }
            _ => false,
        }
    }

    /// Something is being sent again.
    pub(crate) fn is_recovering(&self) -> bool {
        matches!(self, Phase::Recovery { .. } | Phase::Loss { .. })
    }

    /// F-RTO asks no more: what is lost is sent again.
    pub(crate) fn stop_asking(&mut self) {
        if let Phase::Loss { frto, .. } = self {
            *frto = Frto::Off;
        }
    }

    /// New data goes before what is lost: F-RTO asks whether anything is (RFC 5682 §3.1, step 2 b).
    pub(crate) fn asks_with_new_data(&self) -> bool {
        matches!(self, Phase::Loss { frto: Frto::Probing, .. })
    }
}
