//! Builds of the tree in two folders with the same toolchain give the same bytes.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::TempDir;

/// The size and the sha256 of each binary, as a build prints them.
fn build(tree: &Path, arguments: &[&str]) -> Vec<String> {
    let output = Command::new(tree.join("scripts/build.sh"))
        .args(arguments)
        .env_remove("CARGO_TARGET_DIR")
        .env("CARGO_NET_OFFLINE", "true") // packages are cached by the build of this tree
        .output()
        .expect("run scripts/build.sh");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}:\n{log}");
    let lines = String::from_utf8(output.stdout).expect("text");
    let facts = |line: &str| line.split('\t').skip(1).collect::<Vec<_>>().join(" ");
    lines.lines().map(facts).collect()
}

/// Copies the files of the tree, including uncommitted ones.
fn copy_tree(to: &Path) {
    let output = Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard"])
        .current_dir(support::root())
        .output()
        .expect("run git");
    assert!(output.status.success(), "the tests run in a clone");
    for name in String::from_utf8(output.stdout).expect("text").lines() {
        let (from, to) = (support::root().join(name), to.join(name));
        if from.is_file() {
            fs::create_dir_all(to.parent().expect("a folder")).expect("make a folder");
            fs::copy(&from, &to).expect("copy a file");
        }
    }
}

#[test]
fn builds_in_two_folders_are_the_same_bytes() {
    let (short, long) = (TempDir::new(), TempDir::new());
    let trees = [
        short.path().join("t"),
        long.path().join("a/longer/path/to/tinderbox"),
    ];
    let builds: [&[&str]; 5] = [
        &["x86_64"],
        &["x86_64", "--function", "echo"],
        &["aarch64", "--function", "echo"],
        &["x86_64", "--function", "hello"],
        &["x86_64", "--tool"],
    ];
    trees.iter().for_each(|tree| copy_tree(tree));
    // In parallel: they share only the compiler and cargo's package cache.
    let [first, second] = std::thread::scope(|scope| {
        let all = |tree: &Path| builds.map(|arguments| build(tree, arguments));
        let threads = trees.each_ref().map(|tree| scope.spawn(move || all(tree)));
        threads.map(|thread| thread.join().expect("both trees are built"))
    });
    for ((arguments, first), second) in builds.iter().zip(first).zip(second) {
        assert_eq!(first.len(), 1, "{arguments:?}");
        assert_eq!(first, second, "{arguments:?}");
        println!("{arguments:?}: {}", first[0]);
    }
}
