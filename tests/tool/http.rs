//! HTTP as the servers read it: bodies in any framing, unusual clients, malformed requests.

use std::io::Write;
use std::thread;

use crate::fake_runtime::{ManualRuntime, NEXT, response_path};
use crate::harness::Server;
use crate::support;
use crate::wire::{INVOKE, Wire, chunked, post};

impl Wire {
    fn next_ping(&mut self) -> Vec<u8> {
        self.get("/2018-06-01/ping");
        self.reply().body
    }
}

#[test]
fn answer_chunked_in_any_way_is_read() {
    let lambda = ManualRuntime::start(&[]);
    let mut runtime = lambda.connect();
    let body: Vec<u8> = (0..=255).cycle().take(700).collect();
    for size in [1, 2, 15, 16, 17, 699, 700] {
        let caller = lambda.call("1");
        let id = runtime.next().id();
        let path = response_path(&id);
        let head = format!("POST {path} HTTP/1.1\r\nhost:x\r\ntransfer-encoding: Chunked\r\n\r\n");
        let whole = [head.as_bytes(), &chunked(&body, size)].concat();
        match size {
            // Each byte of the head and of the chunks in a segment of its own.
            700 => whole.iter().for_each(|byte| runtime.send([*byte])),
            _ => runtime.send(whole),
        }
        assert_eq!(runtime.reply().status, 202);
        assert!(caller.reply().as_bytes() == body, "{size}");
    }
}

/// Text without a period of its own, so that a byte in the wrong place shows.
fn numbered_string(bytes: usize) -> Vec<u8> {
    let mut text = String::from("\"");
    let mut number = 0;
    while text.len() < bytes - 1 {
        text += &format!("{number},");
        number += 7;
    }
    text.truncate(bytes - 1);
    (text + "\"").into_bytes()
}

#[test]
fn long_body_cut_anywhere_with_the_next_request_behind_it_is_whole() {
    let server = Server::start(&support::function("echo"), &["--timeout", "60"]);
    let mut caller = Wire::connect(server.port);
    let sizes = [
        16 * 1024,
        16 * 1024 + 400, // with its head about as long as the shortest direct read
        128 * 1024,
        256 * 1024 + 1,
        1_000_003,
        6 * 1024 * 1024,
    ];
    for size in sizes {
        for cut in [7_919, 65_537, 262_144, usize::MAX] {
            let event = numbered_string(size);
            let both = [post(INVOKE, "", &event), post(INVOKE, "", b"[1]")];
            let both = both.map(|one| caller.with_own_host(&one)).concat();
            let writer = caller.writer();
            thread::scope(|scope| {
                scope.spawn(move || {
                    for piece in both.chunks(cut) {
                        (&writer).write_all(piece).expect("send");
                    }
                });
                assert!(caller.reply().body == event, "{size} bytes by {cut}");
                assert_eq!(caller.reply().body, b"[1]", "{size} bytes by {cut}");
            });
        }
    }
}

#[test]
fn refusal_with_long_unread_body_closes_the_connection() {
    let lambda = ManualRuntime::start(&[]);
    let mut runtime = lambda.connect();
    for is_chunked in [false, true] {
        let body = vec![b'x'; 256 * 1024];
        if is_chunked {
            let head = "POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nHost: x\r\n\
                        Transfer-Encoding: chunked\r\n\r\n";
            runtime.send(head);
            runtime.send(chunked(&body, 1000));
        } else {
            runtime.post(&response_path("x"), &body);
        }
        let reply = runtime.reply();
        assert_eq!((reply.status, reply.header("Connection")), (400, None));
        runtime.get("/2018-06-01/ping");
        assert_eq!(runtime.reply().body, b"pong");
    }
    runtime.try_send(&post(&response_path("x"), "", &vec![b'x'; 256 * 1024 + 1]));
    let reply = runtime.reply();
    assert_eq!(
        (reply.status, reply.header("Connection")),
        (400, Some("close"))
    );
    assert!(runtime.is_closed());
}

#[test]
fn unknown_path_is_404_and_wrong_method_405() {
    let lambda = ManualRuntime::start(&[]);
    let mut runtime = lambda.connect();
    for (line, status) in [
        ("GET /2018-06-01/ping", 200),
        ("GET http://anywhere/2018-06-01/ping?x=1", 200),
        ("POST /2018-06-01/ping", 405),
        ("HEAD /2018-06-01/runtime/invocation/next", 405),
        ("GET /2018-06-01/runtime/invocation/x/response", 405),
        ("PUT /2018-06-01/runtime/init/error", 405),
        ("GET /", 404),
        ("GET /2018-06-01", 404),
        ("GET /2018-06-01/", 404),
        ("GET /2018-06-02/ping", 404),
        ("GET /2018-06-01/runtime/restore/next", 404),
        ("POST /2018-06-01/runtime/restore/error", 404),
        ("POST /2018-06-01/runtime/invocation/x/y/response", 404),
        ("POST /2020-01-01/extension/init/error", 404),
        ("POST /2020-08-15/logs", 404),
    ] {
        runtime.send(format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(runtime.reply().status, status, "{line}");
    }
}

#[test]
fn malformed_request_is_refused_and_closed() {
    let lambda = ManualRuntime::start(&[]);
    let host = "Host: x\r\n";
    let long = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n",
        "x".repeat(1_100_000)
    );
    for (request, status) in [
        ("GET /2018-06-01/ping HTTP/1.1\r\n\r\n", 400),
        ("\r\nGET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET  /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /2018-06-01/ping\r\nHost: x\r\n\r\n", 400),
        ("G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET ping HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (&format!("GET / HTTP/1.1\r\n{host}No colon\r\n\r\n"), 400),
        (&format!("GET / HTTP/1.1\r\n{host}Space : x\r\n\r\n"), 400),
        (&format!("GET / HTTP/1.1\r\n{host} Folded: x\r\n\r\n"), 400),
        (&format!("GET / HTTP/1.1\r\n{host}A: \x01\r\n\r\n"), 400),
        (&format!("GET / HTTP/1.1\r\n{host}{host}\r\n"), 400),
        (
            &format!("POST / HTTP/1.1\r\n{host}Content-Length: x\r\n\r\n"),
            400,
        ),
        (
            &format!("POST / HTTP/1.1\r\n{host}Content-Length: +1\r\n\r\n"),
            400,
        ),
        (
            &format!(
                "POST / HTTP/1.1\r\n{host}Content-Length: {}0\r\n\r\n",
                u64::MAX
            ),
            400,
        ),
        (
            &format!("POST / HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            400,
        ),
        (
            &format!(
                "POST / HTTP/1.1\r\n{host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
            ),
            400,
        ),
        (
            &format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: gzip\r\n\r\n"),
            501,
        ),
        (
            &format!("POST / HTTP/1.1\r\n{host}Expect: wonders\r\n\r\n"),
            417,
        ),
        (&long, 431),
    ] {
        let mut client = lambda.connect();
        client.try_send(request.as_bytes());
        let reply = client.reply();
        assert_eq!(
            (reply.status, reply.header("Connection")),
            (status, Some("close")),
            "{request}"
        );
        assert!(client.is_closed(), "{request}");
    }
}

#[test]
fn malformed_chunk_ends_only_its_connection() {
    let lambda = ManualRuntime::start(&[]);
    for chunks in [
        "x\r\n",
        "\r\n",
        "-1\r\n",
        "11111111111111111\r\n",
        "1\r\nabc\r\n",
        "1\r\na\r\nz",
    ] {
        let caller = lambda.call("1");
        let mut runtime = lambda.connect();
        let id = runtime.next().id();
        let path = response_path(&id);
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        runtime.send(head + chunks + "\r\n\r\n");
        assert!(runtime.is_closed(), "{chunks:?}");
        let mut runtime = lambda.connect();
        runtime.get(NEXT);
        let text = caller.reply();
        let text = text.as_str().expect("text");
        assert!(
            text.contains("Runtime.TruncatedResponse"),
            "{chunks:?}: {text}"
        );
        // That request for an event is the first waiter: it gets the next event.
        let caller = lambda.call("2");
        let id = runtime.reply().id();
        runtime.respond(&id, b"2");
        assert_eq!(caller.reply().as_bytes(), b"2");
    }
}

#[test]
fn http_1_0_and_lenient_clients_are_served() {
    let lambda = ManualRuntime::start(&[]);
    for (request, connection) in [
        ("GET /2018-06-01/ping HTTP/1.0\r\n\r\n", Some("close")),
        ("GET /2018-06-01/ping HTTP/1.1\nHost:\n\n", None),
        (
            "GET /2018-06-01/ping HTTP/1.1\r\nHOST: x\r\nConnection: Close\r\n\r\n",
            Some("close"),
        ),
        (
            "GET /2018-06-01/ping HTTP/1.1\r\nhost: x\r\nContent-Length: 3\r\n\r\nabc",
            None,
        ),
    ] {
        let mut client = lambda.connect();
        client.send(request);
        let reply = client.reply();
        assert_eq!(
            (reply.body.as_slice(), reply.header("Connection")),
            (b"pong".as_slice(), connection)
        );
        match connection {
            Some(_) => assert!(client.is_closed(), "{request}"),
            None => assert_eq!(client.next_ping(), b"pong", "{request}"),
        }
    }
}

#[test]
fn expect_continue_body_is_requested() {
    let lambda = ManualRuntime::start(&[]);
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    let expect = "Expect: 100-continue\r\n";
    let whole = post(&response_path(&id), expect, b"late");
    runtime.send(&whole[..whole.len() - 4]);
    assert_eq!(runtime.reply().status, 100);
    runtime.send(b"late");
    assert_eq!(runtime.reply().status, 202);
    assert_eq!(caller.reply().as_bytes(), b"late");
    // A refusal does not request the body, so the connection is closed.
    let whole = post(&response_path("x"), expect, b"late");
    runtime.send(&whole[..whole.len() - 4]);
    let reply = runtime.reply();
    assert_eq!(
        (reply.status, reply.header("Connection")),
        (400, Some("close"))
    );
}
