//! The names and values of socket options.

use crate::{Errno, TcpInfo};
use core::time::Duration;

/// The options of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
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
    /// `TCP_FASTOPEN`
    FastOpen,
    /// `TCP_FASTOPEN_CONNECT`
    FastOpenConnect,
    /// `TCP_FASTOPEN_KEY`
    FastOpenKey,
    /// `TCP_FASTOPEN_NO_COOKIE`
    FastOpenNoCookie,
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
///
/// There are no others: a program may match on all of them.
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
#[non_exhaustive]
pub enum OptionValue {
    /// A number or a switch.
    Int(i32),
    /// `struct linger`
    Linger(Linger),
    /// `struct timeval`
    Time(Duration),
    /// A name (`TCP_CONGESTION`).
    Text(String),
    /// Bytes that are no text (`TCP_FASTOPEN_KEY`).
    Bytes(Vec<u8>),
    /// `struct tcp_info`
    Info(Box<TcpInfo>),
    /// A pending error (`SO_ERROR`); `None` is 0.
    Error(Option<Errno>),
}
