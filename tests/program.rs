//! `_HANDLER=program`: the hosted kind that runs an executable of the task root for each event.
//!
//! The programs are shell scripts, and copies of small tools; the server's ledger is the witness.

mod support;

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
use support::api::{Event, Kind, Ledger, Post, Script, Server};
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

/// A bootstrap that hosts this handler of a task root.
fn start(dir: &TempDir, handler: &str) -> Start {
    let root = dir.path().to_str().expect("a path in UTF-8");
    let start = Start::new(&support::bootstrap());
    start
        .variable("LAMBDA_TASK_ROOT", root)
        .variable("_HANDLER", handler)
}

/// Events with these bodies and ids `event-0`, `event-1`, ...
fn events<B: Into<Vec<u8>>>(bodies: impl IntoIterator<Item = B>) -> Vec<Event> {
    let bodies = bodies.into_iter().enumerate();
    bodies
        .map(|(number, body)| Event::new(&format!("event-{number}"), body))
        .collect()
}

/// The one answer to the event, which is a response.
fn response<'a>(ledger: &'a Ledger, id: &str) -> &'a [u8] {
    let answer = ledger.answer(id);
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(500)]);
    assert_eq!(answer.kind, Kind::Response, "{id}: {text}");
    &answer.body
}

/// The message of the one answer to the event, which is an error of this type.
fn error<'a>(ledger: &'a Ledger, id: &str, error_type: &str) -> String {
    let answer: &'a Post = ledger.answer(id);
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(500)]);
    assert_eq!(answer.kind, Kind::Error, "{id}: {text}");
    message(answer, error_type)
}

fn message(post: &Post, error_type: &str) -> String {
    let header = post.header("Lambda-Runtime-Function-Error-Type");
    let value: serde_json::Value = serde_json::from_slice(&post.body).expect("valid JSON");
    assert_eq!(header, Some(error_type), "{value}");
    assert_eq!(value["errorType"], error_type, "{value}");
    assert!(value["stackTrace"].is_array(), "{value}");
    value["errorMessage"]
        .as_str()
        .expect("a message")
        .to_string()
}
