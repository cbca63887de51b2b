//! The events, one after the other: what is injected, what must be seen, what is called.

use super::calls::{Answer, Progress};
use super::codec::{self, Envelope, Live, LiveBody, LiveQuote};
use super::compare::{TimestampCheck, differences};
use super::flow::{Ends, Flow};
use super::world::{Sent, TimerStorm};
use super::{Ended, Ongoing, Runner, Segments, Trouble, UnderTest, commands, icmp_names, python};
use crate::ast::*;
use posix::{Fd, OptionName, OptionValue, TcpInfo};
use std::net::SocketAddr;
use std::time::Duration;
use wire::Seq;

/// When an event may happen, counted from the script's start.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: Duration,
    to: Duration,
    /// What later relative times count from; `None`: when it really happened.
    nominal: Option<Duration>,
}

/// How long `*` waits at most: longer than any timer of TCP.
const ANY_TIME_MAX: Duration = Duration::from_secs(86_400);

/// How much longer to look for a packet that is late, only to say when it came.
const LATE_MAX: Duration = Duration::from_secs(600);

/// The first port of a peer that the script gives none.
const PEER_PORT: u16 = 40_000;

impl Runner<'_> {
    /// Plays all events, then looks for what nobody expected.
    pub(super) fn play(&mut self) -> Result<(), Ended> {
        for index in 0..self.script.events.len() {
            self.world.begin_event();
            self.event(index)?;
        }
        let last = self.script.events.len().saturating_sub(1);
        while let Some(until) = self.ongoing.iter().map(|call| call.until + call.tolerance).max() {
            self.pass_until(last, until)?;
            if let Some(call) = self.ongoing.first() {
                let event = call.event;
                return Err(Ended::Failed(
                    self.failure(event, "the call still waits at the end of the script"),
                ));
            }
        }
        self.pass_until(last, self.world.elapsed())?;
        if let Some(sent) = self.world.outbox.pop_front() {
            let mut failure =
                self.failure(last, "after this the stack sent a packet that the script does not expect");
            failure.seen = Some(self.shown(&sent));
            return Err(Ended::Failed(failure));
        }
        match python::check(&self.blocks, self.ground.profile) {
            python::Verdict::Passed => Ok(()),
            python::Verdict::NoPython => {
                Err(Ended::Skipped("needs python3 for its blocks of code".to_owned()))
            }
            python::Verdict::Failed(event, said) => {
                Err(Ended::Failed(self.failure(event, format!("the block of code failed: {said}"))))
            }
        }
    }

    fn event(&mut self, index: usize) -> Result<(), Ended> {
        let event = &self.script.events[index];
        let window = self.window(event.when);
        match &event.what {
            What::Packet(packet) if packet.direction == Direction::Out => {
                self.expect(index, packet, window)?
            }
            what => {
                let exact = window.nominal.unwrap_or(window.from);
                self.pass_until(index, exact)?;
                match what {
                    What::Packet(packet) => {
                        self.inject(packet).map_err(|trouble| self.ended(index, trouble))?
                    }
                    What::Call(call) => self.call(index, call)?,
                    What::Command(command) => self.command(index, command)?,
                    What::Code(code) => self.code(index, code),
                }
            }
        }
        self.base = window.nominal.unwrap_or_else(|| self.world.elapsed());
        Ok(())
    }

    fn window(&self, when: When) -> Window {
        let exact = |at: Duration| {
            let share = at.saturating_sub(self.base).mul_f64(self.tolerance_percent / 100.0);
            let tolerance = self.tolerance.max(share);
            Window { from: at.saturating_sub(tolerance), to: at + tolerance, nominal: Some(at) }
        };
        let range = |from: Duration, to: Duration| Window {
            from: from.saturating_sub(self.tolerance),
            to: to + self.tolerance,
            nominal: None,
        };
        match when {
            When::AtOnce => exact(self.base),
            When::Absolute(at) => exact(at),
            When::Relative(after) => exact(self.base + after),
            When::AbsoluteRange(from, to) => range(from, to),
            When::RelativeRange(from, to) => range(self.base + from, self.base + to),
            When::Any => {
                let now = self.world.elapsed();
                Window { from: Duration::ZERO, to: now + ANY_TIME_MAX, nominal: None }
            }
        }
    }

    // Time.

    /// Lets time pass until `until`; calls that sleep may return meanwhile.
    fn pass_until(&mut self, event: usize, until: Duration) -> Result<(), Ended> {
        self.pass(event, until, |_| false)
    }

    /// Lets time pass until `until`, or until `enough` says so.
    fn pass(&mut self, event: usize, until: Duration, enough: fn(&Self) -> bool) -> Result<(), Ended> {
        loop {
            self.world.drain();
            self.resume()?;
            if enough(self) {
                return Ok(());
            }
            let next = self.next_deadline().filter(|next| *next < until).unwrap_or(until);
            let fired =
                self.world.step(self.world.instant(next)).map_err(|TimerStorm| {
                    Ended::Failed(self.failure(
                        event,
                        "the stack wakes up without end: a timer arms itself again and again",
                    ))
                })?;
            if !fired && self.world.elapsed() >= until {
                self.resume()?;
                self.world.drain();
                return Ok(());
            }
        }
    }

    /// When a sleeping call must be looked at again at the latest.
    fn next_deadline(&self) -> Option<Duration> {
        let now = self.world.elapsed();
        let deadlines = self.ongoing.iter().flat_map(|call| {
            let timeout =
                call.progress.waiting.deadline().map(|at| at.since(self.world.instant(Duration::ZERO)));
            [Some(call.until + call.tolerance), timeout].into_iter().flatten()
        });
        deadlines.filter(|deadline| *deadline > now).min()
    }

    /// Makes the sleeping calls again.
    fn resume(&mut self) -> Result<(), Ended> {
        for mut ongoing in std::mem::take(&mut self.ongoing) {
            let event = ongoing.event;
            let What::Call(call) = &self.script.events[event].what else { continue };
            match self.attempt(call, &mut ongoing.progress) {
                Ok(answer) => {
                    self.returned_on_time(event, ongoing.until, ongoing.tolerance)?;
                    self.verify(event, call, answer)?;
                }
                Err(Trouble::Blocked) if self.world.elapsed() >= ongoing.until + ongoing.tolerance => {
                    let message = format!("the call should have returned at {}", Seconds(ongoing.until));
                    return Err(Ended::Failed(self.failure(event, message)));
                }
                Err(Trouble::Blocked) => self.ongoing.push(ongoing),
                Err(trouble) => return Err(self.ended(event, trouble)),
            }
        }
        Ok(())
    }

    fn returned_on_time(&self, event: usize, until: Duration, tolerance: Duration) -> Result<(), Ended> {
        let now = self.world.elapsed();
        if now + tolerance >= until && now <= until + tolerance {
            return Ok(());
        }
        let message = format!("the call returned at {}, not at {}", Seconds(now), Seconds(until));
        Err(Ended::Failed(self.failure(event, message)))
    }

    // Calls, commands and code.

    fn call(&mut self, event: usize, call: &Call) -> Result<(), Ended> {
        let mut progress = Progress::default();
        let relative = matches!(self.script.events[event].when, When::Relative(_) | When::RelativeRange(..));
        let until = call.until.map(|until| if relative { self.base + until } else { until });
        let attempt = self.attempt(call, &mut progress);
        match (attempt, until) {
            (Ok(answer), None) => self.verify(event, call, answer)?,
            (Ok(answer), Some(until)) => {
                self.returned_on_time(event, until, self.tolerance)?;
                self.verify(event, call, answer)?;
            }
            (Err(Trouble::Blocked), Some(until)) => {
                self.ongoing.push(Ongoing { event, progress, until, tolerance: self.tolerance });
            }
            (Err(trouble), _) => return Err(self.ended(event, trouble)),
        }
        self.world.drain();
        Ok(())
    }

    fn verify(&mut self, event: usize, call: &Call, answer: Answer) -> Result<(), Ended> {
        let expected = &call.outcome;
        let mut differences = answer.differences;
        let errno = answer.errno.map(|errno| errno.name());
        let wanted =
            expected.errno.as_deref().map(|name| if name == "EWOULDBLOCK" { "EAGAIN" } else { name });
        if expected.value != Expr::Any || wanted.is_some() {
            if wanted != errno {
                let name = |errno: Option<&str>| errno.unwrap_or("no error").to_owned();
                differences.push(format!("error: expected {}, seen {}", name(wanted), name(errno)));
            }
            if expected.value != Expr::Any {
                let value = self.integer(&expected.value).map_err(|trouble| self.ended(event, trouble))?;
                match answer.descriptor {
                    Some(fd) if value >= 0 => {
                        self.fds.insert(value, fd);
                    }
                    _ if value != answer.value => {
                        differences.push(format!("result: expected {value}, seen {}", answer.value));
                    }
                    _ => {}
                }
            }
        } else if let Some(fd) = answer.descriptor {
            self.fds.insert(fd.0.into(), fd);
        }
        if call.name == "close"
            && answer.errno.is_none()
            && let Some(Ok(number)) = call.arguments.first().map(|fd| self.integer(fd))
        {
            self.fds.remove(&number);
        }
        if differences.is_empty() {
            return Ok(());
        }
        let mut failure =
            self.failure(event, format!("`{}` did not return what the script expects", call.name));
        failure.expected = Some(expected.to_string());
        failure.seen = Some(match answer.errno {
            Some(errno) => format!("-1 {errno}"),
            None => answer.value.to_string(),
        });
        failure.differences = differences;
        Err(Ended::Failed(failure))
    }

    fn command(&mut self, event: usize, command: &str) -> Result<(), Ended> {
        let directory = self.options.directory.as_deref();
        commands::run(&mut self.ground, command, directory)
            .map_err(|need| self.ended(event, Trouble::Unmet(need)))?;
        *self.world.system.defaults_mut() = self.ground.defaults.clone();
        Ok(())
    }

    fn code(&mut self, event: usize, code: &str) {
        let now = self.world.now();
        let info = self.code_fd.and_then(|fd| self.world.system.option(now, fd, OptionName::Info).ok());
        let info = match info {
            Some(OptionValue::Info(info)) => *info,
            _ => TcpInfo::default(),
        };
        self.blocks.push(python::Block { event, code: code.to_owned(), info });
    }

    // Flows.

    pub(super) fn on_socket(&mut self, fd: Fd) {
        self.code_fd = Some(fd);
        self.under_test = UnderTest::Port(self.plan.bind_port);
    }

    pub(super) fn on_listen(&mut self, fd: Fd) {
        if let Ok(local) = self.world.system.local_address(fd) {
            self.under_test = UnderTest::Port(local.port());
        }
    }

    pub(super) fn on_connect(&mut self, fd: Fd) {
        let host = self.world.system.host();
        let Some(id) = self.world.system.socket_id(fd) else { return };
        let (Some(local), Some(remote)) = (host.local_addr(id), host.remote_addr(id)) else { return };
        self.under_test = UnderTest::Flow(self.flow_of(Ends { local, remote }));
    }

    /// The flow between these ends, begun now if it is new.
    fn flow_of(&mut self, ends: Ends) -> usize {
        if let Some(known) = self.flows.iter().position(|flow| flow.ends == ends) {
            return known;
        }
        self.flows.push(Flow::new(ends, None));
        self.flows.len() - 1
    }

    /// The flow that an inbound packet belongs to.
    fn inbound_flow(&mut self, ports: Option<Ports>) -> usize {
        let (remote_port, local_port, written) = match (ports, self.under_test) {
            (None, UnderTest::Flow(flow)) => return flow,
            (None, UnderTest::Port(local)) => (PEER_PORT.wrapping_add(self.flows.len() as u16), local, None),
            (Some(Ports { source, destination }), _) => {
                let written = (source, destination);
                if let Some(known) = self.flows.iter().position(|flow| flow.script_ports == Some(written)) {
                    return known;
                }
                (source, destination, Some(written))
            }
        };
        let local = SocketAddr::new(self.plan.local, local_port);
        let remote = SocketAddr::new(self.plan.remote, remote_port);
        let flow = self.flow_of(Ends { local, remote });
        if written.is_some() {
            self.flows[flow].script_ports = written;
        }
        self.under_test = UnderTest::Flow(flow);
        flow
    }

    /// The flow that a packet of the stack belongs to. ICMP has no ports: it is about the flow under test.
    fn outbound_flow(&mut self, live: &Live) -> usize {
        match (&live.body, self.under_test) {
            (LiveBody::Icmp { .. } | LiveBody::Other(_), UnderTest::Flow(flow)) => flow,
            _ => self.flow_of(Ends { local: live.source, remote: live.destination }),
        }
    }

    fn shown(&mut self, sent: &Sent) -> String {
        let flow = self.outbound_flow(&sent.live);
        format!("{}  at {}", self.flows[flow].relative(&sent.live), Seconds(sent.at))
    }

    // Packets.

    fn inject(&mut self, packet: &Packet) -> Result<(), Trouble> {
        let index = self.inbound_flow(packet.ports);
        let flow = &self.flows[index];
        let Ends { local, remote } = flow.ends;
        let envelope = Envelope { source: remote, destination: local, ip: packet.ip };
        let bytes = match &packet.body {
            Body::Tcp(tcp) => {
                let live = flow.live_tcp(tcp, self.scaled_echo);
                codec::tcp_packet(&envelope, &live).map_err(Trouble::Script)?
            }
            Body::Udp { len_bytes } => codec::udp_packet(&envelope, *len_bytes),
            Body::Icmp(icmp) => self.icmp_bytes(icmp, &envelope, flow)?,
            Body::Unsupported { what, .. } => return Err(Trouble::Unmet(what.clone())),
        };
        self.world.inject(bytes);
        Ok(())
    }

    fn icmp_bytes(&self, icmp: &IcmpPacket, envelope: &Envelope, flow: &Flow) -> Result<Vec<u8>, Trouble> {
        let names = if envelope.source.is_ipv6() { icmp_names::v6 } else { icmp_names::v4 };
        let unknown = || Trouble::Unmet(format!("the ICMP message `{}` on this version of IP", icmp.kind));
        let numbers = names(&icmp.kind, icmp.code.as_deref()).ok_or_else(unknown)?;
        let quoted = match icmp.quoted.unwrap_or(Quoted::Tcp(SeqRange { start: 0, len_bytes: 0 })) {
            Quoted::Tcp(range) => LiveQuote {
                protocol: wire::ip::protocol::TCP,
                seq: Seq::new(range.start.wrapping_add(flow.offset)),
                text_bytes: range.len_bytes,
            },
            Quoted::Udp { len_bytes } => LiveQuote {
                protocol: wire::ip::protocol::UDP,
                seq: Seq::new(0),
                text_bytes: u32::from(len_bytes),
            },
        };
        let sent =
            Envelope { source: envelope.destination, destination: envelope.source, ip: IpInfo::default() };
        let quotation = codec::quotation(&sent, &quoted);
        let rest = icmp.mtu_bytes.unwrap_or(0);
        Ok(codec::icmp_packet(envelope, numbers.kind, numbers.code, rest, &quotation))
    }

    /// Waits for a packet and compares it.
    fn expect(&mut self, event: usize, packet: &Packet, window: Window) -> Result<(), Ended> {
        self.pass(event, window.to, |runner| runner.candidate().is_some())?;
        let Some(mut sent) = self.take_candidate(packet.ports) else {
            return Err(Ended::Failed(self.nothing_sent(event, packet, window)?));
        };
        let index = self.outbound_flow(&sent.live);
        self.merge(event, packet, &mut sent, window)?;
        let flow = &mut self.flows[index];
        if let (Body::Tcp(expected), LiveBody::Tcp(seen)) = (&packet.body, &sent.live.body) {
            flow.learn(expected, seen);
        }
        if let (Some(Ports { source, destination }), None) = (packet.ports, flow.script_ports) {
            flow.script_ports = Some((destination, source));
        }
        let check = TimestampCheck { tick: self.timestamp_tick, tolerance: self.tolerance };
        let mut wrong = differences(packet, &sent.live, flow, check);
        if sent.at < window.from {
            let due = window.nominal.unwrap_or(window.from);
            wrong.push(format!("time: expected {}, seen {}", Seconds(due), Seconds(sent.at)));
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let mut failure =
            self.failure(event, "the packet that was sent is not the one that the script expects");
        failure.expected = Some(packet.to_string());
        failure.seen = Some(self.shown(&sent));
        failure.differences = wrong;
        Err(Ended::Failed(failure))
    }

    /// The packet that an outbound line is about: the oldest of the flow under test, else the oldest.
    fn candidate(&self) -> Option<usize> {
        let UnderTest::Flow(flow) = self.under_test else {
            return (!self.world.outbox.is_empty()).then_some(0);
        };
        let ends = self.flows[flow].ends;
        let ours = |sent: &Sent| {
            let ported = matches!(sent.live.body, LiveBody::Tcp(_) | LiveBody::Udp { .. });
            !ported || (sent.live.source, sent.live.destination) == (ends.local, ends.remote)
        };
        let found = self.world.outbox.iter().position(ours);
        found.or_else(|| (!self.world.outbox.is_empty()).then_some(0))
    }

    fn take_candidate(&mut self, ports: Option<Ports>) -> Option<Sent> {
        let by_ports = ports.and_then(|Ports { source, destination }| {
            self.world.outbox.iter().position(|sent| {
                let flow = self.flows.iter().find(|flow| {
                    (flow.ends.local, flow.ends.remote) == (sent.live.source, sent.live.destination)
                });
                flow.is_some_and(|flow| flow.script_ports == Some((destination, source)))
            })
        });
        let index = by_ports.or_else(|| self.candidate())?;
        self.world.outbox.remove(index)
    }

    /// The failure when nothing was sent in time; looks a little further, to say when it came.
    fn nothing_sent(
        &mut self,
        event: usize,
        packet: &Packet,
        window: Window,
    ) -> Result<Box<super::Failure>, Ended> {
        self.ongoing.clear();
        self.pass(event, window.to + LATE_MAX, |runner| runner.candidate().is_some())?;
        let late = self.take_candidate(packet.ports).map(|sent| self.shown(&sent));
        let due = Seconds(window.nominal.unwrap_or(window.to));
        let message = match late {
            Some(_) => format!("nothing was sent at {due}; the next packet came too late"),
            None => format!("nothing was sent at {due}, nor afterwards"),
        };
        let mut failure = self.failure(event, message);
        failure.expected = Some(packet.to_string());
        failure.seen = late;
        Ok(failure)
    }

    /// Adds following segments until the line's length is reached.
    fn merge(&mut self, event: usize, packet: &Packet, sent: &mut Sent, window: Window) -> Result<(), Ended> {
        let wanted = match &packet.body {
            Body::Tcp(TcpPacket { seq: Field::Is(range), .. }) if self.segments == Segments::Merged => {
                range.len_bytes
            }
            _ => return Ok(()),
        };
        loop {
            let LiveBody::Tcp(first) = &sent.live.body else { return Ok(()) };
            if first.text_bytes == 0 || first.text_bytes >= wanted {
                return Ok(());
            }
            self.pass(event, window.to, |runner| runner.candidate().is_some())?;
            let Some(next) = self.candidate().and_then(|index| self.world.outbox.get(index)) else {
                return Ok(());
            };
            let LiveBody::Tcp(second) = &next.live.body else { return Ok(()) };
            let follows = (next.live.source, next.live.destination)
                == (sent.live.source, sent.live.destination)
                && second.seq == first.seq + first.text_bytes
                && second.ack == first.ack
                && second.text_bytes > 0
                && !second.flags.syn();
            if !follows {
                return Ok(());
            }
            let (flags, text_bytes) = (second.flags, second.text_bytes);
            self.candidate().and_then(|index| self.world.outbox.remove(index));
            if let LiveBody::Tcp(first) = &mut sent.live.body {
                first.flags |= flags;
                first.text_bytes += text_bytes;
            }
        }
    }
}

/// A time for messages.
struct Seconds(Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.6} s", self.0.as_secs_f64())
    }
}
