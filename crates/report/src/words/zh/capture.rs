//! Marks of how the capture was made, in Chinese.

use super::{Said, bytes, grouped, time};

pub(super) fn captured_twice(said: &Said<'_>) -> String {
    let how = if said.has("across-router") {
        "分别在路由器的两侧（跳数不同）"
    } else {
        "在同一位置（能看到两个方向的镜像端口，或者多个接口）"
    };
    format!(
        "{} 个数据包被抓到两次，{how}：对它们的“重传”“重复确认”等判断反映的是抓包方式，而不是网络",
        grouped(said.number("packets"))
    )
}

pub(super) fn capture_ends(said: &Said<'_>) -> String {
    let (who, whom) = (&said.who, &said.whom);
    let what = if said.has("keep-alive-unanswered") {
        format!("{who} 的第一个未获应答的保活探测")
    } else {
        format!("{whom} 发往 {who} 的 SYN")
    };
    match said.number("watched_us") {
        0 => format!("抓包到{what}为止：是否有应答，从中看不出来"),
        after => format!("抓包在{what}之后 {} 结束：是否有应答，从中看不出来", time(after)),
    }
}

pub(super) fn capture_loss(said: &Said<'_>) -> String {
    format!(
        "抓包有遗漏：{}已被确认，却不在抓包中，共 {} 处；丢失的统计不可信",
        bytes(said.number("missing_bytes")),
        grouped(said.number("gaps"))
    )
}

pub(super) fn direction_late(said: &Said<'_>) -> String {
    format!(
        "{} 发送的数据包在抓包中记录得偏晚：{} 个数据包比对它们的确认还晚，最多晚 {}；可能是两个抓包合并不当，或者某个接口上报偏晚。数据包没有遗漏，但往返时间和原因都不准确",
        said.who,
        grouped(said.number("packets")),
        said.time("late_max_us")
    )
}

pub(super) fn no_row(said: &Said<'_>) -> String {
    format!(
        "{} 发送了 {} 个状态图无法解释的报文段：伪造的报文段、中间设备，或者有缺陷的协议栈",
        said.who,
        grouped(said.number("times"))
    )
}

pub(super) fn one_sided(said: &Said<'_>) -> String {
    format!("只抓到了 {} 发送的数据包：{} 做了什么，报文段何时到达，都无从知道", said.who, said.whom)
}

pub(super) fn records_reordered(said: &Said<'_>) -> String {
    format!("{} 条记录比前一条更早：请按时间对抓包排序（reordercap）", grouped(said.number("records")))
}

pub(super) fn super_segments(said: &Said<'_>) -> String {
    format!(
        "{} 个报文段大于 MSS：抓包是在发送或接收主机上进行的，网卡尚未切分，或者已经合并",
        grouped(said.number("segments"))
    )
}
