//! The release files themselves: what is in them, and what they ask of the kernel.
//!
//! They are read as files (program headers, the symbols of the twin with symbols), and watched
//! while they run (`strace`, `/proc`). Natively and, where it can be told, under qemu.

#[path = "binary/elf.rs"]
mod elf;
#[path = "binary/skip.rs"]
mod skip;
mod support;
#[path = "binary/user_package.rs"]
mod user_package;
#[path = "binary/watched.rs"]
mod watched;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::TempDir;

/// The architecture under test, as in the folder names of `scripts/build.sh`.
pub fn architecture() -> &'static str {
    match support::runner() {
        Some(runner) if runner.contains("aarch64") => "aarch64",
        _ => "x86_64",
    }
}

/// Builds a package with its twin; returns the shipped file and the twin.
fn build(arguments: &[&str], target: Option<&Path>) -> (PathBuf, PathBuf) {
    let mut command = Command::new(support::root().join("scripts/build.sh"));
    command
        .arg(architecture())
        .args(arguments)
        .arg("--unstripped");
    if let Some(target) = target {
        command.env("CARGO_TARGET_DIR", target);
    }
    let output = command.output().expect("run scripts/build.sh");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "scripts/build.sh {arguments:?}:\n{log}"
    );
    let line = String::from_utf8(output.stdout).expect("text");
    let shipped = PathBuf::from(line.split('\t').next().expect("a path"));
    let twin = shipped.with_extension("unstripped");
    (shipped, twin)
}

/// The symbols that a panic needs.
fn panic_symbols(twin: &Path) -> Vec<String> {
    let symbols = elf::symbols(&std::fs::read(twin).expect("read the twin"));
    assert!(
        symbols.iter().any(|name| name == "main"),
        "the twin has its symbols"
    );
    symbols
        .into_iter()
        .filter(|name| name.contains("9panicking"))
        .collect()
}

#[test]
fn the_files_are_static_and_nothing_in_them_is_both_written_and_run() {
    for path in [
        support::bootstrap(),
        support::function("echo"),
        support::function("bare"),
        support::function("hello"),
    ] {
        let file = std::fs::read(&path).expect("read a binary");
        let machine = if architecture() == "aarch64" { 183 } else { 62 };
        assert_eq!(elf::machine(&file), machine, "{}", path.display());
        let segments = elf::segments(&file);
        assert!(segments.iter().any(|segment| segment.kind == elf::LOAD));
        for segment in &segments {
            assert_ne!(
                segment.kind,
                elf::INTERPRETER,
                "{} wants a loader",
                path.display()
            );
            assert_ne!(segment.kind, elf::DYNAMIC, "{} is dynamic", path.display());
            let both = segment.flags & 3 == 3; // executable 1, writable 2
            assert!(
                !both,
                "{}: a segment is writable and executable",
                path.display()
            );
        }
        // One to read and run, one to read and write: scripts/discard.ld says what a third costs.
        let loaded = segments.iter().filter(|segment| segment.kind == elf::LOAD);
        let rights: Vec<u32> = loaded.map(|segment| segment.flags).collect();
        assert_eq!(rights, [5, 6], "{}", path.display());
        let stack = segments.iter().find(|segment| segment.kind == elf::STACK);
        assert!(
            stack.is_some_and(|stack| stack.flags & 1 == 0),
            "the stack is not executable"
        );
    }
}

#[test]
fn echo_and_bootstrap_hold_nothing_that_panics_and_the_twin_is_the_same_program() {
    for (arguments, tested) in [
        (&["--function", "echo"][..], support::function("echo")),
        (&["--function", "bare"][..], support::function("bare")),
        (&[][..], support::bootstrap()),
    ] {
        let (shipped, twin) = build(arguments, None);
        let bytes = std::fs::read(&shipped).expect("read the shipped file");
        assert!(
            bytes == std::fs::read(tested).expect("read"),
            "the tested file is the shipped one"
        );
        let stripped = elf::strip(&std::fs::read(&twin).expect("read the twin"));
        assert!(
            stripped == bytes,
            "{}: not its stripped form",
            twin.display()
        );
        assert_eq!(panic_symbols(&twin), [""; 0], "{}", twin.display());
    }
}

#[test]
fn a_function_that_can_panic_is_found_out() {
    let package = TempDir::new();
    let manifest = std::fs::read_to_string(support::root().join("tests/functions/echo/Cargo.toml"))
        .expect("read the manifest")
        .replace("\"../../..\"", &format!("{:?}", support::root()));
    package.file("Cargo.toml", manifest.as_bytes());
    let source = std::fs::read_to_string(support::root().join("tests/functions/echo/src/main.rs"))
        .expect("read the source")
        .replace("invocation.event()", "&invocation.event()[1..]");
    package.file("src/main.rs", source.as_bytes());
    let path = package.path().to_str().expect("text");
    let target = package.path().join("target");
    let (_, twin) = build(&["--function", path], Some(&target));
    assert!(
        !panic_symbols(&twin).is_empty(),
        "an index that can be out of bounds was planted"
    );
}
