//! What surrounds a function's processes: layers as `/opt`, an image as the root, a memory limit,
//! and what is needed to freeze them.
//!
//! - `layers`   the content of `/opt`, or variables in its place
//! - `image`, `oci`, `unpack`   container images and root file systems
//! - `root`     mount namespaces
//! - `cgroup`   control groups
//! - `tree`     the processes of a bootstrap: memory, freezing, killing
//!
//! A `Sandbox` is prepared once for a function. Each start of a process takes an `Entry`: the steps
//! that the child performs before its program, and the control group that it joins.

mod cgroup;
mod image;
mod layers;
mod oci;
mod root;
pub mod tree;
mod unpack;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::temporary::TemporaryFolder;
use crate::output::Failure;
use crate::process::Program;
use crate::sys::enter::{Enter, Privilege};
pub use cgroup::Group;
use cgroup::Parents;
use image::Image;
pub use image::TASK_ROOT;

/// The options that concern the sandbox.
#[derive(Clone, Default)]
pub struct SandboxOptions {
    /// Folders and zips; later ones win.
    pub layers: Vec<PathBuf>,
    pub image: Option<PathBuf>,
    /// The memory size is enforced.
    pub memory_limit: bool,
    /// Processes are stopped between events.
    pub freeze: bool,
    /// The handler, where the user named one.
    pub handler: Option<String>,
}

/// The prepared surroundings of a function.
pub struct Sandbox {
    files: Files,
    privilege: Privilege,
    groups: Parents,
    is_memory_limited: bool,
    is_frozen_between_events: bool,
    notes: Vec<String>,
    temporary: Folder,
}

/// The file system.
enum Files {
    /// The workstation's, as it is.
    Own,
    /// The workstation's, with this folder as `/opt`.
    Opt(PathBuf),
    /// The workstation's, with variables that name this folder in the place of `/opt`.
    Variables(PathBuf),
    Image(Image),
}

/// For one start of a process.
pub struct Entry {
    /// Performed by the child.
    pub enter: Enter,
    /// To be held until all processes have exited.
    pub group: Option<Group>,
}

/// A temporary folder that is created when it is first needed.
#[derive(Default)]
struct Folder(Option<TemporaryFolder>);

impl Folder {
    /// A new folder in it, or an existing one.
    fn create(&mut self, name: &str) -> Result<PathBuf, Failure> {
        let cannot = |error| {
            let shown = std::env::temp_dir();
            let text = format!("cannot create a temporary folder in '{}'", shown.display());
            Failure::caused(text, format!("{error}; choose another place with TMPDIR"))
        };
        if self.0.is_none() {
            self.0 = Some(TemporaryFolder::new("sandbox").map_err(cannot)?);
        }
        self.create_more(name).map_err(cannot)
    }

    /// The same where there is one.
    fn create_more(&self, name: &str) -> io::Result<PathBuf> {
        let owner = self.path().ok_or(io::ErrorKind::NotFound)?;
        let path = owner.join(name);
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(path),
        }
    }

    fn path(&self) -> Option<&Path> {
        self.0.as_ref().map(TemporaryFolder::contents)
    }
}

impl Sandbox {
    /// No sandbox: processes run as the tool does.
    pub fn none() -> Sandbox {
        Sandbox {
            files: Files::Own,
            privilege: Privilege::Own,
            groups: Parents::find(false, false),
            is_memory_limited: false,
            is_frozen_between_events: false,
            notes: Vec::new(),
            temporary: Folder::default(),
        }
    }

    /// Prepares everything that the options ask for, and tries it. `runner` is the emulator, if
    /// there is one; a layer must not hide `needed_paths`.
    pub fn prepare(
        options: &SandboxOptions,
        runner: &[OsString],
        needed_paths: &[&Path],
    ) -> Result<Sandbox, Failure> {
        let mut sandbox = Sandbox {
            groups: Parents::find(options.memory_limit, options.freeze),
            is_memory_limited: options.memory_limit,
            is_frozen_between_events: options.freeze,
            ..Sandbox::none()
        };
        if options.memory_limit && !sandbox.groups.limits_memory() {
            sandbox.notes.push(
                "--memory-limit: no control group can be made here, so each process is limited by \
                 itself (RLIMIT_DATA): an allocation fails instead of the process being killed, \
                 the memory of several processes is not added up, and shared memory and files are \
                 not counted"
                    .to_string(),
            );
        }
        if options.freeze && !sandbox.groups.freezes() {
            sandbox.notes.push(
                "--freeze: no control group can be made here, so processes are stopped by SIGSTOP \
                 and resumed by SIGCONT, which they can notice"
                    .to_string(),
            );
        }
        if let Some(path) = &options.image {
            let architecture = emulated_architecture(runner).unwrap_or(std::env::consts::ARCH);
            let handler = options.handler.as_deref();
            let image = Image::prepare(path, architecture, handler, &mut sandbox.temporary)?;
            sandbox.files = Files::Image(image);
            sandbox.choose_privilege().map_err(|error| {
                let shown = path.display();
                let text = format!("cannot enter the image '{shown}'");
                Failure::caused(text, format!("{error}; {NAMESPACES_HINT}"))
            })?;
        } else if !options.layers.is_empty() {
            let layer = layers::merge(&options.layers, &mut sandbox.temporary)?;
            sandbox.files = Files::Opt(layer.clone());
            if let Some(hidden) = needed_paths.iter().find(|path| is_in_opt(path)) {
                let reason = format!("'{}' would be hidden", hidden.display());
                sandbox.replace_opt(layer, &reason);
            } else if let Err(error) = sandbox.choose_privilege() {
                sandbox.replace_opt(layer, &error.to_string());
            }
        }
        Ok(sandbox)
    }

    /// Lines that the user has to know: what is not as on Lambda.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether processes are stopped between events.
    pub fn freezes(&self) -> bool {
        self.is_frozen_between_events
    }

    /// Whether all processes run in an image.
    pub fn is_image(&self) -> bool {
        matches!(self.files, Files::Image(_))
    }

    /// The image's command.
    pub fn image_program(&self, runner: &[OsString]) -> Result<Option<Program>, Failure> {
        let Files::Image(image) = &self.files else {
            return Ok(None);
        };
        let mut program = Program::new(image.program.clone(), runner)?;
        program.arguments = image.arguments.clone();
        program.file = Some(
            image
                .root
                .join(image.program.strip_prefix("/").unwrap_or(&image.program)),
        );
        program.directory = Some(image.directory.clone());
        program.is_in_image = true;
        Ok(Some(program))
    }

    /// The layers' bootstrap, for a function without one of its own.
    pub fn layer_program(&self, runner: &[OsString]) -> Result<Option<Program>, Failure> {
        let (layer, is_mounted) = match &self.files {
            Files::Opt(layer) => (layer, true),
            Files::Variables(layer) => (layer, false),
            Files::Own | Files::Image(_) => return Ok(None),
        };
        let file = layer.join("bootstrap");
        if !file.is_file() {
            return Ok(None);
        }
        let path = if is_mounted {
            PathBuf::from("/opt/bootstrap")
        } else {
            file.clone()
        };
        let mut program = Program::new(path, runner)?;
        program.file = Some(file);
        Ok(Some(program))
    }

    /// Changes the variables of a process, before those of the user are added.
    pub fn adjust_variables(&self, variables: &mut Vec<(OsString, OsString)>) {
        match &self.files {
            Files::Own | Files::Opt(_) => {}
            Files::Variables(layer) => layers::replace_opt(variables, layer),
            Files::Image(image) => image.adjust_variables(variables),
        }
    }

    /// For one start of a process with this memory size in the execution environment that has this
    /// Runtime API.
    pub fn entry(&self, memory_mb: u32, runtime_api: &str) -> io::Result<Entry> {
        let mut enter = Enter::default();
        let bytes = self.is_memory_limited.then_some(u64::from(memory_mb) << 20);
        let mut group = None;
        if self.groups.limits_memory() || self.groups.freezes() {
            group = Some(self.groups.make(bytes.unwrap_or(u64::MAX), &mut enter)?);
        }
        if let Some(bytes) = bytes.filter(|_| !self.groups.limits_memory()) {
            enter.limit_data(bytes);
        }
        self.add_files(&mut enter, runtime_api)?;
        Ok(Entry { enter, group })
    }

    fn add_files(&self, enter: &mut Enter, runtime_api: &str) -> io::Result<()> {
        let privilege = self.privilege;
        match &self.files {
            Files::Own | Files::Variables(_) => Ok(()),
            Files::Opt(layer) => {
                let anchor = match root::needs_anchor() {
                    true => Some(self.temporary.create_more("anchor")?),
                    false => None,
                };
                root::mount_opt(enter, privilege, layer, anchor.as_deref())
            }
            Files::Image(image) => {
                let anchor = self.temporary.create_more("anchor")?;
                let (_, port) = runtime_api.rsplit_once(':').unwrap_or_default();
                let tmp = self.temporary.create_more(&format!("tmp-{port}"))?;
                fs::set_permissions(&tmp, fs::Permissions::from_mode(0o1777))?;
                root::enter_image(enter, privilege, image, &tmp, &anchor)
            }
        }
    }

    /// Tries the tool's own privileges first, then those of a user namespace.
    fn choose_privilege(&mut self) -> io::Result<()> {
        let needs_folder = matches!(self.files, Files::Image(_)) || root::needs_anchor();
        if needs_folder && let Err(failure) = self.temporary.create("anchor") {
            return Err(io::Error::other(failure.text().to_string()));
        }
        let mut result = Ok(());
        for privilege in [Privilege::Own, Privilege::NewUserNamespace] {
            self.privilege = privilege;
            let mut enter = Enter::default();
            result = self
                .add_files(&mut enter, "")
                .and_then(|()| enter.attempt());
            if result.is_ok() {
                break;
            }
        }
        result
    }

    fn replace_opt(&mut self, layer: PathBuf, reason: &str) {
        self.notes.push(format!(
            "--layer: nothing can be mounted on /opt ({reason}), so PATH, LD_LIBRARY_PATH and the \
             variables of the languages name '{}' instead; a path that begins with /opt leads to \
             the workstation's own",
            layer.display()
        ));
        self.files = Files::Variables(layer);
    }
}

const NAMESPACES_HINT: &str = "an image needs mount namespaces: run the tool as root (in a \
    container, with the capability SYS_ADMIN), or allow user namespaces (sysctl \
    kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)";

fn is_in_opt(path: &Path) -> bool {
    let resolved = fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    resolved.is_ok_and(|path| path.starts_with("/opt"))
}

/// Rust's name of the architecture that `qemu-ARCHITECTURE[-static]` emulates.
fn emulated_architecture(runner: &[OsString]) -> Option<&str> {
    let name = Path::new(runner.first()?)
        .file_name()
        .and_then(OsStr::to_str)?;
    let name = name.strip_prefix("qemu-")?;
    Some(name.strip_suffix("-static").unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::{Files, Sandbox, SandboxOptions, emulated_architecture};
    use crate::local::temporary::TemporaryFolder;
    use std::path::Path;

    #[test]
    fn layer_that_would_hide_a_needed_path_is_named_by_variables() {
        let layer = TemporaryFolder::new("layer").expect("a folder");
        let options = SandboxOptions {
            layers: vec![layer.contents().to_path_buf()],
            ..SandboxOptions::default()
        };
        let needed = [Path::new("/tmp"), Path::new("/opt/project/../project")];
        let sandbox = Sandbox::prepare(&options, &[], &needed)
            .ok()
            .expect("a sandbox");
        assert!(matches!(sandbox.files, Files::Variables(_)));
        assert!(
            sandbox.notes()[0].contains("would be hidden"),
            "{:?}",
            sandbox.notes()
        );
    }

    #[test]
    fn emulator_names_the_architecture_of_the_image() {
        let found = |name: &str| emulated_architecture(&[name.into()]).map(str::to_string);
        assert_eq!(
            found("/usr/bin/qemu-aarch64-static").as_deref(),
            Some("aarch64")
        );
        assert_eq!(found("qemu-x86_64").as_deref(), Some("x86_64"));
        assert_eq!(found("/usr/bin/nice"), None);
        assert_eq!(emulated_architecture(&[]), None);
    }
}
