//! The log: records of environments and what their processes write, in one order, to stderr.

use std::io;
use std::time::Duration;

use super::{Endpoint, Engine, EngineOptions, Key};
use crate::clock;
use crate::local::log::{EnvironmentLog, LogFormat, Record, Source, Status};
use crate::local::log_writer::Flushed;
use crate::local::outcome::InitFailure;
use crate::settings::Settings;
use crate::sys::epoll::Interest;

/// How often one output is read before others are.
const READS_MAX: usize = 4;

/// An empty log of an environment with these settings.
pub fn environment_log(settings: &Settings, options: &EngineOptions) -> EnvironmentLog {
    let source = Source {
        function_name: settings.function_name.clone(),
        version: settings.version.clone(),
        arn: settings.arn(),
        memory_mb: settings.memory_mb,
        initialization_type: settings.initialization_type(),
        instance_id: String::new(),
        is_one_of_several: options.has_several_functions,
    };
    let format = LogFormat::of(&settings.variables);
    EnvironmentLog::new(source, format, options.has_telemetry)
}

impl Engine {
    /// Logs a record of an environment.
    pub fn log_record(&mut self, key: Key, record: &Record) {
        if let Some(environment) = self.environments.get_mut(key) {
            environment
                .log
                .record(record, clock::now_ms(), self.log.pending());
        }
    }

    /// Logs the init or the restore of a process once, as soon as an event needs it.
    pub fn log_init(&mut self, key: Key) {
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        let (init, restore) = environment.take_unlogged_init();
        let status = Status::Success;
        if let Some(duration) = init {
            self.log_init_end(key, status, duration);
        }
        if let Some(duration) = restore {
            self.log_record(key, &Record::RestoreReport { status, duration });
        }
    }

    /// Logs an init that has failed.
    pub fn log_init_failure(&mut self, key: Key, failure: &InitFailure, duration: Duration) {
        let status = match failure {
            InitFailure::Posted(outcome) => {
                Status::Error(outcome.error_type.as_deref().unwrap_or(""))
            }
            InitFailure::Exited(_) => Status::Error("Runtime.ExitError"),
            InitFailure::NotStarted(_) => Status::Error("Runtime.InvalidEntrypoint"),
            InitFailure::TimedOut => Status::Timeout,
            InitFailure::Unavailable => return, // no process was started
        };
        self.log_init_end(key, status, duration);
    }

    /// Logs the end of an init.
    pub fn log_init_end(&mut self, key: Key, status: Status, duration: Duration) {
        self.log_record(key, &Record::InitRuntimeDone { status });
        self.log_record(key, &Record::InitReport { status, duration });
    }

    /// Passes on what a process has written.
    pub fn read_output(&mut self, key: Key) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let is_open = self.read_some_output(key, &mut scratch);
        self.scratch = scratch;
        if !is_open {
            self.close_output(key);
        } else if self.log.is_full() {
            self.watch_outputs(Interest::None);
            self.are_outputs_paused = true;
        }
    }

    /// False at the end of the output.
    fn read_some_output(&mut self, key: Key, scratch: &mut [u8]) -> bool {
        let Some(environment) = self.environments.get_mut(key) else {
            return true;
        };
        let Some((_, output)) = &mut environment.output else {
            return true;
        };
        for _ in 0..READS_MAX {
            match output.read(scratch) {
                Ok(0) => return false,
                Ok(count) => {
                    let (bytes, pending) = (&scratch[..count], self.log.pending());
                    environment
                        .log
                        .function_output(bytes, clock::now_ms(), pending);
                    if count < scratch.len() {
                        return true;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
        true
    }

    /// Stops to read a process's output; a line that is not complete is logged too.
    pub fn close_output(&mut self, key: Key) {
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        if let Some((endpoint, _)) = environment.output.take() {
            environment
                .log
                .end_line(clock::now_ms(), self.log.pending());
            self.endpoints.remove(endpoint);
        }
    }

    /// Reads the outputs again, once somebody has read the log.
    fn resume_outputs(&mut self) {
        if self.are_outputs_paused && !self.log.is_full() {
            self.are_outputs_paused = false;
            self.watch_outputs(Interest::Read);
        }
        if self.has_waited_for_log && !self.log.is_full() {
            self.has_waited_for_log = false;
            self.changed = self.pools.keys();
        }
    }

    fn watch_outputs(&self, interest: Interest) {
        for (_, environment) in self.environments.iter() {
            if let Some((endpoint, output)) = &environment.output {
                // It fails only for a pipe that is not watched.
                let _ = self.epoll.modify(output, endpoint.number(), interest);
            }
        }
    }

    /// Writes the log; where stderr accepts nothing, it is waited for.
    pub fn flush_log(&mut self) {
        if self.log_descriptor.is_some() || matches!(self.log.flush(), Flushed::All) {
            return self.resume_outputs();
        }
        self.resume_outputs();
        let key = self.endpoints.insert(Endpoint::Log);
        match self.log.descriptor() {
            Ok(stderr)
                if self
                    .epoll
                    .add(&stderr, key.number(), Interest::Write)
                    .is_ok() =>
            {
                self.log_descriptor = Some((key, stderr));
            }
            _ => drop(self.endpoints.remove(key)),
        }
    }
}
