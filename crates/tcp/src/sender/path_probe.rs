//! Probes of a larger path MTU: when one leaves, and what became of it (RFC 4821 §7.4 to §7.6, §10.1).
//!
//! A probe is one segment of new data, larger than the others and never part of a super-segment; nothing overlaps it.
//! It leaves only when all is well and enough data follows it to show its loss. That loss alone is no congestion:
//! it goes through the scoreboard with the sign of a path that is too small. Which size is tried is
//! `path_search.rs`'s to say.

use super::Fact;
use crate::build::{Plan, What};
use crate::congestion::Controller;
use crate::sender::flight::Run;
use crate::sender::load::Load;
use crate::sender::next::Ask;
use crate::sender::path_search::{Course, PathSearch, Probe};
use crate::sender::phase::Phase;
use crate::sender::{Lent, Sender};
use crate::trace::{LossSign, PathProbe, Trace};
use crate::{Instant, MtuProbing, SendReason};
use alloc::boxed::Box;
use wire::Seq;

/// Segments that the window must have: a smaller one does not show the loss of one of them in time (as Linux has it).
const WINDOW_SEGMENTS_MIN: u32 = 11;
/// Segments that follow a probe: DupThresh and one more (RFC 4821 §7.4).
const SEGMENTS_BEHIND: u32 = 4;
/// A probe whose loss took a timeout to show is dearer (RFC 4821 §7.6.3).
const WAITS_AFTER_TIMEOUT: u64 = 5;

/// What is next where a search is under way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Turn {
    /// The probe.
    Probe(Plan),
    /// Nothing, until acknowledgments have made room for the probe.
    Wait,
    /// What would be next anyway.
    Ordinary,
}

impl Sender {
    /// A larger path MTU is searched for.
    #[inline]
    pub(super) fn has_path_search(&self) -> bool {
        self.load.as_ref().is_some_and(|load| load.path_search.is_some())
    }

    /// The search for the path's MTU, begun if need be: now packets of `mtu_bytes` are sent, with so many of headers.
    pub(crate) fn path_search(&mut self, now: Instant, mtu_bytes: u32, header_bytes: u32) -> &mut PathSearch {
        let (nxt, rtt_ns) = (self.nxt, u64::from(self.rtt.latest_us().unwrap_or(0)) * 1_000);
        let load = self.load.get_or_insert_with(|| Box::new(Load::new(now, nxt, rtt_ns)));
        load.path_search.get_or_insert_with(|| Box::new(PathSearch::new(mtu_bytes, header_bytes)))
    }

    /// The size of packets to use from here on, once after a probe or a trial has changed it.
    #[inline]
    pub(crate) fn take_path_news(&mut self) -> Option<u32> {
        self.load.as_mut()?.path_search.as_mut()?.take_news()
    }

    /// The search, if one is under way.
    pub(crate) fn known_path_search(&mut self) -> Option<&mut PathSearch> {
        self.load.as_mut()?.path_search.as_deref_mut()
    }

    /// search_low and search_high, while there is a search.
    pub(crate) fn path_search_range(&self) -> Option<(u32, u32)> {
        self.load.as_ref()?.path_search.as_ref().map(|search| search.range_bytes())
    }

    /// Text bytes of the segment in flight that begins at or covers `seq`; `None` if the peer has it.
    pub(crate) fn segment_in_flight(&self, seq: Seq) -> Option<u32> {
        self.load.as_ref()?.flight.segment_at(seq)
    }

    /// Whether a probe leaves now, while `room_bytes` are free in the congestion window.
    #[inline(never)]
    pub(super) fn turn_of_path_probe(&mut self, ask: &Ask, room_bytes: u32, lent: &mut Lent<'_>) -> Turn {
        let (mss, nxt, unsent) = (lent.mss, self.nxt, self.unsent_bytes());
        let usable = self.edge().offset_from(nxt).max(0).cast_unsigned();
        let cwnd_bytes = self.congestion.cwnd_bytes();
        // With SACK blocks beside it the packet would have another size than the one to be tried.
        let is_calm = ask.mss == mss && ask.may_send_text && self.syn_acked() && !self.up.after(self.una);
        if lent.config.mtu_probing == MtuProbing::Off || !is_calm || cwnd_bytes / WINDOW_SEGMENTS_MIN < mss {
            return Turn::Ordinary;
        }
        let record_end = self.record_end(nxt);
        let Some(load) = &mut self.load else { return Turn::Ordinary };
        let has_gaps =
            load.flight.lost_bytes() + load.flight.sacked_bytes() > 0 || load.duplicates.count() > 0;
        if !matches!(load.phase, Phase::Open) || has_gaps {
            return Turn::Ordinary;
        }
        let in_flight_bytes = load.in_flight_bytes();
        let Some(search) = &mut load.path_search else { return Turn::Ordinary };
        let Some(size_bytes) = search.next_size(lent.now, lent.config) else { return Turn::Ordinary };
        let text_bytes = search.text_bytes(size_bytes);
        let (end, needed) = (nxt + text_bytes, text_bytes + SEGMENTS_BEHIND * mss);
        let has_enough = text_bytes > mss
            && text_bytes <= u32::from(u16::MAX)
            && unsent >= needed
            && self.wnd >= needed
            && record_end.is_none_or(|record| record.at_or_after(end));
        if !has_enough {
            return Turn::Ordinary;
        }
        if usable < needed || room_bytes < text_bytes {
            return if in_flight_bytes > 0 { Turn::Wait } else { Turn::Ordinary };
        }
        search.on_sent(Probe { start: nxt, end, size_bytes });
        lent.tracer.note(|| Trace::PathProbe { mtu_bytes: size_bytes, what: PathProbe::Sent });
        self.marks.set(Fact::SendSmall, false);
        Turn::Probe(Plan::text(nxt, end, SendReason::PathProbe).as_probe(What::PathProbe))
    }

    /// What an acknowledgment of everything before `una` says of the probe.
    #[inline(never)]
    pub(super) fn hear_of_path_probe(&self, load: &mut Load, una: Seq, lent: &mut Lent<'_>) {
        let Some(search) = &mut load.path_search else { return };
        let course = Course {
            now: lent.now,
            rto_us: self.rtt.rto_us(),
            segments: self.sent.segments,
            segments_again: self.sent.segments_again,
        };
        if let Some(mtu_bytes) = search.on_acked(una, &course, lent.config) {
            lent.tracer.note(|| Trace::PathProbe { mtu_bytes, what: PathProbe::Arrived });
        }
        if search.is_over() {
            load.path_search = None;
        }
    }

    /// Something counts as lost. If it is a probe and nothing else, in a flight that was well, it is no congestion, and
    /// it is only sent again (RFC 4821 §7.6.2). Returns whether that is so.
    #[inline(never)]
    pub(super) fn has_lost_only_path_probe(&self, load: &mut Load, lent: &mut Lent<'_>) -> bool {
        let Some(search) = &mut load.path_search else { return false };
        let Some(Probe { start, end, .. }) = search.probe() else { return false };
        let lost_bytes = load.flight.lost_bytes_within(start, end);
        if lost_bytes == 0 {
            return false;
        }
        if lost_bytes != load.flight.lost_bytes() || !matches!(load.phase, Phase::Open | Phase::Cwr { .. }) {
            search.forget_probe();
            return false;
        }
        let lost = search.on_lost(lent.now, self.wait_after_probe_us(lent.mss), lent.config);
        self.blame_path(load, start, end, lost, lent);
        // A model of the path is told of congestion only.
        drop(load.flight.take_losses());
        true
    }

    /// The bytes `start..end` of a probe of this size were too big for the path.
    fn blame_path(&self, load: &mut Load, start: Seq, end: Seq, size: Option<u32>, lent: &mut Lent<'_>) {
        let is_of_probe = |run: &Run| run.start.at_or_after(start) && run.end.at_or_before(end);
        load.flight.blame_where(LossSign::PathMtu, is_of_probe);
        // Without SACK: the duplicates that it has caused say nothing more.
        load.recover = load.recover.or(Some(self.nxt).filter(|_| !self.sack));
        load.duplicates.limit_to(load.flight.in_flight_bytes());
        load.timed = None;
        load.tail.forget();
        lent.tracer.note(|| Trace::Loss { seq: start, sign: LossSign::PathMtu });
        if let Some(mtu_bytes) = size {
            lent.tracer.note(|| Trace::PathProbe { mtu_bytes, what: PathProbe::Lost });
        }
    }

    /// A router says of the segment at `seq` that no more than `mtu_bytes` fits. If it was a probe, larger than what is
    /// usually sent, that is its answer. Returns whether it was.
    pub(crate) fn is_probe_too_big(&mut self, seq: Seq, mtu_bytes: u32, lent: &mut Lent<'_>) -> bool {
        let Some(mut load) = self.load.take() else { return false };
        let probe = load.path_search.as_ref().and_then(|search| search.probe());
        let size = load.path_search.as_mut().and_then(|search| search.on_too_big(seq, mtu_bytes));
        if let (Some(probe), Some(_)) = (probe, size) {
            load.flight.lose_where(LossSign::PathMtu, |run| {
                run.start.at_or_after(probe.start) && run.end.at_or_before(probe.end)
            });
            self.blame_path(&mut load, probe.start, probe.end, size, lent);
        }
        self.load = Some(load);
        if size.is_some() {
            self.arm(lent);
        }
        size.is_some()
    }

    /// The retransmission timer ran out, and a probe is in the network: was it the first that was lost?
    pub(super) fn hear_of_timeout_with_path_probe(&self, load: &mut Load, lent: &mut Lent<'_>) {
        let Some(search) = &mut load.path_search else { return };
        let Some(Probe { start, .. }) = search.probe() else { return };
        if start != self.una {
            search.forget_probe();
            return;
        }
        let wait_us = self.wait_after_probe_us(lent.mss) * WAITS_AFTER_TIMEOUT;
        if let Some(mtu_bytes) = search.on_lost(lent.now, wait_us, lent.config) {
            lent.tracer.note(|| Trace::PathProbe { mtu_bytes, what: PathProbe::Lost });
        }
    }

    /// How long losses of probes have to be apart to be rarer than those of a congested path: as many round trips as
    /// the window has segments (RFC 4821 §7.6.2).
    fn wait_after_probe_us(&self, mss: u32) -> u64 {
        let segments = self.congestion.cwnd_bytes() / mss.max(1) + 1;
        u64::from(segments) * u64::from(self.rtt.srtt_us().unwrap_or(0).max(1_000))
    }
}
