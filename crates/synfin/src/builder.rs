//! Describes a stack before it starts: links, addresses, routes, options, observers.

use crate::clock::Clock;
use crate::driver::{self, Driver};
use crate::farewell::FAREWELL;
use crate::handle::{Driving, Stack};
use crate::locked::Locked;
use crate::names::{Resolver, SystemResolver};
use crate::observe::{Observer, Tap, Tapped};
use crate::shared::Shared;
use crate::wires::Wires;
use device::Link;
use socket::{ConnectionEvent, Core};
use stack::{AnyAddress, Cidr, Host, Interface, InterfaceId, Mac};
use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// Describes a stack before it starts.
///
/// What belongs to a link (name, addresses, gateway, routes) is said after it. Texts are read at
/// [`start`](Builder::start), which tells what is wrong with them.
///
/// ```
/// let (ours, _theirs) = synfin::device::memory::pair(synfin::wire::LinkCapabilities::default());
/// let stack = synfin::Stack::builder()
///     .link(ours)
///     .address("10.90.0.2/24")
///     .address("fd90::2/64")
///     .gateway("10.90.0.1")
///     .start()?;
/// assert_eq!(stack.addresses().len(), 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "a stack begins with `start`"]
pub struct Builder {
    links: Vec<Described>,
    config: stack::Config,
    secret: Option<[u8; 32]>,
    any_address: AnyAddress,
    observer: Option<Observer>,
    tap: Option<Tap>,
    farewell: Duration,
    resolver: Arc<dyn Resolver>,
    mistake: Option<io::Error>,
}

/// A stack that nobody drives yet.
struct Prepared {
    shared: Arc<Shared>,
    driver: Driver,
    farewell: Duration,
    resolver: Arc<dyn Resolver>,
}

/// A link and what was said of it.
struct Described {
    link: Arc<dyn Link>,
    name: Option<String>,
    hardware: Option<Mac>,
    addresses: Vec<Cidr>,
    routes: Vec<(Cidr, Option<IpAddr>)>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Builder {
            links: Vec::new(),
            config: stack::Config::default(),
            secret: None,
            any_address: AnyAddress::default(),
            observer: None,
            tap: None,
            farewell: FAREWELL,
            resolver: Arc::new(SystemResolver),
            mistake: None,
        }
    }

    /// Attaches a link: a [`device::Tun`], an end of a [`device::memory::pair`], any [`Link`].
    pub fn link(mut self, link: impl Link + 'static) -> Self {
        let (name, hardware, addresses, routes) = (None, None, Vec::new(), Vec::new());
        self.links.push(Described { link: Arc::new(link), name, hardware, addresses, routes });
        self
    }

    /// What people call the link just added; by default `link0`, `link1` ...
    pub fn name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.of_link("a name", |described| {
            described.name = Some(name);
            Ok(())
        })
    }

    /// Our address on the Ethernet link just added.
    pub fn hardware(self, mac: Mac) -> Self {
        self.of_link("a hardware address", |described| {
            described.hardware = Some(mac);
            Ok(())
        })
    }

    /// An address of ours on the link just added, with the length of its network: `10.90.0.2/24`.
    pub fn address(self, address: impl AsRef<str>) -> Self {
        self.of_link("an address", |described| {
            described
                .addresses
                .push(parse("an address with its network, such as 10.90.0.2/24", address.as_ref())?);
            Ok(())
        })
    }

    /// The router, on the link just added, for everything that no other route leads to.
    pub fn gateway(self, router: impl AsRef<str>) -> Self {
        self.of_link("a gateway", |described| {
            let router: IpAddr = parse("the address of a router", router.as_ref())?;
            let everything = if router.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
            described.routes.push((parse("a network", everything)?, Some(router)));
            Ok(())
        })
    }

    /// A network that is reached by the link just added, straight or through a router.
    pub fn route(self, network: impl AsRef<str>, router: Option<IpAddr>) -> Self {
        self.of_link("a route", |described| {
            described.routes.push((parse("a network, such as 10.0.0.0/8", network.as_ref())?, router));
            Ok(())
        })
    }

    /// Takes packets for every address as ours: for a proxy that answers for whole networks.
    pub fn any_address(mut self) -> Self {
        self.any_address = AnyAddress::IsOurs;
        self
    }

    /// The bounds and choices of the host.
    pub fn config(mut self, config: stack::Config) -> Self {
        self.config = config;
        self
    }

    /// How much memory the stack may hold for everything that peers can make grow, in bytes; 256 MiB by default. See
    /// [`stack::MemoryLevel`] for what happens when it is used up, and `Stack::usage` for what is held. Say it
    /// after [`config`](Builder::config).
    ///
    /// ```
    /// let stack = synfin::Stack::builder().memory(64 << 20).start()?;
    /// assert!(stack.usage().held_bytes < 64 << 20);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn memory(mut self, bytes: usize) -> Self {
        self.config.memory = stack::MemoryBudget::of(bytes);
        self
    }

    /// The options of connections that do not set their own. Say it after [`config`](Builder::config).
    pub fn tcp(mut self, config: tcp::Config) -> Self {
        self.config.tcp = Arc::new(config);
        self
    }

    /// Keys sequence numbers, ports and tables. By default it is taken from the operating system; tests
    /// that want the same numbers twice give their own.
    pub fn secret(mut self, secret: [u8; 32]) -> Self {
        self.secret = Some(secret);
        self
    }

    /// How long the drop of the last handle waits for peers to acknowledge what was written to them. By
    /// default a minute at most, or until they have acknowledged nothing new for ten seconds; here the minute is
    /// chosen. [`Duration::ZERO`]: the drop does not wait, and what is not delivered when the process ends
    /// is lost. See [`Stack`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// let stack = synfin::Stack::builder().farewell(Duration::from_secs(5)).start()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn farewell(mut self, timeout: Duration) -> Self {
        self.farewell = timeout;
        self
    }

    /// Looks up names for the stack's sockets; by default the operating system does, over its own network. Only the
    /// sockets of [`crate::tokio`] ask it.
    pub fn resolver(mut self, resolver: impl Resolver + 'static) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Hears of connections as they open, stop getting through, and close. It is called by the stack's
    /// driver, one event after the other, and must not wait on sockets of this stack. One that keeps a [`Stack`] or a
    /// socket keeps the stack alive until [`Stack::shutdown`].
    pub fn on_connection(mut self, observer: impl FnMut(ConnectionEvent) + Send + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Sees every frame in both directions, super-segments whole, in the order in which they pass. It is
    /// called under the stack's lock: it must be quick, and must not touch the stack or its sockets. To
    /// write captures, wrap the link into a [`device::Tap`] or use this.
    pub fn tap(mut self, tap: impl FnMut(Tapped<'_>) + Send + 'static) -> Self {
        self.tap = Some(Box::new(tap));
        self
    }

    /// Starts the stack: its thread runs from here on.
    ///
    /// # Errors
    /// `InvalidInput` for texts that are no addresses, an address that is said before any link, an
    /// Ethernet link without a hardware address; what the system says when it has no thread, no
    /// descriptor or no randomness left.
    pub fn start(self) -> io::Result<Stack> {
        let prepared = self.prepare()?;
        let thread = driver::thread::start(prepared.driver)?;
        Ok(Stack::new(prepared.shared, Driving::Thread(thread), prepared.farewell, prepared.resolver))
    }

    /// Starts the stack without a thread: a task of the current tokio runtime drives it, and a program with one thread
    /// stays one.
    ///
    /// The stack lives as long as the runtime does. The drop of its last handle does not wait for what was written,
    /// because it would keep the driver from running: end with [`crate::tokio::shutdown`].
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// use std::time::Duration;
    ///
    /// let stack = synfin::Stack::builder().start_task()?;
    /// let listener = synfin::tokio::TcpListener::bind(&stack, "127.0.0.1:0").await?;
    /// drop(listener);
    /// synfin::tokio::shutdown(&stack, Duration::from_secs(10)).await?;
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`start`](Builder::start).
    ///
    /// # Panics
    /// Outside a runtime of tokio, or in one without I/O and time.
    #[cfg(feature = "tokio")]
    pub fn start_task(self) -> io::Result<Stack> {
        let prepared = self.prepare()?;
        driver::task::start(prepared.driver)?;
        Ok(Stack::new(prepared.shared, Driving::Task, prepared.farewell, prepared.resolver))
    }

    fn prepare(self) -> io::Result<Prepared> {
        let Builder { links, config, secret, any_address, observer, tap, farewell, resolver, mistake } = self;
        if let Some(mistake) = mistake {
            return Err(mistake);
        }
        let secret = secret.map_or_else(secret_of_the_system, Ok)?;
        let mut host = Host::new(config, secret);
        host.set_any_address(any_address);
        let mut wires = Wires::default();
        for (index, described) in links.into_iter().enumerate() {
            let link = Arc::clone(&described.link);
            wires.add(attach(&mut host, index, described)?, link);
        }
        let clock = Clock::start();
        let mut core = Core::new(host);
        if observer.is_some() {
            core.observe();
        }
        let locked = Locked::new(core, wires, clock, tap);
        let shared = Arc::new(Shared::new(locked, clock, device::Waker::new()?));
        let driver = Driver::new(Arc::clone(&shared), observer);
        Ok(Prepared { shared, driver, farewell, resolver })
    }

    fn of_link(mut self, what: &str, say: impl FnOnce(&mut Described) -> io::Result<()>) -> Self {
        let outcome = match self.links.last_mut() {
            Some(described) => say(described),
            None => Err(invalid(format!("{what} belongs to a link; add the link first"))),
        };
        if let Err(mistake) = outcome {
            self.mistake.get_or_insert(mistake);
        }
        self
    }
}

fn attach(host: &mut Host, index: usize, described: Described) -> io::Result<InterfaceId> {
    let Described { link, name, hardware, addresses, routes } = described;
    let capabilities = link.capabilities();
    let name = name.unwrap_or_else(|| format!("link{index}"));
    if capabilities.medium == wire::Medium::Ethernet && hardware.is_none() {
        return Err(invalid(format!("{name} is an Ethernet link and needs a hardware address; give it one")));
    }
    let id = host.add_interface(Interface { name, capabilities, hardware, addresses });
    for (network, router) in routes {
        host.add_route(network, router, id);
    }
    Ok(id)
}

/// The operating system's own randomness.
fn secret_of_the_system() -> io::Result<[u8; 32]> {
    let mut secret = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut secret)?;
    Ok(secret)
}

fn parse<T: FromStr>(what: &str, text: &str) -> io::Result<T> {
    text.parse().map_err(|_| invalid(format!("\"{text}\" is not {what}")))
}

fn invalid(sentence: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, sentence)
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("links", &self.links.len())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
