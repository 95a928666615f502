//! AWS's own clients of the Runtime API as bootstraps: what they send has to be understood as
//! Lambda does.

use serde_json::{Value, json};

use crate::client::{Client, call};
use crate::harness::{self, short_timeout, wait_until};
use crate::lambda::{Lambda, copy, function_error, functions};
use crate::programs;
use crate::streams::pieces;
use crate::support::{TempDir, skip};

/// A test for each runtime that has the feature.
macro_rules! for_each_runtime {
    ($($module:ident $runtime:ident { $($test:ident)+ })+) => {
        $(mod $module {
            $(#[test]
            fn $test() {
                if let Some(runtime) = super::Runtime::$runtime.available() {
                    super::$test(runtime);
                }
            })+
        })+
    };
}

for_each_runtime! {
    rust Rust {
        event_of_each_form_is_echoed
        context_of_an_event_is_complete
        handler_error_is_unhandled
        stream_of_pieces_arrives_whole
        lines_of_the_function_are_within_its_event
        payload_of_6_mb_is_answered
        response_over_the_limit_is_refused
        timeout_of_an_event_replaces_the_process
        exit_of_the_process_is_reported
        signal_of_the_process_is_reported
    }
    node Node {
        event_of_each_form_is_echoed
        context_of_an_event_is_complete
        handler_error_is_unhandled
        stream_of_pieces_arrives_whole
        stream_that_breaks_is_reported
        lines_of_the_function_are_within_its_event
        payload_of_6_mb_is_answered
        response_over_the_limit_is_refused
        timeout_of_an_event_replaces_the_process
        exit_of_the_process_is_reported
        signal_of_the_process_is_reported
        handler_missing_is_an_init_error
    }
    python Python {
        event_of_each_form_is_echoed
        context_of_an_event_is_complete
        handler_error_is_unhandled
        lines_of_the_function_are_within_its_event
        payload_of_6_mb_is_answered
        response_over_the_limit_is_refused
        timeout_of_an_event_replaces_the_process
        exit_of_the_process_is_reported
        signal_of_the_process_is_reported
        handler_missing_is_an_init_error
    }
    shell Shell {
        event_of_each_form_is_echoed
        lines_of_the_function_are_within_its_event
        timeout_of_an_event_replaces_the_process
        exit_of_the_process_is_reported
        signal_of_the_process_is_reported
    }
}

/// A client of the Runtime API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Runtime {
    /// The official crate `lambda_runtime`.
    Rust,
    /// aws-lambda-ric.
    Node,
    /// awslambdaric.
    Python,
    /// The runtime of AWS's tutorial, in bash.
    Shell,
}

impl Runtime {
    /// The runtime where it is installed; else reports the test as skipped.
    fn available(self) -> Option<Runtime> {
        let is_built = programs::runtime(self.name()).join("bootstrap").is_file();
        if !is_built {
            let name = self.name();
            skip::skip(&format!("no runtime {name}: scripts/clients.sh builds it"));
        }
        is_built.then_some(self)
    }

    fn name(self) -> &'static str {
        match self {
            Runtime::Rust => "official-probe",
            Runtime::Node => "node",
            Runtime::Python => "python",
            Runtime::Shell => "shell",
        }
    }

    /// Starts it with the function of the tests.
    fn start(self, options: &[&str]) -> Lambda {
        let handler = match self {
            Runtime::Node => "index.handler",
            _ => "function.handler",
        };
        self.start_handler(handler, options)
    }

    fn start_handler(self, handler: &str, options: &[&str]) -> Lambda {
        let (from, folder) = (programs::runtime(self.name()), TempDir::new());
        let file = match self {
            Runtime::Rust => None,
            Runtime::Node => Some("index.mjs"),
            Runtime::Python => Some("function.py"),
            Runtime::Shell => Some("shell/function.sh"),
        };
        if let Some(file) = file {
            let name = file.rsplit('/').next().expect("a name");
            copy(&functions().join(file), &folder.path().join(name));
        }
        // The runtime itself, without the function that it is measured with.
        for entry in std::fs::read_dir(&from).expect("the folder of the runtime") {
            let entry = entry.expect("an entry");
            let to = folder.path().join(entry.file_name());
            if entry.file_name() != "bootstrap" && !to.exists() {
                std::os::unix::fs::symlink(entry.path(), to).expect("a link");
            }
        }
        let bootstrap = std::fs::read(from.join("bootstrap")).expect("the bootstrap");
        let bootstrap = match String::from_utf8(bootstrap) {
            // A script names the handler.
            Ok(text) => text
                .replace("index.handler", handler)
                .replace("function.handler", handler)
                .into_bytes(),
            Err(error) => error.into_bytes(),
        };
        let bootstrap = folder.executable("bootstrap", &bootstrap);
        let mut all = vec!["--handler", handler, "--init-timeout", "60"];
        if !options.contains(&"--timeout") {
            all.extend(["--timeout", "60"]);
        }
        all.extend(options);
        Lambda::with_bootstrap(&bootstrap, folder, &all)
    }
}

/// The answer of an event that the function does not fail.
fn answer(lambda: &Lambda, event: &Value) -> Value {
    let reply = lambda.invoke(event.to_string());
    let text = String::from_utf8_lossy(reply.as_bytes()).into_owned();
    assert_eq!(reply.status_code, 200, "{text}");
    assert_eq!(reply.header("X-Amz-Function-Error"), None, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The error of an event that the function fails: its type and its message.
fn error(lambda: &Lambda, event: &Value) -> (String, String) {
    let reply = lambda.invoke(event.to_string());
    assert_eq!(reply.status_code, 200);
    assert_eq!(reply.header("X-Amz-Function-Error"), Some("Unhandled"));
    function_error(reply.as_bytes())
}

fn event_of_each_form_is_echoed(runtime: Runtime) {
    let lambda = runtime.start(&[]);
    for event in [
        json!({"a": [1, 2]}),
        json!("zwölf ☕ 𝄞"),
        json!([]),
        json!({}),
    ] {
        assert_eq!(answer(&lambda, &event), event);
    }
    for number in 0..20 {
        let event = json!({ "number": number });
        assert_eq!(answer(&lambda, &event), event);
    }
    assert_eq!(lambda.count("START RequestId: "), 24);
}

fn context_of_an_event_is_complete(runtime: Runtime) {
    let lambda = runtime.start(&["--memory", "256"]);
    // {"custom":{"tenant":"blue"},"client":{...},"env":{}}
    let context = "eyJjdXN0b20iOnsidGVuYW50IjoiYmx1ZSJ9LCJjbGllbnQiOnsiaW5zdGFsbGF0aW9uX2lkIjoi\
                   IiwiYXBwX3RpdGxlIjoiIiwiYXBwX3ZlcnNpb25fbmFtZSI6IiIsImFwcF92ZXJzaW9uX2NvZGUi\
                   OiIiLCJhcHBfcGFja2FnZV9uYW1lIjoiIn0sImVudiI6e319";
    let event = json!({"do": "context"}).to_string();
    let request = lambda
        .request(event)
        .with_header("X-Amz-Client-Context", context);
    let reply = harness::call(request).reply();
    let seen: Value = serde_json::from_slice(reply.as_bytes()).expect("JSON");
    let id = reply.header("X-Amzn-RequestId").expect("an id");
    let expected = json!({
        "id": id,
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:function",
        "name": "function",
        "version": "$LATEST",
        "variable": "$LATEST",
        "memory": 256,
        "has_time": true,
        "custom": {"tenant": "blue"},
    });
    assert_eq!(seen, expected);
}

fn handler_error_is_unhandled(runtime: Runtime) {
    let lambda = runtime.start(&[]);
    let (kind, message) = error(&lambda, &json!({"do": "raise", "text": "no order"}));
    let expected = match runtime {
        Runtime::Python => "ValueError",
        Runtime::Node => "RangeError",
        // The crate names the type of the box.
        _ => kind.as_str(),
    };
    assert_eq!((kind.as_str(), message.as_str()), (expected, "no order"));
    assert!(!kind.is_empty());
    assert_eq!(
        answer(&lambda, &json!({"a": 1})),
        json!({"a": 1}),
        "the next event"
    );
}

fn stream_of_pieces_arrives_whole(runtime: Runtime) {
    let lambda = runtime.start_handler("index.stream", &[]);
    let event = json!({"do": "stream", "pieces": 5});
    // The crate always sends the head of an HTTP response, and ends it with eight zeros.
    let content = |text: &str| match runtime {
        Runtime::Rust => text.rsplit('\0').next().expect("a part").to_string(),
        _ => text.to_string(),
    };
    let reply = lambda.invoke(event.to_string());
    let text = reply.as_str().expect("text");
    assert_eq!(content(text), pieces(5), "to a caller that takes no stream");
    for client in [Client::Boto3, Client::Javascript] {
        if client.is_missing() {
            continue;
        }
        let arguments = json!({ "FunctionName": "function", "Payload": event.to_string() });
        let outcome = client.make(&lambda, call("InvokeWithResponseStream", arguments));
        assert_eq!(content(&outcome.payload), pieces(5), "{outcome:?}");
        assert_eq!(outcome.fields["InvokeComplete"].get("ErrorCode"), None);
    }
}

/// The official crate sends the error as data of the stream, which is no error to anyone else.
fn stream_that_breaks_is_reported(runtime: Runtime) {
    let lambda = runtime.start_handler("index.stream", &[]);
    let event = json!({"pieces": 3, "do": "raise", "text": "no more"});
    for client in [Client::Boto3, Client::Javascript] {
        if client.is_missing() {
            continue;
        }
        let arguments = json!({ "FunctionName": "function", "Payload": event.to_string() });
        let outcome = client.make(&lambda, call("InvokeWithResponseStream", arguments));
        assert_eq!(outcome.payload, pieces(3), "{outcome:?}");
        let code = outcome.fields["InvokeComplete"]["ErrorCode"].as_str();
        assert!(code.is_some_and(|code| !code.is_empty()), "{outcome:?}");
    }
}

fn lines_of_the_function_are_within_its_event(runtime: Runtime) {
    let lambda = runtime.start(&[]);
    answer(&lambda, &json!({}));
    let line = match runtime {
        Runtime::Shell => "a line of the shell",
        _ => "a line of the function",
    };
    answer(&lambda, &json!({"do": "log", "lines": [line]}));
    wait_until("the second event ends", || {
        lambda.count("END RequestId: ") == 2
    });
    let log = lambda.stderr();
    let (_, second) = log
        .rsplit_once("START RequestId: ")
        .expect("a second event");
    let (within, _) = second.split_once("END RequestId: ").expect("its end");
    assert!(within.contains(line), "{log}");
}

fn payload_of_6_mb_is_answered(runtime: Runtime) {
    let lambda = runtime.start(&[]);
    let text = "x".repeat(6_291_456 - 2);
    assert!(
        answer(&lambda, &json!(text)) == json!(text),
        "an event of the largest size"
    );
    let seen = answer(&lambda, &json!({"do": "large", "length": 6_291_556}));
    assert_eq!(
        seen.as_str().map(str::len),
        Some(6_291_554),
        "a response of the largest size"
    );
}

fn response_over_the_limit_is_refused(runtime: Runtime) {
    let lambda = runtime.start(&[]);
    let (kind, _) = error(&lambda, &json!({"do": "large", "length": 6_291_557}));
    assert_eq!(kind, "Function.ResponseSizeTooLarge");
    assert_eq!(
        answer(&lambda, &json!({"a": 1})),
        json!({"a": 1}),
        "the next event"
    );
}

fn timeout_of_an_event_replaces_the_process(runtime: Runtime) {
    let timeout_s = short_timeout().max(2.0).ceil();
    let lambda = runtime.start(&["--timeout", &timeout_s.to_string()]);
    answer(&lambda, &json!({}));
    let before = lambda.processes();
    let (kind, message) = error(&lambda, &json!({"do": "sleep", "seconds": 60}));
    assert_eq!(kind, "Sandbox.Timedout");
    let text = format!("Error: Task timed out after {timeout_s}.00 seconds");
    assert!(message.ends_with(&text), "{message}");
    assert_eq!(
        answer(&lambda, &json!({"a": 1})),
        json!({"a": 1}),
        "the next event"
    );
    let is_left = |pid: &u32| before.contains(pid);
    assert!(
        !lambda.processes().iter().any(is_left),
        "a process of the late event is left"
    );
}

fn exit_of_the_process_is_reported(runtime: Runtime) {
    let lambda = runtime.start(&[]);
    answer(&lambda, &json!({}));
    let (kind, message) = error(&lambda, &json!({"do": "exit", "status": 7}));
    assert_eq!(kind, "Runtime.ExitError");
    assert!(
        message.ends_with("Error: Runtime exited with error: exit status 7"),
        "{message}"
    );
    assert_eq!(
        answer(&lambda, &json!({"a": 1})),
        json!({"a": 1}),
        "the next event"
    );
}

fn signal_of_the_process_is_reported(runtime: Runtime) {
    let lambda = runtime.start(&[]);
    answer(&lambda, &json!({}));
    let (kind, message) = error(&lambda, &json!({"do": "kill"}));
    assert_eq!(kind, "Runtime.ExitError");
    assert!(
        message.contains("Error: Runtime exited with error: signal: "),
        "{message}"
    );
    assert_eq!(
        answer(&lambda, &json!({"a": 1})),
        json!({"a": 1}),
        "the next event"
    );
}

fn handler_missing_is_an_init_error(runtime: Runtime) {
    let lambda = runtime.start_handler("absent.handler", &[]);
    let (kind, message) = error(&lambda, &json!({}));
    assert!(kind.starts_with("Runtime."), "{kind}");
    assert!(message.contains("absent"), "{message}");
}
