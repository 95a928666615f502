//! Cases: a handler with its files and events, and what the official client did with it.
//!
//! `cases/LANGUAGE.json` maps the name of a case to its `files` (below the task root) and `opt`
//! (below /opt), its `settings`, its `class`, and `official`, the record of the official client.

use crate::support::{TempDir, root};
use serde_json::Value;

/// How a difference between the official client and the runtime is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Works in AWS's managed runtime, so it must work here.
    Bug,
    /// Part of AWS's managed runtime, so it must be here.
    Gap,
    /// The same from the beginning.
    Same,
    /// A difference of form alone, or one that is worth less than its cost.
    Cosmetic,
    /// Better here than in the managed runtime.
    Better,
    /// What it shows depends on the environment of the record.
    NotComparable,
}

impl Class {
    /// Whether the runtime must do as the official client did.
    pub fn is_binding(self) -> bool {
        matches!(self, Class::Bug | Class::Gap | Class::Same)
    }

    fn of(text: &str) -> Class {
        match text {
            "BUG" => Class::Bug,
            "GAP" => Class::Gap,
            "SAME" => Class::Same,
            "COSMETIC" => Class::Cosmetic,
            "BETTER" => Class::Better,
            "N/A" => Class::NotComparable,
            other => panic!("class {other:?}: expected BUG, GAP, SAME, COSMETIC, BETTER or N/A"),
        }
    }
}

/// An event of a case.
pub struct CaseEvent {
    pub body: Vec<u8>,
    /// Headers in place of the usual ones, or none.
    pub headers: Vec<(String, Option<String>)>,
    pub timeout_ms: Option<u64>,
}

/// A case.
pub struct Case {
    pub name: String,
    pub class: Class,
    pub files: Vec<(String, Vec<u8>)>,
    /// Files below /opt.
    pub opt: Vec<(String, Vec<u8>)>,
    /// Symbolic links below the task root, with their targets.
    pub links: Vec<(String, String)>,
    pub handler: String,
    pub events: Vec<CaseEvent>,
    pub environment: Vec<(String, String)>,
    /// The file of `AWS_LAMBDA_EXEC_WRAPPER` below the task root.
    pub wrapper: Option<String>,
    pub memory_mb: u64,
    pub timeout_ms: u64,
    /// The time until the request for the first event.
    pub init_timeout_ms: u64,
    /// The pause before each event.
    pub gap_ms: u64,
    /// The pause behind the last event.
    pub linger_ms: u64,
    /// The runtime is also started again when it has exited behind the last event.
    pub restarts_at_end: bool,
    /// The runtime gets SIGTERM at the end.
    pub gets_sigterm: bool,
    /// What the official client did.
    pub official: Value,
}

/// All cases of a language, in the order of their names.
pub fn cases(language: &str) -> Vec<Case> {
    let path = root().join(format!("tests/fidelity/cases/{language}.json"));
    let text = std::fs::read(&path).expect("read the cases of a language");
    let all: Value = serde_json::from_slice(&text).expect("cases in JSON");
    let all = all.as_object().expect("an object of cases");
    let read = |(name, case): (&String, &Value)| read(&format!("{language}/{name}"), case);
    all.iter().map(read).collect()
}

/// The keys of a case and of its settings: a misspelt one would be ignored.
const KEYS: &[&str] = &[
    "class", "files", "found", "kept", "official", "opt", "settings",
];
const SETTINGS: &[&str] = &[
    "env",
    "env_tinderbox",
    "events",
    "gap_ms",
    "handler",
    "init_timeout_ms",
    "linger_ms",
    "link",
    "memory",
    "restart_at_end",
    "sigterm",
    "timeout_ms",
    "wrapper",
];

/// A case from its JSON.
pub fn read(name: &str, case: &Value) -> Case {
    only(name, case, KEYS);
    let class = Class::of(text(name, &case["class"]));
    let settings = &case["settings"];
    only(name, settings, SETTINGS);
    if let Some(reason) = case.get("kept") {
        let is_sentence = reason
            .as_str()
            .is_some_and(|text| text.trim().contains(' '));
        assert!(
            is_sentence && !class.is_binding(),
            "{name}: `kept` is the reason for a difference, in a sentence, of a case whose class \
             is COSMETIC or BETTER"
        );
    }
    let number = |key: &str, default| settings[key].as_u64().unwrap_or(default);
    let mut environment = texts(name, &settings["env"]);
    environment.extend(texts(name, &settings["env_tinderbox"]));
    let events = settings["events"].as_array().expect("an array of events");
    Case {
        name: name.to_string(),
        class,
        files: files(name, &case["files"]),
        opt: files(name, &case["opt"]),
        links: texts(name, &settings["link"]),
        handler: text(name, &settings["handler"]).to_string(),
        events: events
            .iter()
            .map(|event| self::event(name, event))
            .collect(),
        environment,
        wrapper: settings["wrapper"].as_str().map(str::to_string),
        memory_mb: number("memory", 512),
        timeout_ms: number("timeout_ms", 3_000),
        init_timeout_ms: number("init_timeout_ms", 10_000),
        gap_ms: number("gap_ms", 40),
        linger_ms: number("linger_ms", 60),
        restarts_at_end: settings["restart_at_end"].as_bool().unwrap_or(false),
        gets_sigterm: settings["sigterm"].as_bool().unwrap_or(false),
        official: case["official"].clone(),
    }
}

fn only(name: &str, value: &Value, keys: &[&str]) {
    for key in value.as_object().expect("an object").keys() {
        assert!(keys.contains(&key.as_str()), "{name}: unknown key {key:?}");
    }
}

fn text<'a>(name: &str, value: &'a Value) -> &'a str {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("{name}: {value} is not a string"))
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn texts(name: &str, value: &Value) -> Vec<(String, String)> {
    let pair = |(key, value): (&String, &Value)| (key.clone(), text(name, value).to_string());
    entries(value).map(pair).collect()
}

fn event(name: &str, event: &Value) -> CaseEvent {
    only(name, event, &["body", "headers", "timeout_ms"]);
    let header =
        |(key, value): (&String, &Value)| (key.clone(), value.as_str().map(str::to_string));
    CaseEvent {
        body: bytes(name, &event["body"], "b64"),
        headers: entries(&event["headers"]).map(header).collect(),
        timeout_ms: event["timeout_ms"].as_u64(),
    }
}

fn files(name: &str, value: &Value) -> Vec<(String, Vec<u8>)> {
    let file = |(path, text): (&String, &Value)| (path.clone(), bytes(name, text, "base64"));
    entries(value).map(file).collect()
}

/// A string, or bytes in base 64 as the only value of an object.
fn bytes(name: &str, value: &Value, key: &str) -> Vec<u8> {
    match value.get(key) {
        None => text(name, value).as_bytes().to_vec(),
        Some(encoded) => decode_base64(text(name, encoded)),
    }
}

fn decode_base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = DIGITS.iter().position(|other| *other == digit);
        bits = bits << 6 | value.expect("a digit of base 64") as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

impl Case {
    /// Its task root, and its /opt as the folder `_opt` in it.
    pub fn write(&self) -> TempDir {
        let dir = TempDir::new();
        let below_opt = |(path, bytes): &(String, Vec<u8>)| (format!("_opt/{path}"), bytes.clone());
        for (path, bytes) in self
            .files
            .iter()
            .cloned()
            .chain(self.opt.iter().map(below_opt))
        {
            match bytes.starts_with(b"#!") {
                true => dir.executable(&path, &bytes),
                false => dir.file(&path, &bytes),
            };
        }
        for (path, target) in &self.links {
            let link = dir.path().join(path);
            std::os::unix::fs::symlink(target, link).expect("make a symbolic link");
        }
        dir
    }
}
