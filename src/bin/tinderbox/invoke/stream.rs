//! `tinderbox invoke --stream`: prints a response while the function writes it.

use std::io::{self, Read};

use minreq::ResponseLazy;
use serde_json::Value;

use super::{InvokeOptions, build_request, call_failed, incomplete, refusal_text};
use crate::event_stream;
use crate::exit_status::{DONE, FUNCTION_ERROR, NOTHING_DONE};
use crate::output::{self, Failure, diagnostic};

const READ_BYTES: usize = 64 * 1024;

/// Invokes the function once; the exit status.
pub fn invoke(options: &InvokeOptions, event: Vec<u8>) -> Result<i32, Failure> {
    let mut response = build_request(options, event)?
        .send_lazy()
        .map_err(|error| call_failed(options, &error))?;
    if !(200..300).contains(&response.status_code) {
        let mut body = Vec::new();
        response
            .read_to_end(&mut body)
            .map_err(|_| incomplete(options))?;
        diagnostic(&refusal_text(response.status_code, &body));
        return Ok(NOTHING_DONE);
    }
    print_frames(&mut response, options)
}

/// Prints the payloads up to the frame with the outcome; the exit status.
fn print_frames(response: &mut ResponseLazy, options: &InvokeOptions) -> Result<i32, Failure> {
    let malformed = |reason| {
        let address = options.address();
        let what = format!("malformed response stream from the local Lambda at {address}");
        Failure::caused(what, reason)
    };
    let mut bytes = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let mut consumed = 0;
        while let Some(frame) = event_stream::decode(&bytes[consumed..]).map_err(malformed)? {
            match frame.event_type.as_str() {
                "PayloadChunk" => output::write_stdout_chunk(frame.payload)?,
                "InvokeComplete" => return Ok(report_outcome(frame.payload)),
                _ => {} // an event type of a later version
            }
            consumed += frame.length;
        }
        bytes.drain(..consumed);
        match response.read(&mut buffer) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => return Err(incomplete(options)),
        }
    }
}

/// The exit status; an error goes to stderr.
fn report_outcome(payload: &[u8]) -> i32 {
    let fields: Value = serde_json::from_slice(payload).unwrap_or_default();
    let text = |name: &str| fields[name].as_str().unwrap_or_default();
    let error_code = text("ErrorCode");
    if error_code.is_empty() {
        return DONE;
    }
    let details = text("ErrorDetails").replace('\n', " ");
    diagnostic(&format!("the function failed ({error_code}): {details}"));
    FUNCTION_ERROR
}
