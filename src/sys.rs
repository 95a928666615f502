//! The door to the system: every call into libc, and every `unsafe`, of the runtime.
//!
//! Above it there are slices, plain integers and owned descriptors. No call here allocates, formats
//! or resolves names. A call that is interrupted by a signal is made again.
#![allow(unsafe_code)]

mod atomic_fn;
mod calls;
pub mod child;
mod environment;
mod envp;
pub mod files;
mod guard;
#[cfg(all(feature = "json", not(feature = "std")))]
mod heap;
pub mod ipc;
mod log_output;
mod pause;
pub mod pool;
#[cfg(feature = "bare-start")]
mod start;

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::marker::PhantomData;
use core::mem::size_of;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use crate::wire::part;
use calls::{call1, call2, call3, call5, call6};

pub use atomic_fn::AtomicFn;
pub use environment::{Environment, forget, set_trace_id};
#[cfg(all(feature = "json", not(feature = "std")))]
pub use heap::Heap;
pub use log_output::{ignore_sigpipe, set_log_deadline};
pub use log_output::{write_error_line, write_log};
pub use pause::Pause;

// A freestanding program links nothing that it does not ask for.
#[cfg(target_env = "musl")]
#[link(name = "c", kind = "static", modifiers = "-bundle")]
unsafe extern "C" {}

/// Memory that is handed out once.
#[repr(C)] // the flag first: the end of a large region may never be touched
pub struct TakeOnce<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached through the one reference that `take` hands out, whichever thread
// has it; `T: Send` lets that reference travel.
unsafe impl<T: Send> Sync for TakeOnce<T> {}

impl<T> TakeOnce<T> {
    /// A region that nobody has taken.
    pub const fn new(value: T) -> TakeOnce<T> {
        TakeOnce {
            taken: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// The value, for whoever asks first.
    #[inline(never)] // what is reached through a register takes fewer bytes than an address
    #[allow(clippy::mut_from_ref)] // the flag sees to it that it is the only one
    pub fn take(&'static self) -> Option<&'static mut T> {
        if self.taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        // SAFETY: the flag lets one caller through, ever.
        Some(unsafe { &mut *self.value.get() })
    }
}

/// A place where one owner leaves a value for another: the loop leaves what a panic would need.
pub struct Handoff<T: 'static>(AtomicPtr<T>, PhantomData<&'static mut T>);

impl<T: Send> Handoff<T> {
    /// An empty slot.
    pub const fn new() -> Handoff<T> {
        Handoff(AtomicPtr::new(null_mut()), PhantomData)
    }

    /// Leaves a value; whoever takes it has it alone.
    pub fn put(&self, value: &'static mut T) {
        self.0.store(value, Ordering::Release);
    }

    /// Takes what was left.
    pub fn take(&self) -> Option<&'static mut T> {
        let value = self.0.swap(null_mut(), Ordering::AcqRel);
        // SAFETY: it came from the `&'static mut` given to `put`, and the swap lets one taker have
        // it; `T: Send`, so the taker may be another thread.
        unsafe { value.as_mut() }
    }
}

/// Copies bytes, the first one first.
///
/// # Safety
/// - `from` is valid for reading `count` bytes, and `to` for writing them.
/// - Where they overlap, `to` lies before `from`.
#[inline(always)]
unsafe fn copy_forwards(from: *const u8, to: *mut u8, count: usize) {
    // What C's memcpy does in 80 bytes, and by way of a table of addresses.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: as asked for; the direction is up (System V ABI, "Registers").
    unsafe {
        core::arch::asm!("rep movsb", inout("rcx") count => _, inout("rsi") from => _,
            inout("rdi") to => _, options(nostack, preserves_flags));
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    // SAFETY: as asked for.
    unsafe {
        from.copy_to(to, count);
    }
}

/// Copies as much of `from` as `to` has room for, and returns how much.
pub fn copy(to: &mut [u8], from: &[u8]) -> usize {
    let count = to.len().min(from.len());
    // SAFETY: both are valid for `count` bytes, and a `&mut` overlaps nothing.
    unsafe { copy_forwards(from.as_ptr(), to.as_mut_ptr(), count) };
    count
}

/// Moves `count` bytes down, from `from` to `to`. Does nothing unless `to <= from` and all of it
/// lies in `bytes`.
#[inline(never)]
pub fn move_down(bytes: &mut [u8], from: usize, to: usize, count: usize) {
    if to < from && from <= bytes.len() && count <= bytes.len() - from {
        let start = bytes.as_mut_ptr();
        // SAFETY: `from + count <= len`, and `to < from`; both ends are in one slice.
        unsafe { copy_forwards(start.add(from), start.add(to), count) };
    }
}

/// Returns the pages behind the first `keep` bytes to the kernel; they read as zeros afterwards.
pub fn release_pages(bytes: &mut [u8], keep: usize) {
    const PAGE: usize = 4096; // were the kernel's larger, it would refuse, and nothing be lost
    let kept = keep.min(bytes.len());
    let start = (bytes.as_ptr() as usize).wrapping_add(kept + PAGE - 1) & !(PAGE - 1);
    let end = (bytes.as_ptr() as usize).wrapping_add(bytes.len()) & !(PAGE - 1);
    if start < end {
        let advice = libc::MADV_DONTNEED as usize;
        // SAFETY: whole pages of a slice that we hold for writing, and zeros are valid bytes.
        unsafe { call3(libc::SYS_madvise, start, end - start, advice) };
    }
}

/// What [`Descriptor::send_parts`] sends at once.
const PARTS: usize = 4;

const INTERRUPTED: isize = -(libc::EINTR as isize);

/// Ends the process. With std, what is buffered is written out before.
pub fn exit(code: i32) -> ! {
    #[cfg(feature = "std")]
    std::process::exit(code);
    #[cfg(not(feature = "std"))]
    loop {
        // SAFETY: no memory is involved.
        unsafe { call1(libc::SYS_exit_group, code as usize) };
    }
}

/// The last of the standard descriptors: 0, 1 and 2.
const STANDARD_MAX: usize = 2;

/// A descriptor that is closed when it is dropped.
pub struct Descriptor(c_int);

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: ours, and not used again.
        unsafe { call1(libc::SYS_close, self.0 as usize) };
    }
}

impl Descriptor {
    /// What a system call has opened; `None` where it has failed.
    fn of(number: isize) -> Option<Descriptor> {
        (number >= 0).then(|| Descriptor(number as c_int))
    }

    /// Its number.
    pub fn number(&self) -> usize {
        self.0 as usize
    }

    /// A blocking TCP connection to an IPv4 address; `None` when nobody listens there.
    pub fn connect(address: [u8; 4], port: u16) -> Option<Descriptor> {
        let place = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: port.to_be(),
            sin_addr: libc::in_addr {
                s_addr: u32::from_ne_bytes(address),
            },
            sin_zero: [0; 8],
        };
        let kind = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC) as usize;
        // SAFETY: no memory is involved.
        let number = unsafe { call3(libc::SYS_socket, libc::AF_INET as usize, kind, 0) };
        // What has failed has a negative number, which connect(2) refuses.
        let mut socket = Descriptor(number as c_int);
        // With the number of a standard descriptor that was closed, it would get what is logged.
        if number as usize <= STANDARD_MAX {
            let (copy, least) = (libc::F_DUPFD_CLOEXEC as usize, STANDARD_MAX + 1);
            // SAFETY: as above.
            let number = unsafe { call3(libc::SYS_fcntl, number as usize, copy, least) };
            socket = Descriptor(number as c_int); // and the one before is closed
        }
        let (place, length) = (&raw const place as usize, size_of::<libc::sockaddr_in>());
        // SAFETY: the address is valid for the length given.
        let done = unsafe { call3(libc::SYS_connect, socket.0 as usize, place, length) };
        // An interrupted connect goes on by itself, and a send waits for it.
        (done >= 0 || done == INTERRUPTED).then_some(socket)
    }

    /// Sends small writes at once (TCP_NODELAY). A failure costs time alone.
    pub fn set_nodelay(&self) {
        let on: c_int = 1;
        let (level, option) = (libc::IPPROTO_TCP as usize, libc::TCP_NODELAY as usize);
        let (value, length) = (&raw const on as usize, size_of::<c_int>());
        // SAFETY: the option is valid for the length given.
        unsafe {
            call5(
                libc::SYS_setsockopt,
                self.0 as usize,
                level,
                option,
                value,
                length,
            )
        };
    }

    /// Sends all of `bytes`. False: the connection is of no use any more; what has arrived over it
    /// can be read, and nothing else is waited for.
    #[inline(never)]
    pub fn send(&self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            // A closed connection is an error here, no signal.
            let flags = libc::MSG_NOSIGNAL as usize;
            let (start, length) = (rest.as_ptr() as usize, rest.len());
            // SAFETY: valid for the length given.
            let sent = unsafe {
                call6(
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
                0.. => rest = part(rest, sent as usize, rest.len()),
                INTERRUPTED => {}
                _ => return self.give_up(),
            }
        }
        true
    }

    /// Sends all parts, one behind the other, in as few calls as may be. False: as for `send`.
    pub fn send_parts(&self, parts: [&[u8]; PARTS]) -> bool {
        let mut pieces = parts.map(|bytes| libc::iovec {
            iov_base: bytes.as_ptr().cast_mut().cast(),
            iov_len: bytes.len(),
        });
        let mut left: usize = parts.iter().map(|bytes| bytes.len()).sum();
        while left > 0 {
            let mut message = core::mem::MaybeUninit::<libc::msghdr>::zeroed();
            // SAFETY: zeros are a message; its fields are ours to set.
            let place = unsafe {
                let message = message.assume_init_mut();
                message.msg_iov = pieces.as_mut_ptr();
                message.msg_iovlen = PARTS as _;
                &raw const *message as usize
            };
            let flags = libc::MSG_NOSIGNAL as usize;
            // SAFETY: the message and what it points to are valid for the lengths given.
            let sent = unsafe { call3(libc::SYS_sendmsg, self.0 as usize, place, flags) };
            if sent < 0 && sent != INTERRUPTED {
                return self.give_up();
            }
            let mut sent = sent.max(0) as usize;
            left = left.saturating_sub(sent);
            for piece in &mut pieces {
                let of_this = sent.min(piece.iov_len);
                piece.iov_base = piece.iov_base.wrapping_byte_add(of_this);
                piece.iov_len -= of_this;
                sent -= of_this;
            }
        }
        true
    }

    /// After a send that failed. The connection may live all the same (ENOBUFS, ENOMEM): then the
    /// server waits for the rest of the request, and a reply to it never comes. So what has arrived
    /// can still be read, and behind it there is an end (shutdown(2); Linux reads the queue of a
    /// socket before it looks whether that was shut down).
    #[inline(always)]
    fn give_up(&self) -> bool {
        let how = libc::SHUT_RD as usize;
        // SAFETY: no memory is involved.
        unsafe { call2(libc::SYS_shutdown, self.0 as usize, how) };
        false
    }

    /// Waits for bytes, for as long as it takes. 0: the connection is gone, or there is no room.
    pub fn receive(&self, room: &mut [u8]) -> usize {
        loop {
            let (start, length) = (room.as_mut_ptr() as usize, room.len());
            // SAFETY: valid for the length given.
            let got = unsafe { call3(libc::SYS_read, self.0 as usize, start, length) };
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

/// Milliseconds on a clock that nobody sets.
pub fn monotonic_ms() -> u64 {
    clock_us(libc::CLOCK_MONOTONIC) / 1000
}

/// Does nothing for so many milliseconds, or until a signal.
pub fn sleep(time_ms: u64) {
    ipc::wait_for([None; _], false, Some(time_ms));
}

fn clock_us(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let place = &raw mut time as usize;
    // Not through libc, which brings along 700 bytes that read the kernel's vdso.
    // SAFETY: valid for writing.
    unsafe { call2(libc::SYS_clock_gettime, clock as usize, place) };
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000
}

#[cfg(test)]
mod tests;
