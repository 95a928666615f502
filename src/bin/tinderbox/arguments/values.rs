//! Values of options: validation and conversion.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use crate::host::Host;
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::measure::{Cpu, gate};
use crate::output::Failure;

/// Lambda allows 900 s; a function in a debugger takes longer. Runtimes treat a deadline more than
/// a day ahead as none.
const TIMEOUT_S_MAX: f64 = 86_400.0;

/// Lambda's limits for `Handler` and for a function's name with version or alias.
const HANDLER_BYTES_MAX: usize = 128;
const FUNCTION_NAME_BYTES_MAX: usize = 170;

/// The most sizes of one sweep.
const SIZES_MAX: usize = 32;

/// As many CPUs as a `cpu_set_t` has.
const CPUS_MAX: usize = 1024;

fn invalid(option: &str, value: impl AsRef<OsStr>, expected: &str) -> Failure {
    let value = value.as_ref().display();
    Failure::new(format!("invalid {option} '{value}': expected {expected}"))
}

/// A duration in seconds; fractions are allowed.
pub fn seconds(option: &str, text: &str) -> Result<Duration, Failure> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=TIMEOUT_S_MAX).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => {
            let expected = format!("seconds from 0.001 to {TIMEOUT_S_MAX}");
            Err(invalid(option, text, &expected))
        }
    }
}

/// An address or a name.
pub fn host(text: &str) -> Result<Host, Failure> {
    let expected = "an address, for instance 127.0.0.1 or ::1, or a name, without a port";
    Host::parse(text).ok_or_else(|| invalid("--host", text, expected))
}

/// A TCP port; 0 is any free one.
pub fn port(option: &str, text: &str) -> Result<u16, Failure> {
    text.parse()
        .map_err(|_| invalid(option, text, "a port from 0 to 65535"))
}

/// A memory size that Lambda offers.
pub fn memory(text: &str) -> Result<u32, Failure> {
    match text.parse() {
        Ok(mb) if (128..=10_240).contains(&mb) => Ok(mb),
        _ => Err(invalid("--memory", text, "MB from 128 to 10240")),
    }
}

/// Lambda's rule for `Handler`.
pub fn handler(text: String) -> Result<String, Failure> {
    match text.len() <= HANDLER_BYTES_MAX && !text.contains(char::is_whitespace) {
        true => Ok(text),
        false => {
            let expected = "at most 128 characters and no white space, as on Lambda";
            Err(invalid("--handler", &text, expected))
        }
    }
}

/// It becomes a part of paths and headers.
pub fn function_name(text: String) -> Result<String, Failure> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:$.".contains(&byte);
    match (1..=FUNCTION_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_allowed) {
        true => Ok(text),
        false => {
            let expected = "1 to 170 letters, digits, or - _ : $ .";
            Err(invalid("--function-name", &text, expected))
        }
    }
}

/// Lambda's rule for the name of a function, without version or alias.
pub fn plain_function_name(option: &str, text: String) -> Result<String, Failure> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match (1..=64).contains(&text.len()) && text.bytes().all(is_allowed) {
        true => Ok(text),
        false => Err(invalid(
            option,
            &text,
            "a name of 1 to 64 letters, digits, - or _",
        )),
    }
}

/// The maximum number of concurrent events.
pub fn concurrency(text: &str) -> Result<u16, Failure> {
    match text.parse() {
        Ok(count @ 1..=1024) => Ok(count),
        _ => Err(invalid("--concurrency", text, "an integer from 1 to 1024")),
    }
}

/// The maximum number of environments of a function.
pub fn environments(text: &str) -> Result<usize, Failure> {
    match text.parse() {
        Ok(count @ 1..=1000) => Ok(count),
        _ => Err(invalid("--environments", text, "an integer from 1 to 1000")),
    }
}

/// How often a failed asynchronous call is tried again.
pub fn retries(text: &str) -> Result<u32, Failure> {
    match text.parse() {
        Ok(count @ 0..=10) => Ok(count),
        _ => Err(invalid("--async-retries", text, "an integer from 0 to 10")),
    }
}

/// One of Lambda's invocation types.
pub fn invocation_type(text: String) -> Result<String, Failure> {
    match ["RequestResponse", "Event", "DryRun"].contains(&text.as_str()) {
        true => Ok(text),
        false => {
            let expected = "RequestResponse, Event or DryRun";
            Err(invalid("--invocation-type", &text, expected))
        }
    }
}

/// The value of a header.
pub fn header(option: &str, text: String) -> Result<String, Failure> {
    let is_printable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    match !text.is_empty() && text.bytes().all(is_printable) {
        true => Ok(text),
        false => Err(invalid(option, &text, "printable ASCII")),
    }
}

/// `NAME=VALUE`, of any bytes.
pub fn variable(value: &OsStr) -> Result<(OsString, OsString), Failure> {
    let bytes = value.as_bytes();
    match bytes.iter().position(|&byte| byte == b'=') {
        Some(end) if end > 0 => Ok((
            OsString::from_vec(bytes[..end].to_vec()),
            OsString::from_vec(bytes[end + 1..].to_vec()),
        )),
        _ => Err(invalid("--env", value, "NAME=VALUE")),
    }
}

/// A command, split at white space; there is no quoting.
pub fn runner(value: &OsStr) -> Result<Vec<OsString>, Failure> {
    let words: Vec<OsString> = value
        .as_bytes()
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect();
    match words.is_empty() {
        true => Err(invalid("--runner", value, "a command")),
        false => Ok(words),
    }
}

/// A number of measurements.
pub fn count(option: &str, text: &str) -> Result<u64, Failure> {
    match text.parse() {
        Ok(count @ 1..=10_000_000) => Ok(count),
        _ => Err(invalid(option, text, "an integer from 1 to 10000000")),
    }
}

/// The size of a generated event, up to Lambda's limit.
pub fn event_bytes(text: &str) -> Result<usize, Failure> {
    match text.parse() {
        Ok(bytes @ 1..=PAYLOAD_BYTES_MAX) => Ok(bytes),
        _ => {
            let expected = format!("bytes from 1 to {PAYLOAD_BYTES_MAX}");
            Err(invalid("--event-size", text, &expected))
        }
    }
}

/// Sizes of generated events, separated by commas; K and M stand for 1024 and 1024 times 1024.
pub fn sizes(text: &str) -> Result<Vec<usize>, Failure> {
    let size = |word: &str| {
        let (digits, unit) = match word.strip_suffix(['K', 'k']) {
            Some(digits) => (digits, 1024),
            None => match word.strip_suffix(['M', 'm']) {
                Some(digits) => (digits, 1024 * 1024),
                None => (word, 1),
            },
        };
        let bytes = digits.parse::<usize>().ok()?.checked_mul(unit)?;
        (bytes <= PAYLOAD_BYTES_MAX).then_some(bytes)
    };
    let sizes: Option<Vec<usize>> = text.split(',').map(size).collect();
    match sizes {
        Some(sizes) if sizes.len() <= SIZES_MAX => Ok(sizes),
        _ => {
            let expected = format!(
                "up to {SIZES_MAX} sizes from 0 to {PAYLOAD_BYTES_MAX} bytes, for instance 0,1K,1M"
            );
            Err(invalid("--sizes", text, &expected))
        }
    }
}

/// A metric of the report and a ratio.
pub fn max_ratio(text: &str) -> Result<(String, f64), Failure> {
    let names = gate::names();
    let parts = text.split_once('=').and_then(|(name, ratio)| {
        let ratio = ratio.parse::<f64>().ok()?;
        let is_valid = names.contains(&name) && ratio > 0.0 && ratio.is_finite();
        is_valid.then(|| (name.to_string(), ratio))
    });
    parts.ok_or_else(|| {
        let expected = format!(
            "METRIC=R with R above 0 and METRIC one of {}",
            names.join(", ")
        );
        invalid("--max-ratio", text, &expected)
    })
}

/// The number of a CPU, or `any`.
pub fn cpu(text: &str) -> Result<Cpu, Failure> {
    match (text, text.parse()) {
        ("any", _) => Ok(Cpu::Any),
        (_, Ok(number @ 0..CPUS_MAX)) => Ok(Cpu::Number(number)),
        _ => Err(invalid("--pin-cpu", text, "a CPU from 0 to 1023, or any")),
    }
}
