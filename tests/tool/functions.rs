//! The release binaries on the local Lambda.

use std::path::Path;

use crate::fake_runtime::PAYLOAD_BYTES_MAX;
use crate::harness::{Finished, Server, call, run_once};
use crate::support::{self, TempDir};

/// Options for a binary under test: longer timeouts, and a runner if the tests have one.
fn options(more: &[&str]) -> Vec<String> {
    let mut options: Vec<String> = ["--timeout", "60", "--init-timeout", "60"]
        .map(String::from)
        .into();
    if let Some(runner) = support::runner() {
        options.extend(["--runner".to_string(), runner]);
    }
    options.extend(more.iter().map(|option| option.to_string()));
    options
}

fn serve(bootstrap: &Path, more: &[&str]) -> Server {
    let options = options(more);
    Server::start(
        bootstrap,
        &options.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

fn once(bootstrap: &Path, event: &str, more: &[&str]) -> Finished {
    let options = options(more);
    run_once(
        bootstrap,
        event,
        &options.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

#[test]
fn once_event_prints_the_answer_and_log_lines() {
    let run = once(&support::function("echo"), "{\"a\":1}", &[]);
    assert_eq!(
        (run.code, run.text().as_str()),
        (0, "{\"a\":1}"),
        "{}",
        run.stderr
    );
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{}", run.stderr);
    assert!(lines[0].starts_with("START RequestId: ") && lines[0].ends_with(" Version: $LATEST"));
    assert!(lines[1].starts_with("END RequestId: "));
    let fields: Vec<&str> = lines[2].split('\t').collect();
    let names: Vec<&str> = fields
        .iter()
        .map(|field| field.split(": ").next().unwrap_or(""))
        .collect();
    let expected = [
        "REPORT RequestId",
        "Duration",
        "Billed Duration",
        "Memory Size",
        "Max Memory Used",
        "Init Duration",
        "", // as on Lambda, the line ends with a tab
    ];
    assert_eq!(names, expected);
    assert!(
        fields[1].ends_with(" ms") && fields[5].ends_with(" ms"),
        "{}",
        lines[2]
    );
    assert_eq!(fields[3], "Memory Size: 128 MB");
}

#[test]
fn folder_argument_is_the_task_root() {
    let bootstrap = support::function("echo");
    let run = once(bootstrap.parent().expect("a folder"), "[1]", &[]);
    assert_eq!(
        (run.code, run.text().as_str()),
        (0, "[1]"),
        "{}",
        run.stderr
    );
}

#[test]
fn payload_of_any_size_is_unchanged() {
    let server = serve(&support::function("echo"), &["--binary"]);
    for size in [
        0,
        1,
        2047,
        2048,
        2049,
        65_535,
        65_536,
        65_537,
        1 << 20,
        6 * 1024 * 1024,
    ] {
        let event: Vec<u8> = (0..size).map(|at| (at * 31 % 256) as u8).collect();
        let reply = server.invoke(event.clone());
        assert_eq!(reply.header("X-Amz-Function-Error"), None);
        assert!(reply.as_bytes() == event, "{size}");
    }
    let log = server.stderr();
    assert_eq!(
        log.matches("Init Duration").count(),
        1,
        "one start, so one connection: {log}"
    );
}

#[test]
fn response_over_limit_is_a_function_error() {
    let server = serve(&support::function("probe"), &["--binary"]);
    assert_eq!(
        server
            .invoke(format!("big {PAYLOAD_BYTES_MAX}"))
            .as_bytes()
            .len(),
        PAYLOAD_BYTES_MAX
    );
    let reply = server.invoke(format!("big {}", PAYLOAD_BYTES_MAX + 1));
    assert_eq!(reply.header("X-Amz-Function-Error"), Some("Unhandled"));
    let text = reply.as_str().expect("text");
    assert!(text.contains("Function.ResponseSizeTooLarge"), "{text}");
    assert_eq!(server.invoke("still here").as_bytes(), b"still here");
}

#[test]
fn call_headers_reach_the_function() {
    let server = serve(
        &support::function("probe"),
        &["--binary", "--function-name", "name"],
    );
    let request = server
        .request("context")
        .with_header("X-Amzn-Trace-Id", "Root=1-5-9;Sampled=1")
        .with_header("X-Amz-Client-Context", "eyJhIjoxfQ==")
        .with_header("X-Amz-Tenant-Id", "blue");
    let reply = call(request).reply();
    let id = reply.header("X-Amzn-RequestId").expect("an id");
    let text = reply.as_str().expect("text");
    for line in [
        &format!("request-id={id}"),
        "function-arn=arn:aws:lambda:us-east-1:123456789012:function:name",
        "trace-id=Root=1-5-9;Sampled=1",
        "client-context={\"a\":1}",
        "tenant-id=blue",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    for name in ["deadline-ms=", "invocation-id="] {
        assert!(
            text.lines().any(|found| found.starts_with(name)),
            "{name} in {text}"
        );
    }
    let request = server
        .request("env")
        .with_header("X-Amzn-Trace-Id", "Root=1-2-3");
    assert_eq!(call(request).reply().as_bytes(), b"Root=1-2-3");
    let reply = server.invoke("type text/x-probe");
    assert_eq!(reply.header("Content-Type"), Some("text/x-probe"));
}

#[test]
fn function_failure_of_any_kind_leaves_the_next_event_working() {
    let server = serve(&support::function("probe"), &["--binary"]);
    for (event, error_type, message, notice) in [
        ("fail", "Function.Probe", "probe failed", ""),
        (
            "panic",
            "Runtime.Panic",
            "",
            "the bootstrap exited with status 101 after its answer",
        ),
        (
            "exit 9",
            "Runtime.ExitError",
            "exit status 9",
            "exited with status 9 before its answer",
        ),
        (
            "exit 0",
            "Runtime.ExitError",
            "without providing a reason",
            "exited with status 0",
        ),
        (
            "crash",
            "Runtime.ExitError",
            "signal: aborted",
            "killed by signal 6 (aborted)",
        ),
    ] {
        let reply = server.invoke(event);
        assert_eq!(reply.status_code, 200);
        assert_eq!(reply.header("X-Amz-Function-Error"), Some("Unhandled"));
        let body: serde_json::Value = serde_json::from_slice(reply.as_bytes()).expect("JSON");
        assert_eq!(body["errorType"], error_type, "{event}");
        let found = body["errorMessage"].as_str().expect("a message");
        assert!(found.contains(message), "{event}: {found}");
        server.wait_for_stderr(notice);
        assert_eq!(server.invoke("after").as_bytes(), b"after", "{event}");
    }
}

#[test]
fn init_error_is_the_callers_answer() {
    for (variable, error_type, status) in [
        ("PROBE_INIT=fail", "Function.ProbeInit", 3),
        ("PROBE_INIT=panic", "Runtime.Panic", 101),
    ] {
        let run = once(&support::function("probe"), "{}", &["--env", variable]);
        assert_eq!(run.code, 1);
        assert!(run.text().contains(error_type), "{}", run.text());
        let notice = format!("the bootstrap posted an init error and exited with status {status}");
        assert!(run.stderr.contains(&notice), "{}", run.stderr);
    }
}

#[test]
fn function_timeout_leaves_the_next_event_working() {
    let server = serve(&support::function("probe"), &["--binary", "--timeout", "1"]);
    let reply = server.invoke("sleep 60000");
    assert!(
        reply
            .as_str()
            .expect("text")
            .contains("Task timed out after 1.00 seconds")
    );
    assert_eq!(server.invoke("after").as_bytes(), b"after");
    server.invoke("and again");
    until_reports(&server, 3);
    let starts = server.stderr().matches("Init Duration").count();
    assert_eq!(starts, 2, "{}", server.stderr());
}

fn until_reports(server: &Server, count: usize) {
    crate::harness::wait_until("REPORT lines", || {
        server.stderr().matches("REPORT ").count() >= count
    });
}

#[test]
fn std_function_answers_and_fails() {
    let server = serve(&support::function("hello"), &[]);
    let reply = server.invoke("{\"name\":\"World\"}");
    assert_eq!(
        reply.as_str().expect("text"),
        "{\"message\":\"Hello, World!\"}"
    );
    assert_eq!(
        server.invoke("[]").header("X-Amz-Function-Error"),
        Some("Unhandled")
    );
    let reply = server.invoke("{\"name\":\"panic\"}");
    assert!(reply.as_str().expect("text").contains("asked to panic"));
    let reply = server.invoke("{\"name\":\"World\"}");
    assert_eq!(
        reply.as_str().expect("text"),
        "{\"message\":\"Hello, World!\"}"
    );
}

#[test]
fn hosted_program_in_task_root_is_found() {
    let folder = TempDir::new();
    let program = b"#!/bin/sh\nread -r event\necho \"log: $_HANDLER\" >&2\necho \"<$event>\"\n";
    folder.executable("program", program);
    let root = folder.path().to_str().expect("UTF-8");
    let more = ["--task-root", root, "--handler", "program"];
    let run = once(&support::bootstrap(), "{\"a\":1}", &more);
    assert_eq!(
        (run.code, run.text().as_str()),
        (0, "<{\"a\":1}>\n"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("log: program\n"), "{}", run.stderr);
}

#[test]
fn handler_missing_is_an_init_error() {
    let folder = TempDir::new();
    let root = folder.path().to_str().expect("UTF-8");
    let run = once(
        &support::bootstrap(),
        "{}",
        &["--task-root", root, "--handler", "nothing"],
    );
    assert_eq!(run.code, 1);
    assert!(
        run.text().contains("Runtime.HandlerNotFound"),
        "{}",
        run.text()
    );
    assert!(run.text().contains("nothing"), "{}", run.text());
}

#[test]
fn consecutive_events_get_one_answer_each() {
    let server = serve(&support::function("echo"), &[]);
    let count = support::rounds("events in a row", 500);
    for number in 0..count {
        assert_eq!(
            server.invoke(number.to_string()).as_bytes(),
            number.to_string().as_bytes()
        );
    }
    until_reports(&server, count);
    assert_eq!(server.stderr().matches("REPORT ").count(), count);
}
