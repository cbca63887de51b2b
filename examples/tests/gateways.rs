//! The gateways among the examples, run as a user runs them. They need the right to make namespaces with a TUN
//! interface in it; without, each test says so and passes, except where `CI` is set.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "../../crates/synfin/tests/common/namespace.rs"]
mod namespace;

use namespace::in_namespace;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::thread;
use std::time::{Duration, Instant};

/// A program that runs; it is killed with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An example as Cargo built it beside this test. Says so when it is missing or old; where `CI` is set it fails.
fn example(name: &str) -> Option<PathBuf> {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("examples").join(name);
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let source = modified(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{name}.rs"))).unwrap();
    if modified(&program).is_ok_and(|built| built >= source) {
        return Some(program);
    }
    let reason =
        format!("the example {name} is not built; run `cargo test -p synfin-examples`, which builds it");
    assert!(std::env::var_os("CI").is_none(), "{reason}");
    drop(writeln!(io::stderr(), "skipped: {reason}"));
    None
}

/// What a command prints inside of `rootless`; `None` where nobody may make namespaces.
fn rootless(words: &[&str]) -> Option<Output> {
    let program = example("rootless")?;
    let output = Command::new("timeout").arg("60").arg(program).arg("--").args(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("no namespace was made") || said.contains("/dev/net/tun") {
        assert!(std::env::var_os("CI").is_none(), "{said}");
        drop(writeln!(io::stderr(), "skipped: {said}"));
        return None;
    }
    Some(output)
}

/// Bash has sockets of its own, so that nothing else has to be installed.
fn bash(script: &str) -> Option<String> {
    let output = rootless(&["bash", "-c", script])?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {said}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_namespace_without_privileges_reaches_a_server_by_the_sockets_of_the_program() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut word = [0; 5];
        stream.read_exact(&mut word).unwrap();
        stream.write_all(&word).unwrap();
        stream.write_all(b" from outside\n").unwrap();
    });
    let script = format!("exec 3<>/dev/tcp/10.90.0.2/{port}; printf hello >&3; cat <&3");
    let Some(said) = bash(&script) else { return };
    assert_eq!(said, "hello from outside\n");
    server.join().unwrap();
}

#[test]
fn a_namespace_without_privileges_sends_datagrams_and_gets_the_answers() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let port = socket.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let mut buf = [0; 99];
        // Nobody comes where the test is skipped.
        let Ok((count, from)) = socket.recv_from(&mut buf) else { return };
        let answer = String::from_utf8_lossy(&buf[..count]).trim_end().to_uppercase();
        socket.send_to(format!("{answer}\n").as_bytes(), from).unwrap();
    });
    let script = format!("exec 3<>/dev/udp/10.90.0.2/{port}; echo hello >&3; timeout 20 head -n 1 <&3");
    let Some(said) = bash(&script) else { return };
    assert_eq!(said, "HELLO\n");
    server.join().unwrap();
}

#[test]
fn what_the_command_returns_is_returned_and_a_closed_port_refuses() {
    let Some(output) = rootless(&["bash", "-c", "exit 7"]) else { return };
    assert_eq!(output.status.code(), Some(7));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let script = format!("exec 3<>/dev/tcp/10.90.0.2/{closed}");
    let output = rootless(&["bash", "-c", &script]).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("refused"), "{said}");
}

/// A proxy that reaches every destination but port 9, and says back what its client says, after the destination.
fn proxy() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut greeting = [0; 2];
                stream.read_exact(&mut greeting).unwrap();
                stream.read_exact(&mut vec![0; usize::from(greeting[1])]).unwrap();
                stream.write_all(&[5, 0]).unwrap();
                let mut request = [0; 10];
                stream.read_exact(&mut request).unwrap();
                let [5, 1, 0, 1, a, b, c, d, high, low] = request else { panic!("{request:?}") };
                let port = u16::from_be_bytes([high, low]);
                let code = if port == 9 { 5 } else { 0 };
                stream.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
                if code == 0 {
                    let to = SocketAddr::from(([a, b, c, d], port));
                    stream.write_all(format!("{to} says ").as_bytes()).unwrap();
                    let _ = io::copy(&mut &stream, &mut &stream);
                }
            });
        }
    });
    address
}

#[test]
fn what_is_routed_into_the_interface_leaves_through_the_proxy() {
    in_namespace("what_is_routed_into_the_interface_leaves_through_the_proxy", || {
        let Some(program) = example("tun2socks") else { return };
        let ip = |words: &str| Command::new("ip").args(words.split(' ')).status().unwrap().success();
        assert!(ip("link set lo up"));
        let _gateway = Running(Command::new(program).arg(proxy().to_string()).spawn().unwrap());
        let began = Instant::now();
        while !ip("route add 10.200.0.0/16 dev tun2socks") {
            assert!(began.elapsed() < Duration::from_secs(20), "the interface does not come up");
            thread::sleep(Duration::from_millis(20));
        }
        let clients: Vec<_> = (0..60_u8)
            .map(|number| {
                thread::spawn(move || {
                    let to = SocketAddr::from(([10, 200, 7, number], 80));
                    let mut stream = TcpStream::connect(to).unwrap();
                    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                    let text = "word ".repeat(20_000);
                    let mut writer = stream.try_clone().unwrap();
                    let sent = text.clone();
                    let writing = thread::spawn(move || {
                        writer.write_all(sent.as_bytes()).unwrap();
                        writer.shutdown(std::net::Shutdown::Write).unwrap();
                    });
                    let mut heard = String::new();
                    stream.read_to_string(&mut heard).unwrap();
                    writing.join().unwrap();
                    assert!(heard == format!("{to} says {text}"), "{to}: {} bytes", heard.len());
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
        let refused = TcpStream::connect("10.200.0.1:9").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused, "the proxy could not connect");
    });
}
