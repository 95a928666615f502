//! `tinderbox report`: logs as Lambda writes them and as CloudWatch returns them.

use serde_json::Value;

use crate::harness::{run_tool, run_tool_with_stdin};
use crate::support::TempDir;

/// Lines in the format that AWS documents, with tabs: a cold and a warm event of version 1, a cold
/// and failed one of `$LATEST`.
const TEXT: &str = include_str!("log.txt");

/// The same records of a function that logs JSON.
const JSON: &str = include_str!("log.jsonl");

/// The versions of `report --json`.
fn versions(log: &str) -> Vec<Value> {
    let run = run_tool_with_stdin(&["report", "--json"], log.as_bytes());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{log}");
    let object: Value = serde_json::from_slice(&run.stdout).expect("an object");
    object["versions"].as_array().expect("versions").clone()
}

/// Asserts the content of both logs, in any format.
fn check(log: &str) {
    let versions = versions(log);
    let [latest, first] = versions.as_slice() else {
        panic!("{versions:?} of {log}");
    };
    assert_eq!(
        (&latest["version"], &first["version"]),
        (&"$LATEST".into(), &"1".into())
    );
    assert_eq!(
        (&latest["invocations"], &first["invocations"]),
        (&1.into(), &2.into())
    );
    assert_eq!(
        (&latest["failed"], &first["failed"]),
        (&1.into(), &0.into())
    );
    assert_eq!(
        (&latest["timeouts"], &latest["errors"], &first["timeouts"]),
        (&1.into(), &0.into(), &0.into())
    );
    let number = |value: &Value, path: &str| {
        let value = path.split('.').fold(value, |value, key| &value[key]);
        value
            .as_f64()
            .unwrap_or_else(|| panic!("no {path} in {versions:?}"))
    };
    for (path, is) in [
        ("cold_starts", 1.0),
        ("cold_start_share", 0.5),
        ("billed_ms_total", 17.0),
        ("billed_init_ms_total", 13.8),
        ("free_init_ms_total", 0.0),
        ("memory.size_mb", 128.0),
        ("memory.max_used_mb", 15.0),
        ("memory.headroom_mb", 113.0),
        ("init_duration_ms.n", 1.0),
        ("init_duration_ms.p50", 13.8),
        ("duration_ms.n", 2.0),
        ("duration_ms.min", 0.75),
        ("duration_ms.max", 1.25),
        ("cold_duration_ms.p50", 1.25),
        ("warm_duration_ms.p50", 0.75),
        ("billed_duration_ms.min", 1.0),
        ("billed_duration_ms.max", 16.0),
        ("max_memory_used_mb.max", 15.0),
    ] {
        assert_eq!(number(first, path), is, "{path}");
    }
    assert_eq!(number(latest, "init_report_ms.timeout.max"), 10008.09);
    assert!(first["restore_duration_ms"].is_null());
}

#[test]
fn report_of_text_and_json_logs_is_equal() {
    check(TEXT);
    check(JSON);
    check(&TEXT.replace('\t', "  ")); // as a terminal shows it
    check(&TEXT.replace('\n', "\r\n"));
}

#[test]
fn report_skips_prefixes_of_aws_logs_tail() {
    for log in [TEXT, JSON] {
        let prefix = "2026-01-01T00:00:00.123000+00:00 2026/01/01/[$LATEST]0123456789abcdef ";
        check(
            &log.lines()
                .map(|line| format!("{prefix}{line}\n"))
                .collect::<String>(),
        );
        check(
            &log.lines()
                .map(|line| format!("2026-01-01T00:00:00Z {line}\n"))
                .collect::<String>(),
        );
    }
}

#[test]
fn report_reads_cloudwatch_documents() {
    for log in [TEXT, JSON] {
        let events = log.lines().map(|line| {
            serde_json::json!({ "timestamp": 1, "message": format!("{line}\n"), "eventId": "1" })
        });
        let events: Vec<Value> = events.collect();
        check(&serde_json::json!({ "events": events, "searchedLogStreams": [] }).to_string());
        check(&serde_json::to_string_pretty(&events).expect("a text"));
        check(
            &events
                .iter()
                .map(|event| format!("{event}\n"))
                .collect::<String>(),
        );
        // Logs Insights.
        let rows = log
            .lines()
            .map(|line| format!("1,\"{}\"\n", line.replace('"', "\"\"")));
        check(&format!(
            "@timestamp,@message\n{}",
            rows.collect::<String>()
        ));
    }
}

#[test]
fn report_without_start_line_uses_the_log_stream() {
    let report = TEXT
        .lines()
        .find(|line| line.starts_with("REPORT"))
        .expect("a report");
    for (stream, version) in [
        ("2026/01/01/[7]0123456789abcdef", "7"),
        ("2026/01/01/name[12]0123456789abcdef", "12"),
        ("2026/01/01/[$LATEST]0123456789abcdef", "$LATEST"),
        ("somewhere", "unknown"),
    ] {
        let tail = versions(&format!("2026-01-01T00:00:00 {stream} {report}\n"));
        assert_eq!(tail[0]["version"], version);
        let document = serde_json::json!({
            "events": [{ "logStreamName": stream, "message": report }]
        });
        assert_eq!(versions(&document.to_string())[0]["version"], version);
    }
}

#[test]
fn report_separates_restore_from_duration() {
    let log = "REPORT RequestId: 1\tDuration: 2.00 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\t\
               Max Memory Used: 20 MB\tRestore Duration: 180.50 ms\t\
               Billed Restore Duration: 40 ms\n";
    let version = &versions(log)[0];
    assert_eq!(version["restore_duration_ms"]["p50"], 180.5);
    assert_eq!(version["cold_duration_ms"]["p50"], 2.0);
    assert_eq!(version["billed_duration_ms"]["p50"], 3.0);
    assert!(version["init_duration_ms"].is_null());
}

#[test]
fn report_percentiles_are_exact() {
    let report =
        |n: u32| format!("REPORT RequestId: {n}\tDuration: {n}.00 ms\tBilled Duration: {n} ms\t\n");
    // 101 numbers, from the greatest: 100, 99, ... 0.
    let version = &versions(&(0..=100).rev().map(report).collect::<String>())[0];
    for (part, is) in [
        ("min", 0.0),
        ("p50", 50.0),
        ("p90", 90.0),
        ("p95", 95.0),
        ("p99", 99.0),
        ("max", 100.0),
    ] {
        assert_eq!(version["duration_ms"][part], is, "{part}");
    }
    assert_eq!(version["duration_ms"]["n"], 101);
}

#[test]
fn report_of_several_logs_has_a_table_each() {
    let folder = TempDir::new();
    let one = folder
        .file("one.log", TEXT.as_bytes())
        .display()
        .to_string();
    let two = folder
        .file("two.log", JSON.as_bytes())
        .display()
        .to_string();
    let run = run_tool(&["report", &one, &two]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let text = run.text();
    let row = |title: &str, count: &str, values: [&str; 6]| {
        let values = values.map(|value| format!("{value:>10}")).concat();
        format!("{title:<24}{count:>8}{values}\n")
    };
    for line in [
        format!("{one}: version 1: 2 invocations, 1 cold start (50.0 %)\n"),
        format!("{two}: version $LATEST: 1 invocation, 1 cold start (100.0 %), 1 timeout\n"),
        row("", "n", ["min", "p50", "p90", "p95", "p99", "max"]),
        row("Init Duration, ms", "1", ["13.80"; 6]),
        row(
            "Billed Duration, ms",
            "2",
            ["1", "16", "16", "16", "16", "16"],
        ),
        "INIT_REPORT timeout, ms        1".into(),
        "billed: 17 ms, of which 14 ms of init; 0.0021 GB-s\n".into(),
        "memory: at most 15 of 128 MB used; 113 MB (88 %) headroom\n".into(),
    ] {
        assert!(text.contains(&line), "{line:?} in {text}");
    }
}

#[test]
fn report_of_log_without_records_exits_2() {
    for log in [
        "",
        "hello\n",
        "{}",
        "REPORT RequestId: 1\n",
        "START RequestId: 1 Version: 1\n",
        "{\"type\":\"platform.report\"}\n",
    ] {
        let run = run_tool_with_stdin(&["report"], log.as_bytes());
        assert_eq!((run.code, run.text().as_str()), (2, ""), "{log}");
        assert!(
            run.stderr.contains("expected REPORT or INIT_REPORT lines"),
            "{}",
            run.stderr
        );
    }
}

/// A line of a REPORT of request `id` with these fields after its memory.
fn report_line(id: &str, duration: &str, billed: &str, fields: &str) -> String {
    format!(
        "REPORT RequestId: {id}\tDuration: {duration} ms\tBilled Duration: {billed} ms\t\
         Memory Size: 256 MB\tMax Memory Used: 64 MB\t{fields}\n"
    )
}

#[test]
fn report_init_of_0_ms_is_no_cold_start() {
    let log = report_line("1", "2.00", "3", "Init Duration: 0.00 ms\t")
        + &report_line("2", "2.00", "3", "Init Duration: 0.01 ms\t")
        + &report_line("3", "2.00", "2", "")
        + &report_line("4", "2.00", "2", "Restore Duration: 0.00 ms\t");
    let version = &versions(&log)[0];
    assert_eq!(version["cold_starts"], 1);
    assert_eq!(version["cold_start_share"], 0.25);
    assert_eq!(version["init_duration_ms"]["n"], 1);
    assert_eq!(version["warm_duration_ms"]["n"], 3);
    assert!(version["restore_duration_ms"].is_null());
    let record = |metrics: &str| {
        format!(
            "{{\"type\":\"platform.report\",\"record\":{{\"requestId\":\"1\",\
             \"metrics\":{{\"durationMs\":2.0,{metrics}}},\"status\":\"success\"}}}}\n"
        )
    };
    let log = record("\"initDurationMs\":0.0") + &record("\"initDurationMs\":0.5");
    assert_eq!(versions(&log)[0]["cold_starts"], 1);
}

#[test]
fn report_separates_billed_init_from_free_init() {
    let init = "Init Duration: 100.50 ms\t";
    // Billed with it, without it (logs of before August 2025), and an init that is none.
    let log = report_line("1", "9.20", "110", init)
        + &report_line("2", "9.20", "10", init)
        + &report_line("3", "9.20", "10", "");
    let version = &versions(&log)[0];
    assert_eq!(version["billed_ms_total"], 130.0);
    assert_eq!(version["billed_init_ms_total"], 100.5);
    assert_eq!(version["free_init_ms_total"], 100.5);
    let gb_s = version["billed_gb_s"].as_f64().expect("a number");
    assert!((gb_s - 0.130 * 0.25).abs() < 1e-9, "{gb_s}");
}

#[test]
fn report_counts_errors_by_type_and_timeouts() {
    let id = "44444444-4444-4444-8444-444444444444";
    // A log of before the status: the timeout is a line of its own.
    let old = format!("2024-05-01T12:00:03.010Z {id} Task timed out after 3.00 seconds\n")
        + &report_line(id, "3003.17", "3000", "")
        // The same request, tried again with success.
        + &report_line(id, "4.00", "4", "");
    let log = report_line(
        "1",
        "1.00",
        "1",
        "Status: error\tError Type: Runtime.ExitError",
    ) + &report_line(
        "2",
        "1.00",
        "1",
        "Status: error\tError Type: Runtime.ExitError",
    ) + &report_line("3", "1.00", "1", "Status: error\tError Type: Function.Odd")
        + &report_line("4", "1.00", "1", "Status: timeout")
        + &report_line("5", "1.00", "1", "")
        + &old;
    let version = &versions(&log)[0];
    assert_eq!(version["invocations"], 7);
    assert_eq!(version["failed"], 5);
    assert_eq!(version["errors"], 3);
    assert_eq!(version["timeouts"], 2);
    let types = serde_json::json!({ "Function.Odd": 1, "Runtime.ExitError": 2 });
    assert_eq!(version["error_types"], types);
    let run = run_tool_with_stdin(&["report"], log.as_bytes());
    let summary = "version unknown: 7 invocations, 0 cold starts (0.0 %), 3 errors (Function.Odd \
                   1, Runtime.ExitError 2), 2 timeouts\n";
    assert!(run.text().contains(summary), "{}", run.text());
}

#[test]
fn report_groups_by_function() {
    let report = |id: &str| report_line(id, "1.00", "1", "");
    let start = |id: &str, name: &str| {
        format!("START RequestId: {id} Version: 3\tFunction: {name}\tattempt=2\n")
    };
    // Two functions of one local Lambda at the same time.
    let text = start("1", "orders") + &start("2", "mail") + &report("1") + &report("2");
    let json = |id: &str, name: &str| {
        format!(
            "{{\"time\":\"2026-10-08T07:30:28.235Z\",\"type\":\"platform.start\",\"record\":\
             {{\"requestId\":\"{id}\",\"functionArn\":\"arn:aws:lambda:eu-central-1:123456789012:\
             function:{name}\",\"version\":\"3\"}}}}\n"
        )
    };
    let json = json("1", "orders") + &json("2", "mail") + &report("1") + &report("2");
    // The name of the log stream, and the name of the log group.
    let streams = |id: &str, name: &str| {
        format!(
            "2026-01-01T00:00:00 2026/01/01/{name}[3]0123456789abcdef {}",
            report(id)
        )
    };
    let streams = streams("1", "orders") + &streams("2", "mail");
    let group = |id: &str, name: &str| {
        serde_json::json!({
            "@message": report(id),
            "@log": format!("123456789012:/aws/lambda/{name}"),
            "@logStream": "2026/01/01/[3]0123456789abcdef",
        })
    };
    let groups = serde_json::json!([group("1", "orders"), group("2", "mail")]).to_string();
    for log in [text, json, streams, groups] {
        let versions = versions(&log);
        let seen: Vec<_> = versions
            .iter()
            .map(|one| {
                (
                    one["function"].as_str(),
                    one["version"].as_str(),
                    one["invocations"].as_u64(),
                )
            })
            .collect();
        let expected = ["mail", "orders"].map(|name| (Some(name), Some("3"), Some(1)));
        assert_eq!(seen, expected, "{log}");
    }
    assert!(versions(TEXT)[0]["function"].is_null());
}

#[test]
fn report_ignores_records_in_a_functions_own_text() {
    let report = report_line("1", "1.00", "1", "");
    let own = |message: &str| {
        serde_json::json!({
            "timestamp": "2026-01-01T00:00:00.000Z", "level": "INFO", "requestId": "1",
            "message": message
        })
    };
    let platform = JSON
        .lines()
        .find(|line| line.contains("platform.report"))
        .expect("a report");
    let lines = [
        own(&report).to_string(),
        own(platform).to_string(),
        // As `tinderbox run --json` marks lines.
        serde_json::json!({ "time": "x", "type": "function", "record": report }).to_string(),
        serde_json::json!({ "time": "x", "type": "function", "record": own(&report) }).to_string(),
        // In an event of CloudWatch.
        serde_json::json!({ "timestamp": 1, "message": own(&report).to_string() }).to_string(),
    ];
    for line in lines {
        let log = format!("{line}\n{}", report_line("2", "1.00", "1", ""));
        assert_eq!(versions(&log)[0]["invocations"], 1, "{line}");
    }
}

#[test]
fn report_reads_a_list_of_messages() {
    let list: Vec<&str> = JSON.lines().collect();
    check(&serde_json::to_string_pretty(&list).expect("a text")); // --query events[].message
    let list: Vec<&str> = TEXT.lines().collect();
    check(&serde_json::to_string(&list).expect("a text"));
}

#[test]
fn report_names_the_function_of_the_only_init() {
    // Records of 2024 have the name in platform.initStart alone.
    let init = |name: &str| {
        let record = serde_json::json!({
            "initializationType": "on-demand", "phase": "init", "functionName": name,
            "functionVersion": "1", "instanceMaxMemory": 134_217_728
        });
        serde_json::json!({ "time": "x", "type": "platform.initStart", "record": record })
    };
    let log = format!("{}\n{JSON}", init("orders"));
    for version in versions(&log) {
        assert_eq!(version["function"], "orders");
    }
    // Which of two a record belongs to is unknown.
    let log = format!("{}\n{}\n{JSON}", init("orders"), init("mail"));
    for version in versions(&log) {
        assert!(version["function"].is_null(), "{version}");
    }
}
