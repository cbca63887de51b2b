//! No stall: once the faults are over, a sender that waits for an acknowledgment has it within two of its own
//! retransmission timeouts.
//!
//! The faults of a world do not all end at its appointed hour, because full queues go on dropping. So the clock of
//! a sender starts anew with every frame that is lost or damaged. What it may take beyond the two timeouts is the
//! way there and back, queues included, and the time for which the peer may keep an acknowledgment back.

use crate::worlds::actor::Life;
use crate::worlds::plan::Plan;
use crate::worlds::trial::is_again;
use sim::apps::Shared;
use sim::{Ended, Ends, HostId, Lane, LinkId, World};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tcp::{Connection, Instant, State};
use wire::Seq;

/// Timeouts without progress that are a stall.
const TIMEOUTS: u32 = 2;
/// The same for who connects from a port of its former life: the first SYN only ends what is left of that (RFC 9293
/// §3.5.1), and the next one comes after twice the timeout.
const TIMEOUTS_OF_THE_REBORN: u32 = 4;
/// The same for a SYN that has to ask for its neighbour first: whoever joins a search whose last request was lost
/// already is dropped with it, and the next SYN comes after twice the timeout (RFC 4861 §7.2.2, RFC 1122 §2.3.2.2).
const TIMEOUTS_OF_A_SEARCH: u32 = 4;
/// The same where a SYN may be passed over because challenges are rationed: one SYN more, and each waits twice as long.
const TIMEOUTS_OF_THE_UNCHALLENGED: u32 = 8;

/// Looks at senders now and then.
pub(crate) struct Progress {
    last_fault: Rc<Cell<Instant>>,
    marks: BTreeMap<(usize, usize), Mark>,
    look_at: Instant,
    ack_delay: Duration,
}

/// Where a sender stood when it last moved.
struct Mark {
    una: Seq,
    state: State,
    moved_at: Instant,
    /// Its timeout then, back-off included.
    timeout: Duration,
    /// The longest way there and back since.
    way: Duration,
}

impl Progress {
    /// Watches the faults of a world from now on.
    pub(crate) fn new(world: &mut World, plan: &Plan) -> Self {
        let last_fault = Rc::new(Cell::new(Instant::ZERO));
        let (fault, link) = (last_fault.clone(), world.links().next());
        world.observe_frames(move |crossing| {
            if crossing.ended != Ended::Whole && Some(crossing.link) == link {
                fault.set(crossing.at);
            }
        });
        let ack_delay = plan.configs.iter().map(|config| config.delayed_ack).max().unwrap_or_default();
        Progress { last_fault, marks: BTreeMap::new(), look_at: Instant::ZERO, ack_delay }
    }

    /// Whether it is time to look again.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now >= self.look_at
    }

    /// Looks at the sender of `side` of connection `talk`; says whether it stalls.
    fn look(
        &mut self,
        now: Instant,
        way: Duration,
        timeouts: u32,
        [talk, side]: [usize; 2],
        tcp: &Connection,
    ) -> Result<(), String> {
        let (info, snapshot) = (tcp.info(now), tcp.snapshot());
        let is_open = info.send_window_bytes > 0 || !snapshot.state.is_synchronized();
        let waits = info.in_flight_bytes > 0 && is_open && snapshot.state != State::Closed;
        let mark =
            Mark { una: snapshot.snd_una, state: snapshot.state, moved_at: now, timeout: info.rto, way };
        let last_fault = self.last_fault.get();
        if !waits {
            self.marks.remove(&(talk, side));
            return Ok(());
        }
        let old = self.marks.entry((talk, side)).or_insert_with(|| Mark { ..mark });
        if (old.una, old.state) != (mark.una, mark.state) || last_fault >= old.moved_at {
            *old = mark;
        }
        old.way = old.way.max(way);
        let bound = timeouts * old.timeout + old.way + self.ack_delay;
        let waited = now.since(old.moved_at);
        if waited > bound {
            return Err(format!(
                "connection {talk}, side {side}: stalls: no progress for {waited:?}, the timeout was {:?}, the way \
                 {:?}: {info:?}",
                old.timeout, old.way
            ));
        }
        self.look_at = self.look_at.min(now + bound / 4);
        Ok(())
    }

    /// This sender need not move for now: its time begins anew with the next look.
    fn forget(&mut self, [talk, side]: [usize; 2]) {
        self.marks.remove(&(talk, side));
    }

    /// A round of looking begins.
    fn begin(&mut self, now: Instant) {
        self.look_at = now + Duration::from_secs(1);
    }
}

impl Progress {
    /// Looks at every sender of a world that waits; says which one stalls.
    pub(crate) fn look_at_all(
        &mut self,
        world: &World,
        link: LinkId,
        hosts: [HostId; 2],
        lives: &[[Shared<Life>; 2]],
        plan: &Plan,
    ) -> Result<(), String> {
        let (now, way) = (world.now(), way(world, link, hosts));
        self.begin(now);
        for (talk, lives) in lives.iter().enumerate() {
            // What arrives while memory is short is lost, whenever that is.
            if plan.breaks(talk) || plan.evil.memory_bytes.is_some() {
                continue;
            }
            for (side, life) in lives.iter().enumerate() {
                let life = life.borrow();
                let Some(socket) = life.socket.filter(|_| life.over_at.is_none()) else { continue };
                let host = world.host(hosts[side]);
                let Some(tcp) = host.tcp(socket) else { continue };
                let is_opening = tcp.state() == State::SynSent;
                let is_reborn = is_again(plan, talk) && is_opening;
                // Who has no peer any more hears of it late, because what could follow a cookie is not reset.
                let other = lives[1 - side].borrow().socket;
                let at_peer = world.host(hosts[1 - side]);
                let peer = other.and_then(|socket| at_peer.tcp(socket));
                if plan.evil.makes_cookies() && peer.is_none() && !is_opening {
                    continue;
                }
                // What was sent into a window that only a lie had opened waits for the reader.
                let is_full = peer.is_some_and(|peer| peer.snapshot().rcv_wnd == 0);
                if plan.evil.lies_about_windows(talk) && is_full {
                    self.forget([talk, side]);
                    continue;
                }
                // TIME-WAIT hears the reset of the reborn for one timeout of a path that was shorter.
                if plan.evil.delays() && is_reborn {
                    continue;
                }
                let timeouts = match () {
                    () if is_reborn && plan.may_withhold_challenges(talk) => TIMEOUTS_OF_THE_UNCHALLENGED,
                    () if is_reborn => TIMEOUTS_OF_THE_REBORN,
                    () if is_opening && plan.link.ends == Ends::Ethernet => TIMEOUTS_OF_A_SEARCH,
                    () => TIMEOUTS,
                };
                self.look(now, way, timeouts, [talk, side], tcp)?;
            }
        }
        Ok(())
    }
}

/// How long the way over a link and back takes now.
fn way(world: &World, link: LinkId, hosts: [HostId; 2]) -> Duration {
    let config = world.link_config(link);
    let one = |lane: &Lane, from: HostId| {
        let (_, bytes) = world.waiting(link, from);
        // What waits, what is being sent, and what comes behind it.
        let bytes = bytes + 2 * 65_536;
        let queued = lane.rate_bits_per_s.map_or(0, |rate| bytes * 8 * 1_000_000 / rate);
        lane.delay + lane.jitter + lane.reorder_by + Duration::from_micros(queued)
    };
    one(&config.forward, hosts[0]) + one(&config.backward, hosts[1])
}
