//! TLS on both sides of one stack: a server with a certificate of its own, which `curl` can reach, and a client.
//!
//! ```text
//! sudo cargo run -p synfin-examples --example https
//! curl -k https://10.90.0.2/
//! ```

use std::error::Error;
use std::sync::Arc;
use synfin::Stack;
use synfin::tokio::{TcpListener, TcpStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let stack = synfin_examples::stack_over_tun("https0")?;
    let certified = rcgen::generate_simple_self_signed(["10.90.0.2".to_owned()])?;
    let certificate = certified.cert.der().clone();
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der())?;
    let listener = TcpListener::bind(&stack, "10.90.0.2:443").await?;
    let serving = tokio::spawn(serve(listener, certificate.clone(), key));
    print!("asked from within: {}", ask(&stack, certificate).await?);
    println!("https://10.90.0.2/");
    synfin_examples::until_interrupted(&stack).await?;
    serving.abort();
    Ok(())
}

/// Answers whatever is asked.
async fn serve(
    listener: TcpListener,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let (stream, peer) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let mut stream = acceptor.accept(stream).await?;
            let mut head = [0; 4_096];
            let _ = stream.read(&mut head).await?;
            let body = format!("hello {peer}, in private\n");
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await
        });
    }
}

/// Asks the server, and trusts its certificate alone. Returns the body of the answer.
async fn ask(stack: &Stack, certificate: CertificateDer<'static>) -> Result<String, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(stack, "10.90.0.2:443").await?;
    let name = ServerName::try_from("10.90.0.2")?;
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: 10.90.0.2\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or(answer))
}
