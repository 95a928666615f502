//! `AWS_LAMBDA_EXEC_WRAPPER`: a program that is run in place of the runtime, and starts it.

use crate::kinds::{Task, program, started};
use crate::support::TempDir;
use crate::support::api::Script;
use crate::support::hosting::{events, response};
use crate::support::{bootstrap, runner};

/// A program that shows what it has in its environment, with this wrapper for the runtime.
fn wrapped(wrapper: &str) -> Task {
    let dir = TempDir::new();
    let text =
        b"#!/bin/sh\nprintf '%s|%s' \"${WRAPPED-no}\" \"${AWS_LAMBDA_EXEC_WRAPPER-unset}\"\n";
    dir.executable("program", text);
    let path = dir.executable("wrapper", wrapper.as_bytes());
    let start = started(&dir, "program");
    let start = start.variable("AWS_LAMBDA_EXEC_WRAPPER", path.to_str().expect("UTF-8"));
    Task { dir, start }
}

/// Before the binary under test, where it cannot be run by itself: the wrapper's own affair.
fn run() -> String {
    runner().unwrap_or_default()
}

#[test]
fn it_is_run_with_the_path_of_the_runtime_and_the_variable_is_gone() {
    let task = wrapped(&format!(
        "#!/bin/sh\necho \"wrapper: $# $1 ${{AWS_LAMBDA_EXEC_WRAPPER-unset}}\" >&2\n\
         export WRAPPED=yes\nexec {} \"$@\"\n",
        run()
    ));
    let outcome = task.run(&events(["a", "b"]));
    let ledger = outcome.assert_serving();
    for id in ["event-0", "event-1"] {
        assert_eq!(response(ledger, id), b"yes|unset");
    }
    let own = std::fs::canonicalize(bootstrap()).expect("a path");
    let line = format!("wrapper: 1 {} unset\n", own.display());
    if runner().is_some() {
        // A runner may say that its own path is that of the program.
        assert!(
            outcome.log().starts_with("wrapper: 1 /"),
            "{}",
            outcome.log()
        );
    } else {
        assert_eq!(outcome.log(), line);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn one_that_ends_has_its_own_status() {
    let outcome = wrapped("#!/bin/sh\nexit 41\n").start.run(Script::default());
    assert_eq!(outcome.code, Some(41));
    assert_eq!(
        (outcome.ledger.connections, outcome.stderr.as_str()),
        (0, "")
    );
}

#[test]
fn one_that_is_missing_is_a_wrong_configuration() {
    for (name, is_there) in [("nothing", false), ("plain", true), ("folder", false)] {
        let Some(kind) = program() else {
            return;
        };
        let task = kind.task();
        if is_there {
            task.dir.file(name, b"#!/bin/sh\n");
        }
        task.dir.file("folder/inside", b"");
        let path = task.dir.path().join(name);
        let path = path.to_str().expect("UTF-8").to_string();
        let start = task.start.clone();
        let start = start.variable("AWS_LAMBDA_EXEC_WRAPPER", &path);
        let outcome = start.run(Script::events(&events(["never"])));
        let ledger = outcome.assert_exit(2);
        assert_eq!((ledger.gets, ledger.posts.len()), (0, 0), "{ledger}");
        let line = format!("AWS_LAMBDA_EXEC_WRAPPER={path}");
        assert!(outcome.stderr.contains(&line), "{}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    }
}

#[test]
fn one_that_is_empty_is_none() {
    let Some(kind) = program() else {
        return;
    };
    let task = kind.task().variable("AWS_LAMBDA_EXEC_WRAPPER", "");
    let outcome = task.run(&events(["x"]));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"x");
}

#[test]
fn it_reaches_the_handler_that_is_kept_alive() {
    let Some(kind) = crate::kinds::bash() else {
        return;
    };
    let task = kind.with("handler() { printf '%s' \"${WRAPPED-no}\"; }\n");
    let text = format!("#!/bin/sh\nexport WRAPPED=yes\nexec {} \"$@\"\n", run());
    let path = task.dir.executable("wrapper", text.as_bytes());
    let task = task.variable("AWS_LAMBDA_EXEC_WRAPPER", path.to_str().expect("UTF-8"));
    let outcome = task.run(&events(["x"]));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"yes");
}
