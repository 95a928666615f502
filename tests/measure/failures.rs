//! Failures of measured bootstraps: messages, exit statuses, no process left.

use crate::harness::{Finished, command, run_tool, wait, wait_until};
use crate::known::{known, variant};
use crate::support::{self, TempDir, proc, sys};

const SIGINT: i32 = 2;

/// Asserts a run without a report: its exit status and its message.
fn assert_fails(word: &str, options: &[&str], code: i32, message: &str) -> Finished {
    let mut arguments = vec![
        "measure",
        word,
        "--cold-starts",
        "2",
        "--invocations",
        "2",
        "--pin-cpu",
        "any",
    ];
    arguments.extend(options);
    let run = run_tool(&arguments);
    assert_eq!(
        (run.code, run.text().as_str()),
        (code, ""),
        "{word}: {}",
        run.stderr
    );
    assert!(
        run.stderr.starts_with("tinderbox: "),
        "{word}: {}",
        run.stderr
    );
    assert!(run.stderr.contains(message), "{word}: {}", run.stderr);
    run
}

#[test]
fn bootstrap_exit_is_reported_with_its_output() {
    let folder = TempDir::new();
    let script = folder.executable(
        "bootstrap",
        b"#!/bin/sh\necho no configuration >&2\nexit 7\n",
    );
    let run = assert_fails(
        &script.display().to_string(),
        &[],
        1,
        "bootstrap): exited with status 7 before it requested an event; its output:\n    no \
         configuration\n",
    );
    assert!(run.stderr.contains(&script.display().to_string()));
}

#[test]
fn bootstrap_killed_by_signal_is_reported() {
    let folder = TempDir::new();
    let script = folder.executable("bootstrap", b"#!/bin/sh\nkill -SEGV $$\n");
    let message = "was killed by signal 11 (segmentation fault) before it requested an event";
    assert_fails(&script.display().to_string(), &[], 1, message);
}

#[test]
fn bootstrap_without_next_is_reported_after_the_timeout() {
    let word = variant("silent", &["KNOWN_SILENT=1"]);
    let message = "): did not request an event within 0.5 s\n";
    assert_fails(&word, &["--timeout", "0.5"], 1, message);
}

#[test]
fn bootstrap_without_answer_is_reported_after_the_timeout() {
    let word = variant("slow", &["KNOWN_EVENT_SLEEP_US=5000000"]);
    let message = "): did not answer event 1 within 0.5 s\n";
    assert_fails(&word, &["--timeout", "0.5"], 1, message);
}

#[test]
fn bootstrap_sending_malformed_http_is_reported() {
    let word = variant("garbage", &["KNOWN_GARBAGE=1"]);
    assert_fails(
        &word,
        &[],
        1,
        "exited with status 6 before it requested an event",
    );
}

#[test]
fn init_error_is_reported_with_its_text() {
    let word = variant("fails", &["KNOWN_INIT_ERROR=1"]);
    let message = "): posted an init error: Known.Init: as planned";
    assert_fails(&word, &[], 1, message);
}

#[test]
fn bootstrap_with_only_wrong_answers_is_not_measured() {
    let word = variant("wrong", &["KNOWN_WRONG=error", "KNOWN_WRONG_EVERY=1"]);
    let message = "): returned the error Known.Error: as planned (each of 3 events)";
    assert_fails(&word, &[], 1, message);
}

#[test]
fn comparison_that_fails_is_named() {
    let comparison = variant("broken", &["KNOWN_SILENT=1"]);
    let message = "broken (";
    assert_fails(
        &variant("plain", &[]),
        &["--compare", &comparison, "--timeout", "2"],
        1,
        message,
    );
}

#[test]
fn file_not_executable_exits_2() {
    let folder = TempDir::new();
    let path = |name: &str| folder.path().join(name).display().to_string();
    assert_fails(&path("nothing"), &[], 2, "cannot read '");
    assert_fails(
        &folder.path().display().to_string(),
        &[],
        2,
        "no file named bootstrap in the folder",
    );
    folder.file("plain", b"#!/bin/sh\n");
    assert_fails(
        &path("plain"),
        &[],
        2,
        "it is not executable; make it so with: chmod +x",
    );
    folder.executable("text", b"hello\n");
    assert_fails(
        &path("text"),
        &[],
        2,
        "it is neither an ELF program nor a script",
    );
    folder.executable("gone", b"#!/nonexistent/interpreter\n");
    assert_fails(
        &path("gone"),
        &[],
        2,
        "its interpreter '/nonexistent/interpreter' does not exist",
    );
    let comparison = path("nothing");
    assert_fails(
        &known().display().to_string(),
        &["--compare", &comparison],
        2,
        "cannot read '",
    );
    assert_fails(
        &known().display().to_string(),
        &["--baseline", &comparison],
        2,
        "cannot read '",
    );
}

#[test]
fn file_of_another_architecture_is_reported() {
    let folder = TempDir::new();
    let mut file = std::fs::read(known()).expect("read the known bootstrap");
    let (machine, name) = match std::env::consts::ARCH {
        "aarch64" => (62u16, "x86_64"),
        _ => (183, "aarch64"),
    };
    file[18..20].copy_from_slice(&machine.to_le_bytes());
    let other = folder.executable("bootstrap", &file);
    let run = assert_fails(
        &other.display().to_string(),
        &[],
        2,
        &format!(
            "is built for {name} and this machine is {}",
            std::env::consts::ARCH
        ),
    );
    assert!(
        !run.stderr.contains("--runner"),
        "there is none here: {}",
        run.stderr
    );
}

#[test]
fn stop_signal_kills_measured_processes() {
    for (signal, code) in [(sys::SIGTERM, 143), (SIGINT, 130)] {
        let mark = format!("MEASURE_TEST_SIGNAL={signal}.{}", std::process::id());
        let word = variant("slow", &["KNOWN_EVENT_SLEEP_US=100000"]);
        let arguments = [
            "measure",
            &word,
            "--compare",
            &word,
            "--pin-cpu",
            "any",
            "--env",
            &mark,
        ];
        let mut child = support::spawn(&mut command(&arguments));
        let alive = || {
            proc::pids()
                .into_iter()
                .any(|pid| proc::has_mark(pid, &mark))
        };
        wait_until("it measures", alive);
        sys::kill(child.id(), signal);
        assert_eq!(wait(&mut child).code(), Some(code));
        assert!(!alive());
    }
}

#[test]
fn measure_leaves_no_process() {
    let mark = format!("MEASURE_TEST_MARK={}", std::process::id());
    let word = variant("parent", &["KNOWN_CHILD_KIB=64"]);
    let arguments = [
        "measure",
        &word,
        "--cold-starts",
        "3",
        "--invocations",
        "3",
        "--pin-cpu",
        "any",
        "--env",
        &mark,
    ];
    let run = run_tool(&arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let mut pids = proc::pids();
    pids.retain(|&pid| proc::has_mark(pid, &mark));
    assert_eq!(pids, [0u32; 0]);
}
