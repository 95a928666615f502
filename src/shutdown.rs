//! The shutdown hook, for functions that want to know before their environment ends.
//!
//! The platform sends SIGTERM only where an extension is registered, so the runtime registers one
//! that asks for no events: then the function has 500 ms. Sources: AWS Lambda Developer Guide,
//! "Lambda Extensions API" and "Understanding the Lambda execution environment lifecycle".

use crate::buffer::FixedBytes;
use crate::connection::Connection;
use crate::diagnostics;
use crate::limits::{AUTHORITY_BYTES_MAX, ID_BYTES_MAX, PREFIX_BYTES_MAX, REPLY_READ_BYTES_MAX};
use crate::message_reader::MessageReader;
use crate::session::Session;
use crate::sys::ipc::{Direction, poll};
use crate::sys::signals::{SIGTERM, Signals};
use crate::sys::{self, AtomicFn, Handoff, TakeOnce};
use crate::wire::http1::{self, HeadWriter};

/// The function of `on_shutdown`.
static FUNCTION: AtomicFn<fn()> = AtomicFn::new();
/// Code of this module that `on_shutdown` sets: a program that does not call it links none of it.
static REGISTER: AtomicFn<fn(&mut Session, &mut MessageReader)> = AtomicFn::new();
static RENEW: AtomicFn<fn(&mut Session)> = AtomicFn::new();
static WAIT: AtomicFn<fn(&Connection)> = AtomicFn::new();

/// What the hook needs until the end.
struct Extension {
    /// SIGTERM, blocked; `None`: there was no descriptor for it.
    signals: Option<Signals>,
    /// The connection on which the extension waits for events that never come.
    connection: Connection,
    /// The request for these events; empty until the extension is registered.
    request: FixedBytes<REQUEST_BYTES_MAX>,
}

static EXTENSION: TakeOnce<Extension> = TakeOnce::new(Extension {
    signals: None,
    connection: Connection::new(),
    request: FixedBytes::new(),
});
static EXTENSION_SLOT: Handoff<Extension> = Handoff::new();
/// Sets a function that runs when the environment is about to end, at most 500 ms before it does;
/// then the process exits with 0. It runs between two events, or after the current one. Call this
/// in init, and before there are threads: SIGTERM is blocked from here on. The last call counts.
///
/// Costs four system calls at the start, and two more an event.
pub fn on_shutdown(function: fn()) {
    FUNCTION.set(function);
    REGISTER.set(register);
    RENEW.set(renew);
    WAIT.set(wait);
    if let Some(extension) = EXTENSION.take() {
        extension.signals = Signals::block(&[SIGTERM]);
        EXTENSION_SLOT.put(extension);
    }
}

/// After init: registers the extension where the function has a shutdown hook, so that the platform
/// sends SIGTERM.
pub fn register_if_wanted(session: &mut Session, reader: &mut MessageReader) {
    if let Some(register) = REGISTER.get() {
        register(session, reader);
    }
}

/// After a restore: the connection of the extension is one of the time before the snapshot.
pub fn renew_connection(session: &mut Session) {
    if let Some(renew) = RENEW.get() {
        renew(session);
    }
}

/// Waits until the connection is readable where the function has a shutdown hook, and runs that at
/// SIGTERM. Without a hook nothing waits here, and the read does.
pub fn wait_for_event_or_signal(connection: &Connection) {
    if let Some(wait) = WAIT.get() {
        wait(connection);
    }
}

fn with_extension(code: impl FnOnce(&mut Extension)) {
    if let Some(extension) = EXTENSION_SLOT.take() {
        code(extension);
        EXTENSION_SLOT.put(extension);
    }
}

fn register(session: &mut Session, reader: &mut MessageReader) {
    let endpoint = &session.api.endpoint;
    // In a pool the parent has the signal, and sends it to all workers.
    if endpoint.is_pool {
        return;
    }
    with_extension(|extension| {
        let Extension {
            connection,
            request,
            ..
        } = extension;
        let body = b"{\"events\":[]}";
        let target: [&[u8]; 3] = [endpoint.stage_prefix(), PATH, b"register"];
        let mut write = |piece: &[u8]| request.push(piece);
        let mut head = HeadWriter::new(http1::POST, &target, endpoint.authority(), &mut write);
        head.header(b"Lambda-Extension-Name: ", b"tinderbox");
        head.header(b"Content-Type: ", b"application/json");
        head.end_with_length(body.len());
        request.push(body);
        connection.send(endpoint, request.as_bytes());
        request.set(b"");
        let has_reply = reader.receive(connection, REPLY_READ_BYTES_MAX);
        if !has_reply || reader.head.status != 200 {
            return diagnostics::diagnostic(
                b"cannot register the extension for on_shutdown, so its function will not run: ",
                reader.head(),
            );
        }
        let identifier = http1::header(reader.head(), b"lambda-extension-identifier");
        let target: [&[u8]; 3] = [endpoint.stage_prefix(), PATH, b"event/next"];
        let mut write = |piece: &[u8]| request.push(piece);
        let mut head = HeadWriter::new(http1::GET, &target, endpoint.authority(), &mut write);
        let name = b"Lambda-Extension-Identifier: ";
        head.header(name, identifier.unwrap_or_default());
        head.end();
        // It asked for no events, so there is no reply to read: the request waits until the end.
        connection.send(endpoint, request.as_bytes());
    });
}

fn renew(session: &mut Session) {
    with_extension(|extension| {
        let Extension {
            connection,
            request,
            ..
        } = extension;
        connection.close();
        if !request.as_bytes().is_empty() {
            connection.send(&session.api.endpoint, request.as_bytes());
        }
    });
}

const PATH: &[u8] = b"/2020-01-01/extension/";

/// The longest request of an extension, generously, in bytes; an identifier is a UUID.
const REQUEST_BYTES_MAX: usize = 256 + AUTHORITY_BYTES_MAX + PREFIX_BYTES_MAX + ID_BYTES_MAX;

/// Waits for an event or SIGTERM.
fn wait(connection: &Connection) {
    with_extension(|extension| {
        let Some(signals) = &extension.signals else {
            return;
        };
        loop {
            let awaited = [connection.descriptor(), Some(&signals.fd), None, None];
            let [has_event, has_signal, ..] = poll(awaited, Direction::Read, None);
            if has_event {
                break;
            }
            if has_signal && signals.try_next().is_some() {
                if let Some(function) = FUNCTION.get() {
                    function();
                }
                sys::exit(0);
            }
        }
    });
}
