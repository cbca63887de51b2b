//! Ctrl-C, and the signals that ask a program to end: one handler for the whole process.
//!
//! A command that has something to bring to its end says what; otherwise unfinished files are removed
//! and the process ends.

use crate::failure::{Exit, Failure};
use crate::output;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// What a command does at Ctrl-C.
type Handler = Box<dyn FnMut() + Send>;

static HANDLER: Mutex<Option<Handler>> = Mutex::new(None);

/// Calls this at every Ctrl-C, on a thread of its own.
///
/// # Errors
/// Ctrl-C cannot be caught.
pub(crate) fn on_interrupt(handle: impl FnMut() + Send + 'static) -> Result<(), Failure> {
    *handler() = Some(Box::new(handle));
    listen().map_err(|error| Failure::new(format!("Ctrl-C cannot be caught: {error}")))
}

/// From now on Ctrl-C removes unfinished files. Where signals are to be ignored (`nohup`, a job in the
/// background of a script), they stay ignored.
pub(crate) fn catch() {
    if !are_ignored() {
        // If it cannot be caught, an unfinished file is left behind: a hidden one, beside the old.
        let _ = listen();
    }
}

fn listen() -> Result<(), &'static str> {
    static LISTENS: OnceLock<Result<(), String>> = OnceLock::new();
    let listens = LISTENS.get_or_init(|| {
        ctrlc::set_handler(|| match &mut *handler() {
            Some(handle) => handle(),
            None => output::leave_nothing((Exit::Interrupted as u8).into()),
        })
        .map_err(|error| error.to_string())
    });
    listens.as_ref().copied().map_err(String::as_str)
}

/// Whether SIGHUP, SIGINT or SIGTERM is ignored, by what Linux tells of us.
fn are_ignored() -> bool {
    const HANGUP_INTERRUPT_TERMINATE: u64 = 1 << 0 | 1 << 1 | 1 << 14;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & HANGUP_INTERRUPT_TERMINATE != 0)
}

fn handler() -> MutexGuard<'static, Option<Handler>> {
    HANDLER.lock().unwrap_or_else(PoisonError::into_inner)
}
