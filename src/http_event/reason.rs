//! Reason phrases of the statuses that applications send, as IANA's registry has them.

use crate::wire::number::parse_decimal;
use crate::wire::{find_from, slice_or_empty};

/// Statuses with their phrases, a line each. A table of slices would take 16 bytes more each.
static REASONS: &[u8] = b"200 OK\n201 Created\n202 Accepted\n204 No Content\n\
    206 Partial Content\n300 Multiple Choices\n301 Moved Permanently\n302 Found\n\
    303 See Other\n304 Not Modified\n307 Temporary Redirect\n308 Permanent Redirect\n\
    400 Bad Request\n401 Unauthorized\n403 Forbidden\n404 Not Found\n405 Method Not Allowed\n\
    406 Not Acceptable\n408 Request Timeout\n409 Conflict\n410 Gone\n411 Length Required\n\
    412 Precondition Failed\n413 Content Too Large\n414 URI Too Long\n\
    415 Unsupported Media Type\n416 Range Not Satisfiable\n422 Unprocessable Content\n\
    423 Locked\n426 Upgrade Required\n428 Precondition Required\n429 Too Many Requests\n\
    431 Request Header Fields Too Large\n451 Unavailable For Legal Reasons\n\
    500 Internal Server Error\n501 Not Implemented\n502 Bad Gateway\n503 Service Unavailable\n\
    504 Gateway Timeout\n505 HTTP Version Not Supported\n507 Insufficient Storage\n";

/// The reason phrase of a status; `Unknown` where it has none.
pub fn reason(status: u16) -> &'static [u8] {
    let mut start = 0;
    while start < REASONS.len() {
        let end = find_from(REASONS, start, b'\n');
        if parse_decimal(slice_or_empty(REASONS, start, start + 3)) == Some(status.into()) {
            return slice_or_empty(REASONS, start + 4, end);
        }
        start = end + 1;
    }
    b"Unknown"
}
