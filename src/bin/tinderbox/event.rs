//! What an event on the command line means.
//!
//! `-` is stdin. What begins with `{`, `[` or `"`, or is JSON as it stands (`42`, `null`), is the
//! event itself. Anything else names a file; a file whose name is JSON is written `./42`.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};

use crate::json::{self, Fault};
use crate::message::Failure;

/// The bytes of the event that `argument` stands for; they are not checked here.
pub fn resolve(argument: &OsStr) -> Result<Vec<u8>, Failure> {
    if argument == "-" {
        return standard_input();
    }
    if let Some(text) = argument.to_str()
        && is_text(text)
    {
        return Ok(text.as_bytes().to_vec());
    }
    fs::read(argument).map_err(|error| unreadable(argument, &error))
}

/// Lambda takes JSON alone; says where the first fault is.
pub fn check(event: &[u8]) -> Result<(), String> {
    json::check(event).map_err(|fault| words(event, &fault))
}

/// What `serde_json` says of it, where that is the same: its words are those that people know.
fn words(event: &[u8], fault: &Fault) -> String {
    if let Err(error) = serde_json::from_slice::<serde_json::Value>(event) {
        let text = error.to_string();
        if !text.starts_with("recursion limit exceeded") {
            return text;
        }
    }
    let before = &event[..fault.at];
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let line_start = before.iter().rposition(|&byte| byte == b'\n');
    let column = fault.at - line_start.map_or(0, |at| at + 1) + 1;
    format!("{} at line {line} column {column}", fault.what)
}

fn standard_input() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    match io::stdin().lock().read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Failure::new(format!(
            "the event cannot be read from stdin: {error}"
        ))),
    }
}

fn is_text(text: &str) -> bool {
    let begins_as_json = text.trim_start().starts_with(['{', '[', '"']);
    begins_as_json || check(text.as_bytes()).is_ok()
}

fn unreadable(argument: &OsStr, error: &io::Error) -> Failure {
    let name = argument.display();
    Failure::new(match error.kind() {
        io::ErrorKind::NotFound => {
            format!("the event '{name}' is neither JSON nor a file that exists")
        }
        io::ErrorKind::IsADirectory => format!("the event '{name}' is a folder, not a file"),
        _ => format!("the event file '{name}' cannot be read: {error}"),
    })
}
