//! The environment: the address of the API, invalid values, pipelining.

use crate::support::api::{Event, Script, Server};
use crate::support::{bound, process};
use crate::{assert_echoed, echo, noise};
use std::io::Read;
use std::net::TcpListener;

const VARIABLE: &str = "AWS_LAMBDA_RUNTIME_API";

#[test]
fn api_address_invalid_exits_2_and_is_logged_with_its_value() {
    let long = format!("{}:9001", "a".repeat(5_000));
    let long_path = format!("127.0.0.1:9001/{}", "p".repeat(5_000));
    for value in [
        "",
        " ",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:+9001",
        "127.0.0.1:9001x",
        "127.0.0.1:99999999999999999999",
        "127.0.0.1: 9001",
        "127.0.0:9001",
        "127.0.0.1.1:9001",
        "127.0.0.256:9001",
        "127..0.1:9001",
        ":9001",
        "9001",
        "junk",
        "junk:junk",
        "[::1]:9001", // a program without std
        "[::]",
        "[::]:",
        "[::]:0",
        "[:]:9001",
        "::1:9001",
        "example.com:9001",
        "localhost",
        "LOCAL:1",
        "https://127.0.0.1:9001",
        "ftp://127.0.0.1:9001",
        "http://",
        "http:///path",
        "http://127.0.0.1",
        "http://127.0.0.1/path",
        "user@127.0.0.1:9001",
        "127.0.0.1:9001/a b",
        "127.0.0.1:9001/a\r\nX: y",
        "127.0.0.1:9001/\u{e9}",
        "127.0.0.1:9001/a\u{7f}",
        "localhost.:9001",
        "0x7f.0.0.1:9001",
        "127.1:9001",
        long.as_str(),
        long_path.as_str(),
    ] {
        let outcome = echo().variable(VARIABLE, value).run(Script::default());
        outcome.assert_exit(2);
        let line = outcome.stderr.lines().find(|line| line.contains(VARIABLE));
        let line = line.unwrap_or_else(|| panic!("{value:?}: {}", outcome.stderr));
        // A logged value may be truncated, and escaped where it is not visible ASCII.
        let shown: String = value
            .chars()
            .take_while(char::is_ascii_graphic)
            .take(64)
            .collect();
        assert!(line.contains(&shown), "{value:?}: {line:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{:?}", outcome.stderr);
        assert_eq!(outcome.ledger.connections, 0);
    }
}

#[test]
fn api_address_unset_exits_2_and_is_logged() {
    let outcome = echo().without(VARIABLE).run(Script::default());
    outcome.assert_exit(2);
    assert!(outcome.stderr.contains(VARIABLE), "{}", outcome.stderr);
}

/// Runs three events with the address that `spell` makes from the port.
fn with_address(prefix: &str, spell: impl Fn(u16) -> String, pipelined: bool) {
    let events = ["one", "two", "three"].map(|id| Event::new(id, id));
    let mut script = Script::events(&events);
    script.prefix = prefix.to_string();
    let server = Server::start(script);
    let start = echo().variable(VARIABLE, &spell(server.port()));
    let outcome = start.spawn().until_done(server);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
        let together = ledger.answer(&event.id).get_behind;
        assert_eq!(together, pipelined, "{prefix}; {ledger}");
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn api_address_with_scheme_or_localhost_is_accepted() {
    with_address("", |port| format!("127.0.0.1:{port}"), true);
    with_address("", |port| format!("localhost:{port}"), true);
    with_address("", |port| format!("http://127.0.0.1:{port}"), true);
    with_address("", |port| format!("http://localhost:{port}"), true);
    with_address("", |port| format!("http://127.0.0.1:{port}/"), true);
    // What `cargo lambda watch` names: IPv4 reaches it as well.
    with_address("", |port| format!("[::]:{port}"), true);
    with_address("/.rt", |port| format!("http://[::]:{port}/.rt"), false);
}

#[test]
fn api_address_with_path_is_used_as_prefix_without_pipelining() {
    with_address("/.rt", |port| format!("http://127.0.0.1:{port}/.rt"), false);
    with_address("/.rt/f", |port| format!("127.0.0.1:{port}/.rt/f"), false);
    with_address(
        "/a/b-c/~d",
        |port| format!("http://localhost:{port}/a/b-c/~d/"),
        false,
    );
}

/// For each answer, whether the next GET came in the read that completed it.
fn together(pipeline: Option<&str>) -> Vec<bool> {
    let mut events: Vec<Event> = (0..10)
        .map(|number| Event::new(&format!("event-{number}"), noise(number, 100)))
        .collect();
    events.push(Event::new("large", noise(14, 1 << 20)));
    let start = match pipeline {
        Some(value) => echo().variable("TINDERBOX_PIPELINE", value),
        None => echo(),
    };
    let outcome = start.run(Script::events(&events));
    let ledger = outcome.assert_serving();
    ledger.posts.iter().map(|post| post.get_behind).collect()
}

#[test]
fn answer_and_next_get_are_pipelined_unless_disabled() {
    assert_eq!(together(None)[..10], [true; 10]);
    assert_eq!(together(Some("1"))[..10], [true; 10]);
    assert_eq!(together(Some("0")), [false; 11]);
}

#[test]
fn connection_refused_exits_1() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let mut process = echo().variable(VARIABLE, &address).spawn();
    let status = process.wait(bound(process::PATIENCE_MS)).expect("it exits");
    assert_eq!(status.code(), Some(1));
    assert!(
        process.stderr().starts_with("tinderbox: "),
        "{}",
        process.stderr()
    );
}

#[test]
fn server_closed_for_good_exits_1() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("an address").to_string();
    let mut process = echo().variable(VARIABLE, &address).spawn();
    let (mut stream, _) = listener.accept().expect("accept");
    stream
        .set_read_timeout(Some(bound(process::PATIENCE_MS)))
        .expect("a timeout");
    let count = stream.read(&mut [0; 1_024]).expect("a request");
    assert!(count > 0);
    drop(listener);
    drop(stream);
    let status = process.wait(bound(process::PATIENCE_MS)).expect("it exits");
    assert_eq!(status.code(), Some(1), "{}", process.stderr());
}
