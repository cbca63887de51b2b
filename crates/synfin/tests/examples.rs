//! The programs of the guide and of the README, run as a user runs them: as processes of their own. Those over TUN
//! run in a network namespace and talk to the kernel.

#![allow(clippy::unwrap_used)]

mod common;

use common::namespace::in_namespace;
use common::pattern;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
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

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// An example as Cargo built it beside this test, which it does unless it is asked for this test alone. Says so
/// when it is missing or old; where `CI` is set it fails.
fn example(name: &str) -> Option<Command> {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("examples").join(name);
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let source = modified(&here(&format!("examples/{name}.rs"))).unwrap();
    if modified(&program).is_ok_and(|built| built >= source) {
        return Some(Command::new(program));
    }
    let reason = format!("the example {name} is not built; run `cargo test -p synfin`, which builds it");
    assert!(std::env::var_os("CI").is_none(), "{reason}");
    drop(writeln!(io::stderr(), "skipped: {reason}"));
    None
}

/// What a program that ends by itself prints. One that hangs does not hang the tests.
fn output(program: &Command) -> Output {
    Command::new("timeout").arg("60").arg(program.get_program()).output().unwrap()
}

#[test]
fn the_program_in_the_readme_is_the_example_that_is_tested() {
    let readme = fs::read_to_string(here("../../README.md")).unwrap();
    let blocks: Vec<&str> =
        readme.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let example = fs::read_to_string(here("examples/echo.rs")).unwrap();
    assert_eq!(blocks, [example], "the README has this one program");
}

#[test]
fn what_needs_no_privilege_runs() {
    for name in ["own_link", "by_hand", "one_connection"] {
        let Some(program) = example(name) else { continue };
        let output = output(&program);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty(), "{name} shows something");
    }
}

#[test]
fn the_server_echoes_what_the_kernel_sends() {
    in_namespace("the_server_echoes_what_the_kernel_sends", || {
        let Some(mut program) = example("echo") else { return };
        let _server = Running(program.spawn().unwrap());
        let began = Instant::now();
        let mut stream = loop {
            match TcpStream::connect("10.90.0.2:7777") {
                Ok(stream) => break stream,
                Err(error) => assert!(began.elapsed() < Duration::from_secs(20), "{error}"),
            }
            thread::sleep(Duration::from_millis(20));
        };
        let mut writer = stream.try_clone().unwrap();
        let writing = thread::spawn(move || {
            writer.write_all(&pattern(2_000_000, 4)).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut echoed = Vec::new();
        stream.read_to_end(&mut echoed).unwrap();
        writing.join().unwrap();
        assert!(echoed == pattern(2_000_000, 4), "{} bytes came back", echoed.len());
    });
}

#[test]
fn the_client_fetches_from_the_kernel() {
    in_namespace("the_client_fetches_from_the_kernel", || {
        let Some(program) = example("fetch") else { return };
        // It can be bound before the program has made the interface.
        let listener = TcpListener::bind("0.0.0.0:8000").unwrap();
        let serving = thread::spawn(move || {
            let (mut stream, from) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\na page").unwrap();
            (from.ip().to_string(), request)
        });
        let output = output(&program);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "HTTP/1.0 200 OK\r\n\r\na page");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("round trip: Some("),
            "it knows the connection"
        );
        let (from, request) = serving.join().unwrap();
        assert!(from == "10.90.0.2" && request.starts_with(b"GET / "), "{from}");
    });
}

/// Without privileges the first thing that a new user sees is this error, printed by `main`.
#[test]
fn a_program_that_may_not_open_tun_says_what_to_do() {
    let Some(program) = example("echo") else { return };
    // A user namespace without a mapping: nothing is allowed in it.
    let mut command = Command::new("unshare");
    let Ok(output) = command.args(["--user", "--net"]).arg(program.get_program()).output() else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    if said.starts_with("unshare") || said.contains("no /dev/net/tun") {
        drop(writeln!(io::stderr(), "skipped: no user namespace, or no TUN in it: {said}"));
        return;
    }
    assert!(!output.status.success());
    assert!(said.contains("setcap cap_net_admin+ep") && said.contains("\n  sudo ip tuntap add"), "{said}");
}
