//! Waits for runs: a run hangs when nothing has come from the runtime for too long, however long
//! all of it takes.

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

/// A run of any length ends after this many times the limit on its pauses.
const PAUSES_MAX: u32 = 20;

/// The detection of a hang.
pub struct Progress {
    limit: Duration,
    seen: usize,
    pause_end: Instant,
    run_end: Instant,
}

impl Progress {
    /// Of a run that hangs when nothing came for this time.
    pub fn of(server: &Server, limit: Duration) -> Progress {
        let now = Instant::now();
        Progress {
            limit,
            seen: server.progress(),
            pause_end: now + limit,
            run_end: now + PAUSES_MAX * limit,
        }
    }

    /// Of a run that hangs when nothing came for `PATIENCE_MS`, scaled as all bounds are.
    pub fn of_run(server: &Server) -> Progress {
        Progress::of(server, super::bound(PATIENCE_MS))
    }

    /// Whether the run hangs now.
    pub fn hangs(&mut self, server: &Server) -> bool {
        let now = Instant::now();
        let progress = server.progress();
        if progress != self.seen {
            (self.seen, self.pause_end) = (progress, now + self.limit);
        }
        now >= self.pause_end.min(self.run_end)
    }
}

/// Waits until the server has no event left or the process has exited, or the run hangs.
pub fn until_rest(process: &mut Process, server: &Server) -> Rest {
    until_rest_within(process, server, super::bound(PATIENCE_MS))
}

/// The same with another limit on the time without a request.
pub fn until_rest_within(process: &mut Process, server: &Server, limit: Duration) -> Rest {
    let mut progress = Progress::of(server, limit);
    loop {
        if server.wait_idle(Duration::from_millis(2)) {
            return Rest::Idle;
        }
        if process.wait(Duration::ZERO).is_some() {
            return Rest::Ended;
        }
        if progress.hangs(server) {
            return Rest::Hung;
        }
    }
}
