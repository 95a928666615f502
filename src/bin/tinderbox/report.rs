//! `tinderbox report`: Lambda's own measurements from its log, as percentiles for each function and
//! version.
//!
//! - `lines`        the records of a log, in each of its formats
//! - `place`        function and version in the name of a log stream
//! - `group`        the records of one version, and what follows from them
//! - `text_report`, `json_report`  output

mod group;
mod json_report;
mod lines;
mod place;
mod text_report;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};

use crate::exit_status::DONE;
use crate::output::{self, Failure};
use group::Group;
use lines::{Entry, Init, Outcome};
use place::Place;

/// The options of `tinderbox report`.
pub struct ReportOptions {
    /// Empty for stdin.
    pub files: Vec<OsString>,
    pub json: bool,
}

/// What a group is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The name of the log file; empty for stdin.
    log: String,
    function: Option<String>,
    version: String,
}

type Groups = BTreeMap<Key, Group>;

/// Reads the logs and prints the report.
pub fn report(options: &ReportOptions) -> Result<i32, Failure> {
    let mut groups = Groups::new();
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
        true => json_report::write(&groups),
        false => text_report::write(&groups),
    };
    output::write_stdout(text.as_bytes()).map(|()| DONE)
}

fn no_records(log: &str) -> Failure {
    Failure::new(format!(
        "no records in {log}: expected REPORT or INIT_REPORT lines, or platform.report in JSON"
    ))
}

/// What other records of a log say about its requests.
#[derive(Default)]
struct Index {
    /// By request id.
    starts: HashMap<String, Place>,
    /// Seconds, by request id.
    timeouts: HashMap<String, f64>,
    /// The function of the whole log, if its records name exactly one.
    function: Option<String>,
}

impl Index {
    fn new(entries: &[Entry]) -> Index {
        let mut index = Index::default();
        let mut functions = BTreeSet::new();
        for entry in entries {
            match entry {
                Entry::Start { id, place } => {
                    functions.extend(place.function.clone());
                    index.starts.insert(id.clone(), place.clone());
                }
                Entry::InitStart { place } => functions.extend(place.function.clone()),
                Entry::TimedOut { id, seconds } => {
                    index.timeouts.insert(id.clone(), *seconds);
                }
                Entry::Report { .. } | Entry::Init { .. } => {}
            }
        }
        if functions.len() == 1 {
            index.function = functions.pop_first();
        }
        index
    }
}

/// Groups a log's records. Function and version are those of the START line with the same request
/// id, or those in the name of the log stream; for an INIT_REPORT, which has no id, those of the
/// next START line.
fn collect(name: &str, bytes: &[u8], groups: &mut Groups) {
    let entries = lines::read(&String::from_utf8_lossy(bytes));
    let index = Index::new(&entries);
    let key = |place: Place| Key {
        log: name.to_string(),
        function: place.function.or(index.function.clone()),
        version: place.version.unwrap_or("unknown".to_string()),
    };
    let mut last_start = Place::default();
    let mut inits: Vec<(Place, Init)> = Vec::new(); // those that a START line gives a version
    for entry in entries {
        match entry {
            Entry::Start { place, .. } => {
                let is_same =
                    |init: &Place| init.function.is_none() || init.function == place.function;
                for (_, init) in inits.extract_if(.., |(init, _)| is_same(init)) {
                    let group = groups.entry(key(place.clone())).or_default();
                    group.inits.push(init);
                }
                last_start = place;
            }
            Entry::Report {
                id,
                place,
                mut invocation,
            } => {
                let started = index.starts.get(&id).cloned().unwrap_or_default();
                let group = groups.entry(key(started.or(place))).or_default();
                let timeout = index.timeouts.get(&id);
                // Older logs have no status. A retry has the same id and may have succeeded.
                let is_as_long = |seconds: &f64| invocation.duration_ms >= seconds * 990.0;
                if invocation.outcome == Outcome::Success && timeout.is_some_and(is_as_long) {
                    invocation.outcome = Outcome::Timeout;
                }
                group.invocations.push(invocation);
            }
            Entry::Init { place, init } => match place.version {
                None => inits.push((place, init)),
                Some(_) => groups.entry(key(place)).or_default().inits.push(init),
            },
            Entry::InitStart { .. } | Entry::TimedOut { .. } => {}
        }
    }
    for (place, init) in inits {
        // No START line follows it.
        let place = match place.function {
            Some(_) => place,
            None => last_start.clone(),
        };
        groups.entry(key(place)).or_default().inits.push(init);
    }
}
