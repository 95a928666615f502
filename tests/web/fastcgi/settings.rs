//! Settings of PHP: those of the user win over ours; whose user PHP runs as; the opcache.

use super::{HANDLER, Php, children, server_pid, site_of, stop};
use crate::site::Site;
use crate::support::skip::skip;
use crate::support::{TempDir, sys, until};
use std::path::Path;

/// A page that shows the settings.
const PAGE: &str = r#"<?php
$names = ['upload_max_filesize', 'post_max_size', 'disable_functions', 'output_buffering',
    'opcache.file_cache', 'opcache.validate_timestamps'];
foreach ($names as $name) { echo $name, '=', ini_get($name), "\n"; }
echo 'user=', posix_geteuid(), "\nsapi=", PHP_SAPI, "\nexec=", (int) function_exists('exec'), "\n";
echo 'value=', is_file(__DIR__ . '/value.php') ? include __DIR__ . '/value.php' : '', "\n";
"#;

fn path_text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// The value of a setting that the page shows.
fn setting(site: &Site, name: &str) -> String {
    let text = site.get("/").text();
    let mut lines = text.lines();
    let start = format!("{name}=");
    let found = lines.find_map(|line| line.strip_prefix(&start));
    found
        .unwrap_or_else(|| panic!("no {name}: {text}"))
        .to_string()
}

/// The setting with a file of the user.
fn with_ini(php: Php, file: &str, content: &str, variable: (&str, &str), name: &str) -> String {
    let empty = ("ini/php.ini", "");
    let dir = php.root(&[("public/index.php", PAGE), empty, (file, content)]);
    let dir = dir.expect("a server");
    let (variable, folder) = variable;
    let own = dir.path().join("ini");
    let value = folder.replace("ROOT", path_text(dir.path()));
    let site = site_of(&dir, &[("PHPRC", path_text(&own)), (variable, &value)]);
    let found = setting(&site, name);
    stop(site);
    found
}

#[test]
fn settings_of_the_user_win_over_defaults_of_ours() {
    for php in [Php::Fpm, Php::Cgi] {
        if php.program().is_none() {
            continue;
        }
        let upload = "upload_max_filesize";
        let none = ("X", "");
        let of = |file, content, variable| with_ini(php, file, content, variable, upload);
        assert_eq!(of("x", "", none), "8M", "{php:?}");
        let smaller = "upload_max_filesize = 3M\n";
        assert_eq!(of("ini/php.ini", smaller, none), "3M", "{php:?}");
        let scanned = ("PHP_INI_SCAN_DIR", ":ROOT/conf.d");
        assert_eq!(of("conf.d/own.ini", smaller, scanned), "3M", "{php:?}");
        assert_eq!(of("public/.user.ini", smaller, none), "3M", "{php:?}");
    }
}

#[test]
fn disabled_functions_of_the_user_stay_disabled() {
    if Php::Fpm.program().is_none() {
        return;
    }
    let disabled = "disable_functions = exec\n";
    for name in ["exec", "disable_functions"] {
        let found = with_ini(Php::Fpm, "ini/php.ini", disabled, ("X", ""), name);
        match name {
            "exec" => assert_eq!(found, "0"),
            _ => assert!(
                found.contains("exec") || found.contains("fastcgi"),
                "{found}"
            ),
        }
    }
}

#[test]
fn another_user_than_root_runs_php() {
    for php in [Php::Fpm, Php::Cgi] {
        let Some(dir) = php.root(&[("public/index.php", PAGE)]) else {
            continue;
        };
        let wrapper = dir.executable(
            "as-nobody",
            b"#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups \"$@\"\n",
        );
        if !sys_is_root() || !crate::support::skip::has("setpriv") {
            skip("another user needs root and setpriv");
            return;
        }
        let site = site_of(&dir, &[("AWS_LAMBDA_EXEC_WRAPPER", path_text(&wrapper))]);
        assert_eq!(setting(&site, "user"), "65534", "{php:?}");
        let sapi = setting(&site, "sapi");
        assert_eq!(
            sapi,
            if php == Php::Fpm {
                "fpm-fcgi"
            } else {
                "cgi-fcgi"
            }
        );
        stop(site);
    }
}

fn sys_is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").expect("/proc")) == 0
}

/// Fills a folder with the compiled scripts of an application.
fn fill_cache(php: Php, dir: &TempDir, cache: &Path) -> Option<String> {
    std::fs::create_dir_all(cache).expect("make the folder of the cache");
    // By default, the opcache leaves out a script that is younger than two seconds.
    let ini = format!(
        "opcache.file_cache={}\nopcache.file_update_protection=0\n",
        cache.display()
    );
    dir.file("fill/own.ini", ini.as_bytes());
    let folder = format!(":{}", dir.path().join("fill").display());
    let site = site_of(dir, &[("PHP_INI_SCAN_DIR", &folder)]);
    assert_eq!(
        setting(&site, "opcache.file_cache"),
        path_text(cache),
        "{php:?}"
    );
    let names = || std::fs::read_dir(cache).expect("the cache").flatten();
    let has_opcache = !setting(&site, "opcache.validate_timestamps").is_empty();
    if has_opcache {
        until("a compiled script", || names().count() > 0);
    }
    stop(site);
    let name = names().next()?.file_name();
    Some(name.to_str().expect("a name in UTF-8").to_string())
}

#[test]
fn compiled_scripts_of_the_package_are_used() {
    let folder = Path::new("/tmp/.tinderbox-opcache");
    for php in [Php::Fpm, Php::Cgi] {
        let Some(dir) = php.root(&[
            ("public/index.php", PAGE),
            ("public/value.php", "<?php return 'compiled';"),
        ]) else {
            continue;
        };
        let Some(build) = fill_cache(php, &dir, &dir.path().join(".tinderbox/opcache")) else {
            skip("PHP has no opcache");
            continue;
        };
        // A script that changes without its date shows where it comes from.
        let file = dir.path().join("public/value.php");
        let date = std::fs::metadata(&file).and_then(|meta| meta.modified());
        dir.file("public/value.php", b"<?php return 'changed!';");
        let changed = std::fs::File::options()
            .write(true)
            .open(&file)
            .expect("open");
        changed
            .set_modified(date.expect("a date"))
            .expect("set the date");
        let site = Site::start(&dir, HANDLER);
        assert_eq!(setting(&site, "value"), "compiled", "{php:?}");
        assert_eq!(setting(&site, "opcache.file_cache"), path_text(folder));
        assert_eq!(setting(&site, "opcache.validate_timestamps"), "0");
        let link = std::fs::read_link(folder.join(&build)).expect("a link");
        assert_eq!(link, dir.path().join(".tinderbox/opcache").join(&build));
        assert!(server_pid(&site) > 0);
        stop(site);
        // The user's own folder wins.
        let own = dir.path().join("own-cache");
        std::fs::create_dir_all(&own).expect("make a folder");
        dir.file(
            "conf.d/own.ini",
            format!("opcache.file_cache={}\n", own.display()).as_bytes(),
        );
        let scanned = format!(":{}", dir.path().join("conf.d").display());
        let site = site_of(&dir, &[("PHP_INI_SCAN_DIR", &scanned)]);
        assert_eq!(setting(&site, "opcache.file_cache"), path_text(&own));
        stop(site);
        let _ = std::fs::remove_file(folder.join(&build));
    }
    let _ = std::fs::remove_dir(folder);
}

#[test]
fn server_that_gets_sigterm_is_replaced() {
    let Some(dir) = Php::Fpm.root(&[("public/index.php", PAGE)]) else {
        return;
    };
    let site = Site::start(&dir, HANDLER);
    assert!(!setting(&site, "user").is_empty());
    let server = server_pid(&site);
    sys::kill(server, 15);
    until("a new server", || {
        let children = children(&site);
        children.len() == 1 && children[0] != server
    });
    assert_eq!(site.get("/").status, 200);
    stop(site);
    until("nothing left", || {
        super::crashes::group_of(server).is_empty()
    });
}
