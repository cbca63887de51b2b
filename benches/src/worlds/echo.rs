//! Ping and pong over one TCP connection.

use super::sim::{self, net::TcpListener, net::TcpStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ROUNDS: u8 = 200;

/// A client counts, and the server counts after it.
///
/// # Errors
/// Those of the simulation.
pub fn world(builder: &sim::Builder) -> sim::Result {
    let mut sim = builder.build();
    sim.host("server", || async {
        let listener = TcpListener::bind("0.0.0.0:1738").await?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                while let Ok(ping) = stream.read_u8().await {
                    if stream.write_u8(ping + 1).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    sim.client("client", async {
        let mut stream = TcpStream::connect("server:1738").await?;
        for ping in 0..ROUNDS {
            stream.write_u8(ping).await?;
            assert_eq!(stream.read_u8().await?, ping + 1);
        }
        Ok(())
    });
    sim.run()
}
