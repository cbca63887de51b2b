//! Hosts that run tokio programs, and what is done to them.

use super::builder::Builder;
use super::here::find;
use super::program::{Ended, Ends, Main, Program};
use crate::ids::HostId;
use crate::link::{LinkConfig, Passage};
use crate::record::Vantage;
use crate::trail::Trail;
use crate::world::World;
use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::future::Future;
use std::io::{self, Write};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;
use tcp::Instant;

/// Hosts that run tokio programs in virtual time, each on a runtime of its own.
///
/// Every two hosts are joined by a link. A *client* runs once, and the simulation is over when all clients are; a *host*
/// serves as long as it goes on, and starts its program again after [`bounce`](Sim::bounce). The program of a host that
/// ends is a process that ends: its tasks are gone, and its sockets are closed as an operating system does it.
///
/// ```
/// use synfin_sim::tokio::{Builder, net::{TcpListener, TcpStream}};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// let mut sim = Builder::new().rng_seed(7).build();
/// sim.host("greeter", || async {
///     let listener = TcpListener::bind("0.0.0.0:80").await?;
///     loop {
///         let (mut stream, _) = listener.accept().await?;
///         stream.write_all(b"hello").await?;
///     }
/// });
/// sim.client("caller", async {
///     let mut heard = String::new();
///     TcpStream::connect("greeter:80").await?.read_to_string(&mut heard).await?;
///     assert_eq!(heard, "hello");
///     Ok(())
/// });
/// sim.run()?;
/// assert_eq!(sim.elapsed().as_millis(), 30, "SYN, SYN-ACK, and the ACK that the greeting answers");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sim {
    world: World,
    builder: Builder,
    /// How to start a host's program again, by host.
    programs: Vec<Option<Rc<dyn Fn() -> Main>>>,
    /// Clients that run.
    clients: BTreeSet<HostId>,
    ends: Ends,
}

impl Sim {
    pub(super) fn new(world: World, builder: Builder) -> Sim {
        Sim { world, builder, programs: Vec::new(), clients: BTreeSet::new(), ends: Ends::default() }
    }

    /// A host whose program serves, and starts again when the host does.
    ///
    /// # Panics
    /// If there is a host of this name.
    pub fn host<F: Future<Output = super::Result> + 'static>(
        &mut self,
        name: impl Display,
        program: impl Fn() -> F + 'static,
    ) -> HostId {
        let id = self.add_host(&name.to_string());
        self.programs[id.0] = Some(Rc::new(move || Box::pin(program())));
        self.start(id);
        id
    }

    /// A host whose program runs once. The simulation is over when all such programs are.
    ///
    /// # Panics
    /// If there is a host of this name.
    pub fn client(
        &mut self,
        name: impl Display,
        program: impl Future<Output = super::Result> + 'static,
    ) -> HostId {
        let id = self.add_host(&name.to_string());
        self.clients.insert(id);
        self.launch(id, Box::new(move || Box::pin(program)));
        id
    }

    fn add_host(&mut self, name: &str) -> HostId {
        assert!(self.world.find(name).is_none(), "there is a host {name:?} already");
        let number = self.programs.len() + 1;
        let [high, low] = [number / 256, number % 256];
        let addresses = [format!("10.0.{high}.{low}"), format!("fd00::{number:x}")];
        let [ipv4, ipv6] = addresses.each_ref().map(String::as_str);
        let others: Vec<HostId> = self.world.hosts().collect();
        let id = self.world.add_host(name, self.builder.stack.clone(), &[ipv4, ipv6]);
        for other in others {
            self.world.link(other, id, self.builder.link.clone());
        }
        self.programs.push(None);
        id
    }

    fn start(&mut self, host: HostId) {
        if let Some(program) = self.programs[host.0].clone() {
            self.launch(host, Box::new(move || program()));
        }
    }

    fn launch(&mut self, host: HostId, start: Box<dyn FnOnce() -> Main>) {
        let program = Program::new(self.world.seat(host), self.world.seed(), start, Rc::clone(&self.ends));
        self.world.start(host, program.expect("a runtime without threads and devices can be built"));
    }

    // What is done to hosts and links.

    /// A host loses its power: its program is gone in the middle of whatever it did, and nobody hears of it. A client
    /// that crashes is over.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn crash(&mut self, host: impl Display) {
        let host = self.id(host);
        self.clients.remove(&host);
        self.world.crash(host);
    }

    /// A host loses its power and comes back at once: with its name and addresses, without connections, its program from
    /// the beginning.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn bounce(&mut self, host: impl Display) {
        let host = self.id(host);
        self.clients.remove(&host);
        self.world.restart(host, self.builder.stack.clone());
        self.start(host);
    }

    /// Whether a host has power.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn is_host_running(&self, host: impl Display) -> bool {
        self.world.is_up(self.id(host))
    }

    /// Nothing passes between two hosts from now on; what is under way is lost.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn partition(&mut self, one: impl Display, other: impl Display) {
        self.both_ways(one, other, Passage::Cut);
    }

    /// What `from` sends to `to` is lost from now on.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn partition_oneway(&mut self, from: impl Display, to: impl Display) {
        self.one_way(self.id(from), self.id(to), Passage::Cut);
    }

    /// Ends [`partition`](Sim::partition).
    ///
    /// # Panics
    /// If there is no such host.
    pub fn repair(&mut self, one: impl Display, other: impl Display) {
        self.both_ways(one, other, Passage::Open);
    }

    /// Ends [`partition_oneway`](Sim::partition_oneway).
    ///
    /// # Panics
    /// If there is no such host.
    pub fn repair_oneway(&mut self, from: impl Display, to: impl Display) {
        self.one_way(self.id(from), self.id(to), Passage::Open);
    }

    /// What two hosts send to each other is kept back from now on; what is under way, too.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn hold(&mut self, one: impl Display, other: impl Display) {
        self.both_ways(one, other, Passage::Held);
    }

    /// Ends [`hold`](Sim::hold): what was kept back arrives now, in the order in which it was sent.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn release(&mut self, one: impl Display, other: impl Display) {
        self.both_ways(one, other, Passage::Open);
    }

    /// Changes the link between two hosts from now on.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn change_link(&mut self, one: impl Display, other: impl Display, change: impl Fn(&mut LinkConfig)) {
        for link in self.world.links_between(self.id(one), self.id(other)) {
            self.world.change_link(link, &change);
        }
    }

    fn both_ways(&mut self, one: impl Display, other: impl Display, passage: Passage) {
        let (one, other) = (self.id(one), self.id(other));
        self.one_way(one, other, passage);
        self.one_way(other, one, passage);
    }

    fn one_way(&mut self, from: HostId, to: HostId, passage: Passage) {
        for link in self.world.links_between(from, to) {
            self.world.set_passage(link, from, passage);
        }
    }

    // Time passes.

    /// Goes on until all clients are over.
    ///
    /// # Errors
    /// That of the first program that returned one, hosts included; and when the time is up that
    /// [`Builder::simulation_duration`] gives.
    ///
    /// # Panics
    /// If the main task of a program has panicked, with what it said.
    pub fn run(&mut self) -> super::Result {
        let end = Instant::ZERO + self.builder.duration;
        if self.run_until(end)? {
            return Ok(());
        }
        let names: Vec<&str> = self.clients.iter().map(|client| self.world.name(*client)).collect();
        let (time, names) = (self.builder.duration, names.join(", "));
        Err(format!("the time is up after {time:?}, and there is still running: {names}").into())
    }

    /// Lets one tick pass ([`Builder::tick_duration`]); returns whether all clients are over.
    ///
    /// # Errors
    /// # Panics
    /// As [`run`](Sim::run), but for the time that is up.
    pub fn step(&mut self) -> super::Result<bool> {
        self.run_for(self.builder.tick)
    }

    /// Goes on for this time, or until all clients are over; returns whether they are. Without clients it goes
    /// on for all this time.
    ///
    /// # Errors
    /// # Panics
    /// As [`run`](Sim::run), but for the time that is up.
    pub fn run_for(&mut self, duration: Duration) -> super::Result<bool> {
        self.run_until(self.world.now() + duration)
    }

    fn run_until(&mut self, until: Instant) -> super::Result<bool> {
        let ends = Rc::clone(&self.ends);
        let has_clients = !self.clients.is_empty();
        loop {
            let within = until.since(self.world.now());
            let has_ended = self.world.wait_until(within, |_| !ends.borrow().is_empty());
            for (host, ended) in ends.take() {
                self.clients.remove(&host);
                match ended {
                    Ended::Well => {}
                    Ended::Badly(error) => return Err(error),
                    Ended::Panicked(panic) => std::panic::resume_unwind(panic.into_panic()),
                }
            }
            let is_over = self.clients.is_empty();
            if !has_ended || (is_over && has_clients) {
                return Ok(is_over);
            }
        }
    }

    // Anyone looks.

    /// How much virtual time has passed.
    pub fn elapsed(&self) -> Duration {
        self.world.now().since(Instant::ZERO)
    }

    /// The address of a host.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn lookup(&self, host: impl Display) -> IpAddr {
        self.world.addresses(self.id(host))[0]
    }

    /// Writes what passed a host as a capture file, if frames were recorded ([`Builder::record`]): for `synfin explain`,
    /// for Wireshark.
    ///
    /// # Errors
    /// Those of `out`.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn write_pcap(&self, host: impl Display, out: impl Write) -> io::Result<()> {
        self.world.write_pcap(Vantage::At(self.id(host)), out)
    }

    /// The world: what was recorded, what hosts are like, what was lost.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The world, to be changed: links, fates, devices.
    pub fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// A host by its name or address.
    #[track_caller]
    fn id(&self, host: impl Display) -> HostId {
        find(self.world.commons(), &host.to_string())
    }
}

/// Runs a simulation twice and sees that both runs are the same, to the byte and the nanosecond. Returns what happened.
///
/// ```
/// use synfin_sim::tokio::{Builder, net::TcpStream, replay};
/// let trail = replay(|| {
///     let mut sim = Builder::new().rng_seed(7).build();
///     sim.client("client", async {
///         assert!(TcpStream::connect("client:1").await.is_err());
///         Ok(())
///     });
///     sim
/// })?;
/// assert!(trail.steps().is_empty(), "nothing left the host");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A [`Difference`](crate::Difference), which names the first event in which the runs differ; and what
/// [`Sim::run`] returns.
pub fn replay(build: impl Fn() -> Sim) -> super::Result<Trail> {
    let run = || {
        let mut sim = build();
        sim.world.keep_trail();
        let outcome = sim.run();
        (outcome, sim.world.take_trail())
    };
    let ((outcome, one), (_, other)) = (run(), run());
    match one.first_difference(&other) {
        Some(difference) => Err(difference.into()),
        None => outcome.map(|()| one),
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("world", &self.world)
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}
