//! The log of an execution environment: Lambda's own records and the lines of the function.
//!
//! Pure: a record, its time and a format become bytes. In reading order:
//!
//! - `text`      START, END, REPORT, ... : the default format
//! - `platform`  the JSON objects of `AWS_LAMBDA_LOG_FORMAT=JSON`, and `--json`
//! - `members`   writes JSON objects whose members have a fixed order
//! - `splitter`  bytes of a pipe as whole lines
//! - `tail`      the last 4 KiB, for `X-Amz-Log-Type: Tail`
//! - `stream`    all of it for one environment
//!
//! Sources: Developer Guide, "Lambda Telemetry API Event schema reference" and "Log-level
//! filtering"; the order of members and the rounding are those of public logs of 2024 to 2026.

mod members;
mod platform;
mod splitter;
mod stream;
mod tail;
#[cfg(test)]
mod tests;
mod text;

pub use stream::EnvironmentLog;

use std::ffi::OsString;
use std::time::Duration;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines of text: Lambda's default.
    Text,
    /// `AWS_LAMBDA_LOG_FORMAT=JSON`: the records of this level and above, as CloudWatch has them.
    Json(Level),
    /// `--json`: every event of the Telemetry API, and the function's lines as its events too.
    Telemetry {
        /// The function logs JSON, so that a line of it may be an object.
        is_json: bool,
    },
}

/// The levels of system logs, from the most detailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warn,
}

impl LogFormat {
    /// The format that the function's variables choose.
    ///
    /// On Lambda the system log level is a setting of its own, and `AWS_LAMBDA_LOG_LEVEL` is that
    /// of the application. Here one variable sets both.
    pub fn of(variables: &[(OsString, OsString)]) -> LogFormat {
        let value = |name: &str| {
            let found = variables.iter().rev().find(|(known, _)| known == name);
            found.and_then(|(_, value)| value.to_str())
        };
        let is_json = value("AWS_LAMBDA_LOG_FORMAT")
            .is_some_and(|format| format.eq_ignore_ascii_case("JSON"));
        if !is_json {
            return LogFormat::Text;
        }
        let level = value("AWS_LAMBDA_LOG_LEVEL").unwrap_or_default();
        LogFormat::Json(match level.to_ascii_uppercase().as_str() {
            "TRACE" | "DEBUG" => Level::Debug,
            "WARN" | "ERROR" | "FATAL" => Level::Warn, // the least detailed of system logs
            _ => Level::Info,
        })
    }

    /// `--json` for a function of this format.
    pub fn telemetry(self) -> LogFormat {
        LogFormat::Telemetry {
            is_json: matches!(self, LogFormat::Json(_)),
        }
    }
}

/// The environment that records are about.
pub struct Source {
    pub function_name: String,
    pub version: String,
    pub arn: String,
    pub memory_mb: u32,
    /// `on-demand`, `snap-start` or `lambda-managed-instances`.
    pub initialization_type: &'static str,
    /// The name of the log stream, which identifies the environment; may be empty.
    pub instance_id: String,
    /// Several functions write to one log, so START lines name theirs.
    pub is_one_of_several: bool,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status<'a> {
    Success,
    /// With its error type.
    Error(&'a str),
    Timeout,
}

/// The time and the memory of an invocation.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    pub duration: Duration,
    /// Only of the first invocation after a start or a restore.
    pub init: Option<Duration>,
    pub restore: Option<Duration>,
    pub peak_kib: Option<u64>,
}

/// One record, in the order of a cold start and an invocation.
#[derive(Clone, Copy)]
pub enum Record<'a> {
    /// A process was started.
    InitStart,
    /// It has requested an event, failed or timed out.
    InitRuntimeDone { status: Status<'a> },
    InitReport {
        status: Status<'a>,
        duration: Duration,
    },
    /// A snapshot was restored, and the process has requested an event, failed or timed out.
    RestoreReport {
        status: Status<'a>,
        duration: Duration,
    },
    /// An event is about to be delivered.
    Start {
        id: &'a str,
        /// Of the caller's attempts at one call (`amz-sdk-request`): only a second one is shown.
        attempt: Option<u32>,
    },
    /// A line of the function, without the line end.
    Function { id: Option<&'a str>, line: &'a [u8] },
    /// The function timed out.
    TimedOut { id: &'a str, timeout: Duration },
    /// The process exited or could not be started: Lambda's message and error type.
    Failed {
        error_type: &'a str,
        message: &'a str,
    },
    /// The runtime has finished the event.
    RuntimeDone {
        id: &'a str,
        status: Status<'a>,
        duration: Duration,
        /// The length of the response, if there is one.
        produced_bytes: Option<u64>,
    },
    /// So has the environment.
    End { id: &'a str },
    Report {
        id: &'a str,
        status: Status<'a>,
        usage: Usage,
    },
}

/// Appends the record with its line end; nothing, if the format has no such record.
pub fn write(record: &Record, source: &Source, format: LogFormat, now_ms: u64, out: &mut Vec<u8>) {
    match (record, format) {
        (Record::Function { line, .. }, LogFormat::Text | LogFormat::Json(_)) => {
            out.extend_from_slice(line);
            out.push(b'\n');
        }
        (_, LogFormat::Text) => text::write(record, source, now_ms, out),
        (_, LogFormat::Json(lowest)) => {
            if platform::level(record, source).is_some_and(|level| level >= lowest) {
                platform::write(record, source, now_ms, out);
            }
        }
        (Record::Function { id, line }, LogFormat::Telemetry { is_json }) => {
            platform::write_line(*id, line, is_json, source, now_ms, out);
        }
        (_, LogFormat::Telemetry { .. }) => platform::write_event(record, source, now_ms, out),
    }
}

impl Usage {
    /// Whole milliseconds of init and duration, rounded up: Lambda bills both.
    fn billed_ms(&self) -> u64 {
        let billed = self.duration + self.init.unwrap_or_default();
        u64::try_from(billed.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    fn peak_mb(&self) -> Option<u64> {
        Some(self.peak_kib?.div_ceil(1024))
    }
}
