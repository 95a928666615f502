//! A bootstrap as a file and as a process: find it, start it, describe its end, kill it.

mod diagnosis;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::output::Failure;
use crate::procfs::{self, Stat};
use crate::settings::Settings;
use crate::sys::{self, ChildState, ExecImage};

/// How long a start is retried while the file is open for writing (ETXTBSY: a linker that is about
/// to finish) or the system is short of processes or descriptors.
const TRANSIENT_ERROR_TIMEOUT: Duration = Duration::from_secs(1);
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// How long killed descendants may take to vanish.
const DESCENDANTS_EXIT_TIMEOUT: Duration = Duration::from_secs(2);

/// The program to run.
pub struct Program {
    /// The bootstrap's absolute path.
    pub bootstrap: PathBuf,
    /// A command to run it with, its program as an absolute path; empty for none.
    pub runner: Vec<OsString>,
}

impl Program {
    /// Finds the file that `argument` names, or the `bootstrap` in the folder that it names.
    pub fn find(argument: &Path, runner: &[OsString]) -> Result<Program, Failure> {
        let shown = argument.display();
        let metadata = fs::metadata(argument)
            .map_err(|error| Failure::caused(format!("cannot read '{shown}'"), error))?;
        let file = match metadata.is_dir() {
            true => argument.join("bootstrap"),
            false => argument.to_path_buf(),
        };
        if !fs::metadata(&file).is_ok_and(|found| found.is_file()) {
            return Err(Failure::new(match metadata.is_dir() {
                true => format!("no file named bootstrap in the folder '{shown}'"),
                false => format!("'{shown}' is not a regular file"),
            }));
        }
        Ok(Program {
            bootstrap: absolute(&file)?,
            runner: find_runner(runner)?,
        })
    }

    /// The task root: the option's value, or the bootstrap's folder. Absolute, because it is the
    /// working directory too.
    pub fn task_root(&self, option: Option<&Path>) -> Result<PathBuf, Failure> {
        let root = match option {
            Some(root) => root,
            None => self.bootstrap.parent().unwrap_or(Path::new("/")),
        };
        if !root.is_dir() {
            let shown = root.display();
            return Err(Failure::new(format!(
                "invalid task root '{shown}': not a directory"
            )));
        }
        absolute(root)
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::caused(
            format!("cannot make '{}' an absolute path", path.display()),
            error,
        )
    })
}

/// Starts it with this stdout and stderr, and returns its process id; the error says what is wrong
/// with the file.
pub fn spawn(
    program: &Program,
    settings: &Settings,
    runtime_api: &str,
    output: &OwnedFd,
) -> Result<u32, String> {
    let mut arguments = program.runner.clone();
    arguments.push(program.bootstrap.clone().into());
    let variables = settings.environment(runtime_api);
    let file = Path::new(&arguments[0]);
    retry_transient_errors(|| {
        let output = || output.try_clone();
        let image = ExecImage::new(file, &arguments, &variables)?;
        sys::spawn(image, &settings.task_root, [output()?, output()?])
    })
    .map_err(|error| diagnosis::explain(file, &error, diagnosis::RUNNER_HINT))
}

/// Calls `spawn` until it succeeds, fails for good, or `TRANSIENT_ERROR_TIMEOUT` has passed.
pub fn retry_transient_errors<T>(mut spawn: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let end = Instant::now() + TRANSIENT_ERROR_TIMEOUT;
    loop {
        match spawn() {
            Err(error) if is_transient(&error) && Instant::now() < end => {
                std::thread::sleep(RETRY_INTERVAL);
            }
            result => return result,
        }
    }
}

/// A file that is open for writing, or a system that is short of processes or descriptors: the
/// tool's own connections give some back.
fn is_transient(error: &io::Error) -> bool {
    let shortages = [sys::EAGAIN, sys::ENFILE, sys::EMFILE].map(Some);
    error.kind() == io::ErrorKind::ExecutableFileBusy || shortages.contains(&error.raw_os_error())
}

/// Kills and reaps every child of this process, and then their children, which it adopts as the
/// subreaper; false when some are left after `DESCENDANTS_EXIT_TIMEOUT`.
///
/// Only children are killed, never a process by an id that was merely read somewhere: a child's id
/// stays its own until it is reaped, and nothing else reaps.
pub fn kill_descendants() -> bool {
    let own = std::process::id();
    let is_child = |pid: &u32| Stat::read(*pid).is_some_and(|stat| stat.parent == own);
    let end = Instant::now() + DESCENDANTS_EXIT_TIMEOUT;
    while Instant::now() < end {
        match sys::poll_children() {
            ChildState::None => return true,
            ChildState::Exited(pid) => drop(sys::reap(pid)),
            ChildState::Running => {
                let pids = procfs::pids().into_iter();
                pids.filter(is_child).for_each(sys::send_sigkill);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    false
}

/// The largest resident size so far, KiB. (`wait4` reports at least the tool's own size at the
/// fork.)
pub fn peak_kib(pid: u32) -> Option<u64> {
    procfs::read_kib(pid, "status", &["VmHWM"])?
        .first()
        .copied()
}

/// Why the kernel refuses to execute a file, for a command that has no `--runner`.
pub fn explain_refusal(file: &Path, error: &io::Error) -> String {
    diagnosis::explain(file, error, "")
}

/// Whether a program needs other files to run: `static`, `dynamic, ...` or `script, ...`.
pub fn linkage(file: &Path) -> String {
    diagnosis::linkage(file)
}

/// `exited with status 7`, `was killed by signal 9 (killed)`.
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (_, Some(signal)) => format!("was killed by signal {signal} ({})", signal_name(signal)),
        (code, None) => format!("exited with status {}", code.unwrap_or_default()),
    }
}

/// Lambda's wording of an exit status; nothing for status 0.
pub fn exit_text(status: ExitStatus) -> Option<String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (_, Some(signal)) => Some(format!("signal: {}", signal_name(signal))),
        (code, None) => Some(format!("exit status {}", code.unwrap_or_default())),
    }
}

/// A runner is a program of the workstation, so the tool's own PATH is searched.
fn find_runner(runner: &[OsString]) -> Result<Vec<OsString>, Failure> {
    let Some((name, arguments)) = runner.split_first() else {
        return Ok(Vec::new());
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates: Vec<PathBuf> = match name.as_encoded_bytes().contains(&b'/') {
        true => vec![PathBuf::from(name)],
        false => std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .collect(),
    };
    candidates.retain(|file| fs::metadata(file).is_ok_and(|found| found.is_file()));
    let Some(found) = candidates.first() else {
        let name = name.display();
        return Err(Failure::new(format!(
            "cannot find the runner '{name}': no such file, or not in PATH"
        )));
    };
    let mut command = vec![absolute(found)?.into_os_string()];
    command.extend_from_slice(arguments);
    Ok(command)
}

/// The names that Go's `syscall` and so Lambda's messages use.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        11 => "segmentation fault",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        _ => return format!("signal {signal}"),
    };
    name.to_string()
}
