//! Reports about Ruby.

use super::Function;
use crate::support::api::{Script, Server};
use crate::support::hosting::{events, start};
use crate::support::start::Start;
use crate::support::{bootstrap, skip, sys};
use serde_json::json;
use std::time::Duration;

fn ruby(handler: &str) -> Function {
    Function::new("ruby", handler)
}

/// aws-lambda-ruby-runtime-interface-client#14: times as Ruby writes them, and StringIO, which
/// nobody has to require.
#[test]
fn ruby_response_with_a_time_is_as_ruby_writes_it() {
    const CODE: &str = "require 'time'
        AT = Time.parse('2018-10-09 11:34:20 +0100')
        def handler(event:, context:) = { at: AT, body: StringIO.new('x').read }\n";
    let Some(run) = ruby("app.handler").file("app.rb", CODE).run(&["{}"]) else {
        return;
    };
    let right = json!({ "at": "2018-10-09 11:34:20 +0100", "body": "x" });
    assert_eq!(run.value(0), right);
}

/// aws-lambda-ruby-runtime-interface-client#36: the bundled json is of another version than the one
/// that the runtime has loaded, and replaces its methods by some that fail with it.
#[test]
fn ruby_event_is_read_with_the_methods_from_before_the_handler() {
    const CODE: &str = "module JSON
          def self.parse(*) = raise(NoMethodError, 'undefined method for JSON::Ext::Parser')
        end
        def handler(event:, context:) = { name: event['name'] }\n";
    let function = ruby("app.handler").file("app.rb", CODE);
    let Some(run) = function.run(&["{\"name\":\"Ada\"}"]) else {
        return;
    };
    assert_eq!(run.value(0), json!({ "name": "Ada" }));
}

/// aws-lambda-ruby-runtime-interface-client#33, and the review of #58: a Logger has its level, and
/// takes bytes that are not UTF-8.
#[test]
fn ruby_logger_with_odd_bytes_logs() {
    const CODE: &str = "require 'logger'
        LOG = Logger.new($stdout, level: :info, progname: 'users')
        def handler(event:, context:)
          LOG.info(\"odd \\xFF\\xFE bytes\")
          LOG.level
        end\n";
    for format in ["Text", "JSON"] {
        let function = ruby("app.handler").file("app.rb", CODE);
        let function = function.variable("AWS_LAMBDA_LOG_FORMAT", format);
        let Some(run) = function.run(&["{}"]) else {
            return;
        };
        assert_eq!(run.value(0), 1, "{format}");
        run.line_with("odd ");
    }
}

/// aws-lambda-ruby-runtime-interface-client#58: in the JSON format, a record of Logger has its
/// level and the request id.
#[test]
fn ruby_logger_in_the_json_format_writes_records() {
    const CODE: &str = "require 'logger'
        LOG = Logger.new($stdout)
        def handler(event:, context:)
          LOG.debug('not shown')
          LOG.warn(\"two\\nlines\")
        end\n";
    let function = ruby("app.handler").file("app.rb", CODE).json_logs("INFO");
    let Some(run) = function.run(&["{}"]) else {
        return;
    };
    assert_eq!(run.value(0), true);
    let record = run.record();
    assert_eq!(record["level"], "WARN");
    assert_eq!(record["message"], "two\nlines");
    assert_eq!(record["requestId"], "event-0");
}

/// aws-lambda-ruby-runtime-interface-client#56: an image's `_HANDLER` is blank, and the handler is
/// an argument.
#[test]
fn ruby_handler_of_an_image_is_the_argument() {
    const CODE: &str = "def handler(event:, context:) = event\n";
    if !skip::has("ruby") {
        return;
    }
    let function = ruby("").file("app.rb", CODE);
    let line = format!("#!/bin/sh\nexec {} app.handler\n", bootstrap().display());
    let entry = function.dir.executable("entry", line.as_bytes());
    let root = function.dir.path().to_str().expect("UTF-8");
    let outcome = Start::new(&entry)
        .variable("LAMBDA_TASK_ROOT", root)
        .variable("_HANDLER", "")
        .run(Script::events(&events(["7"])));
    let ledger = outcome.assert_serving();
    assert_eq!(ledger.answer("event-0").body, b"7");
}

/// aws-lambda-ruby-runtime-interface-client#28, #50: SIGTERM while the runtime waits for an event
/// is no failure: no exception is logged.
#[test]
fn ruby_termination_between_events_is_no_exception() {
    const CODE: &str = "def handler(event:, context:) = event\n";
    let function = ruby("app.handler").file("app.rb", CODE);
    if !skip::has("ruby") {
        return;
    }
    let server = Server::start(Script::events(&events(["1"])));
    let mut process = start(&function.dir, "app.handler")
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .spawn();
    process.until_idle(&server);
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(Duration::from_secs(60)).expect("it exits");
    let log = process.stderr();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(
        !log.contains("Exception") && !log.contains("SIGTERM"),
        "{log}"
    );
}
