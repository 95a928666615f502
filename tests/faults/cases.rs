//! The faults of a run: the calls of a run without faults, times errnos, times occurrences.

use std::collections::BTreeMap;
use std::path::Path;

use crate::errnos::{ERRNOS, INFALLIBLE};
use crate::loads::Load;
use crate::support::TempDir;
use crate::support::start::Start;

/// The occurrences of each call that are tried: later ones repeat them.
const OCCURRENCES_MAX: usize = 40;

/// A binary and a handler under test.
pub struct Subject {
    /// Its name in reports.
    pub name: String,
    /// Its command.
    pub start: Start,
    /// Its events.
    pub load: Load,
    _root: Option<TempDir>,
}

impl Subject {
    /// A subject with its task root, if it has one.
    pub fn new(name: &str, start: Start, load: Load, root: Option<TempDir>) -> Subject {
        Subject {
            name: name.to_string(),
            start,
            load,
            _root: root,
        }
    }
}

/// One fault.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The system call.
    pub call: String,
    /// The errno.
    pub errno: &'static str,
    /// The number of the call of that name that fails, from 1.
    pub occurrence: usize,
    /// All later calls fail too.
    pub lasts: bool,
}

impl Fault {
    /// The value of `strace -e inject=`.
    pub fn injection(&self) -> String {
        let Fault {
            call,
            errno,
            occurrence,
            lasts,
        } = self;
        let more = if *lasts { "+" } else { "" };
        format!("{call}:error={errno}:when={occurrence}{more}")
    }
}

/// The number of calls of each name in the output of `strace`.
pub fn calls(trace: &Path) -> BTreeMap<String, usize> {
    let text = std::fs::read(trace).expect("the output of strace");
    let mut calls = BTreeMap::new();
    for line in String::from_utf8_lossy(&text).lines() {
        let Some((name, _)) = line.split_once('(') else {
            continue; // `+++ exited with 0 +++`, `--- SIGCHLD {...} ---`
        };
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !name.is_empty() && name.bytes().all(is_name) {
            *calls.entry(name.to_string()).or_default() += 1;
        }
    }
    calls
}

/// Every fault of these calls.
pub fn faults(calls: &BTreeMap<String, usize>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (call, count) in calls {
        if INFALLIBLE.iter().any(|(name, _)| name == call) {
            continue;
        }
        let entry = ERRNOS.iter().find(|entry| entry.call == call);
        let entry = entry.unwrap_or_else(|| {
            panic!("no errnos for {call}: add those that it can fail with to errnos.rs")
        });
        let fault = |errno, occurrence, lasts| Fault {
            call: call.clone(),
            errno,
            occurrence,
            lasts,
        };
        for errno in entry.errnos {
            let occurrences = 1..=OCCURRENCES_MAX.min(*count);
            faults.extend(occurrences.map(|occurrence| fault(errno, occurrence, false)));
        }
        for errno in entry.lasting {
            // From the start, and after half of the calls.
            faults.push(fault(errno, 1, true));
            faults.push(fault(errno, count / 2 + 1, true));
        }
    }
    faults
}

/// A sample: of each call and errno the first, the last and every `stride`th between, at different
/// offsets.
pub fn sample(faults: &[Fault], stride: usize) -> Vec<Fault> {
    let same = |one: &Fault, other: &Fault| one.call == other.call && one.errno == other.errno;
    let mut sample = Vec::new();
    for (number, group) in faults.chunk_by(|a, b| same(a, b)).enumerate() {
        for (at, fault) in group.iter().enumerate() {
            let is_chosen = (at + number) % stride == 0 || at == 0 || at + 1 == group.len();
            if is_chosen {
                sample.push(fault.clone());
            }
        }
    }
    sample
}
