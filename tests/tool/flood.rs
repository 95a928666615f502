//! More connections, heads and bytes than any honest caller sends: the tool's memory and its number
//! of threads stay flat, and calls are answered in between.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::fake_runtime::ManualRuntime;
use crate::harness::Server;
use crate::support::{self, bound, proc, skip, sys};
use crate::wire::{INVOKE, Wire, post};

/// How many connections one flood makes, and the descriptors that it needs besides.
const CONNECTIONS: usize = 5_000;
const DESCRIPTORS: u64 = 5_500;

/// A caller has 10 s to send a head. The tests wait longer on a busy machine, never shorter.
const HEAD_MS: u64 = 10_000;

/// A server that accepts no more connections takes longer.
const CONNECT_MS: u64 = 2_000;

/// What the tool may use above what it used before, and the most threads it may ever have.
const GROWTH_KIB: u64 = 16 * 1024;
const THREADS_MAX: usize = 16;

fn echo() -> Server {
    let echo = support::function("echo");
    Server::start(&echo, &["--timeout", "30", "--init-timeout", "30"])
}

fn threads(server: &Server) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", server.pid()));
    tasks.expect("the tool runs").count()
}

/// Asserts that the tool has stayed small.
fn assert_flat(server: &Server, before_kib: u64) {
    let (kib, threads) = (proc::resident_kib(server.pid()), threads(server));
    assert!(
        kib <= before_kib + GROWTH_KIB,
        "{before_kib} KiB before, {kib} after"
    );
    assert!(threads <= THREADS_MAX, "{threads} threads");
}

/// Up to this number of connections, each with these first bytes. The server may have closed any of
/// them, or accept no more.
fn flood(port: u16, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let Ok(mut stream) = TcpStream::connect_timeout(&address, bound(CONNECT_MS)) else {
            break;
        };
        let _ = stream.write_all(bytes);
        streams.push(stream);
    }
    streams
}

/// Whether this process may have so many descriptors; reports a skip if not.
fn can_flood() -> bool {
    let most = sys::raise_descriptors();
    if most < DESCRIPTORS {
        skip::skip(&format!("this system allows {most} descriptors"));
    }
    most >= DESCRIPTORS
}

/// The connection's end within a bound; what came before it. Whatever it was, it is not the answer
/// to a call.
fn read_to_end(stream: &mut TcpStream, bound: Duration) -> Option<Vec<u8>> {
    let end = Instant::now() + bound;
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .expect("a read timeout");
    while Instant::now() < end {
        match stream.read(&mut buffer) {
            Ok(0) => return Some(bytes),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Some(bytes),
            Err(error) => assert!(
                [ErrorKind::WouldBlock, ErrorKind::Interrupted].contains(&error.kind()),
                "{error}"
            ),
        }
    }
    None
}

#[test]
fn half_open_requests_leave_memory_and_threads_flat() {
    if !can_flood() {
        return;
    }
    let half = format!("POST {INVOKE} HTTP/1.1\r\nHost: 127");
    for bytes in [&b""[..], half.as_bytes()] {
        let server = echo();
        assert_eq!(server.invoke("1").as_bytes(), b"1");
        let before = proc::resident_kib(server.pid());
        let connections = flood(server.port, CONNECTIONS, bytes);
        assert_eq!(server.invoke("2").as_bytes(), b"2");
        assert_flat(&server, before);
        drop(connections);
        assert_eq!(server.invoke("3").as_bytes(), b"3");
        assert_flat(&server, before);
        assert!(
            !server.stderr().contains("internal error"),
            "{}",
            server.stderr()
        );
    }
}

#[test]
fn runtime_api_connections_of_others_leave_memory_and_threads_flat() {
    if !can_flood() {
        return;
    }
    let server = echo();
    assert_eq!(server.invoke("1").as_bytes(), b"1");
    let before = proc::resident_kib(server.pid());
    let half = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHo";
    let connections = flood(server.runtime_port, CONNECTIONS, half);
    // The bootstrap's own connection keeps its place.
    assert_eq!(server.invoke("2").as_bytes(), b"2");
    assert_flat(&server, before);
    drop(connections);
    assert_eq!(server.invoke("3").as_bytes(), b"3");
}

#[test]
fn head_that_is_not_complete_in_time_closes_the_connection() {
    let server = echo();
    let half = format!("POST {INVOKE} HTTP/1.1\r\nHost: 127");
    let began = Instant::now();
    let mut connections = flood(server.port, 3, half.as_bytes());
    for connection in &mut connections {
        let rest = read_to_end(connection, bound(2 * HEAD_MS));
        let rest = rest.expect("the connection is closed");
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{rest:?}");
        assert!(
            began.elapsed() >= Duration::from_millis(HEAD_MS / 2),
            "closed early"
        );
    }
    assert_eq!(server.invoke("1").as_bytes(), b"1");
}

#[test]
fn head_that_arrives_byte_by_byte_closes_the_connection_in_time() {
    let server = echo();
    let mut connection = TcpStream::connect(("127.0.0.1", server.port)).expect("connect");
    let head = format!(
        "POST {INVOKE} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nX: ",
        server.port
    );
    connection.write_all(head.as_bytes()).expect("send");
    let end = Instant::now() + bound(2 * HEAD_MS);
    // Each byte is progress, but the whole head is late.
    while connection.write_all(b"x").is_ok() {
        assert!(Instant::now() < end, "still open");
        thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(server.invoke("1").as_bytes(), b"1");
}

#[test]
fn idle_connection_between_calls_outlives_the_time_for_a_head() {
    let server = echo();
    let mut caller = Wire::connect(server.port);
    caller.post(INVOKE, b"1");
    assert_eq!(caller.reply().body, b"1");
    thread::sleep(Duration::from_millis(HEAD_MS + 2_000));
    caller.post(INVOKE, b"2");
    assert_eq!(caller.reply().body, b"2");
}

#[test]
fn callers_over_the_limit_are_refused_and_those_within_are_served() {
    if !can_flood() {
        return;
    }
    let lambda = ManualRuntime::start(&[]);
    let before = proc::resident_kib(lambda.server.pid());
    // Busy connections cannot be evicted: each waits for the answer to its event.
    let call = post(INVOKE, "", b"1");
    let call = String::from_utf8(call).expect("text");
    let own = format!("Host: 127.0.0.1:{}", lambda.server.port);
    let call = call.replace("Host: x", &own);
    let mut connections = flood(lambda.server.port, 1_000, call.as_bytes());
    thread::sleep(Duration::from_millis(500));
    let mut refused = 0;
    for connection in &mut connections {
        connection.set_nonblocking(true).expect("nonblocking");
        let mut reply = [0; 1024];
        match connection.read(&mut reply) {
            Ok(0) => refused += 1,
            Ok(count) => {
                let reply = String::from_utf8_lossy(&reply[..count]).into_owned();
                assert!(reply.starts_with("HTTP/1.1 429 "), "{reply}");
                assert!(reply.contains("TooManyRequestsException"), "{reply}");
                refused += 1;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
    assert!(refused >= 1_000 - 256, "{refused} refused");
    assert_flat(&lambda.server, before);
    drop(connections);
}

#[test]
fn events_over_the_queue_are_429_and_memory_is_bounded() {
    // Events of nearly the size that is allowed, behind a function that takes none of them.
    let lambda = ManualRuntime::start(&["--binary"]);
    let before = proc::resident_kib(lambda.server.pid());
    let mut caller = Wire::connect(lambda.server.port);
    let kind = "X-Amz-Invocation-Type: Event\r\n";
    let event = vec![b'1'; 900_000];
    let mut accepted = 0;
    for _ in 0..300 {
        caller.send(post(INVOKE, kind, &event));
        let reply = caller.reply();
        match reply.status {
            202 => accepted += 1,
            status => assert_eq!(status, 429),
        }
    }
    assert!((10..=80).contains(&accepted), "{accepted} accepted");
    let kib = proc::resident_kib(lambda.server.pid());
    assert!(
        kib <= before + 96 * 1024,
        "{before} KiB before, {kib} after"
    );
}
