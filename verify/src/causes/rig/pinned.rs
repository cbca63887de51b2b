//! One processor for everything that sends.
//!
//! A timer fires on the processor that set it, mostly. On some machines the kernel cannot unwind the stack of an idle
//! processor other than the first, and an event without a stack says nothing.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The calling thread, and those that it starts, on the first of its processors; elsewhere again when this is gone.
pub(super) struct Pinned {
    before: Option<CpuSet>,
}

impl Pinned {
    pub(super) fn here() -> Pinned {
        let before = sched_getaffinity(None).ok();
        let first = before.as_ref().and_then(|set| (0..CpuSet::MAX_CPU).find(|cpu| set.is_set(*cpu)));
        if let Some(first) = first {
            let mut only = CpuSet::new();
            only.set(first);
            // Where it is not allowed more events are without a stack, and are counted.
            let _ = sched_setaffinity(None, &only);
        }
        Pinned { before }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = sched_setaffinity(None, before);
        }
    }
}
