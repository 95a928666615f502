//! The release binaries: their segments and symbols, their system calls and their memory.
//!
//! They are parsed as files (program headers, the symbols of the unstripped binary), and observed
//! while they run (`strace`, `/proc`). Natively and, where possible, under qemu.

#[path = "binary/elf.rs"]
mod elf;
mod support;
#[path = "binary/user_package.rs"]
mod user_package;
#[path = "binary/watched.rs"]
mod watched;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::TempDir;
use support::skip;

/// The architecture under test, as in the folder names of `scripts/build.sh`.
pub fn architecture() -> &'static str {
    match support::runner() {
        Some(runner) if runner.contains("aarch64") => "aarch64",
        _ => "x86_64",
    }
}

/// Builds a package; the release binary and the unstripped one.
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
    let unstripped = shipped.with_extension("unstripped");
    (shipped, unstripped)
}

/// The symbols of panics.
fn panic_symbols(unstripped: &Path) -> Vec<String> {
    let symbols = elf::symbols(&std::fs::read(unstripped).expect("read the unstripped binary"));
    assert!(
        symbols.iter().any(|name| name == "main"),
        "the unstripped binary has symbols"
    );
    symbols
        .into_iter()
        .filter(|name| name.contains("9panicking"))
        .collect()
}

#[test]
fn binaries_are_static_with_no_writable_and_executable_segment() {
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
        // Read and execute, read and write: scripts/discard.ld has the cost of a third segment.
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
fn binaries_link_no_panic_and_equal_their_unstripped_form() {
    for (arguments, tested) in [
        (&["--function", "echo"][..], support::function("echo")),
        (&["--function", "bare"][..], support::function("bare")),
        (&[][..], support::bootstrap()),
    ] {
        let (shipped, unstripped) = build(arguments, None);
        let bytes = std::fs::read(&shipped).expect("read the shipped file");
        assert!(
            bytes == std::fs::read(tested).expect("read"),
            "the tested file is not the release binary"
        );
        let stripped = elf::strip(&std::fs::read(&unstripped).expect("read the unstripped binary"));
        assert!(
            stripped == bytes,
            "{}: not its stripped form",
            unstripped.display()
        );
        assert_eq!(
            panic_symbols(&unstripped),
            [""; 0],
            "{}",
            unstripped.display()
        );
    }
}

#[test]
fn function_that_can_panic_is_detected() {
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
    let (_, unstripped) = build(&["--function", path], Some(&target));
    assert!(
        !panic_symbols(&unstripped).is_empty(),
        "an index that can be out of bounds links a panic"
    );
}
