//! Every status at every step: what is accepted, what is logged, what ends the runtime.

use crate::support::api::{Event, Kind, Script, Turn};
use crate::{assert_echoed, echo, error_message, probe};

const STATUSES: [u16; 12] = [200, 202, 204, 301, 400, 403, 404, 410, 413, 429, 500, 503];

#[test]
fn every_status_of_next_but_200_and_204_ends_the_runtime() {
    let event = Event::new("behind", "event");
    for status in STATUSES {
        if [200, 204].contains(&status) {
            continue;
        }
        // It must not ask again: an event that waits behind is never delivered.
        let script = Script::default()
            .get(Turn::status(status))
            .get(Turn::event(&event));
        let outcome = echo().run(script);
        let ledger = outcome.assert_exit(1);
        assert_eq!(
            (ledger.gets, ledger.posts.len()),
            (1, 0),
            "{status}: {ledger}"
        );
        assert!(
            outcome.stderr.contains(&status.to_string()),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn an_event_that_came_with_another_status_than_200_is_not_handled() {
    for status in ["202 Accepted", "404 Not Found", "500 Internal Server Error"] {
        let event = Event::new("event", "event");
        let reply = String::from_utf8(event.reply()).expect("an ASCII reply");
        let script = Script::default().get(Turn::raw(reply.replace("200 OK", status)));
        let outcome = echo().run(script);
        assert!(outcome.assert_exit(1).posts.is_empty());
    }
}

/// What a status of a POST's reply leads to.
fn carries_on(status: u16) -> bool {
    (200..300).contains(&status) || status == 410 || status == 413
}

/// One event that is answered by `start`, its POST replied to with every status.
fn statuses_of_a_post(body: &str, kind: Kind) {
    for status in STATUSES.into_iter().chain([201, 299]) {
        let event = Event::new("event", body);
        let behind = Event::new("behind", "plain");
        let script = Script::events([&event, &behind]).post(Turn::status(status));
        let outcome = probe().run(script);
        let ledger = match carries_on(status) {
            true => outcome.assert_serving(),
            false => outcome.assert_exit(1),
        };
        let posts = ledger.posts_of("event");
        assert_eq!(posts.len(), 1, "{status}: {ledger}");
        assert_eq!(posts[0].kind, kind, "{status}: {ledger}");
        if carries_on(status) {
            assert_echoed(ledger, &behind);
        } else {
            assert!(ledger.posts_of("behind").is_empty(), "{status}: {ledger}");
        }
        if status >= 300 {
            let said = outcome.stderr.contains(&status.to_string());
            assert!(said, "{status} is not named: {}", outcome.stderr);
        }
    }
}

#[test]
fn every_status_of_a_response_is_judged() {
    statuses_of_a_post("echo", Kind::Response);
}

#[test]
fn every_status_of_an_error_is_judged() {
    statuses_of_a_post("fail", Kind::Error);
}

#[test]
fn a_refused_post_is_judged_before_an_event_that_is_there_already() {
    // Both replies in one write: the event behind a refusal must not be handled.
    for status in [400, 403, 404, 500] {
        let event = Event::new("event", "event");
        let behind = Event::new("behind", "behind");
        let mut both = Turn::status(status);
        both.reply.extend_from_slice(&behind.reply());
        let outcome = echo().run(Script::events([&event]).post(both));
        let ledger = outcome.assert_exit(1);
        assert_eq!(ledger.posts.len(), 1, "{status}: {ledger}");
        assert_eq!(ledger.posts[0].id, "event");
    }
}

#[test]
fn a_refused_post_whose_reply_is_chunked_or_empty_leaves_the_connection_in_step() {
    let replies = [
        "HTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 410 Gone\r\ncontent-length:5\r\n\r\nabcde",
        "HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ];
    let mut script = Script::default();
    let mut events = Vec::new();
    for (number, reply) in replies.into_iter().enumerate() {
        let event = Event::new(&format!("step-{number}"), format!("event {number}"));
        script = script.get(Turn::event(&event)).post(Turn::raw(reply));
        events.push(event);
    }
    let spaces = " ".repeat(200_000);
    let long = format!("HTTP/1.1 202 Accepted\r\nContent-Length: 200000\r\n\r\n{spaces}");
    let event = Event::new("long-reply", "event");
    script = script.get(Turn::event(&event)).post(Turn::raw(long));
    events.push(event);
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn an_init_error_is_posted_once_and_a_refusal_shows_in_the_exit_code() {
    for status in STATUSES {
        let script = Script::default().post(Turn::status(status));
        let outcome = probe().variable("PROBE_INIT", "fail").run(script);
        // 3: an init error was reported; 1: the Runtime API refused us.
        let ledger = outcome.assert_exit(if carries_on(status) { 3 } else { 1 });
        assert_eq!(
            (ledger.gets, ledger.posts.len()),
            (0, 1),
            "{status}: {ledger}"
        );
        assert_eq!(ledger.posts[0].kind, Kind::InitError);
        let message = error_message(&ledger.posts[0], "Function.ProbeInit");
        assert_eq!(message, "probe init failed");
    }
}
