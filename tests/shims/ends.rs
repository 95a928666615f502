//! Exits of a worker: by itself, within an event, before it was ready, with the runtime.

use crate::driver::Language;
use crate::support::sys::SIGKILL;

crate::for_each_language! {
    exit_within_an_event_is_reported
    worker_killed_sends_nothing
    file_that_throws_is_an_init_error
    file_that_exits_is_an_init_error
    file_with_syntax_error_is_an_init_error
    handler_missing_is_an_init_error
    file_missing_is_an_init_error
    channel_closed_while_idle_ends_the_worker_silently
    channel_closed_within_a_frame_ends_the_worker_silently
    channel_closed_within_an_answer_ends_the_worker
}

/// Where a worker logs its errors, the log has this text; elsewhere it is empty.
fn assert_logged(language: Language, log: &str, text: &str) {
    let is_right = match language.logs_errors() {
        true => log.contains(text),
        false => log.is_empty(),
    };
    assert!(is_right, "{language:?}: {log}");
}

fn exit_within_an_event_is_reported(language: Language) {
    for status in [0, 3] {
        let mut logged = "";
        let mut worker = language.case("exits");
        let event = format!("{{\"status\": {status}}}");
        // In Node, no code can answer any more: the runtime gets the exit status.
        if language == Language::Node {
            worker.send("", event.as_bytes());
        } else {
            let message = worker
                .ask(event.as_bytes())
                .message("fatal", "Runtime.ExitError");
            assert!(message.contains("exit("), "{message}");
            logged = "exit(";
        }
        assert_logged(language, &worker.assert_exits(status), logged);
    }
}

fn worker_killed_sends_nothing(language: Language) {
    let mut worker = language.case("dies");
    worker.send("request-id=1\n", b"{}");
    worker.assert_killed(SIGKILL);
}

fn file_that_throws_is_an_init_error(language: Language) {
    let kind = match language {
        Language::Php => "DomainException",
        Language::Node => "RangeError",
        Language::Python => "LookupError",
        Language::Ruby => "Init<IndexError>",
    };
    let mut worker = language.start("init_throws", "same");
    let answer = worker.answer();
    assert_eq!(answer.message("init-error", kind), "no database");
    let trace = answer.trace();
    assert!(
        trace.iter().any(|line| line.contains("init_throws")),
        "{trace:?}"
    );
    assert_logged(language, &worker.assert_exits(1), "no database");
}

fn file_that_exits_is_an_init_error(language: Language) {
    let mut worker = language.start("init_exits", "same");
    if language == Language::Node {
        assert_eq!(worker.assert_exits(7), "");
    } else {
        let message = worker.answer().message("init-error", "Runtime.ExitError");
        assert!(message.contains("exit("), "{message}");
        assert_logged(language, &worker.assert_exits(1), "exit(");
    }
}

fn file_with_syntax_error_is_an_init_error(language: Language) {
    let kind = match language {
        Language::Php => "ParseError",
        Language::Ruby => "Init<SyntaxError>",
        Language::Python | Language::Node => "Runtime.UserCodeSyntaxError",
    };
    let mut worker = language.start("syntax", "same");
    let answer = worker.answer();
    assert!(!answer.message("init-error", kind).is_empty());
    // The place is in the report or in the log.
    let text = answer.text() + &worker.assert_exits(1);
    assert!(
        text.contains(language.file("syntax").to_str().expect("text")),
        "{text}"
    );
}

fn handler_missing_is_an_init_error(language: Language) {
    for name in ["no_such_function", "no.such.function", ""] {
        // Python then takes the path for the whole of `_HANDLER`.
        if name.is_empty() && language == Language::Python {
            continue;
        }
        let mut worker = language.start("cases", name);
        let answer = worker.answer();
        let kind = "Runtime.HandlerNotFound";
        let message = answer.message("init-error", kind);
        let part = match (language, name) {
            // PHP expects that the file returns the function.
            (Language::Php, "") => "return function",
            // Ruby takes the path for the whole of `_HANDLER`.
            (Language::Ruby, "") => "'rb'",
            // AWS's message for Node has no quotes.
            (Language::Node, _) => &format!(".{name} is undefined or not exported"),
            _ => &format!("'{name}'"),
        };
        assert!(message.contains(part), "{message}");
        assert_logged(language, &worker.assert_exits(1), kind);
    }
}

fn file_missing_is_an_init_error(language: Language) {
    let mut worker = language.start("no_such_file", "same");
    let answer = worker.answer();
    assert!(
        answer
            .message("init-error", &answer.kind)
            .contains("no_such_file")
    );
    worker.assert_exits(1);
}

fn channel_closed_while_idle_ends_the_worker_silently(language: Language) {
    language.case("same").assert_exits_silently();
    let mut worker = language.case("same");
    assert_eq!(worker.ask(b"1").body, b"1");
    worker.assert_exits_silently();
}

fn channel_closed_within_a_frame_ends_the_worker_silently(language: Language) {
    for part in [
        "1",
        "1 0 5\n",
        "1 0 5\n\"ab",
        "1 13 2\nrequest",
        "1 13 2\nrequest-id=1\n",
    ] {
        let mut worker = language.case("same");
        worker.send_bytes(part.as_bytes());
        let (status, log) = worker.ended(true);
        assert_eq!((status.code(), &*log), (Some(0), ""), "after {part:?}");
    }
}

fn channel_closed_within_an_answer_ends_the_worker(language: Language) {
    let mut worker = language.case("big");
    worker.send("", b"{\"bytes\": 6000000}");
    // The answer is longer than the socket's buffer, and has begun.
    worker.until_answering();
    let (status, log) = worker.ended(true);
    assert_eq!((status.code(), &*log), (Some(0), ""));
}
