//! What the lens reads out of a capture of a world is what the engine's own trace says, row by row.
//!
//! Each world is captured at either end, written as a capture file and read back. The rows of
//! [`tcp::state::ROWS`] that the lens tells for both ends must be those of the hosts' traces. Not compared
//! is what no packet shows: that somebody listens ([`is_compared`]), and that a timer or an application ends
//! in silence ([`is_silent`]). From a row on that the lens itself marks as assumed or inferred, an end may
//! have gone another way; over clean links not even that is needed.
//!
//! `SYNFIN_SEEDS=40000` for more seeds, `SYNFIN_SEED=77` for one.

mod story;
mod through_a_file;

use lens::{Kept, Origin, Step};
use stack::{Config, ConnectOptions, Flow, SocketId};
use std::net::SocketAddr;
use std::time::Duration;
use synfin_sim::{
    At, Chance, Dice, Entry, FrameRecord, Happening, HostId, Lane, LinkConfig, Loss, Order, Recording,
    Vantage, World, captured,
};
use tcp::ReadError;
use tcp::state::{Cause, Row};
use through_a_file::explained;

const SERVER: &str = "10.0.0.2:80";
const CLIENT: &str = "10.0.0.1:50000";
/// Longer than any timer: everything is over then.
const DONE_WITHIN: Duration = Duration::from_secs(2_000);

/// What the application of one end does.
#[derive(Clone, Copy, Debug)]
struct Conduct {
    text_bytes: usize,
    ends: Ends,
}

/// When and how it ends.
#[derive(Clone, Copy, Debug)]
enum Ends {
    /// It has nothing more to say, and reads on until the other is done.
    Finish(Duration),
    /// When the other has no more to say.
    FinishLast,
    /// It leaves, and hears no more.
    Close(Duration),
    /// It throws the connection away.
    Abort(Duration),
}

/// Who opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    Listening,
    Simultaneous,
    /// Nobody listens.
    Refused,
}

#[derive(Clone, Debug)]
struct Plan {
    seed: u64,
    opening: Opening,
    conducts: [Conduct; 2],
    lanes: [Lane; 2],
    /// When the links begin to be as `lanes` says; before, they only delay.
    faults_begin: Duration,
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address and a port")
}

/// One end of the connection: writes, reads, ends.
fn acting(
    conduct: Conduct,
    mut open: impl FnMut(&mut At<'_>) -> Option<SocketId>,
) -> impl FnMut(&mut At<'_>) {
    let (mut written, mut heard_all, mut began, mut finished) = (0, false, None, false);
    move |at: &mut At<'_>| {
        let Some(socket) = open(at) else { return };
        let began = *began.get_or_insert(at.now());
        if written < conduct.text_bytes {
            let text = vec![b'x'; conduct.text_bytes - written];
            written += at.write(socket, &text).unwrap_or(0);
        }
        let mut buffer = [0; 4_096];
        let failed = loop {
            match at.read(socket, &mut buffer) {
                Ok(0) => heard_all = true,
                Ok(_) => continue,
                Err(ReadError::WouldBlock) => {}
                Err(_) => break true,
            }
            break false;
        };
        let due = match conduct.ends {
            Ends::Finish(after) | Ends::Close(after) | Ends::Abort(after) => Some(began + after),
            Ends::FinishLast => heard_all.then_some(at.now()),
        };
        let is_due = due.is_some_and(|due| due <= at.now());
        match (conduct.ends, due) {
            (_, Some(due)) if !is_due => at.wake_at(due),
            (Ends::Abort(_), _) if is_due => {
                at.abort(socket);
                at.close(socket);
                return at.leave();
            }
            _ if is_due && !finished => {
                at.finish(socket);
                finished = true;
            }
            _ => {}
        }
        let leaves = matches!(conduct.ends, Ends::Close(_)) || heard_all;
        if failed || (finished && leaves) {
            at.close(socket);
            at.leave();
        }
    }
}

fn lived(plan: &Plan) -> (World, [HostId; 2]) {
    let mut world = World::new(plan.seed);
    world.record(Recording::EVERYTHING);
    let client = world.add_host("client", Config::default(), &["10.0.0.1"]);
    let server = world.add_host("server", Config::default(), &["10.0.0.2"]);
    let link = world.link(client, server, LinkConfig::symmetric(clean()));
    let connecting = |conduct, local, remote| {
        let options = ConnectOptions { local: Some(address(local)), ..ConnectOptions::new(address(remote)) };
        let mut socket = None;
        acting(conduct, move |at: &mut At<'_>| {
            Some(*socket.get_or_insert_with(|| at.connect_with(options.clone())))
        })
    };
    match plan.opening {
        Opening::Refused => {}
        Opening::Simultaneous => world.start(server, connecting(plan.conducts[1], SERVER, CLIENT)),
        Opening::Listening => {
            let (mut listener, mut socket) = (None, None);
            let accepting = move |at: &mut At<'_>| {
                let listener = *listener.get_or_insert_with(|| at.listen(80));
                socket = socket.or_else(|| at.accept(listener).map(|accepted| accepted.id));
                socket
            };
            world.start(server, acting(plan.conducts[1], accepting));
        }
    }
    world.start(client, connecting(plan.conducts[0], CLIENT, SERVER));
    world.run_for(plan.faults_begin);
    world.change_link(link, |now| [now.forward, now.backward] = plan.lanes.clone());
    world.run_for(DONE_WITHIN);
    (world, [client, server])
}

/// That an end listens, no packet shows.
fn is_compared(row: &&'static Row) -> bool {
    row.on != Cause::PassiveOpen
}

/// What the engine of `host` says that its connection went through.
fn told(world: &World, host: HostId) -> Vec<&'static Row> {
    world.log().iter().filter(|entry| entry.host == host).filter_map(row_of).filter(is_compared).collect()
}

fn row_of(entry: &Entry) -> Option<&'static Row> {
    match &entry.what {
        Happening::Traced(record) => record.trace.row(),
        _ => None,
    }
}

/// No packet shows this row: a timer ran out, or an application left, and nothing was sent.
fn is_silent(row: &Row) -> bool {
    let timer =
        matches!(row.on, Cause::TimeWaitTimeout | Cause::OrphanTimeout | Cause::GaveUp | Cause::UserTimeout);
    (timer || matches!(row.on, Cause::Close | Cause::Abort)) && row.sends == tcp::state::Sends::Nothing
}

/// Rows that a packet shows, in order; an end without its silent rows is one that just stays.
fn shown(rows: &[&'static Row]) -> usize {
    rows.iter().rposition(|row| !is_silent(row)).map_or(0, |last| last + 1)
}

/// Whether the rows are the same, up to where the lens says that it assumes.
fn agrees(engine: &[&'static Row], steps: &[Step]) -> bool {
    let lens: Vec<&'static Row> = steps.iter().filter_map(Step::row).collect();
    let (engine, lens) = (&engine[..shown(engine)], &lens[..shown(&lens)]);
    let differs = (0..lens.len()).find(|at| engine.get(*at) != Some(&lens[*at]));
    match differs {
        Some(at) => steps[at].origin != Origin::Sent && steps[at].origin != Origin::Received,
        None => engine.len() == lens.len(),
    }
}

/// Whether everything that `host` said of opening and closing passed the other end, and nothing to or from it
/// was overtaken. What was lost before it came there is in no capture, nor what order things arrived in.
fn is_told_whole(world: &World, host: HostId) -> bool {
    let moves = |frame: &FrameRecord| {
        frame.tcp().is_some_and(|(header, _)| header.flags.syn() || header.flags.fin() || header.flags.rst())
    };
    let first_arrival = |frame: &FrameRecord| frame.arrivals.iter().map(|arrival| arrival.at).min();
    let in_order =
        |frames: &[&FrameRecord]| frames.iter().filter_map(|frame| first_arrival(frame)).is_sorted();
    let (sent, heard): (Vec<_>, Vec<_>) = world.frames().iter().partition(|frame| frame.from == host);
    let nothing_lost = sent.iter().all(|frame| !moves(frame) || !frame.arrivals.is_empty());
    nothing_lost && in_order(&sent) && in_order(&heard)
}

/// Whether each FIN was sent when its application closed: while text waits to be sent again, it comes
/// later, and no packet shows when the application said that there is no more.
fn closes_at_once(world: &World, host: HostId) -> bool {
    let closed = world
        .log()
        .iter()
        .find(|entry| entry.host == host && row_of(entry).is_some_and(|row| row.on == Cause::Close));
    let fin = world
        .frames()
        .iter()
        .find(|frame| frame.from == host && frame.tcp().is_some_and(|(header, _)| header.flags.fin()));
    closed.is_none_or(|closed| fin.is_some_and(|fin| fin.sent_at == closed.at))
}

fn words(rows: &[&Row]) -> String {
    rows.iter()
        .map(|row| format!("{} ({}) -> {}", row.from, row.on.name(), row.to))
        .collect::<Vec<_>>()
        .join("; ")
}

/// How much was compared.
#[derive(Debug, Default)]
struct Compared {
    worlds: usize,
    /// Ends of connections, each seen from one end.
    ends: usize,
    /// Of these: the very same rows.
    same: usize,
    /// Of these: every row of the lens is certain.
    certain: usize,
    /// Not compared: the capture does not hold what that end did.
    left_out: usize,
}

/// Compares both ends as seen from both ends; says what differs.
fn compared(plan: &Plan, compared: &mut Compared) -> Result<(), String> {
    let (world, hosts) = lived(plan);
    let engine = hosts.map(|host| told(&world, host));
    for (at, vantage) in hosts.into_iter().enumerate() {
        let kept = explained(&captured(world.frames(), Vantage::At(vantage)), Kept::default());
        // a SYN that was late starts another connection after a FIN, as Wireshark counts
        let [connection] = &kept.connections[..] else { continue };
        for (host, name) in [(0, "client"), (1, "server")] {
            let here = address([CLIENT, SERVER][host]);
            let side = if connection.address(lens::Side::A) == here { lens::Side::A } else { lens::Side::B };
            if (host != at && !is_told_whole(&world, hosts[host])) || !closes_at_once(&world, hosts[host]) {
                compared.left_out += 1;
                continue;
            }
            let steps = connection.steps[side.index()].iter();
            let steps: Vec<Step> =
                steps.filter(|step| step.row().as_ref().is_some_and(is_compared)).collect();
            compared.ends += 1;
            compared.same += usize::from(
                steps.iter().filter_map(Step::row).eq(engine[host][..shown(&engine[host])].iter().copied()),
            );
            compared.certain += usize::from(steps.iter().all(|step| step.origin != Origin::Assumed));
            if !agrees(&engine[host], &steps) {
                let flow = Flow { local: address(CLIENT), remote: address(SERVER) };
                return Err(format!(
                    "{plan:?}\n{}\nthe {name}, captured at the {}:\nengine: {}\nlens:   {}\norigins {:?}",
                    story::text(&world, hosts[0], hosts[1], Some(flow)),
                    ["client", "server"][at],
                    words(&engine[host]),
                    words(&steps.iter().filter_map(Step::row).collect::<Vec<_>>()),
                    steps.iter().map(|step| step.origin).collect::<Vec<_>>(),
                ));
            }
        }
    }
    Ok(())
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Every way to close that an application has, against every other.
fn conducts() -> Vec<[Conduct; 2]> {
    let ends = [Ends::Finish(ms(500)), Ends::Finish(ms(505)), Ends::Finish(ms(900)), Ends::FinishLast];
    let rude = [Ends::Close(ms(500)), Ends::Close(ms(505)), Ends::Abort(ms(500)), Ends::Abort(ms(800))];
    let all: Vec<Ends> = ends.into_iter().chain(rude).collect();
    let mut out = Vec::new();
    for client in &all {
        for server in &all {
            if matches!((client, server), (Ends::FinishLast, Ends::FinishLast)) {
                continue; // each would wait for the other
            }
            for text_bytes in [[0, 0], [700, 3_000]] {
                let conduct = |side: usize, ends| Conduct { text_bytes: text_bytes[side], ends };
                out.push([conduct(0, *client), conduct(1, *server)]);
            }
        }
    }
    out
}

fn clean() -> Lane {
    Lane { delay: ms(10), ..Lane::default() }
}

/// A lane with faults of every kind, each world its own mixture.
fn faulty(dice: &mut Dice) -> Lane {
    let chance = |dice: &mut Dice, most: u64| Chance::percent(dice.below(most + 1) as f64);
    Lane {
        delay: ms(5 + dice.below(20)),
        jitter: ms(dice.below(10)),
        order: if dice.below(2) == 0 { Order::Kept } else { Order::ByArrival },
        loss: Loss::Random(chance(dice, 25)),
        reorder: chance(dice, 30),
        reorder_by: ms(dice.below(60)),
        duplicate: chance(dice, 20),
        ..Lane::default()
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs the worlds, prints how much was compared, and fails with the first that differs.
fn all_agree(plans: impl Iterator<Item = Plan>) -> Compared {
    let (mut count, mut failures) = (Compared::default(), Vec::new());
    for plan in plans {
        count.worlds += 1;
        failures.extend(compared(&plan, &mut count).err());
    }
    println!("{count:?}, {} differ", failures.len());
    assert!(failures.is_empty(), "{} differ; the first:\n{}", failures.len(), failures[0]);
    count
}

#[test]
fn on_a_clean_link_every_close_is_told_as_it_was() {
    let openings = [Opening::Listening, Opening::Simultaneous, Opening::Refused];
    let plans = openings.into_iter().flat_map(|opening| {
        let plan = move |conducts| Plan {
            seed: 1,
            opening,
            conducts,
            lanes: [clean(), clean()],
            faults_begin: ms(0),
        };
        conducts().into_iter().map(plan)
    });
    let count = all_agree(plans);
    assert_eq!((count.same, count.left_out), (count.ends, 0), "every row of every end");
}

#[test]
fn over_loss_reordering_and_duplicates_too() {
    let seeds = match number("SYNFIN_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SYNFIN_SEEDS").unwrap_or(1_500),
    };
    let conducts = conducts();
    let count = all_agree(seeds.map(|seed| {
        let mut dice = Dice::for_purpose(seed, 4);
        let lanes = [faulty(&mut dice), faulty(&mut dice)];
        // of SYNs that cross and are lost, no capture shows which one was heard first
        let (opening, faults_begin) =
            if seed % 5 == 0 { (Opening::Simultaneous, ms(200)) } else { (Opening::Listening, ms(0)) };
        let conducts = conducts[dice.below(conducts.len() as u64) as usize];
        Plan { seed, opening, conducts, lanes, faults_begin }
    }));
    assert!(count.same * 100 >= count.ends * 85, "too much is only assumed: {count:?}");
}
