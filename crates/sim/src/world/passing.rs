//! Hosts that are parted from each other, or whose frames are held back until somebody lets them go.

use super::World;
use super::commons::Wish;
use super::event::{Coming, What};
use crate::fate::Arriving;
use crate::ids::{HostId, LinkId};
use crate::link::Passage;
use crate::record::{Ended, Happening, Lost};
use wire::Frame;

/// What becomes of what one end of a link sends.
#[derive(Default)]
pub(super) struct Passing {
    passage: Passage,
    /// Those that have come to the end of their way, in this order.
    held: Vec<Held>,
}

struct Held {
    frame: Box<Frame>,
    record: Option<usize>,
    coming: Coming,
}

impl Passing {
    /// Whether what has come to the end of its way waits there.
    pub(super) fn is_held(&self) -> bool {
        self.passage == Passage::Held
    }
}

impl World {
    /// What becomes from now on of what a host sends over a link, frames under way included.
    ///
    /// # Panics
    /// If the host is at neither end of the link.
    pub fn set_passage(&mut self, link: LinkId, from: HostId, passage: Passage) {
        self.flush();
        self.let_pass(link.0, self.side_of(from, link), passage);
    }

    /// The links that join two hosts.
    pub fn links_between(&self, one: HostId, other: HostId) -> impl Iterator<Item = LinkId> + use<> {
        let joins = |ends: [HostId; 2]| ends == [one, other] || ends == [other, one];
        let joining = (0..self.links.len()).filter(|link| joins(self.links[*link].ends));
        joining.map(LinkId).collect::<Vec<_>>().into_iter()
    }

    /// A frame has come to the end of its way: it is given back if it may arrive there.
    pub(super) fn pass(
        &mut self,
        link: usize,
        side: usize,
        frame: Box<Frame>,
        record: Option<usize>,
        coming: Coming,
    ) -> Option<Box<Frame>> {
        let wire = &mut self.links[link];
        let (from, lane) = (1 - side, &mut wire.passing[1 - side]);
        let why = match lane.passage {
            Passage::Held => {
                lane.held.push(Held { frame, record, coming });
                return None;
            }
            Passage::Cut => Lost::Parted,
            Passage::Open if self.nodes[wire.ends[side].0].is_down => Lost::HostDown,
            Passage::Open => return self.in_its_place(link, side, frame, record),
        };
        if coming != Coming::Untold {
            self.tell_end(link, from, &frame, Ended::Lost(why));
        }
        self.lose(link, from, record, why);
        None
    }

    /// What arrives in a frame's place.
    fn in_its_place(
        &mut self,
        link: usize,
        side: usize,
        frame: Box<Frame>,
        record: Option<usize>,
    ) -> Option<Box<Frame>> {
        let (Some(hook), Some(record)) = (&mut self.arrival, record) else { return Some(frame) };
        let [from, to] = [1 - side, side].map(|side| self.links[link].ends[side]);
        hook(&Arriving { at: self.now, record, from, to, frame: &frame }).map(Box::new)
    }

    /// What this end sends passes so from now on.
    pub(super) fn let_pass(&mut self, link: usize, from: usize, passage: Passage) {
        let lane = &mut self.links[link].passing[from];
        lane.passage = passage;
        if passage != Passage::Held {
            for Held { frame, record, coming } in std::mem::take(&mut lane.held) {
                self.agenda.push(self.now, What::Arrives { link, side: 1 - from, frame, record, coming });
            }
        }
        self.measure(LinkId(link));
    }

    /// Does what programs have asked of the world.
    pub(super) fn grant(&mut self) {
        for wish in self.commons.take_wishes() {
            match wish {
                Wish::Say(host, text) => {
                    let cause = self.nodes[host.0].handed_in;
                    if let Some(trail) = &mut self.trail {
                        trail.says(self.now, host, &text);
                    }
                    self.note(host, Happening::Said(text), cause);
                }
                Wish::Pass { from, to, passage } => {
                    for link in self.links_between(from, to) {
                        let side = self.side_of(from, link);
                        self.let_pass(link.0, side, passage);
                    }
                }
            }
        }
    }
}
