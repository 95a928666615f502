//! The tool's exit statuses. `tinderbox help` documents them.

/// Success.
pub const DONE: i32 = 0;

/// The function returned an error (`measure`: or the bootstrap failed otherwise).
pub const FUNCTION_ERROR: i32 = 1;

/// Nothing was done: usage, a file, a port, no connection.
pub const NOTHING_DONE: i32 = 2;

/// `measure`: a ratio is greater than `--max-ratio` allows.
pub const RATIO_EXCEEDED: i32 = 3;

/// The tool panicked; std uses the same number.
pub const PANIC: i32 = 101;

/// A child could not execute its program; shells use the same number.
pub const CANNOT_EXECUTE: i32 = 127;

/// A signal stopped the tool before the answer.
pub fn stopped_by(signal: i32) -> i32 {
    128 + signal
}
