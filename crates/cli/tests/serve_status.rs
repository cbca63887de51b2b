//! The table of connections that a running `synfin serve` prints on standard error, over a real TUN interface. Needs
//! root, `/dev/net/tun` and curl; without them each test says so and passes, except where `CI` is set.

#![allow(clippy::unwrap_used)] // a test's way to fail

mod over_tun;

use over_tun::{Place, Running, eventually};
use serde_json::Value;
use std::fs;

/// `synfin serve` with its standard error in the file `told`.
fn serve(place: &Place, flags: &str) -> Running {
    let line = format!("exec \"$0\" serve --json {flags} served 2>told");
    let mut server = place.start(&["sh", "-c", &line, env!("CARGO_BIN_EXE_synfin")]);
    server.wait_for("\"listening\"");
    server
}

/// The rows of the last table, cell by cell, when a table with this total has been printed.
fn table(place: &Place, total: &str) -> Vec<Vec<String>> {
    let told = || fs::read_to_string(place.path("told")).unwrap();
    eventually(&format!("a table is printed that ends with \"{total}\""), || {
        told().lines().any(|line| line.ends_with(total))
    });
    let told = told();
    let lines: Vec<&str> = told.lines().collect();
    let end = lines.iter().rposition(|line| line.ends_with(total)).unwrap();
    let head = lines[..end].iter().rposition(|line| line.starts_with("state ")).unwrap();
    let cells = |line: &&str| {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    lines[head + 1..end].iter().map(cells).collect()
}

#[test]
fn a_signal_shows_both_connections_and_their_states() {
    let Some(place) = Place::new("usr1", &["curl"]) else { return };
    place.fill("served/big", 64 << 20);
    let mut server = serve(&place, "");
    // Of megabytes of receive buffer, the kernel might take all that is queued, and the FIN behind it.
    place.run(&["sh", "-c", "echo 4096 65536 65536 > /proc/sys/net/ipv4/tcp_rmem"]);
    let clients = ["http://10.90.0.2/big", "http://[fd90::2]/big"]
        .map(|url| place.start(&["curl", "-gsS", "--limit-rate", "1K", "-o", "/dev/null", url]));
    let mut peers = [(); 2].map(|()| {
        let request: Value = serde_json::from_str(&server.wait_for("\"request\"")).unwrap();
        request["peer"].as_str().unwrap().to_owned()
    });
    // IPv4 sorts before IPv6.
    peers.sort();
    let locals = ["10.90.0.2:80", "[fd90::2]:80"];

    server.signal("USR1");
    let rows = table(&place, "2 connections: 2 ESTABLISHED");
    for ((row, local), peer) in rows.iter().zip(locals).zip(&peers) {
        assert_eq!((row[0].as_str(), row[3].as_str(), &row[4]), ("ESTABLISHED", local, peer), "{row:?}");
        assert!(row[1] == "0" && row[2] != "0", "nothing is unread, and much is not acknowledged: {row:?}");
        assert!(row[6].ends_with('s') && row.len() == 8, "the round trip was measured: {row:?}");
    }
    assert_eq!(rows.len(), 2, "{rows:?}");

    // What keeps a server from ending can be seen, too.
    server.signal("INT");
    server.wait_for("\"closing\"");
    server.signal("USR1");
    let rows = table(&place, "2 connections: 2 FIN-WAIT-1");
    assert!(rows.iter().zip(&peers).all(|(row, peer)| row[0] == "FIN-WAIT-1" && row[4] == *peer), "{rows:?}");
    server.signal("INT");
    assert_eq!(server.wait(), Some(0), "the signal does not end it, and does not change how it ends");
    drop(clients);
}

#[test]
fn the_table_is_printed_every_so_often() {
    let Some(place) = Place::new("status", &[]) else { return };
    let _server = serve(&place, "--status 1");
    eventually("it is printed more than once", || {
        let told = fs::read_to_string(place.path("told")).unwrap();
        told.lines().filter(|line| line.ends_with("Z 0 connections")).count() > 1
    });
}
