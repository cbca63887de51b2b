//! Every kind of finding where it is true and where it must stay silent: three stories of each, at least.

mod capture;
mod closing;
mod opening;
mod transfer;

use crate::story::Story;
use crate::{FindingId, Needs};
use std::collections::BTreeMap;

/// A story, and whether the kind must be told of it.
pub(super) struct Case {
    id: FindingId,
    name: &'static str,
    is_true: bool,
    story: Story,
}

pub(super) fn told(id: FindingId, name: &'static str, story: Story) -> Case {
    Case { id, name, is_true: true, story }
}

pub(super) fn silent(id: FindingId, name: &'static str, story: Story) -> Case {
    Case { id, name, is_true: false, story }
}

/// The least number of stories of a kind, true and silent.
const LEAST: usize = 3;

/// Kinds with fewer stories here, and why.
const FEWER: &[(FindingId, &str)] = &[
    (FindingId::CongestionMarked, "in tests/ecn.rs, with its look-alikes"),
    (FindingId::EcnChanged, "in tests/ecn.rs, with its look-alikes"),
    (FindingId::FastOpenNotTaken, "in tests/fast_open.rs, with its look-alikes"),
    (FindingId::MarksNotEchoed, "in tests/ecn.rs, with its look-alikes"),
    (FindingId::PathProbed, "in tests/path_probed.rs, with its look-alikes"),
    (FindingId::Unreachable, "in the tests of ICMP errors (verdicts/tests.rs), with its look-alikes"),
    (FindingId::PathTooSmall, "in the tests of ICMP errors (verdicts/tests.rs), with its look-alikes"),
    (FindingId::SplitHandshake, "one way of doing it exists, and it is in the captures of the tests"),
    (FindingId::SimultaneousOpen, "one way of doing it exists (RFC 9293 §3.5, figure 7)"),
    (FindingId::UnacceptableAck, "one way of doing it exists (RFC 9293 §3.5, figure 8)"),
    (FindingId::NoRow, "what no row explains is open-ended; the differential tests of states know it"),
    (FindingId::ChallengeAck, "the tests of the reasons have its look-alikes"),
];

fn cases() -> Vec<Case> {
    [opening::cases(), transfer::cases(), closing::cases(), capture::cases()].into_iter().flatten().collect()
}

#[test]
fn each_kind_is_told_where_it_is_true_and_nowhere_else() {
    let mut wrong = Vec::new();
    for case in cases() {
        let told = case.story.told();
        let is_told = told.finding(case.id.name()).is_some();
        if is_told != case.is_true {
            let ids: Vec<_> = told.kept.findings.iter().map(|finding| finding.id.name()).collect();
            wrong.push(format!("{} of \"{}\" must be {}: {ids:?}", case.id, case.name, case.is_true));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_kind_has_three_stories_and_three_look_alikes() {
    let mut counts: BTreeMap<FindingId, [usize; 2]> = BTreeMap::new();
    for case in cases() {
        counts.entry(case.id).or_default()[usize::from(!case.is_true)] += 1;
    }
    let is_few =
        |id: &&FindingId| counts.get(id).is_none_or(|counts| counts.iter().any(|count| *count < LEAST));
    let few: Vec<_> = FindingId::ALL.iter().filter(is_few).collect();
    let excused: Vec<_> = FEWER.iter().map(|(id, _)| id).collect();
    let missing: Vec<_> =
        few.iter().filter(|id| !excused.contains(*id)).map(|id| (id, counts.get(id))).collect();
    assert!(missing.is_empty(), "too few stories: {missing:?}");
    let needless: Vec<_> = excused.iter().filter(|id| !few.contains(*id)).collect();
    assert!(needless.is_empty(), "they have enough stories: {needless:?}");
}

#[test]
fn what_nobody_did_is_told_of_nobody_unless_there_was_time() {
    for id in FindingId::ALL.iter().filter(|id| id.needs().contains(Needs::PEER_SILENT)) {
        assert!(id.needs().contains(Needs::TIME_LEFT), "{id}");
    }
}

/// The capture goes on for so long without a word of this connection.
pub(super) fn later(mut story: Story, ms: u64) -> Story {
    story.wait_ms(ms);
    let mut other = *story.segments.last().expect("a segment");
    other.frame += 1_000;
    other.time = tcp::Instant::from_nanos(story.ns);
    for end in [&mut other.source, &mut other.destination] {
        end.set_port(end.port() ^ 7);
        end.set_ip(std::net::IpAddr::from([192, 0, 2, 9]));
    }
    (other.flags, other.text_bytes) = (crate::story::ACK, 0);
    story.segments.push(other);
    story
}

/// A story made of an opened connection by `tell`.
pub(super) fn opened(tell: impl FnOnce(&mut Story)) -> Story {
    let mut story = Story::open();
    tell(&mut story);
    story
}

/// A story made from nothing by `tell`.
pub(super) fn fresh(tell: impl FnOnce(&mut Story)) -> Story {
    let mut story = Story::new();
    tell(&mut story);
    story
}
