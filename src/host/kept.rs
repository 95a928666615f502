//! A process that is kept alive from one event to the next, and a channel to it: what shells and
//! workers have in common. What is said over the channel is theirs.

use crate::buffer::Text;
use crate::failure::Failure;
use crate::host::child::{News, attend, cannot_run, ended_badly, late, put_down};
use crate::host::context::Time;
use crate::host::logs::Logs;
use crate::host::types::Types;
use crate::limits::{LAST_WORDS_MS, PIPE_BYTES};
use crate::log;
use crate::response::Response;
use crate::sys::child::{ARGUMENTS_MAX, Child, Ending, Start};
use crate::sys::files::open_null;
use crate::sys::pipes::{Read, pipe, read, send_now, sockets, wait_for};
use crate::sys::{self, Descriptor, Environment, Region, monotonic_ms};
use crate::wire::frame::LINE_BYTES_MAX;
use crate::wire::{find, part};

/// What to run. All texts have a NUL at their end.
#[derive(Clone, Copy)]
pub struct Command {
    /// The program.
    pub path: &'static [u8],
    /// Its arguments, the first of which is its name.
    pub arguments: [&'static [u8]; ARGUMENTS_MAX],
    /// How many these are.
    pub count: usize,
    /// What it prints comes to us; else it goes where our own output goes.
    pub prints_to_us: bool,
}

/// Why a process is of no use any more, or not yet.
pub enum Trouble {
    /// It cannot be started: the number of the error.
    NotStarted(usize),
    /// There are no descriptors for it.
    NoDescriptors,
    /// It has said that it cannot begin: the length of what it says, and the type of the error
    /// where the platform's metrics know it.
    InitError(usize, Option<&'static [u8]>),
    /// It has no such handler, or cannot work here.
    Unfit(&'static str, &'static [u8]),
    /// Its time is up.
    Late,
    /// It has ended.
    Ended,
    /// It does not keep to the protocol.
    Broken,
}

/// A process that runs.
struct Running {
    child: Child,
    channel: Descriptor,
    /// It takes events.
    ready: bool,
    /// It has been sent one.
    served: bool,
}

/// What became of an event.
pub struct Done {
    /// What the handler made of it.
    pub outcome: Result<(), Failure>,
    /// The process is of no use any more.
    pub last: bool,
}

impl Done {
    /// The process takes the next event.
    pub fn with(outcome: Result<(), Failure>) -> Done {
        Done {
            outcome,
            last: false,
        }
    }

    /// It does not.
    pub fn last(outcome: Result<(), Failure>) -> Done {
        Done {
            outcome,
            last: true,
        }
    }
}

/// What was read from the channel, and not yet used.
struct Input {
    start: usize,
    end: usize,
    bytes: [u8; PIPE_BYTES],
}

static INPUT: Region<Input> = Region::new(Input {
    start: 0,
    end: 0,
    bytes: [0; _],
});

/// A process that is kept alive.
pub struct Kept {
    command: Command,
    running: Option<Running>,
    /// What it prints.
    pub logs: &'static mut Logs,
    /// The types of its errors.
    pub types: Types,
    input: &'static mut Input,
}

impl Kept {
    /// Something to run; `None` but for the first.
    pub fn new(command: Command, logs: &'static mut Logs) -> Option<Kept> {
        Some(Kept {
            command,
            running: None,
            logs,
            types: Types::new(),
            input: INPUT.take()?,
        })
    }

    /// The process, to be told from others.
    pub fn child(&self) -> Option<&Child> {
        self.running.as_ref().map(|running| &running.child)
    }

    /// Sees to it that it runs and takes events: `begin` waits until it does.
    pub fn ensure(
        &mut self,
        begin: impl FnOnce(&mut Kept) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        if !self.is_well() {
            self.stop();
        }
        if self.running.is_none() {
            self.start()?;
        }
        if !self.running.as_ref().is_some_and(|running| running.ready) {
            begin(self)?;
            if let Some(running) = &mut self.running {
                running.ready = true;
            }
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

    fn start(&mut self) -> Result<(), Trouble> {
        let command = &self.command;
        let (Some((channel, its_channel)), Some(null)) = (sockets(), open_null()) else {
            return Err(Trouble::NoDescriptors);
        };
        let its_log = if command.prints_to_us {
            let (log, its_log) = pipe().ok_or(Trouble::NoDescriptors)?;
            self.logs.from = Some(log);
            Some(its_log)
        } else {
            None
        };
        let environment = Environment::new();
        let started = Child::start(&Start {
            path: command.path,
            arguments: command.arguments.get(..command.count).unwrap_or_default(),
            environment: environment.entries(),
            streams: [
                Some(&null),
                its_log.as_ref(),
                its_log.as_ref(),
                Some(&its_channel),
            ],
        });
        self.running = Some(Running {
            child: started.map_err(Trouble::NotStarted)?,
            channel,
            ready: false,
            served: false,
        });
        Ok(())
    }

    /// Ends it, with its process group, if it still runs. Returns how it ended.
    pub fn stop(&mut self) -> Option<Ending> {
        (self.input.start, self.input.end) = (0, 0);
        let ending = self.running.take().map(|running| put_down(&running.child));
        self.logs.drain();
        self.logs.from = None;
        ending
    }

    /// Lets it end by itself for a moment, and then ends it.
    pub fn let_end(&mut self) {
        if let Some(running) = &self.running {
            ends_soon(&running.child, self.logs);
        }
        self.stop();
    }

    /// After an event that was its last: starts it anew. What goes wrong is said in the log, and
    /// tried again with the next event.
    pub fn renew(
        &mut self,
        begin: impl FnOnce(&mut Kept) -> Result<(), Trouble>,
        spare: &mut Response,
    ) {
        if self.running.as_ref().is_some_and(|running| running.ready) {
            self.let_end();
        }
        match self.ensure(begin) {
            Ok(()) | Err(Trouble::Late) => {}
            Err(trouble) => {
                self.fail(trouble, &Time::NONE, spare);
                log::line(b"cannot be started anew: ", self.name());
            }
        }
    }

    /// Waits for the next event, and sees to the process meanwhile. When it ends it is started
    /// anew, at once; one that has never been sent an event, with the next.
    pub fn idle(
        &mut self,
        api: Option<&Descriptor>,
        mut begin: impl FnMut(&mut Kept) -> Result<(), Trouble>,
    ) {
        while let Some(Running {
            child,
            channel,
            ready,
            served,
        }) = &self.running
        {
            let (ready, served) = (*ready, *served);
            match attend(child, [api, Some(channel)], false, self.logs, None) {
                News::First | News::Late => return,
                News::Second if !ready => {
                    if self.ensure(&mut begin).is_err() {
                        self.stop();
                    }
                }
                News::Second | News::Ended => {
                    log::line(b"ended between two events: ", self.name());
                    self.stop();
                    if served && self.ensure(&mut begin).is_err() {
                        self.stop();
                    }
                }
            }
        }
    }

    /// Sends two parts, one behind the other.
    pub fn send(&mut self, parts: [&[u8]; 2], end_ms: Option<u64>) -> Result<(), Trouble> {
        let Some(running) = &mut self.running else {
            return Err(Trouble::Ended);
        };
        running.served = true;
        let [mut first, mut second] = parts;
        loop {
            let Some(sent) = send_now(&running.channel, [first, second]) else {
                return Err(closed(&running.child, self.logs));
            };
            let of_first = sent.min(first.len());
            first = part(first, of_first, first.len());
            second = part(second, sent - of_first, second.len());
            if first.is_empty() && second.is_empty() {
                return Ok(());
            }
            let channel = [Some(&running.channel), None];
            match attend(&running.child, channel, true, self.logs, end_ms) {
                News::First | News::Second => {}
                News::Ended => return Err(Trouble::Ended),
                News::Late => return Err(Trouble::Late),
            }
        }
    }

    /// Waits for something on the channel, or on another descriptor. True: that has something, and
    /// the channel has nothing.
    pub fn wait(
        &mut self,
        also: Option<&Descriptor>,
        end_ms: Option<u64>,
    ) -> Result<bool, Trouble> {
        let Some(running) = &self.running else {
            return Err(Trouble::Ended);
        };
        let awaited = [Some(&running.channel), also];
        match attend(&running.child, awaited, false, self.logs, end_ms) {
            // It may have said something before it ended: who reads will see.
            News::First | News::Ended => Ok(false),
            News::Second => Ok(true),
            News::Late => Err(Trouble::Late),
        }
    }

    /// Waits for a line, and takes it, without its end.
    pub fn line(&mut self, end_ms: Option<u64>) -> Result<Text<LINE_BYTES_MAX>, Trouble> {
        let mut start = self.input.start;
        loop {
            let end = find(part(&self.input.bytes, 0, self.input.end), start, b'\n');
            if end - self.input.start >= LINE_BYTES_MAX {
                return Err(Trouble::Broken);
            }
            if end < self.input.end {
                let mut line = Text::new();
                line.set(part(&self.input.bytes, self.input.start, end));
                self.input.start = end + 1;
                return Ok(line);
            }
            start = end - self.input.start;
            self.fill(end_ms)?;
        }
    }

    /// Takes so many bytes, and hands them on as they come.
    pub fn body(
        &mut self,
        bytes: usize,
        end_ms: Option<u64>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Trouble> {
        let mut left = bytes;
        while left > 0 {
            if self.input.start == self.input.end {
                self.fill(end_ms)?;
            }
            let piece = left.min(self.input.end - self.input.start);
            let end = self.input.start + piece;
            take(part(&self.input.bytes, self.input.start, end));
            self.input.start = end;
            left -= piece;
        }
        Ok(())
    }

    /// The same, as a response: what comes is read to where it will be sent from.
    pub fn body_to(
        &mut self,
        bytes: usize,
        end_ms: Option<u64>,
        response: &mut Response,
    ) -> Result<(), Trouble> {
        let ready = bytes.min(self.input.end - self.input.start);
        let end = self.input.start + ready;
        let _ = response.write(part(&self.input.bytes, self.input.start, end));
        self.input.start = end;
        let mut left = bytes - ready;
        while left > 0 {
            let mut outcome = Ok(0);
            response.buffer().fill(left, |room| {
                outcome = receive(&self.running, self.logs, end_ms, room);
                *outcome.as_ref().unwrap_or(&0)
            });
            left -= outcome?;
        }
        Ok(())
    }

    /// Reads more of what is said.
    fn fill(&mut self, end_ms: Option<u64>) -> Result<(), Trouble> {
        let Input { start, end, bytes } = &mut *self.input;
        sys::move_down(bytes, *start, 0, *end - *start);
        (*start, *end) = (0, *end - *start);
        let room = bytes.get_mut(*end..).unwrap_or_default();
        *end += receive(&self.running, self.logs, end_ms, room)?;
        Ok(())
    }

    /// Whether something was said that nobody has read.
    fn has_more(&self) -> bool {
        self.input.start < self.input.end
    }

    fn name(&self) -> &'static [u8] {
        let path = self.command.path;
        path.strip_suffix(b"\0").unwrap_or(path)
    }

    /// Ends the process because of a trouble, unless it is still beginning and only late, and says
    /// what that means for the event in hand.
    pub fn fail(&mut self, trouble: Trouble, time: &Time, response: &mut Response) -> Failure {
        match trouble {
            Trouble::InitError(bytes, counted) => {
                let buffer = response.start_failure();
                let read = self.body(bytes, time.end_ms, &mut |piece| buffer.append(piece));
                self.let_end();
                match read {
                    Ok(()) => Failure::of_child(counted, b""),
                    Err(_) => response.fail("Runtime.BadFrame", &[b"an init error cut short"]),
                }
            }
            Trouble::Late => {
                // One that still begins may be done with that by the next event.
                if self.running.as_ref().is_some_and(|running| running.ready) {
                    self.stop();
                }
                late(time.limit_ms, response)
            }
            Trouble::Ended => match self.stop() {
                Some(ending) => ended_badly(&ending, self.logs, response),
                None => response.fail("Runtime.ExitError", &[b"it does not run"]),
            },
            Trouble::Broken => {
                self.stop();
                let message = [
                    self.name(),
                    b" does not keep to the protocol of its channel",
                ];
                response.fail("Runtime.BadFrame", &message)
            }
            Trouble::Unfit(error_type, text) => {
                self.let_end();
                response.fail(error_type, &[text])
            }
            Trouble::NotStarted(number) => cannot_run(self.name(), number, response),
            Trouble::NoDescriptors => {
                let text = b"no descriptor or no memory for a process";
                response.fail("Runtime.OutOfResources", &[text])
            }
        }
    }
}

/// Waits for something on the channel, and reads it; at least a byte.
fn receive(
    running: &Option<Running>,
    logs: &mut Logs,
    end_ms: Option<u64>,
    room: &mut [u8],
) -> Result<usize, Trouble> {
    let Some(Running { child, channel, .. }) = running else {
        return Err(Trouble::Ended);
    };
    loop {
        let news = attend(child, [Some(channel), None], false, logs, end_ms);
        if news == News::Late {
            return Err(Trouble::Late);
        }
        // What it said before it ended is in the channel, all of it.
        match read(channel, room) {
            Read::Some(bytes) => return Ok(bytes),
            _ if news == News::Ended => return Err(Trouble::Ended),
            Read::End => return Err(closed(child, logs)),
            Read::Nothing => {}
        }
    }
}

/// The channel is closed: mostly because the process is about to end.
fn closed(child: &Child, logs: &mut Logs) -> Trouble {
    if ends_soon(child, logs) {
        Trouble::Ended
    } else {
        Trouble::Broken
    }
}

fn ends_soon(child: &Child, logs: &mut Logs) -> bool {
    let end_ms = monotonic_ms().saturating_add(LAST_WORDS_MS);
    attend(child, [None; 2], false, logs, Some(end_ms)) == News::Ended
}
