//! The kernel as the system under test: a thread with a network of its own, a TUN interface that is its
//! way to everywhere, and what its sockets say. Needs privileges and `/dev/net/tun`; without them it says
//! so and passes, except where `CI` is set.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test's way to fail

use std::collections::VecDeque;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;
use synfin_device::kernel::{self, Queued, queued_bytes};
use synfin_device::{Link, Tun, TunConfig, wait};

mod namespace;
use namespace::in_namespace;

/// Runs on a thread of its own: there is no way back from a network.
fn on_a_network_of_its_own(test: fn()) {
    std::thread::spawn(move || {
        kernel::enter_new_network().unwrap();
        test();
    })
    .join()
    .unwrap();
}

#[test]
fn a_thread_has_a_network_of_its_own_and_its_process_keeps_the_old_one() {
    in_namespace("a_thread_has_a_network_of_its_own_and_its_process_keeps_the_old_one", || {
        kernel::bring_up_loopback().unwrap();
        let outside = TcpListener::bind("127.0.0.1:8080").unwrap();
        on_a_network_of_its_own(|| {
            kernel::bring_up_loopback().unwrap();
            let inside = TcpListener::bind("127.0.0.1:8080").unwrap();
            TcpStream::connect(inside.local_addr().unwrap()).unwrap();
        });
        TcpStream::connect(outside.local_addr().unwrap()).unwrap();
    });
}

#[test]
fn everything_leaves_through_the_interface() {
    in_namespace("everything_leaves_through_the_interface", || {
        on_a_network_of_its_own(|| {
            let config = TunConfig::new("script%d").without_offload();
            let config = config.with_host_address("192.168.0.1/16".parse().unwrap());
            let tun = Tun::open(&config).unwrap();
            tun.route_everything().unwrap();
            let socket = UdpSocket::bind("192.168.0.1:0").unwrap();
            socket.send_to(b"to everywhere", "192.0.2.1:7").unwrap();
            let mut frames = VecDeque::new();
            let is_ours = |frame: &wire::Frame| frame.to_vec().ends_with(b"to everywhere");
            while !frames.iter().any(is_ours) {
                let ready = wait(&[tun.poll_fd().unwrap()], Some(Duration::from_secs(10))).unwrap();
                assert!(!ready.is_empty(), "the datagram comes within 10 s");
                tun.receive(&mut frames, 64).unwrap();
            }
        });
    });
}

#[test]
fn a_socket_says_what_it_holds() {
    in_namespace("a_socket_says_what_it_holds", || {
        kernel::bring_up_loopback().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut client, b"five!").unwrap();
        assert_eq!(queued_bytes(server.as_fd(), Queued::Received).unwrap(), 5);
        assert_eq!(queued_bytes(client.as_fd(), Queued::NotSent).unwrap(), 0);
        let error = queued_bytes(listener.as_fd(), Queued::Unacknowledged).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
        let mut info = [0; 300];
        let (level, name) = (libc::IPPROTO_TCP, libc::TCP_INFO);
        let bytes = kernel::socket_option(client.as_fd(), level, name, &mut info).unwrap();
        assert!(bytes > 100 && info[0] == 1, "{bytes} bytes of a connection that is established");
    });
}
