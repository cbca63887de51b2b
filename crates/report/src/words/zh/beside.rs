//! What `synfin demo` and `synfin explain` say beside their results, in Chinese.

use std::fmt::Display;
use std::io;

pub(in crate::words) fn wrote(file: impl Display) -> String {
    format!("已写入 {file}")
}

pub(in crate::words) fn capturing(interface: &str) -> String {
    format!("正在 {interface} 上抓包，按 Ctrl-C 结束")
}

pub(in crate::words) fn only_own_frames(error: &io::Error) -> String {
    format!("只能看到本机收发的帧：{error}")
}

pub(in crate::words) fn capture_ended(interface: &str, error: &io::Error) -> String {
    format!("{interface} 上的抓包已结束：{error}")
}

pub(in crate::words) fn dropped(dropped: impl Display, of: impl Display) -> String {
    format!("{of} 个帧中有 {dropped} 个来得太快，没能看到")
}

pub(in crate::words) fn completeness_so_far() -> &'static str {
    "tcp.completeness 只反映连接到目前为止的情况，因为这个抓包不能读第二遍"
}

pub(in crate::words) fn no_stream(stream: u32, count: u64) -> String {
    format!("没有编号为 {stream} 的连接：这个抓包有 {count} 个，从 0 开始编号")
}
