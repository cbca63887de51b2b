//! From what was decided to a segment: text, flags, options, window, urgent pointer, and the bookkeeping of
//! what has been sent.
//!
//! What is *not* here: deciding, which is `transmit.rs`'s; ports and addresses, which are the host's.

use crate::connection::Connection;
use crate::receiver::Leaving;
use crate::segment::Transmit;
use crate::timers::Timer;
use crate::trace::{SegmentFacts, Trace};
use crate::{Instant, SendReason};
use wire::Seq;
use wire::ip::Ecn;
use wire::tcp::{AccurateEcn, Flags, Header, Options, Timestamps};

/// What one of the questions decided; the segment is built once, from the first answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seq: Seq,
    /// With text or FIN: one past the last.
    pub(crate) to: Option<Seq>,
    pub(crate) flags: Flags,
    /// For people: the machine asks what it is.
    pub(crate) why: SendReason,
    pub(crate) what: What,
}

/// What a segment is to the send half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Text, a control, an acknowledgment.
    Ordinary,
    /// A probe of the tail (RFC 8985 §7).
    TailProbe,
    /// A probe of a closed window.
    WindowProbe,
    /// A probe of the path's MTU, one segment whatever its size (RFC 4821).
    PathProbe,
}

impl Plan {
    /// A segment without text.
    pub(crate) fn bare(seq: Seq, flags: Flags, why: SendReason) -> Self {
        Plan { seq, to: None, flags, why, what: What::Ordinary }
    }

    /// The stream from `seq` up to `to`.
    pub(crate) fn text(seq: Seq, to: Seq, why: SendReason) -> Self {
        Plan { seq, to: Some(to), flags: Flags::ACK, why, what: What::Ordinary }
    }

    /// The same as a probe.
    pub(crate) fn as_probe(self, what: What) -> Self {
        Plan { what, ..self }
    }

    /// The same with PSH, whatever is queued behind it.
    pub(crate) fn with_push(self) -> Self {
        Plan { flags: self.flags | Flags::PSH, ..self }
    }
}

impl Connection {
    /// Builds what was decided in `transmit`, which is empty: a segment is too large to be moved.
    #[inline]
    pub(crate) fn build(&mut self, now: Instant, plan: &Plan, transmit: &mut Transmit) {
        let Plan { seq, to, flags, why, what } = *plan;
        debug_assert!(transmit.header == Header::default() && transmit.payload.is_empty(), "it is empty");
        let Transmit { header, payload, .. } = transmit;
        let mut flags = flags;
        if let Some(to) = to {
            let more;
            (more, *payload) = self.sender.text(seq, to);
            flags |= more;
        }
        // Before the options: what they report of the disorder may end it.
        let mut mss = if to.is_some() { self.mss_with_options() } else { 1 };
        let has_new_text = !payload.is_empty() && what != What::WindowProbe && !seq.before(self.sender.nxt);
        (header.seq, header.flags) = (seq, flags);
        let mut shift = 0;
        if flags.syn() {
            self.add_syn_options(now, header);
            header.flags = self.with_ecn_of_handshake(flags);
        } else {
            self.add_options(now, header, has_new_text);
            if self.ecn.is_some() {
                transmit.ecn = self.add_ecn(header, plan, has_new_text);
            }
            shift = self.receiver.shift();
        }
        if flags.ack() {
            header.ack = self.receiver.nxt();
            // Nothing may come after a reset.
            header.window =
                if flags.rst() { 0 } else { self.receiver.offer_window(shift, self.receive_buffer()) };
            self.receiver.on_ack_sent(why);
            self.timers.stop(Timer::DelayedAck);
        } else if flags.syn() {
            header.window = self.config.receive_buffer_bytes.min(0xffff) as u16;
            if self.fast_opening.is_some() {
                *payload = self.take_syn_text(header);
                mss = (payload.len() as u32).max(1);
            }
        }
        let len = payload.len() as u32;
        if what == What::PathProbe {
            mss = mss.max(len);
        }
        self.counters.segments_out = self.counters.segments_out.wrapping_add(1);
        if len > 0 {
            if let Some(up) = self.sender.urgent_end() {
                point_to_urgent(header, up);
            }
            self.sender.sent.segments = self.sender.sent.segments.wrapping_add(len.div_ceil(mss));
        }
        if len > 0 || flags.intersects(Flags::SYN | Flags::FIN) {
            self.sender.last_sent_at = now;
        }
        if self.tracer.is_on() {
            self.trace_sent(header, len, shift, why);
        }
        transmit.segment_bytes = if len > mss { mss as u16 } else { 0 };
        transmit.why = why;
        if to.is_some() {
            let (sender, mut lent) = self.sending(now);
            sender.on_sent(plan, mss, &mut lent);
        }
    }

    /// Apart and cold, so that nothing is prepared for a reader that there is not.
    #[cold]
    fn trace_sent(&mut self, header: &Header, len_bytes: u32, shift: u8, why: SendReason) {
        let Header { seq, ack, flags, window, .. } = *header;
        let window_bytes = u32::from(window) << shift;
        self.trace(|| Trace::Sent {
            segment: SegmentFacts { seq, ack, flags, len_bytes, window_bytes },
            why,
        });
    }

    /// What a segment says of marks, and the field of its packet: only text that leaves for the first time is ECN-capable
    /// (RFC 3168 §6.1.4 to §6.1.6).
    #[inline(never)]
    fn add_ecn(&mut self, header: &mut Header, plan: &Plan, has_new_text: bool) -> Ecn {
        let is_again = plan.to.is_some() && plan.seq.before(self.sender.nxt);
        let Some(agreed) = &mut self.ecn else { return Ecn::NotCapable };
        let reflector = &mut agreed.reflector;
        if is_again && !self.handshake.is_passive() && self.sender.sent.bytes_acked == 0 {
            reflector.leave_options_out();
        }
        if header.flags.ack() && !header.flags.rst() {
            let is_bare = plan.to.is_none() && header.options.sack.is_empty();
            header.flags = reflector.with_flags(header.flags, is_bare);
            reflector.on_ack_sent(header.options.accurate_ecn.as_ref(), has_new_text);
        }
        if !has_new_text {
            return Ecn::NotCapable;
        }
        let field = self.sender.congestion.capable_field();
        let (ecn, flags) = agreed.heeds.on_new_text(header.flags, field);
        header.flags = flags;
        ecn
    }

    /// Adds the options of a segment without SYN.
    fn add_options(&mut self, now: Instant, header: &mut Header, has_new_text: bool) {
        let (flags, options) = (header.flags, &mut header.options);
        // RFC 7323 §3.2: a RST that answers a refused segment may do without.
        if self.timestamps.agreed() && (flags.ack() || !flags.rst()) {
            options.timestamps = Some(self.stamps(now, flags));
        }
        if self.ecn.is_some() && flags.ack() && !flags.rst() {
            options.accurate_ecn = self.accurate_ecn_option(false, has_new_text);
        }
        if self.receiver.has_disorder() && !flags.rst() {
            self.add_sack_blocks(options);
        }
    }

    fn stamps(&self, now: Instant, flags: Flags) -> Timestamps {
        let echo = if flags.ack() { self.timestamps.recent } else { 0 };
        Timestamps { value: self.timestamp_clock(now), echo }
    }

    #[inline(never)]
    fn add_sack_blocks(&mut self, options: &mut Options) {
        if self.ecn.as_ref().is_some_and(|ecn| ecn.reflector.answers_acks()) {
            return;
        }
        let room = self.leaving(false).sack_room(options.accurate_ecn.as_ref());
        options.sack = self.receiver.take_sack_blocks(room);
    }

    /// A segment without SYN that leaves now, as far as the options of variable length are concerned.
    fn leaving(&self, has_new_text: bool) -> Leaving {
        Leaving {
            is_syn: false,
            has_new_text,
            has_timestamps: self.timestamps.agreed(),
            sack_blocks: self.receiver.sack_blocks_waiting(),
        }
    }

    #[inline(never)]
    fn accurate_ecn_option(&self, is_syn: bool, has_new_text: bool) -> Option<AccurateEcn> {
        let reflector = &self.ecn.as_ref()?.reflector;
        if is_syn {
            let leaving = Leaving { is_syn, sack_blocks: 0, ..self.leaving(false) };
            return reflector.option(&leaving).filter(|_| self.answer_has_ecn_option());
        }
        reflector.option(&self.leaving(has_new_text))
    }

    /// Whether a SYN offers what we want; otherwise it says what was agreed upon.
    fn offers(&self, flags: Flags) -> bool {
        let again = !self.handshake.is_passive() && self.config.habits.simultaneous_syn_ack_offers_again();
        !flags.ack() || again
    }

    /// Adds the options of a SYN or SYN-ACK: what is agreed upon in the handshake.
    #[inline(never)]
    pub(crate) fn add_syn_options(&mut self, now: Instant, header: &mut Header) {
        let (flags, options) = (header.flags, &mut header.options);
        let answering = !self.offers(flags);
        let scale = self.config.window_scaling && (!answering || self.is_scaling());
        options.mss = self.config.mss_announced.then(|| self.sizes.receive_mss());
        options.sack_permitted = if answering { self.receiver.sack_agreed() } else { self.config.sack };
        options.window_scale = scale.then(|| {
            // An agreement without scaling has set ours to zero.
            if answering { self.receiver.shift() } else { self.config.window_shift() }
        });
        let has_stamps = if answering { self.timestamps.agreed() } else { self.config.timestamps };
        if has_stamps {
            options.timestamps = Some(self.stamps(now, flags));
        }
        if self.fast_opening.is_some() {
            options.fast_open = self.take_fast_open_option();
        }
        if self.ecn.is_some() && flags.ack() {
            options.accurate_ecn = self.accurate_ecn_option(true, false);
        }
    }

    pub(crate) fn mss_with_options(&self) -> u32 {
        let has_others = self.receiver.has_disorder() || self.ecn.is_some();
        if has_others { self.mss_beside_others() } else { self.mss() }
    }

    /// The same as if the text were new: what goes again may have an option less.
    #[inline(never)]
    fn mss_beside_others(&self) -> u32 {
        let accurate_ecn = self.accurate_ecn_option(false, true);
        let accurate_ecn_bytes =
            accurate_ecn.as_ref().map_or(0, |option| u32::from(option.len_bytes()).next_multiple_of(4));
        let room = self.leaving(true).sack_room(accurate_ecn.as_ref());
        let others = self.receiver.sack_option_bytes(room) + accurate_ecn_bytes;
        self.mss().saturating_sub(others).max(1)
    }

    /// TSval.
    pub(crate) fn timestamp_clock(&self, now: Instant) -> u32 {
        self.timestamps.clock(now)
    }
}

/// The urgent pointer of a segment with text, if it does not lie behind it (RFC 9293 §3.8.5, RFC 6093).
#[cold]
fn point_to_urgent(header: &mut Header, up: Seq) {
    if up.after(header.seq) {
        header.flags |= Flags::URG;
        header.urgent = u16::try_from(up.bytes_since(header.seq)).unwrap_or(u16::MAX);
    }
}
