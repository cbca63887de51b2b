//! Where a capture file is damaged, in Chinese.

use lens::capture::{Damage, DamageKind, PACKET_BYTES_MAX};

pub(in crate::words) fn damage(damage: &Damage) -> String {
    let (at, what) = (damage.offset_bytes, kind(&damage.what));
    let is_cut = matches!(damage.what, DamageKind::CutShort { .. });
    let how = if is_cut { "被截断" } else { "已损坏" };
    match damage.record {
        0 => format!("抓包文件{how}：{what}；什么也没能读出"),
        1 => format!("抓包文件在第 1 个数据包处（第 {at} 字节）{how}：{what}；什么也没能读出"),
        record => format!(
            "抓包文件在第 {record} 个数据包处（第 {at} 字节）{how}：{what}；已读出它之前的 {} 个",
            record - 1
        ),
    }
}

fn kind(what: &DamageKind) -> String {
    match what {
        DamageKind::CutShort { have_bytes, need_bytes } => {
            format!("应有 {need_bytes} 字节，只有 {have_bytes} 字节")
        }
        DamageKind::PacketTooLong { bytes } => {
            format!("它自称有 {bytes} 字节，超过任何数据包的上限 {PACKET_BYTES_MAX}")
        }
        DamageKind::BlockLength { kind, bytes } => {
            format!("类型为 {kind:#x} 的块自称有 {bytes} 字节，这不可能")
        }
        DamageKind::BlockEnds { first_bytes, last_bytes } => {
            format!("一个块开头写的长度是 {first_bytes} 字节，结尾写的却是 {last_bytes}")
        }
        DamageKind::PacketOutgrowsBlock { packet_bytes, block_bytes } => {
            format!("{packet_bytes} 字节的数据包放不进 {block_bytes} 字节的块")
        }
        DamageKind::UnknownInterface { interface, known } => {
            format!("它属于第 {interface} 号接口，而所在的节只描述了 {known} 个接口")
        }
        DamageKind::ByteOrderMark { found } => format!("一个节的字节序标记处是 {found:#010x}"),
        DamageKind::SectionVersion { major } => {
            format!("一个节的 pcapng 版本是 {major}，只能读取版本 1")
        }
        DamageKind::TooManyInterfaces => "它描述了超过 65,536 个接口".to_owned(),
        DamageKind::Compression(why) => format!("压缩数据已损坏（{why}）"),
        // a kind that is newer than these words
        what => what.to_string(),
    }
}
