//! The body of an error: a JSON object that is valid and no longer than the Runtime API takes.

use crate::buffer::{Buffer, FixedBytes};
use crate::failure::Failure;
use crate::limits::{
    CAUSE_MESSAGE_BYTES_MAX, ERROR_JSON_BYTES_MAX, ERROR_TYPE_BYTES_MAX, TRAILER_ERROR_BYTES_MAX,
};
use crate::wire::{bytes_eq, json, slice_or_empty};

#[cfg(feature = "alloc")]
use alloc::string::String;

const START: &[u8] = b"{\"errorType\":\"";
const MIDDLE: &[u8] = b"\",\"errorMessage\":\"";
const TRACE: &[u8] = b"\",\"stackTrace\":[";
const END: &[u8] = b"]}";

/// The longest body that ends with the message, in bytes.
const MESSAGE_END: usize = ERROR_JSON_BYTES_MAX - TRACE.len() - END.len();

/// Writes the JSON of an error without a trace; the message comes in parts.
pub(crate) fn write(buffer: &mut Buffer, error_type: &str, message: &[&[u8]]) {
    write_start(buffer, error_type, message);
    buffer.append(END);
}

/// Writes the JSON of a failure whose texts need no escapes.
pub(super) fn write_fixed(failure: &Failure, buffer: &mut Buffer) {
    buffer.clear();
    buffer.append(START);
    buffer.append(failure.error_type.as_bytes());
    buffer.append(MIDDLE);
    buffer.append(failure.message);
    buffer.append(b"\",\"stackTrace\":[]}"); // in one piece: a call costs more bytes than the text
}

/// Restores the JSON that was set aside. If a response of more than 5 MB was written over it, the
/// message is lost.
pub(super) fn write_set_aside(failure: &Failure, buffer: &mut Buffer) {
    buffer.restore_aside();
    if !bytes_eq(slice_or_empty(buffer.body(), 0, START.len()), START) {
        write(buffer, failure.error_type, &[]);
    }
}

/// Writes the JSON of an error with as many whole lines of its trace as fit.
#[cfg(feature = "alloc")]
pub(super) fn write_with_trace(
    buffer: &mut Buffer,
    error_type: &str,
    message: &[u8],
    trace: &[String],
) {
    const LINE_END: usize = ERROR_JSON_BYTES_MAX - END.len() - 1; // a quote
    write_start(buffer, error_type, &[message]);
    for (index, line) in trace.iter().enumerate() {
        let line_start = buffer.body_bytes();
        buffer.append(if index == 0 { b"\"" } else { b",\"" });
        if !append_escaped(buffer, line.as_bytes(), LINE_END) {
            buffer.truncate_body(line_start);
            break;
        }
        buffer.append(b"\"");
    }
    buffer.append(END);
}

/// Writes the JSON of an error up to its trace.
fn write_start(buffer: &mut Buffer, error_type: &str, message: &[&[u8]]) {
    buffer.clear();
    buffer.append(START);
    append_escaped(buffer, error_type.as_bytes(), MESSAGE_END - MIDDLE.len());
    buffer.append(MIDDLE);
    for text in message {
        if !append_escaped(buffer, text, MESSAGE_END) {
            break;
        }
    }
    buffer.append(TRACE);
}

/// Appends the inside of a JSON string until the body is `end` bytes long, and nothing of the first
/// character or escape that does not fit. False: the text was truncated.
fn append_escaped(buffer: &mut Buffer, text: &[u8], end: usize) -> bool {
    let mut fits = buffer.body_bytes() <= end;
    json::escape(text, &mut |piece| {
        fits = fits && buffer.body_bytes() + piece.len() <= end;
        if fits {
            buffer.append(piece);
        }
    });
    fits
}

/// Makes the JSON of an error no longer than `bytes_max`, of any object that has `errorType` and
/// `errorMessage`: all other members go first, then the end of the message.
pub(crate) fn truncate_json(buffer: &mut Buffer, bytes_max: usize) {
    let json = buffer.body();
    if json.len() <= bytes_max {
        return;
    }
    let mut error_type = FixedBytes::<ERROR_TYPE_BYTES_MAX>::new();
    let mut message = FixedBytes::<TRAILER_ERROR_BYTES_MAX>::new();
    error_type.set(truncate_at_char(
        string_member(json, b"errorType"),
        ERROR_TYPE_BYTES_MAX,
    ));
    let frame = START.len() + error_type.as_bytes().len() + MIDDLE.len() + TRACE.len() + END.len();
    let message_bytes_max = bytes_max.min(TRAILER_ERROR_BYTES_MAX).saturating_sub(frame);
    message.set(truncate_at_char(
        string_member(json, b"errorMessage"),
        message_bytes_max,
    ));
    buffer.clear();
    for piece in [
        START,
        error_type.as_bytes(),
        MIDDLE,
        message.as_bytes(),
        TRACE,
        END,
    ] {
        buffer.append(piece);
    }
}

/// The inside of the string that is the value of a member of a JSON object, as it is written there;
/// empty when there is no such member.
fn string_member<'a>(json: &'a [u8], name: &[u8]) -> &'a [u8] {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = json.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let end = string_end(json, at);
                let is_name = depth == 1 && bytes_eq(slice_or_empty(json, at, end), name);
                at = end + 1;
                if is_name && let Some(value) = string_behind_colon(json, at) {
                    return value;
                }
            }
            _ => {}
        }
    }
    b""
}

/// The inside of a string at `at`, after a colon. A value that equals the name of a member is not
/// followed by a colon.
fn string_behind_colon(json: &[u8], at: usize) -> Option<&[u8]> {
    let colon = slice_or_empty(json, at, json.len()).trim_ascii_start();
    let value = colon.strip_prefix(b":")?.trim_ascii_start();
    let text = value.strip_prefix(b"\"")?;
    Some(slice_or_empty(text, 0, string_end(text, 0)))
}

/// Where the JSON string ends whose inside begins at `start`.
fn string_end(json: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(byte) = json.get(at).filter(|byte| **byte != b'"') {
        at += if *byte == b'\\' { 2 } else { 1 };
    }
    at.min(json.len())
}

/// The inside of a JSON string up to the last character or escape that ends within `bytes_max`. Two
/// escapes that are the surrogates of one character count as one.
fn truncate_at_char(text: &[u8], bytes_max: usize) -> &[u8] {
    let end = text.len().min(bytes_max);
    let mut at = 0;
    while at < end {
        let bytes = match slice_or_empty(text, at, text.len()) {
            rest if is_high_surrogate(rest) && bytes_eq(slice_or_empty(rest, 6, 8), b"\\u") => 12,
            [b'\\', b'u', ..] => 6,
            [b'\\', ..] | [0xc0..=0xdf, ..] => 2,
            [0xe0..=0xef, ..] => 3,
            [0xf0..=0xff, ..] => 4,
            _ => 1,
        };
        if at + bytes > end {
            break;
        }
        at += bytes;
    }
    slice_or_empty(text, 0, at)
}

/// Whether a text begins with the escape of a high surrogate: one of a low surrogate has to follow.
fn is_high_surrogate(text: &[u8]) -> bool {
    let Some([b'\\', b'u', b'd' | b'D', digit, _, _]) = text.first_chunk() else {
        return false;
    };
    matches!(digit, b'8' | b'9' | b'a' | b'b' | b'A' | b'B')
}

/// Prepends the header that X-Ray shows of an error to its JSON, from which it takes the type and
/// the message.
pub(super) fn write_cause(buffer: &mut Buffer) {
    let json = buffer.body();
    let mut error_type = FixedBytes::<ERROR_TYPE_BYTES_MAX>::new();
    let mut message = FixedBytes::<CAUSE_MESSAGE_BYTES_MAX>::new();
    json::copy_string_as_ascii(string_member(json, b"errorType"), &mut |piece| {
        error_type.try_push(piece)
    });
    let mut half_pair = None;
    json::copy_string_as_ascii(string_member(json, b"errorMessage"), &mut |piece| {
        let end = message.as_bytes().len();
        let fits = message.try_push(piece);
        if fits {
            let is_half = piece.len() == 6 && is_high_surrogate(piece);
            half_pair = is_half.then_some(end);
        }
        fits
    });
    let message_end = half_pair.unwrap_or(message.as_bytes().len());
    for piece in [
        b"\",\"stack\":[]}],\"paths\":[]}\r\n",
        slice_or_empty(message.as_bytes(), 0, message_end),
        b"\",\"message\":\"",
        error_type.as_bytes(),
        b"Lambda-Runtime-Function-XRay-Error-Cause: \
          {\"working_directory\":\"\",\"exceptions\":[{\"type\":\"",
    ] {
        buffer.prepend(piece);
    }
}
