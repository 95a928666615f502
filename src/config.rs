//! The environment, read once; every variable that the runtime reads is documented here.
//!
//! | variable | meaning |
//! |---|---|
//! | `AWS_LAMBDA_RUNTIME_API` | where the Runtime API is: `[http://]HOST:PORT[/PREFIX]`, HOST an IPv4 address or `localhost`. Required |
//! | `TINDERBOX_PIPELINE` | `0`: never send a response and the request for the next event together |

use crate::buffer::{part, prepend, put};
use crate::limits::{AUTHORITY_BYTES_MAX, PREFIX_BYTES_MAX};
use crate::log;
use crate::sys::{Environment, Region};
use crate::wire::http1::leading_decimal;

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
    /// Reads the value of `AWS_LAMBDA_RUNTIME_API`. Anything but a number or `localhost` is refused:
    /// nothing here resolves names.
    #[inline(never)]
    pub fn parse(value: &'static [u8]) -> Option<Endpoint> {
        let value = value.strip_prefix(b"http://").unwrap_or(value);
        let mut rest = value;
        let mut address = [127, 0, 0, 1];
        if let Some(after) = value.strip_prefix(b"localhost:") {
            rest = after;
        } else {
            for (octet, end) in address.iter_mut().zip(*b"...:") {
                *octet = number(&mut rest, u8::MAX.into())? as u8;
                let (&byte, after) = rest.split_first()?;
                if byte != end {
                    return None;
                }
                rest = after;
            }
        }
        let port = number(&mut rest, u16::MAX)?;
        let authority = part(value, 0, value.len() - rest.len());
        let fits = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#');
        let prefix = rest.strip_suffix(b"/").unwrap_or(rest);
        let rooted = prefix.is_empty() || prefix.starts_with(b"/");
        let right = port != 0 && rooted && prefix.iter().all(fits);
        right.then_some(Endpoint {
            address,
            port,
            authority,
            prefix,
            next: b"",
        })
    }
}

/// Takes a decimal number up to `max` from the front.
fn number(rest: &mut &[u8], max: u16) -> Option<u16> {
    leading_decimal(rest)
        .filter(|&number| number <= max.into())
        .map(|number| number as u16)
}

/// Where the Runtime API is, and whether a response and the request for the next event may leave
/// together. `None`: what is wrong is logged.
#[inline(never)]
pub fn read() -> Option<(Endpoint, bool)> {
    let environment = Environment::new();
    let Some(value) = environment.get(b"AWS_LAMBDA_RUNTIME_API=") else {
        log::line([b"AWS_LAMBDA_RUNTIME_API is not set", b"", b""]);
        return None;
    };
    let (kept, room) = TEXT.take()?.split_at_mut_checked(VALUE_BYTES_MAX)?;
    let length = put(kept, 0, value);
    let Some(mut endpoint) =
        Endpoint::parse(part(kept, 0, length)).filter(|_| length == value.len())
    else {
        log::line([
            b"AWS_LAMBDA_RUNTIME_API=",
            value,
            b": not [http://]IPV4:PORT or localhost:PORT",
        ]);
        return None;
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
    Some((endpoint, pipeline))
}

#[cfg(test)]
mod tests;
