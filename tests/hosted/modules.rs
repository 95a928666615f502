//! Handlers that are no file of the task root: packages, and modules of vendor folders and layers.
//! Their language gets the whole target, without a name.
//!
//! The interpreters are workers that answer with their last two arguments. A layer is a folder that
//! is mounted at `/opt`, which needs root.

use std::path::Path;

use crate::kinds::{HostedRun, started};
use crate::odd::started_by_shell;
use crate::resolve::{answer_and_line, refused, root};
use crate::skip::{has, skip};
use crate::support::api::Script;
use crate::support::hosting::{error_type, events, response};
use crate::support::start::Start;
use crate::support::{TempDir, runner};

fn chosen(files: &[&str], handler: &str) -> String {
    answer_and_line(files, handler).0
}

#[test]
fn package_of_python_is_handed_over_whole() {
    if !has("perl") {
        return;
    }
    for (files, handler) in [
        (&["service/api/handlers.py"][..], "service.api.handlers.get"),
        (&["service/api/handlers.py"], "service/api.handlers.get"),
        (&["pkg/__init__.py"], "pkg.handler"),
        (&["a/pkg/__init__.py"], "a/pkg.handler"),
        (&["a/pkg/__init__.py"], "a.pkg.handler"),
        (&["x.pyc"], "x.handler"),
        (&["a/x.so"], "a.x.handler"),
        // A package comes before a file with a shorter name.
        (&["a/b.py", "a.py"], "a.b.handler"),
    ] {
        println!("{files:?} {handler}");
        assert_eq!(chosen(files, handler), format!("python3 {handler} "));
        let with_kind = format!("python:{handler}");
        assert_eq!(chosen(files, &with_kind), format!("python3 {handler} "));
    }
    let arch = match runner() {
        Some(_) => "aarch64", // that of the runtime, not of the tests
        None => std::env::consts::ARCH,
    };
    let abi = format!("x.cpython-313-{arch}-linux-gnu.so");
    assert_eq!(chosen(&[&abi], "x.handler"), "python3 x.handler ");
    // Plain files come first.
    assert_eq!(chosen(&["a/b.py"], "a/b.c"), "python3 a/b.py c");
    assert_eq!(chosen(&["a.b.js", "a/b.py"], "a.b.c"), "node a.b.js c");
}

#[test]
fn module_of_node_is_handed_over_whole() {
    if !has("perl") {
        return;
    }
    for (files, handler) in [
        (&["handlers/foo/index.js"][..], "handlers/foo.handler"),
        (&["foo/package.json"], "foo.handler"),
        (&["index"], "index.handler"),
        (&["node_modules/wrapper/index.js"], "wrapper.handler"),
        (&["node_modules/wrapper.js"], "wrapper.handler"),
        (&["node_modules/@scope/pkg/x.js"], "@scope/pkg/x.handler"),
        (&["node_modules/pkg/dist/x.cjs"], "pkg/dist/x.a.b"),
        (&["node_modules/big.js/big.js"], "big.js/big.handler"),
    ] {
        println!("{files:?} {handler}");
        assert_eq!(chosen(files, handler), format!("node {handler} "));
    }
}

#[test]
fn kind_given_or_class_of_php_is_handed_over_whole() {
    if !has("perl") {
        return;
    }
    for (handler, answer) in [
        ("node:pkg/x.handler", "node pkg/x.handler "),
        ("ruby:x.A::b.c", "ruby x.A::b.c "),
        ("python:./a.handler", "python3 a.handler "),
        ("python:/nowhere/a.handler", "python3 /nowhere/a.handler "),
        ("App\\MyHandler", "php App\\MyHandler "),
        ("php:App\\MyHandler", "php App\\MyHandler "),
    ] {
        assert_eq!(chosen(&[], handler), answer);
    }
    let vendored = ["vendor/bundle/ruby/3.3.0/gems/wrapper-1.0/lib/wrapper.rb"];
    assert_eq!(
        chosen(&vendored, "wrapper.Wrapper.run"),
        "ruby wrapper.Wrapper.run "
    );
}

/// The answer of a handler with these files of a layer.
fn in_layer(files: &[&str], handler: &str) -> String {
    let (dir, opt) = (root(&[]), TempDir::new());
    for name in files {
        opt.file(name, b"");
    }
    let mounted = format!("mount --bind {} /opt", opt.path().display());
    let line = format!("exec unshare -m sh -c '{mounted} && exec \"$@\"' sh \"$@\"");
    let start = started(&dir, handler);
    let outcome = started_by_shell(HostedRun { dir, start }, &line).run(&events(["event"]));
    let body = response(outcome.assert_serving(), "event-0").to_vec();
    String::from_utf8_lossy(&body).into_owned()
}

/// Whether `/opt` can be replaced.
fn can_mount() -> bool {
    let mut command = std::process::Command::new("unshare");
    let can = command.args(["-m", "true"]).output();
    let can = can.is_ok_and(|output| output.status.success()) && Path::new("/opt").is_dir();
    if !can {
        skip("mounting a folder at /opt needs root");
    }
    can
}

#[test]
fn module_of_a_layer_is_handed_to_its_language() {
    if !has("perl") || !can_mount() {
        return;
    }
    for (file, handler, answer) in [
        (
            "nodejs/node_modules/newrelic-lambda-wrapper/index.js",
            "newrelic-lambda-wrapper.handler",
            "node",
        ),
        ("nodejs/node_modules/@a/b/c.js", "@a/b/c.handler", "node"),
        ("nodejs/node22/node_modules/w/index.js", "w.handler", "node"),
        (
            "python/otel_wrapper.py",
            "otel_wrapper.lambda_handler",
            "python3",
        ),
        (
            "python/datadog_lambda/handler.py",
            "datadog_lambda.handler.handler",
            "python3",
        ),
        (
            "python/lib/python3.12/site-packages/w/__init__.py",
            "w.handler",
            "python3",
        ),
        ("ruby/lib/wrap.rb", "wrap.handler", "ruby"),
        ("ruby/lib/a/b.rb", "a/b.C.handler", "ruby"),
        ("ruby/gems/3.3.0/gems/w-1/lib/w.rb", "w.handler", "ruby"),
    ] {
        println!("{file} {handler}");
        assert_eq!(in_layer(&[file], handler), format!("{answer} {handler} "));
    }
    // An absolute path is a file.
    let datadog = "/opt/nodejs/node_modules/datadog-lambda-js/handler";
    let files = ["mjs", "cjs"].map(|ending| format!("{}.{ending}", &datadog["/opt/".len()..]));
    let files = files.each_ref().map(String::as_str);
    let handler = format!("{datadog}.handler");
    assert_eq!(
        in_layer(&files, &handler),
        format!("node {datadog}.mjs handler")
    );
}

/// The answer with these interpreters alone.
fn with_interpreters(files: &[&str], names: &[&str], start: impl Fn(Start) -> Start) -> String {
    let dir = root(files);
    for name in ["php", "node", "python3", "ruby"] {
        if !names.contains(&name) {
            std::fs::remove_file(dir.path().join("bin").join(name)).expect("removed");
        }
    }
    // No interpreter but those of the task root; Perl's own path is in the first line of each.
    let start = start(started(&dir, "x.f").variable("PATH", "/nowhere"));
    let outcome = start.run(Script::events(&events(["event"])));
    if outcome.code == Some(3) {
        return error_type(&outcome.ledger.posts[0]);
    }
    let body = response(outcome.assert_serving(), "event-0").to_vec();
    let place = format!("{}/", dir.path().display());
    String::from_utf8_lossy(&body).replace(&place, "")
}

#[test]
fn handler_of_several_languages_is_decided_by_the_environment() {
    if !has("perl") {
        return;
    }
    let both = ["x.js", "x.py"];
    let plain = |start: Start| start;
    assert_eq!(with_interpreters(&both, &["node"], plain), "node x.js f");
    assert_eq!(
        with_interpreters(&both, &["python3", "ruby"], plain),
        "python3 x.py f"
    );
    assert_eq!(
        with_interpreters(&both, &["python3", "node"], plain),
        "Runtime.AmbiguousHandler"
    );
    for (value, answer) in [
        ("AWS_Lambda_python3.13", "python3 x.py f"),
        ("AWS_Lambda_nodejs22.x", "node x.js f"),
        ("AWS_Lambda_ruby3.4", "Runtime.AmbiguousHandler"),
        ("AWS_Lambda_provided.al2023", "Runtime.AmbiguousHandler"),
    ] {
        let set = |start: Start| start.variable("AWS_EXECUTION_ENV", value);
        assert_eq!(
            with_interpreters(&both, &["python3", "node"], set),
            answer,
            "{value}"
        );
    }
}

#[test]
fn handler_not_found_goes_to_the_only_language_or_none() {
    if !has("perl") {
        return;
    }
    let plain = |start: Start| start;
    assert_eq!(with_interpreters(&[], &["ruby"], plain), "ruby x.f ");
    assert_eq!(with_interpreters(&[], &["node"], plain), "node x.f ");
    for names in [&["ruby", "node"][..], &["php"], &[]] {
        assert_eq!(
            with_interpreters(&[], names, plain),
            "Runtime.HandlerNotFound"
        );
    }
    let python = |start: Start| start.variable("AWS_EXECUTION_ENV", "AWS_Lambda_python3.9");
    assert_eq!(
        with_interpreters(&[], &["python3", "node"], python),
        "python3 x.f "
    );
    // The message says what to do.
    let (error_type, message) = refused(&root(&[]), "x.f");
    assert_eq!(error_type, "Runtime.HandlerNotFound");
    assert!(
        message.contains("give the language") && message.contains("python:x.f"),
        "{message}"
    );
}
