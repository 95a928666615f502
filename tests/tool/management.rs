//! The calls that manage functions, with zips of the programs that people have.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{Server, wait_until};
use crate::support::{TempDir, skip, sys};

const ROLE: &str = "arn:aws:iam::123456789012:role/x";

/// A tool with the function `own`, and a folder for temporary files of its own.
struct Tool {
    server: Server,
    folder: TempDir,
}

impl Tool {
    fn start() -> Tool {
        let folder = TempDir::new();
        let bootstrap = folder.executable("bootstrap", b"#!/bin/sh\nexec sleep 100\n");
        fs::create_dir(folder.path().join("tmp")).expect("a folder");
        let server = serve(&folder, &bootstrap);
        Tool { server, folder }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.server.manage(method, path, body)
    }

    /// Deploys a zip; the folder that it was unpacked into.
    fn deploy(&self, zip: &Path) -> PathBuf {
        let body = json!({ "ZipFile": base64(&fs::read(zip).expect("a zip")) });
        let (status, shown) = self.call("PUT", "functions/own/code", &body);
        assert_eq!(status, 200, "{shown}");
        let bytes = fs::metadata(zip).expect("a zip").len();
        assert_eq!(shown["CodeSize"], bytes);
        let (_, shown) = self.call("GET", "functions/own", &Value::Null);
        let location = shown["Code"]["Location"].as_str().expect("a location");
        PathBuf::from(location.strip_prefix("file://").expect("a file"))
    }

    /// The folders in the folder for temporary files.
    fn temporary(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path().join("tmp")).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    }
}

fn serve(folder: &TempDir, bootstrap: &Path) -> Server {
    let temporary = folder.path().join("tmp");
    Server::start_with(bootstrap, &["--function-name", "own"], |command| {
        command.env("TMPDIR", temporary);
    })
}

pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = number(0) << 16 | number(1) << 8 | number(2);
        for index in 0..4 {
            text.push(match index <= group.len() {
                true => char::from(DIGITS[(bits >> (18 - 6 * index)) as usize & 63]),
                false => '=',
            });
        }
    }
    text
}

/// Files of all kinds: `bootstrap`, nested folders, links, an empty file, noise and repetitions.
fn sources(folder: &TempDir) -> PathBuf {
    let root = folder.path().join("sources");
    fs::create_dir_all(root.join("lib/deep/empty")).expect("a folder");
    let mut noise = Vec::new();
    let mut state = 7u32;
    for _ in 0..300_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.push((state >> 24) as u8);
    }
    for (name, bytes) in [
        ("bootstrap", b"#!/bin/sh\nexec sleep 100\n".to_vec()),
        ("lib/noise", noise),
        (
            "lib/deep/text",
            "a line of text that repeats, ".repeat(40_000).into_bytes(),
        ),
        ("lib/deep/zeros", vec![0; 1_000_000]),
        ("lib/nothing", Vec::new()),
        ("lib/ümlaut", b"x".to_vec()),
    ] {
        fs::write(root.join(name), bytes).expect("a file");
    }
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(root.join("bootstrap"), executable).expect("a mode");
    std::os::unix::fs::symlink("deep/text", root.join("lib/link")).expect("a link");
    root
}

/// Both trees have the same files, with the same permissions for the owner and the same bytes.
fn assert_same(expected: &Path, found: &Path) {
    let names = |folder: &Path| -> Vec<_> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(expected), names(found), "{}", found.display());
    for name in names(expected) {
        let (expected, found) = (expected.join(&name), found.join(&name));
        let kinds = [&expected, &found]
            .map(|path| fs::symlink_metadata(path).expect("an entry").file_type());
        assert_eq!(kinds[0], kinds[1], "{}", found.display());
        if kinds[0].is_dir() {
            assert_same(&expected, &found);
        } else if kinds[0].is_symlink() {
            let targets = [&expected, &found].map(|path| fs::read_link(path).expect("a link"));
            assert_eq!(targets[0], targets[1]);
        } else {
            let read = |path: &Path| fs::read(path).expect("a file");
            assert!(read(&expected) == read(&found), "{}", found.display());
            let is_executable = |path: &Path| {
                let mode = fs::metadata(path).expect("a file").permissions().mode();
                mode & 0o111 != 0
            };
            assert_eq!(is_executable(&expected), is_executable(&found));
        }
    }
}

pub fn run(command: &mut Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(status.expect("it starts").success(), "{command:?}");
}

#[test]
fn zip_by_info_zip_of_each_level_is_deployed() {
    if !skip::has("zip") {
        return;
    }
    let tool = Tool::start();
    let root = sources(&tool.folder);
    for options in [
        &["-0"][..],
        &["-1"],
        &["-6"],
        &["-9"],
        &["-9", "-X", "-D"],
        &["-6", "-fz"],
    ] {
        let zip = tool.folder.path().join("f.zip");
        let _ = fs::remove_file(&zip);
        run(Command::new("zip")
            .current_dir(&root)
            .args(["-q", "-r", "-y"])
            .args(options)
            .args([zip.as_os_str(), ".".as_ref()]));
        let unpacked = tool.deploy(&zip);
        if options.contains(&"-D") {
            // Without entries for folders, the empty one is absent.
            fs::create_dir(unpacked.join("lib/deep/empty")).expect("a folder");
        }
        assert_same(&root, &unpacked);
    }
    // A package goes with the last environment that was started from it.
    wait_until("one package", || tool.temporary().len() == 1);
}

#[test]
fn zip_by_python_of_each_method_is_deployed() {
    const SCRIPT: &str = "
import os, sys, zipfile
root, name, method, level, streamed = sys.argv[1:]
class Pipe:
    def __init__(self, file):
        self.write, self.flush = file.write, file.flush
out = open(name, 'wb')
if streamed == '1':
    out = Pipe(out)
with zipfile.ZipFile(out, 'w', int(method), compresslevel=int(level)) as z:
    for folder, folders, files in os.walk(root):
        for file in folders + files:
            path = os.path.join(folder, file)
            short = os.path.relpath(path, root)
            if os.path.islink(path):
                info = zipfile.ZipInfo(short)
                info.external_attr = 0o120777 << 16
                z.writestr(info, os.readlink(path))
            else:
                z.write(path, short)
";
    if !skip::has("python3") {
        return;
    }
    let tool = Tool::start();
    let root = sources(&tool.folder);
    // Not seekable: sizes and checksums follow the data, in descriptors.
    for (method, level, streamed) in [
        ("0", "0", "0"),
        ("8", "1", "0"),
        ("8", "9", "1"),
        ("0", "0", "1"),
    ] {
        let zip = tool.folder.path().join("f.zip");
        run(Command::new("python3")
            .args(["-c", SCRIPT])
            .args([&root, &zip])
            .args([method, level, streamed]));
        assert_same(&root, &tool.deploy(&zip));
    }
}

#[test]
fn zip_damaged_changes_nothing() {
    if !skip::has("zip") {
        return;
    }
    let tool = Tool::start();
    let root = sources(&tool.folder);
    let zip = tool.folder.path().join("f.zip");
    run(Command::new("zip")
        .current_dir(&root)
        .args(["-q", "-r"])
        .args([&zip, Path::new(".")]));
    let before = tool.call("GET", "functions/own", &Value::Null);
    let bytes = fs::read(&zip).expect("a zip");
    for end in [0, 1, 21, bytes.len() / 2, bytes.len() - 1] {
        let body = json!({ "ZipFile": base64(&bytes[..end]) });
        let (status, shown) = tool.call("PUT", "functions/own/code", &body);
        let message = shown["message"].as_str().or(shown["Message"].as_str());
        let message = message.expect("a message");
        assert_eq!(status, 400, "{shown}");
        assert!(
            message.starts_with("Could not unzip uploaded file."),
            "{message}"
        );
    }
    assert_eq!(tool.call("GET", "functions/own", &Value::Null), before);
    assert_eq!(tool.temporary(), [""; 0].map(PathBuf::from));
}

#[test]
fn package_folder_is_removed_at_the_end_of_the_tool() {
    if !skip::has("zip") {
        return;
    }
    let mut tool = Tool::start();
    let root = sources(&tool.folder);
    let zip = tool.folder.path().join("f.zip");
    run(Command::new("zip")
        .current_dir(&root)
        .args(["-q", "-r"])
        .args([&zip, Path::new(".")]));
    let unpacked = tool.deploy(&zip);
    assert!(unpacked.starts_with(&tool.temporary()[0]));
    let mode = fs::metadata(&tool.temporary()[0])
        .expect("a folder")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(tool.server.stop(sys::SIGTERM).success());
    assert_eq!(tool.temporary(), [""; 0].map(PathBuf::from));
    // A killed tool cannot remove its folder; the next one does.
    let bootstrap = tool.folder.path().join("bootstrap");
    tool.server = serve(&tool.folder, &bootstrap);
    let old = tool.deploy(&zip);
    tool.server.stop(sys::SIGKILL);
    wait_until("the end of the bootstrap", || {
        tool.server.processes().is_empty()
    });
    assert!(old.exists());
    tool.server = serve(&tool.folder, &bootstrap);
    let new = tool.deploy(&zip);
    assert!(new.exists() && !old.exists());
    assert_eq!(tool.temporary().len(), 1);
}

#[test]
fn functions_of_the_command_line_are_listed() {
    let folder = TempDir::new();
    let bootstrap = folder.executable("bootstrap", b"#!/bin/sh\nexec sleep 100\n");
    let second = format!(
        "two={},handler=a.b,timeout=1.5,memory=256,env:AA=x,,y",
        bootstrap.display()
    );
    let server = Server::start(&bootstrap, &["--function", &second, "--timeout", "7"]);
    let tool = Tool { server, folder };
    let (status, shown) = tool.call("GET", "functions", &Value::Null);
    assert_eq!(status, 200);
    let functions = shown["Functions"].as_array().expect("a list");
    let shown: Vec<[&Value; 4]> = functions
        .iter()
        .map(|function| {
            ["FunctionName", "Handler", "Timeout", "MemorySize"].map(|name| &function[name])
        })
        .collect();
    assert_eq!(
        json!(shown),
        json!([
            ["function", "function.handler", 7, 128],
            ["two", "a.b", 2, 256]
        ])
    );
    assert_eq!(functions[1]["Environment"]["Variables"]["AA"], "x,y");
    let (status, shown) = tool.call("GET", "functions/three", &Value::Null);
    assert_eq!(status, 404, "{shown}");
}

#[test]
fn request_larger_than_its_limit_is_413() {
    let tool = Tool::start();
    let large = json!({ "Description": "x".repeat(1024 * 1024) });
    let (status, shown) = tool.call("PUT", "functions/own/configuration", &large);
    assert_eq!(status, 413, "{shown}");
    let message = "Request must be smaller than 1048576 bytes for the \
                   UpdateFunctionConfiguration operation";
    assert_eq!(
        shown["message"].as_str().or(shown["Message"].as_str()),
        Some(message)
    );
    let create = json!({
        "FunctionName": "made", "Role": ROLE, "Code": { "ZipFile": base64(&vec![0; 2_000_000]) },
    });
    let (status, shown) = tool.call("POST", "functions", &create);
    assert_eq!(status, 400, "{shown}"); // it is read: no zip
}
