//! The tool `tinderbox`, used as its users do: by commands, files, signals and sockets.
//!
//! Callers are `minreq`, a client that this project did not write, or raw sockets where the bytes
//! matter. Bootstraps are the release binaries, or scripts that a test writes; in the tests of the
//! Runtime API the script sleeps and the test itself is the runtime.

mod support;

#[path = "tool/commands.rs"]
mod commands;
#[path = "tool/events.rs"]
mod events;
#[path = "tool/fake_runtime.rs"]
mod fake_runtime;
#[path = "tool/functions.rs"]
mod functions;
#[path = "tool/harness.rs"]
mod harness;
#[path = "tool/http.rs"]
mod http;
#[path = "tool/invoke_api.rs"]
mod invoke_api;
#[path = "tool/invoke_api_refusals.rs"]
mod invoke_api_refusals;
#[path = "tool/lifetime.rs"]
mod lifetime;
#[path = "tool/limits.rs"]
mod limits;
#[path = "tool/management.rs"]
mod management;
#[path = "tool/messages.rs"]
mod messages;
#[path = "tool/platform.rs"]
mod platform;
#[path = "tool/race.rs"]
mod race;
#[path = "tool/runtime_api.rs"]
mod runtime_api;
#[path = "tool/states.rs"]
mod states;
#[path = "tool/wire.rs"]
mod wire;
