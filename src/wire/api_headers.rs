//! The headers of the Runtime API's replies whose values the runtime keeps.

use super::http1::{HeadFormat, pack, packed_bytes};

/// Their names, in lower case; the indices below are theirs.
pub const TRACKED_HEADERS: &[&[u8]] = &[
    b"lambda-runtime-aws-request-id",
    b"lambda-runtime-invocation-id",
    b"lambda-runtime-trace-id",
    #[cfg(feature = "lambda-extras")]
    b"lambda-runtime-aws-tenant-id",
];
/// How many values a head keeps.
pub const TRACKED_COUNT: usize = TRACKED_HEADERS.len();
/// The request id.
pub const REQUEST_ID: usize = 0;
/// The invocation id.
pub const INVOCATION_ID: usize = 1;
/// The trace id.
pub const TRACE_ID: usize = 2;
/// The tenant id, which log records have.
pub const TENANT_ID: usize = 3;

/// How the runtime reads the heads of replies.
pub static REPLY: HeadFormat = HeadFormat {
    has_status_line: true,
    names: &NAMES,
};
static NAMES: [u8; packed_bytes(TRACKED_HEADERS)] = pack(TRACKED_HEADERS);
