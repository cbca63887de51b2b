//! What goes beyond RFC 9293, against the kernel's own: Fast Open, marks instead of losses, paths that swallow large
//! packets, and BBR. Over TUN, in a network namespace of their own; where that cannot be had, they say so and pass.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use common::namespace::in_namespace;
use common::pair::quick;
use common::pattern;
use rustix::net::{AddressFamily, SendFlags, SocketType};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;
use synfin::device::netem::{
    Chance, Discipline, Lane, Loss, Marking, PathMtu, Queue, QueueLimit, TooBigAnswer,
};
use synfin::device::{Impaired, Link, Tun, TunConfig};
use synfin::tcp::{CongestionControl, EcnFeedback, FastOpenOutcome, MtuProbing};
use synfin::{Stack, net, tcp};

const KERNEL: &str = "10.90.0.1:80";
const OURS: &str = "10.90.0.2:80";
/// `MSG_FASTOPEN` of tcp(7), which `rustix` does not name.
const MSG_FASTOPEN: SendFlags = SendFlags::from_bits_retain(0x2000_0000);

/// On a busy machine acknowledgments come late, and the tail is probed for nothing.
const PROBES_MAX: u32 = 3;

fn at(end: &str) -> SocketAddr {
    end.parse().unwrap()
}

fn tun() -> Tun {
    Tun::open(&TunConfig::new("synfin%d").with_host_address("10.90.0.1/24".parse().unwrap())).unwrap()
}

fn stack(link: impl Link + 'static, config: tcp::Config) -> Stack {
    Stack::builder().link(link).tcp(config).address("10.90.0.2/24").start().unwrap()
}

/// A setting of this namespace.
fn set(name: &str, value: &str) {
    std::fs::write(format!("/proc/sys/net/ipv4/{name}"), value).unwrap();
}

/// A counter of this namespace's TCP.
fn kernel_counter(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/net/netstat").unwrap();
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let mut pairs = names.split(' ').zip(values.split(' '));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value.parse().unwrap()).unwrap()
}

/// Sends back what it is sent, so many times.
fn echo(count: usize, mut accept: impl FnMut() -> Box<dyn Connected>) {
    for _ in 0..count {
        let mut stream = accept();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        stream.write_all(&text).unwrap();
    }
}

trait Connected: Read + Write {}

impl<T: Read + Write> Connected for T {}

/// The kernel asks with `MSG_FASTOPEN`, as any program would.
fn kernel_asks(text: &[u8]) {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    assert_eq!(rustix::net::sendto(&socket, text, MSG_FASTOPEN, &at(OURS)).unwrap(), text.len());
    let mut stream = std::net::TcpStream::from(socket);
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    assert_eq!(back, text);
}

#[test]
fn the_kernel_opens_fast_to_us() {
    in_namespace("the_kernel_opens_fast_to_us", || {
        set("tcp_fastopen", "1");
        let stack = stack(tun(), quick());
        let listener = net::TcpListener::bind(&stack, at(OURS)).unwrap();
        listener.set_fastopen(16).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| echo(3, || Box::new(listener.accept().unwrap().0)));
            kernel_asks(b"for a cookie");
            assert_eq!(stack.counters().fast_opens_taken, 0, "there was no cookie");
            kernel_asks(b"with the cookie");
            kernel_asks(b"and again");
        });
        assert_eq!(stack.counters().fast_opens_taken, 2);
        assert_eq!(
            kernel_counter("TCPFastOpenActive"),
            2,
            "the kernel saw its text acknowledged by the SYN-ACK"
        );
    });
}

#[test]
fn we_open_fast_to_the_kernel() {
    in_namespace("we_open_fast_to_the_kernel", || {
        // 2: servers; 0x400: listeners that did not ask, too.
        set("tcp_fastopen", "1026");
        let stack = stack(tun(), quick());
        let listener = std::net::TcpListener::bind(at(KERNEL)).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| echo(3, || Box::new(listener.accept().unwrap().0)));
            for outcome in [FastOpenOutcome::NoCookie, FastOpenOutcome::Taken, FastOpenOutcome::Taken] {
                let mut stream = net::TcpStream::connect_with(&stack, at(KERNEL), b"GET /").unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
                let mut back = Vec::new();
                stream.read_to_end(&mut back).unwrap();
                assert_eq!((stream.info().unwrap().fast_open, &back[..]), (outcome, &b"GET /"[..]));
            }
        });
        assert_eq!(kernel_counter("TCPFastOpenPassive"), 2);
    });
}

/// One transfer from us to the kernel, and what our end knew of it at its end.
fn we_send(stack: &Stack, bytes: usize) -> tcp::Info {
    let listener = std::net::TcpListener::bind(at(KERNEL)).unwrap();
    let text = pattern(bytes, 1);
    thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut received = Vec::new();
            listener.accept().unwrap().0.read_to_end(&mut received).unwrap();
            received
        });
        let mut stream = net::TcpStream::connect(stack, at(KERNEL)).unwrap();
        stream.write_all(&text).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        assert!(reading.join().unwrap() == text, "other bytes arrived");
        stream.info().unwrap()
    })
}

/// One transfer from the kernel to us.
fn the_kernel_sends(stack: &Stack, bytes: usize) -> tcp::Info {
    let listener = net::TcpListener::bind(stack, at(OURS)).unwrap();
    let text = pattern(bytes, 1);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut stream = std::net::TcpStream::connect(at(OURS)).unwrap();
            stream.write_all(&text).unwrap();
        });
        let mut received = Vec::new();
        let mut stream = listener.accept().unwrap().0;
        stream.read_to_end(&mut received).unwrap();
        assert!(received == text, "other bytes arrived");
        stream.info().unwrap()
    })
}

#[test]
fn a_queue_that_marks_slows_both_down_and_nothing_is_lost() {
    in_namespace("a_queue_that_marks_slows_both_down_and_nothing_is_lost", || {
        set("tcp_ecn", "1");
        let queue = Queue {
            limit: QueueLimit::Packets(1_000),
            discipline: Discipline::CODEL,
            marking: Marking::InsteadOfDropping,
        };
        let lane = Lane {
            rate_bits_per_s: Some(50_000_000),
            delay: Duration::from_millis(5),
            queue,
            ..Lane::default()
        };
        let config = tcp::Config { ecn_outgoing: EcnFeedback::Classic, ..quick() };
        let stack = stack(Impaired::new(tun(), lane.clone(), lane, 7), config);
        let sent = we_send(&stack, 4 << 20);
        assert_eq!((sent.ecn, sent.ecn_capable), (EcnFeedback::Classic, true));
        assert!(sent.marks_delivered > 0, "the queue marked nothing");
        assert!(sent.retransmissions <= PROBES_MAX, "{}", sent.retransmissions);
        let received = the_kernel_sends(&stack, 4 << 20);
        assert_eq!(received.ecn, EcnFeedback::Classic);
        assert!(received.marks_received > 0, "the queue marked nothing");
        assert!(received.duplicates_received <= PROBES_MAX, "{}", received.duplicates_received);
    });
}

#[test]
fn a_path_that_swallows_large_packets_is_found_out() {
    in_namespace("a_path_that_swallows_large_packets_is_found_out", || {
        let hole = PathMtu { mtu_bytes: 1_400, answer: TooBigAnswer::Silence };
        let lane = Lane { delay: Duration::from_millis(5), path_mtu: Some(hole), ..Lane::default() };
        let config = tcp::Config { mtu_probing: MtuProbing::OnBlackHole, ..quick() };
        let stack = stack(Impaired::new(tun(), lane.clone(), lane, 7), config);
        let sent = we_send(&stack, 1 << 20);
        assert!(sent.path_mtu_bytes <= 1_400, "{}", sent.path_mtu_bytes);
    });
}

#[test]
fn bbr_fills_a_path_to_the_kernel_that_loses() {
    in_namespace("bbr_fills_a_path_to_the_kernel_that_loses", || {
        let lane = |percent| Lane {
            rate_bits_per_s: Some(50_000_000),
            delay: Duration::from_millis(10),
            loss: Loss::Random(Chance::percent(percent)),
            ..Lane::default()
        };
        let config = tcp::Config { congestion: CongestionControl::Bbr, ..quick() };
        let stack = stack(Impaired::new(tun(), lane(0.5), lane(0.0), 7), config);
        let sent = we_send(&stack, 8 << 20);
        assert!(sent.retransmissions > 0, "nothing was lost");
        assert!(sent.pacing_bytes_per_s.is_some(), "BBR paces");
    });
}
