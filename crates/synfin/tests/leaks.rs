//! Ten thousand connections in a row, and everything is back where it was. Alone in its process, because
//! it counts the threads, the descriptors and the memory of all of it.

#![allow(clippy::unwrap_used)]

mod common;

use common::eventually;
use common::pair::{SERVER, capabilities, client_on, server_on};
use std::io::{Read, Write};
use std::thread;
use std::time::Duration;
use synfin::net::{TcpListener, TcpStream};
use synfin::{Stack, device, tcp};

/// The main promise of closing: whatever is opened is given back, thousands of times over.
#[test]
fn ten_thousand_connections_leave_nothing_behind() {
    const CONNECTIONS: usize = 10_000;
    let (left, right) = device::memory::pair(capabilities());
    let config = tcp::Config { time_wait: Duration::from_millis(20), ..tcp::Config::default() };
    let client = client_on(left).tcp(config.clone()).start().unwrap();
    let server = server_on(right).tcp(config).start().unwrap();
    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();

    let serving = thread::spawn(move || {
        let mut after_warm_up = (0, 0, 0);
        for number in 0..CONNECTIONS {
            let (mut stream, _) = listener.accept().unwrap();
            let mut word = [0; 8];
            stream.read_exact(&mut word).unwrap();
            stream.write_all(&word).unwrap();
            if number == CONNECTIONS / 5 {
                after_warm_up = (resident_kb(), threads(), files());
            }
        }
        after_warm_up
    });
    for number in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
        let word = (number as u64).to_le_bytes();
        stream.write_all(&word).unwrap();
        let mut back = Vec::new();
        stream.read_to_end(&mut back).unwrap();
        assert_eq!(back, word);
    }
    let (resident_before_kb, threads_before, files_before) = serving.join().unwrap();

    for stack in [&client, &server] {
        assert_eq!(stack.sockets(), 0);
        eventually("TIME-WAIT is over and every table is empty", || {
            let usage = stack.usage();
            usage.connections + usage.time_waits + usage.flows + usage.timers + usage.half_open == 0
        });
        assert_eq!(stack.usage().listeners, 0);
    }
    assert_eq!(client.counters().active_opens, CONNECTIONS as u64);
    assert_eq!(server.counters().accepted, CONNECTIONS as u64);
    assert!(threads() < threads_before, "{} threads, {threads_before} before", threads());
    assert!(files() <= files_before, "{} descriptors, {files_before} before", files());
    let grown_kb = resident_kb().saturating_sub(resident_before_kb);
    println!("10,000 connections: resident memory grew by {grown_kb} kB after the first fifth");
    assert!(grown_kb < 4_096, "resident memory grew by {grown_kb} kB");
    check_that_idling_is_free(&client, &server);
}

/// A stack with nothing to do sleeps, however many connections it has.
fn check_that_idling_is_free(client: &Stack, server: &Stack) {
    let listener = TcpListener::bind(server, (SERVER, 81)).unwrap();
    let connections: Vec<_> = (0..100)
        .map(|_| (TcpStream::connect(client, (SERVER, 81)).unwrap(), listener.accept().unwrap()))
        .collect();
    thread::sleep(Duration::from_millis(400));
    let before = processor_ticks();
    thread::sleep(Duration::from_millis(600));
    let used = processor_ticks() - before;
    assert!(used <= 3, "{used} ticks of the processor in 600 ms of doing nothing");
    drop(connections);
}

/// Hundredths of a second that this process has computed.
fn processor_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn resident_kb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
