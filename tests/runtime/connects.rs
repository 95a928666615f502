//! No connection to the Runtime API can be made: the log says to where, and the errno.

use std::net::TcpListener;

use crate::support::process::Process;
use crate::support::skip::skip;
use crate::support::{bound, function, runner};
use crate::{echo, probe};

/// No start takes longer, in milliseconds.
const PATIENCE_MS: u64 = 20_000;

/// It ends with exit code 1 and this one line.
fn assert_refused(mut process: Process, line: &str) {
    let status = process.wait(bound(PATIENCE_MS));
    assert_eq!(status.and_then(|status| status.code()), Some(1));
    assert_eq!(process.stderr(), format!("tinderbox: {line}\n"));
}

/// An address without a listener.
fn unused_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    listener.local_addr().expect("an address").to_string()
}

#[test]
fn connect_refused_is_logged_with_errno_and_exits_1() {
    for start in [echo(), probe()] {
        let address = unused_address();
        let start = start.variable("AWS_LAMBDA_RUNTIME_API", &address);
        let line = format!("cannot connect to the Runtime API, errno 111: {address}");
        assert_refused(start.spawn(), &line);
    }
}

/// The errno of socket(2), not that of connect(2) with its result. Three columns for the number.
#[test]
fn connect_without_descriptors_is_logged_with_errno_and_exits_1() {
    if runner().is_some() {
        return skip("the runner needs descriptors itself");
    }
    let binary = std::fs::read(function("echo")).expect("the binary");
    if binary.windows(8).any(|text| text == b"ld-linux") {
        return skip("the loader of a dynamic binary needs descriptors itself");
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("an address").to_string();
    let start = echo().variable("AWS_LAMBDA_RUNTIME_API", &address);
    let start = start.under(&["/bin/sh", "-c", "ulimit -n 3 && exec \"$0\""]);
    let line = format!("cannot connect to the Runtime API, errno  24: {address}");
    assert_refused(start.spawn(), &line);
}
