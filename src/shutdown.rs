//! The shutdown hook, which runs before the execution environment ends.
//!
//! The platform sends SIGTERM only where an extension is registered, so the runtime registers one
//! that subscribes to no events. The function then has 500 ms. Sources: AWS Lambda Developer Guide,
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

/// The function that `on_shutdown` was given.
static FUNCTION: AtomicFn<fn()> = AtomicFn::new();
/// Code of this module that `on_shutdown` sets: a program without that call does not link it.
static REGISTER: AtomicFn<fn(&mut Session, &mut MessageReader)> = AtomicFn::new();
static RENEW: AtomicFn<fn(&mut Session)> = AtomicFn::new();
static WAIT: AtomicFn<fn(&Connection)> = AtomicFn::new();

/// The extension, and the signal that the hook waits for.
struct Extension {
    /// SIGTERM, blocked; `None`: no signalfd could be created.
    signals: Option<Signals>,
    /// The connection of the extension's request for events, which stays unanswered.
    connection: Connection,
    /// The request for events; empty until the extension is registered.
    request: FixedBytes<REQUEST_BYTES_MAX>,
}

static EXTENSION: TakeOnce<Extension> = TakeOnce::new(Extension {
    signals: None,
    connection: Connection::new(),
    request: FixedBytes::new(),
});
static EXTENSION_SLOT: Handoff<Extension> = Handoff::new();
/// Sets a function that runs before the execution environment ends; it has 500 ms, and then the
/// process exits with 0. It runs between two events, or after the current one. Call this before
/// init ends, and before other threads are started: it blocks SIGTERM. The last call counts.
///
/// It costs eight system calls at the start, and one per event.
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

/// After a restore: connects the extension again, whose connection is from before the snapshot.
pub fn renew_connection(session: &mut Session) {
    if let Some(renew) = RENEW.get() {
        renew(session);
    }
}

/// With a shutdown hook: waits until the connection is readable; at SIGTERM, runs the hook and
/// exits. Without one it returns at once, and the read waits.
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
    // In a pool the parent gets the signal, and sends it to all workers.
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
        // The extension subscribed to no events, so the server never replies to this request.
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

/// Upper bound of a request of the extension, in bytes; its identifier is a UUID.
const REQUEST_BYTES_MAX: usize = 256 + AUTHORITY_BYTES_MAX + PREFIX_BYTES_MAX + ID_BYTES_MAX;

/// Waits for an event or SIGTERM.
fn wait(connection: &Connection) {
    with_extension(|extension| {
        let Some(signals) = &extension.signals else {
            return;
        };
        loop {
            let awaited = [connection.descriptor(), Some(&signals.fd), None, None, None];
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
