//! Contents of a zip: names, modes, order, and the same bytes for the same input.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::support::TempDir;
use crate::{AARCH64, FIXED, SHARED, X86_64, elf, entries, output, package, skip, text, unzip};

fn list(zip: &Path) -> Vec<String> {
    let line = |(mode, name): (String, String)| format!("{mode} {name}");
    entries(zip).into_iter().map(line).collect()
}

/// A function: a program, something to read, a folder, links.
fn function(dir: &TempDir) {
    dir.executable("fn/program", b"#!/bin/sh\ncat\n");
    dir.file("fn/a b.json", b"{}");
    dir.file("fn/log", b"a name like others");
    dir.file("fn/lib/deep/x.php", b"<?php\n");
    dir.file("fn/.git/config", b"no part of it");
    let root = dir.path().join("fn");
    fs::create_dir(root.join("empty")).expect("make a folder");
    symlink("lib/deep/x.php", root.join("link.php")).expect("make a link");
    symlink("deep", root.join("lib/again")).expect("make a link");
}

#[test]
fn function_zip_is_the_folder_and_bootstrap() {
    if !skip::has("unzip") || !skip::has("zip") {
        return;
    }
    for (machine, arch) in [(X86_64, "x86_64"), (AARCH64, "aarch64"), (AARCH64, "arm64")] {
        let dir = TempDir::new();
        function(&dir);
        let bootstrap = dir.executable("bootstrap", &elf(machine, FIXED, None));
        let (root, zip) = (dir.path().join("fn"), dir.path().join("out/fn.zip"));
        let base = ["function", text(&root), "--arch", arch, "--out", text(&zip)];
        let with = ["--bootstrap", text(&bootstrap)];
        let line = package(&[&base[..], &with].concat());
        let fields: Vec<&str> = line.split('\t').collect();
        assert_eq!(fields[0], text(&zip));
        let bytes = fs::metadata(&zip).expect("a zip").len();
        assert_eq!(fields[1], bytes.to_string());
        assert_eq!(fields[2].len(), 64, "{line}");
        let without_bootstrap = [
            "-rw-r--r-- a b.json",
            "drwxr-xr-x empty/",
            "drwxr-xr-x lib/",
            "drwxr-xr-x lib/again/",
            "-rw-r--r-- lib/again/x.php",
            "drwxr-xr-x lib/deep/",
            "-rw-r--r-- lib/deep/x.php",
            "-rw-r--r-- link.php",
            "-rw-r--r-- log",
            "-rwxr-xr-x program",
        ];
        let mut all = without_bootstrap.to_vec();
        all.insert(1, "-rwxr-xr-x bootstrap");
        assert_eq!(list(&zip), all);
        let unpacked = dir.path().join("unpacked");
        unzip(&zip, &unpacked);
        let read = |name: &str| fs::read(unpacked.join(name)).expect("a file");
        assert_eq!(read("bootstrap"), elf(machine, FIXED, None));
        assert_eq!(read("link.php"), b"<?php\n");

        package(&[&base[..], &["--no-bootstrap"]].concat());
        assert_eq!(list(&zip), without_bootstrap);
    }
}

#[test]
fn function_zip_with_its_own_bootstrap_contains_it() {
    if !skip::has("unzip") || !skip::has("zip") {
        return;
    }
    for own in [
        elf(X86_64, FIXED, None),
        b"#!/bin/sh\nexec sleep 9\n".to_vec(),
    ] {
        let dir = TempDir::new();
        dir.executable("fn/bootstrap", &own);
        let (root, zip) = (dir.path().join("fn"), dir.path().join("fn.zip"));
        package(&["function", text(&root), "--out", text(&zip)]);
        assert_eq!(list(&zip), ["-rwxr-xr-x bootstrap"]);
        unzip(&zip, &dir.path().join("unpacked"));
        let unpacked = fs::read(dir.path().join("unpacked/bootstrap"));
        assert_eq!(unpacked.expect("bootstrap"), own);
    }
}

#[test]
fn layer_zip_is_bootstrap_and_programs_in_bin() {
    if !skip::has("unzip") || !skip::has("zip") {
        return;
    }
    let dir = TempDir::new();
    let bootstrap = dir.executable("b", &elf(X86_64, FIXED, None));
    let one = dir.executable("one", &elf(X86_64, SHARED, None));
    let two = dir.executable("two.sh", b"#!/bin/sh\n");
    let zip = dir.path().join("layer.zip");
    let base = ["layer", "--bootstrap", text(&bootstrap)];
    package(&[&base[..], &["--out", text(&zip)]].concat());
    assert_eq!(list(&zip), ["-rwxr-xr-x bootstrap"]);
    let with = ["--with", text(&two), "--with", text(&one)];
    package(&[&base[..], &["--out", text(&zip)], &with].concat());
    let all = [
        "drwxr-xr-x bin/",
        "-rwxr-xr-x bin/one",
        "-rwxr-xr-x bin/two.sh",
        "-rwxr-xr-x bootstrap",
    ];
    assert_eq!(list(&zip), all);

    // The folder is what the zip unpacks to.
    let folder = dir.path().join("layers/runtime");
    package(&[&base[..], &["--folder", text(&folder)], &with].concat());
    unzip(&zip, &dir.path().join("unpacked"));
    let mut diff = Command::new("diff");
    let diff = diff.arg("-r").args([&folder, &dir.path().join("unpacked")]);
    let diff = output(diff);
    assert!(diff.status.success(), "{diff:?}");
    for (name, mode) in [
        ("", 0o755),
        ("bin", 0o755),
        ("bin/one", 0o755),
        ("bootstrap", 0o755),
    ] {
        let metadata = fs::metadata(folder.join(name)).expect("in the folder");
        assert_eq!(metadata.permissions().mode() & 0o7777, mode, "{name}");
    }
}

/// Runs package.sh with an odd environment: another time zone, language, umask.
fn package_elsewhere(arguments: &[&str]) {
    let script = crate::support::root().join("scripts/package.sh");
    let mut command = Command::new("sh");
    command.args(["-c", "umask 077; exec \"$@\"", "sh"]);
    command.arg(script).args(arguments);
    command.envs([("TZ", "Asia/Tokyo"), ("LC_ALL", "C.UTF-8")]);
    command.env("ZIPOPT", "-0");
    let output = output(&mut command);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn zip_of_the_same_input_has_the_same_bytes() {
    if !skip::has("zip") {
        return;
    }
    let (one, two) = (TempDir::new(), TempDir::new());
    let names = ["Z", "a", "B", "c/d", "c/e", "b", "_"];
    let mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set a mode");
    };
    for name in names {
        mode(&one.file(&format!("fn/{name}"), name.as_bytes()), 0o644);
    }
    mode(&one.executable("fn/run", b"#!/bin/sh\n"), 0o755);
    // The same in another order, with other modes that mean the same, at another time.
    mode(
        &two.executable("a/longer/path/fn/run", b"#!/bin/sh\n"),
        0o700,
    );
    for name in names.iter().rev() {
        let file = two.file(&format!("a/longer/path/fn/{name}"), name.as_bytes());
        mode(&file, 0o600);
        let mut touch = Command::new("touch");
        let touch = touch.args(["-d", "2001-02-03"]).arg(&file);
        assert!(output(touch).status.success());
    }
    let two_root = two.path().join("a/longer/path/fn");
    mode(&two_root.join("c"), 0o700);
    let bootstrap = one.executable("bootstrap", &elf(X86_64, FIXED, None));
    let zips = [one.path().join("1.zip"), two.path().join("other.zip")];
    let base = ["--bootstrap", text(&bootstrap), "--out"];
    let root = one.path().join("fn");
    package(&[&["function", text(&root)], &base[..], &[text(&zips[0])]].concat());
    package_elsewhere(&[&["function", text(&two_root)], &base[..], &[text(&zips[1])]].concat());
    let bytes = zips.each_ref().map(|zip| fs::read(zip).expect("a zip"));
    assert!(bytes[0] == bytes[1], "{zips:?} differ");

    // No fields but those that every zip has: 22 bytes of end, 46 of entry, 30 of head.
    let mut verbose = Command::new("unzip");
    let verbose = output(verbose.arg("-Zv").arg(&zips[0]));
    let verbose = String::from_utf8(verbose.stdout).expect("text");
    let extra: Vec<&str> = verbose
        .lines()
        .filter(|l| l.contains("extra field:"))
        .collect();
    assert_eq!(extra.len(), entries(&zips[0]).len());
    assert!(
        extra.iter().all(|line| line.ends_with(" 0 bytes")),
        "{extra:?}"
    );
}

#[test]
fn zip_made_in_its_folder_does_not_contain_itself() {
    if !skip::has("zip") {
        return;
    }
    let dir = TempDir::new();
    dir.executable("fn/bootstrap", b"#!/bin/sh\n");
    let (root, zip) = (dir.path().join("fn"), dir.path().join("fn/fn.zip"));
    let arguments = ["function", text(&root), "--out", text(&zip)];
    let first = package(&arguments);
    assert_eq!(package(&arguments), first);
    assert_eq!(list(&zip), ["-rwxr-xr-x bootstrap"]);
}
