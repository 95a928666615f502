//! The lines of the frame protocol, which workers speak: what a worker says, and what it is sent.
//!
//! A line is ASCII, at most 256 bytes with its end, and its fields are separated by one space. See
//! the README, "A worker in any language".

use super::number::parse_decimal;
use super::{find, part};

/// The longest line, in bytes, with the line feed at its end.
pub const LINE_BYTES_MAX: usize = 256;

/// The longest type of an error, in bytes.
const TYPE_BYTES_MAX: usize = 128;

/// What a worker says. Lengths are those of what follows the line, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// It can take events.
    Ready,
    /// It cannot, for this reason: the type of the error, and the length of its JSON.
    InitError(usize, &'a [u8]),
    /// The response: its length, and its content type where that is not JSON (else empty).
    Ok(usize, &'a [u8]),
    /// The event failed: the length of the error's JSON, and its type.
    Error(usize, &'a [u8]),
    /// The same, and the worker takes no other event.
    Fatal(usize, &'a [u8]),
    /// The response comes in chunks; its content type, or nothing.
    Stream(&'a [u8]),
    /// A piece of it.
    Chunk(usize),
    /// It is over.
    End,
}

/// Reads a line without its line feed. All but the first two kinds repeat the number of the event
/// that they are about, which is `sequence`; one with another is as wrong as any other line.
pub fn read(line: &[u8], sequence: usize) -> Option<Said<'_>> {
    let (verb, rest) = first_field(line);
    match verb {
        b"ready" => return (line.len() == verb.len()).then_some(Said::Ready),
        b"init-error" => return typed(rest).map(|(length, name)| Said::InitError(length, name)),
        _ => {}
    }
    let (number, about) = first_field(rest);
    if parse_decimal(number) != Some(sequence) || number.starts_with(b"0") {
        return None;
    }
    let bare = number.len() == rest.len();
    match verb {
        b"ok" => {
            let (length, content_type) = first_field(about);
            let fits = length.len() == about.len() || !content_type.is_empty();
            let length = parse_decimal(length).filter(|_| fits)?;
            Some(Said::Ok(length, content_type))
        }
        b"error" => typed(about).map(|(length, name)| Said::Error(length, name)),
        b"fatal" => typed(about).map(|(length, name)| Said::Fatal(length, name)),
        b"stream" if bare || !about.is_empty() => Some(Said::Stream(about)),
        b"chunk" => parse_decimal(about).map(Said::Chunk),
        b"end" if bare => Some(Said::End),
        _ => None,
    }
}

/// What stands before the first space, and what behind it.
fn first_field(text: &[u8]) -> (&[u8], &[u8]) {
    let end = find(text, 0, b' ');
    (
        part(text, 0, end.min(text.len())),
        part(text, end + 1, text.len()),
    )
}

/// A length and the type of an error.
fn typed(text: &[u8]) -> Option<(usize, &[u8])> {
    let (length, name) = first_field(text);
    let fits = (1..=TYPE_BYTES_MAX).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic);
    parse_decimal(length)
        .filter(|_| fits)
        .map(|length| (length, name))
}
