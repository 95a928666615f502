//! The life of the process: its start, its exit, and the end of everything that it has started.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::Environment;
use super::output::Output;
use crate::local::sandbox::tree::Tree;
use crate::local::slab::Key;
use crate::process::{self, StartError};
use crate::sys;

/// How long a start is retried while the file is open for writing (a linker that is about to
/// finish) or the system is short of processes or descriptors.
const TRANSIENT_ERROR_TIMEOUT: Duration = Duration::from_secs(1);
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// How long the last requests of an exited process are waited for. They are already in the kernel's
/// buffers; the timeout is for connections that another process inherited and keeps open.
const LAST_REQUESTS_TIMEOUT: Duration = Duration::from_millis(500);

/// How long killed descendants may take to vanish, and how often they are looked for.
const DESCENDANTS_EXIT_TIMEOUT: Duration = Duration::from_secs(2);
const DESCENDANTS_INTERVAL: Duration = Duration::from_millis(2);

/// What is left to do after the exit of a process.
pub struct Cleanup {
    status: ExitStatus,
    exited: Instant,
    /// Whether all descendants have vanished.
    has_no_descendants: bool,
}

/// The exit of a process, and what is left of it.
pub struct Exit {
    pub status: ExitStatus,
    pub exited: Instant,
    /// For the log; none if the tool has stopped it.
    pub message: Option<String>,
    /// Connections that another process may hold open.
    pub connections: Vec<Key>,
}

/// The result of a start.
pub enum Started {
    /// The process runs; its output comes from here.
    Process(Output),
    /// It is tried again at this time.
    Later(Instant),
    /// It failed, for this reason: an event that waits for it gets it too.
    Failed(String),
}

impl Environment {
    /// Starts the process, if that is due.
    pub fn start_process(&mut self, now: Instant) -> Started {
        let (output, write_end) = match Output::new() {
            Ok(pipe) => pipe,
            Err(error) => return self.retry_or_fail(now, &StartError::of_system(&error)),
        };
        match process::spawn(
            &self.configuration.program,
            &self.configuration.settings,
            &self.runtime_address,
            &write_end,
            &self.configuration.sandbox,
        ) {
            Ok((pid, group)) => {
                self.tree = Some(Tree::new(pid, &self.runtime_address, group));
                self.peak = None;
                self.state.start_requested = false;
                self.start_retry = None;
                self.state.process_started(pid, now);
                Started::Process(output)
            }
            Err(error) => self.retry_or_fail(now, &error),
        }
    }

    fn retry_or_fail(&mut self, now: Instant, error: &StartError) -> Started {
        let (since, _) = *self.start_retry.get_or_insert((now, now));
        if error.is_transient && now < since + TRANSIENT_ERROR_TIMEOUT {
            let next = now + RETRY_INTERVAL;
            self.start_retry = Some((since, next));
            return Started::Later(next);
        }
        self.start_retry = None;
        self.state.start_requested = false;
        self.state.start_failed(now, error.text.clone());
        Started::Failed(error.text.clone())
    }

    /// When a failed start is tried again.
    pub fn retry_at(&self) -> Option<Instant> {
        self.start_retry.map(|(_, next)| next)
    }

    /// Sends SIGTERM to a process that is entitled to it; whether it is.
    pub fn terminate(&mut self) -> bool {
        self.thaw(); // for a process that gets it
        let state = &mut self.state;
        let is_entitled = state.extension.is_some() || state.limits.is_concurrent;
        state.actions.terminate = state.process.filter(|_| is_entitled);
        state.actions.terminate.is_some()
    }

    /// The process has exited and is not reaped: reaps it, and begins to kill what it has started.
    pub fn reap_process(&mut self, pid: u32, now: Instant) {
        // In this order: the id of an unreaped process is not reused.
        sys::kill_group(pid);
        let status = sys::reap(pid);
        if let Some(tree) = &mut self.tree {
            let was_killed = self.state.is_killed() || status.signal().is_none();
            self.is_out_of_memory = !was_killed && tree.is_out_of_memory();
            tree.kill();
        }
        self.state.process_reaped(now);
        self.cleanup = Some(Cleanup {
            status,
            exited: now,
            has_no_descendants: false,
        });
    }

    /// Continues what `reap_process` has begun; the error is the time of the next call. Once
    /// everything is over, `State::process_stopped` has to follow.
    ///
    /// `is_alone`: no other environment has a process, so every orphan is one of this.
    pub fn continue_cleanup(
        &mut self,
        is_alone: bool,
        now: Instant,
    ) -> Result<Exit, Option<Instant>> {
        let Some(cleanup) = &mut self.cleanup else {
            return Err(None);
        };
        if !cleanup.has_no_descendants {
            let is_over = now >= cleanup.exited + DESCENDANTS_EXIT_TIMEOUT;
            cleanup.has_no_descendants =
                !process::kill_orphans(&self.runtime_address, is_alone) || is_over;
            if !cleanup.has_no_descendants {
                return Err(Some(now + DESCENDANTS_INTERVAL));
            }
        }
        let end = cleanup.exited + LAST_REQUESTS_TIMEOUT;
        let are_read = self.connections.is_empty() || self.state.is_killed();
        if !are_read && now < end {
            return Err(Some(end));
        }
        let (status, exited) = (cleanup.status, cleanup.exited);
        self.cleanup = None;
        self.tree = None;
        self.waiting.clear();
        let mut message = self.state.exit_message(status).filter(|_| !self.is_retired);
        if let (Some(message), true) = (&mut message, self.is_out_of_memory) {
            let limit = self.configuration.settings.memory_mb;
            *message += &format!(", since it needed more than {limit} MB of memory (--memory)");
        }
        Ok(Exit {
            status,
            exited,
            message,
            connections: std::mem::take(&mut self.connections),
        })
    }
}
