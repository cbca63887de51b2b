//! IPv4 (RFC 791 §3.1) and IPv6 with its extension headers (RFC 8200 §4), jumbograms (RFC 2675),
//! fragments, and what an IP packet carries. Options and routing headers are skipped.

use super::view::{be16, be32};
use super::walk::{Halt, IpFragment, Next, Walk};
use super::{Fragment, Ip, Layer, NotTcp};
use wire::ip::protocol;
use wire::{ipv4, ipv6};

impl<'a> Walk<'a> {
    pub(super) fn ip(&mut self) -> Result<Next, Halt<'a>> {
        match self.view.peek(1, Layer::Ipv4)?[0] >> 4 {
            4 => self.ipv4(),
            6 => self.ipv6(),
            _ => Err(Halt::NotTcp(NotTcp::Malformed(Layer::Ipv4))),
        }
    }

    fn ipv4(&mut self) -> Result<Next, Halt<'a>> {
        let (header, header_bytes) =
            ipv4::Header::parse(self.view.bytes).map_err(|error| self.refused(error, Layer::Ipv4))?;
        let total_bytes = usize::from(header.total_bytes);
        // Zero: a super-segment that the network card should cut; its length is that of the record.
        if total_bytes != 0 && total_bytes < header_bytes {
            return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Ipv4)));
        }
        self.view.take(header_bytes, Layer::Ipv4)?;
        if total_bytes != 0 {
            self.ip_payload(total_bytes - header_bytes);
        }
        let ip = Ip {
            src: header.source.into(),
            dst: header.destination.into(),
            ttl: header.ttl,
            traffic_class: header.dscp << 2 | header.ecn.bits(),
            dont_fragment: header.dont_fragment,
            id: Some(u32::from(header.identification)),
            flow_label: 0,
            total_bytes: total_bytes as u32,
        };
        self.ip = Some(ip);
        if !header.is_fragment() {
            return Ok(Next::Protocol(header.protocol));
        }
        self.fragment(IpFragment {
            walk: *self,
            ip,
            key_protocol: header.protocol,
            protocol: header.protocol,
            offset_bytes: u32::from(header.fragment_offset_bytes),
            more: header.more_fragments,
            data: self.view.bytes,
        })
    }

    fn ipv6(&mut self) -> Result<Next, Halt<'a>> {
        let header =
            ipv6::Header::parse(self.view.bytes).map_err(|error| self.refused(error, Layer::Ipv6))?;
        self.view.take(ipv6::HEADER_BYTES, Layer::Ipv6)?;
        let payload_bytes = usize::from(header.payload_bytes);
        // Zero: a jumbogram, whose option follows, or a super-segment as in IPv4.
        if payload_bytes != 0 {
            self.ip_payload(payload_bytes);
        }
        self.ip = Some(Ip {
            src: header.source.into(),
            dst: header.destination.into(),
            ttl: header.hop_limit,
            traffic_class: header.dscp << 2 | header.ecn.bits(),
            dont_fragment: true,
            id: None,
            flow_label: header.flow_label,
            total_bytes: if payload_bytes == 0 { 0 } else { (ipv6::HEADER_BYTES + payload_bytes) as u32 },
        });
        Ok(Next::Protocol(header.next_header))
    }

    /// What it means that a header cannot be read: the capture ends in it, or the packet does.
    fn refused(&self, error: wire::Error, layer: Layer) -> Halt<'a> {
        match error {
            wire::Error::Truncated { needed_bytes, .. } if needed_bytes <= self.view.wire_bytes => {
                Halt::NotTcp(NotTcp::Cut(layer))
            }
            _ => Halt::NotTcp(NotTcp::Malformed(layer)),
        }
    }

    /// Limits the view to the payload length of an IP header. A quotation holds only part of that payload, and so
    /// does the first of the fragments that a link made.
    fn ip_payload(&mut self, payload_bytes: usize) {
        self.view.limit(payload_bytes);
        if self.quote.is_some() || self.is_part {
            self.view.wire_bytes = payload_bytes;
        }
    }

    /// Reads what follows an IP header or an extension header.
    pub(super) fn protocol(&mut self, protocol: u8) -> Result<Next, Halt<'a>> {
        match protocol {
            protocol::HOP_BY_HOP => self.hop_by_hop(),
            protocol::ROUTING
            | protocol::DESTINATION_OPTIONS
            | protocol::MOBILITY
            | protocol::HIP
            | protocol::SHIM6 => self.extension(8),
            protocol::AUTHENTICATION => self.extension(4),
            protocol::FRAGMENT => self.ipv6_fragment(),
            protocol::IPV4_IN_IP | protocol::IPV6_IN_IP => Ok(self.enter_tunnel(Layer::IpInIp, Next::Ip)),
            protocol::MPLS_IN_IP => Ok(self.enter_tunnel(Layer::Mpls, Next::Mpls)),
            protocol::ETHERNET => Ok(self.enter_tunnel(Layer::EtherIp, Next::Ethernet)),
            protocol::ETHERIP => {
                self.view.take(2, Layer::EtherIp)?;
                Ok(self.enter_tunnel(Layer::EtherIp, Next::Ethernet))
            }
            protocol::GRE => self.gre(),
            protocol::L2TP => self.l2tp_in_ip(),
            protocol::UDP => self.udp(),
            protocol::ESP => Err(Halt::NotTcp(NotTcp::Encrypted(Layer::Esp))),
            protocol::ICMP | protocol::ICMPV6 => self.icmp(protocol),
            other => Err(Halt::NotTcp(NotTcp::Protocol(other))),
        }
    }

    /// Skips an extension header that gives its length in units of `unit_bytes`. The length field of AH,
    /// in units of 4 bytes, leaves 2 units out (RFC 4302 §2.2); that of the others, in units of 8 bytes,
    /// leaves 1 unit out (RFC 8200 §4).
    fn extension(&mut self, unit_bytes: usize) -> Result<Next, Halt<'a>> {
        let start = self.view.peek(8, Layer::Ipv6)?;
        let len = usize::from(start[1]) * unit_bytes + 8;
        self.view.take(len, Layer::Ipv6)?;
        Ok(Next::Protocol(start[0]))
    }

    /// Reads the length of a jumbogram; the other options do not matter here.
    fn hop_by_hop(&mut self) -> Result<Next, Halt<'a>> {
        const JUMBO: [u8; 2] = [0xc2, 4];
        let start = self.view.peek(8, Layer::Ipv6)?;
        if let Some(ip) = self.ip.as_mut().filter(|ip| ip.total_bytes == 0 && start[2..4] == JUMBO) {
            let payload_bytes = be32(start, 4);
            ip.total_bytes = payload_bytes.saturating_add(40);
            self.ip_payload(payload_bytes as usize);
        }
        self.extension(8)
    }

    /// RFC 8200 §4.5; a fragment that is the whole packet is an ordinary packet (RFC 6946).
    fn ipv6_fragment(&mut self) -> Result<Next, Halt<'a>> {
        let header = self.view.take(8, Layer::Ipv6)?;
        let protocol = header[0];
        let place = be16(header, 2);
        let Some(ip) = self.ip.as_mut() else { return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Ipv6))) };
        ip.id = Some(be32(header, 4));
        let ip = *ip;
        let (offset_bytes, more) = (u32::from(place & 0xfff8), place & 1 != 0);
        if offset_bytes == 0 && !more {
            return Ok(Next::Protocol(protocol));
        }
        let data = self.view.bytes;
        self.fragment(IpFragment { walk: *self, ip, key_protocol: 0, protocol, offset_bytes, more, data })
    }

    /// A fragment that was captured whole can be reassembled with others. If the capture cut it, or an ICMP
    /// error quotes it, it is read only if it is the first, because the first has the TCP header.
    fn fragment(&mut self, fragment: IpFragment<'a>) -> Result<Next, Halt<'a>> {
        let is_whole = self.view.bytes.len() == self.view.wire_bytes && self.quote.is_none();
        if is_whole {
            return Err(Halt::Fragment(Box::new(fragment)));
        }
        if fragment.offset_bytes != 0 {
            return Err(Halt::NotTcp(NotTcp::Fragment));
        }
        self.fragment = Fragment::First;
        Ok(Next::Protocol(fragment.protocol))
    }
}
