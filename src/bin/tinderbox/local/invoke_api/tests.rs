//! The answers of production, recorded by localstack/localstack (tests/aws/services/lambda_,
//! snapshots of 2023 to 2026) where no other source is named.

mod answers;
mod events;
mod names;
mod random_names;
mod routes;

use serde_json::Value;

use super::{ApiError, InvokeCall, Operation, route};
use crate::local::http::{Reply, Request};

const INVOKE: &str = "POST /2015-03-31/functions/my-function/invocations HTTP/1.1\n";

/// The call of these lines.
fn invoke(lines: &str) -> Result<InvokeCall, ApiError> {
    match route(&Request::of_lines(lines))? {
        Operation::Invoke(call) => Ok(call),
        Operation::Manage(call) => panic!("{:?}", call.operation),
    }
}

/// A call with these headers.
fn invoke_with(headers: &str) -> Result<InvokeCall, ApiError> {
    invoke(&format!("{INVOKE}{headers}"))
}

fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let mut headers = reply.headers.iter();
    let found = headers.find(|(found, _)| *found == name);
    found.map(|(_, value)| value.as_str())
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).expect("JSON")
}
