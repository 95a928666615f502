//! The wire formats, a toolkit: pure functions, bytes in, `Partial`, `Complete` or an error out.
//!
//! No descriptor, no clock, no allocation, no recursion, and no panic on any input. Readers borrow
//! from what they are given; writers take a sink for pieces of bytes. Public for the tests and the
//! benches of this package only; not part of the library's API.
//!
//! | module | what |
//! |---|---|
//! | [`http1`] | HTTP/1.1: heads of replies read, all header lines of a head, heads of requests written |
//! | [`chunk`] | bodies: a decoder for a known length or chunks, and a writer of chunk headers |
//! | [`api_headers`] | the table of the headers that the runtime tracks in the Runtime API's replies |
//! | [`json`] | strings written; a pull reader, unescaping, lookup of members |
//! | [`base64`] | encoded and decoded, in pieces |
//! | [`fastcgi`] | records of FastCGI, read and written |
//! | [`frame`] | the lines of the frame protocol |
//! | [`number`] | decimal and hexadecimal digits, parsed and written |
//! | [`uri`] | percent-encoding of paths and queries, and decoding |
//!
//! Each fault has a name and a text: [`Error`], [`json::ErrorKind`], [`base64::Error`].

pub mod api_headers;
pub mod base64;
pub mod chunk;
mod error;
pub mod fastcgi;
pub mod frame;
pub mod http1;
pub mod json;
pub mod number;
pub mod uri;

pub use error::Error;

/// How far a parser got with the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<T> {
    /// Valid so far, but not whole.
    Partial,
    /// Whole.
    Complete(T),
}

/// `bytes[from..to]`; empty where `bytes` has no such range. A function, because to check bounds in
/// place costs more bytes than a call.
#[inline(never)]
pub fn slice_or_empty(bytes: &[u8], from: usize, to: usize) -> &[u8] {
    bytes.get(from..to).unwrap_or_default()
}

/// Whether two texts are the same. (`==` of the core calls C's bcmp, which has to be linked then.)
#[inline(never)]
pub fn bytes_eq(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b)
}

/// The offset of the first `byte` from `from` on; the length, or more, if there is none.
#[inline(never)]
pub fn find_from(bytes: &[u8], from: usize, byte: u8) -> usize {
    let mut at = from;
    while bytes.get(at).is_some_and(|&found| found != byte) {
        at += 1;
    }
    at
}

/// Iterates over the parts of a text between separators, also empty ones. (The core's `split` takes
/// some 50 bytes more wherever it is used.)
pub fn parts(text: &[u8], separator: u8) -> Parts<'_> {
    Parts {
        rest: Some(text),
        separator,
    }
}

/// See [`parts`].
pub struct Parts<'a> {
    /// `None`: the last part was returned.
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    #[inline(never)]
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let end = find_from(rest, 0, self.separator);
        if end < rest.len() {
            self.rest = Some(slice_or_empty(rest, end + 1, rest.len()));
        }
        Some(slice_or_empty(rest, 0, end))
    }
}

/// Concatenates texts at compile time. `N` is the sum of their lengths.
pub const fn concat<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut text = [0; N];
    let mut end = 0;
    let mut parts = parts;
    while let [first, behind @ ..] = parts {
        let mut part = *first;
        while let [byte, more @ ..] = part {
            text[end] = *byte;
            end += 1;
            part = more;
        }
        parts = behind;
    }
    text
}
