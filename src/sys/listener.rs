//! A Unix socket that a child inherits to listen on, under a name that the kernel picks.

use core::mem::size_of;

use super::Descriptor;
use super::calls::{syscall2, syscall3};

/// The bytes of the longest address (unix(7)).
const ADDRESS_BYTES: usize = size_of::<libc::sockaddr_un>();

/// An abstract address: it has no file (unix(7), "Abstract sockets").
#[derive(Clone, Copy)]
pub struct AbstractAddress {
    bytes: [u8; ADDRESS_BYTES],
    length: usize,
}

/// The connections that wait until the child accepts them, at most. There is one, and those that
/// were given up before it.
const BACKLOG: usize = 64;

/// Opens a socket that listens, and its address. A connection can be made before anybody accepts
/// it.
///
/// # Errors
/// The errno of socket(2), bind(2), listen(2) or getsockname(2).
pub fn listen() -> Result<(Descriptor, AbstractAddress), usize> {
    let mut address = AbstractAddress {
        bytes: [0; _],
        length: ADDRESS_BYTES,
    };
    let [family, ..] = &mut address.bytes;
    *family = libc::AF_UNIX as u8;
    let socket = stream_socket()?;
    let mut length = ADDRESS_BYTES as libc::socklen_t;
    // SAFETY: the address is valid for reads and writes of the lengths given. With the family alone
    // the kernel picks a name ("Autobind feature").
    let results = unsafe {
        let place = address.bytes.as_mut_ptr() as usize;
        let bytes = size_of::<libc::sa_family_t>();
        let bound = syscall3(libc::SYS_bind, socket.raw_fd(), place, bytes);
        let listens = syscall2(libc::SYS_listen, socket.raw_fd(), BACKLOG);
        let length = &raw mut length as usize;
        let named = syscall3(libc::SYS_getsockname, socket.raw_fd(), place, length);
        [bound, listens, named]
    };
    if let Some(failed) = results.into_iter().find(|result| *result < 0) {
        return Err(failed.unsigned_abs());
    }
    address.length = length as usize;
    Ok((socket, address))
}

/// Connects to such an address; waits while its backlog is full.
///
/// # Errors
/// The errno of socket(2) or connect(2): ECONNREFUSED where nobody listens any more.
pub fn connect(to: &AbstractAddress) -> Result<Descriptor, usize> {
    let socket = stream_socket()?;
    let place = to.bytes.as_ptr() as usize;
    // SAFETY: the address is valid for its length.
    let result = unsafe { syscall3(libc::SYS_connect, socket.raw_fd(), place, to.length) };
    if result < 0 {
        return Err(result.unsigned_abs());
    }
    Ok(socket)
}

/// A blocking Unix socket that children do not inherit.
fn stream_socket() -> Result<Descriptor, usize> {
    let kind = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC) as usize;
    // SAFETY: no memory is involved.
    let made = unsafe { syscall3(libc::SYS_socket, libc::AF_UNIX as usize, kind, 0) };
    Descriptor::from_ret(made).ok_or(made.unsigned_abs())
}
