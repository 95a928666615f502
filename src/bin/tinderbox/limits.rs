//! Lambda's limits and defaults that more than one module needs.

/// The longest event of a call that waits for the function, in bytes.
pub const EVENT_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The longest response: 6 MiB and 100 bytes (AWS's `MaxPayloadSize`).
pub const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024 + 100;

/// Go's net/http, and so AWS's server, sends a body of unknown length with a `Content-Length` up to
/// this size, and chunked above it (`bufferBeforeChunkingSize`).
pub const UNCHUNKED_BYTES_MAX: usize = 2048;

/// The default of `--function-name`.
pub const FUNCTION_NAME: &str = "function";

/// The default of `--handler`.
pub const HANDLER: &str = "function.handler";

/// Lambda's default for a function's memory.
pub const MEMORY_MB: u32 = 128;
