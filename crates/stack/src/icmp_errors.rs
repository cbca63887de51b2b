//! ICMP and ICMPv6 errors that we send (RFC 1122 §3.2.2, RFC 4443 §2.4 (e) and (f)).
//!
//! An error is never sent about an ICMP error, never sent to more than one host or about a packet to more
//! than one host, and never sent faster than the rate limit.

use crate::counters::Discard;
use crate::flow::Address;
use crate::gate::Unreachable;
use crate::host::Host;
use crate::packet::{Cast, Packet};
use crate::receive::may_be_answered;
use crate::route::Hop;
use bytes::Bytes;
use std::net::IpAddr;
use tcp::Instant;
use wire::icmp::{v4, v6};
use wire::ip::protocol;
use wire::ipv6::{Problem, ProblemKind};

/// RFC 792: fragment reassembly time exceeded. RFC 4443 §3.3 has the same number.
const REASSEMBLY: u8 = 1;

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug)]
enum IcmpError {
    /// No socket has the port.
    Port,
    /// The host does not speak the protocol.
    Protocol,
    /// Not all fragments arrived in time.
    Time,
    /// A field is wrong: the code of the parameter problem, and where the field is.
    Field { code: u8, pointer: u32 },
}

impl Host {
    pub(crate) fn send_port_unreachable(&mut self, now: Instant, packet: &Packet<'_>) {
        self.send_unicast_icmp_error(now, packet, IcmpError::Port);
    }

    pub(crate) fn send_protocol_unreachable(&mut self, now: Instant, packet: &Packet<'_>) {
        self.send_unicast_icmp_error(now, packet, IcmpError::Protocol);
    }

    pub(crate) fn send_reassembly_timeout(&mut self, now: Instant, packet: &Packet<'_>) {
        self.send_unicast_icmp_error(now, packet, IcmpError::Time);
    }

    pub(crate) fn send_parameter_problem(&mut self, now: Instant, packet: &Packet<'_>, pointer: u32) {
        self.send_unicast_icmp_error(now, packet, IcmpError::Field { code: 0, pointer });
    }

    pub(crate) fn send_extension_problem(&mut self, now: Instant, packet: &Packet<'_>, problem: Problem) {
        let pointer = problem.pointer;
        let code = match problem.kind {
            ProblemKind::RoutingType => 0,
            ProblemKind::NextHeader => 1,
            ProblemKind::Option | ProblemKind::OptionUnlessMulticast => 2,
            ProblemKind::OptionSilently => return,
        };
        // RFC 4443 §2.4 (e.3): an option marked 10 is answered even in a multicast packet.
        if problem.kind == ProblemKind::Option && packet.cast == Cast::Multicast {
            return self.send_icmp_error(now, packet, IcmpError::Field { code, pointer });
        }
        self.send_unicast_icmp_error(now, packet, IcmpError::Field { code, pointer });
    }

    fn send_unicast_icmp_error(&mut self, now: Instant, packet: &Packet<'_>, error: IcmpError) {
        if packet.cast == Cast::Unicast {
            self.send_icmp_error(now, packet, error);
        }
    }

    fn send_icmp_error(&mut self, now: Instant, packet: &Packet<'_>, error: IcmpError) {
        if !may_be_answered(packet.source) || is_icmp_error(packet) {
            return;
        }
        if packet.cast == Cast::Unicast && !self.speaks_for(packet.destination) {
            return;
        }
        let from = match packet.cast {
            Cast::Unicast => Some(packet.destination),
            _ => self.address_towards(packet),
        };
        let Some(from) = from else { return };
        let bytes = match (from.ip(), packet.source.ip()) {
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let quoted = packet.quote(v6::QUOTE_BYTES_MAX);
                let message = message_v6(error, packet, &quoted);
                let mut bytes = vec![0; message.len_bytes()];
                message.emit(&mut bytes, source, destination);
                bytes
            }
            _ => {
                let quoted = packet.quote(v4::QUOTE_BYTES_MAX);
                let message = message_v4(error, &quoted);
                let mut bytes = vec![0; message.len_bytes()];
                message.emit(&mut bytes);
                bytes
            }
        };
        if let Some(hop) = self.hop_back(from, packet.source, packet.arrival) {
            self.send_limited_icmp_error(now, hop, (from, packet.source), bytes);
        }
    }

    /// Sends an ICMP error from one address to another, unless there were too many lately.
    pub(crate) fn send_limited_icmp_error(
        &mut self,
        now: Instant,
        hop: Hop,
        (from, to): (Address, Address),
        message: Vec<u8>,
    ) {
        if !self.icmp_error_limit.take(now) {
            return self.counters.discard(Discard::IcmpErrorLimited);
        }
        if self.send_packet(now, hop, self.envelope(from, to), Bytes::from(message)).is_ok() {
            self.counters.icmp_errors_sent += 1;
        }
    }

    /// Our address for an answer to a packet that was not sent to one of our addresses.
    fn address_towards(&mut self, packet: &Packet<'_>) -> Option<Address> {
        let ip = packet.source.ip();
        let hop = self.route(std::net::SocketAddr::new(ip, 0))?;
        self.source_for(ip, hop).map(Into::into)
    }
}

/// The message that says that the packet which starts with `quoted`, and which was sent from `to` to `from`, could not
/// be delivered.
pub(crate) fn message_of_unreachable(
    what: Unreachable,
    (from, to): (Address, Address),
    quoted: &[u8],
) -> Vec<u8> {
    if let (IpAddr::V6(source), IpAddr::V6(destination)) = (from.ip(), to.ip()) {
        let code = match what {
            Unreachable::Network => v6::unreachable::NO_ROUTE,
            Unreachable::Host => v6::unreachable::ADDRESS,
            Unreachable::Port => v6::unreachable::PORT,
            Unreachable::Prohibited => v6::unreachable::PROHIBITED,
        };
        let quoted = &quoted[..quoted.len().min(v6::QUOTE_BYTES_MAX)];
        let message = v6::Message::Unreachable { code, quoted };
        let mut bytes = vec![0; message.len_bytes()];
        message.emit(&mut bytes, source, destination);
        return bytes;
    }
    let code = match what {
        Unreachable::Network => v4::unreachable::NETWORK,
        Unreachable::Host => v4::unreachable::HOST,
        Unreachable::Port => v4::unreachable::PORT,
        Unreachable::Prohibited => v4::unreachable::PROHIBITED,
    };
    let quoted = &quoted[..quoted.len().min(v4::QUOTE_BYTES_MAX)];
    let message = v4::Message::Unreachable { code, mtu_bytes: 0, quoted };
    let mut bytes = vec![0; message.len_bytes()];
    message.emit(&mut bytes);
    bytes
}

fn message_v4(error: IcmpError, quoted: &[u8]) -> v4::Message<'_> {
    match error {
        IcmpError::Port => v4::Message::Unreachable { code: v4::unreachable::PORT, mtu_bytes: 0, quoted },
        IcmpError::Protocol => {
            v4::Message::Unreachable { code: v4::unreachable::PROTOCOL, mtu_bytes: 0, quoted }
        }
        IcmpError::Time => v4::Message::TimeExceeded { code: REASSEMBLY, quoted },
        IcmpError::Field { code, pointer } => {
            v4::Message::ParameterProblem { code, pointer: u8::try_from(pointer).unwrap_or(0), quoted }
        }
    }
}

fn message_v6<'a>(error: IcmpError, packet: &Packet<'_>, quoted: &'a [u8]) -> v6::Message<'a> {
    match error {
        IcmpError::Port => v6::Message::Unreachable { code: v6::unreachable::PORT, quoted },
        // RFC 8200 §4: an unrecognized next header is a parameter problem with code 1.
        IcmpError::Protocol => {
            v6::Message::ParameterProblem { code: 1, pointer: packet.named_at as u32, quoted }
        }
        IcmpError::Time => v6::Message::TimeExceeded { code: REASSEMBLY, quoted },
        IcmpError::Field { code, pointer } => v6::Message::ParameterProblem { code, pointer, quoted },
    }
}

/// Whether a packet is an ICMP message other than a query; one that cannot be read counts as an error.
pub(crate) fn is_icmp_error(packet: &Packet<'_>) -> bool {
    match (packet.protocol, packet.transport().first()) {
        (protocol::ICMP, Some(kind)) => !matches!(kind, 0 | 8 | 13 | 14 | 15 | 16 | 17 | 18),
        (protocol::ICMPV6, Some(kind)) => *kind < 128,
        (protocol::ICMP | protocol::ICMPV6, None) => true,
        _ => false,
    }
}
