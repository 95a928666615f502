//! Names of headers: which ones are no tokens, and which ones end at this hop.

use crate::wire::http1::{eq_ignore_ascii_case_lower, index_of, pack, packed_bytes};
use crate::wire::{find_from, slice_or_empty};

/// The longest header name that is compared with others, in bytes.
pub const COMPARED_NAME_BYTES_MAX: usize = 64;

/// Headers that are not passed on, beside `connection`, `transfer-encoding` and `content-length`:
/// those of a single hop (RFC 9110, 7.6.1), `expect`, which the runtime does not wait for, `proxy`,
/// which CGI's variables would take for `HTTP_PROXY`, and those that only the runtime may write.
const DROPPED: &[&[u8]] = &[
    b"keep-alive",
    b"proxy-connection",
    b"proxy",
    b"te",
    b"trailer",
    b"upgrade",
    b"expect",
    b"x-amzn-request-context",
    b"x-amzn-lambda-context",
];

/// The names of `DROPPED` and the three that come first in every table of names.
static TABLE: [u8; packed_bytes(DROPPED)] = pack(DROPPED);

/// What no option of `Connection` drops, as a client could hide by it what the front adds: names
/// that begin so, in lower case.
const PROTECTED: &[&[u8]] = &[b"host", b"x-forwarded-", b"x-amz", b"cloudfront-"];

/// Whether a header of that name is never passed on.
pub fn is_dropped(name: &[u8]) -> bool {
    index_of(&TABLE, name) < DROPPED.len() + 3
}

/// Whether the options of a `Connection` header have that name, and may.
pub fn is_option(options: &[u8], name: &[u8]) -> bool {
    let begins =
        |start: &&[u8]| eq_ignore_ascii_case_lower(slice_or_empty(name, 0, start.len()), start);
    let mut rest = options;
    while !rest.is_empty() {
        let end = find_from(rest, 0, b',').min(rest.len());
        let option = slice_or_empty(rest, 0, end).trim_ascii();
        if eq_ignore_ascii_case(option, name) {
            return !PROTECTED.iter().any(begins);
        }
        rest = slice_or_empty(rest, end + 1, rest.len());
    }
    false
}

/// Whether two names are the same header.
#[inline(never)]
pub fn eq_ignore_ascii_case(a: &[u8], b: &[u8]) -> bool {
    let same = |(a, b): (&u8, &u8)| a.eq_ignore_ascii_case(b);
    a.len() == b.len() && a.iter().zip(b).all(same)
}

/// Whether a text has bytes of a token alone (RFC 9110, 5.6.2). An empty one has.
#[inline(never)]
pub fn is_token(text: &[u8]) -> bool {
    text.iter().all(|byte| {
        matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'0'..=b'9'
            | b'A'..=b'Z' | b'^'..=b'z' | b'|' | b'~')
    })
}

/// Writes the value of a header with a space for each control byte other than a tab (RFC 9110,
/// 5.5), so that no value ends a line.
pub fn write_value(value: &[u8], write: &mut dyn FnMut(&[u8])) {
    let mut rest = value;
    while !rest.is_empty() {
        let is_text = |byte: &&u8| **byte >= b' ' && **byte != 0x7f || **byte == b'\t';
        let bytes = rest.iter().take_while(is_text).count();
        if bytes > 0 {
            write(slice_or_empty(rest, 0, bytes));
        }
        if bytes < rest.len() {
            write(b" ");
        }
        rest = slice_or_empty(rest, bytes + 1, rest.len());
    }
}
