//! The `bootstrap` executable: C entry point and panic handler, nothing else.
#![cfg_attr(not(test), no_std, no_main)]

tinderbox::main!(@program tinderbox::run_hosted_handler());
