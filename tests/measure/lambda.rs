//! `scripts/measure-on-lambda.sh`, against `aws.sh`, a stand-in for the AWS CLI.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::support::{TempDir, root};
use crate::tool::finish_with;

const AWS: &str = include_str!("aws.sh");

/// A function that is not there, and the script's view of it.
struct StandIn {
    folder: TempDir,
}

impl StandIn {
    fn new() -> StandIn {
        let folder = TempDir::new();
        folder.executable("bin/aws", AWS.as_bytes());
        StandIn { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", self.path("bin").display());
        let mut command = Command::new(root().join("scripts/measure-on-lambda.sh"));
        command
            .args(arguments)
            .env("PATH", path)
            .env("STAND_IN", self.folder.path());
        command
            .env("TMPDIR", self.folder.path())
            .output()
            .expect("run the script")
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The environments that the function was given, one after another.
    fn environments(&self) -> Vec<String> {
        self.text("environments")
            .lines()
            .map(str::to_string)
            .collect()
    }

    /// Nothing of the script's own is left.
    fn is_clean(&self) -> bool {
        let entries = fs::read_dir(self.folder.path()).expect("read the folder");
        entries
            .flatten()
            .all(|entry| !entry.file_name().to_string_lossy().starts_with("tmp."))
    }
}

const AFTERWARDS: &str = r#"{"Variables": {"SECRET": "kept"}}"#;

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_script_is_a_script() {
    let script = root().join("scripts/measure-on-lambda.sh");
    let output = Command::new("bash")
        .arg("-n")
        .arg(script)
        .output()
        .expect("run bash");
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn it_forces_cold_starts_and_report_reads_what_it_prints() {
    let lambda = StandIn::new();
    let zip = lambda.folder.file("x.zip", b"zip").display().to_string();
    let event = lambda
        .folder
        .file("event.json", b"{\"n\":1}\n")
        .display()
        .to_string();
    let run = lambda.run(&[
        "shout",
        "--zip",
        &zip,
        "--starts",
        "3",
        "--warm",
        "2",
        "--payload",
        &event,
    ]);
    assert_eq!((run.status.code(), stderr(&run).as_str()), (Some(0), ""));
    let log = String::from_utf8_lossy(&run.stdout);
    assert!(!log.contains("secret"), "{log}");
    assert_eq!(log.lines().count(), 18, "{log}");

    let environments = lambda.environments();
    let counted =
        |n| format!(r#"{{"Variables": {{"SECRET": "kept", "TINDERBOX_COLD_START": "{n}"}}}}"#);
    assert_eq!(
        environments,
        [counted(1), counted(2), counted(3), AFTERWARDS.to_string()]
    );
    assert_eq!(lambda.text("payloads"), "{\"n\":1}\n".repeat(9));
    let calls = lambda.text("calls");
    let deployed = format!("update-function-code --function-name shout --zip-file fileb://{zip}");
    assert!(
        calls
            .lines()
            .next()
            .is_some_and(|call| call.contains(&deployed)),
        "{calls}"
    );
    assert!(
        !calls.contains("kept"),
        "no variable is an argument: {calls}"
    );
    assert!(lambda.is_clean());

    let report = finish_with(&["report", "--json"], &run.stdout);
    let object: serde_json::Value = serde_json::from_slice(&report.stdout).expect("an object");
    let version = &object["versions"][0];
    assert_eq!(version["version"], "$LATEST");
    assert_eq!(version["invocations"], 9);
    assert_eq!(version["init_duration_ms"]["n"], 3);
    assert_eq!(version["init_duration_ms"]["p50"], 13.5);
    assert_eq!(version["warm_duration_ms"]["n"], 6);
}

#[test]
fn a_start_that_is_not_cold_is_told_of() {
    let lambda = StandIn::new();
    lambda.folder.file("never_cold", b"");
    let run = lambda.run(&["shout", "--starts", "2", "--warm", "0"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(
        stderr(&run).contains("only 0 of 2 starts were cold"),
        "{}",
        stderr(&run)
    );
    assert_eq!(lambda.text("payloads"), "{}{}");
    assert_eq!(
        lambda.environments().last().map(String::as_str),
        Some(AFTERWARDS)
    );
}

#[test]
fn a_function_error_is_told_of_and_counted() {
    let lambda = StandIn::new();
    lambda.folder.file("error", b"Unhandled");
    let run = lambda.run(&["shout", "--starts", "1", "--warm", "0"]);
    assert_eq!(run.status.code(), Some(0));
    assert!(
        stderr(&run).contains("function error: Unhandled"),
        "{}",
        stderr(&run)
    );
    assert_eq!(String::from_utf8_lossy(&run.stdout).lines().count(), 2);
}

#[test]
fn the_environment_is_restored_when_the_cli_fails() {
    let lambda = StandIn::new();
    lambda.folder.file("breaks", b"");
    let run = lambda.run(&["shout"]);
    assert_eq!(run.status.code(), Some(255));
    assert!(
        stderr(&run).contains("Could not connect"),
        "{}",
        stderr(&run)
    );
    assert_eq!(
        lambda.environments().last().map(String::as_str),
        Some(AFTERWARDS)
    );
    assert_eq!(lambda.environments().len(), 2);
    assert!(lambda.is_clean());

    let run = lambda.run(&["whisper"]);
    assert_eq!(run.status.code(), Some(254));
    assert_eq!(
        lambda.environments().len(),
        2,
        "a function that is not there is not changed"
    );
}

#[test]
fn wrong_usage_is_exit_2_and_calls_nobody() {
    let lambda = StandIn::new();
    for (arguments, text) in [
        (vec![], "missing argument FUNCTION"),
        (vec!["a", "b"], "unexpected argument 'b'"),
        (vec!["a", "--no"], "unknown option '--no'"),
        (vec!["a", "--starts"], "--starts needs a value"),
        (vec!["a", "--starts", "0"], "invalid --starts '0': expected"),
        (vec!["a", "--warm", "x"], "invalid --warm 'x': expected"),
        (
            vec!["a", "--zip", "/nonexistent"],
            "cannot read the file '/nonexistent'",
        ),
    ] {
        let run = lambda.run(&arguments);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}");
        assert!(
            stderr(&run).contains(text),
            "{arguments:?}: {}",
            stderr(&run)
        );
    }
    assert_eq!(lambda.text("calls"), "");
}
