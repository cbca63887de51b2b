//! Text on its way to the reader: in order into the receive queue, else kept until the gap is filled
//! (RFC 9293 §3.10.7.4, seventh step; RFC 2018, RFC 2883).

use crate::connection::Connection;
use crate::receiver::reassembly::Insertion;
use crate::refusal::Refused;
use crate::segment::Event;
use crate::timers::Timer;
use crate::variables::Disorder;
use crate::{Instant, Refusal, SendReason};
use core::time::Duration;
use wire::{Payload, Seq};

/// RFC 9293 §3.8.6.3, MUST-40: less than half a second.
const DELAYED_ACK_MAX: Duration = Duration::from_millis(499);

impl Connection {
    pub(crate) fn take_in_order(&mut self, now: Instant, text: Payload) {
        let arrived = text.len() as u32;
        self.deliver(text);
        // A hole was filled, wholly or in part: RFC 5681 §4.2 wants that said at once.
        if self.deliver_held() {
            self.acks.owe(SendReason::ImmediateAck);
        } else if self.acks.on_text(arrived, self.config.habits.delayed_ack_limit()) {
            self.delay_ack(now);
        }
        self.events.raise(Event::Readable);
    }

    fn delay_ack(&mut self, now: Instant) {
        if !self.timers.is_running(Timer::DelayedAck) {
            let due = now + self.config.delayed_ack.min(DELAYED_ACK_MAX);
            self.arm(Timer::DelayedAck, due);
        }
    }

    /// What a FIN and the text before it are owed can wait, unless there is another reason.
    #[cold]
    pub(crate) fn delay_ack_of_fin(&mut self, now: Instant) {
        let waits = self.config.habits.acknowledgment_of_fin_waits() && self.counters.data_segments_in > 0;
        if waits && self.acks.forget_if([SendReason::ImmediateAck, SendReason::FinAck]) {
            self.delay_ack(now);
        }
    }

    /// Delivers what was held until now; returns whether anything is or was held.
    pub(crate) fn deliver_held(&mut self) -> bool {
        if self.disorder.is_none() { false } else { self.deliver_disorder() }
    }

    #[inline(never)]
    fn deliver_disorder(&mut self) -> bool {
        let Some(mut disorder) = self.disorder.take() else { return false };
        let held = !disorder.reassembly.is_empty();
        while let Some(text) = disorder.reassembly.take(self.rcv.nxt) {
            self.deliver(text);
            self.events.raise(Event::Readable);
        }
        disorder.sack.on_advance(self.rcv.nxt);
        if !(disorder.reassembly.is_empty() && disorder.sack.is_empty()) {
            self.disorder = Some(disorder);
        }
        held
    }

    fn deliver(&mut self, text: Payload) {
        self.rcv.nxt += text.len() as u32;
        self.rcv.edge = self.rcv.edge.latest(self.rcv.nxt);
        self.counters.bytes_received += text.len() as u64;
        self.receive_queue.push(text);
    }

    #[inline(never)]
    pub(crate) fn keep_out_of_order(&mut self, first: Seq, text: &Payload) -> Result<(), Refused> {
        let (sack, dsack) = (self.marks.sack, self.config.dsack);
        let Disorder { reassembly, sack: report } = self.disorder();
        let mut kept = Ok(());
        match reassembly.insert(first, text) {
            Insertion::Kept { run, duplicate } if sack => {
                report.on_arrival(run);
                duplicate.filter(|_| dsack).into_iter().for_each(|block| report.on_duplicate(block));
            }
            Insertion::Duplicate { run, block } if sack => {
                // RFC 2883 §4.2: the block that holds the duplicate stands behind it.
                report.on_arrival(run);
                if dsack {
                    report.on_duplicate(block);
                }
            }
            Insertion::Kept { .. } | Insertion::Duplicate { .. } => {}
            Insertion::NoRoom => kept = Err(Refused::silently(Refusal::NoRoom)),
        }
        self.acks.owe(SendReason::DuplicateAck);
        kept
    }

    pub(crate) fn reached_fin(&mut self) -> bool {
        if self.marks.peer_finished || self.rcv.fin != Some(self.rcv.nxt) {
            return false;
        }
        self.rcv.nxt += 1;
        self.rcv.edge = self.rcv.edge.latest(self.rcv.nxt);
        self.marks.peer_finished = true;
        // What claims a place behind the FIN will never have its turn.
        self.disorder = None;
        self.events.raise(Event::PeerFinished);
        true
    }
}
