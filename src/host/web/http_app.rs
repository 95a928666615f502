//! `http:`: a web server that is started once. Events become HTTP requests to it.
//!
//! | variable | meaning |
//! |---|---|
//! | `PORT` | where it listens on 127.0.0.1; without it, 8080 if that is free, else another one |
//! | `TINDERBOX_SOCKET` | the path of the Unix socket on which it listens instead |
//!
//! It gets both, and `AWS_LAMBDA_HTTP_ENDPOINT`. In a pool each process has a server of its
//! own: its port is free then whatever `PORT` has, and its socket has the number of the process
//! behind its path.

use crate::buffer::FixedBytes;
use crate::diagnostics::diagnostic_by_deadline;
use crate::failure::Failure;
use crate::host::deadline::Deadline;
use crate::host::errors::set;
use crate::host::protocol::{ChildSetup, Event, EventError, Link, ProcessError, Protocol};
use crate::host::web::exchange::Exchange;
use crate::host::web::http_answer::{Answer, Fault, read_answer};
use crate::host::web::http_request::{is_safe, write_event_request, write_request};
use crate::host::web::reply::{Reply, ReplyTo};
use crate::host::web::upstream::Upstream;
use crate::host::web::{Incoming, Memory, Web};
use crate::http_event::Body;
use crate::response::Response;
use crate::sys::{Descriptor, Environment};
use crate::wire::number::Decimal;

/// The time between two requests for `TINDERBOX_READY_PATH`, in microseconds.
const READY_NAP_US: u64 = 10_000;

/// Our side of HTTP.
pub struct HttpApp {
    web: Web,
    upstream: Upstream,
}

impl HttpApp {
    /// Not started.
    ///
    /// # Errors
    /// The init error: a variable is wrong.
    pub fn new(web: Web, environment: &Environment) -> Result<HttpApp, &'static Failure> {
        Ok(HttpApp {
            web,
            upstream: Upstream::read(environment)?,
        })
    }

    /// Asks `TINDERBOX_READY_PATH` until the server answers, and not with an error of its own.
    fn ask_until_ready(
        &mut self,
        link: &mut Link,
        deadline: &Deadline,
    ) -> Result<(), ProcessError> {
        let mut is_logged = false;
        loop {
            let status = match self.ask_once(link, deadline) {
                Ok(..500) => return Ok(()),
                Ok(status) => status,
                Err(Fault::Process(error)) => return Err(error),
                Err(_) => 0,
            };
            if !core::mem::replace(&mut is_logged, true) {
                diagnostic_by_deadline(
                    b"TINDERBOX_READY_PATH is asked until its status is below 500 (0: no answer): ",
                    Decimal::new(status.into()).as_bytes(),
                );
            }
            if deadline.has_passed() {
                return Err(ProcessError::TimedOut);
            }
            if link.process.nap(READY_NAP_US) {
                return Err(ProcessError::Exited);
            }
        }
    }

    /// The status of the answer to a GET of `TINDERBOX_READY_PATH`.
    fn ask_once(&mut self, link: &mut Link, deadline: &Deadline) -> Result<u16, Fault> {
        if link.channel.socket().is_none() {
            self.upstream.wait_until_listening(link, deadline)?;
        }
        let head = &mut self.web.memory.request_head;
        head.set(b"GET ");
        head.push(self.web.settings.ready_path.as_bytes());
        head.push(b" HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let mut exchange = Exchange::new(link, deadline, [head.as_bytes(), b""]);
        let outcome = read_answer(&mut exchange, false, None);
        close_unless_reusable(&outcome, link);
        outcome.map(|answer| answer.status)
    }

    /// Sends a request, and reads the answer. Where a keep-alive connection breaks before anything
    /// of the answer has come, a request that is repeatable is sent once more, on a new one: the
    /// server may have closed that one meanwhile.
    #[inline(never)] // a frame of its own is smaller code
    fn ask(
        upstream: &mut Upstream,
        (link, deadline): (&mut Link, &Deadline),
        request: [&[u8]; 2],
        is_repeatable: bool,
        reply: &mut Reply<'_>,
    ) -> Result<(), Fault> {
        let is_head = reply.is_to_head();
        let is_reused = upstream.ensure_connected(link, deadline)?;
        let mut exchange = Exchange::new(link, deadline, request);
        let mut outcome = read_answer(&mut exchange, is_head, Some(reply));
        close_unless_reusable(&outcome, link);
        if let Err(Fault::NoAnswer) = outcome
            && is_reused
            && is_repeatable
            && !link.process.has_exited()
        {
            match upstream.connect(link, deadline) {
                // It is about to exit, because of this request perhaps.
                Err(ProcessError::Unreachable) => return Err(Fault::NoAnswer),
                connected => connected?,
            }
            let mut exchange = Exchange::new(link, deadline, request);
            outcome = read_answer(&mut exchange, is_head, Some(reply));
            close_unless_reusable(&outcome, link);
        }
        outcome.map(drop)
    }
}

fn close_unless_reusable(outcome: &Result<Answer, Fault>, link: &mut Link) {
    if !outcome.as_ref().is_ok_and(|answer| answer.keeps_connection) {
        link.channel.close();
    }
}

/// The error of an event whose answer is none.
fn report(
    fault: Fault,
    (link, deadline): (&mut Link, &Deadline),
    response: &mut Response,
) -> EventError {
    let message: [&[u8]; 3] = match &fault {
        Fault::Process(error) => return EventError::Process(*error),
        Fault::NoAnswer | Fault::CutShort if link.process.exits_within_grace(deadline) => {
            return EventError::Process(ProcessError::Exited);
        }
        Fault::NoAnswer => [
            b"the application closed the connection before it answered",
            b"",
            b"",
        ],
        Fault::CutShort => [
            b"the application closed the connection before the end of its answer",
            b"",
            b"",
        ],
        Fault::SwitchesProtocols => [
            b"the application answered with the status 101, which changes the protocol",
            b"",
            b"",
        ],
        Fault::Malformed(error, bytes) => [
            b"the application's answer is no HTTP/1.1, malformed is the ",
            error.part(),
            bytes.as_bytes(),
        ],
    };
    EventError::Reported(set(response, "Runtime.BadHttp", &message))
}

impl Protocol for HttpApp {
    fn open(&mut self, setup: &mut ChildSetup) -> Result<Option<Descriptor>, usize> {
        self.upstream
            .prepare(&mut |piece| setup.variables.push(piece))?;
        Ok(None)
    }

    fn wait_until_ready(
        &mut self,
        link: &mut Link,
        deadline: &Deadline,
    ) -> Result<(), ProcessError> {
        if link.channel.socket().is_none() {
            self.upstream.wait_until_listening(link, deadline)?;
        }
        if self.web.settings.ready_path.as_bytes().is_empty() {
            return Ok(());
        }
        let outcome = self.ask_until_ready(link, deadline);
        if outcome.is_err() {
            link.channel.close();
        }
        outcome
    }

    fn handle_event(
        &mut self,
        event: &mut Event<'_>,
        link: &mut Link,
        response: &mut Response,
    ) -> Result<(), EventError> {
        let (invocation, deadline) = (event.invocation, event.deadline);
        let incoming = self.web.read_event(invocation, deadline, response)?;
        let Web { settings, memory } = &mut self.web;
        let Memory {
            request_head,
            request_body,
            answer_head,
            answer_body,
            ..
        } = &mut **memory;
        let (to, is_repeatable, body) = match &incoming {
            Incoming::Answered => return Ok(()),
            Incoming::Event(body) => {
                let path = settings.events_path.as_bytes();
                write_event_request(path, body.len(), invocation, deadline, request_head);
                (ReplyTo::Event, false, *body)
            }
            Incoming::Request(request) => {
                let source = request.source();
                let Some(body) = decode_body(request.body(), request_body) else {
                    let why = b"the body is no valid base64";
                    settings.write_own_answer(source, 400, why, response);
                    return Ok(());
                };
                let prefix = settings.strip_prefix.as_bytes();
                let fits = write_request(
                    request,
                    body.len(),
                    prefix,
                    (invocation, deadline),
                    request_head,
                );
                if !fits {
                    let why = b"target and headers are longer than 262144 bytes";
                    settings.write_own_answer(source, 431, why, response);
                    return Ok(());
                }
                let is_head = request.is_head();
                let to = ReplyTo::Request { source, is_head };
                (to, is_safe(request.method()), body)
            }
        };
        let mut reply = Reply::new(to, settings, answer_head, answer_body, response);
        let request = [request_head.as_bytes(), body];
        let upstream = &mut self.upstream;
        match HttpApp::ask(
            upstream,
            (link, deadline),
            request,
            is_repeatable,
            &mut reply,
        ) {
            Ok(()) => reply.finish(),
            Err(fault) => Err(report(fault, (link, deadline), response)),
        }
    }

    fn watches_idle_channel(&self) -> bool {
        false
    }

    fn logs_errors_itself(&self) -> bool {
        false
    }

    fn exit_hint(&self) -> &'static [u8] {
        self.upstream.exit_hint()
    }
}

/// The bytes of a body: as they stand in the event, or decoded into `to`; `None`: it is malformed.
fn decode_body<'a, const N: usize>(body: Body<'a>, to: &'a mut FixedBytes<N>) -> Option<&'a [u8]> {
    if let Some(plain) = body.plain() {
        return Some(plain);
    }
    to.set(b"");
    body.write(&mut |piece| to.push(piece)).ok()?;
    Some(to.as_bytes())
}
