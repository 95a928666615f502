//! `--opcache`: the function's PHP files, compiled by the php-fpm that will run them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::fpm::Fpm;
use crate::php_fpm::layer;
use crate::support::{self, TempDir};
use crate::{can_chroot, package, script, skip, text};

/// A function of two files; the second prints which version of it runs.
fn function(dir: &TempDir) -> String {
    dir.file(
        "fn/public/index.php",
        b"<?php require '../lib.php'; echo version();",
    );
    dir.file(
        "fn/lib.php",
        b"<?php function version() { return 'compiled'; }",
    );
    dir.file("fn/broken.php", b"<?php function {");
    dir.file("fn/README.md", b"<?php // no file of PHP");
    text(&dir.path().join("fn")).to_string()
}

/// The names of the entries of a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("list a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names
        .map(|name| name.into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

/// The folder of the one build of PHP that a package has a cache for.
fn cache(task: &Path) -> std::path::PathBuf {
    let folder = task.join(".tinderbox/opcache");
    let builds = names(&folder);
    assert_eq!(builds.len(), 1, "{builds:?}");
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    assert!(
        builds[0].len() == 32 && builds[0].bytes().all(hex),
        "{builds:?}"
    );
    folder.join(&builds[0])
}

#[test]
fn php_file_with_a_packaged_cache_is_not_compiled_again() {
    let dir = TempDir::new();
    if !can_chroot() || !crate::php_fpm::can_mount(dir.path()) {
        return;
    }
    let Some(layer) = layer() else { return };
    let (bootstrap, function) = (support::bootstrap(), function(&dir));
    let task = dir.path().join("root/var/task");
    let to = ["--folder", text(&task), "--bootstrap", text(&bootstrap)];
    let with = ["function", &function, "--opcache", text(layer)];
    package(&[&with, &to[..]].concat());
    let cache = cache(&task);
    assert_eq!(names(&cache.join("var/task")), ["lib.php.bin", "public"]);
    assert_eq!(names(&cache.join("var/task/public")), ["index.php.bin"]);

    // PHP takes the cache where it may write, which it may not in the function: the build's folder
    // in it is a link.
    let root = dir.path().join("root");
    for name in ["tmp/with", "tmp/without"] {
        fs::create_dir_all(root.join(name)).expect("make a folder");
    }
    let build = cache.file_name().expect("a name");
    let inside = Path::new("/var/task/.tinderbox/opcache").join(build);
    symlink(inside, root.join("tmp/with").join(build)).expect("link the cache");
    dir.file(
        "root/var/task/lib.php",
        b"<?php function version() { return 'read'; }",
    );
    for (folder, expected) in [("with", "compiled"), ("without", "read")] {
        let folder = format!("opcache.file_cache=/tmp/{folder}");
        let settings = [folder.as_str(), "opcache.file_update_protection=0"];
        let fpm = Fpm::start(&root, &["/opt/bin/php-fpm"], &settings, Some(layer));
        let page = fpm.connect().page("/var/task/public/index.php", "/", b"");
        let body = String::from_utf8_lossy(&page.body);
        assert_eq!(body, expected, "{folder}: {}", fpm.log());
    }
}

#[test]
fn php_file_compiled_without_privileges_is_the_same_function() {
    let dir = TempDir::new();
    let id = |flag: &str| crate::output(std::process::Command::new("id").arg(flag)).stdout;
    if id("-u") != b"0\n" {
        return skip::skip("another user can be tried by root alone");
    }
    let Some(layer) = layer() else { return };
    let function = function(&dir);
    let user = "nobody";
    let mut command = std::process::Command::new("su");
    let line = format!(
        "TMPDIR={0} {1}/scripts/opcache.sh x86_64 {2} {0}/fn",
        text(dir.path()),
        text(support::root()),
        text(layer)
    );
    let owned = std::process::Command::new("chown")
        .args(["-R", user])
        .arg(dir.path())
        .status();
    assert!(owned.expect("run chown").success());
    let made = crate::output(command.args([user, "-s", "/bin/bash", "-c", &line]));
    let log = String::from_utf8_lossy(&made.stderr);
    if log.contains("no namespaces here") || log.contains("ermission denied") {
        return skip::skip(&format!("not for another user here: {log}"));
    }
    assert!(made.status.success(), "{log}");
    assert_eq!(log, "opcache: 3 files, 1 of them do not compile\n");
    let cache = cache(Path::new(&function));
    assert_eq!(names(&cache.join("var/task")), ["lib.php.bin", "public"]);
}

#[test]
fn opcache_without_php_or_files_is_refused() {
    let dir = TempDir::new();
    let bootstrap = support::bootstrap();
    dir.executable("fn/program", b"#!/bin/sh\n");
    dir.file("layer/bin/php", b"");
    fs::create_dir_all(dir.path().join("whole/bin")).expect("make a folder");
    dir.executable("whole/bin/php-fpm", b"#!/bin/sh\n");
    let function = dir.path().join("fn");
    for (layer, what) in [
        ("missing", "no layer "),
        (
            "layer",
            "has no bin/php-fpm: make it with 'package.sh layer --php-fpm'",
        ),
        ("whole", "has no PHP files to compile"),
    ] {
        let (layer, zip) = (dir.path().join(layer), dir.path().join("out.zip"));
        let with = ["function", text(&function), "--opcache", text(&layer)];
        let to = ["--out", text(&zip), "--bootstrap", text(&bootstrap)];
        let made = script("package.sh", &[&with, &to[..]].concat());
        let log = String::from_utf8(made.stderr).expect("text");
        assert_eq!(made.status.code(), Some(1), "{log}");
        assert!(
            log.starts_with("opcache.sh: ") && log.contains(what),
            "{log}"
        );
        assert!(log.lines().count() == 1 && !zip.exists(), "{log}");
    }
}
