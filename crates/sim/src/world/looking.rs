//! What a world shows: its time, its hosts and links, what was recorded and counted. Nothing here changes anything.

use super::{Tally, World};
use crate::ids::{HostId, LinkId};
use crate::link::LinkConfig;
use crate::record::{Entry, FrameRecord, Happening, Lost, Origin};
use netem::QueueWaits;
use socket::Core;
use stack::{Host, TraceRecord};
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::MutexGuard;
use tcp::{Instant, SegmentFacts, SendReason, Trace};

impl World {
    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// When something happens next, as far as is known: a timer that was put off may be looked at for nothing.
    pub fn next_at(&self) -> Option<Instant> {
        self.agenda.next_at()
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A host's name.
    pub fn name(&self, host: HostId) -> &str {
        &self.nodes[host.0].name
    }

    /// The host with this name or address.
    pub fn find(&self, host: &str) -> Option<HostId> {
        self.commons.find(host)
    }

    /// A host's addresses.
    pub fn addresses(&self, host: HostId) -> &[IpAddr] {
        &self.nodes[host.0].addresses
    }

    /// A host, to look at; let go of it before it is looked at again, and before sockets on it are used.
    ///
    /// # Panics
    /// If it is being looked at.
    pub fn host(&self, host: HostId) -> impl Deref<Target = Host> + use<'_> {
        Looked(self.nodes[host.0].seat.look())
    }

    /// All hosts.
    pub fn hosts(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..self.nodes.len()).map(HostId)
    }

    /// All links.
    pub fn links(&self) -> impl Iterator<Item = LinkId> + use<> {
        (0..self.links.len()).map(LinkId)
    }

    /// A link's settings.
    pub fn link_config(&self, link: LinkId) -> &LinkConfig {
        &self.links[link.0].config
    }

    /// Frames and bytes that wait in the queue of what `from` sends on a link.
    pub fn waiting(&self, link: LinkId, from: HostId) -> (usize, u64) {
        let wire = &self.links[link.0];
        wire.lanes[usize::from(wire.ends[1] == from)].waiting()
    }

    /// How long frames from this host have waited in the queues of a link until their turn came.
    pub fn waits(&self, link: LinkId, from: HostId) -> &QueueWaits {
        let wire = &self.links[link.0];
        wire.lanes[usize::from(wire.ends[1] == from)].waits()
    }

    /// The frames recorded, in the order in which they were sent.
    pub fn frames(&self) -> &[FrameRecord] {
        &self.frames
    }

    /// What a recorded frame says, and why it was sent if the log tells; `None` if it is no TCP segment. The
    /// window is as it stands in the header, unless its sending is in the log, which knows the scale.
    pub fn segment(&self, frame: usize) -> Option<(SegmentFacts, Option<SendReason>)> {
        let record = self.frames.get(frame)?;
        let facts = record.facts()?;
        let Origin::Host { sending: Some(place) } = record.origin else { return Some((facts, None)) };
        let traced = self.log.get(place).map(|entry| &entry.what);
        let Some(Happening::Traced(TraceRecord { trace: Trace::Sent { segment, why }, .. })) = traced else {
            return Some((facts, None));
        };
        Some((SegmentFacts { window_bytes: segment.window_bytes, ..facts }, Some(*why)))
    }

    /// What connections and programs said and what became of frames, in the order of time.
    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// How much there was to do.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// How many frames were lost for this reason, recorded or not.
    pub fn lost(&self, why: Lost) -> u64 {
        self.lost[why as usize]
    }
}

/// A host that is being looked at.
struct Looked<'a>(MutexGuard<'a, Core>);

impl Deref for Looked<'_> {
    type Target = Host;

    fn deref(&self) -> &Host {
        self.0.host()
    }
}
