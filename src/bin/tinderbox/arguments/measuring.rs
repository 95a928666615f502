//! The options of `measure` and `report`.

use std::ffi::OsString;
use std::time::Duration;

use super::values::{count, event_bytes, handler, memory, processor, seconds, variable};
use super::words::{Word, Words};
use super::{Command, MEMORY_MB, surplus, unknown};
use crate::help;
use crate::measure::{Cpu, MeasureOptions};
use crate::message::Failure;
use crate::report::ReportOptions;

/// For a start and for an answer: more than Lambda gives a start, and than any that is measured
/// should need.
const TIMEOUT_S: u64 = 10;

pub fn measure(mut words: Words) -> Result<Command, Failure> {
    let mut bootstrap = None;
    let mut options = MeasureOptions {
        bootstrap: OsString::new(),
        rivals: Vec::new(),
        floor: None,
        starts: None,
        invocations: None,
        event: None,
        event_bytes: None,
        expect: None,
        accepts_errors: false,
        handler: "function.handler".to_string(),
        variables: Vec::new(),
        memory_mb: MEMORY_MB,
        timeout: Duration::from_secs(TIMEOUT_S),
        cpu: Cpu::Here,
        json: false,
        svg: None,
    };
    while let Some(word) = words.next()? {
        match word {
            Word::Argument(path) if bootstrap.is_none() => bootstrap = Some(path),
            Word::Argument(more) => return Err(surplus("measure", &more)),
            Word::Option(name) => match name.as_str() {
                "--help" | "-h" => return Ok(Command::Print(help::MEASURE)),
                "--vs" => options.rivals.push(words.value(&name)?),
                "--floor" => options.floor = Some(words.value(&name)?),
                "-n" => options.starts = Some(count(&name, &words.text(&name)?)?),
                "-m" => options.invocations = Some(count(&name, &words.text(&name)?)?),
                "--event" => options.event = Some(words.value(&name)?),
                "--event-size" => options.event_bytes = Some(event_bytes(&words.text(&name)?)?),
                "--expect" => options.expect = Some(words.value(&name)?),
                "--accept-errors" => options.accepts_errors = true,
                "--handler" => options.handler = handler(words.text(&name)?)?,
                "--env" => options.variables.push(variable(&words.value(&name)?)?),
                "--memory" => options.memory_mb = memory(&words.text(&name)?)?,
                "--timeout" => options.timeout = seconds(&name, &words.text(&name)?)?,
                "--cpu" => options.cpu = processor(&words.text(&name)?)?,
                "--json" => options.json = true,
                "--svg" => options.svg = Some(words.value(&name)?.into()),
                _ => return Err(unknown("measure", &name)),
            },
        }
    }
    options.bootstrap = bootstrap.ok_or_else(|| {
        Failure::new(
            "measure: name a bootstrap or a folder that holds one; see tinderbox help measure",
        )
    })?;
    if options.event.is_some() && options.event_bytes.is_some() {
        return Err(Failure::new(
            "measure: --event and --event-size: one of the two",
        ));
    }
    Ok(Command::Measure(Box::new(options)))
}

pub fn report(mut words: Words) -> Result<Command, Failure> {
    let mut options = ReportOptions {
        files: Vec::new(),
        json: false,
    };
    while let Some(word) = words.next()? {
        match word {
            Word::Argument(file) => options.files.push(file),
            Word::Option(name) => match name.as_str() {
                "--help" | "-h" => return Ok(Command::Print(help::REPORT)),
                "--json" => options.json = true,
                _ => return Err(unknown("report", &name)),
            },
        }
    }
    Ok(Command::Report(options))
}
