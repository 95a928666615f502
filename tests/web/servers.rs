//! Real servers behind `http:`, through the front of every source: what the application gets is,
//! byte for byte, what the client sent, except for what the corpus names as lost by the source.
//!
//! The applications are in `servers`. They report the request, or send an answer by name.

use super::corpus::{TARGETS, text};
use super::site::Site;
use crate::support::front::{Answer, Request, Source};
use crate::support::{TempDir, random, root, skip};
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// How a server is started, and what it needs.
struct Application {
    script: &'static str,
    /// Programs on the PATH.
    programs: &'static [&'static str],
    /// Files.
    files: &'static [&'static str],
}

const PACKAGES: &str = "/usr/lib/python3/dist-packages";

fn application(name: &str) -> Option<Application> {
    let (script, programs, files): (_, &[&str], &[&str]) = match name {
        "node" => ("run_node.sh", &["node"], &[]),
        "express" => (
            "run_express.sh",
            &["node"],
            &["target/libraries/node/node_modules/express"],
        ),
        "uvicorn" => ("run_uvicorn.sh", &[], &["uvicorn", "fastapi"]),
        "hypercorn" => ("run_hypercorn.sh", &[], &["hypercorn", "fastapi"]),
        "gunicorn" => ("run_gunicorn.sh", &[], &["gunicorn", "flask"]),
        "waitress" => ("run_waitress.sh", &[], &["waitress", "flask"]),
        "plain" => ("run_plain.sh", &[], &["/usr/bin/python3"]),
        "nginx" => ("run_nginx.sh", &[], &["/usr/sbin/nginx"]),
        _ => panic!("no application {name}"),
    };
    let application = Application {
        script,
        programs,
        files,
    };
    let has_programs = application.programs.iter().all(|name| skip::has(name));
    (has_programs && application.has_files()).then_some(application)
}

impl Application {
    fn has_files(&self) -> bool {
        let path = |name: &&str| match name.contains('/') {
            true => root().join(name),
            false => Path::new(PACKAGES).join(name),
        };
        let missing = self.files.iter().find(|name| !path(name).exists());
        if let Some(name) = missing {
            skip::skip(&format!("no {name}: scripts/libraries.sh installs it"));
        }
        missing.is_none()
    }
}

/// A task root with all applications.
fn task_root() -> TempDir {
    let dir = TempDir::new();
    copy(&root().join("tests/web/servers"), dir.path());
    fs::create_dir_all(dir.path().join("tmp")).expect("make a folder");
    dir
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("make a folder");
    for entry in fs::read_dir(from).expect("list a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).expect("copy a file");
            }
        }
    }
}

/// The application behind a bootstrap.
fn start(dir: &TempDir, application: &Application, more: &[(&str, &str)]) -> Site {
    let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_string();
    let modules = text(&root().join("target/libraries/node/node_modules"));
    let folder = text(&dir.path().join("tmp"));
    // Two applications that start at the same time would both find the usual port free.
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind 127.0.0.1:0");
    let port = listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    drop(listener);
    let mut variables = vec![
        ("PORT", port.as_str()),
        ("NODE_PATH", modules.as_str()),
        ("TMPDIR", folder.as_str()),
        ("PYTHONDONTWRITEBYTECODE", "1"),
    ];
    variables.extend_from_slice(more);
    let handler = format!("http:{}", application.script);
    Site::with_variables(dir, &handler, &variables)
}

/// What an application reports about a request.
struct Report(Value);

impl Report {
    fn of(answer: &Answer, what: &str) -> Report {
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        let read = serde_json::from_slice(&answer.body);
        Report(read.unwrap_or_else(|error| panic!("{what}: {error}: {}", answer.text())))
    }

    /// A text of which each character is a byte.
    fn bytes(value: &Value) -> Vec<u8> {
        let text = value.as_str().expect("text");
        text.chars().map(|character| character as u8).collect()
    }

    fn target(&self) -> String {
        let bytes = Report::bytes(&self.0["target"]);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The values of a header in any spelling, joined by commas without spaces.
    fn header(&self, name: &str) -> Option<Vec<u8>> {
        let pairs = self.0["headers"].as_array().expect("a list").iter();
        let named = pairs.filter(|pair| {
            let other = pair[0].as_str().expect("a name");
            other.eq_ignore_ascii_case(name)
        });
        let values: Vec<Vec<u8>> = named.map(|pair| Report::bytes(&pair[1])).collect();
        (!values.is_empty()).then(|| values.join(&b","[..]))
    }

    fn body(&self) -> (u64, u64) {
        let number = |name: &str| self.0[name].as_u64().expect("a number");
        (number("length"), number("crc"))
    }
}

/// CRC-32, as the applications compute it by zlib.
fn crc(bytes: &[u8]) -> u64 {
    let step = |crc: u32, byte: &u8| {
        let mut crc = crc ^ u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
        }
        crc
    };
    u64::from(!bytes.iter().fold(!0, step))
}

/// What every server has to do, in one run of it.
fn check(name: &str) {
    let Some(application) = application(name) else {
        return;
    };
    let dir = task_root();
    let site = start(&dir, &application, &[]);
    for source in Source::ALL {
        targets_arrive(&site, source);
        headers_arrive(&site, source);
        bodies_arrive(&site, source);
        answers_return(&site, source);
    }
    site.stop();
}

fn targets_arrive(site: &Site, source: Source) {
    let mut client = site.front(source).client();
    for (target, lost) in TARGETS {
        let lost = lost.iter().find(|(sources, _)| sources.contains(&source));
        let expected = lost.map_or(*target, |(_, arrives)| arrives);
        let what = format!("{source:?} {target}");
        let report = Report::of(&client.ask(&Request::new("GET", target)), &what);
        assert_eq!(report.target(), expected, "{what}");
    }
}

fn headers_arrive(site: &Site, source: Source) {
    let mut request = Request::new("DELETE", "/")
        .header("Host", "shop.example.test")
        .header("X-UTF-8", "grüße ☕")
        .header("X-Latin-1", [b'g', 0xfc])
        .header("X-Quotes", r#"a "b" \c\ 'd' {e} <f>"#)
        .header("X-Repeated", "1")
        .header("X-Repeated", "2")
        .header("Cookie", "a=1; b=\"2 3\"; c=ü=%20")
        .header("Authorization", "Basic YTpi")
        .header("Connection", "keep-alive")
        .header("Proxy", "http://evil.example.test")
        .header("TE", "trailers")
        .header("X-Amzn-Request-Context", "forged")
        .header("X-Amzn-Lambda-Context", "forged");
    for number in 0..60 {
        request = request.header(&format!("X-Number-{number}"), number.to_string());
    }
    let what = format!("{source:?}");
    let report = Report::of(&site.ask(source, &request), &what);
    let header = |name: &str| report.header(name).map(|value| text(&value));
    // Some servers put a space behind the comma.
    let joined = header("x-repeated").map(|value| value.replace(", ", ","));
    assert_eq!(report.0["method"], "DELETE", "{what}");
    let repeated = match source {
        Source::AlbSingle => "2",
        _ => "1,2",
    };
    for (name, value) in [
        ("host", "shop.example.test"),
        ("x-utf-8", "grüße ☕"),
        // No JSON can hold the byte; the front takes it for the character.
        ("x-latin-1", "gü"),
        ("x-quotes", r#"a "b" \c\ 'd' {e} <f>"#),
        ("cookie", "a=1; b=\"2 3\"; c=ü=%20"),
        ("authorization", "Basic YTpi"),
        ("x-number-0", "0"),
        ("x-number-59", "59"),
    ] {
        assert_eq!(header(name).as_deref(), Some(value), "{what}: {name}");
    }
    assert_eq!(joined.as_deref(), Some(repeated), "{what}");
    for name in ["proxy", "te", "transfer-encoding", "expect"] {
        assert_eq!(header(name), None, "{what}: {name}");
    }
    let context = header("x-amzn-request-context").expect("the context of the request");
    let context: Value = serde_json::from_str(&context).expect("JSON");
    let (_, event) = site.front(source).last_event();
    let event: Value = serde_json::from_str(&event).expect("JSON");
    assert_eq!(context, event["requestContext"], "{what}");
    let context = header("x-amzn-lambda-context").expect("the context of the invocation");
    let context: Value = serde_json::from_str(&context).expect("JSON");
    let id = context["request_id"].as_str().unwrap_or_default();
    assert!(id.starts_with("web-"), "{what}: {context}");
}

fn bodies_arrive(site: &Site, source: Source) {
    let multipart = [
        &b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n"[..],
        &random::noise(1, 3_000),
        b"\r\n--b--\r\n",
    ]
    .concat();
    let every: Vec<u8> = (0..=255).collect();
    let mut bodies = vec![
        ("text/plain", b"plain".to_vec()),
        ("text/plain", "ü ☕ \n\r\t\"\\\u{1}\u{7f}".into()),
        ("text/plain", vec![b'a', 0xff, 0xfe]),
        ("application/json", r#"{"a":["b\n\u0000"]}"#.into()),
        ("application/x-www-form-urlencoded", b"a=1&b=%20+".to_vec()),
        ("multipart/form-data; boundary=b", multipart),
        ("application/octet-stream", every),
        ("application/octet-stream", random::noise(2, 700_000)),
    ];
    if !source.is_alb() {
        bodies.push(("application/octet-stream", random::noise(3, 4_400_000)));
    }
    let mut client = site.front(source).client();
    for (kind, body) in bodies {
        let (length, crc) = (body.len() as u64, crc(&body));
        let what = format!("{source:?}: {length} bytes of {kind}");
        let request = Request::new("POST", "/upload").typed(kind, body);
        let report = Report::of(&client.ask(&request), &what);
        assert_eq!(report.body(), (length, crc), "{what}");
        assert_eq!(report.header("content-type"), Some(kind.into()), "{what}");
        let sent = report.header("content-length");
        assert_eq!(sent, Some(length.to_string().into_bytes()), "{what}");
    }
    for method in ["GET", "POST", "OPTIONS", "PATCH"] {
        let report = Report::of(&client.ask(&Request::new(method, "/")), method);
        assert_eq!(report.0["method"], method, "{source:?}");
        assert_eq!(report.body(), (0, 0), "{source:?} {method}");
    }
}

fn answers_return(site: &Site, source: Source) {
    let mut client = site.front(source).client();
    let mut named = |name: &str, method: &str| {
        let request = Request::new(method, "/").header("X-Answer", name);
        client.ask(&request)
    };
    let every: Vec<u8> = (0..256_000).map(|at| at as u8).collect();
    let binary = named("binary", "GET");
    assert!(binary.body == every, "{source:?}: binary");
    assert_eq!(
        binary.value("content-type").as_deref(),
        Some("application/octet-stream")
    );
    let text = named("text", "GET");
    let page = "<p>é ☕\n\t\"\\</p>\r\n".repeat(1000);
    assert!(text.body == page.as_bytes(), "{source:?}: text");
    let missing = named("missing", "GET");
    assert_eq!(
        (missing.status, missing.text().as_str()),
        (404, "gone"),
        "{source:?}"
    );
    let nothing = named("nothing", "GET");
    assert_eq!((nothing.status, nothing.body.len()), (204, 0), "{source:?}");
    let head = named("text", "HEAD");
    assert_eq!((head.status, head.body.len()), (200, 0), "{source:?}");
    let gzip = named("gzip", "GET");
    assert_eq!(
        gzip.value("content-encoding").as_deref(),
        Some("gzip"),
        "{source:?}"
    );
    assert_eq!(gzip.body.get(..2), Some(&[0x1f, 0x8b][..]), "{source:?}");
    let cookies = named("cookies", "GET");
    let expected: &[&str] = match source {
        Source::AlbSingle => &["d=2"], // one header of a name
        _ => &["c=1; Path=/", "d=2"],
    };
    assert_eq!(cookies.values("set-cookie"), expected, "{source:?}");
    let repeated = cookies.values("x-r").join(",").replace(", ", ",");
    // One header of a name, which of the two depends on nothing that a client may rely on.
    let is_right = repeated == "1,2" || source == Source::AlbSingle && repeated == "2";
    assert!(is_right, "{source:?}: {repeated}");
    assert_eq!(cookies.text(), "ok", "{source:?}");
}

#[test]
fn node_http_gets_what_the_client_sent() {
    check("node");
}

#[test]
fn express_app_gets_what_the_client_sent() {
    check("express");
}

#[test]
fn uvicorn_with_fastapi_gets_what_the_client_sent() {
    check("uvicorn");
}

#[test]
fn hypercorn_with_fastapi_gets_what_the_client_sent() {
    check("hypercorn");
}

#[test]
fn gunicorn_with_flask_gets_what_the_client_sent() {
    check("gunicorn");
}

#[test]
fn waitress_with_flask_gets_what_the_client_sent() {
    check("waitress");
}

#[test]
fn python_http_server_gets_what_the_client_sent() {
    check("plain");
}

#[test]
fn nginx_gets_what_the_client_sent() {
    let Some(application) = application("nginx") else {
        return;
    };
    let dir = task_root();
    let site = start(&dir, &application, &[]);
    let page = fs::read(dir.path().join("files/page.html")).expect("read the page");
    for source in Source::ALL {
        let mut client = site.front(source).client();
        for (target, lost) in TARGETS {
            let lost = lost.iter().find(|(sources, _)| sources.contains(&source));
            let expected = lost.map_or(*target, |(_, arrives)| arrives);
            // nginx refuses paths that leave its root, and broken percent signs.
            let path = expected.split('?').next().unwrap_or_default();
            let is_refused = path.contains("%zz") || path.ends_with("/100%");
            let answer = client.ask(&Request::new("GET", target).header("X-One", "1"));
            let status = if is_refused { 400 } else { 200 };
            assert_eq!(
                answer.status,
                status,
                "{source:?} {target}: {}",
                answer.text()
            );
            if !is_refused {
                assert_eq!(
                    answer.text(),
                    format!("GET {expected} 1"),
                    "{source:?} {target}"
                );
            }
        }
        let gone = client.ask(&Request::new("GET", "/missing"));
        assert_eq!(
            (gone.status, gone.text().as_str()),
            (404, "gone"),
            "{source:?}"
        );
        let file = Request::new("GET", "/files/page.html");
        let answer = client.ask(&file);
        assert!(answer.body == page, "{source:?}: {}", answer.text());
        let tag = answer.value("etag").expect("an ETag");
        let cached = client.ask(&file.clone().header("If-None-Match", &tag));
        assert_eq!((cached.status, cached.body.len()), (304, 0), "{source:?}");
        let zipped = client.ask(&file.clone().header("Accept-Encoding", "gzip"));
        assert_eq!(zipped.body.get(..2), Some(&[0x1f, 0x8b][..]), "{source:?}");
        let part = client.ask(&file.header("Range", "bytes=3-9"));
        assert_eq!(
            (part.status, &*part.body),
            (206, &page[3..10]),
            "{source:?}"
        );
        let body = random::noise(5, 900_000);
        let upload = Request::new("POST", "/").typed("application/octet-stream", body);
        assert_eq!(client.ask(&upload).text(), "POST / ", "{source:?}");
    }
    site.stop();
}

#[test]
fn server_on_a_unix_socket_answers() {
    for name in ["node", "uvicorn", "gunicorn", "nginx"] {
        let Some(application) = application(name) else {
            continue;
        };
        let dir = task_root();
        // A file of an earlier run, over which Node and nginx would not start.
        let socket = dir.path().join("tmp/app.sock");
        drop(UnixListener::bind(&socket).expect("leave a socket behind"));
        let socket = socket.to_str().expect("a path in UTF-8");
        let site = start(&dir, &application, &[("TINDERBOX_SOCKET", socket)]);
        for source in Source::ALL {
            let answer = site.ask(source, &Request::new("GET", "/a%20b?c=d"));
            assert_eq!(answer.status, 200, "{name} {source:?}: {}", answer.text());
            assert!(answer.text().contains("/a%20b?c=d"), "{name} {source:?}");
        }
        site.stop();
    }
}

#[test]
fn server_with_streaming_answers_as_without() {
    for name in ["node", "uvicorn", "gunicorn", "plain"] {
        let Some(application) = application(name) else {
            continue;
        };
        let dir = task_root();
        let site = start(&dir, &application, &[("TINDERBOX_STREAM", "1")]);
        for source in Source::ALL {
            // Its events are those of a Function URL, and it cannot stream: the guide warns of it.
            if source == Source::Http2 {
                continue;
            }
            bodies_arrive(&site, source);
            answers_return(&site, source);
            // A REST API gets the bytes as they are, without base64; the others are not streamed.
            let ledger = site.ledger();
            let last = ledger.posts.last().expect("an answer");
            assert_eq!(
                last.chunks.is_empty(),
                !source.streams(),
                "{name} {source:?}"
            );
        }
        site.stop();
    }
}

#[test]
fn clients_at_once_of_a_server_get_their_own_answers() {
    let Some(application) = application("node") else {
        return;
    };
    let dir = task_root();
    let site = start(&dir, &application, &[]);
    std::thread::scope(|scope| {
        for (number, source) in (0..).zip(Source::ALL) {
            let front = site.front(source);
            scope.spawn(move || {
                let mut client = front.client();
                for round in 0..30 {
                    let target = format!("/{number}/{round}?a={round}");
                    let answer = client.ask(&Request::new("GET", &target));
                    assert_eq!(Report::of(&answer, &target).target(), target);
                }
            });
        }
    });
    let outcome = site.stop();
    assert_eq!(outcome.ledger.posts.len(), 180);
}
