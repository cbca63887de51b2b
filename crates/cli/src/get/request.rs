//! One request: connect, ask, read the answer's head.

use super::destination::Part;
use super::trouble;
use super::wire::Wire;
use crate::failure::Failure;
use crate::http::{HEAD_BYTES_MAX, PRODUCT};
use crate::over_tun::OverTun;
use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, HOST, HeaderValue, IF_RANGE, RANGE, USER_AGENT};
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;
use synfin::tokio::TcpStream;
use url::{Host, Url};

/// An answer whose body is still to be read.
pub(crate) struct Fetched {
    /// Its head, and the body as it comes.
    pub(crate) response: Response<Incoming>,
    /// The connection.
    pub(crate) wire: Wire,
}

/// Asks for the URL, or for what follows the part.
pub(crate) async fn send(
    url: &Url,
    link: &OverTun,
    part: Option<&Part>,
    timeout: Duration,
) -> Result<Fetched, Failure> {
    let stream = connect(url, link, timeout).await?;
    let peer = stream.peer_addr().map_or_else(|_| authority(url), |peer| peer.to_string());
    let wire = Wire::new(stream);
    let request = request(url, part)?;
    let asked = async {
        let mut http = http1::Builder::new();
        http.title_case_headers(true).max_header_size(HEAD_BYTES_MAX);
        let (mut sender, connection) = http.handshake(wire.clone()).await?;
        // It ends with the answer; what goes wrong is told to whoever reads the answer.
        tokio::spawn(connection);
        sender.send_request(request).await
    };
    match tokio::time::timeout(timeout, asked).await {
        Ok(Ok(response)) => Ok(Fetched { response, wire }),
        Ok(Err(error)) => Err(trouble::head(&peer, &error, wire.has_spoken(), timeout)),
        Err(_) => Err(trouble::late_head(&peer, wire.has_spoken(), timeout)),
    }
}

fn request(url: &Url, part: Option<&Part>) -> Result<Request<Empty<Bytes>>, Failure> {
    let query = url.query().map_or(String::new(), |query| format!("?{query}"));
    let mut request = Request::get(format!("{}{query}", url.path()))
        .header(HOST, authority(url))
        .header(USER_AGENT, HeaderValue::from_static(PRODUCT))
        .header(ACCEPT, HeaderValue::from_static("*/*"))
        .header(CONNECTION, HeaderValue::from_static("close"));
    if let Some(part) = part {
        request =
            request.header(RANGE, format!("bytes={}-", part.len_bytes)).header(IF_RANGE, &part.validator);
    }
    request.body(Empty::new()).map_err(|error| Failure::new(format!("{url} cannot be asked for: {error}")))
}

/// The host, and the port unless it is 80, as the `Host` field has it.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"))
}

async fn connect(url: &Url, link: &OverTun, timeout: Duration) -> Result<TcpStream, Failure> {
    let port = url.port_or_known_default().unwrap_or(80);
    let all = addresses(url, port)?;
    let reachable = |addr: &&SocketAddr| link.addresses.iter().any(|ours| ours.is_ipv4() == addr.is_ipv4());
    let mut last = None;
    for addr in all.iter().filter(reachable) {
        let connected = tokio::time::timeout(timeout, TcpStream::connect(&link.stack, *addr)).await;
        match connected.unwrap_or_else(|_| Err(io::Error::from(ErrorKind::TimedOut))) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(trouble::connect(*addr, &error, timeout, link)),
        }
    }
    Err(last.unwrap_or_else(|| {
        let family = if all.iter().any(SocketAddr::is_ipv4) { "IPv4" } else { "IPv6" };
        Failure::new(format!(
            "{} has {family} addresses only, and the stack has none; give it one with --host and --address",
            authority(url)
        ))
    }))
}

fn addresses(url: &Url, port: u16) -> Result<Vec<SocketAddr>, Failure> {
    let name = match url.host() {
        Some(Host::Ipv4(address)) => return Ok(vec![(IpAddr::V4(address), port).into()]),
        Some(Host::Ipv6(address)) => return Ok(vec![(IpAddr::V6(address), port).into()]),
        Some(Host::Domain(name)) => name,
        None => return Err(Failure::new(format!("{url} names no host"))),
    };
    match (name, port).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => Err(Failure::new(format!(
            "the system finds no address for {name} ({error}); check the name, or give the address itself"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_asks_for_what_the_url_says() {
        let asked = |url: &str, part: Option<&Part>| {
            request(&Url::parse(url).expect("a URL"), part).expect("a request").into_parts().0
        };
        let plain = asked("http://[fd90::1]:8000/a%20b?c=d#e", None);
        assert_eq!(plain.uri, "/a%20b?c=d");
        assert_eq!(plain.headers[HOST], "[fd90::1]:8000");
        assert!(!plain.headers.contains_key(RANGE) && !plain.headers.contains_key(IF_RANGE));
        let part = Part { len_bytes: 7, validator: "\"tag\"".to_owned() };
        let rest = asked("http://x:80/", Some(&part));
        assert_eq!(rest.headers[HOST], "x");
        assert_eq!(rest.headers[RANGE], "bytes=7-");
        assert_eq!(rest.headers[IF_RANGE], "\"tag\"");
    }
}
