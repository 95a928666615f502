//! What the benches share: the binaries, a cheap server, figures, and how much is asked for.
//!
//! `cargo test --benches` runs each bench with the smallest counts: everything is asserted, nothing
//! is timed. `cargo bench` times too; `-- --quick` after it takes fewer rounds. With
//! `TINDERBOX_ROWS=FILE`, the figures are also appended to that file, as rows of the record.

// Each bench is a crate of its own and uses the part of this module that it needs.
#![allow(dead_code)]

pub mod figures;
pub mod process;
pub mod server;

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How much is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Asserts alone.
    Check,
    /// Figures within seconds.
    Quick,
    /// Figures.
    Full,
}

impl Mode {
    /// That of this run.
    pub fn of_run() -> Mode {
        let has = |word: &str| std::env::args().any(|argument| argument == word);
        match (has("--bench"), has("--quick")) {
            (false, _) => Mode::Check,
            (true, true) => Mode::Quick,
            (true, false) => Mode::Full,
        }
    }

    /// One of three counts.
    pub fn of<T>(self, check: T, quick: T, full: T) -> T {
        match self {
            Mode::Check => check,
            Mode::Quick => quick,
            Mode::Full => full,
        }
    }
}

/// Begins a bench: on one core, which the server and what it starts share. On two, a ratio would
/// tell which of them the scheduler put where (20 % either way, where one core gives 1 %).
pub fn begin() -> Mode {
    const PINNED: &str = "TINDERBOX_PINNED";
    let mode = Mode::of_run();
    if mode == Mode::Check || std::env::var_os(PINNED).is_some() {
        return mode;
    }
    // The last core: the first one has the interrupts.
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
    let me = std::env::current_exe().expect("the path of this bench");
    let mut command = Command::new("taskset");
    command.args(["-c", &(cores - 1).to_string()]).arg(me);
    command.args(std::env::args_os().skip(1)).env(PINNED, "1");
    println!(
        "not on one core, so expect noise: taskset: {}",
        command.exec()
    );
    mode
}

/// The root of the package.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A binary as it ships: `floor`, `bootstrap`, or a function of tests/functions. Built first, so
/// that it is never an old one; `TINDERBOX_BIN_DIR` names a folder with binaries to take as they
/// are.
pub fn binary(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("TINDERBOX_BIN_DIR") {
        let own = if name == "bootstrap" { "" } else { name };
        let path = root().join(folder).join(own).join("bootstrap");
        assert!(path.is_file(), "no binary at {}", path.display());
        return path;
    }
    let mut command = Command::new(root().join("scripts/build.sh"));
    match name {
        "floor" => command.arg("--floor"),
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
