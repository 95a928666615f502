//! `AWS_LAMBDA_EXEC_WRAPPER`: a program that runs in place of the runtime, and starts it.

use crate::kinds::{HostedRun, program, started};
use crate::skip::{has, skip};
use crate::support::TempDir;
use crate::support::api::Script;
use crate::support::hosting::{events, response};
use crate::support::start::Start;
use crate::support::{bootstrap, runner};

/// A program that prints two variables of its environment, with this wrapper for the runtime.
fn wrapped(wrapper: &str) -> HostedRun {
    let dir = TempDir::new();
    let text =
        b"#!/bin/sh\nprintf '%s|%s' \"${WRAPPED-no}\" \"${AWS_LAMBDA_EXEC_WRAPPER-unset}\"\n";
    dir.executable("program", text);
    let path = dir.executable("wrapper", wrapper.as_bytes());
    let start = started(&dir, "program");
    let start = start.variable("AWS_LAMBDA_EXEC_WRAPPER", path.to_str().expect("UTF-8"));
    HostedRun { dir, start }
}

/// The runner, which a wrapper has to put before the binary under test itself.
fn run() -> String {
    runner().unwrap_or_default()
}

#[test]
fn wrapper_gets_the_path_of_the_runtime_twice_and_the_variable_is_unset() {
    let hosted = wrapped(&format!(
        "#!/bin/sh\necho \"wrapper: $# $1 $2 ${{AWS_LAMBDA_EXEC_WRAPPER-unset}}\" >&2\n\
         export WRAPPED=yes\nexec {} \"$@\"\n",
        run()
    ));
    let outcome = hosted.run(&events(["a", "b"]));
    let ledger = outcome.assert_serving();
    for id in ["event-0", "event-1"] {
        assert_eq!(response(ledger, id), b"yes|unset");
    }
    let own = std::fs::canonicalize(bootstrap()).expect("a path");
    let line = format!("wrapper: 2 {0} {0} unset\n", own.display());
    if runner().is_some() {
        // A runner may report its own path as that of the program.
        assert!(
            outcome.log().starts_with("wrapper: 2 /"),
            "{}",
            outcome.log()
        );
    } else {
        assert_eq!(outcome.log(), line);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn wrapper_that_exits_sets_the_exit_status() {
    let outcome = wrapped("#!/bin/sh\nexit 41\n").start.run(Script::default());
    assert_eq!(outcome.code, Some(41));
    assert_eq!(
        (outcome.ledger.connections, outcome.stderr.as_str()),
        (0, "")
    );
}

#[test]
fn wrapper_missing_or_not_executable_exits_2() {
    for (name, is_there) in [("nothing", false), ("plain", true), ("folder", false)] {
        let Some(kind) = program() else {
            return;
        };
        let hosted = kind.hosted_run();
        if is_there {
            hosted.dir.file(name, b"#!/bin/sh\n");
        }
        hosted.dir.file("folder/inside", b"");
        let path = hosted.dir.path().join(name);
        let path = path.to_str().expect("UTF-8").to_string();
        let start = hosted.start.clone();
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
fn wrapper_empty_value_is_ignored() {
    let Some(kind) = program() else {
        return;
    };
    let hosted = kind.hosted_run().variable("AWS_LAMBDA_EXEC_WRAPPER", "");
    let outcome = hosted.run(&events(["x"]));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"x");
}

#[test]
fn wrapper_environment_reaches_the_persistent_process() {
    let Some(kind) = crate::kinds::bash() else {
        return;
    };
    let hosted = kind.with_source("handler() { printf '%s' \"${WRAPPED-no}\"; }\n");
    let text = format!("#!/bin/sh\nexport WRAPPED=yes\nexec {} \"$@\"\n", run());
    let path = hosted.dir.executable("wrapper", text.as_bytes());
    let hosted = hosted.variable("AWS_LAMBDA_EXEC_WRAPPER", path.to_str().expect("UTF-8"));
    let outcome = hosted.run(&events(["x"]));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"yes");
}

/// A wrapper that prints its arguments, and runs the runtime.
const PRINTS_ARGUMENTS: &str = "#!/bin/sh\necho \"wrapper: $#|$*\" >&2\nexec \"$1\"\n";

/// The program of a run with this wrapper, where `lines` of sh start the runtime as `"$0"`.
fn started_by(hosted: &HostedRun, lines: &str) -> Start {
    let runtime = bootstrap();
    let folder = runtime.parent().expect("a folder").display().to_string();
    let lines = lines.replace("FOLDER", &folder);
    let path = hosted
        .dir
        .executable("start", format!("#!/bin/sh\n{lines}\n").as_bytes());
    let root = hosted.dir.path().to_str().expect("UTF-8");
    let wrapper = format!("{root}/wrapper");
    Start::new(&path)
        .variable("_HANDLER", "program")
        .variable("LAMBDA_TASK_ROOT", root)
        .variable("AWS_LAMBDA_EXEC_WRAPPER", &wrapper)
}

#[test]
fn wrapper_gets_no_arguments_of_the_runtime() {
    if runner().is_some() {
        skip("a runner runs no script");
        return;
    }
    let hosted = wrapped(PRINTS_ARGUMENTS);
    let own = std::fs::canonicalize(bootstrap()).expect("a path");
    let own = own.display();
    for count in [0, 1, 13, 14, 500] {
        let words: Vec<String> = (0..count).map(|number| format!("word{number}")).collect();
        let words = words.join(" ");
        let start = started_by(&hosted, &format!("exec FOLDER/bootstrap {words}"));
        let outcome = start.run(Script::events(&events(["x"])));
        assert_eq!(response(outcome.assert_serving(), "event-0"), b"no|unset");
        assert_eq!(outcome.log(), format!("wrapper: 2|{own} {own}\n"));
    }
}

#[test]
fn wrapper_without_proc_gets_the_path_of_the_runtime() {
    if runner().is_some() {
        skip("strace would see the calls of the runner");
        return;
    }
    if !has("strace") {
        return;
    }
    let hosted = wrapped(PRINTS_ARGUMENTS);
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
        let outcome = started_by(&hosted, &lines).run(Script::events(&events(["x"])));
        assert_eq!(response(outcome.assert_serving(), "event-0"), b"no|unset");
        let folder = bootstrap();
        let folder = folder.parent().expect("a folder").display().to_string();
        let path = path.replace("FOLDER", &folder);
        let line = format!("wrapper: 2|{path} {path}\n");
        // strace has a line on standard error too.
        assert!(outcome.log().ends_with(&line), "{}", outcome.log());
    }
}

#[test]
fn wrapper_that_is_the_runtime_is_ignored() {
    if runner().is_some() {
        skip("a runner has a file of its own in /proc");
        return;
    }
    let hosted = wrapped(PRINTS_ARGUMENTS);
    let own = std::fs::read(bootstrap()).expect("read the binary");
    let copy = hosted.dir.executable("copy", &own);
    let link = hosted.dir.path().join("link");
    std::os::unix::fs::symlink(bootstrap(), &link).expect("a link");
    for path in [bootstrap(), link, copy] {
        let path = path.to_str().expect("UTF-8").to_string();
        // A managed runtime executes it with its interpreter and its file as arguments.
        let line = "exec FOLDER/bootstrap /var/lang/bin/python3.13 /var/runtime/bootstrap.py";
        let start = started_by(&hosted, line).variable("AWS_LAMBDA_EXEC_WRAPPER", &path);
        let outcome = start.run(Script::events(&events(["x"])));
        assert_eq!(response(outcome.assert_serving(), "event-0"), b"no|unset");
        assert_eq!(outcome.log(), "");
    }
}
