//! What limited a transfer, and how long the ends thought, in Chinese.

use super::{grouped, time};
use crate::numbers;
use lens::{Connection, Direction, OwnLimit, Side};

pub(in crate::words) fn limits(connection: &Connection) -> Vec<String> {
    let mut sides = Side::BOTH.map(|side| (connection.sent_by(side).unique_bytes, side));
    sides.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let lines = sides.into_iter().filter_map(|(_, side)| held_back(connection, side));
    lines.chain(turns(connection)).collect()
}

fn held_back(connection: &Connection, side: Side) -> Option<String> {
    let direction = connection.sent_by(side);
    let all_ns = direction.limited.total_ns();
    if direction.text_segments == 0 {
        return None;
    }
    let (who, bytes) = (connection.address(side), numbers::bytes(direction.unique_bytes));
    if all_ns == 0 {
        return Some(format!("{who} 一次发送了 {bytes}：没有受到任何限制"));
    }
    let lasted = time(all_ns / 1_000);
    let by = shares(direction, all_ns);
    Some(format!("{who} 在 {lasted} 内发送了 {bytes}，时间用于等待：{by}{}", own_limit(&direction.own_limit)))
}

/// What shows that it held itself back.
fn own_limit(own: &OwnLimit) -> String {
    let mut told = String::new();
    if own.plateau_rounds > 0 {
        told += &format!(
            "；在 {} 个往返时间里，它的在途数据始终是 {}，只随确认前进，而窗口仍有余地，也没有丢失：受限于它的发送缓冲区，或者协议栈自身的限制",
            grouped(own.plateau_rounds.into()),
            numbers::bytes(own.plateau_bytes.into())
        );
    }
    if own.nagle_segments > 0 {
        told += &format!(
            "；它有 {} 个小报文段等到前一个得到确认才发送（共 {}）：这是 Nagle 算法；请把属于一起的数据一次写出，或者设置 TCP_NODELAY",
            grouped(own.nagle_segments.into()),
            time(own.nagle_ns / 1_000)
        );
    }
    told
}

/// The largest share first; what is nothing is not told.
fn shares(direction: &Direction, all_ns: u64) -> String {
    let limited = direction.limited;
    let mut shares = [
        (limited.application_ns, "应用程序"),
        (limited.network_ns, "网络或拥塞窗口"),
        (limited.receiver_ns, "接收窗口"),
        (limited.sender_ns, "自身"),
    ];
    shares.sort_by_key(|(ns, _)| std::cmp::Reverse(*ns));
    let told = shares.iter().filter(|(ns, _)| *ns * 200 >= all_ns);
    told.map(|(ns, by)| format!("{by} {}", numbers::percent(*ns, all_ns))).collect::<Vec<_>>().join("，")
}

fn turns(connection: &Connection) -> Option<String> {
    let turns = &connection.turns;
    let (client, think) = (turns.client?, turns.think?);
    let server = connection.address(client.other());
    let of = |us: u32| time(us.into());
    let thought = match think.count {
        1 => format!("{server} 在应答之前处理了 {}", of(think.max_us)),
        count => format!(
            "{server} 在每次应答之前处理 {}（中位数），最长 {}（共 {count} 次应答）",
            of(think.median_us),
            of(think.max_us)
        ),
    };
    let paused = match turns.pause {
        Some(pause) => format!(
            "；{} 隔 {}（中位数）才继续，最长 {}",
            connection.address(client),
            of(pause.median_us),
            of(pause.max_us)
        ),
        None => String::new(),
    };
    Some(thought + &paused)
}
