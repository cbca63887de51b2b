//! ICMP and ICMPv6 messages that arrive (RFC 792, RFC 4443, RFC 1122 §3.2.2).
//!
//! Echo requests are answered. Errors are matched by the packet that they quote and delivered to the
//! connection, which checks the quoted sequence number (RFC 5927), or to the UDP socket. Source quench is
//! discarded (MUST-55). What is *not* here: errors that we send (`icmp_errors.rs`), neighbours.

use crate::build::Envelope;
use crate::counters::Discard;
use crate::flow::{Address, FlowKey};
use crate::host::Host;
use crate::interface::InterfaceId;
use crate::limits::MTU_V6_MIN;
use crate::packet::{Cast, Packet};
use crate::path_mtu::plateau_below;
use crate::receive::may_be_answered;
use crate::time_wait::TIME_WAIT_BIT;
use bytes::Bytes;
use std::net::{IpAddr, SocketAddr};
use tcp::{Error, Instant, PathEvent};
use wire::icmp::{Echo, Quoted, v4, v6};
use wire::ip::protocol;
use wire::{Frame, checksum};

/// What an ICMP error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Report {
    Hard(Error),
    Soft(Error),
    /// The MTU of the next hop; zero from a router older than RFC 1191 (§5).
    TooBig(u32),
}

/// RFC 9293 §3.9.2.2 and RFC 1122 §3.2.2.1: codes 2 to 4 are hard errors. Of the later codes, those that
/// say "prohibited" are hard errors too.
fn report_v4(code: u8, mtu_bytes: u16) -> Report {
    match code {
        0 | 6 | 11 => Report::Soft(Error::NetworkUnreachable),
        2 => Report::Hard(Error::ProtocolUnreachable),
        3 => Report::Hard(Error::PortUnreachable),
        v4::unreachable::FRAGMENTATION_NEEDED => Report::TooBig(u32::from(mtu_bytes)),
        5 => Report::Soft(Error::SourceRouteFailed),
        7 => Report::Soft(Error::HostUnknown),
        8 => Report::Soft(Error::HostIsolated),
        9 => Report::Hard(Error::NetworkProhibited),
        10 | 13 => Report::Hard(Error::Prohibited),
        _ => Report::Soft(Error::HostUnreachable),
    }
}

/// RFC 4443 §3.1.
fn report_v6(code: u8) -> Report {
    match code {
        v6::unreachable::NO_ROUTE => Report::Soft(Error::NetworkUnreachable),
        v6::unreachable::PROHIBITED | 5 | 6 => Report::Hard(Error::Prohibited),
        v6::unreachable::PORT => Report::Hard(Error::PortUnreachable),
        _ => Report::Soft(Error::HostUnreachable),
    }
}

/// RFC 792 and RFC 4443 §3.3 have the same codes.
fn report_time(code: u8) -> Report {
    Report::Soft(if code == 0 { Error::HopsExceeded } else { Error::HostUnreachable })
}

impl Host {
    /// An ICMP message arrives in a contiguous packet.
    pub(crate) fn receive_icmp_v4(&mut self, now: Instant, packet: &Packet<'_>) {
        let bytes = packet.transport();
        if checksum::of(bytes) != 0 {
            return self.counters.discard(Discard::IcmpChecksum);
        }
        match v4::Message::parse(bytes) {
            Err(_) => self.counters.discard(Discard::IcmpMalformed),
            Ok(v4::Message::EchoRequest(echo)) => self.receive_echo(now, packet, echo),
            Ok(v4::Message::Unreachable { code, mtu_bytes, quoted }) => {
                self.deliver_icmp_error(now, packet, quoted, report_v4(code, mtu_bytes));
            }
            Ok(v4::Message::TimeExceeded { code, quoted }) => {
                self.deliver_icmp_error(now, packet, quoted, report_time(code));
            }
            Ok(v4::Message::ParameterProblem { quoted, .. }) => {
                self.deliver_icmp_error(now, packet, quoted, Report::Soft(Error::ParameterProblem));
            }
            // Replies, and what says nothing to a host.
            Ok(_) => {
                self.counters.discard(Discard::IcmpIgnored);
            }
        }
    }

    /// An ICMPv6 message arrives in a contiguous packet.
    pub(crate) fn receive_icmp_v6(&mut self, now: Instant, packet: &Packet<'_>) {
        let bytes = packet.transport();
        let (IpAddr::V6(source), IpAddr::V6(destination)) = (packet.source.ip(), packet.destination.ip())
        else {
            return;
        };
        if !v6::checksum_is_good(bytes, source, destination) {
            return self.counters.discard(Discard::IcmpChecksum);
        }
        match v6::Message::parse(bytes) {
            Err(_) => self.counters.discard(Discard::IcmpMalformed),
            Ok(v6::Message::EchoRequest(echo)) => self.receive_echo(now, packet, echo),
            Ok(v6::Message::Unreachable { code, quoted }) => {
                self.deliver_icmp_error(now, packet, quoted, report_v6(code));
            }
            Ok(v6::Message::PacketTooBig { mtu_bytes, quoted }) => {
                self.deliver_icmp_error(now, packet, quoted, Report::TooBig(mtu_bytes));
            }
            Ok(v6::Message::TimeExceeded { code, quoted }) => {
                self.deliver_icmp_error(now, packet, quoted, report_time(code));
            }
            Ok(v6::Message::ParameterProblem { code, quoted, .. }) => {
                // RFC 1122 §3.2.2.5 and §4.2.3.9: a parameter problem is soft.
                let error = if code == 1 { Error::NextHeaderUnknown } else { Error::ParameterProblem };
                self.deliver_icmp_error(now, packet, quoted, Report::Soft(error));
            }
            Ok(v6::Message::Neighbor(message)) => self.receive_neighbour_message(now, packet, &message),
            Ok(_) => {
                self.counters.discard(Discard::IcmpIgnored);
            }
        }
    }

    /// Answers an echo request that was sent to us alone; broadcasts are not answered (RFC 1122 §3.2.2.6).
    fn receive_echo(&mut self, now: Instant, packet: &Packet<'_>, echo: Echo<'_>) {
        if packet.cast != Cast::Unicast || !may_be_answered(packet.source) {
            return self.counters.discard(Discard::IcmpIgnored);
        }
        if !self.arrive_as_echo(packet, echo) {
            self.send_echo_reply(now, (packet.destination, packet.source), packet.arrival, echo);
        }
    }

    /// Sends an echo reply from one address to another, whose packets come by an interface.
    pub(crate) fn send_echo_reply(
        &mut self,
        now: Instant,
        (local, remote): (Address, Address),
        came_by: InterfaceId,
        echo: Echo<'_>,
    ) {
        let Some(hop) = self.hop_back(local, remote, came_by) else {
            return self.counters.discard(Discard::NoRoute);
        };
        if !self.echo_limit.take(now) {
            return self.counters.discard(Discard::EchoLimited);
        }
        let envelope = self.envelope(local, remote);
        let bytes = match (local.ip(), remote.ip()) {
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                let reply = v6::Message::EchoReply(echo);
                let mut bytes = vec![0; reply.len_bytes()];
                reply.emit(&mut bytes, from, to);
                bytes
            }
            _ => {
                let reply = v4::Message::EchoReply(echo);
                let mut bytes = vec![0; reply.len_bytes()];
                reply.emit(&mut bytes);
                bytes
            }
        };
        if self.send_packet(now, hop, envelope, Bytes::from(bytes)).is_ok() {
            self.counters.echo_replies_sent += 1;
        }
    }

    /// An envelope for an ICMP message.
    pub(crate) fn envelope(&self, source: Address, destination: Address) -> Envelope {
        let protocol = if source.is_v4() { protocol::ICMP } else { protocol::ICMPV6 };
        Envelope { source, destination, protocol, hop_limit: self.config.hop_limit, traffic_class: 0 }
    }

    /// Delivers an ICMP error to the socket whose packet it quotes.
    fn deliver_icmp_error(&mut self, now: Instant, packet: &Packet<'_>, quoted: &[u8], report: Report) {
        let Ok(quotation) = Quoted::parse(quoted) else {
            return self.counters.discard(Discard::IcmpMalformed);
        };
        // If not ours, the message is about a packet that another host sent, or was not sent to us alone.
        let ours = Address::from(quotation.source) == packet.destination && packet.cast == Cast::Unicast;
        let Some((local_port, remote_port)) = quotation.ports().filter(|_| ours) else {
            return self.counters.discard(Discard::IcmpUnmatched);
        };
        let local = SocketAddr::new(quotation.source, local_port);
        let key = FlowKey::new(local, SocketAddr::new(quotation.destination, remote_port));
        let report = match report {
            Report::TooBig(mtu_bytes) => Report::TooBig(self.believable_mtu(&key, mtu_bytes, quoted)),
            other => other,
        };
        let delivered = match quotation.protocol {
            protocol::TCP => {
                quotation.tcp_seq().is_some_and(|seq| self.report_to_tcp(now, &key, seq, report))
            }
            protocol::UDP => self.report_to_udp(now, &key, quotation.text, report),
            _ => false,
        };
        if delivered {
            self.counters.icmp_errors_delivered += 1;
        } else {
            self.counters.discard(Discard::IcmpUnmatched);
        }
    }

    /// The MTU that a message reports, but never below the minimum of IPv6 or of the configuration (RFC 1191
    /// §5 and §7.1, RFC 8201 §4).
    fn believable_mtu(&self, key: &FlowKey, mtu_bytes: u32, quoted: &[u8]) -> u32 {
        if !key.is_v4() {
            return mtu_bytes.max(MTU_V6_MIN);
        }
        let packet_bytes = quoted.get(2..4).map_or(0, |len| u32::from(u16::from_be_bytes([len[0], len[1]])));
        let reported = if mtu_bytes == 0 { plateau_below(packet_bytes) } else { mtu_bytes };
        reported.max(self.config.path_mtu_v4_min)
    }

    fn report_to_tcp(&mut self, now: Instant, key: &FlowKey, seq: wire::Seq, report: Report) -> bool {
        let Some(index) = self.find_place(key).filter(|place| place & TIME_WAIT_BIT == 0) else {
            return false;
        };
        let Some(socket) = self.sockets.at_mut(index) else { return false };
        let before = socket.connection.path().mtu_bytes;
        let event = match report {
            Report::Hard(error) => PathEvent::HardError { error, seq },
            Report::Soft(error) => PathEvent::SoftError { error, seq },
            Report::TooBig(mtu_bytes) => PathEvent::PacketTooBig { mtu_bytes, seq },
        };
        socket.connection.handle_path(now, event);
        let after = socket.connection.path().mtu_bytes;
        if after < before {
            // The connection accepted the message, so later connections use its MTU too.
            self.path_mtus.learn(now, key.remote, after, self.config.path_mtu_entries_max);
        }
        self.touch_connection(now, index);
        true
    }

    /// What is said about the path serves UDP alone, and only if the quoted datagram was sent: it is not as hard to
    /// forge as what a connection confirms.
    fn report_to_udp(&mut self, now: Instant, key: &FlowKey, quoted: &[u8], report: Report) -> bool {
        match report {
            Report::Hard(error) | Report::Soft(error) => {
                self.udp_failed(key, error) || self.gate_failed(key, error)
            }
            Report::TooBig(mtu_bytes) => {
                let udp_bytes = quoted.get(4..6).map_or(0, |len| u16::from_be_bytes([len[0], len[1]]));
                let was_sent =
                    self.udp_has_sent(now, key, udp_bytes) || self.gate_has_sent(now, key, udp_bytes);
                if was_sent {
                    self.udp_path_mtus.learn(now, key.remote, mtu_bytes, self.config.path_mtu_entries_max);
                }
                was_sent
            }
        }
    }

    /// The neighbour for a packet of ours does not answer: its socket gets the error that a router would send.
    pub(crate) fn report_unreachable(&mut self, now: Instant, frame: &Frame) {
        let bytes = frame.head.as_slice();
        let Some(quotation) = bytes.get(wire::ethernet::HEADER_BYTES..).and_then(|ip| Quoted::parse(ip).ok())
        else {
            return;
        };
        let Some((local_port, remote_port)) = quotation.ports() else { return };
        let local = SocketAddr::new(quotation.source, local_port);
        let key = FlowKey::new(local, SocketAddr::new(quotation.destination, remote_port));
        let report = Report::Soft(Error::HostUnreachable);
        match quotation.protocol {
            protocol::TCP => {
                if let Some(seq) = quotation.tcp_seq() {
                    self.report_to_tcp(now, &key, seq, report);
                }
            }
            protocol::UDP => {
                self.report_to_udp(now, &key, quotation.text, report);
            }
            _ => {}
        }
    }
}
