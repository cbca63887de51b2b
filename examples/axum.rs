//! An axum server over TUN, and nothing in it knows: `curl http://10.90.0.2/`, or a browser.
//!
//! ```text
//! sudo cargo run -p synfin-examples --example axum
//! ```

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use std::error::Error;
use synfin::tokio::{Peer, TcpListener};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let stack = synfin_examples::stack_over_tun("axum0")?;
    let listener = TcpListener::bind(&stack, "[::]:80").await?;
    println!("http://10.90.0.2/ and http://[fd90::2]/");
    let app = Router::new().route("/", get(hello)).into_make_service_with_connect_info::<Peer>();
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    synfin_examples::until_interrupted(&stack).await?;
    serving.abort();
    Ok(())
}

async fn hello(ConnectInfo(Peer(peer)): ConnectInfo<Peer>) -> String {
    format!("hello, {peer}\n")
}
