//! A bootstrap, started with Lambda's environment and the address of a server of the bench.

use super::server::{Connection, READ_BYTES_MIN, Server};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A binary and its environment.
#[derive(Clone)]
pub struct BinaryUnderTest {
    /// Its name in the figures.
    pub name: &'static str,
    binary: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl BinaryUnderTest {
    /// The binary of this name.
    pub fn new(name: &'static str) -> BinaryUnderTest {
        BinaryUnderTest {
            name,
            binary: super::binary(name),
            environment: Vec::new(),
        }
    }

    /// The binary or script at a path.
    pub fn at(name: &'static str, path: PathBuf) -> BinaryUnderTest {
        BinaryUnderTest {
            name,
            binary: path,
            environment: Vec::new(),
        }
    }

    /// Adds or replaces a variable.
    pub fn with(mut self, name: &'static str, value: &str) -> BinaryUnderTest {
        self.environment.push((name, value.to_string()));
        self
    }

    /// Starts it, and waits for its request for the first event.
    pub fn spawn(&self, server: &Server) -> RunningBinary {
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
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null());
        let input = vec![0; 2 * READ_BYTES_MIN];
        let spawned = Instant::now();
        let child = command.spawn().expect("start a binary of the bench");
        // A binary that exits or hangs before it connects is detected by the server's watchdog.
        let child = KillOnDrop(child);
        let mut connection = server.accept(self.name, input);
        let requested = connection.wait_for_next();
        RunningBinary {
            _child: child,
            connection,
            start: requested - spawned,
        }
    }
}

/// A child that is killed when this is dropped.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A bootstrap that has requested its first event.
pub struct RunningBinary {
    _child: KillOnDrop,
    /// Its connection.
    pub connection: Connection,
    /// From just before the spawn to the last byte of the request for an event.
    pub start: Duration,
}
