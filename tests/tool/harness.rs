//! Starts the tool: once to its exit, or as a server that a test calls and then stops.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{self, proc, sys};

/// The timeout of a test.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The result of a run of the tool.
pub struct Finished {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Finished {
    /// Stdout, which is text here.
    pub fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("stdout is text")
    }
}

/// Runs the tool to its exit.
pub fn run_tool<S: AsRef<OsStr>>(arguments: &[S]) -> Finished {
    run_tool_with_stdin(arguments, b"")
}

/// Runs the tool to its exit with this stdin.
pub fn run_tool_with_stdin<S: AsRef<OsStr>>(arguments: &[S], stdin: &[u8]) -> Finished {
    let mut child = support::spawn(command(arguments).stdin(Stdio::piped()));
    let mut pipe = child.stdin.take().expect("stdin is piped");
    let stdin = stdin.to_vec();
    let writer = thread::spawn(move || pipe.write_all(&stdin));
    let stdout = collect(child.stdout.take().expect("stdout is piped"));
    let stderr = collect(child.stderr.take().expect("stderr is piped"));
    let status = wait(&mut child);
    // The tool may exit before it has read everything.
    let _ = writer.join().expect("the writer does not panic");
    Finished {
        code: status.code().expect("the tool exits"),
        stdout: stdout.join().expect("stdout is read"),
        stderr: String::from_utf8_lossy(&stderr.join().expect("stderr is read")).into_owned(),
    }
}

/// Runs a bootstrap with one event.
pub fn run_once(bootstrap: &Path, event: &str, options: &[&str]) -> Finished {
    let mut arguments = run_arguments(bootstrap, options);
    arguments.extend(["--once".into(), event.into()]);
    run_tool(&arguments)
}

/// Waits for a process's exit, up to `TEST_TIMEOUT`.
pub fn wait(child: &mut Child) -> ExitStatus {
    wait_within(child, TEST_TIMEOUT)
}

/// Waits for a process's exit, up to a time.
pub fn wait_within(child: &mut Child, limit: Duration) -> ExitStatus {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().expect("wait for the tool") {
            return status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            panic!("the process does not end");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Seconds that are long for this machine in its present state, and as short as that allows: 100
/// times as long as the tool takes to print its version, at least 0.4 s and at most 8 s. For a
/// timeout that a test lets pass, and before which the test itself has something to do.
pub fn short_timeout() -> f64 {
    static SECONDS: OnceLock<f64> = OnceLock::new();
    *SECONDS.get_or_init(|| {
        let times = (0..5).map(|_| {
            let started = Instant::now();
            assert_eq!(run_tool(&["version"]).code, 0);
            started.elapsed()
        });
        let slowest = times.max().expect("five runs");
        let seconds = (100.0 * slowest.as_secs_f64()).clamp(0.4, 8.0);
        (seconds * 10.0).ceil() / 10.0
    })
}

/// Waits until the condition is true, up to `TEST_TIMEOUT`.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + TEST_TIMEOUT;
    while !condition() {
        assert!(Instant::now() < end, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// A call that waits for its answer on a thread of its own, so that the wait is bounded without a
/// timeout of the socket (see `wire::Wire::read`).
pub struct Call(mpsc::Receiver<Result<minreq::Response, minreq::Error>>);

/// Sends a request.
pub fn call(request: minreq::Request) -> Call {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(request.send()));
    Call(receiver)
}

impl Call {
    /// Waits for the answer.
    pub fn reply(self) -> minreq::Response {
        let reply = self
            .0
            .recv_timeout(TEST_TIMEOUT)
            .expect("an answer in time");
        reply.expect("an answer")
    }
}

/// A running local Lambda. Dropping it stops it and asserts that no process is left.
pub struct Server {
    pub port: u16,
    pub runtime_port: u16,
    /// The address of the Runtime API, as the tool prints it.
    pub runtime: String,
    /// The URL that the tool prints.
    url: String,
    child: Child,
    mark: String,
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves this bootstrap.
    pub fn start(bootstrap: &Path, options: &[&str]) -> Server {
        Server::start_with(bootstrap, options, |_| {})
    }

    /// Serves this bootstrap with a tool whose command `prepare` changes.
    pub fn start_with(
        bootstrap: &Path,
        options: &[&str],
        prepare: impl FnOnce(&mut Command),
    ) -> Server {
        Server::start_arguments(run_arguments(bootstrap, options), prepare)
    }

    /// Serves what the arguments of the tool say.
    pub fn start_arguments(
        mut arguments: Vec<String>,
        prepare: impl FnOnce(&mut Command),
    ) -> Server {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("TOOL_TEST_MARK={}-{number}", std::process::id());
        arguments.extend(["--port", "0", "--env", &mark].map(String::from));
        let mut command = command(&arguments);
        prepare(command.stdin(Stdio::null()));
        let mut child = support::spawn(&mut command);
        let stderr = Arc::new(Mutex::new(String::new()));
        let reader = follow(child.stderr.take().expect("piped"), stderr.clone());
        let url = first_line(child.stdout.take().expect("piped"));
        let url = url.unwrap_or_else(|| {
            let _ = child.kill();
            panic!("the tool does not serve: {}", locked(&stderr));
        });
        let authority = url.split('/').nth(2).expect("a URL");
        let (_, port) = authority.rsplit_once(':').expect("a port in the address");
        let current_stderr = || locked(&stderr);
        wait_until("the Runtime API's port", || {
            current_stderr().contains(", Invoke API ")
        });
        let rest = current_stderr();
        let rest = rest.split("Runtime API ").nth(1).expect("just seen");
        let runtime = rest.split(", ").next().expect("an address");
        let (_, runtime_port) = runtime.rsplit_once(':').expect("a port");
        Server {
            port: port.parse().expect("a port number"),
            runtime_port: runtime_port.parse().expect("a port number"),
            runtime: runtime.to_string(),
            url: url.clone(),
            child,
            mark,
            stderr,
            reader: Some(reader),
        }
    }

    /// The tool's own process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything on stderr so far.
    pub fn stderr(&self) -> String {
        locked(&self.stderr)
    }

    /// Waits until stderr contains a text.
    pub fn wait_for_stderr(&self, text: &str) {
        wait_until(text, || self.stderr().contains(text));
    }

    /// The address of the first function in the Invoke API.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Invokes the function by `minreq`.
    pub fn invoke(&self, event: impl Into<Vec<u8>>) -> minreq::Response {
        call(self.request(event)).reply()
    }

    /// A request to the Invoke API.
    pub fn request(&self, event: impl Into<Vec<u8>>) -> minreq::Request {
        minreq::post(self.url())
            .with_body(event)
            .with_max_headers_size(None)
    }

    /// A call that manages functions: its path is that behind the API's version. Status and answer.
    pub fn manage(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("http://127.0.0.1:{}/2015-03-31/{path}", self.port);
        let request = minreq::Request::new(minreq::Method::Custom(method.to_string()), url);
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let reply = call(request.with_body(body)).reply();
        let shown = serde_json::from_slice(reply.as_bytes()).unwrap_or(Value::Null);
        (reply.status_code, shown)
    }

    /// Sends the tool a signal and waits for its exit.
    pub fn stop(&mut self, signal: i32) -> ExitStatus {
        sys::kill(self.child.id(), signal);
        let status = wait(&mut self.child);
        // All writers of stderr are gone, so its reader ends.
        if let Some(reader) = self.reader.take() {
            wait_until("the end of stderr", || reader.is_finished());
        }
        status
    }

    /// The processes that were started with this server's mark, at any depth.
    pub fn processes(&self) -> Vec<u32> {
        let mut pids = proc::pids();
        pids.retain(|&pid| proc::has_mark(pid, &self.mark));
        pids
    }

    /// The CPU time of the tool itself.
    pub fn cpu_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()));
        let stat = stat.expect("the tool runs");
        let fields = stat.rsplit(") ").next().expect("behind the name");
        let fields = fields.split(' ').skip(11).take(2);
        let ticks: u64 = fields.map(|n| n.parse::<u64>().expect("ticks")).sum();
        Duration::from_millis(ticks * 10) // USER_HZ is 100 on all that this runs on
    }

    /// The number of the tool's children that have exited and are not reaped.
    pub fn zombies(&self) -> usize {
        let own = self.child.id();
        let is_zombie = |pid: &u32| proc::state_and_parent(*pid) == Some(('Z', own));
        proc::pids().iter().filter(|pid| is_zombie(pid)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(Some(_)) = self.child.try_wait() {
            return;
        }
        if thread::panicking() {
            eprintln!("stderr of the tool:\n{}", self.stderr());
            let _ = self.child.kill();
            let _ = self.child.wait();
            return;
        }
        self.stop(sys::SIGTERM);
        assert_eq!(self.processes(), [0u32; 0], "left behind");
    }
}

/// The tool with its stdout and stderr piped.
pub fn command<S: AsRef<OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tinderbox"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run_arguments(bootstrap: &Path, options: &[&str]) -> Vec<String> {
    let bootstrap = bootstrap.to_str().expect("a path in UTF-8").to_string();
    let mut arguments = vec!["run".to_string(), bootstrap];
    arguments.extend(options.iter().map(|option| option.to_string()));
    arguments
}

/// Reads a pipe to its end on a thread of its own.
pub fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("read a pipe");
        bytes
    })
}

fn follow(from: impl Read + Send + 'static, to: Arc<Mutex<String>>) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let line = line.expect("read stderr");
            *to.lock().unwrap_or_else(PoisonError::into_inner) += &format!("{line}\n");
        }
    })
}

fn first_line(from: impl Read + Send + 'static) -> Option<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        if BufReader::new(from)
            .read_line(&mut line)
            .is_ok_and(|length| length > 0)
        {
            let _ = sender.send(line.trim_end().to_string());
        }
    });
    receiver.recv_timeout(TEST_TIMEOUT).ok()
}

fn locked(text: &Mutex<String>) -> String {
    text.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
