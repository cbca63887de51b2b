//! `synfin wire` between the kernel and itself, over TUN devices in network namespaces. Needs root and `/dev/net/tun`;
//! without them each test says so and passes, except where `CI` is set.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test's way to fail

mod over_tun;
mod support;

use device::kernel;
use over_tun::{PATIENCE, Place, eventually};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A running `synfin wire --json`, ended with it.
struct Joined {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Joined {
    /// Starts it and waits until the wire is there.
    fn start(arguments: &[&str]) -> Joined {
        let mut child = Command::new(env!("CARGO_BIN_EXE_synfin"))
            .args(["wire", "--json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut joined = Joined { child, lines };
        let ready = joined.said();
        assert_eq!(ready["event"], "ready", "{ready}");
        joined
    }

    /// The next line.
    fn said(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Ctrl-C; the sums.
    fn end(mut self) -> Value {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let summary = self.said();
        assert!(self.child.wait().unwrap().success());
        summary
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A namespace that a test that fails may leave behind.
struct LeftBehind(String);

impl Drop for LeftBehind {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).output();
    }
}

/// Runs in a namespace.
fn inside<T: Send + 'static>(namespace: &str, act: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let file = File::open(Path::new("/run/netns").join(namespace)).unwrap();
    thread::spawn(move || {
        kernel::enter_network(file.as_fd()).unwrap();
        act()
    })
}

/// Sends this much through a connection from one namespace into the other; how long the handshake took.
fn exchange(client: &str, server: &str, address: &'static str, bytes: usize) -> Duration {
    let (ready, is_ready) = std::sync::mpsc::channel();
    let server = inside(server, move || {
        let listener = TcpListener::bind((address, 80)).unwrap();
        ready.send(()).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        text
    });
    is_ready.recv_timeout(PATIENCE).unwrap();
    let client = inside(client, move || {
        let began = Instant::now();
        let mut stream = TcpStream::connect((address, 80)).unwrap();
        let took = began.elapsed();
        stream.write_all(&pattern(bytes)).unwrap();
        took
    });
    let took = client.join().unwrap();
    assert!(server.join().unwrap() == pattern(bytes), "what arrived is not what was sent");
    took
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes as u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn two_namespaces_are_joined_and_gone_afterwards() {
    let Some(place) = Place::new("wire", &["kill"]) else { return };
    let names = ["a", "b"].map(|end| format!("sw{end}-{}", std::process::id()));
    let _left_behind = names.clone().map(LeftBehind);
    let [a, b] = &names;
    let files = ["a.pcapng", "b.pcapng"].map(|name| place.text(name));
    let wire = Joined::start(&[
        "--setup",
        a,
        b,
        "--rate",
        "200mbit/100mbit",
        "--delay",
        "10ms/15ms",
        "--loss",
        "1%/0%",
        "--duplicate",
        "1%",
        "--seed",
        "7",
        "--pcap",
        &files[0],
        &files[1],
    ]);
    const BYTES: usize = 1 << 20;
    // A frame may be late, never early.
    assert!(exchange(a, b, "10.77.0.2", BYTES) >= Duration::from_millis(25));
    assert!(exchange(b, a, "fd77::1", BYTES) >= Duration::from_millis(25));
    let taken = support::synfin(&["wire", "--setup", a, "other"]);
    let sentence = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert!(taken.status.code() == Some(1) && sentence.contains(&format!("ip netns del {a}")), "{sentence}");
    let summary = wire.end();
    let [there, back] = [&summary["directions"][0], &summary["directions"][1]];
    assert_eq!((there["from"].as_str(), there["to"].as_str()), (Some(&**a), Some(&**b)));
    let number = |value: &Value| value.as_u64().unwrap();
    assert!(number(&there["out_bytes"]) > BYTES as u64 && number(&back["out_bytes"]) > BYTES as u64);
    assert!(number(&there["lost"]["wire"]) > 0 && number(&back["lost"]["wire"]) == 0, "{summary}");
    assert!(number(&back["copies"]) > 0, "{summary}");
    for direction in [there, back] {
        let lost: u64 = direction["lost"].as_object().unwrap().values().map(number).sum();
        let [entered, copies, left, under_way] =
            ["in_frames", "copies", "out_frames", "under_way"].map(|key| number(&direction[key]));
        assert_eq!(entered + copies, left + lost + under_way, "{direction}");
        assert!(direction["late_us"]["p99"].as_f64().unwrap() > 0.0);
    }
    for name in &names {
        assert!(!Path::new("/run/netns").join(name).exists(), "{name} is removed");
    }
    for file in &files {
        let seen = support::printed(&["explain", file]);
        assert!(seen.contains("10.77.0.2:80") && seen.contains("[fd77::1]:80"), "{seen}");
    }
}

#[test]
fn devices_that_are_there_are_joined_as_they_are() {
    let Some(place) = Place::new("wire-as-is", &["kill"]) else { return };
    let names = ["c", "d"].map(|end| format!("sw{end}-{}", std::process::id()));
    let _left_behind = names.clone().map(LeftBehind);
    let ip = |words: &[&str]| {
        let output = Command::new("ip").args(words).output().unwrap();
        assert!(output.status.success(), "ip {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    for (number, name) in names.iter().enumerate() {
        ip(&["netns", "add", name]);
        ip(&["-n", name, "tuntap", "add", "dev", "tun7", "mode", "tun", "vnet_hdr"]);
        ip(&["-n", name, "addr", "add", &format!("10.9.8.{}/24", number + 1), "dev", "tun7"]);
        ip(&["-n", name, "link", "set", "tun7", "mtu", "1280", "up"]);
    }
    let ends = names.clone().map(|name| format!("{name}/tun7"));
    let middlebox = ["--path-mtu", "1000", "--delay", "2ms"];
    let wire = Joined::start(&[&[&*ends[0], &*ends[1]][..], &middlebox].concat());
    exchange(&names[0], &names[1], "10.9.8.2", 100_000);
    let summary = wire.end();
    let there = &summary["directions"][0];
    assert!(there["lost"]["too_big"].as_u64() > Some(0), "the sender learned the MTU of the path: {summary}");
    assert_eq!(there["answers"], there["lost"]["too_big"]);
    eventually("the devices stay", || {
        let shown = Command::new("ip").args(["-n", &names[0], "addr", "show", "tun7"]).output().unwrap();
        String::from_utf8_lossy(&shown.stdout).contains("10.9.8.1")
    });
    drop(place);
}

#[test]
fn it_ends_by_itself_and_says_so_to_people() {
    let Some(_place) = Place::new("wire-for", &[]) else { return };
    let names = ["e", "f"].map(|end| format!("sw{end}-{}", std::process::id()));
    let _left_behind = names.clone().map(LeftBehind);
    let said = support::printed(&["wire", "--setup", &names[0], &names[1], "--for", "300ms"]);
    assert!(said.contains(&format!("{} -> {}", names[0], names[1])) && said.contains("late:"), "{said}");
    // A device that nobody has.
    let output = support::synfin(&["wire", "nosuch0", "nosuch1"]);
    let sentence = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && sentence.contains("nosuch0"), "{sentence}");
}
