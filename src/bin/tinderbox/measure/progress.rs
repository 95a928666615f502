//! A bar on stderr while something takes long; nothing where stderr is no terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

const COLUMNS: u64 = 30;
const STEP: Duration = Duration::from_millis(100);

/// A bar of so many steps; dropping it wipes it away.
pub struct Progress {
    what: &'static str,
    all: u64,
    shown: Option<Instant>,
    is_terminal: bool,
}

impl Progress {
    pub fn new(what: &'static str, all: u64) -> Progress {
        Progress {
            what,
            all: all.max(1),
            shown: None,
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// So many are done. Ten times a second at most, and never while a time is taken.
    pub fn show(&mut self, done: u64) {
        if !self.is_terminal || self.shown.is_some_and(|shown| shown.elapsed() < STEP) {
            return;
        }
        self.shown = Some(Instant::now());
        let full = (done * COLUMNS / self.all).min(COLUMNS) as usize;
        let empty = COLUMNS as usize - full;
        let (what, all) = (self.what, self.all);
        let (full, empty) = ("#".repeat(full), ".".repeat(empty));
        write(&format!("\r[{full}{empty}] {what} {done} of {all}\x1b[K"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            write("\r\x1b[K");
        }
    }
}

fn write(text: &str) {
    // Nobody is left to be told when stderr itself is gone.
    let _ = io::stderr().write_all(text.as_bytes());
}
