//! The wire formats: pure functions, bytes in, `Partial`, `Complete` or an error out.
//!
//! No descriptor, no clock, no allocation, and no panic on any input. Public for the tests and the
//! benches of this package only; not part of the library's face.

pub mod api_headers;
pub mod base64;
pub mod chunk;
mod error;
pub mod frame;
pub mod http1;
pub mod json;
pub mod number;

pub use error::Error;

/// What a parser has to say of the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<T> {
    /// Right so far, and not all.
    Partial,
    /// All there.
    Complete(T),
}

/// `bytes[from..to]`, or nothing where there is no such part. A function, because to check bounds
/// in place costs more bytes than a call.
#[inline(never)]
pub fn part(bytes: &[u8], from: usize, to: usize) -> &[u8] {
    bytes.get(from..to).unwrap_or_default()
}

/// Whether two texts are the same. (That of the core calls C's, which has to be linked then.)
#[inline(never)]
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b)
}

/// The place of the first `byte` from `from` on; the length, or more, when there is none.
#[inline(never)]
pub fn find(bytes: &[u8], from: usize, byte: u8) -> usize {
    let mut at = from;
    while bytes.get(at).is_some_and(|&found| found != byte) {
        at += 1;
    }
    at
}

/// Puts texts together when compiled. `N` is the sum of their lengths.
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
