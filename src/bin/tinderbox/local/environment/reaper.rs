//! The reaper: all children of the tool are reaped here, and nowhere else.

use std::os::unix::process::ExitStatusExt;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Environment, Poll};
use crate::local::sandbox::tree::Tree;
use crate::output::diagnostic;
use crate::process;
use crate::settings::Restart;
use crate::sys::{self, ChildState};

/// How long the last requests of an exited process are waited for. They are already in the kernel's
/// buffers; the timeout is for connections that another process inherited and keeps open.
const LAST_REQUESTS_TIMEOUT: Duration = Duration::from_millis(500);

impl Environment {
    /// Waits for each process in turn, and reaps orphans that the tool has adopted meanwhile.
    pub fn reap_loop(&self) -> ! {
        loop {
            let leader = self.wait_until(&self.supervision, |state, _| match state.process {
                Some(pid) => Poll::Ready(pid),
                None => Poll::Pending,
            });
            loop {
                match sys::wait_for_child() {
                    ChildState::Exited(pid) if pid == leader => break,
                    ChildState::Exited(orphan) => drop(sys::reap(orphan)),
                    ChildState::Running | ChildState::None => {}
                }
            }
            self.clean_up_process(leader);
        }
    }

    /// The process has exited: kills everything that it started, then waits for its last requests.
    fn clean_up_process(&self, leader: u32) {
        let exited = Instant::now();
        let status = self.step(|state, _| {
            // Under the lock and in this order: the id of an unreaped process is not reused.
            sys::kill_group(leader);
            let status = sys::reap(leader);
            state.process_reaped(exited);
            status
        });
        self.with_tree(Tree::kill);
        process::kill_descendants();
        let is_out_of_memory = self.with_tree(|tree| tree.is_out_of_memory());
        let was_killed = self.step(|state, _| state.is_killed()) || status.signal().is_none();
        let is_out_of_memory = is_out_of_memory.unwrap_or(false) && !was_killed;
        self.is_out_of_memory
            .store(is_out_of_memory, Ordering::Relaxed);
        *self.tree.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let end = exited + LAST_REQUESTS_TIMEOUT;
        self.wait_until(&self.supervision, |state, now| {
            let are_read = state.connections == 0 || state.is_killed();
            match are_read || now >= end {
                true => Poll::Ready(()),
                false => Poll::RecheckAt(end),
            }
        });
        // Before the outcome: the client of a one-shot event ends the tool.
        if let Some(mut message) = self.step(|state, _| state.exit_message(status)) {
            if is_out_of_memory {
                let limit = self.settings.memory_mb;
                message += &format!(", since it needed more than {limit} MB of memory (--memory)");
            }
            match self.settings.restart {
                Restart::Never => diagnostic(&message),
                Restart::ByNextEvent => {
                    diagnostic(&format!("{message}; the next event restarts it"));
                }
            }
        }
        self.step(|state, _| state.process_stopped(status, exited));
    }
}
