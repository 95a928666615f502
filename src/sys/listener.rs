//! A Unix socket that a child inherits to listen on, under a name that the kernel picks.

use core::mem::size_of;

use super::Descriptor;
use super::calls::{syscall2, syscall3};
use super::sockets::{LocalAddress, stream_socket};

/// The connections that wait until the child accepts them, at most. There is one, and those that
/// were given up before it.
const BACKLOG: usize = 64;

/// Opens a socket that listens, and its address, which is abstract: it has no file (unix(7)). A
/// connection can be made before anybody accepts it.
///
/// # Errors
/// The errno of socket(2), bind(2), listen(2) or getsockname(2).
pub fn listen() -> Result<(Descriptor, LocalAddress), usize> {
    let mut address = LocalAddress::unnamed();
    let socket = stream_socket(libc::AF_UNIX as usize)?;
    let mut length = address.bytes.len() as libc::socklen_t;
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
