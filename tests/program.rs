//! `_HANDLER=program`: an executable of the task root runs once per event.
//!
//! The programs are shell scripts and copies of small tools; the server's ledger is checked.

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
#[path = "program/time.rs"]
mod time;

use support::TempDir;
use support::api::{Event, Script, Server};
use support::hosting::{error, events, message, response, start};
use support::process::{Outcome, Process};
use support::skip;
use support::start::Start;

/// A task root with one program.
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

    /// A copy of a command of this machine.
    fn tool(name: &str) -> Task {
        let dir = TempDir::new();
        let tool = std::fs::read(format!("/bin/{name}")).expect("read the tool");
        dir.executable("program", &tool);
        Task { dir }
    }

    /// A bootstrap that hosts the program.
    fn start(&self) -> Start {
        start(&self.dir, "program")
    }

    /// Runs these events.
    fn run(&self, events: &[Event]) -> Outcome {
        self.start().run(Script::events(events))
    }

    /// Starts the bootstrap with the first events.
    fn spawn(&self, events: &[Event]) -> (Process, Server) {
        let server = Server::start(Script::events(events));
        let start = self
            .start()
            .variable("AWS_LAMBDA_RUNTIME_API", &server.address());
        (start.spawn(), server)
    }
}
