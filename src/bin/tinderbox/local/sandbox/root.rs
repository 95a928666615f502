//! The file system of a function: the steps that give a new process its `/opt`, or another root.
//!
//! Everything happens in a mount namespace of the process's own; no file of the workstation is
//! changed. A mount point that is missing is made in a copy of the root folder's top level: a file
//! system in memory, on which each of its entries is mounted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::image::Image;
use crate::sys::enter::{Enter, Privilege};

/// How names are resolved is the workstation's matter.
pub const NETWORK_FILES: [&str; 2] = ["etc/resolv.conf", "etc/hosts"];

/// Of /dev, Lambda has little more than these.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const DEVICE_LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// The workstation's root with `layer` as a read-only `/opt`. `anchor` is an empty folder, which is
/// needed if there is no `/opt`.
pub fn mount_opt(
    enter: &mut Enter,
    privilege: Privilege,
    layer: &Path,
    anchor: Option<&Path>,
) -> io::Result<()> {
    enter.unshare_mounts(privilege)?;
    match anchor {
        None => {
            enter.bind(layer, Path::new("/opt"))?;
            enter.set_read_only(Path::new("/opt"), true)
        }
        Some(anchor) => {
            compose(enter, Path::new("/"), anchor, &["opt"])?;
            let opt = anchor.join("opt");
            enter.bind(layer, &opt)?;
            enter.set_read_only(&opt, true)?;
            enter.set_read_only(anchor, false)?;
            enter.pivot_root(anchor)
        }
    }
}

/// The image as a read-only root, with `/dev`, `/proc`, and `tmp` as its `/tmp`.
pub fn enter_image(
    enter: &mut Enter,
    privilege: Privilege,
    image: &Image,
    tmp: &Path,
    anchor: &Path,
) -> io::Result<()> {
    const MOUNT_POINTS: [&str; 3] = ["dev", "proc", "tmp"];
    let is_folder = |name: &&str| {
        let found = fs::symlink_metadata(image.root.join(name));
        found.is_ok_and(|found| found.is_dir())
    };
    enter.unshare_mounts(privilege)?;
    let root = match MOUNT_POINTS.iter().all(is_folder) {
        true => {
            enter.bind(&image.root, &image.root)?; // the new root has to be a mount
            &image.root
        }
        false => {
            compose(enter, &image.root, anchor, &MOUNT_POINTS)?;
            anchor
        }
    };
    enter.set_read_only(root, true)?;
    let inside = |name: &str| root.join(name);
    mount_devices(enter, &inside("dev"))?;
    enter.bind(Path::new("/proc"), &inside("proc"))?;
    enter.bind(tmp, &inside("tmp"))?;
    for name in NETWORK_FILES {
        let own = fs::symlink_metadata(image.root.join(name));
        let source = Path::new("/").join(name);
        if own.is_ok_and(|found| found.is_file()) && source.exists() {
            enter.bind(&source, &inside(name))?;
        }
    }
    enter.pivot_root(root)
}

/// Device files cannot be made without privileges, but mounted.
fn mount_devices(enter: &mut Enter, folder: &Path) -> io::Result<()> {
    enter.mount_tmpfs(folder)?;
    for name in DEVICES {
        let device = Path::new("/dev").join(name);
        if device.exists() {
            let path = folder.join(name);
            enter.make_file(&path)?;
            enter.bind(&device, &path)?;
        }
    }
    for (name, target) in DEVICE_LINKS {
        enter.make_link(Path::new(target), &folder.join(name))?;
    }
    enter.set_read_only(folder, false)
}

/// On `anchor`, the entries of `root` and these empty folders, which may be missing in `root`.
fn compose(enter: &mut Enter, root: &Path, anchor: &Path, folders: &[&str]) -> io::Result<()> {
    enter.mount_tmpfs(anchor)?;
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        if folders.iter().any(|folder| name == *folder) {
            continue;
        }
        let (source, target) = (entry.path(), anchor.join(&name));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            enter.make_link(&fs::read_link(&source)?, &target)?;
            continue;
        }
        match kind.is_dir() {
            true => enter.make_folder(&target)?,
            false => enter.make_file(&target)?,
        }
        enter.bind(&source, &target)?;
    }
    for folder in folders {
        enter.make_folder(&anchor.join(folder))?;
    }
    Ok(())
}

/// The host's `/opt`, if it is a folder that something can be mounted on.
pub fn needs_anchor() -> bool {
    !PathBuf::from("/opt").is_dir()
}
