//! Where simulations part ways: what a client of an echo server hears, by what was done to them.

use super::MS;
use super::sim::{self, net::TcpListener, net::TcpStream};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// What comes back to a client that was told nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing in five seconds.
    Silence,
    /// What it has sent.
    Echo,
    /// The end of the stream, or a reset.
    End,
}

async fn listen(stream: &mut TcpStream) -> Heard {
    match timeout(5 * SECOND, stream.read_u8()).await {
        Err(_) => Heard::Silence,
        Ok(Ok(_)) => Heard::Echo,
        Ok(Err(_)) => Heard::End,
    }
}

async fn echo() -> sim::Result {
    let listener = TcpListener::bind("0.0.0.0:7").await?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            while let Ok(byte) = stream.read_u8().await {
                if stream.write_u8(byte).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// The server's host crashes while a client is connected and waits.
///
/// # Errors
/// Those of the simulation.
pub fn crash(builder: &sim::Builder) -> sim::Result<Heard> {
    let mut sim = builder.build();
    let heard = Rc::new(RefCell::new(Heard::Silence));
    sim.host("server", echo);
    let note = Rc::clone(&heard);
    sim.client("client", async move {
        let mut stream = TcpStream::connect("server:7").await?;
        *note.borrow_mut() = listen(&mut stream).await;
        Ok(())
    });
    while sim.elapsed() < SECOND {
        sim.step()?;
    }
    sim.crash("server");
    sim.run()?;
    Ok(*heard.borrow())
}

/// A client sends while it is parted from the server, for a tenth of a second.
///
/// # Errors
/// Those of the simulation.
pub fn parting(builder: &sim::Builder) -> sim::Result<Heard> {
    let mut sim = builder.build();
    let heard = Rc::new(RefCell::new(Heard::Silence));
    sim.host("server", echo);
    let note = Rc::clone(&heard);
    sim.client("client", async move {
        let mut stream = TcpStream::connect("server:7").await?;
        sim::partition("client", "server");
        stream.write_u8(1).await?;
        sleep(100 * MS).await;
        sim::repair("client", "server");
        *note.borrow_mut() = listen(&mut stream).await;
        Ok(())
    });
    sim.run()?;
    Ok(*heard.borrow())
}
