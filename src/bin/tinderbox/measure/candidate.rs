//! Who is measured: a bootstrap, what it is called, how it is started, and what its files weigh.
//!
//! On the command line: `[NAME=]PATH[,handler=H][,root=DIR][,env=NAME=VALUE]...`. A word that is
//! the name of a file or a folder as it stands is taken for that.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::MeasureOptions;
use crate::local::Settings;
use crate::local::process::Program;
use crate::message::Failure;

/// One bootstrap that takes part.
pub struct Candidate {
    pub name: String,
    pub program: Program,
    pub settings: Settings,
    /// `static`, `dynamic: INTERPRETER`, `script: INTERPRETER`.
    pub linked: String,
    /// Of what is deployed: the folder of a `DIR`, else the bootstrap alone.
    pub bytes: u64,
    /// The size of its zip, or why there is none.
    pub zip_bytes: Result<u64, String>,
}

impl Candidate {
    /// Finds what a word of the command line means.
    pub fn find(word: &OsStr, options: &MeasureOptions) -> Result<Candidate, Failure> {
        let spec = Spec::parse(word)?;
        let program = Program::find(&spec.path, &[]).map_err(Failure::new)?;
        let bootstrap = &program.bootstrap;
        let root = match &spec.root {
            Some(root) if !root.is_dir() => {
                let text = format!("the task root '{}' is not a folder", root.display());
                return Err(Failure::new(text));
            }
            Some(root) => std::path::absolute(root),
            None => Ok(bootstrap.parent().unwrap_or(Path::new("/")).to_path_buf()),
        };
        let root = root.map_err(|error| Failure::new(format!("no absolute path: {error}")))?;
        let deployed = match spec.path.is_dir() {
            true => root.clone(),
            false => bootstrap.clone(),
        };
        let unreadable =
            |error| Failure::new(format!("'{}' cannot be read: {error}", deployed.display()));
        let mut variables = options.variables.clone();
        variables.extend(spec.variables);
        Ok(Candidate {
            name: spec.name.unwrap_or_else(|| name_of(bootstrap)),
            linked: crate::local::process::linked(bootstrap),
            bytes: size(&deployed).map_err(unreadable)?,
            zip_bytes: zip_size(&deployed),
            settings: Settings {
                function_name: "function".to_string(),
                root,
                handler: spec.handler.unwrap_or_else(|| options.handler.clone()),
                timeout: options.timeout,
                init_timeout: options.timeout,
                memory_mb: options.memory_mb,
                variables,
                concurrency: None,
                snapstart: false,
                one_shot: false,
            },
            program,
        })
    }
}

impl Candidate {
    /// Its name, and its file where that says more.
    pub fn shown(&self) -> String {
        format!("{} ({})", self.name, self.program.bootstrap.display())
    }
}

/// The parts of a word.
struct Spec {
    name: Option<String>,
    path: PathBuf,
    handler: Option<String>,
    root: Option<PathBuf>,
    variables: Vec<(OsString, OsString)>,
}

impl Spec {
    fn parse(word: &OsStr) -> Result<Spec, Failure> {
        let mut spec = Spec {
            name: None,
            path: PathBuf::from(word),
            handler: None,
            root: None,
            variables: Vec::new(),
        };
        if spec.path.exists() {
            return Ok(spec);
        }
        let mut parts = word.as_bytes().split(|&byte| byte == b',');
        let first = parts.next().unwrap_or_default();
        let (name, path) = match split(first) {
            Some((name, path)) if !name.contains(&b'/') && !name.is_empty() => (name, path),
            _ => (&b""[..], first),
        };
        spec.path = PathBuf::from(OsString::from_vec(path.to_vec()));
        spec.name = match String::from_utf8_lossy(name) {
            name if name.is_empty() => None,
            name => Some(name.replace(char::is_control, " ")),
        };
        for part in parts {
            let value = |value: &[u8]| OsString::from_vec(value.to_vec());
            match split(part) {
                Some((b"handler", handler)) => {
                    let handler = value(handler).to_string_lossy().into_owned();
                    spec.handler = Some(crate::arguments::handler(handler)?);
                }
                Some((b"root", root)) => spec.root = Some(value(root).into()),
                Some((b"env", variable)) => {
                    let variable = crate::arguments::variable(&value(variable))?;
                    spec.variables.push(variable);
                }
                _ => {
                    return Err(Failure::new(format!(
                        "'{}' behind a comma is none of handler=H, root=DIR, env=NAME=VALUE",
                        String::from_utf8_lossy(part)
                    )));
                }
            }
        }
        Ok(spec)
    }
}

fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == b'=')?;
    Some((&text[..at], &text[at + 1..]))
}

/// What a bootstrap is called when nobody says: `echo` for `target/lambda/x86_64/echo/bootstrap`.
fn name_of(bootstrap: &Path) -> String {
    let file = bootstrap.file_name().unwrap_or_default();
    let folder = bootstrap.parent().and_then(Path::file_name);
    let name = match folder {
        Some(folder) if file == "bootstrap" => folder,
        _ => file,
    };
    name.to_string_lossy().replace(char::is_control, " ")
}

/// Of a file, or of all files in a folder, however deep.
fn size(path: &Path) -> io::Result<u64> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // A link to a folder may lead back up; zip follows links to files alone just so.
        let is_link = entry.file_type()?.is_symlink();
        if !is_link || fs::metadata(entry.path()).is_ok_and(|found| found.is_file()) {
            bytes += size(&entry.path())?;
        }
    }
    Ok(bytes)
}

/// Zipped as small as the program `zip` does it, without attributes of this machine.
fn zip_size(deployed: &Path) -> Result<u64, String> {
    let (folder, what) = match deployed.is_dir() {
        true => (deployed, OsStr::new(".")),
        false => (
            deployed.parent().unwrap_or(Path::new("/")),
            deployed.file_name().unwrap_or_default(),
        ),
    };
    // Not a pipe: zip adds bytes when it cannot go back in what it has written.
    let name = format!(
        "tinderbox-{}-{}.zip",
        std::process::id(),
        crate::local::clock::hex_32()
    );
    let file = std::env::temp_dir().join(name);
    let run = Command::new("zip")
        .args(["-q", "-9", "-X", "-r"])
        .arg(&file)
        .arg(what)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    let size = fs::metadata(&file).map(|found| found.len());
    let _ = fs::remove_file(&file); // there is none when zip did nothing
    match run {
        Ok(output) if output.status.success() => size.map_err(|error| error.to_string()),
        Ok(output) => Err(format!(
            "zip fails: {}",
            String::from_utf8_lossy(&output.stdout).trim()
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err("there is no zip".to_string()),
        Err(error) => Err(format!("zip cannot be run: {error}")),
    }
}
