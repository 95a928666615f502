//! Which script or file a path means.

use super::{HANDLER, Php, stop, with_each};
use crate::site::Site;
use crate::support::front::Request;
use crate::support::front::Source;

/// A script that says which one it is, and how it was called.
const WHO: &str = "<?php echo basename(__DIR__), '/', basename(__FILE__), ' ', \
    $_SERVER['SCRIPT_NAME'], ' ', $_SERVER['PATH_INFO'] ?? '-', ' ', $_SERVER['PHP_SELF'];";

/// A folder as WordPress has it, and files that nobody may see.
const FILES: [(&str, &str); 12] = [
    ("public/index.php", WHO),
    ("public/wp-login.php", WHO),
    ("public/wp-admin/index.php", WHO),
    ("public/wp-admin/post.php", WHO),
    ("public/empty/file.txt", "text"),
    ("public/.env", "SECRET=1"),
    ("public/.git/config", "secret"),
    ("public/.hidden.php", WHO),
    ("public/.well-known/acme.php", WHO),
    ("public/a b/é.php", WHO),
    ("public/dir.php/inner.php", WHO),
    ("secret.php", "<?php echo 'outside';"),
];

#[test]
fn path_of_a_script_runs_it_and_any_other_the_front_controller() {
    with_each(&FILES, &[], |php, site| {
        for (target, wanted) in [
            ("/", "public/index.php /index.php - /index.php"),
            ("/index.php", "public/index.php /index.php - /index.php"),
            (
                "/index.php/extra/x",
                "public/index.php /index.php /extra/x /index.php/extra/x",
            ),
            ("/index.php/", "public/index.php /index.php / /index.php/"),
            (
                "/wp-login.php?a=1",
                "public/wp-login.php /wp-login.php - /wp-login.php",
            ),
            (
                "/wp-admin/",
                "wp-admin/index.php /wp-admin/index.php - /wp-admin/index.php",
            ),
            (
                "/wp-admin/post.php",
                "wp-admin/post.php /wp-admin/post.php - /wp-admin/post.php",
            ),
            ("/a%20b/%C3%A9.php", "a b/é.php /a b/é.php - /a b/é.php"),
            (
                "/.well-known/acme.php",
                ".well-known/acme.php /.well-known/acme.php - /.well-known/acme.php",
            ),
            (
                "/dir.php/inner.php",
                "dir.php/inner.php /dir.php/inner.php - /dir.php/inner.php",
            ),
            // The front controller routes everything else.
            ("/users/5", "public/index.php /index.php - /index.php"),
            ("/missing.php", "public/index.php /index.php - /index.php"),
            ("/missing.php/x", "public/index.php /index.php - /index.php"),
            ("/empty", "public/index.php /index.php - /index.php"),
            ("/empty/", "public/index.php /index.php - /index.php"),
            (
                "/.well-known/openid",
                "public/index.php /index.php - /index.php",
            ),
            ("/wp-login.php5", "public/index.php /index.php - /index.php"),
            ("/WP-LOGIN.PHP", "public/index.php /index.php - /index.php"),
        ] {
            let answer = site.get(target);
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (200, wanted),
                "{php:?} {target}"
            );
        }
        let long = format!("/{}", "x/".repeat(3_000));
        let answer = site.get(&long);
        assert_eq!(answer.text(), "public/index.php /index.php - /index.php");
    });
}

#[test]
fn hidden_names_and_parents_are_not_found() {
    with_each(&FILES, &[], |php, site| {
        for target in [
            "/.env",
            "/%2eenv",
            "/.git/config",
            "/.hidden.php",
            "/x/.hidden.php",
            "/../secret.php",
            "/..%2fsecret.php",
            "/%2e%2e/secret.php",
            "/wp-admin/../../secret.php",
            "/wp-admin/%2e%2e%2f%2e%2e%2fsecret.php",
            "/./index.php",
            "/index.php/../../secret.php",
            "/.well-known/.env",
            "/.well-known2/x",
            "/wp-login.php%00.html",
            "/%00",
        ] {
            for source in [Source::FunctionUrl, Source::Rest, Source::AlbMulti] {
                let answer = site.ask(source, &Request::new("GET", target));
                assert_eq!(
                    answer.status,
                    404,
                    "{php:?} {source:?} {target}: {}",
                    answer.text()
                );
            }
        }
    });
}

#[test]
fn folder_without_slash_is_sent_to_the_path_with_it() {
    with_each(&FILES, &[], |php, site| {
        for (target, wanted) in [
            ("/wp-admin", "./wp-admin/"),
            ("/wp-admin?x=1&y=%20", "./wp-admin/?x=1&y=%20"),
            ("//wp-admin", "./wp-admin/"),
        ] {
            for source in Source::ALL {
                let answer = site.ask(source, &Request::new("GET", target));
                assert_eq!(answer.status, 301, "{php:?} {source:?} {target}");
                let location = answer.value("Location");
                assert_eq!(location.as_deref(), Some(wanted), "{php:?} {source:?}");
            }
        }
    });
}

#[test]
fn link_to_a_script_works_within_the_package_alone() {
    for php in [Php::Fpm, Php::Cgi] {
        let Some(dir) = php.root(&FILES) else {
            continue;
        };
        let outside = crate::support::TempDir::new();
        let target = outside.file("evil.php", b"<?php echo 'evil';");
        let link = |to: &std::path::Path, name: &str| {
            let place = dir.path().join("public").join(name);
            std::os::unix::fs::symlink(to, place).expect("make a link");
        };
        link(&target, "evil.php");
        link(std::path::Path::new("../secret.php"), "inside.php");
        link(outside.path(), "folder");
        let site = Site::start(&dir, HANDLER);
        assert!(site.get("/evil.php").text().starts_with("public/index.php"));
        assert!(
            site.get("/folder/evil.php")
                .text()
                .starts_with("public/index.php")
        );
        assert_eq!(site.get("/inside.php").text(), "outside");
        stop(site);
    }
}

#[test]
fn front_controller_in_the_root_of_the_package_and_below_a_relative_one_works() {
    for php in [Php::Fpm, Php::Cgi] {
        let Some(dir) = php.root(&[("index.php", WHO), ("sub/page.php", WHO)]) else {
            continue;
        };
        let site = Site::start(&dir, "fastcgi:index.php");
        assert!(
            site.get("/x")
                .text()
                .contains("index.php /index.php - /index.php")
        );
        assert!(site.get("/sub/page.php").text().starts_with("sub/page.php"));
        stop(site);
        // Without LAMBDA_TASK_ROOT, the current folder is the root.
        let start = crate::support::hosting::start(&dir, "fastcgi:index.php");
        let site = Site::with(start.without("LAMBDA_TASK_ROOT").in_folder(dir.path()));
        assert!(
            site.get("/x")
                .text()
                .contains("index.php /index.php - /index.php")
        );
        assert!(site.get("/sub/page.php").text().starts_with("sub/page.php"));
        stop(site);
        let absolute = format!("fastcgi:{}/index.php", dir.path().display());
        let start = crate::support::hosting::start(&dir, &absolute);
        let site = Site::with(
            start
                .variable("PATH", "/usr/bin:/bin")
                .in_folder(dir.path()),
        );
        assert!(
            site.get("/sub/page.php/i")
                .text()
                .starts_with("sub/page.php")
        );
        stop(site);
    }
}
