//! One keep-alive connection to the Runtime API.

use crate::config::Endpoint;
use crate::diagnostics::{self, EXIT_API};
use crate::limits::{HAS_EXTRAS, RESPAWN_MS_MIN, RETRY_MS_MAX};
use crate::sys::{self, Descriptor};

/// A connection, open or closed.
pub struct Connection(Option<Descriptor>);

impl Connection {
    /// Not connected.
    pub const fn new() -> Connection {
        Connection(None)
    }

    /// Connects if necessary, and sends. False: the connection is lost, perhaps after a part of the
    /// bytes; bytes that have arrived can still be read, up to the end of the stream. If it cannot
    /// connect, the process exits with code 1.
    #[inline(never)]
    pub fn send(&mut self, to: &Endpoint, bytes: &[u8]) -> bool {
        self.send_with(to, |socket| socket.send(bytes))
    }

    /// The same for several parts, in this order.
    pub fn send_parts(&mut self, to: &Endpoint, parts: [&[u8]; 4]) -> bool {
        self.send_with(to, |socket| socket.send_parts(parts))
    }

    fn send_with(&mut self, to: &Endpoint, send: impl FnOnce(&Descriptor) -> bool) -> bool {
        let new = self.0.is_none();
        let socket = self.0.get_or_insert_with(|| connect(to));
        let sent = send(socket);
        if new {
            // Nagle's algorithm does not delay the first write, so this call can follow it.
            socket.set_nodelay();
        }
        sent
    }

    /// Closes the connection, if there is one.
    pub fn close(&mut self) {
        self.0 = None;
    }

    /// Its descriptor, for `poll`; `None`: not connected.
    pub fn descriptor(&self) -> Option<&Descriptor> {
        self.0.as_ref()
    }

    /// Waits for bytes. 0: the connection is lost, or the buffer is empty.
    pub fn receive(&self, buf: &mut [u8]) -> usize {
        self.0.as_ref().map_or(0, |socket| socket.read(buf))
    }
}

/// Connects. If that fails, the process exits with code 1; a worker of a pool retries before.
fn connect(to: &Endpoint) -> Descriptor {
    let mut waited_ms = 0;
    loop {
        match Descriptor::connect(&to.address) {
            Ok(socket) => return socket,
            Err(errno) if !wait_before_retry(to, &mut waited_ms) => {
                log_connect_error(to, errno);
                sys::exit(EXIT_API);
            }
            Err(_) => {}
        }
    }
}

/// Logs that the Runtime API cannot be connected to, with the errno; the smallest build leaves the
/// errno out, which would take 144 bytes.
#[cfg_attr(feature = "lambda-extras", inline(never))]
pub fn log_connect_error(to: &Endpoint, errno: usize) {
    if !HAS_EXTRAS {
        const TEXT: &[u8] = b"cannot connect to the Runtime API: ";
        diagnostics::fatal(EXIT_API, TEXT, to.authority());
    }
    // The digits replace the spaces, right-aligned: text of any length would take 140 bytes more.
    let mut text = *b"cannot connect to the Runtime API, errno    : ";
    let mut rest = errno;
    let [field @ .., _, _] = &mut text;
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    diagnostics::diagnostic(&text, to.authority());
}

/// In a worker of a pool: waits before a retry, each time twice as long. False: no retry is left,
/// or this is no worker.
fn wait_before_retry(to: &Endpoint, waited_ms: &mut u64) -> bool {
    let may_retry = HAS_EXTRAS && to.is_pool && *waited_ms < RETRY_MS_MAX;
    if may_retry {
        *waited_ms = (*waited_ms * 2).max(RESPAWN_MS_MIN);
        sys::sleep(*waited_ms);
    }
    may_retry
}
