//! Moments of runs, and what is shown of them.

use crate::{Deed, Forged, Run, Setup};
use report::words::Language;

/// The states of both ends from event to event, each once.
fn states(run: &Run) -> Vec<[String; 2]> {
    let mut all: Vec<[String; 2]> = Vec::new();
    for at in 0..=run.events().len() {
        let view = run.view(at, Language::English);
        let now = view.hosts.map(|host| {
            host.connections.last().map_or("-".to_owned(), |connection| connection.state.to_owned())
        });
        if all.last() != Some(&now) {
            all.push(now);
        }
    }
    all
}

#[test]
fn the_articles_connection_goes_through_the_articles_states() {
    let run = Run::new(&Setup::default(), &[]).expect("a run");
    let told: Vec<String> = states(&run).iter().map(|[a, b]| format!("{a} {b}")).collect();
    for pair in [
        "SYN-SENT -",
        "SYN-SENT SYN-RECEIVED",
        "ESTABLISHED ESTABLISHED",
        "LAST-ACK FIN-WAIT-2",
        "CLOSED TIME-WAIT",
    ] {
        assert!(told.iter().any(|told| told == pair), "{pair}: {told:?}");
    }
    assert_eq!(told.last().map(String::as_str), Some("CLOSED CLOSED"), "{told:?}");
}

#[test]
fn a_moment_is_the_same_however_it_was_come_to() {
    let run = || Run::new(&Setup::default(), &[Deed::Drop { frame: 1 }]).expect("a run");
    let (one, other) = (run(), run());
    let forth: Vec<String> = (0..=one.events().len()).map(|at| json(&one, at)).collect();
    let back: Vec<String> = (0..=other.events().len()).rev().map(|at| json(&other, at)).collect();
    assert!(forth.iter().eq(back.iter().rev()));
}

fn json(run: &Run, at: usize) -> String {
    serde_json::to_string(&run.view(at, Language::English)).expect("values")
}

#[test]
fn a_syn_ack_that_is_killed_comes_again() {
    let whole = Run::new(&Setup::default(), &[]).expect("a run");
    let killed = Run::new(&Setup::default(), &[Deed::Drop { frame: 1 }]).expect("a run");
    assert!(killed.events().len() > whole.events().len());
    let end = killed.view(usize::MAX, Language::English);
    let lost: Vec<&str> =
        end.connection.segments.iter().filter(|row| row.fate == "lost").map(|row| &row.flags[..]).collect();
    assert_eq!(lost, ["SYN, ACK"]);
    assert_eq!(end.hosts[0].read_bytes, 537, "and all is well in the end");
}

#[test]
fn an_old_syn_opens_nothing() {
    let deeds = [Deed::Forge { after: 1, host: 1, what: Forged::OldSyn }];
    let run = Run::new(&Setup::default(), &deeds).expect("a run");
    let end = run.view(usize::MAX, Language::English);
    assert_eq!((end.hosts[0].read_bytes, end.hosts[1].read_bytes), (537, 2_374));
    let frames = end.connection.segments.iter().filter(|row| row.flags.contains("SYN")).count();
    assert!(frames >= 3, "the old SYN, and the two that open");
}

#[test]
fn the_timer_that_ends_time_wait_has_the_diagrams_name() {
    let run = Run::new(&Setup::default(), &[]).expect("a run");
    let timers = |at| {
        let view = run.view(at, Language::English);
        let waiting = view.hosts[1].connections.iter().find(|connection| connection.state == "TIME-WAIT")?;
        Some((waiting.until, waiting.numbers.as_ref()?.timers.clone()))
    };
    let (until, timers) = (0..run.events().len()).find_map(timers).expect("the server waits");
    assert_eq!(timers, [("time-wait", until.expect("it is known"))]);
}
