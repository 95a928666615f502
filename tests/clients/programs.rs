//! Programs that `scripts/clients.sh` installs, and how they are run.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use crate::harness;
use crate::support::{self, root};

/// The result of a program.
pub struct Finished {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Finished {
    /// Stdout, which is text here.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| root().join("target"))
}

/// The path of what `scripts/clients.sh` installs.
pub fn installed(name: &str) -> PathBuf {
    target().join("clients").join(name)
}

/// The folder of a runtime that `benches/rivals` builds.
pub fn runtime(name: &str) -> PathBuf {
    target().join("rivals").join(name)
}

/// Runs a program to its exit, with a bound on the wait.
pub fn run(command: &mut Command, stdin: &[u8]) -> Finished {
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = support::spawn(command);
    let mut pipe = child.stdin.take().expect("stdin is piped");
    let stdin = stdin.to_vec();
    let writer = thread::spawn(move || pipe.write_all(&stdin));
    let stdout = harness::collect(child.stdout.take().expect("stdout is piped"));
    let stderr = harness::collect(child.stderr.take().expect("stderr is piped"));
    let status = harness::wait_within(&mut child, support::bound(CLIENT_MS));
    // A program may exit before it has read everything.
    let _ = writer.join().expect("the writer does not panic");
    Finished {
        code: status.code().unwrap_or(-1),
        stdout: stdout.join().expect("stdout is read"),
        stderr: String::from_utf8_lossy(&stderr.join().expect("stderr is read")).into_owned(),
    }
}

/// The longest time of a client, with its retries.
const CLIENT_MS: u64 = 20_000;
