//! Two hosts that are parted and brought together, one that crashes and comes back, and frames that are held.

use super::MS;
use super::sim::{self, net::TcpListener, net::TcpStream};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

/// When a request was made, and whether it was answered in time.
type Requests = Rc<RefCell<Vec<(Duration, bool)>>>;

async fn serve() -> sim::Result {
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let asked = stream.read_u8().await?;
            stream.write_u8(asked).await
        });
    }
}

async fn ask() -> std::io::Result<u8> {
    let mut stream = TcpStream::connect("server:80").await?;
    stream.write_u8(42).await?;
    stream.read_u8().await
}

/// What is done to the hosts, second by second.
fn act(sim: &mut sim::Sim<'_>, second: u64) {
    match second {
        1 => sim.partition("client", "server"),
        2 => sim.repair("client", "server"),
        3 => sim.crash("server"),
        4 => sim.bounce("server"),
        5 => sim.hold("client", "server"),
        6 => sim.release("client", "server"),
        7 => sim.partition_oneway("server", "client"),
        8 => sim.repair_oneway("server", "client"),
        _ => {}
    }
}

/// A client asks ten times a second, and is answered in every other second.
///
/// # Errors
/// Those of the simulation.
pub fn world(builder: &sim::Builder) -> sim::Result {
    let mut sim = builder.build();
    let requests = Requests::default();
    sim.host("server", serve);
    let notes = Rc::clone(&requests);
    sim.client("client", async move {
        while sim::elapsed() < Duration::from_millis(8_900) {
            let began = sim::elapsed();
            let answer = timeout(90 * MS, ask()).await;
            notes.borrow_mut().push((began, matches!(answer, Ok(Ok(42)))));
            sleep((began + 100 * MS).saturating_sub(sim::elapsed())).await;
        }
        Ok(())
    });
    let mut second = 0;
    while !sim.step()? {
        if sim.elapsed().as_secs() > second {
            second = sim.elapsed().as_secs();
            act(&mut sim, second);
        }
    }
    for (began, is_answered) in requests.take() {
        let in_second = began.subsec_millis();
        // Not those on the edge: half-done when something was done to the hosts.
        if (50..850).contains(&in_second) {
            assert_eq!(is_answered, began.as_secs().is_multiple_of(2), "the request at {began:?}");
        }
    }
    Ok(())
}
