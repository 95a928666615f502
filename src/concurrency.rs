//! Several events at once: as many processes like this one, each with a connection of its own.
//!
//! The platform says how many with `AWS_LAMBDA_MAX_CONCURRENCY`. The parent forks the workers, each
//! runs init, and none asks for an event before all are ready. From then on a worker that dies is
//! replaced, at once if it has lived for a second, else ever later. Sources: AWS Lambda Developer
//! Guide, "Lambda Managed Instances" (custom runtimes), and the emulator's server code.

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

/// What a worker says when it is ready. Anything else that it says is an init error, as a request.
const READY: &[u8] = b"r";

/// A worker, or the place for one.
#[derive(Clone, Copy)]
struct Worker {
    /// 0: none now.
    pid: usize,
    /// When it was started, or is to be, in milliseconds.
    started_or_due_ms: u64,
    /// How long its successor would have to wait, in milliseconds.
    backoff_ms: u64,
}

impl Worker {
    /// The next one is started later, and later each time.
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

/// The parent's view.
struct Pool<'a> {
    workers: &'a mut [Worker],
    message: &'static mut [u8; WORKER_MESSAGE_BYTES_MAX],
    own_pid: usize,
    /// What the workers say, and the end that they say it with.
    events: [Descriptor; 2],
    /// What workers wait for: it ends when the end to write to is closed.
    start_gate_rx: Descriptor,
    start_gate_tx: Option<Descriptor>,
    signals: Signals,
    ready: usize,
}

/// Becomes a pool where the platform asks for one. Returns in a process that serves: in each
/// worker, and where there is no pool.
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

/// What a pool cannot do without. The process ends at once where there is none, so nothing that was
/// opened before has to be closed.
fn needed<T>(found: Option<T>) -> T {
    found.unwrap_or_else(|| {
        diagnostics::fatal(
            EXIT_CONFIG,
            b"no descriptors for the channels of workers",
            b"",
        )
    })
}

/// In a worker whose init is done: says so, and waits until all are.
pub fn wait_for_start(session: &mut Session) {
    if let Some(WorkerLink { events, start_gate }) = session.worker_link.take() {
        events.send(READY);
        while !poll([Some(&start_gate), None, None, None], Direction::Read, None).contains(&true) {}
    }
}

impl Pool<'_> {
    /// Starts who is due, and waits for what happens next. True: this is a new worker.
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
        poll([Some(events), come, None, None], Direction::Read, wait_ms);
        self.drain_events(session, reader);
        while let Some(signal) = self.signals.try_next() {
            if signal == SIGTERM {
                self.terminate_all(SIGTERM, 0);
            }
        }
        while let Some((pid, ending)) = reap(false) {
            // What it said before it ended is in the channel by now.
            self.drain_events(session, reader);
            self.on_worker_exit(pid, &ending, session, reader, response);
        }
        false
    }

    /// Takes what the workers say.
    fn drain_events(&mut self, session: &mut Session, reader: &mut MessageReader) {
        let [events, _] = &self.events;
        while let bytes @ 1.. = try_recv(events, self.message) {
            let message = slice_or_empty(self.message, 0, bytes);
            if message == READY {
                self.ready += 1;
                if self.ready == self.workers.len() {
                    self.start_gate_tx = None; // the end of the pipe that all wait for
                }
            } else if self.start_gate_tx.is_some() {
                session.api.send_request(reader, message);
                self.terminate_all(SIGKILL, EXIT_INIT);
            } else {
                let (_, json) = message.split_at(message.len().saturating_sub(JSON_SHOWN_BYTES));
                diagnostics::diagnostic(b"a new worker failed to start: ", json);
            }
        }
    }

    /// One of ours has ended.
    fn on_worker_exit(
        &mut self,
        pid: usize,
        ending: &ExitStatus,
        session: &mut Session,
        reader: &mut MessageReader,
        response: &mut Response,
    ) {
        let Some(worker) = self.workers.iter_mut().find(|worker| worker.pid == pid) else {
            return; // a child that was left to us, as they are to process 1
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
            && let Err(errno) =
                Descriptor::connect(session.api.endpoint.address, session.api.endpoint.port)
        {
            log_connect_error(&session.api.endpoint, errno);
            self.terminate_all(SIGKILL, EXIT_API);
        }
    }

    /// Posts an init error for the whole pool, and ends it.
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

    /// Ends all workers, waits until they are gone, and ends the process.
    #[inline(never)]
    fn terminate_all(&mut self, signal: i32, code: i32) -> ! {
        for worker in self.workers.iter().filter(|worker| worker.pid != 0) {
            kill(worker.pid, signal);
        }
        // Those that hold the signal back until they wait for an event wait for the others before.
        self.start_gate_tx = None;
        while reap(true).is_some() {}
        sys::exit(code)
    }
}

const OUT_OF_RESOURCES: &Result<(), Failure> = &Err(Failure::fixed(
    "Runtime.OutOfResources",
    "cannot fork a worker, see the log",
));

/// Logs a number. There is nothing else in the response of a parent.
#[inline(never)]
fn log_number(what: &[u8], number: usize, response: &mut Response) {
    let digits = response.buffer();
    digits.clear();
    digits.prepend_number(number);
    diagnostics::diagnostic(what, digits.bytes());
}

const WORKER_EXITED_AT_INIT: &Result<(), Failure> = &Err(Failure::fixed(
    "Runtime.ExitError",
    "a worker exited at init, see the log",
));

/// So much of the end of an init error is shown: its JSON.
const JSON_SHOWN_BYTES: usize = 600;
