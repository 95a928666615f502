//! Several events at once: a pool of processes, each with a connection of its own.
//!
//! `AWS_LAMBDA_MAX_CONCURRENCY` is their number. The parent forks the workers, each runs init, and
//! none requests an event before all are ready. After that, a worker that exits is replaced: at
//! once if it lived for at least a second, else after an exponential backoff. Sources: AWS Lambda
//! Developer Guide, "Lambda Managed Instances" (custom runtimes), and the emulator's server code.

use crate::config::{MAX_CONCURRENCY, WRONG_CONCURRENCY};
use crate::connection::log_connect_error;
use crate::diagnostics::{self, EXIT_API, EXIT_CONFIG, EXIT_INIT};
use crate::failure::Failure;
use crate::limits::{
    INIT_FORK_DELAY_MS_MAX, RESPAWN_MS_MAX, RESPAWN_MS_MIN, WORKER_HEALTHY_MS,
    WORKER_MESSAGE_BYTES_MAX, WORKERS_MAX,
};
use crate::message_reader::MessageReader;
use crate::response::Response;
use crate::session::{Session, WorkerLink};
use crate::sys::child::ExitStatus;
use crate::sys::files::open_placeholders;
use crate::sys::ipc::{Direction, pipe, poll};
use crate::sys::process::{
    Fork, fork, kill, own_pid, reap, seqpacket_pair, set_parent_death_signal, try_recv,
};
use crate::sys::signals::{SIGCHLD, SIGKILL, SIGTERM, Signals, reset_to_default};
use crate::sys::{self, Descriptor, Environment, TakeOnce, monotonic_ms};
use crate::wire::number::parse_decimal;
use crate::wire::slice_or_empty;

/// The message of a worker that is ready. Any other message is an init error, as a whole request.
const READY: &[u8] = b"r";

/// A slot of the pool, with or without a worker.
#[derive(Clone, Copy)]
struct Worker {
    /// 0: no worker now.
    pid: usize,
    /// When the worker was started, or is due to be, in milliseconds of the monotonic clock.
    started_or_due_ms: u64,
    /// The current backoff, in milliseconds; 0 after a worker that lived long enough.
    backoff_ms: u64,
}

impl Worker {
    /// Delays the next start, each time twice as long.
    fn put_off(&mut self, now_ms: u64) {
        self.backoff_ms = (self.backoff_ms * 2).clamp(RESPAWN_MS_MIN, RESPAWN_MS_MAX);
        self.started_or_due_ms = now_ms + self.backoff_ms;
    }
}

static WORKERS: TakeOnce<[Worker; WORKERS_MAX]> = TakeOnce::new(
    [Worker {
        pid: 0,
        started_or_due_ms: 0,
        backoff_ms: 0,
    }; WORKERS_MAX],
);
static STATUS: TakeOnce<[u8; WORKER_MESSAGE_BYTES_MAX]> = TakeOnce::new([0; _]);

/// The state of the parent.
struct Pool<'a> {
    workers: &'a mut [Worker],
    message: &'static mut [u8; WORKER_MESSAGE_BYTES_MAX],
    own_pid: usize,
    /// The channel of the workers' messages: the parent's end, and the workers' end.
    events: [Descriptor; 2],
    /// The pipe on which workers wait for the start: at its end of file they start.
    start_gate_rx: Descriptor,
    start_gate_tx: Option<Descriptor>,
    signals: Signals,
    ready: usize,
}

/// Makes this process the parent of a pool where `AWS_LAMBDA_MAX_CONCURRENCY` is set. Returns in
/// each worker, and where there is no pool.
#[inline(never)] // a frame of its own is smaller code
pub fn fork_workers(session: &mut Session, reader: &mut MessageReader, response: &mut Response) {
    let environment = Environment::new();
    let Some(value) = environment.get(MAX_CONCURRENCY) else {
        return;
    };
    let count = parse_decimal(value).filter(|count| (1..=WORKERS_MAX).contains(count));
    let Some(count) = count else {
        diagnostics::fatal(EXIT_CONFIG, WRONG_CONCURRENCY, value);
    };
    reset_to_default(&[SIGCHLD, SIGTERM]);
    open_placeholders();
    let (workers, (start_gate_rx, start_gate_tx)) = (needed(WORKERS.take()), needed(pipe().ok()));
    let mut pool = Pool {
        workers: needed(workers.get_mut(..count)),
        message: needed(STATUS.take()),
        own_pid: own_pid(),
        events: needed(seqpacket_pair()),
        start_gate_rx,
        start_gate_tx: Some(start_gate_tx),
        signals: needed(Signals::block(&[SIGCHLD, SIGTERM])),
        ready: 0,
    };
    while !pool.supervise(session, reader, response) {}
    // In a worker.
    let Pool {
        own_pid,
        events: [_, events],
        start_gate_rx: start_gate,
        signals,
        ..
    } = pool;
    signals.unblock();
    set_parent_death_signal(own_pid);
    session.worker_link = Some(WorkerLink { events, start_gate });
}

/// Unwraps a resource that a pool needs. Without it the process ends at once, so nothing that was
/// opened before has to be closed.
fn needed<T>(found: Option<T>) -> T {
    found.unwrap_or_else(|| diagnostics::fatal(EXIT_CONFIG, b"no descriptors for workers", b""))
}

/// In a worker after init: reports that it is ready, and waits until all workers are.
pub fn wait_for_start(session: &mut Session) {
    if let Some(WorkerLink { events, start_gate }) = session.worker_link.take() {
        events.send(READY);
        while !poll(
            [Some(&start_gate), None, None, None, None],
            Direction::Read,
            None,
        )
        .contains(&true)
        {}
    }
}

impl Pool<'_> {
    /// Starts the workers that are due, then waits for a message, a signal or the next start, and
    /// handles it. True: this process is a new worker.
    fn supervise(
        &mut self,
        session: &mut Session,
        reader: &mut MessageReader,
        response: &mut Response,
    ) -> bool {
        let now_ms = monotonic_ms();
        let mut wait_ms = None;
        let (mut failed, mut is_late) = (0, false);
        for worker in self.workers.iter_mut().filter(|worker| worker.pid == 0) {
            if worker.started_or_due_ms <= now_ms {
                match fork() {
                    Ok(Fork::Child) => return true,
                    Ok(Fork::Parent(pid)) => {
                        (worker.pid, worker.started_or_due_ms) = (pid, now_ms);
                        continue;
                    }
                    Err(errno) => {
                        failed = errno;
                        is_late |= worker.backoff_ms >= INIT_FORK_DELAY_MS_MAX;
                        worker.put_off(now_ms);
                    }
                }
            }
            let left_ms = worker.started_or_due_ms - now_ms;
            wait_ms = Some(wait_ms.unwrap_or(left_ms).min(left_ms));
        }
        if failed != 0 {
            log_number(
                b"cannot fork a worker, will retry: errno ",
                failed,
                response,
            );
            if is_late && self.start_gate_tx.is_some() {
                self.fail_init(session, reader, response, OUT_OF_RESOURCES);
            }
        }
        let [events, _] = &self.events;
        let come = Some(&self.signals.fd);
        poll(
            [Some(events), come, None, None, None],
            Direction::Read,
            wait_ms,
        );
        self.drain_events(session, reader);
        while let Some(signal) = self.signals.try_next() {
            if signal == SIGTERM {
                self.terminate_all(SIGTERM, 0);
            }
        }
        while let Some((pid, ending)) = reap(false) {
            // Its messages are in the channel by now.
            self.drain_events(session, reader);
            self.on_worker_exit(pid, &ending, session, reader, response);
        }
        false
    }

    /// Reads and handles the messages of the workers.
    fn drain_events(&mut self, session: &mut Session, reader: &mut MessageReader) {
        let [events, _] = &self.events;
        while let bytes @ 1.. = try_recv(events, self.message) {
            let message = slice_or_empty(self.message, 0, bytes);
            if message == READY {
                self.ready += 1;
                if self.ready == self.workers.len() {
                    self.start_gate_tx = None; // closes the pipe, so all workers start
                }
            } else if self.start_gate_tx.is_some() {
                session.api.send_request(reader, message);
                self.terminate_all(SIGKILL, EXIT_INIT);
            } else {
                let (_, json) = message.split_at(message.len().saturating_sub(JSON_SHOWN_BYTES));
                diagnostics::diagnostic(b"a worker failed to start: ", json);
            }
        }
    }

    /// A child has exited: logs it, and schedules its replacement if it was a worker.
    fn on_worker_exit(
        &mut self,
        pid: usize,
        ending: &ExitStatus,
        session: &mut Session,
        reader: &mut MessageReader,
        response: &mut Response,
    ) {
        let Some(worker) = self.workers.iter_mut().find(|worker| worker.pid == pid) else {
            return; // an orphan that was reparented to us, as to process 1
        };
        let (what, number): (&[u8], usize) = match *ending {
            ExitStatus::Exit(status) => (b"a worker exited with status ", status),
            ExitStatus::Signal(signal) => (b"a worker was killed by signal ", signal),
        };
        log_number(what, number, response);
        if self.start_gate_tx.is_some() {
            worker.pid = 0;
            self.fail_init(session, reader, response, WORKER_EXITED_AT_INIT);
        }
        let now_ms = monotonic_ms();
        worker.pid = 0;
        if now_ms - worker.started_or_due_ms >= WORKER_HEALTHY_MS {
            (worker.backoff_ms, worker.started_or_due_ms) = (0, now_ms);
        } else {
            worker.put_off(now_ms);
        }
        if matches!(ending, ExitStatus::Exit(status) if *status == EXIT_API as usize)
            && let Err(errno) = Descriptor::connect(&session.api.endpoint.address)
        {
            log_connect_error(&session.api.endpoint, errno);
            self.terminate_all(SIGKILL, EXIT_API);
        }
    }

    /// Posts an init error for the whole pool, and ends the pool.
    #[cold]
    fn fail_init(
        &mut self,
        session: &mut Session,
        reader: &mut MessageReader,
        response: &mut Response,
        failure: &Result<(), Failure>,
    ) -> ! {
        session.post_error(reader, response, failure);
        self.terminate_all(SIGKILL, EXIT_INIT)
    }

    /// Sends `signal` to all workers, waits until all children have exited, and exits with `code`.
    #[inline(never)]
    fn terminate_all(&mut self, signal: i32, code: i32) -> ! {
        for worker in self.workers.iter().filter(|worker| worker.pid != 0) {
            kill(worker.pid, signal);
        }
        // Workers that block the signal until they wait for an event may still wait for the start.
        self.start_gate_tx = None;
        while reap(true).is_some() {}
        sys::exit(code)
    }
}

const OUT_OF_RESOURCES: &Result<(), Failure> = &Err(Failure::fixed(
    "Runtime.OutOfResources",
    "cannot fork a worker: see the log",
));

/// Logs a message and a number. The parent answers no events, so its response serves as buffer.
#[inline(never)]
fn log_number(what: &[u8], number: usize, response: &mut Response) {
    let digits = response.buffer();
    digits.clear();
    digits.prepend_number(number);
    diagnostics::diagnostic(what, digits.bytes());
}

const WORKER_EXITED_AT_INIT: &Result<(), Failure> = &Err(Failure::fixed(
    "Runtime.ExitError",
    "a worker exited at init: see the log",
));

/// The length of the part of an init error that is logged: its end, which is the JSON.
const JSON_SHOWN_BYTES: usize = 600;
