//! The execution environment: one process, one event at a time, and the state machine between them.
//!
//! Four parties meet here, each on threads of its own, each with a file of its own:
//!
//! - `keeper`      the main thread: starts the process and watches its init
//! - `undertaker`  sees it end, and everything it started end with it
//! - `client`      the dispatcher, which brings events and takes outcomes; and who stops the tool
//! - `runtime`     connections of the Runtime API, which ask for events and bring answers
//!
//! `many` is for environments that handle several events at once, `extension` for what has
//! registered itself as one.
//!
//! `state` holds what they share and its transitions. One lock guards it, and nobody waits for a
//! socket under it. The phases are those of AWS's classic server (one environment, one
//! event). An event gets exactly one outcome, the first of: an answer, a time-out, a death.

mod client;
mod extension;
mod keeper;
mod many;
mod runtime;
mod state;
mod undertaker;

pub use client::{End, InitFailure};
pub use runtime::{Next, Refusal};

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::process::Program;
use super::settings::Settings;
use state::State;

/// The environment.
pub struct Environment {
    settings: Settings,
    program: Program,
    /// What the process is told as AWS_LAMBDA_RUNTIME_API.
    runtime_address: String,
    state: Mutex<State>,
    /// For keeper and undertaker: a start is wanted, a process is there, a connection is gone.
    control: Condvar,
    /// For connections that wait in `/next`.
    event: Condvar,
    /// For clients: a phase, an outcome or an end has been reached.
    progress: Condvar,
}

impl Environment {
    /// An environment without a process yet.
    pub fn new(settings: Settings, program: Program, runtime_address: String) -> Environment {
        let state = Mutex::new(State::new(settings.init_timeout));
        Environment {
            settings,
            program,
            runtime_address,
            state,
            control: Condvar::new(),
            event: Condvar::new(),
            progress: Condvar::new(),
        }
    }

    /// What the function was set up with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic ends the whole process, so a poisoned lock is never seen.
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn wait<'a>(condition: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    condition
        .wait(state)
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn wait_for<'a>(
    condition: &Condvar,
    state: MutexGuard<'a, State>,
    time: Duration,
) -> MutexGuard<'a, State> {
    let waited = condition.wait_timeout(state, time);
    waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
}
