//! Several events at once: as many processes like this one, each with a connection of its own.
//!
//! The platform says how many with `AWS_LAMBDA_MAX_CONCURRENCY`. The parent forks the workers, each
//! runs init, and none asks for an event before all are ready. From then on a worker that dies is
//! replaced, at once if it has lived for a second, else ever later. Sources: AWS Lambda Developer
//! Guide, "Lambda Managed Instances" (custom runtimes), and the emulator's server code.

use crate::config::last_word;
use crate::connection::MessageReader;
use crate::diagnostics::{self, EXIT_API, EXIT_CONFIG, EXIT_INIT};
use crate::failure::Failure;
use crate::limits::{
    INIT_FORK_DELAY_MS_MAX, RESPAWN_MS_MAX, RESPAWN_MS_MIN, WORKER_HEALTHY_MS,
    WORKER_MESSAGE_BYTES_MAX, WORKERS_MAX,
};
use crate::response::Response;
use crate::runtime_api::{RuntimeApi, WorkerLink};
use crate::sys::child::ExitStatus;
use crate::sys::ipc::{Direction, pipe, poll};
use crate::sys::pool::{
    Fork, KILL, SIGCHLD, SIGTERM, Signals, channel, fork, kill, open_placeholders, own_pid, reap,
    reset_to_default, set_parent_death_signal, try_recv,
};
use crate::sys::{self, Descriptor, Environment, TakeOnce, monotonic_ms};
use crate::wire::http1::decimal;
use crate::wire::part;

/// What a worker says when it is ready. Anything else that it says is an init error, as a request.
const READY: &[u8] = b"r";

/// A worker, or the place for one.
#[derive(Clone, Copy)]
struct Worker {
    /// 0: none now.
    pid: usize,
    /// When it was started, or is to be, in milliseconds.
    at_ms: u64,
    /// How long its successor would have to wait, in milliseconds.
    delay_ms: u64,
}

impl Worker {
    /// The next one is started later, and later each time.
    fn put_off(&mut self, now_ms: u64) {
        self.delay_ms = (self.delay_ms * 2).clamp(RESPAWN_MS_MIN, RESPAWN_MS_MAX);
        self.at_ms = now_ms + self.delay_ms;
    }
}

static WORKERS: TakeOnce<[Worker; WORKERS_MAX]> = TakeOnce::new(
    [Worker {
        pid: 0,
        at_ms: 0,
        delay_ms: 0,
    }; WORKERS_MAX],
);
static STATUS: TakeOnce<[u8; WORKER_MESSAGE_BYTES_MAX]> = TakeOnce::new([0; _]);

/// The parent's view.
struct Pool<'a> {
    workers: &'a mut [Worker],
    message: &'static mut [u8; WORKER_MESSAGE_BYTES_MAX],
    own_pid: usize,
    /// What the workers say, and the end that they say it with.
    status: [Descriptor; 2],
    /// What they wait for: it ends when the end to write to is closed.
    go: Descriptor,
    hold: Option<Descriptor>,
    signals: Signals,
    ready: usize,
}

/// Becomes a pool where the platform asks for one. Returns in a process that serves: in each
/// worker, and where there is no pool.
pub fn enter(api: &mut RuntimeApi, inbox: &mut MessageReader, response: &mut Response) {
    const WRONG: &[u8] = b"not 1 to 1024: AWS_LAMBDA_MAX_CONCURRENCY=";
    let environment = Environment::new();
    let Some(value) = environment.get(const { last_word(WRONG) }) else {
        return;
    };
    let count = decimal(value).filter(|count| (1..=WORKERS_MAX).contains(count));
    let Some(count) = count else {
        diagnostics::fatal(EXIT_CONFIG, WRONG, value);
    };
    api.endpoint.retry_unreachable = true;
    reset_to_default(&[SIGCHLD, SIGTERM]);
    open_placeholders();
    let (workers, (go, hold)) = (needed(WORKERS.take()), needed(pipe().ok()));
    let mut pool = Pool {
        workers: needed(workers.get_mut(..count)),
        message: needed(STATUS.take()),
        own_pid: own_pid(),
        status: needed(channel()),
        go,
        hold: Some(hold),
        signals: needed(Signals::block(&[SIGCHLD, SIGTERM])),
        ready: 0,
    };
    while !pool.supervise(api, inbox, response) {}
    // In a worker.
    let Pool {
        own_pid,
        status: [_, status],
        go,
        signals,
        ..
    } = pool;
    signals.unblock();
    set_parent_death_signal(own_pid);
    api.seat = Some(WorkerLink { status, go });
}

/// What a pool cannot do without. The process ends at once where there is none, so nothing that was
/// opened before has to be closed.
fn needed<T>(found: Option<T>) -> T {
    found.unwrap_or_else(|| diagnostics::fatal(EXIT_CONFIG, b"no descriptors for workers", b""))
}

/// In a worker whose init is done: says so, and waits until all are.
pub fn take_part(api: &mut RuntimeApi) {
    if let Some(WorkerLink { status, go }) = api.seat.take() {
        status.send(READY);
        while !poll([Some(&go), None, None, None], Direction::Read, None).contains(&true) {}
    }
}

impl Pool<'_> {
    /// Starts who is due, and waits for what happens next. True: this is a new worker.
    fn supervise(
        &mut self,
        api: &mut RuntimeApi,
        inbox: &mut MessageReader,
        response: &mut Response,
    ) -> bool {
        let now_ms = monotonic_ms();
        let mut wait_ms = None;
        let (mut failed, mut is_late) = (0, false);
        for worker in self.workers.iter_mut().filter(|worker| worker.pid == 0) {
            if worker.at_ms <= now_ms {
                match fork() {
                    Ok(Fork::Child) => return true,
                    Ok(Fork::Parent(pid)) => {
                        (worker.pid, worker.at_ms) = (pid, now_ms);
                        continue;
                    }
                    Err(errno) => {
                        failed = errno;
                        is_late |= worker.delay_ms >= INIT_FORK_DELAY_MS_MAX;
                        worker.put_off(now_ms);
                    }
                }
            }
            let left_ms = worker.at_ms - now_ms;
            wait_ms = Some(wait_ms.unwrap_or(left_ms).min(left_ms));
        }
        if failed != 0 {
            log_number(b"cannot fork a worker: errno ", failed, response);
            if is_late && self.hold.is_some() {
                self.fail_init(api, inbox, response, OUT_OF_RESOURCES);
            }
        }
        let [status, _] = &self.status;
        let come = Some(&self.signals.come);
        poll([Some(status), come, None, None], Direction::Read, wait_ms);
        self.listen(api, inbox);
        while let Some(signal) = self.signals.take() {
            if signal == SIGTERM {
                self.end(SIGTERM, 0);
            }
        }
        while let Some((pid, ending)) = reap(false) {
            // What it said before it ended is in the channel by now.
            self.listen(api, inbox);
            self.replace(pid, &ending, api, inbox, response);
        }
        false
    }

    /// Takes what the workers say.
    fn listen(&mut self, api: &mut RuntimeApi, inbox: &mut MessageReader) {
        let [status, _] = &self.status;
        while let bytes @ 1.. = try_recv(status, self.message) {
            let said = part(self.message, 0, bytes);
            if said == READY {
                self.ready += 1;
                if self.ready == self.workers.len() {
                    self.hold = None; // the end of the pipe that all wait for
                }
            } else if self.hold.is_some() {
                api.send_request(inbox, said);
                self.end(KILL, EXIT_INIT);
            } else {
                let (_, json) = said.split_at(said.len().saturating_sub(JSON_SHOWN_BYTES));
                diagnostics::diagnostic(b"a new worker failed to start: ", json);
            }
        }
    }

    /// One of ours has ended.
    fn replace(
        &mut self,
        pid: usize,
        ending: &ExitStatus,
        api: &mut RuntimeApi,
        inbox: &mut MessageReader,
        response: &mut Response,
    ) {
        let Some(worker) = self.workers.iter_mut().find(|worker| worker.pid == pid) else {
            return; // a child that was left to us, as they are to process 1
        };
        let (what, number): (&[u8], usize) = match *ending {
            ExitStatus::Exit(status) => (b"a worker ended with exit status ", status),
            ExitStatus::Signal(signal) => (b"a worker was ended by signal ", signal),
        };
        log_number(what, number, response);
        if self.hold.is_some() {
            worker.pid = 0;
            self.fail_init(api, inbox, response, DEAD_AT_INIT);
        }
        let now_ms = monotonic_ms();
        worker.pid = 0;
        if now_ms - worker.at_ms >= WORKER_HEALTHY_MS {
            (worker.delay_ms, worker.at_ms) = (0, now_ms);
        } else {
            worker.put_off(now_ms);
        }
        if matches!(ending, ExitStatus::Exit(status) if *status == EXIT_API as usize)
            && Descriptor::connect(api.endpoint.address, api.endpoint.port).is_none()
        {
            diagnostics::diagnostic(b"no Runtime API at ", api.endpoint.authority());
            self.end(KILL, EXIT_API);
        }
    }

    /// Posts an init error for the whole pool, and ends it.
    #[cold]
    fn fail_init(
        &mut self,
        api: &mut RuntimeApi,
        inbox: &mut MessageReader,
        response: &mut Response,
        failure: &'static Failure,
    ) -> ! {
        api.report(inbox, response, failure.again());
        self.end(KILL, EXIT_INIT)
    }

    /// Ends all workers, waits until they are gone, and ends the process.
    #[inline(never)]
    fn end(&mut self, signal: i32, code: i32) -> ! {
        for worker in self.workers.iter().filter(|worker| worker.pid != 0) {
            kill(worker.pid, signal);
        }
        // Those that hold the signal back until they wait for an event wait for the others before.
        self.hold = None;
        while reap(true).is_some() {}
        sys::exit(code)
    }
}

const OUT_OF_RESOURCES: &Failure = &Failure::plain(
    "Runtime.OutOfResources",
    "cannot fork a worker, see the log",
);

/// Logs a number. There is nothing else in the response of a parent.
#[inline(never)]
fn log_number(what: &[u8], number: usize, response: &mut Response) {
    let digits = response.buffer();
    digits.clear();
    digits.prepend_number(number);
    diagnostics::diagnostic(what, digits.bytes());
}

const DEAD_AT_INIT: &Failure =
    &Failure::plain("Runtime.ExitError", "a worker ended at init, see the log");

/// So much of the end of an init error is shown: its JSON.
const JSON_SHOWN_BYTES: usize = 600;
