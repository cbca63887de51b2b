//! What a host has counted: traffic, and every packet that it discarded, by reason.
//!
//! A host must discard most bad packets without an answer; the reason is counted here. What is *not* here:
//! what a connection refuses; that is [`tcp::Refusal`], in the connection's trace.

use core::fmt;

macro_rules! discards {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// Why a packet, arriving or leaving, was discarded.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Discard {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Discard {
            /// Every reason, in the order of the layers.
            pub const ALL: &[Discard] = &[$(Discard::$name),+];

            /// A short word for filters and JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Discard::$name => $text,)+ }
            }
        }
    };
}

discards! {
    /// An interface that the host does not have.
    UnknownInterface = "unknown-interface",
    /// The Ethernet header is not complete.
    EthernetMalformed = "ethernet-malformed",
    /// An Ethernet frame for another station.
    EthernetNotForUs = "ethernet-not-for-us",
    /// An EtherType that is neither ARP nor IP.
    EthernetUnknownType = "ethernet-unknown-type",
    /// The ARP packet is not valid.
    ArpMalformed = "arp-malformed",
    /// The IP header is not valid, or its lengths contradict each other.
    IpMalformed = "ip-malformed",
    /// The IPv4 header checksum is wrong.
    IpHeaderChecksum = "ip-header-checksum",
    /// No host can have the source address: multicast, broadcast, unspecified, loopback from outside (MUST-63).
    IpBadSource = "ip-bad-source",
    /// The source is our own address, but the packet came from outside (LAND).
    IpSourceIsOurs = "ip-source-is-ours",
    /// The destination is not one of our addresses.
    IpNotForUs = "ip-not-for-us",
    /// The destination is our address on another interface than the one that the packet came by.
    IpOtherInterface = "ip-other-interface",
    /// The packet has a source route, which a host must not follow or answer (RFC 7126 §4.3).
    IpSourceRoute = "ip-source-route",
    /// An IPv6 extension header says that the packet must be discarded.
    Ipv6Extension = "ipv6-extension",
    /// A transport protocol that the host does not speak.
    UnknownProtocol = "unknown-protocol",
    /// A first fragment without the whole transport header, or one that would overwrite it (RFC 1858).
    FragmentTiny = "fragment-tiny",
    /// Fragments that overlap: the whole datagram is refused (RFC 5722).
    FragmentOverlap = "fragment-overlap",
    /// A fragment that reaches past 65,535 bytes or contradicts the length.
    FragmentLength = "fragment-length",
    /// A fragment is marked "congestion experienced", and another says that its sender is not capable of it
    /// (RFC 3168 §5.3).
    FragmentEcn = "fragment-ecn",
    /// A bound on reassembly was reached, and the oldest datagram, or the oldest of its source, was dropped.
    FragmentBound = "fragment-bound",
    /// Not all fragments came in time.
    FragmentTimeout = "fragment-timeout",
    /// The TCP header is not valid.
    TcpMalformed = "tcp-malformed",
    /// The TCP checksum is wrong.
    TcpChecksum = "tcp-checksum",
    /// A segment to a multicast or broadcast address (MUST-57).
    TcpNotUnicast = "tcp-not-unicast",
    /// A segment for a port without connection or listener; answered with a reset within the rate limit.
    TcpClosedPort = "tcp-closed-port",
    /// A segment that a listener ignores.
    TcpListenerIgnored = "tcp-listener-ignored",
    /// A SYN for a listener whose accept queue is full.
    TcpAcceptQueueFull = "tcp-accept-queue-full",
    /// A SYN beyond the bound on connections.
    TcpTooManyConnections = "tcp-too-many-connections",
    /// A SYN for a gate that holds as many as it may, or while memory is scarce or too many accepted flows are half
    /// open. Its sender tries again.
    TcpGateFull = "tcp-gate-full",
    /// A segment for a listener that acknowledges no cookie, while cookies are out: it may follow a third step that was
    /// lost.
    TcpNoCookie = "tcp-no-cookie",
    /// A segment that TIME-WAIT ignores.
    TcpTimeWait = "tcp-time-wait",
    /// A reset that the rate limit held back.
    ResetLimited = "reset-limited",
    /// The UDP header is not valid.
    UdpMalformed = "udp-malformed",
    /// The UDP checksum is wrong, or absent on IPv6.
    UdpChecksum = "udp-checksum",
    /// A datagram for a port without socket.
    UdpClosedPort = "udp-closed-port",
    /// A datagram for a socket whose receive queue is full, or for a gate that has no room for it.
    UdpQueueFull = "udp-queue-full",
    /// The ICMP message is not valid.
    IcmpMalformed = "icmp-malformed",
    /// The ICMP checksum is wrong.
    IcmpChecksum = "icmp-checksum",
    /// An ICMP message that a host does not act on.
    IcmpIgnored = "icmp-ignored",
    /// An ICMP error about a packet that none of our sockets sent.
    IcmpUnmatched = "icmp-unmatched",
    /// An ICMP error that the rate limit held back.
    IcmpErrorLimited = "icmp-error-limited",
    /// An echo reply that the rate limit held back, or a request when as many as allowed wait for the program.
    EchoLimited = "echo-limited",
    /// A neighbour discovery message that breaks the rules of RFC 4861 §7.1.
    NeighbourInvalid = "neighbour-invalid",
    /// A packet for a neighbour that does not answer, or more packets waiting for it than allowed.
    NeighbourUnresolved = "neighbour-unresolved",
    /// A packet for a neighbour that is not known, when the cache is full of neighbours that are worth more.
    NeighbourTableFull = "neighbour-table-full",
    /// A packet for which there is no route.
    NoRoute = "no-route",
    /// A packet when as many as allowed wait to leave.
    OutboxFull = "outbox-full",
    /// A packet to ourselves when as many as allowed wait to arrive.
    LoopbackFull = "loopback-full",
    /// Something that would have to be kept when memory was used up.
    MemoryFull = "memory-full",
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What a host has counted since it was created.
        #[derive(Clone, PartialEq, Eq)]
        pub struct Counters {
            $($(#[doc = $doc])+ pub $name: u64,)+
            discards: [u64; Discard::ALL.len()],
        }

        impl Default for Counters {
            fn default() -> Self {
                Counters { $($name: 0,)+ discards: [0; Discard::ALL.len()] }
            }
        }

        impl Counters {
            /// Every counter but those of discards: its name, what it counts, and its value.
            pub(crate) fn traffic(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), concat!($($doc),+).trim_ascii(), self.$name)),+].into_iter()
            }

            /// Name and value of every counter that is not zero, in the order of the layers.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
                let traffic = [$((stringify!($name), self.$name)),+];
                let discards = Discard::ALL.iter().map(|why| (why.name(), self.discarded(*why)));
                traffic.into_iter().chain(discards).filter(|(_, count)| *count > 0)
            }
        }
    };
}

counters! {
    /// Frames handed in.
    frames_received,
    /// Frames handed out.
    frames_sent,
    /// TCP segments or super-segments that reached a connection.
    segments_received,
    /// TCP segments or super-segments sent by connections.
    segments_sent,
    /// Connections opened by this host.
    active_opens,
    /// Connections opened by peers: SYNs accepted by listeners, and flows accepted at gates.
    passive_opens,
    /// Connections handed to the application by `tcp_accept`.
    accepted,
    /// Flows that began to wait at a gate.
    flows_held,
    /// SYNs of flows that waited already.
    flows_asked_again,
    /// Flows accepted by `accept_flow`.
    flows_accepted,
    /// Flows refused by `refuse_flow`, because their gate was closed, or because another connection had their ends.
    flows_refused,
    /// Flows that their peers withdrew with a reset.
    flows_withdrawn,
    /// Flows dropped because nobody had decided in time.
    flows_expired,
    /// SYNs answered with a cookie because too many connections were half open.
    cookies_sent,
    /// Connections created from the acknowledgment of a cookie.
    cookies_accepted,
    /// Connections opened with Fast Open: their SYN had text, or asked for a cookie.
    fast_opens_tried,
    /// How often Fast Open was left alone with a service, because it had failed there.
    fast_open_pauses,
    /// SYNs whose text was given to the application before the third step.
    fast_opens_taken,
    /// SYNs with a Fast Open cookie that was not ours, or not any more.
    fast_opens_refused,
    /// SYNs that asked for a Fast Open beyond a listener's bound, and got an ordinary handshake.
    fast_opens_over_bound,
    /// Fast Open cookies given to clients.
    fast_open_cookies_sent,
    /// Resets sent by the host itself, not by a connection.
    resets_sent,
    /// Connections moved to the TIME-WAIT table.
    time_waits,
    /// Connections removed from that table before 2 MSL had passed, because it was full.
    time_waits_forgotten,
    /// TIME-WAIT ended early by a newer connection (RFC 6191).
    time_waits_reopened,
    /// Datagrams given to UDP sockets and gates.
    datagrams_received,
    /// Datagrams sent by UDP sockets and through gates.
    datagrams_sent,
    /// Echo requests answered.
    echo_replies_sent,
    /// ICMP errors sent.
    icmp_errors_sent,
    /// ICMP errors delivered to a socket.
    icmp_errors_delivered,
    /// Datagrams put together from fragments.
    reassembled,
    /// How often memory became scarce ([`crate::MemoryLevel::Pressure`]).
    memory_pressures,
    /// How often it became so scarce that connections were ended ([`crate::MemoryLevel::High`]).
    memory_highs,
    /// How often it was used up ([`crate::MemoryLevel::Full`]).
    memory_fulls,
    /// Connections whose text out of order was dropped, because memory was scarce.
    disorders_pruned,
    /// Connections without a program that were reset, because memory was scarce or there were too many.
    orphans_ended,
    /// Connections that were reset because memory was scarce and they held much and got nowhere.
    stalled_ended,
    /// Writes that had to wait because memory was used up.
    writes_starved,
    /// Trace records dropped because they were not taken in time.
    traces_lost,
}

impl Counters {
    /// How many packets were discarded for this reason.
    pub fn discarded(&self, why: Discard) -> u64 {
        self.discards[why as usize]
    }

    /// How many packets were discarded for any reason.
    pub fn discarded_total(&self) -> u64 {
        self.discards.iter().sum()
    }

    pub(crate) fn discard(&mut self, why: Discard) {
        self.discards[why as usize] += 1;
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_happened_is_listed() {
        let mut counters = Counters { frames_received: 2, ..Counters::default() };
        counters.discard(Discard::TcpChecksum);
        assert_eq!(counters.iter().collect::<Vec<_>>(), [("frames_received", 2), ("tcp-checksum", 1)]);
        assert_eq!((counters.discarded(Discard::TcpChecksum), counters.discarded_total()), (1, 1));
        for (index, why) in Discard::ALL.iter().enumerate() {
            assert_eq!(*why as usize, index);
        }
    }
}
