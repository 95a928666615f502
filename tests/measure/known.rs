//! The known bootstrap, compiled once, and a run of the tool over some of its variants.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::{self, TempDir};
use crate::tool::{Finished, finish};

/// The program `known.c`; what it can do is written there.
pub fn known() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let name = format!("known-{}", std::process::id());
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let source = support::root().join("tests/measure/known.c");
        let mut command = Command::new("cc");
        command.args(["-O1", "-static", "-o"]);
        let output = command.arg(&program).arg(source).output().expect("run cc");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cc: {said}");
        program
    })
}

/// `NAME=known`, with variables of its own.
pub fn variant(name: &str, variables: &[&str]) -> String {
    variant_of(known(), name, variables)
}

/// A copy for one test alone: pages of a file that others run too are private to nobody.
pub fn copy(folder: &TempDir) -> PathBuf {
    let bytes = std::fs::read(known()).expect("read the known bootstrap");
    folder.executable("known", &bytes)
}

/// The same, of a copy.
pub fn variant_of(program: &Path, name: &str, variables: &[&str]) -> String {
    let mut word = format!("{name}={}", program.display());
    for variable in variables {
        word += &format!(",env={variable}");
    }
    word
}

/// What a run said, and its object.
pub struct Measured {
    pub run: Finished,
    pub object: Value,
}

impl Measured {
    /// The figures of the one with this name.
    pub fn of(&self, name: &str) -> &Value {
        let all = self.object["bootstraps"].as_array().expect("bootstraps");
        let found = all.iter().find(|one| one["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {}", self.object))
    }

    /// One number of it.
    pub fn number(&self, name: &str, key: &str) -> f64 {
        let number = key.split('.').fold(self.of(name), |value, key| &value[key]);
        let number = number.as_f64();
        number.unwrap_or_else(|| panic!("no number {key} of {name} in {}", self.object))
    }

    /// How they compare.
    pub fn ratio(&self, of: &str, to: &str) -> &Value {
        let all = self.object["ratios"].as_array().expect("ratios");
        let mut all = all.iter();
        let found = all.find(|ratio| ratio["of"] == of && ratio["to"] == to);
        found.unwrap_or_else(|| panic!("no {of} to {to} in {}", self.object))
    }
}

/// Measures; the first of these words is the bootstrap, the others its rivals.
pub fn measure(words: &[String], options: &[&str]) -> Measured {
    // Tests run side by side, so they are not to share a processor.
    let mut arguments = vec![
        "measure".to_string(),
        "--json".into(),
        "--cpu".into(),
        "any".into(),
    ];
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            arguments.push("--vs".into());
        }
        arguments.push(word.clone());
    }
    arguments.extend(options.iter().map(|option| option.to_string()));
    let run = finish(&arguments);
    let object = serde_json::from_slice(&run.stdout);
    let object = object.unwrap_or_else(|error| panic!("{error}: {}", run.stderr));
    Measured { run, object }
}

/// The same, where everything has to go well.
pub fn measure_well(words: &[String], options: &[&str]) -> Measured {
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
