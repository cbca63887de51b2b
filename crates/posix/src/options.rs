//! Socket options: names, values, and what each means to the engine.
//!
//! An option that the engine knows goes into the connection's [`tcp::Config`] at once; one that only
//! this layer needs (timeouts, lingering) is kept here; one that has no effect on what is sent
//! (`SO_PRIORITY`) is kept so that it can be asked for again.

mod names;
mod values;

pub use names::{Linger, OptionName, OptionValue};

use crate::descriptor::{Fd, Phase};
use crate::fast_open::{FastOpenDefaults, FastOpenWishes};
use crate::{Errno, System, Type};
use core::time::Duration;
use socket::SocketId;
use std::collections::BTreeMap;
use tcp::{Habits, Instant, KeepAlive};
use values::{
    buffer_asked, info, max_segment, number, saturated, set_congestion, set_number, set_receive_buffer,
    set_send_buffer, shown_buffer, some_time,
};

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
    /// Bytes that may wait unsent, for sockets that do not say (`tcp_notsent_lowat`); `None`: as many as the
    /// send buffer takes.
    pub not_sent_low_water_bytes: Option<u32>,
    /// Who may open fast.
    pub fast_open: FastOpenDefaults,
}

impl Defaults {
    /// As a freshly installed system with these habits has them; [`Habits::Rfc`] has Linux's buffers.
    pub fn new(habits: Habits) -> Self {
        let (receive, send, max) = match habits {
            Habits::Linux | Habits::Rfc => (131_072, 16_384, 212_992),
            Habits::FreeBsd => (65_536, 32_768, 2 << 20),
        };
        Defaults {
            config: tcp::Config {
                habits,
                // Scripts say how large a buffer is and how long an orphan lives; the kernels whose habits these are
                // count an orphan's retries, and nothing else.
                receive_buffer_bytes_initial: 0,
                send_buffer_bytes_initial: 0,
                orphan_progress: None,
                ..tcp::Config::default()
            },
            receive_buffer_bytes: receive,
            send_buffer_bytes: send,
            receive_buffer_bytes_max: max,
            send_buffer_bytes_max: max,
            keep_alive: KeepAlive::default(),
            not_sent_low_water_bytes: None,
            fast_open: FastOpenDefaults::new(habits),
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
    pub(crate) fast_open: FastOpenWishes,
    /// What was offered before `TCP_NOOPT` took it away.
    offered: Option<Offered>,
    /// Options without an effect on the wire.
    kept: BTreeMap<OptionName, i32>,
}

/// Which TCP options a SYN carries.
#[derive(Clone, Copy, Debug)]
struct Offered {
    mss: bool,
    timestamps: bool,
    sack: bool,
    window_scaling: bool,
}

impl Options {
    /// `TCP_NOOPT`: no TCP option at all.
    fn offer_nothing(&mut self) {
        let config = &mut self.config;
        self.offered.get_or_insert(Offered {
            mss: config.mss_announced,
            timestamps: config.timestamps,
            sack: config.sack,
            window_scaling: config.window_scaling,
        });
        config.mss_announced = false;
        config.timestamps = false;
        config.sack = false;
        config.window_scaling = false;
    }

    /// Again what was offered before [`Options::offer_nothing`].
    fn offer_again(&mut self) {
        let Some(Offered { mss, timestamps, sack, window_scaling }) = self.offered.take() else { return };
        let config = &mut self.config;
        config.mss_announced = mss;
        config.timestamps = timestamps;
        config.sack = sack;
        config.window_scaling = window_scaling;
    }

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
            not_sent_low_water: defaults.not_sent_low_water_bytes,
            fast_open: FastOpenWishes::default(),
            offered: None,
            kept: BTreeMap::new(),
        }
    }

    /// What the engine is told of all this.
    pub(crate) fn config(&self) -> &tcp::Config {
        &self.config
    }

    /// Bytes not sent yet from which on the socket takes no more, if there is a bound.
    pub(crate) fn not_sent_low_water(&self) -> Option<u32> {
        self.not_sent_low_water.filter(|bytes| *bytes != u32::MAX)
    }
}

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
        self.settle(now);
        let habits = self.habits();
        let (receive_max, send_max) =
            (self.defaults.receive_buffer_bytes_max, self.defaults.send_buffer_bytes_max);
        let socket = self.socket_at_mut(fd)?;
        match (name, value) {
            (OptionName::Linger, OptionValue::Linger(linger)) => socket.options.linger = *linger,
            (OptionName::SendTimeout, OptionValue::Time(time)) => {
                socket.options.send_timeout = some_time(*time);
            }
            (OptionName::ReceiveTimeout, OptionValue::Time(time)) => {
                socket.options.receive_timeout = some_time(*time);
            }
            (OptionName::Congestion, OptionValue::Text(name)) => set_congestion(socket, name)?,
            (OptionName::ReceiveBuffer, OptionValue::Int(bytes)) => {
                set_receive_buffer(socket, habits, buffer_asked(habits, *bytes, receive_max)?);
            }
            (OptionName::SendBuffer, OptionValue::Int(bytes)) => {
                set_send_buffer(socket, habits, buffer_asked(habits, *bytes, send_max)?);
            }
            (OptionName::ReceiveBufferForce, OptionValue::Int(bytes)) => {
                set_receive_buffer(socket, habits, bytes.unsigned_abs());
            }
            (OptionName::SendBufferForce, OptionValue::Int(bytes)) => {
                set_send_buffer(socket, habits, bytes.unsigned_abs());
            }
            (
                OptionName::FastOpen
                | OptionName::FastOpenConnect
                | OptionName::FastOpenKey
                | OptionName::FastOpenNoCookie,
                value,
            ) => self.set_fast_open(fd, name, value)?,
            (_, OptionValue::Int(value)) => set_number(socket, habits, name, *value)?,
            _ => return Err(Errno::Invalid),
        }
        self.apply(now, fd, name);
        if let (OptionName::NoDelay, OptionValue::Int(1..)) = (name, value)
            && habits.no_delay_flushes_cork()
            && let Some(id) = self.socket_at(fd)?.stream()
        {
            self.core.flush(now, id);
            self.settle(now);
        }
        Ok(())
    }

    /// Tells a socket that exists already.
    fn apply(&mut self, now: Instant, fd: Fd, name: OptionName) {
        let Ok(socket) = self.socket_at(fd) else { return };
        let Some(id) = socket.id() else { return };
        if socket.kind == Type::Stream {
            let config = socket.options.config.clone();
            // A connection that is gone needs no options.
            let _ = self.core.configure(now, id, |current| *current = config);
        }
        if matches!(name, OptionName::TimeToLive | OptionName::UnicastHops) {
            self.apply_hop_limit(fd, id);
        }
        self.settle(now);
    }

    /// The hop limit of a descriptor becomes that of its socket.
    pub(crate) fn apply_hop_limit(&mut self, fd: Fd, id: SocketId) {
        if let Some(hops) = self.socket_at(fd).ok().and_then(|socket| socket.options.hop_limit) {
            // One that is gone sends nothing.
            let _ = self.core.set_hop_limit(id, hops.into());
        }
    }

    /// `getsockopt`
    ///
    /// # Errors
    /// `ENOPROTOOPT` for what can only be set, `ENOTCONN` for the MTU of a socket without a peer.
    pub fn option(&mut self, now: Instant, fd: Fd, name: OptionName) -> Result<OptionValue, Errno> {
        self.settle(now);
        let habits = self.habits();
        let id = self.socket_at(fd)?.id();
        if name == OptionName::Error {
            let failure = id.and_then(|id| self.core.take_failure(id));
            return Ok(OptionValue::Error(failure.map(|fault| self.errno(fault))));
        }
        let socket = self.socket_at(fd)?;
        let connection = socket.stream().and_then(|id| self.core.connection(id).ok());
        let options = &socket.options;
        Ok(match name {
            OptionName::Linger => OptionValue::Linger(options.linger),
            OptionName::SendTimeout => OptionValue::Time(options.send_timeout.unwrap_or_default()),
            OptionName::ReceiveTimeout => OptionValue::Time(options.receive_timeout.unwrap_or_default()),
            OptionName::Congestion => {
                OptionValue::Text(habits.congestion_control_name(options.config.congestion).to_owned())
            }
            OptionName::Info => OptionValue::Info(Box::new(info(now, habits, socket, connection))),
            OptionName::MaxSegment => OptionValue::Int(max_segment(habits, options, connection)),
            OptionName::ReceiveBuffer => {
                OptionValue::Int(shown_buffer(habits, options.receive_buffer, connection, now))
            }
            OptionName::SendBuffer => {
                OptionValue::Int(shown_buffer(habits, options.send_buffer, connection, now))
            }
            OptionName::Mtu => {
                let connection = connection.ok_or(Errno::NotConnected)?;
                OptionValue::Int(saturated(connection.info(now).path_mtu_bytes))
            }
            OptionName::TimeToLive | OptionName::UnicastHops => {
                let default = self.core.host().config().hop_limit;
                OptionValue::Int(options.hop_limit.unwrap_or(default).into())
            }
            OptionName::QuickAck => {
                let is_open = socket.stream().is_some_and(|id| self.phase(id) == Phase::Open);
                OptionValue::Int(options.kept.get(&name).copied().unwrap_or(is_open.into()))
            }
            OptionName::FastOpen
            | OptionName::FastOpenConnect
            | OptionName::FastOpenKey
            | OptionName::FastOpenNoCookie => self.fast_open_option(socket, name),
            _ => OptionValue::Int(number(socket, name)?),
        })
    }
}
