//! Handlers under `bootstrap` do what they did under AWS's own runtime clients.
//!
//! Each case of `fidelity/cases` is a handler that ran once under the official client of its
//! language (Bref for PHP, the tutorial's bootstrap for shells), with what that client did. A case
//! of the class BUG, GAP or SAME must not differ from that; the others were judged, and may differ,
//! but every event is answered exactly once.
//!
//! Environment variables: `TINDERBOX_CASES` is the start of the names of the cases to run, for
//! instance `node/log`. `TINDERBOX_DIFFERENCES=1` prints the differences of all classes and of all
//! lines of the logs; with `TINDERBOX_LOGS=1`, the latter also fail BUG, GAP and SAME.
//! `TINDERBOX_INTERPRETERS` is the folder that `scripts/interpreters.sh` filled: the cases also run
//! with the interpreters there (`fidelity/versions.rs`).

#[path = "fidelity/case.rs"]
mod case;
#[path = "fidelity/interpreter.rs"]
mod interpreter;
#[path = "fidelity/judge.rs"]
mod judge;
#[path = "fidelity/lambda.rs"]
mod lambda;
#[path = "fidelity/planted.rs"]
mod planted;
#[path = "fidelity/runs.rs"]
mod runs;
mod support;
#[path = "fidelity/text_logs.rs"]
mod text_logs;
#[path = "fidelity/versions.rs"]
mod versions;

use interpreter::Interpreter;
use support::skip::skip;

/// Runs all cases of a language with the interpreter of this machine.
fn assert_same_results(language: &str) {
    let interpreter = match Interpreter::of_machine(language) {
        Ok(interpreter) => interpreter,
        Err(reason) => return skip(&reason),
    };
    let verdicts = runs::run_all(&interpreter, case::cases(language));
    assert!(
        !verdicts.is_empty() || runs::is_filtered(),
        "no case of {language}"
    );
    let failures = runs::failures(&verdicts);
    assert!(
        failures.is_empty(),
        "{} of {} cases of {language} differ (official / ours):\n{}",
        failures.len(),
        verdicts.len(),
        failures.join("\n")
    );
}

#[test]
fn node_handlers_under_bootstrap_do_as_under_the_official_client() {
    assert_same_results("node");
}

#[test]
fn php_handlers_under_bootstrap_do_as_under_bref() {
    assert_same_results("php");
}

#[test]
fn python_handlers_under_bootstrap_do_as_under_the_official_client() {
    assert_same_results("python");
}

#[test]
fn ruby_handlers_under_bootstrap_do_as_under_the_official_client() {
    assert_same_results("ruby");
}

#[test]
fn shell_handlers_under_bootstrap_do_as_under_the_tutorial_s_bootstrap() {
    assert_same_results("shell");
}
