//! Clients of many servers, of which one after the other crashes for good.

use super::sim::{self, Sim, net::TcpListener, net::TcpStream};
use super::{Dice, MS};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const SERVERS: usize = 50;
const CLIENTS: usize = 50;
const LEFT: usize = 10;
const TIME: Duration = Duration::from_secs(10);

/// What clients, and who has servers crash, know together.
#[derive(Clone)]
struct Cluster {
    alive: Rc<RefCell<Vec<String>>>,
    /// Those that shall crash, before the next step.
    doomed: Rc<RefCell<Vec<String>>>,
    dice: Rc<RefCell<Dice>>,
    answers: Rc<RefCell<u64>>,
}

impl Cluster {
    fn below(&self, bound: usize) -> usize {
        self.dice.borrow_mut().below(bound)
    }
}

async fn serve() -> sim::Result {
    let listener = TcpListener::bind("0.0.0.0:8080").await?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut buffer = [0; 1_024];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                if stream.write_all(&buffer[..count]).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Connects to any server, those included that crashed: nobody tells clients.
async fn connect(cluster: &Cluster) -> TcpStream {
    for attempt in 0.. {
        let server = format!("server-{}:8080", cluster.below(SERVERS));
        if let Ok(Ok(stream)) = timeout(Duration::from_secs(1), TcpStream::connect(server)).await {
            return stream;
        }
        sleep(MS * cluster.below(100 << usize::min(attempt, 5)) as u32).await;
    }
    unreachable!("it does not give up")
}

async fn ask(stream: &mut TcpStream) -> io::Result<()> {
    let mut answer = [0; 11];
    stream.write_all(b"hello world").await?;
    stream.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"hello world");
    Ok(())
}

/// Asks one server until it does not answer within a second, then another one.
async fn keep_asking(cluster: Cluster) {
    while sim::elapsed() < TIME {
        let mut stream = connect(&cluster).await;
        while sim::elapsed() < TIME
            && matches!(timeout(Duration::from_secs(1), ask(&mut stream)).await, Ok(Ok(())))
        {
            *cluster.answers.borrow_mut() += 1;
        }
    }
}

/// Has one server after the other crash.
async fn crash_some(cluster: Cluster) -> sim::Result {
    let pause = TIME / (SERVERS - LEFT) as u32;
    while cluster.alive.borrow().len() > LEFT {
        sleep(pause).await;
        let number = cluster.below(cluster.alive.borrow().len());
        let server = cluster.alive.borrow_mut().swap_remove(number);
        cluster.doomed.borrow_mut().push(server);
    }
    Ok(())
}

fn add_hosts(sim: &mut Sim<'_>, cluster: &Cluster) {
    for server in cluster.alive.borrow().iter() {
        sim.host(server.as_str(), serve);
    }
    let clients = cluster.clone();
    sim.client("clients", async move {
        let mut all = JoinSet::new();
        for _ in 0..CLIENTS {
            all.spawn_local(keep_asking(clients.clone()));
        }
        all.join_all().await;
        Ok(())
    });
    sim.client("attrition", crash_some(cluster.clone()));
}

/// Fifty clients, and fifty servers of which forty crash within ten seconds.
///
/// # Errors
/// Those of the simulation.
pub fn world(builder: &sim::Builder) -> sim::Result {
    let mut sim = builder.build();
    let cluster = Cluster {
        alive: Rc::new(RefCell::new((0..SERVERS).map(|number| format!("server-{number}")).collect())),
        doomed: Rc::default(),
        dice: Rc::new(RefCell::new(Dice(7))),
        answers: Rc::default(),
    };
    add_hosts(&mut sim, &cluster);
    while !sim.step()? {
        for server in cluster.doomed.take() {
            sim.crash(server);
        }
    }
    assert!(*cluster.answers.borrow() > 1_000, "{} answers", cluster.answers.borrow());
    Ok(())
}
