//! The events of a measurement, and what every process of it has in common.

use std::fs::File;

use super::api_session::AnswerCheck;
use super::process::Config;
use super::{MeasureOptions, os_error};
use crate::event;
use crate::output::Failure;

const EVENT_BYTES: usize = 64;

/// With the event of the options.
pub fn config(options: &MeasureOptions) -> Result<Config, Failure> {
    let event = match (&options.event, options.event_bytes) {
        (Some(argument), _) => event::resolve(argument)?,
        (None, bytes) => generate_event(bytes.unwrap_or(EVENT_BYTES)),
    };
    event::require_json(&event)?;
    let expected = match &options.expect {
        None => None,
        Some(word) if word == "echo" => Some(event.clone()),
        Some(argument) => Some(event::resolve(argument)?),
    };
    let null = File::options().read(true).write(true).open("/dev/null");
    Ok(Config {
        check: AnswerCheck {
            expected,
            accepts_errors: options.accepts_errors,
        },
        event,
        timeout: options.timeout,
        null: null.map_err(|error| os_error("open /dev/null", error))?,
    })
}

/// With a generated event of this size instead.
pub fn config_of_size(options: &MeasureOptions, bytes: usize) -> Result<Config, Failure> {
    let mut config = config(options)?;
    config.event = generate_event(bytes);
    if options.expect.as_deref().is_some_and(|word| word == "echo") {
        config.check.expected = Some(config.event.clone());
    }
    Ok(config)
}

/// JSON of exactly the given number of bytes, and at least one.
fn generate_event(bytes: usize) -> Vec<u8> {
    const EMPTY_OBJECT_BYTES: usize = "{\"k\":\"\"}".len();
    match bytes {
        0 | 1 => b"1".to_vec(),
        2..EMPTY_OBJECT_BYTES => format!("\"{}\"", "a".repeat(bytes - 2)).into_bytes(),
        _ => format!("{{\"k\":\"{}\"}}", "a".repeat(bytes - EMPTY_OBJECT_BYTES)).into_bytes(),
    }
}
