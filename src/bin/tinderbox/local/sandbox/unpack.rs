//! Unpacks the layers of an image into one folder.
//!
//! Each layer is unpacked by `tar` into an empty folder, where a symbolic link of a lower layer
//! cannot lead it outside, and then moved into the root without following links. Whiteouts (OCI
//! Image Format Specification, "Layer Filesystem Changeset") are files of the layer until then.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::local::temporary::remove_tree;
use crate::output::Failure;

/// The prefix of a file that removes another, and the file that empties its folder.
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Unpacks one layer over what is in `root`; `staging` is a folder that does not exist.
pub fn unpack_layer(archive: &Path, root: &Path, staging: &Path) -> Result<(), Failure> {
    let shown = archive.display();
    let failure = |error: io::Error| {
        Failure::caused(format!("cannot unpack the image's layer '{shown}'"), error)
    };
    fs::create_dir(staging).map_err(failure)?;
    run_tar(archive, staging)?;
    // The layer may have set the mode of its root.
    fs::set_permissions(staging, Permissions::from_mode(0o700)).map_err(failure)?;
    merge(staging, root).map_err(failure)?;
    remove_tree(staging).map_err(failure)
}

fn run_tar(archive: &Path, folder: &Path) -> Result<(), Failure> {
    let shown = archive.display();
    // Device files need privileges, and /dev is replaced anyway. The compression is that of the
    // file's first bytes.
    let output = Command::new("tar")
        .args([
            "--extract",
            "--preserve-permissions",
            "--numeric-owner",
            "--anchored",
        ])
        .args(["--exclude=dev/*", "--exclude=./dev/*"])
        .arg("--file")
        .arg(archive)
        .arg("--directory")
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            let text = format!("cannot unpack the image's layer '{shown}' with tar");
            Failure::caused(text, format!("{error}; install tar and gzip"))
        })?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let text = String::from_utf8_lossy(&output.stderr);
            let text: Vec<&str> = text.lines().take(3).collect();
            let text = text.join("; ");
            Err(Failure::new(format!(
                "cannot unpack the image's layer '{shown}': {text}"
            )))
        }
    }
}

/// Moves what is in a layer's folder into `root`, which has the lower layers.
fn merge(layer: &Path, root: &Path) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(layer)? {
        names.push(entry?.file_name());
    }
    // Whiteouts hide what lower layers have, so they come first.
    if names.iter().any(|name| name.as_bytes() == OPAQUE) {
        for entry in fs::read_dir(root)? {
            remove(&entry?.path())?;
        }
    }
    for name in &names {
        if let Some(hidden) = name.as_bytes().strip_prefix(WHITEOUT) {
            let hidden = std::ffi::OsString::from_vec(hidden.to_vec());
            let is_plain = !hidden.is_empty() && hidden != "." && hidden != "..";
            if is_plain && name.as_bytes() != OPAQUE {
                remove(&root.join(hidden))?;
            }
        }
    }
    for name in names {
        if name.as_bytes().starts_with(WHITEOUT) {
            continue;
        }
        let (from, to) = (layer.join(&name), root.join(&name));
        if !fs::symlink_metadata(&from)?.is_dir() {
            remove(&to)?;
            fs::rename(&from, &to)?;
            continue;
        }
        // The owner may write in all folders, so that they can be filled and removed.
        let mode = fs::symlink_metadata(&from)?.permissions().mode() | 0o700;
        fs::set_permissions(&from, Permissions::from_mode(mode))?;
        if !fs::symlink_metadata(&to).is_ok_and(|found| found.is_dir()) {
            remove(&to)?;
            fs::create_dir(&to)?;
        }
        fs::set_permissions(&to, Permissions::from_mode(mode))?;
        merge(&from, &to)?;
    }
    Ok(())
}

/// Removes a file, a link or a folder with its content, if there is one.
fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => remove_tree(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::merge;
    use crate::local::temporary::TemporaryFolder;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    fn write(root: &Path, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, file).expect("a file");
        }
    }

    #[test]
    fn whiteouts_remove_what_lower_layers_have() {
        let folder = TemporaryFolder::new("test").expect("a folder");
        let (root, layer) = (
            folder.contents().join("root"),
            folder.contents().join("layer"),
        );
        write(&root, &["a/1", "a/2", "b/1", "b/2", "c", "d/e/f"]);
        write(
            &layer,
            &[
                "a/.wh.1",
                "b/.wh..wh..opq",
                "b/3",
                ".wh.d",
                "c/now-a-folder",
                ".wh...",
            ],
        );
        merge(&layer, &root).expect("merged");
        let exists = |name: &str| root.join(name).exists();
        assert!(!exists("a/1") && exists("a/2"));
        assert!(!exists("b/1") && !exists("b/2") && exists("b/3"));
        assert!(exists("c/now-a-folder") && !exists("d"));
        assert!(!exists("a/.wh.1") && !exists("b/.wh..wh..opq"));
    }

    #[test]
    fn link_of_a_lower_layer_is_replaced_and_not_followed() {
        let folder = TemporaryFolder::new("test").expect("a folder");
        let (root, layer) = (
            folder.contents().join("root"),
            folder.contents().join("layer"),
        );
        let outside = folder.contents().join("outside");
        write(&outside, &["file"]);
        write(&root, &["x"]);
        symlink(&outside, root.join("link")).expect("a link");
        write(&layer, &["link/file", "link/.wh.other"]);
        merge(&layer, &root).expect("merged");
        assert_eq!(fs::read(outside.join("file")).expect("a file"), b"file");
        assert_eq!(
            fs::read(root.join("link/file")).expect("a file"),
            b"link/file"
        );
        assert!(
            fs::symlink_metadata(root.join("link"))
                .expect("a folder")
                .is_dir()
        );
    }
}
