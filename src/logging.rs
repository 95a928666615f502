//! What a function logs: a line of text or of JSON for each record, with one write.
//!
//! | variable | meaning |
//! |---|---|
//! | `AWS_LAMBDA_LOG_FORMAT` | `JSON`: a JSON object a line; else text, fields separated by tabs |
//! | `AWS_LAMBDA_LOG_LEVEL` | what is below is left out: `TRACE`, `DEBUG`, `INFO` (without it), `WARN`, `ERROR`, `FATAL` |
//! | `_LAMBDA_TELEMETRY_LOG_FD` | records go to this descriptor, in frames; the variable is removed, with std by `run`, else with the first record |
//!
//! Linked only into a program that logs. Sources: AWS Lambda Developer Guide, "Advanced logging
//! controls"; the frames are those of AWS's Node.js and Python clients.

mod room;

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::RECORD_BYTES_MAX;
use crate::panics;
use crate::sys::{self, Environment};
use crate::wire::http1::decimal;
use crate::wire::json;
use room::{FRAME_HEAD_BYTES, Room};

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step.
    Trace = 1,
    /// For who looks for a fault.
    Debug,
    /// As it should be.
    Info,
    /// Not as it should be.
    Warn,
    /// An event failed.
    Error,
    /// The function cannot go on.
    Fatal,
}

const NAMES: [&[u8]; 6] = [b"TRACE", b"DEBUG", b"INFO", b"WARN", b"ERROR", b"FATAL"];

impl Level {
    fn name(self) -> &'static [u8] {
        NAMES.get(self as usize - 1).copied().unwrap_or_default()
    }
}

/// Logs a message of any bytes: what is not UTF-8 becomes U+FFFD, control bytes are escaped. For
/// one that has to be put together there are the macros [`info!`](crate::info) and its likes.
///
/// A record has the time, the level, and the ids of request and tenant, if the thread that serves
/// events writes it while there is one; in text, the tenant is a field of its own behind the
/// request, which only records of events with a tenant have. In text, a line break within a message
/// is a carriage return, as AWS's own clients have it. A record is at most 1 MiB long; the end of a
/// longer message is cut off. What nobody reads within half a second is lost, and so is what
/// follows until somebody reads again: no record holds an event up for longer.
pub fn log(level: Level, message: &[u8]) {
    record(level, |line| line.message(message));
}

/// Logs a line that somebody has printed: nobody has said how much it matters, so no level leaves
/// it out.
///
/// False: it was not read in time, and is lost, or a part of it.
#[cfg(feature = "platform")]
pub(crate) fn printed(level: Level, line: &[u8]) -> bool {
    make(Settings::get(), level, |record| record.message(line))
}

/// Whether records are JSON.
#[cfg(feature = "platform")]
pub(crate) fn is_json() -> bool {
    Settings::get().json
}

/// For the bodies of the macros: logs what `write` writes.
#[doc(hidden)]
pub fn log_with(level: Level, write: &dyn Fn(&mut dyn Write) -> fmt::Result) {
    record(level, |line| {
        let _ = write(line);
    });
}

/// Logs a message that is formatted as by `format!`, at the level that the macro names.
#[macro_export]
macro_rules! log {
    ($level:ident, $($message:tt)+) => {
        $crate::log_with($crate::Level::$level, &|line| core::write!(line, $($message)+))
    };
}

/// Logs a formatted message at the level `TRACE`; see [`log()`](crate::log()) for what a record is.
#[macro_export]
macro_rules! trace {
    ($($message:tt)+) => { $crate::log!(Trace, $($message)+) };
}

/// Logs a formatted message at the level `DEBUG`; see [`log()`](crate::log()) for what a record is.
#[macro_export]
macro_rules! debug {
    ($($message:tt)+) => { $crate::log!(Debug, $($message)+) };
}

/// Logs a formatted message at the level `INFO`; see [`log()`](crate::log()) for what a record is.
#[macro_export]
macro_rules! info {
    ($($message:tt)+) => { $crate::log!(Info, $($message)+) };
}

/// Logs a formatted message at the level `WARN`; see [`log()`](crate::log()) for what a record is.
#[macro_export]
macro_rules! warn {
    ($($message:tt)+) => { $crate::log!(Warn, $($message)+) };
}

/// Logs a formatted message at the level `ERROR`; see [`log()`](crate::log()) for what a record is.
#[macro_export]
macro_rules! error {
    ($($message:tt)+) => { $crate::log!(Error, $($message)+) };
}

/// Logs a formatted message at the level `FATAL`; see [`log()`](crate::log()) for what a record is.
#[macro_export]
macro_rules! fatal {
    ($($message:tt)+) => { $crate::log!(Fatal, $($message)+) };
}

/// What the environment says of records, in one word: 0 until it was read.
static SETTINGS: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Copy)]
struct Settings {
    lowest: usize,
    json: bool,
    /// Where frames go.
    descriptor: Option<usize>,
}

const JSON: usize = 8;
const DESCRIPTOR_SHIFT: u32 = 4;

impl Settings {
    fn get() -> Settings {
        let mut word = SETTINGS.load(Ordering::Relaxed);
        if word == 0 {
            word = Settings::read();
            SETTINGS.store(word, Ordering::Relaxed);
        }
        Settings {
            lowest: word & 7,
            json: word & JSON != 0,
            descriptor: (word >> DESCRIPTOR_SHIFT).checked_sub(1),
        }
    }

    fn read() -> usize {
        let environment = Environment::new();
        let value = |name| environment.get(name).unwrap_or_default();
        let level = value(b"AWS_LAMBDA_LOG_LEVEL=");
        let named = NAMES.iter().position(|name| same(name, level));
        let mut word = named.map_or(Level::Info as usize, |index| index + 1);
        if same(value(b"AWS_LAMBDA_LOG_FORMAT="), b"json") {
            word |= JSON;
        }
        if let Some(descriptor) = environment.get(TELEMETRY).and_then(decimal) {
            // What is no descriptor at all is one that nothing can be written to.
            let descriptor = descriptor.min(i32::MAX as usize);
            word |= descriptor.saturating_add(1) << DESCRIPTOR_SHIFT;
            #[cfg(not(feature = "std"))] // else `init` does: there may be threads that read it
            sys::forget(TELEMETRY); // children must not write frames
        }
        word
    }
}

/// Reads the settings, and takes the descriptor out of the environment: children must not write
/// frames. On the thread that serves events, before there are any: `log` may be called by others,
/// while still others read the environment.
#[cfg(feature = "std")]
pub(crate) fn init() {
    Settings::get();
    sys::forget(TELEMETRY);
}

const TELEMETRY: &[u8] = b"_LAMBDA_TELEMETRY_LOG_FD=";

fn same(a: &[u8], b: &[u8]) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// The types of frames, without the level.
const FRAME_JSON: u32 = 0xa55a_0002;
const FRAME_TEXT: u32 = 0xa55a_0003;

/// Room for what ends a line.
const END_BYTES: usize = 16;

/// Makes a record, and writes it, unless its level is too low.
fn record(level: Level, write_message: impl FnOnce(&mut Line)) {
    let settings = Settings::get();
    if level as usize >= settings.lowest {
        make(settings, level, write_message);
    }
}

fn make(settings: Settings, level: Level, write_message: impl FnOnce(&mut Line)) -> bool {
    let Some(room) = Room::take() else {
        return false; // a record within the making of a record
    };
    let now_us = sys::now_us();
    let mut line = Line {
        room,
        json: settings.json,
        cut: false,
    };
    line.put(&[0; FRAME_HEAD_BYTES]);
    line.start(level, now_us / 1000);
    write_message(&mut line);
    line.end();
    let written = write_out(settings, level, now_us, line.room.bytes());
    line.room.give_back();
    written
}

fn write_out(settings: Settings, level: Level, now_us: u64, record: &mut [u8]) -> bool {
    if let Some(descriptor) = settings.descriptor {
        let kind = if settings.json {
            FRAME_JSON
        } else {
            FRAME_TEXT
        } | (level as u32) << 2;
        let bytes = record.len().saturating_sub(FRAME_HEAD_BYTES) as u64;
        let head = [u64::from(kind) << 32 | bytes, now_us].map(u64::to_be_bytes);
        sys::copy(record, head.as_flattened());
        let written = sys::write_log(descriptor, record);
        if written == record.len() {
            return true;
        }
        if written > 0 {
            // Its reader takes what follows for the rest of this frame.
            let mask = (1 << DESCRIPTOR_SHIFT) - 1;
            SETTINGS.fetch_and(mask, Ordering::Relaxed);
        }
    }
    let text = record.get(FRAME_HEAD_BYTES..).unwrap_or_default();
    sys::write_log(2, text) == text.len()
}

/// A record in the making, behind the place for the head of a frame.
struct Line {
    room: Room,
    json: bool,
    cut: bool,
}

impl Line {
    fn put(&mut self, bytes: &[u8]) {
        self.cut |= !self.room.push(bytes, RECORD_BYTES_MAX - END_BYTES);
    }

    fn start(&mut self, level: Level, now_ms: u64) {
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
            self.put(piece);
        }
        if panics::on_event_thread() {
            panics::with_lent_api(|api| self.ids(api));
        }
        self.put(if json { b",\"message\":\"" } else { b"\t" });
    }

    fn ids(&mut self, api: &crate::runtime_api::RuntimeApi) {
        let id = api.request_id.get();
        if self.json {
            self.field(b",\"requestId\":\"", id, b"\"");
            #[cfg(feature = "platform")]
            self.field(b",\"tenantId\":\"", api.tenant_id.get(), b"\"");
        } else {
            self.field(b"", id, b"");
            #[cfg(feature = "platform")]
            self.field(b"\t", api.tenant_id.get(), b"");
        }
    }

    fn field(&mut self, name: &[u8], value: &[u8], end: &[u8]) {
        if !value.is_empty() {
            self.put(name);
            self.message(value);
            self.put(end);
        }
    }

    /// Adds to the message. In text, it is escaped as in JSON, but for what needs no escape there.
    fn message(&mut self, text: &[u8]) {
        json::escape(text, &mut |piece| {
            let piece = match piece {
                _ if self.cut => return,
                _ if self.json => piece,
                [b'\\', byte] => core::slice::from_ref(byte),
                b"\\u0009" => b"\t",
                b"\\u000a" => b"\r",
                _ => piece,
            };
            self.put(piece);
        });
    }

    fn end(&mut self) {
        let cut: &[u8] = if self.cut { b"[...]" } else { b"" };
        let end: &[u8] = if self.json { b"\"}\n" } else { b"\n" };
        self.room.push(cut, RECORD_BYTES_MAX);
        self.room.push(end, RECORD_BYTES_MAX);
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.message(text.as_bytes());
        Ok(())
    }
}

/// Date and time of day in UTC, as ISO 8601 has them, but for the zone.
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
        let mut rest = number;
        for byte in text.iter_mut().skip(start).take(bytes).rev() {
            *byte += (rest % 10) as u8;
            rest /= 10;
        }
    }
    text
}

#[cfg(test)]
mod tests;
