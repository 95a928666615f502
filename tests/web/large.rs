//! `http:` with large bodies in both directions, and answers while a request is read.

use super::site::{Site, task_root};
use super::upstream::{Upstream, answer_all, ok};
use crate::support::front::{Request, Source};
use crate::support::random::{letters, noise};
use crate::support::{TempDir, hosting, skip};

/// A server of Node that sends back what it gets, while it gets it; or a number of bytes.
const ECHO: &str = "#!/usr/bin/env node
const http = require('node:http');
http.createServer((request, response) => {
    const size = Number(request.headers['x-size'] || 0);
    if (request.url == '/echo') return request.pipe(response);
    let bytes = 0;
    request.on('data', (part) => bytes += part.length);
    request.on('end', () => {
        if (request.url == '/binary') return response.end(Buffer.alloc(size, 0xff));
        if (request.url == '/text') return response.end('x'.repeat(size));
        if (request.url == '/lines') return response.end('<>\\n'.repeat(size / 3));
        response.end(String(bytes));
    });
}).listen(process.env.TINDERBOX_SOCKET || Number(process.env.PORT), '127.0.0.1');
";

fn echo_root() -> Option<TempDir> {
    skip::has("node").then(|| task_root(&[("app", ECHO)]))
}

#[test]
fn bodies_of_all_sizes_come_back_while_they_are_sent() {
    let Some(dir) = echo_root() else {
        return;
    };
    let socket = dir.path().join("app.sock");
    let socket = socket.to_str().expect("a path in UTF-8");
    for variables in [&[][..], &[("TINDERBOX_SOCKET", socket)]] {
        let site = Site::with_variables(&dir, "http:app", variables);
        let mut client = site.front(Source::FunctionUrl).client();
        for bytes in [
            0, 1, 2, 3, 4_095, 4_096, 65_535, 65_536, 65_537, 300_000, 4_400_000,
        ] {
            let body = noise(bytes as u64, bytes);
            let request =
                Request::new("POST", "/echo").typed("application/octet-stream", body.clone());
            let answer = client.ask(&request);
            assert_eq!(answer.status, 200, "{bytes}");
            assert!(answer.body == body, "{bytes}: {}", answer.body.len());
            let body = letters(bytes as u64, bytes);
            let request = Request::new("POST", "/echo").typed("text/plain", body.clone());
            assert!(client.ask(&request).body == body, "{bytes} of text");
        }
        let text = letters(1, 5_500_000);
        let request = Request::new("PUT", "/echo").typed("text/plain", text.clone());
        assert!(client.ask(&request).body == text);
        site.stop();
    }
}

#[test]
fn response_up_to_the_limit_arrives_and_a_longer_one_is_an_error() {
    let Some(dir) = echo_root() else {
        return;
    };
    let site = Site::start(&dir, "http:app");
    let ask = |path: &str, size: usize| {
        let request = Request::new("POST", path).header("X-Size", size.to_string());
        site.ask(Source::FunctionUrl, &request)
    };
    for (path, size) in [
        ("/binary", 4_700_000),
        ("/text", 6_290_000),
        ("/lines", 4_600_002),
    ] {
        let answer = ask(path, size);
        assert_eq!((answer.status, answer.body.len()), (200, size), "{path}");
    }
    for (path, size) in [
        ("/binary", 4_720_000),
        ("/text", 6_291_557),
        ("/text", 6_400_000),
        ("/text", 30_000_000),
    ] {
        assert_eq!(ask(path, size).status, 502, "{path} {size}");
        let (id, _) = site.front(Source::FunctionUrl).last_event();
        hosting::error(&site.ledger(), &id, "Function.ResponseSizeTooLarge");
        assert_eq!(ask("/text", 3).text(), "xxx");
    }
    site.stop();
}

#[test]
fn memory_of_large_events_goes_back() {
    let Some(dir) = echo_root() else {
        return;
    };
    let site = Site::start(&dir, "http:app");
    let small = || {
        for _ in 0..40 {
            site.get("/");
        }
        site.process().resident_kib()
    };
    let before = small();
    for _ in 0..3 {
        let body = noise(7, 4_400_000);
        let request = Request::new("POST", "/echo").typed("application/octet-stream", body);
        assert_eq!(site.ask(Source::FunctionUrl, &request).status, 200);
    }
    let large = site.process().resident_kib();
    let after = small();
    assert!(large > before + 8_000, "{before} {large}");
    assert!(after < before + 2_500, "{before} {large} {after}");
    site.stop();
}

#[test]
fn body_without_length_or_in_many_chunks_arrives() {
    let body = noise(3, 3_000_000);
    let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let mut rest = &body[..];
    let mut size = 1;
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(rest.len().min(size));
        chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
        (rest, size) = (behind, (size * 3 + 1) % 200_001);
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let until_close = [b"HTTP/1.1 200 OK\r\n\r\n", &body[..]].concat();
    for (answer, closes) in [(chunked, false), (until_close, true)] {
        let upstream = Upstream::start(&[], move |_, stream| {
            let keeps = stream.try_clone().expect("clone a stream");
            match closes {
                false => answer_all(stream, &answer),
                true => {
                    let mut stream = stream;
                    super::upstream::read_request(&mut stream);
                    let _ = std::io::Write::write_all(&mut stream, &answer);
                }
            }
            let _ = keeps.shutdown(std::net::Shutdown::Both);
        });
        for _ in 0..3 {
            let got = upstream.site.get("/");
            assert_eq!(got.status, 200);
            assert!(got.body == body, "{}", got.body.len());
        }
    }
    let _ = ok("");
}
