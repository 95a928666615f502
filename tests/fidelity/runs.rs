//! Runs cases side by side, and those that fail once more, alone.

use crate::case::{Case, Class};
use crate::interpreter::Interpreter;
use crate::judge;
use crate::lambda::{self, Seen, Settings};
use crate::support::skip::skip;
use crate::support::{TempDir, machine, runner, slowness, sys};
use crate::text_logs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The judgement of a case.
pub struct Verdict {
    pub name: String,
    pub class: Class,
    /// What fails the case.
    pub faults: Vec<String>,
}

/// Whether `TINDERBOX_CASES` chooses cases.
pub fn is_filtered() -> bool {
    std::env::var_os("TINDERBOX_CASES").is_some()
}

/// Runs the cases that this machine can run, and those that fail once more.
pub fn run_all(interpreter: &Interpreter, cases: Vec<Case>) -> Vec<Verdict> {
    let cases = runnable(cases);
    let mut verdicts = run_once(interpreter, &cases);
    run_failed_again(interpreter, &cases, &mut verdicts);
    verdicts
}

/// Runs cases once, side by side.
pub fn run_once(interpreter: &Interpreter, cases: &[Case]) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..permits() {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let permit = PERMITS.acquire();
                    let verdict = attempt(interpreter, case, 1.0);
                    drop(permit);
                    let mut verdicts = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                    verdicts.push(verdict);
                }
            });
        }
    });
    let mut verdicts = verdicts
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    verdicts.sort_by(|a, b| a.name.cmp(&b.name));
    verdicts
}

/// Runs the cases that failed again, alone and with longer deadlines: a busy machine delays a
/// handler beyond a deadline that it keeps otherwise. Violations of the protocol count at once.
pub fn run_failed_again(interpreter: &Interpreter, cases: &[Case], verdicts: &mut [Verdict]) {
    for first in verdicts {
        let is_protocol = |fault: &String| fault.starts_with("protocol");
        if first.faults.is_empty() || first.faults.iter().any(is_protocol) {
            continue;
        }
        let mut cases = cases.iter();
        let case = cases.find(|case| case.name == first.name).expect("a case");
        let alone = PERMITS.acquire_all();
        let slower = machine::factor() * f64::from(slowness());
        let mut second = attempt(interpreter, case, slower);
        drop(alone);
        if second.faults.is_empty() {
            println!("{}: failed once: {}", case.name, first.faults.join("; "));
        } else if second.faults != first.faults {
            let before = format!("the first time: {}", first.faults.join("; "));
            second.faults.push(before);
        }
        *first = second;
    }
}

/// The lines that report cases that fail.
pub fn failures(verdicts: &[Verdict]) -> Vec<String> {
    let failed = verdicts.iter().filter(|verdict| !verdict.faults.is_empty());
    let report = |verdict: &Verdict| {
        let Verdict {
            name,
            class,
            faults,
            ..
        } = verdict;
        format!("{name} ({class:?})\n    {}", faults.join("\n    "))
    };
    failed.map(report).collect()
}

/// The cases that this machine can run; reports the others as skipped.
pub fn runnable(cases: Vec<Case>) -> Vec<Case> {
    let start = std::env::var("TINDERBOX_CASES").unwrap_or_default();
    let cases = cases
        .into_iter()
        .filter(|case| case.name.starts_with(&start));
    let has_opt = sys::can_mount("/opt");
    let (mut opt, mut wrapper) = (0, 0);
    let can_run = |case: &Case| {
        let needs_opt = !case.opt.is_empty() && !has_opt;
        let needs_native = case.wrapper.is_some() && runner().is_some();
        opt += usize::from(needs_opt);
        wrapper += usize::from(needs_native);
        !needs_opt && !needs_native
    };
    let cases = cases.filter(can_run).collect();
    if opt > 0 {
        skip(&format!(
            "{opt} cases with layers: only root can mount a folder over /opt"
        ));
    }
    if wrapper > 0 {
        skip(&format!(
            "{wrapper} cases with a wrapper, which starts the binary without a runner"
        ));
    }
    cases
}

fn attempt(interpreter: &Interpreter, case: &Case, slower: f64) -> Verdict {
    let dir = case.write();
    let settings = Settings {
        interpreter,
        slower,
    };
    let seen = lambda::run(case, &dir, settings);
    verdict(case, &dir, &seen)
}

fn verdict(case: &Case, dir: &TempDir, seen: &Seen) -> Verdict {
    let folder = dir.path().to_str().expect("a path in UTF-8");
    let has = |name| std::env::var_os(name).is_some();
    let mut differences = judge::differences(&case.official, seen, folder);
    let logs = text_logs::differences(&case.official, seen, folder);
    if has("TINDERBOX_DIFFERENCES") {
        for line in differences.iter().chain(&logs) {
            println!("{} ({:?}): {line}", case.name, case.class);
        }
    }
    if has("TINDERBOX_LOGS") {
        differences.extend(logs);
    }
    let faults = match case.class.is_binding() {
        true => differences,
        false => judge::unanswered(seen),
    };
    Verdict {
        name: case.name.clone(),
        class: case.class,
        faults,
    }
}

/// How many cases run at once: most of their time is waiting.
fn permits() -> usize {
    3 * std::thread::available_parallelism().map_or(1, usize::from)
}

/// Limits the runs of all tests of this program together.
struct Permits {
    state: Mutex<Taken>,
    changed: Condvar,
}

struct Taken {
    count: usize,
    /// How many wait to run alone: no other run begins before them.
    waiting: usize,
}

static PERMITS: Permits = Permits {
    state: Mutex::new(Taken {
        count: 0,
        waiting: 0,
    }),
    changed: Condvar::new(),
};

impl Permits {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit, which is returned when the result is dropped.
    fn acquire(&'static self) -> Acquired {
        let is_full = |taken: &mut Taken| taken.count >= permits() || taken.waiting > 0;
        let taken = self.changed.wait_while(self.lock(), is_full);
        taken.unwrap_or_else(PoisonError::into_inner).count += 1;
        Acquired(1)
    }

    /// Waits for all permits.
    fn acquire_all(&'static self) -> Acquired {
        self.lock().waiting += 1;
        let taken = self
            .changed
            .wait_while(self.lock(), |taken| taken.count > 0);
        let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
        taken.waiting -= 1;
        taken.count = permits();
        Acquired(permits())
    }
}

struct Acquired(usize);

impl Drop for Acquired {
    fn drop(&mut self) {
        PERMITS.lock().count -= self.0;
        PERMITS.changed.notify_all();
    }
}
