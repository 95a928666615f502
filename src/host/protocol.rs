//! The protocol interface: how an event gets to a persistent process, and its answer back.
//!
//! [`PersistentProcess`](crate::host::persistent::PersistentProcess) has the states and no
//! protocol; a protocol has the bytes and no states.

use crate::buffer::FixedBytes;
use crate::host::channel::Channel;
use crate::host::context::Context;
use crate::host::deadline::Deadline;
use crate::host::process::Process;
use crate::host::shell::Shell;
use crate::host::types::ErrorTypeInterner;
#[cfg(feature = "web")]
use crate::host::web::{fastcgi::FastCgi, http_app::HttpApp};
use crate::host::worker::Frames;
use crate::invocation::Invocation;
use crate::response::Response;
use crate::sys::Descriptor;
use crate::sys::ipc::channel_pair;

/// Our side of the conversation with a persistent process. For each process that is spawned, the
/// state machine calls `open`, then `wait_until_ready` until that returns anything but `TimedOut`,
/// then `handle_event` once per event. No call is made while another process is in the link.
pub trait Protocol {
    /// Before the process is spawned: adds what it needs to `setup` (a descriptor, variables), and
    /// returns our end of the channel. A protocol that connects to a socket on which the process
    /// listens returns `None`, and opens the channel in `wait_until_ready`. (Between two events, a
    /// process without a channel is not asked whether it is ready: the next event does that.)
    ///
    /// # Errors
    /// The errno, where there is no descriptor for the channel.
    fn open(&mut self, setup: &mut ChildSetup) -> Result<Option<Descriptor>, usize> {
        let (ours, theirs) = channel_pair()?;
        setup.channel = Some(theirs);
        Ok(Some(ours))
    }

    /// Waits until the process takes events. After `TimedOut` it is called again for the same
    /// process, so it must keep what it has read. With a deadline that has passed it does not wait:
    /// it looks at what the channel has received.
    fn wait_until_ready(
        &mut self,
        link: &mut Link,
        deadline: &Deadline,
    ) -> Result<(), ProcessError>;

    /// Sends an event to the process, and reads its answer into `response`. `Ok`: the response is
    /// complete, or has an error that is forced upon it. `link.after_event` decides what happens to
    /// the process; after a `ProcessError` it is killed. `Unreachable` only where nothing of the
    /// event was sent: the event is handed to another process, once.
    fn handle_event(
        &mut self,
        event: &mut Event<'_>,
        link: &mut Link,
        response: &mut Response,
    ) -> Result<(), EventError>;

    /// Whether the channel of an idle process is watched: where the process writes to it or closes
    /// it, the process is broken. Not so a server, which closes idle connections.
    fn watches_idle_channel(&self) -> bool {
        true
    }

    /// Whether an error that the handler reports is in the log already.
    fn logs_errors_itself(&self) -> bool;

    /// After a restore from a snapshot: has the process run its hooks, where it has some.
    fn run_restore_hooks(
        &mut self,
        _link: &mut Link,
        _deadline: &Deadline,
    ) -> Result<(), ProcessError> {
        Ok(())
    }

    /// Why its process may have exited, in parentheses with a blank before them; empty: no idea.
    fn exit_hint(&self) -> &'static [u8] {
        b""
    }
}

/// The parts of a child's setup that differ between protocols. 0, 1 and 2 are the same for all:
/// nothing to read, and the log.
pub struct ChildSetup {
    /// The child's descriptor `CHANNEL_FD`: its end of the channel, or a socket to listen on.
    pub channel: Option<Descriptor>,
    /// Its standard input; `None`: nothing to read.
    pub stdin: Option<Descriptor>,
    /// Variables before those of our own environment, as `NAME=value`, each with a NUL at its end.
    pub variables: FixedBytes<VARIABLES_BYTES_MAX>,
}

/// The most bytes of variables that a protocol adds.
const VARIABLES_BYTES_MAX: usize = 256;

impl ChildSetup {
    /// Nothing particular.
    pub const fn new() -> ChildSetup {
        ChildSetup {
            channel: None,
            stdin: None,
            variables: FixedBytes::new(),
        }
    }
}

/// The process, and the channel to it.
pub struct Link {
    /// The process.
    pub process: Process,
    /// The channel.
    pub channel: Channel,
    /// What happens to the process after the event.
    pub after_event: AfterEvent,
    /// The types of the errors that it reports.
    pub error_types: ErrorTypeInterner,
}

/// What happens to a process after an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AfterEvent {
    /// It takes the next one.
    Keep,
    /// It accepts no more events, and exits by itself; it is replaced.
    Retire,
    /// It is killed now, and is replaced.
    Stop,
}

/// An event, with its deadline and context.
pub struct Event<'a> {
    /// The event and its headers.
    pub invocation: &'a Invocation<'a>,
    /// The time until which it has to be handled.
    pub deadline: &'a Deadline,
    /// Where its context is written.
    pub context: &'a mut Context,
}

/// Why there is no response.
pub enum EventError {
    /// The handler reports an error: its JSON is in the response, and this is its type as the
    /// platform's metrics know it.
    Reported(&'static [u8]),
    /// The process failed.
    Process(ProcessError),
}

impl From<ProcessError> for EventError {
    fn from(error: ProcessError) -> EventError {
        EventError::Process(error)
    }
}

/// Why a process cannot be used any more, or not yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ProcessError {
    /// It cannot be spawned; the errno.
    SpawnFailed(usize),
    /// There is no descriptor for it, or no memory; the errno.
    OutOfResources(usize),
    /// It reports that its init failed: the length of the JSON that follows in the channel, and the
    /// type of the error.
    InitError(usize, &'static [u8]),
    /// Its file has no such function.
    HandlerNotFound,
    /// It cannot open our descriptors by way of /proc.
    ProcfsUnavailable,
    /// The deadline has passed.
    TimedOut,
    /// It has exited.
    Exited,
    /// It violates its protocol.
    ProtocolViolation,
    /// The channel is closed, and nothing of the event was sent. It can be handled by another
    /// process; where that is unreachable too, the event fails.
    Unreachable,
}

/// The protocols that there are.
#[allow(clippy::large_enum_variant)] // there is one, in static memory
pub enum AnyProtocol {
    /// The frame protocol.
    Frames(Frames),
    /// The lines of the shell shim.
    Shell(Shell),
    /// HTTP/1.1, to a web server.
    #[cfg(feature = "web")]
    Http(HttpApp),
    /// FastCGI, to PHP.
    #[cfg(feature = "web")]
    FastCgi(FastCgi),
}

/// Calls a method of whichever protocol it is.
macro_rules! delegate {
    ($any:expr, $protocol:ident => $call:expr) => {
        match $any {
            AnyProtocol::Frames($protocol) => $call,
            AnyProtocol::Shell($protocol) => $call,
            #[cfg(feature = "web")]
            AnyProtocol::Http($protocol) => $call,
            #[cfg(feature = "web")]
            AnyProtocol::FastCgi($protocol) => $call,
        }
    };
}

impl Protocol for AnyProtocol {
    fn open(&mut self, setup: &mut ChildSetup) -> Result<Option<Descriptor>, usize> {
        delegate!(self, protocol => protocol.open(setup))
    }

    fn wait_until_ready(
        &mut self,
        link: &mut Link,
        deadline: &Deadline,
    ) -> Result<(), ProcessError> {
        delegate!(self, protocol => protocol.wait_until_ready(link, deadline))
    }

    fn handle_event(
        &mut self,
        event: &mut Event<'_>,
        link: &mut Link,
        response: &mut Response,
    ) -> Result<(), EventError> {
        delegate!(self, protocol => protocol.handle_event(event, link, response))
    }

    fn watches_idle_channel(&self) -> bool {
        delegate!(self, protocol => protocol.watches_idle_channel())
    }

    fn logs_errors_itself(&self) -> bool {
        delegate!(self, protocol => protocol.logs_errors_itself())
    }

    fn run_restore_hooks(
        &mut self,
        link: &mut Link,
        deadline: &Deadline,
    ) -> Result<(), ProcessError> {
        delegate!(self, protocol => protocol.run_restore_hooks(link, deadline))
    }

    fn exit_hint(&self) -> &'static [u8] {
        delegate!(self, protocol => protocol.exit_hint())
    }
}
