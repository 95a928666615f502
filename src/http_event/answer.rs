//! Answers in the shape of their source.

use super::Source;
use super::names::{eq_ignore_ascii_case, is_dropped, is_option, is_token};
use super::reason::reason;
use crate::wire::base64;
use crate::wire::http1::{HeaderLines, eq_ignore_ascii_case_lower};
use crate::wire::json::{escape_text, escaped_text_bytes};
use crate::wire::number::Decimal;
use crate::wire::slice_or_empty;

/// The head of an answer. Headers that end at this hop, `content-length` and `status` are left out
/// when it is written, as are names that are no tokens.
#[derive(Clone, Debug)]
pub struct AnswerHead<'a> {
    /// 200 to 599.
    pub status: u16,
    /// The header lines: of an HTTP reply, of a CGI head, or of an answer of the runtime's own.
    pub lines: HeaderLines<'a>,
}

/// The answer is longer than its limit, in either encoding of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// What stands between the head and a body that is text or base64.
const TEXT_START: &[u8] = b",\"isBase64Encoded\":false,\"body\":\"";
const BASE64_START: &[u8] = b",\"isBase64Encoded\":true,\"body\":\"";
const END: &[u8] = b"\"}";

/// The longest member that is no header: `statusDescription`, `statusCode`, and brackets.
const FIXED_BYTES_MAX: usize = 256;

/// Writes an answer in the shape of its source, at most `limit` bytes: its body as text where it is
/// UTF-8 and fits, else as base64.
///
/// # Errors
/// It is longer than `limit`; nothing was written.
pub fn write_answer(
    source: Source,
    head: &AnswerHead<'_>,
    body: &[u8],
    limit: usize,
    write: &mut dyn FnMut(&[u8]),
) -> Result<(), TooLarge> {
    let text_bytes = escaped_text_bytes(body).map(|bytes| bytes + TEXT_START.len() + END.len());
    let base64_bytes = body.len().div_ceil(3) * 4 + BASE64_START.len() + END.len();
    let fits = |head_bytes: usize, bytes: usize| head_bytes.saturating_add(bytes) <= limit;
    // No byte of a header takes more than six. The exact length is only needed near the limit.
    let mut head_bytes = head.lines.rest().len() * 6 + FIXED_BYTES_MAX;
    if !fits(head_bytes, text_bytes.unwrap_or(base64_bytes)) {
        head_bytes = 0;
        write_head(source, head, &mut |piece| head_bytes += piece.len());
    }
    let is_text = text_bytes.is_some_and(|bytes| fits(head_bytes, bytes));
    if !is_text && !fits(head_bytes, base64_bytes) {
        return Err(TooLarge);
    }
    write_head(source, head, write);
    if is_text {
        write(TEXT_START);
        escape_text(body, write);
    } else {
        write(BASE64_START);
        base64::encode(body, write);
    }
    write(END);
    Ok(())
}

/// Writes the prelude of a streamed answer, and its delimiter, eight NULs.
pub fn write_prelude(source: Source, head: &AnswerHead<'_>, write: &mut dyn FnMut(&[u8])) {
    write_head(source, head, write);
    write(b"}\0\0\0\0\0\0\0\0");
}

/// Writes an answer up to its headers and cookies: an object that is not closed.
fn write_head(source: Source, head: &AnswerHead<'_>, write: &mut dyn FnMut(&[u8])) {
    let is_alb = matches!(source, Source::AlbMulti | Source::AlbSingle);
    let status = Decimal::new(head.status.into());
    write(b"{\"statusCode\":");
    write(status.as_bytes());
    if is_alb {
        write(b",\"statusDescription\":\"");
        write(status.as_bytes());
        write(b" ");
        write(reason(head.status));
        write(b"\"");
    }
    let names_a_header = |(name, value): (&[u8], &[u8])| {
        is(name, b"connection") && !is(value, b"keep-alive") && !is(value, b"close")
    };
    let has_options = head.lines.clone().any(names_a_header);
    let lines = Lines {
        lines: head.lines.clone(),
        all: has_options.then_some(&head.lines),
    };
    write(match source {
        Source::V2 | Source::AlbSingle => b",\"headers\":{",
        Source::RestV1 | Source::HttpV1 | Source::AlbMulti => b",\"multiValueHeaders\":{",
    });
    write_headers(source, &lines, write);
    write(b"}");
    if source == Source::V2 {
        write(b",\"cookies\":[");
        write_values(lines, SET_COOKIE, SEPARATE, write);
        write(b"]");
    }
}

/// Between strings, and between values in one string.
const SEPARATE: &[u8] = b"\",\"";
const JOINED: &[u8] = b", ";

const SET_COOKIE: &[u8] = b"set-cookie";

fn is(name: &[u8], lower: &[u8]) -> bool {
    eq_ignore_ascii_case_lower(name, lower)
}

/// The header lines that are passed on.
#[derive(Clone)]
struct Lines<'a, 'b> {
    lines: HeaderLines<'a>,
    /// All lines, if one of them is a `Connection` that may name another.
    all: Option<&'b HeaderLines<'a>>,
}

impl<'a> Iterator for Lines<'a, '_> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline(never)]
    fn next(&mut self) -> Option<Self::Item> {
        let all = self.all;
        let is_option_of = |name: &[u8], lines: &HeaderLines<'_>| {
            let names_it = |(other, options): (&[u8], &[u8])| {
                is(other, b"connection") && is_option(options, name)
            };
            lines.clone().any(names_it)
        };
        self.lines.find(|(name, _)| {
            !name.is_empty()
                && is_token(name)
                && !is_dropped(name)
                && !is(name, b"status")
                && !all.is_some_and(|lines| is_option_of(name, lines))
        })
    }
}

/// Writes the members of a map of headers. Each name comes once, with all of its values.
fn write_headers(source: Source, lines: &Lines<'_, '_>, write: &mut dyn FnMut(&[u8])) {
    // Names that are different have likely different bits: most need no search for repeats.
    let (mut once, mut twice) = (0, 0);
    for (name, _) in lines.clone() {
        twice |= once & bit_of(name);
        once |= bit_of(name);
    }
    let is_multi = !matches!(source, Source::V2 | Source::AlbSingle);
    let separator = if is_multi { SEPARATE } else { JOINED };
    let mut is_first = true;
    let mut rest = lines.clone();
    loop {
        let here = rest.clone();
        let Some((name, value)) = rest.next() else {
            return;
        };
        let may_repeat = twice & bit_of(name) != 0;
        let is_cookie = is(name, SET_COOKIE);
        if is_cookie && source == Source::V2 || may_repeat && comes_before(lines, name) {
            continue;
        }
        write(if core::mem::take(&mut is_first) {
            b"\""
        } else {
            b",\""
        });
        write(name);
        write(if is_multi { b"\":[" } else { b"\":" });
        if may_repeat && (is_multi || !is_cookie) {
            write_values(here, name, separator, write);
        } else {
            // Of the cookies in a map of single values, the last one.
            let mut value = value;
            if may_repeat {
                let is_same = |(other, _): &(&[u8], &[u8])| eq_ignore_ascii_case(other, name);
                value = rest
                    .clone()
                    .filter(is_same)
                    .last()
                    .map_or(value, |(_, last)| last);
            }
            write(b"\"");
            write_value(value, write);
            write(b"\"");
        }
        write(if is_multi { b"]" } else { b"" });
    }
}

/// A bit that names which differ in case alone share.
fn bit_of(name: &[u8]) -> u64 {
    let mix = |sum: u32, byte: &u8| sum.wrapping_mul(31).wrapping_add(u32::from(byte | 0x20));
    1 << (name.iter().fold(0, mix) & 63)
}

/// Whether a line before that of `name`, which is one of `lines`, has the same name.
fn comes_before(lines: &Lines<'_, '_>, name: &[u8]) -> bool {
    let is_same = |(other, _): &(&[u8], &[u8])| eq_ignore_ascii_case(other, name);
    let first = lines.clone().find(is_same);
    first.is_some_and(|(first, _)| !core::ptr::eq(first, name))
}

/// Writes the values of the lines of that name as strings, or one string: `separator` stands
/// between them. Nothing where there are none.
#[inline(never)]
fn write_values(lines: Lines<'_, '_>, name: &[u8], separator: &[u8], write: &mut dyn FnMut(&[u8])) {
    let mut is_open = false;
    for (other, value) in lines {
        if eq_ignore_ascii_case(other, name) {
            write(if is_open { separator } else { b"\"" });
            write_value(value, write);
            is_open = true;
        }
    }
    if is_open {
        write(b"\"");
    }
}

/// How many bytes of a value are looked at together.
const BLOCK_BYTES: usize = 32;

/// Writes the value of a header as the inside of a string: control bytes other than tabs are
/// spaces, and what is no UTF-8 is Latin-1.
#[inline(never)]
fn write_value(value: &[u8], write: &mut dyn FnMut(&[u8])) {
    if value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return escape_text(value, write);
    }
    let is_utf8 = escaped_text_bytes(value).is_some();
    let mut text = [0; BLOCK_BYTES * 2];
    for block in value.chunks(BLOCK_BYTES) {
        let mut length = 0;
        for &byte in block {
            let (first, second) = match byte {
                b'\t' => (byte, None),
                ..b' ' | 0x7f => (b' ', None),
                0x80.. if !is_utf8 => (0xc0 | byte >> 6, Some(0x80 | byte & 0x3f)),
                _ => (byte, None),
            };
            for byte in [Some(first), second].into_iter().flatten() {
                if let Some(place) = text.get_mut(length) {
                    *place = byte;
                }
                length += 1;
            }
        }
        escape_text(slice_or_empty(&text, 0, length), write);
    }
}
