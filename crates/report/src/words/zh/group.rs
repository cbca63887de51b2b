//! Many findings of one kind, in one sentence, in Chinese.

use super::{finding, grouped, time};
use lens::{FindingGroup, FindingId, GroupHost};

pub(in crate::words) fn group(group: &FindingGroup) -> String {
    let whole = match group.id {
        FindingId::SynUnanswered => attempts(group, "没有应答", "SYN 被过滤设备丢弃，或者主机不存在"),
        FindingId::Refused => attempts(group, "拒绝了", "端口无人监听，或者防火墙代为拒绝"),
        _ => None,
    };
    whole.unwrap_or_else(|| like_the_first(group))
}

/// Ports or hosts that were asked and gave no connection.
fn attempts(group: &FindingGroup, did: &str, why: &str) -> Option<String> {
    let asked = group.examples.first()?.subject.address_and_peer();
    let (ports, hosts) = (grouped(group.ports.into()), grouped(group.hosts.into()));
    let who = match (group.host, group.ports) {
        (GroupHost::Of(host), 1) => format!("{host} 的端口 {}", asked[0].port()),
        (GroupHost::Of(host), _) => format!("{host} 的 {ports} 个端口"),
        (_, 1) => format!("{hosts} 台主机的端口 {}", asked[0].port()),
        _ => format!("{hosts} 台主机的 {ports} 个端口"),
    };
    let waited = match group.number("waited_us") {
        Some([least, ..]) => format!("在 {} 内", time(least)),
        None => String::new(),
    };
    let by = match group.host {
        GroupHost::With(asker) => format!(" {asker} 的连接请求"),
        _ => "连接请求".to_owned(),
    };
    let gap = if who.ends_with(|last: char| last.is_ascii()) { " " } else { "" };
    Some(format!("{who}{gap}{waited}{did}{by}（共 {} 次尝试）：{why}", grouped(group.count)))
}

/// The first, and how many others are like it.
fn like_the_first(group: &FindingGroup) -> String {
    let Some(first) = group.examples.first() else { return super::kind(group.id).to_owned() };
    let others = grouped(group.count - 1);
    let hosts = grouped(group.hosts.into());
    let whose = match group.host {
        GroupHost::Of(host) => format!("{host} "),
        GroupHost::With(host) => format!("{hosts} 台主机与 {host} 之间"),
        _ => format!("{hosts} 台主机"),
    };
    format!("{}（{whose}另有 {others} 个同类情况）", finding(first))
}
