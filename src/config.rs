//! The environment, read once; every variable that the runtime reads is documented here.
//!
//! | variable | meaning |
//! |---|---|
//! | `AWS_LAMBDA_RUNTIME_API` | where the Runtime API is: `[http://]HOST:PORT[/PREFIX]`, HOST an IPv4 address or `localhost`. Required |
//! | `AWS_LAMBDA_MAX_CONCURRENCY` | so many events at once, each in a process of its own; see `pool` |
//! | `AWS_LAMBDA_INITIALIZATION_TYPE` | `snap-start`: waits for the snapshot after init; see `restore` |
//! | `TINDERBOX_PIPELINE` | `0`: never send a response and the request for the next event together |

use crate::buffer::copy_at;
use crate::diagnostics::{self, EXIT_CONFIG};
use crate::limits::{AUTHORITY_BYTES_MAX, HAS_EXTRAS, PREFIX_BYTES_MAX};
use crate::sys::Environment;
use crate::wire::http1::{GET, HEAD_END, VERSION_AND_HOST};
use crate::wire::number::parse_decimal;
use crate::wire::{concat, find_from, slice_or_empty};

const BASE: &[u8] = b"/2018-06-01/runtime/";
const INVOCATION: &[u8] = b"invocation/";
const NEXT_PATH: &[u8] = b"invocation/next";
const NEXT_TARGET: &[u8] = b"/2018-06-01/runtime/invocation/next";
const NEXT: &[u8] =
    &concat::<{ NEXT_TARGET.len() + VERSION_AND_HOST.len() }>(&[NEXT_TARGET, VERSION_AND_HOST]);
const HOST_OFFSET: usize = NEXT.len() - BASE.len(); // from the path of what is asked for
const VALUE_BYTES_MAX: usize = AUTHORITY_BYTES_MAX + PREFIX_BYTES_MAX;
const REQUEST_BYTES_MAX: usize = GET.len() + NEXT.len() + HEAD_END.len() + VALUE_BYTES_MAX;

/// Where the Runtime API is, and the words that every request to it has. All zeros when it is new,
/// so that it costs nothing in the file.
#[repr(C)] // the text last: a large offset takes three bytes more
pub struct Endpoint {
    /// An IPv4 address.
    pub address: [u8; 4],
    /// Its port.
    pub port: u16,
    /// A response and the request for the next event may leave together.
    pub pipeline: bool,
    /// Several events at once are asked for, so this process is one of a pool.
    pub is_pool: bool,
    /// Where the path of what is asked for begins in it.
    path: usize,
    /// Where the line `Host` ends in it.
    host_end: usize,
    /// The request for the next event, of which the others take their words: our own copy, because
    /// the environment may change under a program with std.
    next: [u8; REQUEST_BYTES_MAX],
}

impl Endpoint {
    /// Nowhere.
    pub const fn new() -> Endpoint {
        Endpoint {
            address: [0; _],
            port: 0,
            pipeline: false,
            is_pool: false,
            next: [0; _],
            path: 0,
            host_end: 0,
        }
    }

    /// The request for the next event.
    pub fn next(&self) -> &[u8] {
        slice_or_empty(&self.next, 0, self.host_end + 2)
    }

    /// The path in front of the API's own: an emulator's.
    pub fn stage_prefix(&self) -> &[u8] {
        slice_or_empty(&self.next, GET.len(), self.path - BASE.len())
    }

    /// The start of all paths of the Runtime API.
    pub fn runtime_path(&self) -> &[u8] {
        slice_or_empty(&self.next, GET.len(), self.path)
    }

    /// What stands between a method and a path: a space, and what all paths have in front, or all
    /// those of events.
    pub fn path_prefix(&self, of_events: bool) -> &[u8] {
        let of_events_bytes = if of_events { INVOCATION.len() } else { 0 };
        slice_or_empty(&self.next, GET.len() - 1, self.path + of_events_bytes)
    }

    /// What stands behind a path: the version, and the line `Host`.
    pub fn request_tail(&self) -> &[u8] {
        slice_or_empty(&self.next, self.path + NEXT_PATH.len(), self.host_end)
    }

    /// Its host and port, as `AWS_LAMBDA_RUNTIME_API` has them.
    pub fn authority(&self) -> &[u8] {
        slice_or_empty(&self.next, self.path + HOST_OFFSET, self.host_end - 2)
    }

    /// Takes the value of `AWS_LAMBDA_RUNTIME_API`. Anything but a number or `localhost` is
    /// refused: nothing here resolves names.
    fn set(&mut self, value: &[u8]) -> Option<()> {
        let value = slice_or_empty(value, prefix_len(b"http://", value), value.len());
        let mut at = prefix_len(b"localhost:", value);
        if at != 0 {
            self.address = [127, 0, 0, 1];
        } else {
            for (octet, mark) in self.address.iter_mut().zip(b"...:") {
                *octet = number(value, &mut at, *mark)?.try_into().ok()?;
            }
        }
        self.port = number(value, &mut at, b'/')?.try_into().ok()?;
        let authority = slice_or_empty(value, 0, at - 1);
        // The platform has no path in front of the API's own; an API with one is an emulator.
        let without_slash = value.strip_suffix(b"/").unwrap_or(value);
        let prefix = slice_or_empty(without_slash, at - 1, without_slash.len());
        let fits = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#');
        if self.port == 0 || value.len() > VALUE_BYTES_MAX || !prefix.iter().all(fits) {
            return None;
        }
        let mut end = 0;
        for piece in &[GET, prefix, NEXT, authority, HEAD_END] {
            end += copy_at(&mut self.next, end, piece);
        }
        self.path = GET.len() + prefix.len() + BASE.len();
        self.host_end = end - 2;
        // An emulator behind a path leaves Nagle's algorithm on: together would take 44 ms more.
        self.pipeline = prefix.is_empty();
        Some(())
    }
}

/// How many bytes of a text are that `start`: all of it or none. (The core's own way calls C's
/// memcmp.)
#[inline(never)]
fn prefix_len(start: &[u8], text: &[u8]) -> usize {
    let same = text.iter().zip(start).take_while(|(a, b)| a == b).count();
    if same == start.len() { same } else { 0 }
}

/// The number at `at`, which a mark or the end ends; goes on behind that.
#[inline(never)]
fn number(text: &[u8], at: &mut usize, mark: u8) -> Option<usize> {
    let end = find_from(text, *at, mark);
    let digits = slice_or_empty(text, *at, end);
    *at = end + 1;
    parse_decimal(digits)
}

/// What stands behind the last space of a message: the name of the variable that it is about, which
/// takes no bytes of its own then.
pub const fn last_word(message: &[u8]) -> &[u8] {
    let (mut word, mut rest) = (message, message);
    while let [byte, behind @ ..] = rest {
        if *byte == b' ' {
            word = behind;
        }
        rest = behind;
    }
    word
}

/// The variable that asks for several events at once, with its equals sign.
pub const MAX_CONCURRENCY: &[u8] = if HAS_EXTRAS {
    last_word(WRONG_CONCURRENCY)
} else {
    b"AWS_LAMBDA_MAX_CONCURRENCY="
};
/// What is wrong with its value.
pub const WRONG_CONCURRENCY: &[u8] =
    b"expected an integer from 1 to 1024: AWS_LAMBDA_MAX_CONCURRENCY=";

/// Finds out where the Runtime API is. What is wrong is logged, and ends the process.
#[inline(never)]
pub fn read(endpoint: &mut Endpoint) {
    const WRONG: &[u8] = b"not [http://]IPV4:PORT or localhost:PORT: AWS_LAMBDA_RUNTIME_API=";
    let environment = Environment::new();
    const NAME: &[u8] = last_word(WRONG);
    let Some(value) = environment.get(NAME) else {
        let name = const { NAME.split_at(NAME.len() - 1).0 };
        diagnostics::fatal(EXIT_CONFIG, name, NOT_SET);
    };
    if endpoint.set(value).is_none() {
        diagnostics::fatal(EXIT_CONFIG, WRONG, value);
    }
    let off = environment.get(b"TINDERBOX_PIPELINE=0");
    endpoint.pipeline &= off.is_none_or(|rest| !rest.is_empty());
    endpoint.is_pool = HAS_EXTRAS && environment.get(MAX_CONCURRENCY).is_some();
}

/// The smallest program has no bytes to spare.
const NOT_SET: &[u8] = if HAS_EXTRAS {
    b" is not set: needs AWS Lambda or \"tinderbox run\""
} else {
    b" is not set: see \"tinderbox run\""
};

#[cfg(test)]
mod tests;
