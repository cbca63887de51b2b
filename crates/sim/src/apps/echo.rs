//! Sends back what comes, and finishes when the peer has.

use crate::application::{Application, At};
use bytes::Bytes;
use stack::SocketId;
use std::collections::BTreeMap;
use tcp::{ReadError, WriteError};

/// Listens and echoes (RFC 862).
#[derive(Debug, Default)]
pub struct Echo {
    port: u16,
    listener: Option<SocketId>,
    open: BTreeMap<SocketId, Owed>,
}

#[derive(Debug, Default)]
struct Owed {
    bytes: Bytes,
    peer_finished: bool,
}

impl Echo {
    /// At this port.
    pub fn new(port: u16) -> Self {
        Echo { port, ..Echo::default() }
    }
}

impl Application for Echo {
    fn poll(&mut self, at: &mut At<'_>) {
        let listener = *self.listener.get_or_insert_with(|| at.listen(self.port));
        while let Some(accepted) = at.accept(listener) {
            self.open.insert(accepted.id, Owed::default());
        }
        self.open.retain(|socket, owed| {
            let stays = echo(at, *socket, owed);
            if !stays {
                at.close(*socket);
            }
            stays
        });
    }
}

/// Moves what can be moved; returns whether there may be more.
fn echo(at: &mut At<'_>, socket: SocketId, owed: &mut Owed) -> bool {
    let mut buffer = [0; 16_384];
    loop {
        while !owed.bytes.is_empty() {
            match at.write_bytes(socket, owed.bytes.clone()) {
                Ok(count) => drop(owed.bytes.split_to(count)),
                Err(WriteError::WouldBlock) => return true,
                Err(_) => return false,
            }
        }
        if owed.peer_finished {
            return false;
        }
        match at.read(socket, &mut buffer) {
            Ok(0) => owed.peer_finished = true,
            Ok(count) => owed.bytes = Bytes::copy_from_slice(&buffer[..count]),
            Err(ReadError::WouldBlock) => return true,
            Err(_) => return false,
        }
    }
}
