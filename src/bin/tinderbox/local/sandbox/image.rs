//! A container image, or a plain root file system, that a function is run in.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Folder;
use super::oci::Layout;
use super::unpack::unpack_layer;
use crate::output::Failure;
use crate::settings::LAMBDA_PATH;
use crate::sys::in_root;

/// The task root of every image.
pub const TASK_ROOT: &str = "/var/task";

/// Where Lambda looks for a bootstrap, in this order.
const BOOTSTRAPS: [&str; 3] = [
    "/var/runtime/bootstrap",
    "/var/task/bootstrap",
    "/opt/bootstrap",
];

/// Folders on which, or on whose files, something is mounted; an image need not have them.
const MOUNT_POINTS: [&str; 4] = ["dev", "proc", "tmp", "etc"];

/// An image whose files are in a folder.
pub struct Image {
    /// Absolute.
    pub root: PathBuf,
    /// The program's path, inside.
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// The working directory, inside.
    pub directory: PathBuf,
    /// The image's own variables.
    pub variables: Vec<(String, String)>,
    /// Whether the configuration names a command: then the handler is its argument.
    pub has_command: bool,
}

impl Image {
    /// Unpacks an image layout, or takes a root file system as it is. `architecture` is Rust's name
    /// of it; `handler` takes the place of the arguments in the image.
    pub fn prepare(
        path: &Path,
        architecture: &str,
        handler: Option<&str>,
        temporary: &mut Folder,
    ) -> Result<Image, Failure> {
        let (folder, tag) = split_tag(path);
        let shown = folder.display();
        let found = fs::metadata(folder)
            .map_err(|error| Failure::caused(format!("cannot read the image '{shown}'"), error))?;
        if !found.is_dir() {
            return Err(Failure::new(format!(
                "cannot use the image '{shown}': it is a file, and not an OCI layout's folder or a \
                 root file system; unpack it with tar, or copy it with: skopeo copy \
                 oci-archive:{shown} oci:FOLDER"
            )));
        }
        let folder = fs::canonicalize(folder)
            .map_err(|error| Failure::caused(format!("cannot read the image '{shown}'"), error))?;
        if !folder.join("index.json").exists() {
            return Image::from_root(folder);
        }
        let layout = Layout {
            folder: &folder,
            tag,
        };
        let image = layout.read(oci_name(architecture))?;
        let root = temporary.create("root")?;
        let staging = root.with_file_name("staging");
        for layer in &image.layers {
            unpack_layer(layer, &root, &staging)?;
        }
        make_mount_points(&root)?;
        Image::from_config(root, &image.config["config"], handler)
    }

    fn from_root(root: PathBuf) -> Result<Image, Failure> {
        let is_file = |path: &&str| {
            in_root::metadata(&root, Path::new(path)).is_ok_and(|found| found.is_file())
        };
        let Some(bootstrap) = BOOTSTRAPS.iter().find(|path| is_file(path)) else {
            let shown = root.display();
            return Err(Failure::new(format!(
                "no bootstrap in the root file system '{shown}': expected {}; an image layout \
                 has a file index.json",
                BOOTSTRAPS.join(", ")
            )));
        };
        let task_root = Path::new(TASK_ROOT);
        let has_task_root = in_root::metadata(&root, task_root).is_ok_and(|found| found.is_dir());
        Ok(Image {
            program: bootstrap.into(),
            arguments: Vec::new(),
            directory: if has_task_root {
                task_root
            } else {
                Path::new("/")
            }
            .into(),
            variables: Vec::new(),
            has_command: false,
            root,
        })
    }

    fn from_config(root: PathBuf, config: &Value, handler: Option<&str>) -> Result<Image, Failure> {
        let texts = |value: &Value| -> Vec<String> {
            let values = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let texts = values.iter().filter_map(Value::as_str);
            texts.map(str::to_string).collect()
        };
        let mut command = texts(&config["Entrypoint"]);
        match handler {
            Some(handler) => command.push(handler.to_string()),
            None => command.extend(texts(&config["Cmd"])),
        }
        let variables: Vec<(String, String)> = texts(&config["Env"])
            .iter()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let directory = config["WorkingDir"]
            .as_str()
            .filter(|text| !text.is_empty());
        let path = variables.iter().rev().find(|(name, _)| name == "PATH");
        let path = path.map_or(LAMBDA_PATH, |(_, value)| value);
        let Some(program) = command.first().cloned() else {
            return Err(Failure::new(
                "the image has neither an ENTRYPOINT nor a CMD",
            ));
        };
        let found = find_program(&root, &program, path).ok_or_else(|| {
            Failure::new(format!(
                "the image's command '{program}' is no file of the image, as its path or in {path}"
            ))
        })?;
        Ok(Image {
            root,
            program: found,
            arguments: command.into_iter().skip(1).map(OsString::from).collect(),
            directory: PathBuf::from("/").join(directory.unwrap_or_default()),
            variables,
            has_command: true,
        })
    }

    /// The image's variables take the place of Lambda's, but not of those that Lambda reserves.
    pub fn adjust_variables(&self, variables: &mut Vec<(OsString, OsString)>) {
        let is_reserved = |name: &OsStr| {
            let name = name.as_bytes();
            name.starts_with(b"AWS_") || name.starts_with(b"_")
        };
        if self.has_command {
            variables.retain(|(name, _)| name != "_HANDLER");
        }
        for (name, value) in &self.variables {
            let name = OsString::from(name);
            let exists = variables.iter().any(|(known, _)| *known == name);
            if !(exists && is_reserved(&name)) {
                variables.retain(|(known, _)| *known != name);
                variables.push((name, value.into()));
            }
        }
    }
}

/// `LAYOUT:NAME` where there is no file of that whole name.
fn split_tag(path: &Path) -> (&Path, Option<&str>) {
    let text = path.to_str().unwrap_or_default();
    match text.rsplit_once(':') {
        Some((folder, tag)) if !path.exists() && !tag.contains('/') => {
            (Path::new(folder), Some(tag))
        }
        _ => (path, None),
    }
}

/// Finds a program as a process does whose root this is: by its path, or in the folders of PATH.
fn find_program(root: &Path, name: &str, path: &str) -> Option<PathBuf> {
    let candidates: Vec<PathBuf> = match name.contains('/') {
        true => vec![Path::new("/").join(name)],
        false => path
            .split(':')
            .map(|folder| Path::new(folder).join(name))
            .collect(),
    };
    let is_file = |path: &PathBuf| in_root::metadata(root, path).is_ok_and(|found| found.is_file());
    candidates.into_iter().find(is_file)
}

fn oci_name(architecture: &str) -> &str {
    match architecture {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// In the tool's own copy: folders to mount on, in the place of links too, and an empty task root
/// if there is none.
fn make_mount_points(root: &Path) -> Result<(), Failure> {
    let failure = |error| Failure::caused("cannot create a mount point in the image", error);
    let kind = |path: &Path| fs::symlink_metadata(path).map(|found| found.file_type());
    for name in MOUNT_POINTS {
        let path = root.join(name);
        match kind(&path) {
            Ok(kind) if kind.is_dir() => continue,
            Ok(_) => fs::remove_file(&path).map_err(failure)?,
            Err(_) => {}
        }
        fs::create_dir(&path).map_err(failure)?;
    }
    for name in super::root::NETWORK_FILES {
        let path = root.join(name);
        match kind(&path) {
            Ok(kind) if kind.is_file() => continue,
            Ok(kind) if kind.is_dir() => continue, // nothing is mounted on it
            Ok(_) => fs::remove_file(&path).map_err(failure)?,
            Err(_) => {}
        }
        fs::write(&path, "").map_err(failure)?;
    }
    // No link is followed: it could lead outside.
    let mut path = root.to_path_buf();
    for part in Path::new(TASK_ROOT).iter().skip(1) {
        path.push(part);
        match kind(&path) {
            Ok(kind) if kind.is_dir() => {}
            Ok(_) => break,
            Err(_) => fs::create_dir(&path).map_err(failure)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Image, split_tag};
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    #[test]
    fn image_variables_do_not_replace_reserved_ones() {
        let owned = |(name, value): (&str, &str)| (name.to_string(), value.to_string());
        let variables = [
            ("PATH", "/x"),
            ("AWS_REGION", "image"),
            ("AWS_OWN", "1"),
            ("A", "="),
        ];
        let image = Image {
            root: PathBuf::new(),
            program: PathBuf::new(),
            arguments: Vec::new(),
            directory: PathBuf::new(),
            variables: variables.map(owned).to_vec(),
            has_command: true,
        };
        let pair = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        let mut all = vec![
            pair("PATH", "/bin"),
            pair("AWS_REGION", "r"),
            pair("_HANDLER", "h"),
        ];
        image.adjust_variables(&mut all);
        let expected = [
            pair("AWS_REGION", "r"),
            pair("PATH", "/x"),
            pair("AWS_OWN", "1"),
            pair("A", "="),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn name_after_the_layout_is_split_off() {
        assert_eq!(
            split_tag(Path::new("/no/x:1.2")),
            (Path::new("/no/x"), Some("1.2"))
        );
        assert_eq!(
            split_tag(Path::new("/no:1/x")),
            (Path::new("/no:1/x"), None)
        );
        assert_eq!(split_tag(Path::new("/no/x")), (Path::new("/no/x"), None));
    }
}
