//! Packets: their flows, what is injected, what must be seen.

use super::codec::{self, Envelope, Live, LiveBody, LiveQuote};
use super::compare::{Check, differences};
use super::events::{Seconds, Window};
use super::flow::{Flow, SynOf};
use super::host::Ends;
use super::{Ended, Runner, Segments, Sent, Trouble, UnderTest, icmp_names};
use crate::ast::*;
use posix::Fd;
use std::net::SocketAddr;
use wire::Seq;

/// The first port for peers to which the script gives none.
const PEER_PORT: u16 = 40_000;

impl Runner<'_> {
    pub(super) fn on_socket(&mut self, fd: Fd) {
        self.code_fd = Some(fd);
        self.under_test = UnderTest::Port(self.plan.bind_port);
        self.awaits = SynOf::Server;
    }

    pub(super) fn on_listen(&mut self, fd: Fd) {
        self.awaits = SynOf::Client;
        if let Ok(local) = self.host.local_address(fd) {
            self.under_test = UnderTest::Port(local.port());
        }
    }

    pub(super) fn on_connect(&mut self, fd: Fd) {
        let Some(ends) = self.host.ends(fd) else { return };
        self.under_test = UnderTest::Flow(self.flow_of(ends));
        self.awaits = SynOf::Server;
    }

    /// The flow between these ends, which is created if it is new.
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

    /// The flow that a packet of the stack belongs to. ICMP has no ports, so it belongs to the flow under
    /// test.
    fn outbound_flow(&mut self, live: &Live) -> usize {
        match (&live.body, self.under_test) {
            (LiveBody::Icmp { .. } | LiveBody::Other(_), UnderTest::Flow(flow)) => flow,
            _ => self.flow_of(Ends { local: live.source, remote: live.destination }),
        }
    }

    pub(super) fn shown(&mut self, sent: &Sent) -> String {
        let flow = self.outbound_flow(&sent.live);
        format!("{}  at {}", self.flows[flow].relative(&sent.live), Seconds(sent.at))
    }

    // Packets.

    pub(super) fn inject(&mut self, packet: &Packet) -> Result<(), Trouble> {
        let index = self.inbound_flow(packet.ports);
        if let Body::Tcp(tcp) = &packet.body {
            self.flows[index].learn_of_peer(tcp, self.awaits);
        }
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
        if let Body::Tcp(tcp) = &packet.body {
            self.flows[index].settle_numbers(tcp);
        }
        self.host.inject(bytes)?;
        self.drain();
        Ok(())
    }

    fn icmp_bytes(&self, icmp: &IcmpPacket, envelope: &Envelope, flow: &Flow) -> Result<Vec<u8>, Trouble> {
        let names = if envelope.source.is_ipv6() { icmp_names::v6 } else { icmp_names::v4 };
        let unknown = || Trouble::Unmet(format!("the ICMP message `{}` on this version of IP", icmp.kind));
        let numbers = names(&icmp.kind, icmp.code.as_deref()).ok_or_else(unknown)?;
        let quoted = match icmp.quoted.unwrap_or(Quoted::Tcp(SeqRange {
            start: 0,
            len_bytes: 0,
            counted: Counted::FromInitial,
        })) {
            Quoted::Tcp(range) => LiveQuote {
                protocol: wire::ip::protocol::TCP,
                seq: flow.live_quoted(range),
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
    pub(super) fn expect(&mut self, event: usize, packet: &Packet, window: Window) -> Result<(), Ended> {
        self.pass(event, window.to, |runner| runner.candidate().is_some())?;
        let Some(mut sent) = self.take_candidate(packet.ports) else {
            return Err(Ended::Failed(self.nothing_sent(event, packet, window)?));
        };
        let index = self.outbound_flow(&sent.live);
        if let (LiveBody::Udp { .. }, UnderTest::Port(_)) = (&sent.live.body, self.under_test) {
            // Its answer comes to the port that sent it.
            self.under_test = UnderTest::Flow(index);
        }
        self.merge(event, packet, &mut sent, window)?;
        let flow = &mut self.flows[index];
        if let (Body::Tcp(expected), LiveBody::Tcp(seen)) = (&packet.body, &sent.live.body) {
            flow.learn(expected, seen);
        }
        if let (Some(Ports { source, destination }), None) = (packet.ports, flow.script_ports) {
            flow.script_ports = Some((destination, source));
        }
        let check = Check { push: self.push, tick: self.timestamp_tick, tolerance: self.tolerance };
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

    /// The packet to compare with an outbound line: the oldest of the flow under test, or else the oldest.
    fn candidate(&self) -> Option<usize> {
        let UnderTest::Flow(flow) = self.under_test else {
            return (!self.outbox.is_empty()).then_some(0);
        };
        let ends = self.flows[flow].ends;
        let ours = |sent: &Sent| {
            let ported = matches!(sent.live.body, LiveBody::Tcp(_) | LiveBody::Udp { .. });
            !ported || (sent.live.source, sent.live.destination) == (ends.local, ends.remote)
        };
        let found = self.outbox.iter().position(ours);
        found.or_else(|| (!self.outbox.is_empty()).then_some(0))
    }

    fn take_candidate(&mut self, ports: Option<Ports>) -> Option<Sent> {
        let by_ports = ports.and_then(|Ports { source, destination }| {
            self.outbox.iter().position(|sent| {
                let flow = self.flows.iter().find(|flow| {
                    (flow.ends.local, flow.ends.remote) == (sent.live.source, sent.live.destination)
                });
                flow.is_some_and(|flow| flow.script_ports == Some((destination, source)))
            })
        });
        let index = by_ports.or_else(|| self.candidate())?;
        self.outbox.remove(index)
    }

    /// The failure if nothing was sent in time. It waits a little longer, to say when the packet came.
    fn nothing_sent(
        &mut self,
        event: usize,
        packet: &Packet,
        window: Window,
    ) -> Result<Box<super::Failure>, Ended> {
        self.ongoing.clear();
        self.pass(event, window.to + self.host.late_max(), |runner| runner.candidate().is_some())?;
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
            let Some(next) = self.candidate().and_then(|index| self.outbox.get(index)) else {
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
            let flags = second.flags;
            let text_bytes = second.text_bytes;
            self.candidate().and_then(|index| self.outbox.remove(index));
            if let LiveBody::Tcp(first) = &mut sent.live.body {
                first.flags |= flags;
                first.text_bytes += text_bytes;
            }
        }
    }
}
