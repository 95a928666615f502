//! What becomes of the answers of a page: status, headers, bodies, and the limits of both.

use super::{Php, last_error, with, with_each};
use crate::support::front::{Request, Source};

/// A page whose query says what it does.
const PAGE: &str = r#"<?php
parse_str($_SERVER['QUERY_STRING'], $q);
switch ($q['do'] ?? '') {
    case 'status': http_response_code((int) $q['s']); echo 'body'; break;
    case 'line': header('HTTP/1.1 ' . $q['s'] . ' x'); echo 'body'; break;
    case 'location': header('Location: /there'); break;
    case 'location200': header('Location: /there', true, 200); break;
    case 'cookies':
        setcookie('a', '1');
        setcookie('b', '2');
        header('X-R: 1', false);
        header('X-R: 2', false);
        echo 'c';
        break;
    case 'framing':
        header('Content-Length: 3');
        header('Transfer-Encoding: chunked');
        echo 'longer';
        break;
    case 'empty': ini_set('default_mimetype', ''); header_remove(); echo 'no type'; break;
    case 'header': header('X-Long: ' . str_repeat('x', (int) $q['n'])); echo 'long'; break;
    case 'latin': header("X-Latin: caf\xe9"); header('X-Utf: é'); echo "\xff\x00\xfe"; break;
    case 'body': echo str_repeat('<p>"é"</p>' . "\n", (int) $q['n']); break;
    case 'finish': echo function_exists('fastcgi_finish_request') ? 'yes' : 'no'; break;
    case 'head': echo 'a body'; break;
    case 'bad': header('X-Good: 1'); header('no colon'); echo 'x'; break;
    default: echo 'hello';
}
"#;

const FILES: [(&str, &str); 1] = [("public/index.php", PAGE)];

#[test]
fn status_of_the_page_is_the_status_of_the_answer() {
    with_each(&FILES, &[], |php, site| {
        for source in Source::ALL {
            for status in [200, 201, 204, 304, 400, 404, 418, 500, 599] {
                let target = format!("/?do=status&s={status}");
                let answer = site.ask(source, &Request::new("GET", target));
                assert_eq!(answer.status, status, "{php:?} {source:?}");
                let body = if matches!(status, 204 | 304) {
                    ""
                } else {
                    "body"
                };
                assert_eq!(answer.text(), body, "{php:?} {source:?} {status}");
            }
        }
        for (what, status) in [
            ("status", 99),
            ("line", 1000),
            ("status", 103),
            ("line", 600),
        ] {
            let answer = site.get(&format!("/?do={what}&s={status}"));
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (502, "Bad Gateway\n")
            );
            site.process()
                .until_logged(&format!("outside of 200 to 599: {status}"));
        }
        assert_eq!(site.get("/").text(), "hello", "{php:?}");
    });
}

#[test]
fn head_has_no_body_and_the_headers_of_the_page() {
    with_each(&FILES, &[], |php, site| {
        for source in Source::ALL {
            let answer = site.ask(source, &Request::new("HEAD", "/?do=head"));
            assert_eq!(answer.status, 200, "{php:?}");
            assert!(
                answer
                    .value("Content-Type")
                    .expect("a type")
                    .contains("text/html")
            );
            assert!(answer.body.is_empty());
            assert_eq!(
                site.ask(source, &Request::new("GET", "/?do=head")).text(),
                "a body"
            );
        }
    });
}

#[test]
fn headers_of_the_page_arrive_but_for_framing() {
    with_each(&FILES, &[], |php, site| {
        for (target, status) in [("/?do=location", 302), ("/?do=location200", 302)] {
            let answer = site.get(target);
            assert_eq!(answer.status, status, "{php:?}");
            assert_eq!(answer.value("Location").as_deref(), Some("/there"));
        }
        for source in Source::ALL {
            let answer = site.ask(source, &Request::new("GET", "/?do=cookies"));
            let cookies = answer.values("Set-Cookie");
            if source != Source::AlbSingle {
                assert_eq!(cookies, ["a=1", "b=2"], "{php:?} {source:?}");
            }
            let values = answer.values("X-R").join(", ");
            let is_whole = values == "1, 2" || source == Source::AlbSingle;
            assert!(is_whole, "{php:?} {source:?}: {values}");
            let answer = site.ask(source, &Request::new("GET", "/?do=framing"));
            assert_eq!(answer.text(), "longer", "{php:?} {source:?}");
        }
        let answer = site.get("/?do=empty");
        assert_eq!(answer.text(), "no type");
        let answer = site.get("/?do=latin");
        assert_eq!(answer.body, b"\xff\x00\xfe");
        assert_eq!(answer.value("X-Utf").as_deref(), Some("é"));
        assert!(answer.value("X-Latin").expect("a value").starts_with("caf"));
    });
}

#[test]
fn head_of_an_answer_at_its_limit_is_taken_and_above_it_is_an_error() {
    with_each(&FILES, &[], |php, site| {
        for bytes in [8_000, 40_000, 64_000] {
            let answer = site.get(&format!("/?do=header&n={bytes}"));
            assert_eq!(answer.value("X-Long").map(|value| value.len()), Some(bytes));
            assert_eq!(answer.text(), "long");
        }
        for bytes in [66_000, 100_000, 1_000_000] {
            let answer = site.get(&format!("/?do=header&n={bytes}"));
            assert_eq!(answer.status, 502, "{php:?}");
            let error = last_error(site, Source::FunctionUrl, "Runtime.BadCgi");
            assert!(error.contains("longer than 65536 bytes"), "{error}");
            assert_eq!(site.get("/").text(), "hello", "{php:?}");
        }
        let answer = site.get("/?do=bad");
        assert_eq!(answer.status, 502, "{php:?}");
        let error = last_error(site, Source::FunctionUrl, "Runtime.BadCgi");
        assert!(
            error.contains("a header line of its answer is malformed"),
            "{error}"
        );
        assert_eq!(site.get("/").text(), "hello", "{php:?}");
    });
}

#[test]
fn body_of_any_length_up_to_the_limit_is_whole() {
    with_each(&FILES, &[], |php, site| {
        for lines in [0, 1, 745, 5_957, 5_958, 5_959, 100_000, 300_000] {
            let answer = site.get(&format!("/?do=body&n={lines}"));
            assert_eq!(answer.status, 200, "{php:?} {lines}");
            assert!(
                answer.text() == "<p>\"é\"</p>\n".repeat(lines),
                "{php:?} {lines}"
            );
        }
        let answer = site.get("/?do=body&n=700000");
        assert_eq!(answer.status, 502, "{php:?}");
        last_error(site, Source::FunctionUrl, "Function.ResponseSizeTooLarge");
        assert_eq!(site.get("/").text(), "hello", "{php:?}");
    });
}

#[test]
fn request_cannot_be_finished_before_the_script_ends() {
    with(Php::Fpm, &FILES, &[], |site| {
        assert_eq!(site.get("/?do=finish").text(), "no");
    });
}

#[test]
fn request_head_that_is_too_long_is_431() {
    with_each(&FILES, &[], |php, site| {
        let request = Request::new("GET", "/").header("X-Long", vec![b'x'; 60_000]);
        assert_eq!(
            site.ask(Source::FunctionUrl, &request).status,
            200,
            "{php:?}"
        );
        for lengths in [vec![66_000], vec![60_000; 5]] {
            let mut request = Request::new("GET", "/");
            for (number, length) in lengths.into_iter().enumerate() {
                request = request.header(&format!("X-{number}"), vec![b'x'; length]);
            }
            let answer = site.ask(Source::FunctionUrl, &request);
            assert_eq!(answer.status, 431, "{php:?}: {}", answer.text());
        }
        let mut request = Request::new("GET", "/");
        for number in 0..200 {
            request = request.header(&format!("X-Many-{number}"), vec![b'v'; 1_000]);
        }
        assert_eq!(
            site.ask(Source::FunctionUrl, &request).status,
            200,
            "{php:?}"
        );
    });
}
