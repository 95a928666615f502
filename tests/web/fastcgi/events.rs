//! Events that are no requests, warm-up events, and the page that init asks for.

use super::{Php, with, with_each};
use crate::site::Site;
use crate::support::api::{Event, ScriptedReply};
use crate::support::front::Source;
use crate::support::hosting::{error, response};
use crate::support::until;

/// A page that echoes events, and says how often it was called.
const PAGE: &str = r#"<?php
$file = __DIR__ . '/../calls';
$calls = (int) @file_get_contents($file) + 1;
file_put_contents($file, $calls);
switch (strtok($_SERVER['REQUEST_URI'], '?')) {
    case '/events':
        header('Content-Type: application/json');
        $event = file_get_contents('php://input');
        if ($event === '"fail"') { http_response_code(418); exit('no tea'); }
        $server = $_SERVER;
        echo json_encode([$server['REQUEST_METHOD'], $server['CONTENT_TYPE'], $event,
            $_GET['q'] ?? '', isset($server['LAMBDA_INVOCATION_CONTEXT'])]);
        break;
    case '/ready': http_response_code($calls < 4 ? 503 : 404); echo 'x'; break;
    default: echo $calls;
}
"#;

const FILES: [(&str, &str); 1] = [("public/index.php", PAGE)];

/// Has events handled, with ids that begin like this.
fn handle(site: &Site, id: &str, bodies: &[&str]) {
    for (number, body) in bodies.iter().enumerate() {
        let id = format!("{id}{number}");
        site.api()
            .more(vec![ScriptedReply::event(&Event::new(&id, *body))]);
        until("answered", || site.ledger().answers(&id).len() == 1);
    }
}

#[test]
fn event_that_is_no_request_is_posted_to_its_path() {
    let variables = [("TINDERBOX_EVENTS_PATH", "/events?q=1")];
    with_each(&FILES, &variables, |php, site| {
        let record = r#"{"Records":[{"body":"é\n"}]}"#;
        handle(site, "job-", &[record, "null", "\"fail\""]);
        let ledger = site.ledger();
        for (id, event) in [("job-0", record), ("job-1", "null")] {
            let answer: serde_json::Value =
                serde_json::from_slice(response(&ledger, id)).expect("JSON");
            let wanted = serde_json::json!(["POST", "application/json", event, "1", true]);
            assert_eq!(answer, wanted, "{php:?}");
        }
        let message = error(&ledger, "job-2", "Function.HttpStatus");
        assert!(message.contains("418"), "{php:?} {message}");
        assert_eq!(site.get("/").status, 200);
    });
}

#[test]
fn event_that_is_no_request_is_an_error_without_a_path() {
    let variables = [("TINDERBOX_WARMUP", "1")];
    with(Php::Fpm, &FILES, &variables, |site| {
        let bodies = [
            r#"{"Records":[]}"#,
            r#"{"warmer":true}"#,
            r#"{"source":"serverless-plugin-warmup"}"#,
        ];
        handle(site, "job-", &bodies);
        let ledger = site.ledger();
        error(&ledger, "job-0", "Runtime.NotAnHttpEvent");
        assert_eq!(response(&ledger, "job-1"), b"null");
        assert_eq!(response(&ledger, "job-2"), b"null");
        assert_eq!(site.get("/").text(), "1");
    });
}

#[test]
fn ready_page_is_requested_in_init_until_it_succeeds() {
    let variables = [("TINDERBOX_READY_PATH", "/ready?x=1")];
    with_each(&FILES, &variables, |php, site| {
        // Three times in vain, and once with a status below 500.
        assert_eq!(site.get("/").text(), "5", "{php:?}");
    });
}

#[test]
fn malformed_request_is_400() {
    with(Php::Fpm, &FILES, &[], |site| {
        let event = serde_json::json!({
            "version": "2.0", "rawPath": "/", "rawQueryString": "", "headers": {},
            "requestContext": {"http": {"method": "POST", "path": "/", "sourceIp": "192.0.2.1"}},
            "body": "no base64!", "isBase64Encoded": true,
        });
        handle(site, "bad-", &[&event.to_string()]);
        let ledger = site.ledger();
        let answer = String::from_utf8_lossy(response(&ledger, "bad-0")).into_owned();
        assert!(answer.contains("\"statusCode\":400"), "{answer}");
        assert_eq!(site.get("/").text(), "1");
        assert_eq!(site.front(Source::Rest).get("/").status, 200);
    });
}

#[test]
fn strip_prefix_is_removed_before_the_script_is_chosen() {
    let files = [
        (
            "public/index.php",
            "<?php echo $_SERVER['REQUEST_URI'], ' ', $_SERVER['SCRIPT_NAME'];",
        ),
        (
            "public/p/x.php",
            "<?php echo 'x ', $_SERVER['SCRIPT_NAME'];",
        ),
    ];
    with(
        Php::Fpm,
        &files,
        &[("TINDERBOX_STRIP_PREFIX", "/stage")],
        |site| {
            assert_eq!(site.get("/stage/a?b=1").text(), "/a?b=1 /index.php");
            assert_eq!(site.get("/stage").text(), "/ /index.php");
            assert_eq!(site.get("/stage/p/x.php").text(), "x /p/x.php");
            assert_eq!(site.get("/stagex").text(), "/stagex /index.php");
            assert_eq!(site.get("/stage/p").status, 200);
        },
    );
}
