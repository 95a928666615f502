//! Each measurement, of a bootstrap built to produce a known value.

use std::process::{Command, Stdio};

use crate::known::{copy, known, measure, measure_ok, variant, variant_of};
use crate::skip::has;
use crate::support::{TempDir, bootstrap, function, spawn};

const SHORT_RUN: &[&str] = &["--cold-starts", "10", "--invocations", "100"];

#[test]
fn sleep_before_first_get_is_in_every_start() {
    let words = [
        variant("plain", &[]),
        variant("slow", &["KNOWN_SLEEP_US=5000"]),
    ];
    let measured = measure_ok(&words, SHORT_RUN);
    assert!(measured.number("slow", "start_to_next_us.min") >= 5000.0);
    let plain = measured.number("plain", "start_to_next_us.min");
    assert!(plain < measured.number("slow", "start_to_next_us.min"));
    for name in ["plain", "slow"] {
        assert_eq!(measured.number(name, "cold_starts"), 10.0);
        let next = measured.number(name, "start_to_next_us.p50");
        assert!(measured.number(name, "start_to_response_us.p50") > next);
        for of in [
            "start_to_next_us",
            "start_to_response_us",
            "warm_latency_us",
        ] {
            let at = |part: &str| measured.number(name, &format!("{of}.{part}"));
            assert!(
                at("min") <= at("p50") && at("p50") <= at("p90"),
                "{name} {of}"
            );
            assert!(
                at("p90") <= at("p99") && at("p99") <= at("max"),
                "{name} {of}"
            );
        }
    }
}

#[test]
fn sleep_in_handler_is_in_every_latency() {
    let words = [variant("slow", &["KNOWN_EVENT_SLEEP_US=3000"])];
    let measured = measure_ok(&words, SHORT_RUN);
    assert_eq!(measured.number("slow", "warm_invocations"), 100.0);
    assert!(measured.number("slow", "warm_latency_us.min") >= 3000.0);
    assert!(measured.number("slow", "invocations_per_s") <= 1.0 / 0.003);
    let first = measured.number("slow", "start_to_response_us.min");
    assert!(
        first >= measured.number("slow", "start_to_next_us.min") + 2000.0,
        "{first}"
    );
}

#[test]
fn touched_memory_is_resident_private_and_faulted() {
    let folder = TempDir::new();
    let own = copy(&folder);
    let words = [
        variant_of(&own, "plain", &[]),
        variant_of(&own, "large", &["KNOWN_TOUCH_KIB=10240"]),
    ];
    let measured = measure_ok(&words, SHORT_RUN);
    // These exclude page tables; the C library may touch a page or two more.
    for (key, margin) in [
        ("resident_kib", 256.0),
        ("private_kib", 64.0),
        ("warm_private_kib", 64.0),
    ] {
        let more = measured.number("large", key) - measured.number("plain", key);
        assert!((more - 10_240.0).abs() <= margin, "{key}: {more} more");
    }
    let more = measured.number("large", "minor_faults") - measured.number("plain", "minor_faults");
    assert!((2544.0..=2576.0).contains(&more), "{more} faults more");
}

#[test]
fn child_process_memory_is_counted() {
    let folder = TempDir::new();
    let own = copy(&folder);
    let words = [
        variant_of(&own, "plain", &[]),
        variant_of(&own, "parent", &["KNOWN_CHILD_KIB=20480"]),
    ];
    let measured = measure_ok(&words, SHORT_RUN);
    assert_eq!(measured.number("plain", "processes"), 1.0);
    assert_eq!(measured.number("parent", "processes"), 2.0);
    // Pages of the file, which parent and child share, are private to neither.
    let more = measured.number("parent", "private_kib") - measured.number("plain", "private_kib");
    assert!(
        (20_480.0 - 1024.0..=20_480.0 + 256.0).contains(&more),
        "{more} KiB more"
    );
}

#[test]
fn system_calls_of_known_program_are_exact() {
    let words = [
        variant("plain", &[]),
        variant("more", &["KNOWN_CALLS=100", "KNOWN_EVENT_CALLS=7"]),
        variant("reconnects", &["KNOWN_RECONNECTS=1"]),
    ];
    let measured = measure_ok(&words, SHORT_RUN);
    let before = |name| measured.number(name, "system_calls_before_next");
    assert_eq!(before("more") - before("plain"), 100.0);
    let each = |name| measured.number(name, "system_calls_per_invocation");
    // Write GET, read event, write POST, read reply; and socket, connect, close, twice.
    assert_eq!(
        (each("plain"), each("more"), each("reconnects")),
        (4.0, 11.0, 10.0)
    );
}

#[test]
fn system_calls_of_echo_match_strace() {
    if !has("strace") {
        return;
    }
    let echo = function("echo");
    let measured = measure_ok(&[format!("echo={}", echo.display())], SHORT_RUN);
    let folder = TempDir::new();
    let trace = folder.path().join("trace");
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("listen");
    let address = server.local_addr().expect("an address");
    let mut command = Command::new("strace");
    command.arg("-o").arg(&trace).arg(&echo).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("AWS_LAMBDA_RUNTIME_API", address.to_string());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = spawn(&mut command);
    let (mut stream, _) = server.accept().expect("a connection");
    let mut byte = [0];
    std::io::Read::read_exact(&mut stream, &mut byte).expect("a request");
    // Without a server it exits; only the calls up to its request count.
    drop((stream, server));
    child.wait().expect("it ends");
    let text = std::fs::read_to_string(&trace).expect("a trace");
    let calls = text.lines().skip(1); // execve
    let counted = 1 + calls
        .take_while(|line| !line.starts_with("sendto("))
        .count();
    assert_eq!(
        measured.number("echo", "system_calls_before_next"),
        counted as f64,
        "{text}"
    );
}

#[test]
fn cpu_time_of_known_spin_is_measured() {
    let words = [
        variant("plain", &[]),
        variant("busy", &["KNOWN_EVENT_SPIN_US=1000"]),
    ];
    let measured = measure_ok(&words, SHORT_RUN);
    let used = |name| measured.number(name, "cpu_us_per_invocation");
    let more = used("busy") - used("plain");
    // The spin is measured in CPU time, so a slow machine changes little.
    assert!((900.0..1500.0).contains(&more), "{more} us more");
}

#[test]
fn wrong_answers_are_counted_and_not_timed() {
    for (kind, expected) in [
        ("error", "returned the error Known.Error: as planned"),
        ("trailer", "reported an error within its response"),
        ("id", "answered the unknown event '12345'"),
        (
            "bytes",
            "returned 64 bytes that differ from the expected answer",
        ),
    ] {
        let words = [variant("wrong", &[&format!("KNOWN_WRONG={kind}")])];
        let options = [
            "--cold-starts",
            "10",
            "--invocations",
            "200",
            "--expect",
            "echo",
        ];
        let measured = measure(&words, &options);
        // Ten starts with one event each; 20 events to warm up, then 200, of which the 30th of the
        // process, the 40th, ... the 220th are wrong.
        assert_eq!(measured.number("wrong", "wrong_answers"), 20.0, "{kind}");
        assert_eq!(measured.number("wrong", "right_answers"), 190.0, "{kind}");
        assert_eq!(
            measured.number("wrong", "warm_invocations"),
            200.0,
            "{kind}"
        );
        let expected = format!("answered 20 of 210 events wrongly; the first time it {expected}");
        assert!(
            measured.run.stderr.contains(&expected),
            "{kind}: {}",
            measured.run.stderr
        );
        assert_eq!(measured.run.code, 1, "{kind}");
    }
}

#[test]
fn accept_errors_counts_errors_as_right() {
    for kind in ["error", "trailer"] {
        let words = [variant(
            "errs",
            &[&format!("KNOWN_WRONG={kind}"), "KNOWN_WRONG_EVERY=1"],
        )];
        let measured = measure_ok(
            &words,
            &[
                "--cold-starts",
                "5",
                "--invocations",
                "50",
                "--accept-errors",
            ],
        );
        assert_eq!(measured.number("errs", "right_answers"), 55.0);
    }
}

#[test]
fn bootstrap_exit_midway_leaves_the_comparison_complete() {
    let words = [variant("dies", &["KNOWN_DIES_ON=7"]), variant("plain", &[])];
    // One event to warm up, then events 2 to 6 are answered.
    let measured = measure(&words, &["--cold-starts", "8", "--invocations", "10"]);
    assert_eq!(measured.run.code, 1);
    let expected = "dies (";
    assert!(
        measured.run.stderr.contains(expected),
        "{}",
        measured.run.stderr
    );
    let expected = "): exited with status 9 during its event 7\n";
    assert!(
        measured.run.stderr.ends_with(expected),
        "{}",
        measured.run.stderr
    );
    assert_eq!(measured.number("dies", "cold_starts"), 8.0);
    assert_eq!(measured.number("dies", "warm_invocations"), 5.0);
    assert_eq!(measured.number("dies", "failed_processes"), 1.0);
    assert_eq!(measured.number("dies", "system_calls_per_invocation"), 4.0);
    assert_eq!(measured.number("plain", "warm_invocations"), 10.0);
    assert_eq!(measured.number("plain", "failed_processes"), 0.0);
}

#[test]
fn connection_per_request_is_served() {
    let words = [
        variant("plain", &[]),
        variant("reconnects", &["KNOWN_RECONNECTS=1"]),
    ];
    let measured = measure_ok(
        &words,
        &[
            "--cold-starts",
            "10",
            "--invocations",
            "100",
            "--expect",
            "echo",
        ],
    );
    assert_eq!(measured.number("plain", "connections_per_start"), 1.0);
    assert_eq!(measured.number("reconnects", "connections_per_start"), 2.0);
    assert_eq!(measured.number("reconnects", "right_answers"), 110.0);
}

#[test]
fn shell_loop_with_curl_is_measured() {
    if !has("curl") {
        return;
    }
    let folder = TempDir::new();
    let script = b"#!/bin/sh
set -eu
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while :; do
    head=$(mktemp)
    event=$(curl -sS -D \"$head\" \"$api/next\")
    id=$(tr -d '\\r' <\"$head\" | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p')
    rm \"$head\"
    curl -sS -o /dev/null -d \"$event\" \"$api/$id/response\"
done
";
    let script = folder.executable("bootstrap", script);
    let word = format!("shell={}", script.display());
    let temporary = format!("TMPDIR={}", folder.path().display());
    let options = [
        "--cold-starts",
        "3",
        "--invocations",
        "6",
        "--expect",
        "echo",
        "--env",
        &temporary,
    ];
    let measured = measure_ok(&[word], &options);
    assert_eq!(measured.number("shell", "right_answers"), 9.0);
    assert_eq!(measured.number("shell", "connections_per_start"), 2.0);
    assert_eq!(measured.of("shell")["linked"], "script, for /bin/sh");
    // Two programs are started for each event: lower bounds of that.
    assert!(measured.number("shell", "system_calls_per_invocation") > 100.0);
    assert!(measured.number("shell", "cpu_us_per_invocation") > 100.0);
}

#[test]
fn hosted_program_is_measured_with_its_folder() {
    let folder = TempDir::new();
    let host = std::fs::read(bootstrap()).expect("read bootstrap");
    folder.executable("bootstrap", &host);
    folder.executable("upper", b"#!/bin/sh\ntr a-z A-Z\n");
    folder.executable("program", b"#!/bin/sh\ncat\n");
    let path = folder.path().display();
    let options = [
        "--cold-starts",
        "3",
        "--invocations",
        "5",
        "--handler",
        "program",
        "--event",
        "{\"a\":1}",
    ];
    let all = |expect| [&options[..], &["--expect", expect]].concat();
    let words = [format!("upper={path},handler=upper")];
    measure_ok(&words, &all("{\"A\":1}"));
    let measured = measure_ok(&[format!("same={path}")], &all("echo"));
    assert_eq!(measured.of("same")["handler"], "program");
    let bytes = host.len() as f64 + 35.0;
    assert_eq!(
        measured.number("same", "bytes"),
        bytes,
        "all files of the folder"
    );
}

#[test]
fn bytes_and_linkage_match_the_file() {
    let echo = function("echo");
    let words = [
        variant("known", &[]),
        format!("echo={}", echo.display()),
        "sh=/bin/true".into(),
    ];
    let measured = measure_ok(&words[..2], &["--cold-starts", "2", "--invocations", "2"]);
    let length = |path: &std::path::Path| std::fs::metadata(path).expect("a file").len() as f64;
    assert_eq!(measured.number("known", "bytes"), length(known()));
    assert_eq!(measured.number("echo", "bytes"), length(&echo));
    assert_eq!(measured.of("echo")["linked"], "static");
    assert_eq!(measured.of("known")["linked"], "static");
    if !has("zip") {
        let reason = measured.of("echo")["zip_not_measured"].as_str();
        return assert_eq!(
            reason,
            Some("cannot run zip: No such file or directory (os error 2)")
        );
    }
    let folder = TempDir::new();
    let zip = folder.path().join("x.zip");
    let mut command = Command::new("zip");
    command.args(["-q", "-9", "-X"]).arg(&zip).arg("bootstrap");
    let status = command
        .current_dir(echo.parent().expect("a folder"))
        .status()
        .expect("run zip");
    assert!(status.success());
    assert_eq!(measured.number("echo", "zip_bytes"), length(&zip));
}
