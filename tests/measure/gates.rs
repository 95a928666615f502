//! `measure`: the verdict in words, `--max-ratio` and `--sizes`.

use crate::harness::run_tool;
use crate::known::{measure, measure_ok, variant};
use crate::support::function;

/// Twenty pairs: of their ratios the sixth from either end is an end of the interval.
const SHORT: [&str; 4] = ["--cold-starts", "20", "--invocations", "40"];

/// So slow that a busy machine does not make up for it.
fn slow_and_plain() -> [String; 2] {
    let slow = ["KNOWN_SLEEP_US=150000", "KNOWN_EVENT_SLEEP_US=40000"];
    [variant("slow", &slow), variant("plain", &[])]
}

fn sentences(object: &serde_json::Value) -> Vec<String> {
    let sentences = object["verdict"].as_array().expect("a list");
    let text = |sentence: &serde_json::Value| sentence.as_str().expect("a text").to_string();
    sentences.iter().map(text).collect()
}

#[test]
fn max_ratio_exceeded_exits_3_and_names_the_ratio() {
    let metrics = [
        "start_to_next",
        "start_to_response",
        "warm_latency",
        "warm_invocation",
    ];
    let gates = metrics.map(|metric| format!("{metric}=1.5"));
    let mut options = SHORT.to_vec();
    for gate in &gates {
        options.extend(["--max-ratio", gate]);
    }
    let measured = measure(&slow_and_plain(), &options);
    let stderr = &measured.run.stderr;
    assert_eq!(measured.run.code, 3, "{stderr}");
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), metrics.len(), "{stderr}");
    for (place, metric) in metrics.into_iter().enumerate() {
        let start = format!("tinderbox: slow / plain: {metric} ");
        let end = format!(" exceeds --max-ratio {}", gates[place]);
        let line = lines[place];
        assert!(line.starts_with(&start) && line.ends_with(&end), "{line}");
        let gate = &measured.object["gates"][place];
        assert_eq!(gate["passed"], false, "{gate}");
        assert_eq!(
            (&gate["metric"], &gate["max_ratio"]),
            (&metric.into(), &1.5.into())
        );
        let ratio = &measured.ratio("slow", "plain")[metric]["median"];
        assert_eq!(gate["ratio"], *ratio);
    }
}

#[test]
fn max_ratio_passed_exits_0() {
    let [slow, plain] = slow_and_plain();
    // The same bytes; and a ratio far below its limit.
    let gates = ["--max-ratio", "warm_latency=0.9", "--max-ratio", "bytes=1"];
    let measured = measure_ok(&[plain, slow], &[&SHORT[..], &gates].concat());
    let gates = measured.object["gates"].as_array().expect("gates");
    assert_eq!(gates.len(), 2);
    assert!(gates.iter().all(|gate| gate["passed"] == true), "{gates:?}");
    assert_eq!(gates[1]["ratio"], 1.0);
}

#[test]
fn max_ratio_applies_to_values_and_to_each_comparison() {
    let words = [
        variant("more", &["KNOWN_EVENT_CALLS=4", "KNOWN_TOUCH_KIB=10240"]),
        variant("same", &["KNOWN_EVENT_CALLS=4", "KNOWN_TOUCH_KIB=10240"]),
        variant("less", &[]),
    ];
    let calls = ["--max-ratio", "system_calls_per_invocation=1.5"];
    let memory = ["--max-ratio", "private_kib=2"];
    let measured = measure(&words, &[&SHORT[..], &calls, &memory].concat());
    assert_eq!(measured.run.code, 3, "{}", measured.run.stderr);
    let gates = measured.object["gates"].as_array().expect("gates");
    let seen: Vec<_> = gates
        .iter()
        .map(|gate| (gate["to"].as_str(), gate["passed"].as_bool()))
        .collect();
    let each = [(Some("same"), Some(true)), (Some("less"), Some(false))];
    assert_eq!(seen, [each, each].concat());
    assert_eq!(gates[1]["ratio"], 2.0, "8 calls for each event, not 4");
    assert_eq!(
        measured.run.stderr.lines().count(),
        2,
        "{}",
        measured.run.stderr
    );
}

#[test]
fn max_ratio_of_what_was_not_measured_fails() {
    let words = [variant("dies", &["KNOWN_DIES_ON=2"]), variant("plain", &[])];
    let options = [&SHORT[..], &["--max-ratio", "warm_latency=1000"]].concat();
    let measured = measure(&words, &options);
    // A failure of a bootstrap is worse than a ratio.
    assert_eq!(measured.run.code, 1, "{}", measured.run.stderr);
    let text = "warm_latency was not measured, which fails --max-ratio warm_latency=1000";
    assert!(
        measured.run.stderr.contains(text),
        "{}",
        measured.run.stderr
    );
    assert_eq!(measured.object["gates"][0]["passed"], false);
}

#[test]
fn max_ratio_without_comparison_uses_the_baseline_or_is_refused() {
    let [slow, plain] = slow_and_plain();
    let gate = ["--max-ratio", "warm_latency=1.5"];
    let run = run_tool(&[&["measure", &slow][..], &gate].concat());
    assert_eq!((run.code, run.text().as_str()), (2, ""), "{}", run.stderr);
    assert!(run.stderr.contains("add --compare OTHER"), "{}", run.stderr);
    let measured = measure(
        &[slow],
        &[&SHORT[..], &gate, &["--baseline", &plain]].concat(),
    );
    assert_eq!(measured.run.code, 3, "{}", measured.run.stderr);
}

#[test]
fn max_ratio_invalid_exits_2() {
    let word = variant("plain", &[]);
    for gate in [
        "",
        "warm_latency",
        "warm=1.1",
        "warm_latency=",
        "bytes=0",
        "bytes=NaN",
        "bytes=-1",
    ] {
        let run = run_tool(&["measure", &word, "--compare", &word, "--max-ratio", gate]);
        assert_eq!(
            (run.code, run.text().as_str()),
            (2, ""),
            "{gate}: {}",
            run.stderr
        );
        assert!(run.stderr.contains("expected METRIC=R"), "{}", run.stderr);
        assert!(
            run.stderr.contains("system_calls_per_invocation"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn verdict_names_clear_differences() {
    let [slow, plain] = slow_and_plain();
    let measured = measure_ok(&[plain.clone(), slow.clone()], &SHORT);
    let [sentence] = sentences(&measured.object).try_into().expect("one");
    let start = "plain compared with slow: faster in start to GET (";
    assert!(sentence.starts_with(start), "{sentence}");
    assert!(
        sentence.contains("warm latency (") && sentence.contains(" times as fast)"),
        "{sentence}"
    );
    assert!(!sentence.contains("slower"), "{sentence}");

    let measured = measure_ok(&[slow, plain], &SHORT);
    let [sentence] = sentences(&measured.object).try_into().expect("one");
    assert!(
        sentence.starts_with("slow compared with plain: slower in start"),
        "{sentence}"
    );
    assert!(sentence.contains(" times the time)"), "{sentence}");
    assert!(!sentence.contains("faster"), "{sentence}");
}

#[test]
fn verdict_without_pairs_or_comparison_is_none() {
    let words = slow_and_plain();
    let options = ["--cold-starts", "5", "--invocations", "5"];
    let measured = measure_ok(&words, &options);
    let [sentence] = sentences(&measured.object).try_into().expect("one");
    let expected = "slow compared with plain: not enough pairs for start to GET, start to answer, \
                    warm latency, warm invocation";
    assert_eq!(sentence, expected);
    let measured = measure_ok(&words[..1], &options);
    let [sentence] = sentences(&measured.object).try_into().expect("one");
    assert_eq!(
        sentence,
        "none: there is nothing to compare with (--compare OTHER)"
    );
}

#[test]
fn sizes_are_measured_with_exact_events() {
    let echo = format!("echo={}", function("echo").display());
    let words = [echo, variant("known", &[])];
    let sizes = ["--sizes", "0,7,1K,1M", "--expect", "echo"];
    let measured = measure_ok(&words, &[&SHORT[..], &sizes].concat());
    let sizes = measured.object["sizes"].as_array().expect("sizes");
    let bytes: Vec<_> = sizes
        .iter()
        .filter_map(|size| size["event_bytes"].as_u64())
        .collect();
    assert_eq!(bytes, [1, 7, 1024, 1_048_576]);
    for size in sizes {
        for (place, name) in ["echo", "known"].into_iter().enumerate() {
            let bootstrap = &size["bootstraps"][place];
            assert_eq!(bootstrap["name"], name);
            assert!(bootstrap["warm_latency_us"]["p50"].is_number(), "{size}");
        }
        let ratio = &size["ratios"][0];
        assert_eq!(
            (&ratio["of"], &ratio["to"]),
            (&"echo".into(), &"known".into())
        );
        assert_eq!(ratio["warm_latency"]["pairs"], 20, "{ratio}");
        assert!(ratio["start_to_next"].is_null());
    }
    let median = |place: usize| {
        let p50 = &sizes[place]["bootstraps"][0]["warm_latency_us"]["p50"];
        p50.as_f64().expect("a number")
    };
    assert!(median(3) > median(0), "1 MB takes longer than 1 byte");
    let word = &words[1];
    for sizes in ["", "1,", "x", "1G", "7M", "-1"] {
        let run = run_tool(&["measure", word, "--sizes", sizes]);
        assert_eq!(
            (run.code, run.text().as_str()),
            (2, ""),
            "{sizes}: {}",
            run.stderr
        );
    }
}

#[test]
fn sizes_with_wrong_answers_exit_1() {
    let words = [variant("plain", &[])];
    let sizes = ["--sizes", "10", "--expect", "{}", "--event", "{}"];
    let measured = measure(&words, &[&SHORT[..], &sizes].concat());
    // The answer to the event of the options is right, that to the generated one is another.
    assert_eq!(measured.run.code, 1, "{}", measured.run.stderr);
    assert_eq!(measured.number("plain", "wrong_answers"), 0.0);
    let text = "returned 10 bytes that differ from the expected answer";
    assert!(
        measured.run.stderr.contains(text),
        "{}",
        measured.run.stderr
    );
}

#[test]
fn text_report_ends_with_sizes_verdict_and_gates() {
    let [slow, plain] = slow_and_plain();
    let mut arguments = vec!["measure", &plain, "--compare", &slow, "--sizes", "1,2K"];
    arguments.extend(SHORT);
    arguments.extend(["--max-ratio", "warm_latency=2", "--pin-cpu", "any"]);
    let run = run_tool(&arguments);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let text = run.text();
    for part in [
        "\nevent bytes: warm p50, us ",
        " 2,048\n",
        "\nverdict: plain compared with slow: faster in start to GET (",
        "\ngate: plain / slow: warm_latency ",
        " passes --max-ratio warm_latency=2\n",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}
