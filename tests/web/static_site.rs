//! `static:`: a whole site without a process.

use super::site::{Site, task_root};
use crate::support::api::{Event, Script};
use crate::support::front::{Request, Source, event};
use crate::support::hosting::{error, response, start};
use crate::support::{TempDir, api::Kind};

/// A site as generators write it.
fn site_root() -> TempDir {
    task_root(&[
        ("public/index.html", "home"),
        ("public/about.html", "about"),
        ("public/docs/index.html", "docs"),
        ("public/docs/deep/index.html", "deep"),
        ("public/blog.html", "blog page"),
        ("public/blog/index.html", "blog folder"),
        ("public/empty/x.txt", "x"),
        ("public/a:b/index.html", "colon"),
        ("public/with blank/index.html", "blank"),
        ("public/404.html", "<h1>not here</h1>"),
    ])
}

#[test]
fn folder_with_a_slash_is_its_index() {
    let dir = site_root();
    let site = Site::start(&dir, "static:public");
    for source in Source::ALL {
        for (target, wanted) in [
            ("/", "home"),
            ("/?a=b", "home"),
            ("/index.html", "home"),
            ("/docs/", "docs"),
            ("/docs/deep/", "deep"),
            ("/docs//deep/", "deep"),
            ("/with%20blank/", "blank"),
            ("/blog/", "blog folder"),
        ] {
            let answer = site.front(source).get(target);
            let kind = answer.value("content-type");
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (200, wanted),
                "{target}"
            );
            assert_eq!(
                kind.as_deref(),
                Some("text/html; charset=utf-8"),
                "{target}"
            );
        }
    }
    site.stop();
}

#[test]
fn path_without_its_html_is_that_page_before_a_folder() {
    let dir = site_root();
    let site = Site::start(&dir, "static:public");
    for (target, wanted) in [
        ("/about", "about"),
        ("/about?x", "about"),
        ("/about.html", "about"),
        ("/index", "home"),
        ("/blog", "blog page"),
        ("/docs/index", "docs"),
        ("/404", "<h1>not here</h1>"),
    ] {
        let answer = site.get(target);
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, wanted),
            "{target}"
        );
    }
    site.stop();
}

#[test]
fn folder_without_a_slash_redirects_within_the_site() {
    let dir = site_root();
    let site = Site::start(&dir, "static:public");
    for source in Source::ALL {
        for (target, location) in [
            ("/docs", "./docs/"),
            ("/docs?a=1&b=%2F", "./docs/?a=1&b=%2F"),
            ("/docs/deep?x=%C3%A9", "./deep/?x=%C3%A9"),
            ("//docs", "./docs/"),
            ("/a:b", "./a:b/"),
            ("/with%20blank", "./with%20blank/"),
        ] {
            let answer = site.front(source).get(target);
            assert_eq!(answer.status, 301, "{source:?} {target}");
            let found = answer.value("location");
            assert_eq!(found.as_deref(), Some(location), "{source:?} {target}");
            assert_eq!(answer.body, b"", "{target}");
        }
    }
    let long = format!("/docs?q={}", "x".repeat(20_000));
    assert_eq!(site.get(&long).status, 414);
    let request = Request::new("POST", "/docs");
    assert_eq!(site.ask(Source::FunctionUrl, &request).status, 405);
    // No header can be written through a path or a query.
    let answer = site.get("/docs?a=%0d%0aX-Injected:%201");
    assert_eq!(answer.value("x-injected"), None);
    site.stop();
}

#[test]
fn unknown_path_is_the_page_404_of_the_site() {
    let dir = site_root();
    let site = Site::start(&dir, "static:public");
    for source in Source::ALL {
        for target in [
            "/nothing",
            "/nothing/",
            "/empty/",
            "/.env",
            "/x.php",
            "/docs/none",
        ] {
            let answer = site.front(source).get(target);
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (404, "<h1>not here</h1>"),
                "{target}"
            );
            assert_eq!(
                answer.value("content-type").as_deref(),
                Some("text/html; charset=utf-8")
            );
            assert_eq!(answer.value("etag"), None, "{target}");
        }
    }
    site.stop();
    let bare = task_root(&[("public/index.html", "home")]);
    let site = Site::start(&bare, "static:public");
    let answer = site.get("/nothing");
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (404, "Not Found\n")
    );
    assert_eq!(
        answer.value("content-type").as_deref(),
        Some("text/plain; charset=utf-8")
    );
    site.stop();
}

#[test]
fn unknown_path_of_an_application_of_one_page_is_its_page() {
    let dir = task_root(&[
        ("public/index.html", "home"),
        ("public/200.html", "app"),
        ("public/404.html", "not here"),
    ]);
    let site = Site::start(&dir, "static:public");
    for (target, wanted) in [("/", "home"), ("/users/7", "app"), ("/users/", "app")] {
        let answer = site.get(target);
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, wanted),
            "{target}"
        );
    }
    site.stop();
}

#[test]
fn site_behind_a_prefix_is_that_without_it() {
    let dir = site_root();
    let variables = [("TINDERBOX_STRIP_PREFIX", "/stage")];
    let site = Site::with_variables(&dir, "static:public", &variables);
    for (target, status, wanted) in [
        ("/stage/", 200, "home"),
        ("/stage", 200, "home"),
        ("/stage/docs/", 200, "docs"),
        ("/docs/", 200, "docs"),
        ("/stagex/", 404, "<h1>not here</h1>"),
        ("/stage/stage/docs/", 404, "<h1>not here</h1>"),
    ] {
        let answer = site.get(target);
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (status, wanted),
            "{target}"
        );
    }
    let answer = site.get("/stage/docs?x=1");
    assert_eq!(answer.value("location").as_deref(), Some("./docs/?x=1"));
    site.stop();
}

#[test]
fn folder_outside_of_the_package_is_served() {
    let dir = task_root(&[("index.html", "root"), (".env", "SECRET")]);
    let elsewhere = task_root(&[("site/index.html", "elsewhere"), ("index.html", "SECRET")]);
    let handler = format!("static:{}/site", elsewhere.path().display());
    let site = Site::start(&dir, &handler);
    assert_eq!(site.get("/").text(), "elsewhere");
    for target in ["/.env", "/../index.html", "/%2e%2e/index.html"] {
        assert_eq!(site.get(target).status, 404, "{target}");
    }
    site.stop();
}

#[test]
fn event_that_is_no_request_is_an_error_or_a_warm_up() {
    let dir = site_root();
    let events = [
        Event::new("s3", r#"{"Records":[]}"#),
        Event::new("none", ""),
        Event::new("bref", r#"{"warmer":true}"#),
        Event::new("plugin", r#"{"source":"serverless-plugin-warmup"}"#),
        Event::new(
            "bad",
            r#"{"version":"2.0","requestContext":{"http":{"method":"G ET"}},"rawPath":"/"}"#,
        ),
        Event::new(
            "good",
            event::event(Source::Http2, &Request::new("GET", "/"), "x:1", true).to_string(),
        ),
    ];
    for is_answered in [false, true] {
        let mut start = start(&dir, "static:public").variable("TINDERBOX_EVENTS_PATH", "/events");
        if is_answered {
            start = start.variable("TINDERBOX_WARMUP", "1");
        }
        let outcome = start.run(Script::events(&events));
        let ledger = outcome.assert_serving();
        for id in ["s3", "none", "bref", "plugin"] {
            if is_answered && matches!(id, "bref" | "plugin") {
                assert_eq!(response(ledger, id), b"null", "{id}");
                continue;
            }
            let text = error(ledger, id, "Runtime.NotAnHttpEvent");
            assert!(text.contains("static files take no others"), "{text}");
            assert!(!text.contains("TINDERBOX_EVENTS_PATH"), "{text}");
        }
        let bad: serde_json::Value = serde_json::from_slice(response(ledger, "bad")).expect("JSON");
        assert_eq!(bad["statusCode"], 400, "{bad}");
        assert!(String::from_utf8_lossy(response(ledger, "good")).contains("home"));
    }
}

#[test]
fn handler_that_is_no_folder_is_an_init_error() {
    let dir = site_root();
    for (handler, wanted) in [
        ("static:nothing", "no handler static:nothing"),
        ("static:public/index.html", "(no folder)"),
        ("static:../etc", "no \"..\""),
        // The whole package, with the runtime and the sources.
        ("static:.", "not the name of a handler"),
        ("static:", "no file behind the kind"),
    ] {
        let outcome = start(&dir, handler).run(Script::default());
        let posts = &outcome.ledger.posts;
        assert_eq!(posts.len(), 1, "{handler}: {}", outcome.stderr);
        assert_eq!(posts[0].kind, Kind::InitError, "{handler}");
        let text = String::from_utf8_lossy(&posts[0].body).replace("\\\"", "\"");
        assert!(text.contains(wanted), "{handler}: {text}");
    }
}
