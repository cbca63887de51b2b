//! Ping and pong in datagrams.

use super::sim::{self, net::UdpSocket};

const ROUNDS: u8 = 200;

/// A client counts, and the server counts after it.
///
/// # Errors
/// Those of the simulation.
pub fn world(builder: &sim::Builder) -> sim::Result {
    let mut sim = builder.build();
    sim.host("server", || async {
        let socket = UdpSocket::bind("0.0.0.0:1738").await?;
        let mut buffer = [0; 16];
        loop {
            let (_, peer) = socket.recv_from(&mut buffer).await?;
            socket.send_to(&[buffer[0] + 1], peer).await?;
        }
    });
    sim.client("client", async {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        let mut buffer = [0; 16];
        for ping in 0..ROUNDS {
            socket.send_to(&[ping], "server:1738").await?;
            let (count, peer) = socket.recv_from(&mut buffer).await?;
            assert_eq!((count, buffer[0], peer.port()), (1, ping + 1, 1738));
        }
        Ok(())
    });
    sim.run()
}
