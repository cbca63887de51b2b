//! The transition table under an adversarial network, completely.

use stateright::{Checker, Model};
use synfin_verify::table::{Scene, Table, rows_never_taken};
use tcp::state::Cause;

/// Explores a scene and returns how many states there are.
fn explore(scene: Scene, aborts_max: u8) -> usize {
    let checker = Table { scene, aborts_max }.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    println!(
        "{scene:?}, {aborts_max} aborts: {} states, {} unique",
        checker.state_count(),
        checker.unique_state_count()
    );
    checker.unique_state_count()
}

#[test]
fn every_interleaving_of_the_table_is_harmless() {
    assert!(explore(Scene::ClientAndServer, 0) > 1_000);
    assert!(explore(Scene::Simultaneous, 0) > 1_000);
    assert!(explore(Scene::Ghost, 0) > 10);
    explore(Scene::ClientAndServer, 1);
    explore(Scene::Simultaneous, 1);
    // What is left has no place in the model: users with other wishes, ICMP, and limits of time.
    let outside = |cause| {
        use Cause::*;
        matches!(cause, Send | HardError | GaveUp | UserTimeout | OrphanTimeout | DataAfterClose)
            || matches!(cause, SynToPassiveOpen | NewSyn)
    };
    let never: Vec<_> = rows_never_taken().into_iter().filter(|row| !outside(row.on)).collect();
    let never: Vec<String> = never.iter().map(|row| format!("{} on {}", row.from, row.on.name())).collect();
    assert_eq!(
        never,
        [
            "LISTEN on active OPEN",
            "LISTEN on CLOSE",
            "LISTEN on ABORT",
            "SYN-SENT on CLOSE",
            "TIME-WAIT on rcv RST"
        ],
        "rows that the model never takes"
    );
}
