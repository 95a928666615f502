//! tinderbox: the smallest complete way to run code on AWS Lambda.
//!
//! A program that calls [`run`] is a custom runtime for Lambda and its only function: build it
//! static, name the file `bootstrap`, and upload it.
//!
//! ```no_run
//! // In `main` of a program with std. A program without std calls `tinderbox::main!(handler)`.
//! tinderbox::run(|invocation, response| response.write(invocation.event()))
//! ```
//!
//! One thread, blocking calls, one keep-alive connection, fixed memory. A handler takes an
//! [`Invocation`] (the event and its headers, bytes as received), fills a [`Response`], and may
//! return a [`Failure`]. Every event is answered exactly once; one whose id cannot be sent back
//! ends the process.
//!
//! # Layers
//!
//! Lowest first. A module uses only modules above it in this table:
//!
//! | module | what |
//! |---|---|
//! | `limits` | the limits that several modules or the documentation name, with unit and source |
//! | `wire` | HTTP/1.1, chunks, JSON, frames: pure functions |
//! | `sys` | system calls: every call of libc and every unsafe block |
//! | `buffer`, `invocation` | bodies and heads in fixed regions; the current event |
//! | `diagnostics`, `failure` | a line on standard error; an error |
//! | `http_event` | HTTP events of any source, and answers in their shapes: pure functions |
//! | `config` | the environment |
//! | `connection` | one keep-alive connection |
//! | `message_reader` | replies, read from a connection |
//! | `runtime_api` | the requests of the Runtime API, and its replies |
//! | `session` | the client that the loop, a stream and a panic report share |
//! | `response`, `logging`, `shutdown` | a handler's response; a function's records; the shutdown hook |
//! | `answer`, `json`, `stream` | an answer sent; typed events; a streamed response |
//! | `panics`, `service`, `concurrency` | a panic report; what the loop serves; several events at once |
//! | `snapstart` | a snapshot after init |
//! | `host` | handlers outside the binary, for the program `bootstrap` |
//! | `runtime` | the loop |
//! | `testing` | events and responses for unit tests of handlers |
//! | `guide` | the guide: documentation, no code |
//!
//! # Glossary
//!
//! Words of comments, log lines and names:
//!
//! - Runtime API: the HTTP server of Lambda that hands out events and takes their answers.
//! - event: the bytes that a caller sent; invocation: an event with the headers that came with it.
//! - handler: the code that answers events; function: the handler with its configuration on Lambda.
//! - response, error: what a handler returns; answer: whichever of the two is sent.
//! - execution environment: the sandbox in which Lambda runs one copy of the function.
//! - init: all work before the first event; restore: the start from a snapshot taken after init.
//! - extension: a process that Lambda notifies of the environment's end; `on_shutdown` needs one.
//! - loop: request an event, handle it, answer it, until the process ends.
//! - session: the Runtime API's client and the state of the current answer, in one value.
//! - lend: to put the session into a global while the function's code runs; a stream and a panic
//!   report take it from there.
//! - service: what the loop calls for each event and between events; `Native` is one, the host is
//!   the other.
//! - host: the part of `bootstrap` that runs handlers outside the binary.
//! - persistent process: a hosted handler that stays alive between events.
//! - shim: the embedded code that an interpreter runs to become a persistent process.
//! - channel: the socket between the host and a persistent process, where it is descriptor 3.
//! - protocol: the messages on a channel; frame: one message of the frame protocol.
//! - deadline: when an event has to be answered; margin: the time before it at which the host kills
//!   a handler, so that the error still arrives.
//! - retire: to stop a persistent process after its last answer, and start another.
//! - orphan: a process whose parent has exited; reap: to collect the exit status of a child.
//! - worker: in `concurrency`, a forked copy of the runtime; pool: the workers and their parent. In
//!   `host` and in `_HANDLER=worker:`, a persistent process that speaks the frame protocol.
//! - head: the start line and headers of an HTTP message; tracked header: one whose value the
//!   reader of heads stores.
//! - framing: the headers, chunk lines and lengths that say where a body ends.
//! - headroom: free space before a body, for a head that is written backwards.
//! - trim: to return the pages of a buffer that later events did not need to the kernel.
//! - pipelining: an answer and the request for the next event leave in one send.
//! - diagnostics: the runtime's own lines on standard error; logging: the function's records; child
//!   output: what a hosted process prints.
#![no_std]
// Code that only the default features use has hardly a `cfg` line: the linker drops it.
#![cfg_attr(
    not(all(feature = "lambda-extras", feature = "stream")),
    allow(dead_code, unused_imports)
)]

#[cfg(all(
    feature = "bare-start",
    any(feature = "lambda-extras", feature = "alloc")
))]
compile_error!(
    "the feature bare-start starts the program without C's thread data, which lambda-extras, \
     alloc, std and json use: set default-features = false, and enable none of these"
);

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(doc, test, feature = "std", feature = "testing"))]
extern crate std;

mod answer;
mod buffer;
mod concurrency;
mod config;
mod connection;
mod diagnostics;
mod failure;
#[cfg(any(doc, doctest))]
pub mod guide;
#[cfg(all(feature = "lambda-extras", feature = "stream"))]
#[doc(hidden)] // for the program `bootstrap`
pub mod host;
#[cfg(feature = "web")]
#[doc(hidden)] // for the program `bootstrap`
pub mod http_event;
mod invocation;
#[cfg(feature = "json")]
mod json;
mod limits;
mod logging;
mod message_reader;
mod panics;
mod response;
mod runtime;
mod runtime_api;
mod service;
mod session;
mod shutdown;
mod snapstart;
#[cfg(feature = "stream")]
mod stream;
mod sys;
#[cfg(any(doc, test, feature = "std", feature = "testing"))]
pub mod testing;
#[doc(hidden)]
pub mod wire;

pub use failure::Failure;
pub use invocation::Invocation;
#[cfg(feature = "json")]
pub use json::json;
pub use logging::{Level, log, log_with};
pub use response::Response;
pub use runtime::{run, run_with};
#[cfg(feature = "lambda-extras")]
pub use shutdown::on_shutdown;
#[cfg(feature = "lambda-extras")]
pub use snapstart::{after_restore, before_snapshot};
#[cfg(all(feature = "json", not(feature = "std")))]
pub use sys::Heap;

/// Serves events with the handler that `_HANDLER` names, until the process ends: the program
/// `bootstrap`.
#[cfg(all(feature = "lambda-extras", feature = "stream"))]
#[doc(hidden)]
pub fn run_hosted_handler() -> ! {
    let arguments = host::prepare();
    runtime::serve(|response| host::Host::init(arguments, response))
}

/// For the body of [`main!`].
#[doc(hidden)]
pub use panics::report as report_panic;

/// Makes a `no_std` program of a handler, `fn(&Invocation, &mut Response) -> Result<(), Failure>`,
/// or, as `main!(init = function)`, of an init function for [`run_with`].
///
/// It defines what such a program needs and cannot share: the C entry point, and the panic handler,
/// which reports the panic with its place and exits with 101. (With the feature `std`, the panic
/// handler is that of std.)
///
/// In unit tests it defines nothing, so that the program can be tested; the harness has an entry
/// point of its own:
///
/// ```ignore
/// #![cfg_attr(not(test), no_std, no_main)]
///
/// tinderbox::main!(handler);
/// ```
#[macro_export]
macro_rules! main {
    (init = $init:expr) => {
        $crate::main!(@program $crate::run_with($init));
    };
    ($handler:expr) => {
        $crate::main!(@program $crate::run($handler));
    };
    (@program $run:expr) => {
        #[cfg(test)] // so that the compiler reports no unused code
        const _: fn() -> ! = || $run;

        #[cfg(not(test))]
        #[allow(unsafe_code)] // symbols that the C runtime and the linker look up by name
        mod tinderbox_program {
            #[allow(unused_imports)]
            use super::*;

            #[unsafe(no_mangle)]
            extern "C" fn main() -> core::ffi::c_int {
                $run
            }

            $crate::define_panic_handler!();
        }
    };
}

/// For the body of [`main!`]. Features are those of this package, so each has a macro of its own.
#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! define_panic_handler {
    () => {
        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
            $crate::report_panic(info)
        }

        // The precompiled core and alloc refer to these symbols; nothing unwinds.
        #[unsafe(no_mangle)]
        extern "C" fn rust_eh_personality() {}
        #[unsafe(no_mangle)]
        extern "C" fn _Unwind_Resume() -> ! {
            $crate::report_panic("unwinding")
        }
    };
}

/// For the body of [`main!`]: std defines all of it.
#[cfg(feature = "std")]
#[doc(hidden)]
#[macro_export]
macro_rules! define_panic_handler {
    () => {};
}
