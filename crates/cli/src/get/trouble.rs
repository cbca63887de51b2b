//! What goes wrong, as a sentence about the user's world, with what to do next.

use crate::failure::Failure;
use crate::http::HEAD_BYTES_MAX;
use crate::over_tun::OverTun;
use crate::terminal::foreign;
use http::Response;
use hyper::ext::ReasonPhrase;
use report::numbers;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;
use url::Url;

/// Reads what the user gave. Without a scheme it is HTTP.
pub(crate) fn parse(text: &str) -> Result<Url, Failure> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&with_scheme).map_err(|error| {
        Failure::usage(format!("\"{text}\" is not a URL ({error}); write http://HOST[:PORT]/PATH"))
    })?;
    check(url).map_err(Failure::usage)
}

/// Where a redirection leads.
pub(crate) fn redirected(from: &Url, location: &str) -> Result<Url, Failure> {
    let next = from.join(location).map_err(|error| {
        Failure::new(format!("{from} leads to \"{}\", which is not a URL ({error})", foreign(location)))
    })?;
    check(next).map_err(Failure::new)
}

fn check(url: Url) -> Result<Url, String> {
    match url.scheme() {
        "http" => Ok(url),
        "https" => {
            Err(format!("{url} needs TLS, which this command does not speak; only http:// is possible"))
        }
        other => Err(format!("{url}: {other} is not possible; only http:// is")),
    }
}

/// No connection came about.
pub(crate) fn connect(peer: SocketAddr, error: &io::Error, timeout: Duration, link: &OverTun) -> Failure {
    let host = link.hosts.iter().map(|host| host.address).find(|host| host.is_ipv4() == peer.is_ipv4());
    if peer.ip().is_loopback() {
        let instead = host.map_or(String::new(), |host| format!("; the kernel's servers are at {host}"));
        return Failure::new(format!(
            "{peer}: in this stack, {} is the stack itself, where nothing listens{instead}",
            peer.ip()
        ));
    }
    let is_near = link.is_on_link(peer.ip());
    let sentence = match error.kind() {
        ErrorKind::ConnectionRefused => {
            format!("{peer} refused the connection: no program listens on port {}", peer.port())
        }
        ErrorKind::ConnectionReset => format!("{peer} reset the connection before it was open"),
        ErrorKind::TimedOut => {
            let who = if is_near {
                let known = host.map_or(String::new(), |host| format!("; the kernel is {host}"));
                format!("nobody has that address on {}{known}", link.name)
            } else {
                "the kernel may not forward for us (see the examples in --help), or the host is down"
                    .to_owned()
            };
            format!("{peer} did not answer within {}: {who}", numbers::duration(timeout))
        }
        ErrorKind::HostUnreachable => format!("{peer} cannot be reached: no route leads to the host"),
        ErrorKind::NetworkUnreachable => format!("{peer} cannot be reached: no route leads to its network"),
        _ => format!("no connection with {peer}: {error}"),
    };
    Failure::new(sentence)
}

/// The connection failed before an answer began.
fn wire(peer: &str, error: &io::Error, timeout: Duration) -> Failure {
    Failure::new(match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            format!("{peer} reset the connection before it answered")
        }
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            format!("{peer} did not answer the request within {}", numbers::duration(timeout))
        }
        _ => format!("the connection with {peer} failed: {error}"),
    })
}

/// There is no answer, or none that can be understood. `has_spoken`: but bytes have come.
pub(crate) fn head(peer: &str, error: &hyper::Error, has_spoken: bool, timeout: Duration) -> Failure {
    if let Some(error) = io_error(error) {
        return wire(peer, error, timeout);
    }
    Failure::new(if error.is_parse_too_large() {
        format!("the head of the answer of {peer} is longer than {HEAD_BYTES_MAX} bytes")
    } else if error.is_parse() {
        format!("what {peer} answers is not HTTP: {error}")
    } else if has_spoken {
        format!("{peer} closed the connection in the middle of its answer's head")
    } else {
        format!("{peer} closed the connection before sending anything")
    })
}

/// No head came in time.
pub(crate) fn late_head(peer: &str, has_spoken: bool, timeout: Duration) -> Failure {
    let timeout = numbers::duration(timeout);
    Failure::new(if has_spoken {
        format!("{peer} did not finish the head of its answer within {timeout}")
    } else {
        format!("{peer} accepted the connection, but did not answer within {timeout}")
    })
}

/// What the connection says, if that is behind it.
fn io_error(error: &hyper::Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

/// What a failure of an answer's body was.
pub(crate) fn of_body(error: hyper::Error) -> io::Error {
    match io_error(&error) {
        Some(io) => io::Error::new(io.kind(), error),
        None if error.is_incomplete_message() => ErrorKind::UnexpectedEof.into(),
        None => io::Error::other(error),
    }
}

/// What the server calls its status.
pub(crate) fn reason<B>(response: &Response<B>) -> String {
    let given = response.extensions().get::<ReasonPhrase>();
    let given = given.map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
    let usual = || response.status().canonical_reason().unwrap_or_default().to_owned();
    foreign(&given.unwrap_or_else(usual)).to_string()
}

/// The server says no.
pub(crate) fn status<B>(url: &Url, response: &Response<B>) -> Failure {
    let (status, reason) = (response.status().as_u16(), reason(response));
    Failure::new(match status {
        206 => format!("{url}: the server sends a part, though the whole was asked for"),
        401 | 407 => format!(
            "{url}: the server says {status} {reason}; it wants a password, which this command cannot give"
        ),
        301..=399 => format!("{url}: the server says {status} {reason}, but not where to go"),
        _ => format!("{url}: the server says {status} {reason}"),
    })
}

/// The body did not come whole.
pub(crate) fn body(
    url: &Url,
    error: &io::Error,
    so_far_bytes: u64,
    total_bytes: Option<u64>,
    timeout: Duration,
    advice: &str,
) -> Failure {
    let so_far = match total_bytes {
        Some(total_bytes) => format!("{} of {}", numbers::bytes(so_far_bytes), numbers::bytes(total_bytes)),
        None => numbers::bytes(so_far_bytes),
    };
    let what = match error.kind() {
        ErrorKind::UnexpectedEof => format!("the server closed the connection after {so_far}"),
        ErrorKind::ConnectionReset => format!("the server reset the connection after {so_far}"),
        ErrorKind::WouldBlock => {
            format!("the server fell silent after {so_far}; nothing came for {}", numbers::duration(timeout))
        }
        ErrorKind::TimedOut => {
            format!("the connection was lost after {so_far}: the server does not answer any more")
        }
        _ => format!("the transfer failed after {so_far}: {error}"),
    };
    Failure::new(format!("{url}: {what}; {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_http() {
        assert_eq!(parse("10.90.0.1:8000/x").expect("a URL").as_str(), "http://10.90.0.1:8000/x");
        assert_eq!(parse("http://[fd90::1]").expect("a URL").path(), "/");
        for (text, sentence) in
            [("https://x/", "TLS"), ("ftp://x/", "only http://"), ("http://", "not a URL")]
        {
            let failure = format!("{:?}", parse(text).expect_err("no"));
            assert!(failure.contains(sentence), "{failure}");
        }
    }

    #[test]
    fn redirections_are_relative_to_where_they_stand() {
        let from = parse("http://x:81/a/b").expect("a URL");
        assert_eq!(redirected(&from, "c").expect("a URL").as_str(), "http://x:81/a/c");
        assert_eq!(redirected(&from, "//y/").expect("a URL").as_str(), "http://y/");
        assert!(redirected(&from, "https://x/").is_err());
    }

    #[test]
    fn a_short_body_says_how_short() {
        let url = parse("http://x/y").expect("a URL");
        let error = io::Error::from(ErrorKind::UnexpectedEof);
        let failure = body(&url, &error, 1_536, Some(3_072), Duration::from_secs(1), "try again");
        assert!(format!("{failure:?}").contains("after 1.50 KiB of 3.00 KiB; try again"), "{failure:?}");
    }
}
