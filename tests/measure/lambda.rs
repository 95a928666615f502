//! `scripts/measure-on-lambda.sh`, against `aws.sh`, a stand-in for the AWS CLI.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::harness::run_tool_with_stdin;
use crate::support::{TempDir, root};

const AWS: &str = include_str!("aws.sh");

/// A fake function and the folder with its state.
struct FakeAws {
    folder: TempDir,
}

impl FakeAws {
    fn new() -> FakeAws {
        let folder = TempDir::new();
        folder.executable("bin/aws", AWS.as_bytes());
        FakeAws { folder }
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

    /// The environments that the function was configured with, in order.
    fn environments(&self) -> Vec<String> {
        self.text("environments")
            .lines()
            .map(str::to_string)
            .collect()
    }

    /// Whether the script has removed its temporary files.
    fn is_clean(&self) -> bool {
        let entries = fs::read_dir(self.folder.path()).expect("read the folder");
        entries
            .flatten()
            .all(|entry| !entry.file_name().to_string_lossy().starts_with("tmp."))
    }
}

const AFTERWARDS: &str = r#"{"Variables": {"SECRET": "preserved"}}"#;

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn measure_on_lambda_sh_parses() {
    let script = root().join("scripts/measure-on-lambda.sh");
    let output = Command::new("bash")
        .arg("-n")
        .arg(script)
        .output()
        .expect("run bash");
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn measure_on_lambda_sh_forces_cold_starts_for_report() {
    let lambda = FakeAws::new();
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
        |n| format!(r#"{{"Variables": {{"SECRET": "preserved", "TINDERBOX_COLD_START": "{n}"}}}}"#);
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
        !calls.contains("preserved"),
        "no variable is an argument: {calls}"
    );
    assert!(lambda.is_clean());

    let report = run_tool_with_stdin(&["report", "--json"], &run.stdout);
    let object: serde_json::Value = serde_json::from_slice(&report.stdout).expect("an object");
    let version = &object["versions"][0];
    assert_eq!(version["version"], "$LATEST");
    assert_eq!(version["invocations"], 9);
    assert_eq!(version["init_duration_ms"]["n"], 3);
    assert_eq!(version["init_duration_ms"]["p50"], 13.5);
    assert_eq!(version["warm_duration_ms"]["n"], 6);
}

#[test]
fn measure_on_lambda_sh_warm_start_exits_1() {
    let lambda = FakeAws::new();
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
fn measure_on_lambda_sh_function_error_is_reported() {
    let lambda = FakeAws::new();
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
fn measure_on_lambda_sh_cli_failure_restores_the_environment() {
    let lambda = FakeAws::new();
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
fn measure_on_lambda_sh_wrong_usage_calls_no_service() {
    let lambda = FakeAws::new();
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
