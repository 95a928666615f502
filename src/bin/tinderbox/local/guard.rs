//! Which requests the two interfaces serve, by what their heads say about their origin.
//!
//! A web page in a browser on this machine can send requests to loopback addresses. Two rules keep
//! pages from running the function:
//!
//! - `Host` has to name this server. A page whose name was made to resolve to 127.0.0.1 after it
//!   was loaded (DNS rebinding) counts as same-origin in the browser, but sends its own name.
//! - `Origin` and `Sec-Fetch-Site` have to be absent, or to name the server itself. Browsers add
//!   them to requests that a page sends elsewhere, also to those without CORS (Fetch standard,
//!   "append a request Origin header"; Fetch Metadata). SDKs, curl and runtimes send neither.
//!
//! Pure, but for the id of a reply and the lines of `Notices`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::json;

use super::http::{Reply, Request};
use crate::clock;
use crate::output::diagnostic;

/// How much of a refused value is quoted.
const QUOTED_CHARACTERS: usize = 64;

/// Refusals are logged at most once in this time.
const NOTICE_INTERVAL: Duration = Duration::from_secs(1);

/// Where the Invoke API is served.
#[derive(Clone)]
pub struct Bound {
    address: SocketAddr,
    /// The value of `--host`, if that is a name.
    name: Option<String>,
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Forbidden {
    pub text: String,
}

/// The headers of one request that the rules are about, each with all of its values.
struct Claims<'a> {
    hosts: Vec<&'a str>,
    origins: Vec<&'a str>,
    sites: Vec<&'a str>,
    is_http_1_0: bool,
}

/// The rule for the Invoke API.
pub fn check(request: &Request, bound: &Bound) -> Result<(), Forbidden> {
    let claims = Claims::new(request);
    let host = claims.host(bound)?;
    claims.check_origin(host)
}

/// The rule for the Runtime API: runtimes send any `Host`, but no page may call it.
pub fn check_runtime_call(request: &Request) -> Result<(), Forbidden> {
    Claims::new(request).check_origin(None)
}

impl Bound {
    /// A listener's address, and the name that was given for it.
    pub fn new(address: SocketAddr, name: Option<String>) -> Bound {
        let ip = address.ip().to_canonical();
        Bound {
            address: SocketAddr::new(ip, address.port()),
            name,
        }
    }

    /// Whether only this machine reaches the listener.
    pub fn is_loopback(&self) -> bool {
        self.address.ip().is_loopback()
    }

    /// Whether a request's `Host` names this server.
    ///
    /// Its port may be any: a container's or an SSH tunnel's is another one, and clients without a
    /// browser leave it out. No page gains from that, since its `Origin` has the port.
    ///
    /// A listener that other machines reach has names that it does not know, such as those of
    /// containers. Every address is right there, since a page of that address comes from this
    /// server, and so is every name that the public DNS does not have.
    fn is_named_by(&self, host: &str) -> bool {
        let Some(name) = name_of(host) else {
            return false;
        };
        match name {
            Name::Address(address) => {
                address.is_loopback() || address == self.address.ip() || !self.is_loopback()
            }
            Name::Text(text) => {
                let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
                let given = self.name.as_ref();
                text == "localhost"
                    || text.ends_with(".localhost")
                    || given.is_some_and(|name| name.eq_ignore_ascii_case(&text))
                    || !self.is_loopback() && is_private(&text)
            }
        }
    }
}

impl<'a> Claims<'a> {
    fn new(request: &'a Request) -> Claims<'a> {
        let values = |name| request.values(name).collect();
        Claims {
            hosts: values("Host"),
            origins: values("Origin"),
            sites: values("Sec-Fetch-Site"),
            is_http_1_0: request.is_http_1_0,
        }
    }

    /// The one `Host`, if it is right. HTTP/1.0 does not need it.
    fn host(&self, bound: &Bound) -> Result<Option<&'a str>, Forbidden> {
        match self.hosts.as_slice() {
            [] | [""] if self.is_http_1_0 => Ok(None),
            [host] if bound.is_named_by(host) => Ok(Some(host)),
            hosts => Err(Forbidden {
                text: format!(
                    "The Host '{}' is not the address of this local Lambda, {}. Call that address, \
                     or serve another one with tinderbox run --host.",
                    quoted(&hosts.join(", ")),
                    bound.address,
                ),
            }),
        }
    }

    /// The only origin that may call is the server itself, by the name in `host`.
    fn check_origin(&self, host: Option<&str>) -> Result<(), Forbidden> {
        let is_own = |origin: &&&str| {
            let authority = origin.strip_prefix("http://");
            host.is_some()
                && authority.map(str::to_ascii_lowercase) == host.map(str::to_ascii_lowercase)
        };
        let refused = |name: &str, value: &str| Forbidden {
            text: format!(
                "Calls from web pages are refused, and this one comes from a page: {name} '{}'.",
                quoted(value)
            ),
        };
        if let Some(origin) = self.origins.iter().find(|origin| !is_own(origin)) {
            return Err(refused("Origin", origin));
        }
        let is_own = |site: &&&str| ["same-origin", "none"].contains(*site);
        match self.sites.iter().find(|site| !is_own(site)) {
            Some(site) => Err(refused("Sec-Fetch-Site", site)),
            None => Ok(()),
        }
    }
}

impl Forbidden {
    /// The refusal in the form of Lambda's errors.
    pub fn reply(&self) -> Reply {
        Reply::json(403, &json!({ "Type": "User", "Message": self.text }))
            .with_header("X-Amzn-RequestId", clock::uuid())
            .with_header("X-Amzn-ErrorType", ERROR_TYPE)
    }

    /// The refusal in the form of the Runtime API's errors.
    pub fn runtime_reply(&self) -> Reply {
        Reply::json(
            403,
            &json!({ "errorMessage": self.text, "errorType": ERROR_TYPE }),
        )
    }
}

/// AWS's name of the error.
const ERROR_TYPE: &str = "AccessDeniedException";

/// The host of an authority.
enum Name<'a> {
    Address(IpAddr),
    Text(&'a str),
}

/// The host of an authority, `HOST[:PORT]` (RFC 9110, 4.2.1); `None` if it is malformed.
fn name_of(authority: &str) -> Option<Name<'_>> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        return is_port(port).then(|| Name::Address(IpAddr::from(address).to_canonical()));
    }
    let end = authority.find(':').unwrap_or(authority.len());
    let (name, port) = authority.split_at(end);
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_allowed) || !is_port(port) {
        return None;
    }
    Some(name.parse().map_or(Name::Text(name), Name::Address))
}

/// Whether what follows a host is nothing, or a colon and a port, which may be empty.
fn is_port(text: &str) -> bool {
    let Some(digits) = text.strip_prefix(':') else {
        return text.is_empty();
    };
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number && (digits.is_empty() || digits.parse::<u16>().is_ok())
}

/// Names that the public DNS does not have: those without a dot, of multicast DNS (RFC 6762), and
/// of private networks (ICANN resolution 2024.07.29.06).
fn is_private(name: &str) -> bool {
    !name.contains('.') || name.ends_with(".local") || name.ends_with(".internal")
}

/// The start of a text from a caller.
fn quoted(text: &str) -> String {
    let mut quoted: String = text.chars().take(QUOTED_CHARACTERS).collect();
    if quoted.len() < text.len() {
        quoted += "...";
    }
    quoted
}

/// Limits the lines about refusals: a page can cause any number of them.
#[derive(Default)]
pub struct Notices {
    last: Option<Instant>,
    suppressed: u64,
}

impl Notices {
    /// Logs the refusal of a call of this interface, or counts it.
    pub fn log(&mut self, interface: &str, text: &str, now: Instant) {
        match self.admit(now) {
            None => {}
            Some(0) => diagnostic(&format!("refused a call of the {interface}: {text}")),
            Some(more) => diagnostic(&format!(
                "refused a call of the {interface}, and {more} before it: {text}"
            )),
        }
    }

    /// Whether the next refusal is logged.
    pub fn is_due(&self, now: Instant) -> bool {
        let is_past = |last: Instant| now.saturating_duration_since(last) >= NOTICE_INTERVAL;
        self.last.is_none_or(is_past)
    }

    /// Whether a refusal is to be logged now; with the number of those before it that were not.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        if !self.is_due(now) {
            self.suppressed += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests;
