//! SnapStart: after init the platform takes a snapshot of the environment, and restores it, also
//! several times and much later.
//!
//! Sources: AWS Lambda Developer Guide, "Lambda SnapStart runtime hooks" (custom runtimes), and the
//! emulator's server code.

use crate::connection::MessageReader;
use crate::failure::Failure;
use crate::panics;
use crate::response::Response;
use crate::runtime_api::RuntimeApi;
use crate::sys::{self, AtomicFn, Environment};
use crate::wire::http1::{self, HeadWriter};

type Function = fn() -> Result<(), Failure>;

static BEFORE: AtomicFn<Function> = AtomicFn::new();
static AFTER: AtomicFn<Function> = AtomicFn::new();

/// Has a function called before the platform takes a snapshot of the environment (SnapStart). To
/// be said before init is over; the last one counts. Its `Err` is an init error.
pub fn before_snapshot(function: fn() -> Result<(), Failure>) {
    BEFORE.set(function);
}

/// Has a function called whenever a snapshot has been restored, before the first event: within 10
/// seconds. Random numbers, clocks and connections are those of the snapshot until it renews them.
/// To be said before init is over; the last one counts. Its `Err` is posted to `/restore/error`.
pub fn after_restore(function: fn() -> Result<(), Failure>) {
    AFTER.set(function);
}

/// Where the platform asks for it: waits until a snapshot was taken and restored.
pub fn wait(
    api: &'static mut RuntimeApi,
    inbox: &mut MessageReader,
    response: &mut Response,
) -> &'static mut RuntimeApi {
    let environment = Environment::new();
    let rest = environment.get(b"AWS_LAMBDA_INITIALIZATION_TYPE=snap-start");
    if rest.is_none_or(|rest| !rest.is_empty()) {
        return api;
    }
    let api = call(&BEFORE, api, inbox, response);
    response.reset();
    let request = response.buffer();
    let endpoint = &api.endpoint;
    let target: [&[u8]; 2] = [endpoint.runtime_path(), b"restore/next"];
    let mut write = |piece: &[u8]| request.append(piece);
    HeadWriter::new(http1::GET, &target, endpoint.authority(), &mut write).end();
    if !api.wait_for_restore(inbox, request.bytes()) {
        return api; // nothing was restored
    }
    call(&AFTER, api, inbox, response)
}

/// Calls a function, if somebody wants that. Its error is reported, and ends the process.
fn call(
    hook: &AtomicFn<Function>,
    api: &'static mut RuntimeApi,
    inbox: &mut MessageReader,
    response: &mut Response,
) -> &'static mut RuntimeApi {
    let Some(function) = hook.get() else {
        return api;
    };
    let (api, outcome) = panics::watch(api, function);
    if let Err(failure) = outcome {
        let code = panics::exit_code(&failure);
        api.report(inbox, response, failure);
        sys::exit(code);
    }
    api
}
