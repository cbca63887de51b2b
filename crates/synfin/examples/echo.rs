//! An echo server and its client, each on a stack of its own, in one process and without any privilege.
//!
//! ```text
//! cargo run -p synfin --example echo -- "hello there"
//! ```

use std::io::{self, Read, Write};
use std::thread;
use std::time::Duration;
use synfin::wire::{LinkCapabilities, Medium, TransmitChecksum};
use synfin::{Stack, device, net};

fn main() -> io::Result<()> {
    let words = std::env::args().nth(1).unwrap_or_else(|| "from SYN to FIN".to_owned());
    let (left, right) = device::memory::pair(LinkCapabilities {
        medium: Medium::Ip,
        mtu_bytes: 1500,
        super_segment_bytes_max: 65_000,
        transmit_checksum: TransmitChecksum::None,
    });
    let client = Stack::builder().link(left).address("10.90.0.1/24").start()?;
    let server = Stack::builder()
        .link(right)
        .address("10.90.0.2/24")
        .on_connection(|event| println!("server: {event:?}"))
        .start()?;

    let listener = net::TcpListener::bind(&server, "10.90.0.2:7")?;
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            thread::spawn(move || io::copy(&mut &stream, &mut &stream));
        }
    });

    let mut stream = net::TcpStream::connect(&client, "10.90.0.2:7")?;
    stream.write_all(words.as_bytes())?;
    stream.shutdown(net::Shutdown::Write)?;
    let mut back = String::new();
    stream.read_to_string(&mut back)?;
    println!("client: {back}");
    println!("client: round trip {:?}", stream.info()?.rtt);
    drop(stream);
    client.shutdown(Duration::from_secs(1))?;
    server.shutdown(Duration::from_secs(1))
}
