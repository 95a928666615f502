//! What the files do when they run.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::api::{Event, Script, Server};
use crate::support::process::PATIENCE_MS;
use crate::support::start::Start;
use crate::support::{TempDir, bound, function, proc, runner};

/// The system calls of a run over so many events, by name, in order; `None` without a tracer.
fn system_calls(events: usize) -> Option<Vec<String>> {
    let folder = TempDir::new();
    let trace = folder.path().join("trace");
    let binary = function("echo");
    let mut command = match runner() {
        None => {
            let mut command = Command::new("strace");
            command.arg("-o").arg(&trace).arg(&binary);
            command
        }
        Some(runner) => {
            let mut command = Command::new(runner);
            command
                .args(["-D", trace.to_str()?, "-strace"])
                .arg(&binary);
            command
        }
    };
    let bodies: Vec<Event> = (0..events)
        .map(|n| Event::new(&format!("id-{n}"), "{}"))
        .collect();
    let server = Server::start(Script::events(&bodies));
    command.env_clear().env("PATH", std::env::var_os("PATH")?);
    command.env("AWS_LAMBDA_RUNTIME_API", server.address());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("skipped: no tracer: {error}");
            return None;
        }
    };
    let idle = (0..bound(PATIENCE_MS).as_millis() / 10)
        .any(|_| server.wait_idle(Duration::from_millis(10)));
    server.ledger().assert_balanced();
    drop(server); // closes the connection, and nobody listens any more: the runtime exits with 1
    let status = child.wait().expect("wait for the tracer");
    assert!(idle && status.code() == Some(1), "{status}");
    let text = fs::read_to_string(&trace).expect("read the trace");
    // strace: `name(arguments) = result`; qemu: the same behind the pid.
    let name = |line: &str| {
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        Some(call.split_once('(')?.0.to_string())
    };
    Some(text.lines().filter_map(name).collect())
}

#[test]
fn five_system_calls_come_before_the_first_request_is_out() {
    let Some(calls) = system_calls(1) else { return };
    let first = calls
        .iter()
        .position(|call| call == "sendto")
        .expect("it sends");
    // qemu sets up the thread area without asking the kernel, as aarch64 does anyway.
    let list: &[&str] = match runner() {
        None => &[
            "execve",
            "arch_prctl",
            "set_tid_address",
            "socket",
            "connect",
            "sendto",
        ],
        Some(_) => &["set_tid_address", "socket", "connect", "sendto"],
    };
    assert_eq!(calls[..=first], *list);
}

#[test]
fn a_warm_event_is_three_system_calls() {
    let events = 101;
    let Some(calls) = system_calls(events) else {
        return;
    };
    // From the second answer to the last one.
    let sends: Vec<usize> = (0..calls.len())
        .filter(|&at| calls[at] == "sendto")
        .collect();
    // The first request; each answer with the next one; and perhaps, at the end, a new try.
    assert!(sends.len() > events, "{} sends", sends.len());
    let warm = &calls[sends[1]..sends[events]];
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for call in warm {
        *counts.entry(call).or_default() += 1;
    }
    println!("{} events: {counts:?}", events - 1);
    let both_in_one_read = warm.len() <= 3 * (events - 1);
    assert!(both_in_one_read && counts.len() == 2, "{counts:?}");
    assert_eq!(counts["sendto"], events - 1);
}

#[test]
fn nothing_in_memory_is_both_written_and_run_and_little_is_resident() {
    if runner().is_some() {
        println!("skipped: under qemu, memory is qemu's");
        return;
    }
    let event = Event::new("one", "{}");
    let server = Server::start(Script::events([&event]));
    let start = Start::new(&function("echo")).variable("AWS_LAMBDA_RUNTIME_API", &server.address());
    let mut process = start.spawn();
    process.until_idle(&server);
    let folder = format!("/proc/{}", process.pid());
    let maps = fs::read_to_string(Path::new(&folder).join("maps")).expect("read maps");
    for line in maps.lines() {
        let rights = line.split(' ').nth(1).expect("rights");
        assert!(!(rights.contains('w') && rights.contains('x')), "{line}");
    }
    let smaps = fs::read_to_string(Path::new(&folder).join("smaps_rollup")).expect("read smaps");
    let kib = |name: &str| -> u64 {
        let line = smaps
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .expect("a line");
        line.trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number")
    };
    let own = kib("Private_Clean:") + kib("Private_Dirty:");
    println!(
        "resident {} KiB, {own} KiB of its own",
        proc::resident_kib(process.pid())
    );
    assert!(own <= 64, "{own} KiB of its own at rest");
}
