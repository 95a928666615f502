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
use crate::local::sandbox::SandboxOptions;
use crate::local::{EventFormat, FunctionOptions, RunOptions};
use crate::measure::MeasureOptions;
use crate::output::Failure;
use crate::report::ReportOptions;
use lexer::{Arg, Args};
use values::{
    concurrency, environments, function_name, header, host, invocation_type, port, retries, runner,
};
pub use values::{handler, memory, plain_function_name, seconds, variable};

/// The default port of the Invoke API, for `run` and `invoke`.
const PORT: u16 = 9000;

/// Lambda's own defaults: time for an event, time for init.
const TIMEOUT_S: u64 = 3;
const INIT_TIMEOUT_S: u64 = 10;
const ASYNC_RETRIES: u32 = 2;

/// How many calls of a function are handled at once, each in an environment of its own, and after
/// how many seconds without an event one of several environments is stopped.
const ENVIRONMENTS_MAX: usize = 10;
const IDLE_TIMEOUT_S: u64 = 300;

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

/// The options of `run` without arguments.
fn default_options() -> RunOptions {
    RunOptions {
        functions: Vec::new(),
        serves_any_name: false,
        handler: HANDLER.to_string(),
        timeout: Duration::from_secs(TIMEOUT_S),
        init_timeout: Duration::from_secs(INIT_TIMEOUT_S),
        memory_mb: MEMORY_MB,
        variables: Vec::new(),
        host: Host::LOOPBACK,
        is_host_chosen: false,
        port: PORT,
        runtime_port: 0,
        any_runtime: false,
        event_format: EventFormat::Json,
        concurrency: None,
        snapstart: false,
        once: None,
        runner: Vec::new(),
        environments: ENVIRONMENTS_MAX,
        idle_timeout: Duration::from_secs(IDLE_TIMEOUT_S),
        async_retries: ASYNC_RETRIES,
        json: false,
        sandbox: SandboxOptions::default(),
    }
}

fn run(mut args: Args) -> Result<Command, Failure> {
    let (mut target, mut task_root, mut name) = (None, None, None);
    let mut options = default_options();
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Positional(path) if target.is_none() => target = Some(PathBuf::from(path)),
            Arg::Positional(more) => return Err(unexpected_argument("run", &more)),
            Arg::Option(option) => match option.as_str() {
                "--help" | "-h" => return Ok(Command::Print(help::RUN)),
                "--task-root" => task_root = Some(args.value(&option)?.into()),
                "--function-name" => {
                    name = Some(plain_function_name(&option, args.text(&option)?)?);
                }
                "--function" => {
                    let function = FunctionOptions::parse(&args.value(&option)?)?;
                    options.functions.push(function);
                }
                "--handler" => set_handler(&mut options, handler(args.text(&option)?)?),
                "--timeout" => options.timeout = seconds(&option, &args.text(&option)?)?,
                "--init-timeout" => options.init_timeout = seconds(&option, &args.text(&option)?)?,
                "--memory" => options.memory_mb = memory(&args.text(&option)?)?,
                "--env" => options.variables.push(variable(&args.value(&option)?)?),
                "--host" => {
                    options.host = host(&args.text(&option)?)?;
                    options.is_host_chosen = true;
                }
                "--any-runtime" => options.any_runtime = true,
                "--port" => options.port = port(&option, &args.text(&option)?)?,
                "--runtime-port" => options.runtime_port = port(&option, &args.text(&option)?)?,
                "--once" => options.once = Some(args.value(&option)?),
                "--runner" => options.runner = runner(&args.value(&option)?)?,
                "--binary" => options.event_format = EventFormat::Binary,
                "--concurrency" => options.concurrency = Some(concurrency(&args.text(&option)?)?),
                "--snapstart" => options.snapstart = true,
                "--json" => options.json = true,
                "--environments" => {
                    options.environments = environments(&args.text(&option)?)?;
                }
                "--idle-timeout" => options.idle_timeout = seconds(&option, &args.text(&option)?)?,
                "--async-retries" => {
                    options.async_retries = retries(&args.text(&option)?)?;
                }
                _ => sandbox_option(&mut options.sandbox, &option, &mut args)?,
            },
        }
    }
    check_sandbox(&options, target.is_some(), task_root.is_some())?;
    add_target(&mut options, target, task_root, name)?;
    if options.snapstart && options.concurrency.is_some() {
        return Err(Failure::new(
            "run: --snapstart and --concurrency exclude each other, as on Lambda",
        ));
    }
    Ok(Command::Run(Box::new(options)))
}

/// The function of the positional argument becomes the first one.
fn add_target(
    options: &mut RunOptions,
    target: Option<PathBuf>,
    task_root: Option<PathBuf>,
    name: Option<String>,
) -> Result<(), Failure> {
    // The function of an image has no other target.
    let target = target.or_else(|| options.sandbox.image.as_ref().map(|_| PathBuf::new()));
    let Some(target) = target else {
        return match (options.functions.is_empty(), task_root, name) {
            (true, _, _) => Err(missing_bootstrap("run")),
            (false, None, None) => Ok(()),
            (false, _, _) => Err(Failure::new(
                "run: --task-root and --function-name are for the function BOOTSTRAP|DIR, which is \
                 missing; a --function has its own name, and task-root=DIR",
            )),
        };
    };
    options.serves_any_name = options.functions.is_empty() && name.is_none();
    let name = name.unwrap_or_else(|| FUNCTION_NAME.to_string());
    let mut function = FunctionOptions::new(name, target);
    function.task_root = task_root;
    options.functions.insert(0, function);
    Ok(())
}

/// An image has a handler of its own, unless the user names one.
fn set_handler(options: &mut RunOptions, handler: String) {
    options.sandbox.handler = Some(handler.clone());
    options.handler = handler;
}

fn sandbox_option(
    options: &mut SandboxOptions,
    option: &str,
    args: &mut Args,
) -> Result<(), Failure> {
    match option {
        "--layer" => options.layers.push(args.value(option)?.into()),
        "--image" => options.image = Some(args.value(option)?.into()),
        "--memory-limit" => options.memory_limit = true,
        "--freeze" => options.freeze = true,
        _ => return Err(unexpected_option("run", option)),
    }
    Ok(())
}

/// Combinations that Lambda does not have.
fn check_sandbox(
    options: &RunOptions,
    has_target: bool,
    has_task_root: bool,
) -> Result<(), Failure> {
    let sandbox = &options.sandbox;
    let refused = [
        (
            sandbox.image.is_some() && has_target,
            "--image and a bootstrap exclude each other: the image has a command",
        ),
        (
            sandbox.image.is_some() && !sandbox.layers.is_empty(),
            "--image and --layer exclude each other, as on Lambda",
        ),
        (
            sandbox.image.is_some() && has_task_root,
            "--image and --task-root exclude each other: the task root of an image is /var/task",
        ),
        (
            sandbox.freeze && options.concurrency.is_some(),
            "--freeze and --concurrency exclude each other: on Lambda, the environment of a \
             managed instance is not frozen",
        ),
    ];
    match refused.into_iter().find(|(is_refused, _)| *is_refused) {
        Some((_, text)) => Err(Failure::new(format!("run: {text}"))),
        None => Ok(()),
    }
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
