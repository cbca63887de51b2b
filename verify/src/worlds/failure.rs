//! A failure is made smaller, then told: the seed, the plan, the ladder, and what the senders decided about losses.
//!
//! `SYNFIN_WHOLE=1` for the ladder without gaps and every record of the connection complained of.

use crate::caught;
use crate::worlds::plan::Plan;
use crate::worlds::story;
use crate::worlds::trial::{Trial, ends, trial};
use sim::{Entry, Happening, Recording};
use stack::{Flow, TraceRecord};
use std::net::SocketAddr;
use tcp::Trace;

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
pub(crate) fn report(plan: &Plan, why: &str, again_with: &str) -> String {
    let small = shrunk(plan, why);
    let mut trial = Trial::new(&small, Recording { frames_max: 20_000, entries_max: 60_000 });
    let again = caught(|| trial.run(&small)).unwrap_or_else(Err);
    // The ladder is that of the connection complained of, or of all of them.
    let complaint = again.as_ref().err().map_or(why, String::as_str);
    let flow = (0..small.talks.len()).find_map(|talk| {
        let [local, remote] = ends(&small, talk);
        let is_named = |end: SocketAddr| complaint.contains(&format!("{end} "));
        let is_numbered = complaint.starts_with(&format!("connection {talk},"));
        let is_it = small.talks.len() == 1 || is_numbered || is_named(local) && is_named(remote);
        is_it.then_some(Flow { local, remote })
    });
    let is_whole = std::env::var_os("SYNFIN_WHOLE").is_some();
    let ladder = story::text(&trial.world, trial.hosts[0], trial.hosts[1], flow);
    let ladder: Vec<&str> = ladder.lines().collect();
    let ladder = if ladder.len() > 240 && !is_whole {
        format!("{}\n   [...]\n{}", ladder[..120].join("\n"), ladder[ladder.len() - 120..].join("\n"))
    } else {
        ladder.join("\n")
    };
    let told = |entry: &Entry| if is_whole { traced(entry, flow) } else { decision(entry) };
    let decisions: Vec<String> = trial.world.log().iter().filter_map(told).collect();
    let shown = if is_whole { decisions.len() } else { 60 };
    let decisions = decisions[decisions.len().saturating_sub(shown)..].join("\n");
    format!(
        "seed {}: {why}\n\nmade smaller: {again:?}\n{small}\n{ladder}\n\n{decisions}\n\n\
         again with: {again_with}\n",
        plan.seed
    )
}

/// What a sender decided about losses.
fn decision(entry: &Entry) -> Option<String> {
    let Happening::Traced(TraceRecord { trace, .. }) = &entry.what else { return None };
    let tells = matches!(
        trace,
        Trace::Phase { .. }
            | Trace::Probing { .. }
            | Trace::Undone { .. }
            | Trace::Loss { .. }
            | Trace::Reordering
    );
    tells.then(|| format!("{:?} {:?}: {trace:?}", entry.at, entry.host))
}

/// Everything that was traced of a connection, or of all.
fn traced(entry: &Entry, of: Option<Flow>) -> Option<String> {
    let Happening::Traced(TraceRecord { trace, flow, .. }) = &entry.what else { return None };
    let is_it = of.is_none_or(|of| *flow == of || *flow == Flow { local: of.remote, remote: of.local });
    is_it.then(|| format!("{:?} {:?}: {trace:?}", entry.at, entry.host))
}
