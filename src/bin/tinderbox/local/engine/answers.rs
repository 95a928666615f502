//! Answers of bootstraps: responses and errors, whole or while they arrive.

use super::callers::Sent;
use super::runtimes::State;
use super::{Endpoint, Engine, Key};
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::local::call::ReplyTo;
use crate::local::environment::Answer;
use crate::local::http::{Body, BodyPlan, Request};
use crate::local::outcome::Outcome;
use crate::local::runtime_api::{self, posted};

/// An answer that is being received.
pub struct Answering {
    pub answer: Answer,
    /// Set if it is an error.
    error: Option<PostedError>,
    content_type: String,
    /// It is passed on while it arrives: to this caller, who may be gone.
    is_stream: bool,
    caller: Option<Key>,
    /// The caller has missed a part.
    has_missed: bool,
}

/// The head of a posted error.
pub struct PostedError {
    error_type: String,
    content_type: String,
}

impl PostedError {
    /// The error that this request begins.
    pub fn of(request: &Request) -> PostedError {
        let error_type = request.header(posted::ERROR_TYPE);
        PostedError {
            error_type: error_type.unwrap_or_default().to_string(),
            content_type: content_type(request),
        }
    }

    /// The outcome, once the body is complete.
    pub fn outcome(&self, body: Body) -> Outcome {
        posted::error(&self.error_type, &self.content_type, body)
    }
}

fn content_type(request: &Request) -> String {
    let content_type = request.header("Content-Type");
    content_type.unwrap_or("application/json").to_string()
}

impl Engine {
    /// The head of an answer to this id is complete.
    pub fn begin_answer(&mut self, key: Key, place: Key, id: &str, error: Option<PostedError>) {
        let now = self.now;
        let Some((_, request)) = self.runtime_request(key) else {
            return;
        };
        let header = |name| request.header(name).map(str::to_string);
        let attempt_id = header("Lambda-Runtime-Invocation-Id");
        let mode = header("Lambda-Runtime-Function-Response-Mode");
        let content_type = content_type(request);
        let Some(environment) = self.environments.get_mut(place) else {
            return;
        };
        let begun = environment.state.begin_answer(id, attempt_id.as_deref());
        let answer = match begun {
            Ok(answer) => answer,
            Err(refusal) => return self.refuse(key, refusal),
        };
        // The event then stays in this phase until its timeout, as in AWS's emulator.
        if let Some(mode) = mode.filter(|mode| mode != "streaming") {
            return self.reply_error(key, 400, "InvalidFunctionResponseMode", &mode);
        }
        let is_stream = answer.invocation.request.is_stream && error.is_none();
        let mut calls = environment.calls.iter();
        let call = calls.find(|call| call.request.id == id);
        let caller = call.and_then(|call| match call.reply_to {
            ReplyTo::Caller(caller) => Some(caller),
            _ => None,
        });
        let answering = Answering {
            answer,
            error,
            content_type,
            is_stream,
            caller: caller.filter(|_| is_stream),
            has_missed: false,
        };
        if let Some(runtime) = self.runtime(key) {
            runtime.state = State::Answering(Box::new(answering));
            let plan = match is_stream {
                true => BodyPlan::Stream,
                false => BodyPlan::Keep(PAYLOAD_BYTES_MAX),
            };
            runtime.connection.begin_body(plan, now);
        }
    }

    /// A part of a streamed body.
    pub fn handle_part(&mut self, key: Key, part: &[u8]) {
        let Some(runtime) = self.runtime(key) else {
            return;
        };
        let State::Answering(answering) = &mut runtime.state else {
            return;
        };
        let Some(caller) = answering.caller else {
            return;
        };
        let request = answering.answer.invocation.request.clone();
        let sent = self.send_part(caller, &request, part);
        let Some(runtime) = self.runtime(key) else {
            return;
        };
        match sent {
            Sent::Yes => {}
            Sent::Full => runtime.connection.is_paused = true,
            // The response is read to its end nevertheless.
            Sent::No => {
                if let State::Answering(answering) = &mut runtime.state {
                    answering.caller = None;
                    answering.has_missed = true;
                }
            }
        }
        self.update(key);
    }

    /// A caller has accepted bytes: whoever answers it may go on.
    pub fn output_flushed(&mut self, caller: Key) {
        if self.connection(caller).is_some_and(|it| it.unsent() > 0) {
            return;
        }
        let paused = self.endpoints.iter().find(|(_, endpoint)| match endpoint {
            Endpoint::Runtime(runtime) => match &runtime.state {
                State::Answering(answering) => {
                    runtime.connection.is_paused && answering.caller == Some(caller)
                }
                _ => false,
            },
            _ => false,
        });
        if let Some((key, _)) = paused
            && let Some(connection) = self.connection(key)
        {
            connection.is_paused = false;
            self.resumable.push(key);
        }
    }

    /// An answer is complete.
    pub fn finish_answer(&mut self, key: Key, place: Key, answering: Answering, body: Body) {
        let is_too_large = !answering.is_stream && body.length > PAYLOAD_BYTES_MAX as u64;
        let outcome = match &answering.error {
            _ if is_too_large => Outcome::too_large(),
            // The caller missed a part.
            _ if answering.has_missed => {
                Outcome::truncated(&answering.answer.invocation.request.id)
            }
            Some(error) => error.outcome(body),
            None => posted::response(&answering.content_type, body),
        };
        let Some(environment) = self.environments.get_mut(place) else {
            return;
        };
        let finished = environment.state.finish_answer(&answering.answer, outcome);
        self.settle(place);
        match finished {
            Err(refusal) => self.refuse(key, refusal),
            Ok(()) if is_too_large => self.reply_error(
                key,
                413,
                "RequestEntityTooLarge",
                &format!("Exceeded maximum allowed payload size ({PAYLOAD_BYTES_MAX} bytes)."),
            ),
            Ok(()) => self.reply(key, runtime_api::accepted()),
        }
    }

    /// A body is complete.
    pub fn handle_body(&mut self, key: Key, body: Body) {
        match self.endpoints.get(key) {
            Some(Endpoint::Caller(_)) => self.handle_caller_body(key, body),
            Some(Endpoint::Runtime(_)) => self.handle_runtime_body(key, body),
            _ => {}
        }
    }
}
