//! The event argument of the command line.
//!
//! `-` is stdin. An argument that begins with `{`, `[` or `"`, or is valid JSON (`42`, `null`), is
//! the event itself. Anything else names a file; a file whose name is JSON is written `./42`.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};

use crate::json;
use crate::output::Failure;

/// The bytes of the event that `argument` names, not validated.
pub fn resolve(argument: &OsStr) -> Result<Vec<u8>, Failure> {
    if argument == "-" {
        return read_stdin();
    }
    if let Some(text) = argument.to_str()
        && is_event_text(text)
    {
        return Ok(text.as_bytes().to_vec());
    }
    fs::read(argument).map_err(|error| unreadable(argument, &error))
}

/// Fails unless the event is JSON, as Lambda demands.
pub fn require_json(event: &[u8]) -> Result<(), Failure> {
    check_json(event).map_err(|reason| Failure::caused("the event is not JSON", reason))
}

/// Why the event is not JSON, and where.
///
/// `serde_json`'s wording is used where it rejects the same text: users know it. It builds a value
/// first, for which a long text takes too much time and memory.
pub fn check_json(event: &[u8]) -> Result<(), String> {
    const REWORDED_BYTES_MAX: usize = 64 * 1024;
    let Err(error) = json::check(event) else {
        return Ok(());
    };
    if event.len() <= REWORDED_BYTES_MAX
        && let Err(known) = serde_json::from_slice::<serde_json::Value>(event)
    {
        let text = known.to_string();
        if !text.starts_with("recursion limit exceeded") {
            return Err(text);
        }
    }
    let before = &event[..error.offset];
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let line_start = before.iter().rposition(|&byte| byte == b'\n');
    let column = error.offset - line_start.map_or(0, |offset| offset + 1) + 1;
    Err(format!("{} at line {line} column {column}", error.reason))
}

fn read_stdin() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    match io::stdin().lock().read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Failure::caused("cannot read the event from stdin", error)),
    }
}

fn is_event_text(text: &str) -> bool {
    let begins_as_json = text.trim_start().starts_with(['{', '[', '"']);
    begins_as_json || json::check(text.as_bytes()).is_ok()
}

fn unreadable(argument: &OsStr, error: &io::Error) -> Failure {
    let name = argument.display();
    match error.kind() {
        io::ErrorKind::NotFound => Failure::new(format!(
            "invalid event '{name}': neither JSON nor an existing file"
        )),
        _ => Failure::caused(format!("cannot read the event file '{name}'"), error),
    }
}
