//! A way to IPv6 addresses for `minreq`, which takes everything behind the first colon of a URL's
//! host for a port: a listener on 127.0.0.1 that passes one connection on.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// The longest head that is searched for its `Host`; `minreq` writes that line first.
const SEARCHED_BYTES_MAX: usize = 64 * 1024;

/// Connects to the server, and passes the next connection to the returned address on to it.
pub fn start(server: (Ipv6Addr, u16)) -> io::Result<SocketAddr> {
    let upstream = TcpStream::connect(server)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let authority = SocketAddr::from(server).to_string();
    thread::Builder::new().spawn(move || {
        // An error closes both connections, which minreq reports.
        let _ = pass_on(&listener, &upstream, &authority);
    })?;
    Ok(address)
}

fn pass_on(listener: &TcpListener, upstream: &TcpStream, authority: &str) -> io::Result<()> {
    let (client, _) = listener.accept()?;
    let (mut from_server, mut to_client) = (upstream.try_clone()?, client.try_clone()?);
    thread::Builder::new().spawn(move || {
        let _ = io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    })?;
    let (mut from_client, mut to_server) = (&client, upstream);
    let start = read_host(&mut from_client)?;
    to_server.write_all(&with_host(&start, authority))?;
    io::copy(&mut from_client, &mut to_server)?;
    to_server.shutdown(Shutdown::Write)
}

/// The start of a request, at least up to the end of its second line, which is `Host`.
fn read_host(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    let mut buffer = [0; 4096];
    while start.len() < SEARCHED_BYTES_MAX && second_line(&start).is_none() {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => start.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(start)
}

/// The place of the second line, without its end.
fn second_line(start: &[u8]) -> Option<(usize, usize)> {
    let end = |from: usize| {
        let found = start[from..].windows(2).position(|two| two == b"\r\n");
        found.map(|at| from + at)
    };
    let begin = end(0)? + 2;
    Some((begin, end(begin)?))
}

/// The request's start with the server's own address as its `Host`.
fn with_host(start: &[u8], authority: &str) -> Vec<u8> {
    match second_line(start) {
        Some((begin, end)) if start[begin..end].starts_with(b"Host:") => {
            let host = format!("Host: {authority}");
            [&start[..begin], host.as_bytes(), &start[end..]].concat()
        }
        _ => start.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::with_host;

    #[test]
    fn host_is_replaced_and_nothing_else() {
        for (before, after) in [
            (
                "POST / HTTP/1.1\r\nHost: a:1\r\nA: b\r\n\r\nHost: x",
                "POST / HTTP/1.1\r\nHost: [::1]:9\r\nA: b\r\n\r\nHost: x",
            ),
            (
                "POST / HTTP/1.1\r\nA: b\r\n\r\n",
                "POST / HTTP/1.1\r\nA: b\r\n\r\n",
            ),
            ("POST", "POST"),
            ("", ""),
        ] {
            assert_eq!(with_host(before.as_bytes(), "[::1]:9"), after.as_bytes());
        }
    }
}
