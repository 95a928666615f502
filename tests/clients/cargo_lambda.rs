//! cargo-lambda: as a client of the Invoke API, and `watch` as a server of our bootstrap.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::client;
use crate::harness::{self, call, wait_until};
use crate::lambda::Lambda;
use crate::programs::{self, Finished};
use crate::support::{self, TempDir, skip, sys};

/// A crate, from which cargo-lambda takes names.
pub fn crate_folder() -> TempDir {
    let folder = TempDir::new();
    let manifest = "[package]\nname = \"orders\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                    [workspace]\n";
    folder.file("Cargo.toml", manifest.as_bytes());
    folder.file("src/main.rs", b"fn main() {}\n");
    folder
}

/// Whether cargo-lambda is not installed; reports the test as skipped then.
pub fn is_missing() -> bool {
    let is_missing = !programs::installed("cargo-lambda/bin/cargo-lambda").exists();
    if is_missing {
        skip::skip("no cargo-lambda: scripts/clients.sh installs it");
    }
    is_missing || !skip::has("cargo")
}

/// `cargo lambda`, in the folder of a crate.
pub fn command(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(programs::installed("cargo-lambda/bin/cargo-lambda"));
    client::prepare(command.arg("lambda").args(arguments));
    command.current_dir(folder.path());
    command
}

/// Runs `cargo lambda`.
pub fn run(folder: &TempDir, arguments: &[&str]) -> Finished {
    programs::run(&mut command(folder, arguments), b"")
}

#[test]
fn invoke_by_address_prints_the_answer() {
    if is_missing() {
        return;
    }
    let (lambda, folder) = (Lambda::start(&[]), crate_folder());
    let port = lambda.port.to_string();
    let address = [
        "invoke",
        "function",
        "--invoke-address",
        "127.0.0.1",
        "--invoke-port",
        &port,
    ];
    let invoke = |options: &[&str]| run(&folder, &[&address, options].concat());
    let finished = invoke(&["--data-ascii", r#"{"a":1}"#]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let answer: Value = serde_json::from_slice(&finished.stdout).expect("JSON");
    assert_eq!(answer, json!({"a": 1}));
    let finished = invoke(&["--data-ascii", r#"{"do":"raise","text":"no order"}"#]);
    let text = finished.text() + &finished.stderr;
    assert!(
        text.contains("no order") && text.contains("ValueError"),
        "{text}"
    );
}

#[test]
fn invoke_remote_with_an_endpoint_prints_the_answer() {
    if is_missing() {
        return;
    }
    let (lambda, folder) = (Lambda::start(&[]), crate_folder());
    let event = r#"{"a":1}"#;
    let arguments = [
        "invoke",
        "function",
        "--remote",
        "--endpoint-url",
        &client::endpoint(&lambda),
    ];
    let finished = run(
        &folder,
        &[&arguments[..], &["--data-ascii", event]].concat(),
    );
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let answer: Value = serde_json::from_slice(&finished.stdout).expect("JSON");
    assert_eq!(answer, json!({"a": 1}));
}

/// `cargo lambda watch`, stopped when dropped.
pub struct Watch {
    child: Child,
    bootstrap: Option<Child>,
    pub port: u16,
    _folder: TempDir,
}

impl Watch {
    /// Starts it on a free port, at an address or where it listens by default.
    pub fn start(address: Option<&str>) -> Watch {
        let folder = crate_folder();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind 127.0.0.1:0");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let number = port.to_string();
        let mut arguments = vec!["watch", "--only-lambda-apis", "--invoke-port", &number];
        arguments.extend(address.iter().flat_map(|at| ["--invoke-address", *at]));
        let mut command = command(&folder, &arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = support::spawn(&mut command);
        let watch = Watch {
            child,
            bootstrap: None,
            port,
            _folder: folder,
        };
        let host = if address == Some("127.0.0.1") {
            "127.0.0.1"
        } else {
            "::1"
        };
        let connects = || std::net::TcpStream::connect((host, port)).is_ok();
        wait_until("cargo lambda watch listens", connects);
        watch
    }

    /// Starts a bootstrap with the address of the Runtime API that `watch` prints.
    pub fn serve(&mut self, bootstrap: &Path, host: &str, variables: &[(&str, &str)]) {
        let mut command = Command::new(bootstrap);
        let address = format!("http://{host}:{}/.rt", self.port);
        command.env("AWS_LAMBDA_RUNTIME_API", address);
        command.env("AWS_LAMBDA_FUNCTION_NAME", "_");
        command.env("AWS_LAMBDA_FUNCTION_VERSION", "1");
        command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "4096");
        command.envs(variables.iter().copied());
        command.stdin(Stdio::null());
        self.bootstrap = Some(support::spawn(&mut command));
    }

    /// Invokes the function of a watch at an IPv4 address.
    pub fn invoke(&self, event: &str) -> minreq::Response {
        let port = self.port;
        let url = format!("http://127.0.0.1:{port}/2015-03-31/functions/_/invocations");
        call(minreq::post(url).with_body(event)).reply()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(bootstrap) = &mut self.bootstrap {
            let _ = bootstrap.kill();
            let _ = bootstrap.wait();
        }
        sys::kill(self.child.id(), sys::SIGTERM);
        if std::thread::panicking() {
            let _ = self.child.kill();
            let _ = self.child.wait();
            return;
        }
        harness::wait(&mut self.child);
    }
}

#[test]
fn watch_at_an_ipv4_address_serves_our_bootstrap() {
    if is_missing() {
        return;
    }
    let mut watch = Watch::start(Some("127.0.0.1"));
    watch.serve(&support::function("echo"), "127.0.0.1", &[]);
    for number in 0..20 {
        let event = format!("{{\"number\":{number}}}");
        let reply = watch.invoke(&event);
        assert_eq!(
            (reply.status_code, reply.as_str().expect("text")),
            (200, event.as_str())
        );
    }
}

/// Where cargo-lambda sends its invocations when it is given no address.
#[test]
fn invoke_at_the_default_address_reaches_host_ipv6() {
    if is_missing() {
        return;
    }
    let (lambda, folder) = (Lambda::start(&["--host", "::1"]), crate_folder());
    let port = lambda.port.to_string();
    let arguments = ["invoke", "function", "--invoke-port", &port, "--data-ascii"];
    let finished = run(&folder, &[&arguments[..], &[r#"{"a":1}"#]].concat());
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let answer: Value = serde_json::from_slice(&finished.stdout).expect("JSON");
    assert_eq!(answer, json!({"a": 1}));
}

/// The address that `watch` prints when it is given none.
#[test]
fn watch_at_its_default_address_serves_our_bootstrap() {
    if is_missing() {
        return;
    }
    let folder = crate_folder();
    let cat = [("LAMBDA_TASK_ROOT", "/bin"), ("_HANDLER", "cat")];
    // A program without std knows the first alone, which is what `watch` prints.
    for (host, bootstrap) in [
        ("[::]", support::function("echo")),
        ("[::]", support::bootstrap()),
        ("[::1]", support::bootstrap()),
    ] {
        let mut watch = Watch::start(None);
        watch.serve(&bootstrap, host, &cat);
        let port = watch.port.to_string();
        let arguments = ["invoke", "_", "--invoke-port", &port, "--data-ascii"];
        let finished = run(&folder, &[&arguments[..], &[r#"{"a":1}"#]].concat());
        assert_eq!(finished.code, 0, "{host}: {}", finished.stderr);
        let answer: Value = serde_json::from_slice(&finished.stdout).expect("JSON");
        assert_eq!(answer, json!({"a": 1}), "{host}");
    }
}

/// Creates the function, then updates it.
#[test]
fn deploy_to_an_endpoint_serves_each_binary() {
    if is_missing() {
        return;
    }
    let lambda = Lambda::start(&["--function-name", "first"]);
    let (folder, endpoint) = (crate_folder(), client::endpoint(&lambda));
    let deploy = |name: &str| {
        let binary = support::function(name);
        let binary = binary.to_str().expect("UTF-8");
        let options = [
            "deploy",
            "orders",
            "--endpoint-url",
            &endpoint,
            "--binary-path",
        ];
        let role = [
            "--role",
            "arn:aws:iam::123456789012:role/lambda",
            "--memory",
            "256",
        ];
        let finished = run(&folder, &[&options[..], &[binary], &role[..]].concat());
        assert_eq!(finished.code, 0, "{name}: {}", finished.stderr);
    };
    let invoke = || {
        let url = format!("{endpoint}/2015-03-31/functions/orders/invocations");
        let reply = call(minreq::post(url).with_body(r#"{"name":"Ada"}"#)).reply();
        reply.as_str().expect("text").to_string()
    };
    deploy("echo");
    assert_eq!(invoke(), r#"{"name":"Ada"}"#);
    deploy("hello");
    assert_eq!(invoke(), r#"{"message":"Hello, Ada!"}"#);
    deploy("echo");
    assert_eq!(invoke(), r#"{"name":"Ada"}"#);
}
