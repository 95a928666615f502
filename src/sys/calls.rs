//! Raw system calls: libc's wrappers take 600 bytes, and set `errno`, a thread-local variable,
//! which a program without C's start does not have.
//!
//! One function per number of arguments: a register that a call does not read is not set.

use core::ffi::c_long;

/// Defines the function for a number of arguments, with the registers that pass them.
macro_rules! system_call {
    ($name:ident, $first:ident $(, $argument:ident: $x86_64:tt $aarch64:tt)*) => {
        /// A system call with this number of arguments. Returns its result, or the negated errno.
        ///
        /// # Safety
        /// The arguments have to be as the call's manual page requires.
        #[inline(always)]
        pub(super) unsafe fn $name(number: c_long, $first: usize $(, $argument: usize)*) -> isize {
            let result: isize;
            // SAFETY: the kernel's calling convention: syscall(2), "Architecture calling
            // conventions".
            unsafe {
                #[cfg(target_arch = "x86_64")]
                core::arch::asm!("syscall", inlateout("rax") number as isize => result,
                    in("rdi") $first, $(in($x86_64) $argument,)*
                    lateout("rcx") _, lateout("r11") _, options(nostack));
                #[cfg(target_arch = "aarch64")]
                core::arch::asm!("svc 0", in("x8") number, inlateout("x0") $first => result,
                    $(in($aarch64) $argument,)* options(nostack));
            }
            result
        }
    };
}

system_call!(syscall1, a);
system_call!(syscall2, a, b: "rsi" "x1");
system_call!(syscall3, a, b: "rsi" "x1", c: "rdx" "x2");
system_call!(syscall4, a, b: "rsi" "x1", c: "rdx" "x2", d: "r10" "x3");
system_call!(syscall5, a, b: "rsi" "x1", c: "rdx" "x2", d: "r10" "x3", e: "r8" "x4");
system_call!(syscall6, a, b: "rsi" "x1", c: "rdx" "x2", d: "r10" "x3", e: "r8" "x4", f: "r9" "x5");
