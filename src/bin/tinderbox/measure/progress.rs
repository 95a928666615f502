//! A progress bar on stderr; none if stderr is no terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

const COLUMNS: u64 = 30;
const STEP: Duration = Duration::from_millis(100);

/// A progress bar; dropping it erases it.
pub struct ProgressBar {
    what: &'static str,
    total: u64,
    shown: Option<Instant>,
    is_terminal: bool,
}

impl ProgressBar {
    pub fn new(what: &'static str, total: u64) -> ProgressBar {
        ProgressBar {
            what,
            total: total.max(1),
            shown: None,
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Updates the bar, ten times per second at most. Not called while a time is measured.
    pub fn show(&mut self, done: u64) {
        if !self.is_terminal || self.shown.is_some_and(|shown| shown.elapsed() < STEP) {
            return;
        }
        self.shown = Some(Instant::now());
        let full = (done * COLUMNS / self.total).min(COLUMNS) as usize;
        let empty = COLUMNS as usize - full;
        let (what, total) = (self.what, self.total);
        let (full, empty) = ("#".repeat(full), ".".repeat(empty));
        write(&format!("\r[{full}{empty}] {what} {done} of {total}\x1b[K"));
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        if self.shown.is_some() {
            write("\r\x1b[K");
        }
    }
}

fn write(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes()); // no other channel is left for an error
}
