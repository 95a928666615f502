//! Which handler is run: names that lead nowhere, files that cannot be executed.

use crate::support::TempDir;
use crate::support::api::{Kind, Ledger, Script};
use crate::{error, events, message, response, start};

/// The handler is refused before any event is asked for; the message of the init error.
fn refused(dir: &TempDir, handler: &str) -> String {
    let outcome = start(dir, handler).run(Script::events(&events(["never"])));
    let ledger: &Ledger = outcome.assert_exit(3);
    assert_eq!(
        (ledger.gets, ledger.posts.len()),
        (0, 1),
        "{handler}: {ledger}"
    );
    assert_eq!(ledger.posts[0].kind, Kind::InitError);
    message(&ledger.posts[0], "Runtime.NoSuchHandler")
}

#[test]
fn a_handler_that_is_not_there_is_an_init_error_that_names_the_path() {
    let dir = TempDir::new();
    dir.executable("other", b"#!/bin/sh\n");
    let message = refused(&dir, "program");
    let path = dir.path().join("program");
    assert!(message.contains(path.to_str().expect("UTF-8")), "{message}");
}

#[test]
fn a_handler_that_is_not_executable_is_an_init_error() {
    let dir = TempDir::new();
    dir.file("program", b"#!/bin/sh\necho no\n");
    let message = refused(&dir, "program");
    let path = dir.path().join("program");
    assert!(message.contains(path.to_str().expect("UTF-8")), "{message}");
}

#[test]
fn a_directory_is_no_handler() {
    let dir = TempDir::new();
    dir.executable("program/inside", b"#!/bin/sh\necho no\n");
    refused(&dir, "program");
    refused(&dir, ".");
}

#[test]
fn a_handler_outside_the_task_root_is_an_init_error() {
    let dir = TempDir::new();
    dir.executable("outside", b"#!/bin/sh\necho no\n");
    dir.executable("root/inside", b"#!/bin/sh\necho yes\n");
    let root = dir.path().join("root");
    let root = root.to_str().expect("UTF-8");
    for handler in [
        "../outside",
        "x/../../outside",
        "..",
        "/bin/cat",
        "inside/../../outside",
    ] {
        let start = start(&dir, handler).variable("LAMBDA_TASK_ROOT", root);
        let outcome = start.run(Script::events(&events(["never"])));
        let ledger = outcome.assert_exit(3);
        assert_eq!(
            (ledger.gets, ledger.posts.len()),
            (0, 1),
            "{handler}: {ledger}"
        );
        message(&ledger.posts[0], "Runtime.NoSuchHandler");
    }
}

#[test]
fn a_handler_in_a_folder_of_the_task_root_is_run() {
    let dir = TempDir::new();
    dir.executable("bin/deep/tool.v1-x", b"#!/bin/sh\necho deep\n");
    let handler = "bin/deep/tool.v1-x";
    let outcome = start(&dir, handler).run(Script::events(&events(["x"])));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"deep\n");
}

#[test]
fn a_handler_that_is_empty_or_absent_ends_the_runtime_before_any_event() {
    let dir = TempDir::new();
    for start in [start(&dir, ""), start(&dir, "program").without("_HANDLER")] {
        let outcome = start.run(Script::events(&events(["never"])));
        let code = outcome.code.expect("it ends");
        assert!([2, 3].contains(&code), "{code}: {}", outcome.stderr);
        assert_eq!(outcome.ledger.gets, 0, "{}", outcome.ledger);
        assert_eq!(outcome.ledger.posts.len(), usize::from(code == 3));
    }
}

#[test]
fn a_file_that_the_kernel_cannot_execute_is_an_error_of_each_event() {
    let contents: [&[u8]; 3] = [
        b"neither a script nor a program",
        b"#!/nonexistent/interpreter\n",
        b"\x7fELF and nothing more",
    ];
    for content in contents {
        let dir = TempDir::new();
        dir.executable("program", content);
        let outcome = start(&dir, "program").run(Script::events(&events(["one", "two"])));
        let ledger = outcome.assert_serving();
        for id in ["event-0", "event-1"] {
            let answer = ledger.answer(id);
            assert_eq!(answer.kind, Kind::Error, "{content:?}");
            let error_type = answer.header("Lambda-Runtime-Function-Error-Type");
            let error_type = error_type.expect("a type");
            assert!(error_type.starts_with("Runtime."), "{error_type}");
            assert!(!error(ledger, id, error_type).is_empty());
        }
    }
}
