//! How fast bytes move through the sockets: between two stacks in memory, and between the kernel and a stack
//! over TUN where that is allowed.
//!
//! ```text
//! cargo run --release -p synfin --example bulk -- [GIGABYTES]
//! ```

use std::error::Error;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use std::{env, thread};
use synfin::device::{self, Tun, TunConfig};
use synfin::wire::{LinkCapabilities, Medium, TransmitChecksum};
use synfin::{Stack, net};

/// What a program writes and reads at once.
const PIECE_BYTES: usize = 256 << 10;

fn main() -> Result<(), Box<dyn Error>> {
    let gigabytes: usize = env::args().nth(1).map_or(Ok(2), |text| text.parse())?;
    let total_bytes = gigabytes << 30;
    for super_segment_bytes_max in [65_000, 0] {
        in_memory(total_bytes, super_segment_bytes_max)?;
    }
    if let Err(error) = over_tun(total_bytes) {
        println!("over TUN: skipped: {error}");
    }
    Ok(())
}

fn in_memory(total_bytes: usize, super_segment_bytes_max: u32) -> Result<(), Box<dyn Error>> {
    let (left, right) = device::memory::pair(LinkCapabilities {
        medium: Medium::Ip,
        mtu_bytes: 1500,
        super_segment_bytes_max,
        transmit_checksum: TransmitChecksum::None,
    });
    let client = Stack::builder().link(left).address("10.90.0.1/24").start()?;
    let server = Stack::builder().link(right).address("10.90.0.2/24").start()?;
    let listener = net::TcpListener::bind(&server, "10.90.0.2:80")?;
    let sender = net::TcpStream::connect(&client, "10.90.0.2:80")?;
    let what = format!("in memory, super-segments of {super_segment_bytes_max}");
    transfer(&what, total_bytes, sender, listener.accept()?.0);
    Ok(())
}

fn over_tun(total_bytes: usize) -> Result<(), Box<dyn Error>> {
    let config = TunConfig::new("synfin%d").with_host_address("10.91.0.1/24".parse()?);
    let stack = Stack::builder().link(Tun::open(&config)?).address("10.91.0.2/24").start()?;
    let listener = net::TcpListener::bind(&stack, "10.91.0.2:80")?;
    let to = SocketAddr::from(([10, 91, 0, 2], 80));
    let kernel = std::net::TcpStream::connect(to)?;
    transfer("kernel to stack", total_bytes, kernel, listener.accept()?.0);
    let kernel = std::net::TcpStream::connect(to)?;
    transfer("stack to kernel", total_bytes, listener.accept()?.0, kernel);
    stack.shutdown(Duration::from_secs(5))?;
    Ok(())
}

fn transfer(
    what: &str,
    total_bytes: usize,
    mut sender: impl Write + Send + 'static,
    mut receiver: impl Read,
) {
    let began = Instant::now();
    let sending = thread::spawn(move || {
        let piece = vec![7; PIECE_BYTES];
        for _ in 0..total_bytes / PIECE_BYTES {
            if sender.write_all(&piece).is_err() {
                return;
            }
        }
    });
    let mut buf = vec![0; PIECE_BYTES];
    let mut received_bytes = 0;
    loop {
        match receiver.read(&mut buf) {
            Ok(0) | Err(_) => break,
            Ok(count) => received_bytes += count,
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{what}: {received_bytes} bytes, {:.1} Gbit/s", received_bytes as f64 * 8.0 / seconds / 1e9);
    if sending.join().is_err() {
        println!("{what}: the sender panicked");
    }
}
