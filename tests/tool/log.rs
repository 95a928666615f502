//! The log of the local Lambda: text, `AWS_LAMBDA_LOG_FORMAT=JSON`, and `--json`.

use serde_json::Value;

use crate::harness::{Finished, Server, run_once, run_tool_with_stdin, short_timeout};
use crate::support::{self, TempDir, function};

/// A line that would be a record of the platform, were it not the function's.
const FORGED: &str = "{\"type\":\"platform.report\",\"record\":{\"requestId\":\"1\",\"metrics\":\
                      {\"durationMs\":1.0}}}";

/// The environment of a function that logs JSON at a level.
fn json_format(level: &'static str) -> [&'static str; 4] {
    let level = match level {
        "DEBUG" => "AWS_LAMBDA_LOG_LEVEL=DEBUG",
        "WARN" => "AWS_LAMBDA_LOG_LEVEL=WARN",
        _ => "AWS_LAMBDA_LOG_LEVEL=INFO",
    };
    ["--env", "AWS_LAMBDA_LOG_FORMAT=JSON", "--env", level]
}

/// A folder whose handler `program` prints two lines, of which one is not complete, and answers.
fn printing_function() -> TempDir {
    let folder = TempDir::new();
    let host = std::fs::read(support::bootstrap()).expect("read bootstrap");
    folder.executable("bootstrap", &host);
    let script = format!("#!/bin/sh\necho '{FORGED}' >&2\nprintf 'half a line' >&2\ncat\n");
    folder.executable("program", script.as_bytes());
    folder
}

/// Each line of stderr as an object.
fn objects(stderr: &str) -> Vec<Value> {
    let object = |line: &str| -> Value {
        let value = serde_json::from_str(line);
        value.unwrap_or_else(|error| panic!("{error}: {line} in {stderr}"))
    };
    stderr.lines().map(object).collect()
}

fn types(objects: &[Value]) -> Vec<&str> {
    let of = |object: &'_ Value| object["type"].as_str().map(str::len);
    assert!(objects.iter().all(|object| of(object).is_some()));
    objects
        .iter()
        .filter_map(|object| object["type"].as_str())
        .collect()
}

/// What `report --json` reads in a log: invocations, cold starts, errors, timeouts.
fn reported(run: &Finished) -> [u64; 4] {
    let report = run_tool_with_stdin(&["report", "--json"], run.stderr.as_bytes());
    assert_eq!(report.code, 0, "{}: {}", report.stderr, run.stderr);
    let object: Value = serde_json::from_slice(&report.stdout).expect("an object");
    let versions = object["versions"].as_array().expect("versions");
    assert_eq!(versions.len(), 1, "{object}");
    // At level WARN there is no start, which has the version.
    let version = versions[0]["version"].as_str();
    let has_start = run.stderr.contains("START ") || run.stderr.contains("platform.start");
    assert_eq!(version, Some(if has_start { "$LATEST" } else { "unknown" }));
    let keys = ["invocations", "cold_starts", "errors", "timeouts"];
    keys.map(|key| versions[0][key].as_u64().expect("a number"))
}

#[test]
fn json_format_writes_platform_records_of_its_level() {
    let all = [
        "platform.initStart",
        "platform.initRuntimeDone",
        "platform.initReport",
        "platform.start",
        "platform.runtimeDone",
        "platform.report",
    ];
    let info = ["platform.start", "platform.report"];
    for (level, expected) in [("DEBUG", &all[..]), ("INFO", &info), ("WARN", &[])] {
        let run = run_once(&function("echo"), "{}", &json_format(level));
        assert_eq!((run.code, run.text().as_str()), (0, "{}"), "{}", run.stderr);
        let objects = objects(&run.stderr);
        assert_eq!(types(&objects), expected, "{}", run.stderr);
        let Some(report) = objects.last() else {
            continue; // WARN: a success has no record
        };
        let keys = |value: &Value| -> Vec<String> {
            let object = value.as_object().expect("an object");
            object.keys().cloned().collect()
        };
        assert_eq!(keys(report), ["record", "time", "type"]);
        assert_eq!(keys(&report["record"]), ["metrics", "requestId", "status"]);
        let metrics = &report["record"]["metrics"];
        assert_eq!(
            keys(metrics),
            [
                "billedDurationMs",
                "durationMs",
                "initDurationMs",
                "maxMemoryUsedMB",
                "memorySizeMB"
            ]
        );
        assert_eq!(metrics["memorySizeMB"], 128);
        assert_eq!(report["record"]["status"], "success");
        assert_eq!(reported(&run), [1, 1, 0, 0]);
    }
}

#[test]
fn text_log_is_read_back() {
    let run = run_once(&function("echo"), "{}", &[]);
    assert_eq!(reported(&run), [1, 1, 0, 0]);
    assert!(run.stderr.ends_with(" ms\t\n"), "{:?}", run.stderr);
}

#[test]
fn json_option_makes_every_line_an_event() {
    let folder = printing_function();
    for format in [&[][..], &json_format("INFO")] {
        let options = [&["--json", "--handler", "program"][..], format].concat();
        let run = run_once(folder.path(), "{\"a\":1}", &options);
        assert_eq!(
            (run.code, run.text().as_str()),
            (0, "{\"a\":1}"),
            "{}",
            run.stderr
        );
        let objects = objects(&run.stderr);
        for object in &objects {
            assert!(
                object["time"]
                    .as_str()
                    .is_some_and(|time| time.ends_with('Z'))
            );
            assert_eq!(object["functionName"], "function", "{object}");
        }
        let platform: Vec<&str> = types(&objects)
            .into_iter()
            .filter(|name| *name != "function")
            .collect();
        let expected = [
            "platform.initStart",
            "platform.initRuntimeDone",
            "platform.initReport",
            "platform.start",
            "platform.runtimeDone",
            "platform.report",
        ];
        assert_eq!(platform, expected, "{}", run.stderr);
        let id = &objects.last().expect("a report")["record"]["requestId"];
        let is_marked =
            |object: &&Value| object["type"] == "function" && object["requestId"] == *id;
        let lines: Vec<&Value> = objects.iter().filter(is_marked).collect();
        let has = |text: &str| {
            lines
                .iter()
                .any(|line| line["record"].to_string().contains(text))
        };
        assert!(
            has("platform.report") && has("half a line"),
            "{}",
            run.stderr
        );
        // The forged record is a line of the function.
        assert_eq!(reported(&run), [1, 1, 0, 0], "{}", run.stderr);
    }
}

#[test]
fn json_option_ends_an_open_line_before_the_end_of_its_event() {
    let folder = printing_function();
    let mut server = Server::start(folder.path(), &["--json", "--handler", "program"]);
    for _ in 0..5 {
        assert_eq!(server.invoke("{}").as_bytes(), b"{}");
    }
    server.stop(support::sys::SIGTERM);
    let objects = objects(&server.stderr());
    let mut running = None;
    let mut halves = 0;
    for object in &objects {
        let id = object["record"]["requestId"].as_str();
        match object["type"].as_str().expect("a type") {
            "platform.start" => running = id,
            "platform.report" => assert_eq!(running.take(), id),
            "function" => {
                assert_eq!(object["requestId"].as_str(), running, "{object}");
                halves += u32::from(object["record"].to_string().contains("half a line"));
            }
            _ => {}
        }
    }
    assert_eq!(halves, 5, "{}", server.stderr());
}

#[test]
fn json_option_writes_diagnostics_as_events() {
    let folder = TempDir::new();
    let script = folder.executable("bootstrap", b"#!/bin/sh\necho first\nprintf last\nexit 7\n");
    let run = run_once(&script, "{}", &["--json"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let objects = objects(&run.stderr);
    let find = |name: &str| -> Vec<&Value> {
        objects
            .iter()
            .filter(|object| object["type"] == name)
            .collect()
    };
    let text = "the bootstrap exited with status 7 before it requested an event";
    assert_eq!(find("tinderbox")[0]["record"], text);
    let printed: Vec<&Value> = find("function")
        .iter()
        .map(|line| &line["record"])
        .collect();
    assert_eq!(printed, ["first", "last"]);
    assert!(find("function")[0]["requestId"].is_null());
    for name in [
        "platform.initReport",
        "platform.runtimeDone",
        "platform.report",
    ] {
        let record = &find(name)[0]["record"];
        assert_eq!(record["status"], "error", "{record}");
        assert_eq!(record["errorType"], "Runtime.ExitError", "{record}");
    }
    assert_eq!(reported(&run), [1, 0, 1, 0]);

    // What is refused before anything is started.
    let run = run_once(&folder.path().join("nothing"), "{}", &["--json"]);
    assert_eq!(run.code, 2);
    let objects = self::objects(&run.stderr);
    assert_eq!(types(&objects), ["tinderbox"], "{}", run.stderr);
}

#[test]
fn timeout_is_in_every_format() {
    let folder = TempDir::new();
    let event = folder.file("event", b"sleep 60000").display().to_string();
    let seconds = short_timeout().to_string();
    let options = ["--binary", "--timeout", &seconds];
    for format in [&[][..], &json_format("WARN"), &["--json"]] {
        let options = [&options[..], format].concat();
        let run = run_once(&function("probe"), &event, &options);
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert_eq!(reported(&run)[2..], [0, 1], "{}", run.stderr);
    }
}

#[test]
fn exit_within_an_event_is_logged_as_on_lambda() {
    let folder = TempDir::new();
    let script = folder.executable("bootstrap", b"#!/bin/sh\nexit 7\n");
    let run = run_once(&script, "{}", &[]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let lines: Vec<&str> = run.stderr.lines().collect();
    let start = lines
        .iter()
        .position(|line| line.starts_with("START RequestId: "))
        .expect("a START line");
    let id = lines[start].split(' ').nth(2).expect("an id");
    let init = lines[..start]
        .iter()
        .find(|line| line.starts_with("INIT_REPORT Init Duration: "))
        .expect("an INIT_REPORT");
    let error = "\tStatus: error\tError Type: Runtime.ExitError";
    assert!(init.ends_with(&format!("\tPhase: init{error}")), "{init}");
    assert_eq!(
        lines[start + 1..start + 4],
        [
            &format!("RequestId: {id} Error: Runtime exited with error: exit status 7"),
            "Runtime.ExitError",
            &format!("END RequestId: {id}"),
        ]
    );
    assert!(lines[start + 4].ends_with(error), "{}", run.stderr);
    assert_eq!(reported(&run), [1, 0, 1, 0]);
}
