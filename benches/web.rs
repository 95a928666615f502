//! Web applications behind `bootstrap`, each beside its rival, which takes turns with it: an HTTP
//! server beside AWS's web adapter, php-fpm beside a driver in PHP (`benches/rivals`).
//!
//! Measured by `tinderbox measure`, pair by pair: the start (from just before the process is
//! created to the first answer), the warm event, a large POST, memory, system calls. The added time
//! is that of a warm event, less what the client itself takes (the baseline's event), less what the
//! same request takes when it goes straight to the application, on the same core. The last figure
//! is what a packaged opcache cache saves. What is not there is skipped.

#[path = "web/direct.rs"]
mod direct;
#[path = "../tests/package/fastcgi.rs"]
mod fastcgi;
#[path = "web/opcache.rs"]
mod opcache;
#[path = "web/pair.rs"]
mod pair;
mod support;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use pair::{Candidate, Events, Measured};
use support::Mode;
use support::figures::{Report, median, ratios};

/// The applications, in the folder of the task: what starts each, and what it replaces.
struct Subject {
    name: &'static str,
    /// `_HANDLER` for `bootstrap`.
    handler: &'static str,
    /// `_HANDLER` for the rival, and its folder in `target/rivals`.
    rival: (&'static str, &'static str),
}

const SUBJECTS: [Subject; 3] = [
    Subject {
        name: "C server",
        handler: "http:server",
        rival: ("server", "web-adapter"),
    },
    Subject {
        name: "Node",
        handler: "http:server.mjs",
        rival: ("server.mjs", "web-adapter"),
    },
    Subject {
        name: "PHP page",
        handler: "fastcgi:public/index.php",
        rival: ("public/index.php", "php-fpm"),
    },
];

fn main() {
    let mode = support::pin_and_mode();
    let report = Report::new("web", mode != Mode::Check).beside("its rival");
    let folder = target().join("bench/web");
    let task = folder.join("task");
    prepare(&task);
    let events = Events::write(&folder);
    // Words that are no flags select subjects: `cargo bench --bench web -- Node`.
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let selected = |name: &str| words.is_empty() || words.iter().any(|word| *word == name);
    for subject in SUBJECTS.iter().filter(|subject| selected(subject.name)) {
        match unavailable(subject, &task) {
            Some(reason) => println!("skipped: web: {}: {reason}", subject.name),
            None => measure(&report, mode, subject, &task, &events),
        }
    }
    match direct::php_fpm() {
        _ if !selected("opcache") => {}
        None => println!("skipped: web: opcache: no php-fpm"),
        Some(program) => opcache::measure(mode, &program, &folder.join("opcache")),
    }
}

/// The folder for everything that is built.
fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| support::root().join("target"))
}

/// Copies the applications, and compiles the one in C.
fn prepare(task: &Path) {
    std::fs::create_dir_all(task.join("public")).expect("make the task root");
    let from = support::root().join("benches/web/apps");
    for file in ["server.mjs", "public/index.php"] {
        std::fs::copy(from.join(file), task.join(file)).expect("copy an application");
    }
    let mut command = Command::new("cc");
    command
        .args(["-O2", "-static", "-o"])
        .arg(task.join("server"));
    let _ = command.arg(from.join("server.c")).status();
}

/// Why a subject cannot be measured here.
fn unavailable(subject: &Subject, task: &Path) -> Option<&'static str> {
    match subject.name {
        "C server" if !task.join("server").is_file() => Some("no C compiler"),
        "Node" if !direct::is_in_path("node") => Some("no node"),
        "PHP page" if direct::php_fpm().is_none() => Some("no php-fpm"),
        _ => None,
    }
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind 127.0.0.1:0");
    listener.local_addr().expect("an address").port()
}

fn measure(report: &Report, mode: Mode, subject: &Subject, task: &Path, events: &Events) {
    let (handler, folder) = subject.rival;
    let ours = Candidate::new(
        "tinderbox",
        support::binary("bootstrap"),
        task,
        subject.handler,
    );
    let bootstrap = target().join("rivals").join(folder).join("bootstrap");
    let rival = bootstrap
        .is_file()
        .then(|| Candidate::new("rival", bootstrap, task, handler));
    if rival.is_none() {
        println!(
            "skipped: web: {}: no {folder} in target/rivals (benches/rivals/build.sh)",
            subject.name
        );
    }
    for candidate in std::iter::once(&ours).chain(&rival) {
        candidate.assert_answer(&events.get, "hello");
        candidate.assert_answer(&events.post, &events.posted.to_string());
    }
    let app = direct::App::start(subject.handler, task, free_port());
    let (times, app_kib) = app.times(mode.of(3, 500, 4_000));

    let extent = [mode.of(1, 10, 60), mode.of(3, 300, 3_000)];
    let warm = pair::measure(&ours, rival.as_ref(), &events.get, extent);
    let extent = [1, mode.of(1, 8, 40)];
    let post = pair::measure(&ours, rival.as_ref(), &events.post, extent);
    let name = |what: &str| format!("{}: {what}", subject.name);
    report.add(&name("application alone"), "us", &times, None);
    let add = |what: &str, unit: &str, of: &dyn Fn(&Measured) -> Vec<f64>, of_run: &pair::Run| {
        let (own, other) = (of(&of_run.ours), of_run.rival.as_ref().map(of));
        let ratio = other.as_ref().map(|other| ratios(&own, other));
        report.add(&name(what), unit, &own, ratio.as_deref());
        if let Some(other) = other {
            report.add(&name(&format!("{what}, rival")), unit, &other, None);
        }
    };
    let (direct, floor) = (median(&times), &warm.baseline.events);
    add(
        "start to first answer",
        "us",
        &|one| one.starts.clone(),
        &warm,
    );
    add("warm event", "us", &|one| one.events.clone(), &warm);
    let added = |one: &Measured| {
        let pairs = one.events.iter().zip(floor);
        pairs.map(|(event, floor)| event - floor - direct).collect()
    };
    add("added to the application", "us", &added, &warm);
    add("POST of 4.4 MB", "us", &|one| one.events.clone(), &post);
    add("resident", "KiB", &|one| vec![one.resident], &warm);
    // An interpreter's own memory varies by more than what is beside it.
    if subject.name == "C server" {
        let beside = |one: &Measured| vec![one.resident - app_kib];
        add("resident beside the application", "KiB", &beside, &warm);
    }
    add("private", "KiB", &|one| vec![one.private], &warm);
    add(
        "system calls an event",
        "calls",
        &|one| vec![one.calls],
        &warm,
    );
}
