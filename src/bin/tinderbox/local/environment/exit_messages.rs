//! Texts about the state: a process that exited, and AWS's names of the phases.

use std::process::ExitStatus;

use super::state::{Phase, State};
use crate::process;

impl Phase {
    /// AWS's name, for refusals.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Stopped => "Stopped",
            Phase::Started => "Started",
            Phase::InitError => "InitError",
            Phase::Ready => "Ready",
            Phase::Running => "Running",
            Phase::InvocationResponse => "InvocationResponse",
            Phase::ResponseSent => "ResponseSent",
        }
    }
}

impl State {
    /// The process was reaped: a message for stderr, before `process_stopped`. None at shutdown.
    pub fn exit_message(&self, status: ExitStatus) -> Option<String> {
        let how = process::describe(status);
        let message = match self.phase {
            Phase::Started | Phase::InitError if self.init_error.is_some() => {
                format!("the bootstrap posted an init error and {how}")
            }
            Phase::Started | Phase::InitError if self.is_killed() => {
                let seconds = self.limits.init_timeout.as_secs_f64();
                format!(
                    "init timed out: the bootstrap was killed because it did not request an event \
                     (GET /2018-06-01/runtime/invocation/next) within {seconds} s"
                )
            }
            Phase::Started | Phase::InitError => {
                format!("the bootstrap {how} before it requested an event")
            }
            _ if self.has_outcome && self.is_killed() => {
                "the function timed out: the bootstrap was killed".to_string()
            }
            Phase::Ready if self.has_outcome => {
                format!("the bootstrap {how} while it waited for an event")
            }
            _ if self.has_outcome => format!("the bootstrap {how} after its answer"),
            _ => format!("the bootstrap {how} before its answer"),
        };
        (!self.shutting_down).then_some(message)
    }
}
