//! HTTP/1.1 as a client speaks it: heads of replies read, heads of requests written.
//!
//! - [`Head::read`] reads the head of a message in one pass and stores the values of the headers
//!   that a table names. The table of the Runtime API is in `api_headers`; heads without a status
//!   line, as CGI has them, are read too.
//! - [`HeaderLines`] iterates over all header lines of a head that was read, repeated ones too.
//! - [`HeadWriter`] writes the head of a request; the fixed parts of requests are constants here.
//!
//! Decisions of the readers, with the sections of RFC 9112 (or RFC 9110, where noted):
//!
//! - A line ends in CRLF or LF (2.2 allows LF alone). A CR anywhere else is a byte like others,
//!   which makes a status, a name and what frames the body malformed, and stays in a value that a
//!   caller may have chosen. AWS's servers write none: Go's net/http replaces it by a space.
//! - A status line is `HTTP/1.`, a digit, a space, three digits from 100 on, and then nothing or a
//!   space and any reason (4).
//! - A name is at least one byte, and none of them is white space or a control byte, so there is
//!   no white space before the colon (5.1). A folded line is malformed, too, and not unfolded
//!   (5.2): it could belong to a header that frames the body, and AWS's servers send none.
//! - A value loses the spaces and tabs around it (RFC 9110, 5.5). All other bytes stay: callers
//!   choose some values (client context, request id), and no caller may end an environment.
//! - `Content-Length` is decimal digits alone; leading zeros are digits. Repeated with the same
//!   number it is accepted, with another one it is not; a list on one line is not (6.3, item 5, and
//!   RFC 9110, 8.6: either is allowed).
//! - `Transfer-Encoding` is `chunked`, once. No other coding, list or parameter: the runtime asks
//!   for none (6.1). Beside `Content-Length` it is malformed (6.3, item 3: ought to be an error).
//! - Both of these without a value are malformed, never absent. Replies with a status of 1xx, 204
//!   or 304 have no body, whatever these headers say (6.3, item 1).
//! - `Connection` is a list; further lines add to it (RFC 9110, 7.6.1). HTTP/1.0 closes always.
//! - The first value of any other header counts that is not empty.

mod head;
mod lines;
mod request;
mod table;

pub use head::{Framing, Head, Span, eq_ignore_ascii_case_lower, index_of};
pub use lines::{HeaderLines, header};
pub use request::{CONTENT_LENGTH, GET, HEAD_END, HeadWriter, LINE_END, POST, VERSION_AND_HOST};
pub use table::{FRAMING_HEADERS, HeadFormat, pack, packed_bytes};
