//! The bootstrap as a file and as a process: found, started, described, and none of it left behind.

mod diagnosis;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::settings::Settings;
use crate::sys::{self, Children, Image};

/// How long a file that is still being written (ETXTBSY) is waited for, a linker's last moments,
/// and a system that is short of something.
const BUSY: Duration = Duration::from_secs(1);

/// How long processes that were killed may take to vanish.
const STRAYS: Duration = Duration::from_secs(2);

/// What is to be run.
pub struct Program {
    /// The bootstrap; absolute.
    pub bootstrap: PathBuf,
    /// A command to run it with, its program as an absolute path; empty for none.
    pub runner: Vec<OsString>,
}

impl Program {
    /// The file that `argument` names, or the `bootstrap` in the folder that it names.
    pub fn find(argument: &Path, runner: &[OsString]) -> Result<Program, String> {
        let shown = argument.display();
        let metadata = fs::metadata(argument).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("there is no file '{shown}'"),
            _ => format!("'{shown}' cannot be read: {error}"),
        })?;
        let file = match metadata.is_dir() {
            true => argument.join("bootstrap"),
            false => argument.to_path_buf(),
        };
        if !fs::metadata(&file).is_ok_and(|found| found.is_file()) {
            return Err(match metadata.is_dir() {
                true => format!("the folder '{shown}' holds no file named bootstrap"),
                false => format!("'{shown}' is not a file"),
            });
        }
        Ok(Program {
            bootstrap: std::path::absolute(&file)
                .map_err(|error| format!("'{shown}' has no absolute path: {error}"))?,
            runner: find_runner(runner)?,
        })
    }
}

/// Starts it; on failure says what is wrong with the file.
pub fn start(program: &Program, settings: &Settings, runtime_api: &str) -> Result<u32, String> {
    let mut arguments = program.runner.clone();
    arguments.push(program.bootstrap.clone().into());
    let variables = settings.environment(runtime_api);
    let busy_until = Instant::now() + BUSY;
    loop {
        let stderr = || io::stderr().as_fd().try_clone_to_owned();
        let started = Image::new(Path::new(&arguments[0]), &arguments, &variables)
            .and_then(|image| sys::start(image, &settings.root, [stderr()?, stderr()?]));
        match started {
            Ok(pid) => return Ok(pid),
            Err(error) if may_pass(&error) && Instant::now() < busy_until => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => {
                let file = Path::new(&arguments[0]);
                return Err(diagnosis::explain(file, &error, diagnosis::RUNNER));
            }
        }
    }
}

/// Kills and reaps every child of this process, and theirs, which thereby become its own.
///
/// Only children are killed, never grandchildren by a number that was read somewhere: the id of a
/// child stays its own until it is reaped, and nobody else reaps.
pub fn kill_strays() {
    let end = Instant::now() + STRAYS;
    while Instant::now() < end {
        match sys::children(false) {
            Children::None => return,
            Children::Ended(pid) => drop(sys::reap(pid)),
            Children::Running => {
                own_children().into_iter().for_each(sys::kill);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// The greatest resident size so far, KiB. (What `wait4` tells would be no less than the tool's own
/// size at the fork.)
pub fn peak_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// What the kernel's refusal to execute a file means, to somebody who cannot have it run by
/// another.
pub fn explain_refusal(file: &Path, error: &io::Error) -> String {
    diagnosis::explain(file, error, "")
}

/// Whether a program needs others to run: `static`, `dynamic, ...` or `script, ...`.
pub fn linked(file: &Path) -> String {
    diagnosis::linked(file)
}

/// `exited with status 7`, `was killed by signal 9 (killed)`.
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (_, Some(signal)) => format!("was killed by signal {signal} ({})", signal_name(signal)),
        (code, None) => format!("exited with status {}", code.unwrap_or_default()),
    }
}

/// As Lambda puts it; nothing for status 0.
pub fn exit_text(status: ExitStatus) -> Option<String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (_, Some(signal)) => Some(format!("signal: {}", signal_name(signal))),
        (code, None) => Some(format!("exit status {}", code.unwrap_or_default())),
    }
}

/// A runner is a tool of the workstation's, so it is looked for in the tool's own PATH.
fn find_runner(runner: &[OsString]) -> Result<Vec<OsString>, String> {
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
    let found = candidates
        .first()
        .and_then(|file| std::path::absolute(file).ok());
    let found = found.ok_or_else(|| format!("there is no runner '{}'", name.display()))?;
    let mut command = vec![found.into_os_string()];
    command.extend_from_slice(arguments);
    Ok(command)
}

/// A file that is being written, or a system that is short of processes or descriptors: connections
/// leave to make room for it.
fn may_pass(error: &io::Error) -> bool {
    let is_short = [sys::EAGAIN, sys::ENFILE, sys::EMFILE].map(Some);
    error.kind() == io::ErrorKind::ExecutableFileBusy || is_short.contains(&error.raw_os_error())
}

fn own_children() -> Vec<u32> {
    let own = std::process::id();
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    folder
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&pid| parent_of(pid) == Some(own))
        .collect()
}

/// The fourth field of `/proc/PID/stat`, counted behind the name, which may hold anything.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(&stat[name_end + 1..]).ok()?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// As Go's `syscall` and so Lambda's messages have them.
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
