//! Standard error apart from failures: notes and progress bars. `--quiet` silences both, in every command;
//! results and errors are still printed.

use indicatif::{ProgressBar, ProgressStyle};
use std::fmt;
use std::io::IsTerminal;
use std::sync::OnceLock;

/// Whether notes and bars are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notes {
    /// Both, the bars where standard error is a terminal that can move its cursor.
    Shown {
        /// Whether the terminal can draw a bar.
        bars: bool,
    },
    /// Neither.
    Quiet,
}

static NOTES: OnceLock<Notes> = OnceLock::new();

/// Sets whether notes and bars are shown; called once, at the start.
pub(crate) fn choose(notes: Notes) {
    // A second call would come from the same arguments.
    let _ = NOTES.set(notes);
}

fn chosen() -> Notes {
    NOTES.get().copied().unwrap_or(Notes::Quiet)
}

/// Prints a line that is not a failure.
pub(crate) fn note(what: fmt::Arguments<'_>) {
    if chosen() != Notes::Quiet {
        eprintln!("{what}");
    }
}

/// Whether bars are drawn.
pub(crate) fn draws_bars() -> bool {
    chosen() == Notes::Shown { bars: true } && std::io::stderr().is_terminal()
}

/// A bar of this length, hidden where bars are not drawn.
pub(crate) fn bar(length: u64, template: &str) -> ProgressBar {
    if !draws_bars() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("#>-"));
    }
    bar
}
