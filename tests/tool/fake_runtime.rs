//! A local Lambda whose bootstrap only sleeps: the test itself is the runtime.

use std::process::Command;

use crate::harness::{Call, Server, call, wait_until};
use crate::support::TempDir;
use crate::wire::{Reply, Wire};

/// The path of the next event.
pub const NEXT: &str = "/2018-06-01/runtime/invocation/next";

/// The path of an init error.
pub const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";

/// Lambda's limit for events.
pub const EVENT_BYTES_MAX: usize = 6_291_456;

/// Lambda's limit for responses.
pub const PAYLOAD_BYTES_MAX: usize = 6_291_556;

/// The path of a response.
pub fn response_path(id: &str) -> String {
    format!("/2018-06-01/runtime/invocation/{id}/response")
}

/// A server with a runtime that the test drives by hand.
pub struct ManualRuntime {
    pub server: Server,
    _folder: TempDir,
}

impl ManualRuntime {
    pub fn start(options: &[&str]) -> ManualRuntime {
        ManualRuntime::start_with(options, |_| {})
    }

    /// With a tool whose command `prepare` changes.
    pub fn start_with(options: &[&str], prepare: impl FnOnce(&mut Command)) -> ManualRuntime {
        let folder = TempDir::new();
        let bootstrap = folder.executable("bootstrap", b"#!/bin/sh\nexec sleep 60\n");
        // Longer than Lambda's defaults, for busy machines; a later option overrides an earlier
        // one.
        let mut all = vec!["--timeout", "30", "--init-timeout", "30", "--any-runtime"];
        all.extend(options);
        ManualRuntime {
            server: Server::start_with(&bootstrap, &all, prepare),
            _folder: folder,
        }
    }

    /// A connection to the Runtime API.
    pub fn connect(&self) -> Wire {
        Wire::connect(self.server.runtime_port)
    }

    /// Invokes the function.
    pub fn call(&self, event: impl Into<Vec<u8>>) -> Call {
        call(self.server.request(event))
    }

    /// Waits for a phase of the state machine after init.
    pub fn wait_for_phase(&self, phase: &str) {
        let mut prober = self.connect();
        wait_until(phase, || {
            prober.post(INIT_ERROR, b"");
            let reply = prober.reply();
            assert_eq!(reply.status, 403);
            reply
                .field("errorMessage")
                .contains(&format!("from {phase} to"))
        });
    }
}

impl Wire {
    /// Requests an event and waits for it.
    pub fn next(&mut self) -> Reply {
        self.get(NEXT);
        let reply = self.reply();
        assert_eq!(reply.status, 200);
        reply
    }

    /// Answers an event.
    pub fn respond(&mut self, id: &str, body: &[u8]) -> Reply {
        self.post(&response_path(id), body);
        self.reply()
    }
}

impl Reply {
    /// The request id of an event.
    pub fn id(&self) -> String {
        self.header("Lambda-Runtime-Aws-Request-Id")
            .expect("an id")
            .to_string()
    }
}
