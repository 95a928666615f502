//! What people reported about runtimes of Lambda, each with the right result: what AWS documents,
//! or what the runtime does since. The source of each is in the comment.

use crate::support::api::Kind;
use crate::support::hosting::{events, response, start};
use crate::support::process::Outcome;
use crate::support::{TempDir, api::Script, skip};
use serde_json::{Value, json};

/// Runs a function of these files, whose interpreter may be missing.
fn run<'a>(
    interpreter: &str,
    handler: &str,
    files: &[(&str, &str)],
    bodies: &[&'a str],
) -> Option<Outcome> {
    run_with(interpreter, handler, files, bodies, &[])
}

fn run_with(
    interpreter: &str,
    handler: &str,
    files: &[(&str, &str)],
    bodies: &[&str],
    variables: &[(&str, &str)],
) -> Option<Outcome> {
    if !skip::has(interpreter) {
        return None;
    }
    let dir = TempDir::new();
    for (name, content) in files {
        dir.file(name, content.as_bytes());
    }
    let root = dir.path().to_str().expect("UTF-8");
    let mut start = start(&dir, &handler.replace("$ROOT", root));
    for (name, value) in variables {
        start = start.variable(name, &value.replace("$ROOT", root));
    }
    Some(start.run(Script::events(&events(bodies.iter().copied()))))
}

/// All output, without the runtime's own lines.
fn output(outcome: &Outcome) -> String {
    format!("{}{}", outcome.stdout, outcome.log())
}

/// The records of the log in the JSON format.
fn records(outcome: &Outcome) -> Vec<Value> {
    let text = output(outcome);
    let records = text.lines().map(|line| serde_json::from_str(line));
    records
        .map(|record| record.unwrap_or_else(|error| panic!("{error}: {text}")))
        .collect()
}

fn value(outcome: &Outcome, id: &str) -> Value {
    serde_json::from_slice(response(outcome.assert_serving(), id)).expect("valid JSON")
}

/// The body of the only answer to the event, which is an error.
fn failure(outcome: &Outcome, id: &str) -> Value {
    let answer = outcome.assert_serving().answer(id);
    assert_eq!(answer.kind, Kind::Error, "{id}");
    serde_json::from_slice(&answer.body).expect("valid JSON")
}

const PYTHON_ECHO: &str = "import os\ndef handler(event, context): return os.environ['_HANDLER']\n";

/// aws-lambda-python-runtime-interface-client#43, #45: slashes and dots may be mixed, and the last
/// part may be named like a module that is built in.
#[test]
fn python_handler_with_slash_and_dot_is_found() {
    for handler in [
        "src/hello.app.handler",
        "src.hello.app.handler",
        "src/hello/app.handler",
        "lib/sys.handler",
    ] {
        let files = [
            ("src/hello/__init__.py", ""),
            ("src/hello/app.py", PYTHON_ECHO),
            ("lib/sys.py", PYTHON_ECHO),
        ];
        let Some(outcome) = run("python3", handler, &files, &["{}"]) else {
            return;
        };
        assert_eq!(value(&outcome, "event-0"), handler);
    }
}

/// aws-lambda-base-images#101: an absolute handler, whose module imports from the task root.
#[test]
fn python_handler_with_absolute_path_imports_from_the_root() {
    let files = [
        ("src/bar/boo.py", "def more(number): return number + 1\n"),
        (
            "src/foo/main.py",
            "from src.bar.boo import more\ndef handler(event, context): return more(41)\n",
        ),
    ];
    let Some(outcome) = run("python3", "$ROOT/src/foo/main.handler", &files, &["{}"]) else {
        return;
    };
    assert_eq!(value(&outcome, "event-0"), 42);
}

/// HDE/python-lambda-local#66: the handler's package is a package, so relative imports work.
#[test]
fn python_handler_of_a_package_imports_relatively() {
    let code = "from . import utils\nfrom two import other\ndef handler(event, context): return utils.A + other.B\n";
    let files = [
        ("one/handler.py", code),
        ("one/utils.py", "A = 1\n"),
        ("two/other.py", "B = 2\n"),
    ];
    let Some(outcome) = run("python3", "one.handler.handler", &files, &["{}"]) else {
        return;
    };
    assert_eq!(value(&outcome, "event-0"), 3);
}

/// aws-lambda-python-runtime-interface-client#87: an escape takes three times the bytes of a
/// response that may have 6 MB; without since Python 3.12.
#[test]
fn python_response_with_other_letters_has_no_escapes() {
    let code = "def handler(event, context): return {'text': 'é' * 1000}\n";
    let version = [("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13")];
    let files = [("app.py", code)];
    let Some(outcome) = run_with("python3", "app.handler", &files, &["{}"], &version) else {
        return;
    };
    let body = response(outcome.assert_serving(), "event-0");
    assert!(body.len() < 2_100, "{} bytes", body.len());
    assert_eq!(
        value(&outcome, "event-0"),
        json!({ "text": "é".repeat(1000) })
    );
}

/// aws-lambda-python-runtime-interface-client#202, #220: filters look at `level`.
#[test]
fn python_failure_in_the_json_format_is_an_error_record() {
    let code = "def handler(event, context): raise ValueError('no user')\n";
    let json = [
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_LAMBDA_LOG_LEVEL", "ERROR"),
    ];
    let Some(outcome) = run_with(
        "python3",
        "app.handler",
        &[("app.py", code)],
        &["{}"],
        &json,
    ) else {
        return;
    };
    assert_eq!(failure(&outcome, "event-0")["errorType"], "ValueError");
    let records = records(&outcome);
    let [record] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(record["level"], "ERROR");
    assert_eq!(record["requestId"], "event-0");
    assert_eq!(record["errorType"], "ValueError");
    assert_eq!(record["errorMessage"], "no user");
    assert!(record["stackTrace"].is_array(), "{record}");
}

/// aws-lambda-base-images#392: a promise that nobody awaits rejects while the answer is written.
#[test]
fn node_rejection_beside_an_answer_leaves_answer_and_process() {
    let code = "let count = 0;
        async function later() { throw new Error('HelloError'); }
        export const handler = async (size) => { count++; later(); return count + '!'.repeat(size); };";
    let Some(outcome) = run(
        "node",
        "index.handler",
        &[("index.mjs", code)],
        &["5000000", "0"],
    ) else {
        return;
    };
    let first = response(outcome.assert_serving(), "event-0");
    assert_eq!(first.len(), 5_000_003);
    assert_eq!(value(&outcome, "event-1"), "2", "the process stayed");
    let output = output(&outcome);
    for id in ["event-0", "event-1"] {
        let lines: Vec<&str> = output
            .lines()
            .filter(|line| line.contains("HelloError") && line.contains(id))
            .collect();
        let [line] = lines.as_slice() else {
            panic!("{id}: {output}")
        };
        assert!(line.contains("ERROR"), "{line}");
    }
}

/// aws-lambda-nodejs-runtime-interface-client#175, #178: the record of a failure has the request id,
/// and its cause.
#[test]
fn node_failure_record_has_request_id_and_cause() {
    let code = "export const handler = async () => { throw new Error('outer', { cause: new TypeError('inner') }); };";
    let Some(outcome) = run("node", "index.handler", &[("index.mjs", code)], &["{}"]) else {
        return;
    };
    let failure = failure(&outcome, "event-0");
    assert_eq!(
        (&failure["errorType"], &failure["errorMessage"]),
        (&json!("Error"), &json!("outer"))
    );
    let output = output(&outcome);
    let lines: Vec<&str> = output
        .lines()
        .filter(|line| line.contains("outer"))
        .collect();
    let [line] = lines.as_slice() else {
        panic!("{output}")
    };
    let start: Vec<&str> = line.split('\t').skip(1).take(2).collect();
    assert_eq!(start, ["event-0", "ERROR"], "{line}");
    assert!(line.contains("inner"), "{line}");
}

/// aws-lambda-nodejs-runtime-interface-client#93: a folder with the name of the module.
#[test]
fn node_module_beside_a_folder_of_its_name_is_loaded() {
    let files = [
        ("package.json", "{\"type\":\"module\"}"),
        (
            "hello.js",
            "import { b } from './hello/b.js'; export const handler = async () => b;",
        ),
        ("hello/b.js", "export const b = 2;"),
    ];
    let Some(outcome) = run("node", "hello.handler", &files, &["{}"]) else {
        return;
    };
    assert_eq!(value(&outcome, "event-0"), 2);
}

/// aws-lambda-nodejs-runtime-interface-client#181: a folder with an index.
#[test]
fn node_folder_as_module_is_loaded() {
    let files = [("dir/index.js", "exports.handler = async () => 'from dir';")];
    let Some(outcome) = run("node", "dir.handler", &files, &["{}"]) else {
        return;
    };
    assert_eq!(value(&outcome, "event-0"), "from dir");
}

/// aws-lambda-nodejs-runtime-interface-client#70: streamed responses with a prelude.
#[test]
fn node_streamed_response_has_its_prelude() {
    let code = "exports.handler = awslambda.streamifyResponse(async (event, stream) => {
        stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { a: 'b' } });
        stream.write('one '); stream.write('two'); stream.end(); });";
    let Some(outcome) = run("node", "index.handler", &[("index.js", code)], &["{}"]) else {
        return;
    };
    let answer = outcome.assert_serving().answer("event-0");
    assert_eq!(
        answer.header("Lambda-Runtime-Function-Response-Mode"),
        Some("streaming")
    );
    let end = answer
        .body
        .windows(8)
        .position(|bytes| bytes == [0; 8])
        .expect("the end of the prelude");
    let prelude: Value = serde_json::from_slice(&answer.body[..end]).expect("valid JSON");
    assert_eq!(
        prelude,
        json!({ "statusCode": 201, "headers": { "a": "b" } })
    );
    assert_eq!(&answer.body[end + 8..], b"one two");
}

/// Sentry and others change the handler in a module that is loaded before: the managed runtime reads
/// `_HANDLER` after that.
#[test]
fn node_handler_changed_by_a_preload_is_used() {
    let files = [
        (
            "before.js",
            "process.env.OWN = process.env._HANDLER; process.env._HANDLER = 'wrap/wrapper.run';",
        ),
        ("index.js", "exports.handler = async (event) => event + 1;"),
        (
            "wrap/wrapper.js",
            "exports.run = async (event) => ({ wrapped: await require('../index').handler(event) });",
        ),
    ];
    let options = [("NODE_OPTIONS", "--require $ROOT/before.js")];
    let Some(outcome) = run_with("node", "index.handler", &files, &["1"], &options) else {
        return;
    };
    assert_eq!(value(&outcome, "event-0"), json!({ "wrapped": 2 }));
}

/// awslabs/llrt#255: a value printed over lines is one record.
#[test]
fn node_printed_lines_are_one_record() {
    let code = "exports.handler = async (event) => { console.log('event:', JSON.stringify(event, null, 2)); };";
    let Some(outcome) = run(
        "node",
        "index.handler",
        &[("index.js", code)],
        &["{\"a\":{\"b\":1}}"],
    ) else {
        return;
    };
    let output = output(&outcome);
    let lines: Vec<&str> = output.lines().filter(|line| !line.is_empty()).collect();
    let [line] = lines.as_slice() else {
        panic!("{output}")
    };
    assert!(
        line.contains("\tevent-0\tINFO\tevent: {\r") && line.ends_with("\r}"),
        "{line}"
    );
}

/// awslabs/llrt#176: an async handler that calls the callback.
#[test]
fn node_callback_of_an_async_handler_is_the_answer() {
    let code = "exports.handler = async (event, context, callback) => { callback(null, { allow: event }); };";
    let Some(outcome) = run("node", "index.handler", &[("index.js", code)], &["\"*\""]) else {
        return;
    };
    assert_eq!(value(&outcome, "event-0"), json!({ "allow": "*" }));
}

/// awslabs/llrt#1519: the message is without the type.
#[test]
fn node_error_message_is_without_its_type() {
    let code = "exports.handler = async () => { throw new TypeError('something went wrong'); };";
    let Some(outcome) = run("node", "index.handler", &[("index.js", code)], &["{}"]) else {
        return;
    };
    let failure = failure(&outcome, "event-0");
    assert_eq!(
        (&failure["errorType"], &failure["errorMessage"]),
        (&json!("TypeError"), &json!("something went wrong"))
    );
}

/// aws-lambda-ruby-runtime-interface-client#14: times as Ruby writes them, and StringIO, which the
/// client needs itself.
#[test]
fn ruby_response_with_a_time_is_as_ruby_writes_it() {
    let code = "require 'time'
        def handler(event:, context:) = { at: Time.parse('2018-10-09 11:34:20 +0100'), body: StringIO.new('x').read }\n";
    let Some(outcome) = run("ruby", "app.handler", &[("app.rb", code)], &["{}"]) else {
        return;
    };
    assert_eq!(
        value(&outcome, "event-0"),
        json!({ "at": "2018-10-09 11:34:20 +0100", "body": "x" })
    );
}

/// aws-lambda-ruby-runtime-interface-client#36: the bundled json of another version replaces methods
/// of the one that is loaded, and they fail.
#[test]
fn ruby_event_with_a_broken_json_gem_is_read() {
    let code = "module JSON
          def self.parse(*) = raise(NoMethodError, \"undefined method `parse' for class JSON::Ext::Parser\")
        end
        def handler(event:, context:) = { name: event['name'] }\n";
    let Some(outcome) = run(
        "ruby",
        "app.handler",
        &[("app.rb", code)],
        &["{\"name\":\"Ada\"}"],
    ) else {
        return;
    };
    assert_eq!(value(&outcome, "event-0"), json!({ "name": "Ada" }));
}

/// aws-lambda-ruby-runtime-interface-client#33, #58: a Logger is used as it is, with bytes that are
/// not UTF-8 in either log format.
#[test]
fn ruby_logger_with_odd_bytes_logs() {
    let code = "require 'logger'\nLOG = Logger.new($stdout, level: :info, progname: 'users')
        def handler(event:, context:)\n  LOG.info(\"odd \\xFF\\xFE bytes\")\n  LOG.level\nend\n";
    for format in ["Text", "JSON"] {
        let format = [("AWS_LAMBDA_LOG_FORMAT", format)];
        let Some(outcome) = run_with("ruby", "app.handler", &[("app.rb", code)], &["{}"], &format)
        else {
            return;
        };
        assert_eq!(value(&outcome, "event-0"), 1);
        assert!(output(&outcome).contains("odd "), "{}", output(&outcome));
    }
}

/// aws-lambda-ruby-runtime-interface-client#58: in the JSON format, a record of Logger has its level
/// and the request id.
#[test]
fn ruby_logger_in_the_json_format_writes_records() {
    let code = "require 'logger'\nLOG = Logger.new($stdout)
        def handler(event:, context:)\n  LOG.debug('not shown')\n  LOG.warn(\"two\\nlines\")\nend\n";
    let json = [
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
    ];
    let files = [("app.rb", code)];
    let Some(outcome) = run_with("ruby", "app.handler", &files, &["{}"], &json) else {
        return;
    };
    assert_eq!(value(&outcome, "event-0"), true);
    let records = records(&outcome);
    let [record] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(record["level"], "WARN");
    assert_eq!(record["message"], "two\nlines");
    assert_eq!(record["requestId"], "event-0");
}

/// brefphp/bref#553: a handler file that returns no function.
#[test]
fn php_file_without_a_handler_is_named() {
    for code in [
        "<?php return 1;",
        "<?php function other() {}",
        "<?php $handler = fn () => 1;",
    ] {
        let Some(outcome) = run("php", "index.php", &[("index.php", code)], &["{}"]) else {
            return;
        };
        let posts = &outcome.ledger.posts;
        let [post] = posts.as_slice() else {
            panic!("{posts:?}")
        };
        let failure: Value = serde_json::from_slice(&post.body).expect("valid JSON");
        let message = failure["errorMessage"].as_str().expect("a message");
        assert!(
            message.contains("index.php") && message.contains("return"),
            "{message}"
        );
    }
}

/// brefphp/bref#800: the exceptions before the last one are in the log.
#[test]
fn php_failure_record_has_previous_exceptions() {
    let code = "<?php return function () {
        throw new LogicException('outer', 0, new RuntimeException('inner')); };";
    let Some(outcome) = run("php", "index.php", &[("index.php", code)], &["{}"]) else {
        return;
    };
    let failure = failure(&outcome, "event-0");
    assert_eq!(
        (&failure["errorType"], &failure["errorMessage"]),
        (&json!("LogicException"), &json!("outer"))
    );
    let output = output(&outcome);
    assert!(
        output.contains("event-0") && output.contains("inner"),
        "{output}"
    );
}

/// brefphp/bref#1922: a message that is not UTF-8 fails the event, with that message.
#[test]
fn php_message_with_odd_bytes_is_reported() {
    let code = "<?php return function () { throw new RuntimeException(\"bad \\xff\\xfe name\"); };";
    let Some(outcome) = run("php", "index.php", &[("index.php", code)], &["{}", "{}"]) else {
        return;
    };
    for id in ["event-0", "event-1"] {
        let failure = failure(&outcome, id);
        assert_eq!(failure["errorType"], "RuntimeException");
        let message = failure["errorMessage"].as_str().expect("a message");
        assert!(
            message.starts_with("bad ") && message.ends_with(" name"),
            "{message}"
        );
    }
}
