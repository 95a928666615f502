//! One emulator with one bootstrap, on ports of its own.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::support::{TempDir, bound, proc, runner, spawn, sys};

/// An event is given up by the emulator after so long, unless the test says otherwise.
const FUNCTION_TIMEOUT_S: &str = "30";

/// No caller waits longer, in seconds; long after the emulator has, because a caller that gives
/// up ends the emulator too.
const CALL_S_MAX: u64 = 120;

/// Each step of starting and of ending takes at most so long, in milliseconds.
const STEP_MS_MAX: u64 = 10_000;

/// A running emulator; dropping it ends it and what it started.
pub struct Rie {
    child: Child,
    port: u16,
    api_port: u16,
    folder: TempDir,
}

/// Ports are free when they are chosen, and taken a moment later: one at a time.
static STARTING: Mutex<()> = Mutex::new(());

impl Rie {
    /// Starts it; `None` when there is none.
    pub fn start(binary: &Path, variables: &[(&str, &str)]) -> Option<Rie> {
        let emulator = std::env::var_os("TINDERBOX_RIE")?;
        let folder = TempDir::new();
        // A script, for with more than one argument it takes the last one for the handler. It
        // leaves its pid, which is then the runtime's (or that of the runner or tracer).
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
                .env("AWS_LAMBDA_FUNCTION_TIMEOUT", FUNCTION_TIMEOUT_S)
                .envs(variables.iter().copied());
            command
        }))
    }

    /// Starts it in its mode of several events at once, in which the bootstrap has to be in
    /// `/var/task`: in a mount namespace of its own there is one. `None`: no emulator, or not root.
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
                .env("AWS_LAMBDA_FUNCTION_TIMEOUT", FUNCTION_TIMEOUT_S)
                .env("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string());
            command
        }))
    }

    /// Starts a command with the options for its addresses, and waits until it listens.
    fn listen(folder: TempDir, command: impl Fn([String; 4]) -> Command) -> Rie {
        for _ in 0..20 {
            let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
            let [port, api_port] = free_ports();
            if !connections_of(api_port).is_empty() {
                continue; // another had it a moment ago
            }
            let mut command = command([
                "--runtime-interface-emulator-address".to_string(),
                format!("127.0.0.1:{port}"),
                "--runtime-api-address".to_string(),
                format!("127.0.0.1:{api_port}"),
            ]);
            let said = fs::File::create(folder.path().join("said")).expect("make a file");
            command
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .stdin(Stdio::null())
                .stdout(said.try_clone().expect("the same file"))
                .stderr(said);
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

    /// The same with headers.
    pub fn call(&self, event: &[u8], headers: &[(&str, &str)]) -> minreq::Response {
        let address = format!("127.0.0.1:{}", self.port);
        let url = format!("http://{address}/2015-03-31/functions/function/invocations");
        let headers = headers.iter().copied();
        let request = minreq::post(url)
            .with_timeout(CALL_S_MAX)
            .with_headers(headers)
            .with_body(event);
        request.send().expect("the emulator answers")
    }

    /// Invokes the function; status and text.
    pub fn text(&self, event: &[u8]) -> (u16, String) {
        let answer = self.invoke(event);
        (
            answer.status_code,
            String::from_utf8_lossy(answer.as_bytes()).into_owned(),
        )
    }

    /// The pids of the runtime, with its workers, that is alive now.
    pub fn runtimes(&self) -> Vec<u32> {
        let mark = format!("AWS_LAMBDA_RUNTIME_API=127.0.0.1:{}", self.api_port);
        let mut pids = proc::pids();
        pids.retain(|pid| {
            let state = proc::state_and_parent(*pid);
            state.is_some_and(|(state, _)| state != 'Z') && proc::has_mark(*pid, &mark)
        });
        pids
    }

    /// The pids of the runtimes that it has started so far.
    pub fn starts(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.folder.path().join("starts")).expect("read the pids");
        let pids = text.lines().map(|line| line.parse().expect("a pid"));
        pids.collect()
    }

    /// What it and its runtimes have said so far.
    pub fn said(&self) -> String {
        let bytes = fs::read(self.folder.path().join("said")).expect("read what it said");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Has it end, and with it its runtime; waits for that.
    pub fn end(&mut self) {
        let end = Instant::now() + bound(STEP_MS_MAX);
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            sys::kill(self.child.id(), sys::SIGTERM);
        }
        while self.child.try_wait().is_ok_and(|status| status.is_none()) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Every connection with the Runtime API, also one that is being closed or was a moment ago,
    /// as the runtime's end of it and its state (tcp(7): 01 is established).
    pub fn connections(&self) -> Vec<(String, String)> {
        connections_of(self.api_port)
    }
}

fn connections_of(port: u16) -> Vec<(String, String)> {
    let table = fs::read_to_string("/proc/net/tcp").expect("read /proc/net/tcp");
    let api = format!(":{port:04X}");
    // Of a line: number, our address, theirs, state. Each connection is there twice, once
    // from each end; the emulator's end is left out while the other one is there.
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
        // An emulator that died leaves its child behind.
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

/// Waits until it listens; false when it ended.
fn listens(child: &mut Child, port: u16) -> bool {
    let end = Instant::now() + bound(STEP_MS_MAX);
    while Instant::now() < end {
        if child.try_wait().is_ok_and(|status| status.is_some()) {
            return false;
        }
        // Not by connecting: that would be a caller.
        let table = fs::read_to_string("/proc/net/tcp").expect("read /proc/net/tcp");
        let place = format!(":{port:04X} 00000000:0000 0A");
        if table.contains(&place) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}
