//! The records of a Lambda log, in every format of such a log.
//!
//! A record is a line of text (`REPORT RequestId: ...`, fields separated by tabs) or, where the
//! function logs JSON, an object (`{"time":...,"type":"platform.report","record":{...}}`), which
//! `tinderbox run --json` also writes. CloudWatch may add a time and the name of the log stream
//! before it (`aws logs tail`), an object with `message` and `logStreamName` (`aws logs
//! filter-log-events`), or quotes and commas (a table of Logs Insights). Sources: the Developer
//! Guide's "Log format" and "Monitoring for SnapStart" for lines, its Telemetry API schema for
//! objects.

use serde_json::Value;

use super::place::Place;

/// One record.
#[derive(Debug)]
pub enum Entry {
    InitStart {
        place: Place,
    },
    Start {
        id: String,
        place: Place,
    },
    TimedOut {
        id: String,
        seconds: f64,
    },
    Report {
        id: String,
        place: Place,
        invocation: Invocation,
    },
    Init {
        place: Place,
        init: Init,
    },
}

/// The fields of an INIT_REPORT.
#[derive(Debug)]
pub struct Init {
    pub duration_ms: f64,
    /// Lambda's word: `success`, `error`, `timeout`, ...
    pub status: String,
}

/// The fields of a REPORT.
#[derive(Debug)]
pub struct Invocation {
    pub duration_ms: f64,
    pub billed_ms: Option<f64>,
    pub memory_size_mb: Option<f64>,
    pub max_memory_mb: Option<f64>,
    /// Of a cold start: never 0.
    pub init_ms: Option<f64>,
    pub restore_ms: Option<f64>,
    pub outcome: Outcome,
}

/// How an invocation ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    /// With its error type; empty if the log has none.
    Error(String),
    Timeout,
}

impl Outcome {
    fn new(status: Option<&str>, error_type: Option<&str>) -> Outcome {
        match status {
            None | Some("success") => Outcome::Success,
            Some("timeout") => Outcome::Timeout,
            Some(_) => Outcome::Error(error_type.unwrap_or_default().to_string()),
        }
    }
}

/// A duration of 0.00 ms is written where nothing was started.
fn of_cold_start(ms: Option<f64>) -> Option<f64> {
    ms.filter(|&ms| ms > 0.0)
}

/// Reads a whole log.
pub fn read(log: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    // One document over any number of lines.
    if let Ok(value) = serde_json::from_str::<Value>(log) {
        read_value(&value, Layer::CloudWatch, &Place::default(), &mut entries);
        return entries;
    }
    for line in log.lines() {
        read_line(line, Layer::CloudWatch, &Place::default(), &mut entries);
    }
    entries
}

/// Who has written a text or a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    /// CloudWatch may have wrapped a message of Lambda.
    CloudWatch,
    /// It is the message: a member `message` is a function's own text.
    Lambda,
}

/// A JSON value: a record, an event with a record, or a list of these.
fn read_value(value: &Value, layer: Layer, place: &Place, entries: &mut Vec<Entry>) {
    if let Some(list) = value.as_array().or(value["events"].as_array()) {
        if layer == Layer::CloudWatch {
            list.iter()
                .for_each(|value| read_value(value, layer, place, entries));
        }
        return;
    }
    let lines = |text: &str, place: &Place, entries: &mut Vec<Entry>| {
        text.lines()
            .for_each(|line| read_line(line, Layer::Lambda, place, entries));
    };
    if let Some(text) = value.as_str() {
        return lines(text, place, entries);
    }
    let text = |key: &str| value[key].as_str();
    if layer == Layer::CloudWatch
        && let Some(message) = message(value)
    {
        let stream = text("logStreamName").or(text("@logStream"));
        let group = text("@log").or(text("logGroupName"));
        let place = Place::of_group(group.unwrap_or_default())
            .or(Place::of_stream(stream.unwrap_or_default()))
            .or(place.clone());
        return lines(message, &place, entries);
    }
    entries.extend(record(value, place));
}

/// The message of an event of CloudWatch; a function's own JSON line may have one too.
fn message(value: &Value) -> Option<&str> {
    if let Some(message) = value["@message"].as_str() {
        return Some(message);
    }
    let has = |key: &str| !value[key].is_null();
    let is_event = value["timestamp"].is_number()
        || ["eventId", "ingestionTime", "logStreamName"]
            .into_iter()
            .any(has);
    value["message"]
        .as_str()
        .filter(|_| is_event && !has("level"))
}

/// A record of a JSON log.
fn record(value: &Value, place: &Place) -> Option<Entry> {
    let record = &value["record"];
    let text = |key: &str| record[key].as_str().map(str::to_string);
    let metric = |key: &str| record["metrics"][key].as_f64();
    let place = Place::of_record(value).or(place.clone());
    match value["type"].as_str()? {
        "platform.initStart" => Some(Entry::InitStart { place }),
        "platform.start" => Some(Entry::Start {
            id: text("requestId")?,
            place,
        }),
        "platform.report" => Some(Entry::Report {
            id: text("requestId")?,
            place,
            invocation: Invocation {
                duration_ms: metric("durationMs")?,
                billed_ms: metric("billedDurationMs"),
                memory_size_mb: metric("memorySizeMB"),
                max_memory_mb: metric("maxMemoryUsedMB"),
                init_ms: of_cold_start(metric("initDurationMs")),
                restore_ms: of_cold_start(metric("restoreDurationMs")),
                outcome: Outcome::new(record["status"].as_str(), record["errorType"].as_str()),
            },
        }),
        "platform.initReport" => Some(Entry::Init {
            place,
            init: Init {
                duration_ms: metric("durationMs")?,
                status: text("status").unwrap_or("success".to_string()),
            },
        }),
        _ => None,
    }
}

/// A line with a record, and with any prefix.
fn read_line(line: &str, layer: Layer, place: &Place, entries: &mut Vec<Entry>) {
    if let Some(at) = line.find('{') {
        let (front, object) = line.split_at(at);
        // In a table the object is quoted, and its own quotes are doubled.
        let unquoted = object
            .trim_end()
            .trim_end_matches('"')
            .replace("\"\"", "\"");
        for object in [object.trim_end(), &unquoted] {
            if let Ok(value) = serde_json::from_str::<Value>(object) {
                let place = place.clone().or(Place::of_stream(front));
                return read_value(&value, layer, &place, entries);
            }
        }
    }
    // A line cut out of a JSON document has escaped tabs.
    let line = line.replace("\\t", "\t").replace("\\n", "\n");
    const START: &str = "START RequestId: ";
    const INIT: &str = "INIT_REPORT Init Duration: ";
    const REPORT: &str = "REPORT RequestId: ";
    const TIMED_OUT: &str = " Task timed out after ";
    let place_of = |front: &str| place.clone().or(Place::of_stream(front));
    if let Some((front, rest)) = line.split_once(INIT) {
        let status = word_after(rest, "Status: ").unwrap_or("success".to_string());
        entries.extend(parse_number(rest).map(|duration_ms| Entry::Init {
            place: place_of(front),
            init: Init {
                duration_ms,
                status,
            },
        }));
    } else if let Some((front, rest)) = line.split_once(REPORT) {
        entries.extend(report(rest, place_of(front)));
    } else if let Some((_, rest)) = line.split_once(START) {
        let version = word_after(rest, "Version: ");
        entries.extend(version.map(|version| Entry::Start {
            id: first_word(rest),
            place: Place {
                function: word_after(rest, "\tFunction: ").or(place.function.clone()),
                version: Some(version),
            },
        }));
    } else if let Some((front, rest)) = line.split_once(TIMED_OUT) {
        let id = front.rsplit(char::is_whitespace).next().unwrap_or_default();
        entries.extend(parse_number(rest).map(|seconds| Entry::TimedOut {
            id: id.to_string(),
            seconds,
        }));
    }
}

/// The fields of a REPORT line. Longer names come first, and names that were read are removed:
/// `Duration` is a part of four of them.
fn report(text: &str, place: Place) -> Option<Entry> {
    let mut rest = text.to_string();
    let mut field = |name: &str| -> Option<f64> {
        let at = rest.find(name)?;
        let value = parse_number(&rest[at + name.len()..]);
        rest.replace_range(at..at + name.len(), "");
        value
    };
    field("Billed Restore Duration: ");
    let restore_ms = of_cold_start(field("Restore Duration: "));
    let billed_ms = field("Billed Duration: ");
    let init_ms = of_cold_start(field("Init Duration: "));
    let duration_ms = field("Duration: ")?;
    let (status, error_type) = (
        word_after(text, "Status: "),
        word_after(text, "Error Type: "),
    );
    Some(Entry::Report {
        id: first_word(text),
        place,
        invocation: Invocation {
            duration_ms,
            billed_ms,
            memory_size_mb: field("Memory Size: "),
            max_memory_mb: field("Max Memory Used: "),
            init_ms,
            restore_ms,
            outcome: Outcome::new(status.as_deref(), error_type.as_deref()),
        },
    })
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
    first_word(text)
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}
