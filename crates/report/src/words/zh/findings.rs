//! What is said of many connections and findings together, and of what a capture does not show, in Chinese.

use super::{contents as kinds, grouped};
use lens::{Contents, Frame};

pub(in crate::words) fn needless(frame: Frame) -> String {
    format!("由后来的第 {frame} 帧可知是多余的")
}

pub(in crate::words) fn connections(count: u64, endings: &[(String, u64)], others: u64) -> String {
    let mut told: Vec<String> =
        endings.iter().map(|(ending, count)| format!("{ending} {} 个", grouped(*count))).collect();
    if others > 0 {
        told.push(format!("其他 {} 个", grouped(others)));
    }
    format!("{} 个连接：{}", grouped(count), told.join("，"))
}

pub(in crate::words) fn findings(problems: u64, warnings: u64, infos: u64) -> String {
    let told: Vec<String> = [(problems, "问题"), (warnings, "警告"), (infos, "提示")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} 个{what}", grouped(count)))
        .collect();
    match told.is_empty() {
        true => "没有发现异常".to_owned(),
        false => format!("{} 项发现：{}", grouped(problems + warnings + infos), told.join("，")),
    }
}

pub(in crate::words) fn page_has_more(findings: u64) -> String {
    format!("网页中另有 {} 项发现", grouped(findings))
}

pub(in crate::words) fn more_findings(findings: u64) -> String {
    format!("另有 {} 项发现；用更大的 --top 可以看到", grouped(findings))
}

pub(in crate::words) fn more_connections(more: u64, all: u64) -> String {
    format!("另有 {more} 个连接；--top {all} 可以显示全部")
}

pub(in crate::words) fn of_stream(stream: u32, sentence: &str) -> String {
    format!("连接 {stream}：{sentence}")
}

pub(in crate::words) const fn nothing_passes() -> &'static str {
    "没有报文段符合这个过滤条件"
}

pub(in crate::words) fn first_segments(count: u64) -> String {
    format!("网页只包含前 {} 个报文段；要看其余部分，请先过滤抓包。", grouped(count))
}

pub(in crate::words) fn some_connections(held: u64, all: u64) -> String {
    format!("网页包含 {} 个连接中最先结束的 {} 个；要看其余部分，请先过滤抓包。", grouped(all), grouped(held))
}

pub(in crate::words) fn page_title(source: &str) -> String {
    format!("{source}：TCP 连接")
}

pub(in crate::words) fn wider(titles: &[&str]) -> String {
    format!("终端更宽时还会显示：{}", titles.join("、"))
}

pub(in crate::words) fn stands_for(name: &str, address: &str) -> String {
    format!("{name} 即 {address}")
}

pub(in crate::words) fn with_host(host: &str) -> String {
    format!("对方为 {host}")
}

pub(in crate::words) const fn several_hosts() -> &'static str {
    "多台主机"
}

pub(in crate::words) const fn window_closed() -> &'static str {
    "零窗口"
}

pub(in crate::words) const fn scale_inferred() -> &'static str {
    "（窗口扩大因子为推断值）"
}

/// A remark in brackets behind a reason.
pub(in crate::words) fn aside(text: &str) -> String {
    format!("（{text}）")
}

/// What is not explained, a sentence for each fact.
pub(in crate::words) fn left_out(contents: &Contents) -> Vec<String> {
    let mut sentences = Vec::new();
    let cut = contents.with_cut_tcp_header();
    if cut > 0 {
        sentences.push(format!(
            "略去 {cut} 个数据包：抓包截断了它们的 TCP 首部；请抓取每个数据包的更多字节（tcpdump -s）"
        ));
    }
    let malformed = contents.with_malformed_tcp_header();
    if malformed > 0 {
        sentences.push(format!("略去 {malformed} 个数据包：它们的 TCP 首部比数据包还长，或者不足 20 字节"));
    }
    if contents.not_tcp() > 0 && contents.tcp() > 0 {
        sentences.push(format!(
            "{} 个数据包中有 {} 个不是 TCP：{}",
            contents.packets(),
            contents.not_tcp(),
            kinds(contents)
        ));
    }
    sentences
}

/// What is in a capture that has no TCP connection.
pub(in crate::words) fn no_tcp(contents: &Contents) -> String {
    match contents.packets() {
        0 => "抓包中没有 TCP 连接：一个数据包也没有".to_owned(),
        count => format!("抓包中没有 TCP 连接，只有 {count} 个数据包：{}", kinds(contents)),
    }
}

/// Segments that stood behind later ones.
pub(in crate::words) fn put_in_order(moved: u64, late: &str) -> String {
    format!("文件中有 {moved} 个报文段排在更晚的报文段之后（最多晚 {late}），已按时间顺序分析")
}
