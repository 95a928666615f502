//! One emulator with one bootstrap, on ports of its own.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::support::{TempDir, proc, runner, spawn};

/// A running emulator; dropping it ends it and what it started.
pub struct Rie {
    child: Child,
    port: u16,
    api_port: u16,
    _folder: TempDir,
}

/// Ports are free when they are chosen, and taken a moment later: one at a time.
static STARTING: Mutex<()> = Mutex::new(());

impl Rie {
    /// Starts it; `None` when there is none.
    pub fn start(binary: &Path, variables: &[(&str, &str)]) -> Option<Rie> {
        let emulator = std::env::var_os("TINDERBOX_RIE")?;
        let folder = TempDir::new();
        // A script, for with more than one argument it takes the last one for the handler.
        let strace = variables
            .iter()
            .find(|(name, _)| *name == "STRACE")
            .map_or("", |pair| pair.1);
        let runner = runner().unwrap_or_default();
        let script = format!("#!/bin/sh\nexec {strace} {runner} {}\n", binary.display());
        let bootstrap = folder.executable("bootstrap", script.as_bytes());
        for _ in 0..5 {
            let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
            let [port, api_port] = free_ports();
            let mut command = Command::new(&emulator);
            command
                .args([
                    "--runtime-interface-emulator-address",
                    &format!("127.0.0.1:{port}"),
                ])
                .args(["--runtime-api-address", &format!("127.0.0.1:{api_port}")])
                .arg(&bootstrap)
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .envs(variables.iter().copied())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let mut child = spawn(&mut command);
            if listens(&mut child, port) {
                return Some(Rie {
                    child,
                    port,
                    api_port,
                    _folder: folder,
                });
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("the emulator finds no free ports");
    }

    /// Invokes the function. No time-out: one that gave up would kill the emulator.
    pub fn invoke(&self, event: &[u8]) -> minreq::Response {
        self.call(event, &[])
    }

    /// The same with headers.
    pub fn call(&self, event: &[u8], headers: &[(&str, &str)]) -> minreq::Response {
        let address = format!("127.0.0.1:{}", self.port);
        let url = format!("http://{address}/2015-03-31/functions/function/invocations");
        let headers = headers.iter().copied();
        let request = minreq::post(url).with_headers(headers).with_body(event);
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

    /// The ports from which connections to the Runtime API lead.
    pub fn connections(&self) -> Vec<String> {
        let table = fs::read_to_string("/proc/net/tcp").expect("read /proc/net/tcp");
        let api = format!(":{:04X}", self.api_port);
        // Of a line: number, our address, theirs, state; 01 is established.
        let mut ports: Vec<String> = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|words| words.len() > 3 && words[2].ends_with(&api) && words[3] == "01")
            .map(|words| words[1].to_string())
            .collect();
        ports.sort();
        ports
    }
}

impl Drop for Rie {
    fn drop(&mut self) {
        let children: Vec<u32> = proc::pids()
            .into_iter()
            .filter(|pid| {
                proc::state_and_parent(*pid).is_some_and(|(_, parent)| parent == self.child.id())
            })
            .collect();
        // SIGTERM: it kills its child and ends.
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let end = Instant::now() + Duration::from_secs(10);
        while self.child.try_wait().is_ok_and(|status| status.is_none()) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in children {
            while proc::state_and_parent(pid).is_some_and(|(state, _)| state != 'Z')
                && Instant::now() < end
            {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}

/// Waits until it listens; false when it ended.
fn listens(child: &mut Child, port: u16) -> bool {
    let end = Instant::now() + Duration::from_secs(10);
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
