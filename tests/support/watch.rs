//! Waiting for a run of many events: as long as answers come, it is not late.

use super::api::Server;
use super::process::{PATIENCE_MS, Process};
use std::time::{Duration, Instant};

/// How a run came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It waits for the next event, and every event of the script is answered.
    Idle,
    /// The process has ended.
    Ended,
    /// Neither, and no answer came for too long.
    Hung,
}

/// Waits until the server has no event left or the process has ended. Gives up when no request has
/// come for `PATIENCE_MS`, multiplied by the slowness.
pub fn until_rest(process: &mut Process, server: &Server) -> Rest {
    until_rest_within(process, server, super::bound(PATIENCE_MS))
}

/// The same with another bound on the time without a request.
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
