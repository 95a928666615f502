//! tinderbox: the smallest complete way to run code on AWS Lambda.
//!
//! A program that calls [`run`] is a custom runtime for Lambda and its only function: build it
//! static, name the file `bootstrap`, and upload it.
//!
//! ```no_run
//! // In `main` of a program with std. Without it, say `tinderbox::main!(handler)` instead.
//! tinderbox::run(|invocation, response| response.write(invocation.event()))
//! ```
//!
//! One thread, blocking calls, one keep-alive connection, fixed memory. A handler takes an
//! [`Invocation`] (the event and its headers, bytes as received), fills a [`Response`], and may
//! return a [`Failure`]. Every event is answered exactly once.
//!
//! The layers, lowest first; a module uses only what stands before it:
//!
//! | module | what |
//! |---|---|
//! | `limits` | every limit, with unit and source |
//! | `wire` | HTTP/1.1, chunks, JSON, frames: pure functions |
//! | `sys` | system calls: every call of libc and every unsafe block |
//! | `buffer`, `invocation` | fixed regions; the event |
//! | `diagnostics`, `failure` | a line on standard error; an error |
//! | `config` | the environment |
//! | `connection` | one keep-alive connection |
//! | `message_reader` | replies, read from a connection |
//! | `runtime_api` | the Runtime API's calls |
//! | `session` | the client that the loop, a stream and a panic report share |
//! | `response`, `logging`, `shutdown` | an answer; a function's records; the shutdown hook |
//! | `answer`, `json`, `stream` | a result sent; typed events; a streamed response |
//! | `panics`, `service`, `concurrency` | a panic report; the loop's caller; several events at once |
//! | `snapstart` | a snapshot after init |
//! | `runtime` | the loop |
//! | `host` | handlers outside the binary, for the program `bootstrap` |
//! | `guide` | the guide, as documentation alone |
#![no_std]
// What only the default features use is not taken out line by line: the linker drops it.
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
     alloc, \
     std and json use: take default-features = false, and bare-start alone"
);

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
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
        #[cfg(test)] // so that nothing counts as unused
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

        // The core and the alloc that come compiled name these; nothing unwinds.
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
