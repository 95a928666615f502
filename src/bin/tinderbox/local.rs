//! `tinderbox run`: a local Lambda on this machine.
//!
//! - `engine`       the loop: connections, calls, processes, the end
//! - `environment`  one execution environment: the state machine between process, events and calls
//! - `functions_api`  the functions, their versions, and the calls that manage them
//! - `pool`, `call` the environments of a function, and a call on its way through them
//! - `runtime_api`, `invoke_api`  the two APIs as data: paths, refusals, replies
//! - `invocation`, `outcome`      an event on its way, and its result
//! - `guard`, `peer`  which requests and which processes the two servers accept; `listener`
//! - `sandbox`      layers, images, memory limit, freezing; `temporary` folders
//! - `log`          its records; `log_writer` writes them
//! - `http`, `slab`, `budget`  HTTP, tables, memory limits
//!
//! One thread does everything: the process dies with the thread that started it. Another one prints
//! the answer of `--once`.

mod budget;
mod call;
mod engine;
mod environment;
mod functions_api;
mod guard;
mod http;
mod invocation;
mod invoke_api;
mod listener;
mod log;
mod log_writer;
mod outcome;
mod peer;
mod pool;
mod runtime_api;
pub mod sandbox;
mod slab;
mod temporary;
mod url;

use std::ffi::OsString;
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::event;
use crate::host::Host;
use crate::limits::EVENT_BYTES_MAX;
use crate::output::{self, Failure, diagnostic};
use crate::sys::epoll::SignalReader;
use crate::sys::{self, SignalSet};
use engine::{Engine, EngineOptions};
pub use functions_api::FunctionOptions;
use functions_api::Functions;
use guard::Bound;
use invocation::InvokeRequest;
use listener::{listen, runtime_host};
use sandbox::{Sandbox, SandboxOptions};

/// The options of `tinderbox run`.
pub struct RunOptions {
    /// At least one; the positional argument is the first one.
    pub functions: Vec<FunctionOptions>,
    /// The user gave the only function no name.
    pub serves_any_name: bool,
    pub handler: String,
    pub timeout: Duration,
    pub init_timeout: Duration,
    pub memory_mb: u32,
    pub variables: Vec<(OsString, OsString)>,
    /// Where callers are served; without a choice of the user on [::1] too, which `cargo lambda
    /// invoke` calls.
    pub host: Host,
    pub is_host_chosen: bool,
    pub port: u16,
    /// The Runtime API takes the calls of all local processes.
    pub any_runtime: bool,
    pub runtime_port: u16,
    pub event_format: EventFormat,
    pub concurrency: Option<u16>,
    pub snapstart: bool,
    pub once: Option<OsString>,
    pub runner: Vec<OsString>,
    pub environments: usize,
    pub idle_timeout: Duration,
    pub async_retries: u32,
    /// Everything on stderr is JSON.
    pub json: bool,
    pub sandbox: SandboxOptions,
}

/// Which events are accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum EventFormat {
    /// JSON; an empty event becomes `{}`.
    Json,
    /// Any bytes.
    Binary,
}

/// Runs until a signal stops the tool, or until the one event is handled.
pub fn run(options: RunOptions) -> Result<i32, Failure> {
    if options.json {
        output::write_diagnostics_as_json();
    }
    let event = one_shot_event(&options)?;
    let sandbox = prepare_sandbox(&options)?;
    let functions = Functions::new(&options, Arc::new(sandbox))?;
    let listener = match event {
        None => Some(listen(&options.host, options.port, "--port")?),
        Some(_) => None,
    };
    let signals = SignalSet::block(true).map_err(|error| os_error("block signals", error))?;
    let signals = SignalReader::new(&signals).map_err(|error| os_error("watch signals", error))?;
    sys::become_subreaper().map_err(|error| os_error("become the subreaper", error))?;
    engine::kill_children_on_panic();

    let engine_options = EngineOptions {
        event_format: options.event_format,
        environments_max: options.environments,
        idle_timeout: options.idle_timeout,
        async_retries: options.async_retries,
        runtime_host: runtime_host(&options.host),
        runtime_port: options.runtime_port,
        any_runtime: options.any_runtime,
        has_telemetry: options.json,
        has_several_functions: options.functions.len() > 1,
    };
    let mut engine = Engine::new(engine_options, functions, signals)
        .map_err(|error| os_error("watch descriptors", error))?;
    let (first, runtime_address) = engine.start_functions(&options.functions)?;
    if let Some(event) = event {
        engine.invoke_once(first, InvokeRequest::new(event));
    } else if let Some((listener, address)) = listener {
        let bound = Bound::new(address, options.host.name().map(str::to_string));
        print_addresses(&options, &runtime_address, address, &bound);
        engine
            .serve_callers(listener, bound)
            .map_err(|error| os_error("watch descriptors", error))?;
        // It fails where there is no IPv6, or where another program has the port there.
        if !options.is_host_chosen
            && let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, address.port()))
        {
            let bound = Bound::new(address, None);
            let _ = engine.serve_callers(listener, bound);
        }
    }
    Ok(engine.run())
}

/// What surrounds the processes of all functions.
fn prepare_sandbox(options: &RunOptions) -> Result<Sandbox, Failure> {
    let runner = options.runner.first().map(Path::new);
    let functions = options.functions.iter();
    let paths = functions.flat_map(|function| {
        [
            Some(function.target.as_path()),
            function.task_root.as_deref(),
        ]
    });
    let needed: Vec<&Path> = paths.chain([runner]).flatten().collect();
    let sandbox = Sandbox::prepare(&options.sandbox, &options.runner, &needed)?;
    for note in sandbox.notes() {
        diagnostic(note);
    }
    Ok(sandbox)
}

/// The event of `--once`, read and validated before anything is started.
fn one_shot_event(options: &RunOptions) -> Result<Option<Vec<u8>>, Failure> {
    let Some(argument) = &options.once else {
        return Ok(None);
    };
    let mut event = event::resolve(argument)?;
    if options.event_format == EventFormat::Json {
        if event.is_empty() {
            event = b"{}".to_vec();
        }
        event::require_json(&event)?;
    }
    if event.len() > EVENT_BYTES_MAX {
        return Err(Failure::new(format!(
            "the event is too long: {} bytes, and the limit is {EVENT_BYTES_MAX}",
            event.len()
        )));
    }
    Ok(Some(event))
}

/// The URL on stdout, for scripts; everything else on stderr, for people.
fn print_addresses(options: &RunOptions, runtime: &str, address: SocketAddr, bound: &Bound) {
    let Some(FunctionOptions { name, target, .. }) = options.functions.first() else {
        return;
    };
    let others = match options.functions.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let (host, port) = (options.host.to_connect(), address.port());
    let host_option = match host {
        Host::LOOPBACK => String::new(),
        _ => format!(" --host {host}"),
    };
    diagnostic(&format!(
        "serving the function {name} from '{}'{others}: Runtime API {runtime}, Invoke API \
         {host}:{port}; try: tinderbox invoke{host_option} --port {port} --event '{{}}'",
        options.sandbox.image.as_ref().unwrap_or(target).display(),
    ));
    if !bound.is_loopback() {
        diagnostic(&format!(
            "warning: --host {}: every machine that reaches port {port} can run the function, \
             without authentication",
            options.host
        ));
    }
    let url = format!("http://{host}:{port}/2015-03-31/functions/{name}/invocations\n");
    if let Err(failure) = output::write_stdout(url.as_bytes()) {
        diagnostic(failure.text()); // the line on stderr has the address too
    }
}

fn os_error(operation: &str, error: std::io::Error) -> Failure {
    Failure::caused(format!("cannot {operation}"), error)
}
