//! Every bound of a host, with its reason.
//!
//! Peers cannot make a host grow without limit: each table, queue and rate has its bound here. What
//! belongs to one connection (buffers, timers, algorithms) is in [`tcp::Config`].

use crate::budget::MemoryBudget;
use core::ops::RangeInclusive;
use core::time::Duration;
use std::sync::Arc;
use wire::Seq;

/// How initial sequence numbers are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IsnPolicy {
    /// A clock of 4 µs plus a keyed hash of both ends (RFC 6528 §3): the only safe choice on a network.
    #[default]
    Rfc6528,
    /// This number for every connection: for demonstrations and tests, whose output must be the same each time.
    Fixed(Seq),
}

/// Which packets for an address of ours are taken, by the interface that they arrive on (RFC 1122 §3.3.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HostModel {
    /// Those that arrive on the interface that has the address. Whoever is on one link cannot reach what the program
    /// opened on another: a neighbour in a café cannot look for connections inside a tunnel (CVE-2019-14899).
    #[default]
    Strong,
    /// Those that arrive on any interface, as Linux does. For a host whose peers reach one address over several links.
    Weak,
}

/// The bounds and choices of a host. `Config::default()` suits a server.
///
/// Fields are added in minor versions: write `Config { hop_limit, ..Config::default() }`.
#[derive(Clone, Debug)]
pub struct Config {
    /// The configuration of connections that are not given their own.
    pub tcp: Arc<tcp::Config>,
    /// How initial sequence numbers are chosen.
    pub isn: IsnPolicy,
    /// Ports for connections that ask for none (RFC 6335 §6: the dynamic ports, 49152-65535).
    pub ephemeral_ports: RangeInclusive<u16>,
    /// Which packets for our addresses are taken, by where they arrive.
    pub host_model: HostModel,
    /// Hop limit and TTL of packets sent (RFC 1122 §3.2.1.7: the recommended default is 64).
    pub hop_limit: u8,

    /// Memory for everything that grows with what others send: connections, what they hold, datagrams, fragments,
    /// tables. 256 MiB: four hundred thousand idle connections, or sixty with full buffers of 4 MiB. `Host::usage`
    /// tells what is held now, and [`crate::MemoryLevel`] what happens when it is too much.
    pub memory: MemoryBudget,
    /// Connections in all states but TIME-WAIT. A million idle ones take half a gigabyte.
    pub connections_max: usize,
    /// Connections that their application has closed and that are not over. Beyond it, the oldest that gets nowhere is
    /// reset (Linux: `tcp_max_orphans`). Each may still hold all that was written to it, and nobody waits for it.
    pub orphans_max: usize,
    /// Half-open connections of all listeners together. Beyond it, SYNs are answered with cookies
    /// (RFC 4987 §3.6), so that a flood costs no memory. As many flows that were accepted at gates may be half open;
    /// beyond it, SYNs are dropped there.
    pub half_open_max: usize,
    /// Connections in the compact TIME-WAIT table. Beyond it, the one that has waited longest is removed,
    /// as Linux does beyond `tcp_max_tw_buckets`.
    pub time_waits_max: usize,
    /// Listeners. Each is made by the application, so this only stops a leak.
    pub listeners_max: usize,
    /// UDP sockets. Each is made by the application, so this only stops a leak.
    pub udp_sockets_max: usize,
    /// Bytes of datagrams that wait in one UDP socket; later ones are dropped, as in every kernel.
    pub udp_receive_bytes_max: usize,

    /// Packets that wait to be taken from the host for one interface: answers, datagrams. Beyond it, answers are
    /// dropped and `udp_send_to` returns [`crate::Error::WouldBlock`].
    pub outbox_frames_max: usize,
    /// Packets from this host to itself that wait to arrive.
    pub loopback_frames_max: usize,
    /// Transmissions of one connection before the next connection's turn: few enough for fairness, enough
    /// for batches.
    pub transmissions_per_turn: u32,
    /// Trace records that wait to be taken. Beyond it, the oldest is dropped and counted.
    pub trace_records_max: usize,

    /// Resets for segments to closed ports, so that a scan with forged sources makes us send little.
    pub resets_per_second: Rate,
    /// ICMP and ICMPv6 error messages (RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f): MUST be limited).
    pub icmp_errors_per_second: Rate,
    /// ICMP and ICMPv6 echo replies.
    pub echo_replies_per_second: Rate,

    /// Neighbours whose link address is known or being asked for. Beyond it, a newcomer takes the place of one
    /// that is worth no more: strangers that made us remember them go first, neighbours that our sockets use
    /// and that have answered stay (RFC 6583 §7.1). Linux: `gc_thresh3`, 1,024.
    pub neighbours_max: usize,
    /// Bytes of packets that wait for one neighbour's address; beyond it the oldest is dropped. Linux:
    /// `unres_qlen_bytes`, 212,992, enough for three datagrams of 64 KB in fragments. The latest packet waits
    /// in any case (RFC 1122 §2.3.2.2).
    pub neighbour_pending_bytes_max: usize,
    /// Bytes of packets that wait for the addresses of all neighbours together; answers to packets of strangers
    /// (resets, echo replies, SYN-ACKs) take at most a quarter of it.
    pub neighbour_pending_total_bytes_max: usize,
    /// Solicitations before a neighbour counts as absent (RFC 4861 §10: 3).
    pub neighbour_solicitations_max: u8,
    /// Time between two solicitations (RFC 4861 §10: 1 s; RFC 1122 §2.3.2.1: at most one per second).
    pub neighbour_retransmit: Duration,
    /// How long an answer is trusted without asking again (RFC 4861 §10: 30 s).
    pub neighbour_reachable: Duration,
    /// How long a stale neighbour may be used before it is asked again (RFC 4861 §10: 5 s).
    pub neighbour_probe_delay: Duration,
    /// How long unused neighbours are kept (RFC 1122 §2.3.2.1: stale entries must be removed, after about
    /// a minute).
    pub neighbour_forget: Duration,
    /// Whether a router's advertisement installs a default route (RFC 4861 §6.3.4). Off by default:
    /// addresses and routes come from the program, and other hosts on the link cannot change them.
    pub accept_router_advertisements: bool,

    /// Bytes of memory that fragments take over all datagrams. Beyond it, the oldest datagram is dropped. Linux:
    /// `ipfrag_high_thresh`, 4 MiB.
    pub reassembly_bytes_max: usize,
    /// Datagrams under reassembly. Beyond it, the oldest is dropped. A flood of 150,000 fragments a second leaves
    /// each of these more than 20 ms.
    pub reassembly_datagrams_max: usize,
    /// Bytes of memory that the fragments of one source take. Beyond it, its oldest datagram is dropped, so that
    /// one stranger cannot fill the table.
    pub reassembly_source_bytes_max: usize,
    /// Datagrams of one source under reassembly. Beyond it, its oldest is dropped. Linux gives a datagram up
    /// after 64 others of its source (`ipfrag_max_dist`).
    pub reassembly_source_datagrams_max: usize,
    /// Fragments of one datagram; 64 KB in packets of 1,280 bytes are 52 fragments.
    pub reassembly_fragments_max: usize,
    /// How long a datagram waits for its fragments (RFC 1122 §3.3.2: 60 to 120 s for IPv4, RFC 8200 §4.5: 60 s;
    /// Linux waits 30 s, because identifications are reused within a minute).
    pub reassembly_timeout: Duration,

    /// Destinations whose path MTU is remembered. Beyond it, the oldest is removed.
    pub path_mtu_entries_max: usize,
    /// How long a path MTU is used (RFC 1191 §6.3, RFC 8201 §5.3: 10 minutes).
    pub path_mtu_age: Duration,
    /// Servers whose Fast Open cookie and MSS are remembered (RFC 7413 §4.1.3), and services with which Fast Open is left
    /// alone: so many of each. Beyond it, the oldest is removed.
    pub fast_open_peers_max: usize,
    /// How long Fast Open is left alone with a service where it failed; twice as long after each failure in a row, up to 64
    /// times. Linux: `tcp_fastopen_blackhole_timeout_sec`, for all servers together. Zero: not at all.
    pub fast_open_pause: Duration,
    /// The smallest IPv4 path MTU that an ICMP message may set; less would be an attack (RFC 5927 §7.2; Linux: 552).
    pub path_mtu_v4_min: u32,
}

/// A bound on how often something may be done.
///
/// It holds for periods of `burst / per_second` seconds. How many are allowed in a period, from half of `burst`
/// to all of it, is drawn anew each time, so that a stranger who counts answers learns nothing about what
/// others asked (CVE-2020-25705).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At most this many per second on average, and three quarters of it as a rule.
    pub per_second: u32,
    /// At most this many in a period.
    pub burst: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            tcp: Arc::default(),
            isn: IsnPolicy::default(),
            ephemeral_ports: 49_152..=65_535,
            host_model: HostModel::default(),
            hop_limit: 64,
            memory: MemoryBudget::of(256 << 20),
            connections_max: 1 << 21,
            orphans_max: 8_192,
            half_open_max: 16_384,
            time_waits_max: 1 << 18,
            listeners_max: 16_384,
            udp_sockets_max: 16_384,
            udp_receive_bytes_max: 1 << 20,
            outbox_frames_max: 1_024,
            loopback_frames_max: 1_024,
            transmissions_per_turn: 16,
            trace_records_max: 1 << 16,
            resets_per_second: Rate { per_second: 1_000, burst: 1_000 },
            icmp_errors_per_second: Rate { per_second: 100, burst: 50 },
            echo_replies_per_second: Rate { per_second: 10_000, burst: 1_000 },
            neighbours_max: 1_024,
            neighbour_pending_bytes_max: 212_992,
            neighbour_pending_total_bytes_max: 4 << 20,
            neighbour_solicitations_max: 3,
            neighbour_retransmit: Duration::from_secs(1),
            neighbour_reachable: Duration::from_secs(30),
            neighbour_probe_delay: Duration::from_secs(5),
            neighbour_forget: Duration::from_secs(60),
            accept_router_advertisements: false,
            reassembly_bytes_max: 4 << 20,
            reassembly_datagrams_max: 4_096,
            reassembly_source_bytes_max: 1 << 20,
            reassembly_source_datagrams_max: 64,
            reassembly_fragments_max: 64,
            reassembly_timeout: Duration::from_secs(30),
            path_mtu_entries_max: 1_024,
            path_mtu_age: Duration::from_secs(600),
            path_mtu_v4_min: 552,
            fast_open_peers_max: 1_024,
            fast_open_pause: Duration::from_secs(3_600),
        }
    }
}
