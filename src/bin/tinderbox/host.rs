//! The value of `--host`: an address or a name.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// The longest name (RFC 1035, 2.3.4).
const NAME_BYTES_MAX: usize = 253;

/// A host. It is displayed as in a URL: an IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    Address(IpAddr),
    Name(String),
}

impl Host {
    /// 127.0.0.1.
    pub const LOOPBACK: Host = Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));

    /// An address, an IPv6 address in brackets, or a name. `None` if it is none of them.
    pub fn parse(text: &str) -> Option<Host> {
        let in_brackets = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let Some(address) = in_brackets {
            return Some(Host::Address(address.parse::<Ipv6Addr>().ok()?.into()));
        }
        if let Ok(address) = text.parse() {
            return Some(Host::Address(address));
        }
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        // A resolver would read a name of digits and dots as an address.
        let is_name = (1..=NAME_BYTES_MAX).contains(&text.len())
            && text.bytes().all(is_allowed)
            && text.bytes().any(|byte| byte.is_ascii_alphabetic());
        is_name.then(|| Host::Name(text.to_string()))
    }

    /// The addresses to bind. `localhost` needs no resolver (RFC 6761, 6.3).
    pub fn resolve(&self, port: u16) -> io::Result<Vec<SocketAddr>> {
        match self {
            Host::Address(address) => Ok(vec![SocketAddr::new(*address, port)]),
            Host::Name(name) if name.eq_ignore_ascii_case("localhost") => {
                Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))])
            }
            Host::Name(name) => Ok((name.as_str(), port).to_socket_addrs()?.collect()),
        }
    }

    /// The host by which this machine reaches a listener: an unspecified address is no address to
    /// connect to on every system.
    pub fn to_connect(&self) -> Host {
        match self {
            Host::Address(IpAddr::V4(address)) if address.is_unspecified() => Host::LOOPBACK,
            Host::Address(IpAddr::V6(address)) if address.is_unspecified() => {
                Host::Address(Ipv6Addr::LOCALHOST.into())
            }
            host => host.clone(),
        }
    }

    /// The name, if it is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Host::Address(_) => None,
            Host::Name(name) => Some(name),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]"),
            Host::Address(IpAddr::V4(address)) => write!(formatter, "{address}"),
            Host::Name(name) => write!(formatter, "{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Host;

    #[test]
    fn text_is_an_address_a_name_or_neither() {
        for (text, displayed) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "[::1]"),
            ("[::1]", "[::1]"),
            ("0:0::1", "[::1]"),
            ("localhost", "localhost"),
            ("my-box.local", "my-box.local"),
            ("0x7f", "0x7f"),
        ] {
            let host = Host::parse(text).expect(text);
            assert_eq!(host.to_string(), displayed);
        }
        let long = "a".repeat(254);
        for text in [
            "",
            "[::1",
            "[127.0.0.1]",
            "::1]",
            "127.1",
            "1.2.3.4.5",
            "a b",
            "a:1",
            "a/b",
            "é",
            &long,
        ] {
            assert_eq!(Host::parse(text), None, "{text}");
        }
    }

    #[test]
    fn unspecified_address_is_reached_by_loopback() {
        for (bound, reached) in [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("a.b", "a.b")] {
            let host = Host::parse(bound).expect(bound);
            assert_eq!(host.to_connect().to_string(), reached);
        }
    }
}
