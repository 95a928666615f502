//! The command line: what may be said, and what it is turned into.
//!
//! Options are `--name VALUE` or `--name=VALUE`, in any order, before or after the argument. An
//! option that is given twice counts the last time, but for `--env`, which adds up.

mod measuring;
mod values;
mod words;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use crate::help;
use crate::invoke::InvokeOptions;
use crate::local::RunOptions;
use crate::measure::MeasureOptions;
use crate::message::Failure;
use crate::report::ReportOptions;
use values::{concurrency, function_name, header, invocation_type, memory, port, runner, seconds};
pub use values::{handler, variable};
use words::{Word, Words};

/// Where `run` serves the Invoke API, and `invoke` looks for it.
pub const PORT: u16 = 9000;

/// Lambda's own defaults: time for an event, time for init, memory.
const TIMEOUT_S: u64 = 3;
const INIT_TIMEOUT_S: u64 = 10;
const MEMORY_MB: u32 = 128;

/// What the command line asks for.
pub enum Command {
    Run(Box<RunOptions>),
    Invoke(InvokeOptions),
    Measure(Box<MeasureOptions>),
    Report(ReportOptions),
    /// A text for stdout, and that is all.
    Print(&'static str),
}

/// Reads a command line without the program's name.
pub fn parse(words: Vec<OsString>) -> Result<Command, Failure> {
    let mut words = Words::new(words);
    let command = words.plain().ok_or_else(|| {
        Failure::new(
            "say what to do: run, invoke, measure, report or help; tinderbox help tells more",
        )
    })?;
    match command.to_str().unwrap_or_default() {
        "run" => run(words),
        "invoke" => invoke(words),
        "measure" => measuring::measure(words),
        "report" => measuring::report(words),
        "help" | "--help" | "-h" => help_about(words),
        "version" | "--version" | "-V" => Ok(Command::Print(help::VERSION)),
        _ => Err(Failure::new(format!(
            "there is no command '{}'; tinderbox help lists them",
            command.display()
        ))),
    }
}

fn run(mut words: Words) -> Result<Command, Failure> {
    let mut target = None;
    let mut options = RunOptions {
        target: PathBuf::new(),
        root: None,
        function_name: "function".to_string(),
        handler: "function.handler".to_string(),
        timeout: Duration::from_secs(TIMEOUT_S),
        init_timeout: Duration::from_secs(INIT_TIMEOUT_S),
        memory_mb: MEMORY_MB,
        variables: Vec::new(),
        port: PORT,
        runtime_port: 0,
        raw: false,
        concurrency: None,
        snapstart: false,
        invoke: None,
        runner: Vec::new(),
    };
    while let Some(word) = words.next()? {
        match word {
            Word::Argument(path) if target.is_none() => target = Some(PathBuf::from(path)),
            Word::Argument(more) => return Err(surplus("run", &more)),
            Word::Option(name) => match name.as_str() {
                "--help" | "-h" => return Ok(Command::Print(help::RUN)),
                "--root" => options.root = Some(words.value(&name)?.into()),
                "--function" => options.function_name = function_name(words.text(&name)?)?,
                "--handler" => options.handler = handler(words.text(&name)?)?,
                "--timeout" => options.timeout = seconds(&name, &words.text(&name)?)?,
                "--init-timeout" => options.init_timeout = seconds(&name, &words.text(&name)?)?,
                "--memory" => options.memory_mb = memory(&words.text(&name)?)?,
                "--env" => options.variables.push(variable(&words.value(&name)?)?),
                "--port" => options.port = port(&name, &words.text(&name)?)?,
                "--runtime-port" => options.runtime_port = port(&name, &words.text(&name)?)?,
                "--invoke" => options.invoke = Some(words.value(&name)?),
                "--runner" => options.runner = runner(&words.value(&name)?)?,
                "--raw" => options.raw = true,
                "--concurrency" => options.concurrency = Some(concurrency(&words.text(&name)?)?),
                "--snapstart" => options.snapstart = true,
                _ => return Err(unknown("run", &name)),
            },
        }
    }
    options.target = target.ok_or_else(|| {
        Failure::new("run: name a bootstrap or a folder that holds one; see tinderbox help run")
    })?;
    if options.snapstart && options.concurrency.is_some() {
        let text = "run: Lambda knows no --snapstart with --concurrency";
        return Err(Failure::new(text));
    }
    Ok(Command::Run(Box::new(options)))
}

fn invoke(mut words: Words) -> Result<Command, Failure> {
    let mut options = InvokeOptions {
        event: "{}".into(),
        port: PORT,
        function_name: "function".to_string(),
        invocation_type: "RequestResponse".to_string(),
        client_context: None,
        tenant_id: None,
        trace_id: None,
        stream: false,
    };
    while let Some(word) = words.next()? {
        match word {
            Word::Argument(more) => return Err(surplus("invoke", &more)),
            Word::Option(name) => match name.as_str() {
                "--help" | "-h" => return Ok(Command::Print(help::INVOKE)),
                "--event" => options.event = words.value(&name)?,
                "--port" => options.port = port(&name, &words.text(&name)?)?,
                "--function" => options.function_name = function_name(words.text(&name)?)?,
                "--type" => options.invocation_type = invocation_type(words.text(&name)?)?,
                "--client-context" => options.client_context = Some(words.text(&name)?),
                "--tenant-id" => options.tenant_id = Some(header(&name, words.text(&name)?)?),
                "--trace-id" => options.trace_id = Some(header(&name, words.text(&name)?)?),
                "--stream" => options.stream = true,
                _ => return Err(unknown("invoke", &name)),
            },
        }
    }
    Ok(Command::Invoke(options))
}

fn help_about(mut words: Words) -> Result<Command, Failure> {
    let topic = words.plain().unwrap_or_default();
    match topic.to_str() {
        Some("") => Ok(Command::Print(help::OVERVIEW)),
        Some("run") => Ok(Command::Print(help::RUN)),
        Some("invoke") => Ok(Command::Print(help::INVOKE)),
        Some("measure") => Ok(Command::Print(help::MEASURE)),
        Some("report") => Ok(Command::Print(help::REPORT)),
        _ => Err(Failure::new(format!(
            "there is no help about '{}'",
            topic.display()
        ))),
    }
}

fn surplus(command: &str, word: &OsStr) -> Failure {
    let word = word.display();
    Failure::new(format!(
        "{command}: '{word}' is one argument too many; see tinderbox help {command}"
    ))
}

fn unknown(command: &str, name: &str) -> Failure {
    Failure::new(format!(
        "{command}: there is no option {name}; see tinderbox help {command}"
    ))
}
