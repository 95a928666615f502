//! `http:` with an application that breaks HTTP, or uses its corners: each event has one answer or
//! one error, and the next one is served.

use super::site::GET_EVENT;
use super::upstream::{Upstream, answer_all, ok, read_request};
use crate::support::api::{Event, now_ms};
use crate::support::front::{Request, Source};
use crate::support::hosting;
use crate::support::sys::reset_on_close;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const URL: Source = Source::FunctionUrl;

/// The type and message of the error of the last event.
fn last_error(upstream: &Upstream, error_type: &str) -> String {
    let (id, _) = upstream.site.front(URL).last_event();
    hosting::error(&upstream.site.ledger(), &id, error_type)
}

/// A server of one answer at a time, chosen by the test: the answer, and whether the connection is
/// closed behind it.
struct Chosen(Arc<Mutex<(Vec<u8>, bool)>>);

impl Chosen {
    fn start(variables: &[(&str, &str)]) -> (Chosen, Upstream) {
        let chosen = Arc::new(Mutex::new((ok("first"), false)));
        let for_server = Arc::clone(&chosen);
        let upstream = Upstream::start(variables, move |_, mut stream| {
            while read_request(&mut stream).is_some() {
                let (answer, closes) = for_server.lock().expect("a lock").clone();
                if stream.write_all(&answer).is_err() || closes {
                    return;
                }
            }
        });
        (Chosen(chosen), upstream)
    }

    fn set(&self, answer: impl Into<Vec<u8>>, closes: bool) {
        *self.0.lock().expect("a lock") = (answer.into(), closes);
    }
}

#[test]
fn answer_in_an_unusual_form_is_read() {
    let (chosen, upstream) = Chosen::start(&[]);
    let reused: &[(&str, &str, u16)] = &[
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            "abc",
            200,
        ),
        ("HTTP/1.1 404 \r\nContent-Length: 3\r\n\r\nabc", "abc", 404),
        ("HTTP/1.1 200\r\ncontent-length:3\r\n\r\nabc", "abc", 200),
        ("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "abc", 200),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200),
        ("HTTP/1.1 204 No Content\r\n\r\n", "", 204),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            "",
            304,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
            "abc",
            200,
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\nA: b\r\n\r\n\
             HTTP/1.1 103 Early Hints\r\n\r\n\
             HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            "abc",
            200,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "abc",
            200,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n\
             1;x=y\r\na\r\n02\r\nbc\r\n0\r\nTrailer: x\r\nOther:\r\n\r\n",
            "abc",
            200,
        ),
        (
            "HTTP/1.1 599 Odd\r\nContent-Length: 3\r\nConnection: keep-alive, upgrade\r\n\r\nabc",
            "abc",
            599,
        ),
    ];
    for (answer, body, status) in reused {
        chosen.set(*answer, false);
        for _ in 0..3 {
            let got = upstream.site.get("/");
            assert_eq!(
                (got.status, got.text().as_str()),
                (*status, *body),
                "{answer}"
            );
        }
    }
    assert_eq!(upstream.connections(), 1, "all on one connection");
    let closed: &[(&str, &str)] = &[
        ("HTTP/1.1 200 OK\r\n\r\nabc", "abc"),
        ("HTTP/1.0 200 OK\r\n\r\nabc", "abc"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"),
        (
            "HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 3\r\n\r\nabc",
            "abc",
        ),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", ""),
    ];
    for (answer, body) in closed {
        chosen.set(*answer, true);
        let before = upstream.connections();
        for _ in 0..3 {
            let got = upstream.site.get("/");
            assert_eq!((got.status, got.text().as_str()), (200, *body), "{answer}");
        }
        // The first one came on the connection before it, where that was left open.
        assert!(upstream.connections() >= before + 2, "{answer}");
    }
}

#[test]
fn answer_that_is_no_http_is_an_error_and_the_next_event_is_served() {
    let (chosen, upstream) = Chosen::start(&[]);
    let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(70_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(11_000));
    let endless = "x".repeat(70_000);
    let cases: &[(&str, &str)] = &[
        ("hello\r\n\r\n", "status line: hello"),
        ("HTTP/2 200 OK\r\n\r\n", "status line: HTTP/2 200 OK"),
        ("HTTP/1.1 20 OK\r\n\r\n", "status line"),
        ("HTTP/1.1 099 OK\r\n\r\n", "status line"),
        (" HTTP/1.1 200 OK\r\n\r\n", "status line"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            "Content-Length: Content-Length: 4",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc",
            "Content-Length",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "Content-Length",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            "Content-Length",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "framing",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding",
        ),
        (
            "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
            "header line:  folded",
        ),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "header line"),
        (
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "header line: no colon",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "chunk size",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
            "chunk end",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHTTP/1.1 200\r\n\r\n",
            "trailer",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            "101",
        ),
        (&long, "head (too long)"),
        (&many, "head (too long)"),
        (&endless, "head (too long)"),
    ];
    for (answer, expected) in cases {
        let what = &answer[..answer.len().min(80)];
        chosen.set(*answer, false);
        for method in ["GET", "POST"] {
            let got = upstream.site.ask(URL, &Request::new(method, "/"));
            assert_eq!(got.status, 502, "{method} {what}");
            let message = last_error(&upstream, "Runtime.BadHttp");
            assert!(message.contains(expected), "{what}: {message}");
        }
        chosen.set(ok("well"), false);
        assert_eq!(upstream.site.get("/").text(), "well", "after {what}");
    }
    // It is the same process.
    let log = upstream.site.process().stderr();
    assert!(!log.contains("restart"), "{log}");
}

#[test]
fn status_outside_of_200_to_599_is_a_bad_gateway() {
    let (chosen, upstream) = Chosen::start(&[]);
    for status in [600, 999] {
        chosen.set(
            format!("HTTP/1.1 {status} X\r\nA: b\r\nContent-Length: 3\r\n\r\nabc"),
            false,
        );
        let got = upstream.site.get("/");
        assert_eq!((got.status, got.text().as_str()), (502, "Bad Gateway\n"));
        assert_eq!(got.value("a"), None);
        upstream
            .site
            .process()
            .until_logged(&format!("outside of 200 to 599: {status}"));
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn bytes_behind_an_answer_belong_to_no_other() {
    let (chosen, upstream) = Chosen::start(&[]);
    let forged = [ok("one"), ok("forged")].concat();
    chosen.set(forged, false);
    for _ in 0..5 {
        assert_eq!(upstream.site.get("/").text(), "one");
    }
    assert_eq!(upstream.connections(), 5);
    // The same where they come later, and behind an answer without a body.
    let nothing = b"HTTP/1.1 304 Not Modified\r\n\r\nforged".to_vec();
    chosen.set(nothing, false);
    for _ in 0..3 {
        assert_eq!(upstream.site.get("/").status, 304);
    }
    let head = upstream.site.ask(URL, &Request::new("HEAD", "/"));
    assert_eq!(head.status, 304);
}

#[test]
fn late_bytes_behind_an_answer_close_the_connection() {
    let upstream = Upstream::start(&[], |number, mut stream| {
        while read_request(&mut stream).is_some() {
            let _ = stream.write_all(&ok(&number.to_string()));
            std::thread::sleep(Duration::from_millis(100));
            let _ = stream.write_all(&ok("forged"));
        }
    });
    let first = upstream.site.get("/").text().parse().unwrap_or(0);
    for number in 1..3 {
        std::thread::sleep(Duration::from_millis(250));
        let text = upstream.site.get("/").text();
        assert_eq!(text, (first + number).to_string());
    }
}

#[test]
fn answer_cut_at_every_byte_is_an_error() {
    let whole =
        b"HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let (chosen, upstream) = Chosen::start(&[]);
    for end in 0..whole.len() {
        chosen.set(&whole[..end], true);
        let got = upstream.site.ask(URL, &Request::new("POST", "/"));
        assert_eq!(got.status, 502, "cut at {end}");
        let message = last_error(&upstream, "Runtime.BadHttp");
        let expected = match end {
            0 => "before it answered",
            _ => "before the end of its answer",
        };
        assert!(message.contains(expected), "cut at {end}: {message}");
    }
    chosen.set(&whole[..], true);
    assert_eq!(upstream.site.get("/").text(), "abc");
}

#[test]
fn answer_in_pieces_of_every_size_is_read() {
    let whole = b"HTTP/1.1 100 Continue\r\n\r\n\
          HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n\
          3\r\nabc\r\n6\r\n123456\r\n0\r\nT: t\r\n\r\n";
    let cut = Arc::new(AtomicUsize::new(0));
    let for_server = Arc::clone(&cut);
    let upstream = Upstream::start(&[], move |_, mut stream| {
        while read_request(&mut stream).is_some() {
            let cut = for_server.load(Ordering::SeqCst);
            match cut {
                // A byte at a time.
                0 => {
                    for byte in whole.chunks(1) {
                        let _ = stream.write_all(byte);
                        std::thread::sleep(Duration::from_micros(200));
                    }
                }
                _ => {
                    let _ = stream.write_all(&whole[..cut]);
                    std::thread::sleep(Duration::from_millis(7));
                    let _ = stream.write_all(&whole[cut..]);
                }
            }
        }
    });
    for at in 0..whole.len() {
        cut.store(at, Ordering::SeqCst);
        assert_eq!(upstream.site.get("/").text(), "abc123456", "cut at {at}");
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn reset_within_an_answer_without_length_is_an_error() {
    let upstream = Upstream::start(&[], |_, mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\npart");
        std::thread::sleep(Duration::from_millis(50));
        reset_on_close(&stream);
    });
    assert_eq!(upstream.site.get("/").status, 502);
    let message = last_error(&upstream, "Runtime.BadHttp");
    assert!(
        message.contains("before the end of its answer"),
        "{message}"
    );
}

#[test]
fn announcements_without_end_are_bounded_by_the_deadline() {
    let upstream = Upstream::start(&[], |_, mut stream| {
        read_request(&mut stream);
        while stream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").is_ok() {}
    });
    let event = Event::new("late", GET_EVENT).deadline(&(now_ms() + 1_500).to_string());
    let post = upstream.site.post_of(&event);
    let message = hosting::message(&post, "Function.Timeout");
    assert!(message.contains("killed after"), "{message}");
}

#[test]
fn early_answer_of_a_server_that_reads_no_more_arrives() {
    let upstream = Upstream::start(&[], |_, mut stream| {
        let mut some = [0; 1000];
        let _ = stream.read(&mut some);
        let _ = stream.write_all(
            b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nmuch",
        );
        let _ = stream.shutdown(Shutdown::Write);
        // Closed with much unread: the other end may get a reset.
        std::thread::sleep(Duration::from_millis(100));
    });
    for _ in 0..3 {
        let request = Request::new("POST", "/").body(vec![b'x'; 4_000_000]);
        let got = upstream.site.ask(URL, &request);
        assert_eq!((got.status, got.text().as_str()), (413, "much"));
    }
}

#[test]
fn answer_before_the_request_was_read_arrives() {
    const BODY_BYTES: usize = 4_000_000;
    let upstream = Upstream::start(&[], |_, mut stream| {
        let mut buf = vec![0; 100_000];
        // The connection stays where the sockets took the whole request before the answer came.
        while let Ok(bytes @ 1..) = stream.read(&mut buf[..10]) {
            let _ = stream.write_all(&ok("early"));
            std::thread::sleep(Duration::from_millis(300));
            let mut body_bytes = buf[..bytes].iter().filter(|&&byte| byte == b'!').count();
            while body_bytes < BODY_BYTES {
                let Ok(bytes @ 1..) = stream.read(&mut buf) else {
                    return;
                };
                body_bytes += buf[..bytes].iter().filter(|&&byte| byte == b'!').count();
            }
        }
    });
    let request = Request::new("POST", "/").body(vec![b'!'; BODY_BYTES]);
    for _ in 0..4 {
        assert_eq!(upstream.site.ask(URL, &request).text(), "early");
    }
}

/// Answers the first request of each connection; the next one breaks it.
fn serve_once(stream: TcpStream, requests: &Mutex<Vec<String>>, number: usize) {
    let mut stream = stream;
    let mut is_first = true;
    while let Some(request) = read_request(&mut stream) {
        let line = String::from_utf8_lossy(&request);
        let line = line.lines().next().unwrap_or_default().to_string();
        requests
            .lock()
            .expect("a lock")
            .push(format!("{number} {line}"));
        if !std::mem::take(&mut is_first) {
            reset_on_close(&stream);
            return;
        }
        let _ = stream.write_all(&ok("once"));
    }
}

#[test]
fn broken_keep_alive_connection_is_retried_once_for_safe_methods_alone() {
    for (method, is_safe) in [
        ("GET", true),
        ("HEAD", true),
        ("OPTIONS", true),
        ("POST", false),
        ("PUT", false),
        ("DELETE", false),
        ("PATCH", false),
    ] {
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let for_server = Arc::clone(&requests);
        let upstream = Upstream::start(&[], move |number, stream| {
            serve_once(stream, &for_server, number)
        });
        // Both within the second in which a connection is used again.
        let first = upstream.site.get("/first");
        let began = Instant::now();
        assert_eq!(first.text(), "once");
        let second = upstream.site.ask(URL, &Request::new(method, "/second"));
        if began.elapsed() > Duration::from_millis(700) {
            continue; // a busy machine: the connection may be a new one
        }
        let sent = requests.lock().expect("a lock").clone();
        let mut expected = vec![
            "0 GET /first HTTP/1.1".to_string(),
            format!("0 {method} /second HTTP/1.1"),
        ];
        if is_safe {
            expected.push(format!("1 {method} /second HTTP/1.1"));
            assert_eq!(second.status, 200, "{method}");
        } else {
            assert_eq!(second.status, 502, "{method}");
            last_error(&upstream, "Runtime.BadHttp");
        }
        assert_eq!(sent, expected, "{method}");
    }
}

#[test]
fn new_connection_that_breaks_is_not_tried_again() {
    let upstream = Upstream::start(&[], |_, mut stream| {
        read_request(&mut stream);
    });
    let before = upstream.connections();
    std::thread::sleep(Duration::from_millis(1200)); // that of INIT is not used
    assert_eq!(upstream.site.get("/").status, 502);
    last_error(&upstream, "Runtime.BadHttp");
    assert_eq!(upstream.connections(), before + 1);
}

#[test]
fn connection_that_was_idle_for_a_second_is_not_used_again() {
    let upstream = Upstream::start(&[], |number, stream| {
        answer_all(stream, &ok(&number.to_string()));
    });
    upstream.site.get("/");
    let used = upstream.connections();
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(upstream.site.get("/").text(), used.to_string());
    // One that the server has closed is not used either.
    drop(upstream);
    let upstream = Upstream::start(&[], |number, mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(&ok(&number.to_string()));
    });
    let mut last = None;
    for _ in 0..4 {
        let got = upstream.site.ask(URL, &Request::new("POST", "/"));
        assert_eq!(got.status, 200, "{}", got.text());
        assert_ne!(last, Some(got.text()), "a connection of its own for each");
        last = Some(got.text());
        std::thread::sleep(Duration::from_millis(50));
    }
}
