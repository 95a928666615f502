//! Web pages in a browser that try to run the function: by `fetch` with and without CORS, by a
//! form, from an opaque origin, and with a name that resolves to this machine (DNS rebinding).

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use crate::chromium::{Browser, PROGRAM};
use crate::harness::Server;
use crate::support::{self, skip};

const INVOKE: &str = "/2015-03-31/functions/function/invocations";

/// Serves a page without content on any path, on a port of its own; its address.
fn page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind 127.0.0.1:0");
    let port = listener.local_addr().expect("an address").port();
    // It ends with the process of the tests.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let lines = BufReader::new(&stream).lines();
            let head = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty());
            if head.count() > 0 {
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 23\r\n\
                      Connection: close\r\n\r\n<title>page</title>page",
                );
            }
        }
    });
    format!("{port}")
}

fn events(server: &Server) -> usize {
    server.stderr().matches("START RequestId").count()
}

/// A script that calls the address and returns the status, `opaque` or the error.
fn fetch(address: &str, options: &str) -> String {
    format!(
        "fetch('{address}', {{method: 'POST', body: '{{\"page\":1}}', {options}}})
            .then(reply => reply.type == 'opaque' ? 'opaque' : String(reply.status))
            .catch(error => 'error')"
    )
}

/// The server, and a browser in which the two names lead to this machine.
fn start() -> Option<(Server, Browser)> {
    if !skip::has(PROGRAM) {
        return None;
    }
    let echo = support::function("echo");
    let server = Server::start(&echo, &["--timeout", "30", "--init-timeout", "30"]);
    let rules = "MAP rebound.test 127.0.0.1, MAP evil.test 127.0.0.1, MAP * ~NOTFOUND, \
                 EXCLUDE 127.0.0.1, EXCLUDE localhost";
    Some((server, Browser::start_with(rules)))
}

#[test]
fn page_of_another_origin_cannot_run_the_function() {
    let Some((server, mut browser)) = start() else {
        return;
    };
    let address = format!("http://127.0.0.1:{}{INVOKE}", server.port);
    let port = page();
    // Another site, the same site with another port, and another name of this machine.
    for host in ["evil.test", "127.0.0.1", "localhost"] {
        browser.open(&format!("http://{host}:{port}/"));
        let mut run = |options: &str| browser.evaluate(&fetch(&address, options));
        assert_eq!(run(""), "error", "{host}: with CORS");
        let json = "headers: {'Content-Type': 'application/json'}";
        assert_eq!(run(json), "error", "{host}: with a preflight");
        // Sent without a preflight; the page cannot see that it was refused.
        let hidden = run("mode: 'no-cors'");
        assert!(hidden == "opaque" || hidden == "error", "{host}: {hidden}");
        let beacon = format!("navigator.sendBeacon('{address}', '{{}}')");
        browser.evaluate(&beacon);
        let form = format!(
            "{{ const frame = document.createElement('iframe'); frame.name = 'target';
                const form = document.createElement('form'); form.target = 'target';
                form.method = 'POST'; form.enctype = 'text/plain'; form.action = '{address}';
                const field = document.createElement('input'); field.name = '{{\"a\":\"';
                field.value = '\"}}'; form.append(field); document.body.append(frame, form);
                new Promise(done => {{ frame.onload = () => done(1); form.submit(); }}) }}"
        );
        assert_eq!(browser.evaluate(&form), 1, "{host}: the form is answered");
    }
    server.wait_for_stderr("refused a call of the Invoke API: Calls from web pages are refused");
    assert_eq!(events(&server), 0, "{}", server.stderr());
    // A call that is answered only after all of them were read.
    assert_eq!(server.invoke("1").as_bytes(), b"1");
    server.wait_for_stderr("REPORT");
    assert_eq!(events(&server), 1, "{}", server.stderr());
}

#[test]
fn page_of_an_opaque_origin_cannot_run_the_function() {
    let Some((server, mut browser)) = start() else {
        return;
    };
    let address = format!("http://127.0.0.1:{}{INVOKE}", server.port);
    browser.open(&format!("http://127.0.0.1:{}/", page()));
    for (options, results) in [
        ("mode: 'no-cors'", &["opaque", "error"][..]),
        ("", &["error"]),
    ] {
        let script = fetch(&address, options);
        let framed = format!("{script}.then(result => parent.postMessage(result, '*'))");
        let framed = format!("<script>{framed}</script>");
        let run = format!(
            "{{ const frame = document.createElement('iframe'); frame.sandbox = 'allow-scripts';
                frame.srcdoc = `{}`; document.body.append(frame);
                new Promise(done => onmessage = message => done(message.data)) }}",
            framed.replace("</", "<\\/")
        );
        let result = browser.evaluate(&run);
        let result = result.as_str().expect("a result");
        assert!(results.contains(&result), "{result}");
    }
    assert_eq!(server.invoke("1").as_bytes(), b"1");
    server.wait_for_stderr("REPORT");
    assert_eq!(events(&server), 1, "{}", server.stderr());
    assert!(
        server.stderr().contains("Origin 'null'"),
        "{}",
        server.stderr()
    );
}

#[test]
fn page_whose_name_was_rebound_cannot_run_the_function() {
    let Some((server, mut browser)) = start() else {
        return;
    };
    let port = server.port;
    // What the browser takes for the page's own server: the request is of the same origin.
    browser.open(&format!("http://rebound.test:{port}/"));
    assert_eq!(
        browser.evaluate("document.location.host"),
        format!("rebound.test:{port}")
    );
    assert_eq!(browser.evaluate(&fetch(INVOKE, "")), "403");
    assert_eq!(events(&server), 0, "{}", server.stderr());
    server.wait_for_stderr(&format!("The Host 'rebound.test:{port}'"));
    // The Runtime API has no rule for Host, but the browser is not of the bootstrap's tree.
    let runtime = server.runtime_port;
    browser.open(&format!("http://rebound.test:{runtime}/"));
    let next = "fetch('/2018-06-01/runtime/invocation/next').then(reply => reply.status)";
    assert_eq!(browser.evaluate(next), 403);
    let forge = fetch("/2018-06-01/runtime/init/error", "");
    assert_eq!(browser.evaluate(&forge), "403");
    assert_eq!(server.invoke("1").as_bytes(), b"1");
}

/// Without it, the others would pass if the browser could not call at all.
#[test]
fn page_of_the_server_itself_can_run_the_function() {
    let Some((server, mut browser)) = start() else {
        return;
    };
    for host in ["127.0.0.1", "localhost"] {
        browser.open(&format!("http://{host}:{}/", server.port));
        assert_eq!(browser.evaluate(&fetch(INVOKE, "")), "200", "{host}");
    }
    server.wait_for_stderr("REPORT");
    assert_eq!(events(&server), 2, "{}", server.stderr());
}
