//! Unmodified programs in a simulated world: 20 ms from host to host, and of a hundred frames one is lost.

#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use synfin_sim::tokio::{self as sim, Builder, Sim};
use synfin_sim::{FrameRecord, Recording};
use tokio::net::TcpListener;
use tokio::time::sleep;
use world::programs::{Browser, db, web};
use world::{seeded, tls};

/// From any host to any other and back.
const ROUND_TRIP: Duration = Duration::from_millis(40);

/// What browsers saw, and when.
type Seen = Rc<RefCell<Vec<(Duration, String)>>>;

/// A world with `db` and `web`.
fn servers(seed: u64, loss_percent: f64) -> Sim<'static> {
    let mut builder = Builder::new();
    builder.rng_seed(seed).simulation_duration(Duration::from_secs(600)).record(Recording::FRAMES);
    builder.min_message_latency(ROUND_TRIP / 2).max_message_latency(ROUND_TRIP / 2);
    let mut sim = builder.loss_percent(loss_percent).build();
    sim.host("db", async || db(TcpListener::bind("0.0.0.0:6379").await?).await);
    let tls = tls::server(seeded::provider(seed)).unwrap();
    sim.host("web", move || {
        let tls = Arc::clone(&tls);
        async { web(TcpListener::bind("0.0.0.0:443").await?, "redis://db:6379".to_owned(), tls).await }
    });
    sim
}

/// A browser that comes when the servers know each other, and asks for a page again and again.
fn browser(sim: &mut Sim<'_>, seed: u64, visits: u32, pause: Duration) -> Seen {
    let seen = Seen::default();
    let notes = Rc::clone(&seen);
    let tls = tls::client(seeded::provider(!seed)).unwrap();
    sim.client("browser", async move {
        sleep(Duration::from_secs(10)).await;
        let mut browser = Browser::connect("web:443", tls).await?;
        for _ in 0..visits {
            let (status, text) = browser.get("front").await?;
            notes.borrow_mut().push((sim::sim_elapsed().unwrap(), format!("{} {text}", status.as_u16())));
            sleep(pause).await;
        }
        Ok(())
    });
    seen
}

#[test]
fn a_browser_asks_a_server_over_tls_which_asks_a_database() {
    let mut sim = servers(1, 0.0);
    let seen = browser(&mut sim, 1, 2, Duration::ZERO);
    sim.run().unwrap();
    let at = |round_trips: u32| Duration::from_secs(10) + round_trips * ROUND_TRIP;
    // The handshakes of TCP and of TLS, the page, and the database behind it.
    let expected = [(at(4), "200 front: 1".to_owned()), (at(6), "200 front: 2".to_owned())];
    assert_eq!(*seen.borrow(), expected);
}

#[test]
fn what_is_lost_is_sent_again_and_the_programs_only_wait() {
    let mut sim = servers(3, 1.0);
    let seen = browser(&mut sim, 3, 500, Duration::ZERO);
    sim.run().unwrap();
    let seen = seen.borrow();
    for (count, (_, text)) in (1..=500).zip(&*seen) {
        assert_eq!(*text, format!("200 front: {count}"));
    }
    let took = seen[499].0 - seen[0].0;
    let least = 499 * 2 * ROUND_TRIP;
    let lost = sim.world().frames().iter().filter(|frame| frame.lost.is_some()).count();
    println!("{took:?} for 499 pages of {:?}, {lost} frames lost", 2 * ROUND_TRIP);
    assert!(lost > 5, "{lost} frames were lost");
    assert!(took > least && took < 2 * least, "{took:?}");
}

/// A frame, its time, and its fate.
fn told(frame: &FrameRecord) -> (u64, String, Vec<u8>) {
    (frame.sent_at.as_micros(), format!("{:?} {:?}", frame.arrivals, frame.lost), frame.frame.to_vec())
}

fn run(seed: u64) -> Vec<(u64, String, Vec<u8>)> {
    let mut sim = servers(seed, 1.0);
    browser(&mut sim, seed, 50, Duration::from_millis(7));
    sim.run().unwrap();
    sim.world().frames().iter().map(told).collect()
}

#[test]
fn one_seed_gives_one_run_to_the_byte_and_two_give_two() {
    for seed in 0..4 {
        let (one, other) = (run(seed), run(seed));
        assert!(one.len() > 300, "{} frames", one.len());
        let differs = one.iter().zip(&other).position(|(one, other)| one != other);
        assert_eq!((differs, one.len()), (None, other.len()), "with seed {seed}");
        assert_ne!(one, run(seed + 100), "another seed is another run");
    }
}

#[test]
fn a_crash_of_the_database_is_the_clients_own_error_and_passes_with_it() {
    let mut sim = servers(5, 1.0);
    let seen = browser(&mut sim, 5, 30, Duration::from_secs(1));
    assert!(!sim.run_for(Duration::from_secs(15)).unwrap());
    sim.crash("db");
    assert!(!sim.run_for(Duration::from_secs(10)).unwrap());
    sim.bounce("db");
    sim.run().unwrap();
    let seen = seen.borrow();
    let texts: Vec<&str> = seen.iter().map(|(_, text)| text.as_str()).collect();
    println!("{texts:?}");
    let failed = texts.iter().position(|text| text.starts_with("503")).expect("it is missed");
    let back = failed + texts[failed..].iter().position(|text| text.starts_with("200")).expect("it is back");
    assert!(texts[..failed].iter().enumerate().all(|(at, text)| *text == format!("200 front: {}", at + 1)));
    assert_eq!(texts[failed], "503 timed out", "nobody answers");
    assert_eq!(texts[back - 1], "503 broken pipe", "the new one knows nothing of the connection");
    assert!(seen[back].0 < Duration::from_secs(40), "{:?}", seen[back].0);
    let counted_anew = (1..).map(|count| format!("200 front: {count}"));
    assert!(texts[back..].iter().zip(counted_anew).all(|(text, expected)| *text == expected));
}
