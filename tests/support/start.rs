//! The command line and the environment of a bootstrap under test: Lambda's variables, no others.

use super::api::{Script, Server};
use super::process::{Outcome, Process};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Every process of a run inherits this variable, with a value unique to the run.
const MARK: &str = "TINDERBOX_TEST_RUN";

/// A binary under test with its environment.
#[derive(Clone, Debug)]
pub struct Start {
    binary: PathBuf,
    root: Option<PathBuf>,
    folder: Option<PathBuf>,
    opt: Option<PathBuf>,
    mounts: Vec<(PathBuf, PathBuf)>,
    system: Option<PathBuf>,
    leads_group: bool,
    has_no_more_descriptors: bool,
    environment: Vec<(String, Option<String>)>,
    stdout: Option<Arc<OwnedFd>>,
    stderr: Option<Arc<OwnedFd>>,
    tracer: Vec<String>,
}

impl Start {
    /// A binary with the variables that Lambda sets.
    pub fn new(binary: &Path) -> Start {
        let mut start = Start {
            binary: binary.to_path_buf(),
            root: None,
            folder: None,
            opt: None,
            mounts: Vec::new(),
            system: None,
            leads_group: false,
            has_no_more_descriptors: false,
            environment: Vec::new(),
            stdout: None,
            stderr: None,
            tracer: Vec::new(),
        };
        let path = std::env::var("PATH").unwrap_or_default();
        for (name, value) in [
            ("PATH", path.as_str()),
            ("LANG", "en_US.UTF-8"),
            ("TZ", ":UTC"),
            ("_HANDLER", "function.handler"),
            ("LAMBDA_TASK_ROOT", "/nonexistent"),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_LAMBDA_FUNCTION_NAME", "test"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/test"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0"),
        ] {
            start = start.variable(name, value);
        }
        start
    }

    /// With this folder as its root (chroot(2), which needs root); the path of the binary starts
    /// there.
    pub fn inside(mut self, root: &Path) -> Start {
        self.root = Some(root.to_path_buf());
        self
    }

    /// With this as its current folder.
    pub fn in_folder(mut self, folder: &Path) -> Start {
        self.folder = Some(folder.to_path_buf());
        self
    }

    /// With this folder as /opt (mount(2), which needs root: [`super::sys::can_mount`]).
    pub fn with_opt(mut self, folder: &Path) -> Start {
        self.opt = Some(folder.to_path_buf());
        self
    }

    /// With a folder mounted over another one (mount(2), as above).
    pub fn with_mount(mut self, folder: &Path, over: &Path) -> Start {
        self.mounts.push((folder.to_path_buf(), over.to_path_buf()));
        self
    }

    /// Within another system, whose root directory this folder is, with this one's `/proc`, `/dev`
    /// and temporary files (mount(2), as above).
    pub fn in_system(mut self, root: &Path) -> Start {
        self.system = Some(root.to_path_buf());
        self
    }

    /// As the leader of a process group of its own, as Lambda starts it.
    pub fn leading_group(mut self) -> Start {
        self.leads_group = true;
        self
    }

    /// Without descriptors but the three standard ones: cargo leaves some open for its tests.
    pub fn without_more_descriptors(mut self) -> Start {
        self.has_no_more_descriptors = true;
        self
    }

    /// With this standard output, which is not collected then.
    pub fn stdout(mut self, to: impl Into<OwnedFd>) -> Start {
        self.stdout = Some(Arc::new(to.into()));
        self
    }

    /// With this standard error, which is not collected then.
    pub fn stderr(mut self, to: impl Into<OwnedFd>) -> Start {
        self.stderr = Some(Arc::new(to.into()));
        self
    }

    /// With both outputs collected.
    pub fn collected(mut self) -> Start {
        (self.stdout, self.stderr) = (None, None);
        self
    }

    /// Under this tracer, which has to exit with its status, as `strace` does.
    pub fn under(mut self, command: &[&str]) -> Start {
        self.tracer = command.iter().map(|word| word.to_string()).collect();
        self
    }

    /// With a variable set to this value.
    pub fn variable(self, name: &str, value: &str) -> Start {
        let mut start = self.without(name);
        start.environment.push((name.into(), Some(value.into())));
        start
    }

    /// Without a variable.
    pub fn without(mut self, name: &str) -> Start {
        self.environment.retain(|(other, _)| other != name);
        self.environment.push((name.into(), None));
        self
    }

    /// Whether a variable was set or removed.
    fn decides(&self, name: &str) -> bool {
        self.environment.iter().any(|(other, _)| other == name)
    }

    /// Starts the binary.
    pub fn spawn(&self) -> Process {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let value = format!("{}.{number}", std::process::id());
        let mut command: Command = match &self.root {
            None if !self.tracer.is_empty() => {
                let mut command = super::command(Path::new(&self.tracer[0]));
                command.args(&self.tracer[1..]).arg(&self.binary);
                command
            }
            None => super::command(&self.binary),
            Some(root) => {
                let mut command = Command::new("/usr/sbin/chroot");
                command.arg(root).arg(&self.binary);
                command
            }
        };
        command.env_clear();
        for (name, value) in &self.environment {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command.env(MARK, &value);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        self.isolate(&mut command);
        if self.has_no_more_descriptors {
            super::sys::close_others(&mut command);
        }
        if self.leads_group {
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
        }
        command.stdin(Stdio::null());
        command.stdout(stream(&self.stdout));
        command.stderr(stream(&self.stderr));
        let is_traced = !self.tracer.is_empty();
        let mark = format!("{MARK}={value}");
        Process::new(super::spawn(&mut command), mark, is_traced)
    }

    /// Mounts what replaces parts of this machine's files.
    fn isolate(&self, command: &mut Command) {
        if self.opt.is_none() && self.system.is_none() && self.mounts.is_empty() {
            return;
        }
        let root = self.system.as_deref().unwrap_or(Path::new("/"));
        let inside = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
        let mut mounts = self.mounts.clone();
        if self.system.is_some() {
            let own = self.binary.parent().expect("a folder of the binary");
            for folder in [
                Path::new("/proc"),
                Path::new("/dev"),
                &std::env::temp_dir(),
                own,
            ] {
                std::fs::create_dir_all(inside(folder)).expect("make a folder to mount over");
                mounts.push((folder.to_path_buf(), inside(folder)));
            }
        }
        if let Some(opt) = &self.opt {
            mounts.push((opt.clone(), inside(Path::new("/opt"))));
        }
        let folder = self.folder.as_deref().unwrap_or(Path::new("/"));
        super::sys::isolate(command, &mounts, root, folder);
    }

    /// Runs the binary against a script until it exits or the server is idle, kills it, and returns
    /// the outcome. Protocol violations and processes left running fail the test.
    pub fn run(&self, script: Script) -> Outcome {
        let server = Server::start(script);
        let start = match self.decides("AWS_LAMBDA_RUNTIME_API") {
            true => self.clone(),
            false => self
                .clone()
                .variable("AWS_LAMBDA_RUNTIME_API", &server.address()),
        };
        let process = start.spawn();
        process.until_done(server)
    }
}

/// A stream of a child: the given one, or a new pipe.
fn stream(given: &Option<Arc<OwnedFd>>) -> Stdio {
    match given {
        Some(given) => given.try_clone().expect("one more descriptor").into(),
        None => Stdio::piped(),
    }
}
