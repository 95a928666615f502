//! A release: complete, reproducible, and every file of it works.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::empty::{answer, start};
use crate::support::TempDir;
use crate::{can_chroot, cannot_be_had, output, script, skip, static_program, text, unzip};

const EVENT: &str = "{\"say\":\"hello\"}";

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("read a folder").flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().expect("a name in UTF-8"))
        .collect();
    names.sort();
    names
}

/// The answer of the release's tool for a bootstrap and a task root.
fn invoke(folder: &Path, bootstrap: &Path, root: &Path) -> String {
    let mut command = Command::new(folder.join("tinderbox-x86_64"));
    command
        .arg("run")
        .arg(bootstrap)
        .arg("--task-root")
        .arg(root);
    command.args(["--handler", "hello", "--once", EVENT]);
    let output = output(&mut command);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    String::from_utf8(output.stdout).expect("text")
}

/// Builds the image of the recipe in a folder; the entry point and the environment.
fn build_image(context: &Path, image: &Path) -> (String, Vec<(String, String)>) {
    let recipe = fs::read_to_string(context.join("Containerfile")).expect("read the recipe");
    let (mut entry, mut environment) = (String::new(), Vec::new());
    for line in recipe.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["FROM", "scratch"] | ["WORKDIR", "/var/task"] => {}
            ["COPY", from, to] => {
                let to = image.join(to.trim_start_matches('/'));
                fs::create_dir_all(&to).expect("make a folder");
                let mut copy = Command::new("cp");
                copy.arg("-a").arg(context.join(from).join(".")).arg(to);
                assert!(output(&mut copy).status.success());
            }
            ["ENV", ref pairs @ ..] => environment.extend(pairs.iter().map(|pair| {
                let (name, value) = pair.split_once('=').expect("NAME=VALUE");
                (name.to_string(), value.to_string())
            })),
            ["ENTRYPOINT", path] => entry = path.trim_matches(&['[', ']', '"'][..]).to_string(),
            _ => panic!("{line:?} is not known here"),
        }
    }
    (entry, environment)
}

#[test]
fn release_is_complete_reproducible_and_works() {
    if !skip::has("unzip") || !skip::has("zip") {
        return;
    }
    let dirs = [TempDir::new(), TempDir::new()];
    let folders = dirs.each_ref().map(|dir| dir.path().join("release"));
    let made = folders
        .each_ref()
        .map(|folder| script("release.sh", &[text(folder)]));
    if made.iter().any(cannot_be_had) {
        return;
    }
    assert!(made.iter().all(|made| made.status.success()), "{made:?}");
    let mut expected: Vec<String> = ["Containerfile", "README.md", "SHA256SUMS"]
        .map(String::from)
        .into();
    for arch in ["aarch64", "x86_64"] {
        let names = [
            "bootstrap-ARCH",
            "function-ARCH.zip",
            "layer-ARCH.zip",
            "layer-php-ARCH.zip",
            "tinderbox-ARCH",
        ];
        expected.extend(names.map(|name| name.replace("ARCH", arch)));
    }
    expected.sort();
    let [folder, other] = &folders;
    assert_eq!(names(folder), expected);
    for name in &expected {
        let read = |folder: &Path| fs::read(folder.join(name)).expect("read a file");
        assert!(read(folder) == read(other), "{name} differs");
        let mode = fs::metadata(folder.join(name))
            .expect("a file")
            .permissions()
            .mode();
        let program = name.starts_with("bootstrap-") || name.starts_with("tinderbox-");
        assert_eq!(mode & 0o777, if program { 0o755 } else { 0o644 }, "{name}");
    }
    let sums = output(
        Command::new("sha256sum")
            .args(["-c", "--quiet", "--strict", "SHA256SUMS"])
            .current_dir(folder),
    );
    assert!(sums.status.success(), "{sums:?}");
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).expect("read the sums");
    let summed: Vec<&str> = sums.lines().map(|line| &line[66..]).collect();
    expected.retain(|name| name != "SHA256SUMS");
    assert_eq!(summed, expected);

    // The function as it is; then the layer and the recipe as in its README.
    let function = dirs[0].path().join("function");
    unzip(&folder.join("function-x86_64.zip"), &function);
    assert_eq!(
        invoke(folder, &function.join("bootstrap"), &function),
        EVENT
    );
    unzip(&folder.join("layer-x86_64.zip"), &folder.join("opt"));
    fs::create_dir(folder.join("function")).expect("make a folder");
    static_program(&folder.join("function/hello"));
    assert_eq!(
        invoke(
            folder,
            &folder.join("opt/bootstrap"),
            &folder.join("function")
        ),
        EVENT
    );
    if can_chroot() {
        let image = dirs[0].path().join("image");
        let (entry, environment) = build_image(folder, &image);
        let mut start = start(&image, &entry, "nothing").without("LD_LIBRARY_PATH");
        for (name, value) in &environment {
            start = start.variable(name, value);
        }
        assert_eq!(answer(&start, EVENT), EVENT.as_bytes());
    }
    let again = script("release.sh", &[text(folder)]);
    assert_eq!(
        again.status.code(),
        Some(1),
        "a release is not made over another"
    );
}
