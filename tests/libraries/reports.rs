//! What people reported about runtimes of Lambda, each with the right result: what AWS documents,
//! or what the reported runtime does since. The source of each is in its comment.

#[path = "reports/node.rs"]
mod node;
#[path = "reports/php.rs"]
mod php;
#[path = "reports/python.rs"]
mod python;
#[path = "reports/ruby.rs"]
mod ruby;

use crate::support::api::{Kind, Post, Script};
use crate::support::hosting::{events, start};
use crate::support::process::Outcome;
use crate::support::{TempDir, skip};
use serde_json::Value;

/// A function of a few files.
struct Function {
    interpreter: &'static str,
    handler: String,
    dir: TempDir,
    variables: Vec<(String, String)>,
}

impl Function {
    /// With this handler; `$ROOT` is the task root.
    fn new(interpreter: &'static str, handler: &str) -> Function {
        let dir = TempDir::new();
        let root = dir.path().to_str().expect("UTF-8");
        Function {
            interpreter,
            handler: handler.replace("$ROOT", root),
            dir,
            variables: Vec::new(),
        }
    }

    fn file(self, name: &str, content: &str) -> Function {
        self.dir.file(name, content.as_bytes());
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Function {
        let root = self.dir.path().to_str().expect("UTF-8");
        let value = value.replace("$ROOT", root);
        self.variables.push((name.to_string(), value));
        self
    }

    fn json_logs(self, level: &str) -> Function {
        self.variable("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .variable("AWS_LAMBDA_LOG_LEVEL", level)
    }

    /// Runs these events; `None` without the interpreter.
    fn run(&self, bodies: &[&str]) -> Option<Run> {
        if !skip::has(self.interpreter) {
            return None;
        }
        let mut start = start(&self.dir, &self.handler);
        for (name, value) in &self.variables {
            start = start.variable(name, value);
        }
        let outcome = start.run(Script::events(&events(bodies.iter().copied())));
        Some(Run { outcome })
    }
}

/// What a function did.
struct Run {
    outcome: Outcome,
}

impl Run {
    /// The only answer to an event. The runtime still serves.
    fn answer(&self, number: usize) -> &Post {
        let ledger = self.outcome.assert_serving();
        ledger.answer(&format!("event-{number}"))
    }

    /// The body of a response.
    fn bytes(&self, number: usize) -> &[u8] {
        let answer = self.answer(number);
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.kind, Kind::Response, "{number}: {text:.500}");
        &answer.body
    }

    /// The value of a response.
    fn value(&self, number: usize) -> Value {
        serde_json::from_slice(self.bytes(number)).expect("valid JSON")
    }

    /// Type and message of an error.
    fn failure(&self, number: usize) -> (String, String) {
        let answer = self.answer(number);
        assert_eq!(answer.kind, Kind::Error, "{number}");
        type_and_message(&answer.body)
    }

    /// Type and message of the only request of a function that cannot start.
    fn init_failure(&self) -> (String, String) {
        let posts = &self.outcome.ledger.posts;
        let [post] = posts.as_slice() else {
            panic!("{posts:?}")
        };
        assert_eq!(post.kind, Kind::InitError);
        type_and_message(&post.body)
    }

    /// The lines of the log that have a text.
    fn lines_with(&self, text: &str) -> Vec<String> {
        let output = self.output();
        let lines = output.lines().filter(|line| line.contains(text));
        lines.map(str::to_string).collect()
    }

    /// The only such line.
    fn line_with(&self, text: &str) -> String {
        let lines = self.lines_with(text);
        assert_eq!(lines.len(), 1, "{text}: {}", self.output());
        lines.concat()
    }

    /// The only record of a log in the JSON format.
    fn record(&self) -> Value {
        let output = self.output();
        assert_eq!(output.lines().count(), 1, "{output}");
        serde_json::from_str(&output).expect("valid JSON")
    }

    /// All output, without the runtime's own lines.
    fn output(&self) -> String {
        format!("{}{}", self.outcome.stdout, self.outcome.log())
    }
}

fn type_and_message(body: &[u8]) -> (String, String) {
    let error: Value = serde_json::from_slice(body).expect("valid JSON");
    let text = |key: &str| error[key].as_str().expect("text").to_string();
    (text("errorType"), text("errorMessage"))
}
