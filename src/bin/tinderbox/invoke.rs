//! `tinderbox invoke`: one call of a local Lambda's Invoke API.
//!
//! The answer's body goes to stdout, also when it is an error of the function's: the exit status
//! tells them apart. The HTTP client is `minreq`, which this project did not write, so that servers
//! and client cannot share a mistake; three of its habits are guarded against here: it takes a
//! body that was cut short for a whole one, it makes up a status where there is none, and it reads
//! a time limit from MINREQ_TIMEOUT.

mod stream;

use std::ffi::OsString;

use minreq::{Error, Response};

use crate::base64;
use crate::event;
use crate::message::{self, Failure, say};
use crate::{EXIT_FUNCTION_ERROR, EXIT_NOTHING_DONE};

/// The function's own time limit is the server's affair; this is only more than any of them.
const TIMEOUT_SECONDS: u64 = 7 * 24 * 60 * 60;

/// What `tinderbox invoke` was asked for.
pub struct InvokeOptions {
    pub event: OsString,
    pub port: u16,
    pub function_name: String,
    pub invocation_type: String,
    pub client_context: Option<String>,
    pub tenant_id: Option<String>,
    pub trace_id: Option<String>,
    pub stream: bool,
}

/// Calls the function once.
pub fn invoke(options: InvokeOptions) -> Result<i32, Failure> {
    let event = event::resolve(&options.event)?;
    if options.stream {
        return stream::invoke(&options, event);
    }
    let response = request(&options, event)
        .send()
        .map_err(|error| Failure::new(unreachable_text(options.port, &error)))?;
    check_whole(&response, options.port)?;
    if !(200..300).contains(&response.status_code) {
        say(&refusal_text(response.status_code, response.as_bytes()));
        return Ok(EXIT_NOTHING_DONE);
    }
    message::print(response.as_bytes())?;
    match response.header("X-Amz-Function-Error") {
        Some(kind) => {
            say(&format!(
                "the function failed (X-Amz-Function-Error: {kind})"
            ));
            Ok(EXIT_FUNCTION_ERROR)
        }
        None => Ok(0),
    }
}

fn request(options: &InvokeOptions, event: Vec<u8>) -> minreq::Request {
    let InvokeOptions {
        port,
        function_name,
        ..
    } = options;
    let (version, operation) = match options.stream {
        true => ("2021-11-15", "response-streaming-invocations"),
        false => ("2015-03-31", "invocations"),
    };
    let url = format!("http://127.0.0.1:{port}/{version}/functions/{function_name}/{operation}");
    let mut request = minreq::post(url)
        .with_header("Content-Type", "application/json")
        .with_header("X-Amz-Invocation-Type", options.invocation_type.clone())
        .with_body(event)
        .with_max_headers_size(None)
        .with_follow_redirects(false);
    // Only then: a socket with a time limit fails with EINTR when the process is stopped and
    // continued (signal(7)), one without does not.
    if std::env::var_os("MINREQ_TIMEOUT").is_some() {
        request = request.with_timeout(TIMEOUT_SECONDS);
    }
    if let Some(context) = &options.client_context {
        let encoded = base64::encode(context.as_bytes());
        request = request.with_header("X-Amz-Client-Context", encoded);
    }
    if let Some(tenant_id) = &options.tenant_id {
        request = request.with_header("X-Amz-Tenant-Id", tenant_id.clone());
    }
    if let Some(trace_id) = &options.trace_id {
        request = request.with_header("X-Amzn-Trace-Id", trace_id.clone());
    }
    request
}

fn check_whole(response: &Response, port: u16) -> Result<(), Failure> {
    let is_made_up = response.status_code == 503 && response.headers.is_empty();
    let length: Option<usize> = response
        .header("Content-Length")
        .and_then(|n| n.parse().ok());
    if is_made_up || length.is_some_and(|length| length != response.as_bytes().len()) {
        let text = format!("the local Lambda on port {port} hung up before its answer was whole");
        return Err(Failure::new(text));
    }
    Ok(())
}

fn unreachable_text(port: u16, error: &Error) -> String {
    if let Error::IoError(cause) = error
        && cause.kind() == std::io::ErrorKind::ConnectionRefused
    {
        return format!(
            "nothing listens on port {port} of 127.0.0.1; start a local Lambda with tinderbox run, \
             or name its port with --port N"
        );
    }
    format!("the local Lambda on port {port} of 127.0.0.1 cannot be called: {error}")
}

/// The status and what the body says about it, on one line.
fn refusal_text(status: u16, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body).into_owned();
    let fields: Option<serde_json::Value> = serde_json::from_str(&body).ok();
    let message = fields.as_ref().and_then(|fields| {
        let field = fields.get("Message").or_else(|| fields.get("message"))?;
        field.as_str()
    });
    let text = message.unwrap_or(&body).trim().replace('\n', " ");
    match text.split_once("request body into json: ") {
        Some((_, fault)) => format!("the event is not JSON: {fault}"),
        None => format!("refused with status {status}: {text}"),
    }
}
