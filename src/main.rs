//! The `bootstrap` executable: C entry point and panic handler, nothing else.
#![cfg_attr(not(test), no_std)]
#![cfg_attr(not(test), no_main)]

#[cfg(not(test))]
tinderbox::main!(@program tinderbox::host::run());
