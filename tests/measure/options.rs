//! Options of `measure`: events, names, the baseline, the picture, the text, usage errors.

use std::process::Command;

use crate::harness::run_tool;
use crate::known::{measure_ok, variant};
use crate::skip::has;
use crate::support::{TempDir, function};

#[test]
fn event_size_is_exact() {
    let echo = format!("echo={}", function("echo").display());
    for size in ["1", "7", "8", "2048", "2049", "6291556"] {
        let options = [
            "--cold-starts",
            "2",
            "--invocations",
            "4",
            "--expect",
            "echo",
            "--event-size",
            size,
        ];
        let measured = measure_ok(&[echo.clone(), variant("known", &[])], &options);
        assert_eq!(measured.object["event_bytes"].to_string(), size);
        assert_eq!(measured.number("echo", "right_answers"), 6.0);
    }
}

#[test]
fn event_file_is_sent() {
    let folder = TempDir::new();
    let event = folder
        .file("event.json", b"{\"from\": \"a file\"}\n")
        .display()
        .to_string();
    let expect = folder
        .file("expect", b"{\"from\": \"a file\"}\n")
        .display()
        .to_string();
    let options = [
        "--cold-starts",
        "2",
        "--invocations",
        "2",
        "--event",
        &event,
        "--expect",
        &expect,
    ];
    let measured = measure_ok(&[variant("known", &[])], &options);
    assert_eq!(measured.object["event_bytes"], 19);
}

#[test]
fn ratio_of_six_pairs_has_an_interval() {
    let words = [
        variant("plain", &[]),
        variant("slow", &["KNOWN_SLEEP_US=100000"]),
    ];
    for (starts, has_interval) in [("5", false), ("6", true), ("7", true)] {
        let measured = measure_ok(&words, &["--cold-starts", starts, "--invocations", "20"]);
        let ratio = &measured.ratio("plain", "slow")["start_to_next"];
        assert_eq!(ratio["pairs"].to_string(), starts);
        assert_eq!(ratio["from"].is_number(), has_interval, "{ratio}");
        assert_eq!(ratio["to"].is_number(), has_interval, "{ratio}");
        if has_interval {
            let at = |key: &str| ratio[key].as_f64().expect("a number");
            assert!(
                at("from") <= at("median") && at("median") <= at("to"),
                "{ratio}"
            );
            // Not the interval: of six pairs it ends at the greatest, and one start may wait long.
            assert!(
                at("median") < 1.0,
                "a start without 100 ms of sleep is faster: {ratio}"
            );
        }
        let noise = &measured.object["noise"]["start_to_next"]["pairs"];
        assert_eq!(
            noise.as_u64(),
            starts.parse::<u64>().ok().map(|starts| starts / 2)
        );
    }
}

#[test]
fn ratio_follows_from_the_raw_values() {
    let words = [variant("one", &[]), variant("other", &[])];
    let measured = measure_ok(&words, &["--cold-starts", "20", "--invocations", "200"]);
    let rounds = |name: &str, key: &str, place: usize| -> Vec<f64> {
        let rounds = measured.of(name)[key].as_array().expect("rounds");
        let number = |round: &serde_json::Value| round[place].as_f64().expect("a number");
        rounds.iter().map(number).collect()
    };
    for (key, place, time) in [
        ("starts_us", 0, "start_to_next"),
        ("starts_us", 1, "start_to_response"),
        ("blocks_us", 0, "warm_latency"),
        ("blocks_us", 1, "warm_invocation"),
    ] {
        let (one, other) = (rounds("one", key, place), rounds("other", key, place));
        let mut ratios: Vec<f64> = one.iter().zip(&other).map(|(a, b)| a / b).collect();
        ratios.sort_by(f64::total_cmp);
        assert_eq!(ratios.len(), 20);
        let reported = &measured.ratio("one", "other")[time];
        let assert_is = |key: &str, number: f64| {
            let reported = reported[key].as_f64().expect("a number");
            assert!(
                (reported / number - 1.0).abs() < 1e-9,
                "{time} {key}: {reported}, not {number}"
            );
        };
        assert_is("median", (ratios[9] + ratios[10]) / 2.0);
        // Tables of the sign test: of 20 values the 6th from either end.
        assert_is("from", ratios[5]);
        assert_is("to", ratios[14]);
    }
}

#[test]
fn baseline_is_compared_with_all() {
    let words = [variant("one", &[]), variant("two", &[])];
    let baseline = variant("least", &[]);
    let measured = measure_ok(
        &words,
        &[
            "--cold-starts",
            "6",
            "--invocations",
            "20",
            "--baseline",
            &baseline,
        ],
    );
    assert_eq!(measured.object["baseline"], "least");
    for (of, to) in [("one", "two"), ("one", "least"), ("two", "least")] {
        assert!(measured.ratio(of, to)["warm_latency"]["median"].is_number());
    }
    let without = measure_ok(&words, &["--cold-starts", "2", "--invocations", "2"]);
    assert!(without.object["baseline"].is_null());
}

#[test]
fn candidate_names_are_unique() {
    let echo = function("echo");
    let words = [
        echo.display().to_string(),
        echo.display().to_string(),
        variant("a b", &[]),
    ];
    let measured = measure_ok(&words, &["--cold-starts", "2", "--invocations", "2"]);
    let folder = echo
        .parent()
        .and_then(|folder| folder.file_name())
        .expect("a folder");
    let folder = folder.to_string_lossy();
    for name in [&folder, format!("{folder} 2").as_str(), "a b"] {
        assert_eq!(measured.number(name, "cold_starts"), 2.0);
    }
}

#[test]
fn text_report_has_tables_and_histogram() {
    let word = variant("known", &[]);
    let arguments = [
        "measure",
        &word,
        "--cold-starts",
        "20",
        "--invocations",
        "20",
        "--pin-cpu",
        "any",
    ];
    let run = run_tool(&arguments);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let text = run.text();
    for word in [
        "event of 64 bytes",
        "cold start, us",
        "warm, us",
        "memory, faults",
        "calls, bytes",
        "noise: known / itself",
        "no baseline: ",
        "on any CPU",
        "█",
        " us\n",
    ] {
        assert!(text.contains(word), "{word} in {text}");
    }
    // Without a terminal there is no progress bar.
    assert!(!text.contains('\r') && !text.contains('\x1b'));
}

#[test]
fn pin_cpu_number_is_used() {
    let word = variant("known", &[]);
    let run = run_tool(&[
        "measure",
        &word,
        "--cold-starts",
        "2",
        "--invocations",
        "2",
        "--json",
        "--pin-cpu",
        "0",
    ]);
    let object: serde_json::Value = serde_json::from_slice(&run.stdout).expect("an object");
    assert_eq!(object["pinned_to_cpu"], 0, "{}", run.stderr);
    let run = run_tool(&[
        "measure",
        &word,
        "--cold-starts",
        "2",
        "--invocations",
        "2",
        "--pin-cpu",
        "1023",
    ]);
    assert_eq!((run.code, run.text().as_str()), (2, ""));
    assert!(
        run.stderr
            .contains("cannot pin to CPU 1023: Invalid argument (os error 22)"),
        "{}",
        run.stderr
    );
}

#[test]
fn svg_report_is_well_formed() {
    let folder = TempDir::new();
    let file = folder.path().join("picture.svg").display().to_string();
    let words = [variant("a <b> & c", &[]), variant("other", &[])];
    measure_ok(
        &words,
        &["--cold-starts", "10", "--invocations", "2", "--svg", &file],
    );
    let picture = std::fs::read_to_string(&file).expect("a picture");
    assert!(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    assert!(picture.ends_with("</svg>\n"));
    assert!(picture.contains("@media (prefers-color-scheme:dark)"));
    assert!(picture.contains("a &lt;b&gt; &amp; c") && !picture.contains("<b>"));
    // For each candidate a line, a line in the legend, and two bars.
    assert_eq!(picture.matches("class=\"line ").count(), 4);
    assert!(matches!(picture.matches("class=\"f").count(), 2 | 4));
    // Every element is closed, and every number is finite.
    let opened = picture.matches('<').count() - picture.matches("</").count();
    let closed = picture.matches("</").count() + picture.matches("/>").count();
    assert_eq!(opened, closed, "{picture}");
    assert!(!picture.contains("NaN") && !picture.contains("inf"));

    let nowhere = folder.path().join("no/picture.svg").display().to_string();
    let arguments = [
        "measure",
        &words[1],
        "--cold-starts",
        "2",
        "--invocations",
        "2",
        "--svg",
        &nowhere,
    ];
    let run = run_tool(&arguments);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("cannot write '"), "{}", run.stderr);
}

#[test]
fn ptrace_unavailable_leaves_other_measurements() {
    if !has("strace") {
        return;
    }
    // A process can have only one tracer.
    let mut command = Command::new("strace");
    command.args(["-f", "-e", "trace=none", "-o", "/dev/null"]);
    command.arg(env!("CARGO_BIN_EXE_tinderbox")).arg("measure");
    command
        .arg(variant("known", &[]))
        .args(["--cold-starts", "2", "--invocations", "2"]);
    command.args(["--pin-cpu", "any"]);
    let output = command.output().expect("run strace");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let expected =
        "known: system calls not counted: cannot start the bootstrap under ptrace: cannot execute";
    assert!(text.contains(expected), "{text}");
    assert_eq!(text.matches("not counted").count(), 3, "{text}");
}

#[test]
fn usage_error_is_one_line_with_exit_status_2() {
    for (arguments, text) in [
        (
            vec!["measure"],
            "measure: missing bootstrap: name an executable, or a folder",
        ),
        (
            vec!["measure", "a", "b"],
            "measure: unexpected argument 'b'",
        ),
        (
            vec!["measure", "a", "--no"],
            "measure: unexpected option '--no'",
        ),
        (
            vec!["measure", "a", "--cold-starts", "0"],
            "invalid --cold-starts '0': expected an integer from 1 to 10000000",
        ),
        (
            vec!["measure", "a", "--invocations", "x"],
            "invalid --invocations 'x': expected an integer from 1",
        ),
        (
            vec!["measure", "a", "--event-size", "0"],
            "invalid --event-size '0': expected bytes from 1 to 6291556",
        ),
        (
            vec!["measure", "a", "--event-size", "6291557"],
            "invalid --event-size '6291557': expected bytes",
        ),
        (
            vec!["measure", "a", "--event", "1", "--event-size", "1"],
            "--event and --event-size exclude each other",
        ),
        (
            vec!["measure", "a", "--event", "{"],
            "the event is not JSON",
        ),
        (
            vec!["measure", "a", "--pin-cpu", "-1"],
            "invalid --pin-cpu '-1': expected a CPU from 0 to 1023, or any",
        ),
        (
            vec!["measure", "a", "--env", "A"],
            "invalid --env 'A': expected NAME=VALUE",
        ),
        (
            vec!["measure", "a,b=c"],
            "invalid setting 'b=c' of a bootstrap: expected handler=H, task-root=DIR or env",
        ),
        (vec!["measure", "a,handler=b c"], "invalid --handler 'b c'"),
        (
            vec!["measure", "/bin/sh,task-root=/nonexistent"],
            "invalid task root '/nonexistent': not a directory",
        ),
        (vec!["report", "--no"], "report: unexpected option '--no'"),
        (
            vec!["report", "/nonexistent"],
            "cannot read the log '/nonexistent': No such file or directory (os error 2)",
        ),
    ] {
        let run = run_tool(&arguments);
        assert_eq!((run.code, run.text().as_str()), (2, ""), "{arguments:?}");
        assert!(run.stderr.starts_with("tinderbox: "), "{}", run.stderr);
        assert_eq!(
            run.stderr.matches('\n').count(),
            1,
            "{arguments:?}: {}",
            run.stderr
        );
        assert!(run.stderr.contains(text), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn help_text_names_every_option_and_key() {
    let measure = run_tool(&["help", "measure"]).text();
    for option in [
        "--compare",
        "--baseline",
        "--cold-starts N",
        "--invocations N",
        "--event ",
        "--event-size",
        "--expect",
        "--accept-errors",
        "--handler",
        "--env",
        "--memory",
        "--timeout",
        "--pin-cpu",
        "--json",
        "--svg",
    ] {
        assert!(measure.contains(option), "{option}");
    }
    assert_eq!(run_tool(&["measure", "x", "--help"]).text(), measure);
    assert_eq!(
        run_tool(&["report", "-h"]).text(),
        run_tool(&["help", "report"]).text()
    );
    // It names every key of the object.
    let measured = measure_ok(
        &[variant("known", &[])],
        &["--cold-starts", "2", "--invocations", "2"],
    );
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    };
    let mut all = keys(&measured.object);
    all.extend(keys(measured.of("known")));
    all.extend(keys(&measured.object["noise"]));
    for key in all {
        assert!(measure.contains(&key), "{key}");
    }
}
