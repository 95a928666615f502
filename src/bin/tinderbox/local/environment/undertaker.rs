//! The undertaker: every child of this process is reaped here, and nowhere else.

use std::time::{Duration, Instant};

use super::{Environment, Look};
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
            let leader = self.wait_until(&self.control, |state, _| match state.process {
                Some(pid) => Look::Done(pid),
                None => Look::Later,
            });
            loop {
                match sys::children(true) {
                    Children::Ended(pid) if pid == leader => break,
                    Children::Ended(stray) => drop(sys::reap(stray)),
                    Children::Running | Children::None => {}
                }
            }
            self.bury_process(leader);
        }
    }

    /// The process has ended: so must all that it started; then its last words are heard.
    fn bury_process(&self, leader: u32) {
        let ended = Instant::now();
        let status = self.step(|state, _| {
            // Under the lock and in this order: an id that is not reaped is nobody else's.
            sys::kill_group(leader);
            let status = sys::reap(leader);
            state.lose_process(ended);
            status
        });
        process::kill_strays();
        self.wait_until(&self.control, |state, now| {
            let is_heard = state.connections == 0 || state.is_killed;
            match is_heard || now >= ended + LAST_WORDS {
                true => Look::Done(()),
                false => Look::At(ended + LAST_WORDS),
            }
        });
        // Told first: with one event, its client ends the tool.
        match self.step(|state, _| state.notice(status)) {
            Some(notice) if self.settings.one_shot => say(&notice),
            Some(notice) => say(&format!("{notice}; the next event starts it again")),
            None => {}
        }
        self.step(|state, _| state.close(status, ended));
    }
}
