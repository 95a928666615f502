//! Records against lines that Lambda itself has written. Shapes, order and rounding of the expected
//! lines are those of public logs of 2024 to 2026; ids and names are made up.

use std::ffi::OsString;
use std::time::Duration;

use super::splitter::{LINE_BYTES_MAX, LineSplitter};
use super::tail::{TAIL_BYTES, Tail};
use super::{EnvironmentLog, Level, LogFormat, Record, Source, Status, Usage, write};

const ID: &str = "79b5e81f-9cdd-4145-b1f6-7c50ef8a2a36";
const TIME: &str = "2026-10-08T07:30:27.768Z";
const NOW_MS: u64 = 1_791_444_627_768;
const ALL: LogFormat = LogFormat::Json(Level::Debug);
const TELEMETRY: LogFormat = LogFormat::Telemetry { is_json: true };

fn source() -> Source {
    Source {
        function_name: "notifier".to_string(),
        version: "$LATEST".to_string(),
        arn: "arn:aws:lambda:eu-central-1:123456789012:function:notifier".to_string(),
        memory_mb: 256,
        initialization_type: "on-demand",
        instance_id: "2026/10/08/notifier[$LATEST]22be53a8cfde4e68b844f8ec293b2543".to_string(),
        is_one_of_several: false,
    }
}

fn micros(us: u64) -> Duration {
    Duration::from_micros(us)
}

fn cold(status: Status<'static>) -> Record<'static> {
    Record::Report {
        id: ID,
        status,
        usage: Usage {
            duration: micros(1_233_960),
            init: Some(micros(463_512)),
            restore: None,
            peak_kib: Some(122 * 1024 + 1),
        },
    }
}

fn warm() -> Record<'static> {
    Record::Report {
        id: ID,
        status: Status::Success,
        usage: Usage {
            duration: micros(1_072_145),
            peak_kib: Some(125 * 1024),
            ..Usage::default()
        },
    }
}

fn written(record: &Record, source: &Source, format: LogFormat) -> String {
    let mut out = Vec::new();
    write(record, source, format, NOW_MS, &mut out);
    String::from_utf8(out).expect("text")
}

/// The record of a line with a known time.
fn object(record: &Record) -> String {
    let line = written(record, &source(), ALL);
    let start = format!("{{\"time\":\"{TIME}\",\"type\":\"platform.");
    let rest = line
        .strip_prefix(&start)
        .unwrap_or_else(|| panic!("{line}"));
    rest.strip_suffix("}\n").expect("one line").to_string()
}

#[test]
fn text_records_are_those_of_lambda() {
    let id = ID;
    let line = |record: &Record| written(record, &source(), LogFormat::Text);
    let start = Record::Start { id, attempt: None };
    assert_eq!(
        line(&start),
        format!("START RequestId: {ID} Version: $LATEST\n")
    );
    assert_eq!(line(&Record::End { id }), format!("END RequestId: {ID}\n"));
    assert_eq!(
        line(&cold(Status::Success)),
        format!(
            "REPORT RequestId: {ID}\tDuration: 1233.96 ms\tBilled Duration: 1698 ms\tMemory Size: \
             256 MB\tMax Memory Used: 123 MB\tInit Duration: 463.51 ms\t\n"
        )
    );
    assert_eq!(
        line(&warm()),
        format!(
            "REPORT RequestId: {ID}\tDuration: 1072.14 ms\tBilled Duration: 1073 ms\tMemory Size: \
             256 MB\tMax Memory Used: 125 MB\t\n"
        )
    );
    for (status, end) in [
        (Status::Timeout, "\tStatus: timeout\n"),
        (
            Status::Error("Runtime.ExitError"),
            "\tStatus: error\tError Type: Runtime.ExitError\n",
        ),
    ] {
        let report = line(&cold(status));
        assert!(
            report.ends_with(&format!("Init Duration: 463.51 ms{end}")),
            "{report}"
        );
        let duration = micros(5_360);
        assert_eq!(
            line(&Record::InitReport { status, duration }),
            format!("INIT_REPORT Init Duration: 5.36 ms\tPhase: init{end}")
        );
        assert_eq!(
            line(&Record::RestoreReport { status, duration }),
            format!("RESTORE_REPORT Restore Duration: 5.36 ms{end}")
        );
    }
    let timeout = Duration::from_secs(3);
    assert_eq!(
        line(&Record::TimedOut { id, timeout }),
        format!("{TIME} {ID} Task timed out after 3.00 seconds\n")
    );
    let failed = Record::Failed {
        error_type: "Runtime.ExitError",
        message: "RequestId: 1 Error: Runtime exited with error: exit status 1",
    };
    assert_eq!(
        line(&failed),
        "RequestId: 1 Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n"
    );
}

#[test]
fn text_format_has_no_record_of_a_successful_init() {
    let duration = micros(1);
    let status = Status::Success;
    for record in [
        Record::InitStart,
        Record::InitRuntimeDone { status },
        Record::InitReport { status, duration },
        Record::RuntimeDone {
            id: ID,
            status,
            duration,
            produced_bytes: None,
        },
    ] {
        assert_eq!(written(&record, &source(), LogFormat::Text), "");
    }
}

#[test]
fn start_line_names_a_second_attempt_and_one_of_several_functions() {
    let mut several = source();
    several.is_one_of_several = true;
    for (attempt, end) in [
        (None, ""),
        (Some(1), ""),
        (Some(2), "\tattempt=2"),
        (Some(3), "\tattempt=3"),
    ] {
        let record = Record::Start { id: ID, attempt };
        let start = format!("START RequestId: {ID} Version: $LATEST");
        let line = written(&record, &source(), LogFormat::Text);
        assert_eq!(line, format!("{start}{end}\n"));
        let line = written(&record, &several, LogFormat::Text);
        assert_eq!(line, format!("{start}\tFunction: notifier{end}\n"));
    }
}

#[test]
fn json_records_are_those_of_lambda() {
    let status = Status::Success;
    let duration = micros(173_778);
    for (record, expected) in [
        (
            Record::InitStart,
            r#"initStart","record":{"initializationType":"on-demand","phase":"init","functionName":"notifier","functionVersion":"$LATEST","instanceId":"2026/10/08/notifier[$LATEST]22be53a8cfde4e68b844f8ec293b2543","instanceMaxMemory":268435456}"#.to_string(),
        ),
        (
            Record::InitRuntimeDone { status },
            r#"initRuntimeDone","record":{"initializationType":"on-demand","phase":"init","status":"success"}"#.to_string(),
        ),
        (
            Record::InitReport { status, duration },
            r#"initReport","record":{"initializationType":"on-demand","phase":"init","status":"success","metrics":{"durationMs":173.778}}"#.to_string(),
        ),
        (
            Record::Start {
                id: ID,
                attempt: Some(1),
            },
            format!(r#"start","record":{{"requestId":"{ID}","functionArn":"arn:aws:lambda:eu-central-1:123456789012:function:notifier","version":"$LATEST"}}"#),
        ),
        (
            Record::RuntimeDone {
                id: ID,
                status: Status::Timeout,
                duration: micros(5_001_182),
                produced_bytes: None,
            },
            format!(r#"runtimeDone","record":{{"requestId":"{ID}","status":"timeout","metrics":{{"durationMs":5001.182,"producedBytes":0}}}}"#),
        ),
        (
            cold(status),
            format!(r#"report","record":{{"requestId":"{ID}","metrics":{{"durationMs":1233.96,"billedDurationMs":1698,"memorySizeMB":256,"maxMemoryUsedMB":123,"initDurationMs":463.512}},"status":"success"}}"#),
        ),
        (
            warm(),
            format!(r#"report","record":{{"requestId":"{ID}","metrics":{{"durationMs":1072.145,"billedDurationMs":1073,"memorySizeMB":256,"maxMemoryUsedMB":125}},"status":"success"}}"#),
        ),
        (
            Record::Report {
                id: ID,
                status: Status::Error("Runtime.ExitError"),
                usage: Usage {
                    duration: Duration::from_secs(5),
                    ..Usage::default()
                },
            },
            format!(r#"report","record":{{"requestId":"{ID}","metrics":{{"durationMs":5000.0,"billedDurationMs":5000,"memorySizeMB":256}},"status":"error","errorType":"Runtime.ExitError"}}"#),
        ),
    ] {
        assert_eq!(object(&record), expected);
    }
    for record in [
        Record::End { id: ID },
        Record::TimedOut {
            id: ID,
            timeout: duration,
        },
        Record::Failed {
            error_type: "X",
            message: "Y",
        },
    ] {
        assert_eq!(written(&record, &source(), ALL), "");
        assert_eq!(written(&record, &source(), TELEMETRY), "");
    }
}

#[test]
fn json_level_selects_records_as_on_lambda() {
    let duration = micros(1);
    // Developer Guide, "System log level event mapping".
    let mapping = |status: Status<'static>, ok: bool| {
        [
            (Record::InitRuntimeDone { status }, Level::Debug, ok),
            (Record::InitReport { status, duration }, Level::Debug, ok),
            (Record::RestoreReport { status, duration }, Level::Info, ok),
            (
                Record::RuntimeDone {
                    id: ID,
                    status,
                    duration,
                    produced_bytes: None,
                },
                Level::Debug,
                ok,
            ),
            (cold(status), Level::Info, ok),
        ]
    };
    let failed = [
        mapping(Status::Timeout, false),
        mapping(Status::Error("X"), false),
    ];
    for (record, on_success, ok) in [mapping(Status::Success, true)]
        .iter()
        .chain(&failed)
        .flatten()
    {
        let expected = if *ok { *on_success } else { Level::Warn };
        for lowest in [Level::Debug, Level::Info, Level::Warn] {
            let line = written(record, &source(), LogFormat::Json(lowest));
            assert_eq!(!line.is_empty(), expected >= lowest, "{line}");
        }
        assert_ne!(written(record, &source(), TELEMETRY), "", "--json has all");
    }
    let mut snap_start = source();
    snap_start.initialization_type = "snap-start";
    let status = Status::Success;
    let record = Record::InitReport { status, duration };
    assert_ne!(
        written(&record, &snap_start, LogFormat::Json(Level::Info)),
        ""
    );
}

#[test]
fn log_format_follows_the_variables() {
    let of = |variables: &[(&str, &str)]| {
        let owned = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        LogFormat::of(&owned.collect::<Vec<_>>())
    };
    const FORMAT: &str = "AWS_LAMBDA_LOG_FORMAT";
    assert_eq!(of(&[]), LogFormat::Text);
    assert_eq!(of(&[(FORMAT, "Text")]), LogFormat::Text);
    assert_eq!(of(&[(FORMAT, "JSON"), (FORMAT, "Text")]), LogFormat::Text);
    assert_eq!(of(&[(FORMAT, "json")]), LogFormat::Json(Level::Info));
    for (level, expected) in [
        ("TRACE", Level::Debug),
        ("debug", Level::Debug),
        ("INFO", Level::Info),
        ("nothing", Level::Info),
        ("WARN", Level::Warn),
        ("Error", Level::Warn),
        ("FATAL", Level::Warn),
    ] {
        let chosen = of(&[(FORMAT, "JSON"), ("AWS_LAMBDA_LOG_LEVEL", level)]);
        assert_eq!(chosen, LogFormat::Json(expected), "{level}");
    }
}

#[test]
fn foreign_text_forges_no_line_and_no_field() {
    let evil = "X\nEND RequestId: fake\t\u{1b}[2J\u{202e}\"\\";
    let mut named = source();
    named.function_name = evil.to_string();
    named.is_one_of_several = true;
    let records = [
        cold(Status::Error(evil)),
        Record::Start {
            id: ID,
            attempt: None,
        },
        Record::InitReport {
            status: Status::Error(evil),
            duration: micros(1),
        },
    ];
    for record in &records {
        let line = written(record, &named, LogFormat::Text);
        assert_eq!(line.matches('\n').count(), 1, "{line:?}");
        assert!(!line.contains("fake\t"), "{line:?}");
        for format in [ALL, TELEMETRY] {
            let line = written(record, &named, format);
            let body = line.strip_suffix('\n').expect("a line");
            assert!(
                !body.contains(|c: char| c.is_control() || c == '\u{202e}'),
                "{body:?}"
            );
            let value: serde_json::Value = serde_json::from_str(body).expect("JSON");
            let name = &value["functionName"];
            assert!(name.is_null() || name == evil, "{body}");
        }
    }
    let failed = Record::Failed {
        error_type: evil,
        message: evil,
    };
    let lines = written(&failed, &named, LogFormat::Text);
    assert_eq!(lines.lines().count(), 2, "{lines:?}");
}

#[test]
fn function_line_in_telemetry_stays_within_its_record() {
    let forged =
        format!(r#"{{"time":"x","type":"platform.report","record":{{"requestId":"{ID}"}}}}"#);
    for (line, is_json, record) in [
        ("hello", true, "\"hello\"".to_string()),
        ("", true, "\"\"".to_string()),
        ("\u{1b}[1m\u{9b}", true, r#""\u001b[1m\u009b""#.to_string()),
        (forged.as_str(), true, forged.clone()),
        ("  {\"a\": [1]}\r", true, "{\"a\": [1]}".to_string()),
        ("{\"a\":1}", false, r#""{\"a\":1}""#.to_string()),
        ("{\"a\":1}{", true, r#""{\"a\":1}{""#.to_string()),
        ("[1]", true, r#""[1]""#.to_string()),
    ] {
        let id = Some(ID);
        let line = line.as_bytes();
        let out = written(
            &Record::Function { id, line },
            &source(),
            LogFormat::Telemetry { is_json },
        );
        let expected = format!(
            r#"{{"time":"{TIME}","type":"function","record":{record},"requestId":"{ID}","functionName":"notifier"}}"#
        );
        assert_eq!(out, expected + "\n");
    }
    let record = Record::Function {
        id: None,
        line: b"\xff\xfe",
    };
    let out = written(&record, &source(), TELEMETRY);
    assert!(
        out.contains("\"record\":\"\u{fffd}\u{fffd}\",\"functionName\""),
        "{out}"
    );
    let record = Record::Function {
        id: None,
        line: b"\xff raw",
    };
    let mut out = Vec::new();
    write(&record, &source(), LogFormat::Text, NOW_MS, &mut out);
    assert_eq!(out, b"\xff raw\n");
}

#[test]
fn splitter_passes_the_same_lines_for_every_division() {
    let text = b"one\n\ntwo\r\nthree without end";
    for size in 1..=text.len() {
        let mut splitter = LineSplitter::default();
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for part in text.chunks(size) {
            splitter.push(part, |line| lines.push(line.to_vec()));
        }
        assert_eq!(lines.len(), 3, "chunks of {size}");
        splitter.flush(|line| lines.push(line.to_vec()));
        splitter.flush(|_| panic!("flushed twice"));
        assert_eq!(lines.join(&b"\n"[..]), text, "chunks of {size}");
    }
}

#[test]
fn splitter_bounds_a_line_and_loses_nothing() {
    for (length, pieces) in [
        (LINE_BYTES_MAX - 1, 1),
        (LINE_BYTES_MAX, 1),
        (LINE_BYTES_MAX + 1, 2),
        (3 * LINE_BYTES_MAX + 5, 4),
    ] {
        for size in [4096, LINE_BYTES_MAX + 7, usize::MAX / 2] {
            let mut text = vec![b'x'; length];
            text.push(b'\n');
            let mut splitter = LineSplitter::default();
            let mut lengths = Vec::new();
            for part in text.chunks(size) {
                splitter.push(part, |line| lengths.push(line.len()));
            }
            assert_eq!(lengths.len(), pieces, "{length} by {size}");
            assert_eq!(lengths.iter().sum::<usize>(), length);
            assert!(lengths.iter().all(|&length| length <= LINE_BYTES_MAX));
        }
    }
}

#[test]
fn tail_has_the_last_bytes_for_every_division() {
    let text: Vec<u8> = (0..30_000_u32).map(|n| (n % 251) as u8).collect();
    for size in [1, 7, 4095, 4096, 4097, 8192, 20_000, 30_000] {
        let mut tail = Tail::default();
        for (number, part) in text.chunks(size).enumerate() {
            tail.push(part);
            let end = (number * size + part.len()).min(text.len());
            let expected = &text[end.saturating_sub(TAIL_BYTES)..end];
            assert_eq!(tail.bytes(), expected, "{size}");
        }
        tail.clear();
        assert!(tail.bytes().is_empty());
    }
}

/// One cold and one warm event in a log.
fn two_events(format: LogFormat, has_telemetry: bool) -> (String, [String; 2]) {
    let mut log = EnvironmentLog::new(source(), format, has_telemetry);
    let mut out = Vec::new();
    let duration = micros(1);
    let status = Status::Success;
    log.record(&Record::InitStart, NOW_MS, &mut out);
    log.function_output(b"loading\n", NOW_MS, &mut out);
    log.record(&Record::InitReport { status, duration }, NOW_MS, &mut out);
    let mut tails = Vec::new();
    for (id, report) in [("1", cold(status)), ("2", warm())] {
        log.record(&Record::Start { id, attempt: None }, NOW_MS, &mut out);
        log.function_output(b"working\nhalf a", NOW_MS, &mut out);
        log.function_output(b" line", NOW_MS, &mut out);
        log.record(&Record::End { id }, NOW_MS, &mut out);
        let Record::Report { usage, .. } = report else {
            panic!("no report");
        };
        log.record(&Record::Report { id, status, usage }, NOW_MS, &mut out);
        tails.push(String::from_utf8(log.tail().to_vec()).expect("text"));
        log.function_output(b"between", NOW_MS, &mut out);
    }
    log.end_line(NOW_MS, &mut out);
    let tails = tails.try_into().expect("two events");
    (String::from_utf8(out).expect("text"), tails)
}

#[test]
fn log_ends_open_lines_at_an_end_of_an_event() {
    let (text, tails) = two_events(LogFormat::Text, false);
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.split([' ', '\t']).next().unwrap_or_default())
        .collect();
    let event = ["START", "working", "half", "END", "REPORT", "between"];
    let expected = [&["loading"][..], &event, &event].concat();
    assert_eq!(lines, expected, "{text}");
    // The tail is that of one event, the first with its init.
    assert_eq!(tails[0].lines().count(), 6, "{}", tails[0]);
    assert!(tails[0].starts_with("loading\nSTART RequestId: 1 "));
    assert!(tails[1].starts_with("between\nSTART RequestId: 2 ") && tails[1].ends_with("\t\n"));
}

#[test]
fn telemetry_log_marks_lines_with_their_event() {
    let (text, tails) = two_events(LogFormat::Text, true);
    let seen: Vec<(String, String)> = text
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(value["functionName"], "notifier");
            let text = |key: &str| value[key].as_str().unwrap_or("-").to_string();
            (text("type"), text("requestId"))
        })
        .filter(|(name, _)| name == "function")
        .collect();
    let ids: Vec<&str> = seen.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(ids, ["-", "1", "1", "-", "2", "2", "-"]);
    // The tail is in the function's own format.
    assert!(
        tails[1].contains("END RequestId: 2\nREPORT "),
        "{}",
        tails[1]
    );
}

#[test]
fn telemetry_log_does_not_guess_between_concurrent_events() {
    let mut log = EnvironmentLog::new(source(), LogFormat::Text, true);
    let mut out = Vec::new();
    for id in ["1", "2"] {
        log.record(&Record::Start { id, attempt: None }, NOW_MS, &mut out);
    }
    out.clear();
    log.function_output(b"whose?\n", NOW_MS, &mut out);
    let report = Record::Report {
        id: "1",
        status: Status::Success,
        usage: Usage::default(),
    };
    log.record(&report, NOW_MS, &mut out);
    log.function_output(b"2's\n", NOW_MS, &mut out);
    let text = String::from_utf8(out).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert!(!lines[0].contains("requestId"), "{text}");
    assert!(lines[2].contains("\"requestId\":\"2\""), "{text}");
}
