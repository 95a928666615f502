//! A persistent process between two events: how it is restarted, and watched while the next event
//! is awaited.
//!
//! After a failed event, the restart may take the time that the event has left, and no more: AWS's
//! emulator hands the error to the caller only when the next event is requested, and drops it at
//! the deadline. From then on nothing waits for the process: the next event is read as soon as it
//! comes, and waits for the process under its own deadline.

use crate::buffer::FixedBytes;
use crate::diagnostics::diagnostic_by_deadline;
use crate::host::deadline::Deadline;
use crate::host::errors::LogLine;
use crate::host::persistent::{PersistentProcess, Restart, State};
use crate::host::protocol::{ProcessError, Protocol};
use crate::limits::EXIT_GRACE_MS;
use crate::sys::ipc::Direction;
use crate::sys::{Descriptor, monotonic_ms};

impl PersistentProcess {
    /// After an event that was its last: restarts it, and waits until it takes events or the
    /// deadline passes. A failure is logged, and the next event tries again.
    pub fn restart(&mut self, deadline: &Deadline) {
        // The former process may hold resources that its successor needs: memory, a port.
        if !self.link.process.wait_for_killed(None, deadline) {
            return;
        }
        match self.ensure_ready(deadline) {
            Ok(()) | Err(ProcessError::TimedOut) => {}
            Err(error) => self.fail_restart(error, deadline),
        }
    }

    /// Waits for the next event, and supervises the process. When the process exits it is restarted
    /// at once, or with the next event if it has received no event yet.
    pub fn idle(&mut self, api: Option<&Descriptor>) {
        let mut grace_end_ms = None;
        let none = Deadline::none();
        loop {
            let has_killed = self.link.process.has_killed();
            if self.state == State::Stopped(Restart::AtOnce) && !has_killed {
                self.state = State::Stopped(Restart::WithNextEvent);
                if let Err(error) = self.start() {
                    self.fail_restart(error, &Deadline::passed());
                }
            }
            let process = &mut self.link.process;
            let socket = self.link.channel.socket();
            let is_watched = self.protocol.watches_idle_channel();
            let wake = match self.state {
                State::Stopped(_) if !has_killed => return process.wait_without_process(api),
                State::Stopped(_) => {
                    if process.wait_for_killed(api, &none) {
                        continue;
                    }
                    return;
                }
                #[cfg(feature = "web")]
                State::Starting | State::Ready { .. } if !is_watched => {
                    process.wait_connected(api, socket)
                }
                State::Starting | State::Ready { .. } => {
                    process.wait([api, socket.filter(|_| is_watched)], Direction::Read, &none)
                }
                State::Retiring => {
                    // It sends nothing more.
                    let end_ms = *grace_end_ms
                        .get_or_insert_with(|| monotonic_ms().saturating_add(EXIT_GRACE_MS));
                    let deadline = Deadline::at(Some(end_ms));
                    process.wait([api, None], Direction::Read, &deadline)
                }
            };
            match self.state {
                State::Retiring if wake.first && !wake.exited => return,
                State::Retiring => {
                    self.stop(Restart::AtOnce);
                }
                State::Starting if wake.second && !wake.exited => self.continue_start(),
                _ if wake.exited || wake.second => self.stop_unhealthy(),
                // An event has come, and the process was looked at in the same call.
                _ => return,
            }
        }
    }

    /// It has sent something while it was starting: if that is all, it takes events, or has failed.
    fn continue_start(&mut self) {
        // An event that arrives during the start does not wait for it.
        let passed = Deadline::passed();
        let received = self.link.channel.receive_available();
        match received.and_then(|()| self.finish_start(&passed)) {
            Ok(()) | Err(ProcessError::TimedOut) => {}
            Err(error) => self.fail_restart(error, &passed),
        }
    }

    /// Stops it because a restart has failed, and logs why.
    fn fail_restart(&mut self, error: ProcessError, deadline: &Deadline) {
        let mut why = LogLine(FixedBytes::new());
        self.fail(error, Restart::WithNextEvent, deadline, &mut why);
        let mut line = FixedBytes::<640>::new();
        for piece in [self.name(), b": ", why.0.as_bytes()] {
            line.push(piece);
        }
        diagnostic_by_deadline(b"cannot restart the handler process ", line.as_bytes());
    }
}
