//! One host: everything between the wires and a program's sockets, without sockets, clocks or threads.
//!
//! A [`Host`] is a state machine. Frames go in by [`Host::handle_frame`], time passes by
//! [`Host::handle_timeout`], the application calls `tcp_*` and `udp_*`; what comes out is taken away by
//! [`Host::poll_transmit`], [`Host::poll_event`] and [`Host::poll_timeout`]. The same inputs give the same
//! bytes: time is an argument, and the only secret enters at [`Host::new`].
//!
//! ```text
//! Host::new(Config, secret: [u8; 32]) -> Host
//! add_interface(Interface { name, capabilities, hardware: Option<Mac>, addresses: Vec<Cidr> }) -> InterfaceId
//! interface(InterfaceId) -> Option<&Interface>       add_address(InterfaceId, Cidr)
//! add_route(Cidr, via: Option<IpAddr>, InterfaceId)
//!
//! handle_frame(now, InterfaceId, Frame)              handle_timeout(now)
//! poll_transmit(now) -> Option<(InterfaceId, Frame)> until None, then
//! poll_event() -> Option<(SocketId, Event)>          until None, then
//! poll_timeout() -> Option<Instant>                  sleep until then
//!
//! tcp_listen(local, backlog) -> Result<SocketId, Error>
//! tcp_listen_with(ListenOptions { local, backlog, only_v6, config, iss }) -> Result<SocketId, Error>
//! tcp_accept(listener) -> Option<Accepted { id, remote, local }>
//! tcp_connect(now, local: Option<SocketAddr>, remote) -> Result<SocketId, Error>
//! tcp_connect_with(now, ConnectOptions { local, remote, config, iss }) -> Result<SocketId, Error>
//! tcp_write(now, id, &[u8]) / tcp_write_bytes(now, id, Bytes) / tcp_write_urgent -> Result<usize, tcp::WriteError>
//! tcp_read(now, id, &mut [u8]) / tcp_peek(id, &mut [u8]) -> Result<usize, tcp::ReadError>     (a stale id: NotConnected)
//! tcp_finish(now, id) / tcp_abort(now, id) / tcp_close(now, id) -> Result<(), Error>          (tcp_close also closes a listener)
//! tcp(id) -> Option<&tcp::Connection>                tcp_configure(id, |&mut tcp::Config| ..) -> Result<(), Error>
//! set_hop_limit(id, u8) / hop_limit(id)              local_addr(id) / remote_addr(id) -> Option<SocketAddr>
//!
//! udp_bind(local) -> Result<SocketId, Error>         udp_connect(id, remote: Option<SocketAddr>) -> Result<(), Error>
//! udp_send_to(now, id, Bytes, remote) / udp_send(now, id, Bytes) -> Result<usize, Error>
//! udp_recv_from(id, &mut [u8]) / udp_peek_from(id, &mut [u8]) -> Result<(usize, SocketAddr), Error>   udp_close(id)
//! udp_take_error(id) -> Option<Error>
//!
//! counters() -> &Counters                            usage() -> Usage (how many of everything there are)
//! set_tracing(Tracing::{Off, Connections})           poll_trace() -> Option<TraceRecord { at, flow, id, trace }>
//! ```
//!
//! Addresses of a listener: `0.0.0.0:80` takes IPv4 connections to any of our addresses, `[::]:80` takes both IPv6
//! and IPv4 (dual stack, as on Linux by default) unless `only_v6` is set or an IPv4 listener has the port.
