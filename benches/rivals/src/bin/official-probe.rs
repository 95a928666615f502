//! A function on AWS's own crate for Rust that does what its event says: for tests of what the
//! crate sends.

use lambda_runtime::streaming::{Body, Response, channel};
use lambda_runtime::{Error, FunctionResponse, LambdaEvent, run, service_fn};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<FunctionResponse<Value, Body>, Error> {
    let (event, context) = event.into_parts();
    let number = |name: &str| event[name].as_u64().unwrap_or(0);
    let text = || event["text"].as_str().unwrap_or_default().to_string();
    match event["do"].as_str().unwrap_or_default() {
        "raise" => return Err(std::io::Error::other(text()).into()),
        "panic" => panic!("{}", text()),
        "log" => {
            for line in event["lines"].as_array().into_iter().flatten() {
                println!("{}", line.as_str().unwrap_or_default());
            }
        }
        "sleep" => std::thread::sleep(Duration::from_secs(number("seconds"))),
        "exit" => std::process::exit(number("status") as i32),
        "kill" => std::process::abort(),
        "large" => return buffered(json!("x".repeat(number("length") as usize - 2))),
        "environment" => {
            let name = event["name"].as_str().unwrap_or_default();
            let variable = std::env::var(name).ok();
            return buffered(json!({ "process": std::process::id(), "variable": variable }));
        }
        "context" => {
            return buffered(json!({
                "id": context.request_id,
                "arn": context.invoked_function_arn,
                "name": context.env_config.function_name,
                "version": context.env_config.version,
                "variable": std::env::var("AWS_LAMBDA_FUNCTION_VERSION").ok(),
                "memory": context.env_config.memory,
                "has_time": context.deadline > 0,
                "custom": context.client_context.map(|client| client.custom),
            }));
        }
        "stream" => {
            let (mut sender, body) = channel();
            let pieces = number("pieces");
            tokio::spawn(async move {
                for piece in 0..pieces {
                    let _ = sender.send_data(format!("piece {piece}\n").into()).await;
                    std::thread::sleep(Duration::from_millis(10));
                }
            });
            return Ok(FunctionResponse::StreamingResponse(Response::from(body)));
        }
        _ => {}
    }
    buffered(event)
}

fn buffered(value: Value) -> Result<FunctionResponse<Value, Body>, Error> {
    Ok(FunctionResponse::BufferedResponse(value))
}
