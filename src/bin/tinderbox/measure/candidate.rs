//! A measured bootstrap: its name, how it is started, and the size of its files.
//!
//! On the command line: `[NAME=]PATH[,handler=H][,task-root=DIR][,env=NAME=VALUE]...`. An argument
//! that is the name of an existing file or folder is taken as that.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::MeasureOptions;
use crate::clock;
use crate::limits::FUNCTION_NAME;
use crate::output::Failure;
use crate::process::{self, Program};
use crate::settings::{LATEST, Logging, Settings};

/// A bootstrap that takes part.
pub struct Candidate {
    pub name: String,
    pub program: Program,
    pub settings: Settings,
    /// See `process::linkage`.
    pub linked: String,
    /// The size of the deployment: of the folder for a `DIR`, otherwise of the bootstrap alone.
    pub bytes: u64,
    /// The size of its zip, or the reason why there is none.
    pub zip_bytes: Result<u64, String>,
}

impl Candidate {
    /// Finds the bootstrap of a command-line argument.
    pub fn find(argument: &OsStr, options: &MeasureOptions) -> Result<Candidate, Failure> {
        let spec = Spec::parse(argument)?;
        let program = Program::find(&spec.path, &[])?;
        let task_root = program.task_root(spec.task_root.as_deref())?;
        let bootstrap = &program.bootstrap;
        let deployed = match spec.path.is_dir() {
            true => task_root.clone(),
            false => bootstrap.clone(),
        };
        let unreadable =
            |error| Failure::caused(format!("cannot read '{}'", deployed.display()), error);
        let mut variables = options.variables.clone();
        variables.extend(spec.variables);
        Ok(Candidate {
            name: spec.name.unwrap_or_else(|| default_name(bootstrap)),
            linked: process::linkage(bootstrap),
            bytes: size(&deployed).map_err(unreadable)?,
            zip_bytes: zip_size(&deployed),
            settings: Settings {
                function_name: FUNCTION_NAME.to_string(),
                version: LATEST.to_string(),
                task_root,
                handler: spec.handler.unwrap_or_else(|| options.handler.clone()),
                timeout: options.timeout,
                init_timeout: options.timeout,
                memory_mb: options.memory_mb,
                variables,
                concurrency: None,
                snapstart: false,
                logging: Logging::default(),
            },
            program,
        })
    }

    /// Its name and its file, for messages.
    pub fn label(&self) -> String {
        format!("{} ({})", self.name, self.program.bootstrap.display())
    }
}

/// The parts of an argument.
struct Spec {
    name: Option<String>,
    path: PathBuf,
    handler: Option<String>,
    task_root: Option<PathBuf>,
    variables: Vec<(OsString, OsString)>,
}

impl Spec {
    fn parse(argument: &OsStr) -> Result<Spec, Failure> {
        let mut spec = Spec {
            name: None,
            path: PathBuf::from(argument),
            handler: None,
            task_root: None,
            variables: Vec::new(),
        };
        if spec.path.exists() {
            return Ok(spec);
        }
        let mut parts = argument.as_bytes().split(|&byte| byte == b',');
        let first = parts.next().unwrap_or_default();
        let (name, path) = match split_at_equals(first) {
            Some((name, path)) if !name.contains(&b'/') && !name.is_empty() => (name, path),
            _ => (&b""[..], first),
        };
        spec.path = PathBuf::from(OsString::from_vec(path.to_vec()));
        spec.name = match String::from_utf8_lossy(name) {
            name if name.is_empty() => None,
            name => Some(name.replace(char::is_control, " ")),
        };
        for part in parts {
            spec.set(part)?;
        }
        Ok(spec)
    }

    fn set(&mut self, part: &[u8]) -> Result<(), Failure> {
        let owned = |value: &[u8]| OsString::from_vec(value.to_vec());
        match split_at_equals(part) {
            Some((b"handler", handler)) => {
                let handler = String::from_utf8_lossy(handler).into_owned();
                self.handler = Some(crate::arguments::handler(handler)?);
            }
            Some((b"task-root", root)) => self.task_root = Some(owned(root).into()),
            Some((b"env", variable)) => {
                let variable = crate::arguments::variable(&owned(variable))?;
                self.variables.push(variable);
            }
            _ => {
                return Err(Failure::new(format!(
                    "invalid setting '{}' of a bootstrap: expected handler=H, task-root=DIR or \
                     env=NAME=VALUE after a comma",
                    String::from_utf8_lossy(part)
                )));
            }
        }
        Ok(())
    }
}

fn split_at_equals(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == b'=')?;
    Some((&text[..at], &text[at + 1..]))
}

/// `echo` for `target/lambda/x86_64/echo/bootstrap`, otherwise the file's name.
fn default_name(bootstrap: &Path) -> String {
    let file = bootstrap.file_name().unwrap_or_default();
    let folder = bootstrap.parent().and_then(Path::file_name);
    let name = match folder {
        Some(folder) if file == "bootstrap" => folder,
        _ => file,
    };
    name.to_string_lossy().replace(char::is_control, " ")
}

/// The size of a file, or of all files in a folder and its subfolders.
fn size(path: &Path) -> io::Result<u64> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // A link to a folder may form a loop; zip, too, follows only links to files.
        let is_link = entry.file_type()?.is_symlink();
        if !is_link || fs::metadata(entry.path()).is_ok_and(|found| found.is_file()) {
            bytes += size(&entry.path())?;
        }
    }
    Ok(bytes)
}

/// The size of the zip that the program `zip` writes with its best compression and without file
/// attributes.
fn zip_size(deployed: &Path) -> Result<u64, String> {
    let (folder, what) = match deployed.is_dir() {
        true => (deployed, OsStr::new(".")),
        false => (
            deployed.parent().unwrap_or(Path::new("/")),
            deployed.file_name().unwrap_or_default(),
        ),
    };
    // Not a pipe: zip adds bytes if it cannot seek in its output.
    let pid = std::process::id();
    let name = format!("tinderbox-{pid}-{}.zip", clock::random_hex());
    let file = std::env::temp_dir().join(name);
    let run = Command::new("zip")
        .args(["-q", "-9", "-X", "-r"])
        .arg(&file)
        .arg(what)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    let size = fs::metadata(&file).map(|found| found.len());
    let _ = fs::remove_file(&file); // it does not exist if zip failed
    match run {
        Ok(output) if output.status.success() => {
            size.map_err(|error| format!("cannot read the zip: {error}"))
        }
        Ok(output) => Err(format!(
            "zip failed: {}",
            String::from_utf8_lossy(&output.stdout).trim()
        )),
        Err(error) => Err(format!("cannot run zip: {error}")),
    }
}
