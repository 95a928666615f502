//! Requests of bootstraps: the Runtime API, version 2018-06-01, as AWS's classic server answers it,
//! and the Extensions API, version 2020-01-01, for internal extensions that register for no events.

use serde_json::{Value, json};

use super::answers::{Answering, PostedError};
use super::{Endpoint, Engine, Key};
use crate::clock;
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::local::environment::{NextReply, Refusal};
use crate::local::http::{Body, BodyPlan, Connection, Reply, Request};
use crate::local::invocation::Invocation;
use crate::local::log::Status;
use crate::local::peer::Verdict;
use crate::local::runtime_api::{self, Route};

/// A connection of a bootstrap.
pub struct Runtime {
    pub connection: Connection,
    pub environment: Key,
    pub state: State,
    /// Whether its other end is of the bootstrap's tree.
    verdict: Verdict,
}

pub enum State {
    /// Between requests.
    Idle,
    /// It waits in `/next`, or for the exit of the process.
    Waiting,
    /// The body of an answer is being read.
    Answering(Box<Answering>),
    /// The body of an init error of this process is being read.
    InitError(u64, PostedError),
    /// The body of a registration is being read; whether it names the extension.
    Registering(bool),
}

impl Runtime {
    pub fn new(connection: Connection, environment: Key, verdict: Verdict) -> Runtime {
        Runtime {
            verdict,
            connection,
            environment,
            state: State::Idle,
        }
    }

    /// Whether it waits for an event or for the exit of the process.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting)
    }
}

impl Engine {
    pub fn runtime(&mut self, key: Key) -> Option<&mut Runtime> {
        match self.endpoints.get_mut(key)? {
            Endpoint::Runtime(runtime) => Some(runtime),
            _ => None,
        }
    }

    /// The environment of a connection, and the connection's current request.
    pub fn runtime_request(&self, key: Key) -> Option<(Key, &Request)> {
        match self.endpoints.get(key)? {
            Endpoint::Runtime(runtime) => {
                Some((runtime.environment, runtime.connection.request()?))
            }
            _ => None,
        }
    }

    pub fn handle_runtime_request(&mut self, key: Key) {
        let Some(Endpoint::Runtime(runtime)) = self.endpoints.get(key) else {
            return;
        };
        let Some(request) = runtime.connection.request() else {
            return;
        };
        let place = runtime.environment;
        if let Err(forbidden) = self.clients.check(runtime.verdict, request) {
            return self.reply(key, forbidden.runtime_reply());
        }
        let Some(environment) = self.environments.get(place) else {
            return self.close(key);
        };
        match runtime_api::route(request, environment.settings().snapstart) {
            Route::Ping => self.reply(key, Reply::text(200, "pong")),
            Route::Next => self.handle_next(key, place),
            Route::Response(id) => self.begin_answer(key, place, &id, None),
            Route::Error(id) => {
                let error = PostedError::of(request);
                self.begin_answer(key, place, &id, Some(error));
            }
            Route::InitError => self.begin_init_error(key, place, false),
            Route::RestoreError => self.begin_init_error(key, place, true),
            Route::Restore => self.handle_restore(key, place),
            Route::Register => self.begin_registration(key),
            Route::ExtensionNext => self.handle_extension_next(key, place),
            Route::Refused(status, text) => self.reply(key, Reply::text(status, text)),
        }
    }

    fn handle_next(&mut self, key: Key, place: Key) {
        let now = self.now;
        let Some(environment) = self.environments.get_mut(place) else {
            return;
        };
        match environment.state.request_next(now) {
            NextReply::Event(invocation) => return self.send_event(key, &invocation),
            NextReply::Refused(refusal) => return self.refuse(key, refusal),
            NextReply::Waiting(waiter) => environment.waiting.push((waiter, key)),
        }
        let pool = environment.pool;
        if let Some(runtime) = self.runtime(key) {
            runtime.state = State::Waiting;
        }
        self.settle(place);
        self.changed.push(pool);
    }

    /// Sends an event to a connection that has requested one.
    pub fn send_event(&mut self, key: Key, invocation: &Invocation) {
        if let Some(runtime) = self.runtime(key) {
            runtime.state = State::Idle;
            self.reply(key, runtime_api::event_reply(invocation));
        }
    }

    fn begin_init_error(&mut self, key: Key, place: Key, is_restore: bool) {
        let now = self.now;
        let Some(environment) = self.environments.get_mut(place) else {
            return;
        };
        let begun = match is_restore {
            true => environment.state.begin_restore_error(),
            false => environment.state.begin_init_error(),
        };
        let generation = match begun {
            Ok(generation) => generation,
            Err(refusal) => return self.refuse(key, refusal),
        };
        if let Some(runtime) = self.runtime(key)
            && let Some(request) = runtime.connection.request()
        {
            runtime.state = State::InitError(generation, PostedError::of(request));
            runtime
                .connection
                .begin_body(BodyPlan::Keep(PAYLOAD_BYTES_MAX), now);
        }
    }

    /// A body is complete.
    pub fn handle_runtime_body(&mut self, key: Key, body: Body) {
        let Some(runtime) = self.runtime(key) else {
            return;
        };
        let place = runtime.environment;
        match std::mem::replace(&mut runtime.state, State::Idle) {
            State::Answering(answering) => self.finish_answer(key, place, *answering, body),
            State::InitError(generation, error) => {
                if let Some(environment) = self.environments.get_mut(place) {
                    let outcome = error.outcome(body);
                    environment.state.finish_init_error(generation, outcome);
                }
                self.reply(key, runtime_api::accepted());
            }
            State::Registering(has_name) => self.register(key, place, has_name, &body),
            State::Idle | State::Waiting => {}
        }
    }

    /// Connections do not survive a snapshot, so this one is closed after the reply.
    fn handle_restore(&mut self, key: Key, place: Key) {
        let now = self.now;
        let Some(environment) = self.environments.get_mut(place) else {
            return;
        };
        match environment.state.restore_snapshot(now) {
            Ok(init) => {
                self.log_init_end(place, Status::Success, init);
                if let Some(runtime) = self.runtime(key) {
                    runtime.connection.is_retired = true;
                }
                self.reply(key, Reply::text(200, ""));
                self.settle(place); // the init timeout starts again
            }
            Err(refusal) => self.refuse(key, refusal),
        }
    }

    fn begin_registration(&mut self, key: Key) {
        let now = self.now;
        if let Some(runtime) = self.runtime(key)
            && let Some(request) = runtime.connection.request()
        {
            let has_name = request.header("Lambda-Extension-Name").is_some();
            runtime.state = State::Registering(has_name);
            runtime
                .connection
                .begin_body(BodyPlan::Keep(PAYLOAD_BYTES_MAX), now);
        }
    }

    fn register(&mut self, key: Key, place: Key, has_name: bool, body: &Body) {
        if !has_name {
            let text = "Empty extension name";
            return self.reply_error(key, 403, "Extension.InvalidExtensionName", text);
        }
        let fields: Value = serde_json::from_slice(&body.bytes).unwrap_or_default();
        let events = fields["events"].as_array();
        if events.is_none_or(|events| !events.is_empty()) {
            let text = "tinderbox run supports only extensions without events: {\"events\":[]}";
            return self.reply_error(key, 403, "Extension.InvalidEventType", text);
        }
        let identifier = clock::uuid();
        let Some(environment) = self.environments.get_mut(place) else {
            return;
        };
        if let Err(refusal) = environment.state.register_extension(&identifier) {
            return self.refuse(key, refusal);
        }
        let settings = environment.settings();
        let body = json!({
            "functionName": settings.function_name,
            "functionVersion": settings.version,
            "handler": settings.handler,
        });
        let reply =
            Reply::json(200, &body).with_header(runtime_api::EXTENSION_IDENTIFIER, identifier);
        self.reply(key, reply);
    }

    /// An extension without events waits for the exit of the process.
    fn handle_extension_next(&mut self, key: Key, place: Key) {
        let Some((_, request)) = self.runtime_request(key) else {
            return;
        };
        let identifier = request.header(runtime_api::EXTENSION_IDENTIFIER);
        let identifier = identifier.map(str::to_string);
        let Some(environment) = self.environments.get_mut(place) else {
            return;
        };
        if !environment.state.is_extension(identifier.as_deref()) {
            let text = "Unknown extension identifier";
            return self.reply_error(key, 403, "Extension.UnknownExtensionIdentifier", text);
        }
        if let Some(runtime) = self.runtime(key) {
            runtime.state = State::Waiting;
        }
    }

    pub fn refuse(&mut self, key: Key, refusal: Refusal) {
        match refusal {
            Refusal::UnknownId => {
                self.reply_error(key, 400, "InvalidRequestID", "Invalid request ID");
            }
            Refusal::Phase(text) => self.reply_error(key, 403, "InvalidStateTransition", &text),
            Refusal::TimedOut => {
                let text = "The invocation timed out before this answer";
                self.reply_error(key, 410, "InvokeTimeout", text);
            }
            Refusal::Gone => self.close(key),
        }
    }

    pub fn reply_error(&mut self, key: Key, status: u16, error_type: &str, text: &str) {
        self.reply(key, runtime_api::error_reply(status, error_type, text));
    }

    /// Closes a connection of a bootstrap: what it was sending is cut.
    pub fn close_runtime(&mut self, key: Key) {
        let Some(Endpoint::Runtime(runtime)) = self.endpoints.remove(key) else {
            return;
        };
        let place = runtime.environment;
        let Some(environment) = self.environments.get_mut(place) else {
            return;
        };
        if let State::Answering(answering) = &runtime.state {
            environment.state.abort_answer(&answering.answer);
        }
        environment.connection_closed(key);
        self.settle(place);
    }
}
