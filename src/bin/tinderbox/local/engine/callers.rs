//! Requests of callers: read, checked, turned into calls; and what callers get back.

use std::sync::Arc;

use super::{Endpoint, Engine, Key};
use crate::local::budget::Share;
use crate::local::call::{Call, ReplyTo};
use crate::local::functions_api::{Functions, ManageCall};
use crate::local::guard;
use crate::local::http::{Body, BodyPlan, Connection, Reply};
use crate::local::invocation::InvokeRequest;
use crate::local::invoke_api::{self, ApiError, InvocationType, InvokeCall, Operation};
use crate::local::outcome::Outcome;

/// A connection of a caller.
pub struct Caller {
    pub connection: Connection,
    state: State,
}

enum State {
    /// Between requests, or a reply is on its way.
    Idle,
    /// A body is being read.
    Reading(Box<InvokeCall>, Share),
    /// The body of a management call is being read.
    Managing(Box<ManageCall>, Share),
    /// The outcome is awaited.
    Waiting,
    /// A response stream has begun.
    Streaming,
}

/// What becomes of a part of a response stream.
pub enum Sent {
    Yes,
    /// The caller is slow: no more for now.
    Full,
    /// The caller is gone.
    No,
}

/// Above as many unsent bytes a caller of a response stream is slow.
const UNSENT_BYTES_MAX: usize = 256 * 1024;

impl Caller {
    pub fn new(connection: Connection) -> Caller {
        Caller {
            connection,
            state: State::Idle,
        }
    }
}

impl Engine {
    fn caller(&mut self, key: Key) -> Option<&mut Caller> {
        match self.endpoints.get_mut(key)? {
            Endpoint::Caller(caller) => Some(caller),
            _ => None,
        }
    }

    /// A head is complete: it is refused, or its body is read.
    pub fn handle_call(&mut self, key: Key) {
        let now = self.now;
        let (events, bound) = (self.events.clone(), self.bound.clone());
        let Some(caller) = self.caller(key) else {
            return;
        };
        let Some(request) = caller.connection.request() else {
            return;
        };
        if let Some(bound) = &bound
            && let Err(forbidden) = guard::check(request, bound)
        {
            self.notices.log("Invoke API", &forbidden.text, now);
            return self.reply(key, forbidden.reply());
        }
        let call = match invoke_api::route(request) {
            Ok(Operation::Invoke(call)) => call,
            Ok(Operation::Manage(call)) => return self.begin_management(key, call),
            Err(error) => return self.reply(key, error.reply()),
        };
        let limit = invoke_api::event_limit(call.invocation_type);
        let Some(share) = events.reserve(request.stored_body_bytes_max(limit)) else {
            return self.reply(key, ApiError::too_many_requests().reply());
        };
        caller.state = State::Reading(Box::new(call), share);
        caller.connection.begin_body(BodyPlan::Keep(limit), now);
    }

    /// A body is complete.
    pub fn handle_caller_body(&mut self, key: Key, body: Body) {
        let format = self.options.event_format;
        let Some(caller) = self.caller(key) else {
            return;
        };
        let (call, mut share) = match std::mem::replace(&mut caller.state, State::Idle) {
            State::Reading(call, share) => (call, share),
            State::Managing(call, share) => {
                self.manage(key, &call, &body);
                return drop(share);
            }
            State::Idle | State::Waiting | State::Streaming => return,
        };
        share.shrink_to(body.bytes.len());
        let request = invoke_api::invoke_request(&call, body, format);
        let resolved = request.and_then(|mut request| {
            let pool = self.pool_for(&call.function, &mut request)?;
            Ok((pool, request))
        });
        let (pool, request) = match resolved {
            Ok(resolved) => resolved,
            Err(error) => return self.reply(key, error.reply()),
        };
        let kind = call.invocation_type;
        let immediate = || invoke_api::immediate_reply(kind, &request.id, &request.trace_id);
        match kind {
            InvocationType::DryRun => {
                let reply = immediate();
                self.reply(key, reply);
            }
            InvocationType::Event | InvocationType::InvokeAsync => {
                let reply = immediate();
                self.submit_event(key, pool, request, (share, reply));
            }
            InvocationType::RequestResponse | InvocationType::ResponseStream => {
                self.submit_call(key, pool, request, share);
            }
        }
    }

    fn begin_management(&mut self, key: Key, call: ManageCall) {
        let now = self.now;
        let events = self.events.clone();
        let limit = Functions::body_bytes_max(&call);
        let Some(caller) = self.caller(key) else {
            return;
        };
        let Some(request) = caller.connection.request() else {
            return;
        };
        let Some(share) = events.reserve(request.stored_body_bytes_max(limit)) else {
            return self.reply(key, ApiError::too_many_requests().reply());
        };
        caller.state = State::Managing(Box::new(call), share);
        caller.connection.begin_body(BodyPlan::Keep(limit), now);
    }

    fn manage(&mut self, key: Key, call: &ManageCall, body: &Body) {
        if body.length > Functions::body_bytes_max(call) as u64 {
            return self.reply(key, Functions::body_too_large(call));
        }
        let (reply, change) = self.functions.manage(call, &body.bytes);
        if let Some(change) = change {
            self.apply_change(&change);
        }
        self.reply(key, reply);
    }

    fn submit_event(
        &mut self,
        key: Key,
        pool: Key,
        request: InvokeRequest,
        (share, reply): (Share, Reply),
    ) {
        let Some(queued) = self.queue.reserve(request.event.len()) else {
            return self.reply(key, ApiError::too_many_requests().reply());
        };
        let call = Call::new(Arc::new(request), ReplyTo::Nobody, vec![share, queued]);
        if let Some(found) = self.pools.get_mut(pool) {
            found.events.push_back((None, call));
        }
        self.changed.push(pool);
        self.reply(key, reply);
    }

    fn submit_call(&mut self, key: Key, pool: Key, request: InvokeRequest, share: Share) {
        if self.is_at_limit(pool) {
            return self.reply(key, ApiError::function_is_busy().reply());
        }
        if self.shutdown.is_some() {
            return self.reply(key, ApiError::stopping().reply());
        }
        if let Some(caller) = self.caller(key) {
            caller.state = State::Waiting;
        }
        let call = Call::new(Arc::new(request), ReplyTo::Caller(key), vec![share]);
        if let Some(found) = self.pools.get_mut(pool) {
            found.waiting.push_back(call);
        }
        self.changed.push(pool);
    }

    /// Sends a part of a response stream, which begins with the first one.
    pub fn send_part(&mut self, key: Key, request: &InvokeRequest, part: &[u8]) -> Sent {
        let now = self.now;
        let Some(caller) = self.caller(key) else {
            return Sent::No;
        };
        start_stream(caller, request, now);
        let frame = invoke_api::stream_chunk(part);
        caller.connection.send_chunk(frame, now);
        let is_full = caller.connection.unsent() > UNSENT_BYTES_MAX;
        self.update(key);
        match (self.connection(key).is_some(), is_full) {
            (false, _) => Sent::No,
            (true, true) => Sent::Full,
            (true, false) => Sent::Yes,
        }
    }

    /// Sends the outcome to a caller, who may be gone.
    pub fn send_outcome(
        &mut self,
        key: Key,
        request: &InvokeRequest,
        outcome: Outcome,
        tail: Option<&[u8]>,
    ) {
        let now = self.now;
        let Some(caller) = self.caller(key) else {
            return;
        };
        if matches!(caller.state, State::Idle | State::Reading(..)) {
            return;
        }
        if request.is_stream {
            start_stream(caller, request, now);
            let frame = invoke_api::stream_end(&outcome, tail);
            caller.connection.send_chunk(frame, now);
            caller.connection.finish_chunks(now);
        } else {
            caller.connection.reply(
                invoke_api::outcome_reply(outcome, request.executed(), tail),
                now,
            );
        }
        caller.state = State::Idle;
        self.replied(key);
    }

    /// Refuses a call that waits or whose answer has begun.
    pub fn refuse_call(&mut self, key: Key, request: &InvokeRequest, error: &ApiError) {
        match self.caller(key).map(|caller| &caller.state) {
            Some(State::Waiting) => {
                self.reply(key, error.reply());
                if let Some(caller) = self.caller(key) {
                    caller.state = State::Idle;
                }
            }
            Some(State::Streaming) => {
                let outcome = Outcome::service_error(&error.text);
                self.send_outcome(key, request, outcome, None);
            }
            _ => {}
        }
    }
}

fn start_stream(caller: &mut Caller, request: &InvokeRequest, now: std::time::Instant) {
    if matches!(caller.state, State::Waiting) {
        let head = invoke_api::stream_head(request.executed());
        caller.connection.start_chunks(&head, now);
        caller.state = State::Streaming;
    }
}
