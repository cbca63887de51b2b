//! The findings of a capture on its page: groups of a kind and host, and in them each finding.

use super::section_words;
use crate::page::{Finding, FindingGroup, Severity};
use crate::words::{self, Language};
use lens::{GroupHost, Kept};
use std::collections::BTreeMap;

/// The groups, the most serious first, and the findings. A finding names its group by its place.
pub(super) fn groups(kept: &Kept, language: Language) -> (Vec<FindingGroup>, Vec<Finding>) {
    let groups: Vec<FindingGroup> = kept.groups.iter().map(|of| group(of, language)).collect();
    let places: BTreeMap<_, usize> =
        kept.groups.iter().enumerate().map(|(place, group)| (key(group), place)).collect();
    let findings = kept.findings.iter().map(|told| {
        let [host, peer] = told.subject.address_and_peer().map(|address| address.ip());
        let place = [GroupHost::Of(host), GroupHost::With(peer), GroupHost::Many]
            .into_iter()
            .find_map(|host| places.get(&(told.id, told.severity, host_key(host))));
        Finding { group: place.copied(), ..finding(told, language) }
    });
    (groups, findings.collect())
}

type HostKey = (u8, Option<std::net::IpAddr>);

fn host_key(host: GroupHost) -> HostKey {
    match host {
        GroupHost::Of(host) => (0, Some(host)),
        GroupHost::With(host) => (1, Some(host)),
        _ => (2, None),
    }
}

fn key(group: &lens::FindingGroup) -> (lens::FindingId, lens::Severity, HostKey) {
    (group.id, group.severity, host_key(group.host))
}

fn group(group: &lens::FindingGroup, language: Language) -> FindingGroup {
    let first = group.examples.first();
    let text = match (group.count, first) {
        (1, Some(only)) => words::finding(only, language),
        _ => words::group(group, language),
    };
    FindingGroup {
        severity: severity(group.severity),
        kind: words::short_kind(group.id, language),
        host: match group.host {
            GroupHost::Of(host) => host.to_string(),
            GroupHost::With(host) => words::with_host(&host.to_string(), language),
            _ => words::several_hosts(language).to_owned(),
        },
        text,
        count: group.count,
        section: first.and_then(|finding| finding.section).map(section_words).unwrap_or_default(),
    }
}

fn finding(finding: &lens::Finding, language: Language) -> Finding {
    Finding {
        stream: Some(u64::from(finding.stream())),
        severity: severity(finding.severity),
        text: words::finding(finding, language),
        frames: finding.frames.iter().map(|frame| u64::from(*frame)).collect(),
        section: finding.section.map(section_words).unwrap_or_default(),
        group: None,
    }
}

fn severity(severity: lens::Severity) -> Severity {
    match severity {
        lens::Severity::Info => Severity::Info,
        lens::Severity::Warning => Severity::Warning,
        // A problem, and whatever is worse.
        _ => Severity::Error,
    }
}
