//! Libraries that set options of a socket through its descriptor, and what sockets of a world have not.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use axum::Router;
use axum::routing::get;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use synfin_sim::tokio::{self as sim, Builder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket, lookup_host};
use tower_service::Service;

const HALF_A_MINUTE: Duration = Duration::from_secs(30);

/// Asks tokio, where a client of hyper-util would ask the system on a thread of its own.
#[derive(Clone)]
struct Names;

impl Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move { Ok(lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>().into_iter()) })
    }
}

async fn hello() -> sim::Result {
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(Router::new().route("/", get(async || "hello")));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn run(program: impl Future<Output = sim::Result> + 'static) {
    let mut sim = Builder::new().build();
    sim.host("web", hello);
    sim.client("client", program);
    sim.run().unwrap();
}

#[test]
fn the_client_of_hyper_util_makes_its_sockets_with_their_options() {
    run(async {
        let mut connector = HttpConnector::new_with_resolver(Names);
        connector.set_nodelay(true);
        connector.set_keepalive(Some(HALF_A_MINUTE));

        let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(connector.clone());
        let response = client.get("http://web/".parse()?).await?;
        assert_eq!(response.into_body().collect().await?.to_bytes(), "hello");

        let stream = connector.call("http://web/".parse()?).await?.into_inner();
        assert!(stream.nodelay()?);
        assert_eq!(stream.keepalive()?.map(|keep_alive| keep_alive.idle), Some(HALF_A_MINUTE));
        Ok(())
    });
}

#[test]
fn a_stream_comes_back_from_std_with_the_options_that_were_set_there() {
    run(async {
        let stream = TcpStream::connect("web:80").await?;
        let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
        let away = socket2::Socket::from(stream.into_std()?);
        assert!(!away.tcp_nodelay()?, "as it was");
        away.set_tcp_nodelay(true)?;
        away.set_linger(Some(Duration::ZERO))?;
        away.set_tcp_keepalive(&TcpKeepalive::new().with_time(HALF_A_MINUTE))?;
        let mut stream = TcpStream::from_std(away.into())?;
        assert_eq!((stream.local_addr()?, stream.peer_addr()?), (local, peer));
        assert!(stream.nodelay()?);
        assert_eq!(stream.linger()?, Some(Duration::ZERO));
        assert_eq!(stream.keepalive()?.map(|keep_alive| keep_alive.idle), Some(HALF_A_MINUTE));

        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        assert!(answer.ends_with("hello"), "{answer}");
        Ok(())
    });
}

#[test]
fn options_of_a_borrowed_descriptor_stay_there() {
    run(async {
        let stream = TcpStream::connect("web:80").await?;
        SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(HALF_A_MINUTE))?;
        assert!(SockRef::from(&stream).keepalive()?);
        assert_eq!(stream.keepalive()?, None);
        assert!(SockRef::from(&stream).send(b"past the world").is_err(), "it is never connected");
        Ok(())
    });
}

#[test]
fn sockets_of_the_system_stay_out_of_the_world() {
    run(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let stream = std::net::TcpStream::connect(listener.local_addr()?)?;
        let datagrams = std::net::UdpSocket::bind("127.0.0.1:0")?;
        let kinds = [
            TcpStream::from_std(stream).map(drop),
            TcpListener::from_std(listener).map(drop),
            UdpSocket::try_from(datagrams).map(drop),
            TcpListener::bind("0.0.0.0:81").await?.into_std().map(drop),
            UdpSocket::bind("0.0.0.0:81").await?.into_std().map(drop),
        ]
        .map(|outcome| outcome.unwrap_err().kind());
        assert_eq!(kinds, [ErrorKind::Unsupported; 5]);
        Ok(())
    });
}

#[test]
fn what_the_stack_has_not_says_so() {
    run(async {
        let error = UdpSocket::bind("0.0.0.0:53").await?.set_broadcast(true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.to_string(), "sockets of a simulated world have no `set_broadcast`");
        Ok(())
    });
}

#[test]
fn outside_of_a_world_there_is_no_stack() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(TcpStream::connect("127.0.0.1:80")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
