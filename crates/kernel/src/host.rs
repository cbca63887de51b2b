//! The kernel as a [`Host`]: real time, a TUN interface, real system calls.

use crate::descriptors::{Descriptor, Descriptors, Kind};
use crate::errno::Errors;
use crate::sleepers::Sleepers;
use crate::translate::{receive_flags, send_flags};
use crate::wire::Wire;
use crate::{info, options, readiness, settings};
use device::kernel::{queued_bytes, socket_option};
use device::{Waker, kernel};
use posix::{
    Domain, EpollEvent, EpollOperation, Errno, Fd, Linger, Mode, OptionName, OptionValue, PollEntry,
    Received, RecvFlags, SendFlags, Shutdown, Stop, Type,
};
use rustix::event::{self, EventfdFlags, epoll};
use rustix::fs::OFlags;
use rustix::io::Errno as Number;
use rustix::net::{self, AddressFamily, SocketAddrAny, SocketFlags, SocketType};
use script::ast::Direction;
use script::host::{
    Beginning, Broken, Ends, Happened, Host, NotMade, Pending, Queued, Recorded, Setting, Voice,
};
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tcp::Habits;

/// The kernel that this program runs on, with a network for one script.
pub(crate) struct Kernel {
    wire: Wire,
    /// When the script began.
    began: Option<Instant>,
    record: Vec<Recorded>,
    /// Records before this one have their states.
    settled: usize,
    descriptors: Descriptors,
    sleepers: Sleepers,
    /// Woken when a call that slept has returned.
    waker: Arc<Waker>,
    /// Written to when the script is over, for those that sleep on it.
    over: Arc<OwnedFd>,
    errors: Errors,
    failure: Option<String>,
    tick: Duration,
    instead: BTreeSet<String>,
    /// The congestion control of new sockets.
    congestion: String,
}

impl Kernel {
    /// # Errors
    /// What the script needs and this kernel does not have.
    pub(crate) fn new(beginning: &Beginning) -> Result<Kernel, NotMade> {
        let failed = |need: String| NotMade { need, event: None };
        if beginning.habits == Habits::FreeBsd {
            return Err(failed("FreeBSD, for which it is written".to_owned()));
        }
        // Without the privilege the script is played as it is: only a busy machine makes it late.
        let _ = kernel::run_before_others();
        let wire = Wire::open(&beginning.addresses, beginning.mtu_bytes).map_err(failed)?;
        let no_waker = |error: io::Error| failed(format!("a waker: {error}"));
        let waker = Arc::new(Waker::new().map_err(no_waker)?);
        let over = event::eventfd(0, EventfdFlags::CLOEXEC).map_err(|error| no_waker(error.into()))?;
        let mut host = Kernel {
            wire,
            began: None,
            record: Vec::new(),
            settled: 0,
            descriptors: Descriptors::default(),
            sleepers: Sleepers::new(waker.clone()),
            waker,
            over: Arc::new(over),
            errors: Errors::default(),
            failure: None,
            tick: tick(),
            instead: BTreeSet::new(),
            congestion: settings::CONGESTION_DEFAULT.to_owned(),
        };
        for setting in &beginning.settings {
            host.set(setting).map_err(|need| NotMade { need, event: setting.event })?;
        }
        Ok(host)
    }

    fn check(&self) -> Result<(), Broken> {
        match self.failure.clone().or_else(|| self.errors.unnamed()) {
            Some(failure) => Err(Broken(failure)),
            None => Ok(()),
        }
    }

    /// A call's error.
    fn named(&self) -> impl Fn(Number) -> Errno + '_ {
        |number| self.errors.named(number)
    }

    /// Makes a call that may sleep, on a thread of its own, or looks whether it has returned.
    fn sleep_on<T: Send + 'static>(
        &mut self,
        pending: &mut Pending,
        call: impl FnOnce() -> Result<T, Number> + Send + 'static,
    ) -> Result<T, Stop> {
        let ticket = match pending.ticket {
            Some(ticket) => ticket,
            None => match self.sleepers.start(call) {
                Ok(ticket) => *pending.ticket.insert(ticket),
                Err(error) => {
                    self.failure.get_or_insert(format!("no thread for a call: {error}"));
                    return Err(Stop::Blocked);
                }
            },
        };
        match self.sleepers.take::<Result<T, Number>>(ticket) {
            Some(result) => {
                pending.ticket = None;
                result.map_err(|number| self.errors.named(number).into())
            }
            None => Err(Stop::Blocked),
        }
    }

    /// Whether a call on this descriptor returns at once, whatever happens.
    fn is_nonblocking(descriptor: &Descriptor) -> bool {
        rustix::fs::fcntl_getfl(descriptor).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK))
    }

    /// Notes the states of the packets recorded since the last time, as far as an open socket knows.
    fn settle_states(&mut self) {
        if self.settled == self.record.len() {
            return;
        }
        let mut states = Vec::new();
        for (fd, descriptor) in self.descriptors.iter() {
            if matches!(descriptor.kind, Kind::Socket(_, Type::Stream))
                && let Some(ends) = self.ends(fd)
                && let Ok(fields) = tcp_info(descriptor)
                && let Some(state) = fields.first().and_then(|(_, number)| info::state(*number))
            {
                states.push(((ends.local.port(), ends.remote.port()), state));
            }
        }
        for recorded in &mut self.record[self.settled..] {
            let ports = ports(&recorded.bytes).map(|(source, destination)| match recorded.direction {
                Direction::Out => (source, destination),
                Direction::In => (destination, source),
            });
            recorded.state = states.iter().find(|(of, _)| Some(*of) == ports).map(|(_, state)| *state);
        }
        self.settled = self.record.len();
    }
}

/// How far apart the kernel's timer ticks are: 4 ms where it has 250 in a second.
fn tick() -> Duration {
    let resolution = rustix::time::clock_getres(rustix::time::ClockId::MonotonicCoarse);
    Duration::try_from(resolution).unwrap_or(Duration::from_millis(10))
}

/// The fields of `TCP_INFO` of a socket.
fn tcp_info(descriptor: &Descriptor) -> io::Result<Vec<(&'static str, u64)>> {
    let mut value = [0; info::BYTES_MAX];
    let (level, name) = options::TCP_INFO;
    let bytes = socket_option(descriptor.as_fd(), level, name, &mut value)?;
    Ok(info::fields(&value[..bytes]))
}

/// The ports of a TCP or UDP packet without extension headers.
fn ports(packet: &[u8]) -> Option<(u16, u16)> {
    let at = match packet.first()? >> 4 {
        4 => usize::from(packet[0] & 15) * 4,
        _ => 40,
    };
    let [a, b, c, d] = *packet.get(at..)?.first_chunk()?;
    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}

fn address(any: SocketAddrAny) -> Result<SocketAddr, Number> {
    SocketAddr::try_from(any)
}

/// An address as packets have it: IPv4-mapped as IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

impl Host for Kernel {
    fn elapsed(&self) -> Duration {
        self.began.map_or(Duration::ZERO, |began| began.elapsed())
    }

    fn begin_event(&mut self) {
        self.began.get_or_insert_with(Instant::now);
    }

    fn inject(&mut self, packet: Vec<u8>) -> Result<(), Broken> {
        self.drain();
        let at = self.elapsed();
        let sent = self.wire.send(packet.clone());
        sent.map_err(|error| Broken(format!("the packet could not be handed to the kernel: {error}")))?;
        self.record.push(Recorded { at, direction: Direction::In, bytes: packet, state: None, why: None });
        self.drain();
        self.check()
    }

    fn drain(&mut self) {
        loop {
            match self.wire.receive() {
                Ok(Some(bytes)) => {
                    let (at, direction) = (self.elapsed(), Direction::Out);
                    self.record.push(Recorded { at, direction, bytes, state: None, why: None });
                }
                Ok(None) => break,
                Err(error) => {
                    self.failure.get_or_insert(format!("the interface cannot be read: {error}"));
                    break;
                }
            }
        }
        self.settle_states();
    }

    fn record(&self) -> &[Recorded] {
        &self.record
    }

    fn into_record(mut self: Box<Self>) -> Vec<Recorded> {
        std::mem::take(&mut self.record)
    }

    fn step(&mut self, until: Duration) -> Result<Happened, Broken> {
        let before = self.record.len();
        self.drain();
        self.check()?;
        if self.record.len() > before {
            return Ok(Happened::Something);
        }
        let left = until.saturating_sub(self.elapsed());
        if left.is_zero() {
            return Ok(Happened::Nothing);
        }
        let Some(packets) = self.wire.fd() else {
            return Err(Broken("the interface cannot be waited on".to_owned()));
        };
        let ready = device::wait(&[packets, self.waker.as_fd()], Some(left));
        let ready = ready.map_err(|error| Broken(format!("waiting for the kernel failed: {error}")))?;
        self.waker.clear();
        self.drain();
        Ok(if ready.is_empty() { Happened::Nothing } else { Happened::Something })
    }

    fn tick(&self) -> Duration {
        self.tick
    }

    fn late_max(&self) -> Duration {
        Duration::from_millis(500)
    }

    fn any_time_max(&self) -> Duration {
        Duration::from_secs(120)
    }

    fn deadline(&self, _: &Pending) -> Option<Duration> {
        // The kernel's own clocks wake what sleeps.
        None
    }

    fn set(&mut self, setting: &Setting) -> Result<(), String> {
        let applied = match settings::congestion(setting) {
            Some(chosen) => chosen.map(|name| self.congestion = name),
            None => settings::apply(setting),
        };
        match (applied, setting.voice) {
            (Err(need), Voice::File) => {
                self.instead.insert(format!("without {need}"));
                Ok(())
            }
            (done, _) => done,
        }
    }

    fn instead(&self) -> BTreeSet<String> {
        self.instead.clone()
    }

    fn ends(&self, fd: Fd) -> Option<Ends> {
        let descriptor = self.descriptors.get(fd).ok()?;
        let local = address(net::getsockname(descriptor).ok()?).ok()?;
        let peer = net::getpeername(descriptor).ok().flatten().and_then(|peer| address(peer).ok());
        let remote = peer.or(descriptor.remote)?;
        (local.port() != 0).then(|| Ends { local: canonical(local), remote: canonical(remote) })
    }

    fn info(&mut self, fd: Fd) -> Result<Vec<(&'static str, u64)>, Errno> {
        tcp_info(self.descriptors.get(fd)?).map_err(|error| self.errors.of(&error))
    }

    fn socket(&mut self, domain: Domain, kind: Type) -> Result<Fd, Errno> {
        let family = match domain {
            Domain::Inet => AddressFamily::INET,
            Domain::Inet6 => AddressFamily::INET6,
        };
        let of_type = match kind {
            Type::Stream => SocketType::STREAM,
            Type::Datagram => SocketType::DGRAM,
        };
        let fd = net::socket_with(family, of_type, SocketFlags::CLOEXEC, None).map_err(self.named())?;
        if kind == Type::Stream {
            let congestion = OptionValue::Text(self.congestion.clone());
            // A kernel without the default one goes on with its own.
            let _ = options::set(fd.as_fd(), domain, OptionName::Congestion, &congestion, &self.errors);
        }
        Ok(self.descriptors.insert(fd, Kind::Socket(domain, kind)))
    }

    fn bind(&mut self, fd: Fd, address: SocketAddr) -> Result<(), Errno> {
        net::bind(self.descriptors.get(fd)?, &address).map_err(self.named())
    }

    fn listen(&mut self, fd: Fd, backlog: i32) -> Result<(), Errno> {
        net::listen(self.descriptors.get(fd)?, backlog).map_err(self.named())
    }

    fn accept(&mut self, fd: Fd, pending: &mut Pending) -> Result<(Fd, SocketAddr), Stop> {
        let descriptor = self.descriptors.get(fd)?;
        let domain = descriptor.domain();
        let (nonblocking, shared) = (Kernel::is_nonblocking(descriptor), descriptor.shared());
        let accept = move || net::acceptfrom_with(&shared, SocketFlags::CLOEXEC);
        let (new, peer) = match nonblocking {
            true => accept().map_err(self.named())?,
            false => self.sleep_on(pending, accept)?,
        };
        let peer = peer.and_then(|peer| address(peer).ok()).ok_or(Errno::Invalid)?;
        Ok((self.descriptors.insert(new, Kind::Socket(domain, Type::Stream)), peer))
    }

    fn connect(&mut self, fd: Fd, remote: SocketAddr, pending: &mut Pending) -> Result<(), Stop> {
        let descriptor = self.descriptors.get_mut(fd)?;
        if pending.ticket.is_none() {
            descriptor.remote = Some(remote);
        }
        let (nonblocking, shared) = (Kernel::is_nonblocking(descriptor), descriptor.shared());
        let connect = move || net::connect(&shared, &remote);
        match nonblocking {
            true => Ok(connect().map_err(self.named())?),
            false => self.sleep_on(pending, connect),
        }
    }

    fn close(&mut self, fd: Fd, pending: &mut Pending) -> Result<(), Stop> {
        if pending.ticket.is_some() {
            return self.sleep_on(pending, || Ok(()));
        }
        let descriptor = self.descriptors.remove(fd)?;
        let linger = options::get(descriptor.as_fd(), descriptor.domain(), OptionName::Linger, &self.errors);
        match linger {
            Ok(OptionValue::Linger(Linger::Wait(_))) => self.sleep_on(pending, move || {
                drop(descriptor);
                Ok(())
            }),
            _ => {
                drop(descriptor);
                Ok(())
            }
        }
    }

    fn shutdown(&mut self, fd: Fd, how: Shutdown) -> Result<(), Errno> {
        let how = match how {
            Shutdown::Read => net::Shutdown::Read,
            Shutdown::Write => net::Shutdown::Write,
            Shutdown::Both => net::Shutdown::Both,
        };
        net::shutdown(self.descriptors.get(fd)?, how).map_err(self.named())
    }

    fn recv(
        &mut self,
        fd: Fd,
        into: &mut [u8],
        flags: RecvFlags,
        pending: &mut Pending,
    ) -> Result<Received, Stop> {
        let descriptor = self.descriptors.get(fd)?;
        let (nonblocking, shared) = (Kernel::is_nonblocking(descriptor), descriptor.shared());
        let (flags, room) = (receive_flags(flags), into.len());
        let receive = move || {
            let mut buffer = vec![0; room];
            let (_, bytes, from) = net::recvfrom(&shared, buffer.as_mut_slice(), flags)?;
            Ok((buffer, bytes, from))
        };
        let (buffer, bytes, from) = match nonblocking || flags.contains(net::RecvFlags::DONTWAIT) {
            true => receive().map_err(self.named())?,
            false => self.sleep_on(pending, receive)?,
        };
        let copied = bytes.min(room);
        into[..copied].copy_from_slice(&buffer[..copied]);
        Ok(Received { bytes, from: from.and_then(|from| address(from).ok()) })
    }

    fn send(
        &mut self,
        fd: Fd,
        data: &[u8],
        flags: SendFlags,
        to: Option<SocketAddr>,
        pending: &mut Pending,
    ) -> Result<usize, Stop> {
        if pending.ticket.is_some() {
            return self.sleep_on(pending, || Ok(0));
        }
        let descriptor = self.descriptors.get_mut(fd)?;
        if flags.contains(SendFlags::FAST_OPEN) {
            descriptor.remote = to.or(descriptor.remote);
        }
        let (nonblocking, shared) = (Kernel::is_nonblocking(descriptor), descriptor.shared());
        let (data, flags) = (data.to_vec(), send_flags(flags));
        let send = move || match to {
            Some(to) => net::sendto(&shared, &data, flags, &to),
            None => net::send(&shared, &data, flags),
        };
        match nonblocking || flags.contains(net::SendFlags::DONTWAIT) {
            true => Ok(send().map_err(self.named())?),
            false => self.sleep_on(pending, send),
        }
    }

    fn poll(
        &mut self,
        entries: &mut [PollEntry],
        timeout: Option<Duration>,
        pending: &mut Pending,
    ) -> Result<usize, Stop> {
        let asked: Vec<_> = entries
            .iter()
            .map(|entry| (self.descriptors.get(entry.fd).ok().map(Descriptor::shared), entry.events))
            .collect();
        // What nobody opened is told at once.
        let unknown = asked.iter().any(|(fd, _)| fd.is_none());
        let timeout = if unknown { Some(Duration::ZERO) } else { timeout };
        let over = self.over.clone();
        let poll = move || readiness::poll_once(&asked, timeout, &over);
        let found = match timeout {
            Some(Duration::ZERO) => poll().map_err(self.named())?,
            _ => self.sleep_on(pending, poll)?,
        };
        for (entry, found) in entries.iter_mut().zip(&found) {
            entry.found = *found;
        }
        Ok(found.iter().filter(|found| !found.is_empty()).count())
    }

    fn epoll_create(&mut self) -> Result<Fd, Errno> {
        let fd = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(self.named())?;
        Ok(self.descriptors.insert(fd, Kind::Epoll))
    }

    fn epoll_control(
        &mut self,
        epoll: Fd,
        operation: EpollOperation,
        fd: Fd,
        event: EpollEvent,
    ) -> Result<(), Errno> {
        let (epoll, fd) = (self.descriptors.get(epoll)?, self.descriptors.get(fd)?);
        readiness::epoll_control(epoll, operation, fd, event).map_err(self.named())
    }

    fn epoll_wait(
        &mut self,
        epoll: Fd,
        most: usize,
        timeout: Option<Duration>,
        pending: &mut Pending,
    ) -> Result<Vec<EpollEvent>, Stop> {
        let shared = self.descriptors.get(epoll)?.shared();
        let wait = move || readiness::epoll_wait(&shared, most, timeout);
        match timeout {
            Some(Duration::ZERO) => Ok(wait().map_err(self.named())?),
            _ => self.sleep_on(pending, wait),
        }
    }

    fn mode(&self, fd: Fd) -> Result<Mode, Errno> {
        let descriptor = self.descriptors.get(fd)?;
        Ok(if Kernel::is_nonblocking(descriptor) { Mode::NonBlocking } else { Mode::Blocking })
    }

    fn set_nonblocking(&mut self, fd: Fd, mode: Mode) -> Result<(), Errno> {
        let descriptor = self.descriptors.get(fd)?;
        rustix::io::ioctl_fionbio(descriptor, mode == Mode::NonBlocking).map_err(self.named())
    }

    fn queued_bytes(&mut self, fd: Fd, which: Queued) -> Result<usize, Errno> {
        let which = match which {
            Queued::Received => kernel::Queued::Received,
            Queued::Unacknowledged => kernel::Queued::Unacknowledged,
            Queued::NotSent => kernel::Queued::NotSent,
        };
        let bytes = queued_bytes(self.descriptors.get(fd)?.as_fd(), which);
        bytes.map(|bytes| bytes.unsigned_abs() as usize).map_err(|error| self.errors.of(&error))
    }

    fn local_address(&self, fd: Fd) -> Result<SocketAddr, Errno> {
        net::getsockname(self.descriptors.get(fd)?).and_then(address).map_err(self.named())
    }

    fn peer_address(&self, fd: Fd) -> Result<SocketAddr, Errno> {
        let peer = net::getpeername(self.descriptors.get(fd)?).map_err(self.named())?;
        peer.ok_or(Number::NOTCONN).and_then(address).map_err(self.named())
    }

    fn option(&mut self, fd: Fd, name: OptionName) -> Result<OptionValue, Errno> {
        let descriptor = self.descriptors.get(fd)?;
        options::get(descriptor.as_fd(), descriptor.domain(), name, &self.errors)
    }

    fn set_option(&mut self, fd: Fd, name: OptionName, value: &OptionValue) -> Result<(), Errno> {
        let descriptor = self.descriptors.get(fd)?;
        options::set(descriptor.as_fd(), descriptor.domain(), name, value, &self.errors)
    }
}

impl Drop for Kernel {
    /// Wakes what still sleeps.
    fn drop(&mut self) {
        let _ = rustix::io::write(&self.over, &1u64.to_ne_bytes());
        for (_, descriptor) in self.descriptors.iter() {
            match descriptor.kind {
                Kind::Socket(..) => {
                    let _ = net::shutdown(descriptor, net::Shutdown::Both);
                }
                Kind::Epoll => {
                    let data = epoll::EventData::new_u64(0);
                    let _ = epoll::add(descriptor, &self.over, data, epoll::EventFlags::IN);
                }
            }
        }
    }
}
