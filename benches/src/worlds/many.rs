//! Connections that exchange 1,000 bytes a second, for as long as one wants.

use super::sim::{self, net::TcpListener, net::TcpStream};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{interval, sleep};

const BYTES: usize = 1_000;

async fn serve() -> sim::Result {
    let listener = TcpListener::bind("0.0.0.0:7").await?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut buffer = [0; BYTES];
            while stream.read_exact(&mut buffer).await.is_ok() && stream.write_all(&buffer).await.is_ok() {}
        });
    }
}

async fn exchange(number: usize, seconds: u32) -> std::io::Result<()> {
    sleep(Duration::from_millis(10 * number as u64)).await;
    let mut stream = TcpStream::connect("server:7").await?;
    let mut second = interval(Duration::from_secs(1));
    let mut buffer = [number as u8; BYTES];
    for _ in 0..seconds {
        second.tick().await;
        stream.write_all(&buffer).await?;
        stream.read_exact(&mut buffer).await?;
        assert_eq!(buffer, [number as u8; BYTES]);
    }
    Ok(())
}

/// So many connections for so many seconds, which the builder must allow.
///
/// # Errors
/// Those of the simulation.
pub fn world(builder: &sim::Builder, connections: usize, seconds: u32) -> sim::Result {
    let mut sim = builder.build();
    sim.host("server", serve);
    sim.client("client", async move {
        let all: Vec<_> = (0..connections).map(|number| tokio::spawn(exchange(number, seconds))).collect();
        for one in all {
            one.await??;
        }
        Ok(())
    });
    sim.run()
}
