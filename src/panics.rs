//! A panic of the function's own code: it is reported as the error of the event in hand, or as the
//! init error, and the process exits with 101. Where the program's profile unwinds, one of the
//! thread that serves events costs its event alone, and those of other threads are theirs.

use core::fmt::{Display, Write};
#[cfg(feature = "std")]
use core::sync::atomic::AtomicBool;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::buffer::FixedBytes;
use crate::diagnostics::{self, EXIT_PANIC};
use crate::failure::Failure;
use crate::limits::{PANIC_REGION_BYTES, PANIC_TEXT_BYTES_MAX, SHORT_REPLY_BYTES_MAX};
use crate::message_reader::MessageReader;
use crate::response::Response;
use crate::session::{self, Session};
use crate::sys::{self, TakeOnce};

/// Memory of a report: the response of the loop may be in use by the code that panics.
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

/// Runs code that may panic, and lends it the session, which [`take_session`] takes back. With std,
/// where the program's profile unwinds, a panic is its failure.
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

/// The session is gone only while another thread reports a panic, which ends the process.
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

/// The type of error that a panic is.
const PANIC: &str = "Runtime.Panic";

/// Whether this is the thread that serves events: the others have none in hand.
#[cfg(feature = "std")]
fn on_event_thread() -> bool {
    EVENT_THREAD.get()
}

#[cfg(feature = "std")]
std::thread_local! {
    static EVENT_THREAD: core::cell::Cell<bool> = const { core::cell::Cell::new(false) };
}

/// Reports a panic, whose text is `info`, and ends the process. It is the first one that counts:
/// another thread's, meanwhile, has to wait.
///
/// To format `info` is to run code of the program, which may panic: without std that calls this
/// function again, and the last of such panics is the one that is reported.
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
        let failure = response.fail(PANIC, &[text.as_bytes()]);
        session.post_error(&mut reader, &mut response, &Err(failure));
    }
    sys::exit(EXIT_PANIC)
}

/// How many messages of panics were formatted, or begun.
static FORMATTED: AtomicU8 = AtomicU8::new(0);

/// After so many, a panic is reported with a fixed text, so that the recursion ends.
const FORMATS_MAX: u8 = 4;

/// Without std, the panic handler is in the body of `main!`.
#[cfg(not(feature = "std"))]
pub fn install() {}

/// With std, panics are reported from here on: where they unwind, those of this thread alone.
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

/// Where a panic unwinds, the loop goes on.
#[cfg(all(feature = "std", panic = "unwind"))]
mod unwind {
    use super::PANIC;
    use crate::diagnostics::{EXIT_INIT, EXIT_PANIC};
    use crate::failure::Failure;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use core::cell::RefCell;
    use core::fmt::Display;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    std::thread_local! {
        /// What the last panic of this thread said; the program may have caught it itself.
        static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
    }

    pub fn record_message(info: impl Display) {
        LAST_PANIC.set(info.to_string());
    }

    /// Runs code. What it has left half done is the program's own: nothing of ours is in it.
    pub fn catch<T>(code: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        catch_unwind(AssertUnwindSafe(code))
            .unwrap_or_else(|_| Err(Failure::with_trace(PANIC, LAST_PANIC.take(), Vec::new())))
    }

    pub fn exit_code(failure: &Failure) -> i32 {
        if failure.error_type() == PANIC {
            EXIT_PANIC
        } else {
            EXIT_INIT
        }
    }
}

/// Where it does not, it has been reported, and the process ended.
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
