//! Shared by all tests that run a binary: paths of the binaries, commands that start them,
//! temporary folders, bounds on waits.
//!
//! Environment variables:
//! `TINDERBOX_BIN_DIR` is the folder of `bootstrap` and `NAME/bootstrap` (unset:
//! `scripts/build.sh x86_64` builds them once); `TINDERBOX_RUNNER` is a command put before every
//! binary under test, for instance `qemu-aarch64-static`; `TINDERBOX_SLOWNESS` divides counts and
//! multiplies bounds on time (4 under a runner, else 1); `TINDERBOX_SOAK` is the number of rounds
//! of the random tests; `TINDERBOX_SEED` is the one seed of the tests with seeds;
//! `TINDERBOX_SKIPPED` is a file to which skipped tests are appended.

// Each test program is a crate of its own and uses a part of this module.
#![allow(dead_code, unused_imports)]

pub mod api;
pub mod front;
pub mod hosting;
pub mod machine;
pub mod messages;
pub mod proc;
pub mod process;
pub mod random;
pub mod skip;
pub mod start;
pub mod sys;
pub mod watch;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// The static `bootstrap` that hosts handlers.
pub fn bootstrap() -> PathBuf {
    binary(None)
}

/// The `bootstrap` of the native function `tests/functions/NAME`.
pub fn function(name: &str) -> PathBuf {
    binary(Some(name))
}

/// A command that starts the binary at `path`, through `TINDERBOX_RUNNER` where that is set.
pub fn command(path: &Path) -> Command {
    match runner() {
        None => Command::new(path),
        Some(runner) => {
            let mut words = runner.split_whitespace();
            // An absolute path: std searches the PATH of the child, which a test may change.
            let name = words.next().expect("TINDERBOX_RUNNER has a word");
            let folders = std::env::var_os("PATH").unwrap_or_default();
            let mut paths = std::env::split_paths(&folders).map(|folder| folder.join(name));
            let found = paths.find(|path| path.is_file());
            let mut command = Command::new(found.unwrap_or(name.into()));
            command.args(words).arg(path);
            command
        }
    }
}

/// The command that runs binaries of another architecture; `None` when they run natively.
pub fn runner() -> Option<String> {
    let runner = std::env::var("TINDERBOX_RUNNER").ok()?;
    (!runner.trim().is_empty()).then_some(runner)
}

/// How many times slower than native the binaries under test are assumed to be: an emulator's
/// cost, where [`machine::factor`] measures the load of the machine.
pub fn slowness() -> u32 {
    let default = if runner().is_some() { 4 } else { 1 };
    match std::env::var("TINDERBOX_SLOWNESS") {
        Ok(text) => text
            .parse::<u32>()
            .expect("TINDERBOX_SLOWNESS is an integer")
            .max(1),
        Err(_) => default,
    }
}

/// A number of rounds, divided by the slowness; prints a line when it is reduced.
pub fn rounds(what: &str, native: usize) -> usize {
    let scaled = (native / slowness() as usize).max(1);
    if scaled < native {
        println!("reduced: {what}: {scaled} instead of {native}");
    }
    scaled
}

/// A bound on a wait, multiplied by the slowness and by how much slower than idle this machine is.
pub fn bound(native_ms: u64) -> Duration {
    Duration::from_millis(native_ms * u64::from(slowness())).mul_f64(machine::factor())
}

/// The same in whole seconds, at least one.
pub fn bound_s(native_s: u64) -> u64 {
    bound(native_s * 1_000).as_millis().div_ceil(1_000).max(1) as u64
}

/// Waits until a condition holds; fails the test when it does not within the longest bound.
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + bound(process::PATIENCE_MS);
    while !holds() {
        assert!(Instant::now() < end, "never {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

static WRITING: RwLock<()> = RwLock::new(());

/// Starts a command, but not while an executable is being written: a child between fork and exec
/// holds copies of all descriptors, and a file that is open for writing cannot be executed
/// (ETXTBSY, execve(2)).
pub fn spawn(command: &mut Command) -> Child {
    let _shared = WRITING.read().unwrap_or_else(PoisonError::into_inner);
    command.spawn().expect("start the binary under test")
}

/// The root of the package.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A temporary folder, removed with its content when dropped.
pub struct TempDir {
    path: PathBuf,
}

impl TempDir {
    /// An empty folder.
    pub fn new() -> TempDir {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tinderbox-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // A folder of that name can only be left over from a killed run with the same pid.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("make a temporary directory");
        TempDir { path }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("make the directory of a temporary file");
        }
        fs::write(&path, content).expect("write a temporary file");
        path
    }

    /// Writes an executable file and returns its path.
    pub fn executable(&self, name: &str, content: &[u8]) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        // See `spawn`.
        let _alone = WRITING.write().unwrap_or_else(PoisonError::into_inner);
        let path = self.file(name, content);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&path, mode).expect("make a temporary file executable");
        path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn binary(function: Option<&str>) -> PathBuf {
    let path = match std::env::var_os("TINDERBOX_BIN_DIR") {
        // A relative path starts at the root, where cargo runs the tests.
        Some(dir) => root()
            .join(dir)
            .join(function.unwrap_or(""))
            .join("bootstrap"),
        None => built(function),
    };
    assert!(path.is_file(), "no binary under test at {}", path.display());
    path
}

/// Builds one binary, once per process, one process at a time.
fn built(function: Option<&str>) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    // A poisoned lock means that a build failed in another test: this test reports it again.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let key = function.unwrap_or("").to_string();
    if let Some(path) = built.get(&key) {
        return path.clone();
    }
    let lock = Path::new(env!("CARGO_TARGET_TMPDIR")).join("build.lock");
    let lock = File::create(lock).expect("open build.lock");
    lock.lock().expect("lock build.lock");
    let mut command = Command::new(root().join("scripts/build.sh"));
    command.arg("x86_64").current_dir(root());
    if let Some(name) = function {
        command.args(["--function", name]);
    }
    command.stdin(Stdio::null());
    let output = command.output().expect("run scripts/build.sh");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "scripts/build.sh failed:\n{log}");
    // One line per binary: path, bytes, sha256.
    let lines = String::from_utf8_lossy(&output.stdout);
    let path = lines.split('\t').next().filter(|path| !path.is_empty());
    let path = root().join(path.expect("scripts/build.sh prints the path"));
    built.insert(key, path.clone());
    path
}
