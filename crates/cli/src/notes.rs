//! What is said on standard error besides failures: notes and progress bars. `--quiet` silences both, in
//! every command; results and errors are printed all the same.

use indicatif::{ProgressBar, ProgressStyle};
use std::fmt;
use std::io::IsTerminal;
use std::sync::OnceLock;

/// Whether there are notes and bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notes {
    /// Both, the bars where standard error is a terminal that can move its cursor.
    Told {
        /// Whether the terminal can draw a bar.
        bars: bool,
    },
    /// Neither.
    Quiet,
}

static NOTES: OnceLock<Notes> = OnceLock::new();

/// Says once, at the start, what is wanted.
pub(crate) fn choose(notes: Notes) {
    // a second choice would be of the same arguments
    let _ = NOTES.set(notes);
}

fn chosen() -> Notes {
    NOTES.get().copied().unwrap_or(Notes::Quiet)
}

/// Tells something that is no failure.
pub(crate) fn note(what: fmt::Arguments<'_>) {
    if chosen() != Notes::Quiet {
        eprintln!("{what}");
    }
}

/// Whether bars are drawn.
pub(crate) fn draws_bars() -> bool {
    chosen() == Notes::Told { bars: true } && std::io::stderr().is_terminal()
}

/// A bar of this length, or nothing where nobody would see it.
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
