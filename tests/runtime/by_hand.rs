//! Programs that a person starts by hand, without a Runtime API.

use std::process::{Output, Stdio};

use crate::support::{self, command, function};

const VARIABLE: &str = "AWS_LAMBDA_RUNTIME_API";

fn run(binary: &std::path::Path, arguments: &[&str], runtime_api: Option<&str>) -> Output {
    let mut command = command(binary);
    command.env_clear().env("LAMBDA_TASK_ROOT", "/nonexistent");
    if let Some(value) = runtime_api {
        command.env(VARIABLE, value);
    }
    command.args(arguments).stdin(Stdio::null());
    command.output().expect("run it")
}

/// It says that it was started in the wrong place, where the right one is, and nothing else.
fn assert_not_set(output: &Output, what: &str) {
    assert_eq!(output.status.code(), Some(2), "{what}: {output:?}");
    assert_eq!(output.stdout, b"", "{what}");
    let line = str::from_utf8(&output.stderr).expect("text");
    let start = "tinderbox: AWS_LAMBDA_RUNTIME_API is not set: ";
    assert!(line.starts_with(start), "{what}: {line}");
    assert!(line.ends_with("\"tinderbox run\"\n"), "{what}: {line}");
    assert_eq!(line.lines().count(), 1, "{what}: {line}");
}

#[test]
fn runtime_api_variable_unset_reports_where_the_program_runs_and_exits_2() {
    for name in ["echo", "bare", "hello"] {
        assert_not_set(&run(&function(name), &[], None), name);
    }
    assert_not_set(&run(&support::bootstrap(), &[], None), "bootstrap");
    let output = run(&function("echo"), &[], None);
    let line = "tinderbox: AWS_LAMBDA_RUNTIME_API is not set: needs Lambda or \
                \"tinderbox run\"\n";
    assert_eq!(str::from_utf8(&output.stderr), Ok(line));
}

#[test]
fn bootstrap_help_and_version_are_answered_on_stdout_and_exit_0() {
    let bootstrap = support::bootstrap();
    let version = concat!("tinderbox bootstrap ", env!("CARGO_PKG_VERSION"));
    for (argument, start) in [
        ("--version", format!("{version}\n")),
        ("-V", format!("{version}\n")),
        ("--help", format!("{version}: ")),
        ("-h", format!("{version}: ")),
    ] {
        let output = run(&bootstrap, &[argument], None);
        assert_eq!(output.status.code(), Some(0), "{argument}: {output:?}");
        let text = str::from_utf8(&output.stdout).expect("text");
        assert!(text.starts_with(&start), "{argument}: {text}");
        assert_eq!(text.contains("_HANDLER"), argument.contains('h'), "{text}");
        assert_eq!(output.stderr, b"", "{argument}");
    }
}

#[test]
fn bootstrap_other_arguments_are_those_of_a_function() {
    let bootstrap = support::bootstrap();
    let long = "-".repeat(2_000);
    let cases: [&[&str]; 7] = [
        &["function.handler"],
        &["--help", "handler"],
        &["--help", ""],
        &["handler", "--help"],
        &["--helpful"],
        &[""],
        &[&long],
    ];
    for arguments in cases {
        let output = run(&bootstrap, arguments, None);
        assert_not_set(&output, &format!("{arguments:.40?}"));
    }
}

/// On Lambda the arguments are the `CMD` of a container image, whatever they look like.
#[test]
fn bootstrap_help_is_not_answered_where_the_runtime_api_is_set() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let closed = listener.local_addr().expect("an address").to_string();
    drop(listener);
    for (value, code) in [(closed.as_str(), 1), ("", 2)] {
        let output = run(&support::bootstrap(), &["--help"], Some(value));
        assert_eq!(output.status.code(), Some(code), "{value:?}: {output:?}");
        assert_eq!(output.stdout, b"", "{value:?}");
    }
}
