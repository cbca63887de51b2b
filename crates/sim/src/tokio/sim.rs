//! Hosts that run tokio programs, and what is done to them.

use super::builder::{Builder, IpVersion};
use super::hosts::{ToIpAddrs, all, find, pairs};
use super::lanes::{both, fails, takes, takes_at_most};
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
/// Every two hosts are joined by a link. A *client* runs once, and the simulation is over when all clients are; a
/// *host* serves as long as it goes on, and starts its program again after [`bounce`](Sim::bounce). The program of a
/// host that ends is a process that ends: its tasks are gone, and its sockets are closed as an operating system does
/// it.
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
/// assert_eq!(sim.elapsed().as_millis(), 40, "SYN, SYN-ACK, ACK, and the greeting");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sim<'a> {
    world: World,
    builder: Builder,
    /// How to start a host's program again, by host.
    programs: Vec<Option<Rc<dyn Fn() -> Main + 'a>>>,
    /// Clients that run.
    clients: BTreeSet<HostId>,
    ends: Ends,
}

impl<'a> Sim<'a> {
    pub(super) fn new(world: World, builder: Builder) -> Sim<'a> {
        Sim { world, builder, programs: Vec::new(), clients: BTreeSet::new(), ends: Ends::default() }
    }

    /// A host whose program serves, and starts again when the host does: `program` is called on the host, now and then
    /// again. A name that is an address gives the host this address.
    ///
    /// # Panics
    /// If there is a host of this name.
    pub fn host<F: Future<Output = super::Result> + 'static>(
        &mut self,
        name: impl Display,
        program: impl Fn() -> F + 'a,
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
        self.launch(id, move || Box::pin(program));
        id
    }

    fn add_host(&mut self, name: &str) -> HostId {
        assert!(self.world.find(name).is_none(), "there is a host {name:?} already");
        let number = self.programs.len() + 1;
        let [high, low] = [number / 256, number % 256];
        let addresses = [format!("10.0.{high}.{low}"), format!("fd00::{number:x}")];
        let [ipv4, ipv6] = addresses.each_ref().map(String::as_str);
        let addresses = match self.builder.ip_version {
            _ if name.parse::<IpAddr>().is_ok() => vec![name],
            Some(IpVersion::V4) => vec![ipv4],
            Some(IpVersion::V6) => vec![ipv6],
            None => vec![ipv4, ipv6],
        };
        let others: Vec<HostId> = self.world.hosts().collect();
        let id = self.world.add_host(name, self.builder.stack.clone(), &addresses);
        for other in others {
            self.world.link(other, id, self.builder.link.clone());
        }
        self.programs.push(None);
        id
    }

    fn start(&mut self, host: HostId) {
        if let Some(program) = self.programs[host.0].clone() {
            self.launch(host, move || program());
        }
    }

    fn launch(&mut self, host: HostId, make: impl FnOnce() -> Main) {
        let world = (self.world.seed(), self.builder.epoch);
        let program = Program::new(self.world.seat(host), world, make, Rc::clone(&self.ends));
        self.world.start(host, program.expect("a runtime without threads and devices can be built"));
    }

    // What is done to hosts and links.

    /// Hosts lose their power: their programs are gone in the middle of whatever they did, and nobody hears of it. A
    /// client that crashes is over.
    ///
    /// # Panics
    /// If there is no host that is named.
    pub fn crash(&mut self, hosts: impl ToIpAddrs) {
        for host in all(self.world.commons(), hosts) {
            self.clients.remove(&host);
            self.world.crash(host);
        }
    }

    /// Hosts lose their power and come back at once: with their names and addresses, without connections, their
    /// programs from the beginning. A client that is bounced is over: its program cannot be made again.
    ///
    /// # Panics
    /// If there is no host that is named.
    pub fn bounce(&mut self, hosts: impl ToIpAddrs) {
        for host in all(self.world.commons(), hosts) {
            self.clients.remove(&host);
            self.world.restart(host, self.builder.stack.clone());
            self.start(host);
        }
    }

    /// Whether a host has power.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn is_host_running(&self, host: impl Display) -> bool {
        self.world.is_up(self.id(host))
    }

    /// Nothing passes between hosts from now on; what is under way is lost.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn partition(&mut self, one: impl ToIpAddrs, other: impl ToIpAddrs) {
        self.both_ways(one, other, Passage::Cut);
    }

    /// What `from` sends to `to` is lost from now on.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn partition_oneway(&mut self, from: impl ToIpAddrs, to: impl ToIpAddrs) {
        for (from, to) in self.pairs(from, to) {
            self.one_way(from, to, Passage::Cut);
        }
    }

    /// Ends [`partition`](Sim::partition).
    ///
    /// # Panics
    /// If there is no such host.
    pub fn repair(&mut self, one: impl ToIpAddrs, other: impl ToIpAddrs) {
        self.both_ways(one, other, Passage::Open);
    }

    /// Ends [`partition_oneway`](Sim::partition_oneway).
    ///
    /// # Panics
    /// If there is no such host.
    pub fn repair_oneway(&mut self, from: impl ToIpAddrs, to: impl ToIpAddrs) {
        for (from, to) in self.pairs(from, to) {
            self.one_way(from, to, Passage::Open);
        }
    }

    /// What hosts send to each other is kept back from now on; what is under way, too.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn hold(&mut self, one: impl ToIpAddrs, other: impl ToIpAddrs) {
        self.both_ways(one, other, Passage::Held);
    }

    /// Ends [`hold`](Sim::hold): what was kept back arrives now, in the order in which it was sent.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn release(&mut self, one: impl ToIpAddrs, other: impl ToIpAddrs) {
        self.both_ways(one, other, Passage::Open);
    }

    /// Changes the link between hosts from now on.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn change_link(
        &mut self,
        one: impl ToIpAddrs,
        other: impl ToIpAddrs,
        change: impl Fn(&mut LinkConfig),
    ) {
        for (one, other) in self.pairs(one, other) {
            for link in self.world.links_between(one, other) {
                self.world.change_link(link, &change);
            }
        }
    }

    /// Every frame between hosts takes this long from now on.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn set_link_latency(&mut self, one: impl ToIpAddrs, other: impl ToIpAddrs, latency: Duration) {
        self.change_link(one, other, |link| both(link, |lane| takes(lane, latency)));
    }

    /// The longest time that a frame takes between hosts from now on.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn set_link_max_message_latency(
        &mut self,
        one: impl ToIpAddrs,
        other: impl ToIpAddrs,
        latency: Duration,
    ) {
        self.change_link(one, other, |link| both(link, |lane| takes_at_most(lane, latency)));
    }

    /// How often a frame between hosts finds that its way fails: see [`Builder::fail_rate`].
    ///
    /// # Panics
    /// If there is no such host.
    pub fn set_link_fail_rate(&mut self, one: impl ToIpAddrs, other: impl ToIpAddrs, rate: f64) {
        self.change_link(one, other, |link| both(link, |lane| fails(lane, rate)));
    }

    /// The longest time that a frame takes between any two hosts from now on.
    pub fn set_max_message_latency(&mut self, latency: Duration) {
        self.change_all_links(|link| both(link, |lane| takes_at_most(lane, latency)));
    }

    /// How often a frame between any two hosts finds that its way fails: see [`Builder::fail_rate`].
    pub fn set_fail_rate(&mut self, rate: f64) {
        self.change_all_links(|link| both(link, |lane| fails(lane, rate)));
    }

    /// Those that there are, and those that there will be.
    fn change_all_links(&mut self, change: impl Fn(&mut LinkConfig)) {
        change(&mut self.builder.link);
        for link in self.world.links() {
            self.world.change_link(link, &change);
        }
    }

    #[track_caller]
    fn pairs(&self, one: impl ToIpAddrs, other: impl ToIpAddrs) -> Vec<(HostId, HostId)> {
        pairs(self.world.commons(), one, other)
    }

    #[track_caller]
    fn both_ways(&mut self, one: impl ToIpAddrs, other: impl ToIpAddrs, passage: Passage) {
        for (one, other) in self.pairs(one, other) {
            self.one_way(one, other, passage);
            self.one_way(other, one, passage);
        }
    }

    fn one_way(&mut self, from: HostId, to: HostId, passage: Passage) {
        for link in self.world.links_between(from, to) {
            self.world.set_passage(link, from, passage);
        }
    }

    // Time passes.

    /// Goes on until all clients are over: at once, if there are none.
    ///
    /// # Errors
    /// That of the first program that returned one, hosts included; and when the time is up that
    /// [`Builder::simulation_duration`] gives.
    ///
    /// # Panics
    /// If the main task of a program has panicked, with what it said.
    pub fn run(&mut self) -> super::Result {
        let end = Instant::ZERO + self.builder.duration;
        if self.clients.is_empty() || self.run_until(end)? { Ok(()) } else { Err(self.time_is_up()) }
    }

    /// Lets one tick pass ([`Builder::tick_duration`]); returns whether all clients are over.
    ///
    /// # Errors
    /// # Panics
    /// As [`run`](Sim::run).
    pub fn step(&mut self) -> super::Result<bool> {
        let is_over = self.run_for(self.builder.tick)?;
        if is_over || self.elapsed() <= self.builder.duration { Ok(is_over) } else { Err(self.time_is_up()) }
    }

    fn time_is_up(&self) -> Box<dyn std::error::Error> {
        let names: Vec<&str> = self.clients.iter().map(|client| self.world.name(*client)).collect();
        let (time, names) = (self.builder.duration, names.join(", "));
        format!("the time is up after {time:?}, and there is still running: {names}").into()
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

    /// What time it is in the world, since 1970: see [`Builder::epoch`].
    pub fn since_epoch(&self) -> Duration {
        self.builder.epoch + self.elapsed()
    }

    /// The addresses of hosts, one each.
    ///
    /// # Panics
    /// If there is no host that is named.
    pub fn lookup_many(&self, hosts: impl ToIpAddrs) -> Vec<IpAddr> {
        let hosts = all(self.world.commons(), hosts).into_iter();
        hosts.map(|host| self.world.addresses(host)[0]).collect()
    }

    /// The name of the host with this address, if there is one.
    pub fn reverse_lookup(&self, address: IpAddr) -> Option<String> {
        self.world.commons().name_of(address)
    }

    /// The address of a host.
    ///
    /// # Panics
    /// If there is no such host.
    pub fn lookup(&self, host: impl Display) -> IpAddr {
        self.world.addresses(self.id(host))[0]
    }

    /// Writes what passed a host as a capture file, if frames were recorded ([`Builder::record`]): for `synfin
    /// explain`, for Wireshark.
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
pub fn replay<'a>(build: impl Fn() -> Sim<'a>) -> super::Result<Trail> {
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

impl fmt::Debug for Sim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("world", &self.world)
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}
