//! The keeper: starts the process whenever one is wanted, and kills one whose init takes too long.
//!
//! It is the main thread, because a process dies with the thread that started it.

use std::time::Instant;

use super::state::{Phase, State};
use super::{Environment, Look};
use crate::local::process;

impl Environment {
    /// Starts the process for the first time; the error says what is wrong with the file.
    pub fn start(&self) -> Result<(), String> {
        self.step(|state, now| self.start_under(state, now))
    }

    /// The keeper's loop.
    pub fn keep(&self) -> ! {
        loop {
            self.wait_until(&self.control, |state, now| {
                let due = match (state.start_due(), state.init_deadline()) {
                    (Some(due), _) => due,
                    (None, Some(deadline)) if deadline <= now => {
                        state.kill(now);
                        return Look::Later;
                    }
                    (None, Some(deadline)) => return Look::At(deadline),
                    (None, None) => return Look::Later,
                };
                match due <= now {
                    true => Look::Done(()),
                    false => Look::At(due),
                }
            });
            self.step(|state, now| {
                if let Err(text) = self.start_under(state, now) {
                    state.fail_to_begin(now, text);
                }
            });
        }
    }

    /// Under the lock: the undertaker has to know the process before it can have ended.
    fn start_under(&self, state: &mut State, now: Instant) -> Result<(), String> {
        state.start_is_wanted = false;
        if state.closing || state.phase != Phase::Stopped {
            return Ok(());
        }
        let pid = process::start(&self.program, &self.settings, &self.runtime_address)?;
        state.begin(pid, now);
        Ok(())
    }
}
