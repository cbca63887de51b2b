//! What routers make of the ECN field: bleach it, mark it, take it for another (RFC 9331 §5.4.1 and RFC 9768 §3.2.2.3
//! are about senders that meet them).

use crate::ecn;
use wire::ip::Ecn;
use wire::{Frame, Medium};

/// What each codepoint of the ECN field becomes.
///
/// ```
/// use synfin_netem::{EcnRewrite, wire::ip::Ecn};
/// assert_eq!(EcnRewrite::BLEACHED.of(Ecn::CongestionExperienced), Ecn::NotCapable);
/// assert_eq!(EcnRewrite::default(), EcnRewrite::LEFT);
/// // L4S traffic seems to be classic.
/// let other = EcnRewrite { capable1: Ecn::Capable0, ..EcnRewrite::LEFT };
/// assert_eq!(other.of(Ecn::Capable1), Ecn::Capable0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EcnRewrite {
    /// What "not capable" becomes.
    pub not_capable: Ecn,
    /// What ECT(1) becomes.
    pub capable1: Ecn,
    /// What ECT(0) becomes.
    pub capable0: Ecn,
    /// What "congestion experienced" becomes.
    pub experienced: Ecn,
}

impl EcnRewrite {
    /// Everything stays as it is.
    pub const LEFT: EcnRewrite = EcnRewrite {
        not_capable: Ecn::NotCapable,
        capable1: Ecn::Capable1,
        capable0: Ecn::Capable0,
        experienced: Ecn::CongestionExperienced,
    };
    /// The field is cleared, marks too.
    pub const BLEACHED: EcnRewrite = EcnRewrite::all(Ecn::NotCapable);
    /// Every packet is marked "congestion experienced", whether its sender is capable or not.
    pub const ALL_MARKED: EcnRewrite = EcnRewrite::all(Ecn::CongestionExperienced);
    /// Every packet of a capable sender is marked "congestion experienced".
    pub const CAPABLE_MARKED: EcnRewrite =
        EcnRewrite { not_capable: Ecn::NotCapable, ..EcnRewrite::ALL_MARKED };

    /// Every codepoint becomes this one.
    pub const fn all(ecn: Ecn) -> EcnRewrite {
        EcnRewrite { not_capable: ecn, capable1: ecn, capable0: ecn, experienced: ecn }
    }

    /// What this codepoint becomes.
    pub const fn of(&self, ecn: Ecn) -> Ecn {
        match ecn {
            Ecn::NotCapable => self.not_capable,
            Ecn::Capable1 => self.capable1,
            Ecn::Capable0 => self.capable0,
            Ecn::CongestionExperienced => self.experienced,
        }
    }

    pub(super) fn rewrite(&self, frame: &mut Frame, medium: Medium) {
        if *self == EcnRewrite::LEFT {
            return;
        }
        let before = ecn::field_of(frame, medium);
        let after = self.of(before);
        if after != before {
            ecn::write(frame, medium, after);
        }
    }
}

impl Default for EcnRewrite {
    fn default() -> Self {
        EcnRewrite::LEFT
    }
}
