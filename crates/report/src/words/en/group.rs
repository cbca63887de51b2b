//! Many findings of one kind, in one sentence.

use super::{finding, time};
use crate::numbers;
use lens::{FindingGroup, FindingId, GroupHost};

pub(in crate::words) fn group(group: &FindingGroup) -> String {
    let whole = match group.id {
        FindingId::SynUnanswered => {
            attempts(group, "did not answer", "a filter drops them, or nobody is there")
        }
        FindingId::Refused => {
            attempts(group, "refused the connection", "nobody listens there, or a firewall answers")
        }
        _ => None,
    };
    whole.unwrap_or_else(|| like_the_first(group))
}

/// Ports or hosts that were asked and gave no connection.
fn attempts(group: &FindingGroup, did: &str, why: &str) -> Option<String> {
    let asked = group.examples.first()?.subject.address_and_peer();
    let ports = numbers::count(group.ports.into(), "port");
    let hosts = numbers::count(group.hosts.into(), "host");
    let who = match (group.host, group.ports) {
        (GroupHost::Of(host), 1) => format!("port {} of {host}", asked[0].port()),
        (GroupHost::Of(host), _) => format!("{ports} of {host}"),
        (_, 1) => format!("port {} of {hosts}", asked[0].port()),
        _ => format!("{ports} of {hosts}"),
    };
    let waited = match group.number("waited_us") {
        Some([least, ..]) => format!(" within {}", time(least)),
        None => String::new(),
    };
    let by = match group.host {
        GroupHost::With(asker) => format!(" {asker}"),
        _ => String::new(),
    };
    let attempts = numbers::count(group.count, "attempt");
    Some(format!("{who} {did}{by}{waited} ({attempts}): {why}"))
}

/// The first, and how many others are like it.
fn like_the_first(group: &FindingGroup) -> String {
    let Some(first) = group.examples.first() else { return group.id.about().to_owned() };
    let others = numbers::grouped(group.count - 1);
    let whose = match group.host {
        GroupHost::Of(host) => format!("of {host}"),
        GroupHost::With(host) => format!("of {} with {host}", numbers::count(group.hosts.into(), "host")),
        _ => format!("of {}", numbers::count(group.hosts.into(), "host")),
    };
    let like = if group.count == 2 { "like it" } else { "more like it" };
    format!("{} (and {others} {like} {whose})", finding(first))
}
