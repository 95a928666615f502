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
//! One thread, blocking calls, one kept-alive connection, fixed memory. A handler takes an
//! [`Invocation`] (the event and its headers, bytes as received), fills a [`Response`], and may
//! return a [`Failure`]. Every event is answered exactly once.
//!
//! In reading order, each using only what stands before it:
//!
//! | module | what |
//! |---|---|
//! | `limits` | every limit, with unit and source |
//! | `sys` | the door to libc, and all that is unsafe |
//! | `buffer` | fixed regions, integers as text |
//! | `wire` | HTTP/1.1, chunks, JSON: pure functions |
//! | `invocation`, `config`, `log` | the event; the environment; a line on standard error |
//! | `failure`, `response`, `connection` | an error; an answer; one kept-alive connection |
//! | `api`, `panics` | the Runtime API's calls; a panic as one of them |
//! | `record` | what a function logs |
//! | `typed` | events and responses as values |
//! | `stream` | a streamed response |
//! | `pool`, `restore`, `shutdown` | several events at once; a snapshot after init; notice of the end |
//! | `host` | handlers outside the binary, for the program `bootstrap` |
//! | `runtime` | the loop |
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

mod buffer;
#[cfg(feature = "platform")]
mod concurrency;
mod config;
mod connection;
mod diagnostics;
mod failure;
#[cfg(feature = "platform")]
#[doc(hidden)] // for the program `bootstrap`
pub mod host;
mod invocation;
mod limits;
mod logging;
mod panics;
mod response;
mod runtime;
mod runtime_api;
#[cfg(feature = "platform")]
mod shutdown;
#[cfg(feature = "platform")]
mod snapstart;
mod stream;

#[cfg(feature = "json")]
mod json;
mod sys;
#[doc(hidden)]
pub mod wire;

pub use failure::Failure;
pub use invocation::Invocation;
pub use logging::{Level, log, log_with};
pub use response::Response;
pub use runtime::{run, run_with};
#[cfg(feature = "platform")]
pub use shutdown::on_shutdown;
#[cfg(feature = "platform")]
pub use snapstart::{after_restore, before_snapshot};

#[cfg(feature = "json")]
pub use json::json;
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
