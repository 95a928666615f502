//! What the errors of shell functions say: the file, the function and the shell where there is no
//! such function, the command that `set -e` stopped at, carriage returns, a shell that is missing.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use crate::for_kinds;
use crate::kinds::{HostedRun, Kind, bash};
use crate::support::api::Script;
use crate::support::hosting::{error, events, message, response};

for_kinds!(shells [bash dash busybox] [
    handler_that_is_no_function_is_an_init_error_that_names_all
    carriage_returns_are_named_at_init_and_in_an_event
    command_that_fails_where_it_may_is_no_error
    shell_that_is_missing_is_named
]);

/// The message of the init error of this type.
fn init_error(hosted: HostedRun, error_type: &str) -> String {
    let outcome = hosted.start.run(Script::events(&events(["never"])));
    let ledger = &outcome.ledger;
    let about = outcome.log();
    assert_eq!(
        (ledger.gets, ledger.posts.len()),
        (0, 1),
        "{ledger} {about}"
    );
    message(&ledger.posts[0], error_type)
}

fn handler_that_is_no_function_is_an_init_error_that_names_all(kind: &Kind) {
    let source = "alias al=ls\nvariable=1\nhandler() { :; }\n";
    for name in [
        "ls", "echo", "exit", "al", "if", "variable", "nothing", "sh",
    ] {
        let hosted = kind.with_source(source);
        let path = hosted.dir.path().join("function.sh");
        // As an executable, `function.sh` would be the handler itself.
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("change the mode");
        let hosted = hosted.variable("_HANDLER", &format!("function.{name}"));
        let text = init_error(hosted, "Runtime.HandlerNotFound");
        let start = format!(
            "{} defines no function '{name}' in the shell /",
            path.display()
        );
        assert!(text.starts_with(&start), "{text}");
        assert!(text.contains("_HANDLER"), "{text}");
    }
}

fn carriage_returns_are_named_at_init_and_in_an_event(kind: &Kind) {
    let hosted = kind.with_source("handler() {\r\n  echo x\r\n}\r\n");
    let text = init_error(hosted, "Runtime.ExitError");
    assert!(text.contains("convert them to LF"), "{text}");
    let source = "handler() {\n    nosuchcommand\r\n}\n";
    let outcome = kind.with_source(source).run(&events(["x"]));
    let text = error(outcome.assert_serving(), "event-0", "Runtime.ExitError");
    assert!(text.contains("convert them to LF"), "{text}");
    // A file without them has no such hint.
    let outcome = kind
        .with_source("handler() { exit 4; }\n")
        .run(&events(["x"]));
    let text = error(outcome.assert_serving(), "event-0", "Runtime.ExitError");
    assert_eq!(text, "exit status 4");
}

fn command_that_fails_where_it_may_is_no_error(kind: &Kind) {
    let source = "handler() {\n    if false; then :; fi\n    ! true\n    false || printf ok\n    \
                  set +e\n    false\n    (exit 3)\n    set -e\n}\n";
    let outcome = kind.with_source(source).run(&events(["x", "y"]));
    let ledger = outcome.assert_serving();
    assert_eq!(response(ledger, "event-0"), b"ok");
    assert_eq!(outcome.log(), "");
}

fn shell_that_is_missing_is_named(kind: &Kind) {
    for line in ["#!/nowhere/nosuchshell -e", "#!/usr/bin/env nosuchshell"] {
        let hosted = kind.with_source("");
        let source = format!("{line}\r\nhandler() {{ :; }}\n");
        hosted.dir.file("function.sh", source.as_bytes());
        let text = init_error(hosted, "Runtime.NoSuchInterpreter");
        assert!(
            text.contains(&format!("function.sh names: {line} (")),
            "{text}"
        );
    }
}

/// The errors of events in this source, in bash.
fn bash_errors(kind: &Kind, source: &str) -> (Vec<String>, String) {
    let hosted = kind.with_source("");
    hosted.dir.file("function.sh", source.as_bytes());
    let outcome = hosted.run(&events(["x", "y"]));
    let ledger = outcome.assert_serving();
    let texts = ["event-0", "event-1"].map(|id| error(ledger, id, "Runtime.ExitError"));
    (texts.to_vec(), outcome.log())
}

#[test]
fn command_that_ends_a_bash_function_is_in_error_and_log() {
    let Some(kind) = bash() else {
        return;
    };
    for (source, status, part) in [
        (
            "handler() {\n  echo before >&2\n  grep -q nothing /dev/null\n}\n",
            1,
            "line 3: command failed (status 1): grep -q nothing /dev/null",
        ),
        (
            "inner() {\n  (exit 6)\n}\nhandler() {\n  inner\n  echo rest\n}\n",
            6,
            "line 2: command failed (status 6): ( exit 6 )",
        ),
        (
            "handler() {\n  true | true\n  false | true\n}\n",
            1,
            "line 3: command failed (status 1): true",
        ),
        (
            "set -Eeuo pipefail\nhandler() {\n  [[ x == y ]]\n}\n",
            1,
            "line 3: command failed (status 1): [[ x == y ]]",
        ),
        // A trap that the file sets is the one that runs.
        (
            "set -E\ntrap 'echo mine >&2' ERR\nhandler() {\n  false\n}\n",
            1,
            "mine",
        ),
        (
            "handler() {\n  trap 'echo mine >&2' ERR\n  false\n}\n",
            1,
            "mine",
        ),
    ] {
        let (texts, log) = bash_errors(&kind, source);
        for text in texts {
            assert!(
                text.starts_with(&format!("exit status {status}: ")),
                "{text}"
            );
            assert!(text.trim_end().ends_with(part), "{part:?}: {text}");
            assert_eq!(text.contains("command failed"), part != "mine", "{text}");
        }
        assert!(log.matches(part).count() >= 2, "{log}");
    }
    // The function returns or exits by itself: nothing to say.
    for source in ["handler() { return 5; }\n", "handler() { exit 5; }\n"] {
        let (texts, log) = bash_errors(&kind, source);
        assert_eq!(
            (texts, log.as_str()),
            (vec!["exit status 5".to_string(); 2], "")
        );
    }
}
