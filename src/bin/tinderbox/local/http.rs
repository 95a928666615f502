//! The server's side of HTTP/1.1 connections, as Go's net/http does it, without blocking.
//!
//! AWS's servers are net/http, so its behaviour is copied where a client can observe it: requests
//! are served in order and pipelined ones wait, up to 256 KiB of an unread body are drained before
//! a refusal, a longer one closes the connection. Sources: RFC 9112; Go's `net/http/server.go` and
//! `transfer.go`; the observed behaviour of AWS's emulator.
//!
//! A `Connection` turns bytes into requests and replies into bytes; who calls it waits for the
//! socket. `body` and `head` read, `reply`, `payload` and `output` write; `spare`
//! keeps memory for long bodies.

mod body;
mod connection;
mod head;
mod output;
mod payload;
mod reply;
mod spare;

pub use body::Body;
pub use connection::{BodyPlan, Connection, Progress, Received};
pub use head::Request;
pub use payload::Payload;
pub use reply::{Framing, Reply};
pub use spare::Reused;

use std::time::Duration;

/// How long the server waits for a client; `None` is without limit.
#[derive(Clone, Copy)]
pub struct Timeouts {
    /// For the first byte of the first request, and of each later one.
    pub first: Option<Duration>,
    pub idle: Option<Duration>,
    /// For a head from its first byte to its last, and for a body.
    pub head: Option<Duration>,
    pub body: Option<Duration>,
    /// For the next byte within a head or a body.
    pub stall: Option<Duration>,
    /// For the client to accept any bytes.
    pub send: Option<Duration>,
}
