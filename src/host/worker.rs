//! The frame protocol: persistent processes that speak it by themselves, and interpreters that a
//! shim makes speak it.
//!
//! The guide describes the protocol (`worker_protocol`); `wire::frame` reads its lines.

use crate::host::context::ContextFormat;
use crate::host::deadline::Deadline;
use crate::host::protocol::{AfterEvent, Event, EventError, Link, ProcessError, Protocol};
use crate::limits::{RESPONSE_BYTES_MAX, WORKER_ERROR_BYTES_MAX};
use crate::response::Response;
use crate::wire::frame::{self, LINE_BYTES_MAX, WorkerMessage};

/// Our side of the frame protocol.
pub struct Frames {
    /// The number of the last event that the process was sent.
    sequence: usize,
    logs_errors_itself: bool,
    /// The process has hooks for a restore, which have not run.
    awaits_restore: bool,
    /// This environment was restored from a snapshot.
    is_restored: bool,
}

/// The event that is none: a snapshot was restored.
const RESTORED: &[u8] = b"0 0 0\n";

/// A streamed response whose content type the process does not name.
const DEFAULT_STREAM_CONTENT_TYPE: &[u8] = b"application/octet-stream";

impl Frames {
    /// No event sent.
    pub const fn new(logs_errors_itself: bool) -> Frames {
        Frames {
            sequence: 0,
            logs_errors_itself,
            awaits_restore: false,
            is_restored: false,
        }
    }

    /// Reads the answer to an event: one line and its bytes, or a stream of such frames.
    fn read_answer(
        &self,
        deadline: &Deadline,
        link: &mut Link,
        response: &mut Response,
    ) -> Result<(), EventError> {
        let Link {
            process, channel, ..
        } = link;
        let mut is_streamed = false;
        loop {
            let line = channel.read_line(LINE_BYTES_MAX, process, deadline)?;
            match frame::parse_line(line, self.sequence).ok_or(ProcessError::ProtocolViolation)? {
                WorkerMessage::Ok(bytes, content_type) if !is_streamed => {
                    if !content_type.is_empty() && response.set_content_type(content_type).is_err()
                    {
                        return Err(ProcessError::ProtocolViolation.into());
                    }
                    if bytes > RESPONSE_BYTES_MAX {
                        channel.read_exact(bytes, process, deadline, &mut |_| {})?;
                        response.fail_too_large();
                    } else {
                        channel.read_into(bytes, process, deadline, response)?;
                    }
                    return Ok(());
                }
                message @ (WorkerMessage::Error(bytes, name)
                | WorkerMessage::Fatal(bytes, name)) => {
                    if matches!(message, WorkerMessage::Fatal(..)) {
                        link.after_event = AfterEvent::Retire;
                    }
                    let error_type = link.error_types.intern(name);
                    if bytes == 0 || bytes > WORKER_ERROR_BYTES_MAX {
                        return Err(ProcessError::ProtocolViolation.into());
                    }
                    let buffer = response.begin_error_body();
                    channel.read_exact(bytes, process, deadline, &mut |piece| {
                        buffer.append(piece);
                    })?;
                    return Err(EventError::Reported(error_type));
                }
                WorkerMessage::Stream(content_type) if !is_streamed => {
                    let content_type = match content_type {
                        b"" => DEFAULT_STREAM_CONTENT_TYPE,
                        _ => content_type,
                    };
                    if response.start_stream(content_type, &mut |_| {}).is_err() {
                        return Err(ProcessError::ProtocolViolation.into());
                    }
                    is_streamed = true;
                }
                WorkerMessage::Chunk(bytes) if is_streamed => {
                    let mut is_lost = false;
                    channel.read_exact(bytes, process, deadline, &mut |piece| {
                        is_lost = is_lost || response.write(piece).is_err();
                    })?;
                    if is_lost {
                        // The caller is gone: no reason to wait for the end of the response.
                        link.after_event = AfterEvent::Stop;
                        return Ok(());
                    }
                }
                WorkerMessage::End if is_streamed => return Ok(()),
                _ => return Err(ProcessError::ProtocolViolation.into()),
            }
        }
    }
}

impl Protocol for Frames {
    fn wait_until_ready(
        &mut self,
        link: &mut Link,
        deadline: &Deadline,
    ) -> Result<(), ProcessError> {
        self.sequence = 0;
        loop {
            let Link {
                process, channel, ..
            } = link;
            let line = channel.read_line(LINE_BYTES_MAX, process, deadline)?;
            match frame::parse_line(line, 0) {
                Some(WorkerMessage::Ready) => {
                    self.awaits_restore = false;
                    return Ok(());
                }
                Some(WorkerMessage::ReadyToRestore) => {
                    self.awaits_restore = !self.is_restored;
                    if self.awaits_restore {
                        return Ok(());
                    }
                    // A successor of the process that was in the snapshot.
                    channel.send([RESTORED, b""], process, deadline)?;
                }
                Some(WorkerMessage::InitError(bytes, name)) if bytes <= WORKER_ERROR_BYTES_MAX => {
                    let error_type = link.error_types.intern(name);
                    return Err(ProcessError::InitError(bytes, error_type));
                }
                _ => return Err(ProcessError::ProtocolViolation),
            }
        }
    }

    fn run_restore_hooks(
        &mut self,
        link: &mut Link,
        deadline: &Deadline,
    ) -> Result<(), ProcessError> {
        self.is_restored = true;
        if !self.awaits_restore {
            return Ok(());
        }
        self.awaits_restore = false;
        link.channel
            .send([RESTORED, b""], &mut link.process, deadline)?;
        self.wait_until_ready(link, deadline)
    }

    #[inline(never)] // a frame of its own is smaller code
    fn handle_event(
        &mut self,
        event: &mut Event<'_>,
        link: &mut Link,
        response: &mut Response,
    ) -> Result<(), EventError> {
        let Event {
            invocation,
            deadline,
            context,
        } = event;
        self.sequence += 1;
        context.write(invocation, deadline, ContextFormat::Lines);
        let event = invocation.event();
        let lengths = [self.sequence, context.as_bytes().len(), event.len()];
        let head = context.with_frame_header(lengths);
        link.channel
            .send([head, event], &mut link.process, deadline)?;
        self.read_answer(deadline, link, response)
    }

    fn logs_errors_itself(&self) -> bool {
        self.logs_errors_itself
    }
}
