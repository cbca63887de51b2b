//! Why text or a FIN was sent: new, or again.

use super::loss::Began;
use super::lost_before::{LostBefore, lost_before};
use super::order::weigh;
use super::reopened::why_reopened;
use super::retransmission::why_again;
use super::signs::TIMEOUT_NS_MIN;
use super::timers::{Timers, is_alone};
use super::{Confidence, Evidence, Loss, Order, Scene, Sender, Why};
use crate::limits::MSS_BYTES_DEFAULT;
use crate::second_look::{LoneTail, NewText};
use tcp::SendReason;

#[inline]
pub(super) fn why_data(scene: &Scene<'_>, from: &mut Sender, to: &Sender) -> Why {
    from.is_exact |= scene.other.last_ack_time_ns == scene.segment.time.as_nanos();
    if let Some(why) = why_reopened(scene, from) {
        return why;
    }
    // text that ends beyond the highest is new, even when it repeats a few bytes before
    let first_fin =
        scene.segment.flags.fin() && scene.prior.own_fin_end.is_none() && scene.segment.text_bytes == 0;
    if first_fin || scene.prior.next_seq.is_none_or(|next| scene.segment.end().after(next)) {
        if let Some(why) = why_lost_before(scene, from) {
            return why;
        }
        learn_turn(scene, from, to);
        let full_bytes = from.largest_text_bytes.min(scene.mss_bytes).max(MSS_BYTES_DEFAULT);
        if let Some(loss) = &mut from.loss {
            loss.on_new_text(|| NewText {
                is_next: scene.prior.next_seq == Some(scene.segment.seq),
                bytes: scene.segment.text_bytes,
                time_ns: scene.segment.time.as_nanos(),
                in_flight: scene.prior.in_flight,
                other_text_ns: to.owed_last_ns,
                rtt_ns: scene.rtt_ns,
                full_bytes,
            });
        }
        let why = why_new(scene, from);
        from.sizes.on_sent(scene.segment, true, why.reason, scene.mss_bytes);
        return why;
    }
    why_sent_before(scene, from, to)
}

/// Why text went that ends at or before what had been sent: again, or late.
#[inline(never)]
fn why_sent_before(scene: &Scene<'_>, from: &mut Sender, to: &Sender) -> Why {
    if let Some(why) = from.sizes.why_again(scene) {
        let loss = from.loss.get_or_insert_default();
        loss.counts.path_mtu += 1;
        loss.push(scene.segment, why.reason);
        return why;
    }
    let is_timer = is_by_timer(scene, from);
    if let Some(why) = from.sizes.why_shrunk(scene, is_timer) {
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
fn why_lost_before(scene: &Scene<'_>, from: &mut Sender) -> Option<Why> {
    let is_seen = scene.is_near || from.ids.are_followed_by(scene.segment);
    if is_seen && from.loss.is_none() {
        return None; // nearly always: nothing was sent that is not here
    }
    why_lost_unseen(scene, from)
}

#[inline(never)]
fn why_lost_unseen(scene: &Scene<'_>, from: &mut Sender) -> Option<Why> {
    if let Some(loss) = &mut from.loss
        && loss.was_too_big_until().is_some_and(|until| scene.segment.end().at_or_before(until))
    {
        loss.counts.path_mtu += 1;
        loss.push(scene.segment, SendReason::PathMtu);
        let why = Why::new(SendReason::PathMtu, Confidence::LIKELY);
        return Some(why.or(SendReason::NewData).by(Evidence::IP_ID));
    }
    let lost = lost_before(scene, from)?;
    let (quiet_ns, rto_ns) = (scene.segment.time.as_nanos() - from.last_ns, from.rto_ns().max(scene.rtt_ns));
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

/// What a sender does because of an acknowledgment follows it within this time, and what it was about to do anyway had
/// come before.
const LIMITED_NS_MAX: u64 = 1_000_000;

/// How old the echo in new text is while acknowledgments drive the sender: from here to it and back.
#[inline]
fn learn_turn(scene: &Scene<'_>, from: &mut Sender, to: &Sender) {
    let Some(stamps) = scene.segment.options.timestamps.filter(|_| scene.prior.in_flight) else { return };
    let Some(age_ns) = to.clock.age_ns(stamps.echo, scene.segment.time.as_nanos()) else { return };
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
    if !recovering && is_in_time_of_probe(scene, from) {
        // an application that writes just then looks the same
        return Why::new(SendReason::TailProbeWithNewData, Confidence::LOW)
            .or(SendReason::NewData)
            .by(Evidence::TIMING);
    }
    Why::new(SendReason::NewData, Confidence::HIGH)
}

/// Whether new text comes when a silent tail would be probed with it (RFC 8985 §7.2).
#[inline]
fn is_in_time_of_probe(scene: &Scene<'_>, from: &Sender) -> bool {
    if !scene.has_probes || scene.other.duplicate_acks > 0 || !scene.other.sack().is_empty() {
        return false;
    }
    let now_ns = scene.segment.time.as_nanos();
    is_alone(now_ns, scene.prior.next_seq_time_ns)
        && Timers::of(scene, from).is_some_and(|timers| timers.is_time_of_probe(now_ns))
}
