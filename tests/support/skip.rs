//! Reports tests that cannot run on this machine.

use std::fs::OpenOptions;
use std::io::Write;

/// Prints `skipped: TEST: REASON`, and appends the line to the file that `TINDERBOX_SKIPPED` names,
/// in which `scripts/test.sh` counts them. Written straight to the descriptor: the output of the
/// `print` macros is captured when a test passes, and a skipped test passes.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let line = format!("skipped: {}: {reason}\n", thread.name().unwrap_or("a test"));
    let _ = std::io::stderr().write_all(line.as_bytes());
    let Some(path) = std::env::var_os("TINDERBOX_SKIPPED") else {
        return;
    };
    let file = OpenOptions::new().append(true).create(true).open(path);
    let mut file = file.expect("open the file TINDERBOX_SKIPPED");
    file.write_all(line.as_bytes())
        .expect("append to the file TINDERBOX_SKIPPED");
}

/// Whether a command is on the `PATH`; reports the test as skipped when it is not.
pub fn has(command: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(command).is_file());
    if !found {
        skip(&format!("no {command} on this machine"));
    }
    found
}
