//! The loop: next, handle, answer.

use crate::config;
use crate::connection::MessageReader;
#[cfg(feature = "std")]
use crate::diagnostics;
use crate::diagnostics::EXIT_CONFIG;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::limits::{TRIM_AFTER_EVENTS, TRIM_KEEP_BYTES};
#[cfg(feature = "std")]
use crate::logging;
use crate::panics;
use crate::response::Response;
use crate::runtime_api::RuntimeApi;
use crate::sys::{self, TakeOnce};

/// All memory of the loop.
struct Memory {
    api: RuntimeApi,
    inbox: MessageReader,
    response: Response,
}

static MEMORY: TakeOnce<Memory> = TakeOnce::new(Memory {
    api: RuntimeApi::new(),
    inbox: MessageReader::new(),
    response: Response::new(),
});

const EVENT_TOO_LARGE: &Failure = &Failure::plain(
    "Runtime.EventTooLarge",
    "the event is longer than 6291556 bytes",
);

/// Serves events with `handler` until the process ends. See [`run_with`].
#[inline(always)] // nothing but a call
pub fn run<H>(handler: H) -> !
where
    H: FnMut(&Invocation<'_>, &mut Response) -> Result<(), Failure>,
{
    run_with(|| Ok(handler))
}

/// Runs `init`, then serves events with the handler that it makes, until the process ends.
///
/// `Err` of `init` is the init error: it is posted once, and the process exits with 3. `Err` of the
/// handler is the error of that event; the next one follows. The exit codes are in the README.
///
/// Call it once; the thread that calls it handles one event at a time. Between two events it may
/// change the environment (`_X_AMZN_TRACE_ID`): other threads should not read it then.
pub fn run_with<I, H>(init: I) -> !
where
    I: FnOnce() -> Result<H, Failure>,
    H: FnMut(&Invocation<'_>, &mut Response) -> Result<(), Failure>,
{
    panics::install();
    let Some(Memory {
        api,
        inbox,
        response,
    }) = MEMORY.take()
    else {
        #[cfg(feature = "std")]
        diagnostics::diagnostic(b"run was called twice", b"");
        sys::exit(EXIT_CONFIG); // where `main!` makes the one call, nothing has to be said
    };
    #[cfg(feature = "std")]
    logging::init();
    config::read(&mut api.endpoint);
    platform::enter(api, inbox, response);

    #[allow(unused_mut)] // without the feature, what follows is all the use there is
    let (mut api, made) = panics::watch(api, init);
    let mut handler = match made {
        Ok(handler) => handler,
        Err(failure) => {
            let code = panics::exit_code(&failure);
            api.report(inbox, response, failure);
            sys::exit(code);
        }
    };

    #[cfg(feature = "platform")]
    let mut api = platform::prepare(api, inbox, response);

    // Events in a row that needed little memory; at the start there is nothing to release.
    let mut small_events = TRIM_AFTER_EVENTS;
    loop {
        api.next(inbox, response.buffer());
        response.reset();
        // Now, since the answer before is not sent again: what is in use here is the event alone.
        let peak_bytes = inbox.body().len().max(response.buffer().take_peak_bytes());
        small_events = small_events.wrapping_add(1);
        if peak_bytes > TRIM_KEEP_BYTES {
            small_events = 0;
        } else if small_events == TRIM_AFTER_EVENTS {
            inbox.release_pages();
            response.buffer().release_pages();
        }
        let outcome;
        if inbox.too_large {
            response.force_error(EVENT_TOO_LARGE);
            outcome = Ok(());
        } else {
            let invocation = Invocation::new(inbox.head(), inbox.body());
            (api, outcome) = panics::watch(api, || handler(&invocation, response));
        }
        api.answer(inbox, response, &outcome);
    }
}

/// What the environment may ask of any function.
#[cfg(feature = "platform")]
mod platform {
    pub use crate::concurrency::enter;
    use crate::{
        concurrency, connection::MessageReader, response::Response, runtime_api::RuntimeApi,
        shutdown, snapstart,
    };

    /// Between init and the first event.
    pub fn prepare(
        api: &'static mut RuntimeApi,
        inbox: &mut MessageReader,
        response: &mut Response,
    ) -> &'static mut RuntimeApi {
        concurrency::take_part(api);
        // Extensions are registered within init: a snapshot is taken after it.
        shutdown::prepare(api);
        snapstart::wait(api, inbox, response)
    }
}

/// Without it, what is asked for is refused.
#[cfg(not(feature = "platform"))]
mod platform {
    use crate::{
        connection::MessageReader, failure::Failure, response::Response, runtime_api::RuntimeApi,
    };
    use crate::{diagnostics::EXIT_INIT, sys};

    const REFUSED: &Failure =
        &Failure::plain("Runtime.Unsupported", "built without the feature platform");

    /// Ends in an environment that asks for several events at once, or takes snapshots.
    pub fn enter(api: &mut RuntimeApi, inbox: &mut MessageReader, response: &mut Response) {
        let environment = sys::Environment::new();
        if environment.get(b"AWS_LAMBDA_MAX_CONCURRENCY=").is_some()
            || environment
                .get(b"AWS_LAMBDA_INITIALIZATION_TYPE=snap")
                .is_some()
        {
            api.report(inbox, response, REFUSED.again());
            sys::exit(EXIT_INIT);
        }
    }
}
