//! Two stacks with a link of our own between them: a tunnel over UDP.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd};
use synfin::Stack;
use synfin::device::Link;
use synfin::net::{Shutdown, TcpListener, TcpStream};
use synfin::wire::{Frame, LinkCapabilities};

/// A tunnel: each IP packet travels in a UDP datagram of the kernel's.
struct Tunnel {
    socket: UdpSocket,
}

/// What an Ethernet of 1,500 bytes leaves between the headers of IPv6 and UDP.
const MTU_BYTES: u32 = 1_500 - 40 - 8;

impl Tunnel {
    /// The two ends of a tunnel over the loopback interface. Over a network each end would be in a program of its own.
    fn pair() -> io::Result<(Tunnel, Tunnel)> {
        let (left, right) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
        left.connect(right.local_addr()?)?;
        right.connect(left.local_addr()?)?;
        // A link never blocks.
        left.set_nonblocking(true)?;
        right.set_nonblocking(true)?;
        Ok((Tunnel { socket: left }, Tunnel { socket: right }))
    }
}

impl Link for Tunnel {
    fn capabilities(&self) -> LinkCapabilities {
        // No super-segments, and all checksums are the stack's to compute: the defaults.
        LinkCapabilities { mtu_bytes: MTU_BYTES, ..LinkCapabilities::default() }
    }

    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        let mut taken = 0;
        while let Some(frame) = frames.front() {
            match self.socket.send(&frame.to_vec()) {
                Ok(_) => taken += 1,
                // Full: what is left in the queue is offered again.
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // This frame is lost, as frames may be; the stack counts the error in `Stack::link_errors`.
                Err(error) => {
                    frames.pop_front();
                    return Err(error);
                }
            }
            frames.pop_front();
        }
        Ok(taken)
    }

    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        let mut packet = [0; MTU_BYTES as usize];
        for count in 0..frames_max {
            match self.socket.recv(&mut packet) {
                Ok(len_bytes) => frames.push_back(Frame::from_bytes(packet[..len_bytes].to_vec().into())),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(count),
                Err(error) => return Err(error),
            }
        }
        Ok(frames_max)
    }

    /// What the stack's thread sleeps on.
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (left, right) = Tunnel::pair()?;
    let client = Stack::builder().link(left).address("10.0.0.1/24").start()?;
    let server = Stack::builder().link(right).address("10.0.0.2/24").start()?;

    let listener = TcpListener::bind(&server, "10.0.0.2:80")?;
    let mut stream = TcpStream::connect(&client, "10.0.0.2:80")?;
    let (mut accepted, _) = listener.accept()?;
    stream.write_all(b"through the tunnel")?;
    stream.shutdown(Shutdown::Write)?;
    let mut heard = String::new();
    accepted.read_to_string(&mut heard)?;
    assert_eq!(heard, "through the tunnel");
    println!("{heard}");
    Ok(())
}
