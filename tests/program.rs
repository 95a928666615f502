//! `_HANDLER=program`: the hosted kind that runs an executable of the task root for each event.
//!
//! The programs are shell scripts, and copies of small tools; the server's ledger is the witness.

mod support;

#[path = "program/environment.rs"]
mod environment;
#[path = "program/failures.rs"]
mod failures;
#[path = "program/handlers.rs"]
mod handlers;
#[path = "program/payloads.rs"]
mod payloads;
#[path = "program/processes.rs"]
mod processes;
#[path = "binary/skip.rs"]
mod skip;
#[path = "program/time.rs"]
mod time;

use support::TempDir;
use support::api::{Event, Script, Server};
use support::hosting::{error, events, message, response, start};
use support::process::{Outcome, Process};
use support::start::Start;

/// A task root with one program in it.
struct Task {
    dir: TempDir,
}

impl Task {
    /// A shell script.
    fn script(text: &str) -> Task {
        let dir = TempDir::new();
        dir.executable("program", format!("#!/bin/sh\n{text}\n").as_bytes());
        Task { dir }
    }

    /// A copy of a tool of this machine.
    fn tool(name: &str) -> Task {
        let dir = TempDir::new();
        let tool = std::fs::read(format!("/bin/{name}")).expect("read the tool");
        dir.executable("program", &tool);
        Task { dir }
    }

    /// How its bootstrap is started.
    fn start(&self) -> Start {
        start(&self.dir, "program")
    }

    /// Runs these events.
    fn run(&self, events: &[Event]) -> Outcome {
        self.start().run(Script::events(events))
    }

    /// Starts the bootstrap with a first lot of events, to be watched while it runs.
    fn spawn(&self, events: &[Event]) -> (Process, Server) {
        let server = Server::start(Script::events(events));
        let start = self
            .start()
            .variable("AWS_LAMBDA_RUNTIME_API", &server.address());
        (start.spawn(), server)
    }
}
