//! Our own stack as the host under test: `posix` over one link, in virtual time.
//!
//! Time jumps from one event to the next.

use super::codec::live_of;
use super::host::{Beginning, Broken, Ends, Happened, Host, NotMade, Pending, Queued, Recorded, Setting};
use super::{HostSettings, sysctls};
use crate::ast::Direction;
use bytes::Bytes;
use posix::{
    Domain, EpollEvent, EpollOperation, Errno, Fd, Mode, OptionName, OptionValue, PollEntry, Received,
    RecvFlags, SendFlags, Shutdown, Stop, System, Type,
};
use stack::{Cidr, Interface, InterfaceId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tcp::{Instant, MtuProbing, State, Trace};
use wire::{Frame, LinkCapabilities, Medium, TransmitChecksum};

/// The time of the stack's clock at which a script begins. It must not be zero, but is otherwise arbitrary.
const START: Instant = Instant::from_millis(1_000_000);

/// The key of every random choice, so that the same script gives the same bytes.
const SECRET: [u8; 32] = *b"a script always runs the same...";

/// How many times the stack may wake up without a packet or an event of the script in between. A stack
/// that wakes more often than this has a timer that re-arms itself.
const WAKES_MAX: usize = 100_000;

pub(crate) struct World {
    settings: HostSettings,
    system: System,
    now: Instant,
    interface: InterfaceId,
    record: Vec<Recorded>,
    states: BTreeMap<(u16, u16), State>,
    /// Rows of the state table that were taken.
    rows: BTreeSet<u8>,
    /// Records before this one have their states.
    settled: usize,
    wakes: usize,
}

impl World {
    /// # Errors
    /// The first setting that we do not support.
    pub(crate) fn new(beginning: &Beginning) -> Result<Self, NotMade> {
        let mut settings = HostSettings::new(beginning.habits);
        for setting in &beginning.settings {
            sysctls::apply(&mut settings, setting).map_err(|need| NotMade { need, event: setting.event })?;
        }
        settings.defaults.config.mss_bytes_default = match beginning.addresses.first() {
            Some(IpAddr::V6(_)) => settings.mss_bytes_default_v6,
            Some(IpAddr::V4(_)) | None => settings.mss_bytes_default_v4,
        };
        if let Some(wanted) = settings.black_holes {
            let is_v6 = matches!(beginning.addresses.first(), Some(IpAddr::V6(_)));
            let is_wanted = wanted[usize::from(is_v6)];
            settings.defaults.config.mtu_probing =
                if is_wanted { MtuProbing::OnBlackHole } else { MtuProbing::Off };
        }
        let mut config = settings.host.clone();
        config.tcp = settings.defaults.config.clone().into();
        let mut host = stack::Host::new(config, SECRET);
        if let Some(keys) = settings.fast_open_keys {
            host.set_fast_open_keys(keys);
        }
        let addresses = beginning.addresses.iter().filter_map(|ip| {
            let bits = if ip.is_ipv4() { 16 } else { 64 };
            Cidr::new(*ip, bits)
        });
        let interface = host.add_interface(Interface {
            name: "script0".to_owned(),
            capabilities: LinkCapabilities {
                medium: Medium::Ip,
                mtu_bytes: beginning.mtu_bytes,
                super_segment_bytes_max: 0,
                transmit_checksum: TransmitChecksum::Full,
            },
            hardware: None,
            addresses: addresses.collect(),
        });
        for unspecified in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            if let Some(everywhere) = Cidr::new(unspecified, 0) {
                host.add_route(everywhere, None, interface);
            }
        }
        host.set_tracing(beginning.tracing);
        let mut system = System::new(host, settings.habits());
        *system.defaults_mut() = settings.defaults.clone();
        Ok(World {
            settings,
            system,
            now: START,
            interface,
            record: Vec::new(),
            states: BTreeMap::new(),
            rows: BTreeSet::new(),
            settled: 0,
            wakes: 0,
        })
    }

    /// Notes states and reasons of the packets recorded since the last time.
    fn settle_states(&mut self) {
        let mut reasons = VecDeque::new();
        while let Some(record) = self.system.host_mut().poll_trace() {
            let flow = (record.flow.local.port(), record.flow.remote.port());
            match record.trace {
                Trace::Sent { segment, why } => reasons.push_back((flow, segment.seq, why.sentence())),
                _ => {
                    if let Some(row) = record.trace.row() {
                        self.states.insert(flow, row.to);
                        self.rows.insert(row.index());
                    }
                }
            }
        }
        let mut last = None;
        for recorded in &mut self.record[self.settled..] {
            let live = live_of(recorded.direction, &recorded.bytes);
            let flow = match recorded.direction {
                Direction::Out => (live.source.port(), live.destination.port()),
                Direction::In => (live.destination.port(), live.source.port()),
            };
            recorded.state = self.states.get(&flow).copied();
            if let super::codec::LiveBody::Tcp(tcp) = &live.body
                && recorded.direction == Direction::Out
            {
                let found = reasons.iter().position(|(of, seq, _)| (*of, *seq) == (flow, tcp.seq));
                let why = found.and_then(|found| reasons.remove(found)).map(|(_, _, why)| (flow, why));
                // The pieces of one transmission have one reason.
                last = why.or(last.filter(|(of, _)| *of == flow));
                recorded.why = last.map(|(_, why)| why);
            }
        }
        self.settled = self.record.len();
    }
}

impl Host for World {
    fn elapsed(&self) -> Duration {
        self.now.since(START)
    }

    fn begin_event(&mut self) {
        self.wakes = 0;
    }

    fn inject(&mut self, bytes: Vec<u8>) -> Result<(), Broken> {
        let at = self.elapsed();
        let frame = Frame::from_bytes(Bytes::from(bytes.clone()));
        self.record.push(Recorded { at, direction: Direction::In, bytes, state: None, why: None });
        self.system.handle_frame(self.now, self.interface, frame);
        self.drain();
        Ok(())
    }

    fn drain(&mut self) {
        while let Some((_, frame)) = self.system.poll_transmit(self.now) {
            let at = self.elapsed();
            let bytes = frame.to_vec();
            self.record.push(Recorded { at, direction: Direction::Out, bytes, state: None, why: None });
        }
        self.settle_states();
    }

    fn record(&self) -> &[Recorded] {
        &self.record
    }

    fn into_record(self: Box<Self>) -> Vec<Recorded> {
        self.record
    }

    fn step(&mut self, until: Duration) -> Result<Happened, Broken> {
        self.drain();
        let until = START + until;
        let due = self.system.poll_timeout().filter(|due| *due <= until);
        let Some(due) = due else {
            self.now = self.now.max(until);
            return Ok(Happened::Nothing);
        };
        self.wakes += 1;
        if self.wakes > WAKES_MAX {
            let storm = "the stack wakes up without end: a timer arms itself again and again";
            return Err(Broken(storm.to_owned()));
        }
        self.now = self.now.max(due);
        self.system.handle_timeout(self.now);
        self.drain();
        Ok(Happened::Something)
    }

    fn deadline(&self, pending: &Pending) -> Option<Duration> {
        pending.waiting.deadline().map(|at| at.since(START))
    }

    fn set(&mut self, setting: &Setting) -> Result<(), String> {
        sysctls::apply(&mut self.settings, setting)?;
        *self.system.defaults_mut() = self.settings.defaults.clone();
        let host = self.system.host_mut();
        host.set_fast_open_pause(self.settings.host.fast_open_pause);
        if let Some(keys) = self.settings.fast_open_keys {
            host.set_fast_open_keys(keys);
        }
        Ok(())
    }

    fn instead(&self) -> BTreeSet<String> {
        self.settings.instead.clone()
    }

    fn listed(&mut self) -> Option<Vec<stack::Listed>> {
        Some(self.system.host().tcp_census())
    }

    fn drop_connection(&mut self, ends: Ends) -> Result<bool, Errno> {
        let dropped = self.system.host_mut().tcp_drop(self.now, ends.local, ends.remote);
        self.drain();
        Ok(dropped)
    }

    fn rows(&self) -> BTreeSet<u8> {
        self.rows.clone()
    }

    fn ends(&self, fd: Fd) -> Option<Ends> {
        let id = self.system.socket_id(fd)?;
        let host = self.system.host();
        Some(Ends { local: host.local_addr(id)?, remote: host.remote_addr(id)? })
    }

    fn info(&mut self, fd: Fd) -> Result<Vec<(&'static str, u64)>, Errno> {
        match self.system.option(self.now, fd, OptionName::Info)? {
            OptionValue::Info(info) => Ok(info.fields()),
            _ => Ok(Vec::new()),
        }
    }

    fn socket(&mut self, domain: Domain, kind: Type) -> Result<Fd, Errno> {
        self.system.socket(domain, kind)
    }

    fn bind(&mut self, fd: Fd, address: SocketAddr) -> Result<(), Errno> {
        self.system.bind(fd, address)
    }

    fn listen(&mut self, fd: Fd, backlog: i32) -> Result<(), Errno> {
        self.system.listen(fd, backlog)
    }

    fn accept(&mut self, fd: Fd, _: &mut Pending) -> Result<(Fd, SocketAddr), Stop> {
        self.system.accept(self.now, fd)
    }

    fn connect(&mut self, fd: Fd, remote: SocketAddr, pending: &mut Pending) -> Result<(), Stop> {
        self.system.connect(self.now, fd, remote, &mut pending.waiting)
    }

    fn close(&mut self, fd: Fd, pending: &mut Pending) -> Result<(), Stop> {
        self.system.close(self.now, fd, &mut pending.waiting)
    }

    fn shutdown(&mut self, fd: Fd, how: Shutdown) -> Result<(), Errno> {
        self.system.shutdown(self.now, fd, how)
    }

    fn recv(
        &mut self,
        fd: Fd,
        into: &mut [u8],
        flags: RecvFlags,
        pending: &mut Pending,
    ) -> Result<Received, Stop> {
        self.system.recv(self.now, fd, into, flags, &mut pending.waiting)
    }

    fn send(
        &mut self,
        fd: Fd,
        data: &[u8],
        flags: SendFlags,
        to: Option<SocketAddr>,
        pending: &mut Pending,
    ) -> Result<usize, Stop> {
        self.system.send(self.now, fd, data, flags, to, &mut pending.waiting)
    }

    fn poll(
        &mut self,
        entries: &mut [PollEntry],
        timeout: Option<Duration>,
        pending: &mut Pending,
    ) -> Result<usize, Stop> {
        self.system.poll(self.now, entries, timeout, &mut pending.waiting)
    }

    fn epoll_create(&mut self) -> Result<Fd, Errno> {
        self.system.epoll_create()
    }

    fn epoll_control(
        &mut self,
        epoll: Fd,
        operation: EpollOperation,
        fd: Fd,
        event: EpollEvent,
    ) -> Result<(), Errno> {
        self.system.epoll_control(epoll, operation, fd, event)
    }

    fn epoll_wait(
        &mut self,
        epoll: Fd,
        most: usize,
        timeout: Option<Duration>,
        pending: &mut Pending,
    ) -> Result<Vec<EpollEvent>, Stop> {
        self.system.epoll_wait(self.now, epoll, most, timeout, &mut pending.waiting)
    }

    fn mode(&self, fd: Fd) -> Result<Mode, Errno> {
        self.system.mode(fd)
    }

    fn set_nonblocking(&mut self, fd: Fd, mode: Mode) -> Result<(), Errno> {
        self.system.set_nonblocking(fd, mode)
    }

    fn queued_bytes(&mut self, fd: Fd, which: Queued) -> Result<usize, Errno> {
        match which {
            Queued::Received => self.system.bytes_readable(fd),
            Queued::Unacknowledged => self.system.bytes_unacknowledged(fd),
            Queued::NotSent => self.system.bytes_not_sent(self.now, fd),
        }
    }

    fn local_address(&self, fd: Fd) -> Result<SocketAddr, Errno> {
        self.system.local_address(fd)
    }

    fn peer_address(&self, fd: Fd) -> Result<SocketAddr, Errno> {
        self.system.peer_address(fd)
    }

    fn option(&mut self, fd: Fd, name: OptionName) -> Result<OptionValue, Errno> {
        self.system.option(self.now, fd, name)
    }

    fn acts_on(&self, name: OptionName, value: &OptionValue) -> bool {
        match name {
            OptionName::WindowClamp => *value == OptionValue::Int(0),
            // IP_PMTUDISC_WANT and IP_PMTUDISC_DO: what we always do.
            OptionName::MtuDiscover => matches!(value, OptionValue::Int(1 | 2)),
            _ => true,
        }
    }

    fn set_option(&mut self, fd: Fd, name: OptionName, value: &OptionValue) -> Result<(), Errno> {
        self.system.set_option(self.now, fd, name, value)
    }
}
