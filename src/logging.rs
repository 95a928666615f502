//! The log records of a function: a line of text or of JSON for each, with one write.
//!
//! | variable | meaning |
//! |---|---|
//! | `AWS_LAMBDA_LOG_FORMAT` | `JSON`: each record is a JSON object; else text, fields separated by tabs |
//! | `AWS_LAMBDA_LOG_LEVEL` | the lowest level that is logged: `TRACE`, `DEBUG`, `INFO` (the default), `WARN`, `ERROR`, `FATAL` |
//! | `_LAMBDA_TELEMETRY_LOG_FD` | records go to this descriptor, in frames; the variable is unset |
//!
//! Linked only into a program that logs. Sources: AWS Lambda Developer Guide, "Advanced logging
//! controls"; the frames are those of AWS's Node.js and Python clients.

mod event_ids;
mod record_buffer;

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::RECORD_BYTES_MAX;
use crate::sys::{self, Environment};
use crate::wire::json;
use crate::wire::number::{parse_decimal, write_padded};
use event_ids::with_event_ids;
pub(crate) use event_ids::{clear_event_ids, set_event_ids};
use record_buffer::{FRAME_HEAD_BYTES, RecordBuffer};

/// The severity of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Single steps.
    Trace = 1,
    /// Diagnostic detail.
    Debug,
    /// Normal operation.
    Info,
    /// Unexpected but handled.
    Warn,
    /// An event failed.
    Error,
    /// The function cannot continue.
    Fatal,
}

const NAMES: [&[u8]; 6] = [b"TRACE", b"DEBUG", b"INFO", b"WARN", b"ERROR", b"FATAL"];

impl Level {
    fn name(self) -> &'static [u8] {
        NAMES.get(self as usize - 1).copied().unwrap_or_default()
    }
}

/// Logs a message of any bytes: invalid UTF-8 becomes U+FFFD, control bytes are escaped. To format
/// a message, use the macros [`info!`](crate::info) and its likes.
///
/// A record has the time, the level and, on the thread that handles an event, the ids of request
/// and tenant. In text, the tenant is a field of its own after the request, which only records of
/// events with a tenant have. In text, a line break within a message is a carriage return, as in
/// AWS's own clients. A record is at most 1 MiB long; the end of a longer message is truncated. A
/// record that is not read within half a second is lost, and so are those that follow until
/// somebody reads again: no record delays an event for longer.
///
/// With std, any thread may log at any time.
pub fn log(level: Level, message: &[u8]) {
    log_at(level, &|record| record.append_message(message));
}

/// Logs a line that a child process printed. The child gave no level, so none suppresses the line.
///
/// False: it was not read in time, and it, or a part of it, is lost.
pub(crate) fn log_child_line(level: Level, line: &[u8]) -> bool {
    emit(Settings::get(), level, &|record| {
        record.append_message(line)
    })
}

/// Logs why an event, or init, has failed: the JSON of its error, whose members become those of the
/// record where records are JSON.
pub(crate) fn log_failure(error: &[u8]) {
    let (settings, error) = (Settings::get(), error.trim_ascii());
    let members = error.strip_prefix(b"{").unwrap_or_default();
    emit(settings, Level::Error, &|record| {
        if settings.json && members.len() > 1 && members.ends_with(b"}") {
            record.replace_message(members);
        } else {
            record.append_message(b"tinderbox: failed: ");
            record.append_message(error);
        }
    });
}

/// Logs a line that a child process printed, and that is a JSON object: unchanged, so that the
/// log's reader finds its fields and metrics. The level is that in the object, if it has one.
///
/// False: it was not read in time, and it, or a part of it, is lost.
pub(crate) fn log_child_json(line: &[u8]) -> bool {
    let Some(mut buffer) = RecordBuffer::acquire() else {
        return false; // the message of a record logs a record
    };
    for piece in [&[0; FRAME_HEAD_BYTES], line, b"\n"] {
        buffer.append_if_fits(piece, RECORD_BYTES_MAX);
    }
    let (settings, record) = (Settings::get(), buffer.as_bytes_mut());
    let written = write_record(settings, FRAME_JSON, sys::now_us(), record);
    buffer.release();
    written
}

/// Whether records are JSON.
pub(crate) fn is_json() -> bool {
    Settings::get().json
}

/// For the bodies of the macros: logs what `write` writes.
#[doc(hidden)]
pub fn log_with(level: Level, write: &dyn Fn(&mut dyn Write) -> fmt::Result) {
    log_at(level, &|record| {
        let _ = write(record);
    });
}

/// Logs a message that is formatted as by `format!`, at the level that the macro names.
#[macro_export]
macro_rules! log {
    ($level:ident, $($message:tt)+) => {
        $crate::log_with($crate::Level::$level, &|line| core::write!(line, $($message)+))
    };
}

/// Logs a formatted message at the level `TRACE`, as a record of [`log()`](crate::log()).
#[macro_export]
macro_rules! trace {
    ($($message:tt)+) => { $crate::log!(Trace, $($message)+) };
}

/// Logs a formatted message at the level `DEBUG`, as a record of [`log()`](crate::log()).
#[macro_export]
macro_rules! debug {
    ($($message:tt)+) => { $crate::log!(Debug, $($message)+) };
}

/// Logs a formatted message at the level `INFO`, as a record of [`log()`](crate::log()).
#[macro_export]
macro_rules! info {
    ($($message:tt)+) => { $crate::log!(Info, $($message)+) };
}

/// Logs a formatted message at the level `WARN`, as a record of [`log()`](crate::log()).
#[macro_export]
macro_rules! warn {
    ($($message:tt)+) => { $crate::log!(Warn, $($message)+) };
}

/// Logs a formatted message at the level `ERROR`, as a record of [`log()`](crate::log()).
#[macro_export]
macro_rules! error {
    ($($message:tt)+) => { $crate::log!(Error, $($message)+) };
}

/// Logs a formatted message at the level `FATAL`, as a record of [`log()`](crate::log()).
#[macro_export]
macro_rules! fatal {
    ($($message:tt)+) => { $crate::log!(Fatal, $($message)+) };
}

/// The settings of the environment for records, in one word; 0: not read yet.
static SETTINGS: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Copy)]
struct Settings {
    min_level: usize,
    json: bool,
    /// Where frames go.
    descriptor: Option<usize>,
}

const JSON: usize = 8;
const DESCRIPTOR_SHIFT: u32 = 4;

/// Reads the settings before any code of the program runs, and unsets the variable that no child
/// may inherit: later, other threads may read the environment.
#[cfg(feature = "std")]
pub(crate) fn init() {
    Settings::get();
    sys::unset(TELEMETRY);
}

impl Settings {
    fn get() -> Settings {
        let mut word = SETTINGS.load(Ordering::Relaxed);
        if word == 0 {
            word = Settings::read();
            SETTINGS.store(word, Ordering::Relaxed);
        }
        Settings {
            min_level: word & 7,
            json: word & JSON != 0,
            descriptor: (word >> DESCRIPTOR_SHIFT).checked_sub(1),
        }
    }

    fn read() -> usize {
        let environment = Environment::new();
        let value = |name| environment.get(name).unwrap_or_default();
        let level = value(b"AWS_LAMBDA_LOG_LEVEL=");
        let index = NAMES
            .iter()
            .position(|name| name.eq_ignore_ascii_case(level));
        let mut word = index.map_or(Level::Info as usize, |index| index + 1);
        if value(b"AWS_LAMBDA_LOG_FORMAT=").eq_ignore_ascii_case(b"json") {
            word |= JSON;
        }
        if let Some(descriptor) = environment.get(TELEMETRY).and_then(parse_decimal) {
            // A number that is too large for a descriptor becomes one that is not open.
            let descriptor = descriptor.min(i32::MAX as usize);
            word |= descriptor.saturating_add(1) << DESCRIPTOR_SHIFT;
            #[cfg(not(feature = "std"))] // with std, `init` does so
            sys::unset(TELEMETRY);
        }
        word
    }
}

/// The variable with the descriptor for frames.
pub(crate) const TELEMETRY: &[u8] = b"_LAMBDA_TELEMETRY_LOG_FD=";

/// The types of frames, without the level.
const FRAME_JSON: u32 = 0xa55a_0002;
const FRAME_TEXT: u32 = 0xa55a_0003;

/// The start of the message of a JSON record.
const MESSAGE: &[u8] = b",\"message\":\"";

/// Reserved for the end of a record, in bytes.
const RECORD_END_BYTES: usize = 16;

/// Logs a record, unless its level is too low.
fn log_at(level: Level, write_message: &dyn Fn(&mut RecordWriter)) {
    let settings = Settings::get();
    if level as usize >= settings.min_level {
        emit(settings, level, write_message);
    }
}

/// Builds a record, and writes it. False: it was not read in time.
fn emit(settings: Settings, level: Level, write_message: &dyn Fn(&mut RecordWriter)) -> bool {
    let Some(buffer) = RecordBuffer::acquire() else {
        return false; // the message of a record logs a record
    };
    let now_us = sys::now_us();
    let mut record = RecordWriter {
        buffer,
        json: settings.json,
        truncated: false,
        end: if settings.json { b"\"}\n" } else { b"\n" },
    };
    record.append(&[0; FRAME_HEAD_BYTES]);
    record.write_head(level, now_us / 1000);
    write_message(&mut record);
    record.write_end();
    let kind = if settings.json {
        FRAME_JSON
    } else {
        FRAME_TEXT
    };
    let kind = kind | (level as u32) << 2;
    let written = write_record(settings, kind, now_us, record.buffer.as_bytes_mut());
    record.buffer.release();
    written
}

/// Writes a record, as a frame of this kind where there is a descriptor for frames.
fn write_record(settings: Settings, kind: u32, now_us: u64, record: &mut [u8]) -> bool {
    if let Some(descriptor) = settings.descriptor {
        let bytes = record.len().saturating_sub(FRAME_HEAD_BYTES) as u64;
        let head = [u64::from(kind) << 32 | bytes, now_us].map(u64::to_be_bytes);
        sys::copy_prefix(record, head.as_flattened());
        let written = sys::write_log(descriptor, record);
        if written == record.len() {
            return true;
        }
        if written > 0 {
            // The reader would take the next frame for the rest of this one: use stderr from here.
            let mask = (1 << DESCRIPTOR_SHIFT) - 1;
            SETTINGS.fetch_and(mask, Ordering::Relaxed);
        }
    }
    let text = record.get(FRAME_HEAD_BYTES..).unwrap_or_default();
    sys::write_log(2, text) == text.len()
}

/// A record under construction, after the space for the head of a frame.
struct RecordWriter {
    buffer: RecordBuffer,
    json: bool,
    truncated: bool,
    /// What ends the record.
    end: &'static [u8],
}

impl RecordWriter {
    fn append(&mut self, bytes: &[u8]) {
        let bytes_max = RECORD_BYTES_MAX - RECORD_END_BYTES;
        self.truncated |= !self.buffer.append_if_fits(bytes, bytes_max);
    }

    /// Writes the part before the message.
    fn write_head(&mut self, level: Level, now_ms: u64) {
        let (json, time, level) = (self.json, timestamp(now_ms), level.name());
        let pieces: [&[u8]; 5] = if json {
            [
                b"{\"timestamp\":\"",
                &time,
                b"Z\",\"level\":\"",
                level,
                b"\"",
            ]
        } else {
            [b"[", level, b"]\t", &time, b"Z\t"]
        };
        for piece in pieces {
            self.append(piece);
        }
        with_event_ids(|request_id, tenant_id| {
            if json {
                self.write_field(b",\"requestId\":\"", request_id, b"\"");
                self.write_field(b",\"tenantId\":\"", tenant_id, b"\"");
            } else {
                self.write_field(b"", request_id, b"");
                self.write_field(b"\t", tenant_id, b"");
            }
        });
        self.append(if json { MESSAGE } else { b"\t" });
    }

    /// Appends members of a JSON object, to its brace, in place of the message. The text may have
    /// line breaks between its tokens; a record has none.
    fn replace_message(&mut self, members: &[u8]) {
        self.buffer.drop_end(MESSAGE.len() - 1);
        self.end = b"\n";
        for line in members.split(|&byte| byte < b' ') {
            self.append(line);
        }
    }

    /// Writes a field, unless its value is empty.
    fn write_field(&mut self, start: &[u8], value: &[u8], end: &[u8]) {
        if !value.is_empty() {
            self.append(start);
            self.append_message(value);
            self.append(end);
        }
    }

    /// Appends to the message. In text, it is escaped as in JSON, except for what needs no escape
    /// there.
    fn append_message(&mut self, text: &[u8]) {
        json::escape(text, &mut |piece| {
            let piece = match piece {
                _ if self.truncated => return,
                _ if self.json => piece,
                [b'\\', byte] => core::slice::from_ref(byte),
                b"\\u0009" => b"\t",
                b"\\u000a" => b"\r",
                _ => piece,
            };
            self.append(piece);
        });
    }

    fn write_end(&mut self) {
        let mark: &[u8] = if self.truncated { b"[...]" } else { b"" };
        self.buffer.append_if_fits(mark, RECORD_BYTES_MAX);
        self.buffer.append_if_fits(self.end, RECORD_BYTES_MAX);
    }
}

impl Write for RecordWriter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append_message(text.as_bytes());
        Ok(())
    }
}

/// Date and time of day in UTC, in ISO 8601 without the zone.
fn timestamp(now_ms: u64) -> [u8; 23] {
    // Days from 1 March of the year 0, so that a leap day is the last of its year.
    let days = now_ms / 86_400_000 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let january = month / 10; // this month and the next are in another year
    let mut text = *b"0000-00-00T00:00:00.000";
    for (start, bytes, number) in [
        (0, 4, era * 400 + year + january),
        (5, 2, month + 3 - 12 * january),
        (8, 2, day),
        (11, 2, now_ms / 3_600_000 % 24),
        (14, 2, now_ms / 60_000 % 60),
        (17, 2, now_ms / 1000 % 60),
        (20, 3, now_ms % 1000),
    ] {
        if let Some(field) = text.get_mut(start..start + bytes) {
            write_padded(field, number);
        }
    }
    text
}

#[cfg(test)]
mod tests;
