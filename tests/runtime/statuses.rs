//! Every status at every step: accepted, logged, or the exit of the runtime.

use crate::support::api::{Event, Kind, Script, ScriptedReply};
use crate::{assert_echoed, echo, error_message, probe};

const STATUSES: [u16; 12] = [200, 202, 204, 301, 400, 403, 404, 410, 413, 429, 500, 503];

#[test]
fn status_of_next_other_than_200_and_204_exits_1() {
    let event = Event::new("behind", "event");
    for status in STATUSES {
        if [200, 204].contains(&status) {
            continue;
        }
        // No second request: the event after it is never delivered.
        let script = Script::default()
            .get(ScriptedReply::status(status))
            .get(ScriptedReply::event(&event));
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
fn event_with_a_status_other_than_200_is_not_handled() {
    for status in ["202 Accepted", "404 Not Found", "500 Internal Server Error"] {
        let event = Event::new("event", "event");
        let reply = String::from_utf8(event.reply()).expect("an ASCII reply");
        let script = Script::default().get(ScriptedReply::raw(reply.replace("200 OK", status)));
        let outcome = echo().run(script);
        assert!(outcome.assert_exit(1).posts.is_empty());
    }
}

/// Whether the runtime goes on after this status of a POST.
fn carries_on(status: u16) -> bool {
    (200..300).contains(&status) || status == 410 || status == 413
}

/// Replies to the POST of one event with every status.
fn statuses_of_a_post(body: &str, kind: Kind) {
    for status in STATUSES.into_iter().chain([201, 299]) {
        let event = Event::new("event", body);
        let behind = Event::new("behind", "plain");
        let script = Script::events([&event, &behind]).post(ScriptedReply::status(status));
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
            let is_logged = outcome.stderr.contains(&status.to_string());
            assert!(is_logged, "{status} is not logged: {}", outcome.stderr);
        }
    }
}

#[test]
fn status_of_a_response_decides_whether_to_exit() {
    statuses_of_a_post("echo", Kind::Response);
}

#[test]
fn status_of_an_error_decides_whether_to_exit() {
    statuses_of_a_post("fail", Kind::Error);
}

#[test]
fn post_refused_exits_1_before_an_event_in_the_same_write() {
    // Both replies in one write: the event after a refusal must not be handled.
    for status in [400, 403, 404, 500] {
        let event = Event::new("event", "event");
        let behind = Event::new("behind", "behind");
        let mut both = ScriptedReply::status(status);
        both.bytes.extend_from_slice(&behind.reply());
        let outcome = echo().run(Script::events([&event]).post(both));
        let ledger = outcome.assert_exit(1);
        assert_eq!(ledger.posts.len(), 1, "{status}: {ledger}");
        assert_eq!(ledger.posts[0].id, "event");
    }
}

#[test]
fn post_reply_in_any_framing_is_read_to_its_end() {
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
        script = script
            .get(ScriptedReply::event(&event))
            .post(ScriptedReply::raw(reply));
        events.push(event);
    }
    let spaces = " ".repeat(200_000);
    let long = format!("HTTP/1.1 202 Accepted\r\nContent-Length: 200000\r\n\r\n{spaces}");
    let event = Event::new("long-reply", "event");
    script = script
        .get(ScriptedReply::event(&event))
        .post(ScriptedReply::raw(long));
    events.push(event);
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn init_error_is_posted_once_and_its_status_decides_the_exit_code() {
    for status in STATUSES {
        let script = Script::default().post(ScriptedReply::status(status));
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
