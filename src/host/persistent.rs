//! A persistent process: one that lives from one event to the next, and its states. How events get
//! to it is up to its protocol.
//!
//! ```text
//!            spawn                 ready                 last answer
//!  Stopped ---------> Starting ---------------> Ready ---------------> Retiring
//!     ^                  |                        |                       |
//!     +------------------+------------------------+-----------------------+
//!          it exits, fails or is killed; or, when it retires, its grace period is over
//! ```
//!
//! # When it dies within an event
//!
//! 1. The protocol, which waits for the answer, gets `ProcessError::Exited` from its channel
//!    (`Channel::read_line`); where nothing of the event was sent yet, `Unreachable`, and the event
//!    goes to another process, once.
//! 2. `fail` kills its process group and writes the error into the response (`errors::set_exit`);
//!    the state is `Stopped(AtOnce)`. `handle_event` logs the error.
//! 3. `Host::handle` sees `needs_restart`, and `restart_end_ms` gives the time for it. With time
//!    left the answer leaves alone (`Host::has_work_after_answer`), the process starts
//!    (`Host::after_answer`, `restart` in `idle.rs`), and the next event is requested. Without, the
//!    answer and that request leave together, and `idle` starts the process meanwhile.
//! 4. A start that fails is logged, and the next event tries again (`Stopped(WithNextEvent)`).

use crate::diagnostics::diagnostic_by_deadline;
use crate::host::channel::Channel;
use crate::host::child_output::ChildOutput;
use crate::host::command::Command;
use crate::host::context::unset_trace_id;
use crate::host::deadline::Deadline;
use crate::host::errors::{
    ErrorSink, NO_PROCFS, set, set_exit, set_no_shell_function, set_out_of_resources,
    set_spawn_failed, set_timeout,
};
use crate::host::paths::strip_nul;
use crate::host::process::{CHANNEL_FD, Process};
use crate::host::protocol::{
    AfterEvent, AnyProtocol, ChildSetup, Event, EventError, Link, ProcessError, Protocol,
};
use crate::host::types::ErrorTypeInterner;
use crate::logging::log_failure;
use crate::response::Response;
use crate::sys::Environment;
use crate::sys::child::{ExitStatus, STDERR, STDIN, STDOUT, Spawn};
use crate::sys::files::open_null;
use crate::sys::ipc::{memfd, pipe};
use crate::sys::process::own_pid;

/// The states of a persistent process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It runs, and does not take events yet.
    Starting,
    /// It takes events.
    Ready {
        /// It has been sent one: init has worked, so it is restarted at once when it exits.
        has_received_event: bool,
    },
    /// It has had its last event, and is about to exit.
    Retiring,
    /// No process.
    Stopped(Restart),
}

/// When a process is started again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Before the runtime waits for the next event, or while it does.
    AtOnce,
    /// When the next event has arrived: an earlier start would fail again.
    WithNextEvent,
}

const UNHEALTHY: &[u8] =
    b"handler process exited or wrote to its channel while idle; will restart: ";

/// A persistent process.
pub struct PersistentProcess {
    command: &'static Command,
    /// How it is spoken with.
    pub(super) protocol: AnyProtocol,
    /// The process and the channel to it.
    pub(super) link: Link,
    pub(super) state: State,
}

impl PersistentProcess {
    /// Stopped. `None` on the second call: its buffers are static.
    pub fn new(
        command: &'static Command,
        protocol: AnyProtocol,
        output: &'static mut ChildOutput,
    ) -> Option<PersistentProcess> {
        Some(PersistentProcess {
            command,
            protocol,
            link: Link {
                process: Process::new(output, own_pid() == 1),
                channel: Channel::new()?,
                after_event: AfterEvent::Keep,
                error_types: ErrorTypeInterner::new(),
            },
            state: State::Stopped(Restart::WithNextEvent),
        })
    }

    /// The program.
    pub fn name(&self) -> &'static [u8] {
        strip_nul(self.command.path())
    }

    /// Whether it has to be restarted before the runtime waits for the next event.
    pub fn needs_restart(&self) -> bool {
        matches!(
            self.state,
            State::Retiring | State::Stopped(Restart::AtOnce)
        )
    }

    /// Makes sure that it takes events. A retiring process is stopped here, so correctness does not
    /// depend on whether there was time between two events. Whether it still runs is not asked: it
    /// was watched until the event came (see `idle`), or has answered just now.
    pub fn ensure_ready(&mut self, deadline: &Deadline) -> Result<(), ProcessError> {
        match self.state {
            State::Retiring => self.stop_gracefully(deadline),
            State::Ready { .. } if self.link.channel.has_unread() => {
                deadline.bound_log();
                self.stop_unhealthy();
            }
            _ => {}
        }
        if matches!(self.state, State::Stopped(_)) {
            self.start()?;
        }
        if self.state == State::Starting {
            self.finish_start(deadline)?;
        }
        Ok(())
    }

    /// Waits until it takes events.
    pub(super) fn finish_start(&mut self, deadline: &Deadline) -> Result<(), ProcessError> {
        self.protocol.wait_until_ready(&mut self.link, deadline)?;
        self.state = State::Ready {
            has_received_event: false,
        };
        Ok(())
    }

    /// After a restore from a snapshot: has the process run its hooks.
    pub fn after_restore(&mut self, deadline: &Deadline) -> Result<(), ProcessError> {
        self.ensure_ready(deadline)?;
        self.protocol.run_restore_hooks(&mut self.link, deadline)
    }

    /// Stops it, and logs why: it has exited or sent bytes between two events.
    pub(super) fn stop_unhealthy(&mut self) {
        let (text, restart): (&[u8], Restart) = match self.state {
            State::Starting => (
                b"handler process exited while it was starting: ",
                Restart::WithNextEvent,
            ),
            State::Ready {
                has_received_event: false,
            } => (UNHEALTHY, Restart::WithNextEvent),
            _ => (UNHEALTHY, Restart::AtOnce),
        };
        diagnostic_by_deadline(text, self.name());
        self.stop(restart);
    }

    /// Spawns it, and does not wait until it takes events.
    pub(super) fn start(&mut self) -> Result<(), ProcessError> {
        let command = &self.command;
        // Nothing to read; an empty root has no /dev/null.
        let opened = || open_null().map_or_else(|| memfd(b""), Ok);
        let null = opened().map_err(ProcessError::OutOfResources)?;
        let mut setup = ChildSetup::new();
        setup.variables.push(command.variable.as_bytes());
        let socket = self.protocol.open(&mut setup);
        let socket = socket.map_err(ProcessError::OutOfResources)?;
        let (mut output, mut its_output) = (None, None);
        if command.capture_output {
            let (ours, theirs) = pipe().map_err(ProcessError::OutOfResources)?;
            (output, its_output) = (Some(ours), Some(theirs));
        }
        unset_trace_id();
        let environment = Environment::new();
        let variables = setup.variables.as_bytes();
        let spawn = Spawn {
            path: command.path(),
            arguments: command.arguments(),
            environment: match variables {
                [] => environment.envp(),
                _ => environment.envp_with(variables),
            },
            fds: &[
                (STDIN, setup.stdin.as_ref().or(Some(&null))),
                (STDOUT, its_output.as_ref()),
                (STDERR, its_output.as_ref()),
                (CHANNEL_FD, setup.channel.as_ref()),
            ],
        };
        let spawned = self.link.process.spawn(&spawn, output);
        spawned.map_err(ProcessError::SpawnFailed)?;
        match socket {
            Some(socket) => self.link.channel.open(socket),
            None => self.link.channel.close(),
        }
        self.state = State::Starting;
        Ok(())
    }

    /// Kills it, with its process group, if it still runs. Returns how it ended, if it has.
    pub(super) fn stop(&mut self, restart: Restart) -> Option<ExitStatus> {
        self.state = State::Stopped(restart);
        self.link.channel.close();
        let status = self.link.process.kill();
        self.link.process.close_output();
        status
    }

    /// Lets it exit by itself within the grace period, and kills it then.
    fn stop_gracefully(&mut self, deadline: &Deadline) {
        self.link.process.exits_within_grace(deadline);
        self.stop(Restart::WithNextEvent);
    }

    /// Has it handle an event. An error is in the response; this is its type as the platform's
    /// metrics know it.
    pub fn handle_event(
        &mut self,
        mut event: Event<'_>,
        response: &mut Response,
    ) -> Result<(), &'static [u8]> {
        let deadline = event.deadline;
        self.link.process.output.clear_tail();
        self.link.after_event = AfterEvent::Keep;
        let mut outcome = self.send_and_receive(&mut event, response);
        if let Err(EventError::Process(ProcessError::Unreachable)) = outcome {
            // Nothing of the event was sent, so it can go to a new process.
            deadline.bound_log();
            self.stop_unhealthy();
            outcome = self.send_and_receive(&mut event, response);
        }
        // Its log has no word of a signal that ended a part of it.
        let is_logged = matches!(outcome, Err(EventError::Reported(_)))
            && self.protocol.logs_errors_itself()
            && self.link.after_event != AfterEvent::Stop;
        let outcome = match outcome {
            Ok(()) => Ok(()),
            Err(EventError::Reported(error_type)) => Err(error_type),
            Err(EventError::Process(error)) => {
                Err(self.fail(error, Restart::AtOnce, deadline, response))
            }
        };
        if let State::Ready { .. } = self.state {
            match self.link.after_event {
                AfterEvent::Keep => {}
                AfterEvent::Retire => self.state = State::Retiring,
                AfterEvent::Stop => {
                    self.stop(Restart::AtOnce);
                }
            }
        }
        if self.link.process.output.pipe.is_some() {
            deadline.bound_log();
            self.link.process.output.drain();
        }
        if outcome.is_err() && !is_logged {
            deadline.bound_log();
            log_failure(response.body());
        }
        self.link.process.reap_exited(deadline.is_resolved());
        outcome
    }

    fn send_and_receive(
        &mut self,
        event: &mut Event<'_>,
        response: &mut Response,
    ) -> Result<(), EventError> {
        self.ensure_ready(event.deadline)?;
        self.state = State::Ready {
            has_received_event: true,
        };
        self.protocol.handle_event(event, &mut self.link, response)
    }

    /// Stops it because of an error, unless it is still starting and only late, and writes the
    /// error. Returns its type in the form that the platform's metrics count.
    pub fn fail(
        &mut self,
        error: ProcessError,
        restart: Restart,
        deadline: &Deadline,
        sink: &mut dyn ErrorSink,
    ) -> &'static [u8] {
        let (error_type, message): (&str, &[u8]) = match error {
            ProcessError::InitError(bytes, error_type) => {
                sink.begin_json();
                let Link {
                    process, channel, ..
                } = &mut self.link;
                let mut append = |piece: &[u8]| sink.append_json(piece);
                let read = channel.read_exact(bytes, process, deadline, &mut append);
                self.stop_gracefully(deadline);
                self.state = State::Stopped(restart);
                if read.is_ok() {
                    return error_type;
                }
                (
                    "Runtime.BadFrame",
                    b"the init error of the handler process is cut short",
                )
            }
            ProcessError::TimedOut => {
                // A process that is still starting may be ready for the next event.
                if self.state != State::Starting {
                    self.stop(restart);
                }
                return set_timeout(deadline.limit_ms(), sink);
            }
            ProcessError::Exited => {
                let status = self.stop(restart).unwrap_or(ExitStatus::Exit(0));
                let hint = self.protocol.exit_hint();
                return set_exit(&status, hint, self.link.process.output.tail(), sink);
            }
            ProcessError::SpawnFailed(errno) => {
                self.stop(restart);
                return set_spawn_failed(self.command.path(), errno, sink);
            }
            ProcessError::OutOfResources(errno) => {
                self.stop(restart);
                return set_out_of_resources(errno, sink);
            }
            ProcessError::Unreachable => {
                let has_exited = self.link.process.exits_within_grace(deadline);
                let error = if has_exited {
                    ProcessError::Exited
                } else {
                    ProcessError::ProtocolViolation
                };
                return self.fail(error, restart, deadline, sink);
            }
            ProcessError::ProtocolViolation => (
                "Runtime.BadFrame",
                b"the handler process violates the protocol of its channel",
            ),
            ProcessError::HandlerNotFound => {
                self.stop(restart);
                return set_no_shell_function(self.command.arguments(), sink);
            }
            ProcessError::ProcfsUnavailable => ("Runtime.InvalidEntrypoint", NO_PROCFS),
        };
        self.stop(restart);
        set(sink, error_type, &[message])
    }
}
