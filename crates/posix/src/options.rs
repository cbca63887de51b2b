//! Socket options: names, values, and what each means to the engine.
//!
//! An option that the engine knows goes into the connection's [`tcp::Config`] at once; one that only
//! this layer needs (timeouts, lingering) is kept here; one that has no effect on what is sent
//! (`SO_PRIORITY`) is kept so that it can be asked for again.

use crate::socket::{Domain, Fd, Phase, Role, Socket};
use crate::{Errno, Flavour, System, TcpInfo, Type};
use core::time::Duration;
use std::collections::BTreeMap;
use tcp::{Connection, Instant, KeepAlive, Nagle, State};

/// The options of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OptionName {
    /// `SO_REUSEADDR`
    ReuseAddress,
    /// `SO_REUSEPORT`
    ReusePort,
    /// `SO_KEEPALIVE`
    KeepAlive,
    /// `SO_LINGER`
    Linger,
    /// `SO_OOBINLINE`
    OutOfBandInline,
    /// `SO_SNDBUF`
    SendBuffer,
    /// `SO_RCVBUF`
    ReceiveBuffer,
    /// `SO_SNDBUFFORCE`
    SendBufferForce,
    /// `SO_RCVBUFFORCE`
    ReceiveBufferForce,
    /// `SO_SNDTIMEO`
    SendTimeout,
    /// `SO_RCVTIMEO`
    ReceiveTimeout,
    /// `SO_RCVLOWAT`
    ReceiveLowWater,
    /// `SO_SNDLOWAT`
    SendLowWater,
    /// `SO_ERROR`: read once and cleared.
    Error,
    /// `SO_TYPE`
    Type,
    /// `SO_DOMAIN`
    Domain,
    /// `SO_PROTOCOL`
    Protocol,
    /// `SO_ACCEPTCONN`
    AcceptsConnections,
    /// `SO_BROADCAST`
    Broadcast,
    /// `SO_DONTROUTE`
    DontRoute,
    /// `SO_MARK`
    Mark,
    /// `SO_PRIORITY`
    Priority,
    /// `SO_ZEROCOPY`
    ZeroCopy,
    /// `TCP_NODELAY`
    NoDelay,
    /// `TCP_CORK`, `TCP_NOPUSH`
    Cork,
    /// `TCP_MAXSEG`
    MaxSegment,
    /// `TCP_INFO`
    Info,
    /// `TCP_KEEPIDLE`, in seconds
    KeepIdle,
    /// `TCP_KEEPINTVL`, in seconds
    KeepInterval,
    /// `TCP_KEEPCNT`
    KeepCount,
    /// `TCP_KEEPINIT` (FreeBSD), in seconds: how long a connection attempt may take
    KeepInit,
    /// `TCP_SYNCNT`
    SynCount,
    /// `TCP_LINGER2`, in seconds: how long FIN-WAIT-2 may last
    Linger2,
    /// `TCP_DEFER_ACCEPT`
    DeferAccept,
    /// `TCP_USER_TIMEOUT`, in milliseconds
    UserTimeout,
    /// `TCP_QUICKACK`
    QuickAck,
    /// `TCP_CONGESTION`
    Congestion,
    /// `TCP_WINDOW_CLAMP`
    WindowClamp,
    /// `TCP_NOTSENT_LOWAT`
    NotSentLowWater,
    /// `TCP_INQ`
    InQueue,
    /// `TCP_NOOPT`: no options at all
    NoOptions,
    /// `IP_TOS`
    TypeOfService,
    /// `IPV6_TCLASS`
    TrafficClass,
    /// `IP_TTL`
    TimeToLive,
    /// `IPV6_UNICAST_HOPS`
    UnicastHops,
    /// `IP_MTU_DISCOVER`, `IPV6_MTU_DISCOVER`
    MtuDiscover,
    /// `IP_MTU`, `IPV6_MTU`
    Mtu,
    /// `IPV6_V6ONLY`
    OnlyV6,
}

/// What closing does with data that the peer has not acknowledged (`SO_LINGER`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Linger {
    /// It is sent in the background.
    #[default]
    Background,
    /// The connection is reset.
    Abort,
    /// `close` waits so many seconds at most.
    Wait(u16),
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// A number or a switch.
    Int(i32),
    /// `struct linger`
    Linger(Linger),
    /// `struct timeval`
    Time(Duration),
    /// A name (`TCP_CONGESTION`).
    Text(String),
    /// `struct tcp_info`
    Info(Box<TcpInfo>),
    /// A pending error (`SO_ERROR`); `None` is 0.
    Error(Option<Errno>),
}

/// What new sockets start with and may ask for: what `sysctl` sets on a real system.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The options of new connections.
    pub config: tcp::Config,
    /// What `SO_RCVBUF` says before it is set, in bytes (`tcp_rmem`, `recvspace`).
    pub receive_buffer_bytes: u32,
    /// What `SO_SNDBUF` says before it is set, in bytes (`tcp_wmem`, `sendspace`).
    pub send_buffer_bytes: u32,
    /// The most that `SO_RCVBUF` may ask for, in bytes (`rmem_max`, `maxsockbuf`).
    pub receive_buffer_bytes_max: u32,
    /// The most that `SO_SNDBUF` may ask for, in bytes (`wmem_max`, `maxsockbuf`).
    pub send_buffer_bytes_max: u32,
    /// Keep-alive times for sockets that ask for keep-alives.
    pub keep_alive: KeepAlive,
}

impl Defaults {
    /// As a freshly installed system has them.
    pub fn new(flavour: Flavour) -> Self {
        let (receive, send, max) = match flavour {
            Flavour::Linux => (131_072, 16_384, 212_992),
            Flavour::FreeBsd => (65_536, 32_768, 2 << 20),
        };
        Defaults {
            config: tcp::Config::default(),
            receive_buffer_bytes: receive,
            send_buffer_bytes: send,
            receive_buffer_bytes_max: max,
            send_buffer_bytes_max: max,
            keep_alive: KeepAlive::default(),
        }
    }
}

/// The options of one socket.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    config: tcp::Config,
    keep_alive: KeepAlive,
    receive_buffer: u32,
    send_buffer: u32,
    pub(crate) reuse_address: bool,
    pub(crate) only_v6: bool,
    pub(crate) cork: bool,
    /// The last write said that more follows.
    pub(crate) held_back: bool,
    pub(crate) linger: Linger,
    pub(crate) send_timeout: Option<Duration>,
    pub(crate) receive_timeout: Option<Duration>,
    pub(crate) hop_limit: Option<u8>,
    pub(crate) receive_low_water: u32,
    not_sent_low_water: Option<u32>,
    /// Options without an effect on the wire.
    kept: BTreeMap<OptionName, i32>,
}

impl Options {
    pub(crate) fn new(defaults: &Defaults) -> Self {
        Options {
            config: defaults.config.clone(),
            keep_alive: defaults.keep_alive,
            receive_buffer: defaults.receive_buffer_bytes,
            send_buffer: defaults.send_buffer_bytes,
            reuse_address: false,
            only_v6: false,
            cork: false,
            held_back: false,
            linger: Linger::Background,
            send_timeout: None,
            receive_timeout: None,
            hop_limit: None,
            receive_low_water: 1,
            not_sent_low_water: None,
            kept: BTreeMap::new(),
        }
    }

    /// What the engine is told of all this.
    pub(crate) fn config(&self) -> &tcp::Config {
        &self.config
    }

    /// Bytes not sent yet above which the socket does not count as writable.
    pub(crate) fn not_sent_low_water(&self) -> u32 {
        self.not_sent_low_water.unwrap_or(u32::MAX)
    }
}

/// Linux doubles what is asked for, to leave room for its own bookkeeping.
const LINUX_RECEIVE_BUFFER_MIN: u32 = 2_304;
const LINUX_SEND_BUFFER_MIN: u32 = 4_608;
/// Linux's bounds of `TCP_MAXSEG` (`TCP_MIN_MSS`, `MAX_TCP_WINDOW`).
const LINUX_MAXSEG: core::ops::RangeInclusive<i32> = 88..=32_767;
/// FreeBSD's lower bound of `TCP_MAXSEG` (`net.inet.tcp.minmss`).
const FREEBSD_MAXSEG_MIN: i32 = 216;
/// The longest keep-alive times that Linux takes, in seconds and probes.
const KEEP_SECONDS_MAX: i32 = 32_767;
const KEEP_PROBES_MAX: i32 = 127;

impl System {
    /// `setsockopt`
    ///
    /// # Errors
    /// `EINVAL` or `EDOM` for a value out of range, `ENOENT` for an unknown congestion control,
    /// `ENOPROTOOPT` for what can only be read.
    pub fn set_option(
        &mut self,
        now: Instant,
        fd: Fd,
        name: OptionName,
        value: &OptionValue,
    ) -> Result<(), Errno> {
        self.settle();
        let flavour = self.flavour;
        let (receive_max, send_max) =
            (self.defaults.receive_buffer_bytes_max, self.defaults.send_buffer_bytes_max);
        let socket = self.socket_at_mut(fd)?;
        match (name, value) {
            (OptionName::Linger, OptionValue::Linger(linger)) => socket.options.linger = *linger,
            (OptionName::SendTimeout, OptionValue::Time(time)) => {
                socket.options.send_timeout = some_time(*time)
            }
            (OptionName::ReceiveTimeout, OptionValue::Time(time)) => {
                socket.options.receive_timeout = some_time(*time)
            }
            (OptionName::Congestion, OptionValue::Text(name)) => return set_congestion(socket, name),
            (OptionName::ReceiveBuffer, OptionValue::Int(bytes)) => {
                set_receive_buffer(socket, flavour, buffer_asked(flavour, *bytes, receive_max)?);
            }
            (OptionName::SendBuffer, OptionValue::Int(bytes)) => {
                set_send_buffer(socket, flavour, buffer_asked(flavour, *bytes, send_max)?);
            }
            (OptionName::ReceiveBufferForce, OptionValue::Int(bytes)) => {
                set_receive_buffer(socket, flavour, bytes.unsigned_abs());
            }
            (OptionName::SendBufferForce, OptionValue::Int(bytes)) => {
                set_send_buffer(socket, flavour, bytes.unsigned_abs());
            }
            (_, OptionValue::Int(value)) => set_number(socket, flavour, name, *value)?,
            _ => return Err(Errno::Invalid),
        }
        self.apply(now, fd, name);
        Ok(())
    }

    /// Tells a connection that exists already.
    fn apply(&mut self, now: Instant, fd: Fd, name: OptionName) {
        let Ok(socket) = self.socket_at(fd) else { return };
        let (config, hop_limit) = (socket.options.config.clone(), socket.options.hop_limit);
        match socket.role {
            Role::Stream(id, _) | Role::Listener(id) => {
                let _ = self.host.tcp_configure(now, id, |current| *current = config);
                if let (Role::Stream(id, _), Some(hops)) = (socket_role(self, fd), hop_limit)
                    && matches!(name, OptionName::TimeToLive | OptionName::UnicastHops)
                {
                    let _ = self.host.set_hop_limit(id, hops);
                }
            }
            Role::Udp(id) => {
                if let Some(hops) = hop_limit {
                    let _ = self.host.set_hop_limit(id, hops);
                }
            }
            Role::Fresh => {}
        }
        self.settle();
    }

    /// `getsockopt`
    ///
    /// # Errors
    /// `ENOPROTOOPT` for what can only be set, `ENOTCONN` for the MTU of a socket without a peer.
    pub fn option(&mut self, now: Instant, fd: Fd, name: OptionName) -> Result<OptionValue, Errno> {
        self.settle();
        let flavour = self.flavour;
        let socket = self.socket_at_mut(fd)?;
        if name == OptionName::Error {
            return Ok(OptionValue::Error(socket.error.take()));
        }
        let socket = self.socket_at(fd)?;
        let connection = socket.stream().and_then(|id| self.host.tcp(id));
        let options = &socket.options;
        Ok(match name {
            OptionName::Linger => OptionValue::Linger(options.linger),
            OptionName::SendTimeout => OptionValue::Time(options.send_timeout.unwrap_or_default()),
            OptionName::ReceiveTimeout => OptionValue::Time(options.receive_timeout.unwrap_or_default()),
            OptionName::Congestion => OptionValue::Text(congestion_name(flavour).to_owned()),
            OptionName::Info => OptionValue::Info(Box::new(info(now, socket, connection))),
            OptionName::MaxSegment => OptionValue::Int(max_segment(flavour, options, connection)),
            OptionName::ReceiveBuffer => {
                OptionValue::Int(shown_buffer(flavour, options.receive_buffer, connection, now))
            }
            OptionName::SendBuffer => {
                OptionValue::Int(shown_buffer(flavour, options.send_buffer, connection, now))
            }
            OptionName::Mtu => {
                let connection = connection.ok_or(Errno::NotConnected)?;
                OptionValue::Int(saturated(connection.info(now).path_mtu_bytes))
            }
            OptionName::TimeToLive | OptionName::UnicastHops => {
                let default = self.host.config().hop_limit;
                OptionValue::Int(options.hop_limit.unwrap_or(default).into())
            }
            _ => OptionValue::Int(number(socket, name)?),
        })
    }
}

fn socket_role(system: &System, fd: Fd) -> Role {
    system.socket_at(fd).map_or(Role::Fresh, |socket| socket.role)
}

fn some_time(time: Duration) -> Option<Duration> {
    (!time.is_zero()).then_some(time)
}

fn saturated(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn buffer_asked(flavour: Flavour, bytes: i32, max: u32) -> Result<u32, Errno> {
    match flavour {
        // Linux takes a negative number as a very large one.
        Flavour::Linux => Ok(bytes.cast_unsigned().min(max)),
        Flavour::FreeBsd if bytes < 1 => Err(Errno::Invalid),
        Flavour::FreeBsd if bytes.cast_unsigned() > max => Err(Errno::NoBuffers),
        Flavour::FreeBsd => Ok(bytes.cast_unsigned()),
    }
}

fn set_receive_buffer(socket: &mut Socket, flavour: Flavour, bytes: u32) {
    let options = &mut socket.options;
    match flavour {
        Flavour::Linux => {
            options.receive_buffer = bytes.saturating_mul(2).max(LINUX_RECEIVE_BUFFER_MIN);
            // Half of it is for data, the rest for Linux's bookkeeping.
            options.config.receive_buffer_bytes = options.receive_buffer / 2;
        }
        Flavour::FreeBsd => {
            options.receive_buffer = bytes;
            options.config.receive_buffer_bytes = bytes;
        }
    }
}

fn set_send_buffer(socket: &mut Socket, flavour: Flavour, bytes: u32) {
    let options = &mut socket.options;
    options.send_buffer = match flavour {
        Flavour::Linux => bytes.saturating_mul(2).max(LINUX_SEND_BUFFER_MIN),
        Flavour::FreeBsd => bytes,
    };
    options.config.send_buffer_bytes = options.send_buffer;
}

/// FreeBSD shows buffers rounded up to whole segments once the segment size is known.
fn shown_buffer(flavour: Flavour, bytes: u32, connection: Option<&Connection>, now: Instant) -> i32 {
    let established = connection.filter(|connection| connection.state().is_synchronized());
    match (flavour, established) {
        (Flavour::FreeBsd, Some(connection)) => {
            let info = connection.info(now);
            let mss = info.send_mss_bytes + if info.timestamps { TIMESTAMPS_BYTES } else { 0 };
            saturated(bytes.div_ceil(mss.max(1)).saturating_mul(mss))
        }
        _ => saturated(bytes),
    }
}

/// What timestamps take from every segment.
const TIMESTAMPS_BYTES: u32 = 12;

fn set_congestion(socket: &Socket, name: &str) -> Result<(), Errno> {
    let known = matches!(name.trim_end_matches('\0'), "reno" | "newreno");
    if known && socket.kind == Type::Stream { Ok(()) } else { Err(Errno::NoEntry) }
}

fn congestion_name(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Linux => "reno",
        Flavour::FreeBsd => "newreno",
    }
}

fn max_segment(flavour: Flavour, options: &Options, connection: Option<&Connection>) -> i32 {
    if let Some(connection) = connection.filter(|connection| connection.state().is_synchronized()) {
        let info = connection.info(Instant::ZERO);
        let options = if flavour == Flavour::FreeBsd && info.timestamps { TIMESTAMPS_BYTES } else { 0 };
        return saturated(info.send_mss_bytes + options);
    }
    match options.config.mss_bytes_max {
        // Nothing asked for, nothing known: the default of RFC 9293 §3.7.1.
        u16::MAX => 536,
        asked => asked.into(),
    }
}

fn info(now: Instant, socket: &Socket, connection: Option<&Connection>) -> TcpInfo {
    match (connection, socket.role) {
        (Some(connection), _) => TcpInfo::of(&connection.info(now), connection.config()),
        (None, Role::Listener(_)) => TcpInfo::without_connection(State::Listen),
        (None, _) => TcpInfo::without_connection(State::Closed),
    }
}

fn within(value: i32, range: core::ops::RangeInclusive<i32>) -> Result<i32, Errno> {
    if range.contains(&value) { Ok(value) } else { Err(Errno::Invalid) }
}

fn seconds(value: i32) -> Duration {
    Duration::from_secs(u64::from(value.unsigned_abs()))
}

fn set_number(socket: &mut Socket, flavour: Flavour, name: OptionName, value: i32) -> Result<(), Errno> {
    let options = &mut socket.options;
    let config = &mut options.config;
    let on = value != 0;
    match name {
        OptionName::ReuseAddress => options.reuse_address = on,
        OptionName::OnlyV6 if socket.bound.is_some() => return Err(Errno::Invalid),
        OptionName::OnlyV6 => options.only_v6 = on,
        OptionName::NoDelay => config.nagle = if on { Nagle::Off } else { Nagle::default() },
        OptionName::Cork => {
            options.cork = on;
            config.cork = on;
        }
        OptionName::MaxSegment => {
            let range = if flavour == Flavour::Linux { LINUX_MAXSEG } else { FREEBSD_MAXSEG_MIN..=65_535 };
            let clears = flavour == Flavour::Linux && value == 0;
            config.mss_bytes_max = if clears { u16::MAX } else { within(value, range)? as u16 };
        }
        OptionName::KeepAlive => config.keep_alive = on.then_some(options.keep_alive),
        OptionName::KeepIdle => options.keep_alive.idle = seconds(within(value, 1..=KEEP_SECONDS_MAX)?),
        OptionName::KeepInterval => {
            options.keep_alive.interval = seconds(within(value, 1..=KEEP_SECONDS_MAX)?)
        }
        OptionName::KeepCount => options.keep_alive.probes = within(value, 1..=KEEP_PROBES_MAX)? as u8,
        OptionName::SynCount => config.syn_retries = within(value, 1..=KEEP_PROBES_MAX)? as u8,
        OptionName::Linger2 => config.orphan_timeout = seconds(value.max(0)),
        OptionName::UserTimeout => {
            let ms = within(value, 0..=i32::MAX)?.unsigned_abs();
            config.user_timeout = (ms > 0).then(|| Duration::from_millis(ms.into()));
        }
        OptionName::NoOptions if on => {
            (config.timestamps, config.sack, config.window_scaling) = (false, false, false);
        }
        OptionName::QuickAck => config.quick_ack_segments = if on { u8::MAX } else { 0 },
        OptionName::TimeToLive | OptionName::UnicastHops => {
            options.hop_limit = match value {
                -1 => None,
                _ => Some(within(value, 1..=255)? as u8),
            };
        }
        OptionName::ReceiveLowWater => options.receive_low_water = value.max(1).unsigned_abs(),
        OptionName::NotSentLowWater => options.not_sent_low_water = Some(value.cast_unsigned()),
        OptionName::Error
        | OptionName::Type
        | OptionName::Domain
        | OptionName::Protocol
        | OptionName::AcceptsConnections
        | OptionName::Info
        | OptionName::Mtu => return Err(Errno::NoProtocolOption),
        _ => {}
    }
    if options.config.keep_alive.is_some() {
        options.config.keep_alive = Some(options.keep_alive);
    }
    options.kept.insert(name, value);
    Ok(())
}

fn number(socket: &Socket, name: OptionName) -> Result<i32, Errno> {
    let options = &socket.options;
    let secs = |time: Duration| i32::try_from(time.as_secs()).unwrap_or(i32::MAX);
    Ok(match name {
        OptionName::ReuseAddress => options.reuse_address.into(),
        OptionName::OnlyV6 => options.only_v6.into(),
        OptionName::KeepAlive => options.config.keep_alive.is_some().into(),
        OptionName::NoDelay => (options.config.nagle == Nagle::Off).into(),
        OptionName::Cork => options.cork.into(),
        OptionName::KeepIdle => secs(options.keep_alive.idle),
        OptionName::KeepInterval => secs(options.keep_alive.interval),
        OptionName::KeepCount => options.keep_alive.probes.into(),
        OptionName::SynCount => options.config.syn_retries.into(),
        OptionName::Linger2 => secs(options.config.orphan_timeout),
        OptionName::UserTimeout => {
            options.config.user_timeout.map_or(0, |time| i32::try_from(time.as_millis()).unwrap_or(i32::MAX))
        }
        OptionName::ReceiveLowWater => saturated(options.receive_low_water),
        OptionName::Type => match socket.kind {
            Type::Stream => 1,
            Type::Datagram => 2,
        },
        OptionName::Protocol => match socket.kind {
            Type::Stream => 6,
            Type::Datagram => 17,
        },
        OptionName::Domain => match socket.domain {
            Domain::Inet => 2,
            Domain::Inet6 => 10,
        },
        OptionName::AcceptsConnections => matches!(socket.role, Role::Listener(_)).into(),
        OptionName::ReceiveBufferForce | OptionName::SendBufferForce => return Err(Errno::NoProtocolOption),
        OptionName::QuickAck => {
            let connected = matches!(socket.phase(), Some(Phase::Established | Phase::Connected));
            options.kept.get(&name).copied().unwrap_or(connected.into())
        }
        _ => options.kept.get(&name).copied().unwrap_or(0),
    })
}
