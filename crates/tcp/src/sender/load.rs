//! What only a sender with something in flight needs, in one box that goes when nothing is.

use crate::Instant;
use crate::build::{Plan, What};
use crate::sender::duplicates::Duplicates;
use crate::sender::flight::{Flight, Heard};
use crate::sender::pacer::{Pacer, Rate};
use crate::sender::path_search::PathSearch;
use crate::sender::phase::Phase;
use crate::sender::rack::Rack;
use crate::sender::tail_probe::TailProbe;
use crate::sender::undo::Episode;
use crate::sender::usage::Usage;
use alloc::boxed::Box;
use wire::Seq;

/// The part of a [`Sender`](crate::sender::Sender) that exists while something is in flight.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) flight: Flight,
    pub(crate) phase: Phase,
    pub(crate) rack: Rack,
    pub(crate) tail: TailProbe,
    pub(crate) duplicates: Duplicates,
    pub(crate) pacer: Pacer,
    /// At what rate it was asked last; `None`: not at all.
    pub(crate) rate: Option<Rate>,
    pub(crate) usage: Usage,
    /// Boxed: rare.
    pub(crate) episode: Option<Box<Episode>>,
    /// Without SACK: what a recovery or timeout has covered; duplicates below say nothing new
    /// (RFC 6582 §3.2, step 2).
    pub(crate) recover: Option<Seq>,
    /// The end of the segment whose round trip is being measured, and when it left.
    pub(crate) timed: Option<(Seq, Instant)>,
    /// From when the retransmission timeout counts (RFC 6298 §5).
    pub(crate) timeout_from: Instant,
    /// From when the timeout of the tail probe counts (RFC 8985 §7.2).
    pub(crate) probe_from: Instant,
    /// When something that may only be late counts as lost.
    pub(crate) reordered_due: Option<Instant>,
    /// The search for the path's MTU, while there is something to find. Boxed: rare.
    pub(crate) path_search: Option<Box<PathSearch>>,
}

impl Load {
    /// Nothing in flight yet; the next byte is `next`, the latest round trip took `rtt_ns`.
    pub(crate) fn new(now: Instant, next: Seq, rtt_ns: u64) -> Self {
        Load {
            flight: Flight::new(next),
            phase: Phase::Open,
            rack: Rack::new(rtt_ns),
            tail: TailProbe::default(),
            duplicates: Duplicates::default(),
            pacer: Pacer::new(now),
            rate: None,
            usage: Usage::new(next),
            episode: None,
            recover: None,
            timed: None,
            timeout_from: now,
            probe_from: now,
            reordered_due: None,
            path_search: None,
        }
    }

    /// What was sent before leaves again at `now`; `una` is SND.UNA.
    #[inline(never)]
    pub(crate) fn on_again(&mut self, plan: &Plan, una: Seq, now: Instant) {
        let Some(to) = plan.to else { return };
        let start = plan.seq;
        if start == una {
            // The retransmission has a timeout of its own, as Linux has it.
            self.timeout_from = now;
        }
        // Karn: what was sent twice is not timed.
        self.timed = self.timed.filter(|(end, _)| !(end.after(start) && end.at_or_before(to)));
        if plan.what == What::Ordinary
            && let Some(episode) = &mut self.episode
        {
            episode.on_resent(start, to, una, now.as_millis() as u32);
        }
    }

    /// Memory that it takes.
    #[inline]
    pub(crate) fn held_bytes(&self) -> usize {
        let episode = self.episode.as_ref().map_or(0, |episode| episode.held_bytes());
        let path_search = self.path_search.as_ref().map_or(0, |_| size_of::<PathSearch>());
        size_of::<Load>() + self.flight.held_bytes() + episode + path_search
    }

    /// Bytes in the network, as far as we know (RFC 9937 §6.2, inflight).
    pub(crate) fn in_flight_bytes(&self) -> u32 {
        self.flight.in_flight_bytes().saturating_sub(self.duplicates.bytes())
    }

    /// Everything arrived, in order and once, and nothing of what was suspected before waits for an answer.
    pub(crate) fn is_over(&self, una: Seq, heard: &Heard) -> bool {
        matches!(self.phase, Phase::Open)
            && self.duplicates.count() == 0
            && !heard.reordered
            && heard.duplicate.is_none()
            && self.is_done(una)
    }

    /// Nothing here will be needed again, once everything before `una` is acknowledged.
    pub(crate) fn is_done(&self, una: Seq) -> bool {
        if !self.flight.is_empty() {
            return false;
        }
        let awaits_report = self.episode.as_ref().is_some_and(|episode| episode.awaits_report());
        let covers = self.recover.is_some_and(|recover| una.at_or_before(recover));
        let searches = self.path_search.as_ref().is_some_and(|search| !search.is_over());
        !awaits_report && !covers && !self.tail.awaits_verdict() && !searches
    }
}
