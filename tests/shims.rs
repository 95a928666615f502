//! The embedded workers for PHP, Node, Python and Ruby, and the worker of the guide, in their
//! interpreters: a driver has the other end of descriptor 3 and acts as the runtime.

#[path = "shims/answers.rs"]
mod answers;
#[path = "shims/any.rs"]
mod any;
#[path = "shims/bref.rs"]
mod bref;
#[path = "shims/context.rs"]
mod context;
#[path = "shims/driver.rs"]
mod driver;
#[path = "shims/ends.rs"]
mod ends;
#[path = "shims/minified.rs"]
mod minified;
#[path = "shims/node.rs"]
mod node;
#[path = "shims/node_runtime.rs"]
mod node_runtime;
#[path = "shims/odd.rs"]
mod odd;
#[path = "shims/own.rs"]
mod own;
#[path = "shims/python.rs"]
mod python;
#[path = "shims/python_logs.rs"]
mod python_logs;
#[path = "shims/ruby.rs"]
mod ruby;
#[path = "../src/host/shims.rs"]
mod shims;
#[path = "shims/steady.rs"]
mod steady;
mod support;
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

/// Makes each test for one language.
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
