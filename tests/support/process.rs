//! A bootstrap under test as a process: its output, its exit status, its descendants.
//!
//! Descendants are found in `/proc` by a mark in their environment, whatever their parent, process
//! group or session.

use super::api::{Ledger, Server};
use super::proc;
use super::watch::Progress;
use std::io::Read;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The process name of a guard.
const GUARD: &str = "bootstrap-guard";

/// The longest wait of one step of a test, in milliseconds at native speed.
pub const PATIENCE_MS: u64 = 20_000;

/// Whether a line is the runtime's own: it begins with `tinderbox: `, or is the record of a
/// failure.
pub fn is_own(line: &str) -> bool {
    let is_record = line.starts_with("[ERROR]\t") && line.contains("\ttinderbox: failed: ");
    line.starts_with("tinderbox: ") || is_record
}

/// The outcome of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; `None` when it was still serving and the test killed it.
    pub code: Option<i32>,
    /// Its standard error.
    pub stderr: String,
    /// Its standard output.
    pub stdout: String,
    /// The requests that the server received.
    pub ledger: Ledger,
}

impl Outcome {
    /// Standard error without the runtime's own lines.
    pub fn log(&self) -> String {
        let lines = self.stderr.split_inclusive('\n');
        lines.filter(|line| !is_own(line)).collect()
    }

    /// The process was still serving, and every event has exactly one answer.
    pub fn assert_serving(&self) -> &Ledger {
        assert_eq!(self.code, None, "exit; {}\n{}", self.ledger, self.stderr);
        self.ledger.assert_balanced();
        &self.ledger
    }

    /// The process exited with this code, and printed only whole lines of its own: at least one for
    /// exit codes 1 and 2, of which the server has no reason.
    pub fn assert_exit(&self, code: i32) -> &Ledger {
        let Outcome { stderr, ledger, .. } = self;
        assert_eq!(self.code, Some(code), "exit code; {ledger}\n{stderr}");
        let is_own = stderr.lines().all(is_own);
        assert!(is_own, "other lines; {ledger}\n{stderr}");
        let silent = stderr.is_empty() && [1, 2].contains(&code);
        assert!(!silent, "exit {code} without a message; {ledger}");
        ledger
    }
}

/// A running binary. Dropping it kills it and its descendants.
pub struct Process {
    child: Child,
    mark: String,
    /// The child is a tracer, and the binary is the tracer's child.
    is_traced: bool,
    stdout: Collected,
    stderr: Collected,
    status: Option<ExitStatus>,
}

type Collected = Arc<Mutex<Vec<u8>>>;

fn collect(mut pipe: impl Read + Send + 'static) -> Collected {
    let collected = Collected::default();
    let sink = Arc::clone(&collected);
    // Ends at the end of file: when the last process with the pipe is gone.
    std::thread::spawn(move || {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = pipe.read(&mut piece) {
            let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
            sink.extend_from_slice(&piece[..count]);
        }
    });
    collected
}

impl Process {
    /// A child, its outputs collected where they are pipes. `mark` is unique to its environment.
    pub(super) fn new(mut child: Child, mark: String, is_traced: bool) -> Process {
        let stderr = child.stderr.take().map(collect).unwrap_or_default();
        let stdout = child.stdout.take().map(collect).unwrap_or_default();
        Process {
            child,
            mark,
            is_traced,
            stdout,
            stderr,
            status: None,
        }
    }

    /// The pid of the runtime. With a runner, both are one process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Standard error so far; all of it once the process has exited.
    pub fn stderr(&self) -> String {
        match self.status {
            Some(_) => self.complete(&self.stderr),
            None => text(&self.stderr),
        }
    }

    /// Waits until standard error contains a text. An idle server does not imply it: the GET that
    /// was sent with a POST arrives before the runtime has read the reply.
    pub fn until_logged(&self, text: &str) {
        let end = Instant::now() + super::bound(PATIENCE_MS);
        while !self.stderr().contains(text) {
            assert!(
                Instant::now() < end,
                "never logs {text:?}: {}",
                self.stderr()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Standard output so far; all of it once the process has exited.
    pub fn stdout(&self) -> String {
        match self.status {
            Some(_) => self.complete(&self.stdout),
            None => text(&self.stdout),
        }
    }

    /// Standard output so far, as bytes.
    pub fn printed(&self) -> Vec<u8> {
        let bytes = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.clone()
    }

    /// Waits for the exit, up to a limit; `None` while the process runs.
    pub fn wait(&mut self, at_most: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + at_most;
        while self.status.is_none() {
            self.status = self
                .child
                .try_wait()
                .expect("wait for the binary under test");
            if self.status.is_none() {
                if Instant::now() >= end {
                    return None;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.status
    }

    /// Waits until the server is idle; fails the test when the process exits first or hangs.
    pub fn until_idle(&mut self, server: &Server) {
        let mut progress = Progress::of_run(server);
        while !server.wait_idle(Duration::from_millis(2)) {
            if let Some(status) = self.wait(Duration::ZERO) {
                panic!("{status}; {}\n{}", server.ledger(), self.stderr());
            }
            let hangs = progress.hangs(server);
            assert!(!hangs, "hangs; {}\n{}", server.ledger(), self.stderr());
        }
        self.wait_asleep();
    }

    /// Waits until the process sleeps or has exited. The server is idle as soon as it has read a
    /// GET, which may arrive before the runtime has read the reply to its POST. A process that
    /// sleeps in the kernel has read everything sent to it, since arriving bytes make it runnable
    /// at once. Three samples, because a runner also sleeps shortly on its own.
    fn wait_asleep(&mut self) {
        let end = Instant::now() + super::bound(PATIENCE_MS);
        let mut asleep = 0;
        while asleep < 3 {
            match proc::state_and_parent(self.pid()) {
                // The status is there once the last thread is gone; a runner has a second thread.
                Some(('Z', _)) | None => {
                    self.wait(super::bound(PATIENCE_MS));
                    return;
                }
                Some(('S', _)) => asleep += 1,
                Some(_) => asleep = 0,
            }
            assert!(Instant::now() < end, "never sleeps: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the process exits or the server is idle, kills it, and returns the outcome.
    pub fn until_done(mut self, server: Server) -> Outcome {
        let mut progress = Progress::of_run(&server);
        loop {
            if self.wait(Duration::ZERO).is_some() || server.wait_idle(Duration::from_millis(2)) {
                self.wait_asleep();
                return self.finish(server);
            }
            let hangs = progress.hangs(&server);
            assert!(!hangs, "hangs; {}\n{}", server.ledger(), self.stderr());
        }
    }

    /// Kills the process if it still runs, and returns the outcome. Descendants that are left, and
    /// protocol violations, fail the test.
    pub fn finish(mut self, server: Server) -> Outcome {
        if self.wait(Duration::ZERO).is_none() {
            self.assert_no_zombie();
        }
        let (outcome, left) = self.stop(server);
        let Outcome { stderr, ledger, .. } = &outcome;
        assert!(left.is_empty(), "left behind: {left:?}; {ledger}\n{stderr}");
        ledger.assert_clean();
        outcome
    }

    /// Kills the process if it still runs, and returns the outcome, and the descendants that are
    /// left.
    pub fn stop(mut self, server: Server) -> (Outcome, Vec<u32>) {
        let code = match self.wait(Duration::ZERO) {
            None => {
                self.kill();
                None
            }
            Some(status) => Some(exit_code(status)),
        };
        let left = self.wait_descendants_gone(super::bound(2_000));
        let ledger = server.finish();
        let outcome = Outcome {
            code,
            stderr: self.complete(&self.stderr),
            stdout: self.complete(&self.stdout),
            ledger,
        };
        (outcome, left)
    }

    /// Kills the binary alone and waits for its exit. A tracer exits with the process that it
    /// traces, which would survive the tracer.
    pub fn kill(&mut self) {
        let traced = match self.is_traced {
            true => proc::children(self.pid()),
            false => Vec::new(),
        };
        for pid in &traced {
            super::sys::kill(*pid, super::sys::SIGKILL);
        }
        if traced.is_empty() {
            let _ = self.child.kill();
        }
        self.status = self.child.wait().ok();
    }

    /// Sends SIGTERM to the process group that it leads ([`super::start::Start::leading_group`]).
    pub fn terminate_group(&self) {
        super::sys::kill_group(self.pid(), super::sys::SIGTERM);
    }

    /// The whole output: the collector has reached the end of the pipe.
    fn complete(&self, collected: &Collected) -> String {
        let end = Instant::now() + super::bound(2_000);
        // The collector's thread has the second reference until the end of file.
        while Arc::strong_count(collected) > 1 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        text(collected)
    }

    /// The pids of all live descendants, without the runtime itself and its guard
    /// (`src/sys/guard.rs`).
    pub fn descendants(&self) -> Vec<u32> {
        let own = self.child.id();
        let all = proc::pids().into_iter().filter(|pid| *pid != own);
        let all = all.filter(|pid| proc::has_mark(*pid, &self.mark));
        all.filter(|pid| proc::name(*pid) != GUARD).collect()
    }

    /// The pid of the guard, if there is one.
    pub fn guard(&self) -> Option<u32> {
        let mut all = proc::pids().into_iter();
        all.find(|pid| proc::has_mark(*pid, &self.mark) && proc::name(*pid) == GUARD)
    }

    /// Fails the test when a descendant is left after a wait of this limit.
    pub fn assert_no_descendant(&self, at_most: Duration) {
        let left = self.wait_descendants_gone(at_most);
        assert!(left.is_empty(), "left behind: {left:?}\n{}", self.stderr());
    }

    /// Kills all descendants, without the runtime itself.
    pub fn kill_descendants(&self) {
        for pid in self.descendants() {
            super::sys::kill(pid, super::sys::SIGKILL);
        }
    }

    /// Waits until no descendant is left, up to a limit; those that are left.
    pub fn wait_descendants_gone(&self, at_most: Duration) -> Vec<u32> {
        let end = Instant::now() + at_most;
        loop {
            let left = self.descendants();
            if left.is_empty() || Instant::now() >= end {
                return left;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The runtime has no zombie. A child that exits slowly may be one until the event after the
    /// next.
    pub fn assert_no_zombie(&self) {
        // A process that is being supervised while idle is reaped a moment later.
        let end = Instant::now() + super::bound(1_000);
        while self.has_zombie() {
            assert!(Instant::now() < end, "a zombie");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Whether the runtime has a child that has exited and was not waited for.
    pub fn has_zombie(&self) -> bool {
        let is_one = |pid| proc::state_and_parent(pid) == Some(('Z', self.child.id()));
        proc::pids().into_iter().any(is_one)
    }

    /// The children of the runtime, without its guard.
    pub fn children(&self) -> Vec<u32> {
        let parent = |pid: &u32| proc::state_and_parent(*pid).map(|(_, parent)| parent);
        let all = self.descendants().into_iter();
        all.filter(|pid| parent(pid) == Some(self.child.id()))
            .collect()
    }

    /// The number of open descriptors.
    pub fn descriptors(&self) -> usize {
        proc::descriptors(self.pid())
    }

    /// The resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        proc::resident_kib(self.pid())
    }

    /// The memory that it has written to in KiB.
    pub fn written_kib(&self) -> u64 {
        proc::written_kib(self.pid())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.status.is_none() {
            self.kill();
        }
        self.kill_descendants();
    }
}

fn text(collected: &Collected) -> String {
    let bytes = collected.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The exit code, or 128 and the number of the signal as shells count.
fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}
