//! Requests to a web server, written from events.

use crate::buffer::FixedBytes;
use crate::diagnostics::diagnostic_by_deadline;
use crate::host::deadline::Deadline;
use crate::http_event::HttpEvent;
use crate::invocation::Invocation;
use crate::limits::REQUEST_HEAD_BYTES_MAX;
use crate::wire::bytes_eq;
use crate::wire::http1::{HeadWriter, LINE_END, POST};
use crate::wire::json;
use crate::wire::number::Decimal;

/// The longest request context that goes to a server, in bytes: the claims of a token can make it
/// longer than servers take.
const REQUEST_CONTEXT_BYTES_MAX: usize = 4096;

/// The headers that the runtime alone writes, and their `Host` in a request of its own.
const REQUEST_CONTEXT: &[u8] = b"x-amzn-request-context: ";
const LAMBDA_CONTEXT: &[u8] = b"x-amzn-lambda-context: ";
const TRACE_ID: &[u8] = b"x-amzn-trace-id: ";
const OWN_HOST: &[u8] = b"localhost";

/// Where the head of a request is written.
type Head = FixedBytes<REQUEST_HEAD_BYTES_MAX>;

/// Writes the head of a request. False: it is too long.
///
/// It has nothing in it that could end a line early: the method is a token, the target is
/// percent-encoded, the names are tokens, and no value has a control byte.
#[inline(never)] // a frame of its own is smaller code
pub fn write_request(
    request: &HttpEvent<'_>,
    body_bytes: usize,
    strip_prefix: &[u8],
    (invocation, deadline): (&Invocation<'_>, &Deadline),
    head: &mut Head,
) -> bool {
    head.set(b"");
    let mut fits = true;
    let write = &mut |piece: &[u8]| fits &= head.try_push(piece);
    write(request.method());
    write(b" ");
    request.write_path(strip_prefix, write);
    let mut begins_query = true;
    request.write_query(&mut |piece| {
        if core::mem::take(&mut begins_query) {
            write(b"?");
        }
        write(piece);
    });
    write(b" HTTP/1.1\r\n");
    let trace_id = invocation.trace_id();
    write_headers(request, trace_id.is_some(), write);
    let mut lines = HeadWriter::without_start_line(write);
    let context = request.request_context();
    if context.len() <= REQUEST_CONTEXT_BYTES_MAX {
        if !context.is_empty() {
            lines.header(REQUEST_CONTEXT, context);
        }
    } else {
        deadline.bound_log();
        diagnostic_by_deadline(
            b"x-amzn-request-context left out, the request context is longer than 4096 bytes: ",
            invocation.request_id(),
        );
    }
    write_context(&mut lines, invocation, trace_id, deadline);
    // A server takes a request without a length for one without a body.
    if body_bytes > 0 || !may_lack_length(request.method()) {
        lines.end_with_length(body_bytes);
    } else {
        lines.end();
    }
    fits
}

/// Writes the headers of the client, and a `Host` in any case.
fn write_headers(request: &HttpEvent<'_>, has_trace_id: bool, write: &mut dyn FnMut(&[u8])) {
    let mut has_host = false;
    for (name, value) in request.headers() {
        let is_host = name.is(b"host");
        if is_host && has_host || has_trace_id && name.is(b"x-amzn-trace-id") {
            continue;
        }
        has_host |= is_host;
        name.write(write);
        write(b": ");
        value.write(write);
        write(LINE_END);
    }
    if !has_host {
        write(b"Host: ");
        request.write_default_host(write);
        write(LINE_END);
    }
}

/// Writes what the runtime knows of the event.
fn write_context(
    lines: &mut HeadWriter<'_>,
    invocation: &Invocation<'_>,
    trace_id: Option<&[u8]>,
    deadline: &Deadline,
) {
    if let Some(id) = trace_id {
        lines.header(TRACE_ID, id);
    }
    let mut begin: &[u8] = b"{\"";
    let write = &mut |piece: &[u8]| lines.piece(piece);
    write(LAMBDA_CONTEXT);
    for (name, value) in [
        (&b"request_id"[..], Some(invocation.request_id())),
        (b"invoked_function_arn", invocation.function_arn()),
        (b"xray_trace_id", trace_id),
    ] {
        if let Some(value) = value {
            for piece in [begin, name, b"\":\""] {
                write(piece);
            }
            json::escape(value, write);
            begin = b"\",\"";
        }
    }
    write(b"\"");
    if let Some(deadline_ms) = deadline.shown_ms() {
        write(b",\"deadline\":");
        write(Decimal::new(deadline_ms as usize).as_bytes());
    }
    write(b"}\r\n");
}

/// Writes the head of a request that posts an event to a path.
pub fn write_event_request(
    path: &[u8],
    body_bytes: usize,
    invocation: &Invocation<'_>,
    deadline: &Deadline,
    head: &mut Head,
) {
    head.set(b"");
    let write = &mut |piece: &[u8]| head.push(piece);
    let mut lines = HeadWriter::new(POST, &[path], OWN_HOST, write);
    lines.header(b"Content-Type: ", b"application/json");
    write_context(&mut lines, invocation, invocation.trace_id(), deadline);
    lines.end_with_length(body_bytes);
}

/// Whether a request of this method has no body where it has no length.
fn may_lack_length(method: &[u8]) -> bool {
    is_safe(method) || bytes_eq(method, b"DELETE")
}

/// Whether a request of this method may be sent again where nobody knows whether the server has
/// handled it.
#[inline(never)]
pub fn is_safe(method: &[u8]) -> bool {
    bytes_eq(method, b"GET") || bytes_eq(method, b"HEAD") || bytes_eq(method, b"OPTIONS")
}
