//! The owner of a TCP socket of this machine (sock_diag(7)).
//!
//! One request for one socket: the kernel looks it up in its hash table, so the cost does not
//! depend on the number of sockets. It answers within the call that sends the request.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// `struct nlmsghdr`, `struct inet_diag_req_v2` and `struct inet_diag_msg` of linux/netlink.h and
/// linux/inet_diag.h: their sizes, and where the fields of an answer are.
const HEADER_BYTES: usize = 16;
const REQUEST_BYTES: usize = HEADER_BYTES + 56;
const ANSWER_BYTES: usize = HEADER_BYTES + 72;
const STATE_AT: usize = HEADER_BYTES + 1;
const PORTS_AT: usize = HEADER_BYTES + 4;
const UID_AT: usize = HEADER_BYTES + 64;
const INODE_AT: usize = HEADER_BYTES + 68;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const TCP_LISTEN: u8 = 10;

/// A socket's owner. The inode is 0 once no process holds the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOwner {
    pub uid: u32,
    pub inode: u64,
}

/// A netlink socket for requests.
pub struct SocketDiag(OwnedFd);

impl SocketDiag {
    /// Fails where the kernel has no such interface.
    pub fn open() -> io::Result<SocketDiag> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: no memory is involved; the descriptor is new, so the value is its only owner.
        unsafe {
            match libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_SOCK_DIAG) {
                fd if fd >= 0 => Ok(SocketDiag(OwnedFd::from_raw_fd(fd))),
                _ => Err(io::Error::last_os_error()),
            }
        }
    }

    /// The owner of the connected socket with these addresses; `None` when there is none. An error:
    /// the kernel does not report owners.
    pub fn find(&self, local: SocketAddr, remote: SocketAddr) -> io::Result<Option<SocketOwner>> {
        self.discard_answers();
        let request = request(local, remote);
        // SAFETY: the pointer and the length are those of the array.
        let sent = unsafe {
            libc::send(
                self.0.as_raw_fd(),
                request.as_ptr().cast(),
                request.len(),
                0,
            )
        };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut answer = [0; 512];
        let length = self.receive(&mut answer)?;
        parse(&answer[..length], local, remote)
    }

    /// Removes what an earlier request that failed may have left.
    fn discard_answers(&self) {
        while self.receive(&mut [0; 512]).is_ok_and(|length| length > 0) {}
    }

    fn receive(&self, answer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the pointer and the length are those of the slice.
        let length = unsafe {
            let bytes = answer.as_mut_ptr().cast();
            libc::recv(self.0.as_raw_fd(), bytes, answer.len(), libc::MSG_DONTWAIT)
        };
        usize::try_from(length).map_err(|_| io::Error::last_os_error())
    }
}

/// An exact request: without NLM_F_DUMP, and without a cookie.
fn request(local: SocketAddr, remote: SocketAddr) -> [u8; REQUEST_BYTES] {
    let mut bytes = [0; REQUEST_BYTES];
    let family = match local.ip() {
        IpAddr::V4(_) => libc::AF_INET,
        IpAddr::V6(_) => libc::AF_INET6,
    };
    let length = u32::try_from(REQUEST_BYTES).unwrap_or(0);
    let mut at = 0;
    let mut put = |field: &[u8]| {
        bytes[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    };
    put(&length.to_ne_bytes());
    put(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(&NLM_F_REQUEST.to_ne_bytes());
    put(&[0; 8]); // sequence, port
    put(&[family, libc::IPPROTO_TCP].map(|number| number.to_le_bytes()[0]));
    put(&[0; 2]); // no extensions
    put(&u32::MAX.to_ne_bytes()); // all states
    put(&local.port().to_be_bytes());
    put(&remote.port().to_be_bytes());
    put(&address(local.ip()));
    put(&address(remote.ip()));
    put(&0u32.to_ne_bytes()); // any interface
    put(&[u8::MAX; 8]); // INET_DIAG_NOCOOKIE
    bytes
}

/// An IPv4 address is the first of four words.
fn address(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V6(ip) => ip.octets(),
        IpAddr::V4(ip) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&ip.octets());
            bytes
        }
    }
}

fn parse(answer: &[u8], local: SocketAddr, remote: SocketAddr) -> io::Result<Option<SocketOwner>> {
    let word = |at: usize| -> Option<u32> {
        let bytes = answer.get(at..at + 4)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?))
    };
    let truncated = || io::Error::other("a truncated answer from sock_diag");
    let kind = answer.get(4..6).ok_or_else(truncated)?;
    if kind == NLMSG_ERROR.to_ne_bytes() {
        let errno = word(HEADER_BYTES).ok_or_else(truncated)?.cast_signed();
        return match errno.wrapping_neg() {
            libc::ENOENT => Ok(None),
            errno => Err(io::Error::from_raw_os_error(errno)),
        };
    }
    if kind != SOCK_DIAG_BY_FAMILY.to_ne_bytes() || answer.len() < ANSWER_BYTES {
        return Err(truncated());
    }
    // Where no such connection exists, the kernel also finds a listener on the local port.
    let ports = [local.port().to_be_bytes(), remote.port().to_be_bytes()].concat();
    if answer[STATE_AT] == TCP_LISTEN || answer[PORTS_AT..PORTS_AT + 4] != ports[..] {
        return Ok(None);
    }
    let (Some(uid), Some(inode)) = (word(UID_AT), word(INODE_AT)) else {
        return Err(truncated());
    };
    let inode = u64::from(inode);
    Ok(Some(SocketOwner { uid, inode }))
}

#[cfg(test)]
mod tests {
    use super::SocketDiag;
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    fn link(stream: &TcpStream) -> String {
        let link = format!("/proc/self/fd/{}", stream.as_raw_fd());
        let link = std::fs::read_link(link).expect("an open descriptor");
        link.to_string_lossy().into_owned()
    }

    #[test]
    fn socket_is_found_until_it_is_closed() {
        let diag = SocketDiag::open().expect("a kernel with sock_diag");
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind 127.0.0.1:0");
        let server = listener.local_addr().expect("an address");
        let client = TcpStream::connect(server).expect("connect");
        let (accepted, peer) = listener.accept().expect("accept");
        let find = |local, remote| diag.find(local, remote).expect("an answer");
        for (socket, local, remote) in [(&client, peer, server), (&accepted, server, peer)] {
            let owner = find(local, remote).expect("a socket");
            assert_eq!(format!("socket:[{}]", owner.inode), link(socket));
        }
        client.shutdown(Shutdown::Write).expect("shut down");
        assert!(find(peer, server).is_some_and(|owner| owner.inode != 0));
        drop(client);
        assert!(find(peer, server).is_none_or(|owner| owner.inode == 0));
        // The listener is not taken for a connection from its port.
        assert_eq!(
            find(server, std::net::SocketAddr::from(([127, 0, 0, 1], 1))),
            None
        );
    }
}
