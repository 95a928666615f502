//! Starting the tool: once to its end, or as a server that a test calls and then stops.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::support::{self, proc, sys};

/// More than anything here takes; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a run of the tool left.
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

/// Runs the tool to its end.
pub fn finish<S: AsRef<OsStr>>(arguments: &[S]) -> Finished {
    finish_with(arguments, b"")
}

/// Runs the tool to its end with this on stdin.
pub fn finish_with<S: AsRef<OsStr>>(arguments: &[S], stdin: &[u8]) -> Finished {
    let mut child = support::spawn(command(arguments).stdin(Stdio::piped()));
    let mut pipe = child.stdin.take().expect("stdin is piped");
    let stdin = stdin.to_vec();
    let writer = thread::spawn(move || pipe.write_all(&stdin));
    let stdout = collect(child.stdout.take().expect("stdout is piped"));
    let stderr = collect(child.stderr.take().expect("stderr is piped"));
    let status = wait(&mut child);
    // The tool may leave before it has read everything.
    let _ = writer.join().expect("the writer does not panic");
    Finished {
        code: status.code().expect("the tool exits"),
        stdout: stdout.join().expect("stdout is read"),
        stderr: String::from_utf8_lossy(&stderr.join().expect("stderr is read")).into_owned(),
    }
}

/// One event for a bootstrap.
pub fn run_once(bootstrap: &Path, event: &str, options: &[&str]) -> Finished {
    let mut arguments = run_arguments(bootstrap, options);
    arguments.extend(["--invoke".into(), event.into()]);
    finish(&arguments)
}

/// Waits for a process's end, not for ever.
pub fn wait(child: &mut Child) -> ExitStatus {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("wait for the tool") {
            return status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            panic!("the tool does not end");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until something is so, not for ever.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// A call that waits for its answer on a thread of its own, so that the wait has an end without a
/// time limit on the socket (see `wire::Wire::read`).
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
        let reply = self.0.recv_timeout(PATIENCE).expect("an answer in time");
        reply.expect("an answer")
    }
}

/// A local Lambda that is up. Dropping it stops it and checks that nothing of it is left.
pub struct Server {
    pub port: u16,
    pub runtime_port: u16,
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

    /// Serves this bootstrap by a tool that is started in a way of its own.
    pub fn start_with(
        bootstrap: &Path,
        options: &[&str],
        prepare: impl FnOnce(&mut Command),
    ) -> Server {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("TOOL_TEST_MARK={}-{number}", std::process::id());
        let mut arguments = run_arguments(bootstrap, options);
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
        let port = url
            .split([':', '/'])
            .nth(4)
            .and_then(|port| port.parse().ok());
        let said = || locked(&stderr);
        until("the Runtime API's port", || {
            said().contains("Runtime API 127.0.0.1:")
        });
        let rest = said();
        let rest = rest
            .split("Runtime API 127.0.0.1:")
            .nth(1)
            .expect("just seen");
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Server {
            port: port.expect("a port in the address"),
            runtime_port: digits.parse().expect("a port number"),
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

    /// Waits for a text on stderr.
    pub fn says(&self, text: &str) {
        until(text, || self.stderr().contains(text));
    }

    /// The address of the Invoke API.
    pub fn url(&self) -> String {
        let port = self.port;
        format!("http://127.0.0.1:{port}/2015-03-31/functions/function/invocations")
    }

    /// Invokes the function by `minreq`.
    pub fn invoke(&self, event: impl Into<Vec<u8>>) -> minreq::Response {
        call(self.request(event)).reply()
    }

    /// A call of the Invoke API, to be added to.
    pub fn request(&self, event: impl Into<Vec<u8>>) -> minreq::Request {
        minreq::post(self.url())
            .with_body(event)
            .with_max_headers_size(None)
    }

    /// Sends the tool a signal and waits for its end.
    pub fn stop(&mut self, signal: i32) -> ExitStatus {
        sys::kill(self.child.id(), signal);
        let status = wait(&mut self.child);
        // Every writer of stderr is gone, so its reader comes to the end.
        if let Some(reader) = self.reader.take() {
            until("the end of stderr", || reader.is_finished());
        }
        status
    }

    /// The processes that were started with this server's mark, at any depth.
    pub fn processes(&self) -> Vec<u32> {
        let mut pids = proc::pids();
        pids.retain(|&pid| proc::has_mark(pid, &self.mark));
        pids
    }

    /// The processor time that the tool itself has used.
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()));
        let stat = stat.expect("the tool runs");
        let fields = stat.rsplit(") ").next().expect("behind the name");
        let fields = fields.split(' ').skip(11).take(2);
        let ticks: u64 = fields.map(|n| n.parse::<u64>().expect("ticks")).sum();
        Duration::from_millis(ticks * 10) // USER_HZ is 100 on all that this runs on
    }

    /// The children of the tool that have ended and are not reaped.
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

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
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
    receiver.recv_timeout(PATIENCE).ok()
}

fn locked(text: &Mutex<String>) -> String {
    text.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
