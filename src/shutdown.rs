//! Notice of the end of the environment, for functions that want it.
//!
//! The platform sends SIGTERM only where an extension is registered, so one is, that asks for no
//! events: then there are 500 ms. Sources: AWS Lambda Developer Guide, "Lambda Extensions API" and
//! "Understanding the Lambda execution environment lifecycle".

use crate::buffer::FixedBytes;
use crate::connection::{Connection, MessageReader};
use crate::diagnostics;
use crate::limits::{AUTHORITY_BYTES_MAX, ID_BYTES_MAX, PREFIX_BYTES_MAX, REPLY_READ_BYTES_MAX};
use crate::runtime_api::RuntimeApi;
use crate::sys::ipc::{Direction, poll};
use crate::sys::pool::{SIGTERM, Signals};
use crate::sys::{self, AtomicFn, Handoff, TakeOnce};
use crate::wire::http1;

static FUNCTION: AtomicFn<fn()> = AtomicFn::new();
static REGISTER: AtomicFn<fn(&mut RuntimeApi)> = AtomicFn::new();
static SIGNALS: TakeOnce<Option<Signals>> = TakeOnce::new(None);
static WAITED_FOR: Handoff<Option<Signals>> = Handoff::new();
static REPLY: TakeOnce<MessageReader> = TakeOnce::new(MessageReader::new());
/// The connection on which the extension waits for events that never come.
static EXTENSION: TakeOnce<Connection> = TakeOnce::new(Connection::new());

/// Has a function called when the environment is about to end, at most 500 ms before it does, and
/// exits with 0. It is called between two events, or after the one in hand. To be said in init, and
/// before there are threads: SIGTERM is blocked from here on.
///
/// Costs four system calls at the start, and two more an event.
pub fn on_shutdown(function: fn()) {
    FUNCTION.set(function);
    REGISTER.set(register);
    if let Some(place) = SIGNALS.take() {
        *place = Signals::block(&[SIGTERM]);
        WAITED_FOR.put(place);
    }
}

/// After init: sees to it that SIGTERM comes, and that it is waited for.
pub fn prepare(api: &mut RuntimeApi) {
    if let Some(register) = REGISTER.get() {
        register(api);
    }
}

fn register(api: &mut RuntimeApi) {
    api.wait = Some(wait);
    // In a pool the parent has the signal anyway, and hands it on.
    if api.endpoint.retry_unreachable {
        return;
    }
    let (Some(connection), Some(inbox)) = (EXTENSION.take(), REPLY.take()) else {
        return;
    };
    let endpoint = &api.endpoint;
    let mut request = FixedBytes::<REQUEST_BYTES_MAX>::new();
    let extension = b"/2020-01-01/extension/";
    let about = b"Lambda-Extension-Name: tinderbox\r\nContent-Type: application/json\r\n\
                  Content-Length: 13\r\n\r\n{\"events\":[]}";
    for piece in [
        b"POST",
        endpoint.prefix(),
        extension,
        b"register",
        endpoint.host(),
        about,
    ] {
        request.push(piece);
    }
    connection.send(endpoint, request.get());
    if !inbox.receive(connection, REPLY_READ_BYTES_MAX) || inbox.head.status != 200 {
        return diagnostics::diagnostic(b"no notice of the end will come: ", inbox.head());
    }
    let identifier = http1::header(inbox.head(), b"lambda-extension-identifier");
    request.set(b"GET");
    for piece in [
        endpoint.prefix(),
        extension,
        b"event/next",
        endpoint.host(),
        b"Lambda-Extension-Identifier: ",
        identifier.unwrap_or_default(),
        b"\r\n\r\n",
    ] {
        request.push(piece);
    }
    // It has asked for no events, so there is nothing to read: it stays as it is until the end.
    connection.send(endpoint, request.get());
}

/// The longest request of an extension, generously, in bytes; an identifier is a UUID.
const REQUEST_BYTES_MAX: usize = 256 + AUTHORITY_BYTES_MAX + PREFIX_BYTES_MAX + ID_BYTES_MAX;

/// Waits for an event or the end.
fn wait(connection: &Connection) {
    let Some(place) = WAITED_FOR.take() else {
        return;
    };
    if let Some(signals) = place {
        loop {
            let awaited = [connection.descriptor(), Some(&signals.come), None, None];
            let [has_event, has_signal, ..] = poll(awaited, Direction::Read, None);
            if has_event {
                break;
            }
            if has_signal && signals.take().is_some() {
                if let Some(function) = FUNCTION.get() {
                    function();
                }
                sys::exit(0);
            }
        }
    }
    WAITED_FOR.put(place);
}
