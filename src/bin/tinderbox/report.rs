//! `tinderbox report`: what Lambda itself has measured, from its log, in percentiles by version.
//!
//! - `lines`  what a log has to say, line by line, in each of the forms in which it is had

mod lines;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};

use serde_json::{Value, json};

use crate::message::{self, Failure};
use lines::{Entry, Invocation};

/// What `tinderbox report` was asked for.
pub struct ReportOptions {
    /// None: stdin.
    pub files: Vec<OsString>,
    pub json: bool,
}

/// A figure that Lambda reports, with its unit.
const FIGURES: [(&str, &str, Figure); 7] = [
    ("Init Duration, ms", "init_duration_ms", |one| one.init_ms),
    ("Restore Duration, ms", "restore_duration_ms", |one| {
        one.restore_ms
    }),
    ("Duration when cold, ms", "cold_duration_ms", |one| {
        one.is_cold().then_some(one.duration_ms)
    }),
    ("Duration when warm, ms", "warm_duration_ms", |one| {
        (!one.is_cold()).then_some(one.duration_ms)
    }),
    ("Duration, ms", "duration_ms", |one| Some(one.duration_ms)),
    ("Billed Duration, ms", "billed_duration_ms", |one| {
        one.billed_ms
    }),
    ("Max Memory Used, MB", "max_memory_used_mb", |one| {
        one.max_memory_mb
    }),
];

type Figure = fn(&Invocation) -> Option<f64>;

const PARTS: [(&str, f64); 5] = [
    ("min", 0.0),
    ("p50", 0.5),
    ("p90", 0.9),
    ("p99", 0.99),
    ("max", 1.0),
];

/// What one version has left in one log.
#[derive(Default)]
struct Group {
    invocations: Vec<Invocation>,
    /// INIT_REPORT: how long, and how it ended.
    inits: Vec<(f64, String)>,
}

/// Reads the logs and tells.
pub fn report(options: &ReportOptions) -> Result<i32, Failure> {
    let mut groups = BTreeMap::new();
    if options.files.is_empty() {
        let mut bytes = Vec::new();
        io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::new(format!("the log cannot be read from stdin: {error}")))?;
        collect("", &bytes, &mut groups);
    }
    for file in &options.files {
        let name = file.display().to_string();
        let bytes = fs::read(file)
            .map_err(|error| Failure::new(format!("the log '{name}' cannot be read: {error}")))?;
        let before: usize = groups.values().map(Group::size).sum();
        collect(&name, &bytes, &mut groups);
        if groups.values().map(Group::size).sum::<usize>() == before {
            return Err(nothing(&format!("'{name}'")));
        }
    }
    if groups.is_empty() {
        return Err(nothing("the log"));
    }
    let text = match options.json {
        true => format!("{}\n", object(&groups)),
        false => groups
            .iter()
            .map(|((name, version), group)| table(name, version, group))
            .collect(),
    };
    message::print(text.as_bytes()).map(|()| 0)
}

fn nothing(what: &str) -> Failure {
    Failure::new(format!(
        "{what} has neither a REPORT nor an INIT_REPORT line, nor platform.report in JSON"
    ))
}

type Groups = BTreeMap<(String, String), Group>;

impl Group {
    fn size(&self) -> usize {
        self.invocations.len() + self.inits.len()
    }
}

/// Sorts what a log has by version: that of the START line with the same request id, else that in
/// the name of the log stream, else that of the next START line (an INIT_REPORT has no id).
fn collect(name: &str, bytes: &[u8], groups: &mut Groups) {
    let entries = lines::read(&String::from_utf8_lossy(bytes));
    let mut versions = HashMap::new();
    for entry in &entries {
        if let Entry::Start { id, version } = entry {
            versions.insert(id.clone(), version.clone());
        }
    }
    let mut next_version = None;
    let mut inits = Vec::new();
    let mut add = |version: Option<String>, what: Result<Invocation, (f64, String)>| {
        let version = version.unwrap_or("unknown".to_string());
        let group: &mut Group = groups.entry((name.to_string(), version)).or_default();
        match what {
            Ok(invocation) => group.invocations.push(invocation),
            Err(init) => group.inits.push(init),
        }
    };
    for entry in entries {
        match entry {
            Entry::Start { version, .. } => {
                next_version = Some(version.clone());
                for init in inits.drain(..) {
                    add(Some(version.clone()), Err(init));
                }
            }
            Entry::Report {
                id,
                stream_version,
                invocation,
            } => {
                add(
                    versions.get(&id).cloned().or(stream_version),
                    Ok(invocation),
                );
            }
            Entry::Init {
                stream_version: None,
                duration_ms,
                status,
            } => {
                inits.push((duration_ms, status));
            }
            Entry::Init {
                stream_version,
                duration_ms,
                status,
            } => {
                add(stream_version, Err((duration_ms, status)));
            }
        }
    }
    for init in inits {
        add(next_version.clone(), Err(init)); // nothing was started behind it
    }
}

fn table(name: &str, version: &str, group: &Group) -> String {
    let cold = group.invocations.iter().filter(|one| one.is_cold()).count();
    let failed = group.invocations.iter().filter(|one| one.is_failed).count();
    let of = if name.is_empty() {
        String::new()
    } else {
        format!("{name}: ")
    };
    let count = group.invocations.len();
    let mut text = format!("{of}version {version}: {count} invocations, {cold} of them cold");
    if failed > 0 {
        text += &format!(", {failed} failed");
    }
    text += &format!("\n{:<24}{:>8}", "", "n");
    for (part, _) in PARTS {
        text += &format!("{part:>10}");
    }
    text += "\n";
    for (title, _, of) in FIGURES {
        text += &row(title, group.invocations.iter().filter_map(of).collect());
    }
    for status in statuses(group) {
        let inits = group.inits.iter().filter(|init| init.1 == status);
        let title = format!("INIT_REPORT {status}, ms");
        text += &row(&title, inits.map(|init| init.0).collect());
    }
    text + "\n"
}

fn row(title: &str, numbers: Vec<f64>) -> String {
    let Some(parts) = percentiles(numbers) else {
        return String::new();
    };
    let mut text = format!("{title:<24}{:>8}", parts.0);
    for (_, number) in parts.1 {
        text += &match number.fract() == 0.0 {
            true => format!("{number:>10}"),
            false => format!("{number:>10.2}"),
        };
    }
    text + "\n"
}

fn statuses(group: &Group) -> Vec<String> {
    let mut statuses: Vec<String> = group.inits.iter().map(|init| init.1.clone()).collect();
    statuses.sort();
    statuses.dedup();
    statuses
}

fn object(groups: &Groups) -> Value {
    let value = |numbers: Vec<f64>| match percentiles(numbers) {
        None => Value::Null,
        Some((count, parts)) => {
            let mut all: serde_json::Map<String, Value> = parts
                .into_iter()
                .map(|(name, number)| (name.to_string(), json!(number)))
                .collect();
            all.insert("n".to_string(), json!(count));
            Value::Object(all)
        }
    };
    let groups = groups.iter().map(|((name, version), group)| {
        let mut all = serde_json::Map::new();
        all.insert("log".to_string(), json!((!name.is_empty()).then_some(name)));
        all.insert("version".to_string(), json!(version));
        all.insert("invocations".to_string(), json!(group.invocations.len()));
        let failed = group.invocations.iter().filter(|one| one.is_failed).count();
        all.insert("failed".to_string(), json!(failed));
        for (_, key, of) in FIGURES {
            let numbers = group.invocations.iter().filter_map(of).collect();
            all.insert(key.to_string(), value(numbers));
        }
        let inits = statuses(group).into_iter().map(|status| {
            let inits = group.inits.iter().filter(|init| init.1 == status);
            (status.clone(), value(inits.map(|init| init.0).collect()))
        });
        all.insert("init_report_ms".to_string(), Value::Object(inits.collect()));
        Value::Object(all)
    });
    json!({ "versions": groups.collect::<Vec<Value>>() })
}

type Percentiles = (usize, Vec<(&'static str, f64)>);

/// The number nearest to each part of the way from the least to the greatest.
fn percentiles(mut numbers: Vec<f64>) -> Option<Percentiles> {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().checked_sub(1)?;
    let at = |part: f64| numbers[(part * last as f64).round() as usize];
    Some((
        numbers.len(),
        PARTS.map(|(name, part)| (name, at(part))).to_vec(),
    ))
}
