//! The package of a function, under the commands of Cargo that its author uses.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::support::{self, TempDir, root, runner};

fn cargo(folder: &std::path::Path, arguments: &[&str], target: &str) -> Output {
    let mut command = Command::new(std::env::var("CARGO").unwrap_or("cargo".into()));
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(target);
    command
        .current_dir(folder)
        .args(arguments)
        .arg("--offline")
        .env("CARGO_TARGET_DIR", target)
        .env("RUSTDOCFLAGS", "-D warnings")
        .env_remove("AWS_LAMBDA_RUNTIME_API");
    command.output().expect("run cargo")
}

fn assert_success(output: &Output, what: &str) {
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {what}:\n{log}");
    assert!(!log.contains("warning"), "cargo {what}:\n{log}");
}

/// A package of this function, from the manifest of one of ours.
fn package(name: &str, more_manifest: &str, source: &str) -> TempDir {
    let package = TempDir::new();
    let folder = root().join("tests/functions").join(name);
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("read the manifest");
    let manifest = format!("{manifest}{more_manifest}");
    let manifest = manifest.replace("\"../../..\"", &format!("{:?}", root()));
    package.file("Cargo.toml", manifest.as_bytes());
    let lock = std::fs::read(folder.join("Cargo.lock")).expect("read the lock file");
    package.file("Cargo.lock", &lock);
    package.file("src/main.rs", source.as_bytes());
    package
}

/// A test of the handler `echo`.
const ECHO_TEST: &str = r#"
#[cfg(test)]
mod tests {
    use super::echo;
    use tinderbox::testing::Event;

    #[test]
    fn event_is_echoed() {
        for _ in 0..3 {
            let answer = Event::new("some bytes").run(echo);
            assert_eq!(answer.body(), b"some bytes");
        }
    }
}
"#;

/// `cargo test` passes, with tests of these names.
fn assert_tested(package: &TempDir, name: &str, tests: &[&str]) {
    let output = cargo(package.path(), &["test"], name);
    assert_success(&output, &format!("test of {name}"));
    let log = String::from_utf8_lossy(&output.stdout);
    for test in tests {
        assert!(
            log.contains(&format!("test tests::{test} ... ok")),
            "{name}: {log}"
        );
    }
}

/// `cargo run` starts the program, which finds no Runtime API.
fn assert_run(package: &TempDir, name: &str) {
    let output = cargo(package.path(), &["run", "--quiet"], name);
    assert_eq!(output.status.code(), Some(2), "{name}: {output:?}");
    let log = String::from_utf8_lossy(&output.stderr);
    let is_logged = log.contains("AWS_LAMBDA_RUNTIME_API is not set");
    assert!(is_logged, "{name}: {log}");
}

#[test]
fn user_package_is_checked_tested_documented_and_run() {
    if runner().is_some() {
        return; // it would be built for this machine
    }
    let path = root().join("tests/functions/echo/src/main.rs");
    let source = std::fs::read_to_string(path).expect("read the source") + ECHO_TEST;
    let tests = "\n[dev-dependencies]\n\
                 tinderbox = { path = \"../../..\", features = [\"testing\"] }\n";
    let package = package("echo", tests, &source);
    for arguments in [&["check"][..], &["doc", "--no-deps"]] {
        let output = cargo(package.path(), arguments, "echo");
        assert_success(&output, &format!("{arguments:?} of echo"));
    }
    assert_tested(&package, "echo", &["event_is_echoed"]);
    assert_run(&package, "echo");
}

/// The program of the guide, with its tests.
#[test]
fn user_package_with_std_is_tested_and_run() {
    if runner().is_some() {
        return;
    }
    let guide = std::fs::read_to_string(root().join("src/guide/rust.md")).expect("the guide");
    let (_, section) = guide.split_once("\n## Unit tests\n").expect("the section");
    let (_, program) = section.split_once("```rust,no_run\n").expect("a program");
    let (program, _) = program.split_once("```").expect("its end");
    let package = package("hello", "", program);
    let tests = ["name_in_the_event_is_greeted", "event_without_a_name_fails"];
    assert_tested(&package, "hello", &tests);
    assert_run(&package, "hello");
}

/// `bootstrap` is a program without std; the panic handler of std takes the place of its own.
#[test]
fn own_package_with_feature_std_is_checked_and_documented() {
    if support::runner().is_some() {
        return;
    }
    for arguments in [
        &["check", "--features", "std"][..],
        &["doc", "--no-deps", "--features", "std,json"],
    ] {
        let output = cargo(root(), arguments, "own");
        assert_success(&output, &format!("{arguments:?}"));
    }
}
