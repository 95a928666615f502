//! The entry point, and system calls of up to three arguments: syscall(2), and the kernel's tables
//! of numbers.

use core::arch::{asm, global_asm};

#[cfg(target_arch = "x86_64")]
mod numbers {
    pub const READ: usize = 0;
    pub const WRITEV: usize = 20;
    pub const SOCKET: usize = 41;
    pub const CONNECT: usize = 42;
    pub const EXIT: usize = 60;
}

#[cfg(target_arch = "aarch64")]
mod numbers {
    pub const READ: usize = 63;
    pub const WRITEV: usize = 66;
    pub const EXIT: usize = 93;
    pub const SOCKET: usize = 198;
    pub const CONNECT: usize = 203;
}

pub use numbers::*;

// The kernel puts arguments and environment on the stack.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl _start",
    "_start:",
    "mov rdi, rsp",
    "call {start}",
    start = sym super::start,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl _start",
    "_start:",
    "mov x0, sp",
    "b {start}",
    start = sym super::start,
);

/// Makes a system call; the result is a negative errno on failure.
///
/// # Safety
///
/// As for the system call.
#[cfg(target_arch = "x86_64")]
pub unsafe fn call3(number: usize, a: usize, b: usize, c: usize) -> usize {
    let result;
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a, in("rsi") b, in("rdx") c,
            out("rcx") _, out("r11") _,
            options(nostack),
        );
    }
    result
}

/// Makes a system call; the result is a negative errno on failure.
///
/// # Safety
///
/// As for the system call.
#[cfg(target_arch = "aarch64")]
pub unsafe fn call3(number: usize, a: usize, b: usize, c: usize) -> usize {
    let result;
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a => result,
            in("x1") b, in("x2") c,
            options(nostack),
        );
    }
    result
}
