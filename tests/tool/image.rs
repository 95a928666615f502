//! Container images and root file systems, made by hand.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Finished, run_tool};
use crate::sandbox::namespaces_are_allowed;
use crate::support::skip::has;
use crate::support::{self, TempDir};

/// This machine's architecture, in the words of OCI.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        _ => "arm64",
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// What the tests of this file need.
fn is_possible() -> bool {
    support::runner().is_none()
        && namespaces_are_allowed()
        && ["tar", "gzip", "sha256sum"]
            .iter()
            .all(|command| has(command))
}

/// Adds content to a layout; its descriptor.
fn add_blob(layout: &TempDir, content: &[u8]) -> Value {
    let file = layout.file("blob", content);
    let output = Command::new("sha256sum").arg(&file).output();
    let output = output.expect("sha256sum").stdout;
    let digest = String::from_utf8(output).expect("text");
    let digest = digest.split(' ').next().expect("a digest");
    fs::create_dir_all(layout.path().join("blobs/sha256")).expect("a folder");
    fs::rename(&file, layout.path().join("blobs/sha256").join(digest)).expect("renamed");
    json!({"digest": format!("sha256:{digest}"), "size": content.len()})
}

/// An image layout of layers, each a folder.
fn make_layout(layers: &[&TempDir], architecture: &str, config: Value) -> TempDir {
    let layout = TempDir::new();
    let layers: Vec<Value> = layers
        .iter()
        .map(|layer| {
            let mut tar = Command::new("tar");
            tar.args(["--create", "--gzip", "--directory"])
                .arg(layer.path())
                .arg(".");
            let archive = tar.output().expect("tar");
            assert!(archive.status.success());
            add_blob(&layout, &archive.stdout)
        })
        .collect();
    let config = json!({"architecture": architecture, "os": "linux", "config": config});
    let config = add_blob(&layout, config.to_string().as_bytes());
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers});
    let mut descriptor = add_blob(&layout, manifest.to_string().as_bytes());
    descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": "latest"});
    let index = json!({"schemaVersion": 2, "manifests": [descriptor]});
    layout.file("index.json", index.to_string().as_bytes());
    layout.file("oci-layout", b"{\"imageLayoutVersion\":\"1.0.0\"}");
    layout
}

/// Copies an executable into a folder.
fn install(file: &Path, root: &TempDir, name: &str) {
    root.executable(name, &fs::read(file).expect("a file"));
}

/// Copies programs of this machine with the libraries that they need; false without `ldd`.
fn install_programs(root: &TempDir, names: &[&str]) -> bool {
    if !has("ldd") {
        return false;
    }
    for name in names {
        let program = PathBuf::from("/bin").join(name);
        install(&program, root, &format!("bin/{name}"));
        let output = Command::new("ldd")
            .arg(&program)
            .output()
            .expect("ldd")
            .stdout;
        let output = String::from_utf8(output).expect("text");
        for library in output
            .split_whitespace()
            .filter(|word| word.starts_with('/'))
        {
            install(Path::new(library), root, library.trim_start_matches('/'));
        }
    }
    true
}

fn once(image: &str, event: &str, options: &[&str]) -> Finished {
    let mut arguments = vec!["run", "--image", image, "--once", event];
    arguments.extend(["--timeout", "60", "--init-timeout", "60"]);
    arguments.extend(options);
    run_tool(&arguments)
}

#[test]
fn image_of_the_bootstrap_alone_answers() {
    if !is_possible() {
        return;
    }
    let layer = TempDir::new();
    install(&support::function("echo"), &layer, "var/runtime/bootstrap");
    let config = json!({"Entrypoint": ["/var/runtime/bootstrap"]});
    let layout = make_layout(&[&layer], architecture(), config);
    for image in [
        text(layout.path()).to_string(),
        format!("{}:latest", text(layout.path())),
    ] {
        let run = once(&image, "[1]", &[]);
        assert_eq!(
            (run.code, run.text().as_str()),
            (0, "[1]"),
            "{}",
            run.stderr
        );
    }
}

/// A layer with a shell, and one with the hosted bootstrap and this function.
fn shell_layers(script: &str) -> Option<(TempDir, TempDir)> {
    let (system, function) = (TempDir::new(), TempDir::new());
    if !install_programs(&system, &["bash", "sh", "cat", "ls", "mkdir", "rm"]) {
        return None;
    }
    install(&support::bootstrap(), &function, "var/runtime/bootstrap");
    function.file("var/task/function.sh", script.as_bytes());
    Some((system, function))
}

#[test]
fn image_configuration_counts_and_arguments_are_the_handler() {
    if !is_possible() {
        return;
    }
    let script = "handler() { echo \"$PWD|$LAMBDA_TASK_ROOT|${_HANDLER-unset}|$X|$PATH|$1\"; }
                  other() { echo other; }";
    let Some((system, function)) = shell_layers(script) else {
        return;
    };
    fs::create_dir_all(function.path().join("work")).expect("a folder");
    let config = json!({
        "Entrypoint": ["bootstrap"],
        "Cmd": ["function.handler"],
        "Env": ["PATH=/var/runtime:/bin", "X=a=b", "AWS_REGION=image"],
        "WorkingDir": "/work",
    });
    let layout = make_layout(&[&system, &function], architecture(), config);
    let image = text(layout.path());
    let run = once(image, "{}", &[]);
    let printed = run.text();
    let fields: Vec<&str> = printed.trim_end().split('|').take(5).collect();
    let expected = ["/work", "/var/task", "unset", "a=b", "/var/runtime:/bin"];
    assert_eq!(fields, expected, "{}", run.stderr);
    let run = once(
        image,
        "{}",
        &["--handler", "function.other", "--env", "X=user"],
    );
    assert_eq!(
        (run.code, run.text().trim_end()),
        (0, "other"),
        "{}",
        run.stderr
    );
}

#[test]
fn image_root_is_read_only_and_has_what_lambda_has() {
    if !is_possible() {
        return;
    }
    let script = r#"handler() {
        cat /etc/removed /var/removed/file 2>/dev/null || true
        cat /etc/layer
        for folder in / /var/task /opt /dev; do
            if mkdir $folder/new 2>/dev/null; then echo "$folder is writable"; fi
        done
        echo temporary >/tmp/file && cat /tmp/file
        echo x >/dev/null && [ -r /dev/urandom ] && [ -d /proc/self/fd ] && echo devices
        [ -e /etc/hostname ] || echo alone
    }"#;
    let Some((system, function)) = shell_layers(script) else {
        return;
    };
    system.file("etc/removed", b"removed\n");
    system.file("etc/layer", b"one\n");
    system.file("var/removed/file", b"removed\n");
    function.file("etc/.wh.removed", b"");
    function.file("etc/layer", b"two\n");
    function.file("var/.wh.removed", b"");
    let config = json!({"Entrypoint": ["/var/runtime/bootstrap", "function.handler"],
                        "WorkingDir": "/var/task"});
    let layout = make_layout(&[&system, &function], architecture(), config);
    let run = once(text(layout.path()), "{}", &[]);
    let expected = "two\ntemporary\ndevices\nalone\n";
    assert_eq!(
        (run.code, run.text().as_str()),
        (0, expected),
        "{}",
        run.stderr
    );
}

#[test]
fn root_file_system_runs_as_it_is_and_stays_as_it_is() {
    if !is_possible() {
        return;
    }
    let script = "handler() { echo \"$PWD $_HANDLER\"; echo x >/tmp/x && ls /tmp; ls /dev/null; }";
    let Some((system, function)) = shell_layers(script) else {
        return;
    };
    install(&support::bootstrap(), &system, "var/runtime/bootstrap");
    let source = function.path().join("var/task/function.sh");
    install(&source, &system, "var/task/function.sh");
    let list = || {
        let entries = fs::read_dir(system.path()).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        names
    };
    let before = list();
    let run = once(text(system.path()), "{}", &[]);
    let expected = "/var/task function.handler\nx\n/dev/null\n";
    assert_eq!(
        (run.code, run.text().as_str()),
        (0, expected),
        "{}",
        run.stderr
    );
    assert_eq!(list(), before);
    // With its own mount points.
    for folder in ["dev", "proc", "tmp"] {
        fs::create_dir(system.path().join(folder)).expect("a folder");
    }
    let run = once(text(system.path()), "{}", &[]);
    assert_eq!(
        (run.code, run.text().as_str()),
        (0, expected),
        "{}",
        run.stderr
    );
    assert!(
        fs::read_dir(system.path().join("tmp"))
            .expect("a folder")
            .next()
            .is_none()
    );
}

#[test]
fn image_link_cannot_lead_a_later_layer_outside() {
    if !is_possible() {
        return;
    }
    let outside = TempDir::new();
    outside.file("file", b"untouched");
    let (one, two) = (TempDir::new(), TempDir::new());
    std::os::unix::fs::symlink(outside.path(), one.path().join("link")).expect("a link");
    install(&support::function("echo"), &one, "bootstrap");
    two.file("link/file", b"changed");
    let config = json!({"Entrypoint": ["/bootstrap"]});
    let layout = make_layout(&[&one, &two], architecture(), config);
    let run = once(text(layout.path()), "{}", &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let found = fs::read(outside.path().join("file")).expect("a file");
    assert_eq!(found, b"untouched");
}

#[test]
fn image_that_cannot_be_used_is_refused() {
    if !is_possible() {
        return;
    }
    let layer = TempDir::new();
    install(&support::function("echo"), &layer, "bootstrap");
    layer.file("dynamic", b"#!/no/interpreter\n");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(layer.path().join("dynamic"), executable).expect("permissions");
    let config = |entry: &str| json!({"Entrypoint": [entry]});
    let refused = |image: &str, expected: &str| {
        let run = once(image, "{}", &[]);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    };
    let other = if architecture() == "amd64" {
        "arm64"
    } else {
        "amd64"
    };
    let foreign = make_layout(&[&layer], other, config("/bootstrap"));
    refused(
        text(foreign.path()),
        &format!("it is built for {other} and not for "),
    );
    let missing = make_layout(&[&layer], architecture(), config("missing"));
    refused(
        text(missing.path()),
        "the image's command 'missing' is no file of the image",
    );
    let nothing = make_layout(&[&layer], architecture(), json!({}));
    refused(text(nothing.path()), "neither an ENTRYPOINT nor a CMD");
    let script = make_layout(&[&layer], architecture(), config("/dynamic"));
    let expected = "cannot execute '/dynamic': its interpreter '/no/interpreter' does not exist";
    refused(text(script.path()), expected);

    let damaged = make_layout(&[&layer], architecture(), config("/bootstrap"));
    let blobs = damaged.path().join("blobs/sha256");
    for blob in fs::read_dir(&blobs).expect("a folder") {
        let path = blob.expect("an entry").path();
        let mut content = fs::read(&path).expect("a blob");
        *content.last_mut().expect("a byte") ^= 1;
        fs::write(&path, content).expect("a blob");
    }
    refused(
        text(damaged.path()),
        "does not have the digest that it is named by",
    );
    let empty = TempDir::new();
    refused(text(empty.path()), "no bootstrap in the root file system '");
    let file = empty.file("image.tar", b"x");
    refused(text(&file), "it is a file, and not an OCI layout's folder");
    refused("/no/such/image", "cannot read the image '/no/such/image'");
}
