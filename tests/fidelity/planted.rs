//! Planted faults: a judge that never fires is worse than none.

use crate::case::{Case, cases, read};
use crate::interpreter::Interpreter;
use crate::judge::{differences, record, unanswered};
use crate::lambda::{Answer, End, Outcome, Seen};
use crate::runs;
use crate::text_logs;
use serde_json::Value;

const LANGUAGES: &[&str] = &["node", "php", "python", "ruby", "shell"];

fn answer(recorded: &Value) -> Answer {
    let body = match &recorded["body"]["hex"] {
        Value::String(digits) => {
            let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
            (0..digits.len()).step_by(2).map(byte).collect()
        }
        _ => recorded["body"].as_str().unwrap_or("").as_bytes().to_vec(),
    };
    let headers = recorded["headers"].as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().expect("a header").to_string();
    Answer {
        headers: headers
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        body,
    }
}

/// A run that did what the official client did.
fn mirror(official: &Value) -> Seen {
    let outcome = |recorded: &Value| Outcome {
        end: match recorded["kind"].as_str().expect("a kind") {
            "response" => End::Response(answer(recorded)),
            "error" => End::Error(answer(recorded)),
            "exit" => End::Exit(1),
            "timeout" => End::Timeout,
            "unserved" => End::Unserved,
            other => panic!("outcome {other}"),
        },
        lacks_next: recorded["no_next"].as_bool().unwrap_or(false),
    };
    let logs = official["logs"].as_object().into_iter().flatten();
    let log = |(number, text): (&String, &Value)| {
        let number = number.parse().expect("the number of an event");
        (number, text.as_str().expect("a log").as_bytes().to_vec())
    };
    let init_error = &official["init_error"];
    Seen {
        init_error: init_error.is_object().then(|| answer(init_error)),
        outcomes: official["outcomes"]
            .as_array()
            .expect("outcomes")
            .iter()
            .map(outcome)
            .collect(),
        starts: official["starts"].as_u64().expect("a number of starts"),
        sigterm_exit: official["sigterm"].as_i64().map(|status| status as i32),
        logs: logs.map(log).collect(),
        violations: Vec::new(),
    }
}

fn all_cases() -> Vec<Case> {
    LANGUAGES
        .iter()
        .flat_map(|language| cases(language))
        .collect()
}

#[test]
fn judge_of_the_record_itself_finds_nothing() {
    for case in all_cases() {
        let seen = mirror(&case.official);
        assert_eq!(
            differences(&case.official, &seen, "/T"),
            [""; 0],
            "{}",
            case.name
        );
        assert_eq!(text_logs::differences(&case.official, &seen, "/T"), [""; 0]);
    }
}

/// Changes a run in every way in which it may differ.
fn planted(seen: &Seen) -> Vec<(&'static str, Seen)> {
    let mut all = Vec::new();
    let mut plant = |what, change: &dyn Fn(&mut Seen)| {
        let mut changed = seen.clone();
        change(&mut changed);
        all.push((what, changed));
    };
    plant("one more start", &|seen| seen.starts += 1);
    plant("a violation", &|seen| {
        seen.violations.push("a second answer".into())
    });
    plant("another end of init", &|seen| {
        let error = Answer {
            headers: Vec::new(),
            body: b"{}".to_vec(),
        };
        seen.init_error = seen.init_error.take().map_or(Some(error), |_| None);
    });
    for (at, outcome) in seen.outcomes.iter().enumerate() {
        plant("no answer", &|seen| {
            let is_late = seen.outcomes[at].end == End::Timeout;
            seen.outcomes[at].end = if is_late { End::Unserved } else { End::Timeout };
        });
        plant("no request for the next event", &|seen| {
            seen.outcomes[at].lacks_next ^= true
        });
        if let End::Response(_) = outcome.end {
            plant("a wrong byte", &|seen| {
                let End::Response(answer) = &mut seen.outcomes[at].end else {
                    return;
                };
                answer.body.push(b' ');
            });
            plant("a wrong content type", &|seen| {
                let End::Response(answer) = &mut seen.outcomes[at].end else {
                    return;
                };
                answer.headers.retain(|(name, _)| name != "content-type");
                answer
                    .headers
                    .push(("content-type".into(), "text/planted".into()));
            });
        }
        if let End::Error(_) = outcome.end {
            plant("a wrong error", &|seen| {
                let End::Error(answer) = &mut seen.outcomes[at].end else {
                    return;
                };
                answer.body = br#"{"errorType": "Planted", "errorMessage": "x"}"#.to_vec();
            });
        }
    }
    all
}

#[test]
fn judge_of_a_planted_fault_finds_it() {
    for case in all_cases() {
        let seen = mirror(&case.official);
        for (what, changed) in planted(&seen) {
            let found = differences(&case.official, &changed, "/T");
            assert!(!found.is_empty(), "{}: {what}", case.name);
        }
    }
}

#[test]
fn judge_of_a_missing_log_finds_it() {
    let mut count = 0;
    for case in all_cases() {
        let seen = mirror(&case.official);
        let mut silent = seen.clone();
        silent.logs.clear();
        let logs = seen.logs.values().map(|log| String::from_utf8_lossy(log));
        let logs: String = logs.map(|log| log.into_owned() + "\n").collect();
        let is_record = |line: &&str| line.starts_with('{') && record(line, "/T").is_some();
        let records = logs.lines().filter(is_record).count();
        let missing = differences(&case.official, &silent, "/T");
        assert!(missing.len() >= records, "{}: {missing:?}", case.name);
        let lines = logs.lines().filter(|line| !line.is_empty()).count();
        let missing = text_logs::differences(&case.official, &silent, "/T");
        assert_eq!(missing.len(), lines, "{}: {missing:?}", case.name);
        // A log that is printed twice.
        let mut twice = seen.clone();
        twice.logs.values_mut().for_each(|log| {
            let copy = [&log[..], b"\n", &log[..]].concat();
            *log = copy;
        });
        let more = text_logs::differences(&case.official, &twice, "/T");
        assert_eq!(more.len(), lines, "{}: {more:?}", case.name);
        count += records;
    }
    assert!(count > 20, "{count} records");
}

#[test]
fn event_without_an_answer_is_found_whatever_the_record() {
    let official = serde_json::json!({
        "init_error": null, "starts": 1, "logs": {},
        "outcomes": [{"kind": "timeout"}, {"kind": "response", "body": "1", "headers": {}}],
    });
    let mut seen = mirror(&official);
    assert_eq!(
        unanswered(&seen),
        ["event 0: no answer: the deadline passes"]
    );
    seen.outcomes.remove(0);
    assert_eq!(unanswered(&seen), [""; 0]);
    seen.outcomes[0].lacks_next = true;
    seen.violations.push("x".into());
    let found = ["event 0: the next event is not requested", "protocol: x"];
    assert_eq!(unanswered(&seen), found);
}

/// A handler that prints and answers, with a record of what it did.
fn recorded(outcome: Value, starts: u64, log: &str) -> Case {
    let case = serde_json::json!({
        "class": "SAME", "found": [], "opt": {},
        "files": {"function.sh": "handler() { echo '{\"logged\": 1}' >&2; echo -n \"<$1>\"; }"},
        "settings": {"handler": "function.handler", "events": [{"body": "1"}]},
        "official": {
            "init_error": null, "outcomes": [outcome], "starts": starts, "logs": {"0": log},
        },
    });
    read("shell/planted", &case)
}

#[test]
fn run_of_a_case_with_a_wrong_record_fails() {
    let interpreter = Interpreter::of_machine("shell").expect("bash");
    let run = |case| runs::failures(&runs::run_all(&interpreter, vec![case]));
    let headers = serde_json::json!({"content-type": "application/json"});
    let answer =
        |body: &str| serde_json::json!({"kind": "response", "headers": headers, "body": body});
    let log = "{\"logged\": 1}\n";
    let right = run(recorded(answer("<1>"), 1, log));
    assert_eq!(right, [""; 0]);
    for (case, difference) in [
        (
            recorded(answer("<2>"), 1, log),
            "event 0: value: \"<2>\" / \"<1>\"",
        ),
        (recorded(answer("<1>"), 2, log), "starts: 2 / 1"),
        (
            recorded(answer("<1>"), 1, "{\"logged\": 2}\n"),
            "event 0: no such record",
        ),
        (
            recorded(serde_json::json!({"kind": "timeout"}), 1, log),
            "event 0: kind: \"timeout\"",
        ),
    ] {
        let found = run(case);
        assert!(
            found.len() == 1 && found[0].contains(difference),
            "{difference}: {found:?}"
        );
    }
}
