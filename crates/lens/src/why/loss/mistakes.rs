//! What shows that something was sent again in vain, or a whole recovery by mistake: an echo of what was sent before
//! (RFC 3522), a report of what arrived twice (RFC 2883, RFC 3708), the arrival of what a timeout had given up
//! (RFC 5682).

use super::{Began, Loss};
use crate::verdicts::{Delivery, reports_duplicate};
use crate::why::resent::Needless;
use crate::{Frame, Segment};
use wire::Seq;
use wire::tcp::SackBlocks;

/// What an acknowledgment says of what was sent again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reported<'a> {
    /// What had been acknowledged before.
    una: Seq,
    ack: Seq,
    /// SND.NXT of the sender.
    next: Seq,
    blocks: &'a SackBlocks,
    echo: Option<u32>,
    /// It can answer what was sent by then.
    sent_before_ns: u64,
    /// It acknowledges more than the one before.
    advances: bool,
    /// Its first block reports what arrived twice.
    is_duplicate: bool,
    /// It says what the one before it said.
    repeats_without_news: bool,
}

impl Reported<'_> {
    /// By an acknowledgment; `last_ack` is what its sender had acknowledged before, `next` is SND.NXT of the sender, and no
    /// round trip from here is shorter than `rtt_ns`.
    pub(crate) fn by<'a>(
        acknowledgment: &'a Segment,
        last_ack: Option<Seq>,
        next: Option<Seq>,
        rtt_ns: Option<u64>,
    ) -> Reported<'a> {
        let ack = acknowledgment.ack;
        let advances = acknowledgment.flags.ack() && last_ack.is_none_or(|last_ack| ack.after(last_ack));
        let blocks = &acknowledgment.options.sack;
        Reported {
            una: last_ack.unwrap_or(ack),
            ack,
            next: next.unwrap_or(ack),
            blocks,
            echo: acknowledgment.options.timestamps.map(|stamps| stamps.echo),
            sent_before_ns: acknowledgment.time.as_nanos().saturating_sub(rtt_ns.unwrap_or(0)),
            advances,
            is_duplicate: reports_duplicate(acknowledgment),
            repeats_without_news: !advances && acknowledgment.is_pure_ack() && blocks.is_empty(),
        }
    }
}

impl Loss {
    /// What was sent before the timeout, and not again, has arrived: not all was lost, the timeout was early
    /// (RFC 5682 §2.1, step 3).
    pub(crate) fn on_delivery(&mut self, delivery: &Delivery) {
        let is_asked =
            self.recovery() == Some(Began::Timeout) && self.may_be_early && !self.overtaken.is_exact;
        if is_asked && delivery.fresh.is_some_and(|fresh| fresh.frame < self.timeout_frame) {
            self.undo();
        }
    }

    /// An acknowledgment repeats the one before it, or reports a duplicate: of a probe that was not needed.
    fn on_repeated(&mut self, ack: Seq) {
        self.probe_out = self.probe_out.filter(|end| ack.before(*end));
    }

    /// The reduction of this recovery was a mistake, and its sender knows.
    fn undo(&mut self) {
        (self.recovery, self.is_undone) = (None, true);
        self.overtaken.on_undone();
    }

    /// What an acknowledgment says of what was sent again: the frame of a retransmission that was needless.
    pub(crate) fn hear_of_mistakes(&mut self, reported: &Reported<'_>) -> Option<Frame> {
        let by_echo = if reported.advances { self.on_echo(reported) } else { None };
        let by_dsack = if reported.is_duplicate { self.on_dsack(reported) } else { None };
        if reported.is_duplicate || reported.repeats_without_news {
            self.on_repeated(reported.ack);
        }
        by_dsack.or(by_echo)
    }

    /// The first block of a D-SACK: the retransmission that it shows to be needless, if remembered.
    fn on_dsack(&mut self, reported: &Reported<'_>) -> Option<Frame> {
        let needless =
            self.resent.on_duplicate(reported.blocks.as_slice().first()?, reported.sent_before_ns)?;
        if !needless.is_probe {
            if !self.is_undone {
                self.overtaken.on_needless(reported.ack, reported.next);
            }
            self.episode.1 = self.episode.1.saturating_add(1);
            if self.episode.1 >= self.episode.0 {
                self.undo();
                self.overtaken.on_reordering();
            }
        }
        Some(self.count(needless))
    }

    /// It echoes something: when that is older than the first retransmission of the recovery, which it answers, the whole
    /// recovery is a mistake (RFC 3522).
    fn on_echo(&mut self, reported: &Reported<'_>) -> Option<Frame> {
        let ack = reported.ack;
        if let (Some(first), Some(echo)) = (self.first_of_episode, reported.echo)
            && let Some(is_mistake) = self.resent.is_answered_too_soon(first, ack, echo)
        {
            self.first_of_episode = None;
            if is_mistake {
                self.overtaken.on_mistake(ack, reported.next);
                self.undo();
                self.overtaken.on_reordering();
            }
        }
        let needless = self.resent.on_progress(reported.una, ack, reported.echo)?;
        Some(self.count(needless))
    }

    /// `frame` itself is needless: its bytes were acknowledged before.
    pub(crate) fn mark_frame(&mut self, frame: Frame) {
        if let Some(needless) = self.resent.on_acknowledged(frame) {
            self.count(needless);
        }
    }

    fn count(&mut self, needless: Needless) -> Frame {
        if needless.is_probe {
            // the tail had arrived: what is measured from here on is no answer to the probe
            self.recovery = self.recovery.filter(|(_, began)| *began != Began::Probe);
        }
        self.counts.spurious += 1;
        self.needless_bytes += u64::from(needless.bytes);
        if let Some(second_look) = &mut self.second_look {
            second_look.on_needless(needless.frame);
        }
        needless.frame
    }
}
