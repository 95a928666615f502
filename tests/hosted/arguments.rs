//! The arguments of the runtime, and those of interpreters.

use crate::kinds::{HostedRun, started};
use crate::odd::started_by_shell;
use crate::skip::{has, skip};
use crate::support::hosting::{events, message, response};
use crate::support::start::Start;
use crate::support::{TempDir, bootstrap, runner};
use tinderbox::host::kinds::KINDS;

const ARGUMENTS_WORKER: &[u8] = include_bytes!("functions/arguments_worker.pl");

/// A task root with files of all languages, and interpreters that answer with their arguments.
fn hosted(handler: &str) -> Option<HostedRun> {
    if !has("perl") {
        return None;
    }
    let dir = TempDir::new();
    for name in ["php", "node", "python3", "ruby"] {
        dir.executable(&format!("bin/{name}"), ARGUMENTS_WORKER);
    }
    for file in ["a.php", "a.js", "a.py", "a.rb"] {
        dir.file(file, b"");
    }
    let start = started(&dir, handler);
    Some(HostedRun { dir, start })
}

fn answer(hosted: &HostedRun) -> String {
    let outcome = hosted.run(&events(["x"]));
    let body = response(outcome.assert_serving(), "event-0").to_vec();
    String::from_utf8_lossy(&body).into_owned()
}

/// The example of AWS's guide: it inserts arguments before the last one.
fn wrapped(hosted: HostedRun, inserted: &str) -> HostedRun {
    let lines = format!(
        "first=$1; shift; for last; do :; done\n\
         exec \"$first\" {inserted} \"$last\""
    );
    started_by_shell(hosted, &lines)
}

#[test]
fn arguments_that_a_wrapper_inserts_come_first() {
    if runner().is_some() {
        skip("the words of a runner are no arguments of the runtime");
        return;
    }
    for (handler, inserted, first) in [
        ("python:a.f", "-X importtime", "-X|importtime|"),
        ("ruby:a.f", "-W0", "-W0|"),
        ("php:a.f", "-d 'x=a b'", "-d|x=a b|"),
        ("node:a.f", "--require ./x.js", "--require|./x.js|"),
        ("python:a.f", "", ""),
    ] {
        let Some(hosted) = hosted(handler) else {
            return;
        };
        let plain = answer(&hosted);
        let (before, rest) = match handler {
            // The flags of the heap come before those of the wrapper, which may replace them.
            "node:a.f" => plain.split_at(plain.find("--max-http").expect("the shim's own flag")),
            _ => ("", plain.as_str()),
        };
        let expected = format!("{before}{first}{rest}");
        assert_eq!(answer(&wrapped(hosted, inserted)), expected, "{handler}");
    }
}

#[test]
fn arguments_that_no_interpreter_takes_are_an_init_error() {
    if runner().is_some() {
        skip("the words of a runner are no arguments of the runtime");
        return;
    }
    let many = vec!["-x"; 41].join(" ");
    for (handler, inserted, words) in [
        (
            "program:bin/node",
            "-X importtime",
            ["no interpreter", "-X"],
        ),
        ("worker:bin/node", "-X", ["no interpreter", "-X"]),
        ("python:a.f", &many, ["40", "-x"]),
    ] {
        let Some(hosted) = hosted(handler) else {
            return;
        };
        let outcome = wrapped(hosted, inserted).run(&events(["never"]));
        assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
        let text = message(&outcome.ledger.posts[0], "Runtime.InvalidEntrypoint");
        for word in words.iter().chain(&["AWS_LAMBDA_EXEC_WRAPPER"]) {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
    let most = vec!["-x"; 40].join(" ");
    let hosted = hosted("python:a.f").expect("as before");
    assert_eq!(answer(&wrapped(hosted, &most)).matches("-x").count(), 40);
}

/// The runtime as it is started with arguments, by a script.
fn with_arguments(hosted: &HostedRun, words: &str) -> Start {
    let own = bootstrap();
    let line = format!("#!/bin/sh\nexec {} {words}\n", own.display());
    let path = hosted.dir.executable("start", line.as_bytes());
    let root = hosted.dir.path().to_str().expect("UTF-8");
    Start::new(&path).variable("LAMBDA_TASK_ROOT", root)
}

#[test]
fn argument_is_the_handler_where_its_variable_is_blank() {
    if runner().is_some() {
        skip("a runner runs no script");
        return;
    }
    let Some(hosted) = hosted("unused") else {
        return;
    };
    let root = hosted.dir.path().to_str().expect("UTF-8").to_string();
    for (variable, words, file) in [
        (None, "python:a.f", "a.py"),
        (Some(""), "ruby:a.f", "a.rb"),
        (Some(" "), "ruby:a.f more", "a.rb"),
        (Some("python:a.f"), "ruby:a.f", "a.py"),
        (
            Some("python:a.f"),
            "/var/lang/bin/python3.13 /var/runtime/bootstrap.py",
            "a.py",
        ),
    ] {
        let mut start = with_arguments(&hosted, words);
        start = match variable {
            Some(value) => start.variable("_HANDLER", value),
            None => start.without("_HANDLER"),
        };
        for wrapper in [false, true] {
            if wrapper {
                let path = hosted
                    .dir
                    .executable("wrapper", b"#!/bin/sh\nexec \"$@\"\n");
                let path = path.to_str().expect("UTF-8").to_string();
                start = start.variable("AWS_LAMBDA_EXEC_WRAPPER", &path);
            }
            let run = HostedRun {
                dir: TempDir::new(),
                start: start.clone(),
            };
            let answer = answer(&run);
            assert!(
                answer.contains(&format!("|{root}/{file}|f")),
                "{words}: {answer}"
            );
            assert!(!answer.contains("/var/"), "{answer}");
        }
    }
    let start = with_arguments(&hosted, "").without("_HANDLER");
    let run = HostedRun {
        dir: TempDir::new(),
        start,
    };
    let outcome = run.run(&events(["never"]));
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    message(&outcome.ledger.posts[0], "Runtime.MalformedHandlerName");
}

#[test]
fn heap_of_node_has_the_limits_of_the_managed_runtime() {
    for (memory, options, expected) in [
        (
            "1024",
            None,
            &["--max-old-space-size=922", "--max-semi-space-size=51"][..],
        ),
        (
            "128",
            None,
            &["--max-old-space-size=116", "--max-semi-space-size=6"],
        ),
        (
            "10240",
            None,
            &["--max-old-space-size=9216", "--max-semi-space-size=512"],
        ),
        (
            "1024",
            Some("--max-old-space-size=200"),
            &["--max-semi-space-size=51"],
        ),
        (
            "1024",
            Some("-r x --max_semi_space_size=9"),
            &["--max-old-space-size=922"],
        ),
        ("", None, &[]),
        ("x", None, &[]),
    ] {
        let Some(mut hosted) = hosted("node:a.f") else {
            return;
        };
        hosted = hosted.variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory);
        if let Some(options) = options {
            hosted = hosted.variable("NODE_OPTIONS", options);
        }
        let answer = answer(&hosted);
        let flags: Vec<&str> = answer
            .split('|')
            .filter(|word| word.contains("space-size"))
            .collect();
        assert_eq!(flags, expected, "{memory} {options:?}: {answer}");
        let first = flags.first().unwrap_or(&"--max-http-header-size");
        assert!(answer.starts_with(first), "{answer}");
    }
}

#[test]
fn heap_of_node_is_its_own_where_the_variable_has_default() {
    for (choice, count) in [("default", 0), ("defaults", 2), ("", 2)] {
        let Some(hosted) = hosted("node:a.f") else {
            return;
        };
        let hosted = hosted
            .variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
            .variable("TINDERBOX_NODE_HEAP", choice);
        let flags = answer(&hosted).matches("space-size").count();
        assert_eq!(flags, count, "{choice}");
    }
}

#[test]
fn telemetry_descriptor_reaches_shims_that_log_errors() {
    for (word, file) in [
        ("node", "a.js"),
        ("python", "a.py"),
        ("ruby", "a.rb"),
        ("php", "a.php"),
    ] {
        let kind = KINDS.iter().find(|kind| kind.word == word.as_bytes());
        let inherits = kind.expect("a kind").logs_errors;
        // The third one is that of the channel, so the process gets a copy.
        for (redirection, number) in [("9>&1", "9"), ("3>&1", "3")] {
            let Some(hosted) = hosted(&format!("{word}:{}.f", &file[..1])) else {
                return;
            };
            let hosted = hosted
                .variable("SHOW_TELEMETRY", "1")
                .variable("_LAMBDA_TELEMETRY_LOG_FD", number);
            let hosted = started_by_shell(hosted, &format!("exec \"$@\" {redirection}"));
            let outcome = hosted.run(&events(["x"]));
            let body = response(outcome.assert_serving(), "event-0").to_vec();
            let answer = String::from_utf8_lossy(&body).into_owned();
            let variable = answer.rsplit('=').next().expect("a value");
            let expected = match (inherits, number) {
                (false, _) => variable == "unset",
                (true, "3") => variable.parse().is_ok_and(|copy: u32| copy > 3),
                (true, _) => variable == number,
            };
            assert!(expected, "{answer}");
            assert_eq!(
                outcome.stdout == "a frame\n",
                inherits,
                "{}",
                outcome.stdout
            );
        }
    }
}
