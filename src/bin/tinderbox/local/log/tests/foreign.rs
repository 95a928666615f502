//! Text that others choose: names, error types, and the lines of the function.

use super::{ALL, ID, NOW_MS, TELEMETRY, TIME, cold, micros, source, written};
use crate::local::log::members::write_string;
use crate::local::log::{LogFormat, Record, Status, write};
use crate::output::controls_terminal;

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
        let expected = format!("{{\"time\":\"{TIME}\",\"type\":\"function\",\"record\":{record}")
            + &format!(",\"requestId\":\"{ID}\",\"functionName\":\"notifier\"}}");
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
fn string_of_every_character_is_read_back() {
    let text: String = ('\0'..='\u{3000}')
        .chain(['\u{fffd}', '\u{1f600}'])
        .collect();
    let mut out = Vec::new();
    write_string(&mut out, &text);
    let read: String = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(read, text);
    let written = String::from_utf8(out).expect("text");
    assert!(!written.contains(controls_terminal));
}
