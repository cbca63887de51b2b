//! What a ladder says beside its arrows and below them, in Chinese.

use super::findings::needless;
use super::values::{failure, note as lens_note, probe_reason, reason, refusal, undo, verdict};
use super::{bytes, grouped, icmp};
use crate::ladder::{NoteText, Remark, Story, Who};
use crate::numbers;
use lens::{EcnMeaning, FastOpenWords};
use std::time::Duration;
use tcp::{EcnFeedback, SendReason};
use wire::ip::Ecn;

/// The story of a ladder; `names` are those of its ends.
pub(in crate::words) fn story(story: &Story, names: [&str; 2]) -> Vec<String> {
    let names = names.map(spaced);
    let mut how = Vec::new();
    match story.opened {
        Some(Who::One(side)) => how.push(format!("{}主动打开", names[side.index()])),
        Some(Who::Both) => how.push("双方同时打开".to_owned()),
        None => how.push("没有看到连接的建立".to_owned()),
    }
    match story.closed_first {
        Some(Who::One(side)) => how.push(format!("{}先关闭", names[side.index()])),
        Some(Who::Both) => how.push("双方同时关闭".to_owned()),
        None if story.reset.is_none() => how.push("没有一方关闭".to_owned()),
        None => {}
    }
    if let Some(side) = story.reset {
        how.push(format!("{}复位", names[side.index()]));
    }
    let sent = [0, 1].map(|side| format!("{}发送了 {}", names[side], bytes(story.sent_bytes[side])));
    let mut lines = vec![how.join("，"), sent.join("，")];
    let (lost, again) = (story.lost.iter().sum::<u64>(), story.retransmitted.iter().sum::<u64>());
    let mut troubles = Vec::new();
    if lost > 0 {
        troubles.push(format!("丢失 {} 个报文段", grouped(lost)));
    }
    if again > 0 {
        troubles.push(format!("重传 {} 次", grouped(again)));
    }
    if !troubles.is_empty() {
        lines.push(troubles.join("，"));
    }
    lines
}

/// A space behind Latin letters and digits.
fn spaced(name: &str) -> String {
    if name.ends_with(|last: char| last.is_ascii()) { format!("{name} ") } else { name.to_owned() }
}

pub(in crate::words) fn remark(remark: &Remark) -> String {
    match remark {
        Remark::SecondCopy => "第二份副本".to_owned(),
        Remark::ThrownAway => "接收方丢弃了它".to_owned(),
        Remark::Refused(why) => format!("被拒收：{}", refusal(*why)),
        Remark::Ecn(meaning) => ecn(*meaning),
        Remark::FastOpen(words) => fast_open(*words),
        Remark::PacketOf { bytes: size } => format!("数据包大小 {}", bytes(u64::from(*size))),
        Remark::PathProbe { bytes: size } => format!("路径 MTU 探测：数据包大小 {}", bytes(u64::from(*size))),
        Remark::LostPathProbe { bytes: size } => {
            format!("丢失的路径 MTU 探测（{}）", bytes(u64::from(*size)))
        }
        Remark::SeenLater { frame } => format!("由后来的第 {frame} 帧可知"),
        Remark::Needless { frame } => needless(*frame),
        Remark::After { ns } => format!("经过 {}", numbers::duration(Duration::from_nanos(*ns))),
        Remark::Or(others) => or(others),
        Remark::Overtaken => "途中被后面的超过".to_owned(),
        Remark::RadioAgain { first } => format!("无线链路重发了第 {first} 帧"),
        Remark::CapturedTwice { first } => format!("抓到两次：与第 {first} 帧相同"),
        Remark::InexactReset => "序号不精确：应先用挑战 ACK 核实".to_owned(),
        Remark::ResetOutside => "在窗口之外：应当忽略".to_owned(),
        Remark::Note(note) => lens_note(*note).to_owned(),
        Remark::MayStillBeIn { end, state } => {
            format!("{end} 可能仍处于 {state}：没有迹象表明它已经到达")
        }
        Remark::Verdicts(verdicts) => {
            format!("[{}]", verdicts.iter().map(verdict).collect::<Vec<_>>().join("，"))
        }
        Remark::Said(text) => said(text),
    }
}

fn or(others: &[Option<SendReason>]) -> String {
    let others: Vec<&str> = others.iter().flatten().map(|other| reason(*other)).collect();
    format!("也可能是{}", others.iter().map(|other| format!("“{other}”")).collect::<String>())
}

fn ecn(meaning: EcnMeaning) -> String {
    let kind = |feedback| if feedback == EcnFeedback::Accurate { "AccECN" } else { "ECN" };
    match meaning {
        EcnMeaning::Asks(feedback) => format!("请求使用 {}", kind(feedback)),
        EcnMeaning::Accepts { feedback, syn_arrived: None } => format!("同意使用 {}", kind(feedback)),
        EcnMeaning::Accepts { feedback, syn_arrived: Some(field) } => {
            format!("同意使用 {}；SYN 到达时为 {}", kind(feedback), codepoint(field))
        }
        EcnMeaning::Declines => "不同意使用 ECN".to_owned(),
        EcnMeaning::Reflects => "照搬了 SYN 的标志，并不支持 ECN".to_owned(),
        EcnMeaning::AnswersSynAck { arrived: Some(field), .. } => {
            format!("SYN,ACK 到达时为 {}", codepoint(field))
        }
        EcnMeaning::AnswersSynAck { ace: 0, .. } => "ACE 在途中被清除".to_owned(),
        EcnMeaning::Counts { news: news @ 1.., .. } => format!("又有 {news} 个数据包到达时带有拥塞标记"),
        EcnMeaning::Classic { begins_echo, has_slowed } => {
            let parts = [
                begins_echo.then_some("有数据包到达时带有拥塞标记（ECE）"),
                has_slowed.then_some("拥塞窗口已减小（CWR）"),
            ];
            parts.into_iter().flatten().collect::<Vec<_>>().join("；")
        }
        _ => String::new(),
    }
}

fn codepoint(field: Ecn) -> &'static str {
    crate::words::said::codepoint(u64::from(field.bits()))
}

fn fast_open(words: FastOpenWords) -> String {
    match words {
        FastOpenWords::AsksForCookie => "请求 Fast Open cookie".to_owned(),
        FastOpenWords::Cookie { text_bytes: 0 } => "带 Fast Open cookie，没有数据".to_owned(),
        FastOpenWords::Cookie { .. } => "SYN 携带数据和 cookie（Fast Open）".to_owned(),
        FastOpenWords::TextAlone { .. } => "SYN 携带数据，没有 cookie".to_owned(),
        FastOpenWords::Answer { text_bytes, taken_bytes, grants_cookie } => {
            let text = match (text_bytes, taken_bytes) {
                (0, _) => None,
                (_, 0) => Some("没有确认 SYN 携带的数据".to_owned()),
                (text, taken) if taken >= text => Some("确认了 SYN 携带的数据".to_owned()),
                (text, taken) => Some(format!("确认了 SYN 携带的 {text} 字节中的 {taken} 字节")),
            };
            let cookie = grants_cookie.then(|| "发放了 Fast Open cookie".to_owned());
            text.into_iter().chain(cookie).collect::<Vec<_>>().join("；")
        }
        _ => String::new(),
    }
}

pub(in crate::words) fn note(text: &NoteText) -> String {
    match text {
        NoteText::Undone(sign) => undo(*sign).to_owned(),
        NoteText::Probing { growth, why } => {
            format!("BBR 进入 {}：{}", crate::words::phase(*growth), probe_reason(*why))
        }
        NoteText::PathProbeArrived { bytes: size } => {
            format!("{}的路径 MTU 探测已到达", bytes(u64::from(*size)))
        }
        NoteText::PathProbeLost { bytes: size } => format!("{}的路径 MTU 探测丢失", bytes(u64::from(*size))),
        NoteText::BlackHole { bytes: size } => {
            format!("大数据包无声消失：此后每个 {}", bytes(u64::from(*size)))
        }
        NoteText::LeftOut { steps } => format!("另有 {} 步没有画出", grouped(*steps)),
        NoteText::Icmp { error, seq, of } => format!("{}（{of} 的序号 {seq}）", icmp(error)),
        NoteText::Said(text) => said(text),
    }
}

/// What the programs of the demo and of the laboratory say: calls that begin, return, or fail. Other words stay as they are.
fn said(text: &str) -> String {
    if let Some(call) = text.strip_suffix(" is called") {
        return format!("调用 {call}");
    }
    if let Some((call, step)) = text.split_once(" returns") {
        return match step {
            "" => format!("{call} 返回"),
            ": second step" => format!("{call} 返回：第二次握手"),
            ": third step" => format!("{call} 返回：第三次握手"),
            ": third step, an ACK with data" => format!("{call} 返回：第三次握手，ACK 携带了数据"),
            _ => text.to_owned(),
        };
    }
    if let Some(error) = text.strip_prefix("gives up: ") {
        let known = tcp::Error::ALL.iter().find(|known| known.to_string() == error);
        return format!("放弃：{}", known.map_or(error, |known| failure(*known)));
    }
    match text {
        "an old SYN of an earlier connection" => "先前连接的一个失效的旧 SYN".to_owned(),
        "a segment that no host has sent" => "一个没有主机发送过的报文段".to_owned(),
        _ => text.to_owned(),
    }
}

pub(in crate::words) fn folded(data: [u64; 2], acks: u64, duplicates: u64) -> String {
    let mut parts = Vec::new();
    if data[0] > 0 {
        parts.push(format!("{} 个数据报文段", grouped(data[0])));
        parts.push(bytes(data[1]));
    }
    if acks > 0 {
        parts.push(format!("{} 个 ACK", grouped(acks)));
    }
    if duplicates > 0 {
        parts.push(format!("{} 个重复确认", grouped(duplicates)));
    }
    parts.join("，")
}

pub(in crate::words) fn arrives_later(by: Duration) -> String {
    format!("{} 之后到达", numbers::duration(by))
}

pub(in crate::words) const fn lost() -> &'static str {
    "丢失"
}

pub(in crate::words) const fn in_flight() -> &'static str {
    "仍在途中"
}

pub(in crate::words) const fn without_flags() -> &'static str {
    "无标志"
}

/// The number of an earlier connection's SYN.
pub(in crate::words) const fn old() -> &'static str {
    "旧"
}
