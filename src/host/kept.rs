//! A process that is kept alive from one event to the next, and a channel to it: what shells and
//! workers have in common. What is said over the channel is theirs.

use crate::buffer::Text;
use crate::host::child::{Failed, cannot_run, ended_badly, ends_soon, failed, late, put_down};
use crate::host::context::{Time, forget_trace_id};
use crate::host::logs::Logs;
use crate::host::resolve::without_nul;
use crate::host::types::Types;
use crate::limits::PIPE_BYTES;
use crate::log;
use crate::response::Response;
use crate::sys::child::{ARGUMENTS_MAX, Child, Ending, Start};
use crate::sys::files::open_null;
use crate::sys::pipes::{memory_file, pipe, sockets, wait_for};
use crate::sys::{Descriptor, Environment, Region};
use crate::wire::frame::LINE_BYTES_MAX;

/// What to run. All texts have a NUL at their end. All zeros when it is new.
pub struct Command {
    /// The program.
    pub path: &'static [u8],
    /// Its arguments, the first of which is its name.
    arguments: [Option<&'static [u8]>; ARGUMENTS_MAX],
    /// What it prints comes to us; else it goes where our own output goes.
    pub prints_to_us: bool,
}

impl Command {
    /// Nothing yet.
    pub const fn new() -> Command {
        Command {
            path: b"\0",
            arguments: [None; _],
            prints_to_us: false,
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
pub enum Trouble {
    /// It cannot be started: see `number`.
    NotStarted,
    /// There are no descriptors for it, or no memory.
    NoDescriptors,
    /// It has said that it cannot begin: see `init_error`.
    InitError,
    /// The file has no such function.
    NoFunction,
    /// It cannot open our descriptors.
    NoProc,
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

static INPUT: Region<Input> = Region::new(Input {
    start: 0,
    end: 0,
    bytes: [0; _],
});
static TYPES: Region<Types> = Region::new(Types::new());
static SAID: Region<Text<LINE_BYTES_MAX>> = Region::new(Text::new());

/// A process that is kept alive.
pub struct Kept {
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
    pub logs: &'static mut Logs,
    /// The types of its errors.
    pub types: &'static mut Types,
    /// The line that was taken last.
    pub said: &'static mut Text<LINE_BYTES_MAX>,
    /// What was read from the channel.
    pub input: &'static mut Input,
}

impl Kept {
    /// Something to run; `None` but for the first.
    pub fn new(command: &'static Command, logs: &'static mut Logs) -> Option<Kept> {
        Some(Kept {
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
        begin: impl FnOnce(&mut Kept) -> Result<(), Trouble>,
        end_ms: Option<u64>,
    ) -> Result<(), Trouble> {
        if self.last && self.is_ready() {
            self.let_end(end_ms);
        }
        self.last = false;
        if self.running.is_some() && !self.is_well() {
            log::line_by_deadline(b"ended, or spoke, between two events: ", self.name());
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
        begin: impl FnOnce(&mut Kept) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
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
    pub fn start(&mut self) -> Result<(), Trouble> {
        let command = &self.command;
        // Nothing to read; an empty root has no /dev/null.
        let nothing = open_null().or_else(|| memory_file(b""));
        let (Some((channel, its_channel)), Some(nothing)) = (sockets(), nothing) else {
            return Err(Trouble::NoDescriptors);
        };
        let its_log = if command.prints_to_us {
            let (log, its_log) = pipe().ok_or(Trouble::NoDescriptors)?;
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
                    return Err(Trouble::NotStarted);
                }
            },
            channel,
            ready: false,
            served: false,
        });
        Ok(())
    }

    /// Kills it, with its process group, if it still runs. Returns how it ended, if it has.
    pub fn stop(&mut self) -> Option<Ending> {
        (self.input.start, self.input.end) = (0, 0);
        let mut ending = None;
        if let Some(Running { child, .. }) = self.running.take() {
            ending = put_down(&child, self.logs);
            if ending.is_none() {
                self.dying = Some(child);
            }
        }
        self.logs.drain();
        self.logs.from = None;
        ending
    }

    /// Lets it end by itself for a moment, and then kills it.
    pub fn let_end(&mut self, end_ms: Option<u64>) {
        if let Some(running) = &self.running {
            ends_soon(&running.child, self.logs, end_ms);
        }
        self.stop();
    }

    /// Whether something was said that nobody has read.
    fn has_more(&self) -> bool {
        self.input.start < self.input.end
    }

    /// The program.
    pub fn name(&self) -> &'static [u8] {
        without_nul(self.command.path)
    }

    /// Ends the process because of a trouble, unless it is still beginning and only late, and says
    /// what that means for the event in hand.
    pub fn fail(&mut self, trouble: Trouble, time: &Time, response: &mut Response) -> Failed {
        let (error_type, text): (&str, &[u8]) = match trouble {
            Trouble::InitError => {
                let (bytes, error_type) = self.init_error;
                let buffer = response.start_failure();
                let read = self.body(bytes, time.end_ms, &mut |piece| buffer.append(piece));
                self.let_end(time.end_ms);
                if read.is_ok() {
                    return Failed(error_type);
                }
                ("Runtime.BadFrame", b"an init error cut short")
            }
            Trouble::Late => {
                // One that still begins may be done with that by the next event.
                if self.is_ready() {
                    self.stop();
                }
                return late(time.limit_ms, response);
            }
            Trouble::Ended => {
                let ending = self.stop().unwrap_or(Ending::Exit(0));
                return ended_badly(&ending, self.logs, response);
            }
            Trouble::NotStarted => return cannot_run(self.command.path, self.number, response),
            Trouble::Broken => (
                "Runtime.BadFrame",
                b"the handler does not keep to the protocol of its channel",
            ),
            Trouble::NoFunction => (
                "Runtime.NoSuchHandler",
                b"the file has no such function, see _HANDLER",
            ),
            Trouble::NoProc => (
                "Runtime.InvalidEntrypoint",
                b"the shell cannot open /proc/PID/fd of the runtime",
            ),
            Trouble::NoDescriptors => (
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
