//! The workers for PHP, Node, Python and Ruby, and the one of the README, in their interpreters: a
//! driver holds the other end of descriptor 3 and does what the runtime does.

#[path = "shims/answers.rs"]
mod answers;
#[path = "shims/any.rs"]
mod any;
#[path = "shims/driver.rs"]
mod driver;
#[path = "shims/ends.rs"]
mod ends;
#[path = "shims/node.rs"]
mod node;
#[path = "shims/odd.rs"]
mod odd;
#[path = "shims/own.rs"]
mod own;
#[path = "../src/host/shims.rs"]
mod shims;
#[path = "shims/steady.rs"]
mod steady;
mod support;
#[path = "shims/thinned.rs"]
mod thinned;
#[path = "shims/trace.rs"]
mod trace;

use support::skip;

/// Each test for each of the languages: a module a language, a test a name.
#[macro_export]
macro_rules! for_each_language {
    ($($test:ident)*) => {
        $crate::for_language!(php Php $($test)*);
        $crate::for_language!(node Node $($test)*);
        $crate::for_language!(python Python $($test)*);
        $crate::for_language!(ruby Ruby $($test)*);
    };
}

/// Each test for one of them.
#[macro_export]
macro_rules! for_language {
    ($module:ident $language:ident $($test:ident)*) => {
        mod $module {
            $(#[test]
            fn $test() {
                if $crate::driver::Language::$language.is_here() {
                    super::$test($crate::driver::Language::$language);
                }
            })*
        }
    };
}
