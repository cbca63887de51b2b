//! An allocator that counts: what is really held, beside what is said to be.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Passes everything on to the system's allocator and counts the bytes that it was asked for.
///
/// `#[global_allocator] static COUNTING: Counting = Counting;`
pub struct Counting;

static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// What is allocated now, as the allocator was asked for it.
pub fn live_bytes() -> usize {
    LIVE_BYTES.load(Ordering::Relaxed)
}

#[allow(unsafe_code, reason = "a global allocator cannot be counted without")]
// SAFETY: every call is passed on to the system's allocator unchanged; only a counter is kept.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE_BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}
