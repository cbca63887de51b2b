//! Why a capture file cannot be read, and where it is damaged, in Chinese.

use lens::capture::{Damage, DamageKind, Error, Foreign, PACKET_BYTES_MAX, Remedy};

pub(in crate::words) fn unreadable(error: &Error, source: &str) -> String {
    let why = why(error);
    if source.is_empty() { why } else { format!("{source}：{why}") }
}

fn why(error: &Error) -> String {
    match error {
        Error::Io(error) => format!("无法读取抓包文件：{error}"),
        Error::Empty => "抓包文件是空的，连文件头也没有：请重新抓包".to_owned(),
        Error::Foreign(foreign) => {
            format!("{}，不是 pcap 或 pcapng：{}", what(*foreign), remedy(foreign.remedy()))
        }
        Error::NotACapture { first_bytes: [a, b, c, d] } => format!(
            "不认识这种文件（开头是 {a:02x} {b:02x} {c:02x} {d:02x}）：请提供 pcap 或 pcapng 文件，可以用 gzip 或 zstd 压缩"
        ),
        Error::Version { major, minor } => {
            format!("这个 pcap 文件的版本是 {major}.{minor}，只能读取 2.x 版")
        }
        Error::Damaged(place) => damage(place),
        // an error that is newer than these words
        error => error.to_string(),
    }
}

/// Names of programs and formats are those that their makers write.
fn what(foreign: Foreign) -> String {
    let of = |name: &str| format!("这是 {name} 的抓包文件");
    let packed = |name: &str| format!("这个文件是用 {name} 压缩的");
    match foreign {
        Foreign::Snoop => of("Sun snoop"),
        Foreign::NetworkMonitor1 => of("Microsoft Network Monitor 1.x"),
        Foreign::NetworkMonitor2 => of("Microsoft Network Monitor 2.x"),
        Foreign::Sniffer => of("Network General Sniffer"),
        Foreign::NetXray => of("NetXray 或 Windows Sniffer"),
        Foreign::BluetoothHci => "这是蓝牙 HCI 的 snoop 日志，里面没有 TCP".to_owned(),
        Foreign::Iptrace => of("AIX iptrace"),
        Foreign::OmniPeek => of("OmniPeek"),
        Foreign::FiveViews => of("Accellent 5Views"),
        Foreign::NetFlow => "这是 NetFlow 记录，里面没有数据包".to_owned(),
        Foreign::IxiaHardware => of("IXIA 硬件"),
        Foreign::IxiaSoftware => of("IXIA 软件"),
        Foreign::NokiaPcap => "这是诺基亚的 pcap 变体".to_owned(),
        Foreign::Erf => of("Endace ERF"),
        Foreign::Xz => packed("xz"),
        Foreign::Bzip2 => packed("bzip2"),
        Foreign::Lz4 => packed("lz4"),
        Foreign::Zip => "这是 ZIP 压缩包".to_owned(),
        Foreign::SevenZip => "这是 7-Zip 压缩包".to_owned(),
    }
}

fn remedy(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Convert => "请先转换：editcap -F pcapng IN OUT",
        Remedy::Unpack => "请先解压",
        Remedy::CaptureOnInterface => "请在网络接口上抓包",
        Remedy::CapturePackets => "请抓取数据包，例如用 tcpdump",
    }
}

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
