//! One version of a function: how its processes are started, and what callers are shown of it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::base64;
use crate::clock;
use crate::local::sandbox::{Sandbox, TASK_ROOT};
use crate::local::temporary::TemporaryFolder;
use crate::output::Failure;
use crate::process::Program;
use crate::settings::{LATEST, Logging, Settings};
use crate::sha256;

use super::options::FunctionOptions;
use crate::local::RunOptions;

/// One version of a function. It never changes: an update makes another one, and processes of the
/// old one continue to have theirs, with its files.
#[derive(Clone)]
pub struct Configuration {
    /// What the processes are configured with; its variables are those below and the defaults'.
    pub settings: Settings,
    pub program: Program,
    /// What surrounds the processes.
    pub sandbox: Arc<Sandbox>,
    pub code: Arc<Code>,
    /// The function's own environment variables.
    pub variables: Vec<(OsString, OsString)>,
    pub description: String,
    pub role: String,
    pub runtime: String,
    pub architecture: String,
    pub last_modified: String,
    pub revision_id: String,
    /// Published versions are started from snapshots.
    pub snapstart: bool,
    /// Members of the API that are stored and returned, and have no effect here.
    pub stored: Map<String, Value>,
}

/// Where the code of a version comes from.
pub enum Code {
    /// A folder or file of the user's; it may change at any time.
    Local,
    /// A zip, unpacked into a folder that lives as long as this value.
    Zip {
        sha256: String,
        bytes: u64,
        unpacked_bytes: u64,
        folder: TemporaryFolder,
    },
}

/// What functions have that say nothing else: the options of the command line.
#[derive(Clone)]
pub struct Defaults {
    handler: String,
    timeout: Duration,
    init_timeout: Duration,
    memory_mb: u32,
    /// Variables of `--env`: all functions have them, and they replace a function's own.
    variables: Vec<(OsString, OsString)>,
    concurrency: Option<u16>,
    snapstart: bool,
    /// The command that runs every bootstrap; empty for none.
    pub runner: Vec<OsString>,
    sandbox: Arc<Sandbox>,
}

impl Defaults {
    /// Those of a command line.
    pub fn new(options: &RunOptions, sandbox: Arc<Sandbox>) -> Defaults {
        Defaults {
            handler: options.handler.clone(),
            timeout: options.timeout,
            init_timeout: options.init_timeout,
            memory_mb: options.memory_mb,
            variables: options.variables.clone(),
            concurrency: options.concurrency,
            snapstart: options.snapstart,
            runner: options.runner.clone(),
            sandbox,
        }
    }

    /// The program of a function of the command line, and its task root.
    fn program(&self, options: &FunctionOptions) -> Result<(Program, PathBuf), Failure> {
        let (target, runner) = (&options.target, &self.runner);
        if target.as_os_str().is_empty()
            && let Some(program) = self.sandbox.image_program(runner)?
        {
            return Ok((program, TASK_ROOT.into()));
        }
        let is_folder = target.is_dir();
        let has_own = !is_folder || target.join("bootstrap").is_file();
        let program = match self.sandbox.layer_program(runner)? {
            Some(program) if !has_own => program,
            _ => Program::find(target, runner)?,
        };
        let folder = is_folder.then_some(target.as_path());
        let task_root = program.task_root(options.task_root.as_deref().or(folder))?;
        Ok((program, task_root))
    }
}

/// A function with code of its own does not run in the image of another.
fn sandbox_for(program: &Program, sandbox: &Arc<Sandbox>) -> Arc<Sandbox> {
    match sandbox.is_image() && !program.is_in_image {
        true => Arc::new(Sandbox::none()),
        false => sandbox.clone(),
    }
}

impl Configuration {
    /// The function of an option of the command line.
    pub fn local(options: &FunctionOptions, defaults: &Defaults) -> Result<Configuration, Failure> {
        let (program, task_root) = defaults.program(options)?;
        let mut new = Configuration::new(&options.name, program, Arc::new(Code::Local), defaults);
        new.settings.task_root = task_root;
        if let Some(handler) = &options.handler {
            new.settings.handler.clone_from(handler);
        }
        new.settings.timeout = options.timeout.unwrap_or(defaults.timeout);
        new.settings.memory_mb = options.memory_mb.unwrap_or(defaults.memory_mb);
        new.variables.clone_from(&options.variables);
        new.apply_defaults(defaults);
        Ok(new)
    }

    /// A function with this code and the defaults for everything else.
    pub fn new(
        name: &str,
        program: Program,
        code: Arc<Code>,
        defaults: &Defaults,
    ) -> Configuration {
        let mut new = Configuration {
            settings: Settings {
                function_name: name.to_string(),
                version: LATEST.to_string(),
                task_root: program
                    .bootstrap
                    .parent()
                    .unwrap_or(&program.bootstrap)
                    .into(),
                handler: defaults.handler.clone(),
                timeout: defaults.timeout,
                init_timeout: defaults.init_timeout,
                memory_mb: defaults.memory_mb,
                variables: Vec::new(),
                concurrency: defaults.concurrency,
                snapstart: defaults.snapstart,
                logging: Logging::default(),
            },
            sandbox: sandbox_for(&program, &defaults.sandbox),
            program,
            code,
            variables: Vec::new(),
            description: String::new(),
            role: format!("arn:aws:iam::{}:role/local", crate::settings::ACCOUNT),
            runtime: "provided.al2023".to_string(),
            architecture: host_architecture().to_string(),
            last_modified: String::new(),
            revision_id: String::new(),
            snapstart: false,
            stored: Map::new(),
        };
        new.apply_defaults(defaults);
        new.touch();
        new
    }

    /// Other code, unpacked from a package.
    pub fn set_code(&mut self, (code, program): (Arc<Code>, Program)) {
        if let Code::Zip { folder, .. } = &*code {
            self.settings.task_root = folder.contents().to_path_buf();
        }
        self.sandbox = sandbox_for(&program, &self.sandbox);
        (self.code, self.program) = (code, program);
    }

    /// Computes the processes' variables again, after the function's own have changed.
    pub fn apply_defaults(&mut self, defaults: &Defaults) {
        let all = self.variables.iter().chain(&defaults.variables);
        self.settings.variables = all.cloned().collect();
    }

    /// It has changed now.
    pub fn touch(&mut self) {
        self.revision_id = clock::uuid();
        self.last_modified = clock::timestamp().replace('Z', "+0000");
    }

    /// The published form.
    pub fn published(&self, version: u64, description: Option<&str>) -> Configuration {
        let mut new = self.clone();
        new.settings.version = version.to_string();
        new.settings.snapstart |= self.snapstart && self.settings.concurrency.is_none();
        if let Some(description) = description {
            new.description = description.to_string();
        }
        new.touch();
        new
    }

    /// The digest and the size of the deployed package.
    ///
    /// A folder of the user's has no package, and reading it may take long: its digest stands for
    /// the path, the size and the time of the bootstrap, and so changes with every build.
    pub fn package(&self) -> (String, u64) {
        if let Code::Zip { sha256, bytes, .. } = &*self.code {
            return (sha256.clone(), *bytes);
        }
        let file = &self.program.bootstrap;
        let found = fs::metadata(file);
        let bytes = found.as_ref().map_or(0, |found| found.len());
        let time = found.map_or((0, 0), |found| (found.mtime(), found.mtime_nsec()));
        let identity = format!("{} {bytes} {} {}", file.display(), time.0, time.1);
        (base64::encode(&sha256::digest(identity.as_bytes())), bytes)
    }

    /// The timeout in whole seconds, as Lambda's API has it.
    pub fn timeout_s(&self) -> u64 {
        let timeout = self.settings.timeout;
        timeout.as_secs() + u64::from(timeout.subsec_nanos() > 0)
    }
}

/// Lambda's name of this machine's architecture.
fn host_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    }
}
