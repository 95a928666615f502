//! Plays Lambda for a case: delivers its events, kills the runtime at a deadline, starts it again
//! when it has exited, and records the answers, the logs and the exits.

use crate::case::{Case, CaseEvent};
use crate::interpreter::Interpreter;
use crate::support::api::{Event, Kind, Post, Script, ScriptedReply, Server, now_ms};
use crate::support::process::Process;
use crate::support::start::Start;
use crate::support::{TempDir, bootstrap, bound};
use std::collections::BTreeMap;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Request ids are this and the number of the event in hexadecimal.
pub const ID_START: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fc";

/// The number of the event to which the log before the first event belongs, and the log behind
/// SIGTERM.
const BEFORE_EVENTS: i64 = -1;
const AFTER_SIGTERM: i64 = 99;

/// The platform gives up after this many starts.
const STARTS_MAX: u64 = 6;

/// Requests that the runtime has sent may arrive this late after a deadline or an exit.
const GRACE_MS: u64 = 150;

/// The end of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// It was not delivered.
    Unserved,
    Response(Answer),
    Error(Answer),
    /// The runtime exited: the exit code, or the negative number of the signal.
    Exit(i32),
    /// No answer before the deadline.
    Timeout,
}

/// A request of the runtime.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An event and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub end: End,
    /// The next event was not requested before the deadline of this one.
    pub lacks_next: bool,
}

/// All that was seen of a case.
#[derive(Clone, Debug)]
pub struct Seen {
    pub init_error: Option<Answer>,
    pub outcomes: Vec<Outcome>,
    pub starts: u64,
    /// The exit code after SIGTERM, or the negative number of the signal; `None` where it was not
    /// sent, or the runtime was there half a second later.
    pub sigterm_exit: Option<i32>,
    /// What was printed, by the number of the event.
    pub logs: BTreeMap<i64, Vec<u8>>,
    /// Violations of the protocol: a second answer, a request for an event before the answer.
    pub violations: Vec<String>,
}

/// How a case is run.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    pub interpreter: &'a Interpreter,
    /// Deadlines are this many times as long.
    pub slower: f64,
}

/// The end of one process of the runtime.
enum ProcessEnd {
    /// All events are served, and the next one is requested.
    Idle,
    Exit,
    /// It was killed at a deadline.
    Killed,
}

/// Runs a case in its folder.
pub fn run(case: &Case, dir: &TempDir, settings: Settings) -> Seen {
    let mut platform = Platform {
        case,
        settings,
        start: start(case, dir, settings),
        served: Arc::new(AtomicI64::new(BEFORE_EVENTS)),
        logs: Arc::default(),
        seen: Seen {
            init_error: None,
            outcomes: vec![
                Outcome {
                    end: End::Unserved,
                    lacks_next: false,
                };
                case.events.len()
            ],
            starts: 0,
            sigterm_exit: None,
            logs: BTreeMap::new(),
            violations: Vec::new(),
        },
    };
    while platform.run_process() && platform.seen.starts < STARTS_MAX {}
    let logs = platform.logs.lock().unwrap_or_else(PoisonError::into_inner);
    platform.seen.logs.clone_from(&logs);
    drop(logs);
    platform.seen
}

/// The environment of a managed runtime.
fn start(case: &Case, dir: &TempDir, settings: Settings) -> Start {
    let root = dir.path().to_str().expect("a path in UTF-8");
    let usual = "/usr/local/bin:/usr/bin:/bin:/opt/bin";
    let path = match &settings.interpreter.folder {
        Some(folder) => format!("{}:{usual}", folder.display()),
        None => usual.to_string(),
    };
    let mut start = Start::new(&bootstrap());
    for (name, value) in [
        ("PATH", path.as_str()),
        ("LANG", "C.UTF-8"),
        ("LD_LIBRARY_PATH", "/lib64:/usr/lib64:/opt/lib"),
        ("LAMBDA_TASK_ROOT", root),
        ("_HANDLER", &case.handler),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "demo"),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            &case.memory_mb.to_string(),
        ),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/demo"),
        (
            "AWS_LAMBDA_LOG_STREAM_NAME",
            "2026/01/01/[$LATEST]0123456789abcdef",
        ),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_SESSION_TOKEN", "x"),
        ("DIFF_CASE", root),
    ] {
        start = start.variable(name, value);
    }
    for (name, value) in &case.environment {
        start = start.variable(name, value);
    }
    if let Some(wrapper) = &case.wrapper {
        start = start.variable("AWS_LAMBDA_EXEC_WRAPPER", &format!("{root}/{wrapper}"));
    }
    if case.gets_sigterm {
        start = start.leading_group();
    }
    if !case.opt.is_empty() {
        start = start.with_opt(&dir.path().join("_opt"));
    }
    if let Some(root) = &settings.interpreter.root {
        start = start.in_system(root);
    }
    start.in_folder(dir.path()).without_more_descriptors()
}

struct Platform<'a> {
    case: &'a Case,
    settings: Settings<'a>,
    start: Start,
    /// The number of the last event that was delivered.
    served: Arc<AtomicI64>,
    logs: Logs,
    seen: Seen,
}

type Logs = Arc<Mutex<BTreeMap<i64, Vec<u8>>>>;

impl Platform<'_> {
    fn served(&self) -> i64 {
        self.served.load(Ordering::SeqCst)
    }

    fn has_more(&self) -> bool {
        self.served() + 1 < self.case.events.len() as i64
    }

    /// Starts the runtime and delivers events until it ends; whether it is to be started again.
    fn run_process(&mut self) -> bool {
        let server = Server::start(Script::default());
        let (output, end) = std::io::pipe().expect("a pipe");
        self.collect(output);
        let end = OwnedFd::from(end);
        let start = self
            .start
            .clone()
            .stdout(end.try_clone().expect("a copy of a descriptor"));
        let start = start.stderr(end);
        let start = start.variable("AWS_LAMBDA_RUNTIME_API", &server.address());
        let mut process = start.spawn();
        drop(start); // and with it the pipe's end
        self.seen.starts += 1;
        let end = self.serve(&server, &mut process);
        let goes_on = match end {
            ProcessEnd::Idle => {
                std::thread::sleep(Duration::from_millis(self.case.linger_ms));
                if self.case.gets_sigterm {
                    self.send_sigterm(&mut process);
                }
                false
            }
            ProcessEnd::Exit if self.served() < 0 && init_error(&server).is_some() => false,
            ProcessEnd::Exit => self.has_more() || self.case.restarts_at_end,
            ProcessEnd::Killed => self.has_more(),
        };
        drop(process); // with all that it started
        let ledger = server.finish();
        let init_error = ledger
            .posts
            .iter()
            .find(|post| post.kind == Kind::InitError);
        self.seen.init_error = init_error.map(answer).or(self.seen.init_error.take());
        // An answer that was cut by the end of the process is no answer: its outcome says so.
        let violations = ledger.violations.into_iter();
        self.seen
            .violations
            .extend(violations.filter(|text| !text.contains("ended within a request")));
        goes_on
    }

    /// Collects the output until its end, each piece as that of the event that was last delivered.
    fn collect(&self, mut output: std::io::PipeReader) {
        let (logs, served) = (Arc::clone(&self.logs), Arc::clone(&self.served));
        std::thread::spawn(move || {
            let mut piece = vec![0; 64 * 1024];
            while let Ok(count @ 1..) = output.read(&mut piece) {
                let mut logs = logs.lock().unwrap_or_else(PoisonError::into_inner);
                let log = logs.entry(served.load(Ordering::SeqCst)).or_default();
                log.extend_from_slice(&piece[..count]);
            }
        });
    }

    fn serve(&mut self, server: &Server, process: &mut Process) -> ProcessEnd {
        let mut request_end = Instant::now() + bound(self.case.init_timeout_ms);
        let mut last = None;
        loop {
            while !server.wait_idle(Duration::from_millis(5)) {
                if let Some(status) = process.wait(Duration::ZERO) {
                    self.exited(server, status, None);
                    return ProcessEnd::Exit;
                }
                if Instant::now() > request_end {
                    if let Some(event) = last {
                        self.outcome(event).lacks_next = true;
                    }
                    return ProcessEnd::Killed;
                }
            }
            if !self.has_more() {
                return ProcessEnd::Idle;
            }
            std::thread::sleep(Duration::from_millis(self.case.gap_ms));
            let event = (self.served() + 1) as usize;
            let deadline = self.deliver(server, event);
            last = Some(event);
            request_end = deadline + bound(GRACE_MS);
            let end = loop {
                if let Some(end) = ended(server, event) {
                    break end;
                }
                if let Some(status) = process.wait(Duration::from_millis(2)) {
                    self.exited(server, status, Some(event));
                    return ProcessEnd::Exit;
                }
                if Instant::now() > request_end {
                    break End::Timeout;
                }
            };
            let is_late = end == End::Timeout;
            self.outcome(event).end = end;
            if is_late {
                return ProcessEnd::Killed;
            }
        }
    }

    fn outcome(&mut self, event: usize) -> &mut Outcome {
        &mut self.seen.outcomes[event]
    }

    /// The runtime has exited; its last requests may still be read by the server.
    fn exited(&mut self, server: &Server, status: std::process::ExitStatus, event: Option<usize>) {
        std::thread::sleep(bound(50));
        if let Some(event) = event {
            let exit = End::Exit(returned(status));
            self.outcome(event).end = ended(server, event).unwrap_or(exit);
        }
    }

    /// Delivers an event; its deadline.
    fn deliver(&self, server: &Server, number: usize) -> Instant {
        let event = &self.case.events[number];
        let timeout_ms = event.timeout_ms.unwrap_or(self.case.timeout_ms);
        let timeout = Duration::from_millis(timeout_ms).mul_f64(self.settings.slower);
        self.served.store(number as i64, Ordering::SeqCst);
        let deadline_ms = now_ms() + timeout.as_millis() as u64;
        let deadline = Instant::now() + timeout;
        server.more(vec![ScriptedReply::event(&delivery(
            event,
            number,
            deadline_ms,
        ))]);
        deadline
    }

    fn send_sigterm(&mut self, process: &mut Process) {
        self.served.store(AFTER_SIGTERM, Ordering::SeqCst);
        process.terminate_group();
        let status = process.wait(bound(500));
        self.seen.sigterm_exit = status.map(returned);
        std::thread::sleep(Duration::from_millis(100)); // for the last lines of its log
    }
}

/// The event as it is delivered.
fn delivery(event: &CaseEvent, number: usize, deadline_ms: u64) -> Event {
    let trace = format!(
        "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e70{number};Parent=9a9197af755a6419;Sampled=1"
    );
    let mut delivery = Event::new(&format!("{ID_START}{number:x}"), event.body.clone())
        .without("Date")
        .deadline(&deadline_ms.to_string())
        .header(
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:us-east-1:123456789012:function:demo",
        )
        .header("Lambda-Runtime-Trace-Id", &trace);
    for (name, value) in &event.headers {
        delivery = match value {
            Some(value) => delivery.header(name, value),
            None => delivery.without(name),
        };
    }
    delivery
}

/// The end of an event that is answered.
fn ended(server: &Server, event: usize) -> Option<End> {
    let ledger = server.ledger();
    let answers = ledger.answers(&format!("{ID_START}{event:x}"));
    let post = answers.first()?;
    Some(match post.kind {
        Kind::Response => End::Response(answer(post)),
        _ => End::Error(answer(post)),
    })
}

fn init_error(server: &Server) -> Option<Answer> {
    let ledger = server.ledger();
    let mut posts = ledger.posts.iter();
    posts.find(|post| post.kind == Kind::InitError).map(answer)
}

fn answer(post: &Post) -> Answer {
    let lower = |(name, value): &(String, String)| (name.to_ascii_lowercase(), value.clone());
    Answer {
        headers: post.headers.iter().map(lower).collect(),
        body: post.body.clone(),
    }
}

/// The exit code, or the negative number of the signal.
fn returned(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    let signal = status.signal().map(|signal| -signal);
    status.code().or(signal).expect("an exit code or a signal")
}
