//! The keeper: starts the process whenever one is wanted, and kills one whose init takes too long.
//!
//! It is the main thread, because a process dies with the thread that started it.

use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use super::client::InitFailure;
use super::state::{Phase, State};
use super::{Environment, wait, wait_for};
use crate::local::process;

/// The first wait before yet another start of a bootstrap that keeps failing, and the longest.
const BACK_OFF: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(2);

impl Environment {
    /// Starts the process for the first time; the error says what is wrong with the file.
    pub fn start(&self) -> Result<(), String> {
        self.start_under(&mut self.lock())
    }

    /// The keeper's loop.
    pub fn keep(&self) -> ! {
        let mut state = self.lock();
        loop {
            if state.start_is_wanted {
                state = self.wait_back_off(state);
                if let Err(text) = self.start_under(&mut state) {
                    state.init_failure = Some((state.started, InitFailure::NotStarted(text)));
                    self.progress.notify_all();
                }
            }
            state = match state.init_left() {
                None => wait(&self.control, state),
                Some(left) if left.is_zero() => {
                    state.kill();
                    state
                }
                Some(left) => wait_for(&self.control, state, left),
            };
        }
    }

    fn start_under(&self, state: &mut State) -> Result<(), String> {
        state.start_is_wanted = false;
        if state.closing || state.phase != Phase::Stopped {
            return Ok(());
        }
        let started = Instant::now();
        match process::start(&self.program, &self.settings, &self.runtime_address) {
            Ok(pid) => {
                state.begin(pid, started);
                self.control.notify_all();
                Ok(())
            }
            Err(text) => {
                state.count_failure(started);
                Err(text)
            }
        }
    }

    /// The next event starts a failed bootstrap again, as Lambda does, but not in a hot loop.
    fn wait_back_off<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let Some(doublings) = state.failures.checked_sub(2) else {
            return state;
        };
        let pause = BACK_OFF
            .saturating_mul(1 << doublings.min(8))
            .min(BACK_OFF_MAX);
        let until = state.started + pause;
        while !state.closing {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = wait_for(&self.control, state, left);
        }
        state
    }
}
