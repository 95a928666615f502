//! A process of a candidate with its server: started, given events, and killed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::api_session::{Answer, AnswerCheck, ApiSession};
use super::candidate::Candidate;
use super::server::Server;
use super::stop::park_if_stopping;
use crate::process::{describe, explain_refusal, kill_descendants, retry_transient_errors};
use crate::sys::enter::Enter;
use crate::sys::launch::{Launch, Tracing};
use crate::sys::{self, ExecImage, resources};

/// How often the process is checked for its exit.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How much of a failed bootstrap's output is shown.
const OUTPUT_TAIL_BYTES: usize = 2000;

/// What every process of a measurement has in common.
pub struct Config {
    pub event: Vec<u8>,
    pub check: AnswerCheck,
    /// For a start, and for an answer.
    pub timeout: Duration,
    pub null: File,
}

/// Why a process cannot be used.
pub enum ProcessError {
    /// The file cannot be executed, or the system lacks a resource.
    CannotStart(String),
    /// The bootstrap failed.
    Failed(String),
}

/// A running process and its server.
pub struct Process<'a> {
    pub server: Server,
    pub pid: u32,
    /// Just before its start.
    pub started: Instant,
    pub status: Option<ExitStatus>,
    tracing: Tracing,
    config: &'a Config,
}

/// What a process has to do before the timeout.
#[derive(Clone, Copy)]
enum Awaited {
    Next,
    Answer,
}

/// An answered event.
pub struct Invocation {
    pub sent: Instant,
    pub answer: Answer,
}

impl<'a> Process<'a> {
    /// Starts the process; its stdout and stderr go to `output`, or to /dev/null.
    pub fn start(
        candidate: &Candidate,
        config: &'a Config,
        output: Option<&File>,
        tracing: Tracing,
    ) -> Result<Process<'a>, ProcessError> {
        park_if_stopping();
        let bootstrap = &candidate.program.bootstrap;
        let cannot_start = |error: io::Error| {
            ProcessError::CannotStart(format!("cannot start {}: {error}", candidate.label()))
        };
        let settings = &candidate.settings;
        let session = ApiSession::new(&config.event, &settings.arn(), config.check.clone());
        let server = Server::new(session).map_err(cannot_start)?;
        let address = server.address().map_err(cannot_start)?;
        let variables = settings.environment(&address);
        let image = ExecImage::new(bootstrap, &[bootstrap], &variables).map_err(cannot_start)?;
        let output = output.unwrap_or(&config.null).as_fd();
        let null = config.null.as_fd();
        let enter = Enter::default();
        let output = [output, output];
        let launch = Launch::new(image, &settings.task_root, null, output, &enter, tracing);
        let mut launch = launch.map_err(cannot_start)?;
        let (pid, started) = retry_transient_errors(|| {
            let started = Instant::now();
            launch.spawn().map(|pid| (pid, started))
        })
        .map_err(|error| ProcessError::CannotStart(explain_refusal(bootstrap, &error)))?;
        Ok(Process {
            server,
            pid,
            started,
            status: None,
            tracing,
            config,
        })
    }

    /// Waits until the process requests an event.
    pub fn wait_for_next(&mut self) -> Result<(), ProcessError> {
        self.wait(|server| server.has_waiting_next(), Awaited::Next)
    }

    /// Sends an event and waits for the answer.
    pub fn invoke(&mut self) -> Result<Invocation, ProcessError> {
        self.wait_for_next()?;
        let Some(sent) = self.server.send_event() else {
            let number = self.server.session.events;
            let text = format!("closed the connection on which it had requested event {number}");
            return Err(ProcessError::Failed(text));
        };
        let mut answer = None;
        let done = |server: &mut Server| {
            answer = server.session.take_answer();
            answer.is_some()
        };
        self.wait(done, Awaited::Answer)?;
        match answer {
            Some(answer) => Ok(Invocation { sent, answer }),
            None => Err(self.timed_out(Awaited::Answer)),
        }
    }

    fn wait(
        &mut self,
        mut done: impl FnMut(&mut Server) -> bool,
        what: Awaited,
    ) -> Result<(), ProcessError> {
        let end = Instant::now() + self.config.timeout;
        loop {
            if done(&mut self.server) {
                return Ok(());
            }
            self.server.poll_once(POLL_INTERVAL, None);
            if done(&mut self.server) {
                return Ok(());
            }
            if let Some(error) = self.error() {
                return Err(error);
            }
            if Instant::now() > end {
                return Err(self.timed_out(what));
            }
        }
    }

    fn timed_out(&mut self, what: Awaited) -> ProcessError {
        let session = &mut self.server.session;
        let what = match (what, session.events) {
            (Awaited::Answer, number) => format!("did not answer event {number}"),
            (Awaited::Next, 0) => "did not request an event".to_string(),
            (Awaited::Next, number) => format!("did not request an event after event {number}"),
        };
        let seconds = self.config.timeout.as_secs_f64();
        let fault = session.take_protocol_fault();
        let fault = fault.map_or(String::new(), |text| format!("; before that, it {text}"));
        ProcessError::Failed(format!("{what} within {seconds} s{fault}"))
    }

    /// An init error, or the exit of the process.
    fn error(&mut self) -> Option<ProcessError> {
        if let Some(error) = self.init_error() {
            return Some(error);
        }
        if self.status.is_none() {
            self.status = resources::try_wait(self.pid);
            // Its last requests may still be in the sockets' buffers.
            self.server.poll_once(Duration::ZERO, None);
        }
        let how = describe(self.status?);
        park_if_stopping(); // the thread of the stop signal may have killed it
        if let Some(error) = self.init_error() {
            return Some(error);
        }
        Some(ProcessError::Failed(match self.server.session.events {
            0 => format!("{how} before it requested an event"),
            number => format!("{how} during its event {number}"),
        }))
    }

    fn init_error(&self) -> Option<ProcessError> {
        let text = self.server.session.init_error.as_ref()?;
        Some(ProcessError::Failed(format!(
            "posted an init error: {text}"
        )))
    }

    /// Kills the process and its group. `kill_descendants` is for the rest of its descendants.
    pub fn stop(mut self) {
        self.kill();
    }

    fn kill(&mut self) {
        if self.status.is_some() {
            return;
        }
        sys::kill_group(self.pid);
        sys::send_sigkill(self.pid);
        match self.tracing {
            Tracing::Off => self.status = Some(sys::reap(self.pid)),
            // The exit of a traced leader follows those of its threads, which the tool reaps too.
            Tracing::On => drop(kill_descendants()),
        }
    }
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The end of a process's output, indented, on lines of its own.
pub fn output_tail(mut output: &File) -> String {
    let mut text = Vec::new();
    let length = output.seek(SeekFrom::End(0)).unwrap_or(0);
    let start = length.saturating_sub(OUTPUT_TAIL_BYTES as u64);
    let _ = output.seek(SeekFrom::Start(start));
    let _ = output.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<String> = text.lines().map(|line| format!("\n    {line}")).collect();
    match lines.is_empty() {
        true => String::new(),
        false => format!("; its output:{}", lines.concat()),
    }
}
