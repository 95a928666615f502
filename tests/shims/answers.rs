//! Answers of every worker: the same in all four languages.

use serde_json::{Value, json};

use crate::driver::Language;
use crate::support::rounds;

crate::for_each_language! {
    event_of_any_json_is_echoed
    event_of_every_size_is_echoed
    event_not_json_is_an_error
    exception_is_an_error_and_the_next_event_is_answered
    result_not_json_is_an_error
    error_type_with_odd_characters_is_cleaned
    error_report_of_a_long_message_is_truncated
    context_with_all_fields_is_passed_on
    context_without_fields_has_none
    sequence_number_of_any_size_is_echoed
    log_of_many_lines_is_whole
}

fn event_of_any_json_is_echoed(language: Language) {
    let mut worker = language.start(
        "hello",
        if language == Language::Php {
            "hello"
        } else {
            "handler"
        },
    );
    worker.expect_ready();
    for event in [
        json!({"name": "world"}),
        json!([1, 2.5, -0.001, 9007199254740991_i64, true, false, null, ""]),
        json!({"text": "ä ß € 𝄞 \u{0}\u{7f}\u{85}\u{2028}\u{feff} \" \\ / \n \r \t"}),
        json!("text"),
        json!(7),
        json!(null),
        json!({"a": {"b": [[[{"c": "d"}]]]}}),
    ] {
        let answer = worker.ask(&serde_json::to_vec(&event).expect("JSON"));
        assert_eq!(answer.json(), event);
    }
    // An invoke without a payload; an object is an array in PHP.
    let none = if language == Language::Php {
        json!([])
    } else {
        json!({})
    };
    assert_eq!(worker.ask(b"").json(), none);
    assert_eq!(worker.ask(b" {}\r\n").json(), none);
    worker.assert_exits_silently();
}

fn event_of_every_size_is_echoed(language: Language) {
    let mut worker = language.case("same");
    assert_eq!(worker.ask(b"7").body, b"7");
    for bytes in [2, 60, 8_191, 8_192, 8_193, 65_536, 1_000_000, 6_291_456, 60] {
        let mut event: Vec<u8> = (0..bytes).map(|at| b'a' + (at % 23) as u8).collect();
        event[0] = b'"';
        event[bytes - 1] = b'"';
        let answer = worker.ask(&event);
        assert!(
            answer.body == event,
            "{bytes} bytes changed: {}",
            answer.verb
        );
    }
    // The event takes a few bytes, the answer 6 MiB.
    let mut worker = language.case("big");
    for bytes in [2, 8_193, 6_291_456] {
        let answer = worker.ask(format!("{{\"bytes\": {bytes}}}").as_bytes());
        assert_eq!(answer.body.len(), bytes);
        assert_eq!(
            answer.json().as_str().map(|text| text.trim_matches('a')),
            Some("")
        );
    }
}

fn event_not_json_is_an_error(language: Language) {
    let mut worker = language.case("same");
    for event in [
        &b"\"\xff\xfe\""[..],
        b"{\"a\": \"\xed\xa0\x80\"}",
        b"{",
        b"{'a': 1}",
        b" ",
        b"\"\0\"",
        b"\0",
        b"1 2",
    ] {
        let answer = worker.ask(event);
        assert_eq!(answer.verb, "error", "{}", answer.text());
        assert!(!answer.message("error", &answer.kind).is_empty());
    }
    assert_eq!(worker.ask(b"1").body, b"1");
    let (status, log) = worker.ended(true);
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(log.is_empty(), !language.logs_errors(), "{log}");
    // The handler ignores the event, and must not answer all the same.
    let answer = language.case("big").ask(b"{\"bytes\": 2, \"\": \"\xff\"}");
    assert_eq!(answer.verb, "error", "{}", answer.text());
}

fn exception_is_an_error_and_the_next_event_is_answered(language: Language) {
    let kind = match language {
        Language::Php => "DomainException",
        Language::Node => "RangeError",
        Language::Python => "LookupError",
        Language::Ruby => "Function<IndexError>",
    };
    let mut worker = language.case("throws");
    for _ in 0..3 {
        let answer = worker.ask(b"{}");
        assert_eq!(answer.message("error", kind), "it was thrown");
        let trace = answer.trace();
        let file = language.file("cases");
        let file = file.to_str().expect("text");
        assert!(trace.iter().any(|line| line.contains(file)), "{trace:?}");
        assert!(trace.iter().any(|line| line.contains("inner")), "{trace:?}");
        let own = [
            "command line code",
            "[eval",
            "<string>",
            "-e:",
            "frozen",
            "tinderbox",
        ];
        let others = trace
            .iter()
            // The folder that all this is in may have any name.
            .map(|line| line.replace(file, ""))
            .find(|line| own.iter().any(|own| line.to_lowercase().contains(own)));
        assert_eq!(others, None, "a line of the worker itself");
    }
    let text = "ä € 𝄞 \" \\ \n \u{0}";
    let event = serde_json::to_vec(&json!({ "message": text })).expect("JSON");
    assert_eq!(worker.ask(&event).message("error", kind), text);
    if language.logs_errors() {
        worker.until_log(|log| log.matches(kind).count() >= 4 && log.ends_with('\n'));
    }
    worker.assert_exits_silently();
}

fn result_not_json_is_an_error(language: Language) {
    let mut names = vec!["unfit"];
    match language {
        Language::Python => names.push("unfit_type"),
        Language::Ruby => names.push("unfit_text"),
        _ => {}
    }
    for name in names {
        let mut worker = language.case(name);
        for count in 1..=2 {
            let answer = worker.ask(b"{}");
            assert!(!answer.message("error", &answer.kind).is_empty());
            if language.logs_errors() {
                let is_there = |log: &str| log.matches(&answer.kind).count() >= count;
                worker.until_log(|log| is_there(log) && log.ends_with('\n'));
            }
        }
        let (status, log) = worker.ended(true);
        assert_eq!(status.code(), Some(0), "{log}");
        assert_eq!(log.is_empty(), !language.logs_errors(), "{log}");
    }
}

fn error_type_with_odd_characters_is_cleaned(language: Language) {
    let mut worker = language.case("odd_type");
    let answer = worker.ask(b"{}");
    assert_eq!(answer.message("error", &answer.kind), "odd");
    let part = match language {
        Language::Php => "Exception@anonymous",
        Language::Ruby => "Function<Gr____e>",
        Language::Node | Language::Python => "Gr__e___1",
    };
    assert_eq!(answer.kind, part);
}

fn error_report_of_a_long_message_is_truncated(language: Language) {
    let mut worker = language.case("throws");
    for text in ["x", "\u{1}", "𝄞", "€"] {
        let message = text.repeat(1_000_000);
        let event = serde_json::to_vec(&json!({ "message": message })).expect("JSON");
        let answer = worker.ask(&event);
        let reported = answer.message("error", &answer.kind);
        // A cut within a character may leave a substitute.
        let reported = reported.trim_end_matches(['\u{fffd}', '?']);
        assert!(
            reported.len() > 5_000 && message.starts_with(reported),
            "{text}"
        );
    }
}

fn context_with_all_fields_is_passed_on(language: Language) {
    let mut worker = language.case("context");
    let client =
        r#"{"client":{"app_title":"täpp","installation_id":"i"},"custom":{"a":"b=c"},"env":{}}"#;
    let identity = r#"{"cognitoIdentityId":"us-1:2","cognitoIdentityPoolId":"us-1:3"}"#;
    let now = std::time::SystemTime::now();
    let now_ms = now
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_millis();
    let context = format!(
        "request-id=8476a536-e9f4\nunknown-name=value=with=signs\ndeadline-ms={}\n\
         function-arn=arn:aws:lambda:eu-west-1:123456789012:function:sample\n\
         trace-id=Root=1-5e1b4151;Parent=53995c3f42cd8ad8;Sampled=1\n\
         client-context={client}\n\
         cognito-identity={identity}\n\
         tenant-id=blue\n",
        now_ms + 500_000
    );
    let mut answer = worker.ask_with(&context, b"{}").json();
    let remaining_ms = answer["remaining_ms"].take();
    let remaining_ms = remaining_ms.as_i64().expect("a whole number");
    assert!(
        (300_000..=500_000).contains(&remaining_ms),
        "{remaining_ms}"
    );
    let trace = "Root=1-5e1b4151;Parent=53995c3f42cd8ad8;Sampled=1";
    let wanted = json!({
        "aws_request_id": "8476a536-e9f4",
        "invoked_function_arn": "arn:aws:lambda:eu-west-1:123456789012:function:sample",
        "tenant_id": "blue",
        "function_name": "sample",
        "function_version": "$LATEST",
        "memory_limit": "128",
        "log_group_name": "/aws/lambda/sample",
        "log_stream_name": "2026/11/22/[$LATEST]0",
        "client_app": "täpp",
        "client_custom": {"a": "b=c"},
        "identity_id": "us-1:2",
        "identity_pool": "us-1:3",
        "remaining_ms": null,
        "trace": trace,
        "trace_of_child": trace,
    });
    assert_eq!(answer, wanted);
    // A deadline in the past, and no field of the previous event.
    let answer = worker
        .ask_with("request-id=2\ndeadline-ms=1000\n", b"{}")
        .json();
    assert_eq!(answer["remaining_ms"], 0);
    assert_eq!(answer["aws_request_id"], "2");
    for name in [
        "tenant_id",
        "client_app",
        "identity_id",
        "trace",
        "trace_of_child",
    ] {
        assert_eq!(answer[name], Value::Null, "{name}");
    }
    // The runtime passes on what it was sent.
    let answer = worker.ask_with("client-context={\n", b"{}").json();
    assert_eq!(answer["client_app"], Value::Null);
    assert_eq!(worker.ask(b"{}").verb, "ok");
}

fn context_without_fields_has_none(language: Language) {
    let mut worker = language.case("context");
    let mut answer = worker.ask_with("", b"{}").json();
    let remaining_ms = answer["remaining_ms"].take();
    let remaining_ms = remaining_ms.as_i64().expect("a whole number");
    assert!(
        (700_000..=900_000).contains(&remaining_ms),
        "{remaining_ms}"
    );
    for (name, value) in answer.as_object().expect("an object") {
        let of_the_function = ["function_", "memory_", "log_"]
            .iter()
            .any(|start| name.starts_with(start));
        assert_eq!(value.is_null(), !of_the_function, "{name}: {value}");
    }
}

fn sequence_number_of_any_size_is_echoed(language: Language) {
    let mut worker = language.case("same");
    for sequence in [
        1,
        2,
        9,
        10,
        4_294_967_295,
        4_294_967_296,
        9_007_199_254_740_990,
    ] {
        worker.sequence = sequence - 1;
        assert_eq!(worker.ask(b"1").sequence, Some(sequence));
    }
    let mut worker = language.case("throws");
    worker.sequence = 41;
    assert_eq!(worker.ask(b"{}").sequence, Some(42));
}

fn log_of_many_lines_is_whole(language: Language) {
    let mut worker = language.case("logs");
    let lines = rounds("bytes of a log", 1_000_000) / 200;
    for round in 1..=2 {
        let event = format!("{{\"bytes\": {}}}", lines * 200);
        assert_eq!(worker.ask(event.as_bytes()).json(), "logged");
        let bytes = round * (lines * 200 + "the end".len());
        worker.until_log(|log| log.len() == bytes);
        let log = worker.log();
        let whole = log.replace("the end", "");
        assert!(whole.bytes().all(|byte| byte == b'x' || byte == b'\n'));
        assert_eq!(log.matches("the end").count(), round);
    }
    worker.assert_exits_silently();
}
