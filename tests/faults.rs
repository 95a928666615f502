//! Fault injection: `strace -e inject` makes each system call of the runtime fail once, with each
//! errno of the kernel for it.
//!
//! Under any fault, each event is answered exactly once, with the right bytes or an error, or the
//! process exits with a documented exit code and a message, in bounded time. `errnos.rs` lists the
//! injected errnos and the omitted calls, with reasons.
//!
//! Only the runtime's process is traced: faults of a handler are its own matter. The usual run
//! takes a sample; with `TINDERBOX_SOAK` it tries all faults.

#[path = "faults/cases.rs"]
mod cases;
#[path = "faults/errnos.rs"]
mod errnos;
#[path = "faults/judge.rs"]
mod judge;
#[path = "faults/loads.rs"]
mod loads;
#[path = "faults/runs.rs"]
mod runs;
mod support;

use cases::Subject;
use loads::Load;
use support::hosting::start;
use support::skip;
use support::start::Start;
use support::{TempDir, function};

#[test]
fn native_echo_under_any_fault_keeps_the_ledger_balanced() {
    let start = Start::new(&function("echo"));
    runs::try_faults(Subject::new("echo", start, Load::Release, None));
}

/// Tries faults of a bootstrap that hosts this handler, with this executable in its task root.
fn hosted(name: &str, load: Load, handler: &str, file: &str, source: &[u8]) {
    let dir = TempDir::new();
    dir.executable(file, source);
    let start = start(&dir, handler)
        .variable("PERL_BADLANG", "0")
        // The limit of an event that arrives after its deadline.
        .variable("AWS_LAMBDA_FUNCTION_TIMEOUT", "6");
    runs::try_faults(Subject::new(name, start, load, Some(dir)));
}

#[test]
fn program_under_any_fault_keeps_the_ledger_balanced() {
    let source = b"#!/bin/sh\nexec cat\n";
    hosted("program", Load::Sizes, "program", "program", source);
}

#[test]
fn shell_function_under_any_fault_keeps_the_ledger_balanced() {
    let source = b"#!/bin/dash\nhandler() { cat; }\n";
    if skip::has("dash") {
        let (handler, file) = ("function.handler", "function.sh");
        hosted("shell", Load::Sizes, handler, file, source);
    }
}

#[test]
fn frame_worker_under_any_fault_keeps_the_ledger_balanced() {
    let source = include_bytes!("hosted/functions/worker.pl");
    if skip::has("perl") {
        let (handler, file) = ("worker:worker.pl", "worker.pl");
        hosted("worker", Load::Sizes, handler, file, source);
    }
}

#[test]
fn late_program_under_faults_of_descriptors_times_out() {
    let source = b"#!/bin/sh\nevent=$(cat)\nprintf '%s' \"$event\"\n\
        [ \"$event\" != late ] || sleep 30\n";
    hosted("late program", Load::Late, "program", "program", source);
}

#[test]
fn late_shell_function_under_faults_of_descriptors_times_out() {
    let source = b"#!/bin/dash\nhandler() {\n\
        printf '%s' \"$1\"\n[ \"$1\" != late ] || sleep 30\n}\n";
    if skip::has("dash") {
        let (handler, file) = ("function.handler", "function.sh");
        hosted("late shell", Load::Late, handler, file, source);
    }
}
