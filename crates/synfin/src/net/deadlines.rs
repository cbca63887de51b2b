//! How long the calls of one socket wait: the non-blocking flag and the two timeouts.
//!
//! They belong to the socket, not to a handle: clones share them, as duplicated descriptors do.

use super::invalid;
use crate::park::Patience;
use socket::Interest;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The non-blocking flag and the two timeouts of a socket.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    is_nonblocking: AtomicBool,
    /// Nanoseconds; zero for none.
    read_ns: AtomicU64,
    write_ns: AtomicU64,
}

impl Deadlines {
    /// How long a call with this interest, starting now, may wait.
    pub(crate) fn patience(&self, interest: Interest) -> Patience {
        if self.is_nonblocking.load(Ordering::Relaxed) {
            return Patience::None;
        }
        Patience::of(self.timeout(interest))
    }

    /// The timeout for this interest.
    pub(crate) fn timeout(&self, interest: Interest) -> Option<Duration> {
        let nanos = self.cell(interest).load(Ordering::Relaxed);
        (nanos != 0).then(|| Duration::from_nanos(nanos))
    }

    /// Sets the timeout for this interest.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero, as in `std`.
    pub(crate) fn set_timeout(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<()> {
        let nanos = match timeout {
            Some(Duration::ZERO) => {
                return Err(invalid("a timeout of zero would never wait; use set_nonblocking for that"));
            }
            // 584 years are as good as for ever.
            Some(timeout) => u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX),
            None => 0,
        };
        self.cell(interest).store(nanos, Ordering::Relaxed);
        Ok(())
    }

    /// Makes every call return at once, or wait.
    pub(crate) fn set_nonblocking(&self, nonblocking: bool) {
        self.is_nonblocking.store(nonblocking, Ordering::Relaxed);
    }

    fn cell(&self, interest: Interest) -> &AtomicU64 {
        match interest {
            Interest::Read => &self.read_ns,
            Interest::Write | Interest::Either => &self.write_ns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_for_ever_and_zero_is_refused() {
        let deadlines = Deadlines::default();
        assert_eq!(deadlines.patience(Interest::Read), Patience::Forever);
        assert!(deadlines.set_timeout(Interest::Read, Some(Duration::ZERO)).is_err());
        deadlines.set_timeout(Interest::Read, Some(Duration::MAX)).expect("very long is fine");
        assert!(deadlines.timeout(Interest::Read) > Some(Duration::from_secs(1 << 32)));
        assert_eq!(deadlines.timeout(Interest::Write), None);
        deadlines.set_nonblocking(true);
        assert_eq!(deadlines.patience(Interest::Read), Patience::None);
    }
}
