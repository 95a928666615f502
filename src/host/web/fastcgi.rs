//! `fastcgi:`: PHP's FastCGI server, which is started once. Events become FastCGI requests to it.
//!
//! php-fpm is two processes. When its worker crashes, the connection breaks and the event fails,
//! and the next one gets a connection to a new worker; when the server itself exits, or is too
//! late, it is killed with its worker and started again, as every persistent process is.

mod answer;
mod body;
mod opcache;
mod params;
mod script;
pub mod server;
mod start;
mod variables;

use crate::buffer::FixedBytes;
use crate::host::deadline::Deadline;
use crate::host::errors::set;
use crate::host::paths::strip_nul;
use crate::host::protocol::{ChildSetup, Event, EventError, Link, ProcessError, Protocol};
use crate::host::receive::ExchangeError;
use crate::host::resolve::base_of;
use crate::host::web::exchange::Exchange;
use crate::host::web::reply::{Reply, ReplyTo, write_own_answer, write_to};
use crate::host::web::static_files::{Served, StaticFiles};
use crate::host::web::{Incoming, Memory, Web};
use crate::http_event::{AnswerHead, HttpEvent};
use crate::limits::PATH_BYTES_MAX;
use crate::response::Response;
use crate::sys::ipc::Direction;
use crate::sys::{Descriptor, Environment, monotonic_ms};
use crate::wire::http1::HeaderLines;
use crate::wire::{find_from, slice_or_empty, uri};
use answer::{AnswerError, Ended, read_answer};
use body::{StdinRecords, write_body};
use params::Params;
use script::{Route, Scripts};
use server::PhpServer;
use start::Start;

/// Our side of FastCGI.
pub struct FastCgi {
    web: Web,
    server: PhpServer,
    files: StaticFiles,
    scripts: Scripts,
    start: Start,
    /// The path of the current request, decoded.
    path: FixedBytes<PATH_BYTES_MAX>,
}

/// How long the log of php-fpm is waited for that says why a worker has crashed, in milliseconds.
const CRASH_LOG_MS: u64 = 20;

/// What becomes of a request.
enum Staged {
    /// It is to be sent.
    Request,
    /// The response has its answer.
    Answered,
}

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
            scripts: Scripts::new(environment, path),
            start: Start::new(),
            path: FixedBytes::new(),
        }
    }

    /// Writes a request of an event into the memory of requests, or its answer, where it needs no
    /// script.
    fn stage_request(
        &mut self,
        event: &Event<'_>,
        request: &HttpEvent<'_>,
        response: &mut Response,
    ) -> Result<Staged, EventError> {
        let prefix = self.web.settings.strip_prefix.as_bytes();
        let raw = &mut self.web.memory.request_head;
        raw.set(b"");
        request.write_path(prefix, &mut |piece| raw.push(piece));
        let route = decode_route(&self.scripts, raw.as_bytes(), &mut self.path);
        let source = request.source();
        match route {
            Route::NotFound => {
                write_own_answer(source, 404, b"", response);
                return Ok(Staged::Answered);
            }
            Route::AddSlash => {
                self.redirect(request, response);
                return Ok(Staged::Answered);
            }
            Route::File => {
                let served = self.files.serve(&mut self.web, request, response)?;
                if served == Served::Yes {
                    return Ok(Staged::Answered);
                }
            }
            _ => {}
        }
        let Web { settings, memory } = &mut self.web;
        let prefix = settings.strip_prefix.as_bytes();
        let mut params = Params::new(&mut memory.request_head);
        variables::write_script(&mut params, &self.scripts, self.path.as_bytes(), &route);
        variables::write_target(
            &mut params,
            &mut |write| request.write_path(prefix, write),
            &mut |write| request.write_query(write),
        );
        variables::write_request(&mut params, request);
        let body = request.body();
        variables::write_content_length(&mut params, body.len_bytes());
        variables::write_contexts(&mut params, event, request.request_context());
        let (status, fault): (u16, &[u8]) = if !params.finish() {
            (431, b"the request line and the headers are too long")
        } else if !write_body(&mut memory.request_body, body) {
            (400, b"the body is not valid base64")
        } else {
            return Ok(Staged::Request);
        };
        write_own_answer(source, status, fault, response);
        Ok(Staged::Answered)
    }

    /// Answers with the path of a folder, and the slash that is missing at its end.
    fn redirect(&mut self, request: &HttpEvent<'_>, response: &mut Response) {
        let Web { settings, memory } = &mut self.web;
        let lines = &mut memory.answer_head;
        lines.set(b"Location: /");
        let mut is_front = true;
        request.write_path(settings.strip_prefix.as_bytes(), &mut |piece| {
            let mut piece = piece;
            // Two slashes would begin the name of another host.
            while is_front && let Some(rest) = piece.strip_prefix(b"/") {
                piece = rest;
            }
            is_front &= piece.is_empty();
            lines.push(piece);
        });
        let mut separator: &[u8] = b"/?";
        request.write_query(&mut |piece| {
            lines.push(core::mem::take(&mut separator));
            lines.push(piece);
        });
        lines.push(slice_or_empty(separator, 0, 1));
        lines.push(b"\r\n");
        let head = AnswerHead {
            status: 301,
            lines: HeaderLines::without_start_line(lines.as_bytes()),
        };
        write_to(request.source(), &head, b"", response);
    }

    /// Writes a request of our own into the memory of requests: to a path with a query, with a body
    /// in JSON. False: it does not fit.
    fn stage_own_request(&mut self, event: Option<(&Event<'_>, &[u8])>) -> bool {
        let Web { settings, memory } = &mut self.web;
        let target = match event {
            Some(_) => settings.events_path.as_bytes(),
            None => settings.ready_path.as_bytes(),
        };
        let end = find_from(target, 0, b'?').min(target.len());
        let path = slice_or_empty(target, 0, end);
        let route = decode_route(&self.scripts, path, &mut self.path);
        let mut params = Params::new(&mut memory.request_head);
        variables::write_script(&mut params, &self.scripts, self.path.as_bytes(), &route);
        variables::write_target(&mut params, &mut |write| write(path), &mut |write| {
            write(slice_or_empty(target, end + 1, target.len()));
        });
        let method: &[u8] = if event.is_some() { b"POST" } else { b"GET" };
        for (name, value) in [
            (&b"REQUEST_METHOD"[..], method),
            (b"SERVER_PROTOCOL", b"HTTP/1.1"),
            (b"REMOTE_ADDR", b"127.0.0.1"),
            (b"SERVER_NAME", b"localhost"),
            (b"SERVER_PORT", b"80"),
            (b"REQUEST_SCHEME", b"http"),
            (b"HTTP_HOST", b"localhost"),
        ] {
            params.text(name, value);
        }
        let mut body: &[u8] = b"";
        if let Some((event, bytes)) = event {
            body = bytes;
            params.text(b"CONTENT_TYPE", b"application/json");
            variables::write_content_length(&mut params, body.len());
            variables::write_contexts(&mut params, event, b"");
        }
        let mut records = StdinRecords::new(&mut memory.request_body, body.len());
        records.push(body);
        params.finish() && records.finish()
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
        } = &mut *self.web.memory;
        let request = [request_head.as_bytes(), request_body.as_bytes()];
        let unsent = send(&self.server, link, request)?;
        let mut reply = Reply::new(to, &self.web.settings, answer_head, answer_body, response);
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
                let error_type = set(response, "Runtime.MalformedResponse", &message);
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

/// Decides what a path means that is encoded, and decodes it. One that is too long for a file is
/// the front controller's.
fn decode_route(scripts: &Scripts, raw: &[u8], path: &mut FixedBytes<PATH_BYTES_MAX>) -> Route {
    let mut fits = true;
    path.set(b"");
    uri::decode(raw, &mut |piece| fits &= path.try_push(piece));
    if fits {
        scripts.route(path.as_bytes())
    } else {
        Route::FrontController
    }
}

/// Sends the first part of a request, over the connection that is open, or over a new one where it
/// is closed: a Unix socket tells that before anything is sent. Returns the rest of the request.
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
