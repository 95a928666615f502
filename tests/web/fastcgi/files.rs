//! Files beside the scripts: what is one comes from the package, and all else from PHP.

use super::with_each;
use crate::support::front::{Request, Source};

const FILES: [(&str, &str); 6] = [
    (
        "public/index.php",
        "<?php echo $_SERVER['REQUEST_METHOD'], ' ', $_SERVER['REQUEST_URI'];",
    ),
    ("public/app.css", "p { color: red }\n"),
    ("public/build/app.js", "let a = 1;\n"),
    ("public/db.inc", "SECRET"),
    ("public/old.PHP", "SECRET"),
    ("public/robots.txt", ""),
];

#[test]
fn file_beside_scripts_is_served_with_its_type_and_tag() {
    for variables in [&[][..], &[("TINDERBOX_STREAM", "1")]] {
        with_each(&FILES, variables, |php, site| {
            // An HTTP API takes no streams, and its events look like those of a Function URL.
            let streams = !variables.is_empty();
            for source in Source::ALL {
                if streams && source == Source::Http2 {
                    continue;
                }
                for (target, kind, content) in [
                    ("/app.css?v=2", "text/css; charset=utf-8", FILES[1].1),
                    (
                        "/build/app.js",
                        "text/javascript; charset=utf-8",
                        FILES[2].1,
                    ),
                    ("/robots.txt", "text/plain; charset=utf-8", ""),
                ] {
                    let answer = site.front(source).get(target);
                    assert_eq!(
                        (answer.status, answer.text().as_str()),
                        (200, content),
                        "{php:?}"
                    );
                    assert_eq!(
                        answer.value("content-type").as_deref(),
                        Some(kind),
                        "{php:?}"
                    );
                    let tag = answer.value("etag").expect("a tag");
                    let request = Request::new("GET", target).header("If-None-Match", &tag);
                    let answer = site.ask(source, &request);
                    assert_eq!((answer.status, answer.body.len()), (304, 0), "{source:?}");
                    let answer = site.ask(source, &Request::new("HEAD", target));
                    assert_eq!((answer.status, answer.body.len()), (200, 0), "{source:?}");
                    assert_eq!(answer.value("etag"), Some(tag));
                }
            }
        });
    }
}

#[test]
fn request_that_is_for_no_public_file_is_for_php() {
    with_each(&FILES, &[], |php, site| {
        for (method, target) in [
            ("POST", "/app.css"),
            ("DELETE", "/build/app.js"),
            ("GET", "/db.inc"),
            ("GET", "/old.PHP"),
            ("GET", "/build"),
            ("GET", "/build/"),
            ("GET", "/app.css/"),
            ("GET", "/app.css/x"),
            ("GET", "/app"),
            ("GET", "/app.css%20"),
        ] {
            let answer = site.ask(Source::FunctionUrl, &Request::new(method, target));
            let wanted = format!("{method} {target}");
            assert_eq!((answer.status, answer.text()), (200, wanted), "{php:?}");
        }
    });
}
