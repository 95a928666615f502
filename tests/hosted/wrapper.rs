//! `AWS_LAMBDA_EXEC_WRAPPER`: a program that is run in place of the runtime, and starts it.

use crate::kinds::{Task, program, started};
use crate::skip::{has, skip};
use crate::support::TempDir;
use crate::support::api::Script;
use crate::support::hosting::{events, response};
use crate::support::start::Start;
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
        let reason = if name == "nothing" {
            "no such file; add it to the package (errno 2)"
        } else {
            "permission denied"
        };
        assert!(outcome.stderr.contains(reason), "{}", outcome.stderr);
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

/// A wrapper that says what its arguments are, and runs the runtime.
const TELLS: &str = "#!/bin/sh\necho \"wrapper: $#|$*\" >&2\nexec \"$1\"\n";

/// The program of a task with this wrapper, where `lines` of sh start the runtime as `"$0"`.
fn started_by(task: &Task, lines: &str) -> Start {
    let runtime = bootstrap();
    let folder = runtime.parent().expect("a folder").display().to_string();
    let lines = lines.replace("FOLDER", &folder);
    let path = task
        .dir
        .executable("start", format!("#!/bin/sh\n{lines}\n").as_bytes());
    let root = task.dir.path().to_str().expect("UTF-8");
    let wrapper = format!("{root}/wrapper");
    Start::new(&path)
        .variable("_HANDLER", "program")
        .variable("LAMBDA_TASK_ROOT", root)
        .variable("AWS_LAMBDA_EXEC_WRAPPER", &wrapper)
}

#[test]
fn arguments_of_the_runtime_are_all_handed_on() {
    if runner().is_some() {
        skip("a runner runs no script");
        return;
    }
    let task = wrapped(TELLS);
    let own = std::fs::canonicalize(bootstrap()).expect("a path");
    let own = own.display();
    for count in [0, 1, 13, 14, 500] {
        let words: Vec<String> = (0..count).map(|number| format!("word{number}")).collect();
        let words = words.join(" ");
        let start = started_by(&task, &format!("exec FOLDER/bootstrap {words}"));
        let outcome = start.run(Script::events(&events(["x"])));
        assert_eq!(response(outcome.assert_serving(), "event-0"), b"no|unset");
        let all = format!("{own} {words}");
        let line = format!("wrapper: {}|{}\n", count + 1, all.trim_end());
        assert_eq!(outcome.log(), line);
    }
}

#[test]
fn path_of_the_runtime_is_found_without_proc() {
    if runner().is_some() {
        skip("strace would see the calls of the runner");
        return;
    }
    if !has("strace") {
        return;
    }
    let task = wrapped(TELLS);
    let calls = "openat,newfstatat,readlinkat";
    let trace = format!(
        "strace -qq -D -o /dev/null -P /proc/self/exe -P /proc/self/cmdline \
         -e trace={calls} -e inject={calls}:error=ENOENT"
    );
    for (lines, path) in [
        (
            format!("exec {trace} FOLDER/bootstrap a"),
            "FOLDER/bootstrap",
        ),
        (
            format!("cd FOLDER\nexec {trace} ./bootstrap a"),
            "FOLDER/./bootstrap",
        ),
    ] {
        let outcome = started_by(&task, &lines).run(Script::events(&events(["x"])));
        assert_eq!(response(outcome.assert_serving(), "event-0"), b"no|unset");
        let folder = bootstrap();
        let folder = folder.parent().expect("a folder").display().to_string();
        let line = format!("wrapper: 2|{} a\n", path.replace("FOLDER", &folder));
        // strace has a line on standard error too.
        assert!(outcome.log().ends_with(&line), "{}", outcome.log());
    }
}

#[test]
fn runtime_as_its_own_wrapper_is_a_wrong_configuration() {
    if runner().is_some() {
        skip("a runner has a file of its own in /proc");
        return;
    }
    let task = wrapped(TELLS);
    let own = std::fs::read(bootstrap()).expect("read the binary");
    let copy = task.dir.executable("copy", &own);
    let link = task.dir.path().join("link");
    std::os::unix::fs::symlink(bootstrap(), &link).expect("a link");
    for path in [bootstrap(), link, copy] {
        let path = path.to_str().expect("UTF-8").to_string();
        let start = task.start.clone();
        let outcome = start
            .variable("AWS_LAMBDA_EXEC_WRAPPER", &path)
            .run(Script::events(&events(["never"])));
        let ledger = outcome.assert_exit(2);
        assert_eq!((ledger.gets, ledger.posts.len()), (0, 0), "{ledger}");
        let said = &outcome.stderr;
        assert!(said.contains("that is the runtime itself"), "{said}");
        assert!(said.contains(&path), "{said}");
    }
}
