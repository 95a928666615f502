//! What a server takes: memory, threads, system calls.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// A number in the status of a process, proc(5).
pub fn status(pid: u32, name: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("read /proc");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no {name} of process {pid}"))
}

/// Lets this process and its children have as many descriptors as the system allows.
pub fn raise_descriptor_limit() {
    let own = std::process::id().to_string();
    let mut command = Command::new("prlimit");
    let _ = command.args(["--pid", &own, "--nofile=8192:"]).status();
}

/// The system calls of a process's threads while something runs; `None` where strace cannot attach.
pub fn system_calls(pid: u32, run: impl FnOnce()) -> Option<u64> {
    let mut command = Command::new("strace");
    command.args(["-c", "-f", "-U", "calls,name", "-p", &pid.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::piped()).spawn().ok()?;
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    // "strace: Process 123 attached", once or with the number of threads.
    let first = lines.next().and_then(Result::ok).unwrap_or_default();
    if !first.contains("attached") {
        let _ = child.wait();
        return None;
    }
    run();
    let tracer = child.id().to_string();
    let _ = Command::new("kill").args(["-INT", &tracer]).status();
    let _ = child.wait();
    let mut total = None;
    for line in lines.map_while(Result::ok) {
        let mut words = line.split_whitespace();
        if let (Some(count), Some("total")) = (words.next(), words.next()) {
            total = count.parse().ok();
        }
    }
    total
}
