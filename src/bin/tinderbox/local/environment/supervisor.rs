//! The supervisor: starts the process when a start is requested, and kills it after the init
//! timeout.
//!
//! It is the main thread, because a process dies with the thread that started it.

use std::sync::PoisonError;
use std::time::Instant;

use super::state::{Phase, State};
use super::{Environment, Poll};
use crate::local::sandbox::tree::Tree;
use crate::process;

impl Environment {
    /// Starts the process for the first time; the error says what is wrong with the file.
    pub fn start(&self) -> Result<(), String> {
        self.step(|state, now| self.start_process(state, now))
    }

    /// The supervisor's loop.
    pub fn supervise(&self) -> ! {
        loop {
            self.wait_until(&self.supervision, |state, now| {
                let due = match (state.start_due(), state.init_deadline()) {
                    (Some(due), _) => due,
                    (None, Some(deadline)) if deadline <= now => {
                        state.kill(now);
                        return Poll::Pending;
                    }
                    (None, Some(deadline)) => return Poll::RecheckAt(deadline),
                    (None, None) => return Poll::Pending,
                };
                match due <= now {
                    true => Poll::Ready(()),
                    false => Poll::RecheckAt(due),
                }
            });
            self.step(|state, now| {
                if let Err(text) = self.start_process(state, now) {
                    state.start_failed(now, text);
                }
            });
        }
    }

    /// Under the lock: the reaper has to know the process before it can have exited.
    fn start_process(&self, state: &mut State, now: Instant) -> Result<(), String> {
        state.start_requested = false;
        if state.shutting_down || state.phase != Phase::Stopped {
            return Ok(());
        }
        let mut sandbox = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sandbox) = sandbox.as_mut() else {
            return Ok(());
        };
        let (program, address) = (&self.program, &self.runtime_address);
        let (pid, group) = process::spawn(program, &self.settings, address, sandbox, 0)?;
        let tree = Tree::new(pid, address, group);
        *self.tree.lock().unwrap_or_else(PoisonError::into_inner) = Some(tree);
        state.process_started(pid, now);
        Ok(())
    }
}
