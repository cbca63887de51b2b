//! The kernel's end of a connection, as `ss -tan` shows it, goes through the states in step with ours:
//! opening by either end, closing by either end, half-close with data, and both at once.
//!
//! A gate on the link holds back what the kernel sends, so that states that last for microseconds can be seen.
//! Needs root, `/dev/net/tun`, `ip` and `ss`; without them it says so and is skipped, and fails where `CI` is set.

#![allow(clippy::unwrap_used)] // a test's way to fail

mod over_tun;

use device::{Link, Tun, TunConfig};
use over_tun::{Place, eventually};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use synfin::wire::{Frame, LinkCapabilities};
use synfin::{Stack, net};
use tcp::Tracing;

const INSIDE: &str = "SYNFIN_TEST_INSIDE_NAMESPACE";

/// Runs `test` in a namespace: this program again, for the one test of that name.
fn in_namespace(name: &str, place: &str, test: fn()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let Some(place) = Place::new(place, &[]) else { return };
    let program = std::env::current_exe().unwrap();
    let mut again = place.command(&["timeout", "-k", "5", "100", program.to_str().unwrap()]);
    let status = again.args([name, "--exact", "--nocapture"]).env(INSIDE, "1").status().unwrap();
    assert!(status.success(), "{name} failed in its namespace");
}

/// A link with a gate: while it is shut, what the kernel sends stays in the interface's queue.
struct Gate {
    tun: Tun,
    is_shut: Arc<AtomicBool>,
}

impl Link for Gate {
    fn capabilities(&self) -> LinkCapabilities {
        self.tun.capabilities()
    }
    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        self.tun.transmit(frames)
    }
    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        if self.is_shut.load(Ordering::Acquire) { Ok(0) } else { self.tun.receive(frames, frames_max) }
    }
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        // Without a descriptor the driver polls, so that it does not wake up for frames behind a shut gate.
        None
    }
}

/// Both ends of one connection, and what each says of its state.
struct Walk {
    stack: Stack,
    is_shut: Arc<AtomicBool>,
    /// The states of our connection, in order.
    ours: Vec<&'static str>,
}

impl Walk {
    fn begin() -> Walk {
        let config = TunConfig::new("synfin0").with_host_address("10.90.0.1/24".parse().unwrap());
        let is_shut = Arc::new(AtomicBool::new(false));
        let link = Gate { tun: Tun::open(&config).unwrap(), is_shut: Arc::clone(&is_shut) };
        let short = tcp::Config { time_wait: Duration::from_secs(2), ..tcp::Config::default() };
        let stack = Stack::builder().link(link).address("10.90.0.2/24").tcp(short).start().unwrap();
        stack.set_tracing(Tracing::On);
        Walk { stack, is_shut, ours: Vec::new() }
    }

    fn shut(&self) {
        self.is_shut.store(true, Ordering::Release);
    }

    fn open(&self) {
        self.is_shut.store(false, Ordering::Release);
    }

    /// Both ends come to these states: the kernel's as `ss` writes it ("-": it knows of none), ours as
    /// the trace, and so the ladder, has it.
    #[track_caller]
    fn come_to(&mut self, kernel: &str, ours: &str) {
        let begun = std::time::Instant::now();
        loop {
            let seen = (kernel_state(), self.our_state());
            if (seen.0.as_str(), seen.1) == (kernel, ours) {
                println!("  kernel {kernel:<11} ours {ours}");
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(15),
                "the kernel's end should be in {kernel} and ours in {ours}, but they are in {seen:?}; ours was in {:?}",
                self.ours
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn our_state(&mut self) -> &'static str {
        let traces = self.stack.take_traces();
        self.ours.extend(traces.iter().filter_map(|record| record.trace.row()).map(|row| row.to.name()));
        self.ours.last().copied().unwrap_or("CLOSED")
    }
}

/// What `ss -tan` says of the connection with our stack.
fn kernel_state() -> String {
    let output = Command::new("ss").args(["-tanH"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let about_us = |line: &&str| line.contains("10.90.0.2:") && !line.starts_with("LISTEN");
    text.lines().find(about_us).and_then(|line| line.split_whitespace().next()).unwrap_or("-").to_owned()
}

/// A connection that the kernel opens, state by state.
fn kernel_connects(walk: &mut Walk) -> (std::net::TcpStream, net::TcpStream) {
    let listener = net::TcpListener::bind(&walk.stack, "10.90.0.2:80").unwrap();
    walk.shut();
    let connecting = std::thread::spawn(|| std::net::TcpStream::connect("10.90.0.2:80").unwrap());
    eventually("the kernel's SYN is on its way", || kernel_state() == "SYN-SENT");
    walk.open();
    let kernel = connecting.join().unwrap();
    let (ours, _) = listener.accept().unwrap();
    walk.come_to("ESTAB", "ESTABLISHED");
    (kernel, ours)
}

#[test]
fn we_close_first_after_a_half_close_with_data() {
    in_namespace("we_close_first_after_a_half_close_with_data", "states1", || {
        let mut walk = Walk::begin();
        let (mut kernel, mut ours) = kernel_connects(&mut walk);
        walk.shut();
        ours.shutdown(Shutdown::Write).unwrap();
        walk.come_to("CLOSE-WAIT", "FIN-WAIT-1");
        walk.open();
        walk.come_to("CLOSE-WAIT", "FIN-WAIT-2");
        // Half closed: the other direction still works.
        let mut heard = [0; 5];
        for _ in 0..3 {
            kernel.write_all(b"still").unwrap();
            ours.read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"still");
        }
        walk.come_to("CLOSE-WAIT", "FIN-WAIT-2");
        walk.shut();
        drop(kernel);
        walk.come_to("LAST-ACK", "FIN-WAIT-2");
        walk.open();
        walk.come_to("-", "TIME-WAIT");
        assert_eq!(ours.read(&mut heard).unwrap(), 0);
        drop(ours);
        walk.come_to("-", "CLOSED");
        assert_eq!(
            walk.ours,
            ["SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED"]
        );
    });
}

#[test]
fn the_kernel_closes_first_after_a_half_close_with_data() {
    in_namespace("the_kernel_closes_first_after_a_half_close_with_data", "states2", || {
        let mut walk = Walk::begin();
        let (kernel, mut ours) = kernel_connects(&mut walk);
        walk.shut();
        kernel.shutdown(Shutdown::Write).unwrap();
        walk.come_to("FIN-WAIT-1", "ESTABLISHED");
        walk.open();
        walk.come_to("FIN-WAIT-2", "CLOSE-WAIT");
        let mut heard = [0; 5];
        for _ in 0..3 {
            ours.write_all(b"still").unwrap();
            (&kernel).read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"still");
        }
        walk.come_to("FIN-WAIT-2", "CLOSE-WAIT");
        walk.shut();
        drop(ours);
        walk.come_to("TIME-WAIT", "LAST-ACK");
        walk.open();
        walk.come_to("TIME-WAIT", "CLOSED");
        assert_eq!(walk.ours, ["SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT", "LAST-ACK", "CLOSED"]);
    });
}

#[test]
fn both_close_at_once_after_we_connected() {
    in_namespace("both_close_at_once_after_we_connected", "states3", || {
        let mut walk = Walk::begin();
        let listener = std::net::TcpListener::bind("10.90.0.1:8000").unwrap();
        walk.shut();
        let stack = walk.stack.clone();
        let connecting =
            std::thread::spawn(move || net::TcpStream::connect(&stack, "10.90.0.1:8000").unwrap());
        walk.come_to("SYN-RECV", "SYN-SENT");
        walk.open();
        let ours = connecting.join().unwrap();
        let (kernel, _) = listener.accept().unwrap();
        walk.come_to("ESTAB", "ESTABLISHED");
        walk.shut();
        kernel.shutdown(Shutdown::Write).unwrap();
        walk.come_to("FIN-WAIT-1", "ESTABLISHED");
        ours.shutdown(Shutdown::Write).unwrap();
        walk.come_to("CLOSING", "FIN-WAIT-1");
        walk.open();
        walk.come_to("TIME-WAIT", "TIME-WAIT");
        drop((ours, kernel));
        walk.come_to("TIME-WAIT", "CLOSED");
        assert_eq!(walk.ours[..3], ["SYN-SENT", "ESTABLISHED", "FIN-WAIT-1"]);
        assert_eq!(walk.ours[3..], ["CLOSING", "TIME-WAIT", "CLOSED"]);
    });
}
