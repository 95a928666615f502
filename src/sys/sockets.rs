//! Sockets of servers on this machine: where they listen, and connections to them.

use core::ffi::c_int;
use core::mem::size_of;

use super::calls::{syscall2, syscall3, syscall4, syscall5};
use super::files::c_string;
use super::{Descriptor, copy_prefix};

/// The longest address: that of a Unix socket (unix(7)).
const ADDRESS_BYTES: usize = size_of::<libc::sockaddr_un>();

/// The bytes before the path of a Unix socket: its family.
const FAMILY_BYTES: usize = size_of::<libc::sa_family_t>();

/// The length of the address of a TCP server (ip(7)).
const TCP_BYTES: usize = size_of::<libc::sockaddr_in>();

/// The address of a server on this machine.
pub struct LocalAddress {
    pub(super) bytes: [u8; ADDRESS_BYTES],
    pub(super) length: usize,
}

impl LocalAddress {
    /// A TCP port of an IPv4 address, in the order of the network (ip(7)).
    fn tcp(ip: [u8; 4], port: u16) -> LocalAddress {
        let mut bytes = [0; ADDRESS_BYTES];
        let [high, low] = port.to_be_bytes();
        let [a, b, c, d] = ip;
        // No number of a family is larger than a byte, and both processors are little-endian.
        copy_prefix(&mut bytes, &[libc::AF_INET as u8, 0, high, low, a, b, c, d]);
        LocalAddress {
            bytes,
            length: TCP_BYTES,
        }
    }

    /// A TCP port of 127.0.0.1.
    pub fn loopback(port: u16) -> LocalAddress {
        LocalAddress::tcp([127, 0, 0, 1], port)
    }

    /// A Unix socket with this path, without its NUL; `None`: the path is too long.
    pub fn unix(path: &[u8]) -> Option<LocalAddress> {
        let mut bytes = [0; ADDRESS_BYTES];
        copy_prefix(&mut bytes, &[libc::AF_UNIX as u8]);
        let place = bytes.get_mut(FAMILY_BYTES..).unwrap_or_default();
        // A NUL follows it.
        if path.len() >= place.len() {
            return None;
        }
        copy_prefix(place, path);
        Some(LocalAddress {
            bytes,
            length: FAMILY_BYTES + path.len() + 1,
        })
    }

    /// A Unix socket without a name.
    pub(super) fn unnamed() -> LocalAddress {
        let mut bytes = [0; ADDRESS_BYTES];
        copy_prefix(&mut bytes, &[libc::AF_UNIX as u8]);
        LocalAddress {
            bytes,
            length: FAMILY_BYTES,
        }
    }

    fn family(&self) -> usize {
        let [family, ..] = self.bytes;
        family.into()
    }
}

/// Connects to a server. A server whose backlog is full is waited for no longer than `wait_ms`.
///
/// # Errors
/// The errno of socket(2) or connect(2): ECONNREFUSED or ENOENT where nobody listens; EINPROGRESS
/// or EAGAIN after the wait.
pub fn connect(to: &LocalAddress, wait_ms: u64) -> Result<Descriptor, usize> {
    let socket = stream_socket(to.family())?;
    let time = libc::timeval {
        tv_sec: (wait_ms / 1000) as _,
        tv_usec: (wait_ms % 1000 * 1000) as _,
    };
    let (place, length) = (&raw const time as usize, size_of::<libc::timeval>());
    // SAFETY: the option is valid for the length given.
    unsafe { set_option(&socket, libc::SO_SNDTIMEO, place, length) };
    if to.family() == libc::AF_INET as usize {
        socket.set_nodelay();
    }
    let place = to.bytes.as_ptr() as usize;
    // SAFETY: the address is valid for its length.
    let result = unsafe { syscall3(libc::SYS_connect, socket.raw_fd(), place, to.length) };
    if result < 0 {
        return Err(result.unsigned_abs());
    }
    Ok(socket)
}

/// A port on which a server could listen now: `port`, or for 0 any that is free. `None`: it is in
/// use. Connections of a former server do not count, as for most servers (SO_REUSEADDR, socket(7)).
pub fn free_port(port: u16) -> Option<u16> {
    let address = LocalAddress::tcp([0; 4], port);
    let socket = stream_socket(address.family()).ok()?;
    let on: c_int = 1;
    let (place, length) = (&raw const on as usize, size_of::<c_int>());
    // SAFETY: the option is valid for the length given.
    unsafe { set_option(&socket, libc::SO_REUSEADDR, place, length) };
    let place = address.bytes.as_ptr() as usize;
    // SAFETY: the address is valid for its length.
    let bound = unsafe { syscall3(libc::SYS_bind, socket.raw_fd(), place, address.length) };
    if bound < 0 {
        return None;
    }
    let mut own = [0u8; TCP_BYTES];
    let mut length = TCP_BYTES as libc::socklen_t;
    let (place, length) = (own.as_mut_ptr() as usize, &raw mut length as usize);
    // SAFETY: the address is valid for writes of the length given, and so is the length.
    let named = unsafe { syscall3(libc::SYS_getsockname, socket.raw_fd(), place, length) };
    let [_, _, high, low, ..] = own;
    (named >= 0).then(|| u16::from_be_bytes([high, low]))
}

/// Deletes the file of a Unix socket at a path, which ends in a NUL. Any other file stays.
pub fn remove_socket_file(path: &[u8]) {
    let mut status = core::mem::MaybeUninit::<libc::stat>::zeroed();
    let (here, path) = (libc::AT_FDCWD as usize, c_string(path) as usize);
    let (place, flags) = (
        status.as_mut_ptr() as usize,
        libc::AT_SYMLINK_NOFOLLOW as usize,
    );
    // SAFETY: a C string, or an address that the kernel rejects (EFAULT); the status is valid for
    // writes, and all zeros are a valid one.
    unsafe {
        let found = syscall4(libc::SYS_newfstatat, here, path, place, flags) == 0;
        if found && status.assume_init_ref().st_mode & libc::S_IFMT == libc::S_IFSOCK {
            syscall3(libc::SYS_unlinkat, here, path, 0);
        }
    }
}

/// Ends a connection that stays open as a descriptor: its other end is told.
pub fn shut_down(socket: &Descriptor) {
    // SAFETY: no memory is involved.
    unsafe {
        syscall2(
            libc::SYS_shutdown,
            socket.raw_fd(),
            libc::SHUT_RDWR as usize,
        )
    };
}

/// A blocking stream socket that children do not inherit.
pub(super) fn stream_socket(family: usize) -> Result<Descriptor, usize> {
    let kind = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC) as usize;
    // SAFETY: no memory is involved.
    let made = unsafe { syscall3(libc::SYS_socket, family, kind, 0) };
    Descriptor::from_ret(made).ok_or(made.unsigned_abs())
}

/// Sets an option of a socket. A failure costs only time.
///
/// # Safety
/// The value at `place` is valid for `length` bytes.
unsafe fn set_option(socket: &Descriptor, option: c_int, place: usize, length: usize) {
    let (level, option) = (libc::SOL_SOCKET as usize, option as usize);
    // SAFETY: the caller's contract.
    unsafe {
        syscall5(
            libc::SYS_setsockopt,
            socket.raw_fd(),
            level,
            option,
            place,
            length,
        )
    };
}
