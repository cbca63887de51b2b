//! An acknowledgment arrives: what it says of the flight, in one order (RFC 9293 §3.10.7.4, fifth step).
//!
//! Scoreboard, round trip, mistakes, the end of a phase, new losses, the window: each step is a verb of the part
//! that it concerns. `recovery.rs` begins and ends the phases.

use super::Fact;
use crate::Instant;
use crate::congestion::{Acked, Controller};
use crate::sender::Echo;
use crate::sender::busy_time::Doing;
use crate::sender::flight::{Belief, Heard};
use crate::sender::load::Load;
use crate::sender::pacer::SRTT_US_MIN;
use crate::sender::phase::{Frto, Phase};
use crate::sender::prr::Delivery;
use crate::sender::rack::Circumstances;
use crate::sender::tail_probe::Verdict;
use crate::sender::{Lent, RtoBounds, Sender};
use crate::trace::{LossSign, Trace, UndoSign};
use alloc::boxed::Box;
use wire::Seq;
use wire::tcp::SackBlock;

/// An acknowledgment, as far as the send half is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ack<'a> {
    /// SEG.ACK, between SND.UNA and SND.NXT.
    pub(crate) ack: Seq,
    pub(crate) blocks: &'a [SackBlock],
    /// When the segment was sent that it echoes, in milliseconds of our clock.
    pub(crate) echo_ms: Option<u32>,
    /// It has no text, SYN or FIN and the same window as before (RFC 5681 §2).
    pub(crate) is_plain: bool,
    /// What it says of marks, if ECN was agreed upon.
    pub(crate) echo: Option<&'a Echo>,
}

/// What became of an acknowledgment's bytes, for the controller.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    /// Newly counted as lost.
    lost_bytes: u32,
    /// Delivered, as far as can be told; without SACK guessed from duplicates.
    delivered_bytes: u32,
    /// A phase has just ended, or a mark reduces the window with nothing left in flight: it stands.
    has_ended: bool,
}

impl Sender {
    /// The peer acknowledges. Returns by how much SND.UNA moved.
    pub(crate) fn on_ack(&mut self, ack: &Ack<'_>, lent: &mut Lent<'_>) -> u32 {
        let advanced = ack.ack.bytes_since(self.una);
        let text_start = self.text_start();
        // One question for what most connections are without; a search of the path is kept with the flight.
        let has_more_to_tell = ack.echo.is_some() | self.congestion.has_model();
        if has_more_to_tell {
            self.look_for_gap(lent);
        }
        if let Some(mut load) = self.load.take() {
            if !self.syn_acked() && advanced > 0 {
                // A FIN behind the SYN-ACK counts from here (RFC 6298 §5.3).
                load.timeout_from = lent.now;
            }
            let has_more_to_tell = has_more_to_tell | load.path_search.is_some();
            let is_over = self.on_ack_of_flight(&mut load, ack, has_more_to_tell, lent);
            if load.flight.is_empty() {
                self.congestion.on_quiet(lent.now);
            }
            if !is_over && !load.is_done(ack.ack) {
                self.load = Some(load);
            }
        } else if let Some(echo) = ack.echo {
            self.hear_echo_alone(echo, ack.ack, lent);
        }
        if advanced > 0 {
            self.on_advance(ack.ack, text_start, lent);
        }
        self.arm(lent);
        advanced
    }

    /// SND.UNA moves to `ack`: what lies before it is forgotten.
    fn on_advance(&mut self, ack: Seq, text_start: Seq, lent: &mut Lent<'_>) {
        let text = if ack.after(text_start) {
            ack.earliest(self.written).bytes_since(text_start) as usize
        } else {
            0
        };
        self.una = ack;
        self.marks.put(Fact::SynAcked);
        self.queue.acked(text);
        self.sent.bytes_acked += text as u64;
        self.attempts = 0;
        // Pulled along: half a circle later they would stand for something again.
        (self.small, self.up) = (self.small.latest(ack), self.up.latest(ack));
        if self.una == self.nxt {
            self.busy.turn_to(lent.now, if self.has_text() { Doing::Sending } else { Doing::Nothing });
        }
    }

    /// `has_more_to_tell`: of marks, or of a probe of the path, or to a model of the path. Returns whether all went well
    /// and nothing of the flight is needed any more.
    fn on_ack_of_flight(
        &mut self,
        load: &mut Box<Load>,
        ack: &Ack<'_>,
        has_more_to_tell: bool,
        lent: &mut Lent<'_>,
    ) -> bool {
        let now = lent.now;
        let belief = Belief { echo_ms: ack.echo_ms, rtt_min_ns: self.rtt.min_ns().unwrap_or(0) };
        let flight_bytes = self.flight_within_window(load).max(load.in_flight_bytes());
        let blocks = if self.sack { ack.blocks } else { &[] };
        if has_more_to_tell && load.path_search.is_some() {
            self.hear_of_path_probe(load, ack.ack, lent);
        }
        let heard = load.flight.on_ack(now, ack.ack, blocks, &belief);
        self.measure(load, &heard, ack, lent);
        if has_more_to_tell && self.congestion.has_model() {
            self.show_model(load, lent);
        }
        let is_over = load.is_over(ack.ack, &heard);
        let mut outcome = if is_over {
            Outcome { delivered_bytes: heard.delivered_bytes, ..Outcome::default() }
        } else {
            self.hear_of_open_flight(load, &heard, ack, flight_bytes, lent)
        };
        if has_more_to_tell {
            if let Some(echo) = ack.echo {
                outcome.has_ended |= self.hear_echo(load, &heard, (echo, ack.ack), flight_bytes, lent);
            }
            if self.congestion.has_model() {
                self.tell_model(load, &heard, belief.rtt_min_ns, lent);
                return is_over;
            }
        }
        self.set_window(load, &heard, &outcome, flight_bytes, ack.ack, lent);
        if !is_over {
            load.usage.on_acked(ack.ack, self.nxt);
            if let Some((stamp, sent_at)) = heard.stamp {
                load.flight.rate.sample(stamp, sent_at, belief.rtt_min_ns);
            }
        }
        is_over
    }

    /// What a flight that goes on, or did not go well, has to tell: order, mistakes, probes, the end of a phase, new
    /// losses. Apart, because most flights are one segment that arrives.
    #[inline(never)]
    fn hear_of_open_flight(
        &mut self,
        load: &mut Box<Load>,
        heard: &Heard,
        ack: &Ack<'_>,
        flight_bytes: u32,
        lent: &mut Lent<'_>,
    ) -> Outcome {
        let una = ack.ack;
        let is_duplicate = heard.advanced_bytes == 0
            && ack.is_plain
            && una == self.una
            && self.wnd > 0
            && !load.flight.is_empty();
        self.hear_of_order(load, heard, ack, lent);
        if heard.advanced_bytes > 0 {
            // RFC 6582 §3.2, step 3: of the partial acknowledgments only the first restarts the timer.
            if self.sack || !load.phase.is_later_partial(una) {
                load.timeout_from = lent.now;
            }
            load.probe_from = lent.now;
            // Forgotten: half a circle later they would cover what is lost then.
            load.recover = load.recover.filter(|recover| una.at_or_before(*recover));
            load.rack.on_advance(una);
        }
        let mut outcome = Outcome { delivered_bytes: heard.delivered_bytes, ..Outcome::default() };
        if !self.sack {
            outcome.delivered_bytes = count_duplicates(load, heard, is_duplicate, lent.mss);
        }
        self.look_for_mistakes(load, heard, ack, lent);
        self.hear_of_probe(load, heard, ack, flight_bytes, lent);
        outcome.has_ended = self.end_phase(load, una, lent);
        outcome.lost_bytes = self.look_for_losses(load, heard, is_duplicate, flight_bytes, una, lent);
        // What was acknowledged since, or counts as lost, is not what the duplicates stand for.
        load.duplicates.limit_to(load.flight.in_flight_bytes());
        outcome
    }

    /// The round-trip time: of the timed segment if it was never sent again, else of the echo (RFC 6298 §3,
    /// RFC 7323 §4).
    ///
    /// An echo counts only when it answers the retransmission. One that is older answers the first
    /// transmission, or is stale: a duplicate does not move TS.Recent (RFC 7323 §5.3, R2 before R3),
    /// so the answer to it echoes something long past, and would count the timeout as round trip.
    /// Without a measurement the back-off stays, as Karn's algorithm wants.
    fn measure(&mut self, load: &mut Load, heard: &Heard, ack: &Ack<'_>, lent: &mut Lent<'_>) {
        let now = lent.now;
        self.sent.delivered_segments = self.sent.delivered_segments.wrapping_add(heard.delivered_segments);
        self.segment_bytes_acked = self.segment_bytes_acked.max(heard.segment_bytes);
        if let Some(sent_at) = heard.fresh_sent_at {
            self.rtt.on_shortest(now, now.nanos_since(sent_at));
        }
        let sample_us = match (load.timed, heard.fresh_sent_at) {
            (Some((end, sent_at)), _) if ack.ack.at_or_after(end) => {
                load.timed = None;
                now.micros_since(sent_at)
            }
            (Some((timed, _)), Some(sent_at))
                if heard.fresh_end.is_some_and(|end| end.at_or_after(timed)) =>
            {
                load.timed = None;
                now.micros_since(sent_at)
            }
            (Some(_), _) => return,
            (None, _) if heard.advanced_bytes == 0 => return,
            (None, _) => match ack.echo_ms.and_then(|echo| self.micros_since_echoed(now, echo)) {
                Some(micros) => micros,
                None => return,
            },
        };
        load.tail.on_measured();
        self.take_rtt(sample_us, lent);
    }

    /// A measurement of the round trip in microseconds.
    pub(crate) fn take_rtt(&mut self, sample_us: u64, lent: &mut Lent<'_>) {
        let rtt_us = u32::try_from(sample_us).unwrap_or(u32::MAX);
        self.rtt.on_sample(rtt_us, RtoBounds::new(lent.config));
        lent.tracer.note(|| Trace::RttSample {
            rtt_us,
            srtt_us: self.rtt.srtt_us().unwrap_or(0),
            rto_us: self.rtt.rto_us(),
        });
    }

    /// The option's clock is coarse, so a zero says "below 1 ms". Nothing if the echo is of something sent before
    /// the last retransmission, or from the future.
    #[inline(never)]
    pub(crate) fn micros_since_echoed(&self, now: Instant, echo_ms: u32) -> Option<u64> {
        let now_ms = now.as_millis() as u32;
        let age = now_ms.wrapping_sub(echo_ms);
        (age <= now_ms.wrapping_sub(self.resent_ms) && age < 1 << 31).then(|| u64::from(age) * 1_000)
    }

    /// Remembers when something is sent again that is no text.
    pub(crate) fn note_resent(&mut self, now: Instant) {
        self.resent_ms = now.as_millis() as u32;
        self.sent.segments_again = self.sent.segments_again.wrapping_add(1);
    }

    /// What the acknowledgment says of the order of arrival (RFC 8985 §6.2, steps 2 to 4).
    fn hear_of_order(&mut self, load: &mut Load, heard: &Heard, ack: &Ack<'_>, lent: &mut Lent<'_>) {
        if let Some(newest) = heard.newest {
            load.rack.on_delivered(lent.now, newest);
        }
        if heard.reordered {
            self.see_reordering(lent);
        }
        // A duplicate that the network made says nothing of our patience.
        if let Some(block) = heard.duplicate
            && load.episode.as_ref().is_some_and(|episode| episode.has_resent(block))
        {
            load.rack.on_duplicate(ack.ack, self.nxt, &mut self.reordering);
        }
    }

    /// Signs that a reduction was a mistake (RFC 3522, RFC 3708, RFC 5682).
    fn look_for_mistakes(&mut self, load: &mut Load, heard: &Heard, ack: &Ack<'_>, lent: &mut Lent<'_>) {
        let Some(episode) = &mut load.episode else { return };
        // RFC 4015 §3.4: what tells of congestion as well takes nothing back.
        let tells_of_marks =
            ack.echo.zip(lent.heeds.as_ref()).is_some_and(|(echo, heeds)| heeds.hears_of_marks_in(echo));
        if heard.advanced_bytes > 0
            && episode.on_advance(ack.ack, ack.echo_ms)
            && (!tells_of_marks || lent.config.habits.marks_undo())
        {
            self.undo(load, UndoSign::Timestamp, lent);
            return;
        }
        if let Some(block) = heard.duplicate
            && episode.on_duplicate(block)
            && !tells_of_marks
        {
            self.undo(load, UndoSign::Duplicates, lent);
            return;
        }
        if let Phase::Loss { point, frto } = &mut load.phase
            && *frto != Frto::Off
        {
            let has_news = heard.delivered_bytes > 0 || heard.advanced_bytes > 0;
            let is_new_ack = heard.advanced_bytes > 0;
            let covers_more = heard.highest_end.is_some_and(|end| end.after(*point)) || ack.ack.after(*point);
            match frto {
                Frto::AwaitsAdvance if is_new_ack => {
                    let can_ask = ack.ack.before(*point)
                        && self.stream_end().after(self.nxt)
                        && (ack.ack + self.wnd).after(self.nxt);
                    *frto = if can_ask { Frto::Probing } else { Frto::Off };
                }
                Frto::Probing
                    if !covers_more && heard.fresh_sent_at.is_some() && has_news && !tells_of_marks =>
                {
                    self.undo(load, UndoSign::EarlyTimeout, lent);
                }
                Frto::Probing if has_news || ack.is_plain => {
                    *frto = Frto::Off;
                    // What is sent again now draws duplicates above the new data, too (RFC 6582 §4).
                    load.recover = load.recover.map(|_| self.nxt);
                }
                _ => {}
            }
        }
    }

    /// What the acknowledgment says of a probe of the tail (RFC 8985 §7.4.2).
    fn hear_of_probe(
        &mut self,
        load: &mut Load,
        heard: &Heard,
        ack: &Ack<'_>,
        flight_bytes: u32,
        lent: &mut Lent<'_>,
    ) {
        if !load.tail.awaits_verdict() {
            return;
        }
        let repeats_without_news = ack.is_plain && heard.advanced_bytes == 0 && ack.blocks.is_empty();
        let is_reported = heard.duplicate.is_some_and(|block| load.tail.ends_at(block.right));
        let reports_probe = is_reported || repeats_without_news;
        if load.tail.on_ack(ack.ack, reports_probe) == Verdict::Repaired && matches!(load.phase, Phase::Open)
        {
            self.reduce_for_probe(load, heard, ack.ack, flight_bytes, lent);
        }
    }

    /// Marks what counts as lost now, and begins a recovery if anything does. Returns how many bytes newly do.
    fn look_for_losses(
        &mut self,
        load: &mut Load,
        heard: &Heard,
        is_duplicate: bool,
        flight_bytes: u32,
        una: Seq,
        lent: &mut Lent<'_>,
    ) -> u32 {
        if load.flight.is_empty() {
            load.reordered_due = None;
            return 0;
        }
        let (lost_bytes, sign) = if self.sack {
            (self.detect(load, LossSign::Rack, lent), LossSign::Rack)
        } else {
            self.lost_by_duplicates(load, heard, is_duplicate, una)
        };
        if lost_bytes > 0 && !self.has_lost_only_path_probe(load, lent) {
            lent.tracer.note(|| Trace::Loss { seq: una, sign });
            if matches!(load.phase, Phase::Open | Phase::Cwr { .. }) {
                self.recover(load, heard, una, flight_bytes, sign, lent);
            }
            if self.congestion.has_model() {
                self.tell_model_of_losses(load, lent);
            }
        }
        lost_bytes
    }

    /// RACK looks (RFC 8985 §6.2, step 5). Returns how many bytes newly count as lost.
    pub(super) fn detect(&mut self, load: &mut Load, sign: LossSign, lent: &mut Lent<'_>) -> u32 {
        let window_ns = self.reordering.window_ns(self.circumstances(load));
        let search = load.rack.detect(lent.now, &mut load.flight, window_ns, sign);
        load.reordered_due = search.due;
        search.lost_bytes
    }

    pub(super) fn circumstances(&self, load: &Load) -> Circumstances {
        Circumstances {
            is_recovering: load.phase.is_recovering(),
            sacked_segments: load.flight.sacked_segments(),
            rtt_min_ns: self.rtt.min_ns().unwrap_or(0),
            srtt_ns: u64::from(self.rtt.srtt_us().unwrap_or(0)) * 1_000,
        }
    }

    /// The third duplicate, or a partial acknowledgment, shows that the first segment is lost (RFC 5681 §3.2,
    /// RFC 6582 §3.2).
    fn lost_by_duplicates(
        &self,
        load: &mut Load,
        heard: &Heard,
        is_duplicate: bool,
        una: Seq,
    ) -> (u32, LossSign) {
        match load.phase {
            Phase::Open | Phase::Cwr { .. } if is_duplicate && load.duplicates.is_loss() => {
                // RFC 6582 §3.2, step 2: no second recovery for what the last one covered.
                let is_covered = load.recover.is_some_and(|recover| una.at_or_before(recover));
                let lost = if is_covered { 0 } else { load.flight.lose_first(LossSign::DuplicateAcks) };
                (lost, LossSign::DuplicateAcks)
            }
            Phase::Recovery { .. } if heard.advanced_bytes > 0 => {
                (load.flight.lose_first(LossSign::PartialAck), LossSign::PartialAck)
            }
            _ => (0, LossSign::DuplicateAcks),
        }
    }

    /// What may be in flight from here on.
    #[inline(never)]
    fn set_window(
        &mut self,
        load: &mut Load,
        heard: &Heard,
        outcome: &Outcome,
        flight_bytes: u32,
        una: Seq,
        lent: &mut Lent<'_>,
    ) {
        let in_flight_bytes = load.in_flight_bytes();
        let (cwnd_bytes, ssthresh_bytes) = (self.congestion.cwnd_bytes(), self.congestion.ssthresh_bytes());
        let delivery = Delivery {
            delivered_bytes: outcome.delivered_bytes,
            in_flight_bytes,
            ssthresh_bytes,
            mss: lent.mss,
            is_safe: heard.advanced_bytes > 0 && outcome.lost_bytes == 0,
            is_guessed: !self.sack,
        };
        if let Some(prr) = load.phase.prr_mut() {
            prr.on_acked(&delivery);
        }
        // What is only reported opens no window, unless the path is known to reorder (RFC 3042 §2).
        if heard.advanced_bytes == 0 && !(self.reordering.seen && heard.delivered_bytes > 0) {
            return;
        }
        let is_slow_start = cwnd_bytes < ssthresh_bytes;
        let growth_bytes_max = match lent.config.abc_limit_segments {
            // One segment for each acknowledgment after a timeout (RFC 3465 §2.3).
            _ if matches!(load.phase, Phase::Loss { .. }) => lent.mss,
            0 => u32::MAX,
            limit => u32::from(limit) * lent.mss,
        };
        let srtt_us = self.rtt.srtt_us().unwrap_or(0);
        let acked = Acked {
            now: lent.now,
            bytes: outcome.delivered_bytes,
            in_flight_bytes_before: flight_bytes,
            rtt_ns: heard.fresh_sent_at.map(|sent_at| lent.now.nanos_since(sent_at)),
            srtt_us,
            una,
            nxt: self.nxt,
            cwnd_limited: load.usage.is_window_limited(cwnd_bytes, lent.mss, is_slow_start),
            paced: lent.config.pacing && srtt_us >= SRTT_US_MIN,
            mss: lent.mss,
            growth_bytes_max,
            recovering: load.phase.prr().is_some() || outcome.has_ended,
        };
        self.congestion.on_acked(&acked);
        self.trace_congestion(&load.phase, lent);
    }
}

/// Without SACK duplicates stand for what arrived (RFC 9937 §6.2). Returns what was delivered.
fn count_duplicates(load: &mut Load, heard: &Heard, is_duplicate: bool, mss: u32) -> u32 {
    if heard.advanced_bytes > 0 {
        let counted = load.duplicates.on_advance(heard.advanced_bytes, mss);
        return heard.delivered_bytes - counted.min(heard.delivered_bytes);
    }
    let says_nothing = matches!(load.phase, Phase::Loss { .. }) && !load.phase.asks_with_new_data();
    if !is_duplicate || says_nothing {
        return 0;
    }
    let before = load.duplicates.bytes();
    load.duplicates.on_duplicate(mss, load.flight.in_flight_bytes());
    match &load.phase {
        Phase::Open if !load.duplicates.is_loss() => load.duplicates.limit_to(2 * mss),
        // RFC 9937 §6.2: never more than what was outstanding.
        phase => phase.prr().into_iter().for_each(|prr| load.duplicates.limit_to(prr.recoverable_bytes())),
    }
    load.duplicates.bytes().saturating_sub(before)
}
