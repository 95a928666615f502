//! `tinderbox invoke`: one call of a local Lambda's Invoke API.
//!
//! The body of the answer goes to stdout, also if it is a function error: the exit status
//! distinguishes the two. The HTTP client is `minreq`, which this project did not write, so that
//! server and client cannot share a mistake. Four of its properties need a guard here: it accepts
//! a truncated body, it invents a status where there is none, it takes a time limit from
//! MINREQ_TIMEOUT, and it cannot connect to an IPv6 address (`relay`).

mod relay;
mod stream;

use std::ffi::OsString;
use std::net::IpAddr;

use minreq::{Error, Response};

use crate::base64;
use crate::event;
use crate::exit_status::{DONE, FUNCTION_ERROR, NOTHING_DONE};
use crate::host::Host;
use crate::output::{self, Failure, diagnostic};

/// The server enforces the function's time limit; this is longer than any of them.
const TIMEOUT_SECONDS: u64 = 7 * 24 * 60 * 60;

/// The options of `tinderbox invoke`.
pub struct InvokeOptions {
    pub event: OsString,
    pub host: Host,
    pub port: u16,
    pub function_name: String,
    pub invocation_type: String,
    pub client_context: Option<String>,
    pub tenant_id: Option<String>,
    pub trace_id: Option<String>,
    pub stream: bool,
}

/// Invokes the function once; the exit status.
pub fn invoke(options: InvokeOptions) -> Result<i32, Failure> {
    let event = event::resolve(&options.event)?;
    if options.stream {
        return stream::invoke(&options, event);
    }
    let response = build_request(&options, event)?
        .send()
        .map_err(|error| call_failed(&options, &error))?;
    require_complete(&response, &options)?;
    if !(200..300).contains(&response.status_code) {
        diagnostic(&refusal_text(response.status_code, response.as_bytes()));
        return Ok(NOTHING_DONE);
    }
    output::write_stdout(response.as_bytes())?;
    match response.header("X-Amz-Function-Error") {
        Some(kind) => {
            diagnostic(&format!(
                "the function failed (X-Amz-Function-Error: {kind})"
            ));
            Ok(FUNCTION_ERROR)
        }
        None => Ok(DONE),
    }
}

impl InvokeOptions {
    /// The server's address, for people.
    fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The host and the port that `minreq` connects to.
    fn authority(&self) -> Result<String, Failure> {
        match self.host {
            Host::Address(IpAddr::V6(address)) => {
                let relay = relay::start((address, self.port));
                let relay = relay.map_err(|error| call_failed(self, &Error::IoError(error)))?;
                Ok(relay.to_string())
            }
            _ => Ok(self.address()),
        }
    }
}

fn build_request(options: &InvokeOptions, event: Vec<u8>) -> Result<minreq::Request, Failure> {
    let authority = options.authority()?;
    let function_name = &options.function_name;
    let (version, operation) = match options.stream {
        true => ("2021-11-15", "response-streaming-invocations"),
        false => ("2015-03-31", "invocations"),
    };
    let url = format!("http://{authority}/{version}/functions/{function_name}/{operation}");
    let mut request = minreq::post(url)
        .with_header("Content-Type", "application/json")
        .with_header("X-Amz-Invocation-Type", options.invocation_type.clone())
        .with_body(event)
        .with_max_headers_size(None)
        .with_follow_redirects(false);
    // Only if the variable is set: a socket with a time limit fails with EINTR when the process is
    // stopped and continued (signal(7)), a socket without one does not.
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
    Ok(request)
}

fn require_complete(response: &Response, options: &InvokeOptions) -> Result<(), Failure> {
    let is_invented = response.status_code == 503 && response.headers.is_empty();
    let length: Option<usize> = response
        .header("Content-Length")
        .and_then(|length| length.parse().ok());
    match is_invented || length.is_some_and(|length| length != response.as_bytes().len()) {
        true => Err(incomplete(options)),
        false => Ok(()),
    }
}

fn incomplete(options: &InvokeOptions) -> Failure {
    let address = options.address();
    Failure::new(format!(
        "the local Lambda at {address} closed the connection before the response was \
         complete"
    ))
}

fn call_failed(options: &InvokeOptions, error: &Error) -> Failure {
    let address = options.address();
    if let Error::IoError(cause) = error
        && cause.kind() == std::io::ErrorKind::ConnectionRefused
    {
        return Failure::new(format!(
            "cannot connect to {address}: {cause}; start a local Lambda with tinderbox run, \
             or name its port with --port N"
        ));
    }
    Failure::caused(
        format!("the call of the local Lambda at {address} failed"),
        error,
    )
}

/// The status and the message of the body, on one line.
fn refusal_text(status: u16, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body).into_owned();
    let fields: Option<serde_json::Value> = serde_json::from_str(&body).ok();
    let message = fields.as_ref().and_then(|fields| {
        let field = fields.get("Message").or_else(|| fields.get("message"))?;
        field.as_str()
    });
    let text = message.unwrap_or(&body).trim().replace('\n', " ");
    match text.split_once("request body into json: ") {
        Some((_, reason)) => {
            let reason = reason.trim_start_matches("Could not parse payload into json: ");
            format!("the event is not JSON: {reason}")
        }
        None => format!("the local Lambda refused the call with status {status}: {text}"),
    }
}
