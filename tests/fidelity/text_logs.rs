//! Compares logs with those of the official client, line by line.

use crate::judge::{plain, record};
use crate::lambda::Seen;
use serde_json::Value;

/// The lines that only one side printed, in order. Times, request ids and the task root are
/// replaced, records in JSON are compared without what varies, and the runtime's own lines are left
/// out.
pub fn differences(official: &Value, seen: &Seen, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let recorded = official["logs"].as_object().into_iter().flatten();
    let numbers = recorded.map(|(event, _)| event.parse().expect("the number of an event"));
    let mut numbers: Vec<i64> = numbers.chain(seen.logs.keys().copied()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    for number in numbers {
        let theirs = official["logs"][number.to_string()].as_str().unwrap_or("");
        let ours = String::from_utf8_lossy(seen.logs.get(&number).map_or(b"", |log| log));
        let (theirs, ours) = (lines(theirs, folder), lines(&ours, folder));
        for line in missing(&theirs, &ours) {
            found.push(format!("event {number}: log: - {line:?}"));
        }
        for line in missing(&ours, &theirs) {
            found.push(format!("event {number}: log: + {line:?}"));
        }
    }
    found
}

fn lines(text: &str, folder: &str) -> Vec<String> {
    let is_compared = |line: &&str| !line.is_empty() && !line.starts_with("tinderbox: ");
    let normal = |line| match record(line, folder) {
        Some(record) => record.to_string(),
        None => plain(line, folder),
    };
    text.split('\n').filter(is_compared).map(normal).collect()
}

/// The lines of the first list that the second one has less often.
fn missing<'a>(lines: &'a [String], other: &[String]) -> Vec<&'a String> {
    let mut other: Vec<&String> = other.iter().collect();
    let mut is_missing = |line: &&String| match other.iter().position(|found| found == line) {
        Some(at) => {
            other.remove(at);
            false
        }
        None => true,
    };
    lines.iter().filter(|line| is_missing(line)).collect()
}
