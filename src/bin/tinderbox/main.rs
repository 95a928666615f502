//! `tinderbox`, the tool for workstations: a local Lambda, a client for it, and measurements.
//!
//! It shares no code with the runtime: it implements the same protocols from its own reading of the
//! specifications, so that one misreading cannot agree with itself. Modules, in reading order:
//!
//! - `arguments`   the command line; `help` has its texts
//! - `local`       `tinderbox run`: the Runtime API, the Invoke API and the process between them
//! - `invoke`      `tinderbox invoke`: one call of a local Lambda
//! - `measure`     `tinderbox measure`: cold starts, warm invocations, memory, system calls, bytes
//! - `report`      `tinderbox report`: cold starts, errors and percentiles from Lambda's own log
//! - `process`, `settings`  a bootstrap's file, its process, its environment variables
//! - `host`        the value of `--host`
//! - `event`, `json`        the argument of `--event` and `--once`; JSON validation
//! - `event_stream`, `base64`, `number`, `sha256`  encodings and digests
//! - `clock`, `statistics`, `procfs`     time, percentiles, `/proc`
//! - `output`      stdout, stderr, and how a command fails
//! - `exit_status`, `limits`             constants with one place
//! - `sys`         every system call outside std

mod arguments;
mod base64;
mod clock;
mod event;
mod event_stream;
mod exit_status;
mod help;
mod host;
mod invoke;
mod json;
mod limits;
mod local;
mod measure;
mod number;
mod output;
mod process;
mod procfs;
mod report;
mod settings;
mod sha256;
mod statistics;
mod sys;

use arguments::Command;
use output::Failure;

fn main() {
    let status = match dispatch() {
        Ok(status) => status,
        Err(failure) => {
            output::diagnostic(failure.text());
            exit_status::NOTHING_DONE
        }
    };
    std::process::exit(status);
}

fn dispatch() -> Result<i32, Failure> {
    match arguments::parse(std::env::args_os().skip(1).collect())? {
        Command::Run(options) => local::run(*options),
        Command::Invoke(options) => invoke::invoke(options),
        Command::Measure(options) => measure::measure(*options),
        Command::Report(options) => report::report(&options),
        Command::Print(text) => output::write_stdout(text.as_bytes()).map(|()| exit_status::DONE),
    }
}
