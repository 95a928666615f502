//! Where a web server listens, and the keep-alive connection to it.
//!
//! A server closes a connection that was idle for some seconds (Node after 5). Where all processes
//! were frozen for longer, it does so a moment after the next request was sent, and nothing shows
//! it before. So a connection is used again only within a second, by a clock that stands still
//! meanwhile and by one that does not.

use crate::buffer::FixedBytes;
use crate::config::MAX_CONCURRENCY;
use crate::diagnostics::diagnostic_by_deadline;
use crate::failure::Failure;
use crate::host::deadline::{Deadline, clocks_ms};
use crate::host::errno::{EADDRINUSE, ECONNREFUSED, ENOENT, ENOMEM, is_exhausted};
use crate::host::protocol::{Link, ProcessError};
use crate::sys::process::own_pid;
use crate::sys::sockets::{LocalAddress, connect, free_port, remove_socket_file};
use crate::sys::{Descriptor, Environment, sleep};
use crate::wire::number::{Decimal, parse_decimal};

/// How long a keep-alive connection may have been idle that is used again, in milliseconds.
const IDLE_MS_MAX: u64 = 1000;

/// The first wait for a server that does not listen yet, and the longest, in microseconds: fast
/// servers listen within half a millisecond, and slow ones need the core.
const NAP_US_MIN: u64 = 50;
const NAP_US_MAX: u64 = 1000;

/// How long a connect may wait for a server whose backlog is full, in milliseconds.
const CONNECT_MS: u64 = 4;

/// The port of a server where nothing is configured, as web adapters have it.
const USUAL_PORT: u16 = 8080;

/// The ports that are tried where that one is in use: below those that connections get (ip(7),
/// `ip_local_port_range`), and of the processes of a pool each has its own.
const PORTS_START: usize = 16_384;
const PORTS_STEP: usize = 4096;
const PORTS_END: usize = 32_768;

/// The milliseconds for which a server that was killed may still have its port.
const PORT_WAIT_MS: u64 = 100;

/// The longest path of a Unix socket, in bytes (unix(7)).
const SOCKET_PATH_BYTES_MAX: usize = 107;

const BAD_PORT: &Failure = &Failure::fixed(
    "Runtime.InvalidConfiguration",
    "PORT is no number from 1 to 65535: correct it, or leave it out",
);
const BAD_SOCKET: &Failure = &Failure::fixed(
    "Runtime.InvalidConfiguration",
    "TINDERBOX_SOCKET is longer than 100 bytes: shorten the path",
);

/// A server, and when the connection to it was used last.
pub struct Upstream {
    /// The port that the environment names; 0: none.
    given_port: u16,
    /// Each process of a pool has a server of its own.
    is_pooled: bool,
    /// The path of its Unix socket, with a NUL at its end; empty: it listens on a port.
    socket_path: FixedBytes<{ SOCKET_PATH_BYTES_MAX + 1 }>,
    port: u16,
    address: LocalAddress,
    /// By the clocks of `clocks_ms`.
    used_ms: [u64; 2],
    /// It has accepted a connection.
    listens: bool,
}

impl Upstream {
    /// As the environment has it.
    ///
    /// # Errors
    /// The init error: a variable is wrong.
    #[inline(never)] // a frame of its own is smaller code
    pub fn read(environment: &Environment) -> Result<Upstream, &'static Failure> {
        let is_pooled = environment.get(MAX_CONCURRENCY).is_some();
        let mut upstream = Upstream {
            given_port: 0,
            is_pooled,
            socket_path: FixedBytes::new(),
            port: 0,
            address: LocalAddress::loopback(0),
            used_ms: [0; 2],
            listens: false,
        };
        let set = |name| environment.get(name).filter(|value| !value.is_empty());
        if let Some(path) = set(b"TINDERBOX_SOCKET=") {
            upstream.set_socket(path).ok_or(BAD_SOCKET)?;
        } else if let Some(text) = set(b"PORT=") {
            let port = parse_decimal(text).and_then(|port| u16::try_from(port).ok());
            let port = port.filter(|port| *port > 0);
            upstream.given_port = port.ok_or(BAD_PORT)?;
        }
        Ok(upstream)
    }

    /// Takes the path of a Unix socket; in a pool, with the number of the process behind it.
    fn set_socket(&mut self, path: &[u8]) -> Option<()> {
        let path_to = &mut self.socket_path;
        let mut fits = path_to.try_push(path);
        if self.is_pooled {
            fits &= path_to.try_push(b".") && path_to.try_push(Decimal::new(own_pid()).as_bytes());
        }
        self.address = LocalAddress::unix(path_to.as_bytes()).filter(|_| fits)?;
        path_to.try_push(b"\0").then_some(())
    }

    /// Before it is started: finds its place free, or makes it so, and pushes the variables that
    /// name it, each with a NUL at its end.
    ///
    /// # Errors
    /// `EADDRINUSE`: the port of `PORT` is in use.
    pub fn prepare(&mut self, variables: &mut dyn FnMut(&[u8])) -> Result<(), usize> {
        self.listens = false;
        let path = self.socket_path.as_bytes();
        if !path.is_empty() {
            // Many servers do not listen where there is a file.
            remove_socket_file(path);
            variables(b"TINDERBOX_SOCKET=");
            variables(path);
            return Ok(());
        }
        self.port = self.find_port().ok_or(EADDRINUSE)?;
        self.address = LocalAddress::loopback(self.port);
        let number = Decimal::new(self.port.into());
        for name in [&b"PORT="[..], b"AWS_LAMBDA_HTTP_ENDPOINT=127.0.0.1:"] {
            variables(name);
            variables(number.as_bytes());
            variables(b"\0");
        }
        Ok(())
    }

    fn find_port(&self) -> Option<u16> {
        if self.is_pooled {
            return find_unusual_port();
        }
        if self.given_port == 0 {
            return free_port(USUAL_PORT).or_else(find_unusual_port);
        }
        for _ in 0..PORT_WAIT_MS {
            if let Some(port) = free_port(self.given_port) {
                return Some(port);
            }
            sleep(1);
        }
        None
    }

    /// Where it listens, as a text.
    pub fn place(&self) -> FixedBytes<128> {
        let mut text = FixedBytes::new();
        match self.socket_path.as_bytes().split_last() {
            Some((_, path)) => text.set(path),
            None => {
                text.set(b"127.0.0.1:");
                text.push(Decimal::new(self.port.into()).as_bytes());
            }
        }
        text
    }

    /// Connects to a server that was started, as soon as it listens.
    pub fn wait_until_listening(
        &mut self,
        link: &mut Link,
        deadline: &Deadline,
    ) -> Result<(), ProcessError> {
        self.listens = false;
        self.connect(link, deadline)
    }

    /// Connects, and waits for a server that does not listen yet. One that has listened before is
    /// unreachable then.
    pub fn connect(&mut self, link: &mut Link, deadline: &Deadline) -> Result<(), ProcessError> {
        let mut nap_us = NAP_US_MIN;
        loop {
            let errno = match connect(&self.address, CONNECT_MS) {
                Ok(socket) => return self.take_connection(socket, link),
                Err(errno) => errno,
            };
            if is_exhausted(errno) || errno == ENOMEM {
                return Err(ProcessError::OutOfResources(errno));
            }
            if self.listens && is_refusal(errno) {
                return Err(ProcessError::Unreachable);
            }
            if deadline.has_passed() {
                self.log_wait(errno);
                return Err(ProcessError::TimedOut);
            }
            if link.process.nap(nap_us) {
                return Err(ProcessError::Exited);
            }
            nap_us = NAP_US_MAX.min(nap_us + nap_us / 2);
        }
    }

    fn take_connection(&mut self, socket: Descriptor, link: &mut Link) -> Result<(), ProcessError> {
        // Another process may have taken its place.
        if link.process.has_exited() {
            return Err(ProcessError::Exited);
        }
        link.channel.open(socket);
        self.used_ms = clocks_ms();
        self.listens = true;
        Ok(())
    }

    fn log_wait(&self, errno: usize) {
        let mut line = FixedBytes::<256>::new();
        line.push(self.place().as_bytes());
        line.push(b" (errno ");
        line.push(Decimal::new(errno).as_bytes());
        line.push(if self.socket_path.as_bytes().is_empty() {
            b"): it has to listen on the port in $PORT"
        } else {
            b"): it has to listen on the Unix socket in $TINDERBOX_SOCKET"
        });
        diagnostic_by_deadline(
            b"the application takes no connections yet at ",
            line.as_bytes(),
        );
    }

    /// Makes sure that there is a connection. True: it is one that was used before.
    pub fn ensure_connected(
        &mut self,
        link: &mut Link,
        deadline: &Deadline,
    ) -> Result<bool, ProcessError> {
        let now_ms = deadline.clocks_ms();
        let is_recent =
            |(now_ms, used_ms): (&u64, &u64)| now_ms.saturating_sub(*used_ms) < IDLE_MS_MAX;
        if now_ms.iter().zip(&self.used_ms).all(is_recent) && link.channel.is_quiet() {
            // Earlier than the answer, which costs no more calls.
            self.used_ms = now_ms;
            return Ok(true);
        }
        link.channel.close();
        self.connect(link, deadline)?;
        Ok(false)
    }

    /// Why its process may have exited.
    pub fn exit_hint(&self) -> &'static [u8] {
        if self.listens {
            b""
        } else if self.socket_path.as_bytes().is_empty() {
            b" (before it listened on the port in $PORT)"
        } else {
            b" (before it listened on the Unix socket in $TINDERBOX_SOCKET)"
        }
    }
}

/// A free port that no other process of a pool gets.
fn find_unusual_port() -> Option<u16> {
    let mut port = PORTS_START + own_pid() % PORTS_STEP;
    while port < PORTS_END {
        if let Some(port) = free_port(port as u16) {
            return Some(port);
        }
        port += PORTS_STEP;
    }
    free_port(0)
}

/// Whether nobody listens.
fn is_refusal(errno: usize) -> bool {
    matches!(errno, ECONNREFUSED | ENOENT)
}
