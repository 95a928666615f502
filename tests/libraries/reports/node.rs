//! Reports about Node.

use super::Function;
use serde_json::{Value, json};

fn node(handler: &str) -> Function {
    Function::new("node", handler)
}

/// aws-lambda-base-images#392: a promise that nobody awaits rejects while the answer is written.
#[test]
fn node_rejection_beside_an_answer_leaves_answer_and_process() {
    const CODE: &str = "let count = 0;
        async function later() { throw new Error('HelloError'); }
        export const handler = async (size) => { later(); return ++count + '!'.repeat(size); };";
    let function = node("index.handler").file("index.mjs", CODE);
    let Some(run) = function.run(&["5000000", "0"]) else {
        return;
    };
    assert_eq!(run.bytes(0).len(), 5_000_003);
    assert_eq!(run.value(1), "2", "the process stayed");
    let lines = run.lines_with("HelloError");
    for id in ["event-0", "event-1"] {
        let of_event: Vec<&String> = lines.iter().filter(|line| line.contains(id)).collect();
        assert_eq!(of_event.len(), 1, "{id}: {lines:?}");
        assert!(of_event[0].contains("\tERROR\t"), "{lines:?}");
    }
}

/// aws-lambda-nodejs-runtime-interface-client#175, #178: the record of a failure has the request
/// id, and its cause.
#[test]
fn node_failure_record_has_request_id_and_cause() {
    const CODE: &str = "export const handler = async () => {
        throw new Error('outer', { cause: new TypeError('inner') }); };";
    let Some(run) = node("index.handler").file("index.mjs", CODE).run(&["{}"]) else {
        return;
    };
    assert_eq!(run.failure(0), ("Error".to_string(), "outer".to_string()));
    let line = run.line_with("outer");
    assert!(line.contains("\tevent-0\tERROR\t"), "{line}");
    assert!(line.contains("inner"), "{line}");
}

/// aws-lambda-nodejs-runtime-interface-client#93: a folder with the name of the module.
#[test]
fn node_module_beside_a_folder_of_its_name_is_loaded() {
    const CODE: &str = "import { b } from './hello/b.js'; export const handler = async () => b;";
    let function = node("hello.handler").file("package.json", "{\"type\":\"module\"}");
    let function = function.file("hello.js", CODE);
    let function = function.file("hello/b.js", "export const b = 2;");
    let Some(run) = function.run(&["{}"]) else {
        return;
    };
    assert_eq!(run.value(0), 2);
}

/// aws-lambda-nodejs-runtime-interface-client#181: a folder with an index, up to Node 22.
#[test]
fn node_folder_as_module_is_loaded() {
    const CODE: &str = "exports.handler = async () => 'from dir';";
    let Some(run) = node("dir.handler").file("dir/index.js", CODE).run(&["{}"]) else {
        return;
    };
    assert_eq!(run.value(0), "from dir");
}

/// aws-lambda-nodejs-runtime-interface-client#70: streamed responses with a prelude.
#[test]
fn node_streamed_response_has_its_prelude() {
    const CODE: &str = "exports.handler = awslambda.streamifyResponse(async (event, stream) => {
        const prelude = { statusCode: 201, headers: { a: 'b' } };
        stream = awslambda.HttpResponseStream.from(stream, prelude);
        stream.write('one '); stream.write('two'); stream.end(); });";
    let Some(run) = node("index.handler").file("index.js", CODE).run(&["{}"]) else {
        return;
    };
    let mode = run
        .answer(0)
        .header("Lambda-Runtime-Function-Response-Mode");
    assert_eq!(mode, Some("streaming"));
    let body = run.bytes(0);
    let end = body.windows(8).position(|bytes| bytes == [0; 8]);
    let (prelude, rest) = body.split_at(end.expect("the end of the prelude"));
    let prelude: Value = serde_json::from_slice(prelude).expect("valid JSON");
    assert_eq!(
        prelude,
        json!({ "statusCode": 201, "headers": { "a": "b" } })
    );
    assert_eq!(&rest[8..], b"one two");
}

/// Sentry's `awslambda-auto` sets another handler in a module that is loaded before the runtime,
/// which reads `_HANDLER` after that.
#[test]
fn node_handler_changed_by_a_preload_is_used() {
    const WRAPPER: &str = "exports.run = async (event) => (
        { wrapped: await require('../index').handler(event) });";
    let before = "process.env._HANDLER = 'wrap/wrapper.run';";
    let function = node("index.handler").file("before.js", before);
    let function = function.file("index.js", "exports.handler = async (event) => event + 1;");
    let function = function.file("wrap/wrapper.js", WRAPPER);
    let function = function.variable("NODE_OPTIONS", "--require $ROOT/before.js");
    let Some(run) = function.run(&["1"]) else {
        return;
    };
    assert_eq!(run.value(0), json!({ "wrapped": 2 }));
}

/// awslabs/llrt#255: a value printed over lines is one record.
#[test]
fn node_printed_lines_are_one_record() {
    const CODE: &str = "exports.handler = async (event) => {
        console.log('event:', JSON.stringify(event, null, 2)); };";
    let function = node("index.handler").file("index.js", CODE);
    let Some(run) = function.run(&["{\"a\":{\"b\":1}}"]) else {
        return;
    };
    let output = run.output();
    assert_eq!(output.lines().count(), 1, "{output}");
    assert!(output.contains("\tevent-0\tINFO\tevent: {\r"), "{output}");
    assert!(output.ends_with("\r}\n"), "{output}");
}

/// awslabs/llrt#176: an async handler that calls the callback.
#[test]
fn node_callback_of_an_async_handler_is_the_answer() {
    const CODE: &str = "exports.handler = async (event, context, callback) => {
        callback(null, { allow: event }); };";
    let function = node("index.handler").file("index.js", CODE);
    let Some(run) = function.run(&["\"*\""]) else {
        return;
    };
    assert_eq!(run.value(0), json!({ "allow": "*" }));
}

/// awslabs/llrt#1519: the message is without the type.
#[test]
fn node_error_message_is_without_its_type() {
    const CODE: &str = "exports.handler = async () => { throw new TypeError('it went wrong'); };";
    let Some(run) = node("index.handler").file("index.js", CODE).run(&["{}"]) else {
        return;
    };
    let (error_type, message) = run.failure(0);
    assert_eq!(error_type, "TypeError");
    assert_eq!(message, "it went wrong");
}
