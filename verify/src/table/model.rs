//! The world around the two ends: who opens, what is old, what may happen next.

use super::{End, Kind, Number, Segment};
use stateright::{Model, Property};
use std::collections::BTreeSet;
use tcp::state::{Cause, State};

/// The client's and the server's incarnation, and those of a connection long gone.
const NOW: [u8; 2] = [1, 2];
const LONG_AGO: [u8; 2] = [8, 9];
/// Steps in which a kind network must bring everything to an end.
const KIND_STEPS_MAX: usize = 200;
/// Steps after which who is never acknowledged gives up.
const R2_STEPS: usize = 100;

/// How it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scene {
    /// One listens, one connects.
    ClientAndServer,
    /// Both connect.
    Simultaneous,
    /// One listens, and nobody connects but the ghost of a SYN of long ago (RFC 9293 §3.5, figure 8).
    Ghost,
}

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// How it begins.
    pub scene: Scene,
    /// How often applications may abort.
    pub aborts_max: u8,
}

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// Both ends.
    pub ends: [End; 2],
    /// Everything sent and not yet too old to arrive. Nothing leaves it by arriving: it may arrive again; what
    /// never arrives is lost.
    pub network: BTreeSet<Segment>,
    /// How often applications have aborted.
    pub aborts: u8,
}

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// A segment arrives, for the first time or again.
    Deliver(Segment),
    /// A retransmission timer fires.
    Retransmit(usize),
    /// The application has no more to send.
    Close(usize),
    /// The application throws the connection away.
    Abort(usize),
    /// 2 MSL have passed: the network has forgotten everything.
    TimeWaitEnds(usize),
}

impl World {
    fn take(&mut self, end: usize, cause: Cause) {
        let mut out = Vec::new();
        self.ends[end].take(cause, &mut out);
        self.network.extend(out);
    }

    fn deliver(&mut self, segment: &Segment) {
        let mut out = Vec::new();
        self.ends[segment.to].arrives(segment, &mut out);
        self.network.extend(out);
    }

    fn may_close(&self, end: usize) -> bool {
        let end = &self.ends[end];
        matches!(end.state, State::Established | State::CloseWait)
            || (end.state == State::SynReceived && end.rcv_nxt.is_some())
    }

    fn is_over(&self) -> bool {
        self.ends.iter().all(|end| matches!(end.state, State::Closed | State::Listen))
    }

    /// Whether it comes to an end if everything under way is lost and nothing after it, and applications close.
    ///
    /// Two ends need a limit of time, and have one: FIN-WAIT-2 towards a peer whose reset was lost, and retransmissions
    /// that are never acknowledged. The latter happens when a ghost of a SYN met a simultaneous open and the
    /// application closed in SYN-RECEIVED: in FIN-WAIT-1 each answers the other's wrong numbers, politely and for ever
    /// (a connection limits how often).
    fn ends_kindly(&self) -> bool {
        let mut world = World { network: BTreeSet::new(), ..self.clone() };
        for step in 0..KIND_STEPS_MAX {
            for end in [0, 1] {
                if step >= R2_STEPS && world.ends[end].retransmission().is_some() {
                    world.take(end, Cause::GaveUp);
                }
            }
            if let Some(segment) = world.network.pop_first() {
                world.deliver(&segment);
                continue;
            }
            if world.is_over() {
                return true;
            }
            for end in [0, 1] {
                if world.may_close(end) {
                    world.take(end, Cause::Close);
                } else if world.ends[end].state == State::TimeWait {
                    world.take(end, Cause::TimeWaitTimeout);
                } else if world.ends[end].state == State::FinWait2 && world.ends[1 - end].rcv_nxt.is_none() {
                    world.take(end, Cause::OrphanTimeout);
                } else {
                    world.network.extend(world.ends[end].retransmission());
                }
            }
        }
        false
    }
}

impl Model for Table {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        let ends = [0, 1].map(|index| End::closed(index, NOW[index]));
        let mut world = World { ends, network: BTreeSet::new(), aborts: 0 };
        if self.scene == Scene::Simultaneous {
            world.take(1, Cause::ActiveOpen);
        } else {
            world.ends[1].passive = true;
            world.take(1, Cause::PassiveOpen);
        }
        if self.scene != Scene::Ghost {
            world.take(0, Cause::ActiveOpen);
        }
        // Segments of long ago, of every kind that could do harm.
        let [client, server] = LONG_AGO.map(|incarnation| Number { incarnation, position: 0 });
        let ghost = |to, seq, ack, kind| Segment { to, seq, ack, kind };
        world.network.insert(ghost(1, client, None, Kind::Syn));
        if self.scene == Scene::ClientAndServer {
            world.network.insert(ghost(0, server, Some(client.plus(1)), Kind::Syn));
            world.network.insert(ghost(1, client.plus(1), Some(server.plus(1)), Kind::Plain));
        }
        vec![world]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Act>) {
        actions.extend(world.network.iter().copied().map(Act::Deliver));
        for end in [0, 1] {
            if world.ends[end].retransmission().is_some_and(|segment| !world.network.contains(&segment)) {
                actions.push(Act::Retransmit(end));
            }
            if world.may_close(end) {
                actions.push(Act::Close(end));
            }
            let state = world.ends[end].state;
            if world.aborts < self.aborts_max && !matches!(state, State::Closed | State::Listen) {
                actions.push(Act::Abort(end));
            }
            if state == State::TimeWait {
                actions.push(Act::TimeWaitEnds(end));
            }
        }
    }

    fn next_state(&self, before: &World, act: Act) -> Option<World> {
        let mut world = before.clone();
        match act {
            Act::Deliver(segment) => world.deliver(&segment),
            Act::Retransmit(end) => world.network.extend(world.ends[end].retransmission()),
            Act::Close(end) => world.take(end, Cause::Close),
            Act::Abort(end) => {
                world.aborts += 1;
                world.take(end, Cause::Abort);
            }
            Act::TimeWaitEnds(end) => {
                world.network.clear();
                world.take(end, Cause::TimeWaitTimeout);
            }
        }
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(
                "the table has a row for everything that the rules ask for",
                |_, world: &World| world.ends.iter().all(|end| end.missing.is_none()),
            ),
            Property::always("an old duplicate never opens a connection", |_, world: &World| {
                [0, 1].into_iter().all(|end| {
                    let (here, there) = (&world.ends[end], 1 - end);
                    let is_of_now = |number: Number| number.incarnation == NOW[there];
                    // After CLOSE in SYN-RECEIVED it is not open: its SYN is not acknowledged.
                    let is_open = here.state.is_synchronized() && here.una > 0;
                    !is_open || here.rcv_nxt.is_some_and(is_of_now)
                })
            }),
            Property::always("a FIN is acknowledged only by who has taken it", |_, world: &World| {
                let [a, b] = &world.ends;
                let taken = |by: &End| by.rcv_nxt.is_none_or(|next| next.position == 2);
                (a.state != State::FinWait2 || taken(b)) && (b.state != State::FinWait2 || taken(a))
            }),
            Property::always("a kind network brings it to an end", |_, world: &World| world.ends_kindly()),
        ];
        if self.scene != Scene::Ghost {
            properties.push(Property::sometimes("both are open", |_, world: &World| {
                world.ends.iter().all(|end| end.state == State::Established)
            }));
            properties.push(Property::sometimes("both are over", |_, world: &World| {
                world.is_over() && world.ends.iter().all(|end| end.was_open)
            }));
        }
        properties
    }
}
