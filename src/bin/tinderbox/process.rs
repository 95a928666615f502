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

use crate::local::sandbox::{Group, Sandbox};
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
#[derive(Clone)]
pub struct Program {
    /// The bootstrap's absolute path, as its process sees it.
    pub bootstrap: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// A command to run it with, its program as an absolute path; empty for none.
    pub runner: Vec<OsString>,
    /// The bootstrap's path on the workstation, if that is another one.
    pub file: Option<PathBuf>,
    /// The working directory; `None` is the task root.
    pub directory: Option<PathBuf>,
    /// Whether its process has another root than the tool.
    pub is_in_image: bool,
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
        Program::new(absolute(&file)?, runner)
    }

    /// A program of this absolute path, without arguments.
    pub fn new(bootstrap: PathBuf, runner: &[OsString]) -> Result<Program, Failure> {
        Ok(Program {
            bootstrap,
            arguments: Vec::new(),
            runner: find_runner(runner)?,
            file: None,
            directory: None,
            is_in_image: false,
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

/// Why a process could not be started.
pub struct StartError {
    /// What is wrong with the file, or what the system is short of.
    pub text: String,
    /// Another attempt may succeed soon: the file is open for writing (ETXTBSY: a linker that is
    /// about to finish), or the system is short of processes or descriptors.
    pub is_transient: bool,
}

impl StartError {
    /// An error of the system before the file was looked at.
    pub fn of_system(error: &io::Error) -> StartError {
        StartError {
            text: format!("cannot start a process: {error}"),
            is_transient: is_transient(error),
        }
    }
}

/// Starts it with this stdout and stderr, and returns its process id with its control group.
pub fn spawn(
    program: &Program,
    settings: &Settings,
    runtime_api: &str,
    output: &OwnedFd,
    sandbox: &Sandbox,
) -> Result<(u32, Option<Group>), StartError> {
    let mut arguments = program.runner.clone();
    arguments.push(program.bootstrap.clone().into());
    arguments.extend_from_slice(&program.arguments);
    let adjust = |variables: &mut Vec<_>| sandbox.adjust_variables(variables);
    let variables = settings.environment_with(runtime_api, adjust);
    let path = Path::new(&arguments[0]);
    let directory = program.directory.as_ref().unwrap_or(&settings.task_root);
    let start = || {
        let output = [output.try_clone()?, output.try_clone()?];
        let mut image = ExecImage::new(path, &arguments, &variables)?;
        if program.is_in_image && !program.runner.is_empty() {
            image = image.with_file(fs::File::open(path)?); // the runner is outside the image
        }
        let entry = sandbox.entry(settings.memory_mb, runtime_api)?;
        let pid = sys::spawn(image, directory, &output, &entry.enter)?;
        Ok((pid, entry.group))
    };
    start().map_err(|error: io::Error| {
        let file = match program.runner.is_empty() {
            true => program.file.as_deref().unwrap_or(path),
            false => path,
        };
        StartError {
            text: diagnosis::explain(file, path, &error, diagnosis::RUNNER_HINT),
            is_transient: is_transient(&error),
        }
    })
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

/// Sends SIGKILL to the processes that one of an environment has left: children of the tool, which
/// adopts orphans as the subreaper, that have this AWS_LAMBDA_RUNTIME_API in their environment, or,
/// with `all`, whatever they have there. Their own children follow once they are orphans too. True
/// while there are any.
///
/// Only children are killed, never a process by an id that was merely read somewhere: a child's id
/// stays its own until it is reaped, and nothing else reaps.
pub fn kill_orphans(runtime_api: &str, all: bool) -> bool {
    let own = std::process::id();
    let variable = format!("AWS_LAMBDA_RUNTIME_API={runtime_api}");
    let is_left = |pid: &u32| {
        Stat::read(*pid).is_some_and(|stat| stat.parent == own && !stat.is_zombie)
            && (all || procfs::has_variable(*pid, &variable))
    };
    let left: Vec<u32> = procfs::pids().into_iter().filter(is_left).collect();
    left.iter().copied().for_each(sys::send_sigkill);
    !left.is_empty()
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

/// Why the kernel refuses to execute a file, for a command that has no `--runner`.
pub fn explain_refusal(file: &Path, error: &io::Error) -> String {
    diagnosis::explain(file, file, error, "")
}

/// Why the kernel would refuse a file, as far as its first bytes show; `None` for no known reason.
pub fn unfit(file: &Path) -> Option<String> {
    diagnosis::unfit(file)
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
