//! The listeners of the two servers.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};

use crate::host::Host;
use crate::output::Failure;

/// The Runtime API stays on this machine. It has an IPv6 address only if that was asked for, since
/// not every runtime understands one.
pub fn runtime_host(host: &Host) -> Host {
    match host {
        Host::Address(IpAddr::V6(Ipv6Addr::LOCALHOST)) => host.clone(),
        _ => Host::LOOPBACK,
    }
}

/// Listens on the first address of the host that can be bound.
pub fn listen(host: &Host, port: u16, option: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let addresses = host.resolve(port).map_err(|error| {
        Failure::new(format!(
            "cannot find the address of --host {host}: {error}; name an address of this machine"
        ))
    })?;
    let listener = TcpListener::bind(addresses.as_slice()).map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::AddrNotAvailable => {
                "it is not an address of this machine; choose another with --host".to_string()
            }
            _ => format!("choose another port with {option} N, or any free one with {option} 0"),
        };
        Failure::new(format!("cannot bind {host}:{port}: {error}; {hint}"))
    })?;
    let address = listener.local_addr();
    let address = address.map_err(|error| Failure::caused("cannot read the port", error))?;
    Ok((listener, address))
}
