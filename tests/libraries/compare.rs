//! What is compared: answers, lines of the log, messages to the sink. A value that is never the
//! same twice is `*` in a record.

use serde_json::{Map, Value, json};

/// Fields whose values name frames of the runtime, a process or a time.
const VARYING: [&str; 14] = [
    "stack",
    "error.stack",
    "stackTrace",
    "stack_trace",
    "trace",
    "timestamp",
    "time",
    "pid",
    "hostname",
    "location",
    "duration",
    "date",
    "Timestamp",
    "start_time",
];

/// One run of a function, as it is recorded.
#[derive(Debug)]
pub struct Seen {
    /// The answer to each event.
    pub answers: Vec<Value>,
    /// The lines of standard output, then those of standard error.
    pub log: Vec<Value>,
    /// The messages to the sink.
    pub sent: Vec<Value>,
}

impl Seen {
    /// From a record.
    pub fn from_record(record: &Value) -> Seen {
        let list = |key: &str| record[key].as_array().cloned().unwrap_or_default();
        Seen {
            answers: list("answers"),
            log: list("log"),
            sent: list("sent"),
        }
    }

    /// As a record: what two runs have in common.
    pub fn into_record(self, again: Seen) -> Value {
        let common = |a: Vec<Value>, b: Vec<Value>| {
            assert_eq!(
                a.len(),
                b.len(),
                "two runs differ in number:\n{a:#?}\n{b:#?}"
            );
            let pairs = a.into_iter().zip(b);
            pairs.map(|(a, b)| common(a, b)).collect::<Vec<Value>>()
        };
        json!({
            "answers": common(self.answers, again.answers),
            "log": common(self.log, again.log),
            "sent": common(self.sent, again.sent),
        })
    }

    /// What differs from a record, a line for each difference.
    pub fn differences(&self, record: &Seen) -> Vec<String> {
        let mut found = Vec::new();
        for (number, (ours, right)) in self.answers.iter().zip(&record.answers).enumerate() {
            if !matches(right, ours) {
                found.push(format!("answer {number}: {ours}, expected {right}"));
            }
        }
        if self.answers.len() != record.answers.len() {
            let (ours, right) = (self.answers.len(), record.answers.len());
            found.push(format!("{ours} answers, expected {right}"));
        }
        unmatched("log", &self.log, &record.log, &mut found);
        unmatched("sent", &self.sent, &record.sent, &mut found);
        found
    }
}

/// Without an order: streams and threads interleave.
fn unmatched(what: &str, ours: &[Value], right: &[Value], found: &mut Vec<String>) {
    let mut left: Vec<&Value> = ours.iter().collect();
    for expected in right {
        match left.iter().position(|value| matches(expected, value)) {
            Some(at) => drop(left.remove(at)),
            None => found.push(format!("{what}: missing {expected}")),
        }
    }
    found.extend(
        left.iter()
            .map(|value| format!("{what}: unexpected {value}")),
    );
}

/// Whether a value is as recorded.
fn matches(right: &Value, ours: &Value) -> bool {
    match (right, ours) {
        (Value::String(right), _) if right == "*" => true,
        (Value::String(right), Value::String(ours)) if right.contains('*') => {
            let (right, ours) = (words(right), words(ours));
            right.len() == ours.len() && right.iter().zip(&ours).all(|(a, b)| *a == "*" || a == b)
        }
        (Value::Array(right), Value::Array(ours)) => {
            right.len() == ours.len() && right.iter().zip(ours).all(|(a, b)| matches(a, b))
        }
        (Value::Object(right), Value::Object(ours)) => {
            right.len() == ours.len()
                && right
                    .iter()
                    .all(|(key, value)| ours.get(key).is_some_and(|ours| matches(value, ours)))
        }
        _ => right == ours,
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split([' ', '\t']).collect()
}

/// What two values have in common.
fn common(a: Value, b: Value) -> Value {
    match (a, b) {
        (Value::String(a), Value::String(b)) if a != b => {
            let (a, b) = (words(&a), words(&b));
            if a.len() != b.len() {
                return json!("*");
            }
            let pairs = a.into_iter().zip(b);
            let same: Vec<&str> = pairs.map(|(a, b)| if a == b { a } else { "*" }).collect();
            json!(same.join(" "))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.into_iter().zip(b).map(|(a, b)| common(a, b)).collect()
        }
        (Value::Object(a), Value::Object(mut b)) if a.keys().eq(b.keys()) => a
            .into_iter()
            .map(|(key, a)| {
                let b = b.remove(&key).unwrap_or_default();
                (key, common(a, b))
            })
            .collect::<Map<String, Value>>()
            .into(),
        (a, b) if a == b => a,
        _ => json!("*"),
    }
}

/// A line or a body: JSON where it is an object or an array, else text. Folders and times are
/// replaced.
pub fn value(text: &str, folders: &[(String, &str)]) -> Value {
    let mut text = text.to_string();
    for (folder, name) in folders {
        text = text.replace(folder, name);
    }
    if let Some(value) = parse(&text) {
        return steady(value);
    }
    // A record of the Node client: time, request id, level, text and an object.
    let parts = text.rsplit_once('\t');
    match parts.and_then(|(before, last)| Some((before, parse(last)?))) {
        Some((before, value)) => json!([without_times(before), steady(value)]),
        None => json!(without_times(&text)),
    }
}

fn parse(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    (value.is_object() || value.is_array()).then_some(value)
}

/// Without what changes from run to run, or from runtime to runtime.
fn steady(value: Value) -> Value {
    match value {
        Value::String(text) => json!(without_times(&text)),
        Value::Array(list) => list.into_iter().map(steady).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| {
                let varies = VARYING.contains(&key.as_str());
                let value = if varies { json!("*") } else { steady(value) };
                (key, value)
            });
            fields.collect::<Map<String, Value>>().into()
        }
        other => other,
    }
}

/// Times of ISO 8601 become `*`, a word for itself or the part before a bracket.
fn without_times(text: &str) -> String {
    let mut steady = String::new();
    let mut rest = text;
    while let Some((before, length)) = find_time(rest) {
        steady += &rest[..before];
        steady.push('*');
        rest = &rest[before + length..];
    }
    steady + rest
}

/// The start and the length of the first time, for instance `2026-01-02T03:04:05.678Z`.
fn find_time(text: &str) -> Option<(usize, usize)> {
    // Not a time of a test, which is before 2000.
    const SHAPE: &[u8] = b"2000-00-00T00:00:00";
    let bytes = text.as_bytes();
    let is_shape = |window: &[u8]| {
        window.iter().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            b'T' => [b'T', b' '].contains(byte),
            other => byte == other,
        })
    };
    let before = bytes.windows(SHAPE.len()).position(is_shape)?;
    let tail = &bytes[before + SHAPE.len()..];
    let more = tail
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || b".,Z+:".contains(byte))
        .count();
    Some((before, SHAPE.len() + more))
}
