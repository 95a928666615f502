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

/// A package of this function, from the manifest and the source of one of ours.
fn package(name: &str, source: &str) -> TempDir {
    let package = TempDir::new();
    let folder = root().join("tests/functions").join(name);
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("read the manifest");
    let manifest = manifest.replace("\"../../..\"", &format!("{:?}", root()));
    package.file("Cargo.toml", manifest.as_bytes());
    let lock = std::fs::read(folder.join("Cargo.lock")).expect("read the lock file");
    package.file("Cargo.lock", &lock);
    let tests = "\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn sum() {\n        \
                 assert_eq!(vec![1, 2].iter().sum::<i32>(), 3);\n    }\n}\n";
    package.file("src/main.rs", format!("{source}{tests}").as_bytes());
    package
}

#[test]
fn user_package_is_checked_tested_documented_and_run() {
    if runner().is_some() {
        return; // it would be built for this machine
    }
    for name in ["echo", "hello"] {
        let path = format!("tests/functions/{name}/src/main.rs");
        let source = std::fs::read_to_string(root().join(path)).expect("read the source");
        let package = package(name, &source);
        // The std crates take long to document: one of the two is enough.
        for arguments in [&["check"][..], &["doc", "--no-deps"]] {
            if name == "echo" {
                let output = cargo(package.path(), arguments, name);
                assert_success(&output, &format!("{arguments:?} of {name}"));
            }
        }
        let output = cargo(package.path(), &["test"], name);
        assert_success(&output, &format!("test of {name}"));
        let log = String::from_utf8_lossy(&output.stdout);
        assert!(log.contains("test tests::sum ... ok"), "{name}: {log}");
        let output = cargo(package.path(), &["run", "--quiet"], name);
        assert_eq!(output.status.code(), Some(2), "{name}: {output:?}");
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(
            log.contains("AWS_LAMBDA_RUNTIME_API is not set"),
            "{name}: {log}"
        );
    }
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
