//! The start of PHP's server: it is awaited, and asked for a page where the user names one.

use crate::host::deadline::Deadline;
use crate::host::protocol::{Link, ProcessError};
use crate::host::receive::{ExchangeError, closed};
use crate::host::web::Memory;
use crate::host::web::exchange::Exchange;
use crate::host::web::fastcgi::answer::{AnswerError, Ended, StatusSink, read_answer};
use crate::host::web::fastcgi::{FastCgi, send};
use crate::sys::ipc::Direction;
use crate::sys::monotonic_ms;
use crate::wire::fastcgi::{Piece, RecordReader};

/// How far the current process is.
pub struct Start {
    /// What has been read of its first answer.
    records: RecordReader,
    /// It has answered: it takes requests.
    has_answered: bool,
}

impl Start {
    /// Nothing read.
    pub fn new() -> Start {
        Start {
            records: RecordReader::default(),
            has_answered: false,
        }
    }
}

/// The pause before the page is asked for again that has not succeeded, in milliseconds.
const RETRY_MS: u64 = 10;

impl FastCgi {
    /// Waits until PHP takes requests, and until the page that the user names is there.
    pub(super) fn start_up(
        &mut self,
        link: &mut Link,
        deadline: &Deadline,
    ) -> Result<(), ProcessError> {
        if !self.start.has_answered {
            self.read_values(link, deadline)?;
            self.start.has_answered = true;
        }
        if self.web.settings.ready_path.as_bytes().is_empty() {
            return Ok(());
        }
        while !self.is_page_ready(link, deadline)? {
            let retry_ms = monotonic_ms().saturating_add(RETRY_MS);
            let end_ms = deadline.end_ms().map_or(retry_ms, |end| end.min(retry_ms));
            let pause = Deadline::at(Some(end_ms));
            let process = &mut link.process;
            if process.wait([None; 2], Direction::Read, &pause).exited {
                return Err(ProcessError::Exited);
            }
            if deadline.end_ms().is_some_and(|end| end <= end_ms) {
                return Err(ProcessError::TimedOut);
            }
        }
        Ok(())
    }

    /// Reads the answer to the question that was sent when the process was spawned.
    fn read_values(&mut self, link: &mut Link, deadline: &Deadline) -> Result<(), ProcessError> {
        let Link {
            process, channel, ..
        } = link;
        loop {
            let read = self.start.records.read(channel.unread());
            let Ok((bytes, piece)) = read else {
                return Err(ProcessError::ProtocolViolation);
            };
            let is_answer = match piece {
                Piece::Values => true,
                Piece::Framing => false,
                _ => return Err(ProcessError::ProtocolViolation),
            };
            channel.consume(bytes);
            if is_answer {
                return Ok(());
            }
            if bytes == 0 {
                let received = channel.receive_answer(process, deadline);
                received.map_err(|error| match error {
                    ExchangeError::Closed => closed(process, deadline),
                    ExchangeError::Process(error) => error,
                })?;
            }
        }
    }

    /// Asks for the page, and returns whether its status is below 500.
    fn is_page_ready(
        &mut self,
        link: &mut Link,
        deadline: &Deadline,
    ) -> Result<bool, ProcessError> {
        if !self.stage_own_request(None) {
            return Ok(true);
        }
        let Memory {
            request_head,
            request_body,
            answer_head,
            ..
        } = &mut *self.web.memory;
        let request = [request_head.as_bytes(), request_body.as_bytes()];
        let unsent = send(&self.server, link, request)?;
        answer_head.set(b"");
        let mut page = StatusSink {
            status: 0,
            head: answer_head,
        };
        let outcome = read_answer(&mut Exchange::new(link, deadline, unsent), &mut page);
        let is_complete = matches!(outcome, Ok(Ended::Complete)) && !link.channel.has_unread();
        if !is_complete {
            link.channel.close();
        }
        match outcome {
            Err(AnswerError::Exchange(ExchangeError::Process(error))) => Err(error),
            Err(_) => Ok(false),
            Ok(_) => Ok(page.status < 500),
        }
    }
}
