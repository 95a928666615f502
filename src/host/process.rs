//! A child process: how it is spawned, supervised and killed, and how its output is handled.
//!
//! One `ppoll` waits for its descriptors, its captured output, its exit and the deadline. What it
//! writes as an answer ends with the process, or where its protocol says so, never at end of file:
//! a background process may hold the descriptor indefinitely.

use crate::host::child_output::ChildOutput;
use crate::host::deadline::Deadline;
use crate::limits::{EXIT_GRACE_MS, KILL_WAIT_MS, LINE_REST_MS, TERMINATION_MS};
use crate::sys::child::{Child, ExitStatus, Spawn, reap_orphans};
#[cfg(feature = "web")]
use crate::sys::ipc::poll_us;
use crate::sys::ipc::{Direction, poll};
use crate::sys::signals::{SIGTERM, Signals};
#[cfg(feature = "web")]
use crate::sys::sockets::shut_down;
use crate::sys::{self, Descriptor, monotonic_ms};

/// The descriptor on which a persistent process finds its channel.
pub const CHANNEL_FD: usize = 3;

/// Without a pidfd, the interval at which the process is polled, in milliseconds.
const POLL_INTERVAL_MS: u64 = 10;

/// The most events after which orphans are reaped, without a hint that there is one.
const REAP_AFTER_EVENTS: u8 = 16;

/// The outcome of a wait for a process. All false: the deadline has passed.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Wake {
    /// The first descriptor is ready.
    pub first: bool,
    /// The second one is.
    pub second: bool,
    /// The process has exited, and is still to be reaped. The descriptors may hold something.
    pub exited: bool,
}

impl Wake {
    /// Whether the deadline has passed.
    pub fn timed_out(self) -> bool {
        self == Wake::default()
    }
}

/// At most one process that runs, and its captured output.
pub struct Process {
    child: Option<Child>,
    /// A former one, which was killed and has not exited yet.
    killed: Option<Child>,
    /// Where captured output goes.
    pub output: &'static mut ChildOutput,
    /// Orphans are reparented to us.
    adopts_orphans: bool,
    events_since_reap: u8,
    /// SIGTERM, which the platform sends before it ends the environment, where an extension is
    /// registered. Blocked, and looked for in each wait.
    signals: Option<Signals>,
}

impl Process {
    /// No process. `adopts_orphans`: orphans are reparented to us, as they are to process 1, so
    /// they are reaped after each event. (Those of a subreaper wait for up to `REAP_AFTER_EVENTS`
    /// events.)
    pub fn new(output: &'static mut ChildOutput, adopts_orphans: bool) -> Process {
        Process {
            child: None,
            killed: None,
            output,
            adopts_orphans,
            events_since_reap: 0,
            signals: Signals::block(&[SIGTERM]),
        }
    }

    /// Spawns a process. Its captured output comes from `output`, if it is captured.
    ///
    /// # Errors
    /// The errno, see [`Child::spawn`].
    pub fn spawn(&mut self, spawn: &Spawn, output: Option<Descriptor>) -> Result<(), usize> {
        self.output.pipe = output;
        self.child = Some(Child::spawn(spawn)?);
        Ok(())
    }

    /// Waits until a descriptor is ready, the process exits or the deadline passes, and forwards
    /// captured output meanwhile. With `Direction::Write`, the wait is for the first to be
    /// writable.
    pub fn wait(
        &mut self,
        descriptors: [Option<&Descriptor>; 2],
        direction: Direction,
        deadline: &Deadline,
    ) -> Wake {
        let Some(child) = &self.child else {
            return Wake {
                exited: true,
                ..Wake::default()
            };
        };
        wait_child(
            child,
            descriptors,
            direction,
            self.output,
            deadline.end_ms(),
            self.signals.as_ref(),
        )
    }

    /// Waits for a moment, or until the process exits, and forwards captured output meanwhile.
    /// True: it has exited.
    #[cfg(feature = "web")]
    pub fn nap(&mut self, time_us: u64) -> bool {
        let Some(child) = &self.child else {
            return true;
        };
        let signals = self.signals.as_ref();
        let signal = signals.map(|signals| &signals.fd);
        let pipe = self.output.pipe.as_ref();
        let polled = [child.pidfd.as_ref(), pipe, signal, None, None];
        let [exited, has_output, has_signal, ..] = poll_us(polled, time_us);
        if has_signal && signals.is_some_and(|signals| signals.try_next().is_some()) {
            terminate(child, self.output);
        }
        if has_output {
            self.output.forward_once();
        }
        exited || child.pidfd.is_none() && child.has_exited()
    }

    /// Whether it has exited, or there is none.
    #[cfg(feature = "web")]
    pub fn has_exited(&self) -> bool {
        self.child.as_ref().is_none_or(Child::has_exited)
    }

    /// Ends a connection to a server, which is idle, when SIGTERM comes: before the server gets the
    /// signal, because many wait then until their connections are closed.
    #[cfg(feature = "web")]
    pub fn wait_connected(
        &mut self,
        api: Option<&Descriptor>,
        connection: Option<&Descriptor>,
    ) -> Wake {
        let Some(child) = &self.child else {
            return Wake {
                exited: true,
                ..Wake::default()
            };
        };
        let (output, signals) = (&mut *self.output, self.signals.as_ref());
        let polled = [api, signals.map(|signals| &signals.fd)];
        loop {
            let wake = wait_child(child, polled, Direction::Read, output, None, None);
            if wake.second && signals.is_some_and(|signals| signals.try_next().is_some()) {
                if let Some(connection) = connection {
                    shut_down(connection);
                }
                terminate(child, output);
            }
            if wake.first || wake.exited {
                return Wake {
                    second: false,
                    ..wake
                };
            }
        }
    }

    /// Waits until `descriptor` can be read, while no process runs.
    pub fn wait_without_process(&mut self, descriptor: Option<&Descriptor>) {
        while let (Some(_), Some(signals)) = (descriptor, &self.signals) {
            let polled = [descriptor, Some(&signals.fd), None, None, None];
            let [is_ready, has_signal, ..] = poll(polled, Direction::Read, None);
            if is_ready {
                return;
            }
            if has_signal && signals.try_next().is_some() {
                sys::exit(0);
            }
        }
    }

    /// Whether it exits by itself within the grace period, and before the deadline.
    pub fn exits_within_grace(&mut self, deadline: &Deadline) -> bool {
        let grace_ms = monotonic_ms().saturating_add(EXIT_GRACE_MS);
        let end_ms = deadline.end_ms().unwrap_or(grace_ms).min(grace_ms);
        let deadline = Deadline::at(Some(end_ms));
        self.wait([None; 2], Direction::Read, &deadline).exited
    }

    /// Reaps the process, which has exited.
    pub fn reap(&mut self) -> Option<ExitStatus> {
        self.child.take().map(|child| child.wait())
    }

    /// Kills the process with its process group, if it runs. Returns how it ended; `None`: it has
    /// not yet, and nothing waits for that (see `reap_exited`).
    pub fn kill(&mut self) -> Option<ExitStatus> {
        let child = self.child.take()?;
        child.kill();
        let end_ms = monotonic_ms().saturating_add(KILL_WAIT_MS);
        let none = [None; 2];
        let signals = self.signals.as_ref();
        let wake = wait_child(
            &child,
            none,
            Direction::Read,
            self.output,
            Some(end_ms),
            signals,
        );
        if wake.exited {
            return Some(child.wait());
        }
        self.killed = Some(child);
        None
    }

    /// Whether a process that was killed has not exited yet.
    pub fn has_killed(&self) -> bool {
        self.killed.is_some()
    }

    /// Waits until the killed process has exited, `descriptor` can be read, or the deadline passes.
    /// True: it has exited, and is reaped.
    pub fn wait_for_killed(
        &mut self,
        descriptor: Option<&Descriptor>,
        deadline: &Deadline,
    ) -> bool {
        let Some(killed) = &self.killed else {
            return true;
        };
        let descriptors = [descriptor, None];
        let end_ms = deadline.end_ms();
        let signals = self.signals.as_ref();
        let wake = wait_child(
            killed,
            descriptors,
            Direction::Read,
            self.output,
            end_ms,
            signals,
        );
        if wake.exited {
            killed.reap();
            self.killed = None;
        }
        wake.exited
    }

    /// After an event: reaps children other than the process that have exited. `is_hinted`: there
    /// may be something, for the event took its time.
    pub fn reap_exited(&mut self, is_hinted: bool) {
        self.events_since_reap = self.events_since_reap.wrapping_add(1);
        let is_due = self.events_since_reap >= REAP_AFTER_EVENTS;
        if is_hinted || is_due || self.adopts_orphans || self.killed.is_some() {
            self.events_since_reap = 0;
            reap_orphans(self.child.as_ref());
            self.killed = self.killed.take().filter(|killed| !killed.has_exited());
        }
    }

    /// Forwards the rest of the captured output, and closes it.
    pub fn close_output(&mut self) {
        self.output.drain();
        self.output.pipe = None;
    }
}

/// Waits until the child has exited, one of two descriptors is ready, or the time is over; forwards
/// the output that comes meanwhile, and hands SIGTERM on.
fn wait_child(
    child: &Child,
    [first, second]: [Option<&Descriptor>; 2],
    direction: Direction,
    output: &mut ChildOutput,
    end_ms: Option<u64>,
    signals: Option<&Signals>,
) -> Wake {
    loop {
        let mut timeout_ms = end_ms.map(|end_ms| end_ms.saturating_sub(monotonic_ms()));
        if timeout_ms == Some(0) {
            return Wake::default();
        }
        // Without a deadline: perhaps there is no other event, and the process is frozen.
        let rests = end_ms.is_none() && output.has_begun_line();
        if rests {
            timeout_ms = Some(LINE_REST_MS);
        }
        if child.pidfd.is_none() {
            timeout_ms = Some(timeout_ms.unwrap_or(u64::MAX).min(POLL_INTERVAL_MS));
        }
        let signal = signals.map(|signals| &signals.fd);
        let [pidfd, pipe] = [child.pidfd.as_ref(), output.pipe.as_ref()];
        let polled = [first, second, pipe, pidfd, signal];
        let [is_first, is_second, has_output, exited, has_signal] =
            poll(polled, direction, timeout_ms);
        if has_signal && signals.is_some_and(|signals| signals.try_next().is_some()) {
            terminate(child, output);
        }
        if has_output {
            output.forward_once();
        } else if rests {
            output.flush_line();
        }
        let wake = Wake {
            first: is_first,
            second: is_second,
            exited: exited || child.pidfd.is_none() && child.has_exited(),
        };
        if !wake.timed_out() {
            return wake;
        }
    }
}

/// Hands SIGTERM on to the process, waits until it has exited, and ends this one.
fn terminate(child: &Child, output: &mut ChildOutput) -> ! {
    child.terminate();
    let end_ms = Some(monotonic_ms().saturating_add(TERMINATION_MS));
    wait_child(child, [None; 2], Direction::Read, output, end_ms, None);
    output.drain();
    sys::exit(0)
}
