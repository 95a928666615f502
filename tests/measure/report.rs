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
    let number = |value: &Value, path: &str| {
        let value = path.split('.').fold(value, |value, key| &value[key]);
        value
            .as_f64()
            .unwrap_or_else(|| panic!("no {path} in {versions:?}"))
    };
    for (path, is) in [
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
    for line in [
        format!("{one}: version 1: 2 invocations, 1 of them cold\n"),
        format!("{two}: version $LATEST: 1 invocations, 1 of them cold, 1 failed\n"),
        "Init Duration, ms              1     13.80     13.80     13.80     13.80     13.80\n"
            .into(),
        "Billed Duration, ms            2         1        16        16        16        16\n"
            .into(),
        "INIT_REPORT timeout, ms        1".into(),
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
