//! Why text or a FIN was sent: new, or again.

use super::afar::{By, Timing};
use super::loss::Began;
use super::lost_before::{LostBefore, lost_alone, lost_before};
use super::order::weigh;
use super::path_probe::Shrunken;
use super::reopened::why_reopened;
use super::retransmission::why_again;
use super::signs::TIMEOUT_NS_MIN;
use super::timers::{Timers, is_alone};
use super::{Afar, Confidence, Evidence, Loss, Order, Scene, Sender, Why};
use crate::Segment;
use crate::limits::MSS_BYTES_DEFAULT;
use crate::second_look::{LoneTail, NewText};
use tcp::SendReason;

#[inline]
pub(super) fn why_data(scene: &Scene<'_>, from: &mut Sender, to: &Sender) -> Why {
    let segment = scene.segment;
    let next = scene.prior.next_seq.unwrap_or(segment.seq);
    let quiet_ns = segment.time.as_nanos().saturating_sub(from.last_ns);
    let is_plain = segment.seq == next && from.loss.is_none() && quiet_ns < TIMEOUT_NS_MIN;
    if scene.is_near || is_plain {
        return conclude(scene, from, to, &Timing::default());
    }
    let timing = Timing::of(scene, from, to);
    if let Some(afar) = from.afar() {
        afar.on_arrival(segment, &timing, next);
    }
    let first = conclude(scene, from, to, &timing);
    if first.order != Order::InOrder {
        return first;
    }
    let why = if first.reason.is_retransmission() {
        why_again_from_afar(scene, from, first, &timing)
    } else {
        why_new_from_afar(scene, from, first, &timing)
    };
    let confidence = if why.reason.is_retransmission() { why.confidence.seen_afar() } else { why.confidence };
    Why { confidence, ..why }
}

/// What goes again, by what its sender knows.
fn why_again_from_afar(scene: &Scene<'_>, from: &mut Sender, first: Why, timing: &Timing) -> Why {
    let segment = scene.segment;
    let una = scene.other.last_ack.unwrap_or(segment.seq);
    let until = scene.prior.next_seq.map_or(segment.end(), |next| next.latest(segment.end()));
    let loss = from.loss.get_or_insert_default();
    let afar = loss.afar.get_or_insert_with(|| Box::new(Afar::new(una)));
    let why = afar.revise(first, segment, timing);
    afar.on_again(segment, By::of(why.reason), until, timing);
    loss.on_revised(segment.frame, first.reason, why.reason);
    why
}

/// What is captured for the first time, by what its sender knows: perhaps it was sent before.
fn why_new_from_afar(scene: &Scene<'_>, from: &mut Sender, first: Why, timing: &Timing) -> Why {
    let next = scene.prior.next_seq.unwrap_or(scene.segment.seq);
    let Some(afar) = from.afar() else { return first };
    afar.on_new(scene.segment, timing, next);
    let Some(why) = afar.why_hidden(scene.segment, &first, next) else { return first };
    let loss = from.loss.get_or_insert_default();
    loss.counts.revise(first.reason, why.reason);
    loss.push(scene.segment, why.reason);
    why
}

fn conclude(scene: &Scene<'_>, from: &mut Sender, to: &Sender, timing: &Timing) -> Why {
    if scene.other.last_ack_time_ns == scene.segment.time.as_nanos() {
        from.on_exact();
    }
    // text that ends beyond the highest is new, even when it repeats a few bytes before
    let first_fin =
        scene.segment.flags.fin() && scene.prior.own_fin_end.is_none() && scene.segment.text_bytes == 0;
    if first_fin || scene.prior.next_seq.is_none_or(|next| scene.segment.end().after(next)) {
        if let Some(why) = why_lost_before(scene, from, timing) {
            return why;
        }
        learn_turn(scene.segment, scene.prior.in_flight, from, to);
        let full_bytes = from.largest_text_bytes.min(scene.mss_bytes).max(MSS_BYTES_DEFAULT);
        if let Some(loss) = &mut from.loss {
            loss.on_new_text(|| NewText {
                is_near: scene.is_near,
                is_next: scene.prior.next_seq == Some(scene.segment.seq),
                bytes: scene.segment.text_bytes,
                time_ns: scene.segment.time.as_nanos(),
                in_flight: scene.prior.in_flight,
                other_text_ns: to.owed_last_ns,
                rtt_ns: scene.rtt_ns,
                full_bytes,
            });
        }
        let quiet_ns = scene.segment.time.as_nanos().saturating_sub(from.last_ns);
        from.has_paused |= from.has_sent && quiet_ns >= TIMEOUT_NS_MIN / 2;
        let why = why_new(scene, from);
        from.sizes.on_sent(scene.segment, true, why.reason, scene.mss_bytes);
        return why;
    }
    why_sent_before(scene, from, to)
}

/// Why text went that ends at or before what had been sent: again, or late.
#[inline(never)]
fn why_sent_before(scene: &Scene<'_>, from: &mut Sender, to: &Sender) -> Why {
    if let Some(why) = why_reopened(scene, from) {
        return why;
    }
    if let Some(why) = from.sizes.why_again(scene) {
        let loss = from.loss.get_or_insert_default();
        loss.counts.path_mtu += 1;
        loss.push(scene.segment, why.reason);
        return why;
    }
    let by = Shrunken { timer: is_by_timer(scene, from), shown_lost: is_shown_lost(scene, from) };
    if let Some(why) = from.sizes.why_shrunk(scene, by) {
        let loss = from.loss.get_or_insert_default();
        loss.counts.path_mtu += 1;
        loss.push(scene.segment, why.reason);
        return why;
    }
    let weighed = weigh(scene, from);
    if weighed.again < 0 {
        let confidence = if weighed.again <= -4 { Confidence::HIGH } else { Confidence::LIKELY };
        let first = if scene.segment.flags.fin() { SendReason::Fin } else { SendReason::NewData };
        let overtaken = Why::new(first, confidence).or(SendReason::FastRetransmit).by(weighed.evidence);
        return Why { order: Order::Reordered, ..overtaken };
    }
    why_again(scene, from, to).by(weighed.evidence)
}

/// Text that is new here, and was sent before: alone, or with others because of the path's MTU.
#[inline]
fn why_lost_before(scene: &Scene<'_>, from: &mut Sender, timing: &Timing) -> Option<Why> {
    let is_seen = scene.is_near || from.ids.are_followed_by(scene.segment);
    if is_seen && from.loss.is_none() {
        return None; // nearly always: nothing was sent that is not here
    }
    why_lost_unseen(scene, from, timing)
}

#[inline(never)]
fn why_lost_unseen(scene: &Scene<'_>, from: &mut Sender, timing: &Timing) -> Option<Why> {
    if let Some(loss) = &mut from.loss
        && loss.was_too_big_until().is_some_and(|until| scene.segment.end().at_or_before(until))
    {
        loss.counts.path_mtu += 1;
        loss.push(scene.segment, SendReason::PathMtu);
        let why = Why::new(SendReason::PathMtu, Confidence::LIKELY);
        return Some(why.or(SendReason::NewData).by(Evidence::IP_ID));
    }
    let lost = lost_before(scene, from).or_else(|| lost_alone(scene, from, timing))?;
    let (quiet_ns, rto_ns) =
        (scene.segment.time.as_nanos().saturating_sub(from.last_ns), from.rto_ns().max(scene.rtt_ns));
    let loss = from.loss.get_or_insert_default();
    let may_probe = scene.has_probes && loss.may_probe();
    loss.on_lost_before(&lost, scene.segment);
    if may_probe {
        ask_of_lone_tail(scene, loss, &lost, quiet_ns, rto_ns);
    }
    Some(lost.why)
}

/// What was lost before goes again, alone: what comes later may tell why.
fn ask_of_lone_tail(scene: &Scene<'_>, loss: &mut Loss, lost: &LostBefore, waited_ns: u64, rto_ns: u64) {
    let segment = scene.segment;
    let is_lone_tail = scene.prior.next_seq == Some(segment.seq) && lost.until == segment.end();
    if is_lone_tail && matches!(lost.why.reason, SendReason::TailLossProbe | SendReason::Timeout) {
        loss.on_lone_tail(LoneTail {
            frame: segment.frame,
            seq: segment.seq,
            time_ns: segment.time.as_nanos(),
            waited_ns,
            rto_ns,
            told: lost.why.reason,
            again_before: loss.counts.total(),
        });
    }
}

/// The retransmission timer may have sent it, or its timeout goes on.
fn is_by_timer(scene: &Scene<'_>, from: &Sender) -> bool {
    let before_ns = scene.prior.earlier.map_or(scene.prior.next_seq_time_ns, |earlier| earlier.time_ns);
    let quiet_ns = scene.segment.time.as_nanos().saturating_sub(before_ns.max(scene.other.last_ack_time_ns));
    let began = from.loss.as_ref().and_then(|loss| loss.recovery());
    quiet_ns >= TIMEOUT_NS_MIN || began == Some(Began::Timeout)
}

/// An acknowledgment, or a timer before, shows that what was sent before is lost.
fn is_shown_lost(scene: &Scene<'_>, from: &Sender) -> bool {
    let loss = from.loss.as_ref();
    scene
        .prior
        .earlier
        .is_some_and(|sending| loss.is_some_and(|loss| loss.overtaken.shown(sending).is_some()))
}

/// What a sender does because of an acknowledgment follows it within this time, and what it was about to do anyway had
/// come before.
const LIMITED_NS_MAX: u64 = 1_000_000;

/// How old the echo in new text is while acknowledgments drive the sender: from here to it and back.
#[inline]
pub(super) fn learn_turn(segment: &Segment, in_flight: bool, from: &mut Sender, to: &Sender) {
    let Some(stamps) = segment.options.timestamps else { return };
    let ahead = stamps.value.wrapping_sub(stamps.echo).cast_signed();
    from.ahead_min = from.ahead_min.min(ahead);
    if !in_flight {
        return;
    }
    let Some(age_ns) = to.clock.age_ns(stamps.echo, segment.time.as_nanos()) else { return };
    if age_ns < 4_000_000_000 {
        from.on_echo_turn(age_ns);
    }
}

#[inline]
fn why_new(scene: &Scene<'_>, from: &Sender) -> Why {
    if scene.segment.flags.fin() {
        return Why::new(SendReason::Fin, Confidence::CERTAIN);
    }
    let recovering = from.loss.as_ref().is_some_and(|loss| loss.recovery().is_some());
    let duplicates = scene.other.duplicate_acks;
    if duplicates == 0
        && !recovering
        && let Some(probe) = from.sizes.why_probe(scene)
    {
        return probe;
    }
    if (1..=2).contains(&duplicates) && !recovering && scene.prior.in_flight && scene.is_near {
        // the window had no more room when the duplicate came: nothing had been sent for a while, and this is at once
        let since_ack_ns = scene.segment.time.as_nanos().saturating_sub(scene.other.last_ack_time_ns);
        let had_waited_ns = scene.other.last_ack_time_ns.saturating_sub(scene.prior.next_seq_time_ns);
        if since_ack_ns <= scene.turn_ns + LIMITED_NS_MAX && had_waited_ns >= LIMITED_NS_MAX {
            return Why::new(SendReason::LimitedTransmit, Confidence::LOW)
                .or(SendReason::NewData)
                .by(Evidence::DUPLICATE_ACKS | Evidence::TIMING);
        }
    }
    if !recovering && is_in_time_of_probe(scene, from) { probe_or_new() } else { new_text() }
}

/// Text that comes when a silent tail would be probed with it: an application that writes just then looks the same.
pub(super) fn probe_or_new() -> Why {
    Why::new(SendReason::TailProbeWithNewData, Confidence::LOW).or(SendReason::NewData).by(Evidence::TIMING)
}

/// Text that follows what was sent before.
pub(super) fn new_text() -> Why {
    Why::new(SendReason::NewData, Confidence::HIGH)
}

/// Whether new text comes when a silent tail would be probed with it (RFC 8985 §7.2).
#[inline]
fn is_in_time_of_probe(scene: &Scene<'_>, from: &Sender) -> bool {
    let may_probe = scene.has_probes && from.probes_seen() >= -1;
    if !may_probe || scene.other.duplicate_acks > 0 || !scene.other.sack().is_empty() {
        return false;
    }
    let now_ns = scene.segment.time.as_nanos();
    is_alone(now_ns, scene.prior.next_seq_time_ns)
        && Timers::of(scene, from).is_some_and(|timers| timers.is_time_of_probe(now_ns))
}
