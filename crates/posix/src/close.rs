//! Closing, with or without lingering (POSIX `close`, `SO_LINGER`).

use crate::descriptor::{Fd, Phase, Role};
use crate::system::Entry;
use crate::{Errno, Linger, Stop, System, Waiting};
use core::time::Duration;
use tcp::Instant;

impl System {
    /// Gives up a descriptor. A connection goes on in the background until its data and its FIN are
    /// acknowledged; with `SO_LINGER` the call waits for that, or, with a time of zero, resets it.
    ///
    /// # Errors
    /// `EBADF`; [`Stop::Blocked`] while lingering.
    pub fn close(&mut self, now: Instant, fd: Fd, waiting: &mut Waiting) -> Result<(), Stop> {
        self.settle(now);
        if let Some(id) = waiting.lingering {
            return self.linger(now, id, waiting);
        }
        let socket = match self.entries.remove(&fd) {
            None => return Err(Errno::BadDescriptor.into()),
            Some(Entry::Epoll(_)) => return Ok(()),
            Some(Entry::Socket(socket)) => socket,
        };
        self.forget_readiness(fd);
        match (socket.role, socket.options.linger) {
            (Role::Fresh, _) => {}
            (Role::Stream(id), Linger::Wait(seconds)) if self.phase(id) == Phase::Open => {
                self.core.begin_linger(now, id);
                waiting.lingering = Some(id);
                waiting.deadline = Some(now + Duration::from_secs(u64::from(seconds)));
                return self.linger(now, id, waiting);
            }
            (Role::Listener(id) | Role::Udp(id) | Role::Stream(id), linger) => {
                self.core.set_linger(id, (linger == Linger::Abort).then_some(Duration::ZERO));
                self.core.close(now, id);
            }
        }
        Ok(())
    }

    /// Waits until the FIN is acknowledged or the time is over, then leaves the rest to the background.
    fn linger(&mut self, now: Instant, id: socket::SocketId, waiting: &mut Waiting) -> Result<(), Stop> {
        let has_time = waiting.deadline.is_some_and(|deadline| now < deadline);
        if has_time && self.core.poll_lingered(id).is_pending() {
            return Err(Stop::Blocked);
        }
        waiting.lingering = None;
        self.core.close(now, id);
        Ok(())
    }
}
