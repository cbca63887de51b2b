//! The progress bar: on standard error, if that is a terminal.

use super::destination::Destination;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use report::{Charset, Style};
use std::time::Duration;

/// A bar, or nothing where nobody would see it.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Begins with what an earlier attempt has left.
    pub(crate) fn begin(
        destination: &Destination,
        from_bytes: u64,
        total_bytes: Option<u64>,
        is_shown: bool,
        style: &Style,
    ) -> Progress {
        // indicatif draws nothing where standard error is no terminal.
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = match total_bytes {
            Some(total_bytes) => ProgressBar::with_draw_target(Some(total_bytes), target),
            None => ProgressBar::with_draw_target(None, target),
        };
        let template = match total_bytes {
            Some(_) => {
                "{msg} {bar:30} {percent:>3} %  {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left"
            }
            None => "{msg} {spinner} {binary_bytes}  {binary_bytes_per_sec}",
        };
        let (blocks, turns) = match style.charset {
            Charset::Unicode => ("━╸─", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "),
            Charset::Ascii => ("#>-", "-\\|/ "),
        };
        if let Ok(look) = ProgressStyle::with_template(template) {
            bar.set_style(look.progress_chars(blocks).tick_chars(turns));
        }
        bar.set_message(destination.to_string());
        bar.set_position(from_bytes);
        bar.reset_eta();
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress { bar }
    }

    /// So many more bytes have come.
    pub(crate) fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Takes the bar away; the last line tells what there is to tell.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
