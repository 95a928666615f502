//! The limits that several modules or the documentation name, each with its unit and its source.
//! The sums on which memory depends are proved at the end, when this is compiled. A limit of one
//! module alone stands there.

/// Whether this build has the feature `lambda-extras`. Code tests it with a plain `if`, so that
/// the code is compiled in every build, and unused code is not linked.
pub const HAS_EXTRAS: bool = cfg!(feature = "lambda-extras");

/// Whether this build has the feature `stream`; see `HAS_EXTRAS`.
pub const HAS_STREAM: bool = cfg!(feature = "stream");

/// [`EVENT_BYTES_MAX`] and [`RESPONSE_BYTES_MAX`] in messages.
macro_rules! payload_bytes_max {
    () => {
        "6291556"
    };
}
pub(crate) use payload_bytes_max;

/// The longest event that the Runtime API delivers, in bytes: 6 MiB + 100 (the emulator's and the
/// platform's own figure in `Function.ResponseSizeTooLarge`).
pub const EVENT_BYTES_MAX: usize = 6 * 1024 * 1024 + 100;

/// The longest buffered response that the Runtime API takes, in bytes: 6 MiB + 100, else 413.
pub const RESPONSE_BYTES_MAX: usize = 6 * 1024 * 1024 + 100;

/// The longest head of a reply, in bytes. A client context is at most 3,583 bytes of base64 and
/// everything else is shorter, so this is ours to choose.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// The most bytes of one read while a short reply is awaited: bytes after that reply are moved, so
/// they should not be a whole event.
pub const REPLY_READ_BYTES_MAX: usize = 16 * 1024;

/// The event region, in bytes: a head, an event, and bytes after it that were read with it.
pub const EVENT_REGION_BYTES: usize = HEAD_BYTES_MAX + EVENT_BYTES_MAX + REPLY_READ_BYTES_MAX;

/// The longest request id and the longest invocation id, in bytes. Both are UUIDs (36) in practice,
/// but a caller can choose the request id where the platform takes it from `X-Amzn-RequestId`. No
/// platform sends a longer one; an event that has one cannot be answered, and ends the process.
pub const ID_BYTES_MAX: usize = 1024;

/// The pause before the next event is requested again after a reply without one (204), in
/// nanoseconds: the second one, and the longest. Some emulators reply at once that there is none.
/// Short, because an event may come meanwhile, and nothing beside the time for which a server holds
/// the request that waits itself. The longest has all the bits that a pause may have, and so it
/// stays as it is when it is doubled.
pub const PAUSE_NS_MIN: i64 = 1 << 20;
/// See [`PAUSE_NS_MIN`]: 33 ms.
pub const PAUSE_NS_MAX: i64 = 0x1f << 20;

/// The longest tenant id in a log record, in bytes: the platform accepts no longer one.
pub const TENANT_ID_BYTES_MAX: usize = 256;

/// The longest path before the API's own (an emulator's), in bytes.
pub const PREFIX_BYTES_MAX: usize = 256;

/// The longest `host:port`, in bytes: four octets or `localhost`, a colon, five digits; with the
/// feature `lambda-extras`, an IPv6 address in brackets.
pub const AUTHORITY_BYTES_MAX: usize = if HAS_EXTRAS { 47 } else { 21 };

/// The longest `Content-Type` of a response, in bytes.
pub const CONTENT_TYPE_BYTES_MAX: usize = 256;

/// The longest error type, in bytes; it is a header's value.
pub const ERROR_TYPE_BYTES_MAX: usize = 128;

/// The longest body of an error, in bytes of JSON: servers that run several events at once refuse a
/// longer one with 413 (`rapi/router.go` of AWS's emulator for Lambda Managed Instances).
pub const ERROR_JSON_BYTES_MAX: usize = 1024 * 1024;

/// The longest trace id, in bytes: `Root`, `Parent`, `Sampled` and `Lineage` make about 150.
pub const TRACE_ID_BYTES_MAX: usize = 1024;

/// The most environment variables that can be handed on. Lambda allows 4 KB of text in them.
pub const ENVIRONMENT_MAX: usize = 4096;

/// Space before a response for the head of its request, which is written backwards, in bytes.
pub const HEADROOM_BYTES: usize = 8192;

/// The part of an error's message that X-Ray gets, in bytes of JSON. (It takes 64 KiB of a cause,
/// `error_cause_compactor.go` of AWS's emulator; the caller gets the whole message.)
pub const CAUSE_MESSAGE_BYTES_MAX: usize = 1024;

/// The longest trailers of a streamed response, in bytes: Go's server reads them within a buffer of
/// 4,096 (net/http, `seeUpcomingDoubleCRLF`), with the last chunk before them.
pub const TRAILERS_BYTES_MAX: usize = 4096 - 64;

/// The longest error body in them, in bytes before base64.
pub const TRAILER_ERROR_BYTES_MAX: usize =
    (TRAILERS_BYTES_MAX - 128 - ERROR_TYPE_BYTES_MAX) / 4 * 3;

/// Space after a response for the request for the next event, in bytes.
pub const TAILROOM_BYTES: usize = 512;

/// The response region.
pub const RESPONSE_REGION_BYTES: usize = HEADROOM_BYTES + RESPONSE_BYTES_MAX + TAILROOM_BYTES;

/// The longest text of a panic that is reported, in bytes.
pub const PANIC_TEXT_BYTES_MAX: usize = 4 * 1024;

/// The region of the report of a panic: a head, its text, each byte of which JSON may escape
/// sixfold, and the text around it.
pub const PANIC_REGION_BYTES: usize = HEADROOM_BYTES + 6 * PANIC_TEXT_BYTES_MAX + TAILROOM_BYTES;

/// The longest reply to a request that is not for an event, in bytes, where it has a region of its
/// own: a head and a short JSON text.
pub const SHORT_REPLY_BYTES_MAX: usize = 4 * 1024;

/// The longest log record, in bytes; the end of a longer message is cut off. CloudWatch Logs takes
/// events of 1 MiB.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// How long a log write waits for the reader of the log, in milliseconds: longer than a busy reader
/// pauses. No event waits beyond its own deadline, and none for a reader that was this late before.
pub const LOG_WAIT_MS: u64 = 500;

/// The longest write to a writable pipe that does not block, in bytes: a page (pipe(7)).
pub const PIPE_BUF_BYTES: usize = 4096;

/// The part of a region that stays resident after a trim, in bytes. `--cfg tinderbox_small_limits`
/// makes this and `TRIM_AFTER_EVENTS` small in a build for tests, so that pages are released often
/// and every size near the limit can be tried.
pub const TRIM_KEEP_BYTES: usize = if SMALL { 8 * 1024 } else { 256 * 1024 };

/// The number of consecutive events, each of at most `TRIM_KEEP_BYTES`, after which the regions are
/// trimmed.
pub const TRIM_AFTER_EVENTS: u32 = if SMALL { 2 } else { 16 };

/// Whether this is a build for tests that has small limits.
const SMALL: bool = cfg!(tinderbox_small_limits);

/// A deadline further ahead is implausible: the longest function runs 15 minutes, and one emulator
/// sends years.
pub const DEADLINE_AHEAD_MS_MAX: u64 = 24 * 60 * 60 * 1000;

/// A deadline further back is implausible: another emulator sends the constant 600000.
pub const DEADLINE_BEHIND_MS_MAX: u64 = 15 * 60 * 1000;

/// The longest path of a handler, in bytes (PATH_MAX of Linux).
pub const PATH_BYTES_MAX: usize = 4096;

/// The longest message about a handler that cannot be found, in bytes: it has every path tried.
pub const RESOLVE_MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// The most bytes of one read from a child: the capacity of its pipe (pipe(7)).
pub const PIPE_BYTES: usize = 64 * 1024;

/// The end of a child's log that the message of an error contains, in bytes.
pub const OUTPUT_TAIL_BYTES: usize = 4 * 1024;

/// The longest line of a child's log that becomes one record, in bytes; a longer one becomes
/// several. Escaped sixfold, it still fits into a record.
pub const LOG_LINE_BYTES_MAX: usize = 128 * 1024;

/// The longest line of a child's log that passes unchanged because it is a JSON object, in bytes:
/// the longest event of CloudWatch Logs, less the line feed.
pub const JSON_LINE_BYTES_MAX: usize = RECORD_BYTES_MAX - 1;

/// How long the beginning of a line waits for its rest between two events, in milliseconds: then it
/// is logged as it is, before the process may be frozen or killed.
pub const LINE_REST_MS: u64 = 200;

/// The number of reads that empty a pipe without a writer: the writer may have made it 1 MiB large
/// (pipe(7)).
pub const DRAIN_READS: usize = 17;

/// The longest head of a request to a web application, in bytes: a load balancer takes 64 KiB of
/// headers (its quotas), and the target may be as long as the event.
#[cfg(feature = "web")]
pub const REQUEST_HEAD_BYTES_MAX: usize = 256 * 1024;

/// The longest head of an answer of a web application, in bytes: no source of HTTP events delivers
/// more (a load balancer 32 KiB of headers, API Gateway 10 KiB).
#[cfg(feature = "web")]
pub const ANSWER_HEAD_BYTES_MAX: usize = 64 * 1024;

/// The most arguments that an event gives to a command.
pub const CONSOLE_ARGUMENTS_MAX: usize = 255;

/// The longest arguments of a command in all, in bytes, with a NUL each: the kernel takes no longer
/// one (`MAX_ARG_STRLEN`, execve(2)).
#[cfg(feature = "web")]
pub const CONSOLE_ARGUMENT_BYTES_MAX: usize = 128 * 1024;

/// The end of a command's output that is answered, in bytes: escaped sixfold it still fits.
pub const CONSOLE_OUTPUT_BYTES_MAX: usize = 1024 * 1024;

/// The time that init may take, in milliseconds, before the first event is requested nevertheless:
/// a little less than the platform gives it.
pub const INIT_MS_MAX: u64 = 9_800;

/// The longest context of an event for a worker, in bytes.
pub const CONTEXT_BYTES_MAX: usize = 16 * 1024;

/// The same as the commands of a shell, in bytes: a quote takes four bytes there.
pub const EXPORTS_BYTES_MAX: usize = 4 * CONTEXT_BYTES_MAX + 1024;

/// The longest error of a worker, in bytes of JSON.
pub const WORKER_ERROR_BYTES_MAX: usize = 256 * 1024;

/// Memory for the types of errors that workers have sent, in bytes. When it is full, a new type
/// counts as unknown in the platform's metrics.
pub const ERROR_TYPE_POOL_BYTES: usize = 2048;

/// How long the restart after a failed event may delay the request for the next one, in
/// milliseconds: as long as the platform gives to init. The time that the failed event has left is
/// the other bound.
pub const RESTART_MS_MAX: u64 = 10_000;

/// Grace period after the final answer of a persistent process before it is killed, in
/// milliseconds.
pub const EXIT_GRACE_MS: u64 = 200;

/// How long a process that was asked to exit is waited for, in milliseconds: the platform's window
/// with external extensions. With internal ones alone it is 500, and then the platform kills all.
pub const TERMINATION_MS: u64 = 2000;

/// How long a killed process is waited for, in milliseconds. To free half a gigabyte of memory
/// takes the kernel longer, and a process that waits for a network file system may stay: no answer
/// waits for that.
pub const KILL_WAIT_MS: u64 = 10;

/// A handler is stopped before its deadline, so that its failure can still be reported: 2 % of its
/// time, within these bounds, in milliseconds.
pub const MARGIN_MS_MIN: u64 = 50;
/// See [`MARGIN_MS_MIN`].
pub const MARGIN_MS_MAX: u64 = 500;

/// The most workers of a pool: a process may have 4,096 descriptors there, and the platform's own
/// default is 16 a vCPU at most.
pub const WORKERS_MAX: usize = 1024;

/// The longest init error that a worker can send its parent, in bytes: less than a socket's buffer
/// (212,992 by default, socket(7)).
pub const WORKER_MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Uptime after which a crash of a worker is not counted as a failed start, in milliseconds.
pub const WORKER_HEALTHY_MS: u64 = 1000;

/// Backoff before a worker is forked again after a failed start, in milliseconds: the first one and
/// the longest.
pub const RESPAWN_MS_MIN: u64 = 100;
/// See [`RESPAWN_MS_MIN`].
pub const RESPAWN_MS_MAX: u64 = 10_000;

/// The longest wait between two tries to fork a worker while a pool starts, in milliseconds: with
/// those before, five tries in 1.5 seconds. Then there is an init error.
pub const INIT_FORK_DELAY_MS_MAX: u64 = 800;

/// The last wait between two tries to reach a Runtime API that serves several at once, in
/// milliseconds; they begin with `RESPAWN_MS_MIN` and double, as AWS's Python client has it.
pub const RETRY_MS_MAX: u64 = 1600;

/// The literal text of the longest request head, in bytes, rounded up.
const REQUEST_LITERAL_BYTES: usize = 640;

const _: () = assert!(
    REQUEST_LITERAL_BYTES
        + PREFIX_BYTES_MAX
        + AUTHORITY_BYTES_MAX
        + 3 * ID_BYTES_MAX // in the path, percent-encoded
        + ID_BYTES_MAX
        + CONTENT_TYPE_BYTES_MAX
        + 2 * ERROR_TYPE_BYTES_MAX
        + CAUSE_MESSAGE_BYTES_MAX
        <= HEADROOM_BYTES
);
const _: () = assert!(96 + PREFIX_BYTES_MAX + AUTHORITY_BYTES_MAX <= TAILROOM_BYTES);
const _: () = assert!(ERROR_JSON_BYTES_MAX < RESPONSE_BYTES_MAX);
const _: () = assert!(REPLY_READ_BYTES_MAX < HEAD_BYTES_MAX);
const _: () = assert!(TRIM_KEEP_BYTES < EVENT_BYTES_MAX && TRIM_KEEP_BYTES < RESPONSE_BYTES_MAX);
const _: () = assert!(6 * LOG_LINE_BYTES_MAX + 4096 < RECORD_BYTES_MAX);
const _: () = assert!(6 * CONSOLE_OUTPUT_BYTES_MAX + 32 <= RESPONSE_BYTES_MAX);
const _: () = assert!(WORKER_ERROR_BYTES_MAX <= ERROR_JSON_BYTES_MAX);

// The text is that of the numbers.
const _: () = assert!(matches!(
    usize::from_str_radix(payload_bytes_max!(), 10),
    Ok(EVENT_BYTES_MAX)
));
const _: () = assert!(EVENT_BYTES_MAX == RESPONSE_BYTES_MAX);
