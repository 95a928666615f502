//! Hosted functions under `bootstrap`, each beside another that takes turns with it, A B B A: AWS's
//! own client of the language (`benches/rivals`), and another build of `bootstrap`, for instance
//! that of the last commit, which `TINDERBOX_OTHER=PATH` names.
//!
//! Measured are the cold start (from just before the process is spawned to its request for an
//! event), the answer (from sending an event to the last byte of the response), and the whole cycle
//! (to the request for the next event). What is not there is skipped.

mod support;

use std::path::{Path, PathBuf};
use support::Mode;
use support::figures::{Report, alternate, median, us};
use support::process::{BinaryUnderTest, RunningBinary};
use support::server::Server;

/// A string: clients write objects with other blanks.
const EVENT: &[u8] =
    br#""The quick brown fox jumps over the lazy dog, and the five boxing wizards jump quickly.""#;

/// The languages, their commands, and the file of the handler.
const LANGUAGES: &[(&str, &str, &str)] = &[
    ("node", "node", "function.mjs"),
    ("python", "python3", "function.py"),
    ("ruby", "ruby", "function.rb"),
    ("php", "php", "function.php"),
];

/// The flags of the managed runtime, for an older `bootstrap` too; AWS's client has them in its
/// command. V8 rejects its code cache with them, which takes 10 ms at the start.
const NODE_OPTIONS: &str = "--max-old-space-size=116 --max-semi-space-size=6";

const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

fn main() {
    let mode = support::pin_and_mode();
    let report = Report::new("clients", mode != Mode::Check);
    let other = std::env::var_os("TINDERBOX_OTHER").map(PathBuf::from);
    let tasks = Tasks::new();
    for &(language, command, file) in LANGUAGES {
        let rival = rival(language);
        let path = path_of(rival.as_deref(), command);
        if !path
            .split(':')
            .any(|folder| Path::new(folder).join(command).is_file())
        {
            println!("skipped: clients: {language}: no {command} in {path}");
            continue;
        }
        tasks.copy(file);
        let hosted = |binary: BinaryUnderTest| {
            binary
                .with("PATH", &path)
                .with("NODE_OPTIONS", NODE_OPTIONS)
                .with("LAMBDA_TASK_ROOT", &tasks.0.to_string_lossy())
                .with("_HANDLER", &format!("{language}:function.handler"))
        };
        let own = hosted(BinaryUnderTest::new("bootstrap"));
        match &other {
            None => println!("skipped: clients: {language}: TINDERBOX_OTHER names no bootstrap"),
            Some(other) => {
                let other = hosted(BinaryUnderTest::at("other", other.clone()));
                compare(
                    &report,
                    mode,
                    &format!("{language} to other"),
                    [&own, &other],
                );
            }
        }
        match rival {
            None => println!(
                "skipped: clients: {language}: no client of AWS in target/rivals \
                 (benches/rivals/build.sh)"
            ),
            Some(folder) => {
                let client = BinaryUnderTest::at("client", folder.join("bootstrap"))
                    .with("PATH", &path)
                    .with("LAMBDA_TASK_ROOT", &folder.to_string_lossy());
                compare(
                    &report,
                    mode,
                    &format!("{language} to client"),
                    [&own, &client],
                );
            }
        }
    }
}

/// Handlers in a folder of their own: Python writes its cache beside the source.
struct Tasks(PathBuf);

impl Tasks {
    fn new() -> Tasks {
        let folder = std::env::temp_dir().join(format!("tinderbox-clients-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("make a temporary folder");
        Tasks(folder)
    }

    fn copy(&self, file: &str) {
        let from = support::root().join("benches/hosted").join(file);
        std::fs::copy(from, self.0.join(file)).expect("copy a handler");
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The folder of AWS's client, if `benches/rivals/build.sh` has made it.
fn rival(language: &str) -> Option<PathBuf> {
    if !matches!(language, "node" | "python") {
        return None;
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| support::root().join("target"));
    let folder = target.join("rivals").join(language);
    folder.join("bootstrap").is_file().then_some(folder)
}

/// The `PATH` for both, so that both start one interpreter: that of the client's recipe comes
/// first, where it names one.
fn path_of(rival: Option<&Path>, command: &str) -> String {
    let script = rival.and_then(|folder| std::fs::read_to_string(folder.join("bootstrap")).ok());
    let script = script.unwrap_or_default();
    let mut words = script.split_whitespace().map(Path::new);
    let interpreter = words.find(|word| {
        let name = word.file_name().unwrap_or_default().to_string_lossy();
        word.is_absolute() && name.starts_with(command)
    });
    match interpreter.and_then(Path::parent) {
        Some(folder) => format!("{}:{USUAL_PATH}", folder.display()),
        None => USUAL_PATH.to_string(),
    }
}

/// Cold starts and warm events of two, taking turns.
fn compare(report: &Report, mode: Mode, name: &str, [own, other]: [&BinaryUnderTest; 2]) {
    let start = |binary: &BinaryUnderTest| {
        let server = Server::start();
        us(binary.spawn(&server).start)
    };
    // Not counted: the first start may read files from the disk.
    start(own);
    start(other);
    let (a, b) = alternate(mode.of(1, 12, 40), || start(own), || start(other));
    report.add_compared(&format!("{name}: cold start"), "us", &a, &b);

    let (server, other_server) = (Server::start(), Server::start());
    let (mut own, mut other) = (own.spawn(&server), other.spawn(&other_server));
    let block = mode.of(2, 100, 500);
    let run = |process: &mut RunningBinary| -> [f64; 2] {
        let exchange = |_| process.connection.exchange(EVENT, EVENT);
        let timings: Vec<_> = (0..block).map(exchange).collect();
        let whole: Vec<f64> = timings.iter().map(|timing| us(timing.whole)).collect();
        let cycle: Vec<f64> = timings.iter().map(|timing| us(timing.cycle)).collect();
        [median(&whole), median(&cycle)]
    };
    run(&mut own);
    run(&mut other);
    let (a, b) = alternate(mode.of(1, 10, 20), || run(&mut own), || run(&mut other));
    for (index, what) in ["answer", "cycle"].into_iter().enumerate() {
        let column =
            |blocks: &[[f64; 2]]| -> Vec<f64> { blocks.iter().map(|block| block[index]).collect() };
        report.add_compared(&format!("{name}: {what}"), "us", &column(&a), &column(&b));
    }
}
