//! Waits for long runs: a run is hung when no request has come for too long.

use super::api::Server;
use super::process::{PATIENCE_MS, Process};
use std::time::{Duration, Instant};

/// How a run came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// The process waits for the next event, and every event of the script is answered.
    Idle,
    /// The process has exited.
    Ended,
    /// Neither, and no request came for too long.
    Hung,
}

/// Waits until the server has no event left or the process has exited. Stops when no request has
/// come for `PATIENCE_MS`, scaled as all bounds are.
pub fn until_rest(process: &mut Process, server: &Server) -> Rest {
    until_rest_within(process, server, super::bound(PATIENCE_MS))
}

/// The same with another limit on the time without a request.
pub fn until_rest_within(process: &mut Process, server: &Server, patience: Duration) -> Rest {
    let mut seen = server.requests();
    let mut end = Instant::now() + patience;
    loop {
        if server.wait_idle(Duration::from_millis(2)) {
            return Rest::Idle;
        }
        if process.wait(Duration::ZERO).is_some() {
            return Rest::Ended;
        }
        let now = server.requests();
        if now != seen {
            (seen, end) = (now, Instant::now() + patience);
        }
        if Instant::now() >= end {
            return Rest::Hung;
        }
    }
}
