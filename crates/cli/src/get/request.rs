//! One request: connect, ask, read the answer's head.

use super::destination::Part;
use super::trouble;
use crate::failure::Failure;
use crate::http::PRODUCT;
use crate::http::head::Response;
use crate::over_tun::OverTun;
use std::io::{BufReader, Write};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};
use synfin::net::TcpStream;
use url::{Host, Url};

/// Bytes read ahead while the head is taken.
const AHEAD_BYTES: usize = 64 << 10;

/// An answer whose body is still to be read.
pub(crate) struct Fetched {
    /// Its head.
    pub(crate) response: Response,
    /// The connection.
    pub(crate) stream: TcpStream,
    /// Where the body is read from: the same connection.
    pub(crate) from: BufReader<TcpStream>,
}

/// Asks for the URL, or for what follows the part.
pub(crate) fn send(
    url: &Url,
    link: &OverTun,
    part: Option<&Part>,
    timeout: Duration,
) -> Result<Fetched, Failure> {
    let stream = connect(url, link, timeout)?;
    let peer = stream.peer_addr().map_or_else(|_| authority(url), |peer| peer.to_string());
    let told = |error| trouble::head(&peer, error, timeout);
    let text = request(url, part);
    let set_up = || {
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        stream.try_clone()
    };
    let reader = set_up().map_err(|error| trouble::wire(&peer, &error, timeout))?;
    (&stream).write_all(text.as_bytes()).map_err(|error| trouble::wire(&peer, &error, timeout))?;
    let mut from = BufReader::with_capacity(AHEAD_BYTES, reader);
    let response = Response::read(&mut from, Instant::now() + timeout).map_err(told)?;
    Ok(Fetched { response, stream, from })
}

fn request(url: &Url, part: Option<&Part>) -> String {
    let query = url.query().map_or(String::new(), |query| format!("?{query}"));
    let (path, host) = (url.path(), authority(url));
    let mut text = format!(
        "GET {path}{query} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {PRODUCT}\r\nAccept: */*\r\nConnection: close\r\n"
    );
    if let Some(part) = part {
        text += &format!("Range: bytes={}-\r\nIf-Range: {}\r\n", part.len_bytes, part.validator);
    }
    text + "\r\n"
}

/// The host, and the port unless it is 80, as the `Host` field has it.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"))
}

fn connect(url: &Url, link: &OverTun, timeout: Duration) -> Result<TcpStream, Failure> {
    let port = url.port_or_known_default().unwrap_or(80);
    let all = addresses(url, port)?;
    let reachable = |addr: &&SocketAddr| link.addresses.iter().any(|ours| ours.is_ipv4() == addr.is_ipv4());
    let mut last = None;
    for addr in all.iter().filter(reachable) {
        match TcpStream::connect_timeout(&link.stack, addr, timeout) {
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
        let url = Url::parse("http://[fd90::1]:8000/a%20b?c=d#e").expect("a URL");
        let text = request(&url, None);
        assert!(text.starts_with("GET /a%20b?c=d HTTP/1.1\r\nHost: [fd90::1]:8000\r\n"), "{text}");
        let part = Part { len_bytes: 7, validator: "\"tag\"".to_owned() };
        let text = request(&Url::parse("http://x:80/").expect("a URL"), Some(&part));
        assert!(text.contains("\r\nHost: x\r\n"), "{text}");
        assert!(text.ends_with("Range: bytes=7-\r\nIf-Range: \"tag\"\r\n\r\n"), "{text}");
    }
}
