//! The options of `measure` and `report`.

use std::ffi::OsString;
use std::time::Duration;

use super::lexer::{Arg, Args};
use super::values::{
    count, cpu, event_bytes, handler, max_ratio, memory, seconds, sizes, variable,
};
use super::{Command, missing_bootstrap, unexpected_argument, unexpected_option};
use crate::help;
use crate::limits::{HANDLER, MEMORY_MB};
use crate::measure::{Cpu, MeasureOptions};
use crate::output::Failure;
use crate::report::ReportOptions;

/// For a start and for an answer: more than Lambda gives a start, and than anything measured should
/// need.
const TIMEOUT_S: u64 = 10;

pub fn measure(mut args: Args) -> Result<Command, Failure> {
    let mut bootstrap = None;
    let mut options = MeasureOptions {
        bootstrap: OsString::new(),
        comparisons: Vec::new(),
        baseline: None,
        cold_starts: None,
        invocations: None,
        event: None,
        event_bytes: None,
        sizes: Vec::new(),
        expect: None,
        accepts_errors: false,
        handler: HANDLER.to_string(),
        variables: Vec::new(),
        memory_mb: MEMORY_MB,
        timeout: Duration::from_secs(TIMEOUT_S),
        cpu: Cpu::Current,
        json: false,
        svg: None,
        max_ratios: Vec::new(),
    };
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Positional(path) if bootstrap.is_none() => bootstrap = Some(path),
            Arg::Positional(more) => return Err(unexpected_argument("measure", &more)),
            Arg::Option(name) => match name.as_str() {
                "--help" | "-h" => return Ok(Command::Print(help::MEASURE)),
                "--compare" => options.comparisons.push(args.value(&name)?),
                "--baseline" => options.baseline = Some(args.value(&name)?),
                "--cold-starts" => options.cold_starts = Some(count(&name, &args.text(&name)?)?),
                "--invocations" => options.invocations = Some(count(&name, &args.text(&name)?)?),
                "--event" => options.event = Some(args.value(&name)?),
                "--event-size" => options.event_bytes = Some(event_bytes(&args.text(&name)?)?),
                "--sizes" => options.sizes = sizes(&args.text(&name)?)?,
                "--expect" => options.expect = Some(args.value(&name)?),
                "--accept-errors" => options.accepts_errors = true,
                "--handler" => options.handler = handler(args.text(&name)?)?,
                "--env" => options.variables.push(variable(&args.value(&name)?)?),
                "--memory" => options.memory_mb = memory(&args.text(&name)?)?,
                "--timeout" => options.timeout = seconds(&name, &args.text(&name)?)?,
                "--pin-cpu" => options.cpu = cpu(&args.text(&name)?)?,
                "--json" => options.json = true,
                "--max-ratio" => options.max_ratios.push(max_ratio(&args.text(&name)?)?),
                "--svg" => options.svg = Some(args.value(&name)?.into()),
                _ => return Err(unexpected_option("measure", &name)),
            },
        }
    }
    options.bootstrap = bootstrap.ok_or_else(|| missing_bootstrap("measure"))?;
    if options.event.is_some() && options.event_bytes.is_some() {
        return Err(Failure::new(
            "measure: --event and --event-size exclude each other",
        ));
    }
    Ok(Command::Measure(Box::new(options)))
}

pub fn report(mut args: Args) -> Result<Command, Failure> {
    let mut options = ReportOptions {
        files: Vec::new(),
        json: false,
    };
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Positional(file) => options.files.push(file),
            Arg::Option(name) => match name.as_str() {
                "--help" | "-h" => return Ok(Command::Print(help::REPORT)),
                "--json" => options.json = true,
                _ => return Err(unexpected_option("report", &name)),
            },
        }
    }
    Ok(Command::Report(options))
}
