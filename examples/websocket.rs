//! A WebSocket that echoes, over TUN.
//!
//! ```text
//! sudo cargo run -p synfin-examples --example websocket
//! ```
//!
//! then in the console of a browser: `s = new WebSocket("ws://10.90.0.2/"); s.onmessage = m => console.log(m.data);
//! s.onopen = () => s.send("hello")`.

use futures_util::{SinkExt, StreamExt};
use std::error::Error;
use synfin::tokio::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let stack = synfin_examples::stack_over_tun("websocket0")?;
    let listener = TcpListener::bind(&stack, "10.90.0.2:80").await?;
    println!("ws://10.90.0.2/");
    let serving = tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            tokio::spawn(async move {
                if let Err(error) = echo(stream).await {
                    eprintln!("{peer}: {error}");
                }
            });
        }
    });
    synfin_examples::until_interrupted(&stack).await?;
    serving.abort();
    Ok(())
}

/// Sends back each message until the peer closes.
async fn echo(stream: TcpStream) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    let mut messages = tokio_tungstenite::accept_async(stream).await?;
    while let Some(message) = messages.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            messages.send(message).await?;
        }
    }
    Ok(())
}
