//! The tool `tinderbox`, used as its users do: by commands, files, signals and sockets.
//!
//! Callers are `minreq`, a client that this project did not write, or raw sockets where the bytes
//! matter. Bootstraps are the release binaries, or scripts that a test writes; in the tests of the
//! Runtime API the script sleeps and the test itself is the runtime.

mod support;

#[path = "web/chromium.rs"]
#[allow(dead_code)] // a part of it is used here
mod chromium;
#[path = "tool/commands.rs"]
mod commands;
#[path = "tool/environments.rs"]
mod environments;
#[path = "tool/events.rs"]
mod events;
#[path = "tool/fake_runtime.rs"]
mod fake_runtime;
#[path = "tool/flood.rs"]
mod flood;
#[path = "tool/functions.rs"]
mod functions;
#[path = "tool/harness.rs"]
mod harness;
#[path = "tool/http.rs"]
mod http;
#[path = "tool/image.rs"]
mod image;
#[path = "tool/invoke_api.rs"]
mod invoke_api;
#[path = "tool/invoke_api_refusals.rs"]
mod invoke_api_refusals;
#[path = "tool/lifetime.rs"]
mod lifetime;
#[path = "tool/limits.rs"]
mod limits;
#[path = "tool/log.rs"]
mod log;
#[path = "tool/management.rs"]
mod management;
#[path = "tool/messages.rs"]
mod messages;
#[path = "tool/pages.rs"]
mod pages;
#[path = "tool/platform.rs"]
mod platform;
#[path = "tool/race.rs"]
mod race;
#[path = "tool/redeploy.rs"]
mod redeploy;
#[path = "tool/runtime_api.rs"]
mod runtime_api;
#[path = "tool/safety.rs"]
mod safety;
#[path = "tool/sandbox.rs"]
mod sandbox;
#[path = "tool/states.rs"]
mod states;
#[path = "tool/wire.rs"]
mod wire;
