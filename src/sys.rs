//! The system-call layer: every system call, every call of libc and every `unsafe` block of the
//! runtime.
//!
//! Its callers use slices, plain integers and owned descriptors. No function here formats or
//! resolves names, and none but `Heap` allocates. A send or receive that a signal interrupts is
//! restarted; a wait or a sleep returns early, and its caller looks again.
#![allow(unsafe_code)]

mod arguments;
mod atomic_fn;
#[cfg(feature = "web")]
pub mod beneath;
mod calls;
pub mod child;
mod environment;
mod envp;
pub mod files;
#[cfg(feature = "web")]
pub mod folders;
mod guard;
#[cfg(all(feature = "json", not(feature = "std")))]
mod heap;
pub mod ipc;
#[cfg(feature = "web")]
pub mod listener;
mod log_output;
mod pause;
pub mod process;
pub mod signals;
#[cfg(feature = "web")]
pub mod sockets;
#[cfg(feature = "bare-start")]
mod start;

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::marker::PhantomData;
use core::mem::size_of;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use crate::wire::slice_or_empty;
use calls::{syscall1, syscall2, syscall3, syscall5, syscall6};

pub use arguments::Arguments;
pub use atomic_fn::AtomicFn;
pub use environment::{Environment, set_trace_id, unset};
#[cfg(all(feature = "json", not(feature = "std")))]
pub use heap::Heap;
pub use log_output::{ignore_sigpipe, set_log_deadline};
pub use log_output::{write_error_line, write_log};
pub use pause::Pause;

// A freestanding program links only what it names.
#[cfg(target_env = "musl")]
#[link(name = "c", kind = "static", modifiers = "-bundle")]
unsafe extern "C" {}

/// Static memory that can be taken once.
#[repr(C)] // the flag first: the pages at the end of a large value may never be touched
pub struct TakeOnce<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only through the one reference that `take` returns, on whichever
// thread; `T: Send` allows that reference to move there.
unsafe impl<T: Send> Sync for TakeOnce<T> {}

impl<T> TakeOnce<T> {
    /// Not taken.
    pub const fn new(value: T) -> TakeOnce<T> {
        TakeOnce {
            taken: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// The value, for the first caller.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)] // the flag makes it the only reference
    pub fn take(&'static self) -> Option<&'static mut T> {
        let value = take_once(&self.taken, self.value.get().cast());
        // SAFETY: the flag admits one caller in the life of the process.
        unsafe { value.cast::<T>().as_mut() }
    }
}

/// The pointer, for the first caller; else null. One function for values of all types, whose result
/// is in a register: accesses through it are shorter than through an address.
#[inline(never)]
fn take_once(taken: &AtomicBool, value: *mut u8) -> *mut u8 {
    if taken.swap(true, Ordering::AcqRel) {
        return null_mut();
    }
    value
}

/// A slot through which one owner hands a value to another, so that it has one owner at a time: see
/// `session` and `shutdown`.
pub struct Handoff<T: 'static>(AtomicPtr<T>, PhantomData<&'static mut T>);

impl<T: Send> Handoff<T> {
    /// Empty.
    pub const fn new() -> Handoff<T> {
        Handoff(AtomicPtr::new(null_mut()), PhantomData)
    }

    /// Stores a value; the next taker owns it exclusively.
    pub fn put(&self, value: &'static mut T) {
        self.0.store(value, Ordering::Release);
    }

    /// Takes the value, if there is one.
    pub fn take(&self) -> Option<&'static mut T> {
        let value = self.0.swap(null_mut(), Ordering::AcqRel);
        // SAFETY: the pointer came from the `&'static mut` given to `put`, and the swap gives it to
        // one taker only; `T: Send`, so the taker may be another thread.
        unsafe { value.as_mut() }
    }
}

/// Copies bytes in ascending order.
///
/// # Safety
/// - `from` is valid for reads of `count` bytes, and `to` for writes.
/// - Where they overlap, `to` lies before `from`.
#[inline(always)]
unsafe fn copy_forwards(from: *const u8, to: *mut u8, count: usize) {
    // musl's memcpy does the same in 80 bytes, and through the global offset table.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: the caller's contract; the direction flag is clear (System V ABI, "Registers").
    unsafe {
        core::arch::asm!("rep movsb", inout("rcx") count => _, inout("rsi") from => _,
            inout("rdi") to => _, options(nostack, preserves_flags));
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    // SAFETY: the caller's contract; no word that was written is read later.
    unsafe {
        // Word by word: C's memmove, which nothing else needs, takes 296 bytes.
        let mut done = 0;
        while count - done >= size_of::<u64>() {
            let word = from.add(done).cast::<u64>().read_unaligned();
            to.add(done).cast::<u64>().write_unaligned(word);
            done += size_of::<u64>();
        }
        while done < count {
            to.add(done).write(from.add(done).read());
            done += 1;
        }
    }
}

/// Copies bytes.
///
/// # Safety
/// `from` is valid for reads of `count` bytes, and `to` for writes; they do not overlap.
#[inline(always)]
unsafe fn copy_apart(from: *const u8, to: *mut u8, count: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        copy_forwards(from, to, count);
        #[cfg(not(target_arch = "x86_64"))]
        from.copy_to_nonoverlapping(to, count);
    }
}

/// Copies as much of `from` as fits into `to`. Returns the number of bytes.
pub fn copy_prefix(to: &mut [u8], from: &[u8]) -> usize {
    let count = to.len().min(from.len());
    // SAFETY: both are valid for `count` bytes, and a `&mut` overlaps no other reference.
    unsafe { copy_apart(from.as_ptr(), to.as_mut_ptr(), count) };
    count
}

/// Moves `count` bytes down, from offset `from` to offset `to`. Does nothing unless `to < from` and
/// all of them lie in `bytes`.
#[inline(never)]
pub fn move_down(bytes: &mut [u8], from: usize, to: usize, count: usize) {
    if to < from && from <= bytes.len() && count <= bytes.len() - from {
        let start = bytes.as_mut_ptr();
        // SAFETY: `from + count <= len`, and `to < from`; both ranges are in one slice.
        unsafe { copy_forwards(start.add(from), start.add(to), count) };
    }
}

/// Returns the pages after the first `keep` bytes to the kernel; they read as zeros afterwards.
pub fn release_pages(bytes: &mut [u8], keep: usize) {
    const PAGE: usize = 4096; // a kernel with larger pages refuses the call, which does no harm
    let retained = keep.min(bytes.len());
    let start = (bytes.as_ptr() as usize).wrapping_add(retained + PAGE - 1) & !(PAGE - 1);
    let end = (bytes.as_ptr() as usize).wrapping_add(bytes.len()) & !(PAGE - 1);
    if start < end {
        let advice = libc::MADV_DONTNEED as usize;
        // SAFETY: whole pages of a slice that is borrowed mutably, and zeros are valid bytes.
        unsafe { syscall3(libc::SYS_madvise, start, end - start, advice) };
    }
}

/// The number of parts that [`Descriptor::send_parts`] takes.
const PARTS: usize = 4;

const INTERRUPTED: isize = -(libc::EINTR as isize);

/// Exits. With std, buffered output is flushed first.
pub fn exit(code: i32) -> ! {
    #[cfg(feature = "std")]
    std::process::exit(code);
    #[cfg(not(feature = "std"))]
    loop {
        // SAFETY: no memory is involved.
        unsafe { syscall1(libc::SYS_exit_group, code as usize) };
    }
}

/// The highest of the standard descriptors 0, 1 and 2.
const STANDARD_MAX: usize = 2;

/// The address of a TCP server: the bytes of a sockaddr_in or a sockaddr_in6 (ip(7), ipv6(7)). The
/// family is in the first byte: no number of a family is larger, and both processors are
/// little-endian.
pub struct SocketAddress(pub [u8; size_of::<libc::sockaddr_in6>()]);

impl SocketAddress {
    /// The family of IPv4.
    pub const IPV4: u8 = libc::AF_INET as u8;
    /// The family of IPv6.
    pub const IPV6: u8 = libc::AF_INET6 as u8;
}

/// An owned file descriptor, closed when dropped.
pub struct Descriptor(c_int);

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: owned, and not used again.
        unsafe { syscall1(libc::SYS_close, self.0 as usize) };
    }
}

impl Descriptor {
    /// From the result of a system call that opens a descriptor; `None` if it failed.
    fn from_ret(ret: isize) -> Option<Descriptor> {
        (ret >= 0).then(|| Descriptor(ret as c_int))
    }

    /// The number of the descriptor.
    pub fn raw_fd(&self) -> usize {
        self.0 as usize
    }

    /// A blocking TCP connection, or the errno of the failure.
    pub fn connect(to: &SocketAddress) -> Result<Descriptor, usize> {
        let kind = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC) as usize;
        let [family, ..] = to.0;
        // SAFETY: no memory is involved.
        let mut result = unsafe { syscall3(libc::SYS_socket, family.into(), kind, 0) };
        let mut socket = Descriptor(result as c_int);
        // With the number of a closed standard descriptor, the socket would receive the log.
        if result as usize <= STANDARD_MAX {
            let (copy, least) = (libc::F_DUPFD_CLOEXEC as usize, STANDARD_MAX + 1);
            // SAFETY: as above.
            result = unsafe { syscall3(libc::SYS_fcntl, result as usize, copy, least) };
            socket = Descriptor(result as c_int); // the previous one is closed
        }
        if result >= 0 {
            // The length of the longer one: it may be more than that of the family.
            let (place, length) = (to.0.as_ptr() as usize, to.0.len());
            // SAFETY: the address is valid for its length.
            result = unsafe { syscall3(libc::SYS_connect, socket.0 as usize, place, length) };
        }
        // An interrupted connect continues in the kernel, and a send waits for it.
        if result >= 0 || result == INTERRUPTED {
            Ok(socket)
        } else {
            Err(result.unsigned_abs())
        }
    }

    /// Disables Nagle's algorithm (TCP_NODELAY). A failure costs only time.
    pub fn set_nodelay(&self) {
        let on: c_int = 1;
        let (level, option) = (libc::IPPROTO_TCP as usize, libc::TCP_NODELAY as usize);
        let (value, length) = (&raw const on as usize, size_of::<c_int>());
        // SAFETY: the option is valid for its length.
        unsafe {
            syscall5(
                libc::SYS_setsockopt,
                self.0 as usize,
                level,
                option,
                value,
                length,
            )
        };
    }

    /// Sends all of `bytes`. False: the connection has failed; bytes that have arrived can still be
    /// read, then it is at its end.
    #[inline(never)]
    pub fn send(&self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            // A closed connection is an error, not a SIGPIPE.
            let flags = libc::MSG_NOSIGNAL as usize;
            let (start, length) = (rest.as_ptr() as usize, rest.len());
            // SAFETY: valid for its length.
            let sent = unsafe {
                syscall6(
                    libc::SYS_sendto,
                    self.0 as usize,
                    start,
                    length,
                    flags,
                    0,
                    0,
                )
            };
            match sent {
                0.. => rest = slice_or_empty(rest, sent as usize, rest.len()),
                INTERRUPTED => {}
                _ => return self.shut_down_reading(),
            }
        }
        true
    }

    /// Sends all parts in order, in as few calls as possible. False: as for `send`.
    pub fn send_parts(&self, parts: [&[u8]; PARTS]) -> bool {
        let mut pieces = parts.map(|bytes| libc::iovec {
            iov_base: bytes.as_ptr().cast_mut().cast(),
            iov_len: bytes.len(),
        });
        let mut left: usize = parts.iter().map(|bytes| bytes.len()).sum();
        while left > 0 {
            let mut message = core::mem::MaybeUninit::<libc::msghdr>::zeroed();
            // SAFETY: all zeros are a valid msghdr.
            let place = unsafe {
                let message = message.assume_init_mut();
                message.msg_iov = pieces.as_mut_ptr();
                message.msg_iovlen = PARTS as _;
                &raw const *message as usize
            };
            let flags = libc::MSG_NOSIGNAL as usize;
            // SAFETY: the message, and the memory that it points to, are valid for their lengths.
            let sent = unsafe { syscall3(libc::SYS_sendmsg, self.0 as usize, place, flags) };
            if sent < 0 && sent != INTERRUPTED {
                return self.shut_down_reading();
            }
            let mut sent = sent.max(0) as usize;
            left = left.saturating_sub(sent);
            for piece in &mut pieces {
                let count = sent.min(piece.iov_len);
                piece.iov_base = piece.iov_base.wrapping_byte_add(count);
                piece.iov_len -= count;
                sent -= count;
            }
        }
        true
    }

    /// After a failed send the connection may still be open (ENOBUFS, ENOMEM): the server then
    /// waits for the rest of the request, and never replies. So reading is shut down: what has
    /// arrived can be read, followed by the end of the stream (shutdown(2); Linux drains the
    /// receive queue first).
    #[inline(always)]
    fn shut_down_reading(&self) -> bool {
        let how = libc::SHUT_RD as usize;
        // SAFETY: no memory is involved.
        unsafe { syscall2(libc::SYS_shutdown, self.0 as usize, how) };
        false
    }

    /// Reads available bytes; blocks until there are some. 0: the end of the stream, an error, or
    /// an empty `buf`.
    pub fn read(&self, buf: &mut [u8]) -> usize {
        loop {
            let (start, length) = (buf.as_mut_ptr() as usize, buf.len());
            // SAFETY: valid for its length.
            let got = unsafe { syscall3(libc::SYS_read, self.0 as usize, start, length) };
            if got != INTERRUPTED {
                return got.max(0) as usize;
            }
        }
    }
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    clock_us(libc::CLOCK_REALTIME) / 1000
}

/// Microseconds since the Unix epoch.
pub fn now_us() -> u64 {
    clock_us(libc::CLOCK_REALTIME)
}

/// Milliseconds on the monotonic clock, which cannot be set.
pub fn monotonic_ms() -> u64 {
    clock_us(libc::CLOCK_MONOTONIC) / 1000
}

/// Sleeps for `time_ms`, or until a signal.
pub fn sleep(time_ms: u64) {
    ipc::poll([None; _], ipc::Direction::Read, Some(time_ms));
}

fn clock_us(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let place = &raw mut time as usize;
    // Not through libc: its use of the vDSO takes 700 bytes.
    // SAFETY: valid for writes.
    unsafe { syscall2(libc::SYS_clock_gettime, clock as usize, place) };
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000
}

#[cfg(test)]
mod tests;
