//! The engine: one thread, one loop, which waits for sockets, pipes, signals and time.
//!
//! Each thing that is waited for is an `Endpoint` in a table; its key is what epoll(7) reports. A
//! handler makes one step, never blocks, and leaves what has become possible elsewhere in the
//! lists `resumable` and `changed`, which are worked off before the next wait. So no handler calls
//! itself again by way of others.
//!
//! - `listeners`    accepts connections, within limits
//! - `connections`  reads, watches and closes them
//! - `callers`      requests of callers
//! - `runtimes`     requests of bootstraps; `answers` their responses and errors
//! - `calls`        brings calls and environments together; `outcomes` brings outcomes back
//! - `processes`    starts processes, reads their output, cleans up after them
//! - `shutdown`     the end

mod answers;
mod callers;
mod calls;
mod connections;
mod functions;
mod listeners;
mod logs;
mod outcomes;
mod processes;
mod runtimes;
mod shutdown;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::EventFormat;
use super::budget::Budget;
use super::environment::Environment;
use super::functions_api::Functions;
use super::guard::{Bound, Notices};
use super::http::Connection;
use super::log_writer::LogWriter;
use super::pool::Pool;
use super::runtime_api::Clients;
use super::slab::{Key, Slab};
use crate::host::Host;
use crate::process;
use crate::sys::epoll::{Epoll, Interest, Ready, SignalReader};
use callers::Caller;
use runtimes::Runtime;
use shutdown::{Once, Shutdown};

/// How much is read from a socket or a pipe at once.
const READ_BYTES: usize = 256 * 1024;

/// The most bytes that the events of all callers may use at once; calls above it are refused.
const EVENTS_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The same for queued asynchronous calls.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
const QUEUE_COUNT_MAX: usize = 1000;

/// What applies to all functions.
pub struct EngineOptions {
    pub event_format: EventFormat,
    /// For one function: how many environments it may have.
    pub environments_max: usize,
    /// An environment beyond the first is stopped after as long without an event.
    pub idle_timeout: Duration,
    /// How often a failed asynchronous call is tried again.
    pub async_retries: u32,
    /// Where the Runtime APIs listen: loopback; the port is that of the first one.
    pub runtime_host: Host,
    pub runtime_port: u16,
    /// They take the calls of all local processes.
    pub any_runtime: bool,
    /// The log is JSON objects (`--json`).
    pub has_telemetry: bool,
    /// START lines name their function.
    pub has_several_functions: bool,
}

/// Everything that is waited for.
enum Endpoint {
    Signals(SignalReader),
    Callers(TcpListener),
    Runtimes(TcpListener, Key),
    Caller(Box<Caller>),
    Runtime(Box<Runtime>),
    Output(Key),
    /// Stderr, when it accepts nothing.
    Log,
    /// The end of the thread that prints the answer to the one event.
    Printed,
}

/// The engine.
pub struct Engine {
    options: EngineOptions,
    functions: Functions,
    epoll: Epoll,
    endpoints: Slab<Endpoint>,
    environments: Slab<Environment>,
    pools: Slab<Pool>,
    log: LogWriter,
    /// The time of the latest wake-up.
    now: Instant,
    /// The earliest deadline, or a time before it.
    wake_at: Option<Instant>,
    /// Connections whose received bytes can be consumed further.
    resumable: Vec<Key>,
    /// Pools whose calls or environments have changed.
    changed: Vec<Key>,
    scratch: Vec<u8>,
    events: Arc<Budget>,
    queue: Arc<Budget>,
    /// What callers may name as the host, and the refusals of others.
    bound: Option<Bound>,
    notices: Notices,
    clients: Clients,
    /// How many callers' connections there are.
    callers: usize,
    /// When the listeners, which had failed, are tried again.
    listen_again: Option<Instant>,
    /// The descriptor of stderr that is waited for.
    log_descriptor: Option<(Key, std::os::fd::OwnedFd)>,
    shutdown: Option<Shutdown>,
    /// For `--once`.
    once: Option<Once>,
    /// Nobody reads the log, so nothing is read from functions, and no event is delivered.
    are_outputs_paused: bool,
    has_waited_for_log: bool,
    exit_status: Option<i32>,
}

impl Engine {
    /// An engine without processes and listeners, which stops at these signals.
    pub fn new(
        options: EngineOptions,
        functions: Functions,
        signals: SignalReader,
    ) -> std::io::Result<Engine> {
        let space = crate::sys::address_space_max();
        let clients = Clients::new(options.any_runtime);
        let mut engine = Engine {
            options,
            functions,
            epoll: Epoll::new()?,
            endpoints: Slab::new(),
            environments: Slab::new(),
            pools: Slab::new(),
            log: LogWriter::new(),
            now: Instant::now(),
            wake_at: None,
            resumable: Vec::new(),
            changed: Vec::new(),
            scratch: vec![0; READ_BYTES],
            events: Budget::new(EVENTS_BYTES_MAX.min(space / 4), usize::MAX),
            queue: Budget::new(QUEUE_BYTES_MAX.min(space / 8), QUEUE_COUNT_MAX),
            bound: None,
            notices: Notices::default(),
            clients,
            callers: 0,
            listen_again: None,
            log_descriptor: None,
            shutdown: None,
            once: None,
            are_outputs_paused: false,
            has_waited_for_log: false,
            exit_status: None,
        };
        let key = engine.endpoints.insert(Endpoint::Log); // replaced: its key has to be known
        engine.epoll.add(&signals, key.number(), Interest::Read)?;
        if let Some(endpoint) = engine.endpoints.get_mut(key) {
            *endpoint = Endpoint::Signals(signals);
        }
        Ok(engine)
    }

    /// Serves callers on this listener.
    pub fn serve_callers(&mut self, listener: TcpListener, bound: Bound) -> std::io::Result<()> {
        self.bound = Some(bound);
        listener.set_nonblocking(true)?;
        let copy = listener.try_clone()?;
        let key = self.endpoints.insert(Endpoint::Callers(listener));
        self.epoll.add(&copy, key.number(), Interest::Read)
    }

    /// Runs until something has decided the exit status.
    pub fn run(mut self) -> i32 {
        let mut ready: Vec<Ready> = Vec::new();
        loop {
            self.work_off_lists();
            self.flush_log();
            if let Some(status) = self.exit_status {
                return status;
            }
            let now = Instant::now();
            let timeout = self.wake_at.map(|time| time.saturating_duration_since(now));
            self.epoll.wait(timeout, &mut ready);
            self.now = Instant::now();
            // What a function writes before its answer is in the log before the answer's lines.
            for is_output in [true, false] {
                for event in &ready {
                    let key = Key::from_number(event.token);
                    if matches!(self.endpoints.get(key), Some(Endpoint::Output(_))) == is_output {
                        self.handle_ready(key, *event);
                    }
                }
            }
            if self.wake_at.is_some_and(|time| time <= self.now) {
                self.check_deadlines();
            }
        }
    }

    fn handle_ready(&mut self, key: Key, ready: Ready) {
        match self.endpoints.get(key) {
            None => {} // closed by an earlier handler
            Some(Endpoint::Signals(_)) => self.handle_signals(key),
            Some(Endpoint::Callers(_)) => self.accept_caller(key),
            Some(Endpoint::Runtimes(..)) => self.accept_runtime(key),
            Some(Endpoint::Caller(_) | Endpoint::Runtime(_)) => {
                self.handle_connection(key, ready);
            }
            Some(Endpoint::Output(environment)) => self.read_output(*environment),
            Some(Endpoint::Log) => {
                self.log_descriptor = None;
                self.endpoints.remove(key);
            }
            Some(Endpoint::Printed) => self.answer_printed(key),
        }
    }

    /// Does what earlier handlers have made possible.
    fn work_off_lists(&mut self) {
        loop {
            if let Some(key) = self.resumable.pop() {
                self.consume(key, &[]);
            } else if let Some(pool) = self.changed.pop() {
                self.dispatch(pool);
            } else {
                break;
            }
        }
        self.continue_shutdown();
    }

    /// Looks at everything that has a deadline, and finds the next one.
    fn check_deadlines(&mut self) {
        self.wake_at = None;
        if self.listen_again.is_some_and(|time| time <= self.now) {
            self.resume_listeners();
        }
        self.wake_by(self.listen_again);
        let now = self.now;
        for key in self.endpoints.keys() {
            match self.connection(key).map(|it| it.deadline()) {
                Some(Some(deadline)) if deadline <= now => self.close(key),
                Some(deadline) => self.wake_by(deadline),
                None => {}
            }
        }
        for key in self.environments.keys() {
            self.settle(key);
        }
        for key in self.pools.keys() {
            self.dispatch(key);
        }
        self.stop_idle_environments();
    }

    /// The loop wakes at this time at the latest.
    fn wake_by(&mut self, time: Option<Instant>) {
        if let Some(time) = time {
            self.wake_at = Some(self.wake_at.map_or(time, |earlier| earlier.min(time)));
        }
    }

    fn connection(&mut self, key: Key) -> Option<&mut Connection> {
        match self.endpoints.get_mut(key)? {
            Endpoint::Caller(caller) => Some(&mut caller.connection),
            Endpoint::Runtime(runtime) => Some(&mut runtime.connection),
            _ => None,
        }
    }
}

/// A panic ends the tool, and its children with it.
pub fn kill_children_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        crate::output::diagnostic(&format!("internal error: {panic}"));
        process::kill_descendants();
        std::process::exit(crate::exit_status::PANIC);
    }));
}
