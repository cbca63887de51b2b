//! The disk writes what has come while the rest is still coming, so that the wait for it at the end is short.
//!
//! A thread asks for it, because whoever asks waits. If the disk is slower than what comes, nobody waits for it
//! before the end. What is *not* here: the last word, when everything has been written
//! ([`Replacement::put_into_place`](super::Replacement::put_into_place)).

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// How much is written before the disk is asked: some ten requests in a second of a fast download, and little enough to
/// wait for at the end. A file that is smaller has no thread.
const UNSYNCED_BYTES_MAX: u64 = 32 << 20;

/// What the disk was not asked to write yet, and who asks it.
#[derive(Debug, Default)]
pub(super) struct EarlySync {
    unsynced_bytes: u64,
    worker: Option<Worker>,
}

/// A thread that asks the disk whenever it is nudged, and ends with the sender.
#[derive(Debug)]
struct Worker {
    nudge: SyncSender<()>,
    /// The first failure. The system tells it once for all clones of the file, so it must not be lost.
    thread: JoinHandle<io::Result<()>>,
}

impl EarlySync {
    /// So many more bytes were written to `file`.
    pub(super) fn on_written(&mut self, file: &File, bytes: usize) {
        self.unsynced_bytes += bytes as u64;
        if self.unsynced_bytes < UNSYNCED_BYTES_MAX {
            return;
        }
        self.unsynced_bytes = 0;
        if self.worker.is_none() {
            // Without a thread, or a clone of the file for it, the end takes longer, and that is all.
            let clone = file.try_clone();
            self.worker = clone.and_then(|file| Worker::start(move || file.sync_data())).ok();
        }
        if let Some(worker) = &self.worker {
            // One nudge may wait; with it the worker takes everything that was written until then.
            let _ = worker.nudge.try_send(());
        }
    }

    /// Waits until nobody asks any more.
    ///
    /// # Errors
    /// What the disk has said meanwhile.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let Some(Worker { nudge, thread }) = self.worker.take() else { return Ok(()) };
        drop(nudge);
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that writes to the disk panicked")))
    }
}

impl Worker {
    fn start(sync: impl Fn() -> io::Result<()> + Send + 'static) -> io::Result<Worker> {
        let (nudge, nudges) = sync_channel(1);
        let run = move || nudges.iter().try_for_each(|()| tolerate_unsyncable(sync()));
        let thread = std::thread::Builder::new().name("sync".to_owned()).spawn(run)?;
        Ok(Worker { nudge, thread })
    }
}

/// Some file systems have nothing to sync, and say so.
pub(super) fn tolerate_unsyncable(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    fn null() -> File {
        File::open("/dev/null").expect("it is always there")
    }

    #[test]
    fn only_a_large_file_has_a_thread() {
        let mut early = EarlySync::default();
        early.on_written(&null(), UNSYNCED_BYTES_MAX as usize - 1);
        assert!(early.worker.is_none());
        early.on_written(&null(), 1);
        assert!(early.worker.is_some());
        early.finish().expect("a device has nothing to sync, which is no failure");
    }

    #[test]
    fn a_failure_that_the_disk_tells_once_is_told_at_the_end() {
        let asked = AtomicUsize::new(0);
        let sync = move || match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Err(io::Error::from(ErrorKind::StorageFull)),
            _ => Ok(()),
        };
        let mut early = EarlySync { unsynced_bytes: 0, worker: Worker::start(sync).ok() };
        for _ in 0..3 {
            early.on_written(&null(), UNSYNCED_BYTES_MAX as usize);
        }
        assert_eq!(early.finish().expect_err("the first one failed").kind(), ErrorKind::StorageFull);
    }

    #[test]
    fn who_writes_does_not_wait_for_a_slow_disk_and_the_end_does() {
        let (release, released) = channel();
        let (tell, asked) = channel();
        let sync = move || {
            tell.send(()).expect("the test listens");
            released.recv().map_err(io::Error::other)
        };
        let mut early = EarlySync { unsynced_bytes: 0, worker: Worker::start(sync).ok() };
        early.on_written(&null(), UNSYNCED_BYTES_MAX as usize);
        asked.recv().expect("the disk is asked");
        // None of these would come to an end if they waited.
        for _ in 0..100 {
            early.on_written(&null(), UNSYNCED_BYTES_MAX as usize);
        }
        release.send(()).expect("the disk is waited for");
        release.send(()).expect("and asked once more, for all that came meanwhile");
        early.finish().expect("both are done");
        assert_eq!(asked.iter().count(), 1);
    }
}
