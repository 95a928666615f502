//! SnapStart: after init the platform takes a snapshot of the execution environment, and restores
//! it any number of times, perhaps much later.
//!
//! Sources: AWS Lambda Developer Guide, "Lambda SnapStart runtime hooks" (custom runtimes), and the
//! emulator's server code.

use crate::failure::Failure;
use crate::message_reader::MessageReader;
use crate::panics;
use crate::response::Response;
use crate::service::Service;
use crate::session::Session;
use crate::shutdown;
use crate::sys::{AtomicFn, Environment};
use crate::wire::http1::{self, HeadWriter};

type RestoreHook = fn() -> Result<(), Failure>;

static BEFORE: AtomicFn<RestoreHook> = AtomicFn::new();
static AFTER: AtomicFn<RestoreHook> = AtomicFn::new();

/// Sets a function that runs before the platform takes a snapshot of the environment (SnapStart).
/// Call this before init ends; the last call counts. The function's `Err` is an init error.
pub fn before_snapshot(function: fn() -> Result<(), Failure>) {
    BEFORE.set(function);
}

/// Sets a function that runs after each restore of a snapshot, before the first event: it has 10
/// seconds. Until it renews them, random state, clocks and connections are those of the snapshot.
/// Call this before init ends; the last call counts. The function's `Err` is posted to
/// `/restore/error`.
pub fn after_restore(function: fn() -> Result<(), Failure>) {
    AFTER.set(function);
}

/// With SnapStart: waits until a snapshot was taken and restored. Runs the two hooks.
pub fn wait_for_restore(
    session: &'static mut Session,
    reader: &mut MessageReader,
    response: &mut Response,
    service: &mut impl Service,
) -> &'static mut Session {
    let environment = Environment::new();
    let rest = environment.get(b"AWS_LAMBDA_INITIALIZATION_TYPE=snap-start");
    if rest.is_none_or(|rest| !rest.is_empty()) {
        return session;
    }
    let session = run_hook(&BEFORE, session, reader, response);
    response.reset();
    let request = response.buffer();
    let endpoint = &session.api.endpoint;
    let target: [&[u8]; 2] = [endpoint.runtime_path(), b"restore/next"];
    let mut write = |piece: &[u8]| request.append(piece);
    HeadWriter::new(http1::GET, &target, endpoint.authority(), &mut write).end();
    let is_restored = loop {
        session.api.send(request.bytes());
        service.idle(&session.api.connection);
        if let Some(is_restored) = session.api.read_restored(reader) {
            break is_restored;
        }
    };
    if !is_restored {
        return session;
    }
    shutdown::renew_connection(session);
    response.reset();
    if let Err(failure) = service.after_restore(response) {
        panics::exit_init_error(session, reader, response, failure);
    }
    run_hook(&AFTER, session, reader, response)
}

/// Runs a hook, if one is set. Its error is posted, and ends the process.
fn run_hook(
    hook: &AtomicFn<RestoreHook>,
    session: &'static mut Session,
    reader: &mut MessageReader,
    response: &mut Response,
) -> &'static mut Session {
    let Some(function) = hook.get() else {
        return session;
    };
    let outcome = panics::catch_panics(session, function);
    let session = panics::take_session();
    if let Err(failure) = outcome {
        panics::exit_init_error(session, reader, response, failure);
    }
    session
}
