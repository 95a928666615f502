//! The lines of the frame protocol: messages of a hosted worker.
//!
//! A line is ASCII, at most 256 bytes with its end, and its fields are separated by one space. See
//! the guide, `worker_protocol`.

use super::number::parse_decimal;
use super::{find_from, slice_or_empty};

/// The longest line, in bytes, with the line feed at its end.
pub const LINE_BYTES_MAX: usize = 256;

/// The longest type of an error, in bytes.
const TYPE_BYTES_MAX: usize = 128;

/// A message of a worker. Lengths are those of what follows the line, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerMessage<'a> {
    /// The worker is ready for events.
    Ready,
    /// The same, and it has hooks for a restore from a snapshot.
    ReadyToRestore,
    /// Init failed: the length of the error's JSON, and its type.
    InitError(usize, &'a [u8]),
    /// The response: its length, and its content type where that is not JSON (else empty).
    Ok(usize, &'a [u8]),
    /// The event failed: the length of the error's JSON, and its type.
    Error(usize, &'a [u8]),
    /// The same, and the worker takes no other event.
    Fatal(usize, &'a [u8]),
    /// The response comes in chunks: its content type, or nothing.
    Stream(&'a [u8]),
    /// A chunk of the response: its length.
    Chunk(usize),
    /// The end of the chunks.
    End,
}

/// Parses a line without its line feed; `None`: it is malformed. All but the first three messages
/// repeat the number of their event, which is `sequence`; another number is malformed, too.
pub fn parse_line(line: &[u8], sequence: usize) -> Option<WorkerMessage<'_>> {
    let (verb, rest) = first_field(line);
    match verb {
        b"ready" if rest == b"restore" => return Some(WorkerMessage::ReadyToRestore),
        b"ready" => return (line.len() == verb.len()).then_some(WorkerMessage::Ready),
        b"init-error" => {
            return length_and_type(rest)
                .map(|(length, name)| WorkerMessage::InitError(length, name));
        }
        _ => {}
    }
    let (number, about) = first_field(rest);
    if parse_decimal(number) != Some(sequence) || number.starts_with(b"0") {
        return None;
    }
    let no_more_fields = number.len() == rest.len();
    match verb {
        b"ok" => {
            let (length, content_type) = first_field(about);
            let fits = length.len() == about.len() || !content_type.is_empty();
            let length = parse_decimal(length).filter(|_| fits)?;
            Some(WorkerMessage::Ok(length, content_type))
        }
        b"error" => length_and_type(about).map(|(length, name)| WorkerMessage::Error(length, name)),
        b"fatal" => length_and_type(about).map(|(length, name)| WorkerMessage::Fatal(length, name)),
        b"stream" if no_more_fields || !about.is_empty() => Some(WorkerMessage::Stream(about)),
        b"chunk" => parse_decimal(about).map(WorkerMessage::Chunk),
        b"end" if no_more_fields => Some(WorkerMessage::End),
        _ => None,
    }
}

/// The text before the first space, and the text after it.
fn first_field(text: &[u8]) -> (&[u8], &[u8]) {
    let end = find_from(text, 0, b' ');
    (
        slice_or_empty(text, 0, end.min(text.len())),
        slice_or_empty(text, end + 1, text.len()),
    )
}

/// A length and the type of an error.
fn length_and_type(text: &[u8]) -> Option<(usize, &[u8])> {
    let (length, name) = first_field(text);
    let fits = (1..=TYPE_BYTES_MAX).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic);
    parse_decimal(length)
        .filter(|_| fits)
        .map(|length| (length, name))
}
