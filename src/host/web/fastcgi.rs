//! `fastcgi:`: PHP's FastCGI server, which is started once. Events become FastCGI requests to it.
//!
//! php-fpm is two processes. When its worker crashes, the connection breaks and the event fails,
//! and the next one gets a connection to a new worker; when the server itself exits, or is too
//! late, it is killed with its worker and started again, as every persistent process is.

mod answer;
mod body;
mod opcache;
mod params;
mod request;
mod script;
pub mod server;
mod start;
mod variables;

use crate::host::deadline::Deadline;
use crate::host::errors::set;
use crate::host::paths::strip_nul;
use crate::host::protocol::{ChildSetup, Event, EventError, Link, ProcessError, Protocol};
use crate::host::receive::ExchangeError;
use crate::host::resolve::base_of;
use crate::host::web::exchange::Exchange;
use crate::host::web::reply::{Reply, ReplyTo};
use crate::host::web::static_files::StaticFiles;
use crate::host::web::{Incoming, Memory, Web};
use crate::response::Response;
use crate::sys::ipc::Direction;
use crate::sys::{Descriptor, Environment, monotonic_ms};
use crate::wire::slice_or_empty;
use answer::{AnswerError, Ended, read_answer};
use request::Staged;
use script::Scripts;
use server::PhpServer;
use start::Start;

/// Our side of FastCGI.
pub struct FastCgi {
    web: Web,
    server: PhpServer,
    files: StaticFiles,
    scripts: Scripts,
    start: Start,
}

/// How long the log of php-fpm is waited for that says why a worker has crashed, in milliseconds.
const CRASH_LOG_MS: u64 = 20;

impl FastCgi {
    /// Not started. The path of the front controller has a NUL at its end.
    pub fn new(
        web: Web,
        server: PhpServer,
        path: &'static [u8],
        environment: &Environment,
    ) -> FastCgi {
        let folder = slice_or_empty(path, 0, base_of(strip_nul(path)).saturating_sub(1));
        FastCgi {
            web,
            server,
            files: StaticFiles::new(environment, folder),
            scripts: Scripts::new(path),
            start: Start::new(),
        }
    }

    /// Sends the request that was staged, and reads its answer.
    fn exchange(
        &mut self,
        to: ReplyTo,
        deadline: &Deadline,
        link: &mut Link,
        response: &mut Response,
    ) -> Result<(), EventError> {
        let Memory {
            request_head,
            request_body,
            answer_head,
            answer_body,
            ..
        } = &mut *self.web.memory;
        let request = [request_head.as_bytes(), request_body.as_bytes()];
        let unsent = send(&self.server, link, request)?;
        let mut reply = Reply::new(to, self.web.settings, answer_head, answer_body, response);
        let mut exchange = Exchange::new(link, deadline, unsent);
        let outcome = read_answer(&mut exchange, &mut reply);
        match outcome {
            Ok(ended) => {
                // What is unread would count for the next request.
                if ended == Ended::Early || link.channel.has_unread() {
                    link.channel.close();
                }
                reply.finish()
            }
            Err(AnswerError::Exchange(ExchangeError::Process(error))) => Err(error.into()),
            Err(AnswerError::Exchange(ExchangeError::Closed)) => {
                link.channel.close();
                self.report_crash(deadline, link, response)
            }
            Err(AnswerError::Script(fault)) => {
                link.channel.close();
                let message = [b"the script has broken the rules of CGI: ", fault];
                let error_type = set(response, "Runtime.BadCgi", &message);
                Err(EventError::Reported(error_type))
            }
        }
    }

    /// The connection is closed: the process is about to exit, or a worker of it has crashed.
    fn report_crash(
        &self,
        deadline: &Deadline,
        link: &mut Link,
        response: &mut Response,
    ) -> Result<(), EventError> {
        let end_ms = monotonic_ms().saturating_add(CRASH_LOG_MS);
        let end_ms = deadline.end_ms().map_or(end_ms, |last| last.min(end_ms));
        let process = &mut link.process;
        let wake = process.wait([None; 2], Direction::Read, &Deadline::at(Some(end_ms)));
        if wake.exited {
            return Err(ProcessError::Exited.into());
        }
        let tail = process.output.tail();
        let separator: &[u8] = if tail.is_empty() { b"" } else { b": " };
        let message = [
            &b"the worker of "[..],
            self.server.name(),
            b" has closed the connection before the end of its answer",
            separator,
            tail,
        ];
        let error_type = set(response, "Runtime.ExitError", &message);
        Err(EventError::Reported(error_type))
    }
}

/// Sends the first part of a request, over the connection that is open, or over a new one where it
/// is closed: the send fails then, on a Unix socket, before anything is sent. Returns the rest of
/// the request.
fn send<'a>(
    server: &PhpServer,
    link: &mut Link,
    request: [&'a [u8]; 2],
) -> Result<[&'a [u8]; 2], ProcessError> {
    if let Some(unsent) = link.channel.try_send(request) {
        return Ok(unsent);
    }
    match server.connect() {
        Some(connection) => link.channel.open(connection),
        None => return Err(ProcessError::Unreachable),
    }
    let sent = link.channel.try_send(request);
    sent.ok_or(ProcessError::Unreachable)
}

impl Protocol for FastCgi {
    #[inline(never)] // a frame of its own is smaller code
    fn open(&mut self, setup: &mut ChildSetup) -> Result<Option<Descriptor>, usize> {
        self.start = Start::new();
        self.server.open(setup).map(Some)
    }

    fn wait_until_ready(
        &mut self,
        link: &mut Link,
        deadline: &Deadline,
    ) -> Result<(), ProcessError> {
        self.start_up(link, deadline)
    }

    fn handle_event(
        &mut self,
        event: &mut Event<'_>,
        link: &mut Link,
        response: &mut Response,
    ) -> Result<(), EventError> {
        let incoming = self
            .web
            .read_event(event.invocation, event.deadline, response)?;
        let to = match incoming {
            Incoming::Answered => return Ok(()),
            Incoming::Request(request) => {
                if let Staged::Answered = self.stage_request(event, &request, response)? {
                    return Ok(());
                }
                ReplyTo::Request {
                    source: request.source(),
                    is_head: request.is_head(),
                }
            }
            Incoming::Event(bytes) => {
                if !self.stage_own_request(Some((event, bytes))) {
                    return Err(ProcessError::ProtocolViolation.into());
                }
                ReplyTo::Event
            }
        };
        self.exchange(to, event.deadline, link, response)
    }

    fn watches_idle_channel(&self) -> bool {
        false
    }

    fn logs_errors_itself(&self) -> bool {
        false
    }
}
