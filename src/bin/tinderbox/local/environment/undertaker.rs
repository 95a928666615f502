//! The undertaker: every child of this process is reaped here, and nowhere else.

use std::time::{Duration, Instant};

use super::{Environment, wait, wait_for};
use crate::local::process;
use crate::message::say;
use crate::sys::{self, Children};

/// How long a dead process's last words on its sockets are waited for. They are in the kernel
/// already; the limit is for connections of somebody else, which stay open.
const LAST_WORDS: Duration = Duration::from_millis(500);

impl Environment {
    /// Waits for each process in turn, and reaps strays that became our children meanwhile.
    pub fn bury(&self) -> ! {
        loop {
            let leader = self.wait_for_process();
            loop {
                match sys::children(true) {
                    Children::Ended(pid) if pid == leader => break,
                    Children::Ended(stray) => drop(sys::reap(stray)),
                    Children::Running | Children::None => {}
                }
            }
            self.end(leader);
        }
    }

    fn wait_for_process(&self) -> u32 {
        let mut state = self.lock();
        loop {
            if let Some(pid) = state.process {
                return pid;
            }
            state = wait(&self.control, state);
        }
    }

    /// The process has ended: so must all that it started; then its last words are heard.
    fn end(&self, leader: u32) {
        let mut state = self.lock();
        let ended = Instant::now();
        // Under the lock and in this order: an id that is not reaped is nobody else's.
        sys::kill_group(leader);
        let status = sys::reap(leader);
        state.process = None;
        state.is_dying = true;
        self.event.notify_all();
        drop(state);

        process::kill_strays();
        let mut state = self.lock();
        while state.connections > 0 && !state.is_killed {
            let left = (ended + LAST_WORDS).saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = wait_for(&self.control, state, left);
        }
        let notice = state.close(status, ended);
        drop(state);
        match notice {
            Some(notice) if self.settings.one_shot => say(&notice),
            Some(notice) => say(&format!("{notice}; the next event starts it again")),
            None => {}
        }
        self.progress.notify_all();
        self.control.notify_all();
    }
}
