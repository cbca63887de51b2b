//! tokio programs in virtual time, over TCP as it is: with handshakes, windows, retransmissions and resets.
//!
//! Each host of a [`Sim`] runs its program on a tokio runtime of its own, whose clock is the world's: `sleep`,
//! `timeout` and `interval` of tokio take no real time. The sockets of [`net`] are made as those of `tokio::net` are,
//! so that a program is brought here by one changed `use`.
//!
//! | of tokio | here |
//! | --- | --- |
//! | `tokio::net::{TcpListener, TcpStream, TcpSocket, UdpSocket}` | [`net`] |
//! | `tokio::time`, `tokio::spawn`, `tokio::sync`, `tokio::select!` | as they are |
//! | names that the system resolves | names of hosts: `TcpStream::connect("db:5432")` |
//!
//! What tokio does outside of its runtime's thread (`spawn_blocking`, `tokio::fs`) takes real time, during which
//! virtual time stands still.
//!
//! One seed gives one run, to the byte, as far as the programs allow it: [`replay`] names the first event in which two
//! runs differ. Programs part two runs by what they bring in themselves: the time of day,
//! threads, the order of a `HashMap`, a random seed. `tokio::select!` without `biased` is such a seed: with
//! `--cfg tokio_unstable` it comes from the world's.
//!
//! # Coming from turmoil
//!
//! Programs and tests that were written for turmoil 0.7 run here after one change, `use turmoil as sim;` to
//! `use synfin_sim::tokio as sim;`, as far as they use what both have. What they meet then is TCP: what is lost is sent
//! again, a peer without power is silent, buffers fill.
//!
//! | of turmoil | here |
//! | --- | --- |
//! | latency from 0 to 100 ms, distributed exponentially | 10 ms unless it is set; between least and most evenly distributed, in order, to the nanosecond; there is no `set_message_latency_curve` |
//! | a tick of 1 ms, in which everything arrives at its end | frames arrive when they do; a tick is only what [`Sim::step`] lets pass |
//! | a seed of chance, the time of day as [`epoch`](Builder::epoch) | seed 0, the year 2000: each run is the same |
//! | [`fail_rate`](Builder::fail_rate), [`repair_rate`](Builder::repair_rate) break a link both ways, with what is under way | they break one way, and what is under way arrives; [`loss_percent`](Builder::loss_percent) loses frames one by one |
//! | a partition, or a lost message, ends a stream or stops it for ever | TCP sends again after a repair; give requests a timeout, or the stack a [user timeout](tcp::Config) |
//! | [`crash`](Sim::crash) drops the sockets: peers hear FIN or RST | nobody hears of it; a peer that sends on hears RST after [`bounce`](Sim::bounce) |
//! | [`hold`](Sim::hold) keeps messages back where they start | where they arrive, so that they are there at the release; they may have been sent twice |
//! | a client cannot crash | it can, and is over then |
//! | a panic of a main task is an error of [`run`](Sim::run) | it goes on as a panic there |
//! | names that are unknown get an address | they are an error, or a panic where hosts are named |
//! | hosts have addresses in 192.168.0.0/16 or fe80::/64 | in 10.0.0.0/16 and fd00::/64, both unless [`ip_version`](Builder::ip_version) says which |
//! | `Regex` for several hosts | a function: `\|name: &str\| regex.is_match(name)` ([`ToIpAddrs`]) |
//! | `tcp_capacity`, `udp_capacity` in messages | in bytes, as sockets have it: [`Builder::stack`] |
//! | `links`, `LinksIter`, `SentRef` | [`World::set_fate`](crate::World::set_fate) decides about each frame, [`World::observe_frames`](crate::World::observe_frames) tells of it |
//! | `established_tcp_stream_count` | [`stack::Usage`] of [`Sim::world`]'s host |
//! | `enable_random_order` | another seed with [`Lane::jitter`](crate::Lane::jitter) |
//! | `enable_tokio_io` | not there: what is outside of the world has another time |
//! | broadcast and multicast of `UdpSocket` | not there: the stack has neither |
//! | `fs`, `barriers` (unstable) | not there |

mod builder;
mod here;
mod hosts;
mod lanes;
mod program;
mod pulse;
mod sim;

pub use builder::{Builder, IpVersion};
pub use here::{
    elapsed, hold, in_simulation, lookup, lookup_many, partition, partition_oneway, release, repair,
    repair_oneway, reverse_lookup, say, sim_elapsed, since_epoch,
};
pub use hosts::ToIpAddrs;
#[cfg(feature = "tokio")]
pub use net::ToSocketAddrs;
pub use sim::{Sim, replay};

/// What a program returns.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Sockets with the names, methods and behaviour of [`tokio::net`], on the host whose program makes them.
#[cfg(feature = "tokio")]
pub use socket::tokio::net;
