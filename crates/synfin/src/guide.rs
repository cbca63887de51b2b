//! Programs to begin with, each complete: copy one into `src/main.rs` of a crate that depends on `synfin`.
//!
//! | what you want | where | needs |
//! | --- | --- | --- |
//! | take connections from programs of this machine | [`server`] | root or `CAP_NET_ADMIN`, for TUN |
//! | connect to servers of this machine, or beyond it | [`client`] | the same |
//! | carry packets your own way: a VPN, a microVM, a radio | [`own_link`] | nothing |
//! | run hosts without threads, sockets and clock | [`by_hand`] | nothing |
//! | see what a bad network does to a program, from a seed | [`simulation`] | nothing |
//! | see what connections do, and why, in the log of a program | `tracing` | the feature of that name |
//!
//! They lie in the folder `examples` of the crate: `cargo run --example own_link`.

/// A server over TUN: the kernel's programs connect to a stack inside yours.
///
/// A TUN interface is a wire between the kernel and the program that has opened it. The kernel's end gets an
/// address by [`with_host_address`](device::TunConfig::with_host_address), and with it a route to the network on the
/// wire; the stack gets another address of the same network. Everything after [`bind`](crate::net::TcpListener::bind)
/// is as with [`std::net`].
///
/// Run it as root, or give the program `CAP_NET_ADMIN`; the error of [`Tun::open`](device::Tun::open) says how. To keep
/// it away from the rest of the machine, run it in a network namespace (`sudo unshare --net`).
///
/// ```no_run
#[doc = include_str!("../examples/echo.rs")]
/// ```
///
/// - Ctrl-C ends the process like any other: what was not delivered is lost. Catch it and call
///   [`Stack::shutdown`](crate::Stack::shutdown), which closes every connection and waits for the peers.
/// - For IPv6 give both ends an address more (`fd90::1/64`, `fd90::2/64`) and listen at `[::]:7777`, which stands for
///   every address of both families.
/// - To answer for addresses that are not the stack's own, as a proxy does:
/// [`any_address`](crate::Builder::any_address).
/// - Who connected, how long it took and who closed first is told to
///   [`on_connection`](crate::Builder::on_connection), every frame to [`tap`](crate::Builder::tap).
pub mod server {}

/// A client over TUN: it connects from a stack inside your program to servers of the kernel, or behind it.
///
/// Start a server on the kernel's side first, for instance `python3 -m http.server 8000`.
///
/// ```no_run
#[doc = include_str!("../examples/fetch.rs")]
/// ```
///
/// - Errors have the [`ErrorKind`](std::io::ErrorKind)s of the kernel's sockets (`ConnectionRefused`, `TimedOut`,
///   `HostUnreachable` ...) and name the peer. What the engine or an ICMP message said is inside:
///   [`Fault`](crate::Fault).
/// - A name is looked up by the operating system, over its own network.
/// - Beyond this machine the kernel must forward (`sysctl net.ipv4.ip_forward=1`) and translate the address of the
///   stack (`iptables -t nat -A POSTROUTING -s 10.90.0.0/24 -j MASQUERADE`).
/// - When the last handle is dropped at the end of `main`, the drop waits until the peers have everything that was
///   written; see [`Stack`](crate::Stack).
pub mod client {}

/// A link of your own: anything that carries IP packets or Ethernet frames.
///
/// A [`Link`](device::Link) takes frames and gives frames, and never blocks. This one is a tunnel that puts each packet
/// into a UDP datagram of the kernel's, so it needs no privilege:
///
/// ```
#[doc = include_str!("../examples/own_link.rs")]
/// ```
///
/// - [`poll_fd`](device::Link::poll_fd) is what the stack's thread sleeps on; a link without a descriptor returns
/// `None`   and calls the waker that it is given ([`set_waker`](device::Link::set_waker)), or is asked every
/// millisecond.
/// - A link that can cut large segments itself says so in [`LinkCapabilities`](wire::LinkCapabilities); it then gets
///   frames with up to that much text, to be cut by [`wire::segmentation`].
/// - Wrap any link into [`Impaired`](device::Impaired) to lose, delay and damage frames from a seed, or into
///   [`Tap`](device::Tap) to see them all.
pub mod own_link {}

/// Hosts driven by hand: no thread, no clock, no socket of the operating system.
///
/// A [`Host`](stack::Host) is a state machine. What happens goes in (`handle_*`), what the application wants is asked
/// (`tcp_*`, `udp_*`), what comes of it is taken away (`poll_*`): all frames, all events, then the time of the next
/// timer. Use it for an event loop of your own, or for tests that must be the same every time. Two hosts, 20 ms apart,
/// in a time that is only a number:
///
/// ```
#[doc = include_str!("../examples/by_hand.rs")]
/// ```
///
/// A single [`Connection`](tcp::Connection) is a value of the same kind, without addresses and ports around it. Each
/// segment says why it is sent:
///
/// ```
#[doc = include_str!("../examples/one_connection.rs")]
/// ```
pub mod by_hand {}

/// A simulation: hosts, links with every fault of a network, programs, one seed, and virtual time.
///
/// It is a crate of its own, `synfin-sim`, over the same engine: add it with
/// `cargo add synfin-sim --git https://github.com/synfin/synfin`. A program to begin with is in
/// [its guide](https://docs.rs/synfin-sim/latest/synfin_sim/guide/index.html). Without a program, `synfin sim` of the
/// command sends bulk flows through such a world.
pub mod simulation {}

/// What connections do, and why, for a subscriber of the crate [`tracing`](::tracing): with the feature `tracing`.
///
/// ```standalone_crate
#[doc = include_str!("../examples/tracing.rs")]
/// ```
///
/// Each connection has a span `connection` with the fields `local`, `peer` and `role` (`client` or `server`; empty when
/// it began before anybody listened). It begins with the first segment and ends when both directions are closed. What
/// happens to segments that belong to no connection, or come after its end, stands in a span `flow` with `local` and
/// `peer`. The target of everything is `synfin`. The levels are:
///
/// | level | what is told |
/// | --- | --- |
/// | INFO | a connection is open, does not get through, is closed: who closed first, why it failed, bytes, round trip, retransmissions |
/// | DEBUG | each change of state with its cause and section of the RFC; segments refused, and why; what counts as lost, and by which sign; phases of recovery, reductions taken back, path MTUs, memory |
/// | TRACE | each segment sent, and why, and taken; timers armed and fired; round-trip samples; windows |
/// | WARN | the subscriber is too slow, and events were left out |
///
/// Reasons and causes are those of [`SendReason`](tcp::SendReason), [`Refusal`](tcp::Refusal),
/// [`LossSign`](tcp::LossSign) and [`Cause`](tcp::Cause); `at_us` is the time of the stack in microseconds, because an
/// event is told a little after it happened.
///
/// - It is told by what drives the stack, a thread of its own or a task of the runtime, so set the subscriber for the
///   whole program, before the stack starts. One that is set later, or that changes its levels, is noticed in the
///   driver's next turn. A subscriber of one thread hears stacks that a task on this thread drives.
/// - It is called outside the stack's lock, like the observer of [`on_connection`](crate::Builder::on_connection): it
/// may   use the stack and its sockets, but must not wait on them. One that writes each event into a connection of the
/// same   stack at TRACE makes new events without end.
/// - Without a subscriber for the target nothing is kept and made. For one at INFO the stack keeps what it keeps for an
///   observer, and does nothing for a segment; from DEBUG on it makes the records that
///   [`Stack::take_traces`](crate::Stack::take_traces) would return. The program's own observer and traces are the same
///   with and without a subscriber.
#[cfg(feature = "tracing")]
pub mod tracing {}
