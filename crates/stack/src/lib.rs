//! One host: everything between the links and a program's sockets, without sockets, clocks or threads.
//!
//! A [`Host`] is a state machine. Frames go in through [`Host::handle_frame`], time passes through
//! [`Host::handle_timeout`], and the application calls `tcp_*` and `udp_*`. [`Host::poll_transmit`],
//! [`Host::poll_event`] and [`Host::poll_timeout`] return what must be done next. The same inputs give the
//! same bytes: time is an argument, and the only secret is an argument of [`Host::new`].
//!
//! - setting up: [`Host::new`], [`Host::add_interface`], [`Host::add_address`], [`Host::add_route`]
//! - what happens: [`Host::handle_frame`], [`Host::handle_timeout`]
//! - what the application asks: [`Host::tcp_listen`], [`Host::tcp_accept`], [`Host::tcp_connect`], [`Host::tcp_write`],
//!   [`Host::tcp_read`], [`Host::tcp_finish`], [`Host::tcp_abort`], [`Host::tcp_close`]; [`Host::udp_bind`],
//!   [`Host::udp_send_to`], [`Host::udp_recv_from`], [`Host::udp_recv_with_info`]
//! - what a gateway asks: [`Host::open_gate`], [`Host::next_flow`], [`Host::accept_flow`], [`Host::refuse_flow`];
//!   [`Host::open_datagram_gate`], [`Host::next_datagram`], [`Host::send_datagram_from`]
//! - what the driver takes: [`Host::poll_transmit`] until `None`, [`Host::poll_event`] until `None`; then it
//!   sleeps until [`Host::poll_timeout`]
//! - inspection: [`Host::tcp`], [`Host::counters`], [`Host::usage`], [`Host::poll_trace`]
//!
//! Two hosts on one wire, in virtual time:
//!
//! ```
//! use synfin_stack::{Config, Host, Interface};
//! use tcp::Instant;
//! use wire::{LinkCapabilities, Medium, TransmitChecksum};
//!
//! let host = |secret, address: &str| {
//!     let mut host = Host::new(Config::default(), [secret; 32]);
//!     let capabilities = LinkCapabilities {
//!         medium: Medium::Ip,
//!         mtu_bytes: 1_500,
//!         super_segment_bytes_max: 0,
//!         transmit_checksum: TransmitChecksum::Full,
//!     };
//!     let addresses = vec![address.parse().expect("an address with its prefix")];
//!     let wire = host.add_interface(Interface { name: "wire".into(), capabilities, hardware: None, addresses });
//!     (host, wire)
//! };
//! let (mut client, to_server) = host(1, "10.0.0.1/24");
//! let (mut server, to_client) = host(2, "10.0.0.2/24");
//! let address = "10.0.0.2:80".parse().expect("an address");
//! let listener = server.tcp_listen(address, 16)?;
//!
//! let now = Instant::ZERO;
//! let id = client.tcp_connect(now, None, address)?;
//! loop {
//!     let sent = client.poll_transmit(now).map(|(_, frame)| server.handle_frame(now, to_client, frame));
//!     let answered = server.poll_transmit(now).map(|(_, frame)| client.handle_frame(now, to_server, frame));
//!     if sent.is_none() && answered.is_none() {
//!         break;
//!     }
//! }
//! let accepted = server.tcp_accept(listener).expect("the third step has arrived");
//! assert_eq!(client.local_addr(id), Some(accepted.remote));
//! # Ok::<(), synfin_stack::Error>(())
//! ```
//!
//! What is *not* here: a clock, a thread, a socket of the operating system, randomness. Everything that grows
//! has a bound, named in [`Config`] with its reason; what is refused is counted in [`Counters`].

#![warn(missing_docs)]

mod application;
mod budget;
mod build;
mod census;
mod cidr;
mod config;
mod connect;
mod connections;
mod cookie;
mod counters;
mod datagram;
mod datagram_gate;
mod demux;
mod departure;
mod error;
mod event;
mod fast_open;
mod flow;
mod frame_queue;
mod gate;
mod host;
mod icmp;
mod icmp_errors;
mod id;
mod identification;
mod interface;
mod isn;
mod limits;
mod listener;
mod metrics;
mod neighbour;
mod outbox;
mod packet;
mod path_mtu;
mod port_table;
mod ports;
mod rate_limit;
mod reassembly;
mod receive;
mod recently_sent;
mod relief;
mod reopen;
mod resolution;
mod route;
mod secret;
mod segment;
mod socket;
mod time_wait;
mod timers;
mod trace;
mod transmit;
mod udp;
mod udp_ends;
mod usage;
mod wheel;

pub use budget::{MemoryBudget, MemoryLevel};
pub use census::{Listed, ListedConnection};
pub use cidr::{Cidr, CidrError};
pub use config::{Config, HostModel, IsnPolicy, Rate};
pub use connect::ConnectOptions;
pub use counters::{Counters, Discard};
pub use datagram_gate::{Datagram, DatagramError, DatagramGateOptions};
pub use departure::Departures;
pub use error::Error;
pub use event::Event;
pub use fast_open::client::{OpenFast, QueuedText};
pub use fast_open::{CookiePolicy, FastOpenKeys, FastOpenOptions};
pub use flow::Flow;
pub use gate::{
    EchoPolicy, EchoRequest, FlowId, GateAddresses, GateOptions, PendingFlow, Refuse, SynOffer, Unreachable,
};
pub use host::{AnyAddress, Host};
pub use id::{SocketId, SocketKind};
pub use interface::{Interface, InterfaceId, Mac};
pub use listener::{Accepted, Families, ListenOptions};
pub use route::Route;
pub use tcp::Tracing;
pub use trace::{TraceEnd, TraceRecord};
pub use udp_ends::DatagramInfo;
pub use usage::Usage;

// What appears in signatures, so that programs need not name the crates below.
pub use tcp;
pub use wire;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
