//! `http:`: how an application is started, found ready, and ended; events that are no requests.

use super::site::{GET_EVENT, Site, free_port, task_root};
use crate::support::api::{Event, Kind, Script, now_ms};
use crate::support::front::{Request, Source};
use crate::support::process::Outcome;
use crate::support::start::Start;
use crate::support::{TempDir, bound, hosting, proc, skip, sys};
use serde_json::Value;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

/// A server of Node; `handle` is the body of its listener of requests, `listen` where it listens.
fn node(handle: &str, listen: &str) -> String {
    format!(
        "#!/usr/bin/env node
const http = require('node:http');
const server = http.createServer((request, response) => {{ {handle} }});
server.listen({listen});
"
    )
}

const ON_PORT: &str = "Number(process.env.PORT), '127.0.0.1'";

/// A task root with a server of Node; `None`: there is no Node, which is reported.
fn node_root(handle: &str) -> Option<TempDir> {
    skip::has("node").then(|| task_root(&[("app", &node(handle, ON_PORT))]))
}

/// A bootstrap whose application is not expected to serve.
fn start(dir: &TempDir) -> Start {
    hosting::start(dir, "http:app").variable("PORT", &free_port().to_string())
}

/// The message of the init error of a bootstrap.
fn init_error(outcome: &Outcome, error_type: &str) -> String {
    let Outcome { code, ledger, .. } = outcome;
    assert_eq!(*code, Some(3), "{}", outcome.stderr);
    assert_eq!(ledger.posts.len(), 1, "{ledger}");
    assert_eq!(ledger.posts[0].kind, Kind::InitError, "{ledger}");
    hosting::message(&ledger.posts[0], error_type)
}

#[test]
fn application_that_exits_in_init_is_an_init_error_with_its_final_lines() {
    let script = "#!/bin/sh\necho starting\necho 'no module named x' >&2\nexit 7\n";
    let dir = task_root(&[("app", script)]);
    let outcome = start(&dir).run(Script::default());
    let message = init_error(&outcome, "Runtime.ExitError");
    for part in [
        "exit status 7",
        "listened on the port in $PORT",
        "starting\nno module named x",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn application_that_ends_well_in_init_is_an_init_error() {
    let dir = task_root(&[("app", "#!/bin/sh\nexit 0\n")]);
    let start = start(&dir).variable("TINDERBOX_SOCKET", "/tmp/nowhere.sock");
    let message = init_error(&start.run(Script::default()), "Runtime.ExitError");
    assert!(message.contains("exit status 0"), "{message}");
    assert!(message.contains("$TINDERBOX_SOCKET"), "{message}");
}

#[test]
fn port_in_use_is_an_init_error() {
    let dir = task_root(&[("app", "#!/bin/sh\nexec sleep 1000\n")]);
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind 127.0.0.1:0");
    let port = other.local_addr().expect("an address").port().to_string();
    let outcome = hosting::start(&dir, "http:app")
        .variable("PORT", &port)
        .run(Script::default());
    let message = init_error(&outcome, "Runtime.OutOfResources");
    assert!(message.contains("the port in PORT is in use"), "{message}");
}

#[test]
fn wrong_variable_is_an_init_error() {
    let dir = task_root(&[("app", "#!/bin/sh\nexec sleep 1000\n")]);
    let long = format!("/tmp/{}", "x".repeat(110));
    let longer = format!("/{}", "x".repeat(1_024));
    for (name, value) in [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("TINDERBOX_SOCKET", &long),
        ("TINDERBOX_READY_PATH", "health"),
        ("TINDERBOX_EVENTS_PATH", "/a b"),
        ("TINDERBOX_EVENTS_PATH", "/a\r\nX: y"),
        ("TINDERBOX_EVENTS_PATH", &longer),
        ("TINDERBOX_READY_PATH", &longer),
        ("TINDERBOX_STRIP_PREFIX", &longer),
    ] {
        let outcome = start(&dir).variable(name, value).run(Script::default());
        let message = init_error(&outcome, "Runtime.InvalidConfiguration");
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn usual_port_is_used_or_another_one_where_it_is_not_free() {
    let Some(dir) =
        node_root("response.end(process.env.PORT + ' ' + process.env.AWS_LAMBDA_HTTP_ENDPOINT)")
    else {
        return;
    };
    let start = hosting::start(&dir, "http:app").without("PORT");
    let ask = || {
        let site = Site::with(start.clone());
        let text = site.get("/").text();
        site.stop();
        let (port, endpoint) = text.split_once(' ').expect("two words");
        assert_eq!(endpoint, format!("127.0.0.1:{port}"));
        port.parse::<u16>().expect("a port")
    };
    // Where another test has it just now, it is not free.
    let usual = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 8080));
    assert_ne!(ask(), 8080);
    if usual.is_err() {
        return skip::skip("another process listens on port 8080");
    }
    drop(usual);
    assert_eq!(ask(), 8080);
}

#[test]
fn slow_application_is_waited_for_in_init() {
    if !skip::has("node") {
        return;
    }
    let code = "setTimeout(() => server.listen(Number(process.env.PORT), '127.0.0.1'), 700)";
    let app = node("response.end('slow')", "0").replace("server.listen(0)", code);
    let dir = task_root(&[("app", &app)]);
    let began = Instant::now();
    let site = Site::start(&dir, "http:app");
    // INIT has ended only now.
    assert!(began.elapsed() >= Duration::from_millis(700));
    assert_eq!(site.get("/").text(), "slow");
    site.stop();
}

#[test]
fn application_that_never_listens_fails_the_event_by_its_deadline() {
    let dir = task_root(&[("app", "#!/bin/sh\nexec sleep 1000\n")]);
    // INIT waits for 9.8 seconds.
    let site = Site::with(start(&dir));
    let event = Event::new("never", GET_EVENT).deadline(&(now_ms() + 1_500).to_string());
    hosting::message(&site.post_of(&event), "Function.Timeout");
    let outcome = site.stop();
    let expected = "the application takes no connections yet at 127.0.0.1:";
    assert_eq!(
        outcome.stderr.matches(expected).count(),
        2,
        "{}",
        outcome.stderr
    );
    assert!(
        outcome
            .stderr
            .contains("has to listen on the port in $PORT")
    );
}

#[test]
fn ready_path_is_requested_until_it_is_well() {
    let Some(dir) = node_root(
        "globalThis.count = (globalThis.count || 0) + 1;
         if (request.url == '/health' && count < 4) {
             response.statusCode = 503; response.end('not yet');
         }
         else response.end(request.url + ' ' + count);",
    ) else {
        return;
    };
    let variables = [("TINDERBOX_READY_PATH", "/health")];
    let site = Site::with_variables(&dir, "http:app", &variables);
    assert_eq!(site.get("/first").text(), "/first 5");
    let outcome = site.stop();
    let logged = "TINDERBOX_READY_PATH is asked until its status is below 500 (0: no answer): 503";
    assert_eq!(
        outcome.stderr.matches(logged).count(),
        1,
        "{}",
        outcome.stderr
    );
}

#[test]
fn application_that_never_gets_ready_fails_the_event_by_its_deadline() {
    let Some(dir) = node_root("response.statusCode = 500; response.end()") else {
        return;
    };
    // INIT waits for 9.8 seconds.
    let site = Site::with_variables(&dir, "http:app", &[("TINDERBOX_READY_PATH", "/")]);
    let event = Event::new("never", GET_EVENT).deadline(&(now_ms() + 1_500).to_string());
    hosting::message(&site.post_of(&event), "Function.Timeout");
    site.stop();
}

#[test]
fn event_that_is_no_request_is_posted_to_its_path_or_an_error() {
    let Some(dir) = node_root(
        "let text = ''; request.on('data', (part) => text += part);
         request.on('end', () => {
             if (text.includes('refuse')) {
                 response.statusCode = 422; return response.end('refused');
             }
             const { method, url, headers } = request;
             response.end(JSON.stringify({ method, url, text, headers }));
         });",
    ) else {
        return;
    };
    let body = r#"{"Records":[{"eventSource":"aws:sqs","body":"é\n"}]}"#;
    let variables = [("TINDERBOX_EVENTS_PATH", "/events?a=b")];
    let site = Site::with_variables(&dir, "http:app", &variables);
    let event = Event::new("queue", body).header("Lambda-Runtime-Trace-Id", "Root=1-2-3");
    let post = site.post_of(&event);
    assert_eq!(post.kind, Kind::Response);
    let got: Value = serde_json::from_slice(&post.body).expect("JSON");
    assert_eq!(
        (got["method"].as_str(), got["url"].as_str()),
        (Some("POST"), Some("/events?a=b"))
    );
    assert_eq!(got["text"], body);
    let headers = &got["headers"];
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["x-amzn-trace-id"], "Root=1-2-3");
    let context = headers["x-amzn-lambda-context"]
        .as_str()
        .expect("a context");
    let context: Value = serde_json::from_str(context).expect("JSON");
    assert_eq!(context["request_id"], "queue");
    assert_eq!(context["xray_trace_id"], "Root=1-2-3");
    assert!(context["deadline"].as_u64().expect("a number") > now_ms());
    assert!(context["invoked_function_arn"].as_str().is_some());
    let post = site.post_of(&Event::new("refused", "\"refuse\""));
    let message = hosting::message(&post, "Function.HttpStatus");
    assert!(message.contains("422"), "{message}");
    // Requests are served as ever.
    assert!(site.get("/x").text().contains("\"/x\""));
    site.stop();

    let site = Site::start(&dir, "http:app");
    for (number, body) in [body, "", "null", "[]"].iter().enumerate() {
        let post = site.post_of(&Event::new(&format!("other-{number}"), *body));
        let message = hosting::message(&post, "Runtime.NotAnHttpEvent");
        assert!(message.contains("TINDERBOX_EVENTS_PATH"), "{message}");
    }
    site.stop();
}

#[test]
fn warm_up_event_is_answered_at_once() {
    let Some(dir) = node_root("response.end('asked')") else {
        return;
    };
    let events = [
        r#"{"warmer":true}"#,
        r#"{ "source": "serverless-plugin-warmup" }"#,
    ];
    let site = Site::with_variables(&dir, "http:app", &[("TINDERBOX_WARMUP", "1")]);
    for (number, body) in events.iter().enumerate() {
        let post = site.post_of(&Event::new(&format!("warm-{number}"), *body));
        assert_eq!((post.kind, &*post.body), (Kind::Response, &b"null"[..]));
    }
    let post = site.post_of(&Event::new("cold", r#"{"warmer":false}"#));
    hosting::message(&post, "Runtime.NotAnHttpEvent");
    site.stop();
    let site = Site::start(&dir, "http:app");
    for (number, body) in events.iter().enumerate() {
        let post = site.post_of(&Event::new(&format!("warm-{number}"), *body));
        hosting::message(&post, "Runtime.NotAnHttpEvent");
    }
    site.stop();
}

#[test]
fn late_application_is_killed_with_its_group_and_started_again() {
    let Some(dir) = node_root(
        "if (request.url == '/get') {
             require('node:child_process').spawn('sleep', ['1000']);
             return console.log('will be late');
         }
         response.end(String(process.pid));",
    ) else {
        return;
    };
    let site = Site::start(&dir, "http:app");
    let first = site.get("/pid").text();
    let event = Event::new("late", GET_EVENT).deadline(&(now_ms() + 2_000).to_string());
    let began = Instant::now();
    let message = hosting::message(&site.post_of(&event), "Function.Timeout");
    assert!(began.elapsed() >= Duration::from_millis(1_500), "{message}");
    let second = site.get("/pid").text();
    assert_ne!(first, second);
    crate::support::until("the group is gone", || {
        site.process().descendants().len() == 1
    });
    let outcome = site.stop();
    assert!(outcome.stderr.contains("will be late"));
}

#[test]
fn application_that_dies_fails_one_event_and_is_started_again() {
    let Some(dir) = node_root(
        "if (request.url == '/exit') { console.error('final line');
             process.exitCode = 9; return setImmediate(() => process.exit());
         }
         if (request.url == '/kill') process.kill(process.pid, 'SIGKILL');
         response.end('alive');",
    ) else {
        return;
    };
    for format in ["Text", "JSON"] {
        let variables = [("AWS_LAMBDA_LOG_FORMAT", format)];
        let site = Site::with_variables(&dir, "http:app", &variables);
        for (method, path, expected) in [
            ("GET", "/exit", "exit status 9: final line"),
            ("POST", "/exit", "exit status 9: final line"),
            ("GET", "/kill", "signal 9"),
            ("POST", "/kill", "signal 9"),
        ] {
            assert_eq!(site.get("/").text(), "alive");
            let answer = site.ask(Source::Rest, &Request::new(method, path));
            assert_eq!(answer.status, 502, "{method} {path}");
            let (id, _) = site.front(Source::Rest).last_event();
            let message = hosting::error(&site.ledger(), &id, "Runtime.ExitError");
            assert!(message.contains(expected), "{method} {path}: {message}");
        }
        assert_eq!(site.get("/").text(), "alive");
        let outcome = site.stop();
        let words = outcome
            .stderr
            .lines()
            .filter(|line| line.contains("final line"));
        let is_record = |line: &&str| line.starts_with('{') && line.ends_with('}');
        if format == "JSON" {
            assert!(
                words.clone().count() >= 2 && words.clone().all(|line| is_record(&line)),
                "{}",
                outcome.stderr
            );
        }
        assert!(words.count() >= 2);
    }
}

#[test]
fn application_that_dies_between_events_is_replaced_without_an_error() {
    let Some(dir) = node_root("response.end(String(process.pid))") else {
        return;
    };
    let site = Site::start(&dir, "http:app");
    let mut last = site.get("/").text();
    for method in ["GET", "POST", "POST"] {
        let pid = last.parse().expect("a pid");
        sys::kill(pid, sys::SIGKILL);
        crate::support::until("it is gone", || proc::state_and_parent(pid).is_none());
        let answer = site.ask(Source::Http2, &Request::new(method, "/"));
        assert_eq!(answer.status, 200, "{}", site.process().stderr());
        assert_ne!(answer.text(), last);
        last = answer.text();
    }
    site.stop();
}

#[test]
fn application_that_closes_its_port_is_replaced_without_an_error() {
    let Some(dir) = node_root(
        "response.setHeader('Connection', 'close');
         response.end(String(process.pid));
         if (request.url == '/close') { server.close(); setInterval(() => {}, 1000); }",
    ) else {
        return;
    };
    let site = Site::start(&dir, "http:app");
    let first = site.get("/close").text();
    // A connection that comes before the port is closed is reset.
    std::thread::sleep(Duration::from_millis(200));
    let second = site.ask(Source::Http2, &Request::new("POST", "/"));
    assert_eq!(second.status, 200, "{}", site.process().stderr());
    assert_ne!(first, second.text());
    site.stop();
}

#[test]
fn unix_socket_of_an_earlier_run_is_in_nobodys_way() {
    if !skip::has("node") {
        return;
    }
    let app = node(
        "if (request.url == '/die') process.kill(process.pid, 'SIGKILL');
         response.end(String(process.pid))",
        "process.env.TINDERBOX_SOCKET",
    );
    let dir = task_root(&[("app", &app)]);
    let socket = dir.path().join("app.sock");
    drop(UnixListener::bind(&socket).expect("bind a socket"));
    let socket = socket.to_str().expect("a path in UTF-8");
    let site = Site::with_variables(&dir, "http:app", &[("TINDERBOX_SOCKET", socket)]);
    let first = site.get("/").text();
    // The file of the killed one is in the way of its successor, too.
    assert_eq!(site.get("/die").status, 502);
    let second = site.get("/");
    assert_eq!(second.status, 200, "{}", site.process().stderr());
    assert_ne!(first, second.text());
    site.stop();
}

#[test]
fn node_at_its_end_has_no_connection_to_wait_for() {
    let Some(dir) = node_root("response.end('well')") else {
        return;
    };
    let app = dir.path().join("app");
    let code = std::fs::read_to_string(&app).expect("read the application");
    // Node 18 and older: no idle connection is closed by `close`.
    let code = code
        + "process.on('SIGTERM', () => {
             http.Server.prototype.closeIdleConnections = () => {};
             server.closeIdleConnections = () => {};
             const began = Date.now();
             server.close(() => {
               console.log('closed after ' + (Date.now() - began > 900));
               process.exit(0);
             });
           });\n";
    dir.executable("app", code.as_bytes());
    let server = std::sync::Arc::new(crate::support::api::Server::start(Script {
        is_observed: true,
        ..Script::default()
    }));
    let mut process = start(&dir)
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .leading_group()
        .spawn();
    process.until_idle(&server);
    server.deliver(crate::support::api::ScriptedReply::event(&Event::new(
        "one", GET_EVENT,
    )));
    process.until_idle(&server);
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(bound(10_000)).expect("an exit");
    assert!(status.success(), "{status}");
    let log = process.stderr();
    assert!(log.contains("closed after false"), "{log}");
}

#[test]
fn frozen_application_and_a_closed_connection_lose_no_event() {
    let Some(dir) = node_root("response.end(String(process.pid))") else {
        return;
    };
    let app = dir.path().join("app");
    let code = std::fs::read_to_string(&app).expect("read the application");
    // It closes an idle connection while it is frozen: as soon as it runs again.
    let code = code + "server.keepAliveTimeout = 1200;\n";
    dir.executable("app", code.as_bytes());
    let site = Site::start(&dir, "http:app");
    let pid: u32 = site.get("/").text().parse().expect("a pid");
    for round in 0..4 {
        let freeze = |signal| {
            sys::kill(site.process().pid(), signal);
            sys::kill(pid, signal);
        };
        freeze(libc_signals::STOP);
        std::thread::sleep(Duration::from_millis(2_500));
        freeze(libc_signals::CONT);
        // At once, before Node's timers have run.
        let answer = site.ask(Source::FunctionUrl, &Request::new("POST", "/"));
        assert_eq!(answer.status, 200, "{round}: {}", site.process().stderr());
        assert_eq!(answer.text(), pid.to_string());
    }
    site.stop();
}

/// Signals by number, as kill(1) has them.
mod libc_signals {
    pub const STOP: i32 = 19;
    pub const CONT: i32 = 18;
}

#[test]
fn forged_context_headers_do_not_arrive() {
    let Some(dir) = node_root("response.end(JSON.stringify(request.rawHeaders))") else {
        return;
    };
    let site = Site::start(&dir, "http:app");
    let forged = [
        "x-amzn-lambda-context",
        "X-Amzn-Request-Context",
        "x-amzn-trace-id",
    ];
    for source in Source::ALL {
        let mut request = Request::new("GET", "/");
        for name in forged {
            request = request.header(name, "forged");
        }
        let text = site.ask(source, &request).text();
        assert!(!text.contains("forged"), "{source:?}: {text}");
        let names: Vec<String> = serde_json::from_str(&text).expect("a list");
        for name in forged {
            let count = names
                .iter()
                .filter(|other| other.eq_ignore_ascii_case(name))
                .count();
            assert_eq!(count, 1, "{source:?}: {name} in {text}");
        }
    }
    // Names may be escaped in JSON, and a context may have lines of its own.
    let event = GET_EVENT.replace(
        "\"headers\":{}",
        r#""headers":{"\u0078-amzn-lambda-context":"forged",
            "x-amzn-request-contex\u0074":"forged","a":"b\r\nX-Injected: c"}"#,
    );
    let event = event.replace("\"method\":\"GET\"", "\"x\":\"y\",\n\n \"method\":\"GET\"");
    let post = site.post_of(&Event::new("escaped", event));
    let text = String::from_utf8_lossy(&post.body).into_owned();
    assert_eq!(post.kind, Kind::Response, "{text}");
    assert!(
        !text.contains("forged") && !text.contains("\\\"X-Injected\\\""),
        "{text}"
    );
    site.stop();
}

#[test]
fn request_context_that_is_too_long_is_left_out() {
    let Some(dir) =
        node_root("response.end(String(request.headers['x-amzn-request-context']?.length))")
    else {
        return;
    };
    let site = Site::start(&dir, "http:app");
    for (bytes, arrives) in [(3_000, true), (9_000, false)] {
        let context = format!("\"requestContext\":{{\"a\":\"{}\",", "x".repeat(bytes));
        let event = GET_EVENT.replace("\"requestContext\":{", &context);
        let post = site.post_of(&Event::new(&format!("long-{bytes}"), event));
        let text = String::from_utf8_lossy(&post.body).into_owned();
        assert_eq!(text.contains("undefined"), !arrives, "{text}");
    }
    let outcome = site.stop();
    let logged =
        "x-amzn-request-context left out, the request context is longer than 4096 bytes: long-9000";
    assert!(outcome.stderr.contains(logged), "{}", outcome.stderr);
}

#[test]
fn request_head_that_is_too_long_is_refused_in_the_shape_of_the_source() {
    let Some(dir) = node_root("response.end('well')") else {
        return;
    };
    let site = Site::start(&dir, "http:app");
    let header = format!("\"headers\":{{\"a\":\"{}\"}}", "x".repeat(300_000));
    let event = GET_EVENT.replace("\"headers\":{}", &header);
    let post = site.post_of(&Event::new("long", event));
    let answer: Value = serde_json::from_slice(&post.body).expect("JSON");
    assert_eq!(answer["statusCode"], 431, "{answer}");
    let bad = GET_EVENT.replace(
        "\"isBase64Encoded\":false",
        "\"isBase64Encoded\":true,\"body\":\"a*b\"",
    );
    let post = site.post_of(&Event::new("bad", bad));
    let answer: Value = serde_json::from_slice(&post.body).expect("JSON");
    assert_eq!(answer["statusCode"], 400, "{answer}");
    assert_eq!(site.get("/").text(), "well");
    site.stop();
}

#[test]
fn processes_of_a_pool_have_an_application_each() {
    let Some(dir) =
        node_root("setTimeout(() => response.end(process.pid + ' ' + process.env.PORT), 200)")
    else {
        return;
    };
    let start = hosting::start(&dir, "http:app")
        .variable("PORT", &free_port().to_string())
        .variable("AWS_LAMBDA_MAX_CONCURRENCY", "3")
        .variable("AWS_LAMBDA_INITIALIZATION_TYPE", "lambda-managed-instances");
    let site = Site::with(start);
    let answers: Vec<String> = std::thread::scope(|scope| {
        let front = site.front(Source::Http2);
        let ask = |_| scope.spawn(move || front.get("/").text());
        let threads: Vec<_> = (0..12).map(ask).collect();
        threads
            .into_iter()
            .map(|one| one.join().expect("an answer"))
            .collect()
    });
    let mut different = answers.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 3, "{answers:?}");
    site.stop();
}
