//! The known bootstrap, compiled once, and runs of the tool with variants of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::harness::{Finished, run_tool};
use crate::support::{self, TempDir};

/// The program of `known.c`, which documents its variables.
pub fn known() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let name = format!("known-{}", std::process::id());
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let source = support::root().join("tests/measure/known.c");
        let mut command = Command::new("cc");
        command.args(["-O1", "-static", "-o"]);
        let output = command.arg(&program).arg(source).output().expect("run cc");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cc: {stderr}");
        program
    })
}

/// `NAME=known`, with variables of its own.
pub fn variant(name: &str, variables: &[&str]) -> String {
    variant_of(known(), name, variables)
}

/// A copy for one test: pages of a file that other processes run too are private to none of them.
pub fn copy(folder: &TempDir) -> PathBuf {
    let bytes = std::fs::read(known()).expect("read the known bootstrap");
    folder.executable("known", &bytes)
}

/// The same for a copy.
pub fn variant_of(program: &Path, name: &str, variables: &[&str]) -> String {
    let mut word = format!("{name}={}", program.display());
    for variable in variables {
        word += &format!(",env={variable}");
    }
    word
}

/// A run of the tool and its JSON report.
pub struct Measured {
    pub run: Finished,
    pub object: Value,
}

impl Measured {
    /// The measurements of the candidate with this name.
    pub fn of(&self, name: &str) -> &Value {
        let all = self.object["bootstraps"].as_array().expect("bootstraps");
        let found = all.iter().find(|one| one["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {}", self.object))
    }

    /// One number of a candidate.
    pub fn number(&self, name: &str, key: &str) -> f64 {
        let number = key.split('.').fold(self.of(name), |value, key| &value[key]);
        let number = number.as_f64();
        number.unwrap_or_else(|| panic!("no number {key} of {name} in {}", self.object))
    }

    /// The ratio of two candidates.
    pub fn ratio(&self, of: &str, to: &str) -> &Value {
        let all = self.object["ratios"].as_array().expect("ratios");
        let mut all = all.iter();
        let found = all.find(|ratio| ratio["of"] == of && ratio["to"] == to);
        found.unwrap_or_else(|| panic!("no {of} to {to} in {}", self.object))
    }
}

/// Measures the first of these bootstraps, compared with the others.
pub fn measure(words: &[String], options: &[&str]) -> Measured {
    // Tests run in parallel, so they must not share a CPU.
    let mut arguments = vec![
        "measure".to_string(),
        "--json".into(),
        "--pin-cpu".into(),
        "any".into(),
    ];
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            arguments.push("--compare".into());
        }
        arguments.push(word.clone());
    }
    arguments.extend(options.iter().map(|option| option.to_string()));
    let run = run_tool(&arguments);
    let object = serde_json::from_slice(&run.stdout);
    let object = object.unwrap_or_else(|error| panic!("{error}: {}", run.stderr));
    Measured { run, object }
}

/// The same, and asserts success.
pub fn measure_ok(words: &[String], options: &[&str]) -> Measured {
    let measured = measure(words, options);
    let run = &measured.run;
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (0, ""),
        "{}",
        measured.object
    );
    measured
}
