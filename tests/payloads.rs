//! Payload sizes and their order: events and responses of every size near a limit, in random order,
//! with runs of small ones between, for native functions and every hosted kind. Each answer is
//! compared whole.
//!
//! The runtime releases memory after some small events; its next messages have to be whole all the
//! same. With `TINDERBOX_SMALL_LIMITS` the binaries under test are built with
//! `--cfg tinderbox_small_limits`, and release memory after two events, above 8 KiB.

// `tests/hosted.rs` uses more of this module.
#[allow(dead_code)]
#[path = "hosted/kinds.rs"]
mod kinds;
#[path = "payloads/plan.rs"]
mod plan;
#[path = "payloads/sessions.rs"]
mod sessions;
mod support;

use kinds::Kind;
use plan::{Bytes, Subject};
use sessions::run_sessions;
use support::function;
use support::skip;
use support::start::Start;

/// A native function that answers with the event.
fn echoes(name: &str) {
    let subject = Subject {
        name: name.to_string(),
        bytes: Bytes::Any,
        repeats: false,
        failure: None,
        cost: 1,
    };
    run_sessions(&subject, &Start::new(&function(name)));
}

#[test]
fn echo_of_random_sizes_is_answered_whole() {
    echoes("echo");
}

#[test]
fn bare_of_random_sizes_is_answered_whole() {
    echoes("bare");
}

#[test]
fn probe_of_random_sizes_is_answered_whole() {
    let subject = Subject {
        name: "probe".to_string(),
        bytes: Bytes::Text,
        repeats: true,
        failure: Some(("Function.Probe", 160 * 1024)),
        cost: 1,
    };
    run_sessions(&subject, &Start::new(&function("probe")));
}

for_kinds!(hosted [bash dash program worker php node python ruby] [
    handler_of_random_sizes_is_answered_whole
]);

fn handler_of_random_sizes_is_answered_whole(kind: &Kind) {
    let (source, failure) = match kind.file {
        "worker.pl" => (
            include_str!("payloads/functions/worker.pl"),
            Some(("Function.Failed", 256 * 1024 - 100)),
        ),
        "hello.php" => (
            include_str!("payloads/functions/hello.php"),
            Some(("DomainException", FAILURE_BYTES_MAX)),
        ),
        "index.mjs" => (
            include_str!("payloads/functions/index.mjs"),
            Some(("RangeError", FAILURE_BYTES_MAX)),
        ),
        "index.py" => (
            include_str!("payloads/functions/index.py"),
            Some(("ValueError", FAILURE_BYTES_MAX)),
        ),
        "index.rb" => (
            include_str!("payloads/functions/index.rb"),
            Some(("Function<ArgumentError>", FAILURE_BYTES_MAX)),
        ),
        // The message of an error has the end of their log, not the text.
        "program.sh" => (include_str!("payloads/functions/program.sh"), None),
        _ => (include_str!("payloads/functions/function.sh"), None),
    };
    let task = kind.with_source(source);
    let subject = Subject {
        name: format!("{} {}", kind.file, kind.first_line.trim()),
        bytes: match (kind.is_json, kind.file) {
            (true, _) => Bytes::Json,
            (false, "worker.pl") => Bytes::Any,
            (false, _) => Bytes::Text,
        },
        repeats: true,
        failure,
        cost: if kind.is_persistent { 1 } else { 3 },
    };
    run_sessions(&subject, &task.start);
}

/// The embedded workers truncate longer messages, in bytes.
const FAILURE_BYTES_MAX: usize = 20_000;
