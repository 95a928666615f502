//! The loop: next, handle, answer.

use core::mem::MaybeUninit;

use crate::api::{Api, EXIT_CONFIG, EXIT_INIT};
use crate::buffer::Buffer;
use crate::config;
use crate::connection::Inbox;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::limits::{EVENT_REGION_BYTES, RESIDENT_BYTES, RESIDENT_EVENTS, RESPONSE_REGION_BYTES};
use crate::log;
use crate::panics;
use crate::response::Response;
use crate::sys::{self, Region};

static API: Region<MaybeUninit<Api>> = Region::new(MaybeUninit::uninit());
static EVENT: Region<[u8; EVENT_REGION_BYTES]> = Region::new([0; _]);
static RESPONSE: Region<[u8; RESPONSE_REGION_BYTES]> = Region::new([0; _]);

const EVENT_TOO_LARGE: Failure = Failure::new(
    "Runtime.EventTooLarge",
    "the event is longer than 6291556 bytes",
);

/// Serves events with `handler` until the process ends. See [`run_with`].
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
    let (Some(api), Some(event), Some(response)) = (API.take(), EVENT.take(), RESPONSE.take())
    else {
        log::fatal(EXIT_CONFIG, [b"run was called twice", b"", b""]);
    };
    let mut inbox = Inbox::new(event);
    let mut response = Response::new(Buffer::new(response));
    let Some((endpoint, pipeline)) = config::read() else {
        sys::exit(EXIT_CONFIG);
    };
    let api = api.write(Api::new(endpoint, pipeline));

    let (mut api, made) = panics::watch(api, init);
    let mut handler = match made {
        Ok(handler) => handler,
        Err(failure) => {
            api.report(&mut inbox, &mut response, failure);
            sys::exit(EXIT_INIT);
        }
    };

    let mut until_give_back = 0;
    loop {
        api.next(&mut inbox, response.buffer());
        response.clear();
        let mut outcome = Err(EVENT_TOO_LARGE);
        if !inbox.too_large {
            let invocation = Invocation::new(inbox.head(), inbox.body());
            (api, outcome) = panics::watch(api, || handler(&invocation, &mut response));
        }
        if inbox.body().len().max(response.len()) > RESIDENT_BYTES {
            until_give_back = RESIDENT_EVENTS;
        } else if until_give_back > 0 {
            until_give_back -= 1;
            if until_give_back == 0 {
                inbox.give_back(RESIDENT_BYTES);
                response.give_back(RESIDENT_BYTES);
            }
        }
        api.answer(&mut inbox, &mut response, outcome);
    }
}
