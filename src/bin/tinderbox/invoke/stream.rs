//! `tinderbox invoke --stream`: what the function writes is printed as it comes.

use std::io::Read;

use minreq::ResponseLazy;
use serde_json::Value;

use super::{InvokeOptions, refusal_text, request, unreachable_text};
use crate::event_stream;
use crate::message::{self, Failure, say};
use crate::{EXIT_FUNCTION_ERROR, EXIT_NOTHING_DONE};

/// Calls the function once.
pub fn invoke(options: &InvokeOptions, event: Vec<u8>) -> Result<i32, Failure> {
    let mut response = request(options, event)
        .send_lazy()
        .map_err(|error| Failure::new(unreachable_text(options.port, &error)))?;
    let hung_up = || {
        let port = options.port;
        let text = format!("the local Lambda on port {port} hung up before its answer was whole");
        Failure::new(text)
    };
    if !(200..300).contains(&response.status_code) {
        let mut body = Vec::new();
        response.read_to_end(&mut body).map_err(|_| hung_up())?;
        say(&refusal_text(response.status_code, &body));
        return Ok(EXIT_NOTHING_DONE);
    }
    print_frames(&mut response).map_err(|reason| match reason {
        Some(text) => Failure::new(text),
        None => hung_up(),
    })
}

/// Prints the payloads up to the frame that says how it came out. `Err(None)`: there is none.
fn print_frames(response: &mut ResponseLazy) -> Result<i32, Option<String>> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let mut used = 0;
        while let Some(frame) =
            event_stream::read(&bytes[used..]).map_err(|text| Some(text.to_string()))?
        {
            match frame.event_type.as_str() {
                "PayloadChunk" => message::print_piece(frame.payload)
                    .map_err(|failure| Some(failure.text().to_string()))?,
                "InvokeComplete" => return Ok(complete(frame.payload)),
                _ => {} // a later version's
            }
            used += frame.length;
        }
        bytes.drain(..used);
        let count = response.read(&mut piece).map_err(|_| None)?;
        if count == 0 {
            return Err(None);
        }
        bytes.extend_from_slice(&piece[..count]);
    }
}

/// The exit status.
fn complete(payload: &[u8]) -> i32 {
    let fields: Value = serde_json::from_slice(payload).unwrap_or_default();
    let text = |name: &str| fields[name].as_str().unwrap_or_default();
    if text("ErrorCode").is_empty() {
        return 0;
    }
    let details = text("ErrorDetails").replace('\n', " ");
    say(&format!(
        "the function failed ({}): {details}",
        text("ErrorCode")
    ));
    EXIT_FUNCTION_ERROR
}
