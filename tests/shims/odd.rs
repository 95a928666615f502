//! Hostile handlers: odd exceptions, and changes to the objects and streams that the worker uses.
//! The event is answered with as much as can be reported, and the worker lives on.

use crate::driver::{Frame, Language, Worker};

/// The function, the type of its error (empty: any), a part of the message.
type Wanted = (&'static str, &'static str, &'static str);

fn assert_error(answer: &Frame, (name, kind, part): Wanted, verb: &str) {
    let kind = if kind.is_empty() { &answer.kind } else { kind };
    let message = answer.message(verb, kind);
    assert!(message.contains(part), "{name}: {message}");
}

/// Each of these functions fails twice in one worker.
fn assert_each_is_an_error(language: Language, all: &[Wanted]) {
    if !language.is_here() {
        return;
    }
    for &wanted in all {
        let mut worker = language.start("odd", wanted.0);
        worker.expect_ready();
        for _ in 0..2 {
            assert_error(&worker.ask(b"{}"), wanted, "error");
        }
        worker.ended(true);
    }
}

/// Each of these functions answers three events in one worker.
fn assert_each_is_answered(language: Language, all: &[&str]) {
    if !language.is_here() {
        return;
    }
    for name in all {
        let mut worker = language.start("odd", name);
        worker.expect_ready();
        for event in ["[1]", "[2]", "[3]"] {
            let answer = worker.ask(event.as_bytes());
            assert_eq!(answer.body, event.as_bytes(), "{name}: {}", answer.text());
        }
        worker.ended(true);
    }
}

/// A worker for this function, where there is the interpreter.
fn start(language: Language, name: &str) -> Option<Worker> {
    language.is_here().then(|| {
        let mut worker = language.start("odd", name);
        worker.expect_ready();
        worker
    })
}

/// The function answers, an exception is thrown between two events, and the function answers again.
fn assert_logged_between_events(language: Language, name: &str, parts: &[&str]) {
    let Some(mut worker) = start(language, name) else {
        return;
    };
    for count in 1..=3 {
        assert_eq!(worker.ask(b"[1]").body, b"[1]");
        worker.until_log(|log| parts.iter().all(|part| log.matches(part).count() >= count));
    }
    let (status, _) = worker.ended(true);
    assert_eq!(status.code(), Some(0));
}

/// A closed channel ends the worker, which does not retry without limit.
fn assert_closed_channel_ends_worker(language: Language) {
    if let Some(mut worker) = start(language, "channel_is_closed") {
        worker.send("", b"{}");
        let (_, log) = worker.ended(true);
        assert!(log.len() < 2_000, "{log}");
    }
}

mod python {
    use super::*;

    #[test]
    fn odd_exception_is_reported_and_the_worker_lives_on() {
        let failed = "<exception str() failed>";
        assert_each_is_an_error(
            Language::Python,
            &[
                ("message_raises", "MessageRaises", failed),
                ("message_exits", "MessageExits", failed),
                ("message_is_no_text", "MessageIsNoText", failed),
                ("message_is_odd", "MessageIsOdd", failed),
                ("message_is_not_utf_8", "ValueError", "a?z"),
                ("message_is_a_tuple", "ValueError", "(1, None)"),
                ("no_name", "Error", "nameless"),
                ("name_raises", "Error", "who am I"),
                ("attributes_raise", "AttributesRaise", "closed up"),
                ("notes_are_odd", "ValueError", "with notes"),
                ("place_is_odd", "SyntaxError", ""),
                ("no_traceback_module", "", ""),
                ("stdout_is_none_and_it_throws", "ValueError", "in silence"),
                ("stderr_is_closed_and_it_throws", "", ""),
                ("dies_odd", "ValueError", "with a member"),
            ],
        );
    }

    #[test]
    fn stdout_closed_by_the_handler_fails_no_event() {
        let all = ["stdout_is_none", "stdout_is_no_file", "buffer"];
        assert_each_is_answered(Language::Python, &all);
        if let Some(mut worker) = start(Language::Python, "stdout_is_closed") {
            assert_eq!(worker.ask(b"[1]").body, b"[1]");
            // Python allows to close it twice.
            assert_eq!(worker.ask(b"[2]").body, b"[2]");
        }
        if let Some(mut worker) = start(Language::Python, "stdout_is_none") {
            assert_eq!(worker.ask(b"[1]").body, b"[1]");
            worker.until_log(|log| log == "before");
        }
    }

    #[test]
    fn message_without_traceback_module_is_reported() {
        if let Some(mut worker) = start(Language::Python, "no_traceback_module") {
            let answer = worker.ask(b"{}");
            assert_eq!(answer.message("error", "ValueError"), "without modules");
        }
    }

    #[test]
    fn signal_handler_that_raises_between_events_is_logged() {
        assert_logged_between_events(Language::Python, "alarm", &["TimeoutError: rings"]);
    }

    #[test]
    fn channel_closed_by_the_handler_ends_the_worker() {
        assert_closed_channel_ends_worker(Language::Python);
    }
}

mod ruby {
    use super::*;

    #[test]
    fn odd_exception_is_reported_and_the_worker_lives_on() {
        let failed = "the message cannot be converted to a string";
        assert_each_is_an_error(
            Language::Ruby,
            &[
                ("message_raises", "Function<MessageRaises>", failed),
                ("message_is_no_text", "Function<MessageIsNoText>", failed),
                (
                    "message_is_not_utf_8",
                    "Function<RuntimeError>",
                    "a\u{fffd}z",
                ),
                ("message_is_utf_16", "Function<RuntimeError>", "a"),
                ("backtrace_is_odd", "Function<BacktraceIsOdd>", "odd"),
                (
                    "backtrace_has_no_texts",
                    "Function<BacktraceHasNoTexts>",
                    "odd",
                ),
                ("backtrace_raises", "Function<BacktraceRaises>", "odd"),
                ("name_raises", "Function<Error>", "who am I"),
                ("name_is_empty", "Function<Error>", "who am I"),
                ("class_is_odd", "Function<Error>", "who am I"),
                ("json_is_gone", "Function<RuntimeError>", "without JSON"),
                (
                    "stderr_is_closed_and_it_throws",
                    "Function<RuntimeError>",
                    "in silence",
                ),
            ],
        );
    }

    #[test]
    fn stdout_closed_by_the_handler_fails_no_event() {
        let all = ["stdout_is_closed", "buffer", "finalizer_raises"];
        assert_each_is_answered(Language::Ruby, &all);
    }

    #[test]
    fn trap_or_thread_that_raises_between_events_is_logged() {
        assert_logged_between_events(Language::Ruby, "trap_raises", &["from the trap"]);
        assert_logged_between_events(Language::Ruby, "thread_raises", &["from a thread"]);
    }

    #[test]
    fn channel_closed_by_the_handler_ends_the_worker() {
        assert_closed_channel_ends_worker(Language::Ruby);
    }
}

mod node {
    use super::*;

    #[test]
    fn odd_exception_is_reported_and_the_worker_lives_on() {
        let failed = "the error cannot be converted to a string";
        assert_each_is_an_error(
            Language::Node,
            &[
                ("stack_raises", "Error", "still here"),
                ("message_raises", "Error", failed),
                ("name_raises", "Error", "who am I"),
                ("name_is_a_symbol", "Symbol(s)", "odd"),
                ("name_is_empty", "Error", "odd"),
                ("stack_is_odd", "Odd", "as it is"),
                ("stack_is_a_number", "Error", "odd"),
                ("message_is_an_object", "Error", failed),
                ("null_prototype", "object", failed),
                ("symbol", "symbol", "Symbol(s)"),
                ("proxy", "object", failed),
                ("revoked_proxy", "object", failed),
                ("nothing", "undefined", "undefined"),
                ("stringify_is_gone", "Error", "without JSON"),
                ("stderr_is_destroyed_and_it_throws", "Error", "in silence"),
            ],
        );
    }

    #[test]
    fn stdout_closed_by_the_handler_fails_no_event() {
        assert_each_is_answered(Language::Node, &["stdout_is_destroyed"]);
    }

    #[test]
    fn prototype_pollution_fails_no_event() {
        assert_each_is_answered(Language::Node, &["prototype_is_polluted"]);
    }

    #[test]
    fn odd_exception_between_events_fails_no_event() {
        let Some(mut worker) = start(Language::Node, "throws_odd_between") else {
            return;
        };
        for _ in 0..3 {
            let answer = worker.ask(b"[1]");
            // Thrown before the answer, the exception is that of the event.
            assert!(
                ["ok", "fatal"].contains(&&*answer.verb),
                "{}",
                answer.text()
            );
            if answer.verb == "fatal" {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(60));
        }
        worker.assert_silent();
    }

    #[test]
    fn rejection_after_a_long_answer_does_not_cut_it() {
        let Some(mut worker) = start(Language::Node, "rejects_behind_a_long_answer") else {
            return;
        };
        for count in 1..=2 {
            worker.send("", b"{}");
            // The answer does not fit into the socket when the exception is thrown.
            std::thread::sleep(std::time::Duration::from_millis(100));
            let answer = worker.answer();
            assert_eq!((&*answer.verb, answer.body.len()), ("ok", 5_000_002));
            worker.until_log(|log| log.matches("Unhandled Promise Rejection").count() == count);
        }
    }

    #[test]
    fn channel_closed_by_the_handler_ends_the_worker() {
        assert_closed_channel_ends_worker(Language::Node);
    }
}

mod php {
    use super::*;

    #[test]
    fn odd_exception_is_reported_and_the_worker_lives_on() {
        assert_each_is_an_error(
            Language::Php,
            &[
                ("message_is_no_text", "MessageIsNoText", "Array"),
                ("message_is_not_utf_8", "Exception", "a\u{fffd}z"),
                (
                    "warnings_are_errors",
                    "MessageIsNoText",
                    "the message cannot be converted to a string",
                ),
                ("buffer_throws", "DomainException", "by a buffer"),
                ("buffers_throw", "LengthException", "by the handler"),
                ("destructor_throws", "Member", "with a member"),
                ("result_throws_late", "Exception", "by a destructor"),
            ],
        );
    }

    #[test]
    fn buffer_left_open_or_closed_fails_no_event() {
        let all = ["buffer_is_odd", "buffer_stays", "streams_are_closed"];
        assert_each_is_answered(Language::Php, &all);
    }

    #[test]
    fn buffer_or_destructor_that_exits_is_reported_with_its_event() {
        for wanted in [
            ("buffer_exits", "Runtime.ExitError", "exit() was called"),
            ("buffer_nests", "FatalError", "output buffering"),
            ("destructor_exits", "Runtime.ExitError", "exit() was called"),
        ] {
            if let Some(mut worker) = start(Language::Php, wanted.0) {
                assert_error(&worker.ask(b"{}"), wanted, "fatal");
            }
        }
    }

    #[test]
    fn destructor_that_throws_is_logged() {
        if let Some(mut worker) = start(Language::Php, "destructor_throws") {
            worker.ask(b"{}");
            worker.until_log(|log| log.contains("by a destructor"));
        }
    }
}
