//! What each option's value means: bounds, units, and how the two systems differ.

use super::{OptionName, Options};
use crate::descriptor::{Domain, Role, Socket};
use crate::{Errno, TcpInfo, Type};
use core::time::Duration;
use tcp::{CongestionControl, Connection, Habits, Instant, Nagle, State};

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

pub(super) fn some_time(time: Duration) -> Option<Duration> {
    (!time.is_zero()).then_some(time)
}

pub(super) fn saturated(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

pub(super) fn buffer_asked(habits: Habits, bytes: i32, max: u32) -> Result<u32, Errno> {
    match habits {
        // Linux takes a negative number as a very large one.
        Habits::Linux | Habits::Rfc => Ok(bytes.cast_unsigned().min(max)),
        Habits::FreeBsd if bytes < 1 => Err(Errno::Invalid),
        Habits::FreeBsd if bytes.cast_unsigned() > max => Err(Errno::NoBuffers),
        Habits::FreeBsd => Ok(bytes.cast_unsigned()),
    }
}

pub(super) fn set_receive_buffer(socket: &mut Socket, habits: Habits, bytes: u32) {
    let options = &mut socket.options;
    match habits {
        Habits::Linux | Habits::Rfc => {
            options.receive_buffer = bytes.saturating_mul(2).max(LINUX_RECEIVE_BUFFER_MIN);
            // Half of it is for data, the rest for Linux's bookkeeping.
            options.config.receive_buffer_bytes = options.receive_buffer / 2;
            // Who says how large it is wants no larger one: the window scale follows it.
            options.config.receive_buffer_bytes_max = 0;
        }
        Habits::FreeBsd => {
            options.receive_buffer = bytes;
            options.config.receive_buffer_bytes = bytes;
        }
    }
}

pub(super) fn set_send_buffer(socket: &mut Socket, habits: Habits, bytes: u32) {
    let options = &mut socket.options;
    options.send_buffer = match habits {
        Habits::Linux | Habits::Rfc => bytes.saturating_mul(2).max(LINUX_SEND_BUFFER_MIN),
        Habits::FreeBsd => bytes,
    };
    options.config.send_buffer_bytes = options.send_buffer;
}

/// FreeBSD shows buffers rounded up to whole segments once the segment size is known.
pub(super) fn shown_buffer(habits: Habits, bytes: u32, connection: Option<&Connection>, now: Instant) -> i32 {
    // The peer's segment size is known from its SYN on.
    let knows = |state: State| state.is_synchronized() || state == State::SynReceived;
    let established = connection.filter(|connection| knows(connection.state()));
    match (habits, established) {
        (Habits::FreeBsd, Some(connection)) => {
            let info = connection.info(now);
            let mss = info.send_mss_bytes + if info.timestamps { TIMESTAMPS_BYTES } else { 0 };
            saturated(bytes.div_ceil(mss.max(1)).saturating_mul(mss))
        }
        _ => saturated(bytes),
    }
}

/// What timestamps take from every segment.
const TIMESTAMPS_BYTES: u32 = 12;

pub(super) fn set_congestion(socket: &mut Socket, name: &str) -> Result<(), Errno> {
    let named = CongestionControl::named(name.trim_end_matches('\0')).filter(|_| socket.kind == Type::Stream);
    socket.options.config.congestion = named.ok_or(Errno::NoEntry)?;
    Ok(())
}

pub(super) fn max_segment(habits: Habits, options: &Options, connection: Option<&Connection>) -> i32 {
    if let Some(connection) = connection.filter(|connection| connection.state().is_synchronized()) {
        let info = connection.info(Instant::ZERO);
        let options = if habits == Habits::FreeBsd && info.timestamps { TIMESTAMPS_BYTES } else { 0 };
        return saturated(info.send_mss_bytes + options);
    }
    match options.config.mss_bytes_max {
        // Nothing asked for, nothing known: the default of RFC 9293 §3.7.1.
        u16::MAX => 536,
        asked => asked.into(),
    }
}

pub(super) fn info(
    now: Instant,
    habits: Habits,
    socket: &Socket,
    connection: Option<&Connection>,
) -> TcpInfo {
    match (connection, socket.role) {
        (Some(connection), _) => TcpInfo::of(&connection.info(now), connection.config(), habits),
        (None, Role::Listener(_)) => TcpInfo::without_connection(State::Listen, habits),
        (None, _) => TcpInfo::without_connection(State::Closed, habits),
    }
}

pub(super) fn within(value: i32, range: core::ops::RangeInclusive<i32>) -> Result<i32, Errno> {
    if range.contains(&value) { Ok(value) } else { Err(Errno::Invalid) }
}

pub(super) fn seconds(value: i32) -> Duration {
    Duration::from_secs(u64::from(value.unsigned_abs()))
}

pub(super) fn set_number(
    socket: &mut Socket,
    habits: Habits,
    name: OptionName,
    value: i32,
) -> Result<(), Errno> {
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
            let range = if habits != Habits::FreeBsd { LINUX_MAXSEG } else { FREEBSD_MAXSEG_MIN..=65_535 };
            let clears = habits != Habits::FreeBsd && value == 0;
            config.mss_bytes_max = if clears { u16::MAX } else { within(value, range)? as u16 };
        }
        OptionName::KeepAlive => config.keep_alive = on.then_some(options.keep_alive),
        OptionName::KeepIdle => options.keep_alive.idle = seconds(within(value, 1..=KEEP_SECONDS_MAX)?),
        OptionName::KeepInterval => {
            options.keep_alive.interval = seconds(within(value, 1..=KEEP_SECONDS_MAX)?);
        }
        OptionName::KeepCount => options.keep_alive.probes = within(value, 1..=KEEP_PROBES_MAX)? as u8,
        OptionName::SynCount => config.syn_retries = within(value, 1..=KEEP_PROBES_MAX)? as u8,
        OptionName::Linger2 => config.orphan_timeout = seconds(value.max(0)),
        OptionName::UserTimeout => {
            let ms = within(value, 0..=i32::MAX)?.unsigned_abs();
            config.user_timeout = (ms > 0).then(|| Duration::from_millis(ms.into()));
        }
        // FreeBSD's alone.
        OptionName::NoOptions if habits == Habits::Linux => return Err(Errno::NoProtocolOption),
        OptionName::NoOptions if on => options.offer_nothing(),
        OptionName::NoOptions => options.offer_again(),
        OptionName::KeepInit => config.connect_timeout = Some(seconds(within(value, 1..=KEEP_SECONDS_MAX)?)),
        OptionName::TypeOfService | OptionName::TrafficClass => {
            // -1 is the default again (RFC 3542 §6.5).
            // The ECN field is TCP's own.
            config.traffic_class = within(value.max(0), 0..=255)? as u8 & !3;
        }
        // FreeBSD has filters for it.
        OptionName::DeferAccept if habits == Habits::FreeBsd => return Err(Errno::NoProtocolOption),
        OptionName::DeferAccept => config.defer_accept = (value > 0).then(|| seconds(value)),
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

pub(super) fn number(socket: &Socket, name: OptionName) -> Result<i32, Errno> {
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
        OptionName::DeferAccept => secs(options.config.deferral()),
        OptionName::KeepInit => options.config.connect_timeout.map_or(75, secs),
        OptionName::TypeOfService | OptionName::TrafficClass => options.config.traffic_class.into(),
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
        _ => options.kept.get(&name).copied().unwrap_or(0),
    })
}
