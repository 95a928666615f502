//! `/proc/net/tcp` and `/proc/net/tcp6` (proc(5)), for systems without sock_diag: gVisor, WSL 1.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};

use crate::sys::socket_diag::SocketOwner;

/// The owner of a connected socket; an error where the files do not exist.
pub fn find(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<SocketOwner>> {
    let first = find_in("/proc/net/tcp", local, remote);
    let second = match &first {
        Ok(Some(_)) => return first,
        _ => find_in("/proc/net/tcp6", local, remote),
    };
    match (first, second) {
        (_, Ok(Some(owner))) => Ok(Some(owner)),
        (Err(error), Err(_)) => Err(error),
        _ => Ok(None),
    }
}

fn find_in(file: &str, local: SocketAddr, remote: SocketAddr) -> io::Result<Option<SocketOwner>> {
    for line in BufReader::new(File::open(file)?).lines().skip(1) {
        let line = line?;
        if let Some((own, peer, owner)) = parse(&line)
            && (own, peer) == (local, remote)
        {
            return Ok(Some(owner));
        }
    }
    Ok(None)
}

/// The two addresses of a line, and the owner.
fn parse(line: &str) -> Option<(SocketAddr, SocketAddr, SocketOwner)> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let owner = SocketOwner {
        uid: fields.get(7)?.parse().ok()?,
        inode: fields.get(9)?.parse().ok()?,
    };
    Some((address(fields.get(1)?)?, address(fields.get(2)?)?, owner))
}

/// An address as words of 32 bits in the machine's order, and a port.
fn address(text: &str) -> Option<SocketAddr> {
    let (words, port) = text.split_once(':')?;
    let word = |at: usize| -> Option<[u8; 4]> {
        let word = u32::from_str_radix(words.get(at..at + 8)?, 16).ok()?;
        Some(word.to_ne_bytes())
    };
    let ip = match words.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let bytes = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
            IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::{find, parse};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    #[test]
    #[cfg(target_endian = "little")]
    fn line_of_either_family_is_parsed() {
        let rest = "01 00000000:00000000 00:00000000 00000000  1000        0 34567 1 0 20 4 30";
        for (addresses, local, remote) in [
            (
                "0100007F:1F90 0500007F:0050",
                "127.0.0.1:8080",
                "127.0.0.5:80",
            ),
            (
                "00000000000000000000000001000000:0001 000080FE00000000FF00FC0001000000:FFFF",
                "[::1]:1",
                "[fe80::fc:ff:0:1]:65535",
            ),
            (
                "0000000000000000FFFF00000100007F:0001 0000000000000000FFFF00000100007F:0002",
                "127.0.0.1:1",
                "127.0.0.1:2",
            ),
        ] {
            let line = format!("  12: {addresses} {rest}");
            let (own, peer, owner) = parse(&line).expect("a line as the kernel writes it");
            assert_eq!(own.to_string(), local);
            assert_eq!(
                peer.port(),
                remote.parse::<std::net::SocketAddr>().expect("one").port()
            );
            assert_eq!((owner.uid, owner.inode), (1000, 34567));
        }
        for line in [
            "",
            "1: 2 3",
            "1: 0100007F:1F90 0500007:0050 a b c d e f g h",
        ] {
            assert!(parse(line).is_none(), "{line}");
        }
    }

    #[test]
    fn own_connection_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind 127.0.0.1:0");
        let server = listener.local_addr().expect("an address");
        let client = TcpStream::connect(server).expect("connect");
        let own = client.local_addr().expect("an address");
        let owner = find(own, server).expect("/proc/net").expect("a line");
        let link = std::fs::read_link(format!("/proc/self/fd/{}", client.as_raw_fd()));
        let link = link.expect("an open descriptor");
        assert_eq!(link.to_string_lossy(), format!("socket:[{}]", owner.inode));
        drop(client);
        let closed = find(own, server).expect("/proc/net");
        assert!(closed.is_none_or(|owner| owner.inode == 0));
    }
}
