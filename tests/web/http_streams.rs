//! `http:` with streamed answers: each piece at once, errors behind the first one, clients that go.

use super::site::{GET_EVENT, Site, free_port, task_root};
use crate::support::api::{
    Arrival, CloseAt, Event, HangUp, Post, Script, ScriptedReply, Server, now_ms,
};
use crate::support::front::{Request, Source};
use crate::support::{TempDir, bound, hosting, skip, until};
use serde_json::Value;
use std::time::Instant;

/// A server of Node: `/events` waits for the file `go` before each but the first piece.
const APP: &str = "#!/usr/bin/env node
const http = require('node:http');
const fs = require('node:fs');
const root = process.env.LAMBDA_TASK_ROOT;
http.createServer((request, response) => {
    response.on('error', () => {});
    if (request.url == '/events') {
        response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Set-Cookie': ['a=1', 'b=2'] });
        let number = 0;
        const send = () => {
            response.write('data: ' + number++ + '\\n\\n');
            if (number == 3) return response.end();
            const wait = () => fs.existsSync(root + '/go' + number) ? send() : setTimeout(wait, 5);
            wait();
        };
        return send();
    }
    if (request.url == '/die') {
        response.write('part');
        return setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50);
    }
    if (request.url == '/hang') return response.write('part');
    if (request.url == '/endless') {
        response.on('close', () => fs.writeFileSync(root + '/closed', ''));
        const more = () => { while (response.write('x'.repeat(100000))); };
        response.on('drain', more);
        return more();
    }
    if (request.url == '/huge') {
        let left = 200;
        const part = Buffer.alloc(1000000, 0x61);
        const more = () => { while (left-- > 0) if (!response.write(part)) return; response.end(); };
        response.on('drain', more);
        return more();
    }
    if (request.url == '/none') { response.statusCode = 204; return response.end(); }
    if (request.url == '/bad') return request.socket.end('HTTP/1.1 200 OK\\r\\nA : b\\r\\n\\r\\n');
    if (request.url == '/odd') return request.socket.end('HTTP/1.1 999 Odd\\r\\n\\r\\n');
    if (request.url == '/half') {
        return request.socket.end('HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n4\\r\\npart\\r\\nxyz\\r\\n');
    }
    response.end('whole');
}).listen(Number(process.env.PORT), '127.0.0.1');
";

fn site() -> Option<(TempDir, Site)> {
    skip::has("node").then(|| {
        let dir = task_root(&[("app", APP)]);
        let site = Site::with_variables(&dir, "http:app", &[("TINDERBOX_STREAM", "1")]);
        (dir, site)
    })
}

/// An event that is a GET of a path.
fn event(id: &str, path: &str) -> Event {
    Event::new(id, GET_EVENT.replace("/get", path))
}

/// The next part of an answer.
fn arrival(api: &Server, id: &str) -> Arrival {
    let arrival = api.next_arrival(id, bound(30_000));
    arrival.unwrap_or_else(|| panic!("nothing of {id}; {}", api.ledger()))
}

/// Pieces until their bytes contain a text; all of them so far.
fn until_piece(api: &Server, id: &str, text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        match arrival(api, id) {
            Arrival::Piece(piece) => bytes.extend_from_slice(&piece),
            Arrival::Start(_) => {}
            other => panic!("{text}: {other:?}"),
        }
        if String::from_utf8_lossy(&bytes).contains(text) {
            return bytes;
        }
    }
}

/// The end of an answer.
fn end(api: &Server, id: &str) -> Post {
    loop {
        match arrival(api, id) {
            Arrival::End(post) => return post,
            Arrival::Start(_) | Arrival::Piece(_) => {}
            Arrival::Abandoned => panic!("{id} was abandoned"),
        }
    }
}

/// The error in the trailers of a streamed answer.
fn trailer(post: &Post, name: &str) -> String {
    let mut found = post.trailers.iter();
    let found = found.find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

#[test]
fn each_piece_is_sent_before_the_next_is_there() {
    let Some((dir, site)) = site() else {
        return;
    };
    let api = site.api();
    api.deliver(ScriptedReply::event(&event("one", "/events")));
    let bytes = until_piece(api, "one", "data: 0\n\n");
    let at = bytes
        .iter()
        .position(|byte| *byte == 0)
        .expect("a delimiter");
    let prelude: Value = serde_json::from_slice(&bytes[..at]).expect("JSON");
    assert_eq!(prelude["statusCode"], 200);
    assert_eq!(prelude["cookies"], serde_json::json!(["a=1", "b=2"]));
    assert_eq!(&bytes[at..at + 8], [0; 8]);
    for number in 1..3 {
        dir.file(&format!("go{number}"), b"");
        until_piece(api, "one", &format!("data: {number}\n\n"));
    }
    let post = end(api, "one");
    assert!(post.complete && post.trailers.is_empty(), "{post:?}");
    site.stop();
}

#[test]
fn streamed_answers_of_all_sources_are_those_of_buffered_ones() {
    let Some((dir, site)) = site() else {
        return;
    };
    for number in 1..3 {
        dir.file(&format!("go{number}"), b"");
    }
    // An HTTP API takes no streams, and its events are those of a Function URL.
    let sources = Source::ALL
        .into_iter()
        .filter(|source| *source != Source::Http2);
    for source in sources {
        let answer = site.ask(source, &Request::new("GET", "/events"));
        assert_eq!(answer.status, 200, "{source:?}");
        assert_eq!(
            answer.text(),
            "data: 0\n\ndata: 1\n\ndata: 2\n\n",
            "{source:?}"
        );
        let none = site.ask(source, &Request::new("GET", "/none"));
        assert_eq!((none.status, none.body.len()), (204, 0), "{source:?}");
        let head = site.ask(source, &Request::new("HEAD", "/whole"));
        assert_eq!((head.status, head.body.len()), (200, 0), "{source:?}");
        let odd = site.ask(source, &Request::new("GET", "/odd"));
        assert_eq!(
            (odd.status, odd.text().as_str()),
            (502, "Bad Gateway\n"),
            "{source:?}"
        );
        let bad = site.ask(source, &Request::new("GET", "/bad"));
        assert!(bad.status >= 500, "{source:?}");
    }
    site.stop();
}

#[test]
fn malformed_event_is_refused_in_a_stream() {
    let Some((_dir, site)) = site() else {
        return;
    };
    let bad = GET_EVENT.replace(
        "\"isBase64Encoded\":false",
        "\"isBase64Encoded\":true,\"body\":\"a*b\"",
    );
    let post = site.post_of(&Event::new("bad", bad));
    let text = String::from_utf8_lossy(&post.body).into_owned();
    assert!(
        text.contains("\"statusCode\":400") && text.contains("base64"),
        "{text}"
    );
    assert_eq!(
        post.header("Lambda-Runtime-Function-Response-Mode"),
        Some("streaming")
    );
    site.stop();
}

#[test]
fn error_behind_the_first_piece_is_in_the_trailers() {
    let Some((_dir, site)) = site() else {
        return;
    };
    for (path, error_type) in [
        ("/die", "Runtime.ExitError"),
        ("/half", "Runtime.BadHttp"),
        ("/hang", "Function.Timeout"),
    ] {
        let deadline = (now_ms() + 2_500).to_string();
        let mut event = event(path, path);
        if path == "/hang" {
            event = event.deadline(&deadline);
        }
        event.id = path[1..].to_string();
        let event = event.header("Lambda-Runtime-Aws-Request-Id", &path[1..]);
        site.api().deliver(ScriptedReply::event(&event));
        let post = end(site.api(), &path[1..]);
        assert!(
            String::from_utf8_lossy(&post.body).ends_with("part"),
            "{path}"
        );
        let found = trailer(&post, "Lambda-Runtime-Function-Error-Type");
        assert_eq!(found, error_type, "{path}");
        // The next one is served.
        assert_eq!(site.get("/whole").text(), "whole");
    }
    site.stop();
}

#[test]
fn memory_of_a_stream_of_200_megabytes_is_flat() {
    let Some((_dir, site)) = site() else {
        return;
    };
    site.get("/whole");
    let before = site.process().resident_kib();
    site.api()
        .deliver(ScriptedReply::event(&event("huge", "/huge")));
    let (mut bytes, mut most) = (0, 0);
    let began = Instant::now();
    let mut looked = began;
    let post = loop {
        match arrival(site.api(), "huge") {
            Arrival::Piece(piece) => bytes += piece.len(),
            Arrival::End(post) => break post,
            _ => {}
        }
        if looked.elapsed().as_millis() > 20 {
            looked = Instant::now();
            most = most.max(site.process().resident_kib());
        }
    };
    assert!(post.complete && post.trailers.is_empty());
    assert!((200_000_000..200_001_000).contains(&bytes), "{bytes}");
    most = most.max(site.process().resident_kib());
    assert!(most < before + 2_000, "{before} {most} KiB");
    site.stop();
}

#[test]
fn application_is_told_that_the_client_is_gone() {
    if !skip::has("node") {
        return;
    }
    let dir = task_root(&[("app", APP)]);
    // Lambda breaks the connection of the Runtime API, on which the answer is streamed.
    let broken = ScriptedReply::status(202)
        .close_at(CloseAt::InRequest(1_000_000))
        .by(HangUp::Reset);
    let script =
        Script::events(&[event("endless", "/endless"), event("next", "/whole")]).post(broken);
    let server = Server::start(script);
    let mut process = hosting::start(&dir, "http:app")
        .variable("PORT", &free_port().to_string())
        .variable("TINDERBOX_STREAM", "1")
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .spawn();
    until("the application is told", || {
        dir.path().join("closed").exists()
    });
    process.until_idle(&server);
    let ledger = server.ledger();
    assert_eq!(ledger.answers("next").len(), 1, "{ledger}");
    assert_eq!(process.children().len(), 1, "{}", process.stderr());
    process.kill();
}
