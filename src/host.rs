//! Handlers outside the binary: what `_HANDLER` names is found, and run for the events.
//!
//! | `_HANDLER` | finds | runs |
//! |---|---|---|
//! | `program` | an executable file of `$LAMBDA_TASK_ROOT` | one process an event |
//!
//! | variable | meaning |
//! |---|---|
//! | `_HANDLER` | what to run, see above |
//! | `LAMBDA_TASK_ROOT` | the folder that it is in; without it, the current one |
//! | `AWS_LAMBDA_FUNCTION_TIMEOUT` | seconds an event may take when it brings no deadline of its own |

mod child;
mod exec;
#[allow(dead_code)] // the tests hand them to the interpreters
mod shims;

use crate::buffer::put;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::limits::PATH_BYTES_MAX;
use crate::log;
use crate::response::Response;
use crate::sys::child::{is_executable, open_standard_streams};
use crate::sys::{Environment, Region};
use crate::wire::http1::decimal;
use crate::wire::part;

static PATH: Region<[u8; PATH_BYTES_MAX]> = Region::new([0; _]);
static MESSAGE: Region<[u8; PATH_BYTES_MAX + 64]> = Region::new([0; _]);

/// Finds the handler that the environment names: what `bootstrap` gives to
/// [`run_with`](crate::run_with).
///
/// # Errors
/// `Runtime.NoSuchHandler`, with the path that was tried.
pub fn init() -> Result<impl FnMut(&Invocation<'_>, &mut Response) -> Result<(), Failure>, Failure>
{
    open_standard_streams();
    let environment = Environment::new();
    let handler = environment.get(b"_HANDLER=").unwrap_or_default();
    let root = environment.get(b"LAMBDA_TASK_ROOT=").unwrap_or(b".");
    let timeout_ms = environment
        .get(b"AWS_LAMBDA_FUNCTION_TIMEOUT=")
        .and_then(decimal)
        .filter(|&seconds| seconds > 0)
        .map(|seconds| (seconds as u64).saturating_mul(1000));

    let (Some(path), Some(message)) = (PATH.take(), MESSAGE.take()) else {
        return Err(no_handler(b"init was called twice"));
    };
    if handler.is_empty() {
        return Err(no_handler(b"_HANDLER is not set"));
    }
    let length = join(path, &[root, b"/", handler, b"\0"]);
    let (path, _) = path.split_at_mut_checked(length).unwrap_or_default();
    let path: &'static [u8] = path;
    let inside = !handler.starts_with(b"/")
        && handler
            .split(|&byte| byte == b'/')
            .all(|name| name != b"..");
    if !inside || !path.ends_with(b"\0") || !is_executable(path) {
        let tried = part(path, 0, path.len().saturating_sub(1));
        let length = join(message, &[b"no executable file ", tried]);
        return Err(no_handler(part(message, 0, length)));
    }
    log::line(b"for each event runs ", part(path, 0, path.len() - 1));
    let Some(mut program) = exec::Program::new(path, timeout_ms) else {
        return Err(no_handler(b"init was called twice"));
    };
    Ok(
        move |invocation: &Invocation<'_>, response: &mut Response| {
            program.run(invocation, response)
        },
    )
}

fn no_handler(message: &'static [u8]) -> Failure {
    Failure::of_bytes("Runtime.NoSuchHandler", message)
}

/// Puts the parts into a region, one behind the other, as far as there is room.
fn join(region: &mut [u8], parts: &[&[u8]]) -> usize {
    parts
        .iter()
        .fold(0, |length, text| length + put(region, length, text))
}
