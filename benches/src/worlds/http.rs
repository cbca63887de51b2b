//! An axum router behind hyper, and hyper's client before it.

use super::sim::{self, net::TcpListener, net::TcpStream};
use axum::body::{Body, to_bytes};
use axum::extract::Path;
use axum::http::Request;
use axum::{Router, routing::get};
use hyper::{client, server};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;

const REQUESTS: u32 = 50;

async fn serve(router: Router) -> sim::Result {
    let listener = TcpListener::bind(("0.0.0.0", 9_999)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
        });
    }
}

/// A client is greeted, again and again on one connection.
///
/// # Errors
/// Those of the simulation.
pub fn world(builder: &sim::Builder) -> sim::Result {
    let greet = |Path(name): Path<String>| async move { format!("Hello {name}!") };
    let router = Router::new().route("/greet/{name}", get(greet));
    let mut sim = builder.build();
    sim.host("server", || serve(router.clone()));
    sim.client("client", async {
        let stream = TcpStream::connect("server:9999").await?;
        let (mut requests, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        for number in 0..REQUESTS {
            let request = Request::get(format!("/greet/{number}")).header("host", "server");
            let response = requests.send_request(request.body(Body::empty())?).await?;
            assert!(response.status().is_success());
            let text = to_bytes(Body::new(response.into_body()), 1_000).await?;
            assert_eq!(text, format!("Hello {number}!"));
        }
        Ok(())
    });
    sim.run()
}
