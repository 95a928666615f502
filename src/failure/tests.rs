//! Tests of the JSON of failures.

use super::*;
use crate::limits::ERROR_JSON_BYTES_MAX;
use std::string::String;
use std::{format, vec};

/// The JSON of an error without a trace; both texts are escaped.
fn error_json(error_type: &str, message: &str) -> String {
    format!("{{\"errorType\":\"{error_type}\",\"errorMessage\":\"{message}\",\"stackTrace\":[]}}")
}

fn text(buffer: &Buffer) -> &str {
    core::str::from_utf8(buffer.body()).expect("UTF-8")
}

#[test]
fn failure_of_each_constructor_writes_its_json() {
    let buffer = Buffer::leaked();
    buffer.append(b"what was there before");
    Failure::new("Function.Bad", "say \"no\"\n").write(buffer);
    assert_eq!(
        text(buffer),
        error_json("Function.Bad", "say \\\"no\\\"\\u000a")
    );
    Failure::fixed("Runtime.X", "plain").write(buffer);
    assert_eq!(text(buffer), error_json("Runtime.X", "plain"));
    Failure::from_bytes("Runtime.Y", b"\xff").write(buffer);
    assert_eq!(text(buffer), error_json("Runtime.Y", "\u{fffd}"));
    write(buffer, "T", &[b"in ", b"parts"]);
    assert_eq!(text(buffer), error_json("T", "in parts"));
    Failure::already_in_buffer("T").write(buffer);
    assert_eq!(
        text(buffer),
        error_json("T", "in parts"),
        "it is there already"
    );
    Failure::new("a \"type\"", "").write(buffer);
    assert_eq!(text(buffer), error_json("a \\\"type\\\"", ""));
}

#[test]
fn failure_shows_its_type_and_message() {
    let failure = Failure::new("Function.Bad", "no \"name\"");
    assert_eq!(
        (failure.error_type(), failure.message()),
        ("Function.Bad", "no \"name\"")
    );
    assert_eq!(format!("{failure}"), "Function.Bad: no \"name\"");
    let debug = r#"Failure { error_type: "Function.Bad", message: "no \"name\"", .. }"#;
    assert_eq!(format!("{failure:?}"), debug);
    assert_eq!(Failure::from_bytes("Runtime.Y", b"\xff").message(), "");
}

#[test]
fn error_type_outside_the_metrics_counts_as_unknown() {
    const LONG: [u8; 129] = {
        let mut text = [b'X'; 129];
        let (start, _) = text.split_at_mut(9);
        start.copy_from_slice(b"Function.");
        text
    };
    let long = core::str::from_utf8(&LONG).expect("ASCII");
    for counted in ["Function.Bad", "Runtime.ExitError", "Function.Ab"] {
        assert_eq!(Failure::new(counted, "").metrics_type(), counted.as_bytes());
    }
    for other in [
        "",
        "MyError",
        "Function.",
        "Function.A",
        "Function.bad",
        "Function.No1",
        "Function.Bad\r\nX: y",
        "Function.\u{e9}a",
        "Functional.Bad",
        long,
    ] {
        let failure = Failure::new(other, "");
        assert_eq!(failure.metrics_type(), UNKNOWN_TYPE, "{other:?}");
    }
}

/// Every part of an error fills it to the limit alone, and the whole is never longer.
#[test]
#[cfg_attr(miri, ignore = "slow")]
fn error_json_over_1_mib_is_truncated_and_stays_valid() {
    let buffer = Buffer::leaked();
    let frame = error_json("T", "").len();
    let free = ERROR_JSON_BYTES_MAX - frame;
    write(buffer, "T", &[&vec![b'x'; free]]);
    assert_eq!(text(buffer), error_json("T", &"x".repeat(free)), "it fits");
    for (unit, escaped) in [
        ("x", "x"),
        ("\u{e9}", "\u{e9}"),
        ("\u{1f525}", "\u{1f525}"),
        ("\0", "\\u0000"),
        ("\"", "\\\""),
    ] {
        let many = unit.repeat(free / unit.len() + 1);
        let wanted = error_json("T", &escaped.repeat(free / escaped.len()));
        write(buffer, "T", &[many.as_bytes()]);
        assert!(text(buffer) == wanted, "one part of {unit:?}");
        write(buffer, "T", &[many.as_bytes(), b"left out"]);
        assert!(text(buffer) == wanted, "two parts of {unit:?}");
    }
    let part = vec![b'y'; 100_000];
    write(buffer, "T", &[&part[..]; 70]);
    assert_eq!(text(buffer), error_json("T", &"y".repeat(free)));
    let long: &'static str = String::leak("t".repeat(2 * free));
    Failure::new(long, "message").write(buffer);
    let wanted = error_json(&"t".repeat(free + 1), "");
    assert!(text(buffer) == wanted, "the type fills it");
}

#[cfg(feature = "alloc")]
#[test]
#[cfg_attr(miri, ignore = "slow")]
fn stack_trace_over_1_mib_keeps_its_first_whole_lines() {
    let buffer = Buffer::leaked();
    let error = |message: &str, lines: &[String]| {
        let message = String::from(message);
        Failure::with_trace("T", message, lines.to_vec())
    };
    let wanted = |message: &str, line: &str, count: usize| {
        let lines = vec![format!("\"{line}\""); count].join(",");
        error_json("T", message).replace("[]", &format!("[{lines}]"))
    };
    let many = vec![String::from("a \"line\""); 100_000];
    error("m", &many).write(buffer);
    let line = "a \\\"line\\\"";
    let count = (ERROR_JSON_BYTES_MAX - wanted("m", "", 0).len() + 1) / (line.len() + 3);
    assert!(text(buffer) == wanted("m", line, count));
    // The message has precedence.
    let message = "x".repeat(ERROR_JSON_BYTES_MAX - error_json("T", "").len());
    error(&message, &many).write(buffer);
    assert!(text(buffer) == wanted(&message, "", 0));
    error(&message[100..], &many).write(buffer);
    assert!(text(buffer) == wanted(&message[100..], line, 100 / (line.len() + 3)));
    // At the limit, and one byte over it.
    let last = |bytes: usize| vec!["l".repeat(bytes)];
    let bytes = ERROR_JSON_BYTES_MAX - wanted("m", "", 1).len();
    error("m", &last(bytes)).write(buffer);
    assert_eq!(buffer.body_bytes(), ERROR_JSON_BYTES_MAX);
    assert!(text(buffer) == wanted("m", &last(bytes)[0], 1));
    error("m", &last(bytes + 1)).write(buffer);
    assert!(text(buffer) == wanted("m", "", 0));
    for free in 0..4 {
        let lines = vec![String::new(); 3];
        error(&message[free..], &lines).write(buffer);
        let count = if free < 2 { 0 } else { 1 };
        assert!(
            text(buffer) == wanted(&message[free..], "", count),
            "{free}"
        );
    }
}

/// The message of an error in JSON of our own form, escaped as it is there.
fn message(json: &str) -> &str {
    let start = "{\"errorType\":\"Function.T\",\"errorMessage\":\"";
    let rest = json.strip_prefix(start).expect("its start");
    rest.strip_suffix("\",\"stackTrace\":[]}").expect("its end")
}

#[test]
fn error_json_of_any_member_order_is_truncated_to_valid_json() {
    let buffer = Buffer::leaked();
    // As the runtime writes it; as Python's `json.dumps` does; with members of the same names in
    // values, and white space.
    for (json, escaped) in [
        (
            error_json(
                "Function.T",
                "a\\\"\\\\b\\u000a\u{e9}\u{20ac}\u{1f525}\\u0001z\u{e9}\\u00e9\u{20ac}",
            ),
            "a\\\"\\\\b\\u000a\u{e9}\u{20ac}\u{1f525}\\u0001z\u{e9}\\u00e9\u{20ac}",
        ),
        (
            String::from(
                "{\"errorMessage\": \"a\\\"\\\\b\\n\\u00e9\\ud83d\\udd25\\uD83D\\uDD25z\", \
                 \"errorType\": \"Function.T\", \"requestId\": \"\", \"stackTrace\": [\"x\"]}",
            ),
            "a\\\"\\\\b\\n\\u00e9\\ud83d\\udd25\\uD83D\\uDD25z",
        ),
        (
            String::from(
                "\r\n{ \"cause\" : {\"errorMessage\":\"inner\"}, \"errorType\"\t:\n\"Function.T\" ,\
                 \"list\":[\"errorMessage\", {\"errorMessage\":[]}], \"text\":\"errorMessage\",\
                 \"errorMessage\" : \"right \\\\\"}",
            ),
            "right \\\\",
        ),
    ] {
        let frame = error_json("Function.T", "").len();
        let mut lengths = vec![];
        for bytes_max in frame..json.len() {
            buffer.clear();
            buffer.append(json.as_bytes());
            truncate_json(buffer, bytes_max);
            assert!(buffer.body_bytes() <= bytes_max, "{bytes_max}");
            let part = message(text(buffer));
            assert!(escaped.starts_with(part), "{bytes_max}: {part}");
            // No escape is cut: the rest consists of escapes and whole characters.
            let plain = part
                .replace("\\\\", "")
                .replace("\\\"", "")
                .replace("\\n", "");
            let cut = plain.rfind('\\').is_some_and(|at| plain.len() - at < 6);
            assert!(!cut, "{bytes_max}: {part}");
            assert!(
                !part.to_lowercase().ends_with("\\ud83d"),
                "{bytes_max}: {part}"
            );
            lengths.push(part.len());
        }
        assert!(lengths.is_sorted() && lengths.first() == Some(&0));
        let capacity = json.len() - 1 - frame;
        assert!(
            lengths
                .last()
                .is_some_and(|last| last + 12 > capacity.min(escaped.len()))
        );
        buffer.clear();
        buffer.append(json.as_bytes());
        truncate_json(buffer, json.len());
        assert_eq!(text(buffer), json, "nothing to do");
    }
}

#[test]
fn error_json_without_the_members_is_truncated_to_an_empty_error() {
    let buffer = Buffer::leaked();
    let long = "y".repeat(100);
    for json in [
        format!("[\"errorMessage\",\"{long}\"]"),
        format!("\"{long}\""),
        format!("{{\"errorMessage\":17,\"errorType\":null,\"x\":\"{long}\"}}"),
        long.clone(),
        format!("\"\\{long}"),
    ] {
        buffer.clear();
        buffer.append(json.as_bytes());
        truncate_json(buffer, 90);
        assert_eq!(text(buffer), error_json("", ""), "{json}");
    }
}

#[test]
fn xray_cause_of_any_member_order_has_type_and_message() {
    let buffer = Buffer::leaked();
    let fire = "\\ud83d\\udd25";
    // 1,024 is no multiple of 12: the last pair is left out, whole.
    for (message, wanted) in [
        (String::from("broken"), String::from("broken")),
        (fire.repeat(100), fire.repeat(85)),
        (String::from("\u{1f525}"), String::from(fire)),
        (
            format!("xx{}", fire.repeat(100)),
            format!("xx{}", fire.repeat(85)),
        ),
    ] {
        let json = format!("{{\"errorMessage\": \"{message}\", \"errorType\": \"Function.T\"}}");
        buffer.clear();
        buffer.append(json.as_bytes());
        body::write_cause(buffer);
        let bytes = core::str::from_utf8(buffer.bytes()).expect("UTF-8");
        let cause = format!(
            "Lambda-Runtime-Function-XRay-Error-Cause: {{\"working_directory\":\"\",\
             \"exceptions\":[{{\"type\":\"Function.T\",\"message\":\"{wanted}\",\"stack\":[]}}],\
             \"paths\":[]}}\r\n"
        );
        assert_eq!(bytes, cause + &json);
    }
}
