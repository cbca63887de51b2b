//! A small SOCKS5 proxy over the kernel's sockets (RFC 1928: CONNECT, without authentication), to try `tun2socks` with.
//!
//! ```text
//! cargo run --release -p synfin-examples --example socks5 -- 127.0.0.1:1080
//! ```

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional_with_sizes};
use tokio::net::{TcpListener, TcpStream};

/// As much as a read of the kernel's socket gives at once.
const COPY_BYTES: usize = 256 << 10;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:1080".to_owned());
    let listener = TcpListener::bind(&address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream));
    }
}

async fn serve(mut client: TcpStream) -> io::Result<()> {
    let [version, methods] = read(&mut client).await?;
    let mut offered = vec![0; usize::from(methods)];
    client.read_exact(&mut offered).await?;
    if version != 5 || !offered.contains(&0) {
        return client.write_all(&[5, 0xff]).await;
    }
    client.write_all(&[5, 0]).await?;
    let [_, command, _, kind] = read(&mut client).await?;
    let ip = match kind {
        1 => IpAddr::from(Ipv4Addr::from(read::<4>(&mut client).await?)),
        4 => IpAddr::from(Ipv6Addr::from(read::<16>(&mut client).await?)),
        _ => return client.write_all(&reply(8)).await,
    };
    let port = u16::from_be_bytes(read(&mut client).await?);
    if command != 1 {
        return client.write_all(&reply(7)).await;
    }
    match TcpStream::connect(SocketAddr::new(ip, port)).await {
        Ok(mut beyond) => {
            client.write_all(&reply(0)).await?;
            copy_bidirectional_with_sizes(&mut client, &mut beyond, COPY_BYTES, COPY_BYTES).await.map(drop)
        }
        Err(error) => client.write_all(&reply(if is_refused(&error) { 5 } else { 4 })).await,
    }
}

fn is_refused(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionRefused
}

async fn read<const N: usize>(client: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// A reply without an address (RFC 1928 §6).
fn reply(code: u8) -> [u8; 10] {
    [5, code, 0, 1, 0, 0, 0, 0, 0, 0]
}
