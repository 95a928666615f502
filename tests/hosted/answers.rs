//! Events and answers of every kind: any bytes, any size, errors, init errors.

use crate::for_kinds;
use crate::kinds::{Kind, command};
use crate::support::api::{Event, Kind as Post, PAYLOAD_BYTES_MAX, Script};
use crate::support::hosting::{error, error_type, events, message, response};

for_kinds!(any [bash dash program worker php node python ruby] [
    event_of_any_json_is_echoed
    event_and_response_of_the_largest_size_pass
    response_over_the_limit_fails_its_event_alone
    event_of_any_bytes_is_answered
    handler_error_is_reported_and_the_next_event_is_served
]);

for_kinds!(persistent [bash dash worker php node python ruby] [
    init_error_is_reported_as_the_language_names_it
    exit_at_init_is_reported
]);

for_kinds!(file [bash dash php node python ruby] [
    function_missing_is_an_init_error
    file_with_syntax_error_is_an_init_error
]);

/// The same JSON value, or, of a kind that takes any bytes, the same bytes.
fn assert_same(kind: &Kind, answer: &[u8], event: &[u8]) {
    if kind.is_json {
        let value = |text| serde_json::from_slice::<serde_json::Value>(text).expect("JSON");
        assert_eq!(value(answer), value(event));
    } else {
        let (answer, event) = [answer, event].map(String::from_utf8_lossy).into();
        assert_eq!(answer, event);
    }
}

fn event_of_any_json_is_echoed(kind: &Kind) {
    let events = events([
        r#"{"a":[1,2.5,{"b":null}],"c":true}"#,
        "\"text\"",
        "{\n  \"lines\": [\n\t\"in\",\r\n\"several\"]}",
        r#"{"quotes":"a \"b\" 'c' `ls` $HOME $(ls) \\ \\n","'":"'\\''","d":"''"}"#,
        "{\"words\":\"\u{fc}\u{20ac}\u{1f525}\\ud83d\\ude00\\u0000\"}",
        "17",
        "0",
        "false",
        "null",
        "\"-n\"",
        "[\"%s\",\"%d\\\\\"]",
    ]);
    let outcome = kind.hosted_run().run(&events);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_same(kind, response(ledger, &event.id), &event.body);
        let content_type = ledger.answer(&event.id).header("Content-Type");
        // That of AWS's client for Ruby.
        let wanted = match kind.file {
            "index.rb" => "application/x-www-form-urlencoded",
            _ => "application/json",
        };
        assert_eq!(content_type, Some(wanted));
    }
    assert_eq!(ledger.connections, 1);
}

fn event_and_response_of_the_largest_size_pass(kind: &Kind) {
    let text = |bytes| format!("\"{}\"", "y".repeat(bytes - 2));
    let events = [
        Event::new("largest", text(PAYLOAD_BYTES_MAX)),
        Event::new("small", "\"small\""),
        Event::new("chunked", text(PAYLOAD_BYTES_MAX)).chunked(&[32 * 1024]),
    ];
    let outcome = kind.hosted_run().run(&events);
    let ledger = outcome.assert_serving();
    for event in &events {
        let answer = response(ledger, &event.id);
        assert!(answer == event.body, "{}: {ledger}", event.id);
    }
}

fn response_over_the_limit_fails_its_event_alone(kind: &Kind) {
    let sizes = [PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX + 1, 9, 9_000_000, 10];
    let commands = sizes.map(|size| command(&format!("big {}", size - 2)));
    let outcome = kind.hosted_run().run(&events(commands));
    let ledger = outcome.assert_serving();
    for (number, size) in sizes.into_iter().enumerate() {
        let id = format!("event-{number}");
        if size > PAYLOAD_BYTES_MAX {
            error(ledger, &id, "Function.ResponseSizeTooLarge");
        } else {
            assert_eq!(response(ledger, &id).len(), size);
        }
        assert_eq!(ledger.posts_of(&id).len(), 1, "{ledger}");
    }
}

fn event_of_any_bytes_is_answered(kind: &Kind) {
    let mut all: Vec<u8> = (1..=255).collect();
    all.push(b'.');
    let bodies = [
        b"".to_vec(),
        all,
        b"\"\xff\xfe\"".to_vec(),
        b"not json".to_vec(),
        b"\"fine\"".to_vec(),
    ];
    let events = events(bodies);
    let outcome = kind.hosted_run().run(&events);
    let ledger = outcome.assert_serving();
    if !kind.is_json {
        for event in &events {
            assert_eq!(response(ledger, &event.id), event.body, "{}", event.id);
        }
        return;
    }
    // An empty payload is an empty object, in PHP an empty array.
    let empty = response(ledger, "event-0");
    assert!([b"{}", b"[]"].contains(&empty.try_into().expect("two bytes")));
    for id in ["event-1", "event-2", "event-3"] {
        let answer = ledger.answer(id);
        assert_eq!(answer.kind, Post::Error, "{id}");
        assert!(!error(ledger, id, &error_type(answer)).is_empty());
        assert!(!answer.body.is_empty() && ledger.posts_of(id).len() == 1);
    }
    assert_eq!(response(ledger, "event-4"), b"\"fine\"");
}

fn handler_error_is_reported_and_the_next_event_is_served(kind: &Kind) {
    let outcome = kind.hosted_run().run(&events([
        command("pid"),
        command("fail for a reason"),
        command("pid"),
        command("fail for another"),
        "\"fine\"".to_string(),
    ]));
    let ledger = outcome.assert_serving();
    let first = error(ledger, "event-1", kind.failure);
    assert!(first.contains("for a reason"), "{first}");
    let second = error(ledger, "event-3", kind.failure);
    assert!(
        second.contains("for another") && !second.contains("reason"),
        "{second}"
    );
    assert_eq!(response(ledger, "event-4"), b"\"fine\"");
    if kind.is_persistent {
        let [before, after] = ["event-0", "event-2"].map(|id| response(ledger, id));
        assert_eq!(before, after, "an error does not end the process");
    }
    if kind.is_json {
        let body = String::from_utf8_lossy(&ledger.answer("event-1").body);
        assert!(body.contains(kind.file), "the trace has the place: {body}");
    }
}

/// The type and message of the init error of a start that fails before it requests an event.
fn init_error(hosted: &crate::kinds::HostedRun) -> (String, String) {
    let outcome = hosted.start.run(Script::events(&events(["never"])));
    let ledger = &outcome.ledger;
    assert_eq!(outcome.code, Some(3), "{ledger}\n{}", outcome.stderr);
    assert_eq!((ledger.gets, ledger.posts.len()), (0, 1), "{ledger}");
    let post = &ledger.posts[0];
    assert_eq!(post.kind, Post::InitError);
    let error_type = error_type(post);
    let message = message(post, &error_type);
    (error_type, message)
}

fn init_error_is_reported_as_the_language_names_it(kind: &Kind) {
    let (error_type, message) = init_error(&kind.hosted_run().variable("INIT", "throw"));
    let (wanted, part) = kind.init_failure;
    assert_eq!(error_type, wanted, "{message}");
    assert!(message.contains(part), "{message}");
}

fn exit_at_init_is_reported(kind: &Kind) {
    let (error_type, message) = init_error(&kind.hosted_run().variable("INIT", "exit"));
    assert_eq!(error_type, "Runtime.ExitError", "{message}");
    assert!(message.contains("exit"), "{message}");
}

fn function_missing_is_an_init_error(kind: &Kind) {
    let stem = kind.handler.split('.').next().expect("a word");
    let handler = format!("{stem}.nothing");
    let (error_type, message) = init_error(&kind.hosted_run().variable("_HANDLER", &handler));
    assert_eq!(error_type, "Runtime.HandlerNotFound", "{message}");
}

fn file_with_syntax_error_is_an_init_error(kind: &Kind) {
    let source = match kind.file {
        "hello.php" => "<?php\nfunction hello($a { }\n",
        "function.sh" => "handler() {\n    case x in\n}\n",
        "index.py" => "def handler(event, context:\n    pass\n",
        "index.rb" => "def handler(event:, context:)\n  (\nend\n",
        _ => "export const handler = (event => { }\n",
    };
    let (error_type, message) = init_error(&kind.with_source(source));
    let word = match kind.file {
        "hello.php" => "ParseError",
        "function.sh" => "Runtime.ExitError",
        "index.rb" => "Init<SyntaxError>",
        "index.py" => "Runtime.UserCodeSyntaxError",
        "index.mjs" => "Runtime.UserCodeSyntaxError",
        _ => "SyntaxError",
    };
    assert_eq!(error_type, word, "{message}");
    assert!(!message.is_empty());
}
