//! Records as lines of text. Fields are separated by tabs, as on Lambda.

use std::time::Duration;

use super::{Record, Source, Status};
use crate::clock;
use crate::local::outcome::timed_out_text;
use crate::output::escape;

/// Appends the record as a line, if the format has one for it.
pub fn write(record: &Record, source: &Source, now_ms: u64, out: &mut Vec<u8>) {
    let Some(line) = line(record, source, now_ms) else {
        return;
    };
    // Names, error types and messages are foreign text: they cannot forge a line or a field.
    out.extend_from_slice(line.as_bytes());
    out.push(b'\n');
}

fn line(record: &Record, source: &Source, now_ms: u64) -> Option<String> {
    Some(match *record {
        Record::Start { id, attempt } => start(id, attempt, source),
        Record::InitReport { status, duration } => init_report(status, duration, source)?,
        Record::RestoreReport { status, duration } => {
            let restore = milliseconds(duration);
            format!(
                "RESTORE_REPORT Restore Duration: {restore}{}",
                fields(status)
            )
        }
        Record::TimedOut { id, timeout } => {
            let time = clock::format_timestamp(now_ms);
            format!("{time} {id} {}", timed_out_text(timeout))
        }
        Record::Failed {
            error_type,
            message,
        } => {
            let (message, error_type) = (escape(message, &[]), escape(error_type, &[]));
            format!("{message}\n{error_type}")
        }
        Record::End { id } => format!("END RequestId: {id}"),
        Record::Report { id, status, usage } => {
            let mut line = format!(
                "REPORT RequestId: {id}\tDuration: {}\tBilled Duration: {} ms\tMemory Size: {} MB",
                milliseconds(usage.duration),
                usage.billed_ms(),
                source.memory_mb,
            );
            if let Some(mb) = usage.peak_mb() {
                line += &format!("\tMax Memory Used: {mb} MB");
            }
            if let Some(init) = usage.init {
                line += &format!("\tInit Duration: {}", milliseconds(init));
            }
            if let Some(restore) = usage.restore {
                line += &format!("\tRestore Duration: {}", milliseconds(restore));
            }
            // Lambda ends the line of a success with a tab.
            let end = match status {
                Status::Success => "\t".to_string(),
                status => fields(status),
            };
            line + &end
        }
        Record::InitStart
        | Record::InitRuntimeDone { .. }
        | Record::RuntimeDone { .. }
        | Record::Function { .. } => return None,
    })
}

/// What follows the version is not Lambda's: it stands behind a tab, where readers of Lambda's
/// lines do not look for anything.
fn start(id: &str, attempt: Option<u32>, source: &Source) -> String {
    let mut line = format!("START RequestId: {id} Version: {}", source.version);
    if source.is_one_of_several {
        line += &format!("\tFunction: {}", escape(&source.function_name, &[]));
    }
    if let Some(attempt @ 2..) = attempt {
        line += &format!("\tattempt={attempt}");
    }
    line
}

/// Lambda writes none for a successful init on demand: the REPORT line has its duration.
fn init_report(status: Status, duration: Duration, source: &Source) -> Option<String> {
    let status = match (status, source.initialization_type) {
        (Status::Success, "on-demand") => return None,
        (Status::Success, "snap-start") => "\tStatus: snapshot".to_string(),
        (status, _) => fields(status),
    };
    let init = milliseconds(duration);
    Some(format!(
        "INIT_REPORT Init Duration: {init}\tPhase: init{status}"
    ))
}

fn fields(status: Status) -> String {
    match status {
        Status::Success => String::new(),
        Status::Error(error_type) => {
            format!("\tStatus: error\tError Type: {}", escape(error_type, &[]))
        }
        Status::Timeout => "\tStatus: timeout".to_string(),
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}
