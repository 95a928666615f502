//! The content types of files, by their extensions.

use super::path::extension;
use crate::wire::http1::eq_ignore_ascii_case_lower;
use crate::wire::{find_from, parts, slice_or_empty};

/// A line for each type: the type, and the extensions that have it. One text takes half the bytes
/// of a table. Text is UTF-8 (JSON always is: RFC 8259, 8.1).
const TYPES: &[u8] = b"\
text/html; charset=utf-8|html htm
text/css; charset=utf-8|css
text/javascript; charset=utf-8|js mjs
application/json|json map
text/plain; charset=utf-8|txt log
image/svg+xml|svg
image/png|png
image/jpeg|jpg jpeg
image/webp|webp
image/gif|gif
image/avif|avif
image/x-icon|ico
font/woff2|woff2
font/woff|woff
font/ttf|ttf
font/otf|otf
application/manifest+json|webmanifest
application/xml|xml xsl
application/wasm|wasm
application/pdf|pdf
text/csv; charset=utf-8|csv
text/markdown; charset=utf-8|md
text/calendar; charset=utf-8|ics
text/vtt; charset=utf-8|vtt
application/rss+xml|rss
application/atom+xml|atom
application/zip|zip
application/gzip|gz
video/mp4|mp4 m4v
video/webm|webm
audio/mpeg|mp3
audio/mp4|m4a
audio/ogg|ogg oga
audio/wav|wav
image/bmp|bmp
application/vnd.ms-fontobject|eot
";

/// The type of any other file.
const UNKNOWN: &[u8] = b"application/octet-stream";

/// The content type of the file at a path.
#[inline(never)] // a frame of its own is smaller code
pub fn content_type(path: &[u8]) -> &'static [u8] {
    let wanted = extension(path);
    let mut rest = TYPES;
    while !rest.is_empty() {
        let end = find_from(rest, 0, b'\n');
        let line = slice_or_empty(rest, 0, end);
        let bar = find_from(line, 0, b'|');
        let mut extensions = parts(slice_or_empty(line, bar + 1, end), b' ');
        if extensions.any(|extension| eq_ignore_ascii_case_lower(wanted, extension)) {
            return slice_or_empty(line, 0, bar);
        }
        rest = slice_or_empty(rest, end + 1, rest.len());
    }
    UNKNOWN
}
