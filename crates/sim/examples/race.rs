//! A program with a race, the seed that shows it, and the ladder that explains it.
//!
//! A client orders payments, each on a connection of its own. If no answer comes within 300 ms, it orders again. On a
//! network that loses nothing, and on one whose streams only look like TCP, every payment is made once.
//!
//! ```sh
//! cargo run --release -p synfin-sim --features tokio --example race
//! cargo run --release -p synfin-sim --features tokio --example race -- --pcap race.pcapng
//! ```

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use synfin_sim::Recording;
use synfin_sim::tokio::net::{TcpListener, TcpStream};
use synfin_sim::tokio::{Builder, Result, Sim};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

const PAYMENTS: u8 = 50;

/// Which payments were made, and for whom: the ports of the connections that ordered them.
type Made = Rc<RefCell<BTreeMap<u8, Vec<u16>>>>;

async fn bank(made: Made) -> Result {
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    loop {
        let (mut stream, client) = listener.accept().await?;
        let made = Rc::clone(&made);
        tokio::task::spawn_local(async move {
            let payment = stream.read_u8().await?;
            made.borrow_mut().entry(payment).or_default().push(client.port());
            stream.write_u8(payment).await
        });
    }
}

async fn order(payment: u8) -> std::io::Result<()> {
    let mut stream = TcpStream::connect("bank:80").await?;
    stream.write_u8(payment).await?;
    stream.read_u8().await.map(drop)
}

async fn customer() -> Result {
    for payment in 0..PAYMENTS {
        // The race: whoever gives up does not know what the other end has done.
        while !matches!(timeout(Duration::from_millis(300), order(payment)).await, Ok(Ok(()))) {}
    }
    Ok(())
}

fn world(seed: u64, made: &Made) -> Sim<'static> {
    let mut builder = Builder::new();
    builder.rng_seed(seed).loss_percent(3.0).simulation_duration(Duration::from_secs(600));
    let mut sim = builder.build();
    let made = Rc::clone(made);
    sim.host("bank", move || bank(Rc::clone(&made)));
    sim.client("customer", customer());
    sim
}

/// A payment that was made twice.
fn made_twice(made: &Made) -> Option<(u8, u16)> {
    let made = made.borrow();
    made.iter().find(|(_, ports)| ports.len() > 1).map(|(payment, ports)| (*payment, ports[0]))
}

fn main() -> Result {
    let Some((seed, payment, port)) = find()? else {
        println!("1,000 seeds, and each payment was made once");
        return Ok(());
    };
    let (told, file, stream) = explain(seed, port)?;
    println!("{}\n\n{told}", headline(seed, payment));
    let mut arguments = std::env::args().skip(1);
    if let (Some("--pcap"), Some(path)) = (arguments.next().as_deref(), arguments.next()) {
        std::fs::write(&path, file)?;
        println!("\nsynfin explain {path} --stream {stream} shows it again");
    }
    Ok(())
}

/// The first seed that shows the race, the payment, and the port from which it was ordered first.
pub fn find() -> Result<Option<(u64, u8, u16)>> {
    for seed in 0..1_000 {
        let made = Made::default();
        world(seed, &made).run()?;
        if let Some((payment, port)) = made_twice(&made) {
            return Ok(Some((seed, payment, port)));
        }
    }
    Ok(None)
}

/// What was found.
pub fn headline(seed: u64, payment: u8) -> String {
    format!("seed {seed}: payment {payment} was made twice. The first order:")
}

/// Runs the seed again, recorded: it is the same run, to the byte. Returns a ladder, a capture, and the number of the
/// connection in it.
pub fn explain(seed: u64, port: u16) -> Result<(String, Vec<u8>, u32)> {
    let mut sim = world(seed, &Made::default());
    sim.world_mut().record(Recording::FRAMES);
    sim.run()?;
    let mut file = Vec::new();
    sim.write_pcap("bank", &mut file)?;

    let (mut reader, mut decoder) = (capture::Reader::new(&file[..])?, capture::Decoder::new());
    let mut lens = lens::Lens::new(lens::Config::default());
    let mut kept = lens::Kept { keep_segments: lens::KeepSegments::All, ..lens::Kept::default() };
    while let Some(record) = reader.next() {
        let record = record?;
        let decoded = decoder.decode(&record)?;
        lens.take(&lens::Segment::of_packet(&record, &decoded).ok_or("a whole segment")?, &mut kept);
    }
    lens.finish(&mut kept);
    let ordered = |connection: &&lens::Connection| {
        [lens::Side::A, lens::Side::B].iter().any(|side| connection.address(*side).port() == port)
    };
    let connection = kept.connections.iter().find(ordered).ok_or("the lens has seen the order")?;
    let ladder = report::captured::ladder(connection, &kept.segments);
    let drawn = ladder.text(&report::ladder::Options::default(), &report::Style::PLAIN);
    Ok((format!("{drawn}\n{}", connection.sentence()), file, connection.stream))
}
