//! The clients: each makes the same calls of Lambda's API, and prints what came of them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use crate::harness::Server;
use crate::programs;
use crate::support::{TempDir, root, skip};

/// A client of the Invoke API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Client {
    Boto3,
    Javascript,
    /// The AWS CLI, version 1.
    Cli1,
    /// The AWS CLI, version 2.
    Cli2,
}

/// A call of an operation of Lambda's API.
pub struct Call {
    operation: String,
    arguments: Value,
}

/// What a client made of the answer to a call.
#[derive(Debug)]
pub struct Outcome {
    /// The status; of an error, the CLI does not print it.
    pub status: Option<u64>,
    /// The members of the answer.
    pub fields: Value,
    /// The function's response.
    pub payload: String,
    pub error: Option<Refusal>,
    /// How many times the client sent the call.
    pub attempts: u64,
}

/// An error of the API as a client raises it.
#[derive(Debug)]
pub struct Refusal {
    /// The class of the exception; of the CLI, its code.
    pub class: String,
    pub code: String,
    pub message: String,
    /// Further members of the exception; the CLI prints none.
    pub fields: Value,
}

/// A call of an operation, with its arguments as the API names them. A member of bytes is a text,
/// `{"length": N}` for a JSON string of N bytes, or `{"file": PATH}`.
pub fn call(operation: &str, arguments: Value) -> Call {
    Call {
        operation: operation.to_string(),
        arguments,
    }
}

/// An invocation of the function with an event.
pub fn invoke(event: &Value) -> Call {
    invoke_with(event, json!({}))
}

/// An invocation with further arguments.
pub fn invoke_with(event: &Value, further: Value) -> Call {
    let mut arguments = json!({ "FunctionName": "function", "Payload": event.to_string() });
    let all = arguments.as_object_mut().expect("an object");
    all.extend(further.as_object().expect("an object").clone());
    call("Invoke", arguments)
}

impl Client {
    /// Why this client cannot be used here; reports the test as skipped.
    pub fn is_missing(self) -> bool {
        let (path, name) = match self {
            Client::Boto3 => (programs::installed("boto3/boto3"), "boto3"),
            Client::Javascript => (
                programs::installed("javascript/node_modules"),
                "the JavaScript SDK",
            ),
            Client::Cli1 => (programs::installed("awscli/awscli"), "the AWS CLI 1"),
            Client::Cli2 => (PathBuf::from("/usr/share/doc/awscli"), "the AWS CLI 2"),
        };
        let is_missing = !path.exists();
        if is_missing {
            skip::skip(&format!("no {name}: scripts/clients.sh installs it"));
        }
        is_missing
    }

    /// Makes one call.
    pub fn make(self, server: &Server, call: Call) -> Outcome {
        let mut all = self.make_all(server, &json!({}), &[call]);
        all.remove(0)
    }

    /// Makes calls, one after another on one client. The configuration is that of the SDK; the CLI
    /// has none.
    pub fn make_all(self, server: &Server, config: &Value, calls: &[Call]) -> Vec<Outcome> {
        let driver = |name: &str| root().join("tests/clients/drivers").join(name);
        let mut command = match self {
            Client::Boto3 => {
                let mut command = Command::new("python3");
                command.env("PYTHONPATH", programs::installed("boto3"));
                command.arg(driver("boto3_driver.py"));
                command
            }
            Client::Javascript => {
                let mut command = Command::new("node");
                command
                    .arg("--no-warnings")
                    .arg(driver("javascript_driver.mjs"));
                command.arg(programs::installed("javascript"));
                command
            }
            Client::Cli1 | Client::Cli2 => {
                return calls.iter().map(|call| self.cli(server, call)).collect();
            }
        };
        let list: Vec<Value> = calls
            .iter()
            .map(|call| json!({ "operation": call.operation, "arguments": call.arguments }))
            .collect();
        let work = json!({ "endpoint": endpoint(server), "config": config, "calls": list });
        let finished = programs::run(prepare(&mut command), work.to_string().as_bytes());
        assert_eq!(finished.code, 0, "{self:?}: {}", finished.stderr);
        let results: Value = serde_json::from_slice(&finished.stdout).expect("JSON of the driver");
        let results = results.as_array().expect("a list of results");
        assert_eq!(results.len(), calls.len(), "{self:?}");
        results.iter().map(outcome).collect()
    }

    /// Runs the CLI with these arguments, which name no endpoint.
    pub fn run_cli(self, server: &Server, arguments: &[String]) -> programs::Finished {
        let mut command = match self {
            Client::Cli1 => {
                let mut command = Command::new("python3");
                command.env("PYTHONPATH", programs::installed("awscli"));
                command.args(["-m", "awscli"]);
                command
            }
            // The first one in PATH may be version 1.
            Client::Cli2 => Command::new("/usr/bin/aws"),
            _ => panic!("{self:?} is no CLI"),
        };
        command.args(arguments);
        command.args(["--endpoint-url", &endpoint(server), "--output", "json"]);
        programs::run(prepare(&mut command), b"")
    }

    fn cli(self, server: &Server, call: &Call) -> Outcome {
        let folder = TempDir::new();
        let mut arguments = vec!["lambda".to_string()];
        arguments.extend(call.operation.split(' ').map(kebab));
        let given = call.arguments.as_object().expect("an object");
        arguments.extend(flags(given, &folder));
        let file = folder.path().join("answer");
        if call.operation == "Invoke" {
            arguments.push(file.to_str().expect("UTF-8").to_string());
        }
        let finished = self.run_cli(server, &arguments);
        let payload = std::fs::read(&file).unwrap_or_default();
        let fields: Value = serde_json::from_slice(&finished.stdout).unwrap_or(json!({}));
        let error = (finished.code != 0).then(|| refusal(&finished.stderr));
        let (error, attempts) = match error {
            None => (None, 1),
            Some((error, attempts)) => (Some(error), attempts),
        };
        Outcome {
            status: fields["StatusCode"].as_u64(),
            fields,
            payload: String::from_utf8_lossy(&payload).into_owned(),
            error,
            attempts,
        }
    }
}

/// The endpoint for clients.
pub fn endpoint(server: &Server) -> String {
    let url = server.url();
    let (origin, _) = url.split_once("/2015-03-31/").expect("a path");
    origin.to_string()
}

/// Stub credentials, and no configuration of the workstation.
pub fn prepare(command: &mut Command) -> &mut Command {
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.envs([
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_PAGER", ""),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("PYTHONWARNINGS", "ignore"),
    ]);
    command.stdin(Stdio::piped())
}

impl Outcome {
    /// The function's response as JSON, of a call without error.
    pub fn json(&self) -> Value {
        assert!(self.error.is_none(), "{self:?}");
        serde_json::from_str(&self.payload).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The error of the API.
    pub fn refusal(&self) -> &Refusal {
        let error = self.error.as_ref();
        error.unwrap_or_else(|| panic!("the call succeeds: {self:?}"))
    }

    /// Asserts an error of this code, and with this status where the client has it.
    pub fn assert_refused(&self, status: u64, code: &str) -> &Refusal {
        let refusal = self.refusal();
        assert_eq!(refusal.code, code, "{self:?}");
        assert!(self.status.is_none_or(|seen| seen == status), "{self:?}");
        refusal
    }
}

fn outcome(result: &Value) -> Outcome {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let error = &result["error"];
    Outcome {
        status: result["status"].as_u64(),
        fields: result["fields"].clone(),
        payload: text(&result["payload"]),
        error: error.is_object().then(|| Refusal {
            class: text(&error["class"]),
            code: text(&error["code"]),
            message: text(&error["message"]),
            fields: error["fields"].clone(),
        }),
        attempts: result["attempts"].as_u64().unwrap_or(0),
    }
}

/// `FunctionName` or `function_active_v2` as the CLI has it.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// Arguments of the API as options of the CLI.
fn flags(given: &Map<String, Value>, folder: &TempDir) -> Vec<String> {
    let mut list = Vec::new();
    for (name, value) in given {
        // `Code` of CreateFunction has an option of its own for a file.
        let (name, value) = match value.get("ZipFile") {
            Some(file) => ("ZipFile", file),
            None => (name.as_str(), value),
        };
        if value == true {
            list.push(format!("--{}", kebab(name)));
            continue;
        }
        list.push(format!("--{}", kebab(name)));
        list.push(match (name, value) {
            (_, value) if value["file"].is_string() => {
                format!("fileb://{}", value["file"].as_str().expect("a path"))
            }
            ("Payload", value) => {
                let bytes = match value["length"].as_u64() {
                    Some(length) => format!("\"{}\"", "x".repeat(length as usize - 2)),
                    None => value.as_str().expect("a text").to_string(),
                };
                format!(
                    "fileb://{}",
                    folder.file("event", bytes.as_bytes()).display()
                )
            }
            (_, Value::String(text)) => text.clone(),
            (_, value) => value.to_string(),
        });
    }
    list
}

/// Reads the CLI's line about an error of the API.
fn refusal(stderr: &str) -> (Refusal, u64) {
    let start = "An error occurred (";
    let Some((_, rest)) = stderr.split_once(start) else {
        let refusal = Refusal {
            class: String::new(),
            code: String::new(),
            message: stderr.trim().to_string(),
            fields: json!({}),
        };
        return (refusal, 1);
    };
    let (code, rest) = rest.split_once(") ").expect("a code in parentheses");
    // "when calling the Invoke operation (reached max retries: 2): the message"
    let again = " operation (reached max retries: ";
    let (retries, message) = match rest.split_once(again) {
        Some((_, rest)) => rest.split_once("): ").expect("a count"),
        None => ("0", rest.split_once(": ").expect("a message").1),
    };
    let retries: u64 = retries.parse().expect("a count");
    let refusal = Refusal {
        class: code.to_string(),
        code: code.to_string(),
        message: message.trim().to_string(),
        fields: json!({}),
    };
    (refusal, retries + 1)
}
