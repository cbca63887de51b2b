//! Closing, with or without lingering (POSIX `close`, `SO_LINGER`).

use crate::socket::{Fd, Phase, Role};
use crate::system::Entry;
use crate::{Errno, Linger, Stop, System, Waiting};
use core::time::Duration;
use tcp::{Instant, State};

impl System {
    /// Gives up a descriptor. A connection goes on in the background until its data and its FIN are
    /// acknowledged; with `SO_LINGER` the call waits for that, or, with a time of zero, resets it.
    ///
    /// # Errors
    /// `EBADF`; [`Stop::Blocked`] while lingering.
    pub fn close(&mut self, now: Instant, fd: Fd, waiting: &mut Waiting) -> Result<(), Stop> {
        self.settle();
        if let Some(id) = waiting.lingering {
            return self.linger(now, id, waiting);
        }
        let socket = match self.entries.remove(&fd) {
            None => return Err(Errno::BadDescriptor.into()),
            Some(Entry::Epoll(_)) => return Ok(()),
            Some(Entry::Socket(socket)) => socket,
        };
        self.forget_readiness(fd);
        match socket.role {
            Role::Fresh => Ok(()),
            Role::Udp(id) => {
                self.ids.remove(&id);
                let _ = self.host.udp_close(id);
                Ok(())
            }
            Role::Listener(id) => {
                self.ids.remove(&id);
                let _ = self.host.tcp_close(now, id);
                Ok(())
            }
            Role::Stream(id, phase) => {
                self.ids.remove(&id);
                match socket.options.linger {
                    Linger::Abort if phase != Phase::Over && !self.is_left_in_time_wait(id) => {
                        let _ = self.host.tcp_abort(now, id);
                        let _ = self.host.tcp_close(now, id);
                        Ok(())
                    }
                    Linger::Wait(seconds) if phase == Phase::Connected || phase == Phase::Established => {
                        let _ = self.host.tcp_finish(now, id);
                        waiting.lingering = Some(id);
                        waiting.deadline = Some(now + Duration::from_secs(u64::from(seconds)));
                        self.linger(now, id, waiting)
                    }
                    Linger::Abort | Linger::Wait(_) | Linger::Background => {
                        let _ = self.host.tcp_close(now, id);
                        Ok(())
                    }
                }
            }
        }
    }

    /// Waits until the FIN is acknowledged or the time is over, then leaves the rest to the background.
    fn linger(&mut self, now: Instant, id: stack::SocketId, waiting: &mut Waiting) -> Result<(), Stop> {
        let state = self.host.tcp(id).map_or(State::Closed, tcp::Connection::state);
        let waits = matches!(
            state,
            State::SynReceived
                | State::Established
                | State::FinWait1
                | State::Closing
                | State::CloseWait
                | State::LastAck
        );
        if waits && waiting.deadline.is_some_and(|deadline| now < deadline) {
            return Err(Stop::Blocked);
        }
        waiting.lingering = None;
        let _ = self.host.tcp_close(now, id);
        Ok(())
    }

    /// Whether the connection is in TIME-WAIT and an abort does not change that.
    fn is_left_in_time_wait(&self, id: stack::SocketId) -> bool {
        let in_time_wait = self.host.tcp(id).is_some_and(|tcp| tcp.state() == State::TimeWait);
        in_time_wait && self.habits().abort_leaves_time_wait()
    }
}
