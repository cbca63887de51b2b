//! Connections to any address and port through a gate: decided before anybody is answered.

#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)]

mod common;

use common::pair::{CLIENT, capabilities, client_on, server_on};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;
use synfin::stack::Refuse;
use synfin::tokio::{Flows, TcpStream};
use synfin::{GateOptions, Stack, device, net};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A host somewhere in the world.
const ANYWHERE: &str = "93.184.216.34:443";

/// A client whose default route is the gateway, and the gateway.
fn client_and_gateway() -> (Stack, Stack) {
    let (left, right) = device::memory::pair(capabilities());
    (client_on(left).gateway("10.90.0.2").start().unwrap(), server_on(right).start().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_that_is_accepted_is_a_stream_with_the_address_that_was_asked_for() {
    let (client, gateway) = client_and_gateway();
    let flows = Flows::open(&gateway, GateOptions::default()).unwrap();
    let connecting = tokio::spawn(async move { TcpStream::connect(&client, ANYWHERE).await });
    let flow = flows.next().await.unwrap();
    let asked: SocketAddr = ANYWHERE.parse().unwrap();
    assert_eq!((flow.local_addr(), flow.peer_addr().ip(), flow.hop_limit()), (asked, CLIENT.into(), 64));
    assert_eq!(flow.syn().mss, Some(1_460));
    assert!(!connecting.is_finished(), "nobody was answered");
    let mut beyond = flow.accept().await.unwrap();
    assert_eq!(beyond.local_addr().unwrap(), asked);
    let mut stream = connecting.await.unwrap().unwrap();
    assert_eq!(stream.peer_addr().unwrap(), asked);

    stream.write_all(b"ping").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut heard = String::new();
    beyond.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "ping");
    beyond.write_all(b"pong, after your FIN").await.unwrap();
    drop(beyond);
    heard.clear();
    stream.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "pong, after your FIN");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_that_is_refused_or_dropped_is_refused_at_its_peer() {
    let (client, gateway) = client_and_gateway();
    let flows = Flows::open(&gateway, GateOptions::default()).unwrap();
    for is_dropped in [false, true] {
        let client = client.clone();
        let connecting = tokio::spawn(async move { TcpStream::connect(&client, ANYWHERE).await });
        let flow = flows.next().await.unwrap();
        if is_dropped {
            drop(flow);
        } else {
            flow.refuse(Refuse::Reset);
        }
        assert_eq!(connecting.await.unwrap().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_whose_peer_has_left_cannot_be_accepted() {
    let (client, gateway) = client_and_gateway();
    let flows = Flows::open(&gateway, GateOptions::default()).unwrap();
    // The stack stays when the program has lost interest: it resets what comes for nobody.
    let asking = client.clone();
    let connecting = tokio::spawn(async move { TcpStream::connect(&asking, ANYWHERE).await.map(drop) });
    let flow = flows.next().await.unwrap();
    connecting.abort();
    assert!(connecting.await.unwrap_err().is_cancelled());
    let error = flow.accept().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotConnected | ErrorKind::ConnectionReset), "{error}");
}

#[test]
fn threads_take_flows_as_well() {
    let (client, gateway) = client_and_gateway();
    let flows = net::Flows::open(&gateway, GateOptions::default()).unwrap();
    flows.set_timeout(Some(Duration::from_millis(20))).unwrap();
    assert_eq!(flows.next().unwrap_err().kind(), ErrorKind::WouldBlock);
    flows.set_timeout(None).unwrap();
    let connecting = std::thread::spawn(move || net::TcpStream::connect(&client, ANYWHERE));
    let mut beyond = net::accept(flows.next().unwrap()).unwrap();
    let mut stream = connecting.join().unwrap().unwrap();
    beyond.write_all(b"from anywhere").unwrap();
    drop(beyond);
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "from anywhere");
}

#[test]
fn a_thousand_flows_at_once_are_all_served() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, gateway) = client_and_gateway();
        let flows = Flows::open(&gateway, GateOptions::default()).unwrap();
        let serving = tokio::spawn(async move {
            loop {
                let flow = flows.next().await.unwrap();
                tokio::spawn(async move {
                    let text = flow.local_addr().to_string();
                    flow.accept().await.unwrap().write_all(text.as_bytes()).await.unwrap();
                });
            }
        });
        let asking: Vec<_> = (0..1_000_u16)
            .map(|number| {
                let to = SocketAddr::from(([20, 0, (number >> 8) as u8, number as u8], 80));
                let client = client.clone();
                tokio::spawn(async move {
                    let mut heard = String::new();
                    TcpStream::connect(&client, to).await.unwrap().read_to_string(&mut heard).await.unwrap();
                    assert_eq!(heard, to.to_string());
                })
            })
            .collect();
        for asked in asking {
            asked.await.unwrap();
        }
        serving.abort();
        assert_eq!(gateway.usage().half_open, 0);
    });
}
