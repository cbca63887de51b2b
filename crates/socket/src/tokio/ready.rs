//! Readiness in tokio's words.

use crate::{Core, Held, Interest, Place, Reach, Readiness};
use stack::{SocketId, SocketKind};
use std::io;
use std::task::{Context, Poll};
use tcp::Instant;
use tokio::io::{Interest as Asked, Ready};

/// What a socket of any kind is ready for.
fn state(core: &mut Core, now: Instant, id: SocketId) -> Ready {
    let readiness = match id.kind() {
        SocketKind::Udp => Readiness {
            is_readable: core.has_datagram(id),
            is_writable: core.has_datagram_room(id),
            ..Readiness::default()
        },
        SocketKind::Listener => Readiness { is_readable: core.has_acceptable(id), ..Readiness::default() },
        _ => core.readiness(now, id),
    };
    let Readiness { is_readable, is_writable, is_read_closed, is_write_closed, has_failed } = readiness;
    [
        (is_readable, Ready::READABLE),
        (is_writable, Ready::WRITABLE),
        (is_read_closed, Ready::READ_CLOSED),
        (is_write_closed, Ready::WRITE_CLOSED),
        (has_failed, Ready::ERROR),
    ]
    .into_iter()
    .filter(|(is_set, _)| *is_set)
    .fold(Ready::EMPTY, |all, (_, flag)| all | flag)
}

/// What of `ready` was asked for.
fn asked_for(ready: Ready, asked: Asked) -> Ready {
    let mut wanted = Ready::EMPTY;
    if asked.is_readable() {
        wanted |= Ready::READABLE | Ready::READ_CLOSED;
    }
    if asked.is_writable() {
        wanted |= Ready::WRITABLE | Ready::WRITE_CLOSED;
    }
    if asked.is_error() {
        wanted |= Ready::ERROR;
    }
    ready & wanted
}

fn interest(asked: Asked) -> Interest {
    match (asked.is_readable(), asked.is_writable()) {
        (true, false) => Interest::Read,
        (false, true) => Interest::Write,
        _ => Interest::Either,
    }
}

/// Waits until something of what is asked for is ready.
pub(super) async fn ready<R: Reach>(held: &Held<R>, asked: Asked) -> io::Result<Ready> {
    let wait =
        held.wait(interest(asked), move |core, now, id| match asked_for(state(core, now, id), asked) {
            Ready::EMPTY => Poll::Pending,
            ready => Poll::Ready(Ok(ready)),
        });
    Ok(wait.await?)
}

/// Whether something of what is asked for is ready; the waker goes into the slot of its direction.
pub(super) fn poll_ready<R: Reach>(
    held: &Held<R>,
    context: &Context<'_>,
    asked: Asked,
) -> Poll<io::Result<()>> {
    let ready = held.poll(interest(asked), Place::Slot, context, |core, now, id| {
        match asked_for(state(core, now, id), asked) {
            Ready::EMPTY => Poll::Pending,
            _ => Poll::Ready(Ok(())),
        }
    });
    ready.map_err(io::Error::from)
}

/// Runs `io` if something of what is asked for is ready.
pub(super) fn try_io<R: Reach, T>(
    held: &Held<R>,
    asked: Asked,
    io: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    match held.with(|core, now, id| asked_for(state(core, now, id), asked)) {
        Ready::EMPTY => Err(io::ErrorKind::WouldBlock.into()),
        _ => io(),
    }
}

/// Runs `io` each time that something of what is asked for is ready, until it does not say `WouldBlock`.
pub(super) async fn async_io<R: Reach, T>(
    held: &Held<R>,
    asked: Asked,
    mut io: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    loop {
        ready(held, asked).await?;
        match io() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::task::yield_now().await,
            outcome => return outcome,
        }
    }
}
