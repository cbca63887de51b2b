//! The programs in `src/worlds` pass over both simulations, which are named in one line each.

use std::time::Duration;
use synfin_benches::worlds::{ours, turmoil};

macro_rules! both_run {
    ($($program:ident: $test:ident),+ $(,)?) => {
        $(#[test]
        fn $test() {
            let mut builder = ours::programs::builder();
            builder.simulation_duration(Duration::from_secs(60));
            ours::programs::$program::world(&builder).expect("over ours");
            let mut builder = turmoil::programs::builder();
            builder.simulation_duration(Duration::from_secs(60));
            turmoil::programs::$program::world(&builder).expect("over turmoil");
        })+
    };
}

both_run! {
    echo: ping_and_pong,
    datagrams: ping_and_pong_in_datagrams,
    http: a_router_of_axum_greets,
    mishaps: hosts_are_parted_crash_and_come_back,
    cluster: clients_find_the_servers_that_are_left,
}

#[test]
fn connections_exchange_bytes_every_second() {
    ours::programs::many::world(&ours::programs::builder(), 10, 5).expect("over ours");
    turmoil::programs::many::world(&turmoil::programs::builder(), 10, 5).expect("over turmoil");
}

#[test]
fn loss_delays_what_connections_exchange_and_nothing_else() {
    let mut builder = ours::programs::builder();
    builder.loss_percent(5.0).simulation_duration(Duration::from_secs(60));
    ours::programs::many::world(&builder, 10, 5).expect("what is lost is sent again");
}

/// What the table in `synfin_sim::tokio` says of turmoil.
#[test]
fn the_simulations_part_ways_where_it_is_written() {
    let builders = (ours::programs::builder(), turmoil::programs::builder());
    use ours::programs::differences as of_ours;
    use turmoil::programs::differences as of_turmoil;
    assert_eq!(
        of_ours::crash(&builders.0).expect("over ours"),
        of_ours::Heard::Silence,
        "as if the power failed"
    );
    assert_eq!(
        of_turmoil::crash(&builders.1).expect("over turmoil"),
        of_turmoil::Heard::End,
        "as if a process ended"
    );
    assert_eq!(of_ours::parting(&builders.0).expect("over ours"), of_ours::Heard::Echo, "it is sent again");
    assert_eq!(
        of_turmoil::parting(&builders.1).expect("over turmoil"),
        of_turmoil::Heard::Silence,
        "it is not"
    );
}
