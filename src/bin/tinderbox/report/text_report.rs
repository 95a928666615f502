//! The report as text: a table for each version of a function.

use super::group::{Group, METRICS, QUANTILES};
use super::lines::{Invocation, Outcome};
use super::{Groups, Key};
use crate::number::grouped;
use crate::output::escape;
use crate::statistics::Sample;

/// All tables.
pub fn write(groups: &Groups) -> String {
    groups
        .iter()
        .map(|(key, group)| table(key, group))
        .collect()
}

fn table(key: &Key, group: &Group) -> String {
    let mut text = title(key) + ": " + &summary(group);
    text += &format!("\n{:<24}{:>8}", "", "n");
    for (name, _) in QUANTILES {
        text += &format!("{name:>10}");
    }
    text += "\n";
    for (title, _, value) in METRICS {
        text += &row(title, &group.sample(value));
    }
    for status in group.init_statuses() {
        let title = format!("INIT_REPORT {}, ms", escape(status, &[]));
        text += &row(&title, &group.init_sample(status));
    }
    text + &billed(group) + &memory(group) + "\n"
}

fn title(key: &Key) -> String {
    let mut title = String::new();
    if !key.log.is_empty() {
        title += &format!("{}: ", key.log);
    }
    if let Some(function) = &key.function {
        title += &format!("function {}, ", escape(function, &[]));
    }
    title + "version " + &escape(&key.version, &[])
}

/// `12 invocations, 3 cold starts (25.0 %), 1 error (Runtime.ExitError 1), 1 timeout`
fn summary(group: &Group) -> String {
    let plural = |count: usize, noun: &str| match count {
        1 => format!("1 {noun}"),
        count => format!("{} {noun}s", grouped(count as f64)),
    };
    let mut text = plural(group.invocations.len(), "invocation");
    if let Some(share) = group.cold_share() {
        let cold = plural(group.count(Invocation::is_cold), "cold start");
        text += &format!(", {cold} ({:.1} %)", share * 100.0);
    }
    let errors = group.errors();
    if !errors.is_empty() {
        let types = errors.iter().map(|(error_type, count)| match *error_type {
            "" => format!("unknown {count}"),
            error_type => format!("{} {count}", escape(error_type, &[])),
        });
        let types = types.collect::<Vec<String>>().join(", ");
        text += &format!(", {} ({types})", plural(errors.values().sum(), "error"));
    }
    match group.count(|one| one.outcome == Outcome::Timeout) {
        0 => text,
        count => text + ", " + &plural(count, "timeout"),
    }
}

fn row(title: &str, sample: &Sample) -> String {
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

fn billed(group: &Group) -> String {
    let sum = group.billed();
    if sum.total_ms == 0.0 {
        return String::new();
    }
    let mut text = format!("billed: {} ms", grouped(sum.total_ms));
    if sum.init_ms > 0.0 {
        text += &format!(", of which {} ms of init", grouped(sum.init_ms.round()));
    }
    if sum.free_init_ms > 0.0 {
        let free = grouped(sum.free_init_ms.round());
        text += &format!("; {free} ms of init were not billed");
    }
    if sum.gb_s > 0.0 {
        text += &format!("; {:.4} GB-s", sum.gb_s);
    }
    text + "\n"
}

fn memory(group: &Group) -> String {
    let Some(memory) = group.memory() else {
        return String::new();
    };
    let (used, size) = (memory.used_mb, memory.size_mb);
    let (free, share) = (memory.free_mb(), (1.0 - memory.share()) * 100.0);
    format!("memory: at most {used} of {size} MB used; {free} MB ({share:.0} %) headroom\n")
}
