//! A process that is kept alive, between two events: how it is restarted, and watched while the
//! next event is awaited.
//!
//! After a failed event, the restart may take what that event has left of its time, and no more:
//! AWS's emulator hands the error to the caller only when the next event is asked for, and drops
//! it at the deadline. From then on nothing waits for the process: the next event is read as soon
//! as it comes, and waits for the process under its own deadline.

use crate::diagnostics;
use crate::host::child::{Wake, wait_child};
use crate::host::context::Time;
use crate::host::persistent::{PersistentProcess, ProcessError};
use crate::limits::EXIT_GRACE_MS;
use crate::response::Response;
use crate::sys::{Descriptor, monotonic_ms};

impl PersistentProcess {
    /// After an event that was its last: starts it anew, and waits for that until `end_ms`. What
    /// goes wrong is said in the log, and tried again with the next event.
    pub fn renew(
        &mut self,
        begin: impl FnOnce(&mut PersistentProcess) -> Result<(), ProcessError>,
        end_ms: Option<u64>,
        spare: &mut Response,
    ) {
        // It may hold what its successor wants: memory, a port.
        if let Some(dying) = &self.dying {
            if wait_child(dying, [None; 2], false, self.logs, end_ms) == Wake::Late {
                return;
            }
            self.bury();
        }
        match self.ensure(begin, end_ms) {
            Ok(()) | Err(ProcessError::Late) => {}
            Err(trouble) => {
                // The report of one that says no more than that it has failed has an end too.
                self.fail(trouble, &Time::until(end_ms), spare);
                diagnostics::diagnostic_by_deadline(b"cannot be started anew: ", self.name());
            }
        }
    }

    /// Waits for the next event, and watches the process meanwhile, without waiting for it. When it
    /// ends it is started anew; one that has never been sent an event, with the next.
    pub fn idle(
        &mut self,
        api: Option<&Descriptor>,
        mut begin: impl FnMut(&mut PersistentProcess) -> Result<(), ProcessError>,
    ) {
        let mut end_ms = None;
        loop {
            if self.running.is_none() && self.dying.is_none() && self.last {
                self.last = false;
                if self.start().is_err() {
                    diagnostics::diagnostic_by_deadline(b"cannot be started anew: ", self.name());
                    self.stop();
                }
            }
            let retires = self.last && self.is_ready();
            if retires && end_ms.is_none() {
                end_ms = Some(monotonic_ms().saturating_add(EXIT_GRACE_MS));
            }
            let (child, channel) = match (&self.running, &self.dying) {
                (Some(running), _) => (&running.child, Some(&running.channel)),
                (None, Some(dying)) => (dying, None),
                (None, None) => return,
            };
            // One that retires has nothing more to say.
            let channel = channel.filter(|_| !retires);
            let end_ms = end_ms.filter(|_| retires);
            match wait_child(child, [api, channel], false, self.logs, end_ms) {
                Wake::First => return,
                Wake::Ended if self.running.is_none() => self.bury(),
                Wake::Second if !self.is_ready() => self.listen_to_start(&mut begin),
                _ if retires => {
                    self.stop();
                }
                _ => {
                    diagnostics::diagnostic_by_deadline(
                        b"ended, or spoke, between two events: ",
                        self.name(),
                    );
                    self.last = self.running.as_ref().is_some_and(|one| one.served);
                    self.stop();
                }
            }
        }
    }

    /// One that starts has said something: if that is all, it takes events, or is of no use.
    fn listen_to_start(
        &mut self,
        begin: &mut impl FnMut(&mut PersistentProcess) -> Result<(), ProcessError>,
    ) {
        let outcome = match self.has_line() {
            Ok(false) => return,
            Ok(true) => self.finish_start(begin),
            Err(trouble) => Err(trouble),
        };
        if outcome.is_err() {
            diagnostics::diagnostic_by_deadline(b"cannot be started anew: ", self.name());
            self.stop();
        }
    }

    /// The one that was killed has ended.
    fn bury(&mut self) {
        if let Some(dying) = self.dying.take() {
            dying.reap();
        }
    }
}
