//! The records of a Lambda log, in every format of such a log.
//!
//! A record is a line of text (`REPORT RequestId: ...`, fields separated by tabs) or, where the
//! function logs JSON, an object (`{"time":...,"type":"platform.report","record":{...}}`).
//! CloudWatch may add a time and the name of the log stream before it (`aws logs tail`), an object
//! with `message` and `logStreamName` (`aws logs filter-log-events`), or quotes and commas (a table
//! of Logs Insights). Sources: the Developer Guide's "Log format" and "Monitoring for SnapStart"
//! for lines, its Telemetry API schema for objects.

use serde_json::Value;

/// One record.
#[derive(Debug)]
pub enum Entry {
    Start {
        id: String,
        version: String,
    },
    Report {
        id: String,
        /// The version in the name of the log stream, if it is known.
        stream_version: Option<String>,
        invocation: Invocation,
    },
    Init {
        stream_version: Option<String>,
        duration_ms: f64,
        /// Lambda's word: `success`, `error`, `timeout`, ...
        status: String,
    },
}

/// The fields of a REPORT.
#[derive(Debug)]
pub struct Invocation {
    pub duration_ms: f64,
    pub billed_ms: Option<f64>,
    pub max_memory_mb: Option<f64>,
    pub init_ms: Option<f64>,
    pub restore_ms: Option<f64>,
    pub is_failed: bool,
}

impl Invocation {
    /// Whether an environment was started or restored for it.
    pub fn is_cold(&self) -> bool {
        self.init_ms.is_some() || self.restore_ms.is_some()
    }
}

/// Reads a whole log.
pub fn read(log: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    // One document over any number of lines.
    if let Ok(value) = serde_json::from_str::<Value>(log) {
        read_value(&value, None, &mut entries);
        return entries;
    }
    for line in log.lines() {
        read_line(line, None, &mut entries);
    }
    entries
}

/// A JSON value: a record, an event with a record, or a list of these.
fn read_value(value: &Value, stream: Option<&str>, entries: &mut Vec<Entry>) {
    if let Some(list) = value.as_array().or(value["events"].as_array()) {
        list.iter()
            .for_each(|value| read_value(value, stream, entries));
        return;
    }
    let text = |key: &str| value[key].as_str();
    if let Some(message) = text("message").or(text("@message")) {
        let stream = text("logStreamName").or(text("@logStream")).or(stream);
        message
            .lines()
            .for_each(|line| read_line(line, stream, entries));
        return;
    }
    entries.extend(record(value, stream));
}

/// A record of a JSON log.
fn record(value: &Value, stream: Option<&str>) -> Option<Entry> {
    let record = &value["record"];
    let text = |key: &str| record[key].as_str().map(str::to_string);
    let metric = |key: &str| record["metrics"][key].as_f64();
    let stream_version = stream.and_then(version_of_stream);
    match value["type"].as_str()? {
        "platform.start" => Some(Entry::Start {
            id: text("requestId")?,
            version: text("version")?,
        }),
        "platform.report" => Some(Entry::Report {
            id: text("requestId")?,
            stream_version,
            invocation: Invocation {
                duration_ms: metric("durationMs")?,
                billed_ms: metric("billedDurationMs"),
                max_memory_mb: metric("maxMemoryUsedMB"),
                init_ms: metric("initDurationMs"),
                restore_ms: metric("restoreDurationMs"),
                is_failed: text("status").is_some_and(|status| status != "success"),
            },
        }),
        "platform.initReport" => Some(Entry::Init {
            stream_version,
            duration_ms: metric("durationMs")?,
            status: text("status").unwrap_or("success".to_string()),
        }),
        _ => None,
    }
}

/// A line with a record, and with any prefix.
fn read_line(line: &str, stream: Option<&str>, entries: &mut Vec<Entry>) {
    if let Some(at) = line.find('{') {
        let (front, object) = line.split_at(at);
        // In a table the object is quoted, and its own quotes are doubled.
        let unquoted = object
            .trim_end()
            .trim_end_matches('"')
            .replace("\"\"", "\"");
        for object in [object.trim_end(), &unquoted] {
            if let Ok(value) = serde_json::from_str::<Value>(object) {
                return read_value(&value, stream.or(Some(front)), entries);
            }
        }
    }
    // A line cut out of a JSON document has escaped tabs.
    let line = line.replace("\\t", "\t").replace("\\n", "\n");
    const START: &str = "START RequestId: ";
    const INIT: &str = "INIT_REPORT Init Duration: ";
    const REPORT: &str = "REPORT RequestId: ";
    if let Some((front, rest)) = line.split_once(INIT) {
        let status = word_after(rest, "Status: ").unwrap_or("success".to_string());
        entries.extend(parse_number(rest).map(|duration_ms| Entry::Init {
            stream_version: version_of_stream(stream.unwrap_or(front)),
            duration_ms,
            status,
        }));
    } else if let Some((front, rest)) = line.split_once(REPORT) {
        entries.extend(report(rest, stream.unwrap_or(front)));
    } else if let Some((_, rest)) = line.split_once(START) {
        let version = word_after(rest, "Version: ");
        entries.extend(version.map(|version| Entry::Start {
            id: first_word(rest),
            version,
        }));
    }
}

/// The fields of a REPORT line. Longer names come first, and names that were read are removed:
/// `Duration` is a part of four of them.
fn report(text: &str, stream: &str) -> Option<Entry> {
    let mut rest = text.to_string();
    let mut field = |name: &str| -> Option<f64> {
        let at = rest.find(name)?;
        let value = parse_number(&rest[at + name.len()..]);
        rest.replace_range(at..at + name.len(), "");
        value
    };
    field("Billed Restore Duration: ");
    let restore_ms = field("Restore Duration: ");
    let billed_ms = field("Billed Duration: ");
    let init_ms = field("Init Duration: ");
    let duration_ms = field("Duration: ")?;
    let max_memory_mb = field("Max Memory Used: ");
    Some(Entry::Report {
        id: first_word(text),
        stream_version: version_of_stream(stream),
        invocation: Invocation {
            duration_ms,
            billed_ms,
            max_memory_mb,
            init_ms,
            restore_ms,
            is_failed: word_after(text, "Status: ").is_some_and(|status| status != "success"),
        },
    })
}

/// The version in `2026/11/22/[$LATEST]0123...` or `2026/11/22/name[3]0123...`, also within a text.
fn version_of_stream(text: &str) -> Option<String> {
    let (_, rest) = text.rsplit_once('[')?;
    let (version, _) = rest.split_once(']')?;
    let is_version = version == "$LATEST" || version.parse::<u64>().is_ok();
    is_version.then(|| version.to_string())
}

/// The word after a name.
fn word_after(text: &str, name: &str) -> Option<String> {
    let found = first_word(text.split_once(name)?.1);
    (!found.is_empty()).then_some(found)
}

/// Up to white space, or the quote or comma that ends a table's field.
fn first_word(text: &str) -> String {
    let end = text.find(|c: char| c.is_whitespace() || c == '"' || c == ',');
    text[..end.unwrap_or(text.len())].to_string()
}

fn parse_number(text: &str) -> Option<f64> {
    first_word(text).parse().ok()
}
