//! Static files: what is refused, types, tags, conditions, sizes.
//!
//! By way of `static:`, which serves a file as the document root of PHP does. Paths by the million
//! are tried in the unit tests of `host/web/static_files`.

use super::site::Site;
use crate::support::api::{Event, Script};
use crate::support::front::{Answer, Request, Source, event};
use crate::support::hosting::{error, start};
use crate::support::random::{letters, noise};
use crate::support::{TempDir, until};
use std::fs::File;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// A package with a folder `public`.
fn package() -> TempDir {
    let dir = TempDir::new();
    for (name, content) in [
        ("public/page.html", "<p>page</p>\n"),
        ("public/css/style.css", "p { color: red }\n"),
        ("public/b c+d.txt", "blank and plus"),
        ("public/é.txt", "accent"),
        ("public/%41.txt", "percent"),
        (
            "public/.well-known/security.txt",
            "Contact: mailto:a@example.com\n",
        ),
        ("public/.env", "SECRET"),
        ("public/.git/config", "SECRET"),
        ("public/index.php", "SECRET"),
        ("public/A.PHP", "SECRET"),
        ("public/db.inc", "SECRET"),
        ("public/tools/shell.phtml", "SECRET"),
        ("public/empty.txt", ""),
        (".env", "SECRET"),
        ("secret.txt", "SECRET"),
        ("storage/app/photo.txt", "photo"),
    ] {
        dir.file(name, content.as_bytes());
    }
    let public = dir.path().join("public");
    for (link, target) in [
        ("storage", "../storage/app"),
        ("passwd", "/etc/passwd"),
        ("far", "../../../../../../../../etc/passwd"),
        ("loop.txt", "loop.txt"),
        ("link.html", "page.html"),
    ] {
        symlink(target, public.join(link)).expect("a link");
    }
    let absolute = dir.path().join("storage/app");
    symlink(absolute, public.join("absolute")).expect("a link");
    let pipe = Command::new("mkfifo").arg(public.join("pipe.txt")).status();
    assert!(pipe.expect("mkfifo").success());
    dir
}

/// Sources whose paths come to the function as the client sent them.
const EXACT: [Source; 4] = [
    Source::Rest,
    Source::FunctionUrl,
    Source::AlbMulti,
    Source::AlbSingle,
];

#[test]
fn file_of_each_source_is_served_byte_for_byte() {
    let dir = package();
    let picture = noise(1, 100_000);
    let text = letters(2, 100_000);
    dir.file("public/p.png", &picture);
    dir.file("public/t.txt", &text);
    let site = Site::start(&dir, "static:public");
    for source in Source::ALL {
        for (target, kind, content) in [
            (
                "/page.html",
                "text/html; charset=utf-8",
                &b"<p>page</p>\n"[..],
            ),
            (
                "/css/style.css",
                "text/css; charset=utf-8",
                b"p { color: red }\n",
            ),
            (
                "/b%20c+d.txt",
                "text/plain; charset=utf-8",
                b"blank and plus",
            ),
            ("/%C3%A9.txt", "text/plain; charset=utf-8", b"accent"),
            ("/%2541.txt", "text/plain; charset=utf-8", b"percent"),
            ("/storage/photo.txt", "text/plain; charset=utf-8", b"photo"),
            ("/link.html", "text/html; charset=utf-8", b"<p>page</p>\n"),
            ("/empty.txt", "text/plain; charset=utf-8", b""),
            (
                "/.well-known/security.txt",
                "text/plain; charset=utf-8",
                b"Contact: mailto:a@example.com\n",
            ),
            ("/p.png", "image/png", &picture),
            ("/t.txt?x=1", "text/plain; charset=utf-8", &text),
        ] {
            let answer = site.front(source).get(target);
            assert_eq!(answer.status, 200, "{source:?} {target}");
            assert_eq!(
                answer.value("content-type").as_deref(),
                Some(kind),
                "{target}"
            );
            let cache = answer.value("cache-control");
            assert_eq!(cache.as_deref(), Some("public, max-age=0, must-revalidate"));
            assert!(answer.body == content, "{source:?} {target}");
        }
    }
    site.stop();
}

#[test]
fn path_that_is_refused_is_not_found_however_it_is_encoded() {
    let dir = package();
    let site = Site::start(&dir, "static:public");
    let long = format!("/{}", "a/".repeat(3000));
    let name = format!("/{}.txt", "n".repeat(300));
    for target in [
        "/.env",
        "/%2eenv",
        "/%2Eenv",
        "/./page.html",
        "/../.env",
        "/..%2f.env",
        "/%2e%2e/.env",
        "/%2e%2e%2fsecret.txt",
        "/.%2e/secret.txt",
        "/css/../page.html",
        "/css/%2e%2e/page.html",
        "/css/..%2Fpage.html",
        "/%2f..%2fsecret.txt",
        "/.git/config",
        "/%2egit/config",
        "/.well-known",
        "/.well-known/../.env",
        "/.well-known/.env",
        "/index.php",
        "/index.PHP",
        "/index%2ephp",
        "/index.ph%70",
        "/A.PHP",
        "/a.php",
        "/db.inc",
        "/db.INC",
        "/tools/shell.phtml",
        "/tools/shell.PHTML",
        "/index.php/page.html",
        "/page.html/",
        "/page.html%00",
        "/page.html%00.txt",
        "/%00",
        "/page%0a.html",
        "/page.html%0d%0a",
        "/page.html%7f",
        "/page.html%09",
        "/passwd",
        "/far",
        "/loop.txt",
        "/pipe.txt",
        "/absolute/photo.txt",
        "/storage/../secret.txt",
        "/secret.txt",
        "/etc/passwd",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/nothing",
        "/css",
        "/%",
        "/%zz",
        "/%c0%ae%c0%ae/.env",
        "/%252e%252e/.env",
        "/..%5c.env",
        "/page.html%20",
        "/page.html.",
        "/Page.html",
        "/css/style.css/x",
        &long,
        &name,
    ] {
        for source in EXACT {
            let answer = site.front(source).get(target);
            let text = answer.text();
            assert!(
                !text.contains("SECRET") && !text.contains("root:"),
                "{target}: {text}"
            );
            // A folder is redirected to.
            let wanted = if target == "/css" { 301 } else { 404 };
            assert_eq!(answer.status, wanted, "{source:?} {target}: {text}");
        }
        // A decoded path may mean something else there, but nothing that is secret.
        for source in [Source::Http1, Source::Http2] {
            let text = site.front(source).get(target).text();
            assert!(
                !text.contains("SECRET") && !text.contains("root:"),
                "{target}: {text}"
            );
        }
    }
    let stderr = site.stop().stderr;
    for link in ["public/passwd", "public/far", "public/absolute/photo.txt"] {
        let line = format!("a link leads out of the package (make it relative): {link}");
        assert!(stderr.contains(&line), "{line}: {stderr}");
    }
}

#[test]
fn file_without_permission_is_not_found_and_logged() {
    // Root may read everything, so the process is another user's.
    if !is_root() {
        crate::support::skip::skip("only root can start a process as another user");
        return;
    }
    let dir = package();
    let file = dir.file("public/closed.txt", b"closed");
    let closed = Command::new("chmod").arg("600").arg(&file).status();
    assert!(closed.expect("chmod").success());
    for path in [dir.path(), &dir.path().join("public")] {
        let open = Command::new("chmod").arg("755").arg(path).status();
        assert!(open.expect("chmod").success());
    }
    let start = start(&dir, "static:public").under(&["setpriv", "--reuid=65534", "--clear-groups"]);
    let site = Site::with(start);
    assert_eq!(site.get("/closed.txt").status, 404);
    assert_eq!(site.get("/page.html").status, 200);
    let stderr = site.stop().stderr;
    let line =
        "permission denied (package files with mode 644, folders with 755): public/closed.txt";
    assert!(stderr.contains(line), "{stderr}");
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("run id");
    output.stdout == b"0\n"
}

#[test]
fn method_other_than_get_and_head_is_not_allowed() {
    let dir = package();
    let site = Site::start(&dir, "static:public");
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        for source in Source::ALL {
            let answer = site.ask(source, &Request::new(method, "/page.html").body("x"));
            assert_eq!(answer.status, 405, "{method}");
            assert_eq!(answer.value("allow").as_deref(), Some("GET, HEAD"));
            assert_eq!(answer.text(), "Method Not Allowed\n");
            let answer = site.ask(source, &Request::new(method, "/index.php"));
            assert_eq!(answer.status, 404, "{method}");
        }
    }
    site.stop();
}

#[test]
fn head_of_a_file_has_the_headers_of_its_get_and_no_body() {
    let dir = package();
    let site = Site::start(&dir, "static:public");
    for source in Source::ALL {
        for target in ["/page.html", "/nothing.html", "/css"] {
            let got = site.front(source).get(target);
            let answer = site.ask(source, &Request::new("HEAD", target));
            assert_eq!(answer.status, got.status, "{target}");
            assert_eq!(answer.body, b"", "{target}");
            for name in ["content-type", "etag", "cache-control", "location"] {
                assert_eq!(answer.value(name), got.value(name), "{target} {name}");
            }
        }
    }
    site.stop();
}

/// The answers of two deployments, of files with one time and one length.
#[test]
fn tag_of_another_deployment_differs_though_time_and_size_are_equal() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(315_532_800);
    let deploy = |content: &[u8]| -> Vec<Answer> {
        let dir = TempDir::new();
        for name in ["public/a.txt", "public/b.js"] {
            let file = File::options()
                .write(true)
                .open(dir.file(name, content))
                .expect("the file");
            file.set_modified(time).expect("set the time");
        }
        let site = Site::start(&dir, "static:public");
        let answers = ["/a.txt", "/b.js"].map(|target| site.get(target));
        site.stop();
        answers.into()
    };
    let tags = |content: &[u8]| -> Vec<String> {
        let tag = |answer: &Answer| answer.value("etag").expect("a tag");
        deploy(content).iter().map(tag).collect()
    };
    let (first, second) = (tags(b"version 1"), tags(b"version 2"));
    for (first, second) in first.iter().zip(&second) {
        assert_ne!(first, second);
        assert!(first.starts_with('"') && first.ends_with('"'), "{first}");
    }
    assert_eq!(first, tags(b"version 1"), "the same content once more");
    // Longer than what is read at a time.
    let mut long = letters(3, 1_000_000);
    let before = tags(&long);
    long[999_999] ^= 1;
    assert_ne!(before, tags(&long));
}

#[test]
fn condition_in_all_its_forms_is_not_modified_or_answered() {
    let dir = package();
    let site = Site::start(&dir, "static:public");
    let tag = site.get("/page.html").value("etag").expect("a tag");
    let other = "\"0000000000000000\"";
    for source in Source::ALL {
        for (condition, status) in [
            (tag.clone(), 304),
            (format!("W/{tag}"), 304),
            (format!("{other}, {tag}"), 304),
            (format!("{other},W/{tag},{other}"), 304),
            ("*".to_string(), 304),
            (other.to_string(), 200),
            (tag.trim_matches('"').to_string(), 200),
            (String::new(), 200),
            (format!("{}{tag}", format!("{other}, ").repeat(40)), 304),
        ] {
            for method in ["GET", "HEAD"] {
                let request =
                    Request::new(method, "/page.html").header("If-None-Match", &condition);
                let answer = site.ask(source, &request);
                assert_eq!(answer.status, status, "{source:?} {method} {condition}");
                let has_body = status == 200 && method == "GET";
                assert_eq!(!answer.body.is_empty(), has_body, "{condition}");
                assert_eq!(answer.value("etag"), Some(tag.clone()), "{condition}");
                assert!(answer.value("cache-control").is_some());
            }
        }
        // A page for what is not found has no version of its own.
        let request = Request::new("GET", "/nothing").header("If-None-Match", "*");
        assert_eq!(site.ask(source, &request).status, 404);
    }
    site.stop();
}

/// The longest binary file that fits: the answer has 6,291,556 bytes, its head about 250.
fn binary_bytes_max(head_bytes: usize) -> usize {
    (6_291_556 - head_bytes) / 4 * 3
}

#[test]
fn file_at_the_limits_is_served_or_a_clear_error() {
    let dir = package();
    let fits = binary_bytes_max(400);
    let too_long = binary_bytes_max(100);
    dir.file("public/fits.bin", &noise(4, fits));
    dir.file("public/long.bin", &noise(5, too_long));
    dir.file("public/text.txt", &letters(6, 6_290_000));
    dir.file(
        "public/lines.txt",
        "0123456789abcde\n".repeat(369_000).as_bytes(),
    );
    dir.file("public/controls.txt", "\u{1}".repeat(1_500_000).as_bytes());
    dir.file("public/long.txt", &letters(7, 6_291_557));
    dir.file("public/video.mp4", &noise(8, 8_000_000));
    let get = |id: &str, target: &str| {
        let request = Request::new("GET", target);
        let json = event::event(Source::Http2, &request, "127.0.0.1:1", true);
        Event::new(id, json.to_string())
    };
    let names = ["fits.bin", "text.txt", "lines.txt", "controls.txt"];
    let long = ["long.bin", "long.txt", "video.mp4"];
    let all = names.iter().chain(&long);
    let mut events: Vec<Event> = all.map(|name| get(name, &format!("/{name}"))).collect();
    events.push(get("after", "/page.html"));
    let outcome = start(&dir, "static:public").run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for name in names {
        let answer = ledger.answer(name);
        let value: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(value["statusCode"], 200, "{name}");
        let is_encoded = value["isBase64Encoded"].as_bool().expect("a flag");
        // Control bytes take six bytes each as text, so that is encoded as well.
        assert_eq!(
            is_encoded,
            matches!(name, "fits.bin" | "controls.txt"),
            "{name}"
        );
    }
    for name in long {
        let text = error(ledger, name, "Function.ResponseSizeTooLarge");
        let size = dir
            .path()
            .join("public")
            .join(name)
            .metadata()
            .expect("a file")
            .len();
        assert!(
            text.starts_with(&format!("public/{name} has {size} bytes")),
            "{text}"
        );
        assert!(text.contains("TINDERBOX_STREAM=1"), "{text}");
    }
    let after = ledger.answer("after");
    let value: serde_json::Value = serde_json::from_slice(&after.body).expect("JSON");
    assert_eq!(value["body"], "<p>page</p>\n");
}

#[test]
fn large_file_that_is_streamed_keeps_memory_flat() {
    let dir = package();
    let video = noise(9, 50_000_000);
    dir.file("public/video.mp4", &video);
    let site = Site::with_variables(&dir, "static:public", &[("TINDERBOX_STREAM", "1")]);
    for source in [Source::FunctionUrl, Source::Rest] {
        // The regions that any answer needs are touched.
        assert_eq!(site.front(source).get("/page.html").text(), "<p>page</p>\n");
        let before = site.process().resident_kib();
        let answer = site.front(source).get("/video.mp4");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.value("content-type").as_deref(), Some("video/mp4"));
        assert!(answer.body == video, "{source:?}");
        assert!(answer.chunks.len() > 10, "{}", answer.chunks.len());
        let grown = site.process().resident_kib() - before;
        assert!(grown < 2000, "{grown} KiB more");
        let tag = answer.value("etag").expect("a tag");
        let request = Request::new("GET", "/video.mp4").header("If-None-Match", tag);
        let answer = site.ask(source, &request);
        assert_eq!((answer.status, answer.body.len()), (304, 0));
        let answer = site.ask(source, &Request::new("HEAD", "/video.mp4"));
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        for (target, status) in [("/nothing", 404), ("/css", 301), ("/empty.txt", 200)] {
            assert_eq!(site.front(source).get(target).status, status, "{target}");
        }
    }
    // A load balancer takes no stream: its answers are whole.
    assert_eq!(site.front(Source::AlbSingle).get("/page.html").status, 200);
    assert_eq!(site.front(Source::AlbSingle).get("/video.mp4").status, 502);
    site.stop();
}

#[test]
fn client_that_leaves_within_a_stream_harms_no_later_request() {
    let dir = package();
    dir.file("public/video.mp4", &noise(10, 50_000_000));
    let site = Site::with_variables(&dir, "static:public", &[("TINDERBOX_STREAM", "1")]);
    let descriptors = site.process().descriptors();
    for _ in 0..3 {
        let mut client = site.front(Source::FunctionUrl).client();
        client.send(&Request::new("GET", "/video.mp4"));
        assert!(!client.read_some().is_empty());
        drop(client);
        assert_eq!(site.get("/page.html").text(), "<p>page</p>\n");
    }
    until("all files are closed", || {
        site.process().descriptors() == descriptors
    });
    site.stop();
}
