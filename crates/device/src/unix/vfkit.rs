//! How the two ends of a datagram link find each other when only one has a path that the other knows.
//!
//! A datagram socket has no `accept`. The machine binds a path of its own, connects, and sends four bytes, so that the
//! network's side learns that path as the sender's address (gvisor-tap-vsock, pull request 231). Machines that do
//! without the four bytes send a frame at once, and the network's side takes either: `pkg/transport/unixgram_unix.go`
//! of gvisor-tap-vsock; `pkg/vf/virtionet.go` of vfkit and `src/devices/src/virtio/net/unixgram.rs` of libkrun are the
//! machine's.

use bytes::Bytes;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

/// The datagram by which a virtual machine makes itself known.
pub const HANDSHAKE: [u8; 4] = *b"VFKT";

/// Waits for the first datagram and connects to its sender. Returns the datagram unless it was the handshake.
pub(super) fn greet(
    socket: &UnixDatagram,
    timeout: Duration,
    frame_bytes_max: usize,
) -> io::Result<Option<Bytes>> {
    let mut buffer = vec![0; frame_bytes_max + 1];
    let started = Instant::now();
    socket.set_nonblocking(false)?;
    let (len_bytes, sender) = loop {
        let left = timeout.saturating_sub(started.elapsed());
        if left.is_zero() {
            let seconds = timeout.as_secs_f64();
            let text = format!(
                "no virtual machine has connected for {seconds} s; start it with this socket's path, or wait longer"
            );
            return Err(io::Error::new(ErrorKind::TimedOut, text));
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv_from(&mut buffer) {
            Ok(received) => break received,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    };
    socket.set_read_timeout(None)?;
    if sender.is_unnamed() {
        let text = "the virtual machine's socket has no address, so nothing can be sent to it; \
                    it has to bind a path before it connects";
        return Err(io::Error::new(ErrorKind::InvalidInput, text));
    }
    socket.connect_addr(&sender)?;
    match &buffer[..len_bytes] {
        bytes if bytes == HANDSHAKE => Ok(None),
        bytes if bytes.len() > frame_bytes_max => Err(too_long(frame_bytes_max)),
        bytes => Ok(Some(Bytes::copy_from_slice(bytes))),
    }
}

/// A datagram that was cut short on arrival.
pub(super) fn too_long(frame_bytes_max: usize) -> io::Error {
    let text = format!(
        "the program at the other end sent a frame of more than {frame_bytes_max} bytes, which is lost; \
         make frame_bytes_max larger, or its MTU smaller"
    );
    io::Error::new(ErrorKind::InvalidData, text)
}
