//! A connector for the clients of hyper-util, and through it for whatever is built on them.

use super::TcpStream;
use crate::Reach;
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_service::Service;

/// Connects to the host and port of a URI; for `https` too, so that a TLS connector can be put around it.
#[derive(Clone)]
pub struct Connector<R: Reach> {
    stack: R,
}

/// A connection on its way: what [`Connector`] returns.
pub type Connecting<R> = Pin<Box<dyn Future<Output = io::Result<TokioIo<TcpStream<R>>>> + Send>>;

impl<R: Reach> Connector<R> {
    /// Connects from this stack. Names are looked up as the stack does it.
    pub fn new(stack: &R) -> Self {
        Connector { stack: stack.clone() }
    }
}

impl<R: Reach + Send + Sync + 'static> Service<Uri> for Connector<R> {
    type Response = TokioIo<TcpStream<R>>;
    type Error = io::Error;
    type Future = Connecting<R>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Connecting<R> {
        let stack = self.stack.clone();
        Box::pin(async move {
            let (name, port) = host_and_port(&uri)?;
            TcpStream::connect_on(&stack, (name, port), None).await.map(TokioIo::new)
        })
    }
}

/// The host of a URI without the brackets of IPv6, and its port, or that of its scheme.
fn host_and_port(uri: &Uri) -> io::Result<(String, u16)> {
    let invalid = |what: &str| io::Error::new(ErrorKind::InvalidInput, format!("{uri}: {what}"));
    let host = uri.host().ok_or_else(|| invalid("the URI names no host"))?;
    let port = match (uri.port_u16(), uri.scheme_str()) {
        (Some(port), _) => port,
        (None, Some("http") | None) => 80,
        (None, Some("https")) => 443,
        (None, Some(_)) => return Err(invalid("the URI names no port, and its scheme has none")),
    };
    Ok((host.trim_start_matches('[').trim_end_matches(']').to_owned(), port))
}

impl<R: Reach> Connection for TcpStream<R> {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl<R: Reach> fmt::Debug for Connector<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_a_host_and_a_port() {
        let ends = |text: &str| host_and_port(&text.parse().expect("a URI")).ok();
        assert_eq!(ends("http://db.internal/x"), Some(("db.internal".into(), 80)));
        assert_eq!(ends("https://10.0.0.1/"), Some(("10.0.0.1".into(), 443)));
        assert_eq!(ends("http://[fd90::2]:8080/"), Some(("fd90::2".into(), 8_080)));
        assert_eq!(ends("/x"), None);
        assert_eq!(ends("ftp://host/"), None);
    }
}
