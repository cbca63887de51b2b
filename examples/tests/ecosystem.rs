//! hyper, axum, rustls, h2 and tungstenite run over a stack unchanged: two stacks with a wire in memory between them.

#![allow(clippy::unwrap_used, missing_docs)]

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::sync::Arc;
use synfin::tokio::{Connector, Peer, TcpListener, TcpStream};
use synfin::wire::LinkCapabilities;
use synfin::{Stack, device};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::tungstenite::Message;

const SERVER: &str = "10.90.0.2";

/// A client and a server, driven by the runtime of the test.
fn pair() -> (Stack, Stack) {
    let (left, right) = device::memory::pair(LinkCapabilities::default());
    let names = |name: &str, port: u16| match name {
        "server.internal" => Ok(vec![([10, 90, 0, 2], port).into()]),
        _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    };
    let client = Stack::builder().link(left).address("10.90.0.1/24").resolver(names).start_task().unwrap();
    (client, Stack::builder().link(right).address("10.90.0.2/24").start_task().unwrap())
}

async fn text(body: hyper_util::client::legacy::ResponseFuture) -> (StatusCode, String) {
    let response = body.await.unwrap();
    let status = response.status();
    (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap())
}

#[tokio::test]
async fn axum_serves_and_a_client_of_hyper_asks_by_name() {
    let (client, server) = pair();
    let listener = TcpListener::bind(&server, (SERVER, 80)).await.unwrap();
    let app = Router::new()
        .route(
            "/peer",
            get(|ConnectInfo(Peer(peer)): ConnectInfo<Peer>| async move { peer.ip().to_string() }),
        )
        .route("/echo", post(|body: Body| async { body }));
    tokio::spawn(
        async move { axum::serve(listener, app.into_make_service_with_connect_info::<Peer>()).await },
    );
    let asking = Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(Connector::new(&client));
    let uri = |path: &str| format!("http://server.internal{path}").parse::<Uri>().unwrap();
    assert_eq!(text(asking.get(uri("/peer"))).await, (StatusCode::OK, "10.90.0.1".to_owned()));
    assert_eq!(text(asking.get(uri("/none"))).await.0, StatusCode::NOT_FOUND);
    let body = "many words ".repeat(50_000);
    let request = Request::post(uri("/echo")).body(Full::from(body.clone())).unwrap();
    assert_eq!(text(asking.request(request)).await, (StatusCode::OK, body));
    let nobody = asking.get("http://nobody.internal/".parse().unwrap()).await;
    assert!(nobody.is_err(), "the resolver knows no such name");
}

/// A certificate for the server's address, and its key.
fn certificate() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let certified = rcgen::generate_simple_self_signed([SERVER.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    (certified.cert.der().clone(), key)
}

#[tokio::test]
async fn rustls_encrypts_both_ways_and_says_goodbye() {
    let (client, server) = pair();
    let (certificate, key) = certificate();
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.clone()], key);
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind(&server, (SERVER, 443)).await.unwrap();
    let echo = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (mut reader, mut writer) = tokio::io::split(acceptor.accept(stream).await.unwrap());
        let copied = tokio::io::copy(&mut reader, &mut writer).await.unwrap();
        writer.shutdown().await.unwrap();
        copied
    });
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(&client, (SERVER, 443)).await.unwrap();
    let name = ServerName::try_from(SERVER).unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let sent = vec![7; 1 << 20];
    let expected = sent.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
        writer
    });
    let mut heard = Vec::new();
    reader.read_to_end(&mut heard).await.unwrap();
    assert!(heard == expected, "{} bytes came back", heard.len());
    writing.await.unwrap();
    assert_eq!(echo.await.unwrap(), 1 << 20);
}

#[tokio::test]
async fn a_websocket_echoes_until_it_is_closed() {
    let (client, server) = pair();
    let listener = TcpListener::bind(&server, (SERVER, 80)).await.unwrap();
    let echo = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut messages = tokio_tungstenite::accept_async(stream).await.unwrap();
        let mut count = 0;
        while let Some(Ok(message)) = messages.next().await {
            if message.is_text() || message.is_binary() {
                messages.send(message).await.unwrap();
                count += 1;
            }
        }
        count
    });
    let stream = TcpStream::connect(&client, (SERVER, 80)).await.unwrap();
    let (mut messages, _) = tokio_tungstenite::client_async("ws://10.90.0.2/", stream).await.unwrap();
    for message in [Message::text("hello"), Message::binary(vec![3; 100_000])] {
        messages.send(message.clone()).await.unwrap();
        assert_eq!(messages.next().await.unwrap().unwrap(), message);
    }
    messages.close(None).await.unwrap();
    while messages.next().await.is_some() {}
    assert_eq!(echo.await.unwrap(), 2);
}

#[tokio::test]
async fn h2_carries_many_streams_in_one_connection() {
    const STREAMS: usize = 50;
    let (client, server) = pair();
    let listener = TcpListener::bind(&server, (SERVER, 80)).await.unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let body = Bytes::from(request.uri().path().repeat(1_000));
            let mut sending = respond.send_response(http::Response::new(()), false).unwrap();
            sending.send_data(body, true).unwrap();
        }
    });
    let stream = TcpStream::connect(&client, (SERVER, 80)).await.unwrap();
    let (mut asking, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for number in 0..STREAMS {
        asking = asking.ready().await.unwrap();
        let request = Request::get(format!("http://{SERVER}/{number}")).body(()).unwrap();
        answers.push((number, asking.send_request(request, true).unwrap().0));
    }
    for (number, answer) in answers {
        let mut body = answer.await.unwrap().into_body();
        let mut bytes = 0;
        while let Some(data) = body.data().await {
            let data = data.unwrap();
            bytes += data.len();
            body.flow_control().release_capacity(data.len()).unwrap();
        }
        assert_eq!(bytes, format!("/{number}").len() * 1_000);
    }
}

#[tokio::test]
async fn a_client_of_hyper_and_a_raw_server_agree_about_an_empty_body() {
    let (client, server) = pair();
    let listener = TcpListener::bind(&server, (SERVER, 80)).await.unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 1_000];
        let count = stream.read(&mut head).await.unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&head[..count]).into_owned()
    });
    let asking = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(Connector::new(&client));
    let response = asking.get(format!("http://{SERVER}/x").parse().unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert!(serving.await.unwrap().starts_with("GET /x HTTP/1.1\r\n"));
}
