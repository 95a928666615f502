//! The shared parts of the benches: the binaries, a cheap server, statistics, and the number of
//! rounds.
//!
//! `cargo test --benches` runs each bench with the smallest counts: every result is checked, no
//! time is reported. `cargo bench` reports times; `-- --quick` after it takes fewer rounds. With
//! `TINDERBOX_ROWS=FILE`, the figures are also appended to that file, as rows of the record.

// Each bench is a crate of its own and uses only a part of this module.
#![allow(dead_code)]

pub mod figures;
pub mod process;
pub mod server;

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How many rounds a run makes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The fewest: results are checked, no time is reported.
    Check,
    /// Few: times within seconds.
    Quick,
    /// All: times for the record.
    Full,
}

impl Mode {
    /// The mode that the arguments of this run select.
    pub fn from_arguments() -> Mode {
        let has = |word: &str| std::env::args().any(|argument| argument == word);
        match (has("--bench"), has("--quick")) {
            (false, _) => Mode::Check,
            (true, true) => Mode::Quick,
            (true, false) => Mode::Full,
        }
    }

    /// Selects one of three counts.
    pub fn of<T>(self, check: T, quick: T, full: T) -> T {
        match self {
            Mode::Check => check,
            Mode::Quick => quick,
            Mode::Full => full,
        }
    }
}

/// Restarts this bench pinned to one core, which the server and its children share, and returns the
/// mode. On two cores a ratio depends on where the scheduler has put which process (20 % either
/// way, against 1 % on one core).
pub fn pin_and_mode() -> Mode {
    const PINNED: &str = "TINDERBOX_PINNED";
    let mode = Mode::from_arguments();
    if mode == Mode::Check || std::env::var_os(PINNED).is_some() {
        return mode;
    }
    // The last core: the first one handles the interrupts.
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
    let bench = std::env::current_exe().expect("the path of this bench");
    let mut command = Command::new("taskset");
    command.args(["-c", &(cores - 1).to_string()]).arg(bench);
    command.args(std::env::args_os().skip(1)).env(PINNED, "1");
    println!(
        "cannot pin this bench to one core, expect noise: taskset: {}",
        command.exec()
    );
    mode
}

/// The root of the package.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The path of a release binary: `baseline`, `bootstrap`, or a function of tests/functions. It is
/// built first, so it is never stale; `TINDERBOX_BIN_DIR` names a folder with binaries to take as
/// they are.
pub fn binary(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("TINDERBOX_BIN_DIR") {
        let own = if name == "bootstrap" { "" } else { name };
        let path = root().join(folder).join(own).join("bootstrap");
        assert!(path.is_file(), "no binary at {}", path.display());
        return path;
    }
    let mut command = Command::new(root().join("scripts/build.sh"));
    match name {
        "baseline" => command.arg("--baseline"),
        "bootstrap" => &mut command,
        function => command.args(["--function", function]),
    };
    let output = command.stdin(Stdio::null()).output();
    let output = output.expect("run scripts/build.sh");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "scripts/build.sh failed:\n{log}");
    let line = String::from_utf8_lossy(&output.stdout);
    PathBuf::from(line.split('\t').next().expect("a path"))
}
