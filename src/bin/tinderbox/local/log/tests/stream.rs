//! Lines of a pipe, the tail, and both with records in the log of one environment.

use super::{NOW_MS, cold, micros, source, warm};
use crate::local::log::splitter::{LINE_BYTES_MAX, LineSplitter};
use crate::local::log::tail::{TAIL_BYTES, Tail};
use crate::local::log::{EnvironmentLog, LogFormat, Record, Status, Usage};

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
    // The tail is that of one event, without what came before it.
    assert_eq!(tails[0].lines().count(), 5, "{}", tails[0]);
    assert!(tails[0].starts_with("START RequestId: 1 "));
    assert!(tails[1].starts_with("START RequestId: 2 ") && tails[1].ends_with("\t\n"));
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
