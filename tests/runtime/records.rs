//! Log records of a function: text and JSON, levels, telemetry frames.

use serde_json::Value;

use crate::answers::messages;
use crate::support::api::{Event, Script, Server};
use crate::support::process::Outcome;
use crate::support::start::Start;
use crate::{Random, probe};

/// `YYYY-MM-DDThh:mm:ss.mmmZ`, of this century.
fn assert_time(text: &str) {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z", "{text}");
    assert!(text.starts_with("20"), "{text}");
}

fn json_probe() -> Start {
    probe().variable("AWS_LAMBDA_LOG_FORMAT", "JSON")
}

/// The lines of the log, each read by serde_json.
fn objects(outcome: &Outcome) -> Vec<Value> {
    let log = outcome.log();
    assert!(log.ends_with('\n') || log.is_empty(), "whole lines: {log}");
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}")))
        .collect()
}

fn names(object: &Value) -> Vec<&str> {
    let names = object.as_object().expect("an object").keys();
    names.map(String::as_str).collect()
}

#[test]
fn record_of_text_has_level_time_request_id_and_message() {
    let event = Event::new("one", "log:plain \\ \"text\"\tand\nmore");
    let tenant = "Lambda-Runtime-Aws-Tenant-Id";
    let of_tenant = Event::new("two", "log:more").header(tenant, "blue \u{1b}x");
    let outcome = probe()
        .variable("PROBE_INIT", "log")
        .run(Script::events([&event, &of_tenant]));
    outcome.assert_serving();
    let log = outcome.log();
    let lines: Vec<Vec<&str>> = log
        .lines()
        .map(|line| line.splitn(4, '\t').collect())
        .collect();
    let [init, one, two] = lines.as_slice() else {
        panic!("{log}")
    };
    assert_eq!((two[0], two[2]), ("[INFO]", "two"));
    assert_eq!(two[3], "blue \\u001bx\tmore");
    assert_eq!((init[0], init[2], init[3]), ("[INFO]", "", "at init"));
    assert_eq!((one[0], one[2]), ("[INFO]", "one"));
    assert_eq!(one[3], "plain \\ \"text\"\tand\rmore");
    assert_time(init[1]);
    assert_time(one[1]);
}

#[test]
fn record_of_any_bytes_is_one_line_of_json_with_the_same_text() {
    let messages = messages();
    let events: Vec<Event> = (messages.iter().enumerate())
        .map(|(number, message)| {
            let body = [b"log:".as_slice(), message].concat();
            let event = Event::new(&format!("log-{number}"), body);
            event.header("Lambda-Runtime-Aws-Tenant-Id", "blue \"x\"")
        })
        .collect();
    let outcome = json_probe().run(Script::events(&events));
    outcome.assert_serving();
    let objects = objects(&outcome);
    assert_eq!(objects.len(), messages.len());
    for ((number, message), object) in messages.iter().enumerate().zip(&objects) {
        let fields = ["level", "message", "requestId", "tenantId", "timestamp"];
        assert_eq!(names(object), fields);
        let text = String::from_utf8_lossy(message);
        assert_eq!(object["message"], text.as_ref(), "{message:?}");
        assert_eq!(object["requestId"], format!("log-{number}"));
        assert_eq!(object["tenantId"], "blue \"x\"");
        assert_eq!(object["level"], "INFO");
        assert_time(object["timestamp"].as_str().expect("a time"));
    }
}

#[test]
fn record_of_a_megabyte_is_one_line_of_json() {
    let mut random = Random::new(17);
    let odd = b"\xe2\x82\xac\xf0\x9f\x94\xa5\xed\xa0\"\\\n\x00\x1b\xff plain text, mostly";
    for bytes in [100_000, 1_000_000, 1_048_576, 6_000_000] {
        let mut event = Event::new("long", "log:");
        while event.body.len() < bytes {
            event.body.push(odd[random.below(odd.len())]);
        }
        let small = Event::new("small", "log:small");
        let outcome = json_probe().run(Script::events([&event, &small]));
        outcome.assert_serving();
        let objects = objects(&outcome);
        assert_eq!(objects.len(), 2);
        let whole = String::from_utf8_lossy(&event.body[4..]).into_owned();
        let message = objects[0]["message"].as_str().expect("a message");
        let text = message.strip_suffix("[...]").unwrap_or(message);
        assert!(whole.starts_with(text), "{bytes}");
        assert!(text.len() == whole.len() || text.len() > 400_000, "{bytes}");
        assert!(outcome.log().lines().all(|line| line.len() < 1024 * 1024));
        assert_eq!(objects[1]["message"], "small");
    }
}

#[test]
fn record_has_the_ids_of_its_own_event_and_none_at_init() {
    let with = Event::new("with", "log:a").header("Lambda-Runtime-Aws-Tenant-Id", "red");
    let without = Event::new("without", "log:b");
    let start = json_probe().variable("PROBE_INIT", "log");
    let outcome = start.run(Script::events([&with, &without]));
    outcome.assert_serving();
    let objects = objects(&outcome);
    assert_eq!(names(&objects[0]), ["level", "message", "timestamp"]);
    assert_eq!(objects[1]["tenantId"], "red");
    assert_eq!(objects[2]["requestId"], "without");
    assert_eq!(objects[2].get("tenantId"), None);
}

#[test]
fn record_below_the_level_is_omitted() {
    let all = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    for (level, first) in [
        (None, 2),
        (Some("nonsense"), 2),
        (Some(""), 2),
        (Some("trace"), 0),
        (Some("DEBUG"), 1),
        (Some("Info"), 2),
        (Some("WARN"), 3),
        (Some("ERROR"), 4),
        (Some("FATAL"), 5),
    ] {
        let event = Event::new("levels", "levels 2");
        let mut start = json_probe();
        if let Some(level) = level {
            start = start.variable("AWS_LAMBDA_LOG_LEVEL", level);
        }
        let outcome = start.run(Script::events([&event]));
        outcome.assert_serving();
        let found: Vec<(Value, Value)> = objects(&outcome)
            .into_iter()
            .map(|object| (object["level"].clone(), object["message"].clone()))
            .collect();
        let expected: Vec<(Value, Value)> = (0..2)
            .flat_map(|number| {
                all[first..].iter().map(move |level| {
                    let message = format!("line {number} of {}", level.to_lowercase());
                    (Value::from(*level), Value::from(message))
                })
            })
            .collect();
        assert_eq!(found, expected, "{level:?}");
    }
}

#[test]
fn record_over_a_megabyte_is_one_truncated_line() {
    // NULs are six bytes each.
    for (bytes, whole) in [
        (1_000, true),
        (170_000, true),
        (180_000, false),
        (2_000_000, false),
    ] {
        let event = Event::new("long", format!("log-big {bytes}"));
        let small = Event::new("small", "log:small");
        let outcome = json_probe().run(Script::events([&event, &small]));
        outcome.assert_serving();
        let objects = objects(&outcome);
        let message = objects[0]["message"].as_str().expect("a message");
        let nuls = message.chars().take_while(|c| *c == '\0').count();
        assert_eq!(&message[nuls..], if whole { "" } else { "[...]" });
        assert!(if whole { nuls == bytes } else { nuls > 170_000 });
        assert!(outcome.log().lines().all(|line| line.len() < 1024 * 1024));
        assert_eq!(objects[1]["message"], "small");
    }
}

#[test]
fn telemetry_descriptor_gets_frames_and_its_variable_is_unset() {
    for (format, base) in [("JSON", 0xa55a_0002_u32), ("text", 0xa55a_0003)] {
        let server = Server::start(Script::events([
            &Event::new("frames", "levels 1"),
            &Event::new("gone", "getenv:_LAMBDA_TELEMETRY_LOG_FD\0"),
        ]));
        let start = probe()
            .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
            .variable("AWS_LAMBDA_LOG_FORMAT", format)
            .variable("AWS_LAMBDA_LOG_LEVEL", "TRACE")
            .variable("_LAMBDA_TELEMETRY_LOG_FD", "1");
        let mut process = start.spawn();
        process.until_idle(&server);
        let printed = process.printed();
        let outcome = process.finish(server);
        assert_eq!(outcome.log(), "");
        assert_eq!(outcome.ledger.answer("gone").body, b"unset");
        let mut rest = printed.as_slice();
        for (index, level) in ["trace", "debug", "info", "warn", "error", "fatal"]
            .into_iter()
            .enumerate()
        {
            let number = |at: usize| u32::from_be_bytes(rest[at..at + 4].try_into().expect("4"));
            assert_eq!(number(0), base | (index as u32 + 1) << 2, "{level}");
            let length = number(4) as usize;
            let time_us = u64::from(number(8)) << 32 | u64::from(number(12));
            assert!(time_us > 1_700_000_000_000_000, "{time_us}");
            let text = str::from_utf8(&rest[16..16 + length]).expect("text");
            assert!(text.contains(&format!("line 0 of {level}")), "{text}");
            assert_eq!(
                serde_json::from_str::<Value>(text).is_ok(),
                format == "JSON"
            );
            rest = &rest[16 + length..];
        }
        assert!(rest.is_empty());
    }
}

#[test]
fn telemetry_descriptor_invalid_falls_back_to_stderr() {
    for descriptor in ["99", "x", "", "1152921504606846977", "99999999999999999999"] {
        let event = Event::new("one", "log:still here");
        let start = json_probe().variable("_LAMBDA_TELEMETRY_LOG_FD", descriptor);
        let outcome = start.run(Script::events([&event]));
        outcome.assert_serving();
        assert_eq!(objects(&outcome)[0]["message"], "still here");
    }
}

#[test]
fn records_of_concurrent_workers_are_not_interleaved() {
    let events: Vec<Event> = (0..200)
        .map(|number| Event::new(&format!("mixed-{number}"), "levels 5"))
        .collect();
    let start = json_probe().variable("AWS_LAMBDA_MAX_CONCURRENCY", "4");
    let server = Server::start(Script::events(&events));
    let mut process = start
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .spawn();
    crate::pools::until_held(&mut process, &server, 4);
    process.kill();
    let stderr = process.stderr(); // complete after the exit
    let lines: Vec<Value> = (stderr.lines())
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(lines.len(), 200 * 5 * 4);
    for event in &events {
        let of_this = lines.iter().filter(|line| line["requestId"] == event.id);
        assert_eq!(of_this.count(), 20, "{}", event.id);
    }
}
