//! An echo server over TUN.

use synfin::device::{Tun, TunConfig};
use synfin::net::TcpListener;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A wire to the kernel of this machine: it has 10.90.0.1 on it, we have 10.90.0.2.
    let tun = Tun::open(&TunConfig::new("synfin0").with_host_address("10.90.0.1/24".parse()?))?;
    let stack = synfin::Stack::builder().link(tun).address("10.90.0.2/24").start()?;
    let listener = TcpListener::bind(&stack, "10.90.0.2:7777")?;
    println!("say something: nc 10.90.0.2 7777");
    for stream in listener.incoming() {
        let stream = stream?; // as with std::net from here on
        std::thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
    }
    Ok(())
}
