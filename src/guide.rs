//! The guide, in more detail than the README. Each chapter is a file of `src/guide`.
//!
//! Start with the chapter for your language: [Rust](rust), [PHP](php), [Node](node),
//! [Python](python), [Ruby](ruby) (and [all four](php_node_python_ruby)), or
//! [shell and programs](shell_and_programs); for web applications with [their own](web), and with
//! [PHP's](php_web).

// A chapter's links to others are relative, for readers of the files. Here they lead to modules: of
// two definitions of a link the first one counts (CommonMark, 4.7).
macro_rules! chapters {
    ($($(#[$attribute:meta])* $name:ident)*) => {$(
        $(#[$attribute])*
        #[doc = "[local_lambda]: crate::guide::local_lambda"]
        #[doc = "[measure]: crate::guide::measure"]
        #[doc = "[node]: crate::guide::node"]
        #[doc = "[numbers]: crate::guide::numbers"]
        #[doc = "[package]: crate::guide::package"]
        #[doc = "[php]: crate::guide::php"]
        #[doc = "[php_node_python_ruby]: crate::guide::php_node_python_ruby"]
        #[doc = "[php_web]: crate::guide::php_web"]
        #[doc = "[python]: crate::guide::python"]
        #[doc = "[ruby]: crate::guide::ruby"]
        #[doc = "[shell_and_programs]: crate::guide::shell_and_programs"]
        #[doc = "[web]: crate::guide::web"]
        #[doc = "[worker_protocol]: crate::guide::worker_protocol"]
        #[doc = ""]
        #[doc = include_str!(concat!("guide/", stringify!($name), ".md"))]
        pub mod $name {}
    )*};
}

chapters! {
    // Its programs have std and take JSON.
    #[cfg(any(not(doctest), all(feature = "std", feature = "json")))]
    rust
    shell_and_programs
    php_node_python_ruby
    php
    php_web
    web
    node
    python
    ruby
    worker_protocol
    local_lambda
    measure
    package
    numbers
    limits_and_exit_codes
    contributing
    not_tested
}
