//! Lines of a function in the JSON log format: a JSON object passes unchanged, any other line is
//! wrapped, and no line is lost because it has not ended.

use serde_json::Value;

use crate::kinds::{HostedRun, dash};
use crate::support::api::Event;
use crate::support::hosting::{events, response};

/// A function that prints its event to the log, and a line feed only where it ends in a period.
const PRINTS: &str = "handler() { case $1 in *.) set -- \"${1%.}\n\";; esac; printf %s \"$1\" >&2; \
                      printf ok; [ ! -e \"$LAMBDA_TASK_ROOT/end\" ] || kill -9 $$; }\n";

fn printing() -> Option<HostedRun> {
    let hosted = dash()?.with_source(PRINTS);
    Some(hosted.variable("AWS_LAMBDA_LOG_FORMAT", "JSON"))
}

/// The lines of the log that the function printed.
fn lines(log: &str) -> Vec<&str> {
    let lines = log.split_terminator('\n');
    lines
        .filter(|line| !line.starts_with("tinderbox: "))
        .collect()
}

/// The message of a record; panics if the line is none.
fn wrapped(line: &str) -> String {
    let value: Value = serde_json::from_str(line).expect(line);
    assert_eq!(value["level"], "INFO", "{line:.300}");
    assert_eq!(value["requestId"], "event-0", "{line:.300}");
    value["message"].as_str().expect("a message").to_string()
}

/// What becomes of one printed text.
fn logged(text: &str) -> Vec<String> {
    let hosted = printing().expect("dash is here");
    let outcome = hosted.run(&events([format!("{text}.")]));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"ok");
    let lines = lines(&outcome.stderr);
    lines.into_iter().map(str::to_string).collect()
}

#[test]
fn line_that_is_a_json_object_passes_unchanged() {
    if dash().is_none() {
        return;
    }
    let metric = r#"{"_aws":{"Timestamp":1,"CloudWatchMetrics":[]},"hits":1,"é":"\u0000"}"#;
    for line in [
        "{}",
        metric,
        "{\"level\":30,\"msg\":\"pino\"} ",
        "{\"a\":1}\r",
    ] {
        assert_eq!(logged(line), [line]);
    }
    let two = format!("{metric}\n{{\"b\":2}}");
    assert_eq!(logged(&two), [metric, "{\"b\":2}"]);
}

#[test]
fn line_that_is_no_json_object_is_wrapped() {
    if dash().is_none() {
        return;
    }
    for line in [
        "text {}",
        " {\"a\":1}",
        "{\"a\":1",
        "[{}]",
        "}",
        "{",
        "\"{}\"",
    ] {
        let lines = logged(line);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(wrapped(&lines[0]), line);
    }
    assert_eq!(wrapped(&logged("text\r")[0]), "text");
}

#[test]
fn json_line_up_to_a_mebibyte_passes_and_a_longer_one_becomes_records() {
    if dash().is_none() {
        return;
    }
    for bytes in [1_000, 64 * 1024, 128 * 1024, 256 * 1024, 1024 * 1024 - 1] {
        let line = format!("{{\"x\":\"{}\"}}", "x".repeat(bytes - 8));
        assert_eq!(line.len(), bytes);
        let lines = logged(&line);
        assert_eq!(lines.len(), 1, "{bytes}");
        assert!(lines[0] == line, "{bytes}");
    }
    for line in [
        format!("{{\"x\":\"{}\"}}", "x".repeat(2_000_000)),
        format!("{{{}", "x".repeat(300_000)),
    ] {
        let whole: String = logged(&line).iter().map(|line| wrapped(line)).collect();
        assert!(whole == line, "{}", line.len());
    }
}

#[test]
fn json_line_goes_to_the_telemetry_descriptor_as_a_frame_of_its_own() {
    let Some(hosted) = printing() else {
        return;
    };
    let hosted = hosted.variable("_LAMBDA_TELEMETRY_LOG_FD", "1");
    let first = r#"{"_aws":{}}"#;
    let (mut process, server) = hosted.spawn(&events([format!("{first}\ntext.")]));
    process.until_idle(&server);
    let printed = process.printed();
    let mut rest = printed.as_slice();
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let number = |at: usize| u32::from_be_bytes(rest[at..at + 4].try_into().expect("4"));
        let (kind, length) = (number(0), number(4) as usize);
        let text = String::from_utf8_lossy(&rest[16..16 + length]).into_owned();
        frames.push((kind, text));
        rest = &rest[16 + length..];
    }
    process.finish(server).assert_serving();
    assert_eq!(frames[0], (0xa55a_0002, format!("{first}\n")));
    let (kind, text) = &frames[1];
    assert_eq!(*kind, 0xa55a_0002 | 3 << 2, "a record of the level INFO");
    assert_eq!(wrapped(text), "text");
    assert_eq!(frames.len(), 2);
}

#[test]
fn line_unfinished_is_logged_when_the_process_ends_and_when_it_rests() {
    let Some(hosted) = printing() else {
        return;
    };
    // No other event comes.
    let (mut process, server) = hosted.spawn(&[Event::new("event-0", "{\"unfinished\":1}")]);
    process.until_logged("{\"unfinished\":1}");
    process.until_idle(&server);
    process.finish(server).assert_serving();
    hosted.dir.file("end", b"");
    let outcome = hosted.run(&events(["no line feed"]));
    let stderr = &outcome.stderr;
    assert!(
        lines(stderr)
            .iter()
            .any(|line| { line.starts_with('{') && line.contains("\"message\":\"no line feed\"") }),
        "{stderr}"
    );
}
