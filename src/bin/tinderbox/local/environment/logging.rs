//! The log of the environment, on stderr. With `--json` the output of each process comes through a
//! pipe, so that its lines can be marked; otherwise it has the tool's stderr itself.

use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::Environment;
use crate::clock;
use crate::local::log::{EnvironmentLog, LogFormat, Record, Source, Status};
use crate::output;
use crate::settings::Settings;
use crate::sys::poller::{Interest, Poller};

const READ_BYTES: usize = 64 * 1024;

/// How many reads precede a record at most: more than a pipe holds, as a process may write without
/// end.
const READS_MAX: usize = 17;

/// How often the reader of a pipe checks whether its process has been replaced.
const RECHECK_INTERVAL: Duration = Duration::from_secs(1);

pub struct Logging {
    has_telemetry: bool,
    log: Mutex<Log>,
    /// The process whose init was logged last.
    logged_init: AtomicU64,
}

struct Log {
    environment: EnvironmentLog,
    pipe: Option<Arc<PipeReader>>,
}

impl Logging {
    pub fn new(settings: &Settings, has_telemetry: bool) -> Logging {
        let source = Source {
            function_name: settings.function_name.clone(),
            version: "$LATEST".to_string(),
            arn: settings.arn(),
            memory_mb: settings.memory_mb,
            initialization_type: settings.initialization_type(),
            instance_id: String::new(),
            is_one_of_several: false,
        };
        let format = LogFormat::of(&settings.variables);
        Logging {
            has_telemetry,
            log: Mutex::new(Log {
                environment: EnvironmentLog::new(source, format, has_telemetry),
                pipe: None,
            }),
            logged_init: AtomicU64::new(0),
        }
    }
}

impl Environment {
    /// Logs a record, after all that the process has written before.
    pub fn log(&self, record: &Record) {
        self.with_log(|log, out| {
            log.read_output(out);
            log.environment.record(record, clock::now_ms(), out);
        });
    }

    /// Logs what the process has written.
    pub fn log_output(&self) {
        self.with_log(|log, out| {
            log.read_output(out);
            log.environment.end_line(clock::now_ms(), out);
        });
    }

    fn with_log(&self, write: impl FnOnce(&mut Log, &mut Vec<u8>)) {
        let log = self.logging.log.lock();
        let mut log = log.unwrap_or_else(PoisonError::into_inner);
        let mut out = Vec::new();
        write(&mut log, &mut out);
        if !out.is_empty() {
            output::write_stderr(&out);
        }
    }

    /// Logs the init or the restore of a process once, as soon as it has requested an event.
    pub fn log_init(&self) {
        let (generation, init, restore) =
            self.step(|state, _| (state.generation, state.init, state.restore));
        let is_logged = || self.logging.logged_init.swap(generation, Ordering::Relaxed);
        if (init.is_none() && restore.is_none()) || is_logged() == generation {
            return;
        }
        if let Some(duration) = init {
            self.log_init_end(Status::Success, duration);
        }
        if let Some(duration) = restore {
            let status = Status::Success;
            self.log(&Record::RestoreReport { status, duration });
        }
    }

    /// Logs the end of an init.
    pub fn log_init_end(&self, status: Status, duration: Duration) {
        self.log(&Record::InitRuntimeDone { status });
        self.log(&Record::InitReport { status, duration });
    }

    /// Where the next process writes to.
    pub fn open_output(self: &Arc<Environment>) -> io::Result<OwnedFd> {
        if !self.logging.has_telemetry {
            return io::stderr().as_fd().try_clone_to_owned();
        }
        let (reader, writer) = io::pipe()?;
        let reader = Arc::new(reader);
        self.log_output(); // of the process before
        self.with_log(|log, _| log.pipe = Some(reader.clone()));
        let environment = self.clone();
        thread::Builder::new().spawn(move || environment.follow_output(&reader))?;
        Ok(writer.into())
    }

    fn follow_output(&self, reader: &Arc<PipeReader>) {
        let mut poller = Poller::default();
        let mut is_open = true;
        while is_open {
            poller.clear();
            poller.push(reader.as_raw_fd(), Interest::Read);
            if !poller.wait(RECHECK_INTERVAL) {
                continue;
            }
            self.with_log(|log, out| {
                let is_current = log
                    .pipe
                    .as_ref()
                    .is_some_and(|pipe| Arc::ptr_eq(pipe, reader));
                is_open = is_current && log.read_output(out);
            });
        }
    }
}

impl Log {
    /// Reads what is in the pipe, without waiting; false at its end. Only the holder of the lock
    /// reads, so what `poll` has seen is still there.
    fn read_output(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(pipe) = self.pipe.clone() else {
            return false;
        };
        let mut poller = Poller::default();
        poller.push(pipe.as_raw_fd(), Interest::Read);
        let mut bytes = vec![0; READ_BYTES];
        for _ in 0..READS_MAX {
            if !poller.wait(Duration::ZERO) {
                return true;
            }
            let now = clock::now_ms();
            match (&*pipe).read(&mut bytes) {
                Ok(count @ 1..) => self.environment.function_output(&bytes[..count], now, out),
                _ => {
                    self.environment.end_line(now, out);
                    self.pipe = None;
                    return false;
                }
            }
        }
        true
    }
}
