//! Gathers what the question "why" needs, and the numbers before the segment that states need.

use super::Live;
use crate::analysis::Analysis;
use crate::ends::Before;
use crate::metrics::{Moved, TextSent};
use crate::verdicts::{Judged, reports_duplicate};
use crate::why::{Circumstances, Place, Prior, Scene, Sender, Sending, Twice, why};
use crate::{EndState, Frame, Segment, Side, Why};
use tcp::SendReason;
use tcp::state::State;
use wire::Seq;

/// What one segment brings to the question.
pub(super) struct Question<'a> {
    pub(super) segment: &'a Segment,
    pub(super) judged: &'a Judged,
    pub(super) prior: Prior,
    pub(super) twice: Option<Twice>,
    pub(super) state_before: State,
    pub(super) own_fin_end: Option<Seq>,
    pub(super) after: [EndState; 2],
}

/// Longer than any segment travels, but for paths to the moon: after it a RST that was not obeyed
/// was ignored. Two round trips, and at least this.
const TRAVEL_NS_MIN: u64 = 1_000_000_000;
/// No path takes longer; a capture whose clock jumps shall not count as one.
const RTT_NS_MAX: u64 = 600_000_000_000;

impl Live {
    /// The sender's direction before the segment.
    pub(super) fn prior(&self, from: Side, segment: &Segment) -> Prior {
        let (sent, other) = (&self.sides[from.index()], &self.sides[from.other().index()]);
        let known = sent.next_seq != Seq::new(0);
        let repeats = known && segment.sequence_bytes() > 0 && segment.seq.before(sent.next_seq);
        let earlier = if repeats { sent.unacked.newest_over(segment.seq, segment.end()) } else { None };
        Prior {
            next_seq: sent.next_seq,
            next_seq_time_ns: sent.next_seq_time_ns,
            last_ack: sent.last_ack,
            acknowledged: (other.last_ack != Seq::new(0)).then_some(other.last_ack),
            earlier: earlier.map(|entry| Sending { time_ns: entry.time_ns, frame: entry.frame }),
            in_flight: sent.unacked.len() > 0,
            is_one_in_flight: sent.unacked.len() == 1,
        }
    }

    /// What the states need of the time before the segment.
    pub(super) fn before(&self, from: Side, segment: &Segment) -> Before {
        let (sent, other) = (&self.sides[from.index()], &self.sides[from.other().index()]);
        if !segment.flags.rst() {
            return Before::default();
        }
        let heard = self.traffic[from.other().index()].packets > 0 && other.last_ack != Seq::new(0);
        Before {
            expected: sent.acknowledgeable,
            acknowledged: heard.then_some(other.last_ack),
            window_bytes: other.window_bytes(other.window).0,
            peer_was_not_heard: segment.flags.ack() && other.next_seq.after(segment.ack),
            ..Before::default()
        }
    }

    /// And what the judgement just learned.
    pub(super) fn complete_before(&self, from: Side, before: Before, segment: &Segment) -> Before {
        let sent = &self.sides[from.index()];
        let heard = &self.sides[from.other().index()].last_ack;
        let hole = self.senders[from.index()].hole;
        let no_hole = hole.is_none_or(|hole| heard.after(hole) || hole.at_or_after(segment.end()));
        Before {
            is_contiguous: sent.acknowledgeable == segment.end() && no_hole,
            travel_ns: (2 * self.rtt_ns()).max(TRAVEL_NS_MIN),
            is_same_syn: sent.base == Some(segment.seq),
            fast_open: self.fast_open_taken,
            ..before
        }
    }

    /// The round trip of the path as far as known: of the handshake, or both ways together.
    pub(super) fn rtt_ns(&self) -> u64 {
        let both = self.senders.iter().map(|sender| u64::from(sender.srtt_us) * 1_000).sum::<u64>();
        self.initial_rtt.ns().unwrap_or(both).clamp(1, RTT_NS_MAX)
    }

    /// The round trip of what `side` sends, with the queues that it meets at present.
    pub(super) fn round_trip_ns(&self, side: Side) -> u64 {
        let srtt_ns = u64::from(self.senders[side.index()].srtt_us) * 1_000;
        let turn_ns = if srtt_ns == 0 { 0 } else { self.turn_ns(side) };
        self.rtt_ns().max(srtt_ns + turn_ns).min(RTT_NS_MAX)
    }

    /// From the capture point to `side` and back: how long after a segment its answer can be seen.
    fn turn_ns(&self, side: Side) -> u64 {
        let handshake = match (self.syn.ns(), self.syn_ack.ns(), self.initial_rtt.ns()) {
            (Some(syn_ns), Some(syn_ack_ns), Some(rtt_ns)) => {
                let to_acceptor_ns = syn_ack_ns.saturating_sub(syn_ns).min(rtt_ns);
                let is_acceptor = self.ends.ends[side.index()].is_passive;
                Some(if is_acceptor { to_acceptor_ns } else { rtt_ns - to_acceptor_ns })
            }
            _ => None,
        };
        let acks = &self.traffic[side.other().index()].rtt;
        handshake.into_iter().chain(acks.min_ns()).min().unwrap_or(0).min(RTT_NS_MAX)
    }

    /// Asks why the segment was sent, and lets the sender remember the answer.
    pub(super) fn why(&mut self, from: Side, question: &Question<'_>) -> Why {
        let turn_ns = self.turn_ns(from);
        let rtt_ns = self.rtt_ns();
        let other_end = &self.ends.ends[from.other().index()];
        let other_fin_end = other_end.fin_end;
        let [a, b] = &mut self.senders;
        let (sender, other_sender) = if from == Side::A { (a, b) } else { (b, a) };
        let scene = Scene {
            segment: question.segment,
            judged: question.judged,
            prior: question.prior,
            sent: &self.sides[from.index()],
            other: &self.sides[from.other().index()],
            sender_before: question.state_before,
            sender_after: question.after[from.index()],
            receiver_after: question.after[from.other().index()],
            same_syn_ns: self.marks.last_syn_ns(from, question.segment),
            captured_twice: question.twice.map(|twice| twice.first),
            rtt_ns,
            turn_ns,
            other_was_suspicious: self.marks.suspicious_from(from.other()),
            other_fin_end,
            has_probes: self.marks.offered.iter().all(|offered| offered.sack),
            own_fin_end: question.own_fin_end,
            mss_bytes: self.marks.mss_bytes(),
        };
        let why = why(&scene, sender, other_sender);
        sender.last_reason = why.reason;
        why
    }

    /// What an acknowledgment says of the other end's segments in flight, once SACK blocks were seen. Comes before
    /// the judgement, which forgets what is acknowledged.
    pub(super) fn hear_of_flight(&mut self, from: Side, segment: &Segment) {
        let to = from.other();
        let sack = &segment.options.sack;
        let is_watched = self.senders[to.index()].loss.as_ref().is_some_and(|loss| loss.is_watching());
        if !segment.flags.ack() || (sack.is_empty() && !is_watched) {
            return;
        }
        let turn_ns = self.turn_ns(to);
        let now_ns = segment.time.as_nanos();
        let of_text_ns = self.traffic[to.index()].rtt.min_ns().map(|rtt_ns| rtt_ns + turn_ns);
        let rtt_min_ns = of_text_ns.into_iter().chain(self.initial_rtt.ns()).min().unwrap_or(0);
        let (sender, unacked) = (&mut self.senders[to.index()], &mut self.sides[to.index()].unacked);
        let srtt_ns = u64::from(sender.srtt_us) * 1_000 + turn_ns;
        let mss_bytes = sender.largest_text_bytes.max(536);
        let loss = sender.loss.get_or_insert_default();
        let is_open = |sending| loss.overtaken.shown(sending).is_none();
        let oldest = unacked.oldest_open(is_open);
        if loss.recovery().is_none() {
            loss.overtaken.on_silence(now_ns, turn_ns, oldest);
        }
        loss.overtaken.look_at_timer(now_ns, turn_ns, oldest);
        let blocks = sack.as_slice();
        let news = &blocks[usize::from(reports_duplicate(segment)).min(blocks.len())..];
        let echo = segment.options.timestamps.map(|stamps| stamps.echo);
        let answers = |sending: Sending| {
            let since_ns = now_ns.saturating_sub(sending.time_ns);
            since_ns + turn_ns >= rtt_min_ns && echo.is_none_or(|echo| loss.may_echo(sending.frame, echo))
        };
        let delivery = unacked.deliver(segment.ack, news, mss_bytes, answers);
        let is_recovering = loss.is_recovering_beyond(segment.ack);
        loss.overtaken
            .on_delivery(&delivery, Circumstances { now_ns, turn_ns, is_recovering, rtt_min_ns, srtt_ns });
    }

    /// What an acknowledgment shows of earlier retransmissions of the other end.
    pub(super) fn learn_of_losses(
        &mut self,
        from: Side,
        segment: &Segment,
        prior: &Prior,
        dsack: bool,
    ) -> Option<Frame> {
        if !segment.flags.ack() {
            return None;
        }
        let now_ns = segment.time.as_nanos();
        let other = &mut self.senders[from.other().index()];
        let advances = segment.ack.after(prior.last_ack) || prior.last_ack == Seq::new(0);
        let mut shown = None;
        if let Some(loss) = &mut other.loss {
            if dsack {
                shown = loss.on_dsack(now_ns, &segment.options.sack);
            }
            if advances {
                let echo = segment.options.timestamps.map(|stamps| stamps.echo);
                shown = shown.or_else(|| echo.and_then(|echo| loss.on_echo(now_ns, segment.ack, echo)));
                loss.forget_echoes(segment.ack);
            }
        }
        if advances {
            other.progress_ns = now_ns;
        }
        shown
    }

    /// The counters, after everything is concluded.
    pub(super) fn count(
        &mut self,
        from: Side,
        segment: &Segment,
        judged: &Judged,
        prior: &Prior,
        place: Place,
        twice: Option<Twice>,
    ) {
        let now_ns = segment.time.as_nanos();
        let [a, b] = &mut self.traffic;
        let (sent, other) = if from == Side::A { (a, b) } else { (b, a) };
        sent.on_sent(segment);
        if twice.is_some() {
            return; // sent once, and counted then
        }
        if !segment.flags.rst() {
            sent.on_window(self.sides[from.index()].window_bytes(segment.window).0, segment, now_ns);
        }
        if segment.flags.ack() {
            if let Some(stamps) = segment.options.timestamps {
                other.on_echo(stamps.echo, now_ns);
            }
            let other_sender = &mut self.senders[from.other().index()];
            if let Some(acked) = judged.sample
                && is_sample(other_sender)
            {
                other.rtt.add_ns(acked.rtt_ns);
                other_sender.on_rtt(acked.rtt_ns);
            }
            if segment.ack.after(prior.last_ack) {
                let known = prior.last_ack != Seq::new(0);
                let advanced_bytes = if known { segment.ack.bytes_since(prior.last_ack) } else { 0 };
                other_sender.on_progress(now_ns, segment.ack, advanced_bytes);
            }
            if self.sides[from.other().index()].unacked.len() == 0 {
                other.limits.on_emptied(now_ns);
            }
        }
        if segment.text_bytes > 0 {
            let is_again = prior.next_seq != Seq::new(0) && segment.seq.before(prior.next_seq);
            self.count_text(from, segment, judged, is_again);
        }
        self.senders[from.index()].on_sent(segment, place, prior);
    }

    /// What the findings ask for, after everything is concluded.
    pub(super) fn note_talk(&mut self, from: Side, segment: &Segment, analysis: &Analysis, prior: &Prior) {
        let other = &self.sides[from.other().index()];
        let reason = analysis.why.reason;
        let moved = Moved {
            from,
            segment,
            prior,
            // a byte in flight that goes again is no keep-alive
            is_again: !segment.flags.syn()
                && (reason.is_retransmission()
                    || (reason == SendReason::KeepAlive && segment.text_bytes > 0)),
            other_next: (other.next_seq != Seq::new(0)).then_some(other.next_seq),
            edge: self.window_edge(from.other()),
            other_last_ack: (other.last_ack != Seq::new(0)).then_some(other.last_ack),
            client: self.marks.opener().unwrap_or(match segment.source.port() > segment.destination.port() {
                true => from,
                false => from.other(),
            }),
            other_has_text: self.traffic[from.other().index()].text_segments > 0,
            usual_ttl: self.ttl[from.index()],
            own_edge: self.window_edge(from),
            is_closed: other.is_closed() && !other.window_is_of_syn,
            mss_bytes: self.marks.mss_known_bytes(),
            turn_ns: self.turn_ns(from),
        };
        self.talk.take(&moved);
        if !segment.flags.rst() {
            self.ttl[from.index()] = segment.ttl;
        }
    }

    fn count_text(&mut self, from: Side, segment: &Segment, judged: &Judged, is_again: bool) {
        let other = &mut self.sides[from.other().index()];
        let in_flight_bytes = judged.in_flight_bytes.unwrap_or(segment.text_bytes);
        if !segment.flags.syn() && judged.in_flight_bytes.is_some() && other.last_ack != Seq::new(0) {
            let beyond_ack = segment.end().offset_from(other.last_ack).max(0).cast_unsigned();
            other.inferred_scale.on_sent(beyond_ack, other.window);
        }
        let window_bytes = other.window_bytes(other.window).0;
        self.traffic[from.index()].on_text(TextSent {
            now_ns: segment.time.as_nanos(),
            in_flight_bytes,
            window_bytes,
            is_again,
            largest_text_bytes: self.senders[from.index()].largest_text_bytes,
        });
    }
}

/// Karn's rule (RFC 6298 §3): no samples while something sent again is unacknowledged.
fn is_sample(sender: &Sender) -> bool {
    sender.loss.as_ref().is_none_or(|loss| loss.recovery().is_none())
}
