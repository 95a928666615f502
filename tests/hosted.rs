//! Hosted handlers: shell functions, programs, workers that speak the frame protocol, functions of
//! PHP, Node, Python and Ruby; with real interpreters, through the whole runtime.
//!
//! `functions/` has one function for each kind, and all know the same commands. A kind whose
//! interpreter is not installed is printed as skipped.

#[path = "hosted/answers.rs"]
mod answers;
#[path = "hosted/arguments.rs"]
mod arguments;
#[path = "hosted/chaos.rs"]
mod chaos;
#[path = "hosted/context.rs"]
mod context;
#[path = "hosted/ends.rs"]
mod ends;
#[path = "hosted/failure_records.rs"]
mod failure_records;
#[path = "hosted/fast_path.rs"]
mod fast_path;
#[path = "hosted/forks.rs"]
mod forks;
#[path = "hosted/frames.rs"]
mod frames;
#[path = "hosted/fuzz.rs"]
mod fuzz;
#[path = "hosted/json_lines.rs"]
mod json_lines;
#[path = "hosted/kinds.rs"]
mod kinds;
#[path = "hosted/log_readers.rs"]
mod log_readers;
#[path = "hosted/logs.rs"]
mod logs;
#[path = "hosted/messages.rs"]
mod messages;
#[path = "hosted/modules.rs"]
mod modules;
#[path = "hosted/odd.rs"]
mod odd;
#[path = "hosted/paths.rs"]
mod paths;
#[path = "hosted/platform.rs"]
mod platform;
#[path = "hosted/pools.rs"]
mod pools;
#[path = "hosted/resolve.rs"]
mod resolve;
#[path = "hosted/restarts.rs"]
mod restarts;
#[path = "hosted/shell.rs"]
mod shell;
#[path = "hosted/shell_errors.rs"]
mod shell_errors;
#[path = "hosted/shell_names.rs"]
mod shell_names;
#[path = "hosted/steady.rs"]
mod steady;
mod support;
#[path = "hosted/timing.rs"]
mod timing;
#[path = "hosted/traces.rs"]
mod traces;
#[path = "hosted/wrapper.rs"]
mod wrapper;

use support::skip;
