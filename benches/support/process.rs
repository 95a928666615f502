//! A bootstrap, started with Lambda's environment against a server of the bench.

use super::server::{Connection, ROOM_BYTES, Server};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What to start.
#[derive(Clone)]
pub struct Subject {
    /// What the figures call it.
    pub name: &'static str,
    binary: PathBuf,
    environment: Vec<(&'static str, &'static str)>,
}

impl Subject {
    /// The binary of this name.
    pub fn new(name: &'static str) -> Subject {
        Subject {
            name,
            binary: super::binary(name),
            environment: Vec::new(),
        }
    }

    /// With another variable, or another value for it.
    pub fn with(mut self, name: &'static str, value: &'static str) -> Subject {
        self.environment.push((name, value));
        self
    }

    /// Where the binary is.
    pub fn path(&self) -> &Path {
        &self.binary
    }

    /// Starts it.
    pub fn start(&self, server: &Server) -> Running {
        let mut command = Command::new(&self.binary);
        let address = server.address();
        command.env_clear().envs([
            ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
            ("LANG", "en_US.UTF-8"),
            ("TZ", ":UTC"),
            ("_HANDLER", "function.handler"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0"),
            ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
        ]);
        command.envs(self.environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null());
        let input = vec![0; 2 * ROOM_BYTES];
        let begun = Instant::now();
        let child = command.spawn().expect("start a binary of the bench");
        // A binary that ends or hangs before it connects is found out by the server's watch.
        let running = Owned(child);
        let mut connection = server.accept(self.name, input);
        let asked = connection.until_next();
        Running {
            _child: running,
            connection,
            start: asked - begun,
            begun,
        }
    }
}

/// Killed when dropped.
struct Owned(Child);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A started bootstrap that has asked for its first event.
pub struct Running {
    _child: Owned,
    /// Its connection.
    pub connection: Connection,
    /// From before the start to the last byte of the request for an event.
    pub start: Duration,
    /// When it was started.
    pub begun: Instant,
}
