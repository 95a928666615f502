//! The resolution of `_HANDLER`: invalid names, missing files, files that cannot be executed.

use crate::skip::{has, skip};
use crate::support::api::{Kind, Ledger, Script};
use crate::support::start::Start;
use crate::support::{TempDir, bootstrap, runner};
use crate::{error, events, message, response, start};

/// The types of the init errors.
const NOT_FOUND: &str = "Runtime.HandlerNotFound";
const MALFORMED: &str = "Runtime.MalformedHandlerName";

/// The handler is refused before any event is requested; the message of the init error.
fn refused(dir: &TempDir, handler: &str, error_type: &str) -> String {
    let outcome = start(dir, handler).run(Script::events(&events(["never"])));
    let ledger: &Ledger = outcome.assert_exit(3);
    assert_eq!(
        (ledger.gets, ledger.posts.len()),
        (0, 1),
        "{handler}: {ledger}"
    );
    assert_eq!(ledger.posts[0].kind, Kind::InitError);
    message(&ledger.posts[0], error_type)
}

#[test]
fn handler_missing_is_an_init_error_with_the_path() {
    let dir = TempDir::new();
    dir.executable("other", b"#!/bin/sh\n");
    let message = refused(&dir, "program", NOT_FOUND);
    let path = dir.path().join("program");
    assert!(message.contains(path.to_str().expect("UTF-8")), "{message}");
}

#[test]
fn handler_not_executable_is_an_init_error() {
    let dir = TempDir::new();
    dir.file("program", b"#!/bin/sh\necho no\n");
    let message = refused(&dir, "program", NOT_FOUND);
    let path = dir.path().join("program");
    assert!(message.contains(path.to_str().expect("UTF-8")), "{message}");
}

#[test]
fn handler_that_is_a_folder_is_an_init_error() {
    let dir = TempDir::new();
    dir.executable("program/inside", b"#!/bin/sh\necho no\n");
    refused(&dir, "program", NOT_FOUND);
    refused(&dir, ".", MALFORMED);
}

#[test]
fn handler_that_leaves_the_task_root_by_dots_is_an_init_error() {
    let dir = TempDir::new();
    dir.executable("outside", b"#!/bin/sh\necho no\n");
    dir.executable("root/inside", b"#!/bin/sh\necho yes\n");
    let root = dir.path().join("root");
    let root = root.to_str().expect("UTF-8");
    for handler in [
        "../outside",
        "x/../../outside",
        "..",
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
        message(&ledger.posts[0], MALFORMED);
    }
}

#[test]
fn handler_with_an_absolute_path_is_run() {
    let dir = TempDir::new();
    let outside = dir.executable("outside", b"#!/bin/sh\necho outside\n");
    dir.file("root/inside", b"");
    let root = dir.path().join("root");
    let start = start(&dir, outside.to_str().expect("UTF-8"))
        .variable("LAMBDA_TASK_ROOT", root.to_str().expect("UTF-8"));
    let outcome = start.run(Script::events(&events(["x"])));
    let ledger = outcome.assert_serving();
    assert_eq!(response(ledger, "event-0"), b"outside\n");
}

#[test]
fn handler_in_a_folder_of_the_task_root_is_run() {
    let dir = TempDir::new();
    dir.executable("bin/deep/tool.v1-x", b"#!/bin/sh\necho deep\n");
    let handler = "bin/deep/tool.v1-x";
    let outcome = start(&dir, handler).run(Script::events(&events(["x"])));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"deep\n");
}

#[test]
fn handler_empty_or_unset_exits_before_any_event() {
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
fn program_that_cannot_be_executed_is_an_error_of_each_event() {
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

#[test]
fn handler_in_another_spelling_is_found() {
    let dir = TempDir::new();
    dir.executable("bin/tool", b"#!/bin/sh\necho tool\n");
    for handler in [
        "./bin/tool",
        "bin//tool",
        "bin/./tool",
        ".//./bin/././/tool",
    ] {
        let outcome = start(&dir, handler).run(Script::events(&events(["x"])));
        let ledger = outcome.assert_serving();
        assert_eq!(response(ledger, "event-0"), b"tool\n", "{handler}");
    }
    for handler in ["bin/tool/", "bin/x/../tool", "./"] {
        let message = refused(&dir, handler, MALFORMED);
        let is_named = message.contains("not the name of a handler (no \"..\"");
        assert!(is_named && message.contains(handler), "{message}");
    }
    // The path is absolute.
    let message = refused(&dir, "/bin/tool", "Runtime.HandlerNotFound");
    assert!(message.contains("no handler /bin/tool"), "{message}");
}

#[test]
fn handler_of_a_kind_without_a_file_is_an_init_error() {
    let dir = TempDir::new();
    for handler in ["worker:", "program:", "python:", "shell:"] {
        let message = refused(&dir, handler, MALFORMED);
        assert!(
            message.contains("names no file behind the kind") && message.contains(handler),
            "{message}"
        );
    }
}

/// A folder with the runtime, links to it and a copy.
fn with_links() -> TempDir {
    let dir = TempDir::new();
    let own = std::fs::read(bootstrap()).expect("read the binary");
    let path = dir.executable("bootstrap", &own);
    dir.executable("copy", &own);
    dir.file("folder/inside", b"");
    std::os::unix::fs::symlink("bootstrap", dir.path().join("link")).expect("link");
    std::os::unix::fs::symlink("../link", dir.path().join("folder/link")).expect("link");
    std::fs::hard_link(path, dir.path().join("hard")).expect("link");
    dir
}

/// The runtime in that folder.
fn of_folder(dir: &TempDir, handler: &str) -> Start {
    Start::new(&dir.path().join("bootstrap"))
        .variable("LAMBDA_TASK_ROOT", dir.path().to_str().expect("UTF-8"))
        .variable("_HANDLER", handler)
}

#[test]
fn handler_that_is_the_runtime_is_refused() {
    let dir = with_links();
    let mut handlers = vec!["./bootstrap", ".//bootstrap", "program:bootstrap"];
    if runner().is_none() {
        handlers.extend([
            "link",
            "program:link",
            "hard",
            "folder/link",
            "copy",
            "./link",
            "worker:link",
            "worker:hard",
            "worker:copy",
        ]);
    }
    handlers.extend(["worker:bootstrap", "worker:./bootstrap"]);
    for handler in handlers {
        let outcome = of_folder(&dir, handler).run(Script::events(&events(["never"])));
        let ledger = outcome.assert_exit(3);
        assert_eq!((ledger.gets, ledger.posts.len()), (0, 1), "{handler}");
        let message = message(&ledger.posts[0], NOT_FOUND);
        assert!(message.contains("the runtime itself"), "{message}");
        assert!(message.contains(handler), "{message}");
    }
    for handler in ["x/../bootstrap", "bootstrap/"] {
        let outcome = of_folder(&dir, handler).run(Script::events(&events(["never"])));
        message(&outcome.assert_exit(3).posts[0], MALFORMED);
    }
}

#[test]
fn handler_that_is_the_runtime_is_refused_without_proc() {
    if runner().is_some() {
        skip("strace would see the calls of the runner");
        return;
    }
    if !has("strace") {
        return;
    }
    let dir = with_links();
    // Every access to /proc/self/exe fails, as without /proc.
    let calls = "openat,newfstatat,readlinkat";
    let script = format!(
        "#!/bin/sh\nexec strace -qq -D -o /dev/null -P /proc/self/exe -e trace={calls} \
         -e inject={calls}:error=ENOENT {}/bootstrap\n",
        dir.path().display()
    );
    let path = dir.executable("start", script.as_bytes());
    for handler in ["./bootstrap", "link", "hard"] {
        let outcome = Start::new(&path)
            .variable("LAMBDA_TASK_ROOT", dir.path().to_str().expect("UTF-8"))
            .variable("_HANDLER", handler)
            .run(Script::events(&events(["never"])));
        // strace prints a line on standard error too.
        assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
        let message = message(&outcome.ledger.posts[0], NOT_FOUND);
        assert!(message.contains("the runtime itself"), "{message}");
    }
}

/// The error of an event after a change to the program has all these words.
fn after(change: impl Fn(&std::path::Path), first: &[u8], words: &[&str]) {
    let dir = TempDir::new();
    let path = dir.executable("program", first);
    change(&path);
    let outcome = start(&dir, "program").run(Script::events(&events(["one"])));
    let ledger = outcome.assert_serving();
    let message = error(ledger, "event-0", "Runtime.InvalidEntrypoint");
    for word in words {
        assert!(message.contains(word), "{word}: {message}");
    }
    assert!(message.contains(path.to_str().expect("UTF-8")), "{message}");
}

#[test]
fn program_that_cannot_be_executed_is_an_error_with_the_reason() {
    if runner().is_some() {
        skip("a runner does not share memory with a new process, which then ends with 127");
        return;
    }
    let nothing = |_: &std::path::Path| {};
    after(
        nothing,
        b"#!/nonexistent/x\n",
        &[
            "interpreter (#!) or its loader does not exist; ",
            "(errno 2)",
        ],
    );
    let words = [
        "ends with a carriage return",
        "line feeds alone",
        "(errno 2)",
    ];
    after(nothing, b"#!/bin/sh\r\necho x\r\n", &words);
    after(
        nothing,
        b"no script",
        &[
            "another architecture, or a script without #!; ",
            "(errno 8)",
        ],
    );
    after(
        nothing,
        b"#!/\n",
        &["permission denied", "mode 755 (errno 13)"],
    );
    after(nothing, b"#!/etc/passwd/x\n", &["is no folder (errno 20)"]);
}

/// The kernel starts env(1), which says so itself.
#[test]
fn program_with_a_carriage_return_behind_env_is_an_error_with_the_name_that_env_looked_for() {
    let dir = TempDir::new();
    dir.executable("program", b"#!/usr/bin/env python3\r\n");
    let outcome = start(&dir, "program").run(Script::events(&events(["x"])));
    let ledger = outcome.assert_serving();
    let message = error(ledger, "event-0", "Runtime.ExitError");
    assert!(message.contains(r"'python3\r'"), "{message}");
}

#[test]
fn program_removed_between_events_is_an_error_with_the_reason() {
    let dir = TempDir::new();
    dir.executable("program", b"#!/bin/sh\nrm \"$0\"\necho done\n");
    let outcome = start(&dir, "program").run(Script::events(&events(["one", "two"])));
    let ledger = outcome.assert_serving();
    assert_eq!(response(ledger, "event-0"), b"done\n");
    if runner().is_none() {
        let message = error(ledger, "event-1", "Runtime.InvalidEntrypoint");
        assert!(
            message.contains("no such file; add it to the package (errno 2)"),
            "{message}"
        );
        assert!(!message.contains("interpreter"), "{message}");
    }
}
