//! Layers, a memory limit, freezing, and the memory of child processes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::{self, Finished, Server, run_tool, wait_until};
use crate::support::skip::{has, skip};
use crate::support::{self, TempDir, proc, sys};

/// The user and group `nobody`.
const NOBODY: u32 = 65534;

/// A bootstrap in bash that answers `true`; the event `"grow"` makes it need 180 MB before.
const GROWING: &str = r#"#!/bin/bash
send() {
  exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API/:/\/}"
  printf '%s /2018-06-01/runtime/invocation/%s HTTP/1.1\r\nHost: x\r\n' "$1" "$2" >&3
  printf 'Connection: close\r\n%s' "$3" >&3
}
while :; do
  send GET next $'\r\n'
  while IFS= read -r line <&3; do
    line=${line%$'\r'}
    [ -z "$line" ] && break
    case $line in [Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d:*) id=${line#*: } ;; esac
  done
  event=$(cat <&3)
  exec 3>&-
  if [ "$event" = '"grow"' ]; then
    for i in 1 2 3 4 5 6; do x=$x$(head -c 30000000 /dev/zero | tr '\0' a); done
  fi
  send POST "$id/response" $'Content-Length: 4\r\n\r\ntrue'
  cat <&3 >/dev/null
  exec 3>&-
done
"#;

/// Whether a process may have a mount namespace here, as the tool's user.
pub fn namespaces_are_allowed() -> bool {
    if !has("unshare") {
        return false;
    }
    let allows = |options: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(options).arg("true").stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let is_allowed = allows(&["--mount"]) || allows(&["--user", "--map-root-user", "--mount"]);
    if !is_allowed {
        skip("this system allows no mount namespaces");
    }
    is_allowed
}

/// A task root with the hosted bootstrap and a shell function.
pub fn shell_function(script: &str) -> TempDir {
    let folder = TempDir::new();
    let bootstrap = fs::read(support::bootstrap()).expect("a bootstrap");
    folder.executable("bootstrap", &bootstrap);
    folder.file("function.sh", script.as_bytes());
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// Runs a function with one event.
fn once(function: &TempDir, options: &[&str]) -> Finished {
    let mut arguments = vec!["run", text(function.path()), "--once", "{}"];
    arguments.extend(["--timeout", "60", "--init-timeout", "60"]);
    arguments.extend(options);
    run_tool(&arguments)
}

fn assert_prints(run: &Finished, expected: &str) {
    let printed = run.text();
    let found = (run.code, printed.trim_end());
    assert_eq!(found, (0, expected), "{}", run.stderr);
}

/// A zip with these files, by Python's own module.
fn zip(folder: &TempDir, name: &str, files: &[(&str, &str)]) -> String {
    let path = folder.path().join(name);
    let script = "import sys, zipfile\n\
                  z = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\n\
                  for i in range(2, len(sys.argv), 2): z.writestr(sys.argv[i], sys.argv[i + 1])";
    let mut command = Command::new("python3");
    command.args(["-c", script]).arg(&path);
    for (name, content) in files {
        command.args([name, content]);
    }
    assert!(command.status().expect("python3").success());
    text(&path).to_string()
}

#[test]
fn layer_folder_is_opt_and_its_edits_are_seen() {
    if support::runner().is_some() || !namespaces_are_allowed() {
        return;
    }
    let function = shell_function(
        "handler() { if touch /opt/new 2>/dev/null; then echo new; fi; greet; cat /opt/a; }",
    );
    let layer = TempDir::new();
    layer.file("a", b"one\n");
    layer.executable("bin/greet", b"#!/bin/sh\necho hello\n");
    let options = ["--layer", text(layer.path()), "--timeout", "60"];
    let server = Server::start(&function.path().join("bootstrap"), &options);
    assert_eq!(server.invoke("{}").as_bytes(), b"hello\none\n");
    layer.file("a", b"two\n");
    assert_eq!(server.invoke("{}").as_bytes(), b"hello\ntwo\n");
    assert!(!layer.path().join("new").exists());
    assert!(!server.stderr().contains("--layer"), "{}", server.stderr());
}

#[test]
fn later_layers_win_and_the_copy_goes_with_the_tool() {
    if support::runner().is_some() || !namespaces_are_allowed() || !has("python3") {
        return;
    }
    let function =
        shell_function("handler() { cd /opt; for f in *; do echo \"$f=$(cat $f)\"; done; }");
    let (one, two, zips, temporary) = (
        TempDir::new(),
        TempDir::new(),
        TempDir::new(),
        TempDir::new(),
    );
    for (folder, files) in [(&one, ["a", "b", "c"]), (&two, ["b", "c", "d"])] {
        for file in files {
            let content = if std::ptr::eq(folder, &one) { "1" } else { "2" };
            folder.file(file, content.as_bytes());
        }
    }
    let three = zip(&zips, "three.zip", &[("c", "3"), ("e", "3")]);
    let layers = [
        "--layer",
        text(one.path()),
        "--layer",
        text(two.path()),
        "--layer",
        &three,
    ];
    let mut arguments = vec![
        "run",
        text(function.path()),
        "--once",
        "{}",
        "--timeout",
        "60",
    ];
    arguments.extend(layers);
    let output = harness::command(&arguments)
        .env("TMPDIR", temporary.path())
        .output()
        .expect("the tool");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(printed, "a=1\nb=2\nc=3\nd=2\ne=3\n", "{errors}");
    let left = || fs::read_dir(temporary.path()).expect("a folder").count();
    assert_eq!(left(), 0, "removed at the exit");

    let bootstrap = function.path().join("bootstrap");
    let prepare = |command: &mut Command| {
        command.env("TMPDIR", temporary.path());
    };
    let mut server = Server::start_with(&bootstrap, &layers, prepare);
    assert!(
        server
            .invoke("{}")
            .as_str()
            .is_ok_and(|text| text.starts_with("a=1\n"))
    );
    assert_eq!(left(), 1);
    server.stop(sys::SIGKILL);
    wait_until("no process left", || server.processes().is_empty());
    assert_eq!(left(), 1, "nothing can remove it");
    let mut server = Server::start_with(&bootstrap, &layers, prepare);
    assert_eq!(left(), 1, "the next tool removes it");
    server.stop(sys::SIGTERM);
    assert_eq!(left(), 0, "removed at the end");
}

#[test]
fn layer_bootstrap_is_run_if_the_task_root_has_none() {
    if support::runner().is_some() || !namespaces_are_allowed() {
        return;
    }
    let (function, layer) = (TempDir::new(), TempDir::new());
    function.file(
        "function.sh",
        b"handler() { echo \"$LAMBDA_TASK_ROOT $PWD\"; }",
    );
    let bootstrap = fs::read(support::bootstrap()).expect("a bootstrap");
    layer.executable("bootstrap", &bootstrap);
    let run = once(&function, &["--layer", text(layer.path())]);
    let root = text(function.path());
    assert_prints(&run, &format!("{root} {root}"));
    let run = once(&function, &[]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("no file named bootstrap"),
        "{}",
        run.stderr
    );
}

#[test]
fn layer_without_namespaces_is_named_by_variables() {
    if support::runner().is_some() || !namespaces_are_allowed() {
        return;
    }
    let function = shell_function("handler() { greet; echo \"$PYTHONPATH $NODE_PATH\"; }");
    let layer = TempDir::new();
    layer.executable("bin/greet", b"#!/bin/sh\necho hello\n");
    layer.file("python/m.py", b"");
    layer.file("nodejs/node_modules/m/index.js", b"");
    // The limits of a user namespace forbid the tool to make others.
    let script = "echo 0 >/proc/sys/user/max_mnt_namespaces && \
                  echo 0 >/proc/sys/user/max_user_namespaces && exec \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "sh", "-c", script, "sh"])
        .arg(env!("CARGO_BIN_EXE_tinderbox"))
        .args([
            "run",
            text(function.path()),
            "--once",
            "{}",
            "--timeout",
            "60",
        ])
        .args(["--layer", text(layer.path())]);
    let output = command.output().expect("unshare");
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("unshare: ") || errors.contains("cannot create /proc") {
        return skip("this system allows no user namespaces");
    }
    let root = text(layer.path());
    let expected = format!("hello\n{root}/python {root}/nodejs/node_modules\n");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        expected,
        "{errors}"
    );
    let note = "tinderbox: --layer: nothing can be mounted on /opt (cannot make a ";
    assert!(errors.contains(note), "{errors}");
}

#[test]
fn layer_on_a_system_without_opt_changes_no_folder() {
    if support::runner().is_some() || !namespaces_are_allowed() || !has("chroot") {
        return;
    }
    let function = shell_function("handler() { cat /opt/a; ls -d /proc/self /usr/bin/env; }");
    let (layer, system) = (TempDir::new(), TempDir::new());
    layer.file("a", b"layer\n");
    // A root like this machine's, without /opt.
    let script = r#"set -e
        root=$1; shift
        mount -t tmpfs none "$root"
        for entry in /*; do
            name=${entry#/}
            [ "$name" = opt ] && continue
            if [ -L "$entry" ]; then ln -s "$(readlink "$entry")" "$root/$name"
            elif [ -d "$entry" ]; then mkdir "$root/$name"; mount --rbind "$entry" "$root/$name"
            fi
        done
        chroot "$root" "$@" && ls -a "$root" | grep -x opt && echo changed >&2; exit 0"#;
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", script, "sh", text(system.path())])
        .arg(env!("CARGO_BIN_EXE_tinderbox"))
        .args([
            "run",
            text(function.path()),
            "--once",
            "{}",
            "--timeout",
            "60",
        ])
        .args(["--layer", text(layer.path())]);
    let output = command.output().expect("unshare");
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("unshare: ") || errors.contains("mount: ") {
        return skip("mounting needs root on this system");
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed, "layer\n/proc/self\n/usr/bin/env\n", "{errors}");
    assert!(!errors.contains("changed"), "{errors}");
}

#[test]
fn layer_that_cannot_be_used_is_refused() {
    let folder = TempDir::new();
    let bootstrap = folder.executable("bootstrap", b"#!/bin/sh\n");
    let broken = folder.file("broken.zip", b"PK and nothing");
    let missing = folder.path().join("missing");
    for (layer, expected) in [
        (text(&missing), "cannot read the layer '"),
        (text(&broken), "cannot unpack the layer '"),
    ] {
        let run = run_tool(&["run", text(&bootstrap), "--once", "{}", "--layer", layer]);
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
}

#[test]
fn unprivileged_user_gets_layers_and_no_process_outlives_the_tool() {
    if support::runner().is_some() || !namespaces_are_allowed() {
        return;
    }
    let Some(tool) = tool_for_nobody() else {
        return;
    };
    let (function, layer) = (
        shell_function("handler() { cat /opt/a; id -u; }"),
        TempDir::new(),
    );
    layer.file("a", b"layer\n");
    open(function.path());
    open(layer.path());
    let arguments = ["run", text(function.path()), "--layer", text(layer.path())];
    let server = |once: bool| {
        let mut command = Command::new(&tool.1);
        command.uid(NOBODY).gid(NOBODY).args(arguments);
        command.args([
            "--timeout",
            "60",
            "--env",
            "SANDBOX_MARK=nobody",
            "--port",
            "0",
        ]);
        if once {
            command.args(["--once", "{}"]);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let output = server(true).output().expect("the tool");
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("--layer: nothing can be mounted") {
        return skip("this system allows no user namespaces to users");
    }
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "layer\n65534\n",
        "{errors}"
    );
    // The signal at the parent's death survives the change of the namespace.
    let mut running = support::spawn(&mut server(false));
    // Not the child that only tries whether the namespaces are allowed.
    let has_program = |pid: &u32| proc::has_mark(*pid, "SANDBOX_MARK=nobody");
    let bootstrap = || proc::children(running.id()).into_iter().find(has_program);
    wait_until("the bootstrap's program", || bootstrap().is_some());
    let bootstrap = bootstrap().expect("just seen");
    running.kill().expect("kill the tool");
    running.wait().expect("the tool's exit");
    wait_until("no bootstrap left", || {
        !proc::has_mark(bootstrap, "SANDBOX_MARK=nobody")
            || proc::state_and_parent(bootstrap).is_none_or(|(state, _)| state == 'Z')
    });
}

#[test]
fn memory_limit_kills_and_reports_out_of_memory() {
    if !has("bash") {
        return;
    }
    let folder = TempDir::new();
    folder.executable("bootstrap", GROWING.as_bytes());
    let bootstrap = folder.path().join("bootstrap");
    let server = Server::start(
        &bootstrap,
        &["--memory-limit", "--timeout", "60", "--environments", "1"],
    );
    if server
        .stderr()
        .contains("--memory-limit: no control group can be made here")
    {
        return skip("this system allows no control groups");
    }
    assert_eq!(server.invoke("\"small\"").as_bytes(), b"true");
    let reply = server.invoke("\"grow\"");
    let id = reply.header("X-Amzn-RequestId").expect("an id").to_string();
    let body: serde_json::Value = serde_json::from_slice(reply.as_bytes()).expect("JSON");
    let message = format!("RequestId: {id} Error: Runtime exited with error: signal: killed");
    let expected = serde_json::json!({"errorType": "Runtime.ExitError", "errorMessage": message});
    assert_eq!((reply.status_code, body), (200, expected));
    server.wait_for_stderr("since it needed more than 128 MB of memory (--memory)");
    let status = "\tStatus: error\tError Type: Runtime.OutOfMemory\n";
    server.wait_for_stderr(status);
    assert!(
        server.stderr().contains("\tMax Memory Used: 128 MB\t"),
        "{}",
        server.stderr()
    );
    // The next event gets a new process with its own limit.
    assert_eq!(server.invoke("\"small\"").as_bytes(), b"true");
    assert_eq!(server.stderr().matches("OutOfMemory").count(), 1);
    let tool = server.pid();
    assert_ne!(groups_of(tool), [] as [std::path::PathBuf; 0]);
    drop(server);
    assert_eq!(groups_of(tool), [] as [std::path::PathBuf; 0]);
    let run = run_tool(&[
        "run",
        text(&bootstrap),
        "--once",
        "\"grow\"",
        "--timeout",
        "60",
    ]);
    assert_eq!(
        (run.code, run.text().as_str()),
        (0, "true"),
        "no limit: {}",
        run.stderr
    );
}

#[test]
fn memory_limit_without_control_groups_limits_each_process() {
    if support::runner().is_some() || !has("python3") {
        return;
    }
    let Some(tool) = tool_for_nobody() else {
        return;
    };
    let script = "handler() { (python3 -c 'x = b\"x\" * 300000000' 2>&1 || true) | tail -n 1; }";
    let function = shell_function(script);
    open(function.path());
    let output = Command::new(&tool.1)
        .uid(NOBODY)
        .gid(NOBODY)
        .args([
            "run",
            text(function.path()),
            "--once",
            "{}",
            "--timeout",
            "60",
            "--memory-limit",
        ])
        .output()
        .expect("the tool");
    let errors = String::from_utf8_lossy(&output.stderr);
    let note = "--memory-limit: no control group can be made here, so each process is limited";
    if !errors.contains(note) {
        return skip("users may make control groups on this system");
    }
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "MemoryError\n",
        "{errors}"
    );
}

/// The control groups that a tool has made.
fn groups_of(tool: u32) -> Vec<std::path::PathBuf> {
    let prefix = format!("tinderbox-{tool}-");
    let mut folders = vec![std::path::PathBuf::from("/sys/fs/cgroup")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
                if entry.file_name().to_string_lossy().starts_with(&prefix) {
                    found.push(entry.path());
                }
            }
        }
    }
    found
}

/// A function with a process in the background that appends to a file all the time.
fn ticking(ticks: &Path) -> TempDir {
    let ticks = text(ticks);
    shell_function(&format!(
        "(while :; do echo x >>'{ticks}'; sleep 0.01; done) &\nhandler() {{ date +%s; }}"
    ))
}

/// Whether the file grows within a time in which a running ticker appends often.
fn grows(ticks: &Path) -> bool {
    let length = || fs::metadata(ticks).map_or(0, |found| found.len());
    let before = length();
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(25));
        if length() > before {
            return true;
        }
    }
    false
}

#[test]
fn freeze_stops_work_in_the_background_between_events() {
    if support::runner().is_some() {
        return;
    }
    for options in [
        &["--timeout", "60", "--environments", "1"][..],
        &["--timeout", "60", "--environments", "1", "--freeze"],
    ] {
        let is_frozen = options.contains(&"--freeze");
        let folder = TempDir::new();
        let ticks = folder.path().join("ticks");
        let function = ticking(&ticks);
        let mut server = Server::start(&function.path().join("bootstrap"), options);
        for _ in 0..3 {
            assert_eq!(server.invoke("{}").header("X-Amz-Function-Error"), None);
            wait_until("the end of the event", || {
                let log = server.stderr();
                log.matches("REPORT ").count() == log.matches("START ").count()
            });
            // What the process does until it is frozen, just after its REPORT line.
            wait_until("a state that stays", || grows(&ticks) != is_frozen);
            assert_eq!(grows(&ticks), !is_frozen, "{options:?}");
        }
        // A frozen process ends like any other.
        assert_eq!(server.stop(sys::SIGTERM).code(), Some(0));
        assert_eq!(server.processes(), [0u32; 0]);
    }
}

#[test]
fn frozen_processes_of_a_killed_tool_are_killed_by_the_next_one() {
    if support::runner().is_some() {
        return;
    }
    let folder = TempDir::new();
    let ticks = folder.path().join("ticks");
    let function = ticking(&ticks);
    let bootstrap = function.path().join("bootstrap");
    let options = ["--timeout", "60", "--environments", "1", "--freeze"];
    let mut server = Server::start(&bootstrap, &options);
    if server
        .stderr()
        .contains("--freeze: no control group can be made here")
    {
        return skip("this system allows no control groups");
    }
    assert_eq!(server.invoke("{}").header("X-Amz-Function-Error"), None);
    wait_until("a frozen state", || !grows(&ticks));
    let tool = server.pid();
    server.stop(sys::SIGKILL);
    // The bootstrap dies with the tool; what it has started is frozen for ever.
    assert_ne!(server.processes(), [0u32; 0]);
    let next = Server::start(&bootstrap, &options);
    wait_until("no process left", || server.processes().is_empty());
    drop(next);
    drop(Server::start(&bootstrap, &options)); // a group is removed when its processes are gone
    assert_eq!(groups_of(tool), [] as [std::path::PathBuf; 0]);
}

#[test]
fn freeze_without_control_groups_stops_every_process() {
    if support::runner().is_some() {
        return;
    }
    let Some(tool) = tool_for_nobody() else {
        return;
    };
    let folder = TempDir::new();
    open(folder.path());
    let ticks = folder.path().join("ticks");
    let function = ticking(&ticks);
    open(function.path());
    let prepare = |command: &mut Command| {
        *command = Command::new(&tool.1);
        command.uid(NOBODY).gid(NOBODY);
        command.args(["run", text(function.path()), "--port", "0", "--freeze"]);
        command.args(["--environments", "1"]);
        command.args(["--timeout", "60", "--env", "TOOL_TEST_MARK=freeze"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    };
    let server = Server::start_with(&function.path().join("bootstrap"), &[], prepare);
    if !server
        .stderr()
        .contains("--freeze: no control group can be made here")
    {
        return skip("users may make control groups on this system");
    }
    for _ in 0..2 {
        assert_eq!(server.invoke("{}").header("X-Amz-Function-Error"), None);
        wait_until("a frozen state", || !grows(&ticks));
        assert!(!grows(&ticks));
        let stopped = proc::pids().into_iter().filter(|pid| {
            proc::has_mark(*pid, "TOOL_TEST_MARK=freeze")
                && proc::state_and_parent(*pid).is_some_and(|(state, _)| state == 'T')
        });
        assert!(stopped.count() >= 3, "bootstrap, shell, ticker");
    }
}

#[test]
fn report_has_the_memory_of_child_processes() {
    if support::runner().is_some() || !has("python3") {
        return;
    }
    // The child outlives its parent, so the tool adopts it.
    let script = "handler() {
        (python3 -c '
import time
x = b\"x\" * 100000000
print(1, flush=True)
time.sleep(60)' >\"$LAMBDA_TASK_ROOT/up\" &)
        while [ ! -s \"$LAMBDA_TASK_ROOT/up\" ]; do sleep 0.02; done
    }";
    let run = once(&shell_function(script), &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let used = run.stderr.split("Max Memory Used: ").nth(1);
    let used = used.and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
    assert!(
        used.is_some_and(|used| (95..400).contains(&used)),
        "{}",
        run.stderr
    );
}

#[test]
fn sandbox_options_that_exclude_each_other_are_refused() {
    let folder = TempDir::new();
    let bootstrap = folder.executable("bootstrap", b"#!/bin/sh\n");
    let bootstrap = text(&bootstrap);
    for (arguments, expected) in [
        (
            &["run", bootstrap, "--image", "x"][..],
            "--image and a bootstrap exclude each other",
        ),
        (
            &["run", "--image", "x", "--layer", "y"],
            "--image and --layer exclude each other",
        ),
        (
            &["run", "--image", "x", "--task-root", "y"],
            "--image and --task-root exclude",
        ),
        (
            &["run", bootstrap, "--freeze", "--concurrency", "2"],
            "--freeze and --concurrency",
        ),
    ] {
        let run = run_tool(arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
}

/// A copy of the tool that any user may run; `None` (skipped) without the right to change users.
fn tool_for_nobody() -> Option<(TempDir, std::path::PathBuf)> {
    let folder = TempDir::new();
    let content = fs::read(env!("CARGO_BIN_EXE_tinderbox")).expect("the tool");
    let tool = folder.executable("tinderbox", &content);
    open(folder.path());
    let mut command = Command::new(&tool);
    command
        .uid(NOBODY)
        .gid(NOBODY)
        .arg("version")
        .stdout(Stdio::null());
    if !command.status().is_ok_and(|status| status.success()) {
        skip(
            "running the tool as another user needs root, and a folder for temporary files that \
              others may read",
        );
        return None;
    }
    Some((folder, tool))
}

/// Gives everybody access to a folder and to what is in it.
fn open(folder: &Path) {
    let allow = |path: &Path| {
        let permissions = fs::Permissions::from_mode(0o777);
        fs::set_permissions(path, permissions).expect("permissions");
    };
    allow(folder);
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => open(&path),
            false => allow(&path),
        }
    }
}
