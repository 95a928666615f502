//! The parameters that a PHP script gets: those of CGI (RFC 3875, 4.1), of web servers, and of
//! Lambda.

use crate::buffer::FixedBytes;
use crate::diagnostics::diagnostic_by_deadline;
use crate::host::protocol::Event;
use crate::host::web::fastcgi::params::Params;
use crate::host::web::fastcgi::script::{Route, Scripts};
use crate::http_event::{HttpEvent, Source};
use crate::wire::http1::eq_ignore_ascii_case_lower;
use crate::wire::json;
use crate::wire::number::Decimal;

/// The longest context of a request that becomes a parameter, in bytes: a parameter with its name
/// and lengths is one record.
const REQUEST_CONTEXT_BYTES_MAX: usize = 65_000;

/// Writes the script of a request, and what does not depend on the request.
pub fn write_script(params: &mut Params<'_>, scripts: &Scripts, path: &[u8], route: &Route) {
    params.begin(b"SCRIPT_FILENAME");
    params.push(scripts.document_root());
    scripts.write_name(path, route, &mut |piece| params.push(piece));
    params.end();
    for name in [&b"SCRIPT_NAME"[..], b"DOCUMENT_URI"] {
        params.begin(name);
        scripts.write_name(path, route, &mut |piece| params.push(piece));
        params.end();
    }
    let info = route.path_info(path);
    if !info.is_empty() {
        params.text(b"PATH_INFO", info);
    }
    params.text(b"DOCUMENT_ROOT", scripts.document_root());
    params.text(b"GATEWAY_INTERFACE", b"CGI/1.1");
    params.text(b"SERVER_SOFTWARE", b"tinderbox");
    params.text(b"SERVER_ADDR", b"127.0.0.1");
    // Without it, a php-cgi that takes itself for a CGI program refuses to run.
    params.text(b"REDIRECT_STATUS", b"200");
}

/// Writes the target of a request: a path and a query as they were sent.
#[allow(clippy::type_complexity)] // writers of a text, in pieces
pub fn write_target(
    params: &mut Params<'_>,
    write_path: &mut dyn FnMut(&mut dyn FnMut(&[u8])),
    write_query: &mut dyn FnMut(&mut dyn FnMut(&[u8])),
) {
    params.begin(b"QUERY_STRING");
    write_query(&mut |piece| params.push(piece));
    let has_query = !params.value().is_empty();
    params.end();
    params.begin(b"REQUEST_URI");
    write_path(&mut |piece| params.push(piece));
    if has_query {
        params.push(b"?");
        write_query(&mut |piece| params.push(piece));
    }
    params.end();
}

/// Writes the length of a body, where there is one.
pub fn write_content_length(params: &mut Params<'_>, bytes: usize) {
    if bytes > 0 {
        params.text(b"CONTENT_LENGTH", Decimal::new(bytes).as_bytes());
    }
}

/// Writes what a request from outside has.
#[inline(never)] // a frame of its own is smaller code
pub fn write_request(params: &mut Params<'_>, request: &HttpEvent<'_>) {
    params.text(b"REQUEST_METHOD", request.method());
    let protocol = match request.protocol() {
        b"" => b"HTTP/1.1",
        protocol => protocol,
    };
    params.text(b"SERVER_PROTOCOL", protocol);
    params.begin(b"REMOTE_ADDR");
    request.write_client_address(&mut |piece| params.push(piece));
    params.end();
    let is_https = is_https(request);
    if is_https {
        params.text(b"HTTPS", b"on");
    }
    let scheme: &[u8] = if is_https { b"https" } else { b"http" };
    params.text(b"REQUEST_SCHEME", scheme);
    params.begin(b"SERVER_PORT");
    match request.header(b"x-forwarded-port") {
        Some(port) => port.write(&mut |piece| params.push(piece)),
        None if is_https => params.push(b"443"),
        None => params.push(b"80"),
    }
    params.end();
    let host = request.header(b"host");
    let write_host = |params: &mut Params<'_>| match host {
        Some(host) => host.write(&mut |piece| params.push(piece)),
        None => request.write_default_host(&mut |piece| params.push(piece)),
    };
    params.begin(b"SERVER_NAME");
    write_host(params);
    // An IPv6 address has colons, within brackets.
    let from = params.value().iter().position(|byte| *byte == b']');
    params.truncate_value(from.unwrap_or_default(), b':');
    params.end();
    if host.is_none() {
        params.begin(b"HTTP_HOST");
        write_host(params);
        params.end();
    }
    write_headers(params, request);
}

fn write_headers(params: &mut Params<'_>, request: &HttpEvent<'_>) {
    for (name, value) in request.headers() {
        if name.is(b"content-type") {
            params.begin(b"CONTENT_TYPE");
            value.write(&mut |piece| params.push(piece));
            if params.value().is_empty() {
                params.discard();
                continue;
            }
        } else {
            if !params.begin_header(|write| name.write(write), b", ") {
                continue;
            }
            value.write(&mut |piece| params.push(piece));
        }
        params.end();
    }
}

/// Whether the client has used HTTPS. All fronts but a load balancer speak nothing else.
fn is_https(request: &HttpEvent<'_>) -> bool {
    let Some(header) = request.header(b"x-forwarded-proto") else {
        return !matches!(request.source(), Source::AlbMulti | Source::AlbSingle);
    };
    let mut scheme = FixedBytes::<8>::new();
    header.write(&mut |piece| scheme.push(piece));
    eq_ignore_ascii_case_lower(scheme.as_bytes(), b"https")
}

/// Writes the contexts of the event: the names are those of Bref, which libraries read.
pub fn write_contexts(params: &mut Params<'_>, event: &Event<'_>, request_context: &[u8]) {
    let Event {
        invocation,
        deadline,
        ..
    } = event;
    params.begin(b"LAMBDA_INVOCATION_CONTEXT");
    params.push(b"{\"awsRequestId\":\"");
    json::escape(invocation.request_id(), &mut |piece| params.push(piece));
    params.push(b"\",\"deadlineMs\":");
    let shown_ms = deadline.shown_ms().unwrap_or_default();
    params.push(Decimal::new(shown_ms as usize).as_bytes());
    let trace_id = invocation.trace_id().unwrap_or_default();
    let arn = invocation.function_arn().unwrap_or_default();
    for (name, value) in [
        (&b",\"invokedFunctionArn\":\""[..], arn),
        (b",\"traceId\":\"", trace_id),
    ] {
        params.push(name);
        json::escape(value, &mut |piece| params.push(piece));
        params.push(b"\"");
    }
    params.push(b"}");
    params.end();
    if !trace_id.is_empty() {
        // As in the environment of other functions, where AWS's SDKs look for it.
        params.text(b"_X_AMZN_TRACE_ID", trace_id);
    }
    if request_context.len() > REQUEST_CONTEXT_BYTES_MAX {
        deadline.bound_log();
        let bytes = Decimal::new(request_context.len());
        diagnostic_by_deadline(
            b"LAMBDA_REQUEST_CONTEXT is left out, it is longer than 65000 bytes: ",
            bytes.as_bytes(),
        );
    } else if !request_context.is_empty() {
        params.text(b"LAMBDA_REQUEST_CONTEXT", request_context);
    }
}
