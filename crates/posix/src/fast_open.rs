//! Fast Open as system calls (RFC 7413 appendix A, `tcp(7)`): who may, by which option or flag, and what a call
//! returns meanwhile.

use crate::descriptor::{Fd, Phase, Role, Socket};
use crate::options::Options;
use crate::{Errno, OptionName, OptionValue, SendFlags, Stop, System, Waiting};
use socket::{Fault, OpenOptions};
use stack::{CookiePolicy, FastOpenKeys, FastOpenOptions, OpenFast, QueuedText};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use tcp::{Habits, Instant};

/// What the administrator allows: Linux's `tcp_fastopen`, a bit each, and FreeBSD's `net.inet.tcp.fastopen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastOpenDefaults {
    /// Sockets may open fast.
    pub client: bool,
    /// Listeners may take Fast Opens.
    pub server: bool,
    /// Sockets open fast without a cookie.
    pub client_without_cookie: bool,
    /// Listeners take text without a cookie.
    pub server_without_cookie: bool,
    /// Listeners take Fast Opens without having been asked to.
    pub every_listener: bool,
}

impl FastOpenDefaults {
    /// As a freshly installed system has it.
    pub const fn new(habits: Habits) -> Self {
        let server = matches!(habits, Habits::Rfc);
        FastOpenDefaults {
            client: true,
            server,
            client_without_cookie: false,
            server_without_cookie: false,
            every_listener: false,
        }
    }
}

/// What one socket wants.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FastOpenWishes {
    /// `TCP_FASTOPEN`: Linux's bound of a listener; on FreeBSD a switch, for both ends.
    queue: Option<i32>,
    /// `TCP_FASTOPEN_CONNECT`
    on_connect: bool,
    /// `TCP_FASTOPEN_NO_COOKIE`
    no_cookie: bool,
    /// `TCP_FASTOPEN_KEY`
    keys: Option<FastOpenKeys>,
}

fn policy(without: bool) -> CookiePolicy {
    if without { CookiePolicy::NotRequired } else { CookiePolicy::Required }
}

/// The bytes of a key, and of a second one if there are twice as many.
fn keys_of(bytes: &[u8]) -> Option<FastOpenKeys> {
    let (primary, rest) = bytes.split_first_chunk()?;
    let backup = if rest.is_empty() { None } else { Some(rest.try_into().ok()?) };
    Some(FastOpenKeys { primary: *primary, backup })
}

impl System {
    /// How a listener of this socket takes Fast Opens; `backlog` is what `listen` was given.
    pub(crate) fn fast_open_of_listener(&self, options: &Options, backlog: i32) -> Option<FastOpenOptions> {
        let allowed = self.defaults.fast_open;
        let FastOpenWishes { queue, no_cookie, keys, .. } = options.fast_open;
        let wanted = match queue {
            // About half of the backlog, so that Fast Opens cannot fill it.
            Some(1..) if self.habits() == Habits::FreeBsd => backlog / 2 + 1,
            Some(most) if self.habits() != Habits::FreeBsd => most,
            None if allowed.every_listener => backlog,
            _ => 0,
        };
        let pending_max = usize::try_from(wanted).ok().filter(|most| *most > 0 && allowed.server)?;
        let cookies = policy(allowed.server_without_cookie || no_cookie);
        Some(FastOpenOptions { keys, cookies, ..FastOpenOptions::new(pending_max) })
    }

    /// `setsockopt` of the options of Fast Open.
    pub(crate) fn set_fast_open(
        &mut self,
        fd: Fd,
        name: OptionName,
        value: &OptionValue,
    ) -> Result<(), Errno> {
        let (habits, allowed) = (self.habits(), self.defaults.fast_open);
        let socket = self.socket_at_mut(fd)?;
        let is_closed = socket.role == Role::Fresh && socket.deferred.is_none();
        let is_idle = is_closed || matches!(socket.role, Role::Listener(_));
        let wishes = &mut socket.options.fast_open;
        if habits == Habits::FreeBsd && name != OptionName::FastOpen {
            return Err(Errno::NoProtocolOption);
        }
        let number = match value {
            OptionValue::Int(number) => *number,
            _ => 0,
        };
        match (name, value) {
            (OptionName::FastOpen, OptionValue::Int(_)) if habits == Habits::FreeBsd => {
                let is_listener = matches!(socket.role, Role::Listener(_));
                match () {
                    () if !(allowed.client || allowed.server) => return Err(Errno::NotPermitted),
                    () if !is_idle => return Err(Errno::Invalid),
                    () if is_listener && number != 0 && !allowed.server => return Err(Errno::NotPermitted),
                    () => wishes.queue = Some(number),
                }
            }
            (OptionName::FastOpen, OptionValue::Int(_)) if number >= 0 && is_idle => {
                wishes.queue = Some(number);
            }
            (OptionName::FastOpenConnect, OptionValue::Int(0 | 1)) => match () {
                () if !allowed.client => return Err(Errno::NotSupported),
                () if !is_closed => return Err(Errno::Invalid),
                () => wishes.on_connect = number == 1,
            },
            (OptionName::FastOpenNoCookie, OptionValue::Int(0 | 1)) if is_idle => {
                wishes.no_cookie = number == 1;
            }
            (OptionName::FastOpenKey, OptionValue::Bytes(bytes)) => {
                wishes.keys = Some(keys_of(bytes).ok_or(Errno::Invalid)?);
            }
            _ => return Err(Errno::Invalid),
        }
        self.apply_fast_open(fd)
    }

    /// A socket that listens already takes over what was said.
    fn apply_fast_open(&mut self, fd: Fd) -> Result<(), Errno> {
        let socket = self.socket_at(fd)?;
        let Role::Listener(id) = socket.role else { return Ok(()) };
        let options = self.fast_open_of_listener(&socket.options, socket.backlog);
        // The listener is there: it has a descriptor.
        let _ = self.core.set_fast_open(id, options);
        Ok(())
    }

    /// `getsockopt` of the options of Fast Open.
    pub(crate) fn fast_open_option(&self, socket: &Socket, name: OptionName) -> OptionValue {
        let FastOpenWishes { queue, on_connect, no_cookie, keys } = socket.options.fast_open;
        match name {
            OptionName::FastOpenConnect => OptionValue::Int(on_connect.into()),
            OptionName::FastOpenNoCookie => OptionValue::Int(no_cookie.into()),
            OptionName::FastOpenKey => {
                let keys = keys.unwrap_or(self.host().fast_open_keys());
                let mut bytes = keys.primary.to_vec();
                bytes.extend(keys.backup.iter().flatten());
                OptionValue::Bytes(bytes)
            }
            _ if self.habits() == Habits::FreeBsd => OptionValue::Int(queue.unwrap_or(0).min(1)),
            _ => OptionValue::Int(queue.unwrap_or(0)),
        }
    }

    /// `connect` on a socket that wants to open fast. `Some`: what it returns; `None`: it connects as ever, and asks for
    /// a cookie where that says so.
    pub(crate) fn connect_fast(
        &mut self,
        now: Instant,
        fd: Fd,
        remote: SocketAddr,
    ) -> Option<Result<(), Errno>> {
        let socket = self.socket_at(fd).ok()?;
        if !socket.options.fast_open.on_connect || self.habits() == Habits::FreeBsd {
            return None;
        }
        let (local, cookies) = (socket.bound, self.policy_of(socket));
        let remote = match socket.canonical(remote) {
            Ok(remote) => remote,
            Err(errno) => return Some(Err(errno)),
        };
        if !self.core.host_mut().can_open_fast(now, local, remote, cookies) {
            return None;
        }
        // The SYN waits for text (Linux: `defer_connect`).
        self.socket_at_mut(fd).ok()?.deferred = Some(remote);
        Some(Ok(()))
    }

    fn policy_of(&self, socket: &Socket) -> CookiePolicy {
        policy(self.defaults.fast_open.client_without_cookie || socket.options.fast_open.no_cookie)
    }

    /// With what text, if any, `connect` begins: none but the option, for a socket that wants to open fast.
    pub(crate) fn fast_open_of_connect(&self, socket: &Socket) -> Option<OpenFast> {
        let wishes = socket.options.fast_open;
        let is_freebsd = self.habits() == Habits::FreeBsd;
        let wants = if is_freebsd { wishes.queue.is_some_and(|on| on != 0) } else { wishes.on_connect };
        let cookies = self.policy_of(socket);
        (wants && self.defaults.fast_open.client).then(|| OpenFast { cookies, ..OpenFast::default() })
    }

    /// A write that opens a connection first: `MSG_FASTOPEN`, a `connect` that was put off, and on FreeBSD any with an
    /// address. `None`: it is none of these, or that part of it is over.
    ///
    /// # Errors
    /// As `connect`; `EOPNOTSUPP` where Fast Open is not allowed, `EISCONN`, `EALREADY`, and `EINPROGRESS` if the call may
    /// not wait and no text went with the SYN.
    pub(crate) fn send_fast(
        &mut self,
        now: Instant,
        fd: Fd,
        data: &[u8],
        (flags, to): (SendFlags, Option<SocketAddr>),
        waiting: &mut Waiting,
    ) -> Result<Option<usize>, Stop> {
        let socket = self.socket_at(fd)?;
        let is_freebsd = self.habits() == Habits::FreeBsd;
        if waiting.is_opening {
            return self.await_fast_open(now, fd, waiting);
        }
        let is_flagged = flags.contains(SendFlags::FAST_OPEN) && !is_freebsd;
        let is_implied = is_freebsd && to.is_some() && socket.role == Role::Fresh;
        if !is_flagged && !is_implied && socket.deferred.is_none() {
            return Ok(None);
        }
        if is_flagged && !self.defaults.fast_open.client {
            return Err(Errno::NotSupported.into());
        }
        match socket.role {
            Role::Fresh => {}
            Role::Stream(id) if self.phase(id) == Phase::Connecting => return Err(Errno::Already.into()),
            Role::Stream(id) if self.phase(id) == Phase::Open && !socket.is_told_connected => {
                // As with `connect`, the first call after the handshake hears of it.
                self.socket_at_mut(fd)?.is_told_connected = true;
                return Ok(None);
            }
            _ => return Err(Errno::IsConnected.into()),
        }
        let remote = match (socket.deferred, to) {
            (Some(remote), _) => remote,
            (None, Some(to)) => socket.canonical(to)?,
            (None, None) => return Err(Errno::Invalid.into()),
        };
        let dont_wait = socket.nonblocking || flags.contains(SendFlags::DONT_WAIT);
        let queued = self.open_with(now, fd, remote, data, dont_wait && !is_freebsd)?;
        if is_freebsd {
            // What does not fit waits as for any write.
            waiting.bytes = queued;
            return Ok((dont_wait || queued == data.len()).then(|| std::mem::take(&mut waiting.bytes)));
        }
        if dont_wait {
            return if queued > 0 { Ok(Some(queued)) } else { Err(Errno::InProgress.into()) };
        }
        (waiting.bytes, waiting.is_opening) = (queued, true);
        self.await_fast_open(now, fd, waiting)
    }

    /// Opens with text; returns how much of it was queued.
    fn open_with(
        &mut self,
        now: Instant,
        fd: Fd,
        remote: SocketAddr,
        data: &[u8],
        only_with_syn: bool,
    ) -> Result<usize, Errno> {
        let socket = self.socket_at(fd)?;
        let queued = if only_with_syn { QueuedText::OnlyWithSyn } else { QueuedText::AsMuchAsFits };
        let is_wanted = self.habits() != Habits::FreeBsd || self.fast_open_of_connect(socket).is_some();
        let text = bytes::Bytes::copy_from_slice(data);
        let fast = OpenFast { text, queued, cookies: self.policy_of(socket) };
        let options = OpenOptions {
            local: socket.bound,
            config: Some(Arc::new(socket.options.config().clone())),
            hop_limit: socket.options.hop_limit,
            fast_open: is_wanted.then_some(fast),
            ..OpenOptions::to(remote)
        };
        let opened = self.core.open(now, options).map_err(|fault| self.errno(fault))?;
        let socket = self.socket_at_mut(fd)?;
        socket.role = Role::Stream(opened.id);
        socket.bound = Some(opened.local);
        (socket.is_told_connected, socket.deferred) = (false, None);
        let queued = self.core.connection(opened.id).map_or(0, tcp::Connection::unacknowledged_bytes);
        self.settle(now);
        Ok(queued)
    }

    /// A call that waits for the handshake; afterwards it goes on as a write.
    fn await_fast_open(
        &mut self,
        now: Instant,
        fd: Fd,
        waiting: &mut Waiting,
    ) -> Result<Option<usize>, Stop> {
        let Role::Stream(id) = self.socket_at(fd)?.role else { return Err(Errno::Pipe.into()) };
        let connected: Poll<Result<(), Fault>> = self.core.poll_connected(id);
        let socket = self.socket_at_mut(fd)?;
        match connected {
            Poll::Pending => Err(waiting.block(now, socket.options.send_timeout, Errno::InProgress)),
            Poll::Ready(Ok(())) => {
                socket.is_told_connected = true;
                waiting.is_opening = false;
                Ok(None)
            }
            Poll::Ready(Err(fault)) => {
                // The socket may be used again.
                socket.role = Role::Fresh;
                self.core.close(now, id);
                Err(self.errno(fault).into())
            }
        }
    }
}
