//! Everything that the kernel routes into a TUN interface leaves through a SOCKS5 proxy.
//!
//! ```text
//! sudo cargo run --release -p synfin-examples --example tun2socks -- 127.0.0.1:1080
//! sudo ip route add 93.184.216.0/24 dev tun2socks      # what should leave this way
//! ```
//!
//! The SYN of a program waits, unanswered, until the proxy has reached the destination; if it cannot, the program is
//! told why, as by the network itself. Bytes wait in the window of their sender while the proxy is slow.

use std::error::Error;
use std::net::SocketAddr;
use synfin::GateOptions;
use synfin::stack::{Refuse, Unreachable};
use synfin::tokio::{Flow, Flows, relay};
use tokio_socks::tcp::Socks5Stream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let proxy: SocketAddr =
        arguments.next().ok_or("say where the proxy is, such as 127.0.0.1:1080")?.parse()?;
    let name = arguments.next().unwrap_or_else(|| "tun2socks".to_owned());
    let stack = synfin_examples::stack_over_tun(&name)?;
    let flows = Flows::open(&stack, GateOptions::default())?;
    println!("what is routed into {name} leaves through {proxy}");
    let forwarding = tokio::spawn(async move {
        while let Ok(flow) = flows.next().await {
            tokio::spawn(forward(flow, proxy));
        }
    });
    synfin_examples::until_interrupted(&stack).await?;
    forwarding.abort();
    Ok(())
}

/// Connects the two ends of one flow, as long as both want.
async fn forward(flow: Flow, proxy: SocketAddr) {
    let mut beyond = match Socks5Stream::connect(proxy, flow.local_addr()).await {
        Ok(beyond) => beyond.into_inner(),
        Err(error) => return flow.refuse(as_the_network_says_it(&error)),
    };
    // Who asked may have left while the proxy was busy; and what fails while bytes move, both ends hear of when
    // their connections are dropped.
    if let Ok(mut stream) = flow.accept().await {
        let _ = relay(&mut stream, &mut beyond).await;
    }
}

/// What the proxy could not do (RFC 1928 §6), in the words of the network.
fn as_the_network_says_it(error: &tokio_socks::Error) -> Refuse {
    match error {
        tokio_socks::Error::ConnectionNotAllowedByRuleset => Refuse::Unreachable(Unreachable::Prohibited),
        tokio_socks::Error::NetworkUnreachable => Refuse::Unreachable(Unreachable::Network),
        tokio_socks::Error::ConnectionRefused => Refuse::Reset,
        // The proxy itself is away, or the host does not answer it.
        _ => Refuse::Unreachable(Unreachable::Host),
    }
}
