//! A connection as a whole, what a capture holds besides, and what stopped the lens, in Chinese.

use super::{grouped, icmp_phrase};
use crate::captured::left_and_right;
use crate::numbers;
use lens::capture::{NotTcp, Unread};
use lens::{Connection, Contents, IcmpError, Notice, Opened};
use std::time::Duration;

pub(in crate::words) fn connection(connection: &Connection) -> String {
    let [left, right] = left_and_right(connection);
    let (a, b) = (connection.address(left), connection.address(right));
    let opening = match connection.opened {
        Opened::By(_) | Opened::ByInferred(_) => format!("{a} 向 {b} 建立连接"),
        Opened::Simultaneously => format!("{a} 与 {b} 同时打开连接"),
        _ => format!("{a} 与 {b}，连接早已打开"),
    };
    let [sent, received] = [left, right].map(|side| connection.sent_by(side).unique_bytes);
    let lasted = numbers::duration(Duration::from_nanos(connection.duration_ns()));
    format!("{opening}；在 {lasted} 内发送 {sent} 字节，接收 {received} 字节；{}", ended(connection))
}

pub(in crate::words) fn ended(connection: &Connection) -> String {
    if let Some(at) = connection.handshake.refused {
        let by = connection.close.reset.map_or(lens::Side::B, |reset| reset.by);
        return format!("{} 拒绝了连接（第 {} 帧）", connection.address(by), at.frame);
    }
    if let Some(reset) = connection.close.reset {
        return format!("{} 复位了连接（第 {} 帧）", connection.address(reset.by), reset.at.frame);
    }
    if let Some(event) = connection.ended_by_icmp {
        return format!("连接没有建立：{}（第 {} 帧）", icmp(&event.error), event.frame);
    }
    if connection.was_never_opened() {
        return "连接没有建立".to_owned();
    }
    match connection.close.first {
        Some(_) if connection.close.is_simultaneous => "双方同时关闭".to_owned(),
        Some(side) => {
            let frame = connection.close.fins[side.index()].map_or(0, |fin| fin.sent.frame);
            format!("{} 先关闭（第 {frame} 帧）", connection.address(side))
        }
        None => "抓包结束时连接仍然打开".to_owned(),
    }
}

/// Without addresses. The client is the end that opened.
pub(in crate::words) fn ending(connection: &Connection) -> String {
    let [left, _] = left_and_right(connection);
    let name = |side| if side == left { "客户端" } else { "服务器" };
    if connection.handshake.refused.is_some() {
        return "服务器拒绝".to_owned();
    }
    if let Some(reset) = connection.close.reset {
        return format!("{}复位", name(reset.by));
    }
    if let Some(event) = connection.ended_by_icmp {
        return icmp_phrase(event.error.name()).to_owned();
    }
    if connection.was_never_opened() {
        return "没有建立".to_owned();
    }
    match connection.close.first {
        Some(_) if connection.close.is_simultaneous => "双方同时关闭".to_owned(),
        Some(side) => format!("{}先关闭", name(side)),
        None => "仍然打开".to_owned(),
    }
}

pub(in crate::words) fn icmp(error: &IcmpError) -> String {
    let protocol = if error.from.is_ipv4() { "ICMP" } else { "ICMPv6" };
    let mtu = error.mtu_bytes().map_or(String::new(), |bytes| format!("，MTU {bytes}"));
    format!("{protocol} {}：{}{mtu}", error.from, icmp_phrase(error.name()))
}

pub(in crate::words) fn notice(notice: &Notice) -> String {
    match notice {
        Notice::Evicted { stream, total } => format!(
            "为限制内存，连接 {stream} 被提前汇总（至今共 {total} 个）；提高连接数上限可以跟踪全部连接"
        ),
        Notice::InFlightLeftOut { frame } => {
            format!("为限制内存，从第 {frame} 帧起部分在途报文段不再记录；是不是缺少一个方向？")
        }
        Notice::FindingsLeftOut { kind, count } => {
            format!("另有 {} 个 {kind} 类的发现没有列出", grouped(*count))
        }
        other => other.to_string(),
    }
}

/// What the packets without TCP are.
pub(in crate::words) fn contents(contents: &Contents) -> String {
    /// As many as a person reads; the others are counted.
    const SHOWN: usize = 8;
    let kinds = contents.kinds();
    let mut told: Vec<String> = kinds
        .iter()
        .take(SHOWN)
        .map(|(unread, count)| format!("{count} 个{}", spaced(&kind(unread))))
        .collect();
    let rest = kinds.iter().skip(SHOWN).map(|(_, count)| count).sum::<u64>() + contents.of_other_kinds();
    if rest > 0 {
        told.push(format!("{rest} 个其他种类"));
    }
    told.join("，")
}

/// A space before Latin letters and digits.
fn spaced(text: &str) -> String {
    if text.starts_with(|first: char| first.is_ascii()) { format!(" {text}") } else { text.to_owned() }
}

fn kind(unread: &Unread) -> String {
    let why = match unread.why {
        NotTcp::LinkType(_)
        | NotTcp::Ethertype(_)
        | NotTcp::Llc(_)
        | NotTcp::Ppp(_)
        | NotTcp::Protocol(_) => unread
            .why
            .kind()
            .replace("link type", "链路类型")
            .replace("IP protocol", "IP 协议号")
            .replace("PPP protocol", "PPP 协议号"),
        NotTcp::Fragment => "不完整 IP 数据包的分片".to_owned(),
        NotTcp::LaterFragment(layer) => format!("{layer} 的后续分片"),
        NotTcp::Encrypted(layer) => format!("{layer} 加密帧"),
        NotTcp::LinkManagement(layer) => format!("{layer} 管理和控制帧"),
        NotTcp::Damaged(layer) => format!("{layer} 损坏帧（校验和错误）"),
        NotTcp::Cut(layer) => format!("{layer} 首部没有抓全"),
        NotTcp::Malformed(layer) => format!("{layer} 首部格式错误"),
        NotTcp::TooDeep => "嵌套层数过多".to_owned(),
        other => other.kind(),
    };
    match unread.within {
        Some(layer) => format!("{layer}：{why}"),
        None => why,
    }
}
