//! `tinderbox run`: a local Lambda on 127.0.0.1, for one function in one execution environment.
//!
//! - `environment`  the execution environment: the state machine between process, events and calls
//! - `runtime_api`  the API of the bootstrap
//! - `invoke_api`, `invoke_server`   the API of callers, and its server
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
mod functions_api;
mod http;
mod invocation;
mod invoke_api;
mod invoke_server;
mod log_lines;
mod outcome;
mod permits;
mod runtime_api;
mod temporary;

use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::event;
use crate::exit_status::{self, DONE, FUNCTION_ERROR, NOTHING_DONE};
use crate::limits::EVENT_BYTES_MAX;
use crate::output::{self, Failure, diagnostic};
use crate::process;
use crate::sys::{self, StopSignals};
use dispatch::Job;
use environment::Environment;
use exit_decision::ExitDecision;
pub use functions_api::FunctionOptions;
use functions_api::{Functions, Resolved};
use invocation::{InvokeRequest, MESSAGES_MAX, Message};
use invoke_api::FunctionRef;
use invoke_server::InvokeServer;
use permits::Permits;

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
    pub port: u16,
    pub runtime_port: u16,
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
    let functions = Functions::new(&options)?;
    let first = first_function(&functions, &options)?;
    let functions = Arc::new(Mutex::new(functions));
    let (runtime_listener, runtime_port) = listen(options.runtime_port, "--runtime-port")?;
    let invoke_listener = match event {
        None => Some(listen(options.port, "--port")?),
        Some(_) => None,
    };
    let signals = StopSignals::block().map_err(|error| os_error("block signals", error))?;
    sys::become_subreaper().map_err(|error| os_error("become the subreaper", error))?;
    kill_children_on_panic();

    let environment = Arc::new(Environment::new(
        first.configuration.settings.clone(),
        first.configuration.program.clone(),
        format!("127.0.0.1:{runtime_port}"),
    ));
    let is_one_shot = event.is_some();
    let request = event.map(|event| Arc::new(InvokeRequest::new(event)));
    let decision = Arc::new(ExitDecision::default());
    let decision_of_answer = decision.clone();
    let (caller_capacity, runtime_capacity) = permits::capacities(options.concurrency);
    let callers = Permits::new(invoke_server::permit_rules(caller_capacity));
    let runtimes = Permits::new(runtime_api::permit_rules(runtime_capacity));
    let others = [callers.clone()];
    let functions_to_drop = functions.clone();
    spawn(&environment, move |environment| {
        let signal = signals.wait();
        // A server is stopped by a signal and has succeeded; with one event there is no answer.
        let status = match is_one_shot {
            true => exit_status::stopped_by(signal),
            false => DONE,
        };
        let functions = functions_to_drop.lock();
        functions.unwrap_or_else(PoisonError::into_inner).clear();
        shut_down_and_exit(environment, decision.decide_by_signal(status))
    })?;
    spawn(&environment, |environment| environment.reap_loop())?;
    let timeout = options.timeout;
    spawn(&environment, move |environment| {
        runtime_api::serve(&runtime_listener, &runtimes, &others, timeout, environment)
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
    } else if let Some((listener, port)) = invoke_listener {
        print_addresses(&options, runtime_port, port);
        let server = InvokeServer::new(jobs, options.event_format, functions);
        spawn(&environment, move |_| {
            invoke_server::serve(&listener, &callers, &server)
        })?;
    }
    environment.supervise()
}

/// The function whose events are handled.
fn first_function(functions: &Functions, options: &RunOptions) -> Result<Resolved, Failure> {
    let reference = FunctionRef {
        name: options
            .functions
            .first()
            .map_or(String::new(), |first| first.name.clone()),
        qualifier: None,
        region: None,
        account: None,
    };
    let found = functions.resolve(&reference);
    found.map_err(|error| Failure::new(error.text))
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

fn listen(port: u16, option: &str) -> Result<(TcpListener, u16), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
        Failure::new(format!(
            "cannot bind 127.0.0.1:{port}: {error}; choose another port with {option} N, or any \
             free one with {option} 0"
        ))
    })?;
    let address = listener.local_addr();
    let port = address
        .map_err(|error| os_error("read the port", error))?
        .port();
    Ok((listener, port))
}

/// The URL on stdout, for scripts; everything else on stderr, for people.
fn print_addresses(options: &RunOptions, runtime_port: u16, port: u16) {
    let Some(FunctionOptions { name, target, .. }) = options.functions.first() else {
        return;
    };
    diagnostic(&format!(
        "serving the function {name} from '{}': Runtime API 127.0.0.1:{runtime_port}, Invoke API \
         127.0.0.1:{port}; try: tinderbox invoke --port {port} --event '{{}}'",
        target.display(),
    ));
    let url = format!("http://127.0.0.1:{port}/2015-03-31/functions/{name}/invocations\n");
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
