//! Calls that may sleep, each on a thread of its own.
//!
//! A call is started and watched until it has returned or its thread sleeps in the kernel, so that what
//! the script does next happens after it. A thread that still sleeps when the script is over is left alone:
//! it ends with its sockets, which are shut down then, at the latest with the program.

use device::Waker;
use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

type Returned = Box<dyn Any + Send>;

/// How often to look whether a call sleeps; two looks in a row must say so.
const LOOK: Duration = Duration::from_micros(100);

/// How long a call may run without sleeping or returning before it counts as one that sleeps.
const RUNS_MAX: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Shared {
    /// The number of the thread, once it is about to make the call.
    thread: AtomicI32,
    result: Mutex<Option<Returned>>,
    returned: Condvar,
}

/// The calls that have not been asked for their results.
pub(crate) struct Sleepers {
    next: u64,
    calls: BTreeMap<u64, Arc<Shared>>,
    waker: Arc<Waker>,
}

impl Sleepers {
    /// No call; `waker` is woken whenever one returns.
    pub(crate) fn new(waker: Arc<Waker>) -> Self {
        Sleepers { next: 1, calls: BTreeMap::new(), waker }
    }

    /// Makes a call on a thread of its own, and comes back when it has returned or sleeps.
    ///
    /// # Errors
    /// What the system says when there can be no more threads.
    pub(crate) fn start<T: Send + 'static>(
        &mut self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<u64> {
        let shared = Arc::new(Shared::default());
        let (its, waker) = (shared.clone(), self.waker.clone());
        std::thread::Builder::new().name("synfin call".to_owned()).spawn(move || {
            its.thread.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::Release);
            let returned: Returned = Box::new(call());
            *its.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(returned);
            its.returned.notify_all();
            waker.wake();
        })?;
        shared.settle();
        let ticket = self.next;
        self.next += 1;
        self.calls.insert(ticket, shared);
        Ok(ticket)
    }

    /// The result of a call that has returned; it is given once.
    pub(crate) fn take<T: 'static>(&mut self, ticket: u64) -> Option<T> {
        let shared = self.calls.get(&ticket)?;
        let result = shared.result.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        self.calls.remove(&ticket);
        result.downcast().ok().map(|result| *result)
    }
}

impl Shared {
    /// Waits until the call has returned or sleeps.
    fn settle(&self) {
        let began = Instant::now();
        let mut asleep = false;
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        while result.is_none() && began.elapsed() < RUNS_MAX {
            (result, _) = self.returned.wait_timeout(result, LOOK).unwrap_or_else(PoisonError::into_inner);
            let sleeps = sleeps(self.thread.load(Ordering::Acquire));
            if sleeps && asleep {
                return;
            }
            asleep = sleeps;
        }
    }
}

/// Whether a thread of this process sleeps, by the letter after its name in `/proc`.
fn sleeps(thread: i32) -> bool {
    if thread == 0 {
        return false;
    }
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_call_that_sleeps_is_left_alone_and_its_result_is_given_once() {
        let waker = Arc::new(Waker::new().unwrap_or_else(|error| panic!("{error}")));
        let mut sleepers = Sleepers::new(waker.clone());
        let (mut ours, mut theirs) = UnixStream::pair().unwrap_or_else(|error| panic!("{error}"));
        let ready = sleepers.start(|| 7).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((sleepers.take::<i32>(ready), sleepers.take::<i32>(ready)), (Some(7), None));
        let sleeping = sleepers.start(move || {
            let mut byte = [0];
            theirs.read_exact(&mut byte).map(|()| byte[0]).unwrap_or(0)
        });
        let sleeping = sleeping.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(sleepers.take::<u8>(sleeping), None);
        ours.write_all(&[9]).unwrap_or_else(|error| panic!("{error}"));
        // The first call may still be about to wake us.
        let mut result = None;
        while result.is_none() {
            let ready = device::wait(&[waker.as_fd()], Some(Duration::from_secs(10)));
            assert!(ready.is_ok_and(|ready| !ready.is_empty()), "the call returns and says so");
            waker.clear();
            result = sleepers.take::<u8>(sleeping);
        }
        assert_eq!(result, Some(9));
    }
}
