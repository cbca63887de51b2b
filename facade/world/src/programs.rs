//! Three programs as they would be written for any network: they know tokio and its libraries, and nothing of worlds.
//!
//! A browser asks a web server over TLS, and the web server asks a database.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1 as http1_client;
use hyper::header::HOST;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use redis::AsyncCommands;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What a program ends with.
pub type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The counters of a database, as long as it has power.
type Counters = Arc<Mutex<HashMap<Vec<u8>, u64>>>;

/// A database that counts: what a client of Redis needs to count.
///
/// # Errors
/// Those of the listener.
pub async fn db(listener: TcpListener) -> Result {
    let counters = Counters::default();
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer(stream, Arc::clone(&counters)));
    }
}

async fn answer(stream: TcpStream, counters: Counters) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    while let Some(command) = read_command(&mut reader).await? {
        let reply = match command.iter().map(Vec::as_slice).collect::<Vec<_>>()[..] {
            [b"CLIENT", ..] => "+OK\r\n".to_owned(),
            [b"INCRBY", key, b"1"] => {
                let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
                let counter = counters.entry(key.to_owned()).or_default();
                *counter += 1;
                format!(":{counter}\r\n")
            }
            _ => "-ERR unknown command\r\n".to_owned(),
        };
        writer.write_all(reply.as_bytes()).await?;
    }
    Ok(())
}

/// An array of strings, as clients of Redis write commands; nothing at the end.
async fn read_command(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<Vec<u8>>>> {
    let Some(count) = read_count(reader, '*').await? else { return Ok(None) };
    let mut command = Vec::new();
    for _ in 0..count {
        let Some(len_bytes) = read_count(reader, '$').await? else { return Ok(None) };
        let mut text = vec![0; len_bytes + 2];
        reader.read_exact(&mut text).await?;
        text.truncate(len_bytes);
        command.push(text);
    }
    Ok(Some(command))
}

/// A line with a number; nothing at the end.
async fn read_count(reader: &mut (impl AsyncBufRead + Unpin), kind: char) -> io::Result<Option<usize>> {
    let mut line = String::new();
    if reader.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let count = line.trim_end().strip_prefix(kind).and_then(|count| count.parse().ok());
    // More than any command of ours has.
    let count = count.filter(|count| *count <= 1_024);
    count.map(Some).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("no command: {line:?}")))
}

/// A web server that counts visits in a database (`redis://host:port`).
///
/// # Errors
/// Those of the listener and of the first connection to the database.
pub async fn web(listener: TcpListener, db: String, tls: Arc<ServerConfig>) -> Result {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let config =
        ConnectionManagerConfig::new().set_connection_timeout(seconds(2)).set_response_timeout(seconds(2));
    let db = ConnectionManager::new_with_config(redis::Client::open(db)?, config).await?;
    let router = Router::new().route("/visits/{page}", get(visits)).with_state(db);
    let acceptor = TlsAcceptor::from(tls);
    loop {
        let (stream, _) = listener.accept().await?;
        let (acceptor, router) = (acceptor.clone(), router.clone());
        tokio::spawn(async move {
            let stream = acceptor.accept(stream).await?;
            // The time of day would be the only thing in an answer that is different each time.
            let mut server = http1::Builder::new();
            let server = server.auto_date_header(false);
            let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
            connection.await.map_err(io::Error::other)
        });
    }
}

async fn visits(State(mut db): State<ConnectionManager>, Path(page): Path<String>) -> (StatusCode, String) {
    match db.incr::<_, _, u64>(&page, 1).await {
        Ok(count) => (StatusCode::OK, format!("{page}: {count}")),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    }
}

/// A browser with a connection to `web`.
pub struct Browser {
    connection: http1_client::SendRequest<Empty<Bytes>>,
}

impl Browser {
    /// Connects over TLS to a server whose certificate is for `web`.
    ///
    /// # Errors
    /// Those of the network and of TLS.
    pub async fn connect(server: impl ToSocketAddrs, tls: Arc<ClientConfig>) -> Result<Browser> {
        let stream = TcpStream::connect(server).await?;
        let name = ServerName::try_from("web")?;
        let stream = TlsConnector::from(tls).connect(name, stream).await?;
        let (connection, driver) = http1_client::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(Browser { connection })
    }

    /// Asks for a page.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn get(&mut self, page: &str) -> Result<(StatusCode, String)> {
        let request = Request::get(format!("/visits/{page}")).header(HOST, "web").body(Empty::new())?;
        let response = self.connection.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8(body.to_vec())?))
    }
}
