//! Shell functions whose file has functions and aliases with the names of commands; and the lines
//! that a shell prints about a subshell that a signal has ended.

use crate::for_kinds;
use crate::kinds::Kind;
use crate::support::api::{Event, Script};
use crate::support::hosting::{error, events, message, response};

for_kinds!(shells [bash dash busybox] [
    function_named_like_a_command_changes_nothing
    function_that_hides_a_needed_command_is_an_init_error
    function_that_calls_the_command_it_hides_is_no_error
    alias_named_like_a_command_changes_nothing
    context_is_exported_whatever_the_file_defines
    subshell_ended_by_a_signal_prints_no_line_of_the_loop
]);

fn is_bash(kind: &Kind) -> bool {
    kind.first_line.contains("bash")
}

/// The command of this shell that bypasses functions, and must not be a function itself.
fn needed(kind: &Kind) -> &'static str {
    if is_bash(kind) { "builtin" } else { "command" }
}

fn function_named_like_a_command_changes_nothing(kind: &Kind) {
    let words = [
        "command", "builtin", "read", "echo", "printf", "test", "cd", "type", "kill", "wait",
        "true", "false", "sh", "cat",
    ];
    // Elsewhere they are no names of functions.
    let more: &[&str] = &[
        "local", "set", "unset", "export", "exit", "eval", "trap", "shift", "return", "[", ".", ":",
    ];
    let more = if is_bash(kind) { more } else { &[] };
    for name in words
        .iter()
        .chain(more)
        .filter(|name| **name != needed(kind))
    {
        // It does nothing, and fails.
        let source = format!(
            "{name}() {{ ! case x in esac; }}\nhandler() {{\n    \
             /usr/bin/printf '<%s>' \"$1\"\n}}\n"
        );
        let outcome = kind.with_source(&source).run(&events(["a", "b"]));
        let ledger = outcome.assert_serving();
        assert_eq!(response(ledger, "event-0"), b"<a>", "{name}");
        assert_eq!(response(ledger, "event-1"), b"<b>", "{name}");
        assert_eq!(outcome.log(), "", "{name}");
    }
    // The handler calls the function, not the command.
    for name in ["echo", "read", "test", "cat"] {
        let source =
            format!("{name}() {{ /usr/bin/printf 'own'; }}\nhandler() {{\n    {name} \"$1\"\n}}\n");
        let outcome = kind.with_source(&source).run(&events(["a"]));
        assert_eq!(
            response(outcome.assert_serving(), "event-0"),
            b"own",
            "{name}"
        );
    }
}

fn function_that_hides_a_needed_command_is_an_init_error(kind: &Kind) {
    let bodies = ["case x in esac", "! case x in esac", "/bin/echo \"$@\""];
    let mut all = bodies.map(|body| (needed(kind), body)).to_vec();
    if is_bash(kind) {
        all.push(("exec", "builtin exec \"$@\""));
    }
    for (name, body) in all {
        let source = format!("{name}() {{ {body}; }}\nhandler() {{ cat; }}\n");
        let outcome = kind
            .with_source(&source)
            .start
            .run(Script::events(&events(["never"])));
        let ledger = &outcome.ledger;
        assert_eq!(outcome.code, Some(3), "{ledger}");
        assert_eq!((ledger.gets, ledger.posts.len()), (0, 1), "{ledger}");
        let message_text = message(&ledger.posts[0], "Runtime.ExitError");
        let part = "the file must not have a function named ";
        let names = message_text.split_once(part).map(|(_, names)| names);
        let mut names = names.unwrap_or_default().split(' ');
        assert!(names.any(|word| word == name), "{message_text}");
        assert!(message_text.len() < 300, "{message_text}");
    }
}

fn function_that_calls_the_command_it_hides_is_no_error(kind: &Kind) {
    let name = needed(kind);
    let source = format!(
        "{name}() {{ unset -f {name}; {name} \"$@\"; }}\nhandler() {{ printf '<%s>' \"$1\"; }}\n"
    );
    let outcome = kind.with_source(&source).run(&events(["a", "b"]));
    let ledger = outcome.assert_serving();
    assert_eq!(response(ledger, "event-0"), b"<a>");
    assert_eq!(response(ledger, "event-1"), b"<b>");
}

fn alias_named_like_a_command_changes_nothing(kind: &Kind) {
    // Bash expands aliases on request, the others always.
    let allow = if is_bash(kind) {
        "shopt -s expand_aliases\n"
    } else {
        ""
    };
    let words = [
        "command",
        "builtin",
        "exec",
        "read",
        "echo",
        "set",
        "unset",
        "export",
        "exit",
        "eval",
        "trap",
        "tinderbox_serve",
    ];
    for name in words {
        let source = format!(
            "{allow}handler() {{ printf '<%s|%s>' \"$1\" \"$LAMBDA_REQUEST_ID\"; }}\n\
             alias {name}=false\n"
        );
        let outcome = kind.with_source(&source).run(&events(["a", "b"]));
        let ledger = outcome.assert_serving();
        assert_eq!(response(ledger, "event-0"), b"<a|event-0>", "{name}");
        assert_eq!(response(ledger, "event-1"), b"<b|event-1>", "{name}");
    }
}

fn context_is_exported_whatever_the_file_defines(kind: &Kind) {
    let functions = if is_bash(kind) {
        "export() { :; }\nunset() { :; }\n"
    } else {
        ""
    };
    let source = format!(
        "{functions}handler() {{\n    printf '%s|' \"${{_X_AMZN_TRACE_ID-none}}\"\n    \
         printenv LAMBDA_TENANT_ID\n}}\n"
    );
    let mut events = events(["a", "b"]);
    for (number, event) in events.iter_mut().enumerate() {
        let tenant = format!("it's {number} \"$x\"");
        *event = event
            .clone()
            .header("Lambda-Runtime-Aws-Tenant-Id", &tenant);
    }
    events[0] = events[0]
        .clone()
        .header("Lambda-Runtime-Trace-Id", "Root=1");
    let hosted = kind
        .with_source(&source)
        .variable("_X_AMZN_TRACE_ID", "of the start");
    let outcome = hosted.run(&events);
    let ledger = outcome.assert_serving();
    assert_eq!(response(ledger, "event-0"), b"Root=1|it's 0 \"$x\"\n");
    assert_eq!(response(ledger, "event-1"), b"none|it's 1 \"$x\"\n");
}

fn subshell_ended_by_a_signal_prints_no_line_of_the_loop(kind: &Kind) {
    let source = "handler() {\n    sh -c \"kill -$1 \\$PPID\"\n    sleep 20\n}\n";
    // All signals that end a process; 9 and 15 twice.
    let signals = [
        1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31, 9, 15,
    ];
    let events: Vec<Event> = events(signals.map(|signal| signal.to_string()));
    let outcome = kind.with_source(source).run(&events);
    let ledger = outcome.assert_serving();
    for (event, signal) in events.iter().zip(signals) {
        let message_text = error(ledger, &event.id, "Runtime.ExitError");
        let status = format!("exit status {}", 128 + signal);
        assert!(
            message_text.starts_with(&status),
            "{signal}: {message_text}"
        );
        assert!(message_text.len() < 80, "{signal}: {message_text}");
    }
    let log = outcome.log();
    for part in ["tinderbox_", "IFS", "exec 3", "esac"] {
        assert!(!log.contains(part), "{part}: {log}");
    }
}
