//! Compares what was seen of a case with what the official client did.

use crate::lambda::{Answer, End, ID_START, Outcome, Seen};
use serde_json::{Map, Value};

/// The differences, each with its place. `folder` is the task root, which is `/T` in the record.
pub fn differences(official: &Value, seen: &Seen, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    init_error(&official["init_error"], seen, folder, &mut found);
    let outcomes = official["outcomes"].as_array().expect("outcomes");
    assert_eq!(
        outcomes.len(),
        seen.outcomes.len(),
        "outcomes of the record"
    );
    for (number, (theirs, ours)) in outcomes.iter().zip(&seen.outcomes).enumerate() {
        let mut add =
            |what: &str, text: String| found.push(format!("event {number}: {what}: {text}"));
        outcome(theirs, ours, folder, &mut add);
    }
    if official["starts"] != seen.starts {
        found.push(format!("starts: {} / {}", official["starts"], seen.starts));
    }
    if let Some(status) = official.get("sigterm")
        && status.as_i64() != seen.sigterm_exit.map(i64::from)
    {
        let ours = seen.sigterm_exit;
        found.push(format!("status after SIGTERM: {status} / {ours:?}"));
    }
    found.extend(
        seen.violations
            .iter()
            .map(|text| format!("protocol: {text}")),
    );
    records(&official["logs"], seen, folder, &mut found);
    found
}

/// What no runtime may do, whatever the official client does: leave an event without an answer, or
/// answer it twice. A runtime that fails to start answers none.
pub fn unanswered(seen: &Seen) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (number, outcome) in seen.outcomes.iter().enumerate() {
        let is_answered = matches!(outcome.end, End::Response(_) | End::Error(_));
        if !is_answered && seen.init_error.is_none() {
            found.push(format!(
                "event {number}: no answer: {}",
                description(&outcome.end)
            ));
        }
        if outcome.lacks_next {
            found.push(format!("event {number}: the next event is not requested"));
        }
    }
    found.extend(
        seen.violations
            .iter()
            .map(|text| format!("protocol: {text}")),
    );
    found
}

fn init_error(theirs: &Value, seen: &Seen, folder: &str, found: &mut Vec<String>) {
    match (theirs.get("body"), &seen.init_error) {
        (None, None) => {}
        (Some(_), None) => found.push(format!("init: fails / starts; official: {theirs}")),
        (None, Some(ours)) => found.push(format!("init: starts / fails: {}", shown(&ours.body))),
        (Some(theirs), Some(ours)) => {
            let mut add = |what: &str, text| found.push(format!("init error: {what}: {text}"));
            error(&fields(theirs), &fields(&body(ours)), folder, &mut add);
        }
    }
}

fn outcome(theirs: &Value, ours: &Outcome, folder: &str, add: &mut impl FnMut(&str, String)) {
    let (kind, answer) = match &ours.end {
        End::Unserved => ("unserved", None),
        End::Response(answer) => ("response", Some(answer)),
        End::Error(answer) => ("error", Some(answer)),
        End::Exit(_) => ("exit", None),
        End::Timeout => ("timeout", None),
    };
    if theirs["kind"] != kind {
        let text = description(&ours.end);
        return add("kind", format!("{} / {kind}: {text}", theirs["kind"]));
    }
    if theirs["no_next"].as_bool().unwrap_or(false) != ours.lacks_next {
        add("next event", "only one of them requests it".to_string());
    }
    let Some(answer) = answer else {
        return;
    };
    if kind == "error" {
        return error(
            &fields(&theirs["body"]),
            &fields(&body(answer)),
            folder,
            add,
        );
    }
    let (x, y) = (
        normal(&theirs["body"], folder),
        normal(&body(answer), folder),
    );
    if x != y {
        let json = |value: &Value| serde_json::from_str::<Value>(value.as_str()?).ok();
        let what = match (json(&x), json(&y)) {
            (Some(x), Some(y)) if x == y => "bytes of the same value",
            _ => "value",
        };
        add(what, format!("{} / {}", cut(&x), cut(&y)));
    }
    for name in ["content-type", "lambda-runtime-function-response-mode"] {
        let (x, y) = (theirs["headers"][name].as_str(), header(answer, name));
        if x != y {
            add(name, format!("{x:?} / {y:?}"));
        }
    }
}

fn error(
    theirs: &Map<String, Value>,
    ours: &Map<String, Value>,
    folder: &str,
    add: &mut impl FnMut(&str, String),
) {
    for key in ["errorType", "errorMessage"] {
        let of =
            |fields: &Map<String, Value>| normal(fields.get(key).unwrap_or(&Value::Null), folder);
        let (x, y) = (of(theirs), of(ours));
        if x != y {
            add(key, format!("{} / {}", cut(&x), cut(&y)));
        }
    }
}

/// Each record of the official log in JSON must be among ours, as often.
fn records(theirs: &Value, seen: &Seen, folder: &str, found: &mut Vec<String>) {
    for (event, text) in theirs.as_object().into_iter().flatten() {
        let number: i64 = event.parse().expect("the number of an event");
        let ours = String::from_utf8_lossy(seen.logs.get(&number).map_or(b"", |log| log));
        let ours = ours.split('\n').filter_map(|line| record(line, folder));
        let mut ours: Vec<Value> = ours.collect();
        let lines = text.as_str().expect("a log").split('\n');
        for record in lines.filter_map(|line| record(line, folder)) {
            match ours.iter().position(|other| *other == record) {
                Some(at) => drop(ours.swap_remove(at)),
                None => found.push(format!(
                    "event {event}: no such record in the log: {}",
                    cut(&record)
                )),
            }
        }
    }
}

/// A line that is a JSON object, without what differs from run to run.
pub fn record(line: &str, folder: &str) -> Option<Value> {
    if !line.trim_start().starts_with('{') {
        return None;
    }
    let mut value: Value = serde_json::from_str(&plain(line, folder)).ok()?;
    strip(value.as_object_mut()?);
    if let Some(message) = value.get_mut("message").and_then(Value::as_object_mut) {
        strip(message);
    }
    Some(value)
}

fn strip(record: &mut Map<String, Value>) {
    const VARYING: &[&str] = &[
        "timestamp",
        "time",
        "location",
        "pid",
        "hostname",
        "stackTrace",
        "stack_trace",
        "stack",
        "trace",
    ];
    record.retain(|key, _| !VARYING.contains(&key.as_str()));
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut headers = answer.headers.iter();
    let found = headers.find(|(other, _)| other == name);
    found.map(|(_, value)| value.as_str())
}

/// A body as the record has it: a string, or the hexadecimal digits of bytes that are not UTF-8.
fn body(answer: &Answer) -> Value {
    match std::str::from_utf8(&answer.body) {
        Ok(text) => text.into(),
        Err(_) => {
            let digits = answer.body.iter().map(|byte| format!("{byte:02x}"));
            serde_json::json!({ "hex": digits.collect::<String>() })
        }
    }
}

/// The fields of an error's body.
fn fields(body: &Value) -> Map<String, Value> {
    let parsed = body
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    parsed.unwrap_or_default()
}

fn normal(value: &Value, folder: &str) -> Value {
    match value.as_str() {
        Some(text) => plain(text, folder).into(),
        None => value.clone(),
    }
}

/// A text without what differs from run to run: the task root, request ids, times.
pub fn plain(text: &str, folder: &str) -> String {
    let text = text.replace(folder, "/T");
    let mut result = String::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let id = rest
            .strip_prefix(ID_START)
            .and_then(|rest| rest.chars().next());
        if let Some(digit) = id.filter(char::is_ascii_hexdigit) {
            result += &format!("<id{digit}>");
            rest = &rest[ID_START.len() + 1..];
        } else if let Some(length) = time_length(rest.as_bytes()) {
            result += "<time>";
            rest = &rest[length..];
        } else {
            result.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    result
}

/// The length of a time that the text begins with, as `2026-11-27T12:00:00.000Z`.
fn time_length(text: &[u8]) -> Option<usize> {
    for (at, form) in b"0000-00-00T00:00:00".iter().enumerate() {
        let byte = text.get(at)?;
        let fits = match form {
            b'0' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b' '),
            other => byte == other,
        };
        if !fits {
            return None;
        }
    }
    let mut length = 19;
    if matches!(text.get(length), Some(b'.' | b',')) {
        let digits = text[length + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        let count = digits.count();
        length += if count > 0 { 1 + count } else { 0 };
    }
    Some(length + usize::from(text.get(length) == Some(&b'Z')))
}

fn description(end: &End) -> String {
    match end {
        End::Unserved => "not delivered".to_string(),
        End::Response(answer) | End::Error(answer) => shown(&answer.body),
        End::Exit(status) => format!("the runtime exits with status {status}"),
        End::Timeout => "the deadline passes".to_string(),
    }
}

fn shown(body: &[u8]) -> String {
    cut_text(&String::from_utf8_lossy(body))
}

fn cut(value: &Value) -> String {
    cut_text(&value.to_string())
}

fn cut_text(text: &str) -> String {
    text.chars().take(300).collect()
}
