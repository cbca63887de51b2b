//! The connections: a thread each, and no more than a bound.
//!
//! Beyond the bound nobody is turned away: connections wait in the listener's queue, which has a bound
//! of its own. While most threads are taken, idle connections are not kept for long.

use super::exchange::{Exchange, Patience, Share};
use super::folder::Folder;
use super::journal::Journal;
use std::io::ErrorKind;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use synfin::net::{TcpListener, TcpStream};

/// Threads at once. Each costs some 100 KB of touched stack and buffers: 100 MB in all.
const CLIENTS_MAX: usize = 1_024;
/// From here on idle connections have to make room.
const CROWDED: usize = CLIENTS_MAX / 4 * 3;
/// What all connections together may hold of files, when each holds one piece: up to 32 connections have pieces of the
/// largest size that is of use. From 512 on they have the smallest, which is 16 MB when all seats are taken.
const PIECES_BYTES: usize = 8 << 20;
/// The stack of a thread: ours are shallow.
const STACK_BYTES: usize = 512 << 10;

/// What serves connections.
pub(crate) struct Clients {
    folder: Arc<Folder>,
    journal: Journal,
    seats: Arc<Seats>,
}

/// How many threads there are.
#[derive(Default)]
struct Seats {
    taken: Mutex<usize>,
    left: Condvar,
}

/// One thread's place.
struct Seat(Arc<Seats>);

impl Clients {
    /// Serves this folder.
    pub(crate) fn new(folder: Arc<Folder>, journal: Journal) -> Self {
        Clients { folder, journal, seats: Arc::default() }
    }

    /// Accepts until the stack is shut down.
    pub(crate) fn accept(&self, listener: &TcpListener) {
        loop {
            let seat = Seats::wait_for_one(&self.seats);
            match listener.accept() {
                Ok((stream, _)) => self.seat(stream, seat),
                Err(error) if error.kind() == ErrorKind::NotConnected => return,
                // Nothing of ours can cause another failure for long.
                Err(error) => {
                    self.journal.trouble(&format!("a connection could not be accepted: {error}"));
                    thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }

    fn seat(&self, stream: TcpStream, seat: Seat) {
        let (folder, journal) = (Arc::clone(&self.folder), self.journal.clone());
        let serve = move || {
            let crowd = Arc::clone(&seat.0);
            Exchange::new(&stream, &folder, &journal, &|| crowd.share()).run();
            drop(stream);
            drop(seat);
        };
        let spawned = thread::Builder::new().name("client".to_owned()).stack_size(STACK_BYTES).spawn(serve);
        if let Err(error) = spawned {
            // The stream was dropped with the closure: the peer sees a close.
            self.journal
                .trouble(&format!("a connection was closed because no thread could be started: {error}"));
        }
    }
}

impl Seats {
    fn wait_for_one(seats: &Arc<Seats>) -> Seat {
        let taken = seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let free = seats.left.wait_while(taken, |taken| *taken >= CLIENTS_MAX);
        *free.unwrap_or_else(PoisonError::into_inner) += 1;
        Seat(Arc::clone(seats))
    }

    /// What one of those that are seated may have.
    fn share(&self) -> Share {
        let taken = *self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        Share {
            patience: if taken > CROWDED { Patience::Short } else { Patience::Usual },
            piece_bytes_max: PIECES_BYTES / taken.max(1),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.left.notify_one();
    }
}
