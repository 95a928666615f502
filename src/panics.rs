//! A panic of the function's own code: it is reported as the error of the current event, or as the
//! init error, and the process exits with 101. Where the program's profile unwinds, a panic of the
//! thread that serves events fails the current event only, and panics of other threads are left to
//! the program.

use core::fmt::{Display, Write};
#[cfg(feature = "std")]
use core::sync::atomic::AtomicBool;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::buffer::FixedBytes;
use crate::diagnostics::{self, EXIT_PANIC};
use crate::failure::{self, Failure};
use crate::limits::{PANIC_REGION_BYTES, PANIC_TEXT_BYTES_MAX, SHORT_REPLY_BYTES_MAX};
use crate::message_reader::MessageReader;
use crate::response::Response;
use crate::session::{self, Session};
use crate::sys::{self, TakeOnce};

/// Memory of a panic report: the code that panics may be using the response of the loop.
struct Memory {
    response: [u8; PANIC_REGION_BYTES],
    reply: [u8; SHORT_REPLY_BYTES_MAX],
}

static MEMORY: TakeOnce<Memory> = TakeOnce::new(Memory {
    response: [0; _],
    reply: [0; _],
});
#[cfg(feature = "std")]
static REPORTED: AtomicBool = AtomicBool::new(false);

/// Lends the session, and runs code that may panic. With std, where the program's profile unwinds,
/// a panic becomes the `Err` of the code. [`take_session`] takes the session back.
pub fn catch_panics<T>(
    session: &'static mut Session,
    code: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    session::lend(session);
    unwind::catch(code)
}

/// Takes the session back that [`catch_panics`] has lent. (A result of both would be copied.)
#[inline(never)]
pub fn take_session() -> &'static mut Session {
    session::take_lent().unwrap_or_else(|| park_forever())
}

/// Waits for the end of the process: another thread has the session and reports a panic.
fn park_forever() -> ! {
    #[cfg(feature = "std")]
    loop {
        std::thread::sleep(core::time::Duration::MAX);
    }
    #[cfg(not(feature = "std"))]
    sys::exit(EXIT_PANIC) // there are no other threads
}

/// Posts an init error, and ends the process.
pub fn exit_init_error(
    session: &mut Session,
    reader: &mut MessageReader,
    response: &mut Response,
    failure: Failure,
) -> ! {
    let code = unwind::exit_code(&failure);
    session.post_error(reader, response, &Err(failure));
    sys::exit(code)
}

/// The error type of a panic.
const PANIC: &str = "Runtime.Panic";

/// Whether this is the thread that serves events: the others have no current event.
#[cfg(feature = "std")]
fn on_event_thread() -> bool {
    EVENT_THREAD.get()
}

#[cfg(feature = "std")]
std::thread_local! {
    static EVENT_THREAD: core::cell::Cell<bool> = const { core::cell::Cell::new(false) };
}

/// Reports a panic with the message `info`, and ends the process. Only the first panic is reported:
/// a thread that panics meanwhile waits for the end of the process.
///
/// Formatting `info` runs code of the program, which may panic. Without std, such a panic calls
/// this function again, and the last one is reported.
pub fn report(info: impl Display) -> ! {
    #[cfg(feature = "std")]
    if REPORTED.swap(true, Ordering::Relaxed) {
        park_forever();
    }
    let mut text = FixedBytes::<PANIC_TEXT_BYTES_MAX>::new();
    if FORMATTED.fetch_add(1, Ordering::Relaxed) < FORMATS_MAX {
        let _ = write!(text, "{info}");
    } else {
        text.set(b"panicked while the message of a panic was formatted");
    }
    for line in text.as_bytes().split(|byte| *byte == b'\n') {
        diagnostics::diagnostic(b"", line);
    }
    if let (Some(session), Some(memory)) = (session::take_lent(), MEMORY.take()) {
        let mut response = Response::new(&mut memory.response);
        let mut reader = MessageReader::new(&mut memory.reply);
        failure::write(response.begin_error_body(), PANIC, &[text.as_bytes()]);
        let failure = Failure::already_in_buffer(PANIC);
        session.post_error(&mut reader, &mut response, &Err(failure));
    }
    sys::exit(EXIT_PANIC)
}

/// Number of panic messages whose formatting has begun.
static FORMATTED: AtomicU8 = AtomicU8::new(0);

/// After this number, a panic is reported with a fixed text, so that the recursion ends.
const FORMATS_MAX: u8 = 4;

/// Without std, the panic handler is in the body of `main!`.
#[cfg(not(feature = "std"))]
pub fn install() {}

/// With std: installs a panic hook. Where panics unwind, it records those of this thread only.
#[cfg(feature = "std")]
pub fn install() {
    EVENT_THREAD.set(true);
    let before = std::panic::take_hook();
    std::panic::set_hook(std::boxed::Box::new(move |info| {
        if on_event_thread() || cfg!(not(panic = "unwind")) {
            unwind::record_message(info);
        }
        before(info);
    }));
}

/// Panics that unwind: the loop goes on.
#[cfg(all(feature = "std", panic = "unwind"))]
mod unwind {
    use super::PANIC;
    use crate::diagnostics::{EXIT_INIT, EXIT_PANIC};
    use crate::failure::Failure;
    use alloc::string::{String, ToString};
    use core::cell::RefCell;
    use core::fmt::Display;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    std::thread_local! {
        /// The message of this thread's last panic; the program may have caught the panic itself.
        static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
    }

    pub fn record_message(info: impl Display) {
        LAST_PANIC.set(info.to_string());
    }

    /// Runs code, and catches a panic. State that a panic leaves inconsistent is the program's own:
    /// code of the runtime does not panic.
    pub fn catch<T>(code: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        catch_unwind(AssertUnwindSafe(code))
            .unwrap_or_else(|_| Err(Failure::with_message(PANIC, LAST_PANIC.take())))
    }

    pub fn exit_code(failure: &Failure) -> i32 {
        if failure.error_type() == PANIC {
            EXIT_PANIC
        } else {
            EXIT_INIT
        }
    }
}

/// Panics that do not unwind: `report` has ended the process, so there is nothing to catch.
#[cfg(not(all(feature = "std", panic = "unwind")))]
mod unwind {
    use crate::diagnostics::EXIT_INIT;
    use crate::failure::Failure;

    #[cfg(feature = "std")]
    pub use super::report as record_message;

    pub fn catch<T>(code: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        code()
    }

    pub fn exit_code(_: &Failure) -> i32 {
        EXIT_INIT
    }
}
