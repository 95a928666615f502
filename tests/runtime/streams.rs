//! Streamed responses: chunk by chunk, trailers, broken connections, constant memory.

use crate::skip::skip;
use crate::support::api::{CloseAt, Event, HangUp, Kind, Post, Script, ScriptedReply, Server};
use crate::support::{self, runner, until};
use crate::{assert_echoed, error_message, probe};

/// The error in the trailers of a response: its type, and its JSON.
fn trailers(post: &Post) -> (String, serde_json::Value) {
    let [(type_name, error_type), (body_name, body)] = post.trailers.as_slice() else {
        panic!("trailers {:?}", post.trailers);
    };
    assert_eq!(type_name, "Lambda-Runtime-Function-Error-Type");
    assert_eq!(body_name, "Lambda-Runtime-Function-Error-Body");
    let json = serde_json::from_slice(&decode(body)).expect("JSON in the trailer");
    (error_type.clone(), json)
}

/// Decodes base64 (RFC 4648) bit by bit: independent of the library.
fn decode(text: &str) -> Vec<u8> {
    assert_eq!(text.len() % 4, 0, "{text}");
    let digits = text.trim_end_matches('=');
    assert!(text.len() - digits.len() <= 2, "{text}");
    let alphabet: String = ('A'..='Z').chain('a'..='z').chain('0'..='9').collect();
    let mut bits = Vec::new();
    for digit in digits.chars() {
        let value = (alphabet.clone() + "+/").find(digit).expect("a digit");
        bits.extend((0..6).rev().map(|bit| value >> bit & 1));
    }
    let whole = bits.chunks_exact(8);
    assert!(whole.remainder().iter().all(|bit| *bit == 0), "{text}");
    whole
        .map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | *bit as u8))
        .collect()
}

#[test]
fn stream_sends_a_chunk_per_write_and_the_next_event_follows() {
    let stream = Event::new("stream", "stream 1 words 0 empty 10 70000x3 1048576 1");
    let fine = Event::new("fine", "fine");
    let again = Event::new("again", stream.body.clone());
    let outcome = probe().run(Script::events([&stream, &fine, &again]));
    let ledger = outcome.assert_serving();
    for post in [ledger.answer("stream"), ledger.answer("again")] {
        assert_eq!(post.kind, Kind::Response);
        assert_eq!(post.header("Content-Type"), Some("text/event-stream"));
        let words = stream.body.len() - "stream ".len();
        let chunks = [1, words, 10, 70_000, 70_000, 70_000, 1_048_576, 1];
        assert_eq!(post.chunks, chunks);
        assert_eq!(&post.body[1..=words], &stream.body["stream ".len()..]);
        assert_eq!(post.body_bytes, chunks.iter().sum::<usize>());
        assert_eq!(post.trailers, []);
    }
    assert!(
        ledger.posts[0].get_behind,
        "the GET is sent with the last chunk"
    );
    assert_echoed(ledger, &fine);
    assert_eq!(ledger.connections, 1);
}

#[test]
fn stream_without_a_write_is_an_empty_response() {
    let empty = Event::new("empty", "stream empty");
    let outcome = probe().run(Script::events([&empty]));
    let post = outcome.assert_serving().answer("empty");
    assert_eq!((post.kind, post.body_bytes), (Kind::Response, 0));
    assert_eq!((&post.chunks[..], &post.trailers[..]), (&[][..], &[][..]));
    assert_eq!(post.header("Content-Type"), Some("text/event-stream"));
}

#[test]
fn stream_http_sends_its_head_and_eight_nuls_first() {
    let events = [("http", "stream http 5"), ("none", "stream http")];
    let events = events.map(|(id, body)| Event::new(id, body));
    let outcome = probe().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for (id, body) in [("http", &[0; 5][..]), ("none", b"")] {
        let post = ledger.answer(id);
        let content_type = "application/vnd.awslambda.http-integration-response";
        assert_eq!(post.header("Content-Type"), Some(content_type));
        let end = post.body.windows(8).position(|eight| eight == [0; 8]);
        let end = end.expect("eight NULs");
        let head: serde_json::Value = serde_json::from_slice(&post.body[..end]).expect("JSON");
        let wanted = serde_json::json!({
            "statusCode": 201,
            "headers": {"X-One": "1 \"quoted\"", "X-Two": "\u{e9}\0"},
            "cookies": ["a=b; Path=/", "c=d"],
        });
        assert_eq!(head, wanted);
        assert_eq!(&post.body[end + 8..], body);
        let mut chunks = vec![end + 8];
        chunks.extend(if body.is_empty() { None } else { Some(5) });
        assert_eq!(post.chunks, chunks);
    }
}

#[test]
fn stream_failing_before_its_first_write_posts_an_error() {
    let events = [
        ("fail", "stream fail"),
        ("http", "stream http fail"),
        ("late", "stream late 5"),
        ("long", "stream empty fail-long"),
        ("type", "stream type 5"),
        ("huge", "stream huge 5"),
        ("fine", "stream 5"),
    ];
    let events = events.map(|(id, body)| Event::new(id, body));
    let outcome = probe().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for (id, error_type) in [
        ("fail", "Function.Mid"),
        ("http", "Function.Mid"),
        ("late", "Runtime.StreamTooLate"),
        ("long", "Function.Long"),
        ("type", "Runtime.StreamTooLate"),
        ("huge", "Function.ResponseSizeTooLarge"),
    ] {
        let post = ledger.answer(id);
        assert_eq!((post.kind, &post.chunks[..]), (Kind::Error, &[][..]));
        error_message(post, error_type);
    }
    assert_eq!(ledger.answer("fine").chunks, [5]);
}

#[test]
fn stream_refused_operation_leaves_the_stream_unchanged() {
    let events = [
        ("almost", "stream 5 almost 6 almost 7"),
        ("first", "stream almost 6"),
        ("type", "stream 5 type 6"),
        ("both", "stream 5 almost 6 fail"),
    ];
    let events = events.map(|(id, body)| Event::new(id, body));
    let outcome = probe().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    let almost = ledger.answer("almost");
    assert_eq!(
        (&almost.chunks[..], &almost.trailers[..]),
        (&[5, 6, 7][..], &[][..])
    );
    // Nothing was sent before the failed operation, so the stream is cleared and the response is
    // buffered.
    let first = ledger.answer("first");
    assert_eq!((first.kind, &first.chunks[..]), (Kind::Response, &[][..]));
    let (error_type, _) = trailers(ledger.answer("type"));
    assert_eq!(error_type, "Runtime.StreamTooLate");
    assert_eq!(ledger.answer("type").chunks, [5]);
    let (error_type, json) = trailers(ledger.answer("both"));
    assert_eq!(
        (&*error_type, &json["errorType"]),
        ("Function.Mid", &"Function.Mid".into())
    );
    assert_eq!(ledger.answer("both").chunks, [5, 6]);
}

#[test]
fn stream_cleared_before_its_first_write_is_buffered() {
    let forget = Event::new("forget", "stream forget 5");
    let begun = Event::new("begun", "stream 5 forget 6");
    let outcome = probe().run(Script::events([&forget, &begun]));
    let ledger = outcome.assert_serving();
    let post = ledger.answer("forget");
    assert_eq!((&post.chunks[..], &post.body[..]), (&[][..], &[0; 5][..]));
    assert_eq!(post.header("Content-Type"), Some("application/json"));
    assert_eq!(ledger.answer("begun").chunks, [5, 6]);
}

#[test]
fn stream_failing_after_its_first_write_sends_trailers() {
    let events = [
        ("fail", "stream 5 fail"),
        ("http", "stream http 5 fail"),
        ("long", "stream 5 fail-long"),
        ("fine", "fine"),
    ];
    let events = events.map(|(id, body)| Event::new(id, body));
    let outcome = probe().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for id in ["fail", "http"] {
        let (error_type, json) = trailers(ledger.answer(id));
        let message = "failed \"mid\" stream";
        assert_eq!(error_type, "Function.Mid");
        let wanted = serde_json::json!({
            "errorType": "Function.Mid", "errorMessage": message, "stackTrace": []
        });
        assert_eq!(json, wanted);
    }
    let long = ledger.answer("long");
    let (error_type, json) = trailers(long);
    assert_eq!(error_type, "Function.Long");
    let message = json["errorMessage"].as_str().expect("a message");
    assert!(message.len() > 400 && message.bytes().all(|byte| byte == 0));
    let bytes: usize = long
        .trailers
        .iter()
        .map(|t| t.0.len() + t.1.len() + 4)
        .sum();
    assert!((3000..4000).contains(&bytes), "{bytes} bytes of trailers");
    assert_echoed(ledger, &events[3]);
    assert_eq!(ledger.connections, 1);
}

#[test]
fn stream_with_a_panic_sends_trailers() {
    for (body, streamed) in [("stream 5 panic", true), ("stream panic", false)] {
        let panic = Event::new("panic", body);
        let outcome = probe().run(Script::events([&panic]));
        let ledger = outcome.assert_exit(101);
        let post = ledger.answer("panic");
        assert!(!post.get_behind, "the answer is sent alone");
        if streamed {
            let (error_type, json) = trailers(post);
            assert_eq!(error_type, "Runtime.Panic");
            let message = json["errorMessage"].as_str().expect("a message");
            assert!(message.contains("panicked within a stream"), "{message}");
            assert!(message.contains("src/main.rs:"), "{message}");
        } else {
            error_message(post, "Runtime.Panic");
        }
    }
}

/// The length of the request that the probe sends for an event with this body.
fn request_bytes(id: &str, body: &str) -> usize {
    let event = Event::new(id, body);
    let outcome = probe().run(Script::events([&event]));
    let post = outcome.assert_serving().answer(id);
    let head = format!("POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\n\r\n");
    let lines = |pairs: &[(String, String)]| -> usize {
        pairs
            .iter()
            .map(|(name, value)| name.len() + value.len() + 4)
            .sum()
    };
    let chunks = post
        .chunks
        .iter()
        .map(|size| format!("{size:x}").len() + 4 + size);
    head.len() + lines(&post.headers) + chunks.sum::<usize>() + 5 + lines(&post.trailers)
}

#[test]
fn stream_closed_at_any_offset_fails_its_event_only() {
    let body = "stream 7 pause 1 300 fail";
    let whole = request_bytes("cut", body);
    let count = support::rounds("offsets of a cut stream", whole);
    for hang_up in [HangUp::Fin, HangUp::Reset] {
        let mut script = Script::default();
        let mut events = Vec::new();
        for offset in (0..whole).step_by(whole.div_ceil(count)) {
            let event = Event::new(&format!("cut-{offset}"), body);
            script = script.get(ScriptedReply::event(&event)).post(
                ScriptedReply::status(202)
                    .close_at(CloseAt::InRequest(offset))
                    .by(hang_up),
            );
            // The server delivers the event again; the streamed part is lost.
            script = script
                .get(ScriptedReply::event(&event))
                .post(ScriptedReply::status(202));
            events.push(event);
        }
        let outcome = probe().run(script);
        let ledger = outcome.assert_serving();
        for event in &events {
            let post = ledger.answer(&event.id);
            assert_eq!(post.kind, Kind::Error, "{}; {ledger}", event.id);
            error_message(post, "Runtime.StreamBroken");
        }
    }
}

#[test]
fn stream_with_an_early_reply_is_abandoned_by_its_status() {
    for (status, code) in [(413, None), (400, Some(1))] {
        let stream = Event::new("stream", "stream 100000x200");
        let fine = Event::new("fine", "fine");
        let mut early = ScriptedReply::status(status)
            .close_at(CloseAt::AfterReply)
            .by(HangUp::Close);
        early.early = true;
        let script = Script::events([&stream, &fine]).post(early);
        let outcome = probe().run(script);
        assert_eq!(outcome.code, code, "{}", outcome.ledger);
        assert!(
            outcome.stderr.contains(&status.to_string()),
            "{}",
            outcome.stderr
        );
        if code.is_none() {
            assert_echoed(&outcome.ledger, &fine);
        }
    }
}

#[test]
fn stream_sends_a_chunk_before_the_next_write() {
    let stream = Event::new("stream", "stream 3 pause 60000 4");
    let server = Server::start(Script::events([&stream]));
    let process = probe()
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .spawn();
    until("a chunk of 3 bytes", || server.ledger().streamed_bytes == 3);
    drop(process);
}

#[test]
fn stream_of_200_megabytes_needs_constant_memory() {
    if runner().is_some() {
        skip("the memory of a runner is not that of the function");
        return;
    }
    let small = Event::new("small", "stream 1048576 1");
    let stream = Event::new("stream", "stream 1048576x200 1");
    let server = Server::start(Script::events([&small]));
    let mut process = probe()
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .spawn();
    process.until_idle(&server);
    let before_kib = process.written_kib();
    server.more(vec![ScriptedReply::event(&stream)]);
    process.until_idle(&server);
    let after_kib = process.written_kib();
    println!("written after 1 MB {before_kib} KiB, after 200 MB {after_kib} KiB");
    assert!(after_kib <= before_kib + 8, "{before_kib}, {after_kib} KiB");
    drop(process);
    let ledger = server.finish();
    assert_eq!(ledger.answer("stream").body_bytes, 200 * 1_048_576 + 1);
}
