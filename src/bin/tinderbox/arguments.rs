//! The command line: commands and options.
//!
//! Options are `--name VALUE` or `--name=VALUE`, in any order, before or after the positional
//! argument. Of a repeated option the last value counts; `--env` and `--compare` accumulate.

mod lexer;
mod measure;
mod values;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use crate::help;
use crate::host::Host;
use crate::invoke::InvokeOptions;
use crate::limits::{FUNCTION_NAME, HANDLER, MEMORY_MB};
use crate::local::{EventFormat, RunOptions};
use crate::measure::MeasureOptions;
use crate::output::Failure;
use crate::report::ReportOptions;
use lexer::{Arg, Args};
use values::{
    concurrency, function_name, header, host, invocation_type, memory, port, runner, seconds,
};
pub use values::{handler, variable};

/// The default port of the Invoke API, for `run` and `invoke`.
const PORT: u16 = 9000;

/// Lambda's own defaults: time for an event, time for init.
const TIMEOUT_S: u64 = 3;
const INIT_TIMEOUT_S: u64 = 10;

/// A command with its options.
pub enum Command {
    Run(Box<RunOptions>),
    Invoke(InvokeOptions),
    Measure(Box<MeasureOptions>),
    Report(ReportOptions),
    /// Print this text on stdout.
    Print(&'static str),
}

/// Parses a command line without the program's name.
pub fn parse(args: Vec<OsString>) -> Result<Command, Failure> {
    let mut args = Args::new(args);
    let command = args.next_raw().ok_or_else(|| {
        Failure::new("missing command: run, invoke, measure, report or help (see tinderbox help)")
    })?;
    match command.to_str().unwrap_or_default() {
        "run" => run(args),
        "invoke" => invoke(args),
        "measure" => measure::measure(args),
        "report" => measure::report(args),
        "help" | "--help" | "-h" => help_topic(args),
        "version" | "--version" | "-V" => Ok(Command::Print(help::VERSION)),
        _ => Err(Failure::new(format!(
            "unknown command '{}' (see tinderbox help)",
            command.display()
        ))),
    }
}

fn run(mut args: Args) -> Result<Command, Failure> {
    let mut target = None;
    let mut options = RunOptions {
        target: PathBuf::new(),
        task_root: None,
        function_name: FUNCTION_NAME.to_string(),
        handler: HANDLER.to_string(),
        timeout: Duration::from_secs(TIMEOUT_S),
        init_timeout: Duration::from_secs(INIT_TIMEOUT_S),
        memory_mb: MEMORY_MB,
        variables: Vec::new(),
        host: Host::LOOPBACK,
        port: PORT,
        runtime_port: 0,
        any_runtime: false,
        event_format: EventFormat::Json,
        concurrency: None,
        snapstart: false,
        once: None,
        runner: Vec::new(),
    };
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Positional(path) if target.is_none() => target = Some(PathBuf::from(path)),
            Arg::Positional(more) => return Err(unexpected_argument("run", &more)),
            Arg::Option(name) => match name.as_str() {
                "--help" | "-h" => return Ok(Command::Print(help::RUN)),
                "--task-root" => options.task_root = Some(args.value(&name)?.into()),
                "--function-name" => options.function_name = function_name(args.text(&name)?)?,
                "--handler" => options.handler = handler(args.text(&name)?)?,
                "--timeout" => options.timeout = seconds(&name, &args.text(&name)?)?,
                "--init-timeout" => options.init_timeout = seconds(&name, &args.text(&name)?)?,
                "--memory" => options.memory_mb = memory(&args.text(&name)?)?,
                "--env" => options.variables.push(variable(&args.value(&name)?)?),
                "--host" => options.host = host(&args.text(&name)?)?,
                "--port" => options.port = port(&name, &args.text(&name)?)?,
                "--any-runtime" => options.any_runtime = true,
                "--runtime-port" => options.runtime_port = port(&name, &args.text(&name)?)?,
                "--once" => options.once = Some(args.value(&name)?),
                "--runner" => options.runner = runner(&args.value(&name)?)?,
                "--binary" => options.event_format = EventFormat::Binary,
                "--concurrency" => options.concurrency = Some(concurrency(&args.text(&name)?)?),
                "--snapstart" => options.snapstart = true,
                _ => return Err(unexpected_option("run", &name)),
            },
        }
    }
    options.target = target.ok_or_else(|| missing_bootstrap("run"))?;
    if options.snapstart && options.concurrency.is_some() {
        return Err(Failure::new(
            "run: --snapstart and --concurrency exclude each other, as on Lambda",
        ));
    }
    Ok(Command::Run(Box::new(options)))
}

fn invoke(mut args: Args) -> Result<Command, Failure> {
    let mut options = InvokeOptions {
        event: "{}".into(),
        host: Host::LOOPBACK,
        port: PORT,
        function_name: FUNCTION_NAME.to_string(),
        invocation_type: "RequestResponse".to_string(),
        client_context: None,
        tenant_id: None,
        trace_id: None,
        stream: false,
    };
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Positional(more) => return Err(unexpected_argument("invoke", &more)),
            Arg::Option(name) => match name.as_str() {
                "--help" | "-h" => return Ok(Command::Print(help::INVOKE)),
                "--event" => options.event = args.value(&name)?,
                "--host" => options.host = host(&args.text(&name)?)?,
                "--port" => options.port = port(&name, &args.text(&name)?)?,
                "--function-name" => options.function_name = function_name(args.text(&name)?)?,
                "--invocation-type" => {
                    options.invocation_type = invocation_type(args.text(&name)?)?;
                }
                "--client-context" => options.client_context = Some(args.text(&name)?),
                "--tenant-id" => options.tenant_id = Some(header(&name, args.text(&name)?)?),
                "--trace-id" => options.trace_id = Some(header(&name, args.text(&name)?)?),
                "--stream" => options.stream = true,
                _ => return Err(unexpected_option("invoke", &name)),
            },
        }
    }
    Ok(Command::Invoke(options))
}

fn help_topic(mut args: Args) -> Result<Command, Failure> {
    let topic = args.next_raw().unwrap_or_default();
    match topic.to_str() {
        Some("") => Ok(Command::Print(help::OVERVIEW)),
        Some("run") => Ok(Command::Print(help::RUN)),
        Some("invoke") => Ok(Command::Print(help::INVOKE)),
        Some("measure") => Ok(Command::Print(help::MEASURE)),
        Some("report") => Ok(Command::Print(help::REPORT)),
        _ => Err(Failure::new(format!(
            "unknown help topic '{}': expected run, invoke, measure or report",
            topic.display()
        ))),
    }
}

fn missing_bootstrap(command: &str) -> Failure {
    Failure::new(format!(
        "{command}: missing bootstrap: name an executable, or a folder with a file bootstrap (see \
         tinderbox help {command})"
    ))
}

fn unexpected_argument(command: &str, argument: &OsStr) -> Failure {
    let argument = argument.display();
    Failure::new(format!(
        "{command}: unexpected argument '{argument}' (see tinderbox help {command})"
    ))
}

fn unexpected_option(command: &str, name: &str) -> Failure {
    Failure::new(format!(
        "{command}: unexpected option '{name}' (see tinderbox help {command})"
    ))
}
