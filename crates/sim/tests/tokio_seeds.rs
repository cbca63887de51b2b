//! Programs that do anything to each other, by seed: no clock is ahead of what it hears (the engine asserts it),
//! streams say what was written, and each seed is one run.

#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)]

use std::time::Duration;
use synfin_sim::tokio::net::{TcpListener, TcpStream, UdpSocket};
use synfin_sim::tokio::{self as sim, Builder, Sim};
use synfin_sim::{Dice, Trail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, interval, sleep, timeout};

const HOSTS: u64 = 4;
const SEEDS: u64 = 40;

/// Times that meet and miss the milliseconds in which tokio counts.
fn moment(dice: &mut Dice) -> Duration {
    match dice.below(4) {
        0 => Duration::ZERO,
        1 => Duration::from_micros(dice.below(2_000)),
        2 => Duration::from_millis(dice.below(30)),
        _ => Duration::from_millis(dice.below(700)),
    }
}

/// What the host's clock shows is what the world's does.
fn look_at_the_clock(began: (Instant, Duration)) {
    assert_eq!(began.0.elapsed(), sim::elapsed() - began.1);
}

async fn serve() -> sim::Result {
    let began = (Instant::now(), sim::elapsed());
    let listener = TcpListener::bind("0.0.0.0:7").await?;
    tokio::spawn(async move {
        let socket = UdpSocket::bind("0.0.0.0:9").await.unwrap();
        let (mut ticks, mut buffer) = (interval(Duration::from_millis(11)), [0; 64]);
        loop {
            tokio::select! {
                biased;
                heard = socket.recv_from(&mut buffer) => drop(socket.send_to(b"heard", heard.unwrap().1).await),
                _ = ticks.tick() => {}
            }
            look_at_the_clock(began);
        }
    });
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut buffer = vec![0; 3_000];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                look_at_the_clock(began);
                if stream.write_all(&buffer[..count]).await.is_err() {
                    break;
                }
            }
        });
    }
}

/// Writes and hears it back, on new connections, while names are parted, held and joined again.
async fn disturb(me: String, mut dice: Dice) -> sim::Result {
    let began = (Instant::now(), sim::elapsed());
    let name = |dice: &mut Dice| format!("host-{}", dice.below(HOSTS));
    let friend = name(&mut dice);
    for _ in 0..12 {
        sleep(moment(&mut dice)).await;
        look_at_the_clock(began);
        // Mostly its own ways; each client has hosts that it talks to more than to others.
        let (one, other) =
            if dice.below(4) > 0 { (me.clone(), friend.clone()) } else { (name(&mut dice), me.clone()) };
        if one != other {
            match dice.below(6) {
                0 => sim::partition(&one, &other),
                1 => sim::hold(&one, &other),
                2 => sim::partition_oneway(&one, &other),
                _ => sim::release(&one, &other),
            }
        }
        let to = if dice.below(2) == 0 { friend.clone() } else { name(&mut dice) };
        let patience = moment(&mut dice);
        let talk = async {
            let socket = UdpSocket::bind("0.0.0.0:0").await?;
            socket.send_to(b"who?", (to.as_str(), 9)).await?;
            let text: Vec<u8> = (0..dice.below(9_000)).map(|_| dice.roll() as u8).collect();
            let mut stream = TcpStream::connect((to.as_str(), 7)).await?;
            let (mut reader, mut writer) = stream.split();
            let mut heard = vec![0; text.len()];
            let (wrote, read) = tokio::join!(writer.write_all(&text), reader.read_exact(&mut heard));
            wrote.and(read)?;
            assert_eq!(heard, text);
            std::io::Result::Ok(())
        };
        // Whoever is parted from it hears nothing, and some give up.
        let outcome = timeout(patience, talk).await;
        sim::say(format!("{:?}", outcome.map(|done| done.map_err(|error| error.kind()))));
        look_at_the_clock(began);
    }
    Ok(())
}

fn run(seed: u64) -> Trail {
    let mut dice = Dice::for_purpose(seed, 77);
    let mut builder = Builder::new();
    builder.rng_seed(seed).simulation_duration(Duration::from_secs(60)).loss_percent(dice.below(3) as f64);
    let latency = [0, 90, 1_000, 7_300][dice.below(4) as usize];
    builder.max_message_latency(Duration::from_micros(latency + dice.below(400)));
    builder.min_message_latency(Duration::from_micros(latency));
    let mut sim: Sim<'_> = builder.build();
    for host in 0..HOSTS {
        sim.host(format!("host-{host}"), serve);
    }
    for client in 0..2 {
        let name = format!("client-{client}");
        sim.client(name.clone(), disturb(name, Dice::for_purpose(seed, client)));
    }
    sim.world_mut().keep_trail();
    while !sim.run_for(moment(&mut dice)).unwrap() {
        let host = format!("host-{}", dice.below(HOSTS));
        match dice.below(10) {
            0 => sim.crash(host.as_str()),
            1..=3 => sim.bounce(host.as_str()),
            _ => {}
        }
    }
    sim.world_mut().take_trail()
}

#[test]
fn whatever_programs_do_a_seed_is_one_run_and_no_clock_is_ahead() {
    let mut steps = 0;
    for seed in 0..SEEDS {
        let (one, other) = (run(seed), run(seed));
        if let Some(difference) = one.first_difference(&other) {
            panic!("seed {seed}: {difference}");
        }
        steps += one.steps().len();
    }
    assert!(steps > 100 * SEEDS as usize, "{steps} events are too few to say anything");
}
