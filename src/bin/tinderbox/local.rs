//! `tinderbox run`: a local Lambda on 127.0.0.1, for one function in one execution environment.
//!
//! - `settings`     what the function is set up with; the variables it sees
//! - `process`      its file and its process
//! - `environment`  its life: the state machine between process, events and calls
//! - `runtime_api`  what the bootstrap talks to
//! - `invoke_api`   what callers talk to
//! - `connections`  how many connections each of the two may have
//! - `dispatch`     the loop that takes one event after another
//! - `invocation`, `report`, `exit`, `clock`, `http`, `budget`: events and outcomes, the log's
//!   lines, how it ends, time, the wire, memory
//!
//! Threads: the main thread keeps the process (it dies with the thread that started it); one waits
//! for stop signals, one buries children, one dispatches (or one for each event that may be in
//! hand), two accept, and each connection has its own.

mod budget;
pub mod clock;
mod connections;
mod dispatch;
mod environment;
mod exit;
mod http;
mod invocation;
mod invoke_api;
pub mod process;
mod report;
mod runtime_api;
mod settings;

pub use settings::Settings;

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::message::{self, Failure, say};
use crate::sys::{self, StopSignals};
use crate::{EXIT_FUNCTION_ERROR, EXIT_NOTHING_DONE, event};
use connections::Gate;
use dispatch::Job;
use environment::Environment;
use exit::Exit;
use invocation::{MESSAGES_MAX, Message, PAYLOAD_BYTES_MAX, Submission};
use invoke_api::Front;
use process::Program;

/// The exit status after a panic, as Rust has it.
const EXIT_PANIC: i32 = 101;

/// What `tinderbox run` was asked for.
pub struct RunOptions {
    pub target: PathBuf,
    pub root: Option<PathBuf>,
    pub function_name: String,
    pub handler: String,
    pub timeout: Duration,
    pub init_timeout: Duration,
    pub memory_mb: u32,
    pub variables: Vec<(OsString, OsString)>,
    pub port: u16,
    pub runtime_port: u16,
    pub raw: bool,
    pub concurrency: Option<u16>,
    pub snapstart: bool,
    pub invoke: Option<OsString>,
    pub runner: Vec<OsString>,
}

/// Runs until it is told to stop, or until the one event is done.
pub fn run(options: RunOptions) -> Result<i32, Failure> {
    let event = one_event(&options)?;
    let program = Program::find(&options.target, &options.runner).map_err(Failure::new)?;
    let root = task_root(&options, &program)?;
    let (runtime_listener, runtime_port) = listen(options.runtime_port, "--runtime-port")?;
    let invoke_listener = match event {
        None => Some(listen(options.port, "--port")?),
        Some(_) => None,
    };
    let signals = StopSignals::block().map_err(unusual)?;
    sys::become_subreaper().map_err(unusual)?;
    leave_nothing_behind_a_panic();

    let environment = Arc::new(Environment::new(
        settings(&options, root),
        program,
        format!("127.0.0.1:{runtime_port}"),
    ));
    let is_one_shot = event.is_some();
    let submission = event.map(|event| Arc::new(Submission::new(event)));
    let exit = Arc::new(Exit::default());
    let exit_by_answer = exit.clone();
    let (callers, runtimes) = connections::places(options.concurrency);
    let callers = Gate::new(invoke_api::rules(callers));
    let runtimes = Gate::new(runtime_api::rules(runtimes, options.timeout));
    let others = [callers.clone()];
    spawn(&environment, move |environment| {
        let signal = signals.wait();
        // Being told to stop is how serving ends well; with one event there is no answer then.
        let code = if is_one_shot { 128 + signal } else { 0 };
        leave(environment, exit.by_signal(code))
    })?;
    spawn(&environment, |environment| environment.bury())?;
    spawn(&environment, move |environment| {
        runtime_api::serve(&runtime_listener, &runtimes, &others, environment)
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
    if let Some(submission) = submission {
        spawn(&environment, move |environment| {
            call_once(submission, &jobs, &exit_by_answer, environment)
        })?;
    } else if let Some((listener, port)) = invoke_listener {
        announce(&options, runtime_port, port);
        let raw = options.raw;
        spawn(&environment, move |_| {
            invoke_api::serve(&listener, &callers, &Front::new(jobs, raw))
        })?;
    }
    environment.keep()
}

/// The event of `--invoke`, read and checked before anything is started.
fn one_event(options: &RunOptions) -> Result<Option<Vec<u8>>, Failure> {
    let Some(argument) = &options.invoke else {
        return Ok(None);
    };
    let mut event = event::resolve(argument)?;
    if event.is_empty() && !options.raw {
        event = b"{}".to_vec();
    }
    if !options.raw {
        event::check(&event)
            .map_err(|fault| Failure::new(format!("the event is not JSON: {fault}")))?;
    }
    if event.len() > PAYLOAD_BYTES_MAX {
        return Err(Failure::new(format!(
            "the event has {} bytes; Lambda takes {PAYLOAD_BYTES_MAX} at most",
            event.len()
        )));
    }
    Ok(Some(event))
}

/// `--root`, else the folder of the bootstrap; absolute, because it is the working directory too.
fn task_root(options: &RunOptions, program: &Program) -> Result<PathBuf, Failure> {
    let root = match &options.root {
        Some(root) => root,
        None => program.bootstrap.parent().unwrap_or(Path::new("/")),
    };
    if !root.is_dir() {
        let text = format!("the task root '{}' is not a folder", root.display());
        return Err(Failure::new(text));
    }
    std::path::absolute(root).map_err(unusual)
}

fn settings(options: &RunOptions, root: PathBuf) -> Settings {
    Settings {
        function_name: options.function_name.clone(),
        root,
        handler: options.handler.clone(),
        timeout: options.timeout,
        init_timeout: options.init_timeout,
        memory_mb: options.memory_mb,
        variables: options.variables.clone(),
        concurrency: options.concurrency,
        snapstart: options.snapstart,
        one_shot: options.invoke.is_some(),
    }
}

fn listen(port: u16, option: &str) -> Result<(TcpListener, u16), Failure> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = bound.map_err(|error| {
        Failure::new(match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "port {port} of 127.0.0.1 is taken; choose another with {option} N, or any free \
                 one with {option} 0"
            ),
            _ => format!("port {port} of 127.0.0.1 cannot be had: {error}"),
        })
    })?;
    let port = listener.local_addr().map_err(unusual)?.port();
    Ok((listener, port))
}

/// The address on stdout, for scripts; the rest on stderr, for people.
fn announce(options: &RunOptions, runtime_port: u16, port: u16) {
    let name = &options.function_name;
    say(&format!(
        "'{}' serves {name}; Runtime API 127.0.0.1:{runtime_port}; Invoke API 127.0.0.1:{port}, \
         for instance: tinderbox invoke --port {port} --event '{{}}'",
        options.target.display(),
    ));
    let url = format!("http://127.0.0.1:{port}/2015-03-31/functions/{name}/invocations\n");
    if let Err(failure) = message::print(url.as_bytes()) {
        say(failure.text()); // whoever reads stderr has the address all the same
    }
}

fn spawn(
    environment: &Arc<Environment>,
    work: impl FnOnce(&Arc<Environment>) + Send + 'static,
) -> Result<(), Failure> {
    let environment = environment.clone();
    let spawned = thread::Builder::new().spawn(move || work(&environment));
    spawned.map(drop).map_err(|error| {
        let text = format!("the system has no threads for the local Lambda: {error}");
        Failure::new(text)
    })
}

/// The one event: its answer on stdout, then its end and its REPORT line, then out.
fn call_once(
    submission: Arc<Submission>,
    jobs: &mpsc::Sender<Job>,
    exit: &Exit,
    environment: &Environment,
) {
    let (reply, outcomes) = mpsc::sync_channel(MESSAGES_MAX);
    // Neither fails: the dispatcher lives as long as the process.
    let _ = jobs.send(Job {
        submission,
        reply,
        _shares: Vec::new(),
    });
    let Ok(Message::Outcome(outcome)) = outcomes.recv() else {
        return;
    };
    let code = exit.by_answer(|| match message::print(&outcome.body) {
        Ok(()) if outcome.error_type.is_some() => EXIT_FUNCTION_ERROR,
        Ok(()) => 0,
        Err(failure) => {
            say(failure.text());
            EXIT_NOTHING_DONE
        }
    });
    let _ = outcomes.recv(); // the sender is dropped behind the job's end
    leave(environment, code)
}

fn leave(environment: &Environment, code: i32) -> ! {
    if !environment.shut_down() {
        say("some processes that the bootstrap started would not die");
    }
    std::process::exit(code)
}

/// A panic on any thread ends the process; its children must not outlive it. No lock is taken,
/// since the panicking thread may hold it.
fn leave_nothing_behind_a_panic() {
    std::panic::set_hook(Box::new(|panic| {
        say(&format!("internal error: {panic}"));
        process::kill_strays();
        std::process::exit(EXIT_PANIC);
    }));
}

fn unusual(error: io::Error) -> Failure {
    Failure::new(format!("the system refuses: {error}"))
}
