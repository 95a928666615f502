//! An emulator with a bootstrap, on its own ports.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::support::{TempDir, bound, bound_s, proc, runner, spawn, sys};

/// The function's timeout, unless a test sets another: longer than any event takes.
const FUNCTION_TIMEOUT_S: u64 = 30;

/// The longest wait of a caller, in seconds: long after the timeout, because the emulator exits
/// when a caller closes its connection.
const CALL_S_MAX: u64 = 120;

fn timeout_s() -> String {
    bound_s(FUNCTION_TIMEOUT_S).to_string()
}

/// The longest wait of a step of start and exit, in milliseconds.
const STEP_MS_MAX: u64 = 10_000;

/// A running emulator. Dropping it ends it and its runtimes.
pub struct Rie {
    child: Child,
    port: u16,
    api_port: u16,
    folder: TempDir,
}

/// One start at a time: ports are chosen first and bound later.
static STARTING: Mutex<()> = Mutex::new(());

impl Rie {
    /// Starts an emulator; `None` when there is none.
    pub fn start(binary: &Path, variables: &[(&str, &str)]) -> Option<Rie> {
        let emulator = std::env::var_os("TINDERBOX_RIE")?;
        let folder = TempDir::new();
        // A script, since the emulator takes the last of several arguments as the handler. It
        // records its pid, which becomes the runtime's (or that of the runner or tracer).
        let strace = variables
            .iter()
            .find(|(name, _)| *name == "STRACE")
            .map_or("", |pair| pair.1);
        let runner = runner().unwrap_or_default();
        let starts = folder.file("starts", b"");
        let script = format!(
            "#!/bin/sh\necho $$ >>{}\nexec {strace} {runner} {}\n",
            starts.display(),
            binary.display()
        );
        let bootstrap = folder.executable("bootstrap", script.as_bytes());
        Some(Rie::listen(folder, |addresses| {
            let mut command = Command::new(&emulator);
            command
                .args(addresses)
                .arg(&bootstrap)
                .env_clear()
                .env("AWS_LAMBDA_FUNCTION_TIMEOUT", timeout_s())
                .envs(variables.iter().copied());
            command
        }))
    }

    /// Starts an emulator that handles several events at once, for which the bootstrap has to be in
    /// `/var/task`: it has its own in a mount namespace. `None`: no emulator, or not root.
    pub fn start_many(binary: &Path, concurrency: usize) -> Option<Rie> {
        let emulator = std::env::var_os("TINDERBOX_RIE")?;
        let has_namespaces = Command::new("unshare").args(["-m", "true"]).output();
        if !has_namespaces.is_ok_and(|output| output.status.success()) {
            return None;
        }
        let folder = TempDir::new();
        folder.file("starts", b"");
        Some(Rie::listen(folder, |addresses| {
            let mut command = Command::new("unshare");
            command
                .args(["-m", "sh", "-c"])
                .arg(
                    "mount -t tmpfs none /var && mkdir /var/task && cd /var/task && \
                     cp \"$0\" bootstrap && exec \"$@\"",
                )
                .arg(binary)
                .arg(&emulator)
                .args(addresses)
                .env_clear()
                .env("AWS_LAMBDA_FUNCTION_TIMEOUT", timeout_s())
                .env("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string());
            command
        }))
    }

    /// Starts a command with the options of its addresses, and waits until it listens.
    fn listen(folder: TempDir, command: impl Fn([String; 4]) -> Command) -> Rie {
        for _ in 0..20 {
            let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
            let [port, api_port] = free_ports();
            if !connections_of(api_port).is_empty() {
                continue; // in use until a moment ago
            }
            let mut command = command([
                "--runtime-interface-emulator-address".to_string(),
                format!("127.0.0.1:{port}"),
                "--runtime-api-address".to_string(),
                format!("127.0.0.1:{api_port}"),
            ]);
            let output = fs::File::create(folder.path().join("output")).expect("make a file");
            command
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .stdin(Stdio::null())
                .stdout(output.try_clone().expect("the same file"))
                .stderr(output);
            let mut child = spawn(&mut command);
            if listens(&mut child, port) {
                return Rie {
                    child,
                    port,
                    api_port,
                    folder,
                };
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("the emulator finds no free ports");
    }

    /// Invokes the function.
    pub fn invoke(&self, event: &[u8]) -> minreq::Response {
        self.call(event, &[])
    }

    /// Invokes the function with headers.
    pub fn call(&self, event: &[u8], headers: &[(&str, &str)]) -> minreq::Response {
        let address = format!("127.0.0.1:{}", self.port);
        let url = format!("http://{address}/2015-03-31/functions/function/invocations");
        let headers = headers.iter().copied();
        let request = minreq::post(url)
            .with_timeout(bound_s(CALL_S_MAX))
            .with_headers(headers)
            .with_body(event);
        request.send().expect("the emulator answers")
    }

    /// Invokes the function; the status and the text of the answer.
    pub fn text(&self, event: &[u8]) -> (u16, String) {
        let answer = self.invoke(event);
        (
            answer.status_code,
            String::from_utf8_lossy(answer.as_bytes()).into_owned(),
        )
    }

    /// The pids of the live runtime, its workers and its handlers.
    pub fn runtimes(&self) -> Vec<u32> {
        let mark = format!("AWS_LAMBDA_RUNTIME_API=127.0.0.1:{}", self.api_port);
        let mut pids = proc::pids();
        pids.retain(|pid| {
            let state = proc::state_and_parent(*pid);
            state.is_some_and(|(state, _)| state != 'Z') && proc::has_mark(*pid, &mark)
        });
        pids
    }

    /// The pids of the runtimes that were started so far.
    pub fn starts(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.folder.path().join("starts")).expect("read the pids");
        let pids = text.lines().map(|line| line.parse().expect("a pid"));
        pids.collect()
    }

    /// The output of the emulator and its runtimes so far.
    pub fn output(&self) -> String {
        let bytes = fs::read(self.folder.path().join("output")).expect("read the output");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Terminates the emulator with its runtime, and waits for its exit.
    pub fn end(&mut self) {
        let end = Instant::now() + bound(STEP_MS_MAX);
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            sys::kill(self.child.id(), sys::SIGTERM);
        }
        while self.child.try_wait().is_ok_and(|status| status.is_none()) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// All connections with the Runtime API, closing and closed ones included: the address of the
    /// runtime's end and the state (tcp(7): 01 is established).
    pub fn connections(&self) -> Vec<(String, String)> {
        connections_of(self.api_port)
    }
}

fn connections_of(port: u16) -> Vec<(String, String)> {
    let table = fs::read_to_string("/proc/net/tcp").expect("read /proc/net/tcp");
    let api = format!(":{port:04X}");
    // The fields of a line: number, local address, remote address, state. Each connection has a
    // line for each end; that of the emulator counts only when it is not established.
    let lines = table.lines().map(|line| line.split_whitespace().collect());
    let mut ends: Vec<(String, String)> = lines
        .filter(|words: &Vec<&str>| words.len() > 3 && words[3] != "0A")
        .filter_map(|words| match (words[1], words[2]) {
            (own, other) if other.ends_with(&api) => Some((own, words[3])),
            (own, other) if own.ends_with(&api) && words[3] != "01" => Some((other, words[3])),
            _ => None,
        })
        .map(|(end, state)| (end.to_string(), state.to_string()))
        .collect();
    ends.sort();
    ends
}

impl Drop for Rie {
    fn drop(&mut self) {
        self.end();
        let end = Instant::now() + bound(STEP_MS_MAX);
        let _ = self.child.kill();
        let _ = self.child.wait();
        // An emulator that was killed leaves its child.
        let mut left = self.runtimes();
        while !left.is_empty() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
            left = self.runtimes();
        }
        for pid in &left {
            sys::kill(*pid, sys::SIGKILL);
        }
        assert!(
            left.is_empty() || std::thread::panicking(),
            "left behind: {left:?}"
        );
    }
}

fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}

/// Waits until the port listens; false when the process exits first.
fn listens(child: &mut Child, port: u16) -> bool {
    let end = Instant::now() + bound(STEP_MS_MAX);
    while Instant::now() < end {
        if child.try_wait().is_ok_and(|status| status.is_some()) {
            return false;
        }
        // Not by a connection: the emulator would take it as a call.
        let table = fs::read_to_string("/proc/net/tcp").expect("read /proc/net/tcp");
        let place = format!(":{port:04X} 00000000:0000 0A");
        if table.contains(&place) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}
