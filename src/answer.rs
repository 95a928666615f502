//! Sends the answer to the current event.

use crate::failure::Failure;
use crate::limits::{HAS_EXTRAS, HAS_STREAM, WORKER_MESSAGE_BYTES_MAX};
use crate::message_reader::MessageReader;
use crate::response::Response;
use crate::session::Session;

impl Session {
    /// Answers the current event, and checks the reply.
    #[inline(never)]
    pub fn answer(
        &mut self,
        reader: &mut MessageReader,
        response: &mut Response,
        outcome: &Result<(), Failure>,
    ) {
        let is_streamed = response.is_streamed();
        if HAS_STREAM
            && let Some(stream) = self.stream.take()
            && stream.finish(self, reader, response.buffer(), outcome, is_streamed)
        {
            return;
        }
        self.write_answer(response, outcome);
        self.api.send_and_check(reader, response.buffer());
    }

    /// Writes the head of the answer into the buffer of the response.
    fn write_answer(&self, response: &mut Response, outcome: &Result<(), Failure>) {
        let error_type = response.finish_head(outcome);
        self.api.frame_answer(response.buffer(), error_type);
    }

    /// Posts an error after which the process ends: of init, of a restore, or a panic.
    pub fn post_error(
        &mut self,
        reader: &mut MessageReader,
        response: &mut Response,
        outcome: &Result<(), Failure>,
    ) {
        self.api.next_in_answer = false;
        if HAS_EXTRAS && self.worker_link.is_some() {
            return self.send_init_error_to_parent(response, outcome);
        }
        self.answer(reader, response, outcome);
    }

    /// In a worker of a pool before the common start: the parent posts one init error for all
    /// workers.
    fn send_init_error_to_parent(
        &mut self,
        response: &mut Response,
        outcome: &Result<(), Failure>,
    ) {
        const TOO_LONG: &Result<(), Failure> = &Err(Failure::fixed(
            "Runtime.InitError",
            "init error of a worker over 64 KiB",
        ));
        self.write_answer(response, outcome);
        if response.buffer().bytes().len() > WORKER_MESSAGE_BYTES_MAX {
            self.write_answer(response, TOO_LONG);
        }
        if let Some(link) = &self.worker_link {
            link.events.send(response.buffer().bytes());
        }
    }
}
