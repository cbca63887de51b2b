//! One half of a connection: what one end sends.

use super::Before;
use super::times::PathTimes;
use crate::ends::End;
use crate::limits::MSS_BYTES_DEFAULT;
use crate::metrics::Traffic;
use crate::verdicts::{Remembered, Scale, reports_duplicate};
use crate::why::{Circumstances, Sender, Sending, has_reorder_timer};
use crate::{Frame, Segment};
use wire::Seq;

/// One end, and all that is remembered of what it sends.
#[derive(Debug, Default)]
pub(crate) struct Half {
    /// What the verdicts go by: its numbers, its window, what is in flight.
    pub(crate) judged: Remembered,
    /// Its state.
    pub(crate) end: End,
    /// What tells why it sends.
    pub(crate) sender: Sender,
    /// What is counted.
    pub(crate) traffic: Traffic,
}

impl Half {
    /// A value out of every line of memory, to have them all fetched at once.
    pub(super) fn warmth(&self) -> u64 {
        let judged = u64::from(self.judged.next_seq.unwrap_or_default().number())
            ^ self.judged.unacked.warmth()
            ^ self.judged.sack().len() as u64;
        let end = self.end.state() as u64 ^ u64::from(self.end.is_passive);
        judged ^ end ^ self.sender.warmth() ^ self.traffic.warmth()
    }

    /// Bytes that it has sent and `other` has not acknowledged, as far as captured.
    #[inline]
    pub(super) fn in_flight_bytes(&self, other: &Half) -> u32 {
        let numbers = self.judged.next_seq.zip(other.judged.last_ack);
        numbers.map_or(0, |(next, una)| next.offset_from(una).max(0).cast_unsigned())
    }

    /// The window that it offered last, in bytes.
    #[inline]
    pub(super) fn window_bytes(&self) -> u32 {
        self.judged.window_bytes(self.judged.window).0
    }

    /// The right edge of the window that it offered last, if it is known exactly.
    #[inline]
    pub(crate) fn window_edge(&self) -> Option<Seq> {
        let exact = !self.judged.window_is_of_syn && self.judged.scale != Scale::Unknown;
        self.judged.last_ack.filter(|_| exact).map(|last_ack| last_ack + self.window_bytes())
    }

    /// Whether an acknowledgment says more of its segments in flight than how far they are acknowledged.
    #[inline]
    pub(super) fn listens_to(&self, acknowledgment: &Segment) -> bool {
        let is_watched = || self.sender.loss.as_ref().is_some_and(|loss| loss.is_watching());
        !acknowledgment.options.sack.is_empty() || is_watched()
    }

    /// What an acknowledgment says of its segments in flight, once SACK blocks were seen. Comes before the judgement,
    /// which forgets what is acknowledged.
    pub(super) fn hear_of_flight(&mut self, acknowledgment: &Segment, times: PathTimes) {
        let PathTimes { turn_ns, initial_rtt_ns, mss_bytes } = times;
        let now_ns = acknowledgment.time.as_nanos();
        let of_text_ns = self.traffic.rtt.min_ns().map(|rtt_ns| rtt_ns + turn_ns);
        let rtt_min_ns = of_text_ns.into_iter().chain(initial_rtt_ns).min().unwrap_or(0);
        let (sender, unacked) = (&mut self.sender, &mut self.judged.unacked);
        let srtt_ns = sender.srtt_ns().unwrap_or(0) + turn_ns;
        let mss_bytes = sender.largest_text_bytes.min(mss_bytes).max(MSS_BYTES_DEFAULT);
        let loss = sender.loss.get_or_insert_default();
        loss.overtaken.is_exact |= sender.is_exact;
        loss.overtaken.is_old = !has_reorder_timer(now_ns);
        let is_open = |sending| loss.overtaken.shown(sending).is_none();
        let oldest = unacked.oldest_open(is_open);
        if loss.recovery().is_none() {
            loss.overtaken.on_silence(now_ns, turn_ns, oldest);
        }
        let is_recovering = loss.is_recovering_beyond(acknowledgment.ack);
        loss.overtaken.look_at_timer(now_ns, turn_ns, oldest, is_recovering, false);
        let blocks = acknowledgment.options.sack.as_slice();
        let news = &blocks[usize::from(reports_duplicate(acknowledgment)).min(blocks.len())..];
        let echo = acknowledgment.options.timestamps.map(|stamps| stamps.echo);
        let answers = |sending: Sending| {
            let since_ns = now_ns.saturating_sub(sending.time_ns);
            since_ns + turn_ns >= rtt_min_ns && echo.is_none_or(|echo| loss.may_echo(sending.frame, echo))
        };
        let delivery = unacked.deliver(acknowledgment.ack, news, mss_bytes, answers);
        loss.on_delivery(&delivery);
        loss.overtaken
            .on_delivery(&delivery, Circumstances { now_ns, turn_ns, is_recovering, rtt_min_ns, srtt_ns });
    }

    /// What an acknowledgment shows of its earlier retransmissions: the frame of one that was needless.
    #[inline]
    pub(super) fn learn_of_losses(
        &mut self,
        acknowledgment: &Segment,
        before: &Before,
        is_dsack: bool,
    ) -> Option<Frame> {
        if !acknowledgment.flags.ack() {
            return None;
        }
        let now_ns = acknowledgment.time.as_nanos();
        let advances = before.is_advanced_by(acknowledgment);
        let mut shown = None;
        if let Some(loss) = &mut self.sender.loss {
            if is_dsack {
                let rtt_ns = self.traffic.rtt.min_ns().unwrap_or(0);
                shown = loss.on_dsack(now_ns, rtt_ns, &acknowledgment.options.sack);
            }
            let is_repeated = acknowledgment.is_pure_ack() && acknowledgment.options.sack.is_empty();
            if is_dsack || !advances && is_repeated {
                loss.on_repeated(acknowledgment.ack);
            }
            if advances {
                let ack = acknowledgment.ack;
                let echo = acknowledgment.options.timestamps.map(|stamps| stamps.echo);
                let by_echo = echo.and_then(|echo| loss.on_echo(now_ns, ack, echo));
                shown = shown.or(by_echo);
                loss.forget_echoes(ack);
            }
        }
        if advances {
            self.sender.progress_ns = now_ns;
        }
        shown
    }
}
