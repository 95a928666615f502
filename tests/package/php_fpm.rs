//! The layer with php-fpm, in a file system with nothing else but a function and `/tmp`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::fpm::Fpm;
use crate::php::{LAYER_FACTS, place};
use crate::support::{self, TempDir, sys};
use crate::{AARCH64, FIXED, can_chroot, cannot_be_had, elf, entries, script, skip, text, unzip};

/// The facts about PHP that depend on files and libraries, and what the request says.
fn page() -> String {
    let facts = LAYER_FACTS.replace(
        "\"binary\" => PHP_BINARY",
        "\"sapi\" => PHP_SAPI, \"opcache\" => opcache_get_status(false)['opcache_enabled'],\n\
         \"name\" => $_GET['name'], \"posted\" => strlen(file_get_contents('php://input'))",
    );
    format!("<?php\nheader('X-Page: right');\n{facts}")
}

fn facts_expected(has_text: bool, posted: usize) -> Value {
    json!({
        "sapi": "fpm-fcgi",
        "opcache": true,
        "name": "Ada",
        "posted": posted,
        "ini": "/opt/etc/php/fpm/php.ini",
        "extensions": [true, true, true, true, true, true],
        "mbstring": has_text.then_some("\u{c9}"),
        "xml": has_text.then_some("\u{65e5}"),
        "number": null,
        "summer": "2026-07-01T00:00:00+02:00",
        "latin1": "e9",
        "sjis": "93fa",
        "certificates": true,
        "setting": "from the environment",
    })
}

/// Starts php-fpm in the folder, and asks it for the page, twice over one connection.
fn assert_serves(root: &Path, runner: &[&str], layer: Option<&Path>, has_text: bool) {
    let fpm = Fpm::start(root, &[runner, &["/opt/bin/php-fpm"]].concat(), &[], layer);
    let mut client = fpm.connect();
    for posted in [0, 100_000] {
        let body = vec![b'x'; posted];
        let page = client.page("/var/task/public/index.php", "/index.php?name=Ada", &body);
        let log = fpm.log();
        assert!(
            page.head.contains("X-Page: right\r\n"),
            "{}{log}",
            page.head
        );
        let text = String::from_utf8_lossy(&page.body);
        let facts: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{log}"));
        assert_eq!(facts, facts_expected(has_text, posted));
        assert_eq!(page.log, "");
    }
    let line = "PHP message: a line of the log\n";
    support::until("a line in the log for each page", || {
        fpm.log() == line.repeat(2)
    });
}

/// The folder of the layer for this machine, made once in a run; `None`, and a skip, where packages
/// cannot be had.
pub fn layer() -> Option<&'static Path> {
    static LAYER: OnceLock<(PathBuf, Output)> = OnceLock::new();
    let (folder, made) = LAYER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("layer-php-fpm");
        let _ = fs::remove_dir_all(&folder);
        let bootstrap = support::bootstrap();
        let to = ["--folder", text(&folder), "--bootstrap", text(&bootstrap)];
        let made = script("package.sh", &[&["layer", "--php-fpm"], &to[..]].concat());
        (folder, made)
    });
    if cannot_be_had(made) {
        return None;
    }
    assert!(made.status.success(), "{made:?}");
    Some(folder)
}

/// Whether a mount is possible here; prints that the test is skipped where it is not.
pub fn can_mount(root: &Path) -> bool {
    let can = sys::can_mount(text(root));
    if !can {
        skip::skip("/proc and /dev cannot be mounted in the folder that becomes /");
    }
    can
}

#[test]
fn php_fpm_with_the_layer_alone_serves_pages() {
    let place = place();
    if !can_chroot() || !can_mount(place.path()) {
        return;
    }
    let Some(layer) = layer() else { return };
    let programs = fs::read_dir(layer.join("bin")).expect("list the programs");
    let programs = programs.map(|entry| entry.expect("an entry").file_name());
    assert_eq!(programs.collect::<Vec<_>>(), ["php-fpm"]);
    assert!(!layer.join("etc/php/cli").exists());

    place.file("var/task/public/index.php", page().as_bytes());
    assert_serves(place.path(), &[], Some(layer), false);
    // PHP uses no library of the system: the libc of Amazon Linux differs.
    for name in ["libc.so.6", "libm.so.6", "libsystemd.so.0"] {
        place.file(&format!("lib64/{name}"), b"not the one");
    }
    assert_serves(place.path(), &[], Some(layer), false);
}

#[test]
fn php_fpm_layer_for_arm64_has_both_programs_and_runs() {
    let dir = place();
    if !skip::has("unzip") || !skip::has("zip") {
        return;
    }
    let bootstrap = dir.executable("bootstrap", &elf(AARCH64, FIXED, None));
    let zip = dir.path().join("layer.zip");
    let with = ["mbstring", "xml"].map(|name| format!("--with-php-extension {name} "));
    let options = format!("layer --php --php-fpm {}--arch arm64", with.concat());
    let mut arguments: Vec<&str> = options.split(' ').collect();
    arguments.extend(["--out", text(&zip), "--bootstrap", text(&bootstrap)]);
    let made = script("package.sh", &arguments);
    if cannot_be_had(&made) {
        return;
    }
    assert!(made.status.success(), "{made:?}");
    let all = entries(&zip);
    let mode = |name: &str| {
        let entry = all.iter().find(|(_, other)| other == name);
        entry.map_or("none", |(mode, _)| mode.as_str())
    };
    for (name, wanted) in [
        ("bin/php", "-rwxr-xr-x"),
        ("bin/php-fpm", "-rwxr-xr-x"),
        ("etc/php/cli/conf.d/20-mbstring.ini", "-rw-r--r--"),
        ("etc/php/fpm/conf.d/20-mbstring.ini", "-rw-r--r--"),
        ("etc/php/fpm/conf.d/10-opcache.ini", "-rw-r--r--"),
        ("etc/php/cli/conf.d/10-opcache.ini", "none"),
        ("share/doc/php8.2-fpm/copyright", "-rw-r--r--"),
        ("share/doc/libsystemd0/copyright", "-rw-r--r--"),
    ] {
        assert_eq!(mode(name), wanted, "{name}");
    }
    if skip::has("qemu-aarch64-static") && can_chroot() && can_mount(dir.path()) {
        unzip(&zip, &dir.path().join("opt"));
        let qemu = fs::read("/usr/bin/qemu-aarch64-static").expect("read qemu");
        dir.executable("qemu", &qemu);
        dir.file("var/task/public/index.php", page().as_bytes());
        assert_serves(dir.path(), &["/qemu"], None, true);
    }
}

#[test]
fn php_program_with_a_taken_name_is_refused() {
    let dir = TempDir::new();
    let bootstrap = support::bootstrap();
    let program = dir.executable("php-fpm", b"#!/bin/sh\n");
    let zip = dir.path().join("layer.zip");
    let with = ["layer", "--php-fpm", "--with", text(&program)];
    let to = ["--out", text(&zip), "--bootstrap", text(&bootstrap)];
    let made = script("package.sh", &[&with, &to[..]].concat());
    let log = String::from_utf8(made.stderr).expect("text");
    assert_eq!(made.status.code(), Some(1), "{log}");
    assert_eq!(log, "package.sh: two programs are named php-fpm\n");
}
