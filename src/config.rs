//! The environment, read once; every variable that the runtime reads is documented here.
//!
//! | variable | meaning |
//! |---|---|
//! | `AWS_LAMBDA_RUNTIME_API` | where the Runtime API is: `[http://]HOST:PORT[/PREFIX]`, HOST an IPv4 address or `localhost`. Required |
//! | `TINDERBOX_PIPELINE` | `0`: never send a response and the request for the next event together |

use crate::buffer::{prepend, put};
use crate::limits::{AUTHORITY_BYTES_MAX, PREFIX_BYTES_MAX};
use crate::log;
use crate::sys::{self, Environment, Region};
use crate::wire::part;

/// Exit code: the configuration is wrong.
pub const EXIT_CONFIG: i32 = 2;

const NEXT: &[u8] = b"GET %/2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %\r\n\r\n";
const VALUE_BYTES_MAX: usize = "http://".len() + AUTHORITY_BYTES_MAX + PREFIX_BYTES_MAX;
const TEXT_BYTES: usize = 2 * VALUE_BYTES_MAX + NEXT.len();

/// Our own copy of the address, and the request made of it: the environment may change under a
/// program with std.
static TEXT: Region<[u8; TEXT_BYTES]> = Region::new([0; _]);

/// Where the Runtime API is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// An IPv4 address.
    pub address: [u8; 4],
    /// Its port, not 0.
    pub port: u16,
    /// `host:port`.
    pub authority: &'static [u8],
    /// The path in front of the API's own, empty or with a leading slash and no trailing one. The
    /// platform has none; an API with one is an emulator.
    pub prefix: &'static [u8],
    /// The request for the next event.
    pub next: &'static [u8],
}

impl Endpoint {
    /// Reads the value of `AWS_LAMBDA_RUNTIME_API`. Anything but a number or `localhost` is
    /// refused: nothing here resolves names.
    #[inline(never)]
    pub fn parse(value: &'static [u8]) -> Option<Endpoint> {
        let value = value.strip_prefix(b"http://").unwrap_or(value);
        // Four octets and a port; `place` is the one that is being read.
        let local = value.starts_with(b"localhost:");
        let mut numbers: [u32; 5] = if local { [127, 0, 0, 1, 0] } else { [0; 5] };
        let (mut place, mut end) = if local {
            (4, "localhost:".len())
        } else {
            (0, 0)
        };
        let mut empty = true;
        while let Some(&byte) = value.get(end)
            && byte != b'/'
        {
            let number = numbers.get_mut(place)?;
            if byte.is_ascii_digit() {
                *number = *number * 10 + u32::from(byte & 15);
                empty = false;
                if *number > if place < 4 { 255 } else { 65535 } {
                    return None;
                }
            } else if empty || byte != if place < 3 { b'.' } else { b':' } {
                return None;
            } else {
                place += 1;
                empty = true;
            }
            end += 1;
        }
        let (authority, prefix) = value.split_at_checked(end)?;
        let prefix = prefix.strip_suffix(b"/").unwrap_or(prefix);
        let fits = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#');
        let [a, b, c, d, port] = numbers;
        let right = port != 0 && prefix.iter().all(fits);
        right.then_some(Endpoint {
            address: [a as u8, b as u8, c as u8, d as u8],
            port: port as u16,
            authority,
            prefix,
            next: b"",
        })
    }
}

/// Where the Runtime API is, and whether a response and the request for the next event may leave
/// together. What is wrong is logged, and ends the process.
#[inline(never)]
pub fn read() -> (Endpoint, bool) {
    let environment = Environment::new();
    let Some(value) = environment.get(b"AWS_LAMBDA_RUNTIME_API=") else {
        log::fatal(EXIT_CONFIG, b"AWS_LAMBDA_RUNTIME_API is not set", b"");
    };
    let text = TEXT.take().unwrap_or_else(|| sys::exit(EXIT_CONFIG));
    let (kept, room) = text
        .split_at_mut_checked(VALUE_BYTES_MAX)
        .unwrap_or_default();
    let length = put(kept, 0, value);
    let endpoint = Endpoint::parse(part(kept, 0, length)).filter(|_| length == value.len());
    let Some(mut endpoint) = endpoint else {
        log::fatal(
            EXIT_CONFIG,
            b"not [http://]IPV4:PORT or localhost:PORT: AWS_LAMBDA_RUNTIME_API=",
            value,
        );
    };
    let start = prepend(
        room,
        room.len(),
        NEXT,
        &[endpoint.prefix, endpoint.authority],
    );
    endpoint.next = part(room, start, room.len());
    // An emulator behind a path leaves Nagle's algorithm on, and then this costs 44 ms an event.
    let pipeline =
        endpoint.prefix.is_empty() && environment.get(b"TINDERBOX_PIPELINE=") != Some(b"0");
    (endpoint, pipeline)
}

#[cfg(test)]
mod tests;
