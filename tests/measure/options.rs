//! Options of `measure`: events, names, the floor, the picture, the text, and what is refused.

use std::process::Command;

use crate::known::{measure_well, variant};
use crate::skip::has;
use crate::support::{TempDir, function};
use crate::tool::finish;

#[test]
fn events_have_exactly_the_size_that_is_asked_for() {
    let echo = format!("echo={}", function("echo").display());
    for size in ["1", "7", "8", "2048", "2049", "6291556"] {
        let options = [
            "-n",
            "2",
            "-m",
            "4",
            "--expect",
            "echo",
            "--event-size",
            size,
        ];
        let measured = measure_well(&[echo.clone(), variant("known", &[])], &options);
        assert_eq!(measured.object["event_bytes"].to_string(), size);
        assert_eq!(measured.number("echo", "right_answers"), 6.0);
    }
}

#[test]
fn an_event_comes_from_a_file() {
    let folder = TempDir::new();
    let event = folder
        .file("event.json", b"{\"from\": \"a file\"}\n")
        .display()
        .to_string();
    let expect = folder
        .file("expect", b"{\"from\": \"a file\"}\n")
        .display()
        .to_string();
    let options = ["-n", "2", "-m", "2", "--event", &event, "--expect", &expect];
    let measured = measure_well(&[variant("known", &[])], &options);
    assert_eq!(measured.object["event_bytes"], 19);
}

#[test]
fn ratios_are_of_pairs_with_an_interval_from_six_on() {
    let words = [
        variant("plain", &[]),
        variant("slow", &["KNOWN_SLEEP_US=20000"]),
    ];
    for (starts, has_interval) in [("5", false), ("6", true), ("7", true)] {
        let measured = measure_well(&words, &["-n", starts, "-m", "20"]);
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
            assert!(
                at("to") < 1.0,
                "a start without 20 ms of sleep is faster: {ratio}"
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
fn ratios_follow_from_the_raw_figures() {
    let words = [variant("one", &[]), variant("other", &[])];
    let measured = measure_well(&words, &["-n", "20", "-m", "200"]);
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
        let told = &measured.ratio("one", "other")[time];
        let is = |key: &str, number: f64| {
            let told = told[key].as_f64().expect("a number");
            assert!(
                (told / number - 1.0).abs() < 1e-9,
                "{time} {key}: {told}, not {number}"
            );
        };
        is("median", (ratios[9] + ratios[10]) / 2.0);
        // Tables of the sign test: of 20, the 6th from either end.
        is("from", ratios[5]);
        is("to", ratios[14]);
    }
}

#[test]
fn all_are_compared_with_the_floor() {
    let words = [variant("one", &[]), variant("two", &[])];
    let floor = variant("least", &[]);
    let measured = measure_well(&words, &["-n", "6", "-m", "20", "--floor", &floor]);
    assert_eq!(measured.object["floor"], "least");
    for (of, to) in [("one", "two"), ("one", "least"), ("two", "least")] {
        assert!(measured.ratio(of, to)["warm_latency"]["median"].is_number());
    }
    let without = measure_well(&words, &["-n", "2", "-m", "2"]);
    assert!(without.object["floor"].is_null());
}

#[test]
fn names_are_given_or_taken_from_the_path_and_told_apart() {
    let echo = function("echo");
    let words = [
        echo.display().to_string(),
        echo.display().to_string(),
        variant("a b", &[]),
    ];
    let measured = measure_well(&words, &["-n", "2", "-m", "2"]);
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
fn the_text_has_every_figure_and_a_histogram() {
    let word = variant("known", &[]);
    let arguments = ["measure", &word, "-n", "20", "-m", "20", "--cpu", "any"];
    let run = finish(&arguments);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let text = run.text();
    for word in [
        "event of 64 bytes",
        "cold start, us",
        "warm, us",
        "memory, faults",
        "calls, bytes",
        "noise: known / itself",
        "no floor: ",
        "on any CPU",
        "█",
        " us\n",
    ] {
        assert!(text.contains(word), "{word} in {text}");
    }
    // There is no terminal here, so there is no bar.
    assert!(!text.contains('\r') && !text.contains('\x1b'));
}

#[test]
fn one_processor_is_used_when_it_is_named() {
    let word = variant("known", &[]);
    let run = finish(&[
        "measure", &word, "-n", "2", "-m", "2", "--json", "--cpu", "0",
    ]);
    let object: serde_json::Value = serde_json::from_slice(&run.stdout).expect("an object");
    assert_eq!(object["pinned_to_cpu"], 0, "{}", run.stderr);
    let run = finish(&["measure", &word, "-n", "2", "-m", "2", "--cpu", "1023"]);
    assert_eq!((run.code, run.text().as_str()), (2, ""));
    assert!(
        run.stderr
            .contains("--cpu 1023: there is no such processor"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_picture_is_whole_and_for_light_and_dark() {
    let folder = TempDir::new();
    let file = folder.path().join("picture.svg").display().to_string();
    let words = [variant("a <b> & c", &[]), variant("other", &[])];
    measure_well(&words, &["-n", "10", "-m", "2", "--svg", &file]);
    let picture = std::fs::read_to_string(&file).expect("a picture");
    assert!(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    assert!(picture.ends_with("</svg>\n"));
    assert!(picture.contains("@media (prefers-color-scheme:dark)"));
    assert!(picture.contains("a &lt;b&gt; &amp; c") && !picture.contains("<b>"));
    // A line for each, and one for each in the legend; two bars for each.
    assert_eq!(picture.matches("class=\"line ").count(), 4);
    assert!(matches!(picture.matches("class=\"f").count(), 2 | 4));
    // Every element is closed, and no number is none.
    let opened = picture.matches('<').count() - picture.matches("</").count();
    let closed = picture.matches("</").count() + picture.matches("/>").count();
    assert_eq!(opened, closed, "{picture}");
    assert!(!picture.contains("NaN") && !picture.contains("inf"));

    let nowhere = folder.path().join("no/picture.svg").display().to_string();
    let arguments = [
        "measure", &words[1], "-n", "2", "-m", "2", "--svg", &nowhere,
    ];
    let run = finish(&arguments);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("cannot be written"), "{}", run.stderr);
}

#[test]
fn where_nothing_may_be_traced_the_rest_is_measured() {
    if !has("strace") {
        return;
    }
    // What is traced already cannot be traced by another.
    let mut command = Command::new("strace");
    command.args(["-f", "-e", "trace=none", "-o", "/dev/null"]);
    command.arg(env!("CARGO_BIN_EXE_tinderbox")).arg("measure");
    command
        .arg(variant("known", &[]))
        .args(["-n", "2", "-m", "2"]);
    command.args(["--cpu", "any"]);
    let output = command.output().expect("run strace");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let said = "known: system calls not counted: the system does not let it be started";
    assert!(text.contains(said), "{text}");
    assert_eq!(text.matches("not counted").count(), 3, "{text}");
}

#[test]
fn wrong_usage_is_one_line_and_exit_2() {
    for (arguments, text) in [
        (vec!["measure"], "measure: name a bootstrap or a folder"),
        (vec!["measure", "a", "b"], "'b' is one argument too many"),
        (vec!["measure", "a", "--no"], "there is no option --no"),
        (
            vec!["measure", "a", "-n", "0"],
            "-n '0' is not a number from 1",
        ),
        (
            vec!["measure", "a", "-m", "x"],
            "-m 'x' is not a number from 1",
        ),
        (
            vec!["measure", "a", "--event-size", "0"],
            "is not a number of bytes from 1",
        ),
        (
            vec!["measure", "a", "--event-size", "6291557"],
            "is not a number of bytes",
        ),
        (
            vec!["measure", "a", "--event", "1", "--event-size", "1"],
            "one of the two",
        ),
        (
            vec!["measure", "a", "--event", "{"],
            "the event is not JSON",
        ),
        (
            vec!["measure", "a", "--cpu", "-1"],
            "neither the number of one nor 'any'",
        ),
        (
            vec!["measure", "a", "--env", "A"],
            "--env 'A' is not NAME=VALUE",
        ),
        (
            vec!["measure", "a,b=c"],
            "'b=c' behind a comma is none of handler=H",
        ),
        (vec!["measure", "a,handler=b c"], "no white space"),
        (
            vec!["measure", "/bin/sh,root=/nonexistent"],
            "is not a folder",
        ),
        (vec!["report", "--no"], "there is no option --no"),
        (
            vec!["report", "/nonexistent"],
            "the log '/nonexistent' cannot be read",
        ),
    ] {
        let run = finish(&arguments);
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
fn help_names_every_option() {
    let measure = finish(&["help", "measure"]).text();
    for option in [
        "--vs",
        "--floor",
        "-n N",
        "-m M",
        "--event ",
        "--event-size",
        "--expect",
        "--accept-errors",
        "--handler",
        "--env",
        "--memory",
        "--timeout",
        "--cpu",
        "--json",
        "--svg",
    ] {
        assert!(measure.contains(option), "{option}");
    }
    assert_eq!(finish(&["measure", "x", "--help"]).text(), measure);
    assert_eq!(
        finish(&["report", "-h"]).text(),
        finish(&["help", "report"]).text()
    );
    // Every key of the object is named.
    let measured = measure_well(&[variant("known", &[])], &["-n", "2", "-m", "2"]);
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
