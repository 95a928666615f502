//! Output: answers on stdout, diagnostics as whole lines on stderr.
//!
//! `println!` and `eprintln!` panic when the reader is gone; nothing here does.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

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

/// One line of the tool's own on stderr.
pub fn diagnostic(text: &str) {
    stderr_line(&format!("tinderbox: {text}"));
}

/// A line break within a message: the continuation is indented, so it cannot be mistaken for
/// another message.
const CONTINUATION: &str = "\n    ";

/// One line on stderr in one write, so that other writers do not split it.
pub fn stderr_line(text: &str) {
    let mut bytes = Vec::new();
    append_line(text, &mut bytes);
    let _ = io::stderr().write_all(&bytes); // no other channel is left for an error of stderr
}

/// Appends a line. Foreign text in it (names, messages, answers) cannot control a terminal and
/// cannot forge lines.
pub fn append_line(text: &str, to: &mut Vec<u8>) {
    let parts = text.split(CONTINUATION);
    let parts: Vec<String> = parts
        .map(|part| escape_control_characters(part.as_bytes(), &['\t']))
        .collect();
    to.extend_from_slice(parts.join(CONTINUATION).as_bytes());
    to.push(b'\n');
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

/// Text that a terminal displays and does not interpret. Control characters, C0 and C1 (ECMA-48),
/// and those that change the direction of writing become `\u{1b}`, except the `allowed` ones; bytes
/// that are not UTF-8 become `\xff`.
fn escape_control_characters(bytes: &[u8], allowed: &[char]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            let changes_direction = matches!(character, '\u{200e}' | '\u{200f}'
                | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
            match character {
                _ if allowed.contains(&character) => text.push(character),
                '\n' => text += "\\n",
                _ if character.is_control() || changes_direction => {
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
