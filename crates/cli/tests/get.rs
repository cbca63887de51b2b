//! `synfin get` and unmodified servers on the kernel's side, nginx and Python's, over a real TUN
//! interface. Needs root, `/dev/net/tun` and those programs; without them each test says so and passes,
//! except where `CI` is set.

#![allow(clippy::unwrap_used)] // a test's way to fail

mod over_tun;

use over_tun::{Place, Running, eventually};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::Output;

const BIG_BYTES: usize = 256 << 20;

/// nginx on every address, port 8080, over the folder `served`.
fn nginx(place: &Place) -> Running {
    let folder = place.text("");
    let config = format!(
        "worker_processes 1; daemon off; master_process off; pid {folder}nginx.pid; error_log stderr;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; client_body_temp_path {folder}t1; proxy_temp_path {folder}t2;\n\
         fastcgi_temp_path {folder}t3; uwsgi_temp_path {folder}t4; scgi_temp_path {folder}t5;\n\
         server {{ listen 8080; listen [::]:8080; root {folder}served;\n\
         location /slow/ {{ alias {folder}served/; limit_rate 2m; }}\n\
         location = /elsewhere {{ return 302 /big; }}\n\
         location = /round {{ return 302 /round; }}\n\
         location = /secure {{ return 301 https://example.com/; }} }} }}\n"
    );
    fs::write(place.path("nginx.conf"), config).unwrap();
    let conf = place.text("nginx.conf");
    // nginx looks for its default log before it has read where it should write.
    let server = place.start(&["nginx", "-p", &folder, "-e", "stderr", "-c", &conf]);
    eventually("nginx listens", || place.run(&["ss", "-tln"]).contains(":8080"));
    server
}

/// Keeps the interface there between runs: servers bind to its addresses.
fn kernel_addresses(place: &Place) {
    place.run(&["ip", "tuntap", "add", "dev", "synfin0", "mode", "tun", "vnet_hdr"]);
}

/// The sentence of a fetch that failed.
#[track_caller]
fn failure(output: &Output) -> String {
    sentence(output, 1)
}

/// The last line on standard error, which is a sentence of ours.
#[track_caller]
fn sentence(output: &Output, exit_code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(exit_code), "{text}");
    let last = text.lines().last().unwrap_or_default().to_owned();
    assert!(last.starts_with("synfin: "), "{text}");
    last
}

#[test]
fn a_big_file_from_nginx_over_both_families() {
    let Some(place) = Place::new("nginx", &["nginx"]) else { return };
    let sum = place.fill("served/big", BIG_BYTES);
    let _server = nginx(&place);
    for host in ["10.90.0.1", "[fd90::1]"] {
        let output = place.get(&["--json", &format!("http://{host}:8080/big")]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&said["status"], &said["file_bytes"]),
            (&Value::from(200), &Value::from(BIG_BYTES)),
            "{said}"
        );
        assert_eq!(place.sha256(&place.path("big")), sum);
        fs::remove_file(place.path("big")).unwrap();
    }
    let output = place.get(&["-o", "-", "http://10.90.0.1:8080/elsewhere"]);
    assert!(output.status.success() && output.stdout.len() == BIG_BYTES);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("going on to http://10.90.0.1:8080/big"), "{said}");
}

#[test]
fn a_file_from_python() {
    let Some(place) = Place::new("python", &["python3"]) else { return };
    let sum = place.fill("served/big", 64 << 20);
    let served = place.text("served");
    let _server = place.start(&[
        "python3",
        "-u",
        "-m",
        "http.server",
        "--bind",
        "0.0.0.0",
        "--directory",
        &served,
        "8000",
    ]);
    eventually("python listens", || place.run(&["ss", "-tln"]).contains(":8000"));
    // Python answers with HTTP/1.0, closes first, and knows no parts.
    let output = place.get(&["-o", "got", "10.90.0.1:8000/big"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(place.sha256(&place.path("got")), sum);
    let output = place.get(&["http://10.90.0.1:8000/"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(fs::read_to_string(place.path("index.html")).unwrap().contains("big"));
    fs::write(place.path("got2.part"), "something").unwrap();
    fs::write(place.path("got2.part.from"), "\"another version\"\n").unwrap();
    let output = place.get(&["-C", "-o", "got2", "http://10.90.0.1:8000/big"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("starting at the beginning"));
    assert_eq!(place.sha256(&place.path("got2")), sum, "a server without parts sends the whole again");
}

#[test]
fn a_download_that_was_cut_off_goes_on() {
    let Some(place) = Place::new("resume", &["nginx"]) else { return };
    let sum = place.fill("served/file", 16 << 20);
    let server = nginx(&place);
    let url = "http://10.90.0.1:8080/slow/file";
    // The server is killed in the middle: its kernel closes for it.
    let client = place
        .command(&[env!("CARGO_BIN_EXE_synfin"), "get", url])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    eventually("some of it is there", || {
        fs::metadata(place.path("file.part")).is_ok_and(|part| part.len() > 1 << 20)
    });
    server.signal("KILL");
    let said = failure(&client.wait_with_output().unwrap());
    assert!(said.contains("after") && said.contains("of 16.0 MiB") && said.contains("--continue"), "{said}");
    drop(server);
    let _server = nginx(&place);
    let before = fs::metadata(place.path("file.part")).unwrap().len();
    // Ctrl-C in the middle of the second attempt.
    let mut client = place.start(&[env!("CARGO_BIN_EXE_synfin"), "get", "-C", url]);
    eventually("more of it is there", || {
        fs::metadata(place.path("file.part")).is_ok_and(|part| part.len() > before + (1 << 20))
    });
    client.signal("INT");
    assert_eq!(client.wait(), Some(130));
    let before = fs::metadata(place.path("file.part")).unwrap().len();
    let output = place.get(&["--json", "-C", "http://10.90.0.1:8080/file"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&said["status"], &said["body_bytes"]),
        (&Value::from(206), &Value::from((16 << 20) - before)),
        "{said}"
    );
    assert_eq!(place.sha256(&place.path("file")), sum);
    assert!(!place.path("file.part").exists() && !place.path("file.part.from").exists());
    // The file changed on the server: two versions are not glued together.
    fs::rename(place.path("file"), place.path("file.part")).unwrap();
    fs::write(place.path("file.part.from"), "\"1-1\"\n").unwrap();
    let output = place.get(&["-C", url.replace("/slow", "").as_str()]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("another version"), "{output:?}");
    assert_eq!(place.sha256(&place.path("file")), sum);
}

#[test]
fn every_failure_is_a_sentence() {
    let Some(place) = Place::new("failures", &["nginx"]) else { return };
    let _server = nginx(&place);
    for (flags, words) in [
        (&["http://10.90.0.1:8080/nothing"][..], "404 Not Found"),
        (&["http://10.90.0.1:9/"], "refused the connection: no program listens on port 9"),
        (&["--timeout", "1", "http://10.90.0.9/"], "nobody has that address on synfin0"),
        (&["--timeout", "1", "http://192.0.2.1/"], "may not forward"),
        (&["http://127.0.0.1:8080/"], "the kernel's servers are at 10.90.0.1"),
        (&["http://10.90.0.1:8080/round"], "leads elsewhere more than 5 times"),
        (&["http://10.90.0.1:8080/secure"], "TLS"),
        (&["http://nowhere.invalid/"], "finds no address for nowhere.invalid"),
        (&["--host", "fd90::1/64", "http://10.90.0.1/"], "IPv4 addresses only"),
    ] {
        let said = failure(&place.get(flags));
        assert!(said.contains(words), "{flags:?}: {said}");
    }
    for (flags, words) in [
        (&["--address", "10.99.0.2", "http://10.90.0.1/"][..], "none of the kernel's networks"),
        (&["--tun", "a name with spaces", "http://10.90.0.1/"], "cannot be the name of an interface"),
        (&["-o", "served", "http://10.90.0.1:8080/"], "is a folder"),
    ] {
        let said = sentence(&place.get(flags), 2);
        assert!(said.contains(words), "{flags:?}: {said}");
    }
    let other = place.get(&["--no-such-flag"]);
    assert_eq!(other.status.code(), Some(2));
}

/// A server of the kernel that does what it should not.
#[test]
fn servers_that_misbehave_are_told_apart() {
    let Some(place) = Place::new("rude", &["python3"]) else { return };
    let script = "\
import socket, struct, sys
listener = socket.create_server(('0.0.0.0', 8000))
print('ready', flush=True)
for what in [b'', b'SSH-2.0-x\\r\\n\\r\\n', b'HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nabc', 'reset', 'silent']:
    stream, _ = listener.accept()
    stream.recv(65536)
    if what == 'reset':
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    elif what == 'silent':
        stream.recv(1)
    else:
        stream.sendall(what)
    stream.close()
";
    let mut file = fs::File::create(place.path("rude.py")).unwrap();
    file.write_all(script.as_bytes()).unwrap();
    let mut server = place.start(&["python3", "rude.py"]);
    server.wait_for("ready");
    for words in [
        "closed the connection before sending anything",
        "is not HTTP",
        "closed the connection after 3 B of 9 B",
        "reset the connection before it answered",
        "did not answer within 2.00 s",
    ] {
        let said = failure(&place.get(&["--timeout", "2", "http://10.90.0.1:8000/x"]));
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// An interface that was prepared, as for a user without privileges, is used as it is and stays.
#[test]
fn a_prepared_interface_stays() {
    let Some(place) = Place::new("prepared", &["nginx"]) else { return };
    fs::write(place.path("served/x"), "hello").unwrap();
    kernel_addresses(&place);
    let _server = nginx(&place);
    let output = place.get(&["-o", "-", "http://10.90.0.1:8080/x"]);
    assert_eq!(output.stdout, b"hello", "{}", String::from_utf8_lossy(&output.stderr));
    assert!(place.run(&["ip", "-br", "link"]).contains("synfin0"));
}
