//! Streamed answers: each flush at once, errors behind the first byte, clients that are gone.

use super::{HANDLER, Php, children, crashes, stop, with_each};
use crate::site::{GET_EVENT, Site};
use crate::support::api::{CloseAt, Event, HangUp, Script, ScriptedReply, Server};
use crate::support::front::{Client, Request, Source};
use crate::support::{hosting, until};

/// A page that sends events, with a pause that the test ends by a file.
const PAGE: &str = r#"<?php
parse_str($_SERVER['QUERY_STRING'], $q);
switch ($q['do'] ?? trim($_SERVER['REQUEST_URI'], '/')) {
    case 'events':
        header('Content-Type: text/event-stream');
        for ($i = 0; $i < 3; $i++) {
            echo "data: $i\n\n"; flush();
            while ($i < 2 && !file_exists($q['gate'] . $i)) { usleep(1000); }
        }
        break;
    case 'die': echo 'first'; flush(); usleep(20000); posix_kill(getmypid(), 9); sleep(5); break;
    case 'large': for ($i = 0; $i < (int) $q['n']; $i++) { echo str_repeat('x', 65536); } break;
    case 'endless':
        register_shutdown_function(fn () => touch(__DIR__ . '/closed'));
        while (true) { echo str_repeat('x', 65536); flush(); }
    case 'empty': http_response_code(204); echo 'dropped'; break;
    default: setcookie('a', '1'); setcookie('b', '2'); http_response_code(201); echo 'hello';
}
"#;

const FILES: [(&str, &str); 1] = [("public/index.php", PAGE)];
const STREAM: [(&str, &str); 1] = [("TINDERBOX_STREAM", "1")];

/// Reads from a connection until it has come to this text.
fn read_until(client: &mut Client, text: &str) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        let some = client.read_some();
        assert!(!some.is_empty(), "the end before {text:?}: {read}");
        read += &String::from_utf8_lossy(&some);
    }
    read
}

#[test]
fn flush_of_the_page_arrives_before_the_page_goes_on() {
    with_each(&FILES, &STREAM, |php, site| {
        for source in [Source::FunctionUrl, Source::Rest] {
            let dir = crate::support::TempDir::new();
            let gate = dir.path().join("gate");
            let mut client = site.front(source).client();
            let target = format!("/?do=events&gate={}", gate.display());
            client.send(&Request::new("GET", target));
            for number in 0..2 {
                let read = read_until(&mut client, &format!("data: {number}"));
                assert!(
                    !read.contains(&format!("data: {}", number + 1)),
                    "{php:?} {read}"
                );
                dir.file(&format!("gate{number}"), b"");
            }
            read_until(&mut client, "data: 2");
        }
    });
}

#[test]
fn streamed_answer_has_status_cookies_and_any_length() {
    with_each(&FILES, &STREAM, |php, site| {
        // An HTTP API cannot be distinguished from a Function URL, and takes no stream.
        for source in Source::ALL
            .into_iter()
            .filter(|source| *source != Source::Http2)
        {
            let answer = site.ask(source, &Request::new("GET", "/"));
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (201, "hello"),
                "{php:?} {source:?}"
            );
            if source != Source::AlbSingle {
                assert_eq!(
                    answer.values("Set-Cookie"),
                    ["a=1", "b=2"],
                    "{php:?} {source:?}"
                );
            }
            let answer = site.ask(source, &Request::new("GET", "/?do=empty"));
            assert_eq!((answer.status, answer.text().as_str()), (204, ""));
        }
        // More than fits into a buffered response.
        let answer = site.get("/?do=large&n=400");
        assert!(answer.is_whole, "{php:?}");
        assert_eq!(answer.body.len(), 400 * 65_536);
        assert_eq!(site.get("/").text(), "hello", "{php:?}");
    });
}

#[test]
fn crash_behind_the_first_byte_is_an_error_in_the_trailers() {
    with_each(&FILES, &STREAM, |php, site| {
        let answer = site.get("/?do=die");
        assert!(!answer.is_whole, "{php:?}");
        let (id, _) = site.front(Source::FunctionUrl).last_event();
        until("the end of the stream", || {
            site.ledger().answers(&id).len() == 1
        });
        let ledger = site.ledger();
        let trailers = &ledger.answer(&id).trailers;
        let named = |name: &str| {
            trailers.iter().any(|(other, value)| {
                other.eq_ignore_ascii_case("Lambda-Runtime-Function-Error-Type") && value == name
            })
        };
        assert!(named("Runtime.ExitError"), "{php:?}: {trailers:?}");
        assert_eq!(site.get("/").text(), "hello", "{php:?}");
    });
}

#[test]
fn two_hundred_megabytes_are_streamed_in_constant_memory() {
    let Some(dir) = Php::Fpm.root(&FILES) else {
        return;
    };
    let site = Site::with_variables(&dir, HANDLER, &STREAM);
    site.get("/?do=large&n=50");
    let before = site.process().written_kib();
    let answer = site.get("/?do=large&n=3200");
    assert_eq!(answer.body.len(), 3_200 * 65_536);
    let after = site.process().written_kib();
    assert!(after < before + 512, "{before} KiB before, {after} after");
    stop(site);
}

#[test]
fn client_that_leaves_within_a_stream_harms_no_later_request() {
    with_each(&FILES, &STREAM, |php, site| {
        assert_eq!(site.get("/").text(), "hello", "{php:?}");
        let (servers, descriptors) = (children(site), site.process().descriptors());
        for _ in 0..3 {
            let mut client = site.front(Source::FunctionUrl).client();
            client.send(&Request::new("GET", "/?do=large&n=800"));
            assert!(!client.read_some().is_empty());
            drop(client);
            assert_eq!(site.get("/").text(), "hello", "{php:?}");
        }
        until("as many descriptors as before", || {
            site.process().descriptors() == descriptors
        });
        assert_eq!(children(site), servers, "{php:?}");
    });
}

#[test]
fn stream_that_lambda_breaks_ends_the_page_and_the_next_event_is_served() {
    for php in [Php::Fpm, Php::Cgi] {
        let Some(dir) = php.root(&FILES) else {
            continue;
        };
        let closed = dir.path().join("public/closed");
        let broken = ScriptedReply::status(202)
            .close_at(CloseAt::InRequest(1_000_000))
            .by(HangUp::Reset);
        let event = |id| Event::new(id, GET_EVENT.replace("/get", &format!("/{id}")));
        let events = [event("endless"), event("next")];
        let server = Server::start(Script::events(&events).post(broken));
        let mut process = hosting::start(&dir, HANDLER)
            .variable("TINDERBOX_STREAM", "1")
            .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
            .spawn();
        until("the page has ended", || closed.exists());
        process.until_idle(&server);
        let ledger = server.ledger();
        assert_eq!(ledger.answers("next").len(), 1, "{php:?}: {ledger}");
        let servers = process.children();
        process.kill();
        for server in servers {
            until("nothing left", || crashes::group_of(server).is_empty());
        }
    }
}
