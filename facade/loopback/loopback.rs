//! The programs of `facade/world`, not one word changed, over the system's sockets.

#![cfg(test)]

use rustls::crypto::ring;
use tokio::net::TcpListener;
use world::programs::{Browser, Result, db, web};
use world::tls;

#[tokio::test]
async fn the_same_programs_run_on_the_sockets_of_the_system() -> Result {
    let (of_db, of_web) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    let (db_at, web_at) = (of_db.local_addr()?, of_web.local_addr()?);
    let browse = async {
        let mut browser = Browser::connect(web_at, tls::client(ring::default_provider())?).await?;
        for count in 1..=3 {
            let (status, text) = browser.get("front").await?;
            assert_eq!((status.as_u16(), text), (200, format!("front: {count}")));
        }
        Ok(())
    };
    tokio::select! {
        ended = db(of_db) => ended,
        ended = web(of_web, format!("redis://{db_at}"), tls::server(ring::default_provider())?) => ended,
        seen = browse => seen,
    }
}
