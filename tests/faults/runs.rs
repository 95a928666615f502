//! Runs a subject under each fault.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cases::{Fault, Subject, calls, faults, sample};
use crate::judge::{Verdict, judge};
use crate::loads::DEADLINE_MS;
use crate::skip::skip;
use crate::support::api::{Script, ScriptedReply, Server};
use crate::support::watch::{Rest, until_rest_within};
use crate::support::{TempDir, bound, runner};

/// The usual run tries every second occurrence of each call and errno.
const STRIDE: usize = 2;

/// After this many violations of a call and an errno, these are not tried further: each may be a
/// hang.
const VIOLATIONS_MAX: usize = 2;

/// A run without a request for this time hangs: twice the time of an event.
const HANG_MS: u64 = 2 * DEADLINE_MS;

/// Whether system calls can be made to fail here; reports the test as skipped when not.
fn can_inject(strace: &Path) -> bool {
    if runner().is_some() {
        skip("strace sees the system calls of the runner");
        return false;
    }
    let mut command = Command::new(strace);
    command.args([
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "inject=close:error=EIO:when=1",
        "true",
    ]);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let can = command.status().is_ok_and(|status| status.success());
    if !can {
        skip("strace cannot trace here, or is not there");
    }
    can
}

/// One run, with or without a fault: its verdict, whether the fault was injected, and its calls.
struct Run {
    verdict: Result<Verdict, String>,
    is_injected: bool,
    calls: BTreeMap<String, usize>,
    details: String,
}

fn run(subject: &Subject, strace: &Path, fault: Option<&Fault>) -> Run {
    let dir = TempDir::new();
    let trace = dir.path().join("trace");
    let mut words = vec![
        strace.to_str().expect("a path in UTF-8"),
        "-qq",
        "-o",
        trace.to_str().expect("a path in UTF-8"),
    ];
    let (inject, only) = match fault {
        Some(fault) => (
            format!("inject={}", fault.injection()),
            format!("trace={}", fault.call),
        ),
        None => Default::default(),
    };
    if fault.is_some() {
        words.extend(["-e", &only, "-e", &inject]);
    }
    let server = Server::start(Script {
        redelivers: true,
        ..Script::default()
    });
    let start = subject.start.clone().under(&words);
    let start = start.variable("AWS_LAMBDA_RUNTIME_API", &server.address());
    let mut process = start.spawn();
    let mut rest = until_rest_within(&mut process, &server, bound(HANG_MS));
    // Created after the start, since their deadlines run.
    let events = subject.load.events();
    if rest == Rest::Idle {
        server.more(events.iter().map(ScriptedReply::event).collect());
        rest = until_rest_within(&mut process, &server, bound(HANG_MS));
    }
    let (outcome, left) = process.stop(server);
    let text = std::fs::read(&trace).unwrap_or_default();
    Run {
        verdict: judge(rest, &outcome, &left, &events),
        is_injected: String::from_utf8_lossy(&text).contains("(INJECTED)"),
        calls: calls(&trace),
        details: format!("{}\n{:.3000}", outcome.ledger, outcome.stderr),
    }
}

/// Runs the subject without a fault, and then with each.
pub fn try_faults(subject: Subject) {
    let name = &subject.name;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut paths = std::env::split_paths(&path).map(|folder| folder.join("strace"));
    let strace = paths.find(|path| path.is_file()).unwrap_or_default();
    if !can_inject(&strace) {
        return;
    }
    let clean = run(&subject, &strace, None);
    let right = clean.verdict == Ok(subject.load.verdict());
    assert!(
        right,
        "{name} without a fault: {:?}\n{}",
        clean.verdict, clean.details
    );
    println!("{name} makes {:?}", clean.calls);
    let mut all = faults(&clean.calls);
    all.retain(|fault| subject.load.concerns(&fault.call));
    let tried = match std::env::var_os("TINDERBOX_SOAK") {
        Some(_) => all.clone(),
        None => sample(&all, STRIDE),
    };
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    let (mut injected, mut done) = (0, 0);
    let mut violations = Vec::new();
    let mut wrong_of: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for fault in &tried {
        let wrongs = wrong_of.entry((&fault.call, fault.errno)).or_default();
        if *wrongs == VIOLATIONS_MAX {
            continue;
        }
        let run = run(&subject, &strace, Some(fault));
        done += 1;
        injected += usize::from(run.is_injected);
        match run.verdict {
            Ok(verdict) => *counts.entry(verdict).or_default() += 1,
            Err(wrong) => {
                let line = format!("{name} {}: {wrong}", fault.injection());
                println!("{line}\n{}", run.details);
                violations.push(line);
                *wrongs += 1;
            }
        }
    }
    println!(
        "{name}: {done} of {} faults tried, {injected} injected, {counts:?}, {} violations",
        all.len(),
        violations.len()
    );
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
    assert!(
        injected * 2 > done,
        "{name}: only {injected} of {done} faults were injected"
    );
}
