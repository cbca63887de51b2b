//! Worlds that attack: random applications over random faults, many seeds; what must hold whatever happens.
//!
//! Bytes delivered are a prefix of bytes sent, in order, once; a clean close delivers everything; everything is
//! over, and nothing is left, within a bound after the last fault; until then no sender stalls for longer than two
//! of its timeouts; nothing panics, runs wild or grows; no segment that RFC 9293 forbids is sent; and where nothing
//! is late or comes twice no reduction of a congestion window is taken back. A failure is made smaller, then printed
//! with its seed and its ladder.
//!
//! `SYNFIN_SEEDS=10000` for more seeds, `SYNFIN_SEED=77` for one, `SYNFIN_FIRST_SEED=5000` to begin there.

#[path = "attack/actor.rs"]
mod actor;
#[path = "attack/plan.rs"]
mod plan;
#[path = "attack/progress.rs"]
mod progress;
mod story;
#[path = "attack/watch.rs"]
mod watch;

use actor::{Actor, Life};
use plan::{Ending, Family, Opening, Plan};
use progress::Progress;
use stack::{Config, ConnectOptions, Flow, SocketId, TraceRecord};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use synfin_sim::apps::Shared;
use synfin_sim::{At, Entry, Fate, Happening, HostId, Lane, Recording, World};
use tcp::{Instant, Trace};
use watch::Watch;

const SERVER_PORT: u16 = 80;
const CLIENT_PORTS: u16 = 20_000;
const SIMULTANEOUS_PORTS: u16 = 30_000;
/// After the last fault: timeouts backed off to a minute each, and the work. Without timestamps, through a queue of
/// seven packets, in segments of 88 bytes, every window may end in such a timeout (seed 35987: seven minutes).
const DONE_WITHIN: Duration = Duration::from_secs(3_600);
/// And then: an orphan's FIN-WAIT-2, then TIME-WAIT, each a minute, restarted once; or R2 towards one that is gone.
const GONE_WITHIN: Duration = Duration::from_secs(1_500);

/// A world in which a plan is lived.
struct Trial {
    world: World,
    hosts: [HostId; 2],
    lives: Vec<[Shared<Life>; 2]>,
    watch: Rc<RefCell<Watch>>,
}

fn ends(plan: &Plan, talk: usize) -> [SocketAddr; 2] {
    let addresses = match plan.talks[talk].family {
        Family::V4 => ["10.0.0.1", "10.0.0.2"],
        Family::V6 => ["fd00::1", "fd00::2"],
    };
    let ports = match plan.talks[talk].opening {
        Opening::Listening => [CLIENT_PORTS + talk as u16, SERVER_PORT],
        Opening::Simultaneous => [SIMULTANEOUS_PORTS + talk as u16; 2],
    };
    [0, 1].map(|side| SocketAddr::new(addresses[side].parse().expect("an address"), ports[side]))
}

impl Trial {
    fn new(plan: &Plan, recording: Recording) -> Trial {
        let mut world = World::new(plan.seed);
        world.record(recording);
        let config = |side: usize| Config { tcp: Arc::new(plan.configs[side].clone()), ..Config::default() };
        let client = world.add_host("client", config(0), &["10.0.0.1", "fd00::1"]);
        let server = world.add_host("server", config(1), &["10.0.0.2", "fd00::2"]);
        let link = plan.link.clone();
        let watch = Rc::new(RefCell::new(Watch { mtu_bytes: link.mtu_bytes, ..Watch::default() }));
        if let Some(middlebox) = &link.forward.middlebox {
            let strips = |kind| middlebox.strips.contains(&kind);
            watch.borrow_mut().scaling_stripped = strips(wire::tcp::kind::WINDOW_SCALE);
            watch.borrow_mut().mss_stripped = strips(wire::tcp::kind::MSS);
        }
        world.link(client, server, link);
        let lives: Vec<[Shared<Life>; 2]> = plan.talks.iter().map(|_| Default::default()).collect();
        let mut trial = Trial { world, hosts: [client, server], lives, watch };
        trial.set_watch(plan);
        trial.start_programs(plan);
        trial
    }

    fn set_watch(&mut self, plan: &Plan) {
        let talks: BTreeMap<SocketAddr, usize> =
            (0..plan.talks.len()).map(|talk| (ends(plan, talk)[0], talk)).collect();
        let (watch, client) = (self.watch.clone(), self.hosts[0]);
        self.world.set_fate(move |sent| {
            let mut watch = watch.borrow_mut();
            watch.sees(sent.frame);
            let side = usize::from(sent.from != client);
            if let Some(talk) = talk_of(&talks, sent, side) {
                watch.check_text(sent.frame, talk, side);
            }
            Fate::Deliver
        });
    }

    fn start_programs(&mut self, plan: &Plan) {
        let mut serving: BTreeMap<SocketAddr, Actor> = BTreeMap::new();
        for (index, talk) in plan.talks.iter().enumerate() {
            let [here, there] = ends(plan, index);
            let actor =
                |side: usize| Actor::new(index, side, talk.ends[side], self.lives[index][side].clone());
            self.world.start(self.hosts[0], connecting(actor(0), here, there, talk.opens_at));
            match talk.opening {
                Opening::Listening => drop(serving.insert(here, actor(1))),
                Opening::Simultaneous => {
                    self.world.start(self.hosts[1], connecting(actor(1), there, here, talk.opens_at));
                }
            }
        }
        let (mut listener, mut open) = (None, BTreeMap::<SocketId, Actor>::new());
        self.world.start(self.hosts[1], move |at: &mut At<'_>| {
            let listener = *listener.get_or_insert_with(|| at.listen(SERVER_PORT));
            while let Some(accepted) = at.accept(listener) {
                if let Some(actor) = serving.remove(&accepted.remote) {
                    open.insert(accepted.id, actor);
                }
            }
            open.iter_mut().for_each(|(socket, actor)| actor.act(at, *socket));
            open.retain(|_, actor| !actor.is_over());
        });
    }

    /// Lives it; says what went wrong.
    fn run(&mut self, plan: &Plan) -> Result<(), String> {
        let mut progress = Progress::new(&mut self.world, plan);
        self.world.run_until(plan.faults_end);
        self.check_bounds(plan)?;
        let link = plan.link.clone();
        self.world.change_link(self.link(), |now| {
            now.forward = calm(&link.forward);
            now.backward = calm(&link.backward);
        });
        let lives = self.lives.clone();
        let over =
            |lives: &[[Shared<Life>; 2]]| lives.iter().flatten().all(|life| life.borrow().over_at.is_some());
        // A server never hears of a connection that the client threw away before it was open.
        let (link, hosts) = (self.link(), self.hosts);
        let mut stall = None;
        self.world.wait_until(DONE_WITHIN, |world| {
            if progress.is_due(world.now()) {
                stall = look(&mut progress, world, link, hosts, &lives).err();
            }
            stall.is_some() || over(&lives)
        });
        if let Some(stall) = stall {
            return Err(stall);
        }
        self.check_bounds(plan)?;
        self.check_lives(plan)?;
        self.abort_the_forgotten();
        let frames_before = self.world.tally().frames;
        self.world.run_for(GONE_WITHIN);
        for host in self.hosts {
            let usage = self.world.host(host).usage();
            let left = usage.connections + usage.half_open + usage.time_waits + usage.flows + usage.timers;
            if left > 0 {
                return Err(format!("{} still holds {usage:?}", self.world.name(host)));
            }
        }
        let afterwards = self.world.tally().frames - frames_before;
        // What was queued when the applications left still goes out, or is refused segment by segment.
        let queued: u64 =
            plan.talks.iter().flat_map(|talk| talk.ends.iter()).map(|end| 25 + end.bytes / 20).sum();
        if afterwards > queued {
            return Err(format!("{afterwards} frames after everything was over"));
        }
        self.check_effort(plan)
    }

    /// Who still waits for a peer that is gone is told to stop.
    fn abort_the_forgotten(&mut self) {
        for lives in &self.lives {
            for (life, host) in lives.iter().zip(self.hosts) {
                let life = life.borrow();
                if let (Some(socket), None) = (life.socket, life.over_at) {
                    self.world.at(host).abort(socket);
                    self.world.at(host).close(socket);
                }
            }
        }
    }

    fn link(&self) -> synfin_sim::LinkId {
        self.world.links().next().expect("there is one link")
    }

    /// Memory within bounds, nothing forbidden on the wire.
    fn check_bounds(&mut self, plan: &Plan) -> Result<(), String> {
        if let Some(violation) = self.watch.borrow().violations.first() {
            return Err(violation.clone());
        }
        for (index, lives) in self.lives.iter().enumerate() {
            for (side, life) in lives.iter().enumerate() {
                let Some(socket) = life.borrow().socket else { continue };
                let Some(tcp) = self.world.host(self.hosts[side]).tcp(socket) else { continue };
                let info = tcp.info(self.world.now());
                let config = &plan.configs[side];
                let held = info.unread_bytes + info.held_bytes;
                // A buffer smaller than a segment takes one segment.
                let receive_max = config.receive_buffer_bytes + 65_536;
                if held > receive_max || tcp.unacknowledged_bytes() > config.send_buffer_bytes as usize {
                    return Err(format!("connection {index}, side {side}: out of bounds: {info:?}"));
                }
            }
        }
        Ok(())
    }

    fn check_lives(&self, plan: &Plan) -> Result<(), String> {
        for (index, talk) in plan.talks.iter().enumerate() {
            let lives = [0, 1].map(|side| self.lives[index][side].borrow().clone());
            let endings = talk.ends.map(|end| end.ending);
            let gracious = |ending| matches!(ending, Ending::Finish | Ending::FinishLast);
            let is_clean = endings.into_iter().all(gracious);
            for side in [0, 1] {
                let (life, end) = (&lives[side], &talk.ends[side]);
                let say = |what: String| {
                    format!("connection {index}, {}: {what}: {lives:?}", ["client", "server"][side])
                };
                if plan.keeps_order(side) && life.undone > 0 {
                    return Err(say("took back a reduction although nothing was late".into()));
                }
                if let Some(wrong) = &life.wrong {
                    return Err(say(wrong.clone()));
                }
                if life.read > lives[1 - side].written {
                    return Err(say("read more than was written".into()));
                }
                // The peer's reset may be lost, and who has nothing to send never asks again.
                if life.over_at.is_none() && !may_reset(endings[1 - side]) {
                    return Err(say(format!("not over {DONE_WITHIN:?} after the last fault")));
                }
                if is_clean
                    && (life.failed.is_some()
                        || life.read != talk.ends[1 - side].bytes
                        || life.written != end.bytes)
                {
                    return Err(say("a clean close did not deliver everything".into()));
                }
                // Closing with nothing to read from the peer is a clean close too.
                let heard_out =
                    talk.ends[1 - side].ending == Ending::Close && end.bytes == 0 && gracious(end.ending);
                if heard_out && (life.failed.is_some() || life.read != talk.ends[1 - side].bytes) {
                    return Err(say("close lost what was written before it".into()));
                }
                if life.failed == Some(tcp::Error::TimedOut) {
                    return Err(say("gave up although the faults ended in time".into()));
                }
            }
        }
        Ok(())
    }

    /// No timer storm: what was done is in proportion to what there was to do.
    fn check_effort(&self, plan: &Plan) -> Result<(), String> {
        let tally = self.world.tally();
        let work: u64 = plan
            .talks
            .iter()
            .flat_map(|talk| talk.ends.iter())
            .map(|end| end.bytes / 40 + end.bytes / end.chunk_max.max(1) + 200)
            .sum();
        if tally.frames > 30 * work || tally.timers > 60 * work + 2 * tally.frames {
            return Err(format!("too much effort for work of {work}: {tally:?}"));
        }
        Ok(())
    }
}

/// Whether each sender that waits makes progress.
fn look(
    progress: &mut Progress,
    world: &World,
    link: synfin_sim::LinkId,
    hosts: [HostId; 2],
    lives: &[[Shared<Life>; 2]],
) -> Result<(), String> {
    let (now, way) = (world.now(), progress::way(world, link, hosts));
    progress.begin(now);
    for (talk, lives) in lives.iter().enumerate() {
        for (side, life) in lives.iter().enumerate() {
            let life = life.borrow();
            let Some(socket) = life.socket.filter(|_| life.over_at.is_none()) else { continue };
            let Some(tcp) = world.host(hosts[side]).tcp(socket) else { continue };
            progress.look(now, way, [talk, side], tcp)?;
        }
    }
    Ok(())
}

fn may_reset(ending: Ending) -> bool {
    matches!(ending, Ending::Abort(_) | Ending::Close)
}

/// The lane once the faults are over: the path stays what it is.
fn calm(lane: &Lane) -> Lane {
    Lane {
        rate_bits_per_s: lane.rate_bits_per_s,
        delay: lane.delay,
        queue: lane.queue,
        path_mtu: lane.path_mtu,
        middlebox: lane.middlebox.clone(),
        ..Lane::default()
    }
}

fn talk_of(talks: &BTreeMap<SocketAddr, usize>, sent: &synfin_sim::Sent<'_>, side: usize) -> Option<usize> {
    let (header, _) = sent.tcp()?;
    let ports = [header.source_port, header.destination_port];
    talks.iter().find(|(client, _)| client.port() == ports[side]).map(|(_, talk)| *talk)
}

/// A program that connects and then acts.
fn connecting(
    mut actor: Actor,
    local: SocketAddr,
    remote: SocketAddr,
    opens_at: Duration,
) -> impl FnMut(&mut At<'_>) {
    let mut socket = None;
    move |at: &mut At<'_>| {
        let opens_at = Instant::ZERO + opens_at;
        if at.now() < opens_at {
            return at.wake_at(opens_at);
        }
        let options = ConnectOptions { local: Some(local), ..ConnectOptions::new(remote) };
        let socket = *socket.get_or_insert_with(|| at.connect_with(options));
        actor.act(at, socket);
        if actor.is_over() {
            at.leave();
        }
    }
}

/// Lives a plan and says what went wrong, a panic included.
fn trial(plan: &Plan) -> Result<Tallied, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut trial = Trial::new(plan, Recording::NOTHING);
        trial.run(plan).map(|()| Tallied {
            events: trial.world.tally().events,
            virtual_s: trial.world.now().as_millis() / 1_000,
            segments: trial.watch.borrow().segments,
        })
    }));
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default())
    })
}

#[derive(Default)]
struct Tallied {
    events: u64,
    virtual_s: u64,
    segments: u64,
}

/// What kind of failure it is: the words without the numbers.
fn kind(why: &str) -> String {
    let words = why.split(": [").next().unwrap_or_default();
    let words = words.rsplit(" win ").next().unwrap_or_default();
    words
        .replace("client", "")
        .replace("server", "")
        .chars()
        .filter(char::is_ascii_alphabetic)
        .take(60)
        .collect()
}

/// The smallest plan found that fails in the same way.
fn shrunk(plan: &Plan, why: &str) -> Plan {
    let (mut best, mut tries) = (plan.clone(), 400);
    loop {
        let smaller = best.smaller().into_iter().filter(|plan| plan.weight() < best.weight());
        let found = smaller
            .take_while(|_| {
                tries -= 1;
                tries > 0
            })
            .find(|plan| trial(plan).is_err_and(|other| kind(&other) == kind(why)));
        match found {
            Some(plan) => best = plan,
            None => return best,
        }
    }
}

/// Everything about a failure, smallest first.
fn report(plan: &Plan, why: &str, name: &str) -> String {
    let small = shrunk(plan, why);
    let mut trial = Trial::new(&small, Recording { frames_max: 20_000, entries_max: 60_000 });
    let again =
        catch_unwind(AssertUnwindSafe(|| trial.run(&small))).unwrap_or_else(|_| Err("panicked".into()));
    // The ladder is that of the connection complained of, or of all of them.
    let complaint = again.as_ref().err().map_or(why, String::as_str);
    let flow = (0..small.talks.len()).map(|talk| ends(&small, talk)).find_map(|[local, remote]| {
        let is_named = |end: SocketAddr| complaint.contains(&format!("{end} "));
        (small.talks.len() == 1 || is_named(local) && is_named(remote)).then_some(Flow { local, remote })
    });
    let ladder = story::text(&trial.world, trial.hosts[0], trial.hosts[1], flow);
    let ladder: Vec<&str> = ladder.lines().collect();
    let shown = if ladder.len() > 240 && std::env::var_os("SYNFIN_WHOLE").is_none() {
        format!("{}\n   [...]\n{}", ladder[..120].join("\n"), ladder[ladder.len() - 120..].join("\n"))
    } else {
        ladder.join("\n")
    };
    let decisions: Vec<String> = trial.world.log().iter().filter_map(decision).collect();
    let decisions = decisions[decisions.len().saturating_sub(60)..].join("\n");
    format!(
        "seed {}: {why}\n\nmade smaller: {again:?}\n{small}\n{shown}\n\n{decisions}\n\n\
         again with: SYNFIN_SEED={} cargo test -p synfin-sim --test attack {name}\n",
        plan.seed, plan.seed
    )
}

/// What a sender decided about losses.
fn decision(entry: &Entry) -> Option<String> {
    let Happening::Traced(TraceRecord { trace, .. }) = &entry.what else { return None };
    let tells =
        matches!(trace, Trace::Phase { .. } | Trace::Undone { .. } | Trace::Loss { .. } | Trace::Reordering);
    tells.then(|| format!("{:?} {:?}: {trace:?}", entry.at, entry.host))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_the_wire_and_the_applications_do() {
    live_all(5_000, Plan::of, "whatever_the_wire");
}

/// Seeds that have found something, so that it is looked for every time.
#[test]
fn what_was_found_once_is_not_found_again() {
    // A pacer that held back for ten seconds; a reordering timer that ran in circles at the time of the timeout.
    for seed in [1_024_386, 2_009_212] {
        if let Err(why) = trial(&Plan::of(seed)) {
            panic!("{}", report(&Plan::of(seed), &why, "whatever_the_wire"));
        }
    }
}

#[test]
fn nothing_is_taken_back_where_nothing_is_late() {
    live_all(1_000, Plan::in_order, "nothing_is_taken_back");
}

/// Lives the plans of many seeds; the first failure is told.
fn live_all(usually: u64, plan_of: fn(u64) -> Plan, name: &str) {
    let seeds = match number("SYNFIN_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let first = number("SYNFIN_FIRST_SEED").unwrap_or(0);
            first..first + number("SYNFIN_SEEDS").unwrap_or(usually)
        }
    };
    let began = std::time::Instant::now();
    let (next, last) = (AtomicU64::new(seeds.start), seeds.end);
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let totals = [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)];
    // The first failure by seed is told, whichever thread found it.
    let failure = std::sync::Mutex::new(None::<(u64, String)>);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last
                        || failure.lock().expect("no thread panics while it holds the lock").is_some()
                    {
                        return;
                    }
                    match trial(&plan_of(seed)) {
                        Ok(tallied) => {
                            totals[0].fetch_add(tallied.events, Ordering::Relaxed);
                            totals[1].fetch_add(tallied.virtual_s, Ordering::Relaxed);
                            totals[2].fetch_add(tallied.segments, Ordering::Relaxed);
                        }
                        Err(why) => {
                            let mut failure =
                                failure.lock().expect("no thread panics while it holds the lock");
                            if failure.as_ref().is_none_or(|(earlier, _)| seed < *earlier) {
                                *failure = Some((seed, why));
                            }
                        }
                    }
                }
            });
        }
    });
    if let Some((seed, why)) = failure.into_inner().expect("no thread panics while it holds the lock") {
        panic!("{}", report(&plan_of(seed), &why, name));
    }
    let [events, virtual_s, segments] = totals.map(AtomicU64::into_inner);
    let took = began.elapsed().as_secs_f64();
    println!(
        "{} seeds in {took:.1} s: {:.0} seeds/s, {:.0} virtual hours, {segments} segments, {events} events",
        seeds.end - seeds.start,
        (seeds.end - seeds.start) as f64 / took,
        virtual_s as f64 / 3_600.0,
    );
}
