//! Programs: one process per event. The event is on standard input, what the process writes to
//! standard output is the response, standard error is the log, and an exit status other than 0 is
//! an error with the last 4 KiB of the log in its message.

use crate::host::context::ContextFormat;
use crate::host::deadline::Deadline;
use crate::host::errors::{set_exit, set_out_of_resources, set_spawn_failed, set_timeout};
use crate::host::process::Process;
use crate::host::protocol::Event;
use crate::host::response_pipe::ResponsePipe;
use crate::response::Response;
use crate::sys::Environment;
use crate::sys::child::{ExitStatus, STDERR, STDIN, STDOUT, Spawn};
use crate::sys::ipc::{Direction, memfd, pipe, rewind};

/// A program, to be run for each event.
pub struct Program {
    /// Its path, with a NUL at its end.
    pub path: &'static [u8],
    /// The process of the current event.
    pub process: Process,
}

impl Program {
    /// Handles an event. An error is in the response; this is its type as the platform's metrics
    /// know it.
    #[inline(never)] // a frame of its own is smaller code
    pub fn handle_event(
        &mut self,
        event: Event<'_>,
        response: &mut Response,
    ) -> Result<(), &'static [u8]> {
        let Event {
            invocation,
            deadline,
            context,
        } = event;
        // A file and not a pipe: no deadlock, whether the program reads its input or not.
        let opened = || -> Result<_, usize> { Ok((memfd(invocation.event())?, pipe()?, pipe()?)) };
        let (event, (out, its_out), (log, its_log)) =
            opened().map_err(|errno| set_out_of_resources(errno, response))?;
        rewind(&event);
        self.process.output.clear_tail();
        context.write(invocation, deadline, ContextFormat::Variables);
        let environment = Environment::new();
        let spawn = Spawn {
            path: self.path,
            arguments: &[Some(self.path)],
            environment: environment.envp_with(context.as_bytes()),
            fds: &[
                (STDIN, Some(&event)),
                (STDOUT, Some(&its_out)),
                (STDERR, Some(&its_log)),
            ],
        };
        if let Err(errno) = self.process.spawn(&spawn, Some(log)) {
            self.process.close_output();
            return Err(set_spawn_failed(self.path, errno, response));
        }
        drop((event, its_out, its_log));
        let status = self.run_to_exit(ResponsePipe(Some(out)), deadline, response);
        self.process.close_output();
        let tail = self.process.output.tail();
        match status {
            Some(ExitStatus::Exit(0)) => Ok(()),
            Some(status) => Err(set_exit(&status, b"", tail, response)),
            None => Err(set_timeout(deadline.limit_ms(), response)),
        }
    }

    /// Reads the response until the process exits, or kills it when its time is up: then there is
    /// no exit status.
    fn run_to_exit(
        &mut self,
        mut out: ResponsePipe,
        deadline: &Deadline,
        response: &mut Response,
    ) -> Option<ExitStatus> {
        loop {
            let descriptors = [out.0.as_ref(), None];
            let wake = self.process.wait(descriptors, Direction::Read, deadline);
            if wake.exited {
                let status = self.process.reap();
                // Its output is in the pipe by now; others that hold the pipe may still write.
                out.drain(response);
                return status;
            }
            if wake.timed_out() {
                self.process.kill();
                return None;
            }
            if out.read_available(response).is_err() {
                // The process may write without end. The response has its error.
                self.process.kill();
                return Some(ExitStatus::Exit(0));
            }
        }
    }
}
