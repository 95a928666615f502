//! What cannot be measured is told in words, with the right exit status, and nothing stays behind.

use crate::known::{known, variant};
use crate::support::{self, TempDir, proc, sys};
use crate::tool::{Finished, command, finish, until, wait};

const SIGINT: i32 = 2;

/// A run that measures nothing: a code, no report, and what it says.
fn fails(word: &str, options: &[&str], code: i32, says: &str) -> Finished {
    let mut arguments = vec!["measure", word, "-n", "2", "-m", "2", "--cpu", "any"];
    arguments.extend(options);
    let run = finish(&arguments);
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
    assert!(run.stderr.contains(says), "{word}: {}", run.stderr);
    run
}

#[test]
fn a_bootstrap_that_exits_is_told_of_with_what_it_said() {
    let folder = TempDir::new();
    let script = folder.executable(
        "bootstrap",
        b"#!/bin/sh\necho no configuration >&2\nexit 7\n",
    );
    let run = fails(
        &script.display().to_string(),
        &[],
        1,
        "it exited with status 7 before it asked for an event; it said:\n    no configuration\n",
    );
    assert!(run.stderr.contains(&script.display().to_string()));
}

#[test]
fn a_bootstrap_that_is_killed_is_told_of() {
    let folder = TempDir::new();
    let script = folder.executable("bootstrap", b"#!/bin/sh\nkill -SEGV $$\n");
    let says = "was killed by signal 11 (segmentation fault) before it asked for an event";
    fails(&script.display().to_string(), &[], 1, says);
}

#[test]
fn a_bootstrap_that_never_polls_is_waited_for_no_longer_than_said() {
    let word = variant("silent", &["KNOWN_SILENT=1"]);
    let says = "it has not asked for an event in 0.5 s\n";
    fails(&word, &["--timeout", "0.5"], 1, says);
}

#[test]
fn a_bootstrap_that_does_not_answer_is_told_of() {
    let word = variant("slow", &["KNOWN_EVENT_SLEEP_US=5000000"]);
    let says = "it has not answered (its event 1) in 0.5 s\n";
    fails(&word, &["--timeout", "0.5"], 1, says);
}

#[test]
fn what_is_not_http_is_told_of() {
    let word = variant("garbage", &["KNOWN_GARBAGE=1"]);
    fails(
        &word,
        &["--timeout", "0.5"],
        1,
        "exited with status 6 before it asked for an event",
    );
}

#[test]
fn an_init_error_is_told_with_its_text() {
    let word = variant("fails", &["KNOWN_INIT_ERROR=1"]);
    let says = "it posted an init error: Known.Init: as planned";
    fails(&word, &[], 1, says);
}

#[test]
fn a_bootstrap_that_is_always_wrong_is_not_measured() {
    let word = variant("wrong", &["KNOWN_WRONG=error", "KNOWN_WRONG_EVERY=1"]);
    let says = "it answered with the error Known.Error: as planned, 3 times of 3";
    fails(&word, &[], 1, says);
}

#[test]
fn a_rival_that_fails_is_named() {
    let rival = variant("broken", &["KNOWN_SILENT=1"]);
    let says = "broken (";
    fails(
        &variant("plain", &[]),
        &["--vs", &rival, "--timeout", "0.5"],
        1,
        says,
    );
}

#[test]
fn files_that_cannot_be_run_are_exit_2() {
    let folder = TempDir::new();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fails(&path("nothing"), &[], 2, "there is no file '");
    fails(
        &folder.path().display().to_string(),
        &[],
        2,
        "holds no file named bootstrap",
    );
    folder.file("plain", b"#!/bin/sh\n");
    fails(
        &path("plain"),
        &[],
        2,
        "is not executable; make it so with: chmod +x",
    );
    folder.executable("text", b"hello\n");
    fails(
        &path("text"),
        &[],
        2,
        "is neither an ELF program nor a script",
    );
    folder.executable("gone", b"#!/nonexistent/interpreter\n");
    fails(
        &path("gone"),
        &[],
        2,
        "needs the interpreter '/nonexistent/interpreter'",
    );
    let rival = path("nothing");
    fails(
        &known().display().to_string(),
        &["--vs", &rival],
        2,
        "there is no file '",
    );
    fails(
        &known().display().to_string(),
        &["--floor", &rival],
        2,
        "there is no file '",
    );
}

#[test]
fn a_file_for_another_machine_is_named_as_such() {
    let folder = TempDir::new();
    let mut file = std::fs::read(known()).expect("read the known bootstrap");
    let (machine, name) = match std::env::consts::ARCH {
        "aarch64" => (62u16, "x86_64"),
        _ => (183, "aarch64"),
    };
    file[18..20].copy_from_slice(&machine.to_le_bytes());
    let other = folder.executable("bootstrap", &file);
    let run = fails(
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
fn a_signal_stops_the_tool_and_what_it_measures() {
    for (signal, code) in [(sys::SIGTERM, 143), (SIGINT, 130)] {
        let mark = format!("MEASURE_TEST_SIGNAL={signal}.{}", std::process::id());
        let word = variant("slow", &["KNOWN_EVENT_SLEEP_US=100000"]);
        let arguments = [
            "measure", &word, "--vs", &word, "--cpu", "any", "--env", &mark,
        ];
        let mut child = support::spawn(&mut command(&arguments));
        let alive = || {
            proc::pids()
                .into_iter()
                .any(|pid| proc::has_mark(pid, &mark))
        };
        until("it measures", alive);
        sys::kill(child.id(), signal);
        assert_eq!(wait(&mut child).code(), Some(code));
        assert!(!alive());
    }
}

#[test]
fn nothing_stays_behind() {
    let mark = format!("MEASURE_TEST_MARK={}", std::process::id());
    let word = variant("parent", &["KNOWN_CHILD_KIB=64"]);
    let arguments = [
        "measure", &word, "-n", "3", "-m", "3", "--cpu", "any", "--env", &mark,
    ];
    let run = finish(&arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let mut pids = proc::pids();
    pids.retain(|&pid| proc::has_mark(pid, &mark));
    assert_eq!(pids, [0u32; 0]);
}
