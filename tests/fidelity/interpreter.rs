//! Interpreters: that of this machine, and those that `scripts/interpreters.sh` installed.

use crate::support::sys;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folders of the `PATH` of a managed runtime, without those of layers.
const USUAL_FOLDERS: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin"];

/// The commands of the languages, and the versions with which the cases were recorded: what an
/// interpreter itself answers differs between versions.
const RECORDED: &[(&str, &str, &str)] = &[
    ("node", "node", "20"),
    ("php", "php", "8.2"),
    ("python", "python3", "3.11"),
    ("ruby", "ruby", "3.1"),
    ("shell", "bash", ""),
];

/// An interpreter of a language.
#[derive(Clone, Debug)]
pub struct Interpreter {
    pub language: &'static str,
    /// Its major version, with the minor one for all but Node; empty for shells.
    pub version: String,
    /// The folder that is searched before the usual ones; `None` for the machine's own.
    pub folder: Option<PathBuf>,
    /// The root directory of the system in which that folder is, if it is not this machine's.
    pub root: Option<PathBuf>,
}

/// The command of a language and the version of the record.
fn recorded(language: &str) -> (&'static str, &'static str, &'static str) {
    let mut all = RECORDED.iter().copied();
    all.find(|row| row.0 == language).expect("a known language")
}

impl Interpreter {
    /// That of this machine, if it is of the version of the record; otherwise the reason to skip.
    pub fn of_machine(language: &str) -> Result<Interpreter, String> {
        let (language, command, wanted) = recorded(language);
        let mut paths = USUAL_FOLDERS
            .iter()
            .map(|folder| Path::new(folder).join(command));
        let Some(path) = paths.find(|path| path.is_file()) else {
            return Err(format!("no {command} in {}", USUAL_FOLDERS.join(":")));
        };
        let version = if wanted.is_empty() {
            String::new()
        } else {
            version(language, Command::new(&path))?
        };
        if version != wanted {
            return Err(format!(
                "{} is of version {version}: its cases were recorded with {wanted}",
                path.display()
            ));
        }
        Ok(Interpreter {
            language,
            version,
            folder: None,
            root: None,
        })
    }

    /// Those of a language that were installed below a folder, as `LANGUAGE-VERSION/bin/COMMAND`.
    /// Where `LANGUAGE-VERSION/root` is there, it is the root directory of the system that they
    /// need, in which the same folder is below `/interpreters`.
    pub fn installed(folder: &Path, language: &str) -> Vec<Result<Interpreter, String>> {
        let (language, command, _) = recorded(language);
        let start = format!("{language}-");
        let entries = std::fs::read_dir(folder).expect("read TINDERBOX_INTERPRETERS");
        let names = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| name.starts_with(&start)).collect();
        names.sort();
        let one = |name: &String| {
            let root = std::fs::canonicalize(folder.join(name).join("root")).ok();
            let bin = match &root {
                Some(_) => Path::new("/interpreters").join(name).join("bin"),
                None => folder.join(name).join("bin"),
            };
            let mut shown = Command::new(bin.join(command));
            if let Some(root) = &root {
                if !sys::can_mount("/opt") {
                    return Err(format!("{name}: only root can start another system"));
                }
                sys::isolate(&mut shown, &[], root, Path::new("/"));
            }
            let version = version(language, shown)?;
            match name[start.len()..] == version {
                true => Ok(Interpreter {
                    language,
                    version,
                    folder: Some(bin),
                    root,
                }),
                false => Err(format!("{name} is of version {version}")),
            }
        };
        names.iter().map(one).collect()
    }
}

/// The version that the interpreter prints.
fn version(language: &str, mut command: Command) -> Result<String, String> {
    let path = command.get_program().to_string_lossy().into_owned();
    let output = command.arg("--version").stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{path}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    let mut numbers = number.filter(|part| part.contains('.'));
    let (true, Some(number)) = (output.status.success(), numbers.next()) else {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{path} --version: {}: {error}", output.status));
    };
    let parts = if language == "node" { 1 } else { 2 };
    let parts: Vec<&str> = number.split('.').take(parts).collect();
    Ok(parts.join("."))
}
