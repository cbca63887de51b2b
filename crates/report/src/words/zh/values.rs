//! Values of the engine and the lens as a person reads them, in Chinese: reasons, refusals, causes, timers, verdicts.
//!
//! A value that is newer than these words has its English ones; a test goes through all values.

use crate::page::Family;
use lens::{Completeness, FindingId, Notes, Severity, Verdicts};
use tcp::state::Cause;
use tcp::{ProbeReason, Refusal, ResetReason, SendReason, Timer, UndoSign};

pub(in crate::words) fn reason(reason: SendReason) -> &'static str {
    match reason {
        SendReason::Syn => "请求建立连接",
        SendReason::SynAck => "同意，并请求反方向的连接",
        SendReason::HandshakeAck => "确认，完成三次握手",
        SendReason::NewData => "新数据",
        SendReason::Fin => "数据已发完",
        SendReason::LimitedTransmit => "收到重复确认时发送新数据（有限传输）",
        SendReason::Timeout => "超时重传：重传计时器到期",
        SendReason::AfterTimeout => "重传：超时之后判为丢失",
        SendReason::ReorderTimeout => "重传：来得太晚，不只是乱序",
        SendReason::PathMtu => "重传：原报文段超过路径 MTU",
        SendReason::WindowReopened => "再次发送：窗口已重新打开",
        SendReason::FastRetransmit => "快速重传：三个重复确认",
        SendReason::RecoveryRetransmit => "重传：部分确认表明下一处缺失",
        SendReason::SackRecovery => "重传：SACK 表明有缺失",
        SendReason::PathProbe => "新数据，兼作更大路径 MTU 的探测",
        SendReason::TailProbeWithNewData => "新数据，兼作尾部丢失探测",
        SendReason::TailLossProbe => "尾部丢失探测",
        SendReason::ZeroWindowProbe => "零窗口探测",
        SendReason::KeepAlive => "保活探测",
        SendReason::DelayedAck => "延迟确认",
        SendReason::SecondSegmentAck => "每两个报文段确认一次",
        SendReason::ImmediateAck => "立即确认",
        SendReason::DuplicateAck => "重复确认：有数据缺失",
        SendReason::FinAck => "确认 FIN",
        SendReason::WindowUpdate => "窗口更新",
        SendReason::OutOfWindowAck => "回应不可接受的报文段",
        SendReason::ChallengeAck => "挑战 ACK",
        SendReason::ProbeAck => "回应探测",
        SendReason::CongestionEcho => "立即回报拥塞标记",
        SendReason::Reset(reason) => match reason {
            ResetReason::ClosedPort => "复位：此处没有这个连接",
            ResetReason::UnacceptableAck => "复位：对方确认了从未发送的数据",
            ResetReason::Aborted => "复位：应用程序中止了连接",
            ResetReason::UnreadData => "复位：关闭时还有数据未读",
            ResetReason::DataAfterClose => "复位：数据的接收者已经离开",
            ResetReason::GaveUp => "复位：放弃了连接",
            ResetReason::OutOfMemory => "复位：没有内存可用",
            _ => "复位",
        },
        other => other.sentence(),
    }
}

pub(in crate::words) fn refusal(why: Refusal) -> &'static str {
    match why {
        Refusal::OutOfWindow => "在接收窗口之外",
        Refusal::OldTimestamp => "时间戳比已经收到的更旧（PAWS）",
        Refusal::MissingTimestamp => "已协商时间戳，却没有携带",
        Refusal::InexactReset => "RST 的序号不等于 RCV.NXT：可能是伪造的",
        Refusal::ResetInTimeWait => "TIME-WAIT 中的 RST",
        Refusal::UnprovenReset => "RST 没有确认本端的 SYN",
        Refusal::UnexpectedSyn => "已同步的连接上出现 SYN",
        Refusal::NoAck => "没有 ACK 标志",
        Refusal::AckOfUnsent => "确认了从未发送的数据",
        Refusal::AckTooOld => "确认号太旧",
        Refusal::NoSyn => "等待的是 SYN，它却不是",
        Refusal::NoRoom => "没有空间存放更多的乱序片段",
        Refusal::TextAfterFin => "FIN 之后的数据",
        Refusal::TextAfterClose => "数据的接收者已经离开",
        Refusal::Deferred => "第三次握手没有携带监听方等待的数据",
        Refusal::NoConnection => "没有这个连接",
        other => other.sentence(),
    }
}

/// Why a connection died.
pub(in crate::words) fn failure(error: tcp::Error) -> &'static str {
    match error {
        tcp::Error::Refused => "对方拒绝了连接：该端口无人监听",
        tcp::Error::Reset => "对方复位了连接",
        tcp::Error::TimedOut => "对方不再应答",
        tcp::Error::Aborted => "本端中止了连接",
        tcp::Error::HostUnreachable => "没有到对方主机的路由",
        tcp::Error::NetworkUnreachable => "没有到对方网络的路由",
        tcp::Error::PortUnreachable => "对方主机不接受该端口上的 TCP",
        tcp::Error::ProtocolUnreachable => "对方主机不支持 TCP",
        tcp::Error::SourceRouteFailed => "到对方主机的源路由失败",
        tcp::Error::HostUnknown => "对方主机未知",
        tcp::Error::HostIsolated => "路由器通知本主机已被隔离",
        tcp::Error::HopsExceeded => "到对方主机的路径超过数据包的跳数限制",
        tcp::Error::NetworkProhibited => "途中的路由器禁止与对方网络通信",
        tcp::Error::Prohibited => "途中的路由器禁止这个连接",
        tcp::Error::ParameterProblem => "途中的主机无法解释本端数据包的首部",
        tcp::Error::OutOfMemory => "本主机内存耗尽，而这个连接占用很多却没有进展",
        tcp::Error::NextHeaderUnknown => "对方主机不认识 IPv6 首部之后的协议",
        _ => "连接失败",
    }
}

pub(in crate::words) fn cause(on: Cause) -> &'static str {
    match on {
        Cause::PassiveOpen => "被动打开",
        Cause::ActiveOpen => "主动打开",
        Cause::Send => "发送（SEND）",
        Cause::Close => "关闭（CLOSE）",
        Cause::Abort => "中止（ABORT）",
        Cause::Syn => "收到 SYN",
        Cause::SynAck => "收到 SYN,ACK",
        Cause::SynToPassiveOpen => "收到 SYN（被动打开）",
        Cause::NewSyn => "收到更新的 SYN",
        Cause::AckOfSyn => "收到对 SYN 的 ACK",
        Cause::Fin => "收到 FIN",
        Cause::AckOfFin => "收到对 FIN 的 ACK",
        Cause::FinAndAckOfFin => "收到 FIN 和对 FIN 的 ACK",
        Cause::Rst => "收到 RST",
        Cause::RstToPassiveOpen => "收到 RST（被动打开）",
        Cause::DataAfterClose => "关闭之后收到数据",
        Cause::HardError => "ICMP 硬差错",
        Cause::GaveUp => "重传超过 R2",
        Cause::UserTimeout => "用户超时",
        Cause::OrphanTimeout => "孤儿连接超时",
        Cause::TimeWaitTimeout => "2 MSL 计时到期",
        other => other.name(),
    }
}

pub(in crate::words) fn timer(timer: Timer) -> &'static str {
    match timer {
        Timer::Retransmit => "重传计时器",
        Timer::Reorder => "乱序计时器",
        Timer::Probe => "尾部丢失探测计时器",
        Timer::Pace => "发送节奏计时器",
        Timer::Persist => "坚持计时器",
        Timer::DelayedAck => "延迟确认计时器",
        Timer::KeepAlive => "保活计时器",
        Timer::User => "用户超时计时器",
        Timer::Linger => "逗留计时器",
        Timer::Cork => "合并发送计时器",
        Timer::Challenge => "挑战 ACK 计时器",
        other => other.name(),
    }
}

pub(in crate::words) fn undo(sign: UndoSign) -> &'static str {
    match sign {
        UndoSign::Timestamp => "恢复拥塞窗口：原报文段已经到达（时间戳回显）",
        UndoSign::Duplicates => "恢复拥塞窗口：其实没有丢失（D-SACK）",
        UndoSign::EarlyTimeout => "恢复拥塞窗口：超时过早（F-RTO）",
        other => other.sentence(),
    }
}

pub(in crate::words) fn probe_reason(why: ProbeReason) -> &'static str {
    match why {
        ProbeReason::FullPipe => "交付速率不再增长",
        ProbeReason::HighLoss => "丢失超过 2 %",
        ProbeReason::Marked => "网络给数据包打了拥塞标记",
        ProbeReason::Drained => "队列已排空",
        ProbeReason::TookTooLong => "排空用时太长",
        ProbeReason::Waited => "到了再次探测的时间",
        ProbeReason::RenoRounds => "Reno 此时也会增长到这里",
        ProbeReason::Refilled => "管道已重新填满",
        ProbeReason::Precaution => "在途数据已达上次过多时的水平",
        ProbeReason::DidNoHarm => "谨慎的探测没有造成丢失",
        ProbeReason::RttIsOld => "需要重新测量往返时间",
        ProbeReason::RttMeasured => "往返时间已测得",
        ProbeReason::Undone => "其实没有丢失",
        other => other.sentence(),
    }
}

/// A verdict of Wireshark.
pub(in crate::words) fn verdict(verdict: Verdicts) -> &'static str {
    match verdict {
        Verdicts::REUSED_PORTS => "端口重用",
        Verdicts::LOST_SEGMENT => "前一报文段未抓到",
        Verdicts::ACK_LOST_SEGMENT => "确认了未抓到的报文段",
        Verdicts::OUT_OF_ORDER => "乱序",
        Verdicts::RETRANSMISSION => "重传",
        Verdicts::FAST_RETRANSMISSION => "快速重传",
        Verdicts::SPURIOUS_RETRANSMISSION => "虚假重传",
        Verdicts::DUPLICATE_ACK => "重复确认",
        Verdicts::KEEP_ALIVE => "保活",
        Verdicts::KEEP_ALIVE_ACK => "保活应答",
        Verdicts::WINDOW_UPDATE => "窗口更新",
        Verdicts::WINDOW_FULL => "窗口已满",
        Verdicts::ZERO_WINDOW => "零窗口",
        Verdicts::ZERO_WINDOW_PROBE => "零窗口探测",
        Verdicts::ZERO_WINDOW_PROBE_ACK => "零窗口探测应答",
        Verdicts::TFO_SYN => "Fast Open 的 SYN",
        Verdicts::TFO_ACK => "接收了 SYN 的数据",
        Verdicts::TFO_IGNORED => "没有接收 SYN 的数据",
        Verdicts::DSACK => "D-SACK：重复到达",
        Verdicts::PARTIAL_ACK => "部分确认",
        other => other.names().next().unwrap_or_default(),
    }
}

/// A single note of the lens.
pub(in crate::words) fn note(note: Notes) -> &'static str {
    match note {
        Notes::CAPTURED_TWICE => "抓到两次",
        Notes::ACROSS_ROUTER => "在路由器两侧各抓到一次",
        Notes::SUPER_SEGMENT => "超大报文段（网卡分段卸载）",
        Notes::RECORD_REORDERED => "记录的时间早于前一条",
        Notes::CROSSED => "与对方的报文段在途中交错",
        Notes::TEXT_AFTER_FIN => "FIN 之后的数据",
        Notes::SYN_IN_SYNCHRONIZED => "已打开的连接上的 SYN",
        Notes::NO_ROW => "状态图无法解释",
        Notes::UNACCEPTABLE_ACK => "确认了从未发送的数据",
        Notes::REFUSED => "拒绝连接",
        Notes::RESET_IGNORED => "忽略了 RST",
        Notes::SHOWS_SPURIOUS => "表明先前的重传是虚假的",
        Notes::SYN_WITHOUT_MSS => "SYN 没有 MSS 选项",
        Notes::MSS_WITHOUT_SYN => "SYN 之外的 MSS 选项",
        Notes::SCALE_TOO_LARGE => "窗口扩大因子大于 14",
        Notes::ACK_FIELD_WITHOUT_ACK => "确认号不为零，却没有 ACK 标志",
        Notes::URGENT_WITHOUT_URG => "紧急指针不为零，却没有 URG 标志",
        Notes::OPTIONS_CUT => "选项没有抓全",
        Notes::HALF_OPEN => "半打开的连接",
        Notes::SACK_OF_UNSENT => "SACK 报告了从未发送的数据",
        Notes::ECN_CONGESTION => "到此处已有拥塞标记（CE）",
        Notes::WINDOW_SHRANK => "窗口右边沿后退",
        Notes::QUOTED => "被 ICMP 差错报文引用",
        Notes::LINK_RETRY => "无线链路重发",
        Notes::SHOWS_CAUSE => "表明先前报文段另有原因",
        Notes::NEEDLESS => "后来可知是多余的",
        other => other.names().next().unwrap_or_default(),
    }
}

pub(in crate::words) fn completeness(completeness: Completeness) -> &'static str {
    match completeness.name() {
        "Incomplete, SYN_SENT" => "抓包不完整，只有 SYN",
        "Incomplete, CLIENT_ESTABLISHED" => "抓包不完整，只有前两次握手",
        "Incomplete, ESTABLISHED" => "抓包不完整，只有三次握手",
        "Incomplete, DATA" => "抓包不完整，有数据",
        "Complete, WITH_DATA" => "抓包完整，有数据",
        "Complete, NO_DATA" => "抓包完整，没有数据",
        _ => "抓包不完整",
    }
}

pub(in crate::words) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "提示",
        Severity::Warning => "警告",
        Severity::Problem => "问题",
        other => other.name(),
    }
}

/// What a kind of finding says, in a few words.
pub(in crate::words) fn kind(id: FindingId) -> &'static str {
    match id {
        FindingId::AnswerRefused => "SYN,ACK 被收到它的一端拒绝。",
        FindingId::CapturedTwice => "同样的数据包抓到了两次。",
        FindingId::CaptureEnds => "抓包在能看出结果之前就结束了。",
        FindingId::CaptureLoss => "两端交换的数据包没有抓全。",
        FindingId::ChallengeAck => "已打开的连接上的 SYN 或 RST，以及对它的挑战 ACK。",
        FindingId::CongestionMarked => "路径给数据包打了拥塞标记，而没有丢弃。",
        FindingId::DirectionLate => "抓包中有一个方向偏晚。",
        FindingId::EcnChanged => "路径改写了 ECN 字段。",
        FindingId::FastOpenNotTaken => "随 SYN 发送的数据没有被接收。",
        FindingId::FinUnacknowledged => "FIN 始终没有得到确认。",
        FindingId::HalfClosed => "一个方向比另一个方向早关闭很久。",
        FindingId::HalfOpen => "一端已经不认识这个连接。",
        FindingId::KeepAlive => "用保活维持空闲的连接。",
        FindingId::KeepAliveUnanswered => "保活探测没有应答。",
        FindingId::Loss => "发送的数据丢失很多。",
        FindingId::MarksNotEchoed => "带标记的数据包到达了，发送方却不知道。",
        FindingId::MtuBlackHole => "大报文段始终无法通过。",
        FindingId::NagleDelayedAck => "小块数据等待延迟确认。",
        FindingId::NoRow => "状态图无法解释这个报文段。",
        FindingId::OneSided => "只抓到一个方向。",
        FindingId::OptionMissing => "握手中缺少某个选项。",
        FindingId::PathProbed => "寻找更大的路径 MTU。",
        FindingId::PathTooSmall => "路由器通知数据包太大。",
        FindingId::PeerSilent => "一端再无消息。",
        FindingId::PortReuse => "在旧连接的地址和端口上建立了新连接。",
        FindingId::RecordsReordered => "记录没有按时间排列。",
        FindingId::Refused => "SYN 得到的是复位。",
        FindingId::Reordering => "数据包在途中乱序。",
        FindingId::RequestUnanswered => "请求得到确认，却没有应答。",
        FindingId::Reset => "一端丢弃了连接。",
        FindingId::ResetByStranger => "复位并非由它声称的一端发送。",
        FindingId::ResetDataAfterClose => "数据到达已经关闭的一端。",
        FindingId::ResetGaveUp => "一端多次重传无果后放弃。",
        FindingId::ResetIgnored => "一端在复位之后仍在继续。",
        FindingId::ResetKeepAlive => "一端在保活探测没有应答之后放弃。",
        FindingId::ResetUnreadData => "一端关闭时还有数据未读。",
        FindingId::RuleBroken => "某个字段违反了规范。",
        FindingId::ServerThinkTime => "应答很久才开始。",
        FindingId::SimultaneousClose => "两端同时关闭。",
        FindingId::SimultaneousOpen => "两端同时打开。",
        FindingId::SlowClient => "下一个请求很久才来。",
        FindingId::SplitHandshake => "对 SYN 的应答分成了两部分。",
        FindingId::SpuriousRetransmission => "重传的数据其实已经到达。",
        FindingId::SuperSegments => "报文段大于 MSS。",
        FindingId::SynAckRetransmitted => "SYN,ACK 重传过。",
        FindingId::SynIgnored => "刚用过的端口上的 SYN 没有应答。",
        FindingId::SynRetransmitted => "SYN 重传过，后来得到应答。",
        FindingId::SynUnanswered => "SYN 没有应答。",
        FindingId::TextAfterFin => "自己的 FIN 之后又有数据。",
        FindingId::TimeoutRecovery => "丢失靠等待才得到修复。",
        FindingId::UnacceptableAck => "握手中确认了从未发送的数据。",
        FindingId::Unreachable => "路由器通知一端无法到达。",
        FindingId::WindowLimited => "接收窗口限制了发送方。",
        FindingId::ZeroWindow => "接收窗口关闭（零窗口）。",
        other => other.about(),
    }
}

/// What an ICMP error says, by the English phrase.
pub(in crate::words) fn icmp_phrase(phrase: &str) -> &'static str {
    match phrase {
        "network unreachable" => "网络不可达",
        "host unreachable" => "主机不可达",
        "protocol unreachable" => "协议不可达",
        "port unreachable" => "端口不可达",
        "fragmentation needed" => "需要分片，但设置了 DF",
        "source route failed" => "源路由失败",
        "network unknown" => "目的网络未知",
        "host unknown" => "目的主机未知",
        "source host isolated" => "源主机被隔离",
        "network administratively prohibited" => "与目的网络的通信被管理策略禁止",
        "host administratively prohibited" => "与目的主机的通信被管理策略禁止",
        "network unreachable for this type of service" => "对此服务类型网络不可达",
        "host unreachable for this type of service" => "对此服务类型主机不可达",
        "administratively prohibited" => "通信被管理策略禁止",
        "host precedence violation" => "违反主机优先级",
        "precedence cut off" => "优先级过低而被中止",
        "destination unreachable" => "目的不可达",
        "source quench" => "源点抑制",
        "time to live exceeded" => "传输中 TTL 超时",
        "fragment reassembly time exceeded" => "分片重组超时",
        "time exceeded" => "超时",
        "required option missing" => "缺少必需的选项",
        "bad length" => "长度错误",
        "parameter problem" => "参数问题",
        "no route to destination" => "没有到目的地的路由",
        "beyond the scope of the source address" => "超出源地址的范围",
        "address unreachable" => "地址不可达",
        "source address failed policy" => "源地址不符合策略",
        "route to destination rejected" => "到目的地的路由被拒绝",
        "error in source routing header" => "源路由首部有错",
        "packet too big" => "数据包太大",
        "hop limit exceeded" => "传输中跳数限制超时",
        "unrecognized next header" => "无法识别的下一个首部",
        "unrecognized IPv6 option" => "无法识别的 IPv6 选项",
        "unreachable" => "不可达",
        _ => "差错",
    }
}

pub(in crate::words) const fn family(family: Family) -> &'static str {
    match family {
        Family::New => "新发",
        Family::Acknowledgment => "确认",
        Family::Timer => "超时",
        Family::Recovery => "恢复",
        Family::Probe => "探测",
        Family::Window => "窗口",
        Family::Reset => "复位",
    }
}
