//! The runtime's side of the frame protocol, strict: any unknown frame fails the test.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tinderbox::host::kinds::{KINDS, Kind};

use crate::skip;
use crate::support::sys::give_as_three;
use crate::support::{bound, root, spawn};

/// The longest line of a worker, with its line feed, in bytes.
const LINE_BYTES_MAX: usize = 256;
/// The largest error report, in bytes.
const REPORT_BYTES_MAX: usize = 262_144;
/// The longest wait of one step, in milliseconds at native speed.
const PATIENCE_MS: u64 = 60_000;

/// An interpreter and its worker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Language {
    Php,
    Node,
    Python,
    Ruby,
}

use Language::{Node, Php, Python, Ruby};

impl Language {
    /// Whether the interpreter is installed; prints that the test is skipped where it is not.
    pub fn is_here(self) -> bool {
        skip::has(self.interpreter())
    }

    /// The runtime's own program and arguments.
    fn kind(self) -> &'static Kind {
        let word: &[u8] = match self {
            Php => b"php",
            Node => b"node",
            Python => b"python",
            Ruby => b"ruby",
        };
        let mut kinds = KINDS.iter();
        kinds.find(|kind| kind.word == word).expect("its kind")
    }

    /// Whether the worker logs the errors that it reports.
    pub fn logs_errors(self) -> bool {
        self.kind().logs_errors
    }

    fn interpreter(self) -> &'static str {
        text_of(self.kind().interpreter)
    }

    /// The runtime's arguments up to the path of the function: flags, code, and what follows it.
    fn arguments(self) -> Vec<String> {
        let kind = self.kind();
        let shim = kind.shim.expect("a shim");
        assert!(shim.ends_with(b"\0"), "the shim ends in a NUL");
        let all = [kind.arguments, &[shim, kind.after_shim]].concat();
        let texts = all.into_iter().map(text_of);
        texts
            .filter(|text| !text.is_empty())
            .map(String::from)
            .collect()
    }

    /// The folder of the sample functions.
    pub fn folder(self) -> PathBuf {
        let name = match self {
            Php => "php",
            Node => "node",
            Python => "python",
            Ruby => "ruby",
        };
        root().join("tests/hosted/functions").join(name)
    }

    /// The name of a sample's file.
    pub fn file(self, stem: &str) -> PathBuf {
        let ending = match self {
            Php => "php",
            Node => "mjs",
            Python => "py",
            Ruby => "rb",
        };
        self.folder().join(format!("{stem}.{ending}"))
    }

    /// A worker for a function of `cases`, ready.
    pub fn case(self, name: &str) -> Worker {
        let mut worker = self.start("cases", name);
        worker.expect_ready();
        worker
    }

    /// A worker for a function of this sample.
    pub fn start(self, stem: &str, name: &str) -> Worker {
        Worker::start(&mut self.command(&self.file(stem), name))
    }

    /// The command that starts a worker for this file.
    pub fn command(self, path: &std::path::Path, name: &str) -> Command {
        let mut command = Command::new(self.interpreter());
        command.args(self.arguments()).arg(path).arg(name);
        let folder = path.parent().expect("a file in a folder");
        command.env("LAMBDA_TASK_ROOT", folder);
        command
    }
}

/// An argument, without the NUL that ends it.
fn text_of(argument: &[u8]) -> &str {
    let argument = argument.strip_suffix(b"\0").unwrap_or(argument);
    std::str::from_utf8(argument).expect("UTF-8")
}

/// A frame of a worker: an answer, or the result of its start.
#[derive(Debug, PartialEq)]
pub struct Frame {
    /// `ready`, `ok`, `error`, ...
    pub verb: String,
    /// The sequence number, where the verb has one.
    pub sequence: Option<u64>,
    /// The type of the error, or the content type.
    pub kind: String,
    pub body: Vec<u8>,
}

impl Frame {
    /// The response, which must be JSON and have no content type.
    pub fn json(&self) -> Value {
        assert_eq!((&*self.verb, &*self.kind), ("ok", ""), "{}", self.text());
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// The message of an error of this verb and type.
    pub fn message(&self, verb: &str, kind: &str) -> String {
        let at = (&*self.verb, &*self.kind);
        assert_eq!(at, (verb, kind), "{}", self.text());
        self.report()["errorMessage"]
            .as_str()
            .expect("a message")
            .to_string()
    }

    /// The stack trace of an error, a line an entry.
    pub fn trace(&self) -> Vec<String> {
        let trace = self.report()["stackTrace"].clone();
        serde_json::from_value(trace).expect("a list of lines")
    }

    fn report(&self) -> Value {
        assert!(self.body.len() <= REPORT_BYTES_MAX, "too long a report");
        let report: Value = serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", self.text()));
        let names: Vec<_> = report
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect();
        assert_eq!(names, ["errorMessage", "errorType", "stackTrace"]);
        assert_eq!(report["errorType"], *self.kind);
        let clean = self.kind.bytes().all(|byte| byte.is_ascii_graphic());
        assert!(
            clean && (1..=128).contains(&self.kind.len()),
            "{}",
            self.kind
        );
        report
    }

    /// For messages.
    pub fn text(&self) -> String {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(2000)]);
        format!("{} {:?} {} {body}", self.verb, self.sequence, self.kind)
    }
}

/// A worker, and the runtime's end of its channel.
pub struct Worker {
    child: Child,
    channel: UnixStream,
    read: Vec<u8>,
    log: Arc<Mutex<Vec<u8>>>,
    pub sequence: u64,
}

impl Worker {
    /// Starts it, with the variables of Lambda and nothing on its standard input.
    pub fn start(command: &mut Command) -> Worker {
        let (channel, other) = UnixStream::pair().expect("a pair of sockets");
        let (mut log, log_end) = std::io::pipe().expect("a pipe");
        for (name, value) in [
            ("AWS_LAMBDA_FUNCTION_NAME", "sample"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/sample"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0"),
            ("LANG", "C.UTF-8"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
        ] {
            command.env(name, value);
        }
        command.stdin(Stdio::null());
        command.stdout(log_end.try_clone().expect("dup"));
        command.stderr(log_end);
        give_as_three(command, &other);
        let child = spawn(command);
        // The command holds the ends that the child has now.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let collected = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&collected);
        std::thread::spawn(move || {
            let mut piece = [0; 65536];
            while let Ok(count @ 1..) = log.read(&mut piece) {
                let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                sink.extend_from_slice(&piece[..count]);
            }
        });
        let patience = Some(bound(PATIENCE_MS));
        channel.set_read_timeout(patience).expect("a timeout");
        channel.set_write_timeout(patience).expect("a timeout");
        Worker {
            child,
            channel,
            read: Vec::new(),
            log: collected,
            sequence: 0,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Expects `ready`, and nothing after it.
    pub fn expect_ready(&mut self) {
        let ready = self.answer();
        assert_eq!(ready.verb, "ready", "{}", ready.text());
        self.assert_silent();
    }

    /// Sends an event with a context, and receives the whole answer.
    pub fn ask_with(&mut self, context: &str, event: &[u8]) -> Frame {
        self.send(context, event);
        let answer = self.answer();
        assert_eq!(answer.sequence, Some(self.sequence), "{}", answer.text());
        answer
    }

    /// The same with a context of the fields that are always present.
    pub fn ask(&mut self, event: &[u8]) -> Frame {
        self.ask_with(
            "request-id=id-1\ndeadline-ms=4102444800000\nfunction-arn=arn:aws:x\n",
            event,
        )
    }

    /// Sends the next event.
    pub fn send(&mut self, context: &str, event: &[u8]) {
        self.assert_silent();
        self.sequence += 1;
        let head = format!("{} {} {}\n", self.sequence, context.len(), event.len());
        let frame = [head.as_bytes(), context.as_bytes(), event].concat();
        self.send_bytes(&frame);
    }

    /// Sends any bytes.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.channel.write_all(bytes).expect("the worker reads");
    }

    /// Receives one frame.
    pub fn answer(&mut self) -> Frame {
        self.try_answer()
            .unwrap_or_else(|| panic!("no answer, log: {}", self.log()))
    }

    /// Receives one frame; `None` at the end of the channel. A frame cut short fails the test.
    pub fn try_answer(&mut self) -> Option<Frame> {
        let line = loop {
            if let Some(end) = self.read.iter().position(|&byte| byte == b'\n') {
                break self.read.drain(..=end).collect::<Vec<u8>>();
            }
            assert!(self.read.len() < LINE_BYTES_MAX, "too long a line");
            if !self.read_some() {
                assert_eq!(self.read, b"", "a line that is cut");
                return None;
            }
        };
        let line = String::from_utf8(line).expect("a line is ASCII");
        assert!(line.is_ascii() && line.len() <= LINE_BYTES_MAX, "{line:?}");
        let mut words = line.trim_end_matches('\n').splitn(4, ' ');
        let verb = words.next().expect("a verb").to_string();
        let mut number = || {
            words
                .next()
                .and_then(|word| word.parse().ok())
                .unwrap_or_else(|| panic!("a number is missing: {line:?}"))
        };
        let (sequence, length) = match &*verb {
            "ready" => (None, 0),
            "init-error" => (None, number()),
            "stream" | "end" => (Some(number()), 0),
            "ok" | "error" | "fatal" | "chunk" => (Some(number()), number()),
            _ => panic!("not a verb: {line:?}"),
        };
        let kind = words.collect::<Vec<_>>().join(" ");
        let plain = matches!(&*verb, "ready" | "end" | "chunk");
        assert!(!plain || kind.is_empty(), "{line:?}");
        while (self.read.len() as u64) < length {
            assert!(self.read_some(), "a body that is cut: {line:?}");
        }
        let body = self.read.drain(..length as usize).collect();
        Some(Frame {
            verb,
            sequence,
            kind,
            body,
        })
    }

    fn read_some(&mut self) -> bool {
        let mut piece = [0; 65536];
        match self.channel.read(&mut piece) {
            Ok(count) => {
                self.read.extend_from_slice(&piece[..count]);
                count > 0
            }
            // A stopped and continued process: a read with a timeout is not restarted (signal(7)).
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            // Bytes that the worker did not read turn its close into a reset.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("{error}, log: {}", self.log()),
        }
    }

    /// Fails the test when the worker has sent anything more.
    pub fn assert_silent(&mut self) {
        self.channel.set_nonblocking(true).expect("non-blocking");
        let mut piece = [0; 256];
        let silent = match self.channel.read(&mut piece) {
            Err(error) => error.kind() == ErrorKind::WouldBlock,
            Ok(_) => false,
        };
        self.channel.set_nonblocking(false).expect("blocking");
        assert!(
            silent && self.read.is_empty(),
            "the worker sent something, or is gone"
        );
    }

    /// Waits until the worker has begun to send an answer.
    pub fn until_answering(&mut self) {
        assert!(self.read_some(), "no answer, log: {}", self.log());
    }

    /// The output of the worker so far.
    pub fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Waits until the log is as wanted: output may arrive after the answer.
    pub fn until_log(&self, wanted: impl Fn(&str) -> bool) {
        let end = Instant::now() + bound(PATIENCE_MS);
        while !wanted(&self.log()) {
            let log = self.log();
            let log = &log[..log.floor_char_boundary(2000)];
            assert!(Instant::now() < end, "not what it should print: {log}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Closes the channel, or waits until the worker does: its exit status and all of its output.
    pub fn ended(mut self, close: bool) -> (ExitStatus, String) {
        if close {
            let both = std::net::Shutdown::Both;
            self.channel.shutdown(both).expect("shut the channel");
        } else {
            assert_eq!(self.try_answer(), None);
        }
        let end = Instant::now() + bound(PATIENCE_MS);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                break status;
            }
            assert!(
                Instant::now() < end,
                "the worker does not exit: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(1));
        };
        // The collector holds the second reference until the end of file.
        while Arc::strong_count(&self.log) > 1 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        (status, self.log())
    }

    /// The worker exits by itself with this status.
    pub fn assert_exits(self, code: i32) -> String {
        let (status, log) = self.ended(false);
        assert_eq!(status.code(), Some(code), "{log}");
        log
    }

    /// The worker ends by this signal.
    pub fn assert_killed(self, signal: i32) {
        let (status, log) = self.ended(false);
        assert_eq!(status.signal(), Some(signal), "{log}");
    }

    /// The channel is closed, and the worker exits with status 0 and prints nothing.
    pub fn assert_exits_silently(self) {
        let before = self.log();
        let (status, log) = self.ended(true);
        assert_eq!(status.code(), Some(0), "{log}");
        assert_eq!(log, before, "the worker printed something at the end");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
