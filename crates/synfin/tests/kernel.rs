//! Our sockets against the kernel's, over TUN, in a network namespace of their own. Needs `/dev/net/tun` and
//! the right to make a namespace; without them it says so and passes, except where `CI` is set.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use common::namespace::in_namespace;
use common::pair::quick;
use common::{Listener, Stream, digest, pattern};
use std::io::ErrorKind;
use std::net::{Shutdown, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};
use synfin::device::{Chance, Impaired, Lane, Link, Loss, Tun, TunConfig};
use synfin::{Stack, net};

const TRANSFER_BYTES: usize = 24 << 20;
const KERNEL: [&str; 2] = ["10.90.0.1", "fd90::1"];
const OURS: [&str; 2] = ["10.90.0.2", "fd90::2"];

fn stack(super_segments: bool) -> Stack {
    let mut config = config();
    if !super_segments {
        config.super_segment_bytes_max = 0;
    }
    stack_over(Tun::open(&config).unwrap())
}

fn config() -> TunConfig {
    TunConfig::new("synfin%d")
        .with_host_address("10.90.0.1/24".parse().unwrap())
        .with_host_address("fd90::1/64".parse().unwrap())
}

fn stack_over(link: impl Link + 'static) -> Stack {
    let stack = Stack::builder().link(link).tcp(quick());
    let stack = stack.address("10.90.0.2/24").address("fd90::2/64").start().unwrap();
    wait_for_ipv6();
    stack
}

/// The kernel does not use an IPv6 address before it has made sure that nobody else has it.
fn wait_for_ipv6() {
    common::eventually("the kernel's IPv6 address can be used", || {
        std::net::UdpSocket::bind("[fd90::1]:0").is_ok()
    });
}

fn end(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), port)
}

/// `sender` sends everything and finishes, `receiver` reads to the end; says how fast.
fn transfer<S: Stream, R: Stream>(what: &str, bytes: usize, mut sender: S, mut receiver: R) {
    let sent = pattern(bytes, 1);
    let expected = digest(&sent);
    let began = Instant::now();
    let writing = thread::spawn(move || {
        sender.write_all(&sent).unwrap();
        sender.shutdown(Shutdown::Write).unwrap();
        assert_eq!(sender.read(&mut [0; 8]).unwrap(), 0);
    });
    let mut received = Vec::with_capacity(bytes);
    receiver.read_to_end(&mut received).unwrap();
    let took = began.elapsed();
    drop(receiver);
    writing.join().unwrap();
    assert_eq!((received.len(), digest(&received)), (bytes, expected));
    println!("{what}: {:.3} Gbit/s", bytes as f64 * 8.0 / took.as_secs_f64() / 1e9);
}

fn both_ways<A: Listener, B: Stream>(
    what: &str,
    bytes: usize,
    listener: &A,
    connect: impl Fn(SocketAddr) -> B,
) where
    A::Stream: Stream,
{
    let to = listener.local_addr().unwrap();
    let client = connect(to);
    transfer(&format!("{what}, client to server"), bytes, client, listener.accept().unwrap().0);
    let client = connect(to);
    transfer(&format!("{what}, server to client"), bytes, listener.accept().unwrap().0, client);
}

#[test]
fn bulk_both_ways() {
    in_namespace("bulk_both_ways", || {
        for super_segments in [true, false] {
            let stack = stack(super_segments);
            let way = if super_segments { "super-segments" } else { "single segments" };
            for (kernel, ours) in KERNEL.into_iter().zip(OURS) {
                let listener = net::TcpListener::bind(&stack, end(ours, 80)).unwrap();
                both_ways(&format!("kernel client, {ours}, {way}"), TRANSFER_BYTES, &listener, |to| {
                    std::net::TcpStream::connect(to).unwrap()
                });
                let listener = std::net::TcpListener::bind(end(kernel, 80)).unwrap();
                both_ways(&format!("kernel server, {kernel}, {way}"), TRANSFER_BYTES, &listener, |to| {
                    net::TcpStream::connect(&stack, to).unwrap()
                });
            }
            stack.shutdown(Duration::from_secs(10)).unwrap();
            assert!(stack.link_errors().iter().all(|errors| errors.last.is_none()));
        }
    });
}

/// The kernel's loss recovery (SACK, RACK, tail-loss probes, D-SACK) and ours repair what a bad wire does.
#[test]
fn a_bad_wire_changes_no_byte() {
    in_namespace("a_bad_wire_changes_no_byte", || {
        let bad = Lane {
            loss: Loss::Random(Chance::percent(1.0)),
            duplicate: Chance::percent(1.0),
            corrupt: Chance::percent(0.2),
            reorder: Chance::percent(1.0),
            reorder_by: Duration::from_millis(2),
            delay: Duration::from_millis(1),
            ..Lane::default()
        };
        let stack = stack_over(Impaired::new(Tun::open(&config()).unwrap(), bad.clone(), bad, 7));
        for (kernel, ours) in KERNEL.into_iter().zip(OURS) {
            let listener = net::TcpListener::bind(&stack, end(ours, 80)).unwrap();
            both_ways(&format!("kernel client, {ours}, a bad wire"), 1 << 20, &listener, |to| {
                std::net::TcpStream::connect(to).unwrap()
            });
            let listener = std::net::TcpListener::bind(end(kernel, 80)).unwrap();
            both_ways(&format!("kernel server, {kernel}, a bad wire"), 1 << 20, &listener, |to| {
                net::TcpStream::connect(&stack, to).unwrap()
            });
        }
        stack.shutdown(Duration::from_secs(30)).unwrap();
    });
}

#[test]
fn refusals_and_resets() {
    in_namespace("refusals_and_resets", || {
        let stack = stack(true);
        for (kernel, ours) in KERNEL.into_iter().zip(OURS) {
            let refused = net::TcpStream::connect(&stack, end(kernel, 81)).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            let refused = std::net::TcpStream::connect(end(ours, 81)).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

            let listener = net::TcpListener::bind(&stack, end(ours, 82)).unwrap();
            let client = std::net::TcpStream::connect(end(ours, 82)).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            client.linger_of(Some(Duration::ZERO)).unwrap();
            drop(client);
            assert_eq!(read(&mut server).unwrap_err().kind(), ErrorKind::ConnectionReset);

            let mut client = std::net::TcpStream::connect(end(ours, 82)).unwrap();
            let (server, _) = listener.accept().unwrap();
            server.set_linger(Some(Duration::ZERO)).unwrap();
            drop(server);
            assert_eq!(read(&mut client).unwrap_err().kind(), ErrorKind::ConnectionReset);

            let kernels = std::net::UdpSocket::bind(end(kernel, 53)).unwrap();
            let datagrams = net::UdpSocket::bind(&stack, end(ours, 0)).unwrap();
            datagrams.connect(end(kernel, 53)).unwrap();
            datagrams.send(&pattern(5_000, 2)).unwrap();
            let mut buf = vec![0; 8_000];
            let (n, from) = kernels.recv_from(&mut buf).unwrap();
            assert_eq!((n, from), (5_000, datagrams.local_addr().unwrap()), "in fragments");
            kernels.send_to(&buf[..n], from).unwrap();
            assert_eq!(datagrams.recv(&mut buf).unwrap(), 5_000);
            drop(kernels);
            datagrams.send(b"anyone?").unwrap();
            datagrams.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            assert_eq!(datagrams.recv(&mut buf).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        }
    });
}

#[test]
fn two_hundred_at_once() {
    in_namespace("two_hundred_at_once", || {
        let stack = stack(true);
        let listener = net::TcpListener::bind(&stack, "[::]:80").unwrap();
        thread::scope(|scope| {
            for number in 0..200 {
                scope.spawn(move || {
                    let mut client = std::net::TcpStream::connect(end(OURS[number % 2], 80)).unwrap();
                    let mut received = Vec::new();
                    std::io::Read::read_to_end(&mut client, &mut received).unwrap();
                    assert_eq!(digest(&received), digest(&pattern(200_000, 9)), "client {number}");
                });
            }
            for _ in 0..200 {
                let (mut server, _) = listener.accept().unwrap();
                scope.spawn(move || std::io::Write::write_all(&mut server, &pattern(200_000, 9)).unwrap());
            }
        });
    });
}

fn read(stream: &mut impl std::io::Read) -> std::io::Result<usize> {
    stream.read(&mut [0; 8])
}
