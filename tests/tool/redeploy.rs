//! Functions that are updated and deleted while calls run and wait.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Call, Server, call, wait_until};
use crate::management::{base64, run};
use crate::support::{self, TempDir, skip};

/// A function in shell that answers with its release, after a pause of its event.
fn release(folder: &TempDir, number: u32) -> PathBuf {
    let root = folder.path().join(format!("release-{number}"));
    fs::create_dir(&root).expect("a folder");
    fs::copy(support::bootstrap(), root.join("bootstrap")).expect("the bootstrap");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(root.join("bootstrap"), executable).expect("a mode");
    let script =
        format!("handler() {{\n  case $1 in *wait*) sleep 1 ;; esac\n  echo {number}\n}}\n");
    fs::write(root.join("function.sh"), script).expect("a script");
    root
}

/// The body of a deployment of a folder.
fn package(folder: &TempDir, root: &Path) -> Value {
    let zip = folder.path().join("package.zip");
    let _ = fs::remove_file(&zip); // zip(1) would add to it
    run(Command::new("zip")
        .args(["-q", "-r"])
        .arg(&zip)
        .arg(".")
        .current_dir(root));
    json!({ "ZipFile": base64(&fs::read(zip).expect("a zip")) })
}

fn serve(root: &Path, options: &[&str]) -> Server {
    let all = [
        &[
            "--function-name",
            "own",
            "--handler",
            "function.handler",
            "--timeout",
            "60",
            "--init-timeout",
            "60",
        ],
        options,
    ]
    .concat();
    Server::start(root, &all)
}

/// The release that answers.
fn answer(call: Call) -> String {
    let reply = call.reply();
    reply.as_str().expect("text").trim().to_string()
}

#[test]
fn update_running_event_finishes_with_the_old_code_and_the_next_gets_the_new() {
    if !skip::has("zip") {
        return;
    }
    let folder = TempDir::new();
    let (one, two) = (release(&folder, 1), release(&folder, 2));
    let server = serve(&one, &[]);
    assert_eq!(answer(call(server.request("{}"))), "1");
    let processes = server.processes().len();
    let running = call(server.request("\"wait\""));
    wait_until("a running event", || {
        server.stderr().matches("START RequestId: ").count() == 2
    });
    let (status, shown) = server.manage("PUT", "functions/own/code", &package(&folder, &two));
    assert_eq!(status, 200, "{shown}");
    assert_eq!(answer(call(server.request("{}"))), "2");
    assert_eq!(answer(running), "1");
    wait_until("the end of the old processes", || {
        server.processes().len() == processes
    });
    assert_eq!(answer(call(server.request("{}"))), "2");
}

#[test]
fn update_calls_that_wait_get_the_new_code_once_each() {
    if !skip::has("zip") {
        return;
    }
    let folder = TempDir::new();
    let (one, two) = (release(&folder, 1), release(&folder, 2));
    // Asynchronous events wait for the only environment.
    let server = serve(&one, &["--environments", "1"]);
    let running = call(server.request("\"wait\""));
    wait_until("a running event", || {
        server.stderr().contains("START RequestId: ")
    });
    for _ in 0..5 {
        let request = server
            .request("{}")
            .with_header("X-Amz-Invocation-Type", "Event");
        assert_eq!(call(request).reply().status_code, 202);
    }
    let (status, _) = server.manage("PUT", "functions/own/code", &package(&folder, &two));
    assert_eq!(status, 200);
    assert_eq!(answer(running), "1");
    wait_until("all events", || {
        server.stderr().matches("REPORT RequestId: ").count() == 6
    });
    assert_eq!(answer(call(server.request("{}"))), "2");
    assert_eq!(server.stderr().matches("START RequestId: ").count(), 7);
}

#[test]
fn version_keeps_its_code_and_deletion_is_a_404() {
    if !skip::has("zip") {
        return;
    }
    let folder = TempDir::new();
    let (one, two) = (release(&folder, 1), release(&folder, 2));
    let server = serve(&one, &[]);
    let (status, _) = server.manage("PUT", "functions/own/code", &package(&folder, &two));
    assert_eq!(status, 200);
    let (status, shown) = server.manage("POST", "functions/own/versions", &json!({}));
    assert_eq!((status, &shown["Version"]), (201, &json!("1")));
    let three = release(&folder, 3);
    server.manage("PUT", "functions/own/code", &package(&folder, &three));
    assert_eq!(answer(call(server.request("{}"))), "3");
    let url = format!("{}?Qualifier=1", server.url());
    let reply = call(minreq::post(url).with_body("{}")).reply();
    assert_eq!(reply.as_str().expect("text").trim(), "2");
    assert_eq!(reply.header("X-Amz-Executed-Version"), Some("1"));
    let (status, _) = server.manage("DELETE", "functions/own", &Value::Null);
    assert_eq!(status, 204);
    let reply = call(server.request("{}")).reply();
    assert_eq!(reply.status_code, 404);
    wait_until("no process", || server.processes().is_empty());
}
