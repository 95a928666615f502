//! The server of the Invoke API (`invoke_api`): connections in, jobs out, one thread a connection.

use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::EventFormat;
use super::budget::Budget;
use super::connections;
use super::dispatch::Job;
use super::functions_api::Resolved;
use super::functions_api::{Functions, ManageCall};
use super::http::{Connection, ConnectionClosed, Request, Timeouts};
use super::invocation::{InvokeRequest, MESSAGES_MAX, Message};
use super::invoke_api::{
    self, ApiError, Executed, InvocationType, InvokeCall, Operation, event_limit,
};
use super::permits::{Evictable, Permits, Rules};
use crate::output::diagnostic;
use crate::sys;

/// The most bytes that the events of all callers may use at once; calls above it are refused.
const EVENTS_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The same for queued asynchronous invocations.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
const QUEUE_COUNT_MAX: usize = 1000;

/// How long a caller may take for a head and for a body, may pause within them, and may leave a
/// connection idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
const BODY_TIMEOUT: Duration = Duration::from_secs(120);
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);

const TIMEOUTS: Timeouts = Timeouts {
    first: Some(HEAD_TIMEOUT),
    idle: Some(IDLE_TIMEOUT),
    head: Some(HEAD_TIMEOUT),
    body: Some(BODY_TIMEOUT),
    stall: Some(STALL_TIMEOUT),
    send: Some(STALL_TIMEOUT),
};

/// The reply to a connection without a permit: Lambda's answer to too many calls at once.
const REFUSAL: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n\
    X-Amzn-ErrorType: TooManyRequestsException\r\nConnection: close\r\nContent-Length: 87\r\n\r\n\
    {\"Reason\":\"ConcurrentInvocationLimitExceeded\",\"Type\":\"User\",\
    \"message\":\"Rate Exceeded.\"}";

/// Every idle connection of a caller may be evicted.
pub fn permit_rules(capacity: usize) -> Rules {
    Rules {
        capacity,
        evictable: Evictable::Idle,
        refusal: REFUSAL,
    }
}

/// Where invoke requests go, and which are accepted.
#[derive(Clone)]
pub struct InvokeServer {
    jobs: Sender<Job>,
    event_format: EventFormat,
    events: Arc<Budget>,
    queue: Arc<Budget>,
    functions: Arc<Mutex<Functions>>,
}

impl InvokeServer {
    /// A server with unused budgets.
    pub fn new(
        jobs: Sender<Job>,
        event_format: EventFormat,
        functions: Arc<Mutex<Functions>>,
    ) -> InvokeServer {
        let space = sys::address_space_max();
        InvokeServer {
            jobs,
            event_format,
            events: Budget::new(EVENTS_BYTES_MAX.min(space / 4), usize::MAX),
            queue: Budget::new(QUEUE_BYTES_MAX.min(space / 8), QUEUE_COUNT_MAX),
            functions,
        }
    }

    fn resolve(&self, call: &InvokeCall) -> Result<Resolved, ApiError> {
        let functions = self.functions.lock();
        let functions = functions.unwrap_or_else(PoisonError::into_inner);
        functions.resolve(&call.function)
    }
}

/// Serves connections forever.
pub fn serve(listener: &TcpListener, permits: &Arc<Permits>, server: &InvokeServer) -> ! {
    connections::serve(listener, permits, &[], TIMEOUTS, || {
        let server = server.clone();
        move |connection| serve_connection(connection, &server)
    })
}

fn serve_connection(mut connection: Connection, server: &InvokeServer) {
    connection.refuse_with(invoke_api::http_refusal);
    while let Ok(request) = connection.read_request() {
        if handle(&mut connection, &request, server).is_err() {
            return;
        }
    }
}

fn handle(
    connection: &mut Connection,
    request: &Request,
    server: &InvokeServer,
) -> Result<(), ConnectionClosed> {
    match invoke_api::route(request) {
        Ok(Operation::Invoke(call)) => invoke(connection, request, &call, server),
        Ok(Operation::Manage(call)) => manage(connection, request, &call, server),
        Err(error) => connection.reply(request, &error.reply()),
    }
}

fn invoke(
    connection: &mut Connection,
    request: &Request,
    call: &InvokeCall,
    server: &InvokeServer,
) -> Result<(), ConnectionClosed> {
    let limit = event_limit(call.invocation_type);
    let reserved = server.events.reserve(request.stored_body_bytes_max(limit));
    let Some(mut share) = reserved else {
        return connection.reply(request, &ApiError::too_many_requests().reply());
    };
    let body = connection.read_body(request, limit)?;
    share.shrink_to(body.bytes.len());
    let event = invoke_api::event(body.bytes, body.length, call, server.event_format);
    let prepared = event.and_then(|event| Ok((event, server.resolve(call)?)));
    let (event, resolved) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return connection.reply(request, &error.reply()),
    };
    let mut invoke = invoke_request(event, call, server.event_format);
    let (reply, messages) = mpsc::sync_channel(MESSAGES_MAX);
    let is_stream = call.invocation_type == InvocationType::ResponseStream;
    invoke.stream = is_stream.then(|| reply.clone());
    let invoke = Arc::new(invoke);
    let immediate = invoke_api::immediate_reply(call.invocation_type, &invoke.id, &invoke.trace_id);
    if call.invocation_type == InvocationType::DryRun {
        return connection.reply(request, &immediate);
    }
    let mut shares = vec![share];
    if call.invocation_type.is_asynchronous() {
        match server.queue.reserve(invoke.event.len()) {
            Some(share) => shares.push(share),
            None => return connection.reply(request, &ApiError::too_many_requests().reply()),
        }
    }
    let job = Job {
        request: invoke.clone(),
        reply,
        _shares: shares,
    };
    // The dispatcher lives as long as the process.
    server.jobs.send(job).map_err(|_| ConnectionClosed)?;
    if call.invocation_type.is_asynchronous() {
        return connection.reply(request, &immediate);
    }
    let executed = Executed {
        request_id: &invoke.id,
        version: &resolved.executed_version,
        trace_id: &invoke.trace_id,
    };
    if is_stream {
        return stream_response(connection, &messages, executed);
    }
    let Ok(Message::Outcome(outcome)) = messages.recv() else {
        return Err(ConnectionClosed);
    };
    let reply = invoke_api::outcome_reply(outcome, executed, None);
    connection.reply(request, &reply)
}

/// The engine has to act on the change that `manage` returns: start, replace or stop environments.
fn manage(
    connection: &mut Connection,
    request: &Request,
    call: &ManageCall,
    server: &InvokeServer,
) -> Result<(), ConnectionClosed> {
    let limit = Functions::body_bytes_max(call);
    let body = connection.read_body(request, limit)?;
    if body.length > limit as u64 {
        return connection.reply(request, &Functions::body_too_large(call));
    }
    let functions = server.functions.lock();
    let mut functions = functions.unwrap_or_else(PoisonError::into_inner);
    let (reply, change) = functions.manage(call, &body.bytes);
    drop(functions);
    if let Some(change) = change {
        diagnostic(&format!("{change}"));
    }
    connection.reply(request, &reply)
}

/// Sends a response in frames while it arrives; the last frame has the outcome.
fn stream_response(
    connection: &mut Connection,
    messages: &Receiver<Message>,
    executed: Executed<'_>,
) -> Result<(), ConnectionClosed> {
    connection.start_chunks(&invoke_api::stream_head(executed))?;
    loop {
        match messages.recv().map_err(|_| ConnectionClosed)? {
            Message::Chunk(bytes) => connection.send_chunk(&invoke_api::stream_chunk(&bytes))?,
            Message::Outcome(outcome) => {
                connection.send_chunk(&invoke_api::stream_end(&outcome, None))?;
                return connection.finish_chunks();
            }
        }
    }
}

fn invoke_request(event: Vec<u8>, call: &InvokeCall, format: EventFormat) -> InvokeRequest {
    let mut invoke = InvokeRequest::new(event);
    if format == EventFormat::Binary
        && let Some(content_type) = &call.content_type
    {
        invoke.content_type.clone_from(content_type);
    }
    if let Some(trace_id) = &call.trace_id {
        invoke.trace_id.clone_from(trace_id);
    }
    invoke.client_context.clone_from(&call.client_context);
    invoke.tenant_id.clone_from(&call.tenant_id);
    invoke
}
