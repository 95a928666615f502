//! The cases with other versions of the interpreters.
//!
//! What an interpreter itself answers differs between versions, and each case was recorded with
//! one. So a case counts where it passes with that one, unless the table here names a reason.

use crate::case::{Case, cases};
use crate::interpreter::Interpreter;
use crate::runs;
use crate::support::runner;
use crate::support::skip::skip;
use std::path::Path;

/// Cases whose record shows a version's own answer: what differs, the versions before which or from
/// which it does, and the cases.
const OWN_ANSWERS: &[(&str, Versions, &[&str])] = &[
    (
        "the path and the version of the interpreter are in the answer, or in the names of folders",
        Versions::Others,
        &[
            "node/env_and_process",
            "python/layer_handler_dotted",
            "python/layer_import",
            "python/module_in_two_places",
            "python/pyc_only",
            "ruby/bundler_setup",
            "ruby/vendor_bundle_gem",
        ],
    ),
    (
        "version 4 of the client, and other lines of console.table",
        Versions::Others,
        &["node/log_json"],
    ),
    (
        "the client writes UTF-8 as it is",
        Versions::From("3.12"),
        &["python/bytes_keys_and_values"],
    ),
    (
        "words of the import system",
        Versions::From("3.14"),
        &["python/circular_import"],
    ),
    (
        "hints and excerpts are no part of a message, which has other words; more is loaded",
        Versions::From("3.3"),
        &[
            "ruby/did_you_mean",
            "ruby/digest_openssl_without_require",
            "ruby/error_key",
            "ruby/preloaded",
            "ruby/syntax_error",
        ],
    ),
];

#[derive(Clone, Copy)]
enum Versions {
    /// All before this one.
    Before(&'static str),
    /// This one and later ones.
    From(&'static str),
    /// All but that of the record.
    Others,
}

impl Versions {
    fn include(self, version: &str) -> bool {
        match self {
            Versions::Before(limit) => parts(version) < parts(limit),
            Versions::From(limit) => parts(version) >= parts(limit),
            Versions::Others => true,
        }
    }
}

fn parts(version: &str) -> Vec<u32> {
    let parts = version.split('.').map(str::parse);
    parts.map(|part| part.expect("a version")).collect()
}

/// Whether the case has to pass with this version.
fn counts(case: &Case, version: &str) -> bool {
    let excepted = OWN_ANSWERS.iter().any(|(_, versions, names)| {
        names.contains(&case.name.as_str()) && versions.include(version)
    });
    case.class.is_binding() && !excepted
}

/// Runs the cases of a language with all interpreters that were installed for it.
fn assert_same_results_with_all_versions(language: &str) {
    let Some(folder) = std::env::var_os("TINDERBOX_INTERPRETERS") else {
        return skip(&format!(
            "other versions of {language}: TINDERBOX_INTERPRETERS is not set"
        ));
    };
    if runner().is_some() {
        return skip("other versions are tried with the native binary alone");
    }
    let mut failures = Vec::new();
    let installed = Interpreter::installed(Path::new(&folder), language);
    if installed.is_empty() {
        let folder = folder.to_string_lossy();
        return skip(&format!("no other version of {language} in {folder}"));
    }
    for interpreter in installed {
        match interpreter {
            Ok(interpreter) => failures.extend(failures_with(&interpreter)),
            Err(reason) => failures.push(reason),
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// The cases that fail with this version, and pass with that of the record.
fn failures_with(interpreter: &Interpreter) -> Vec<String> {
    let Interpreter {
        language, version, ..
    } = interpreter;
    let cases = cases(language).into_iter();
    let cases = runs::runnable(cases.filter(|case| counts(case, version)).collect());
    let mut verdicts = runs::run_once(interpreter, &cases);
    verdicts.retain(|verdict| !verdict.faults.is_empty());
    if let Ok(recorded) = Interpreter::of_machine(language) {
        let is_named = |case: &Case| verdicts.iter().any(|verdict| verdict.name == case.name);
        let again: Vec<Case> = self::cases(language).into_iter().filter(is_named).collect();
        let failing = runs::run_all(&recorded, again).into_iter();
        let failing = failing.filter(|verdict| !verdict.faults.is_empty());
        let failing: Vec<String> = failing.map(|verdict| verdict.name).collect();
        verdicts.retain(|verdict| !failing.contains(&verdict.name));
    }
    runs::run_failed_again(interpreter, &cases, &mut verdicts);
    let lines = runs::failures(&verdicts);
    let count = cases.len();
    println!(
        "{language} {version}: {} of {count} cases fail",
        lines.len()
    );
    let line = |line| format!("{language} {version}: {line}");
    lines.into_iter().map(line).collect()
}

#[test]
fn node_handlers_with_other_versions_do_as_with_the_recorded_one() {
    assert_same_results_with_all_versions("node");
}

#[test]
fn php_handlers_with_other_versions_do_as_with_the_recorded_one() {
    assert_same_results_with_all_versions("php");
}

#[test]
fn python_handlers_with_other_versions_do_as_with_the_recorded_one() {
    assert_same_results_with_all_versions("python");
}

#[test]
fn ruby_handlers_with_other_versions_do_as_with_the_recorded_one() {
    assert_same_results_with_all_versions("ruby");
}

#[test]
fn version_ranges_of_exceptions_compare_numbers() {
    assert!(Versions::From("3.10").include("3.13") && !Versions::From("3.10").include("3.9"));
    assert!(Versions::Before("3.10").include("3.9") && !Versions::Before("3.10").include("3.10"));
    assert!(Versions::Others.include("8.1"));
    for (_, _, names) in OWN_ANSWERS {
        for name in *names {
            let language = name.split('/').next().expect("a language");
            let known = cases(language).iter().any(|case| case.name == *name);
            assert!(known, "no case {name}");
        }
    }
}
