//! What a host has counted: traffic, and every packet it did not take, by reason.
//!
//! A host drops in silence, as it must; the reason is kept here. What a connection refuses is not here:
//! that is [`tcp::Refusal`], in the connection's own trace.

use core::fmt;

macro_rules! discards {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// Why a packet, arriving or leaving, went no further.
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
    /// No whole Ethernet header.
    EthernetMalformed = "ethernet-malformed",
    /// An Ethernet frame for another station.
    EthernetNotForUs = "ethernet-not-for-us",
    /// An EtherType that is neither ARP nor IP.
    EthernetUnknownType = "ethernet-unknown-type",
    /// No valid ARP packet.
    ArpMalformed = "arp-malformed",
    /// No valid IP header, or lengths that contradict each other.
    IpMalformed = "ip-malformed",
    /// The IPv4 header checksum is wrong.
    IpHeaderChecksum = "ip-header-checksum",
    /// The source cannot be anybody's address: multicast, broadcast, unspecified, loopback from outside (MUST-63).
    IpBadSource = "ip-bad-source",
    /// The source is our own address, but the packet came from outside (LAND).
    IpSourceIsOurs = "ip-source-is-ours",
    /// The destination is none of our addresses.
    IpNotForUs = "ip-not-for-us",
    /// A source route: a host neither follows nor answers one (RFC 7126 §4.3).
    IpSourceRoute = "ip-source-route",
    /// An IPv6 extension header that asks for the packet to be discarded.
    Ipv6Extension = "ipv6-extension",
    /// A transport protocol that the host does not speak.
    UnknownProtocol = "unknown-protocol",
    /// A fragment too small to be honest, or that hides the transport header (RFC 1858).
    FragmentTiny = "fragment-tiny",
    /// Fragments that overlap: the whole datagram is refused (RFC 5722).
    FragmentOverlap = "fragment-overlap",
    /// A fragment that reaches past 65,535 bytes or contradicts the length.
    FragmentLength = "fragment-length",
    /// A bound on reassembly was reached; the oldest datagram went.
    FragmentBound = "fragment-bound",
    /// Not all fragments came in time.
    FragmentTimeout = "fragment-timeout",
    /// No valid TCP header.
    TcpMalformed = "tcp-malformed",
    /// The TCP checksum is wrong.
    TcpChecksum = "tcp-checksum",
    /// A segment to a multicast or broadcast address (MUST-57).
    TcpNotUnicast = "tcp-not-unicast",
    /// A segment for no connection; answered with a reset unless limited.
    TcpClosedPort = "tcp-closed-port",
    /// A segment that a listener ignores.
    TcpListenerIgnored = "tcp-listener-ignored",
    /// A SYN for a listener whose accept queue is full.
    TcpAcceptQueueFull = "tcp-accept-queue-full",
    /// A SYN beyond the bound on connections.
    TcpTooManyConnections = "tcp-too-many-connections",
    /// A segment that TIME-WAIT ignores.
    TcpTimeWait = "tcp-time-wait",
    /// A reset that the rate limit held back.
    ResetLimited = "reset-limited",
    /// No valid UDP header.
    UdpMalformed = "udp-malformed",
    /// The UDP checksum is wrong, or absent on IPv6.
    UdpChecksum = "udp-checksum",
    /// A datagram for no socket.
    UdpClosedPort = "udp-closed-port",
    /// A datagram for a socket that has no room.
    UdpQueueFull = "udp-queue-full",
    /// No valid ICMP message.
    IcmpMalformed = "icmp-malformed",
    /// The ICMP checksum is wrong.
    IcmpChecksum = "icmp-checksum",
    /// An ICMP message that asks for nothing we do.
    IcmpIgnored = "icmp-ignored",
    /// An ICMP error about a packet that none of our sockets sent.
    IcmpUnmatched = "icmp-unmatched",
    /// An ICMP error that the rate limit held back.
    IcmpErrorLimited = "icmp-error-limited",
    /// An echo reply that the rate limit held back.
    EchoLimited = "echo-limited",
    /// A neighbour discovery message that breaks the rules of RFC 4861 §7.1.
    NeighbourInvalid = "neighbour-invalid",
    /// A packet for a neighbour that does not answer, or one too many waiting for it.
    NeighbourUnresolved = "neighbour-unresolved",
    /// A packet for which there is no route.
    NoRoute = "no-route",
    /// A packet beyond the bound on those waiting to leave.
    OutboxFull = "outbox-full",
    /// A packet to ourselves beyond the bound on those waiting to arrive.
    LoopbackFull = "loopback-full",
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What a host has counted since it was made.
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
            /// Name and value of everything that is not zero, in the order of the layers.
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
    /// Connections opened by peers: SYNs taken.
    passive_opens,
    /// Connections handed to the application by `tcp_accept`.
    accepted,
    /// SYNs answered with a cookie because too many connections were half open.
    cookies_sent,
    /// Connections that came back from a cookie.
    cookies_accepted,
    /// Resets sent on the host's own account.
    resets_sent,
    /// Connections that went to the TIME-WAIT table.
    time_waits,
    /// Connections forgotten before 2 MSL had passed, because the table was full.
    time_waits_forgotten,
    /// TIME-WAIT ended early by a newer connection (RFC 6191).
    time_waits_reopened,
    /// Datagrams given to UDP sockets.
    datagrams_received,
    /// Datagrams sent by UDP sockets.
    datagrams_sent,
    /// Echo requests answered.
    echo_replies_sent,
    /// ICMP errors sent.
    icmp_errors_sent,
    /// ICMP errors delivered to a socket.
    icmp_errors_delivered,
    /// Datagrams put together from fragments.
    reassembled,
    /// Trace records lost because nobody took them.
    traces_lost,
}

impl Counters {
    /// How many packets went no further for this reason.
    pub fn discarded(&self, why: Discard) -> u64 {
        self.discards[why as usize]
    }

    /// How many packets went no further, for whatever reason.
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
