//! Fetches a page over TUN from a server of this machine's kernel.

use std::io::{self, Read, Write};
use std::time::Duration;
use synfin::device::{Tun, TunConfig};
use synfin::net::TcpStream;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tun = Tun::open(&TunConfig::new("synfin0").with_host_address("10.90.0.1/24".parse()?))?;
    // Everything that is not on this wire goes to the kernel, which may forward it.
    let stack = synfin::Stack::builder().link(tun).address("10.90.0.2/24").gateway("10.90.0.1").start()?;

    let server = "10.90.0.1:8000".parse()?;
    let mut stream = TcpStream::connect_timeout(&stack, &server, Duration::from_secs(10))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(b"GET / HTTP/1.0\r\nHost: 10.90.0.1\r\n\r\n")?;

    let mut page = Vec::new();
    stream.read_to_end(&mut page)?;
    io::stdout().write_all(&page)?;
    eprintln!("round trip: {:?}", stream.info()?.rtt);
    Ok(()) // the last handle: what was written is delivered before the drop returns
}
