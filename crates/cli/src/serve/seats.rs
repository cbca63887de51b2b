//! The connections that are served: how many, for how long, and who makes room when all seats are taken.
//!
//! Beyond the bound a newcomer is not kept waiting: whoever does least leaves ([`Rank`](super::pace::Rank)). A task of
//! each connection ([`super::exchange`]) says what it is doing; once a second all are looked at, and those whose time
//! is over leave, too. What a peer has taken and sent is asked of TCP, so that bytes which only wait in a queue of ours
//! do not count.

use super::journal::{Asked, Journal};
use super::pace::{Pace, Phase, Rank};
use super::pieces::Pieces;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use synfin::tokio::TcpStream;
use tokio::task::AbortHandle;

/// Connections at once. When all of them ask for files and read nothing, the program has 200 MB, the stack's queues
/// included.
const SEATS_MAX: usize = 2_048;
/// How many leave when all seats are taken, so that a crowd at the door costs little for each that enters.
const LEAVE_AT_ONCE: usize = 32;
/// What all connections together may hold of files, when each holds one piece: up to 32 connections have pieces of the
/// largest size that is of use. From 512 on they have the smallest, which is 32 MB when all seats are taken.
const PIECES_BYTES: usize = 8 << 20;
/// How often all are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// All seats.
#[derive(Default)]
pub(crate) struct Seats {
    /// By the number of arrival.
    seated: Mutex<BTreeMap<u64, Arc<Seat>>>,
    taken: Arc<AtomicUsize>,
}

/// A connection that is served.
pub(crate) struct Seat {
    /// The connection.
    pub(crate) stream: TcpStream,
    peer: SocketAddr,
    pace: Mutex<Pace>,
    pieces: Mutex<Pieces>,
    /// How many seats are taken.
    taken: Arc<AtomicUsize>,
    task: OnceLock<AbortHandle>,
}

/// A seat that is taken until this is dropped.
pub(crate) struct Seated {
    seat: Arc<Seat>,
    number: u64,
    seats: Arc<Seats>,
}

/// How a connection leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// With a FIN.
    InOrder,
    /// The same, behind a sentence.
    Told(&'static str),
    /// With a reset: the peer must not take what it has for the whole, or holds what it does not take.
    Reset,
}

/// The answers to those that are too slow. hyper cannot be told to make them, because it still waits for the rest.
const SLOW_HEAD: &str = "The request did not come in time.";
const SLOW_BODY: &str = "The rest did not come in time.";

impl Seats {
    /// Seats a newcomer, for whom another leaves if all seats are taken.
    pub(crate) fn seat(self: &Arc<Self>, number: u64, stream: TcpStream, peer: SocketAddr) -> Seated {
        let now = Instant::now();
        let mut seated = self.lock();
        if seated.len() >= SEATS_MAX {
            make_room(&mut seated, now);
        }
        let seat = Arc::new(Seat {
            stream,
            peer,
            pace: Mutex::new(Pace::begin(now)),
            pieces: Mutex::default(),
            taken: Arc::clone(&self.taken),
            task: OnceLock::new(),
        });
        seated.insert(number, Arc::clone(&seat));
        self.taken.store(seated.len(), Ordering::Relaxed);
        Seated { seat, number, seats: Arc::clone(self) }
    }

    /// Looks at all connections again and again, and lets those leave whose time is over.
    pub(crate) async fn watch(self: Arc<Self>, journal: Journal) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = Instant::now();
            self.lock().values().for_each(|seat| seat.look(now, &journal));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Seat>>> {
        self.seated.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(seated: &mut BTreeMap<u64, Arc<Seat>>, now: Instant) {
    let mut ranks: Vec<(Rank, u64)> =
        seated.iter().map(|(number, seat)| (seat.pace().rank(now), *number)).collect();
    ranks.select_nth_unstable(LEAVE_AT_ONCE);
    for (rank, number) in &ranks[..LEAVE_AT_ONCE] {
        if let Some(seat) = seated.remove(number) {
            seat.leave(match rank {
                Rank::Idle(_) => Leaving::InOrder,
                Rank::Head(_) | Rank::Body(_) | Rank::Fresh(_) => Leaving::Reset,
            });
        }
    }
}

impl Seat {
    /// The other end.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The task that serves it.
    pub(crate) fn is_served_by(&self, task: AbortHandle) {
        // It has one task.
        let _ = self.task.set(task);
    }

    /// What it is doing.
    pub(crate) fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is lent of files.
    pub(crate) fn pieces(&self) -> MutexGuard<'_, Pieces> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much of a file it may hold in memory in one piece; it holds two or three.
    pub(crate) fn piece_bytes_max(&self) -> usize {
        PIECES_BYTES / self.taken.load(Ordering::Relaxed).max(1)
    }

    fn look(&self, now: Instant, journal: &Journal) {
        let mut pace = self.pace();
        if pace.has_body()
            && let Ok(info) = self.stream.info()
        {
            pace.on_progress(now, info.bytes_acked.saturating_add(info.bytes_received));
        }
        if !pace.is_over(now) {
            return;
        }
        let leaving = match pace.phase() {
            Phase::New | Phase::Idle | Phase::Parting => Leaving::InOrder,
            Phase::Head => Leaving::Told(SLOW_HEAD),
            Phase::Asked => Leaving::Told(SLOW_BODY),
            Phase::Answered => Leaving::Reset,
        };
        drop(pace);
        if let Leaving::Told(_) = leaving {
            journal.asked(&Asked::nothing(self.peer, http::StatusCode::REQUEST_TIMEOUT));
        }
        self.leave(leaving);
    }

    /// Ends the task, and with it the connection.
    fn leave(&self, leaving: Leaving) {
        // A connection that refuses any of this is gone already.
        match leaving {
            Leaving::InOrder => {}
            Leaving::Told(sentence) => {
                let text = format!("408 Request Timeout\n{sentence}\n");
                let head = format!(
                    "HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain; charset=utf-8\r\n\
                     Content-Length: {}\r\nConnection: close\r\n\r\n",
                    text.len()
                );
                drop(self.stream.try_write(format!("{head}{text}").as_bytes()));
            }
            Leaving::Reset => drop(self.stream.set_zero_linger()),
        }
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Seated {
    /// The seat.
    pub(crate) fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        let mut seated = self.seats.lock();
        // Whoever made room is no longer there.
        seated.remove(&self.number);
        self.seats.taken.store(seated.len(), Ordering::Relaxed);
    }
}
