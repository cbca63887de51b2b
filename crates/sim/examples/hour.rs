//! A hundred connections that exchange 1,000 bytes a second for an hour, over a path that loses 1 %: how long it takes.
//!
//! ```sh
//! cargo run --release -p synfin-sim --features tokio --example hour
//! ```

use std::time::{Duration, Instant};
use synfin_sim::tokio::net::{TcpListener, TcpStream};
use synfin_sim::tokio::{Builder, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CONNECTIONS: usize = 100;
const SECONDS: u32 = 3_600;
const BYTES: usize = 1_000;

async fn serve() -> Result {
    let listener = TcpListener::bind("0.0.0.0:7").await?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut buffer = [0; BYTES];
            while stream.read_exact(&mut buffer).await.is_ok() {
                stream.write_all(&buffer).await?;
            }
            std::io::Result::Ok(())
        });
    }
}

async fn exchange(number: usize) -> std::io::Result<()> {
    tokio::time::sleep(Duration::from_millis(10 * number as u64)).await;
    let mut stream = TcpStream::connect("server:7").await?;
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut buffer = [number as u8; BYTES];
    for _ in 0..SECONDS {
        second.tick().await;
        stream.write_all(&buffer).await?;
        stream.read_exact(&mut buffer).await?;
    }
    Ok(())
}

fn main() -> Result {
    let mut builder = Builder::new();
    builder.rng_seed(7).loss_percent(1.0).simulation_duration(Duration::from_secs(2 * u64::from(SECONDS)));
    let mut sim = builder.build();
    sim.host("server", serve);
    sim.client("client", async {
        let all: Vec<_> = (0..CONNECTIONS).map(|number| tokio::spawn(exchange(number))).collect();
        for one in all {
            one.await??;
        }
        Ok(())
    });
    let began = Instant::now();
    sim.run()?;
    let (took, exchanges) = (began.elapsed(), CONNECTIONS * SECONDS as usize);
    println!(
        "{exchanges} exchanges in {:.0?} of virtual time and {took:.1?} of ours: {:.1} us each; {:?}",
        sim.elapsed(),
        took.as_secs_f64() * 1e6 / exchanges as f64,
        sim.world().tally()
    );
    Ok(())
}
