//! System calls: from the script's words to the host's methods, and from results to the script's.

use super::host::{Pending, Queued};
use super::{Runner, Trouble};
use crate::ast::{Call, Expr};
use posix::{
    Domain, EpollEvent, EpollOperation, Errno, Fd, Mode, PollEntry, PollFlags, Shutdown, Stop, Type,
};
use std::net::SocketAddr;
use std::time::Duration;

/// A call under way: what it has done so far.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) pending: Pending,
    pub(super) buffer: Vec<u8>,
    /// It has been started, so another attempt only waits.
    begun: bool,
}

impl Progress {
    /// Whether this is the first attempt; it is not any more.
    pub(super) fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.begun, true)
    }
}

/// What a call returned.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) value: i64,
    pub(crate) errno: Option<Errno>,
    /// What it returned that the script did not expect, in words.
    pub(crate) differences: Vec<String>,
    /// The value is a new descriptor, whose number the script chooses.
    pub(crate) descriptor: Option<Fd>,
}

impl Answer {
    pub(super) fn of(value: usize) -> Answer {
        Answer { value: i64::try_from(value).unwrap_or(i64::MAX), ..Answer::default() }
    }

    fn descriptor(fd: Fd) -> Answer {
        Answer { value: fd.0.into(), descriptor: Some(fd), ..Answer::default() }
    }
}

impl From<()> for Answer {
    fn from((): ()) -> Answer {
        Answer::default()
    }
}

/// Every call that [`Runner::attempt`] makes.
pub(crate) const CALLS: &[&str] = &[
    "socket",
    "bind",
    "listen",
    "accept",
    "accept4",
    "connect",
    "close",
    "shutdown",
    "read",
    "readv",
    "recv",
    "recvfrom",
    "recvmsg",
    "write",
    "writev",
    "send",
    "sendto",
    "sendmsg",
    "poll",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "fcntl",
    "ioctl",
    "getsockopt",
    "setsockopt",
    "getsockname",
    "getpeername",
];

impl Runner<'_> {
    /// Makes a call, or makes it again.
    ///
    /// # Errors
    /// [`Trouble::Blocked`] if the call sleeps, or another reason why there is no answer.
    pub(super) fn attempt(&mut self, call: &Call, progress: &mut Progress) -> Result<Answer, Trouble> {
        let answer = self.make_call(call, progress);
        match answer {
            Err(Trouble::Stop(Stop::Errno(errno))) => {
                Ok(Answer { value: -1, errno: Some(errno), ..Answer::default() })
            }
            Err(Trouble::Stop(Stop::Blocked)) => Err(Trouble::Blocked),
            other => other,
        }
    }

    fn make_call(&mut self, call: &Call, progress: &mut Progress) -> Result<Answer, Trouble> {
        let at = |index: usize| call.arguments.get(index);
        match call.name.as_str() {
            "socket" => self.call_socket(call),
            "bind" => {
                let fd = self.descriptor(at(0))?;
                let address = self.address(at(1), self.plan.bind_address())?;
                self.host.bind(fd, address)?;
                Ok(().into())
            }
            "listen" => {
                let fd = self.descriptor(at(0))?;
                let backlog = self.optional(at(1))?.unwrap_or(1);
                let result = self.host.listen(fd, i32::try_from(backlog).unwrap_or(i32::MAX));
                if result.is_ok() {
                    self.on_listen(fd);
                }
                Ok(result?.into())
            }
            "accept" | "accept4" => self.call_accept(call, progress),
            "connect" => self.call_connect(call, progress),
            "close" => {
                let fd = self.descriptor(at(0))?;
                Ok(self.host.close(fd, &mut progress.pending)?.into())
            }
            "shutdown" => {
                let fd = self.descriptor(at(0))?;
                let how = match self.optional(at(1))? {
                    Some(0) => Shutdown::Read,
                    Some(1) => Shutdown::Write,
                    Some(2) => Shutdown::Both,
                    _ => return Err(Stop::Errno(Errno::Invalid).into()),
                };
                Ok(self.host.shutdown(fd, how)?.into())
            }
            "read" | "recv" | "recvfrom" | "readv" | "recvmsg" => self.call_receive(call, progress),
            "write" | "send" | "sendto" | "writev" | "sendmsg" => self.call_send(call, progress),
            "poll" => self.call_poll(call, progress),
            "epoll_create" | "epoll_create1" => Ok(Answer::descriptor(self.host.epoll_create()?)),
            "epoll_ctl" => self.call_epoll_control(call),
            "epoll_wait" => self.call_epoll_wait(call, progress),
            "fcntl" => self.call_fcntl(call),
            "ioctl" => self.call_ioctl(call),
            "getsockopt" => self.call_getsockopt(call),
            "setsockopt" => self.call_setsockopt(call),
            "getsockname" => {
                let fd = self.descriptor(at(0))?;
                let address = self.host.local_address(fd)?;
                self.named(at(1), address)
            }
            "getpeername" => {
                let fd = self.descriptor(at(0))?;
                let address = self.host.peer_address(fd)?;
                self.named(at(1), address)
            }
            other => Err(Trouble::Unmet(format!("the call {other}"))),
        }
    }

    fn call_socket(&mut self, call: &Call) -> Result<Answer, Trouble> {
        let domain = match self.optional(call.arguments.first())? {
            None => self.plan.domain,
            Some(2) => Domain::Inet,
            Some(10 | 28) => Domain::Inet6,
            Some(_) => return Err(Stop::Errno(Errno::FamilyNotSupported).into()),
        };
        let kind = self.optional(call.arguments.get(1))?.unwrap_or(1);
        let nonblocking = self.integer(&Expr::Symbol("SOCK_NONBLOCK".to_owned()))?;
        let protocol = self.optional(call.arguments.get(2))?.unwrap_or(0);
        let typed = match (kind & 15, protocol) {
            (1, 0 | 6) => Type::Stream,
            (2, 0 | 17) => Type::Datagram,
            (1 | 5, 132) => return Err(Trouble::Unmet("SCTP".to_owned())),
            (3, _) => return Err(Trouble::Unmet("raw sockets".to_owned())),
            (2, 136) => return Err(Trouble::Unmet("UDP-Lite".to_owned())),
            _ => return Err(Stop::Errno(Errno::ProtocolNotSupported).into()),
        };
        let fd = self.host.socket(domain, typed)?;
        if kind & nonblocking != 0 {
            self.host.set_nonblocking(fd, Mode::NonBlocking)?;
        }
        self.on_socket(fd);
        Ok(Answer::descriptor(fd))
    }

    fn call_accept(&mut self, call: &Call, progress: &mut Progress) -> Result<Answer, Trouble> {
        let listener = self.descriptor(call.arguments.first())?;
        let flags = self.optional(call.arguments.get(3))?.unwrap_or(0);
        let nonblocking = self.integer(&Expr::Symbol("SOCK_NONBLOCK".to_owned()))?;
        let (fd, remote) = self.host.accept(listener, &mut progress.pending)?;
        if flags & nonblocking != 0 {
            self.host.set_nonblocking(fd, Mode::NonBlocking)?;
        }
        self.code_fd = Some(fd);
        let mut answer = Answer::descriptor(fd);
        answer.differences = self.named(call.arguments.get(1), remote)?.differences;
        Ok(answer)
    }

    fn call_connect(&mut self, call: &Call, progress: &mut Progress) -> Result<Answer, Trouble> {
        let fd = self.descriptor(call.arguments.first())?;
        let remote = self.address(call.arguments.get(1), self.plan.connect_address())?;
        let result = self.host.connect(fd, remote, &mut progress.pending);
        if progress.begins() {
            self.on_connect(fd);
        }
        Ok(result?.into())
    }

    /// Compares an address that a call gave with the one that the script expects.
    pub(super) fn named(&self, expected: Option<&Expr>, address: SocketAddr) -> Result<Answer, Trouble> {
        let mut answer = Answer::default();
        if let Some(expr @ Expr::Struct(_)) = expected {
            let expected = self.address(Some(expr), address)?;
            if expected != address {
                answer.differences.push(format!("address: expected {expected}, seen {address}"));
            }
        }
        Ok(answer)
    }

    fn call_poll(&mut self, call: &Call, progress: &mut Progress) -> Result<Answer, Trouble> {
        let Some(Expr::Array(items)) = call.arguments.first() else {
            return Err(Trouble::Script("`[{fd=4, events=POLLIN, revents=POLLIN}]` is expected".to_owned()));
        };
        let mut entries = Vec::new();
        for item in items {
            let fd = self.descriptor(item.member("fd"))?;
            let events = PollFlags(self.optional(item.member("events"))?.unwrap_or(0) as u32);
            entries.push(PollEntry { fd, events, found: PollFlags::NONE });
        }
        let timeout = timeout_of(self.optional(call.arguments.get(2))?);
        let ready = self.host.poll(&mut entries, timeout, &mut progress.pending)?;
        let mut answer = Answer::of(ready);
        for (item, entry) in items.iter().zip(&entries) {
            if let Some(expected) = item.member("revents") {
                answer.differences.extend(self.number_difference(
                    "revents",
                    expected,
                    entry.found.0.into(),
                )?);
            }
        }
        Ok(answer)
    }

    fn call_epoll_control(&mut self, call: &Call) -> Result<Answer, Trouble> {
        let epoll = self.descriptor(call.arguments.first())?;
        let operation = match call.arguments.get(1) {
            Some(Expr::Symbol(name)) if name == "EPOLL_CTL_ADD" => EpollOperation::Add,
            Some(Expr::Symbol(name)) if name == "EPOLL_CTL_MOD" => EpollOperation::Modify,
            Some(Expr::Symbol(name)) if name == "EPOLL_CTL_DEL" => EpollOperation::Delete,
            _ => return Err(Stop::Errno(Errno::Invalid).into()),
        };
        let fd = self.descriptor(call.arguments.get(2))?;
        let event = match call.arguments.get(3) {
            Some(expr @ Expr::Struct(_)) => self.epoll_event(expr)?,
            _ => EpollEvent { events: PollFlags::NONE, data: 0 },
        };
        Ok(self.host.epoll_control(epoll, operation, fd, event)?.into())
    }

    fn epoll_event(&self, expr: &Expr) -> Result<EpollEvent, Trouble> {
        let events = PollFlags(self.optional(expr.member("events"))?.unwrap_or(0) as u32);
        let data = ["fd", "ptr", "u32", "u64"].iter().find_map(|name| expr.member(name));
        Ok(EpollEvent { events, data: self.optional(data)?.unwrap_or(0).cast_unsigned() })
    }

    fn call_epoll_wait(&mut self, call: &Call, progress: &mut Progress) -> Result<Answer, Trouble> {
        let epoll = self.descriptor(call.arguments.first())?;
        let most = self.optional(call.arguments.get(2))?.unwrap_or(1);
        let most = usize::try_from(most).map_err(|_| Stop::Errno(Errno::Invalid))?;
        let timeout = timeout_of(self.optional(call.arguments.get(3))?);
        let found = self.host.epoll_wait(epoll, most, timeout, &mut progress.pending)?;
        let mut answer = Answer::of(found.len());
        let expected = match call.arguments.get(1) {
            Some(Expr::Array(items)) => items.as_slice(),
            Some(one @ Expr::Struct(_)) => std::slice::from_ref(one),
            _ => &[],
        };
        for (index, (expected, found)) in expected.iter().zip(&found).enumerate() {
            let event = self.epoll_event(expected)?;
            if event.events != found.events && expected.member("events").is_some() {
                let (wanted, seen) = (event.events.0, found.events.0);
                answer
                    .differences
                    .push(format!("events of entry {index}: expected {wanted:#x}, seen {seen:#x}"));
            }
            if event.data != found.data && matches!(expected, Expr::Struct(members) if members.len() > 1) {
                answer
                    .differences
                    .push(format!("entry {index}: expected {}, seen {}", event.data, found.data));
            }
        }
        Ok(answer)
    }

    fn call_fcntl(&mut self, call: &Call) -> Result<Answer, Trouble> {
        let fd = self.descriptor(call.arguments.first())?;
        let command = match call.arguments.get(1) {
            Some(Expr::Symbol(name)) => name.as_str(),
            _ => return Err(Stop::Errno(Errno::Invalid).into()),
        };
        let nonblock = self.integer(&Expr::Symbol("O_NONBLOCK".to_owned()))?;
        match command {
            "F_GETFL" => {
                let mode = self.host.mode(fd)?;
                let flags = 2 | if mode == Mode::NonBlocking { nonblock } else { 0 };
                Ok(Answer { value: flags, ..Answer::default() })
            }
            "F_SETFL" => {
                let flags = self.optional(call.arguments.get(2))?.unwrap_or(0);
                let mode = if flags & nonblock != 0 { Mode::NonBlocking } else { Mode::Blocking };
                Ok(self.host.set_nonblocking(fd, mode)?.into())
            }
            "F_GETFD" | "F_SETFD" => {
                self.host.mode(fd)?;
                Ok(().into())
            }
            other => Err(Trouble::Unmet(format!("fcntl {other}"))),
        }
    }

    fn call_ioctl(&mut self, call: &Call) -> Result<Answer, Trouble> {
        let fd = self.descriptor(call.arguments.first())?;
        let request = match call.arguments.get(1) {
            Some(Expr::Symbol(name)) => name.as_str(),
            _ => return Err(Stop::Errno(Errno::NoSuchRequest).into()),
        };
        let bytes = match request {
            "SIOCINQ" | "FIONREAD" => self.host.queued_bytes(fd, Queued::Received)?,
            "SIOCOUTQ" | "TIOCOUTQ" | "FIONWRITE" => self.host.queued_bytes(fd, Queued::Unacknowledged)?,
            "SIOCOUTQNSD" => self.host.queued_bytes(fd, Queued::NotSent)?,
            "FIONBIO" => {
                let on = self.optional(call.arguments.get(2))?.unwrap_or(0) != 0;
                let mode = if on { Mode::NonBlocking } else { Mode::Blocking };
                return Ok(self.host.set_nonblocking(fd, mode)?.into());
            }
            other => return Err(Trouble::Unmet(format!("ioctl {other}"))),
        };
        let mut answer = Answer::default();
        if let Some(expected) = call.arguments.get(2) {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            answer.differences.extend(self.number_difference(request, expected, bytes)?);
        }
        Ok(answer)
    }

    /// What differs between a number that a call gave and the one that the script expects.
    pub(super) fn number_difference(
        &self,
        what: &str,
        expected: &Expr,
        seen: i64,
    ) -> Result<Option<String>, Trouble> {
        let open = *expected == Expr::Any
            || matches!(expected, Expr::Array(items) if items.as_slice() == [Expr::Any]);
        if open || self.integer(expected)? == seen {
            return Ok(None);
        }
        Ok(Some(format!("{what}: expected {expected}, seen {seen}")))
    }
}

/// A timeout in milliseconds; a negative one waits forever.
fn timeout_of(ms: Option<i64>) -> Option<Duration> {
    u64::try_from(ms.unwrap_or(-1)).ok().map(Duration::from_millis)
}
