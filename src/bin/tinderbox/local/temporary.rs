//! Temporary folders of the tool: private, removed when dropped, and removed by the next tool if
//! this one was killed.
//!
//! A tool that lives holds a lock on the file `lock` in each of its folders. The kernel releases it
//! at the end of the process, however that ends, and a lock has the same meaning in all containers
//! that share the folder for temporary files, which a process id has not.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::clock;

const PREFIX: &str = "tinderbox-folder-";
const LOCK: &str = "lock";

/// A folder that is removed with everything in it when the value is dropped.
pub struct TemporaryFolder {
    outer: PathBuf,
    /// Where the contents are.
    inner: PathBuf,
    _lock: File,
}

impl TemporaryFolder {
    /// An empty folder in the system's folder for temporary files; `name` is the last part of its
    /// path.
    pub fn new(name: &str) -> io::Result<TemporaryFolder> {
        TemporaryFolder::new_in(&std::path::absolute(std::env::temp_dir())?, name)
    }

    fn new_in(parent: &Path, name: &str) -> io::Result<TemporaryFolder> {
        let path = parent.join(format!("{PREFIX}{}", clock::random_hex()));
        DirBuilder::new().mode(0o700).create(&path)?;
        let locked = || {
            let file = File::create_new(path.join("new"))?;
            file.lock()?;
            // Under its final name it is locked from the beginning.
            fs::rename(path.join("new"), path.join(LOCK))?;
            let inner = path.join(name);
            DirBuilder::new().mode(0o755).create(&inner)?;
            Ok((file, inner))
        };
        match locked() {
            Ok((file, inner)) => {
                remove_abandoned(parent, &path);
                Ok(TemporaryFolder {
                    outer: path,
                    inner,
                    _lock: file,
                })
            }
            Err(error) => {
                let _ = fs::remove_dir_all(&path); // the error to report is the first one
                Err(error)
            }
        }
    }

    /// The folder for the contents; its path is absolute.
    pub fn contents(&self) -> &Path {
        &self.inner
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = remove_tree(&self.outer); // nobody is left to whom a failure matters
    }
}

/// Removes folders of tools that are gone. Only what this user owns, and never through a link.
fn remove_abandoned(parent: &Path, own: &Path) {
    let owner = fs::symlink_metadata(own).map(|found| found.uid());
    let (Ok(owner), Ok(entries)) = (owner, fs::read_dir(parent)) else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry
                .metadata() // of a link itself
                .is_ok_and(|found| found.is_dir() && found.uid() == owner);
        if !is_ours || entry.path() == own {
            continue;
        }
        let lock = File::open(entry.path().join(LOCK));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = remove_tree(&entry.path()); // another tool may do the same
        }
    }
}

/// Removes a folder with everything in it, also with folders that may not be written.
pub fn remove_tree(folder: &Path) -> io::Result<()> {
    if fs::remove_dir_all(folder).is_ok() {
        return Ok(());
    }
    make_writable(folder);
    fs::remove_dir_all(folder)
}

/// Makes it and the folders in it writable; follows no symbolic link.
fn make_writable(folder: &Path) {
    if !fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir()) {
        return;
    }
    let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        make_writable(&entry.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_dropped_is_removed_with_its_contents() {
        let folder = TemporaryFolder::new("task").expect("a folder");
        let path = folder.contents().to_path_buf();
        assert!(path.is_absolute() && path.ends_with("task"));
        fs::create_dir_all(path.join("a/b")).expect("a folder");
        fs::write(path.join("a/b/c"), "x").expect("a file");
        drop(folder);
        assert!(!path.parent().is_some_and(Path::exists));
    }

    #[test]
    fn folder_of_a_dead_tool_is_removed_and_of_a_living_one_is_not() {
        let parent = TemporaryFolder::new("parent").expect("a folder");
        let living = TemporaryFolder::new_in(parent.contents(), "task").expect("a folder");
        let dead = parent.contents().join(format!("{PREFIX}dead"));
        let unfinished = parent.contents().join(format!("{PREFIX}unfinished"));
        let other = parent.contents().join("other");
        for folder in [&dead, &unfinished, &other] {
            fs::create_dir(folder).expect("a folder");
        }
        for folder in [&dead, &other] {
            fs::write(folder.join(LOCK), "").expect("a file");
        }
        let next = TemporaryFolder::new_in(parent.contents(), "task").expect("a folder");
        assert!(!dead.exists());
        for folder in [living.contents(), next.contents(), &unfinished, &other] {
            assert!(folder.exists(), "{}", folder.display());
        }
    }
}
