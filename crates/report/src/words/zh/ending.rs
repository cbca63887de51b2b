//! How connections end, in Chinese.

use super::{Said, bytes, grouped};

pub(super) fn challenge_ack(said: &Said<'_>) -> String {
    let (who, whom) = (&said.who, &said.whom);
    match said.number("challenges") {
        0 => format!("{whom} 在已打开的连接上发送了 SYN，而 {who} 没有用挑战 ACK 回应"),
        challenges => format!(
            "{who} 用挑战 ACK 回应了 {whom} 的可疑报文段 {challenges} 次：对方重启后留下的半打开连接，或者伪造的报文段"
        ),
    }
}

pub(super) fn fin_unacknowledged(said: &Said<'_>) -> String {
    match said.number("sent_again_times") {
        0 => format!("{} 发送了 FIN，抓包中没有对它的确认", said.who),
        again => format!("{} 把 FIN 重传了 {again} 次：对方始终没有确认", said.who),
    }
}

pub(super) fn half_closed(said: &Said<'_>) -> String {
    let (who, whom, lasted) = (&said.who, &said.whom, said.time("half_closed_us"));
    if said.has("in-use") {
        return format!("{whom} 关闭自己的方向之后，{who} 又继续发送了 {lasted}：这是在使用半关闭");
    }
    if said.has("never-closed") {
        return format!(
            "{whom} 关闭之后 {lasted} 内 {who} 没有关闭：它的应用程序没有发现数据已经结束，或者没有处理（CLOSE-WAIT）"
        );
    }
    format!("{whom} 关闭之后 {lasted}，{who} 才关闭")
}

pub(super) fn peer_silent(said: &Said<'_>) -> String {
    format!(
        "最后 {} 里没有 {} 的任何消息：{} 把同样的数据重传了 {} 次，都没有应答；该主机或通往它的路径已经中断",
        said.time("silent_us"),
        said.who,
        said.whom,
        grouped(said.number("sent_again_times"))
    )
}

/// What every reset has: by whom, why, what was lost, whether it must be obeyed.
pub(super) fn reset(said: &Said<'_>, because: &str) -> String {
    let lost = match said.number("unacknowledged_bytes") {
        0 => String::new(),
        count => format!("；它发送的 {}始终没有得到确认", bytes(count)),
    };
    let obeyed = if said.has("outside") {
        "；其序号在窗口之外，所以必须忽略"
    } else if said.has("not-exact") {
        "；其序号不是期待的下一个，所以新的协议栈会先用挑战 ACK 核实"
    } else {
        ""
    };
    format!("{} 复位了与 {} 的连接：{because}{lost}{obeyed}", said.who, said.whom)
}

pub(super) fn aborted(said: &Said<'_>) -> String {
    if said.has("unacceptable-ack") {
        return reset(said, "对方确认了它从未发送的数据");
    }
    if said.has("bare") {
        return reset(said, "应用程序丢弃了连接，或者它已经不认识这个连接");
    }
    if said.has("no-data") {
        return reset(said, "连接建立后没有传一个字节就被丢弃：健康检查、扫描，或者临时改变了主意");
    }
    if said.has("instead-of-fin") {
        let received = bytes(said.number("received_bytes"));
        let because =
            format!("应用程序收到 {received}之后没有正常关闭，而是直接丢弃了连接；其中可能有数据没有被读取");
        return reset(said, &because);
    }
    reset(said, "应用程序丢弃了连接")
}

pub(super) fn reset_keep_alive(said: &Said<'_>) -> String {
    reset(said, "保活探测都没有应答，于是它放弃了；对方主机或通往它的路径已经中断")
}

pub(super) fn reset_by_stranger(said: &Said<'_>) -> String {
    format!(
        "有人以 {who} 的名义发送了复位，而 {who} 仍在继续：该报文段的跳数限制为 {}，其他报文段为 {}；发送者是路径上的中间设备，或者伪造者",
        said.number("hop_limit"),
        said.number("usual_hop_limit"),
        who = said.who,
    )
}

pub(super) fn reset_ignored(said: &Said<'_>) -> String {
    let why = if said.has("outside") {
        "其序号在窗口之外，本来就应当忽略"
    } else {
        "它没有接受，或者没有收到；该 RST 可能是伪造的"
    };
    format!("第 {} 帧的 RST 之后，{} 仍在继续：{why}", said.number("reset_frame"), said.who)
}

pub(super) fn text_after_fin(said: &Said<'_>) -> String {
    format!(
        "{} 在自己的 FIN 之后又发送了 {} 次数据，而 FIN 本应表示数据结束",
        said.who,
        grouped(said.number("times"))
    )
}
