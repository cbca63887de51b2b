//! Which traces become a line of their own in a ladder, and what it says.
//!
//! Those that explain what follows and that no segment shows: a reduction taken back, a phase of BBR's search, what
//! became of a probe of the path's MTU.

use super::NoteKind;
use crate::numbers;
use tcp::{Growth, PathProbe, Trace};

/// The line, if there is one.
pub(super) fn note(trace: &Trace) -> Option<(NoteKind, String)> {
    Some(match trace {
        Trace::Undone { sign } => (NoteKind::Undo, sign.sentence().to_owned()),
        Trace::Probing { growth, why } => {
            (NoteKind::Phase, format!("BBR enters {}: {}", phase(*growth), why.sentence()))
        }
        Trace::PathProbe { mtu_bytes, what: PathProbe::Arrived } => {
            (NoteKind::Phase, format!("the path probe of {} has arrived", bytes(*mtu_bytes)))
        }
        Trace::PathProbe { mtu_bytes, what: PathProbe::Lost } => {
            (NoteKind::Phase, format!("lost path probe of {}", bytes(*mtu_bytes)))
        }
        Trace::BlackHole { mtu_bytes } => {
            (NoteKind::Phase, format!("large packets vanish: {} from here on", bytes(*mtu_bytes)))
        }
        _ => return None,
    })
}

/// A phase as BBR's specification writes it (draft-ietf-ccwg-bbr §3.4); another rule of growth by its own name.
const fn phase(growth: Growth) -> &'static str {
    match growth {
        Growth::Startup => "Startup",
        Growth::Drain => "Drain",
        Growth::ProbeBwDown => "ProbeBW_DOWN",
        Growth::ProbeBwCruise => "ProbeBW_CRUISE",
        Growth::ProbeBwRefill => "ProbeBW_REFILL",
        Growth::ProbeBwUp => "ProbeBW_UP",
        Growth::ProbeRtt => "ProbeRTT",
        _ => growth.name(),
    }
}

fn bytes(count: u32) -> String {
    numbers::count(u64::from(count), "byte")
}
