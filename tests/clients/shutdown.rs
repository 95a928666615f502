//! The end of the tool: every caller gets an answer that its SDK reads.

use std::thread;

use serde_json::{Value, json};

use crate::client::{Client, invoke};
use crate::harness::{Server, call, wait_until};
use crate::lambda::Lambda;
use crate::support::{function, sys};

/// The events wait for the first one, whose function sleeps.
#[test]
fn sigterm_with_callers_waiting_answers_each_in_json() {
    let options = ["--binary", "--environments", "2", "--timeout", "600"];
    let mut server = Server::start(&function("probe"), &options);
    let callers: Vec<_> = (0..2)
        .map(|_| call(server.request("sleep 300000").with_timeout(300)))
        .collect();
    let starts = |server: &Server| server.stderr().matches("START RequestId: ").count();
    wait_until("both events are started", || starts(&server) == 2);
    let port = server.port;
    assert_eq!(server.stop(sys::SIGTERM).code(), Some(0));
    for caller in callers {
        let reply = caller.reply();
        let text = String::from_utf8_lossy(reply.as_bytes()).into_owned();
        assert_eq!(reply.status_code, 503, "{text}");
        assert_eq!(reply.header("Content-Type"), Some("application/json"));
        assert!(
            reply
                .header("X-Amzn-ErrorType")
                .is_some_and(|name| !name.is_empty())
        );
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let message = value.get("message").or(value.get("Message"));
        assert!(message.is_some_and(Value::is_string), "{text}");
    }
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

/// SDKs raise the name of the error, not that of a broken connection.
#[test]
fn sigterm_with_an_sdk_waiting_is_a_service_error() {
    for client in [Client::Boto3, Client::Javascript] {
        if client.is_missing() {
            continue;
        }
        let lambda = Lambda::start(&[]);
        let config = match client {
            Client::Boto3 => json!({ "retries": {"total_max_attempts": 1} }),
            _ => json!({ "maxAttempts": 1 }),
        };
        let event = json!({"do": "sleep", "seconds": 300});
        let outcome = thread::scope(|scope| {
            let lambda = &lambda;
            let caller = scope.spawn(move || {
                let mut outcomes = client.make_all(lambda, &config, &[invoke(&event)]);
                outcomes.remove(0)
            });
            lambda.wait_for_stderr("START RequestId: ");
            sys::kill(lambda.pid(), sys::SIGTERM);
            caller.join().expect("an outcome")
        });
        assert_eq!(outcome.status, Some(503), "{client:?}: {outcome:?}");
        assert!(
            !outcome.refusal().code.is_empty(),
            "{client:?}: {outcome:?}"
        );
    }
}
