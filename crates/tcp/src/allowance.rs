//! How often the suspicious is answered (RFC 5961 §7).
//!
//! Each kind of answer has an allowance of its own, so that who makes us repeat acknowledgments cannot keep us from
//! challenging a SYN or a RST, which is what heals a connection whose peer has rebooted.

use crate::{Instant, SendReason};
use core::time::Duration;

/// So many answers of one kind in so much time. Counted per connection: a count for the host would be a side channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Answers; the next one has to wait for the next period.
    pub answers: u8,
    /// A period begins with its first answer.
    pub per: Duration,
}

/// What has been used of an [`Allowance`]. Packed, because every connection has one, and every entry in TIME-WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(Rust, packed)]
pub(crate) struct Spent {
    answers: u8,
    /// When the period began, in milliseconds; meaningless while there were no answers.
    since_ms: u32,
}

impl Spent {
    pub(crate) const NOTHING: Spent = Spent { answers: 0, since_ms: 0 };

    /// Whether one more may be answered now.
    pub(crate) fn take(&mut self, now: Instant, allowance: Allowance) -> bool {
        let now_ms = now.as_millis() as u32;
        let period_ms = u32::try_from(allowance.per.as_millis()).unwrap_or(u32::MAX);
        if self.answers == 0 || now_ms.wrapping_sub(self.since_ms) >= period_ms {
            *self = Spent { answers: 0, since_ms: now_ms };
        }
        let may = self.answers < allowance.answers;
        self.answers += u8::from(may);
        may
    }
}

/// The kinds of answers to what is suspicious.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// To a SYN, a RST, an acknowledgment of what was not sent.
    Challenge,
    /// To what is outside the window or too old.
    Repeat,
    /// To keep-alives and probes.
    Probe,
}

/// What has been used of an [`Allowance`] for each kind of answer. They share a period: it begins with the first
/// answer of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpentByKind {
    since_ms: u32,
    answers: [u8; 3],
}

impl SpentByKind {
    pub(crate) const NOTHING: SpentByKind = SpentByKind { since_ms: 0, answers: [0; 3] };

    /// Whether one more may be answered now, for this reason.
    pub(crate) fn take(&mut self, now: Instant, allowance: Allowance, why: SendReason) -> bool {
        let kind = match why {
            SendReason::ChallengeAck => Kind::Challenge,
            SendReason::ProbeAck => Kind::Probe,
            _ => Kind::Repeat,
        };
        let now_ms = now.as_millis() as u32;
        let period_ms = u32::try_from(allowance.per.as_millis()).unwrap_or(u32::MAX);
        if self.answers == [0; 3] || now_ms.wrapping_sub(self.since_ms) >= period_ms {
            *self = SpentByKind { since_ms: now_ms, answers: [0; 3] };
        }
        let spent = &mut self.answers[kind as usize];
        let may = *spent < allowance.answers;
        *spent += u8::from(may);
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_begins_with_its_first_answer() {
        let allowance = Allowance { answers: 10, per: Duration::from_secs(1) };
        let mut spent = Spent::NOTHING;
        let mut answered = |at| (0..50).filter(|_| spent.take(Instant::from_millis(at), allowance)).count();
        assert_eq!(answered(1_500), 10);
        assert_eq!(answered(2_499), 0);
        assert_eq!(answered(2_500), 10);
    }

    #[test]
    fn each_kind_has_its_own_in_one_period() {
        let allowance = Allowance { answers: 10, per: Duration::from_secs(1) };
        let mut spent = SpentByKind::NOTHING;
        let reasons = [SendReason::OutOfWindowAck, SendReason::ChallengeAck, SendReason::ProbeAck];
        let mut answered =
            |at, why| (0..50).filter(|_| spent.take(Instant::from_millis(at), allowance, why)).count();
        assert_eq!(reasons.map(|why| answered(1_500, why)), [10; 3]);
        assert_eq!(reasons.map(|why| answered(2_499, why)), [0; 3]);
        assert_eq!(reasons.map(|why| answered(2_500, why)), [10; 3]);
    }

    #[test]
    fn none_and_no_time_at_all() {
        let mut spent = Spent::NOTHING;
        let now = Instant::from_millis(1);
        assert!(!spent.take(now, Allowance { answers: 0, per: Duration::from_secs(1) }));
        let always = Allowance { answers: 1, per: Duration::ZERO };
        assert!((0..9).all(|_| spent.take(now, always)));
    }
}
