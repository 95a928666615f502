//! Any program: one process an event. The event is on its standard input, the response is what it
//! writes to its standard output, the log is its standard error, and a status other than 0 is an
//! error with the last 4 KiB of the log in its message.

use crate::host::child::{
    Pipe, ReportedError, Wake, exit_error, failed, kill_and_wait, spawn_error, timeout_error,
    wait_child,
};
use crate::host::child_output::ChildOutput;
use crate::host::context::{Context, ContextFormat, Time};
use crate::invocation::Invocation;
use crate::response::Response;
use crate::sys::Environment;
use crate::sys::child::{Child, ExitStatus, Start};
use crate::sys::ipc::{memfd, pipe, rewind};

/// A program, to be run for each event.
pub struct Program {
    /// Its path, with a NUL at its end.
    pub path: &'static [u8],
}

impl Program {
    /// Runs it for one event.
    pub fn run(
        &mut self,
        invocation: &Invocation<'_>,
        time: &Time,
        response: &mut Response,
        logs: &mut ChildOutput,
        context: &mut Context,
    ) -> Result<(), ReportedError> {
        // A file and not a pipe: nobody has to write on while the program reads, or does not.
        let event = memfd(invocation.event());
        let (Some(event), Some((out, its_out)), Some((log, its_log))) = (event, pipe(), pipe())
        else {
            let text = b"no descriptor or no memory for the program";
            return Err(failed(response, "Runtime.OutOfResources", &[text]));
        };
        rewind(&event);
        logs.clear_tail();
        logs.from = Some(log);
        context.write(invocation, time, ContextFormat::Variables);
        let environment = Environment::new();
        let started = Child::start(&Start {
            path: self.path,
            arguments: &[Some(self.path)],
            environment: environment.envp_with(context.get()),
            streams: [Some(&event), Some(&its_out), Some(&its_log), None],
        });
        let child = match started {
            Ok(child) => child,
            Err(number) => {
                return Err(spawn_error(self.path, number, response));
            }
        };
        drop((event, its_out, its_log));
        let outcome = watch(&child, Pipe(Some(out)), logs, time, response);
        logs.drain();
        logs.from = None;
        match outcome {
            Some(ExitStatus::Exit(0)) => Ok(()),
            Some(ending) => Err(exit_error(&ending, logs, response)),
            None => Err(timeout_error(time.limit_ms, response)),
        }
    }
}

/// Takes the response of a child until it ends, or kills it when its time is up: then there is no
/// ending of its own.
fn watch(
    child: &Child,
    mut out: Pipe,
    logs: &mut ChildOutput,
    time: &Time,
    response: &mut Response,
) -> Option<ExitStatus> {
    loop {
        match wait_child(child, [out.0.as_ref(), None], false, logs, time.end_ms) {
            Wake::First | Wake::Second => {
                if out.take(response).is_none() {
                    // It may go on writing for ever. The response knows what became of it.
                    kill_and_wait(child, logs);
                    return Some(ExitStatus::Exit(0));
                }
            }
            Wake::Ended => {
                let ending = child.ending();
                // What it wrote is in the pipe by now; who else holds that may go on writing.
                let _ = out.drain(response);
                return Some(ending);
            }
            Wake::Late => {
                kill_and_wait(child, logs);
                return None;
            }
        }
    }
}
