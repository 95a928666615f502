//! `tinderbox run`: a local Lambda on this machine, for one function in one execution environment.
//!
//! - `environment`  the execution environment: the state machine between process, events and calls
//! - `runtime_api`  the API of the bootstrap
//! - `invoke_api`   the API of callers
//! - `guard`, `peer`  which requests and which processes the two servers accept
//! - `connections`, `permits`  how many connections each of the two servers may have
//! - `dispatch`     the loop that handles one event after another
//! - `invocation`, `outcome`   an event on its way, and its result
//! - `http`, `budget`, `log_lines`, `exit_decision`  HTTP, memory limits, the log's lines, the end
//!
//! Threads: the main thread supervises the process (it dies with the thread that started it); one
//! waits for stop signals, one reaps children, one dispatches (or one for each concurrent event),
//! two accept connections, and each connection has its own.

mod budget;
mod connections;
mod dispatch;
mod environment;
mod exit_decision;
mod guard;
mod http;
mod invocation;
mod invoke_api;
mod listener;
mod log_lines;
mod outcome;
mod peer;
mod permits;
mod runtime_api;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::event;
use crate::exit_status::{self, DONE, FUNCTION_ERROR, NOTHING_DONE};
use crate::host::Host;
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::output::{self, Failure, diagnostic};
use crate::process::{self, Program};
use crate::settings::{Restart, Settings};
use crate::sys::{self, StopSignals};
use dispatch::Job;
use environment::Environment;
use exit_decision::ExitDecision;
use guard::Bound;
use invocation::{InvokeRequest, MESSAGES_MAX, Message};
use invoke_api::InvokeServer;
use listener::{listen, runtime_host};
use permits::Permits;
use runtime_api::Clients;

/// The options of `tinderbox run`.
pub struct RunOptions {
    pub target: PathBuf,
    pub task_root: Option<PathBuf>,
    pub function_name: String,
    pub handler: String,
    pub timeout: Duration,
    pub init_timeout: Duration,
    pub memory_mb: u32,
    pub variables: Vec<(OsString, OsString)>,
    pub host: Host,
    pub port: u16,
    pub runtime_port: u16,
    /// The Runtime API accepts calls of every local process.
    pub any_runtime: bool,
    pub event_format: EventFormat,
    pub concurrency: Option<u16>,
    pub snapstart: bool,
    pub once: Option<OsString>,
    pub runner: Vec<OsString>,
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
    let event = one_shot_event(&options)?;
    let program = Program::find(&options.target, &options.runner)?;
    let task_root = program.task_root(options.task_root.as_deref())?;
    let invoke_listener = match event {
        None => Some(listen(&options.host, options.port, "--port")?),
        Some(_) => None,
    };
    let runtime_host = runtime_host(&options.host);
    let listener = listen(&runtime_host, options.runtime_port, "--runtime-port")?;
    let (runtime_listener, runtime_address) = listener;
    let signals = StopSignals::block().map_err(|error| os_error("block signals", error))?;
    sys::become_subreaper().map_err(|error| os_error("become the subreaper", error))?;
    kill_children_on_panic();

    let environment = Arc::new(Environment::new(
        settings(&options, task_root),
        program,
        runtime_address.to_string(),
    ));
    let is_one_shot = event.is_some();
    let request = event.map(|event| Arc::new(InvokeRequest::new(event)));
    let decision = Arc::new(ExitDecision::default());
    let decision_of_answer = decision.clone();
    let (caller_capacity, runtime_capacity) = permits::capacities(options.concurrency);
    let callers = Permits::new(invoke_api::permit_rules(caller_capacity));
    let runtimes = Permits::new(runtime_api::permit_rules(runtime_capacity));
    let others = [callers.clone()];
    spawn(&environment, move |environment| {
        let signal = signals.wait();
        // A server is stopped by a signal and has succeeded; with one event there is no answer.
        let status = match is_one_shot {
            true => exit_status::stopped_by(signal),
            false => DONE,
        };
        shut_down_and_exit(environment, decision.decide_by_signal(status))
    })?;
    spawn(&environment, |environment| environment.reap_loop())?;
    let timeout = options.timeout;
    let clients = Arc::new(Clients::new(options.any_runtime));
    spawn(&environment, move |environment| {
        let listener = &runtime_listener;
        runtime_api::serve(listener, &runtimes, &others, timeout, &clients, environment)
    })?;
    environment.start().map_err(Failure::new)?;

    let (jobs, queue) = mpsc::channel();
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..options.concurrency.unwrap_or(1) {
        let queue = queue.clone();
        spawn(&environment, move |environment| {
            dispatch::serve(&queue, environment)
        })?;
    }
    if let Some(request) = request {
        spawn(&environment, move |environment| {
            invoke_once(request, &jobs, &decision_of_answer, environment)
        })?;
    } else if let Some((listener, address)) = invoke_listener {
        let bound = Bound::new(address, options.host.name().map(str::to_string));
        print_addresses(&options, runtime_address, address.port(), &bound);
        let server = InvokeServer::new(jobs, options.event_format, bound);
        spawn(&environment, move |_| {
            invoke_api::serve(&listener, &callers, &server)
        })?;
    }
    environment.supervise()
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
    if event.len() > PAYLOAD_BYTES_MAX {
        return Err(Failure::new(format!(
            "the event is too long: {} bytes, and the limit is {PAYLOAD_BYTES_MAX}",
            event.len()
        )));
    }
    Ok(Some(event))
}

fn settings(options: &RunOptions, task_root: PathBuf) -> Settings {
    Settings {
        function_name: options.function_name.clone(),
        task_root,
        handler: options.handler.clone(),
        timeout: options.timeout,
        init_timeout: options.init_timeout,
        memory_mb: options.memory_mb,
        variables: options.variables.clone(),
        concurrency: options.concurrency,
        snapstart: options.snapstart,
        restart: match options.once {
            Some(_) => Restart::Never,
            None => Restart::ByNextEvent,
        },
    }
}

/// The URL on stdout, for scripts; everything else on stderr, for people.
fn print_addresses(options: &RunOptions, runtime: SocketAddr, port: u16, bound: &Bound) {
    let name = &options.function_name;
    let host = options.host.to_connect();
    let host_option = match host {
        Host::LOOPBACK => String::new(),
        _ => format!(" --host {host}"),
    };
    diagnostic(&format!(
        "serving the function {name} from '{}': Runtime API {runtime}, Invoke API {host}:{port}; \
         try: tinderbox invoke{host_option} --port {port} --event '{{}}'",
        options.target.display(),
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

fn spawn(
    environment: &Arc<Environment>,
    work: impl FnOnce(&Arc<Environment>) + Send + 'static,
) -> Result<(), Failure> {
    let environment = environment.clone();
    let spawned = thread::Builder::new().spawn(move || work(&environment));
    spawned
        .map(drop)
        .map_err(|error| os_error("start a thread", error))
}

/// Prints the answer to the one event, waits for its REPORT line and exits.
fn invoke_once(
    request: Arc<InvokeRequest>,
    jobs: &mpsc::Sender<Job>,
    decision: &ExitDecision,
    environment: &Environment,
) {
    let (reply, messages) = mpsc::sync_channel(MESSAGES_MAX);
    // Neither fails: the dispatcher lives as long as the process.
    let _ = jobs.send(Job {
        request,
        reply,
        _shares: Vec::new(),
    });
    let Ok(Message::Outcome(outcome)) = messages.recv() else {
        return;
    };
    let status = decision.decide_by_answer(|| match output::write_stdout(&outcome.body) {
        Ok(()) if outcome.error_type.is_some() => FUNCTION_ERROR,
        Ok(()) => DONE,
        Err(failure) => {
            diagnostic(failure.text());
            NOTHING_DONE
        }
    });
    let _ = messages.recv(); // the job's sender is dropped after the REPORT line
    shut_down_and_exit(environment, status)
}

fn shut_down_and_exit(environment: &Environment, status: i32) -> ! {
    if !environment.shut_down() {
        diagnostic("cannot kill all processes that the bootstrap started: some are still running");
    }
    std::process::exit(status)
}

/// A panic on any thread ends the tool, and its children with it. The hook takes no lock, since the
/// panicking thread may hold it.
fn kill_children_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        diagnostic(&format!("internal error: {panic}"));
        process::kill_descendants();
        std::process::exit(exit_status::PANIC);
    }));
}

fn os_error(operation: &str, error: std::io::Error) -> Failure {
    Failure::caused(format!("cannot {operation}"), error)
}
