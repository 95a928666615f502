//! Records against lines that Lambda itself has written. Shapes, order and rounding of the expected
//! lines are those of public logs of 2024 to 2026; ids and names are made up.

mod foreign;
mod stream;

use std::ffi::OsString;
use std::time::Duration;

use super::{Level, LogFormat, Record, Source, Status, Usage, write};

const ID: &str = "79b5e81f-9cdd-4145-b1f6-7c50ef8a2a36";
const TIME: &str = "2026-10-08T07:30:27.768Z";
/// One line for each record of `json_records_are_those_of_lambda`.
const RECORDS: &str = include_str!("tests/records.jsonl");

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
    let id = ID;
    let records = [
        Record::InitStart,
        Record::InitRuntimeDone { status },
        Record::InitReport { status, duration },
        Record::Start {
            id,
            attempt: Some(1),
        },
        Record::RuntimeDone {
            id,
            status: Status::Timeout,
            duration: micros(5_001_182),
            produced_bytes: None,
        },
        Record::RuntimeDone {
            id,
            status,
            duration: micros(11_185),
            produced_bytes: Some(40),
        },
        cold(status),
        warm(),
        Record::Report {
            id,
            status: Status::Error("Runtime.ExitError"),
            usage: Usage {
                duration: Duration::from_secs(5),
                ..Usage::default()
            },
        },
    ];
    let written: Vec<String> = records
        .iter()
        .map(|record| written(record, &source(), ALL))
        .collect();
    let expected: Vec<&str> = RECORDS.split_inclusive('\n').collect();
    assert_eq!(written, expected);
    let timeout = duration;
    let failed = Record::Failed {
        error_type: "X",
        message: "Y",
    };
    for record in [Record::End { id }, Record::TimedOut { id, timeout }, failed] {
        assert_eq!(self::written(&record, &source(), ALL), "");
        assert_eq!(self::written(&record, &source(), TELEMETRY), "");
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
