//! A tree of files, in memory with a resolver of its own, and on disk.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::format;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::string::{String, ToString};
use std::vec::Vec;

/// What a tree has at a path.
pub enum Node {
    File(String),
    Folder,
    Link(&'static str),
    Pipe,
}

/// The folders of the package.
const FOLDERS: &str = "\
    /public /public/css /public/.git /public/.well-known /storage /storage/app /public/x.php \
    /public/deep /public/deep/er";

/// The files.
const FILES: &str = "\
    /public/a.txt /public/index.php /public/css/a.css /public/.env /public/.git/config \
    /public/.well-known/b.txt /storage/app/photo.png /storage/secret.txt /.env /a.txt \
    /composer.json /public/A.PHP /public/é.txt /public/x.php/a.css /public/%41.txt \
    /public/deep/er/f.js";

/// A package with a public folder, and beside it what must never be served. The names of files are
/// their contents.
pub fn tree() -> BTreeMap<String, Node> {
    let mut tree = BTreeMap::new();
    for folder in FOLDERS.split(' ').chain([""]) {
        tree.insert(folder.to_string(), Node::Folder);
    }
    for file in FILES.split(' ').chain(["/public/b c.txt"]) {
        tree.insert(file.to_string(), Node::File(file.to_string()));
    }
    for (link, target) in [
        ("/public/storage", "../storage/app"),
        ("/public/up", ".."),
        ("/public/out", "../.."),
        ("/public/passwd", "/etc/passwd"),
        ("/public/far", "../../../../../../etc/passwd"),
        ("/public/loop", "loop"),
        ("/public/link.txt", "a.txt"),
        ("/public/hop", "deep/er/../../link.txt"),
        ("/public/round", "../public/deep/../css"),
        ("/public/away", "../../package/a.txt"),
        ("/public/gone", "nothing"),
    ] {
        tree.insert(link.to_string(), Node::Link(target));
    }
    tree.insert("/public/pipe".to_string(), Node::Pipe);
    tree
}

/// A resolver that shares nothing with the kernel's: the file at a path of the tree, or `None`.
pub fn resolve(tree: &BTreeMap<String, Node>, path: &str) -> Option<String> {
    let mut at: Vec<String> = Vec::new();
    let mut rest: Vec<String> = path.split('/').rev().map(str::to_string).collect();
    let mut links = 0;
    while let Some(name) = rest.pop() {
        let here = at
            .iter()
            .fold(String::new(), |path, name| path + "/" + name);
        if !matches!(tree.get(&here), Some(Node::Folder)) {
            return None; // also before `..` and an empty name
        }
        match name.as_str() {
            "" | "." => continue,
            ".." => {
                at.pop()?; // beneath the root alone
                continue;
            }
            _ => at.push(name.clone()),
        }
        match tree.get(&format!("{here}/{name}"))? {
            Node::Link(target) => {
                links += 1;
                if target.starts_with('/') || links > 40 {
                    return None;
                }
                at.pop();
                rest.extend(target.split('/').rev().map(str::to_string));
            }
            Node::Pipe if rest.is_empty() => return None,
            _ => {}
        }
    }
    match tree.get(
        &at.iter()
            .fold(String::new(), |path, name| path + "/" + name),
    )? {
        Node::File(content) => Some(content.clone()),
        _ => None,
    }
}

/// The tree in a temporary folder, which is removed at the end.
pub struct OnDisk(pub PathBuf);

impl Drop for OnDisk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn write_tree(name: &str, tree: &BTreeMap<String, Node>) -> OnDisk {
    let name = format!("tinderbox-static-files-{name}-{}", std::process::id());
    let outer = std::env::temp_dir().join(name);
    let _ = fs::remove_dir_all(&outer);
    let package = outer.join("package");
    fs::create_dir_all(&package).expect("a folder");
    fs::write(outer.join("outside.txt"), "OUTSIDE").expect("a file");
    for (path, node) in tree {
        let place = package.join(path.trim_start_matches('/'));
        match node {
            Node::Folder => fs::create_dir_all(&place).expect("a folder"),
            Node::File(content) => fs::write(&place, content).expect("a file"),
            Node::Link(target) => symlink(target, &place).expect("a link"),
            Node::Pipe => {
                let place = CString::new(place.as_os_str().as_bytes()).expect("no NUL");
                let mut command = Command::new("mkfifo");
                let place = OsStr::from_bytes(place.as_bytes());
                assert!(command.arg(place).status().expect("mkfifo").success());
            }
        }
    }
    OnDisk(outer)
}
