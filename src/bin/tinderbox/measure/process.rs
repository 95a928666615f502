//! One process of a candidate with its server: started, driven event by event, and ended.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::candidate::Candidate;
use super::desk::{Answer, Desk, Judge};
use super::server::Server;
use crate::local::process::{describe, explain_refusal, kill_strays};
use crate::sys::{self, Image, launch::Launch, meter};

/// How often it is looked whether the process still lives.
const LOOK: Duration = Duration::from_millis(20);

/// How long a file that is still being written (ETXTBSY) is waited for: a linker's last moments.
const BUSY: Duration = Duration::from_secs(1);

/// How much of what a failed bootstrap has said is shown.
const SAID_BYTES: usize = 2000;

/// What every process of a measurement is given.
pub struct Work {
    pub event: Vec<u8>,
    pub judge: Judge,
    /// For a start, and for an answer.
    pub timeout: Duration,
    pub null: File,
}

/// Why a process is of no more use.
pub enum Trouble {
    /// The kernel will not run the file.
    Refused(String),
    /// Its own doing.
    Failed(String),
}

/// A process that runs, and its server.
pub struct Process<'a> {
    pub server: Server,
    pub pid: u32,
    /// Just before it was started.
    pub started: Instant,
    pub status: Option<ExitStatus>,
    is_traced: bool,
    work: &'a Work,
}

/// An event's way: sent, and answered.
pub struct Invocation {
    pub sent: Instant,
    pub answer: Answer,
}

impl<'a> Process<'a> {
    /// Starts it; what it says goes to `output`, or nowhere.
    pub fn start(
        candidate: &Candidate,
        work: &'a Work,
        output: Option<&File>,
        is_traced: bool,
    ) -> Result<Process<'a>, Trouble> {
        super::hold_if_stopped();
        let bootstrap = &candidate.program.bootstrap;
        let unusual = |error: io::Error| Trouble::Refused(format!("the system refuses: {error}"));
        let desk = Desk::new(&work.event, &candidate.settings.arn(), work.judge.clone());
        let server = Server::new(desk).map_err(unusual)?;
        let address = server.address().map_err(unusual)?;
        let variables = candidate.settings.environment(&address);
        let image = Image::new(bootstrap, &[bootstrap], &variables).map_err(unusual)?;
        let output = output.unwrap_or(&work.null).as_fd();
        let root = &candidate.settings.root;
        let launch = Launch::new(image, root, work.null.as_fd(), output, is_traced);
        let (pid, started) = started(&mut launch.map_err(unusual)?, bootstrap)?;
        Ok(Process {
            server,
            pid,
            started,
            status: None,
            is_traced,
            work,
        })
    }

    /// Waits until it asks for an event.
    pub fn wait_for_next(&mut self) -> Result<(), Trouble> {
        self.wait(|server| server.is_asked(), "has not asked for an event")
    }

    /// Sends it an event and waits for the answer.
    pub fn invoke(&mut self) -> Result<Invocation, Trouble> {
        self.wait_for_next()?;
        let Some(sent) = self.server.send_event() else {
            let number = self.server.desk.events;
            let text = format!("does not take event {number}, which it has asked for");
            return Err(Trouble::Failed(text));
        };
        let mut answer = None;
        let look = |server: &mut Server| {
            answer = server.desk.take_answer();
            answer.is_some()
        };
        self.wait(look, "has not answered")?;
        match answer {
            Some(answer) => Ok(Invocation { sent, answer }),
            None => Err(Trouble::Failed("has not answered".to_string())),
        }
    }

    fn wait(
        &mut self,
        mut is_so: impl FnMut(&mut Server) -> bool,
        otherwise: &str,
    ) -> Result<(), Trouble> {
        let end = Instant::now() + self.work.timeout;
        loop {
            if is_so(&mut self.server) {
                return Ok(());
            }
            self.server.pump(LOOK, None);
            if is_so(&mut self.server) {
                return Ok(());
            }
            if let Some(trouble) = self.trouble() {
                return Err(trouble);
            }
            if Instant::now() > end {
                let number = self.number();
                let seconds = self.work.timeout.as_secs_f64();
                let complaint = self.server.desk.take_complaint();
                let complaint = complaint.map_or(String::new(), |text| format!("; it {text}"));
                let text = format!("{otherwise}{number} in {seconds} s{complaint}");
                return Err(Trouble::Failed(text));
            }
        }
    }

    /// Whether it has ended, or given up.
    pub fn trouble(&mut self) -> Option<Trouble> {
        if let Some(text) = &self.server.desk.init_error {
            return Some(Trouble::Failed(format!("posted an init error: {text}")));
        }
        if self.status.is_none() {
            self.status = meter::ended(self.pid);
            // What it has sent before its end may be here still.
            self.server.pump(Duration::ZERO, None);
        }
        let how = describe(self.status?);
        super::hold_if_stopped(); // it may be the stop that has killed it
        if let Some(text) = &self.server.desk.init_error {
            return Some(Trouble::Failed(format!("posted an init error: {text}")));
        }
        Some(Trouble::Failed(match self.server.desk.events {
            0 => format!("{how} before it asked for an event"),
            number => format!("{how} on its event {number}"),
        }))
    }

    fn number(&self) -> String {
        match self.server.desk.events {
            0 => String::new(),
            number => format!(" (its event {number})"),
        }
    }

    /// Kills it and its process group. What else it has started is for `kill_strays`.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if self.status.is_none() {
            sys::kill_group(self.pid);
            sys::kill(self.pid);
            // A traced leader's end comes behind that of its threads, which are ours to bury too.
            match self.is_traced {
                true => kill_strays(),
                false => self.status = Some(sys::reap(self.pid)),
            }
        }
    }
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

/// The process, and the moment before its start.
fn started(launch: &mut Launch, bootstrap: &Path) -> Result<(u32, Instant), Trouble> {
    let busy_until = Instant::now() + BUSY;
    loop {
        let started = Instant::now();
        match launch.start() {
            Ok(pid) => return Ok((pid, started)),
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy && started < busy_until =>
            {
                std::thread::sleep(LOOK);
            }
            Err(error) => return Err(Trouble::Refused(explain_refusal(bootstrap, &error))),
        }
    }
}

/// The last of what a process has said, indented, on lines of its own.
pub fn last_said(mut output: &File) -> String {
    let mut text = Vec::new();
    let length = output.seek(SeekFrom::End(0)).unwrap_or(0);
    let from = length.saturating_sub(SAID_BYTES as u64);
    let _ = output.seek(SeekFrom::Start(from));
    let _ = output.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<String> = text.lines().map(|line| format!("\n    {line}")).collect();
    match lines.is_empty() {
        true => String::new(),
        false => format!("; it said:{}", lines.concat()),
    }
}
