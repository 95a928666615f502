//! Any program: one process an event. The event is on its standard input, the response is what it
//! writes to its standard output, the log is its standard error, and a status other than 0 is an
//! error with the last 4 KiB of the log in its message.

use crate::host::child::{
    Failed, News, Pipe, attend, cannot_run, ended_badly, failed, late, put_down,
};
use crate::host::context::{Context, Form, Time};
use crate::host::logs::Logs;
use crate::invocation::Invocation;
use crate::response::Response;
use crate::sys::Environment;
use crate::sys::child::{Child, Ending, Start};
use crate::sys::pipes::{memory_file, pipe, rewind};

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
        logs: &mut Logs,
        context: &mut Context,
    ) -> Result<(), Failed> {
        // A file and not a pipe: nobody has to write on while the program reads, or does not.
        let event = memory_file(invocation.event());
        let (Some(event), Some((out, its_out)), Some((log, its_log))) = (event, pipe(), pipe())
        else {
            let text = b"no descriptor or no memory for the program";
            return Err(failed(response, "Runtime.OutOfResources", &[text]));
        };
        rewind(&event);
        logs.clear_tail();
        logs.from = Some(log);
        context.write(invocation, time, Form::Variables);
        let environment = Environment::new();
        let started = Child::start(&Start {
            path: self.path,
            arguments: &[Some(self.path)],
            environment: environment.entries_with(context.get()),
            streams: [Some(&event), Some(&its_out), Some(&its_log), None],
        });
        let child = match started {
            Ok(child) => child,
            Err(number) => {
                return Err(cannot_run(self.path, number, response));
            }
        };
        drop((event, its_out, its_log));
        let outcome = watch(&child, Pipe(Some(out)), logs, time, response);
        logs.drain();
        logs.from = None;
        match outcome {
            Some(Ending::Exit(0)) => Ok(()),
            Some(ending) => Err(ended_badly(&ending, logs, response)),
            None => Err(late(time.limit_ms, response)),
        }
    }
}

/// Takes the response of a child until it ends, or kills it when its time is up: then there is no
/// ending of its own.
fn watch(
    child: &Child,
    mut out: Pipe,
    logs: &mut Logs,
    time: &Time,
    response: &mut Response,
) -> Option<Ending> {
    loop {
        match attend(child, [out.0.as_ref(), None], false, logs, time.end_ms) {
            News::First | News::Second => {
                if out.take(response).is_none() {
                    // It may go on writing for ever. The response knows what became of it.
                    put_down(child, logs);
                    return Some(Ending::Exit(0));
                }
            }
            News::Ended => {
                let ending = child.ending();
                // What it wrote is in the pipe by now; who else holds that may go on writing.
                let _ = out.drain(response);
                return Some(ending);
            }
            News::Late => {
                put_down(child, logs);
                return None;
            }
        }
    }
}
