//! English.

mod beside;
mod capture;
mod connection;
mod correction;
mod ending;
mod findings;
mod group;
mod labels;
mod ladder;
mod limits;
mod opening;
mod page;
mod transfer;
mod values;

pub(super) use beside::{
    capture_ended, capturing, completeness_so_far, dropped, no_stream, only_own_frames, wrote,
};
pub(super) use connection::{connection, contents, ended, ending, icmp, notice};
pub(super) use correction::correction;
pub(super) use findings::{
    aside, connections, damage, findings, first_segments, left_out, more_connections, more_findings,
    needless, no_tcp, nothing_passes, of_stream, page_has_more, page_title, put_in_order, scale_inferred,
    several_hosts, some_connections, stands_for, unreadable, wider, window_closed, with_host,
};
pub(super) use group::group;
pub(super) use labels::label;
pub(super) use ladder::{arrives_later, folded, in_flight, lost, note, old, remark, story, without_flags};
pub(super) use limits::limits;
pub(super) use page::PAGE;
pub(super) use values::{cause, completeness, family, kind, reason, refusal, severity, timer, verdict};

use super::said::{Said, percent, time};
use crate::numbers;
use lens::{Finding, FindingId};

/// Every kind has its sentence.
pub(super) fn finding(finding: &Finding) -> String {
    let said = Said::of(finding);
    match finding.id {
        FindingId::AnswerRefused => opening::answer_refused(&said),
        FindingId::CapturedTwice => capture::captured_twice(&said),
        FindingId::CaptureEnds => capture::capture_ends(&said),
        FindingId::CaptureLoss => capture::capture_loss(&said),
        FindingId::ChallengeAck => ending::challenge_ack(&said),
        FindingId::CongestionMarked => transfer::congestion_marked(&said),
        FindingId::DirectionLate => capture::direction_late(&said),
        FindingId::EcnChanged => transfer::ecn_changed(&said),
        FindingId::FastOpenNotTaken => opening::fast_open_not_taken(&said),
        FindingId::FinUnacknowledged => ending::fin_unacknowledged(&said),
        FindingId::HalfClosed => ending::half_closed(&said),
        FindingId::HalfOpen => ending::reset(
            &said,
            "it does not know the connection any more: it restarted, or a box on the path forgot it",
        ),
        FindingId::KeepAlive => transfer::keep_alive(&said),
        FindingId::KeepAliveUnanswered => transfer::keep_alive_unanswered(&said),
        FindingId::Loss => transfer::loss(&said),
        FindingId::MarksNotEchoed => transfer::marks_not_echoed(&said),
        FindingId::MtuBlackHole => transfer::mtu_black_hole(&said),
        FindingId::NagleDelayedAck => transfer::nagle_delayed_ack(&said),
        FindingId::NoRow => capture::no_row(&said),
        FindingId::OneSided => capture::one_sided(&said),
        FindingId::OptionMissing => opening::option_missing(&said),
        FindingId::PathProbed => transfer::path_probed(&said),
        FindingId::Unreachable => opening::unreachable(&said),
        FindingId::PathTooSmall => transfer::path_too_small(&said),
        FindingId::PeerSilent => ending::peer_silent(&said),
        FindingId::PortReuse => opening::port_reuse(&said),
        FindingId::RecordsReordered => capture::records_reordered(&said),
        FindingId::Refused => opening::refused(&said),
        FindingId::Reordering => transfer::reordering(&said),
        FindingId::RequestUnanswered => transfer::request_unanswered(&said),
        FindingId::Reset => ending::aborted(&said),
        FindingId::ResetByStranger => ending::reset_by_stranger(&said),
        FindingId::ResetDataAfterClose => {
            ending::reset(&said, "data came for an application that had closed")
        }
        FindingId::ResetGaveUp => ending::reset(&said, "it gave up after retransmitting in vain"),
        FindingId::ResetIgnored => ending::reset_ignored(&said),
        FindingId::ResetKeepAlive => ending::reset_keep_alive(&said),
        FindingId::ResetUnreadData => ending::reset(&said, "it closed with data unread"),
        FindingId::RuleBroken => transfer::rule_broken(&said),
        FindingId::ServerThinkTime => transfer::server_think_time(&said),
        FindingId::SimultaneousClose => "both ends closed at once: the FINs crossed".to_owned(),
        FindingId::SimultaneousOpen => "both ends opened at once".to_owned(),
        FindingId::SlowClient => transfer::slow_client(&said),
        FindingId::SplitHandshake => opening::split_handshake(),
        FindingId::SpuriousRetransmission => transfer::spurious(&said),
        FindingId::SuperSegments => capture::super_segments(&said),
        FindingId::SynAckRetransmitted => opening::syn_ack_retransmitted(&said),
        FindingId::SynIgnored => opening::syn_ignored(&said),
        FindingId::SynRetransmitted => opening::syn_retransmitted(&said),
        FindingId::SynUnanswered => opening::syn_unanswered(&said),
        FindingId::TextAfterFin => ending::text_after_fin(&said),
        FindingId::TimeoutRecovery => transfer::timeout_recovery(&said),
        FindingId::UnacceptableAck => opening::unacceptable_ack(&said),
        FindingId::WindowLimited => transfer::window_limited(&said),
        FindingId::ZeroWindow => transfer::zero_window(&said),
        // a kind that is newer than these words
        id => format!("{}: {}", said.who, id.about()),
    }
}

impl Said<'_> {
    fn times(&self, name: &str) -> String {
        times(self.number(name))
    }

    /// "1 packet was", "3 packets were".
    fn counted(&self, name: &str, one: &str, many: &str) -> String {
        counted(self.number(name), one, many)
    }

    fn bytes(&self, name: &str) -> String {
        numbers::count(self.number(name), "byte")
    }
}

/// The number and the words that fit it.
fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", numbers::grouped(count), if count == 1 { one } else { many })
}

/// "once", "twice", "5 times".
fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{} times", numbers::grouped(count)),
    }
}
