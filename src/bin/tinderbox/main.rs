//! `tinderbox`, the tool for workstations: a local Lambda, and a caller for it.
//!
//! It shares no code with the runtime: it speaks the same protocols from its own reading of them,
//! so that one misreading cannot agree with itself. What to read, in this order:
//!
//! - `arguments`   the command line; `help`, its text
//! - `local`       `tinderbox run`: the Runtime API, the Invoke API and the process between them
//! - `invoke`      `tinderbox invoke`: one call of a local Lambda
//! - `measure`     `tinderbox measure`: cold starts, warm invocations, memory, calls, bytes
//! - `report`      `tinderbox report`: percentiles from Lambda's own log
//! - `event`       what `--event` and `--invoke` accept
//! - `json`        whether bytes are JSON
//! - `event_stream`  the frames of a streamed answer
//! - `message`     how the tool speaks on stderr and how a command fails
//! - `sys`         the only system calls outside std
//!
//! Exit status: 0 done; 1 the function answered with an error (`measure`: or failed otherwise); 2
//! nothing was done (usage, a file, a port, no connection); 101 an error of the tool's own; 128 + N
//! stopped by signal N before an answer.

mod arguments;
mod base64;
mod event;
mod event_stream;
mod help;
mod invoke;
mod json;
mod local;
mod measure;
mod message;
mod report;
mod sys;

use arguments::Command;
use message::Failure;

/// The function answered with an error.
const EXIT_FUNCTION_ERROR: i32 = 1;

/// Nothing was done.
const EXIT_NOTHING_DONE: i32 = 2;

fn main() {
    let code = match dispatch() {
        Ok(code) => code,
        Err(failure) => {
            message::say(failure.text());
            EXIT_NOTHING_DONE
        }
    };
    std::process::exit(code);
}

fn dispatch() -> Result<i32, Failure> {
    match arguments::parse(std::env::args_os().skip(1).collect())? {
        Command::Run(options) => local::run(*options),
        Command::Invoke(options) => invoke::invoke(options),
        Command::Measure(options) => measure::measure(*options),
        Command::Report(options) => report::report(&options),
        Command::Print(text) => message::print(text.as_bytes()).map(|()| 0),
    }
}
