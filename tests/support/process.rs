//! A bootstrap under test: watched, ended, and what it leaves behind.
//!
//! Descendants are found in `/proc` by a mark in their environment, whatever their parent, group or
//! session has become.

use super::api::{Ledger, Server};
use super::proc;
use std::io::Read;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a guard is shown as.
const GUARD: &str = "bootstrap-guard";

/// No step of a test waits longer, in milliseconds of native speed.
pub const PATIENCE_MS: u64 = 20_000;

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; `None` when it was still serving and has been ended by the test.
    pub code: Option<i32>,
    /// What it printed on stderr.
    pub stderr: String,
    /// What it printed on stdout.
    pub stdout: String,
    /// What the server saw.
    pub ledger: Ledger,
}

impl Outcome {
    /// What others than the runtime printed on stderr: it marks its own lines.
    pub fn log(&self) -> String {
        let lines = self.stderr.split_inclusive('\n');
        lines
            .filter(|line| !line.starts_with("tinderbox: "))
            .collect()
    }

    /// It was still serving, and every event has exactly one answer.
    pub fn assert_serving(&self) -> &Ledger {
        assert_eq!(self.code, None, "exit; {}\n{}", self.ledger, self.stderr);
        self.ledger.assert_balanced();
        &self.ledger
    }

    /// It exited with this code, and what it says for itself are whole lines that begin with
    /// `tinderbox: `: at least one where the server was not told the reason.
    pub fn assert_exit(&self, code: i32) -> &Ledger {
        let Outcome { stderr, ledger, .. } = self;
        assert_eq!(self.code, Some(code), "exit code; {ledger}\n{stderr}");
        let own = stderr.lines().all(|line| line.starts_with("tinderbox: "));
        assert!(own, "other lines; {ledger}\n{stderr}");
        let silent = stderr.is_empty() && [1, 2].contains(&code);
        assert!(!silent, "exit {code} without a message; {ledger}");
        ledger
    }
}

/// A running binary. Dropping it kills it and what it started.
pub struct Process {
    child: Child,
    mark: String,
    /// The child is a tracer, and the binary the child of that.
    is_traced: bool,
    stdout: Collected,
    stderr: Collected,
    status: Option<ExitStatus>,
}

type Collected = Arc<Mutex<Vec<u8>>>;

fn collect(mut pipe: impl Read + Send + 'static) -> Collected {
    let collected = Collected::default();
    let sink = Arc::clone(&collected);
    // Ends at the end of file: at the latest when the last process that holds the pipe is gone.
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
    /// A child whose outputs are collected where they are pipes; `mark` is in its environment
    /// alone.
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

    /// The pid of the runtime (of the runner, where there is one: they are one process).
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed on stderr so far; all of it once it has ended.
    pub fn stderr(&self) -> String {
        match self.status {
            Some(_) => self.settled(&self.stderr),
            None => text(&self.stderr),
        }
    }

    /// Waits until it has printed this on stderr. That the server is idle says nothing of it: a GET
    /// that went out with a POST is there before the runtime has read the reply.
    pub fn until_said(&self, text: &str) {
        let end = Instant::now() + super::bound(PATIENCE_MS);
        while !self.stderr().contains(text) {
            assert!(
                Instant::now() < end,
                "never says {text:?}: {}",
                self.stderr()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What it has printed on stdout so far; all of it once it has ended.
    pub fn stdout(&self) -> String {
        match self.status {
            Some(_) => self.settled(&self.stdout),
            None => text(&self.stdout),
        }
    }

    /// The same as bytes.
    pub fn printed(&self) -> Vec<u8> {
        let bytes = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.clone()
    }

    /// Waits at most so long for the end; the exit status, or `None` while it runs.
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

    /// Waits until the server is idle; a process that ends before, or neither, fails the test.
    pub fn until_idle(&mut self, server: &Server) {
        let end = Instant::now() + super::bound(PATIENCE_MS);
        while !server.wait_idle(Duration::from_millis(2)) {
            if let Some(status) = self.wait(Duration::ZERO) {
                panic!("{status}; {}\n{}", server.ledger(), self.stderr());
            }
            let late = Instant::now() >= end;
            assert!(!late, "hangs; {}\n{}", server.ledger(), self.stderr());
        }
        self.settle();
    }

    /// Waits until it sleeps or has ended. The server is idle as soon as it has read a GET, which
    /// may have come before the runtime read the reply to its POST. A process that sleeps in the
    /// kernel has read what it was sent, since the arrival of bytes makes it runnable at once;
    /// three looks, because a runner also sleeps for reasons of its own, but shortly.
    fn settle(&mut self) {
        let end = Instant::now() + super::bound(PATIENCE_MS);
        let mut asleep = 0;
        while asleep < 3 {
            match proc::state_and_parent(self.pid()) {
                // The end can be had once its last thread is gone; a runner has a second one.
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

    /// Waits until it exits or the server is idle, ends it, and returns what happened.
    pub fn until_done(mut self, server: Server) -> Outcome {
        let end = Instant::now() + super::bound(PATIENCE_MS);
        loop {
            if self.wait(Duration::ZERO).is_some() || server.wait_idle(Duration::from_millis(2)) {
                self.settle();
                return self.finish(server);
            }
            let late = Instant::now() >= end;
            assert!(!late, "hangs; {}\n{}", server.ledger(), self.stderr());
        }
    }

    /// Ends it if it still runs, checks that nothing is left, and returns what happened.
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

    /// Ends it if it still runs, and returns what happened, and the descendants that are left.
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
            stderr: self.settled(&self.stderr),
            stdout: self.settled(&self.stdout),
            ledger,
        };
        (outcome, left)
    }

    /// Kills it, itself alone, and waits for its end. A tracer ends with what it traces; without
    /// it, that would run on.
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

    /// Everything that was printed: the collector has seen the end of the pipe.
    fn settled(&self, collected: &Collected) -> String {
        let end = Instant::now() + super::bound(2_000);
        // The collector's thread holds the second reference until the end of file.
        while Arc::strong_count(collected) > 1 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        text(collected)
    }

    /// The pids of everything alive that descends from this run, the runtime itself and its guard
    /// (`src/sys/guard.rs`) left out.
    pub fn descendants(&self) -> Vec<u32> {
        let own = self.child.id();
        let all = proc::pids().into_iter().filter(|pid| *pid != own);
        let all = all.filter(|pid| proc::has_mark(*pid, &self.mark));
        all.filter(|pid| proc::name(*pid) != GUARD).collect()
    }

    /// The guard of this run, if there is one.
    pub fn guard(&self) -> Option<u32> {
        let mut all = proc::pids().into_iter();
        all.find(|pid| proc::has_mark(*pid, &self.mark) && proc::name(*pid) == GUARD)
    }

    /// Nothing that it started is left, at the latest after so long.
    pub fn assert_no_descendant(&self, at_most: Duration) {
        let left = self.wait_descendants_gone(at_most);
        assert!(left.is_empty(), "left behind: {left:?}\n{}", self.stderr());
    }

    /// Kills what descends from this run, the runtime itself left out.
    pub fn kill_descendants(&self) {
        for pid in self.descendants() {
            super::sys::kill(pid, super::sys::SIGKILL);
        }
    }

    /// Waits at most so long until no descendant is left; those that are.
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

    /// The runtime has no child that has ended and was not waited for. One that took long to end
    /// may be one until the event behind the next.
    pub fn assert_no_zombie(&self) {
        assert!(!self.has_zombie(), "a zombie");
    }

    /// Whether the runtime has a child that has ended and was not waited for.
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

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        proc::descriptors(self.pid())
    }

    /// Its resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        proc::resident_kib(self.pid())
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
