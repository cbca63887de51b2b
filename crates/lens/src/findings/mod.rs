//! What a person should know, as values: what, of whom, how bad, how sure, by which frames and numbers.
//!
//! A finding looks at the summary of one connection and says something, or nothing. One file each; to add one, copy a
//! file, give it an id and its needs in `id.rs`, and enter it in the list below. The gate alone decides whether it may
//! be told. What is *not* here: counting, which is done by `metrics` and the landmarks, and sentences, which are made
//! where people read them.

mod answer_refused;
mod capture_duplicates;
mod capture_loss;
mod capture_one_sided;
mod capture_order;
mod challenge_ack;
mod congestion_marked;
mod data_after_close;
mod ecn_changed;
mod fast_open;
mod fin_unacknowledged;
mod finding;
mod gate;
mod groups;
mod half_closed;
mod hosts;
mod id;
mod keep_alive;
mod loss;
mod marks_not_echoed;
mod mtu_black_hole;
mod nagle_delayed_ack;
mod no_row;
mod odd_open;
mod options_missing;
mod path_probed;
mod path_too_small;
mod peer_silent;
mod port_reuse;
mod refused;
mod reordering;
mod reset;
mod rules;
mod spurious;
mod syn_unanswered;
mod timeouts;
mod turns;
mod unreachable;
mod window_limited;
mod zero_window;

#[cfg(test)]
mod tests;

pub use finding::{Evidenced, Finding, FindingSubject, Severity};
pub(crate) use groups::Groups;
pub use groups::{FindingGroup, GroupHost};
pub(crate) use hosts::Hosts;
pub use id::{FindingId, Needs};

use crate::Connection;
use finding::{Draft, frames_of};

/// Looks at one connection.
type Look = fn(&Connection) -> Vec<Draft>;

/// Every finding that asks for nothing but the connection.
const ALL: &[Look] = &[
    answer_refused::look,
    capture_duplicates::look,
    capture_loss::look,
    capture_one_sided::look,
    capture_order::look,
    challenge_ack::look,
    congestion_marked::look,
    data_after_close::look,
    ecn_changed::look,
    fast_open::look,
    fin_unacknowledged::look,
    half_closed::look,
    keep_alive::look,
    loss::look,
    marks_not_echoed::look,
    mtu_black_hole::look,
    nagle_delayed_ack::look,
    no_row::look,
    odd_open::look,
    options_missing::look,
    path_probed::look,
    path_too_small::look,
    peer_silent::look,
    port_reuse::look,
    refused::look,
    reordering::look,
    reset::look,
    rules::look,
    spurious::look,
    timeouts::look,
    turns::look,
    unreachable::look,
    window_limited::look,
    zero_window::look,
];

/// What may be said of `connection`, the serious first. `hosts`: those that were heard of in the capture.
pub(crate) fn of(connection: &Connection, hosts: &Hosts) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut tell = |drafts: Vec<Draft>| {
        if !drafts.is_empty() {
            found.extend(drafts.into_iter().filter_map(|draft| gate::pass(draft, connection)));
        }
    };
    ALL.iter().for_each(|look| tell(look(connection)));
    tell(syn_unanswered::look(connection, hosts));
    if found.len() > 1 {
        drop_told_twice(&mut found);
        found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    }
    found
}

/// The kind that says it better, and the kind that is not told beside it.
const SAYS_BETTER: &[(FindingId, FindingId)] = &[
    (FindingId::ResetKeepAlive, FindingId::KeepAliveUnanswered),
    (FindingId::ResetGaveUp, FindingId::PeerSilent),
    (FindingId::MtuBlackHole, FindingId::PeerSilent),
    (FindingId::SynIgnored, FindingId::PortReuse),
    (FindingId::CaptureLoss, FindingId::NoRow),
    (FindingId::DirectionLate, FindingId::CaptureLoss),
    (FindingId::ResetByStranger, FindingId::NoRow),
    (FindingId::ResetIgnored, FindingId::NoRow),
    (FindingId::ResetByStranger, FindingId::HalfOpen),
    (FindingId::PeerSilent, FindingId::FinUnacknowledged),
    (FindingId::PeerSilent, FindingId::RequestUnanswered),
    (FindingId::ResetKeepAlive, FindingId::RequestUnanswered),
    (FindingId::KeepAliveUnanswered, FindingId::RequestUnanswered),
    (FindingId::SynIgnored, FindingId::SynUnanswered),
];

fn drop_told_twice(found: &mut Vec<Finding>) {
    let is_told = |id| found.iter().any(|finding: &Finding| finding.id == id);
    let worse: Vec<FindingId> =
        SAYS_BETTER.iter().filter(|(better, _)| is_told(*better)).map(|(_, worse)| *worse).collect();
    found.retain(|finding| !worse.contains(&finding.id));
}
