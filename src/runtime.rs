//! The loop: request an event, handle it, answer it.

use crate::concurrency;
use crate::config::{self, MAX_CONCURRENCY};
use crate::diagnostics::{EXIT_CONFIG, EXIT_INIT};
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::limits::{
    EVENT_REGION_BYTES, HAS_EXTRAS, RESPONSE_REGION_BYTES, TRIM_AFTER_EVENTS, TRIM_KEEP_BYTES,
    payload_bytes_max,
};
use crate::logging;
use crate::message_reader::MessageReader;
use crate::panics;
use crate::response::Response;
use crate::service::{Native, Service};
use crate::session::Session;
use crate::shutdown;
use crate::snapstart;
use crate::sys::{self, Environment, TakeOnce};

/// All memory of the loop.
struct Memory {
    session: Session,
    event: [u8; EVENT_REGION_BYTES],
    response: [u8; RESPONSE_REGION_BYTES],
}

static MEMORY: TakeOnce<Memory> = TakeOnce::new(Memory {
    session: Session::new(),
    event: [0; _],
    response: [0; _],
});

const EVENT_TOO_LARGE: &Failure = &Failure::fixed(
    "Runtime.EventTooLarge",
    concat!("longer than ", payload_bytes_max!(), " bytes"),
);

/// Serves events with `handler` until the process ends. See [`run_with`].
#[inline(always)] // nothing but a call
pub fn run<H>(handler: H) -> !
where
    H: FnMut(&Invocation<'_>, &mut Response) -> Result<(), Failure>,
{
    run_with(|| Ok(handler))
}

/// Runs `init`, then serves events with the handler that it returns, until the process ends.
///
/// `Err` of `init` is the init error: it is posted once, and the process exits with 3. `Err` of the
/// handler is the error of that event; the next one follows. The exit codes are in the guide.
///
/// Call it once; the thread that calls it handles one event at a time. Between two events it may
/// change the environment (`_X_AMZN_TRACE_ID`): other threads should not read it then.
#[inline(always)] // nothing but a call
pub fn run_with<I, H>(init: I) -> !
where
    I: FnOnce() -> Result<H, Failure>,
    H: FnMut(&Invocation<'_>, &mut Response) -> Result<(), Failure>,
{
    serve(|_| init().map(Native))
}

/// Runs `init`, then serves events with the service that it returns, until the process ends. `init`
/// may put the JSON of its error into the response.
pub fn serve<S: Service>(init: impl FnOnce(&mut Response) -> Result<S, Failure>) -> ! {
    #[cfg(feature = "std")]
    logging::init();
    panics::install();
    let Some(memory) = MEMORY.take() else {
        #[cfg(feature = "std")]
        crate::diagnostics::diagnostic(b"run was called twice", b"");
        sys::exit(EXIT_CONFIG); // without std, `main!` makes the one call
    };
    let mut session = &mut memory.session;
    let reader = &mut MessageReader::new(&mut memory.event);
    let response = &mut Response::new(&mut memory.response);
    config::read(&mut session.api.endpoint, S::ACCEPTS_IPV6);
    before_init(session, reader, response);

    let outcome = panics::catch_panics(session, || init(response));
    session = panics::take_session();
    let mut service = match outcome {
        Ok(service) => service,
        Err(failure) => panics::exit_init_error(session, reader, response, failure),
    };
    let session = after_init(session, reader, response, &mut service);
    serve_events(session, reader, response, &mut service)
}

/// Requests, handles and answers events until the process ends.
#[inline(never)]
fn serve_events(
    mut session: &'static mut Session,
    reader: &mut MessageReader,
    response: &mut Response,
    service: &mut impl Service,
) -> ! {
    // Number of consecutive events that needed little memory. At the start there is nothing to
    // trim.
    let mut small_events = TRIM_AFTER_EVENTS;
    loop {
        next_event(session, reader, response, service);
        // The previous answer is not sent again, so only the event is in use here.
        let peak_bytes = reader.body().len().max(response.buffer().take_peak_bytes());
        small_events = small_events.wrapping_add(1);
        if peak_bytes > TRIM_KEEP_BYTES {
            small_events = 0;
        } else if small_events == TRIM_AFTER_EVENTS {
            reader.release_pages();
            response.buffer().release_pages();
        }
        logging::set_event_ids(&session.api);
        let outcome = panics::catch_panics(session, || {
            if reader.too_large {
                response.force_error(EVENT_TOO_LARGE);
                return Ok(());
            }
            let invocation = Invocation::new(reader.head(), reader.body());
            service.handle(&invocation, response)
        });
        session = panics::take_session();
        logging::clear_event_ids();
        session.api.next_in_answer =
            session.api.endpoint.pipeline && !service.has_work_after_answer();
        session.answer(reader, response, &outcome);
    }
}

/// Requests and reads the next event, without a time limit, and resets the response.
fn next_event(
    session: &mut Session,
    reader: &mut MessageReader,
    response: &mut Response,
    service: &mut impl Service,
) {
    loop {
        if !session.api.next_requested {
            // If the delivery of the answer is unconfirmed, it may have to be sent again first.
            if !session.api.reply_lost {
                service.after_answer();
            }
            session.api.request_next();
        }
        if HAS_EXTRAS && reader.is_empty() {
            service.idle(&session.api.connection);
        }
        if session.api.read_next(reader, response.buffer()) {
            return response.reset();
        }
    }
}

/// Before init: forks the workers where the environment configures several events at once. Without
/// the feature `lambda-extras`, that configuration and SnapStart are init errors.
#[inline(always)] // one caller
fn before_init(session: &mut Session, reader: &mut MessageReader, response: &mut Response) {
    const UNSUPPORTED: &Result<(), Failure> = &Err(Failure::fixed(
        "Runtime.Unsupported",
        "needs the feature lambda-extras",
    ));
    if HAS_EXTRAS {
        return concurrency::fork_workers(session, reader, response);
    }
    let environment = Environment::new();
    if environment.get(MAX_CONCURRENCY).is_some() || environment.get(SNAPSHOT).is_some() {
        session.post_error(reader, response, UNSUPPORTED);
        sys::exit(EXIT_INIT);
    }
}

/// Between init and the first event: waits for the other workers, registers the shutdown hook, and
/// waits for a snapshot.
fn after_init(
    session: &'static mut Session,
    reader: &mut MessageReader,
    response: &mut Response,
    service: &mut impl Service,
) -> &'static mut Session {
    if !HAS_EXTRAS {
        return session;
    }
    concurrency::wait_for_start(session);
    // Extensions are registered within init: a snapshot is taken after it.
    shutdown::register_if_wanted(session, reader);
    snapstart::wait_for_restore(session, reader, response, service)
}

/// The environment entry of SnapStart, up to the first part of its value.
const SNAPSHOT: &[u8] = b"AWS_LAMBDA_INITIALIZATION_TYPE=snap";
