//! What happens while data is under way, in Chinese.

use super::opening::request_bytes;
use super::{Said, bytes, grouped};
use crate::words::said::{codepoint, percent};

pub(super) fn congestion_marked(said: &Said<'_>) -> String {
    let (who, whom, here) = (&said.who, &said.whom, said.number("marked_here_packets"));
    let rounds = said.number("told_round_trips");
    if rounds == 0 {
        return format!(
            "{who} 的 {} 个数据包在途中被打上拥塞标记，而没有被丢弃：某处队列正在增长（ECN）",
            grouped(here)
        );
    }
    let what = if said.has("accurate-ecn") {
        // without the option there is only a number of three bits
        let least = if said.number("told_bytes") == 0 { "至少 " } else { "" };
        let packets = grouped(said.number("told_packets"));
        format!(
            "给 {who} 的 {least}{packets} 个数据包打了拥塞标记，而没有丢弃它们，历时 {rounds} 个往返时间（{whom} 的 ACE）"
        )
    } else {
        format!("给 {who} 的数据包打了拥塞标记，而没有丢弃它们，历时 {rounds} 个往返时间（{whom} 的 ECE）")
    };
    let passed = match here {
        0 => String::new(),
        here => format!("；其中 {} 个经过此处时已有标记", grouped(here)),
    };
    format!("路径{what}{passed}；{}", answer_to_marks(said))
}

/// What the sender did about marks.
fn answer_to_marks(said: &Said<'_>) -> String {
    let who = &said.who;
    let cwr = match said.number("window_reduced_times") {
        0 => String::new(),
        count => format!("{count} 次声明拥塞窗口已减小（CWR）"),
    };
    let slowed = match (said.number("slowed_times"), said.number("watched_times")) {
        (_, 0) => String::new(),
        (0, _) => "此后在途数据并未减少".to_owned(),
        (slowed, watched) => {
            let [before, after] =
                ["in_flight_before_bytes", "in_flight_after_bytes"].map(|name| said.finding.number(name));
            let fall = before.zip(after).map_or_else(String::new, |(before, after)| {
                format!("（第一次从 {before} 字节减到 {after} 字节）")
            });
            format!("{watched} 次中有 {slowed} 次随后减少了在途数据{fall}")
        }
    };
    match (cwr.is_empty(), slowed.is_empty()) {
        (true, true) => format!("{who} 此后发送的数据太少，看不出它如何反应"),
        (false, false) => format!("{who} {cwr}，{slowed}"),
        _ => format!("{who} {cwr}{slowed}"),
    }
}

pub(super) fn ecn_changed(said: &Said<'_>) -> String {
    let (who, whom) = (&said.who, &said.whom);
    if said.has("not-counted") {
        return format!(
            "{who} 发送支持 ECN 的数据包，而 {whom} 一个也没有统计到：途中有设备清除了该字段，于是本可打标记的地方只能丢包"
        );
    }
    let [left, answer] = if said.has("on-syn") { ["SYN", "SYN,ACK"] } else { ["SYN,ACK", "ACK"] };
    let consequence = if said.has("cleared") {
        "路径清除了该字段，于是本可打标记的地方只能丢包"
    } else {
        "路径改写了该字段，它的标记不可信"
    };
    format!(
        "{who} 的 {left} 以 {} 发出，而 {answer} 表明它到达时是 {}：{consequence}",
        codepoint(said.number("left_codepoint")),
        codepoint(said.number("arrived_codepoint"))
    )
}

pub(super) fn keep_alive(said: &Said<'_>) -> String {
    format!(
        "{} 用 {} 次保活探测维持空闲的连接（最长空闲 {}）",
        said.who,
        grouped(said.number("keep_alives")),
        said.time("idle_max_us")
    )
}

pub(super) fn keep_alive_unanswered(said: &Said<'_>) -> String {
    let (all, none) = (said.number("keep_alives"), said.number("unanswered_keep_alives"));
    let which = if all == none { format!(" {all} 次") } else { format!("最后 {none} 次") };
    format!(
        "{} 对 {} 的{which}保活探测都没有应答，此后再无消息：它已经不在，或者无法到达",
        said.whom, said.who
    )
}

pub(super) fn loss(said: &Said<'_>) -> String {
    let needless = match said.number("needless_segments") {
        0 => String::new(),
        needless => format!("，其中 {needless} 个是多余的"),
    };
    // seen from the receiver's side
    let at_least = if said.has("at-least") { "至少" } else { "" };
    format!(
        "{} 发送的报文段在途中丢失了{at_least} {}：{} 个中的 {} 个；重传了 {} 个{needless}",
        said.who,
        percent(said.number("lost_per_mille")),
        grouped(said.number("sent_segments")),
        said.number("lost_segments"),
        said.number("sent_again_segments")
    )
}

pub(super) fn marks_not_echoed(said: &Said<'_>) -> String {
    let why = if said.has("not-agreed") {
        "两端没有协商 ECN，标记对它们不起作用：这些数据包本应被丢弃，或者路径上有设备改写了该字段"
    } else {
        "它的协议栈有缺陷，或者返回途中有中间设备清除了标志；队列会一直增长，直到开始丢包"
    };
    format!(
        "{} 有 {} 次确认了 {} 的带有拥塞标记的数据包，却没有回报标记：{why}",
        said.who,
        grouped(said.number("times")),
        said.whom
    )
}

pub(super) fn mtu_black_hole(said: &Said<'_>) -> String {
    format!(
        "{} 把一个 {}的报文段发送了 {} 次，都没有应答，而且这么大的报文段从未通过：可能是路径 MTU 黑洞（ICMP 被拦截）；请限制 MSS，或者启用路径 MTU 探测（RFC 4821）",
        said.who,
        bytes(said.number("text_bytes")),
        grouped(said.number("sent_times"))
    )
}

pub(super) fn nagle_delayed_ack(said: &Said<'_>) -> String {
    format!(
        "{} 有 {} 次扣住小报文段，直到 {} 的延迟确认到来，共等待 {}：请把属于一起的数据一次写出，或者设置 TCP_NODELAY",
        said.who,
        grouped(said.number("times")),
        said.whom,
        said.time("waited_us")
    )
}

pub(super) fn path_probed(said: &Said<'_>) -> String {
    let (arrived, lost) = (said.number("arrived_probes"), said.number("lost_probes"));
    let mut results = Vec::new();
    if arrived > 0 {
        results.push(format!("{}的数据包可以到达", bytes(said.number("arrived_max_bytes"))));
    }
    if lost > 0 {
        results.push(format!(
            "丢失了 {} 个探测，大小为 {}或更大，这不是拥塞",
            grouped(lost),
            bytes(said.number("lost_min_bytes"))
        ));
    }
    format!("{} 用 {} 个探测寻找更大的路径 MTU：{}", said.who, grouped(arrived + lost), results.join("；"))
}

pub(super) fn path_too_small(said: &Said<'_>) -> String {
    let router = said.finding.said_by.map_or_else(|| "某个路由器".to_owned(), |router| format!("{router} "));
    format!(
        "{router}通知：{} 发往 {} 的一个 {}的数据包太大，那里最多通过 {}；如果 ICMP 差错报文到达，此后就会改发较小的报文段",
        said.who,
        said.whom,
        bytes(said.number("too_big_bytes")),
        bytes(said.number("mtu_bytes"))
    )
}

pub(super) fn reordering(said: &Said<'_>) -> String {
    format!(
        "{} 的 {} 个数据包在途中被后面的超过（没有丢失）：路径会造成乱序",
        said.who,
        grouped(said.number("packets"))
    )
}

pub(super) fn request_unanswered(said: &Said<'_>) -> String {
    let (who, whom, waited) = (&said.who, &said.whom, said.time("waited_us"));
    let end = if said.has("closed") {
        format!("{waited} 之后它关闭了连接，没有应答一个字节")
    } else if said.has("client-left") {
        format!("{whom} 等了 {waited} 之后放弃")
    } else {
        format!("直到抓包结束，{waited} 内没有任何数据")
    };
    let request = request_bytes(said);
    match said.number("answered_requests") {
        0 => format!(
            "{who} 确认了 {whom} 的 {request}，却没有发回任何数据：{end}；它的应用程序没有应答请求，或者这些数据本来不需要应答"
        ),
        count => format!(
            "{who} 确认了 {whom} 的 {request}的请求，却没有应答（此前应答过 {count} 次）：{end}；它的应用程序停住了，或者自己在等待别处"
        ),
    }
}

pub(super) fn rule_broken(said: &Said<'_>) -> String {
    let what = if said.has("scale-too-large") {
        "给出了大于 14 的窗口扩大因子，只能按 14 计算"
    } else if said.has("mss-without-syn") {
        "在 SYN 之外发送了 MSS 选项"
    } else if said.has("sack-of-unsent") {
        "用 SACK 报告了从未发送的数据"
    } else {
        "收缩了窗口：收回了已经承诺接收的部分"
    };
    format!("{} {what}（{} 次）", said.who, grouped(said.number("times")))
}

pub(super) fn server_think_time(said: &Said<'_>) -> String {
    let most = said.time("think_max_us");
    let often = match said.number("answers") {
        1 => most,
        answers => format!("{most}（最长；{answers} 次的中位数 {}）", said.time("think_median_us")),
    };
    format!("{} 从收完请求到开始应答用了 {often}：这是应用程序的时间，不是网络的时间", said.who)
}

pub(super) fn slow_client(said: &Said<'_>) -> String {
    format!(
        "{} 从收到应答到发出下一个请求最长用了 {}（{} 次的中位数 {}）：连接大部分时间在等它",
        said.who,
        said.time("pause_max_us"),
        said.number("pauses"),
        said.time("pause_median_us")
    )
}

pub(super) fn spurious(said: &Said<'_>) -> String {
    let (needless, all) = (said.number("needless_packets"), said.number("sent_again_packets"));
    let of_all = if all > needless { format!("（重传共 {all} 次）") } else { String::new() };
    format!(
        "{} 有 {} 次虚假重传{of_all}：原报文段已经到达；它的计时器太短，或者路径造成乱序或延迟",
        said.who,
        grouped(needless)
    )
}

pub(super) fn timeout_recovery(said: &Said<'_>) -> String {
    let advice = if said.has("no-sack") {
        "两端没有协商 SACK，否则丢失可以更早修复"
    } else {
        "在途数据太少，引不出重复确认；尾部丢失探测（RACK-TLP）会有帮助"
    };
    format!(
        "{} 的 {} 次丢失中，有 {} 次靠等待重传计时器超时才修复：{advice}",
        said.who,
        said.number("sent_again_packets"),
        said.number("timeouts")
    )
}

pub(super) fn window_limited(said: &Said<'_>) -> String {
    let advice = if said.has("slow-reader") {
        "窗口腾出得很慢，说明它的应用程序读得慢，或者有意如此"
    } else {
        "加大接收缓冲区可以加快传输"
    };
    format!(
        "{} 中有 {}，{} 的接收窗口（最大 {}）限制了 {}：{advice}",
        said.time("total_us"),
        said.time("limited_us"),
        said.who,
        bytes(said.number("window_max_bytes")),
        said.whom
    )
}

pub(super) fn zero_window(said: &Said<'_>) -> String {
    let often = match said.number("times") {
        1 => String::new(),
        count => format!("（共 {count} 次）"),
    };
    let end = if said.has("at-end") { "；直到最后仍是零窗口" } else { "" };
    format!(
        "{} 的零窗口持续了 {}{often}：它的应用程序没有读取收到的数据{end}",
        said.who,
        said.time("closed_us")
    )
}
