//! Greets whom the event names: an ordinary program, with std and serde_json.

use serde_json::{Value, json};
use tinderbox::{Failure, Invocation, Response};

fn greet(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    let event: Value = serde_json::from_slice(invocation.event())?;
    let Some(name) = event["name"].as_str() else {
        return Err(Failure::new("Function.NoName", "the event has no \"name\""));
    };
    if name == "panic" {
        panic!("asked to panic");
    }
    let greeting = json!({ "message": format!("Hello, {name}!") });
    response.write(greeting.to_string().as_bytes())
}

fn main() {
    tinderbox::run(greet)
}
