//! What later frames show of earlier ones, in Chinese.

use lens::tcp::SendReason;
use lens::{Correction, Evidence};

pub(in crate::words) fn correction(correction: &Correction) -> String {
    let Correction { frame, at_frame, was, now, evidence, .. } = correction;
    let mut parts = Vec::new();
    if correction.has_other_cause() {
        parts.push(format!("现判断为{}，而不是{}", cause(*now), cause(*was)));
    }
    if correction.is_needless {
        let by = if evidence.contains(Evidence::DSACK) {
            "数据到达了两次"
        } else {
            "原报文段已经到达"
        };
        parts.push(format!("这次{}是多余的：{by}", cause(*now)));
    }
    format!("第 {frame} 帧：{}（由第 {at_frame} 帧可知）", parts.join("；"))
}

/// A cause as a noun.
fn cause(reason: SendReason) -> &'static str {
    match reason {
        SendReason::Timeout => "超时重传",
        SendReason::AfterTimeout => "超时之后的重传",
        SendReason::TailLossProbe => "尾部丢失探测",
        SendReason::FastRetransmit => "快速重传",
        SendReason::RecoveryRetransmit | SendReason::SackRecovery => "快速恢复中的重传",
        SendReason::ReorderTimeout => "乱序计时器引起的重传",
        SendReason::PathMtu => "因路径 MTU 引起的重传",
        SendReason::WindowReopened => "窗口重新打开后的重传",
        SendReason::NewData => "新数据",
        other => super::reason(other),
    }
}
