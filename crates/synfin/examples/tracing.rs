//! What two ends of a connection do, and why, as lines on the terminal.

use std::io::{Read, Write};
use synfin::net::{Shutdown, TcpListener, TcpStream};
use synfin::wire::LinkCapabilities;
use synfin::{Stack, device};

fn main() -> std::io::Result<()> {
    // Before the stacks start: for the whole program, because it is the stacks' own threads that tell.
    tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).init();
    let (left, right) = device::memory::pair(LinkCapabilities::default());
    let client = Stack::builder().link(left).address("10.90.0.1/24").start()?;
    let server = Stack::builder().link(right).address("10.90.0.2/24").start()?;

    let listener = TcpListener::bind(&server, "10.90.0.2:80")?;
    let mut stream = TcpStream::connect(&client, "10.90.0.2:80")?;
    let (mut accepted, _) = listener.accept()?;
    stream.write_all(b"hello")?;
    stream.shutdown(Shutdown::Write)?;
    let mut heard = String::new();
    accepted.read_to_string(&mut heard)?;
    assert_eq!(heard, "hello");
    Ok(())
}
