//! How connections open, and how they do not, in Chinese.

use super::{Said, bytes};

pub(super) fn answer_refused(said: &Said<'_>) -> String {
    let (who, whom) = (&said.who, &said.whom);
    if said.has("had-asked") {
        return format!(
            "{who} 请求过建立连接，却拒绝了 {whom} 的应答：这是端口扫描，或者程序当时已经退出；连接没有建立"
        );
    }
    format!(
        "{who} 拒绝了 {whom} 的 SYN,ACK，因为它并没有请求建立连接：{whom} 收到的是一个失效的旧 SYN，或者伪造的 SYN；连接没有建立，这正是第三次握手的作用"
    )
}

pub(super) fn fast_open_not_taken(said: &Said<'_>) -> String {
    let (who, whom) = (&said.who, &said.whom);
    let (all, taken) = (said.number("text_bytes"), said.number("taken_bytes"));
    let text = match taken {
        0 => format!("{all} 字节数据"),
        taken => format!("{all} 字节数据中的 {} 字节", all - taken),
    };
    let cookie = if said.has("had-cookie") { "（带有 cookie）" } else { "" };
    let reason = if said.has("only-bare-syn-answered") {
        "得到应答的只有不带数据的 SYN；路径上可能有设备丢弃带数据或带此选项的 SYN"
    } else if said.has("new-cookie-granted") {
        "cookie 已失效，对方发放了新的 cookie"
    } else if said.has("no-room") {
        "它已没有空间容纳更多数据"
    } else if said.has("not-now") {
        "它不支持 Fast Open，或者暂时停用"
    } else {
        "它要求 cookie，或者不支持 Fast Open"
    };
    format!(
        "{who} 没有接收 {whom} 随 SYN{cookie}发送的 {text}：{reason}；这些数据要等握手之后重新发送，晚一个往返时间"
    )
}

pub(super) fn option_missing(said: &Said<'_>) -> String {
    let who = match said.finding.subject {
        lens::FindingSubject::Connection { ends: [opener, acceptor], .. } => {
            format!("{opener} 和 {acceptor}")
        }
        _ => said.who.clone(),
    };
    let what = if said.has("sack") {
        "SACK 选项：同一批数据中丢失多处时，每个往返时间只能修复一处"
    } else if said.has("window-scale") {
        "窗口扩大选项：在途数据不能超过 65,535 字节"
    } else if said.has("timestamps") {
        "时间戳选项：往返时间测得较少，旧的重复报文段也无法识别"
    } else {
        "最大报文段长度（MSS）选项：对方只能按 536 字节（IPv6 为 1,220 字节）计算"
    };
    format!("{who} 没有提供{}{what}", if what.starts_with("SACK") { " " } else { "" })
}

pub(super) fn port_reuse(said: &Said<'_>) -> String {
    let when = match said.finding.number("since_us") {
        Some(_) => format!(
            "在前一个连接之后 {} 就建立；旧连接可能仍处于 TIME-WAIT，其报文段可能还在途中",
            said.time("since_us")
        ),
        None => "后来又建立".to_owned(),
    };
    format!("{} 用同一端口向 {} 建立了另一个连接，{when}", said.who, said.whom)
}

pub(super) fn refused(said: &Said<'_>) -> String {
    format!("{} 拒绝了 {} 的连接请求：该端口无人监听，或者防火墙代为拒绝", said.who, said.whom)
}

pub(super) fn split_handshake() -> String {
    "握手被拆开：SYN 得到的是另一个 SYN，确认则单独发送；这样可以绕过某些过滤设备".to_owned()
}

pub(super) fn syn_ack_retransmitted(said: &Said<'_>) -> String {
    let why = if said.has("never-acknowledged") {
        "它没有等到第三次握手"
    } else {
        "第三次握手来迟了，或者丢失了"
    };
    format!("{} 的 SYN,ACK 共发送了 {} 次：{why}", said.who, said.number("syn_acks"))
}

pub(super) fn syn_ignored(said: &Said<'_>) -> String {
    format!(
        "{who} 没有应答 {whom} 的 SYN（{} 内发送 {} 次）；该端口在 {} 之前还在使用，而且时间戳更新：旧连接在 {who} 可能处于 TIME-WAIT，时间戳更旧的 SYN 会被忽略；请换一个端口，或者让时间戳跨连接持续增长",
        said.time("waited_us"),
        said.number("syns"),
        said.time("since_us"),
        who = said.who,
        whom = said.whom,
    )
}

pub(super) fn syn_retransmitted(said: &Said<'_>) -> String {
    let late = match said.has("answer-was-sent") {
        true => "：应答起初没有到达".to_owned(),
        false => format!("；应答在第一个 SYN 之后 {} 才到", said.time("answered_after_us")),
    };
    format!("{} 的 SYN 共发送了 {} 次{late}", said.who, said.number("syns"))
}

pub(super) fn syn_unanswered(said: &Said<'_>) -> String {
    let tried = match said.number("syns") {
        1 => "发送了一个 SYN".to_owned(),
        syns => format!("在 {} 内发送了 {syns} 个 SYN", said.time("tried_us")),
    };
    let icmp = if said.number("icmp_errors") > 0 { "，收到过 ICMP 差错报文" } else { "" };
    let why = if said.has("host-answers") {
        "抓包中该主机对其他请求有应答，所以 SYN 是被过滤设备丢弃的，或者它的连接队列已满"
    } else {
        "SYN 被过滤设备丢弃，或者该主机不存在"
    };
    format!("{} 在 {} 内没有应答：{} {tried}{icmp}；{why}", said.who, said.time("waited_us"), said.whom)
}

pub(super) fn unacceptable_ack(said: &Said<'_>) -> String {
    format!("{} 在握手期间确认了从未发送的数据：这是失效的旧报文段，或者伪造的报文段", said.who)
}

pub(super) fn unreachable(said: &Said<'_>) -> String {
    let router = said.finding.said_by.map_or_else(|| "某个路由器".to_owned(), |router| format!("{router} "));
    let what = said.finding.signs.first().map_or("不可达", |sign| super::icmp_phrase(sign));
    format!(
        "{router}以 ICMP 差错报文（{what}）应答了 {} 发往 {} 的 SYN：连接没有建立；请检查该设备，或者它所执行的规则",
        said.whom, said.who
    )
}

/// `2,374 字节`, of a request.
pub(super) fn request_bytes(said: &Said<'_>) -> String {
    bytes(said.number("request_bytes"))
}
