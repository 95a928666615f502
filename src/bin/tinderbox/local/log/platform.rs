//! Records as JSON objects: `{"time":...,"type":"platform.report","record":{...}}`.
//!
//! An error, a timeout and an exit have no records of their own: they are the status of
//! `platform.runtimeDone` and `platform.report`.

use super::members::{Members, write_object};
use super::{Level, Record, Source, Status, Usage};
use crate::clock;
use crate::json;

/// The level of a record; `None` where there is no such record. (Developer Guide, "System log level
/// event mapping". A start is INFO only with a runtime version, which a local Lambda does not
/// have.)
pub fn level(record: &Record, source: &Source) -> Option<Level> {
    let of_status = |status: Status, success: Level| match status {
        Status::Success => success,
        Status::Error(_) | Status::Timeout => Level::Warn,
    };
    Some(match *record {
        Record::InitStart => Level::Debug,
        Record::InitRuntimeDone { status } => of_status(status, Level::Debug),
        Record::InitReport { status, .. } => match source.initialization_type {
            "on-demand" => of_status(status, Level::Debug),
            _ => of_status(status, Level::Info),
        },
        Record::RestoreReport { status, .. } => of_status(status, Level::Info),
        Record::Start { .. } => Level::Info,
        Record::RuntimeDone { status, .. } => of_status(status, Level::Debug),
        Record::Report { status, .. } => of_status(status, Level::Info),
        Record::TimedOut { .. }
        | Record::Failed { .. }
        | Record::End { .. }
        | Record::Function { .. } => return None,
    })
}

/// Appends the record as CloudWatch has it.
pub fn write(record: &Record, source: &Source, now_ms: u64, out: &mut Vec<u8>) {
    if let Some(name) = name(record) {
        write_line_of(now_ms, name, out, |event| {
            event.object("record", |members| add_record(record, source, members));
        });
    }
}

/// Appends the record as a line of `--json`, which names the function too.
pub fn write_event(record: &Record, source: &Source, now_ms: u64, out: &mut Vec<u8>) {
    if let Some(name) = name(record) {
        write_line_of(now_ms, name, out, |event| {
            event.object("record", |members| add_record(record, source, members));
            event.text("functionName", &source.function_name);
        });
    }
}

/// Appends a line of the function as a line of `--json`. It cannot pass for another record: it is
/// always within `record`. Bytes that are not UTF-8 become U+FFFD.
pub fn write_line(
    id: Option<&str>,
    line: &[u8],
    is_json: bool,
    source: &Source,
    now_ms: u64,
    out: &mut Vec<u8>,
) {
    let trimmed = line.trim_ascii();
    let is_object = is_json && trimmed.starts_with(b"{") && json::check(trimmed).is_ok();
    write_line_of(now_ms, "function", out, |event| {
        match is_object {
            true => event.value("record", trimmed),
            false => event.text("record", &String::from_utf8_lossy(line)),
        }
        if let Some(id) = id {
            event.text("requestId", id);
        }
        event.text("functionName", &source.function_name);
    });
}

fn write_line_of(now_ms: u64, name: &str, out: &mut Vec<u8>, add: impl FnOnce(&mut Members)) {
    write_object(out, |event| {
        event.text("time", &clock::format_timestamp(now_ms));
        event.text("type", name);
        add(event);
    });
    out.push(b'\n');
}

fn name(record: &Record) -> Option<&'static str> {
    Some(match record {
        Record::InitStart => "platform.initStart",
        Record::InitRuntimeDone { .. } => "platform.initRuntimeDone",
        Record::InitReport { .. } => "platform.initReport",
        Record::RestoreReport { .. } => "platform.restoreReport",
        Record::Start { .. } => "platform.start",
        Record::RuntimeDone { .. } => "platform.runtimeDone",
        Record::Report { .. } => "platform.report",
        Record::TimedOut { .. }
        | Record::Failed { .. }
        | Record::End { .. }
        | Record::Function { .. } => return None,
    })
}

/// The members of `record`, in Lambda's order.
fn add_record(record: &Record, source: &Source, members: &mut Members) {
    match *record {
        Record::InitStart => {
            add_init(source, members);
            members.text("functionName", &source.function_name);
            members.text("functionVersion", &source.version);
            if !source.instance_id.is_empty() {
                members.text("instanceId", &source.instance_id);
            }
            let bytes = u64::from(source.memory_mb) * 1024 * 1024;
            members.integer("instanceMaxMemory", bytes);
        }
        Record::InitRuntimeDone { status } => {
            add_init(source, members);
            add_status(status, members);
        }
        Record::InitReport { status, duration } => {
            add_init(source, members);
            add_status(status, members);
            members.object("metrics", |metrics| {
                metrics.milliseconds("durationMs", duration);
            });
        }
        Record::RestoreReport { status, duration } => {
            add_status(status, members);
            members.object("metrics", |metrics| {
                metrics.milliseconds("durationMs", duration);
            });
        }
        Record::Start { id, attempt } => {
            members.text("requestId", id);
            members.text("functionArn", &source.arn);
            members.text("version", &source.version);
            if let Some(attempt @ 2..) = attempt {
                members.integer("attempt", attempt.into());
            }
        }
        Record::RuntimeDone {
            id,
            status,
            duration,
            produced_bytes,
        } => {
            members.text("requestId", id);
            add_status(status, members);
            members.object("metrics", |metrics| {
                metrics.milliseconds("durationMs", duration);
                metrics.integer("producedBytes", produced_bytes.unwrap_or(0));
            });
        }
        Record::Report { id, status, usage } => {
            members.text("requestId", id);
            members.object("metrics", |metrics| add_usage(&usage, source, metrics));
            add_status(status, members);
        }
        Record::TimedOut { .. }
        | Record::Failed { .. }
        | Record::End { .. }
        | Record::Function { .. } => {}
    }
}

fn add_usage(usage: &Usage, source: &Source, metrics: &mut Members) {
    metrics.milliseconds("durationMs", usage.duration);
    metrics.integer("billedDurationMs", usage.billed_ms());
    metrics.integer("memorySizeMB", source.memory_mb.into());
    if let Some(mb) = usage.peak_mb() {
        metrics.integer("maxMemoryUsedMB", mb);
    }
    if let Some(init) = usage.init {
        metrics.milliseconds("initDurationMs", init);
    }
    if let Some(restore) = usage.restore {
        metrics.milliseconds("restoreDurationMs", restore);
    }
}

fn add_init(source: &Source, members: &mut Members) {
    members.text("initializationType", source.initialization_type);
    members.text("phase", "init");
}

fn add_status(status: Status, members: &mut Members) {
    match status {
        Status::Success => members.text("status", "success"),
        Status::Error(error_type) => {
            members.text("status", "error");
            members.text("errorType", error_type);
        }
        Status::Timeout => members.text("status", "timeout"),
    }
}
