//! A process that is kept alive from one event to the next, and a channel to it: what shells and
//! workers have in common. What is said over the channel is theirs.

use crate::buffer::FixedBytes;
use crate::diagnostics;
use crate::host::child::{
    ReportedError, exit_error, exits_within_grace, failed, kill_and_wait, spawn_error,
    timeout_error,
};
use crate::host::child_output::ChildOutput;
use crate::host::context::{Time, forget_trace_id};
use crate::host::resolve::strip_nul;
use crate::host::types::ErrorTypeInterner;
use crate::limits::PIPE_BYTES;
use crate::response::Response;
use crate::sys::child::{ARGUMENTS_MAX, Child, ExitStatus, Start};
use crate::sys::files::open_null;
use crate::sys::ipc::{channel_pair, memfd, pipe, wait_for};
use crate::sys::{Descriptor, Environment, TakeOnce};
use crate::wire::frame::LINE_BYTES_MAX;

/// What to run. All texts have a NUL at their end. All zeros when it is new.
pub struct Command {
    /// The program.
    pub path: &'static [u8],
    /// Its arguments, the first of which is its name.
    arguments: [Option<&'static [u8]>; ARGUMENTS_MAX],
    /// What it prints comes to us; else it goes where our own output goes.
    pub capture_output: bool,
}

impl Command {
    /// Nothing yet.
    pub const fn new() -> Command {
        Command {
            path: b"\0",
            arguments: [None; _],
            capture_output: false,
        }
    }

    /// One argument more.
    pub fn add(&mut self, argument: &'static [u8]) {
        if let Some(place) = self.arguments.iter_mut().find(|place| place.is_none()) {
            *place = Some(argument);
        }
    }
}

/// Why a process is of no use any more, or not yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ProcessError {
    /// It cannot be started: see `number`.
    SpawnFailed,
    /// There are no descriptors for it, or no memory.
    NoDescriptors,
    /// It has said that it cannot begin: see `init_error`.
    InitError,
    /// The file has no such function.
    NoFunction,
    /// It cannot open our descriptors.
    ProcfsUnavailable,
    /// Its time is up.
    Late,
    /// It has ended.
    Ended,
    /// It does not keep to the protocol.
    Broken,
}

/// A process that runs.
pub struct Running {
    pub child: Child,
    pub channel: Descriptor,
    /// It takes events.
    ready: bool,
    /// It has been sent one.
    pub served: bool,
}

/// What was read from the channel, and not yet used.
pub struct Input {
    pub start: usize,
    pub end: usize,
    pub bytes: [u8; PIPE_BYTES],
}

static INPUT: TakeOnce<Input> = TakeOnce::new(Input {
    start: 0,
    end: 0,
    bytes: [0; _],
});
static TYPES: TakeOnce<ErrorTypeInterner> = TakeOnce::new(ErrorTypeInterner::new());
static SAID: TakeOnce<FixedBytes<LINE_BYTES_MAX>> = TakeOnce::new(FixedBytes::new());

/// A process that is kept alive.
pub struct PersistentProcess {
    command: &'static Command,
    /// The process, while there is one.
    pub running: Option<Running>,
    /// The one before, which was killed and has not ended yet.
    pub dying: Option<Child>,
    /// It is of no use after this event: another one is to take its place.
    pub last: bool,
    /// Why it cannot be started, as errno(3) has it.
    number: usize,
    /// How much it says about why it cannot begin, in bytes, and the type of that.
    pub init_error: (usize, &'static [u8]),
    /// What it prints.
    pub logs: &'static mut ChildOutput,
    /// The types of its errors.
    pub types: &'static mut ErrorTypeInterner,
    /// The line that was taken last.
    pub said: &'static mut FixedBytes<LINE_BYTES_MAX>,
    /// What was read from the channel.
    pub input: &'static mut Input,
}

impl PersistentProcess {
    /// Something to run; `None` but for the first.
    pub fn new(
        command: &'static Command,
        logs: &'static mut ChildOutput,
    ) -> Option<PersistentProcess> {
        Some(PersistentProcess {
            command,
            running: None,
            dying: None,
            last: false,
            number: 0,
            init_error: (0, b""),
            logs,
            types: TYPES.take()?,
            said: SAID.take()?,
            input: INPUT.take()?,
        })
    }

    /// The process, to be told from others.
    pub fn child(&self) -> Option<&Child> {
        self.running.as_ref().map(|running| &running.child)
    }

    /// Sees to it that it runs and takes events: `begin` waits until it does, no longer than until
    /// `end_ms`. One that has had its last event is ended before, so nothing depends on whether
    /// there was time between two events.
    pub fn ensure(
        &mut self,
        begin: impl FnOnce(&mut PersistentProcess) -> Result<(), ProcessError>,
        end_ms: Option<u64>,
    ) -> Result<(), ProcessError> {
        if self.last && self.is_ready() {
            self.stop_gracefully(end_ms);
        }
        self.last = false;
        if self.running.is_some() && !self.is_well() {
            diagnostics::diagnostic_by_deadline(
                b"ended, or spoke, between two events: ",
                self.name(),
            );
            self.stop();
        }
        if self.running.is_none() {
            self.start()?;
        }
        if !self.is_ready() {
            self.finish_start(begin)?;
        }
        Ok(())
    }

    /// Waits until it takes events, as `begin` does.
    pub fn finish_start(
        &mut self,
        begin: impl FnOnce(&mut PersistentProcess) -> Result<(), ProcessError>,
    ) -> Result<(), ProcessError> {
        begin(self)?;
        if let Some(running) = &mut self.running {
            running.ready = true;
        }
        Ok(())
    }

    /// Whether it lives, and has said nothing that it was not asked for.
    fn is_well(&self) -> bool {
        let Some(Running {
            child,
            channel,
            ready,
            ..
        }) = &self.running
        else {
            return false;
        };
        let channel = Some(channel).filter(|_| *ready);
        let awaited = [channel, child.ended.as_ref(), None, None];
        let quiet = !wait_for(awaited, false, Some(0)).contains(&true);
        quiet && !self.has_more() && !(child.ended.is_none() && child.has_ended())
    }

    /// Starts it, and does not wait until it takes events.
    pub fn start(&mut self) -> Result<(), ProcessError> {
        let command = &self.command;
        // Nothing to read; an empty root has no /dev/null.
        let nothing = open_null().or_else(|| memfd(b""));
        let (Some((channel, its_channel)), Some(nothing)) = (channel_pair(), nothing) else {
            return Err(ProcessError::NoDescriptors);
        };
        let its_log = if command.capture_output {
            let (log, its_log) = pipe().ok_or(ProcessError::NoDescriptors)?;
            self.logs.from = Some(log);
            Some(its_log)
        } else {
            None
        };
        forget_trace_id();
        let environment = Environment::new();
        let started = Child::start(&Start {
            path: command.path,
            arguments: &command.arguments,
            environment: environment.entries(),
            streams: [
                Some(&nothing),
                its_log.as_ref(),
                its_log.as_ref(),
                Some(&its_channel),
            ],
        });
        self.running = Some(Running {
            child: match started {
                Ok(child) => child,
                Err(number) => {
                    self.number = number;
                    return Err(ProcessError::SpawnFailed);
                }
            },
            channel,
            ready: false,
            served: false,
        });
        Ok(())
    }

    /// Kills it, with its process group, if it still runs. Returns how it ended, if it has.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        (self.input.start, self.input.end) = (0, 0);
        let mut ending = None;
        if let Some(Running { child, .. }) = self.running.take() {
            ending = kill_and_wait(&child, self.logs);
            if ending.is_none() {
                self.dying = Some(child);
            }
        }
        self.logs.drain();
        self.logs.from = None;
        ending
    }

    /// Lets it end by itself for a moment, and then kills it.
    pub fn stop_gracefully(&mut self, end_ms: Option<u64>) {
        if let Some(running) = &self.running {
            exits_within_grace(&running.child, self.logs, end_ms);
        }
        self.stop();
    }

    /// Whether something was said that nobody has read.
    fn has_more(&self) -> bool {
        self.input.start < self.input.end
    }

    /// The program.
    pub fn name(&self) -> &'static [u8] {
        strip_nul(self.command.path)
    }

    /// Ends the process because of a trouble, unless it is still beginning and only late, and says
    /// what that means for the event in hand.
    pub fn fail(
        &mut self,
        trouble: ProcessError,
        time: &Time,
        response: &mut Response,
    ) -> ReportedError {
        let (error_type, text): (&str, &[u8]) = match trouble {
            ProcessError::InitError => {
                let (bytes, error_type) = self.init_error;
                let buffer = response.begin_error_body();
                let read = self.body(bytes, time.end_ms, &mut |piece| buffer.append(piece));
                self.stop_gracefully(time.end_ms);
                if read.is_ok() {
                    return ReportedError(error_type);
                }
                ("Runtime.BadFrame", b"an init error cut short")
            }
            ProcessError::Late => {
                // One that still begins may be done with that by the next event.
                if self.is_ready() {
                    self.stop();
                }
                return timeout_error(time.limit_ms, response);
            }
            ProcessError::Ended => {
                let ending = self.stop().unwrap_or(ExitStatus::Exit(0));
                return exit_error(&ending, self.logs, response);
            }
            ProcessError::SpawnFailed => {
                return spawn_error(self.command.path, self.number, response);
            }
            ProcessError::Broken => (
                "Runtime.BadFrame",
                b"the handler does not keep to the protocol of its channel",
            ),
            ProcessError::NoFunction => (
                "Runtime.NoSuchHandler",
                b"the file has no such function, see _HANDLER",
            ),
            ProcessError::ProcfsUnavailable => (
                "Runtime.InvalidEntrypoint",
                b"the shell cannot open /proc/PID/fd of the runtime",
            ),
            ProcessError::NoDescriptors => (
                "Runtime.OutOfResources",
                b"no descriptor or no memory for the handler",
            ),
        };
        self.stop();
        failed(response, error_type, &[text])
    }

    /// Whether it takes events.
    pub fn is_ready(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.ready)
    }
}
