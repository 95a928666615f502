//! Output of a function: unchanged in text mode, one record per line in JSON mode, in any amount.

use crate::for_kinds;
use crate::kinds::{HostedRun, Kind, command};
use crate::support::api::{Event, ScriptedReply};
use crate::support::hosting::{events, response};

for_kinds!(any [bash dash program worker php node python ruby] [
    output_in_text_mode_is_unchanged
    output_in_json_mode_is_a_record_per_line_with_the_request_id
    output_flood_within_an_event_is_forwarded_whole
]);

for_kinds!(persistent [bash dash worker php node python ruby] [
    output_flood_between_events_is_forwarded_whole
]);

const FLOOD_BYTES: usize = 1_000_000;

fn output_in_text_mode_is_unchanged(kind: &Kind) {
    let text = "x \\t{}[] ;$HOME 'a'";
    let outcome = kind
        .hosted_run()
        .run(&events([command(&format!("log {text}"))]));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"\"logged\"");
    let printed = format!("{}{}", outcome.log(), outcome.stdout);
    // JSON and the shell change the middle.
    let mut lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 2, "{printed:?}");
    if kind.file == "index.mjs" {
        // `console` adds time, request id and level, as on the managed runtime.
        let levels = ["ERROR", "INFO"];
        for (line, level) in lines.iter_mut().zip(levels) {
            let (head, text) = line.split_at(line.find(level).expect("a level"));
            assert!(head.ends_with("Z\tevent-0\t"), "{head}");
            *line = &text[level.len() + 1..];
        }
    }
    assert!(lines[0].starts_with("x ") && lines[0].ends_with("'a'"));
    assert_eq!(lines[1], format!("{}, again", lines[0]));
}

/// The records in the output; every other line is the runtime's own.
fn records(stderr: &str) -> Vec<serde_json::Value> {
    let lines = stderr.lines();
    lines
        .filter(|line| !line.starts_with("tinderbox: "))
        .map(|line| {
            let value = serde_json::from_str(line);
            let value: serde_json::Value = value.unwrap_or_else(|_| panic!("no JSON: {line:.300}"));
            assert!(value["timestamp"].is_string() && value["level"].is_string());
            value
        })
        .collect()
}

fn json(kind: &Kind) -> HostedRun {
    kind.hosted_run().variable("AWS_LAMBDA_LOG_FORMAT", "JSON")
}

fn output_in_json_mode_is_a_record_per_line_with_the_request_id(kind: &Kind) {
    let texts: Vec<String> = (0..20).map(|number| format!("text {number}")).collect();
    let commands = texts.iter().map(|text| command(&format!("log {text}")));
    let outcome = json(kind).run(&events(commands));
    let ledger = outcome.assert_serving();
    assert_eq!(outcome.stdout, "", "all output goes to stderr");
    let records = records(&outcome.stderr);
    assert_eq!(records.len(), 40, "{}", outcome.stderr);
    for (number, text) in texts.iter().enumerate() {
        let id = format!("event-{number}");
        assert_eq!(response(ledger, &id), b"\"logged\"");
        let of_event = records.iter().filter(|record| record["requestId"] == *id);
        let mut messages: Vec<&str> = of_event
            .map(|record| record["message"].as_str().expect("a message"))
            .collect();
        messages.sort_unstable();
        let again = format!("{text}, again");
        assert_eq!(messages, [text.as_str(), &again], "{id}");
    }
}

fn count(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'l').count()
}

/// The number of bytes of a flood that were forwarded, in either mode.
fn flooded(stderr: &str, is_json: bool) -> usize {
    if !is_json {
        let own = stderr
            .lines()
            .filter(|line| line.starts_with("tinderbox: "));
        return count(stderr) - own.map(count).sum::<usize>();
    }
    let records = records(stderr);
    let messages = records
        .iter()
        .filter_map(|record| record["message"].as_str());
    messages
        .filter(|text| text.starts_with("lll"))
        .map(count)
        .sum()
}

fn both(kind: &Kind, test: impl Fn(HostedRun, bool)) {
    test(kind.hosted_run(), false);
    test(json(kind), true);
}

fn output_flood_within_an_event_is_forwarded_whole(kind: &Kind) {
    both(kind, |hosted, is_json| {
        let flood = command(&format!("flood {FLOOD_BYTES}"));
        let outcome = hosted.run(&events([flood, "\"fine\"".to_string()]));
        let ledger = outcome.assert_serving();
        assert_eq!(response(ledger, "event-0"), b"\"flooded\"");
        assert_eq!(response(ledger, "event-1"), b"\"fine\"");
        assert_eq!(flooded(&outcome.stderr, is_json), FLOOD_BYTES);
    });
}

fn output_flood_between_events_is_forwarded_whole(kind: &Kind) {
    both(kind, |hosted, is_json| {
        let later = command(&format!("later {FLOOD_BYTES}"));
        let (mut process, server) = hosted.spawn(&events([later]));
        // No event comes, and all output must be forwarded.
        process.until_logged("over");
        process.until_idle(&server);
        server.more(vec![ScriptedReply::event(&Event::new("next", "\"fine\""))]);
        process.until_idle(&server);
        process.assert_no_zombie();
        let outcome = process.finish(server);
        let ledger = outcome.assert_serving();
        assert_eq!(response(ledger, "event-0"), b"\"later\"");
        assert_eq!(response(ledger, "next"), b"\"fine\"");
        assert_eq!(flooded(&outcome.stderr, is_json), FLOOD_BYTES);
    });
}
