//! Values of the engine and the lens, in their own words.

use crate::page::Family;
use lens::{Completeness, FindingId, Severity, Verdicts};
use tcp::state::Cause;
use tcp::{Refusal, SendReason, Timer};

pub(in crate::words) const fn reason(reason: SendReason) -> &'static str {
    reason.sentence()
}

pub(in crate::words) const fn refusal(why: Refusal) -> &'static str {
    why.sentence()
}

pub(in crate::words) const fn cause(on: Cause) -> &'static str {
    on.name()
}

pub(in crate::words) const fn timer(timer: Timer) -> &'static str {
    timer.name()
}

pub(in crate::words) fn verdict(verdict: Verdicts) -> &'static str {
    verdict.names().next().unwrap_or_default()
}

pub(in crate::words) const fn completeness(completeness: Completeness) -> &'static str {
    completeness.name()
}

pub(in crate::words) const fn severity(severity: Severity) -> &'static str {
    severity.name()
}

pub(in crate::words) const fn kind(id: FindingId) -> &'static str {
    id.about()
}

pub(in crate::words) const fn family(family: Family) -> &'static str {
    family.name()
}
