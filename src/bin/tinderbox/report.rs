//! `tinderbox report`: Lambda's own measurements from its log, as percentiles for each version.
//!
//! - `lines`  the records of a log, in each of its formats

mod lines;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};

use serde_json::{Value, json};

use crate::exit_status::DONE;
use crate::output::{self, Failure};
use crate::statistics::{QUANTILES, Sample};
use lines::{Entry, Invocation};

/// The options of `tinderbox report`.
pub struct ReportOptions {
    /// Empty for stdin.
    pub files: Vec<OsString>,
    pub json: bool,
}

/// The reported values: title, key and value.
const METRICS: [(&str, &str, Metric); 7] = [
    ("Init Duration, ms", "init_duration_ms", |invocation| {
        invocation.init_ms
    }),
    (
        "Restore Duration, ms",
        "restore_duration_ms",
        |invocation| invocation.restore_ms,
    ),
    ("Duration when cold, ms", "cold_duration_ms", |invocation| {
        invocation.is_cold().then_some(invocation.duration_ms)
    }),
    ("Duration when warm, ms", "warm_duration_ms", |invocation| {
        (!invocation.is_cold()).then_some(invocation.duration_ms)
    }),
    ("Duration, ms", "duration_ms", |invocation| {
        Some(invocation.duration_ms)
    }),
    ("Billed Duration, ms", "billed_duration_ms", |invocation| {
        invocation.billed_ms
    }),
    ("Max Memory Used, MB", "max_memory_used_mb", |invocation| {
        invocation.max_memory_mb
    }),
];

type Metric = fn(&Invocation) -> Option<f64>;

/// The records of one version in one log.
#[derive(Default)]
struct Group {
    invocations: Vec<Invocation>,
    /// INIT_REPORT: duration and status.
    inits: Vec<(f64, String)>,
}

/// Reads the logs and prints the report.
pub fn report(options: &ReportOptions) -> Result<i32, Failure> {
    let mut groups = BTreeMap::new();
    if options.files.is_empty() {
        let mut bytes = Vec::new();
        io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::caused("cannot read the log from stdin", error))?;
        collect("", &bytes, &mut groups);
    }
    for file in &options.files {
        let name = file.display().to_string();
        let bytes = fs::read(file)
            .map_err(|error| Failure::caused(format!("cannot read the log '{name}'"), error))?;
        let before: usize = groups.values().map(Group::size).sum();
        collect(&name, &bytes, &mut groups);
        if groups.values().map(Group::size).sum::<usize>() == before {
            return Err(no_records(&format!("the log '{name}'")));
        }
    }
    if groups.is_empty() {
        return Err(no_records("the log"));
    }
    let text = match options.json {
        true => format!("{}\n", json_object(&groups)),
        false => groups
            .iter()
            .map(|((name, version), group)| text_table(name, version, group))
            .collect(),
    };
    output::write_stdout(text.as_bytes()).map(|()| DONE)
}

fn no_records(log: &str) -> Failure {
    Failure::new(format!(
        "no records in {log}: expected REPORT or INIT_REPORT lines, or platform.report in JSON"
    ))
}

type Groups = BTreeMap<(String, String), Group>;

impl Group {
    fn size(&self) -> usize {
        self.invocations.len() + self.inits.len()
    }
}

/// Groups a log's records by version: that of the START line with the same request id, or that in
/// the name of the log stream, or that of the next START line (an INIT_REPORT has no id).
fn collect(name: &str, bytes: &[u8], groups: &mut Groups) {
    let entries = lines::read(&String::from_utf8_lossy(bytes));
    let mut versions = HashMap::new();
    for entry in &entries {
        if let Entry::Start { id, version } = entry {
            versions.insert(id.clone(), version.clone());
        }
    }
    let mut last_version = None;
    let mut inits = Vec::new(); // those that the next START line gives a version
    for entry in entries {
        match entry {
            Entry::Start { version, .. } => {
                last_version = Some(version);
                move_inits(&mut inits, groups, name, &last_version);
            }
            Entry::Report {
                id,
                stream_version,
                invocation,
            } => {
                let version = versions.get(&id).cloned().or(stream_version);
                let group = group_of(groups, name, version);
                group.invocations.push(invocation);
            }
            Entry::Init {
                stream_version,
                duration_ms,
                status,
            } => match stream_version {
                None => inits.push((duration_ms, status)),
                version => {
                    let group = group_of(groups, name, version);
                    group.inits.push((duration_ms, status));
                }
            },
        }
    }
    move_inits(&mut inits, groups, name, &last_version); // no START line follows them
}

fn move_inits(
    inits: &mut Vec<(f64, String)>,
    groups: &mut Groups,
    name: &str,
    version: &Option<String>,
) {
    if !inits.is_empty() {
        group_of(groups, name, version.clone()).inits.append(inits);
    }
}

fn group_of<'a>(groups: &'a mut Groups, name: &str, version: Option<String>) -> &'a mut Group {
    let version = version.unwrap_or("unknown".to_string());
    groups.entry((name.to_string(), version)).or_default()
}

fn text_table(name: &str, version: &str, group: &Group) -> String {
    let cold = group
        .invocations
        .iter()
        .filter(|invocation| invocation.is_cold())
        .count();
    let failed = group
        .invocations
        .iter()
        .filter(|invocation| invocation.is_failed)
        .count();
    let prefix = if name.is_empty() {
        String::new()
    } else {
        format!("{name}: ")
    };
    let count = group.invocations.len();
    let mut text = format!("{prefix}version {version}: {count} invocations, {cold} of them cold");
    if failed > 0 {
        text += &format!(", {failed} failed");
    }
    text += &format!("\n{:<24}{:>8}", "", "n");
    for (name, _) in QUANTILES {
        text += &format!("{name:>10}");
    }
    text += "\n";
    for (title, _, value) in METRICS {
        text += &row(title, group.invocations.iter().filter_map(value).collect());
    }
    for status in statuses(group) {
        let inits = group.inits.iter().filter(|init| init.1 == status);
        let title = format!("INIT_REPORT {status}, ms");
        text += &row(&title, inits.map(|init| init.0).collect());
    }
    text + "\n"
}

fn row(title: &str, values: Vec<f64>) -> String {
    let sample = Sample::new(values);
    if sample.count() == 0 {
        return String::new();
    }
    let mut text = format!("{title:<24}{:>8}", sample.count());
    for (_, quantile) in QUANTILES {
        let value = sample.quantile(quantile).unwrap_or_default();
        text += &match value.fract() == 0.0 {
            true => format!("{value:>10}"),
            false => format!("{value:>10.2}"),
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

/// `n` and the quantiles; null without values.
fn quantiles(values: Vec<f64>) -> Value {
    let sample = Sample::new(values);
    if sample.count() == 0 {
        return Value::Null;
    }
    let mut all = serde_json::Map::new();
    all.insert("n".to_string(), json!(sample.count()));
    for (name, quantile) in QUANTILES {
        all.insert(name.to_string(), json!(sample.quantile(quantile)));
    }
    Value::Object(all)
}

fn json_object(groups: &Groups) -> Value {
    let groups = groups.iter().map(|((name, version), group)| {
        let mut all = serde_json::Map::new();
        all.insert("log".to_string(), json!((!name.is_empty()).then_some(name)));
        all.insert("version".to_string(), json!(version));
        all.insert("invocations".to_string(), json!(group.invocations.len()));
        let failed = group
            .invocations
            .iter()
            .filter(|invocation| invocation.is_failed)
            .count();
        all.insert("failed".to_string(), json!(failed));
        for (_, key, value) in METRICS {
            let values = group.invocations.iter().filter_map(value).collect();
            all.insert(key.to_string(), quantiles(values));
        }
        let inits = statuses(group).into_iter().map(|status| {
            let inits = group.inits.iter().filter(|init| init.1 == status);
            (
                status.clone(),
                quantiles(inits.map(|init| init.0).collect()),
            )
        });
        all.insert("init_report_ms".to_string(), Value::Object(inits.collect()));
        Value::Object(all)
    });
    json!({ "versions": groups.collect::<Vec<Value>>() })
}
