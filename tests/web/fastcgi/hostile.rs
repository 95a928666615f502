//! Servers that break the rules of FastCGI, or use all of them: a program of ours in place of
//! php-cgi, which answers as the path says.

use super::{HANDLER, children, stop};
use crate::site::{Site, task_root};
use crate::support::TempDir;
use crate::support::front::{Request, Source};
use crate::support::hosting::error_type;
use crate::support::skip;

/// A FastCGI server on descriptor 0.
const SERVER: &str = r#"#!/usr/bin/env python3
import os, socket, struct, sys, time
listener = socket.socket(fileno=0)
def record(kind, content=b"", padding=0, id=1, version=1):
    head = struct.pack(">BBHHBB", version, kind, id, len(content), padding, 0)
    return head + content + b"p" * padding
def exactly(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part: raise EOFError
        data += part
    return data
def end(status=0): return record(3, struct.pack(">IBxxx", 7, status))
OK = b"Content-Type: text/plain\r\n\r\n"
def answer(send, path, body):
    if path == "/plain": send(record(6, OK + b"plain") + end())
    elif path == "/padding":
        send(record(6, OK, 255) + record(6, b"pad", 1) + record(6, b"", 8) + end())
    elif path == "/stderr":
        send(record(6, b"Content-Type: te") + record(7, b"from stderr\n", 3))
        send(record(6, b"xt/plain\r\n\r") + record(7, b"again\n"))
        send(record(6, b"\nbody") + record(7, b"last\n") + end())
    elif path == "/bytes":
        for byte in record(6, OK, 3) + record(6, b"bytes") + end(): send(bytes([byte]))
    elif path == "/lf": send(record(6, b"Status: 201 Created\nX-A: b\n\nlf") + end())
    elif path == "/many": send(b"".join(record(6, bytes([b])) for b in OK + b"many") + end())
    elif path == "/nohead": send(end())
    elif path == "/halfhead": send(record(6, b"Content-Type: text/plain\r\n") + end())
    elif path == "/gianthead": send(record(6, b"X: " + b"x" * 9000 + b"\r\n") * 40 + end())
    elif path == "/giantline": send(record(6, b"x" * 60000) * 40 + end())
    elif path == "/badhead": send(record(6, b"no colon here\r\n\r\nbody") + end())
    elif path == "/fold": send(record(6, b"X: a\r\n folded\r\n\r\nbody") + end())
    elif path == "/badstatus": send(record(6, b"Status: abc\r\n\r\nbody") + end())
    elif path == "/hugestatus": send(record(6, b"Status: 65736\r\n\r\nbody") + end())
    elif path == "/id": send(record(6, OK + b"x", id=2) + end())
    elif path == "/version": send(record(6, OK + b"x", version=9) + end())
    elif path == "/type": send(record(1, b"\0\1\0\0\0\0\0\0"))
    elif path == "/endlength": send(record(6, OK + b"x") + record(3, b"\0\0\0\0"))
    elif path == "/refused": send(end(2))
    elif path == "/late": send(record(6, OK + b"x") + end() + record(6, b"behind the end"))
    elif path == "/closed": return False
    elif path == "/cutrecord": send(record(6, OK + b"x" * 1000)[:500]); return False
    elif path == "/cutend": send(record(6, OK + b"x") + end()[:10]); return False
    elif path == "/exit": send(record(6, OK + b"x")); os._exit(9)
    elif path == "/length": send(record(6, OK + str(len(body)).encode()) + end())
    return True
while True:
    connection, _ = listener.accept()
    try:
        params, body = b"", b""
        while True:
            _, kind, id, length, padding, _ = struct.unpack(">BBHHBB", exactly(connection, 8))
            content = exactly(connection, length + padding)[:length]
            if kind == 9: connection.sendall(record(10, content, 5, id=0))
            elif kind == 1: params, body = b"", b""
            elif kind == 4: params += content
            elif kind == 5 and length: body += content
            elif kind == 5:
                pairs = {}
                while params:
                    sizes = []
                    for _ in range(2):
                        size = params[0]
                        if size < 128: params = params[1:]
                        else:
                            size = struct.unpack(">I", params[:4])[0] & 0x7fffffff
                            params = params[4:]
                        sizes.append(size)
                    name, value = params[:sizes[0]], params[sizes[0]:sum(sizes)]
                    params = params[sum(sizes):]
                    pairs[name] = value
                if not answer(connection.sendall, pairs[b"REQUEST_URI"].decode(), body): break
    except (EOFError, OSError): pass
    connection.close()
"#;

/// The task root with that server; `None`, which is reported, without Python.
fn root() -> Option<TempDir> {
    if !skip::has("python3") {
        return None;
    }
    Some(task_root(&[
        ("bin/php-cgi", SERVER),
        ("public/index.php", ""),
    ]))
}

#[test]
fn answer_in_any_records_is_read() {
    let Some(dir) = root() else {
        return;
    };
    let site = Site::start(&dir, HANDLER);
    for (path, status, body) in [
        ("/plain", 200, "plain"),
        ("/padding", 200, "pad"),
        ("/stderr", 200, "body"),
        ("/bytes", 200, "bytes"),
        ("/lf", 201, "lf"),
        ("/many", 200, "many"),
        ("/badstatus", 502, "Bad Gateway\n"),
        ("/hugestatus", 502, "Bad Gateway\n"),
        // What follows the end is discarded with its connection.
        ("/late", 200, "x"),
        ("/plain", 200, "plain"),
    ] {
        let answer = site.get(path);
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (status, body),
            "{path}"
        );
    }
    for text in ["from stderr", "again", "last"] {
        site.process().until_logged(text);
    }
    for bytes in [0, 1, 65_535, 65_536, 4_000_000] {
        let request = Request::new("POST", "/length").typed("text/plain", vec![b'x'; bytes]);
        let answer = site.ask(Source::FunctionUrl, &request);
        assert_eq!(answer.text(), bytes.to_string());
    }
    stop(site);
}

#[test]
fn answer_that_breaks_the_rules_fails_its_event_alone() {
    let Some(dir) = root() else {
        return;
    };
    let site = Site::start(&dir, HANDLER);
    for (path, wanted, same_server) in [
        ("/nohead", "Runtime.BadCgi", true),
        ("/halfhead", "Runtime.BadCgi", true),
        ("/gianthead", "Runtime.BadCgi", true),
        ("/giantline", "Runtime.BadCgi", true),
        ("/badhead", "Runtime.BadCgi", true),
        ("/fold", "Runtime.BadCgi", true),
        ("/refused", "Runtime.BadCgi", true),
        ("/closed", "Runtime.ExitError", true),
        ("/cutrecord", "Runtime.ExitError", true),
        ("/cutend", "Runtime.ExitError", true),
        ("/id", "Runtime.BadFrame", false),
        ("/version", "Runtime.BadFrame", false),
        ("/type", "Runtime.BadFrame", false),
        ("/endlength", "Runtime.BadFrame", false),
        ("/exit", "Runtime.ExitError", false),
    ] {
        let before = children(&site);
        let answer = site.get(path);
        assert_eq!(answer.status, 502, "{path}: {}", answer.text());
        let (id, _) = site.front(Source::FunctionUrl).last_event();
        assert_eq!(error_type(site.ledger().answer(&id)), wanted, "{path}");
        assert_eq!(site.get("/plain").text(), "plain", "after {path}");
        assert_eq!(children(&site) == before, same_server, "{path}");
    }
    stop(site);
}
