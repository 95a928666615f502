//! The environment, read once; every variable that the runtime reads is documented here.
//!
//! | variable | meaning |
//! |---|---|
//! | `AWS_LAMBDA_RUNTIME_API` | address of the Runtime API: `[http://]HOST:PORT[/PREFIX]`, HOST an IPv4 address, `localhost`, `[::]` (taken for `localhost`, but not by the smallest programs) or, for `bootstrap` and programs with std, any IPv6 address in brackets. Required |
//! | `AWS_LAMBDA_MAX_CONCURRENCY` | number of workers: events that are handled at once; see `concurrency` |
//! | `AWS_LAMBDA_INITIALIZATION_TYPE` | `snap-start`: waits for the snapshot after init; see `snapstart` |
//! | `TINDERBOX_PIPELINE` | `0`: sends an answer and the request for the next event separately |

use crate::buffer::copy_at;
use crate::diagnostics::{self, EXIT_CONFIG};
use crate::limits::{AUTHORITY_BYTES_MAX, HAS_EXTRAS, PREFIX_BYTES_MAX, WORKERS_MAX};
use crate::sys::{Environment, SocketAddress};
use crate::wire::http1::{GET, HEAD_END, VERSION_AND_HOST};
use crate::wire::number::parse_decimal;
use crate::wire::{concat, find_from, slice_or_empty};

mod ipv6;

const BASE: &[u8] = b"/2018-06-01/runtime/";
const INVOCATION: &[u8] = b"invocation/";
const NEXT_PATH: &[u8] = b"invocation/next";
const NEXT_TARGET: &[u8] = b"/2018-06-01/runtime/invocation/next";
const NEXT: &[u8] =
    &concat::<{ NEXT_TARGET.len() + VERSION_AND_HOST.len() }>(&[NEXT_TARGET, VERSION_AND_HOST]);
const HOST_OFFSET: usize = NEXT.len() - BASE.len(); // from the path of the request
const VALUE_BYTES_MAX: usize = AUTHORITY_BYTES_MAX + PREFIX_BYTES_MAX;
const REQUEST_BYTES_MAX: usize = GET.len() + NEXT.len() + HEAD_END.len() + VALUE_BYTES_MAX;

/// The address of the Runtime API, and the fixed parts of requests to it. All zeros when it is new,
/// so it costs nothing in the file.
#[repr(C)] // the request last: a large offset takes three bytes more
pub struct Endpoint {
    /// An answer and the request for the next event may leave in one send.
    pub pipeline: bool,
    /// `AWS_LAMBDA_MAX_CONCURRENCY` is set, so this process is one of a pool.
    pub is_pool: bool,
    /// Offset in `next` of the path after the Runtime API's own start.
    path: usize,
    /// Offset in `next` of the end of the line `Host`.
    host_end: usize,
    /// Its address and port.
    pub address: SocketAddress,
    /// The request for the next event, whose parts the other requests use: a copy, because the
    /// environment of a program with std may change.
    next: [u8; REQUEST_BYTES_MAX],
}

impl Endpoint {
    /// Unconfigured.
    pub const fn new() -> Endpoint {
        Endpoint {
            address: SocketAddress([0; _]),
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

    /// The path before the API's own: only emulators have one.
    pub fn stage_prefix(&self) -> &[u8] {
        slice_or_empty(&self.next, GET.len(), self.path - BASE.len())
    }

    /// The start of all paths of the Runtime API.
    pub fn runtime_path(&self) -> &[u8] {
        slice_or_empty(&self.next, GET.len(), self.path)
    }

    /// The text between a method and the rest of a path: a space, and the common start of all
    /// paths, or of all paths of events.
    pub fn path_prefix(&self, of_events: bool) -> &[u8] {
        let of_events_bytes = if of_events { INVOCATION.len() } else { 0 };
        slice_or_empty(&self.next, GET.len() - 1, self.path + of_events_bytes)
    }

    /// The text after a path: the version, and the line `Host`.
    pub fn request_tail(&self) -> &[u8] {
        slice_or_empty(&self.next, self.path + NEXT_PATH.len(), self.host_end)
    }

    /// Host and port, as in `AWS_LAMBDA_RUNTIME_API`.
    pub fn authority(&self) -> &[u8] {
        slice_or_empty(&self.next, self.path + HOST_OFFSET, self.host_end - 2)
    }

    /// Parses the value of `AWS_LAMBDA_RUNTIME_API`. `None`: it is malformed. A host has to be an
    /// address or `localhost`: the runtime resolves no names.
    fn set(&mut self, value: &[u8], accepts_ipv6: bool) -> Option<()> {
        let value = slice_or_empty(value, prefix_len(b"http://", value), value.len());
        let mut at = prefix_len(b"localhost:", value);
        if HAS_EXTRAS && !accepts_ipv6 {
            at |= prefix_len(b"[::]:", value); // `cargo lambda watch`, which IPv4 reaches as well
        }
        let [family, _, port_high, port_low, address @ ..] = &mut self.address.0;
        *family = SocketAddress::IPV4;
        if accepts_ipv6 && value.starts_with(b"[") {
            *family = SocketAddress::IPV6;
            let [_, _, _, _, address @ ..] = address; // the flow
            at = ipv6::parse(value, address)?;
        } else if at != 0 {
            let [first, _, _, last, ..] = address; // the others are zeros
            (*first, *last) = (127, 1);
        } else {
            for (octet, mark) in address.iter_mut().zip(b"...:") {
                *octet = number(value, &mut at, *mark)?.try_into().ok()?;
            }
        }
        let port: u16 = number(value, &mut at, b'/')?.try_into().ok()?;
        [*port_high, *port_low] = port.to_be_bytes();
        let authority = slice_or_empty(value, 0, at - 1);
        // Lambda has no path before the API's own; an API with one is an emulator.
        let without_slash = value.strip_suffix(b"/").unwrap_or(value);
        let prefix = slice_or_empty(without_slash, at - 1, without_slash.len());
        let fits = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#');
        if port == 0 || value.len() > VALUE_BYTES_MAX || !prefix.iter().all(fits) {
            return None;
        }
        let mut end = 0;
        // Not by `HeadWriter`, whose words these are: its sink would take 112 bytes, and the
        // smallest program would be larger than its budget, 8,192.
        for piece in &[GET, prefix, NEXT, authority, HEAD_END] {
            end += copy_at(&mut self.next, end, piece);
        }
        self.path = GET.len() + prefix.len() + BASE.len();
        self.host_end = end - 2;
        // Emulators with a path leave Nagle's algorithm on: pipelining would take 44 ms more.
        self.pipeline = prefix.is_empty();
        Some(())
    }
}

/// The length of `start` if the text begins with it, else 0. (`starts_with` calls memcmp.)
#[inline(never)]
fn prefix_len(start: &[u8], text: &[u8]) -> usize {
    let same = text.iter().zip(start).take_while(|(a, b)| a == b).count();
    if same == start.len() { same } else { 0 }
}

/// Parses the number at `at`, up to `mark` or the end; moves `at` past the mark.
#[inline(never)]
fn number(text: &[u8], at: &mut usize, mark: u8) -> Option<usize> {
    let end = find_from(text, *at, mark);
    let digits = slice_or_empty(text, *at, end);
    *at = end + 1;
    parse_decimal(digits)
}

/// The text after the last space of a message: the variable that it names. So the name takes no
/// bytes of its own.
pub const fn variable_of(message: &[u8]) -> &[u8] {
    let (mut word, mut rest) = (message, message);
    while let [byte, behind @ ..] = rest {
        if *byte == b' ' {
            word = behind;
        }
        rest = behind;
    }
    word
}

/// The variable for the number of workers, with its equals sign.
pub const MAX_CONCURRENCY: &[u8] = if HAS_EXTRAS {
    variable_of(WRONG_CONCURRENCY)
} else {
    b"AWS_LAMBDA_MAX_CONCURRENCY="
};
/// The message for a wrong value of it.
pub const WRONG_CONCURRENCY: &[u8] = b"not 1 to 1024: AWS_LAMBDA_MAX_CONCURRENCY=";
const _: () = assert!(WORKERS_MAX == 1024, "the message has the number");

/// Reads the address of the Runtime API from the environment. A missing or malformed value is
/// logged and ends the process with exit code 2.
#[inline(never)]
pub fn read(endpoint: &mut Endpoint, accepts_ipv6: bool) {
    const WRONG: &[u8] = b"not [http://]IP:PORT: AWS_LAMBDA_RUNTIME_API=";
    let environment = Environment::new();
    const NAME: &[u8] = variable_of(WRONG);
    let Some(value) = environment.get(NAME) else {
        let name = const { NAME.split_at(NAME.len() - 1).0 };
        diagnostics::fatal(EXIT_CONFIG, name, NOT_SET);
    };
    if endpoint.set(value, accepts_ipv6).is_none() {
        diagnostics::fatal(EXIT_CONFIG, WRONG, value);
    }
    let off = environment.get(b"TINDERBOX_PIPELINE=0");
    endpoint.pipeline &= off.is_none_or(|rest| !rest.is_empty());
    endpoint.is_pool = HAS_EXTRAS && environment.get(MAX_CONCURRENCY).is_some();
}

/// Short in the smallest program, for its budget.
const NOT_SET: &[u8] = if HAS_EXTRAS {
    b" is not set: needs Lambda or \"tinderbox run\""
} else {
    b" is not set: see \"tinderbox run\""
};

#[cfg(test)]
mod tests;
