//! The entry point of a program that is linked without C's start files.
//!
//! The kernel puts on the stack: the number of arguments, the arguments, a null, the environment, a
//! null (System V ABI, "Process Initialization"); and aligns the stack as a call requires.
//! Weak: where C's start file is linked too, its entry point is used.

use core::arch::global_asm;

unsafe extern "C" {
    /// Defined by [`main!`](crate::main). It does not return.
    fn main() -> core::ffi::c_int;
}

#[cfg(target_arch = "x86_64")]
global_asm!(
    ".section .text._start, \"ax\", @progbits",
    ".weak _start",
    "_start:",
    "mov rax, [rsp]",
    "lea rax, [rsp + rax * 8 + 16]",
    "mov [rip + {environ}], rax",
    "call {main}",
    ".text",
    environ = sym super::environment::ENVIRON,
    main = sym main,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".section .text._start, \"ax\", @progbits",
    ".weak _start",
    "_start:",
    "ldr x0, [sp]",
    "add x0, sp, x0, lsl #3",
    "add x0, x0, #16",
    "adrp x1, {environ}",
    "str x0, [x1, :lo12:{environ}]",
    "bl {main}",
    ".text",
    environ = sym super::environment::ENVIRON,
    main = sym main,
);
