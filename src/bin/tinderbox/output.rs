//! Output: answers on stdout, diagnostics as whole lines on stderr, as text or, for `--json`, as
//! JSON objects.
//!
//! `println!` and `eprintln!` panic when the reader is gone; nothing here does.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::clock;

/// Why a command did nothing, as one line. The exit status is 2.
pub struct Failure(String);

impl Failure {
    /// A failure with its line, without the leading `tinderbox: `.
    pub fn new(text: impl Into<String>) -> Failure {
        Failure(text.into())
    }

    /// A failed operation, for instance `cannot bind 127.0.0.1:80`, and its cause.
    pub fn caused(operation: impl Display, cause: impl Display) -> Failure {
        Failure(format!("{operation}: {cause}"))
    }

    /// The line.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Whether diagnostics are JSON objects.
static DIAGNOSTICS_ARE_JSON: AtomicBool = AtomicBool::new(false);

/// From here on, diagnostics are JSON objects.
pub fn write_diagnostics_as_json() {
    DIAGNOSTICS_ARE_JSON.store(true, Ordering::Relaxed);
}

/// One line of the tool's own on stderr, in one write, so that other writers do not split it.
pub fn diagnostic(text: &str) {
    let mut line = Vec::new();
    append_diagnostic(text, &mut line);
    write_stderr(&line);
}

/// Appends a line of the tool's own.
pub fn append_diagnostic(text: &str, to: &mut Vec<u8>) {
    match DIAGNOSTICS_ARE_JSON.load(Ordering::Relaxed) {
        true => to.extend_from_slice(json_diagnostic(text).as_bytes()),
        false => append_line(&format!("tinderbox: {text}"), to),
    }
}

/// In the shape of an event of the Telemetry API, with a type that Lambda does not have.
fn json_diagnostic(text: &str) -> String {
    let text = Value::from(escape_control_characters(text.as_bytes(), &['\n', '\t']));
    let time = clock::timestamp();
    format!("{{\"time\":\"{time}\",\"type\":\"tinderbox\",\"record\":{text}}}\n")
}

/// A line break within a message: the continuation is indented, so it cannot be mistaken for
/// another message.
const CONTINUATION: &str = "\n    ";

/// Appends a line. Foreign text in it (names, messages, answers) cannot control a terminal and
/// cannot forge lines.
fn append_line(text: &str, to: &mut Vec<u8>) {
    let parts = text.split(CONTINUATION);
    let parts: Vec<String> = parts
        .map(|part| escape_control_characters(part.as_bytes(), &['\t']))
        .collect();
    to.extend_from_slice(parts.join(CONTINUATION).as_bytes());
    to.push(b'\n');
}

/// Writes whole lines to stderr unchanged.
pub fn write_stderr(bytes: &[u8]) {
    let _ = io::stderr().write_all(bytes); // no other channel is left for an error of stderr
}

/// See `escape_control_characters`.
pub fn escape(text: &str, allowed: &[char]) -> String {
    escape_control_characters(text.as_bytes(), allowed)
}

/// Control characters, C0 and C1 (ECMA-48), and those that change the direction of writing.
pub fn controls_terminal(character: char) -> bool {
    let changes_direction = matches!(character, '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    character.is_control() || changes_direction
}

/// Writes the bytes to stdout unchanged; on a terminal, with control characters escaped and a
/// missing final newline added.
pub fn write_stdout(bytes: &[u8]) -> Result<(), Failure> {
    let is_terminal = io::stdout().is_terminal();
    write_stdout_chunk(bytes)?;
    match is_terminal && !bytes.is_empty() && !bytes.ends_with(b"\n") {
        true => write_stdout_chunk(b"\n"),
        false => Ok(()),
    }
}

/// Writes a part of an answer to stdout unchanged; on a terminal, with control characters escaped.
pub fn write_stdout_chunk(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let result = match out.is_terminal() {
        true => out.write_all(escape_control_characters(bytes, &['\t', '\n']).as_bytes()),
        false => out.write_all(bytes),
    };
    result
        .and_then(|()| out.flush())
        .map_err(|error| Failure::caused("cannot write to stdout", error))
}

/// Text that a terminal displays and does not interpret: characters that control it become
/// `\u{1b}`, except the `allowed` ones; bytes that are not UTF-8 become `\xff`.
fn escape_control_characters(bytes: &[u8], allowed: &[char]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                _ if allowed.contains(&character) => text.push(character),
                '\n' => text += "\\n",
                _ if controls_terminal(character) => {
                    text.extend(character.escape_unicode());
                }
                _ => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            text += &format!("\\x{byte:02x}");
        }
    }
    text
}
