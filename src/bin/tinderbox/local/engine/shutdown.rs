//! The end: of a server by a signal, of the one event by its answer.
//!
//! Calls that wait are refused at once with a 503, which SDKs send again. Accepted events have a
//! moment to finish. Then the processes get SIGTERM, if they are entitled to it, and SIGKILL. The
//! tool exits when the last answers are sent.

use std::io::PipeReader;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Endpoint, Engine};
use crate::exit_status::{DONE, FUNCTION_ERROR, NOTHING_DONE, stopped_by};
use crate::local::call::{Call, ReplyTo};
use crate::local::environment::Phase;
use crate::local::invoke_api::ApiError;
use crate::local::outcome::Outcome;
use crate::output;
use crate::process;
use crate::sys::epoll::Interest;

/// How long accepted events may take: Lambda's longest shutdown phase.
const CALLS_TIMEOUT: Duration = Duration::from_secs(2);

/// From SIGTERM to SIGKILL, if there is an internal extension (Developer Guide, "Lambda execution
/// environment lifecycle").
const SIGTERM_GRACE: Duration = Duration::from_millis(500);

/// How long killed processes may take to exit, and the last answers to be sent.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// The end that has begun.
pub struct Shutdown {
    status: i32,
    stage: Stage,
    until: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Accepted events may finish.
    Calls,
    /// Processes have got SIGTERM.
    Terminated,
    /// Processes have got SIGKILL.
    Killed,
    /// Answers are being sent.
    Sending,
}

/// The one event of `--once`.
#[derive(Default)]
pub struct Once {
    /// Prints the answer; the exit status that follows from it.
    printer: Option<JoinHandle<i32>>,
    /// Readable once the printer has ended.
    end: Option<PipeReader>,
    status: Option<i32>,
    is_over: bool,
}

impl Engine {
    /// A signal stops the tool; a second one at once.
    pub fn stop_by(&mut self, signal: i32) {
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.until = self.now;
        } else if let Some(once) = &self.once {
            // While the answer is printed it may still decide.
            let is_printing = once.printer.is_some();
            let status = once.status.unwrap_or(stopped_by(signal));
            self.begin_shutdown(status, is_printing);
        } else {
            // A server is stopped by a signal and has succeeded.
            self.begin_shutdown(DONE, true);
        }
        self.continue_shutdown();
    }

    fn begin_shutdown(&mut self, status: i32, waits_for_calls: bool) {
        let window = match waits_for_calls {
            true => CALLS_TIMEOUT,
            false => Duration::ZERO,
        };
        self.shutdown = Some(Shutdown {
            status,
            stage: Stage::Calls,
            until: self.now + window,
        });
        for key in self.endpoints.keys() {
            if matches!(self.endpoints.get(key), Some(Endpoint::Callers(_))) {
                self.endpoints.remove(key);
            }
        }
        let mut lost = 0;
        for key in self.pools.keys() {
            let Some(pool) = self.pools.get_mut(key) else {
                continue;
            };
            lost += pool.events.len();
            pool.events.clear();
            let waiting = std::mem::take(&mut pool.waiting);
            waiting.iter().for_each(|call| self.refuse_stopping(call));
        }
        if lost > 0 {
            self.log
                .diagnostic(&format!("{lost} queued events were not handled"));
        }
        for key in self.environments.keys() {
            if let Some(environment) = self.environments.get_mut(key) {
                environment.state.shutting_down = true;
            }
        }
    }

    fn refuse_stopping(&mut self, call: &Call) {
        if let ReplyTo::Caller(caller) = call.reply_to {
            self.refuse_call(caller, &call.request, &ApiError::stopping());
        }
    }

    /// Goes on as far as possible.
    pub fn continue_shutdown(&mut self) {
        while let Some(shutdown) = &self.shutdown
            && self.exit_status.is_none()
        {
            let (stage, until) = (shutdown.stage, shutdown.until);
            let is_over = until <= self.now;
            let is_done = match stage {
                Stage::Calls => !self.has_calls() && !self.is_printing(),
                Stage::Terminated | Stage::Killed => self.are_all_stopped(),
                Stage::Sending => self.is_all_sent(),
            };
            if !is_done && !is_over {
                return self.wake_by(Some(until));
            }
            match stage {
                Stage::Calls => self.end_calls(),
                Stage::Terminated => self.kill_all(),
                Stage::Killed => {
                    if !process::kill_descendants() || !is_done {
                        self.log.diagnostic(
                            "cannot kill all processes that the bootstrap started: some are still \
                             running",
                        );
                    }
                    self.set_stage(Stage::Sending, SEND_TIMEOUT);
                }
                Stage::Sending => {
                    self.exit_status = self.shutdown.as_ref().map(|shutdown| shutdown.status);
                }
            }
        }
    }

    fn set_stage(&mut self, stage: Stage, timeout: Duration) {
        let until = self.now + timeout;
        if let Some(shutdown) = &mut self.shutdown {
            (shutdown.stage, shutdown.until) = (stage, until);
        }
    }

    fn has_calls(&self) -> bool {
        let mut all = self.environments.iter();
        all.any(|(_, environment)| !environment.calls.is_empty())
    }

    /// The time of the accepted events is over.
    fn end_calls(&mut self) {
        let mut is_any_terminated = false;
        for key in self.environments.keys() {
            let Some(environment) = self.environments.get_mut(key) else {
                continue;
            };
            is_any_terminated |= environment.terminate();
            environment.perform_actions();
            for call in std::mem::take(&mut environment.calls) {
                self.refuse_stopping(&call);
            }
        }
        let grace = match is_any_terminated {
            true => SIGTERM_GRACE,
            false => Duration::ZERO,
        };
        self.set_stage(Stage::Terminated, grace);
    }

    fn kill_all(&mut self) {
        let now = self.now;
        for key in self.environments.keys() {
            if let Some(environment) = self.environments.get_mut(key) {
                environment.state.kill(now);
                environment.perform_actions();
            }
        }
        self.set_stage(Stage::Killed, EXIT_TIMEOUT);
    }

    fn are_all_stopped(&self) -> bool {
        let mut all = self.environments.iter();
        all.all(|(_, environment)| environment.state.phase == Phase::Stopped)
    }

    fn is_all_sent(&mut self) -> bool {
        let mut all = self.endpoints.iter();
        let is_sent = all.all(|(_, endpoint)| match endpoint {
            Endpoint::Caller(caller) => caller.connection.unsent() == 0,
            _ => true,
        });
        is_sent && self.log_descriptor.is_none()
    }

    fn is_printing(&self) -> bool {
        let once = self.once.as_ref();
        once.is_some_and(|once| once.printer.is_some())
    }

    /// Prints the answer to the one event. A thread does it: stdout may block, and a signal has to
    /// be able to stop the tool nevertheless.
    pub fn print_outcome(&mut self, outcome: Outcome) {
        let Ok((end, writer)) = std::io::pipe() else {
            return;
        };
        let print = move || {
            let _writer = writer; // its end is what the engine waits for
            match output::write_stdout(&outcome.body) {
                Ok(()) if outcome.error_type.is_some() => FUNCTION_ERROR,
                Ok(()) => DONE,
                Err(failure) => {
                    output::diagnostic(failure.text());
                    NOTHING_DONE
                }
            }
        };
        let once = self.once.get_or_insert_default();
        once.printer = thread::Builder::new().spawn(print).ok();
        self.watch_printer(end);
    }

    fn watch_printer(&mut self, end: PipeReader) {
        let key = self.endpoints.insert(Endpoint::Printed);
        if self.epoll.add(&end, key.number(), Interest::Read).is_ok()
            && let Some(once) = &mut self.once
        {
            once.end = Some(end);
        }
    }

    /// The answer is printed.
    pub fn answer_printed(&mut self, key: super::Key) {
        self.endpoints.remove(key);
        if let Some(once) = &mut self.once
            && let Some(printer) = once.printer.take()
        {
            let status = printer.join().unwrap_or(NOTHING_DONE);
            once.status = Some(status);
            if let Some(shutdown) = &mut self.shutdown {
                shutdown.status = status;
            }
        }
        self.end_once();
    }

    /// The one event has its REPORT line.
    pub fn once_over(&mut self) {
        self.once.get_or_insert_default().is_over = true;
        self.end_once();
    }

    fn end_once(&mut self) {
        if let Some(once) = &self.once
            && let (Some(status), true, None) = (once.status, once.is_over, &self.shutdown)
        {
            self.begin_shutdown(status, false);
        }
    }
}
