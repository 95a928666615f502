//! The values of options: checked, and turned into what the commands want.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use crate::measure::Cpu;
use crate::message::Failure;

/// Lambda allows 900 s; a function in a debugger takes longer. Runtimes take what is more than a
/// day ahead for no deadline.
const TIMEOUT_S_MAX: f64 = 86_400.0;

/// A time; fractions are allowed.
pub fn seconds(name: &str, text: &str) -> Result<Duration, Failure> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=TIMEOUT_S_MAX).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err(Failure::new(format!(
            "{name} '{text}' is not a number of seconds from 0.001 to {TIMEOUT_S_MAX}"
        ))),
    }
}

/// A TCP port; 0 is any free one.
pub fn port(name: &str, text: &str) -> Result<u16, Failure> {
    text.parse()
        .map_err(|_| Failure::new(format!("{name} '{text}' is not a port from 0 to 65535")))
}

/// A memory size that Lambda offers.
pub fn memory(text: &str) -> Result<u32, Failure> {
    match text.parse() {
        Ok(mb) if (128..=10_240).contains(&mb) => Ok(mb),
        _ => Err(Failure::new(format!(
            "--memory '{text}' is not a number of MB from 128 to 10240"
        ))),
    }
}

/// Lambda's rule for `Handler`.
pub fn handler(text: String) -> Result<String, Failure> {
    match text.len() <= 128 && !text.contains(char::is_whitespace) {
        true => Ok(text),
        false => Err(Failure::new(
            "--handler takes at most 128 characters and no white space, as Lambda does",
        )),
    }
}

/// It becomes a part of paths and headers.
pub fn function_name(text: String) -> Result<String, Failure> {
    let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || b"-_:$.".contains(&letter);
    match !text.is_empty() && text.len() <= 170 && text.bytes().all(is_plain) {
        true => Ok(text),
        false => Err(Failure::new(format!(
            "--function '{text}' is no function name: letters, digits, - and _"
        ))),
    }
}

/// How many events may be in hand at once.
pub fn concurrency(text: &str) -> Result<u16, Failure> {
    match text.parse() {
        Ok(count @ 1..=1024) => Ok(count),
        _ => Err(Failure::new(format!(
            "--concurrency '{text}' is no number from 1 to 1024"
        ))),
    }
}

/// One of Lambda's.
pub fn invocation_type(text: String) -> Result<String, Failure> {
    match ["RequestResponse", "Event", "DryRun"].contains(&text.as_str()) {
        true => Ok(text),
        false => Err(Failure::new(format!(
            "--type '{text}' is none of RequestResponse, Event, DryRun"
        ))),
    }
}

/// It becomes a header.
pub fn header(name: &str, text: String) -> Result<String, Failure> {
    match !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ')
    {
        true => Ok(text),
        false => Err(Failure::new(format!("{name} takes printable ASCII only"))),
    }
}

/// `NAME=VALUE`, of any bytes.
pub fn variable(word: &OsStr) -> Result<(OsString, OsString), Failure> {
    let bytes = word.as_bytes();
    match bytes.iter().position(|&byte| byte == b'=') {
        Some(end) if end > 0 => Ok((
            OsString::from_vec(bytes[..end].to_vec()),
            OsString::from_vec(bytes[end + 1..].to_vec()),
        )),
        _ => Err(Failure::new(format!(
            "--env '{}' is not NAME=VALUE",
            word.display()
        ))),
    }
}

/// Words separated by white space; there is no quoting.
pub fn runner(word: &OsStr) -> Result<Vec<OsString>, Failure> {
    let words: Vec<OsString> = word
        .as_bytes()
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect();
    match words.is_empty() {
        true => Err(Failure::new("--runner needs a command")),
        false => Ok(words),
    }
}

/// How often something is measured.
pub fn count(name: &str, text: &str) -> Result<u64, Failure> {
    match text.parse() {
        Ok(count @ 1..=10_000_000) => Ok(count),
        _ => Err(Failure::new(format!(
            "{name} '{text}' is not a number from 1 to 10000000"
        ))),
    }
}

/// The size of an event that is made up; as much as Lambda takes.
pub fn event_bytes(text: &str) -> Result<usize, Failure> {
    match text.parse() {
        Ok(bytes @ 1..=6_291_556) => Ok(bytes),
        _ => Err(Failure::new(format!(
            "--event-size '{text}' is not a number of bytes from 1 to 6291556"
        ))),
    }
}

/// The number of one, or `any`.
pub fn processor(text: &str) -> Result<Cpu, Failure> {
    match (text, text.parse()) {
        ("any", _) => Ok(Cpu::Any),
        (_, Ok(number @ 0..1024)) => Ok(Cpu::This(number)),
        _ => Err(Failure::new(format!(
            "--cpu '{text}' is neither the number of one nor 'any'"
        ))),
    }
}
