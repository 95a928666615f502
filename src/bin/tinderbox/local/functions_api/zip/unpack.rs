//! Unpacking a zip into an empty folder of the tool's own.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{Entry, Error, Kind, entries};

/// The permissions of files whose zip has none, and of folders.
const FILE_MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o755;

/// Linux's limit for the target of a link.
const LINK_BYTES_MAX: u64 = 4096;

/// Unpacks the zip into the folder, which has to be empty; returns the size of all files.
pub fn unpack(zip: &[u8], folder: &Path) -> Result<u64, Error> {
    let entries = entries(zip)?;
    let root = fs::canonicalize(folder).map_err(Error::Write)?;
    let mut unpacked = 0;
    // Links come last, so no name of a file or folder leads through one.
    for entry in entries.iter().filter(|entry| entry.kind != Kind::Link) {
        let path = path_of(entry)?;
        match entry.kind {
            Kind::Folder => create_folders(&root, &path, entry)?,
            _ => {
                create_folders(&root, path.parent().unwrap_or(Path::new("")), entry)?;
                write_file(&root.join(&path), entry)?;
                unpacked += entry.size;
            }
        }
    }
    let links = entries.iter().filter(|entry| entry.kind == Kind::Link);
    let mut created = Vec::new();
    for entry in links {
        let path = path_of(entry)?;
        let target = read_target(entry, &path)?;
        create_folders(&root, path.parent().unwrap_or(Path::new("")), entry)?;
        let file = root.join(path);
        std::os::unix::fs::symlink(target, &file).map_err(|error| explain(error, entry))?;
        created.push((file, entry));
    }
    // Each link stays inside by its text; one through another may still leave.
    for (file, entry) in created {
        if fs::canonicalize(&file).is_ok_and(|end| !end.starts_with(&root)) {
            return Err(leaves(entry));
        }
    }
    Ok(unpacked)
}

fn leaves(entry: &Entry<'_>) -> Error {
    Error::Refused("it is a link that leads out of the package", entry.shown())
}

/// The entry's path in the folder: relative, without `.` and `..`.
fn path_of(entry: &Entry<'_>) -> Result<PathBuf, Error> {
    let parts = entry.name.split(|&byte| byte == b'/');
    let parts: Vec<&[u8]> = parts
        .filter(|part| !part.is_empty() && *part != b".")
        .collect();
    let is_outside = entry.name.starts_with(b"/") || parts.contains(&&b".."[..]);
    if is_outside {
        let what = "its name leads out of the package";
        return Err(Error::Refused(what, entry.shown()));
    }
    if entry.name.contains(&0) || (parts.is_empty() && entry.kind != Kind::Folder) {
        return Err(Error::Refused("it is no name of a file", entry.shown()));
    }
    Ok(parts.into_iter().map(OsStr::from_bytes).collect())
}

fn create_folders(root: &Path, path: &Path, entry: &Entry<'_>) -> Result<(), Error> {
    let mut folder = root.to_path_buf();
    for part in path {
        folder.push(part);
        let created = DirBuilder::new().mode(FOLDER_MODE).create(&folder);
        let is_folder = |_| fs::symlink_metadata(&folder).is_ok_and(|found| found.is_dir());
        match created {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_folder(()) => {}
            result => result.map_err(|error| explain(error, entry))?,
        }
    }
    Ok(())
}

fn write_file(path: &Path, entry: &Entry<'_>) -> Result<(), Error> {
    // The owner has to be able to read it, and nobody gets more than permissions.
    let mode = entry.mode.unwrap_or(FILE_MODE) & 0o777 | 0o400;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| explain(error, entry))?;
    entry.read(&mut |bytes| file.write_all(bytes).map_err(Error::Write))?;
    set_mode(&file, mode)
}

/// After the file is written: a umask does not count, as in a deployment.
fn set_mode(file: &File, mode: u32) -> Result<(), Error> {
    let permissions = fs::Permissions::from_mode(mode);
    file.set_permissions(permissions).map_err(Error::Write)
}

/// The target of a link, if it is relative and stays within the folder.
fn read_target(entry: &Entry<'_>, path: &Path) -> Result<PathBuf, Error> {
    if entry.size > LINK_BYTES_MAX {
        return Err(Error::Refused(
            "it is a link that is too long",
            entry.shown(),
        ));
    }
    let mut target = Vec::new();
    entry.read(&mut |bytes| {
        target.extend_from_slice(bytes);
        Ok(())
    })?;
    let mut depth = path.components().count() as i64 - 1;
    for part in target.split(|&byte| byte == b'/') {
        depth += match part {
            b"" | b"." => 0,
            b".." => -1,
            _ => 1,
        };
        if depth < 0 {
            return Err(leaves(entry));
        }
    }
    match target.first() {
        None | Some(b'/') => Err(leaves(entry)),
        Some(_) => Ok(PathBuf::from(OsStr::from_bytes(&target))),
    }
}

/// Two entries of one name, or a name that is a file here and a folder there, are the zip's fault.
fn explain(error: io::Error, entry: &Entry<'_>) -> Error {
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            Error::Refused("its name is there twice", entry.shown())
        }
        io::ErrorKind::InvalidFilename => Error::Refused("its name is too long", entry.shown()),
        _ => Error::Write(error),
    }
}
