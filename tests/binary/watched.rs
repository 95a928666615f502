//! The system calls and the memory of running binaries.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::skip::{has, skip};
use crate::support::api::{Event, Script, Server};
use crate::support::process::PATIENCE_MS;
use crate::support::start::Start;
use crate::support::{TempDir, bootstrap, bound, function, proc, runner, spawn};

/// The names of the system calls of a run over some events, in order, without those of children;
/// `None` without a tracer.
fn system_calls(binary: &Path, variables: &[(&str, &str)], events: usize) -> Option<Vec<String>> {
    if runner().is_none() && !has("strace") {
        return None;
    }
    let folder = TempDir::new();
    let trace = folder.path().join("trace");
    let mut command = match runner() {
        None => {
            let mut command = Command::new("strace");
            command.arg("-o").arg(&trace).arg(binary);
            command
        }
        Some(runner) => {
            let mut command = Command::new(runner);
            command.args(["-D", trace.to_str()?, "-strace"]).arg(binary);
            command
        }
    };
    let bodies: Vec<Event> = (0..events)
        .map(|n| Event::new(&format!("id-{n}"), "{}"))
        .collect();
    let server = Server::start(Script::events(&bodies));
    command.env_clear().env("PATH", std::env::var_os("PATH")?);
    command.env("AWS_LAMBDA_RUNTIME_API", server.address());
    command.envs(variables.iter().copied());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = spawn(&mut command);
    let idle = server.wait_idle(bound(PATIENCE_MS));
    let ledger = server.ledger();
    drop(server); // closes the connection and the listener: the runtime exits with 1
    let status = exit_code(&mut child);
    assert!(idle && status == Some(1), "exit {status:?}; {ledger}");
    ledger.assert_balanced();
    let text = fs::read_to_string(&trace).expect("read the trace");
    // strace: `name(arguments) = result`; qemu: the same after the pid.
    let name = |line: &str| {
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        Some(call.split_once('(')?.0.to_string())
    };
    // A signal has a line as well.
    let calls = text.lines().filter(|line| !line.starts_with("---"));
    Some(calls.filter_map(name).collect())
}

/// Waits for the exit code; kills the process at the limit.
fn exit_code(child: &mut Child) -> Option<i32> {
    let end = Instant::now() + bound(PATIENCE_MS);
    while Instant::now() < end {
        if let Some(status) = child.try_wait().expect("wait for the tracer") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

#[test]
fn first_request_is_sent_after_five_or_three_system_calls() {
    // The start code of libc. qemu sets up the thread area without a system call, as aarch64 does
    // anyway.
    let start: &[&str] = match runner() {
        None => &["arch_prctl", "set_tid_address"],
        Some(_) => &["set_tid_address"],
    };
    for (name, start) in [("echo", start), ("bare", &[])] {
        let Some(calls) = system_calls(&function(name), &[], 1) else {
            return;
        };
        let calls = calls
            .strip_prefix(&["execve".to_string()][..])
            .unwrap_or(&calls);
        let first = calls.iter().position(|call| call == "sendto");
        let list = [start, &["socket", "connect", "sendto"]].concat();
        assert_eq!(calls[..=first.expect("it sends")], list, "{name}");
    }
}

#[test]
fn warm_event_takes_three_system_calls() {
    let events = 101;
    let Some(calls) = system_calls(&function("echo"), &[], events) else {
        return;
    };
    // From the second answer to the last one.
    let sends: Vec<usize> = (0..calls.len())
        .filter(|&at| calls[at] == "sendto")
        .collect();
    // The first request; each answer with the next one; at the end, perhaps, a retry.
    assert!(sends.len() > events, "{} sends", sends.len());
    let warm = &calls[sends[1]..sends[events]];
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for call in warm {
        *counts.entry(call).or_default() += 1;
    }
    println!("{} events: {counts:?}", events - 1);
    let is_at_most_three = warm.len() <= 3 * (events - 1);
    assert!(is_at_most_three && counts.len() == 2, "{counts:?}");
    assert_eq!(counts["sendto"], events - 1);
}

/// The system calls of `bootstrap` are a budget like its size: each has a reason here.
#[test]
fn bootstrap_makes_only_the_system_calls_of_its_budget() {
    if runner().is_some() {
        skip("under qemu, some calls are qemu's");
        return;
    }
    let events = 21;
    let variables = [("LAMBDA_TASK_ROOT", "/bin"), ("_HANDLER", "cat")];
    let Some(calls) = system_calls(&bootstrap(), &variables, events) else {
        return;
    };
    let sends: Vec<usize> = (0..calls.len())
        .filter(|&at| calls[at] == "sendto")
        .collect();
    let before = &calls[1..=sends[0]]; // after the execve
    // The start code of libc; checks that descriptors 0 to 2 are open; resets SIGCHLD, which the
    // parent may ignore; checks that the handler exists, is executable, and is not bootstrap
    // itself, which would start itself without end; ignores SIGPIPE of the log, and checks that the
    // log does not block; the log line; SIGTERM, which the handler gets too; the request.
    let reasons = [
        &["arch_prctl", "set_tid_address", "openat", "close"][..],
        &["rt_sigaction"],
        &["newfstatat", "faccessat", "newfstatat"],
        &["rt_sigaction", "ppoll", "writev"],
        &["rt_sigprocmask", "signalfd4"],
        &["socket", "connect", "sendto"],
    ];
    assert_eq!(before, reasons.concat());

    // Per event. The number of waits and reads depends on the program.
    let waits = ["ppoll", "clock_gettime", "read"];
    let warm = &calls[sends[1]..sends[events]];
    let fixed = warm.iter().filter(|call| !waits.contains(&call.as_str()));
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for call in fixed {
        *counts.entry(call).or_default() += 1;
    }
    for (call, most) in [
        // The event in an in-memory file.
        ("memfd_create", 1),
        ("write", 1),
        ("lseek", 1),
        // Standard output and error, with non-blocking reading ends.
        ("pipe2", 2),
        ("fcntl", 2),
        // The child, which has to know its parent, and its pidfd.
        ("getpid", 1),
        ("clone", 1),
        ("pidfd_open", 1),
        // Its status, and a check for other children.
        ("wait4", 1),
        ("waitid", 1),
        // Three ends of the child, three of the runtime.
        ("close", 6),
        ("sendto", 1),
    ] {
        let count = counts.remove(call).unwrap_or_default();
        let all = most * (events - 1);
        assert!(count <= all, "{call}: {count} in {} events", events - 1);
    }
    assert!(counts.is_empty(), "others: {counts:?}");
}

#[test]
fn memory_at_rest_is_small_and_never_writable_and_executable() {
    if runner().is_some() {
        skip("under qemu, memory is qemu's");
        return;
    }
    let folder = TempDir::new();
    folder.executable("program", b"#!/bin/sh\nexec cat\n");
    let root = folder.path().to_str().expect("text");
    for (binary, resident_kib_max) in [
        (function("echo"), Some(64)),
        (function("bare"), Some(64)),
        (bootstrap(), None),
    ] {
        let event = Event::new("one", "{}");
        let server = Server::start(Script::events([&event]));
        let start = Start::new(&binary)
            .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
            .variable("_HANDLER", "program")
            .variable("LAMBDA_TASK_ROOT", root);
        let mut process = start.spawn();
        process.until_idle(&server);
        assert_no_mapping_is_written_and_run(process.pid());
        let private = private_kib(process.pid());
        let all = proc::resident_kib(process.pid());
        println!("{}: {all} KiB, {private} private", binary.display());
        let is_small = resident_kib_max.is_none_or(|most| private <= most);
        assert!(is_small, "{private} KiB private at rest");
    }
}

fn assert_no_mapping_is_written_and_run(pid: u32) {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("read maps");
    assert!(maps.contains("[stack]"), "{maps}");
    for line in maps.lines() {
        let rights = line.split(' ').nth(1).expect("rights");
        assert!(!(rights.contains('w') && rights.contains('x')), "{line}");
    }
}

/// The private resident memory of a process in KiB.
fn private_kib(pid: u32) -> u64 {
    let smaps = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("read smaps");
    let kib = |name: &str| -> u64 {
        let line = smaps.lines().find_map(|line| line.strip_prefix(name));
        let number = line.expect("a line").trim().trim_end_matches(" kB");
        number.parse().expect("a number")
    };
    kib("Private_Clean:") + kib("Private_Dirty:")
}
