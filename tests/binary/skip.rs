//! Says that a test did not run, where it is seen.

use std::io::Write;

/// Prints `skipped: TEST: REASON`. Straight to the descriptor: what the `print` macros write is
/// kept back when a test passes, and a test that is skipped passes.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let line = format!("skipped: {}: {reason}\n", thread.name().unwrap_or("a test"));
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Whether a command can be run here; says that the test is skipped when it cannot.
pub fn has(command: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(command).is_file());
    if !found {
        skip(&format!("no {command} on this machine"));
    }
    found
}
