//! Requests that must not reach the function: from web pages, for other hosts, and calls of the
//! Runtime API by processes that the bootstrap did not start.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;

use crate::fake_runtime::{ManualRuntime, NEXT, response_path};
use crate::harness::{Server, call, run_tool, wait_until};
use crate::support::{self, TempDir, proc, skip, sys};
use crate::wire::{INVOKE, Reply, Wire, post};

/// Waits for init and an event as long as a busy machine needs.
const PATIENT: [&str; 4] = ["--timeout", "30", "--init-timeout", "30"];

fn patient<'a>(options: &[&'a str]) -> Vec<&'a str> {
    [&PATIENT[..], options].concat()
}

fn echo(options: &[&str]) -> Server {
    Server::start(&support::function("echo"), &patient(options))
}

/// The reply to a request with these lines in its head, on a connection of its own.
fn send(server: &Server, line: &str, headers: &str) -> Reply {
    let mut caller = Wire::connect(server.port);
    caller.send(format!("{line}\r\n{headers}Content-Length: 1\r\n\r\n1"));
    caller.reply()
}

fn assert_forbidden(reply: &Reply, text: &str) {
    assert_eq!(reply.status, 403, "{text}: {reply:?}");
    let error_type = reply.header("X-Amzn-ErrorType");
    assert_eq!(error_type, Some("AccessDeniedException"));
    assert!(reply.header("X-Amzn-RequestId").is_some());
    assert_eq!(reply.header("Content-Type"), Some("application/json"));
    assert_eq!(reply.field("Type"), "User");
    assert!(reply.field("Message").contains(text), "{text}: {reply:?}");
    // Without these no page can read the reply, and no preflight succeeds.
    let is_cors = |(name, _): &(String, String)| name.to_lowercase().starts_with("access-control");
    assert!(!reply.headers.iter().any(is_cors), "{reply:?}");
}

/// The number of events that the function got.
fn events(server: &Server) -> usize {
    server.stderr().matches("START RequestId").count()
}

#[test]
fn host_of_another_server_is_403_and_runs_nothing() {
    let server = echo(&[]);
    let post = format!("POST {INVOKE} HTTP/1.1");
    let port = server.port;
    for host in [
        format!("evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        "evil.example".to_string(),
        format!("0.0.0.0:{port}"),
        format!("192.168.0.1:{port}"),
        format!("[::2]:{port}"),
        format!("127.0.0.1:{port}, evil.example"),
        String::new(),
    ] {
        let reply = send(&server, &post, &format!("Host: {host}\r\n"));
        assert_forbidden(&reply, "is not the address of this local Lambda");
    }
    let absolute = format!("POST http://127.0.0.1:{port}{INVOKE} HTTP/1.1");
    let reply = send(
        &server,
        &absolute,
        &format!("Host: evil.example:{port}\r\n"),
    );
    assert_forbidden(&reply, "is not the address");
    let old = format!("POST {INVOKE} HTTP/1.0");
    let reply = send(&server, &old, "Host: evil.example\r\n");
    assert_forbidden(&reply, "is not the address");
    assert_eq!(events(&server), 0, "{}", server.stderr());
    server.wait_for_stderr("refused a call of the Invoke API: The Host 'evil.example:");
}

#[test]
fn host_of_loopback_is_served() {
    let server = echo(&[]);
    let port = server.port;
    let post = format!("POST {INVOKE} HTTP/1.1");
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("LOCALHOST:{port}"),
        format!("lambda.localhost:{port}"),
        format!("127.1.2.3:{port}"),
        format!("[::1]:{port}"),
        format!("127.0.0.1:{}", port ^ 1), // a tunnel's or a container's
        "127.0.0.1".to_string(),
        "localhost".to_string(),
    ] {
        let reply = send(&server, &post, &format!("Host: {host}\r\n"));
        assert_eq!(
            (reply.status, reply.body.as_slice()),
            (200, &b"1"[..]),
            "{host}"
        );
    }
    let old = format!("POST {INVOKE} HTTP/1.0");
    assert_eq!(send(&server, &old, "").status, 200);
}

#[test]
fn request_of_another_origin_is_403_and_runs_nothing() {
    let server = echo(&[]);
    let port = server.port;
    let own = format!("Host: localhost:{port}\r\n");
    for (headers, text) in [
        (
            "Origin: http://evil.example\r\n".to_string(),
            "Origin 'http://evil.example'",
        ),
        ("Origin: null\r\n".to_string(), "Origin 'null'"),
        ("Origin:\r\n".to_string(), "Origin ''"),
        (format!("Origin: http://127.0.0.1:{port}\r\n"), "Origin"), // another name than Host's
        (format!("Origin: https://localhost:{port}\r\n"), "Origin"),
        ("Origin: http://localhost:1\r\n".to_string(), "Origin"),
        (
            "Sec-Fetch-Site: cross-site\r\n".to_string(),
            "Sec-Fetch-Site 'cross-site'",
        ),
        (
            "Sec-Fetch-Site: same-site\r\n".to_string(),
            "Sec-Fetch-Site",
        ),
        (
            format!("Origin: http://localhost:{port}\r\nSec-Fetch-Site: cross-site\r\n"),
            "Sec-Fetch-Site",
        ),
        (
            // A simple request: no preflight precedes it.
            "Origin: http://evil.example\r\nContent-Type: text/plain\r\n".to_string(),
            "Origin",
        ),
    ] {
        for method in ["POST", "GET", "OPTIONS", "PUT"] {
            let line = format!("{method} {INVOKE} HTTP/1.1");
            let preflight = "Access-Control-Request-Method: POST\r\n";
            let reply = send(&server, &line, &format!("{own}{headers}{preflight}"));
            assert_forbidden(&reply, text);
        }
    }
    assert_eq!(events(&server), 0, "{}", server.stderr());
    server.wait_for_stderr("refused a call of the Invoke API: Calls from web pages are refused");
}

#[test]
fn request_of_the_servers_own_origin_is_served() {
    let server = echo(&[]);
    let port = server.port;
    let line = format!("POST {INVOKE} HTTP/1.1");
    for headers in [
        format!("Origin: http://localhost:{port}\r\n"),
        format!("Origin: http://LOCALHOST:{port}\r\nSec-Fetch-Site: same-origin\r\n"),
        "Sec-Fetch-Site: none\r\n".to_string(),
        "Sec-Fetch-Mode: cors\r\n".to_string(), // Node's fetch sends only this one
    ] {
        let reply = send(
            &server,
            &line,
            &format!("Host: localhost:{port}\r\n{headers}"),
        );
        assert_eq!(reply.status, 200, "{headers}: {reply:?}");
    }
}

#[test]
fn refused_request_with_a_long_body_does_not_break_the_next_one() {
    let server = echo(&[]);
    let mut caller = Wire::connect(server.port);
    let origin = "Origin: http://evil.example\r\n";
    caller.send(post(INVOKE, origin, &vec![b'1'; 200_000]));
    assert_forbidden(&caller.reply(), "Origin");
    caller.post(INVOKE, b"2");
    assert_eq!(caller.reply().body, b"2");
    let mut caller = Wire::connect(server.port);
    caller.try_send(&post(INVOKE, origin, &vec![b'1'; 5_000_000]));
    assert_forbidden(&caller.reply(), "Origin");
    assert!(caller.is_closed());
}

#[test]
fn refusals_do_not_flood_the_log() {
    let server = echo(&[]);
    let mut caller = Wire::connect(server.port);
    for _ in 0..300 {
        caller.send(post(INVOKE, "Origin: null\r\n", b""));
        assert_eq!(caller.reply().status, 403);
    }
    assert_eq!(server.invoke("1").as_bytes(), b"1");
    server.wait_for_stderr("REPORT");
    let lines = server.stderr().matches("refused a call").count();
    assert!((1..100).contains(&lines), "{lines} lines");
}

#[test]
fn values_of_callers_in_messages_have_no_control_characters() {
    let lambda = ManualRuntime::start(&[]);
    let odd = "\u{9b}31m\u{202e}\u{2028}";
    let headers = format!("Host: a{odd}\r\n");
    let line = format!("POST {INVOKE} HTTP/1.1");
    assert_eq!(send(&lambda.server, &line, &headers).status, 403);
    lambda
        .server
        .wait_for_stderr(r"The Host 'a\u{9b}31m\u{202e}\u{2028}'");
    let mut runtime = lambda.connect();
    let call = post("/2018-06-01/ping", &format!("Origin: {odd}\r\n"), b"");
    runtime.send(call);
    assert_eq!(runtime.reply().status, 403);
    lambda.server.wait_for_stderr(r"Origin '\u{9b}31m");
    // Trailers are not checked as headers are.
    let caller = lambda.call("1");
    let id = runtime.next().id();
    runtime.send(format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\
         Lambda-Runtime-Function-Error-Type: Function.Odd\u{1b}[2J\tInit Duration: 9 ms{odd}\r\n\
         \r\n",
        response_path(&id)
    ));
    assert_eq!(runtime.reply().status, 202);
    caller.reply();
    runtime.get(NEXT);
    lambda.server.wait_for_stderr("REPORT RequestId");
    let stderr = lambda.server.stderr();
    let is_bare = |letter: char| letter.is_control() && !"\n\t".contains(letter);
    assert!(!stderr.contains(is_bare), "{stderr:?}");
    assert!(!stderr.contains("\tInit Duration: 9 ms"), "{stderr}");
    assert!(!stderr.contains(['\u{202e}', '\u{2028}']), "{stderr:?}");
}

#[test]
fn runtime_call_of_a_web_page_is_403() {
    let lambda = ManualRuntime::start(&[]);
    let mut client = lambda.connect();
    for headers in [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        for path in [NEXT, "/2018-06-01/ping", "/2018-06-01/runtime/init/error"] {
            for method in ["GET", "POST", "OPTIONS"] {
                client.send(format!(
                    "{method} {path} HTTP/1.1\r\nHost: evil\r\n{headers}\r\n"
                ));
                let reply = client.reply();
                assert_eq!(reply.status, 403, "{method} {path}");
                assert_eq!(reply.field("errorType"), "AccessDeniedException");
            }
        }
    }
    // The initialisation is not over.
    let caller = lambda.call("1");
    let id = client.next().id();
    assert_eq!(client.respond(&id, b"2").status, 202);
    assert_eq!(caller.reply().as_bytes(), b"2");
}

/// A runtime in bash: `serve` answers each event with itself. `$host` and `$port` are the address.
const RUNTIME: &str = r#"#!/bin/bash
port=${AWS_LAMBDA_RUNTIME_API##*:}
host=${AWS_LAMBDA_RUNTIME_API%:*}
host=${host#[} host=${host%]}
read_message() {
    length=0
    while IFS= read -r line <&3; do
        line=${line%$'\r'}
        case $line in
            '') break ;;
            Lambda-Runtime-Aws-Request-Id:*) id=${line#*: } ;;
            Content-Length:*) length=${line#*: } ;;
        esac
    done
    body=
    [ "$length" = 0 ] || IFS= read -r -N "$length" body <&3
}
next() {
    printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n' >&3
    read_message
}
respond() {
    local head="POST /2018-06-01/runtime/invocation/$id/response HTTP/1.1"
    printf '%s\r\nHost: x\r\nContent-Length: %s\r\n\r\n%s' "$head" "${#body}" "$body" >&3
    read_message
}
open() { exec 3<>"/dev/tcp/$host/$port"; }
serve() {
    while next && [ -n "$id" ]; do respond || return; done
}
"#;

/// A bootstrap that runs these lines after the definitions of `RUNTIME`.
fn bash(folder: &TempDir, lines: &str) -> PathBuf {
    folder.executable("bootstrap", format!("{RUNTIME}{lines}\n").as_bytes())
}

/// Asserts that the bootstrap's calls are accepted, for two events.
fn assert_served(lines: &str, options: &[&str]) {
    let folder = TempDir::new();
    let server = Server::start(&bash(&folder, lines), &patient(options));
    for event in ["[1]", "[2]"] {
        let reply = server.invoke(event);
        let text = String::from_utf8_lossy(reply.as_bytes()).into_owned();
        assert_eq!(text, event, "{lines}\n{}", server.stderr());
    }
    assert!(!server.stderr().contains("refused"), "{}", server.stderr());
}

#[test]
fn runtime_call_of_a_descendant_is_served() {
    for lines in [
        "open; serve",
        // A child has the connection, and the bootstrap does not.
        "(open; serve) & wait",
        // Four generations.
        "( ( ( (open; serve) & wait ) & wait ) & wait ) & wait",
        // The bootstrap connects, and a child calls.
        "open; (serve) & exec 3>&-; wait",
        // Both have it.
        "open; (serve) & wait",
        // A connection for each call, each by a process of its own.
        "while :; do open; next; exec 3>&-; (open; respond); done",
    ] {
        assert_served(lines, &[]);
    }
}

#[test]
fn runtime_call_of_an_orphan_is_served() {
    // Its parent exits, so the tool adopts it; in the second case also out of the process group.
    for lines in [
        "( (open; serve) & ); exec sleep 1000",
        "export -f serve next respond open read_message; export host port
         ( setsid bash -c 'sleep 0.2; open; serve' & ); exec sleep 1000",
    ] {
        assert_served(lines, &[]);
    }
}

#[test]
fn runtime_call_from_other_namespaces_is_served() {
    let unshare = |options: &[&str]| {
        let mut command = std::process::Command::new("unshare");
        let status = command.args(options).arg("true").status();
        status.is_ok_and(|status| status.success())
    };
    let options = [
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--mount-proc",
    ];
    if !skip::has("unshare") {
        return;
    }
    if !unshare(&options) {
        skip::skip("this user cannot create namespaces");
        return;
    }
    let options = options.join(" ");
    assert_served("open; serve", &["--runner", &format!("unshare {options}")]);
    assert_served(&format!("unshare {options} true; (open; serve)"), &[]);
}

#[test]
fn runtime_call_of_another_user_is_served() {
    let is_root =
        std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").expect("/proc")) == 0;
    if !is_root || !skip::has("setpriv") {
        skip::skip("needs root");
        return;
    }
    let folder = TempDir::new();
    let lines = "export -f serve next respond open read_message; export host port
        exec setpriv --reuid 61234 --regid 61234 --clear-groups bash -c 'open; serve'";
    let bootstrap = bash(&folder, lines);
    let server = Server::start(&bootstrap, &patient(&[]));
    assert_eq!(
        server.invoke("[1]").as_bytes(),
        b"[1]",
        "{}",
        server.stderr()
    );
}

#[test]
fn runtime_call_by_an_ipv6_socket_to_an_ipv4_address_is_served() {
    if !skip::has("perl") {
        return;
    }
    let lines = r#"exec perl -MSocket=:all -e '
        my ($port) = $ENV{AWS_LAMBDA_RUNTIME_API} =~ /:(\d+)$/;
        socket(my $s, AF_INET6, SOCK_STREAM, 0) or die "socket: $!";
        my $address = pack_sockaddr_in6($port, inet_pton(AF_INET6, "::ffff:127.0.0.1"));
        connect($s, $address) or die "connect: $!";
        $s->autoflush;
        while (1) {
            print $s "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
            my ($length, $id);
            while (<$s>) { /^Content-Length: (\d+)/ and $length = $1;
                /^Lambda-Runtime-Aws-Request-Id: (\S+)/ and $id = $1; last if /^\r$/ }
            read $s, my $body, $length;
            print $s "POST /2018-06-01/runtime/invocation/$id/response HTTP/1.1\r\nHost: x\r\n",
                "Content-Length: $length\r\n\r\n$body";
            while (<$s>) { /^Content-Length: (\d+)/ and $length = $1; last if /^\r$/ }
            read $s, $body, $length;
        }'"#;
    if TcpListener::bind("[::]:0").is_err() {
        skip::skip("this machine has no IPv6");
        return;
    }
    assert_served(lines, &[]);
}

/// A bootstrap that takes an event and waits for a file before it answers.
const HOLDS_EVENT: &str = r#"open; next; touch "$LAMBDA_TASK_ROOT/taken"
while ! [ -e "$LAMBDA_TASK_ROOT/go" ]; do sleep 0.01; done
respond; serve"#;

/// The id of the event that is being handled.
fn current_id(server: &Server) -> String {
    server.wait_for_stderr("START RequestId: ");
    let stderr = server.stderr();
    let rest = stderr.split("START RequestId: ").last().expect("just seen");
    rest.split(' ').next().expect("an id").to_string()
}

#[test]
fn runtime_call_of_another_process_is_403_and_changes_nothing() {
    let folder = TempDir::new();
    let server = Server::start(&bash(&folder, HOLDS_EVENT), &patient(&[]));
    let caller = call(server.request("[1]"));
    wait_until("the event is taken", || {
        folder.path().join("taken").exists()
    });
    let id = current_id(&server);
    let own = format!("process {} (", std::process::id());
    for (method, path) in [
        ("GET", NEXT.to_string()),
        ("GET", "/2018-06-01/ping".to_string()),
        ("POST", response_path(&id)),
        ("POST", format!("/2018-06-01/runtime/invocation/{id}/error")),
        ("POST", "/2018-06-01/runtime/init/error".to_string()),
        ("POST", "/2020-01-01/extension/register".to_string()),
    ] {
        let mut foreign = Wire::connect(server.runtime_port);
        foreign.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nLambda-Extension-Name: x\r\n\
             Content-Length: 6\r\n\r\nforged"
        ));
        let reply = foreign.reply();
        assert_eq!(reply.status, 403, "{method} {path}");
        assert_eq!(reply.field("errorType"), "AccessDeniedException");
        assert!(
            reply.field("errorMessage").contains("--any-runtime"),
            "{reply:?}"
        );
    }
    server.wait_for_stderr(&own);
    // Also when it writes a part and waits.
    let mut slow = Wire::connect(server.runtime_port);
    slow.send(format!("POST {} HTTP/1.1\r\nHo", response_path(&id)));
    slow.send("st: x\r\nContent-Length: 6\r\n\r\nforged");
    assert_eq!(slow.reply().status, 403);
    server.wait_for_stderr("refused a call of the Runtime API: Only the bootstrap ");
    folder.file("go", b"");
    assert_eq!(caller.reply().as_bytes(), b"[1]");
    assert_eq!(server.invoke("[2]").as_bytes(), b"[2]");
}

#[test]
fn runtime_call_of_another_process_is_served_with_any_runtime() {
    let lambda = ManualRuntime::start(&["--any-runtime"]);
    let mut runtime = lambda.connect();
    let caller = lambda.call("1");
    let id = runtime.next().id();
    assert_eq!(runtime.respond(&id, b"2").status, 202);
    assert_eq!(caller.reply().as_bytes(), b"2");
}

/// Sends a call and closes the socket while the tool is stopped, so that it has no owner when the
/// tool accepts the connection.
fn send_and_close(server: &Server, bytes: &[u8]) {
    sys::kill(server.pid(), sys::SIGSTOP);
    wait_until("the tool is stopped", || {
        proc::state_and_parent(server.pid()).is_some_and(|(state, _)| state == 'T')
    });
    let mut stream = TcpStream::connect(("127.0.0.1", server.runtime_port)).expect("connect");
    stream.write_all(bytes).expect("send");
    stream.shutdown(Shutdown::Both).expect("shut down");
    drop(stream);
    sys::kill(server.pid(), sys::SIGCONT);
}

#[test]
fn runtime_call_by_a_closed_socket_can_only_answer_a_known_event() {
    let folder = TempDir::new();
    let server = Server::start(&bash(&folder, HOLDS_EVENT), &patient(&[]));
    let caller = call(server.request("[1]"));
    wait_until("the event is taken", || {
        folder.path().join("taken").exists()
    });
    let id = current_id(&server);
    let init_error = post("/2018-06-01/runtime/init/error", "", b"{}");
    send_and_close(&server, &init_error);
    server.wait_for_stderr("a process that has closed its connection");
    send_and_close(&server, &post(&response_path("unknown"), "", b"forged"));
    // What a client does that does not wait for the reply: known by the id alone.
    send_and_close(&server, &post(&response_path(&id), "", b"by id"));
    assert_eq!(caller.reply().as_bytes(), b"by id");
    folder.file("go", b"");
    assert_eq!(server.invoke("[2]").as_bytes(), b"[2]");
}

#[test]
fn foreign_connections_do_not_use_up_those_of_the_bootstrap() {
    let folder = TempDir::new();
    let server = Server::start(
        &bash(
            &folder,
            "while :; do open; next; exec 3>&-; open; respond; exec 3>&-; done",
        ),
        &patient(&[]),
    );
    let foreign: Vec<Wire> = (0..100)
        .map(|_| Wire::connect(server.runtime_port))
        .collect();
    for event in ["[1]", "[2]", "[3]"] {
        assert_eq!(server.invoke(event).as_bytes(), event.as_bytes());
    }
    drop(foreign);
}

#[test]
fn host_option_of_ipv6_serves_both_interfaces_there() {
    if TcpListener::bind("[::1]:0").is_err() {
        skip::skip("this machine has no IPv6");
        return;
    }
    let folder = TempDir::new();
    let bootstrap = bash(&folder, "open; serve");
    for text in ["::1", "[::1]"] {
        let server = Server::start(&bootstrap, &patient(&["--host", text]));
        let port = server.port;
        let url = format!("http://[::1]:{port}{INVOKE}");
        assert_eq!(server.url(), url);
        assert!(server.runtime.starts_with("[::1]:"), "{}", server.runtime);
        let stderr = server.stderr();
        assert!(
            stderr.contains(&format!("invoke --host [::1] --port {port}")),
            "{stderr}"
        );
        assert!(!stderr.contains("warning"), "{stderr}");
        let port = port.to_string();
        for more in [&[][..], &["--stream"]] {
            let command = ["invoke", "--host", text, "--port", &port, "--event", "[1]"];
            let run = run_tool(&[&command, more].concat());
            assert_eq!(
                (run.code, run.text().as_str()),
                (0, "[1]"),
                "{}",
                run.stderr
            );
        }
        let address = format!("[::1]:{port}").parse().expect("an address");
        for (host, status) in [
            (format!("[::1]:{port}"), 200),
            (format!("localhost:{port}"), 200),
            (format!("[::2]:{port}"), 403),
        ] {
            let mut caller = Wire::connect_to(address);
            caller.send(format!(
                "POST {INVOKE} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\n\r\n1"
            ));
            assert_eq!(caller.reply().status, status, "{host}");
        }
        // Another process is recognised here too.
        let mut foreign = Wire::connect_to(server.runtime.parse().expect("an address"));
        foreign.get(NEXT);
        assert_eq!(foreign.reply().status, 403);
    }
}

#[test]
fn host_option_of_ipv6_serves_the_hosting_bootstrap() {
    if TcpListener::bind("[::1]:0").is_err() {
        skip::skip("this machine has no IPv6");
        return;
    }
    let folder = TempDir::new();
    folder.executable("function.sh", b"#!/bin/sh\ncat\n");
    let folder_path = folder.path().to_str().expect("UTF-8");
    let options = [
        "--host",
        "::1",
        "--handler",
        "./function.sh",
        "--task-root",
        folder_path,
    ];
    let server = Server::start(&support::bootstrap(), &patient(&options));
    let port = server.port.to_string();
    for event in ["[1]", "[2]"] {
        let run = run_tool(&["invoke", "--host", "::1", "--port", &port, "--event", event]);
        assert_eq!(
            (run.code, run.text().as_str()),
            (0, event),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn host_option_unspecified_warns_and_accepts_addresses_and_private_names() {
    let server = echo(&["--host", "0.0.0.0"]);
    let port = server.port;
    assert_eq!(server.url(), format!("http://127.0.0.1:{port}{INVOKE}"));
    assert!(
        server.runtime.starts_with("127.0.0.1:"),
        "{}",
        server.runtime
    );
    server.wait_for_stderr("warning: --host 0.0.0.0: every machine that reaches port");
    assert_eq!(server.invoke("1").as_bytes(), b"1");
    let line = format!("POST {INVOKE} HTTP/1.1");
    for (host, status) in [
        (format!("192.168.7.7:{port}"), 200),
        ("host.docker.internal:1".to_string(), 200),
        ("lambda:9000".to_string(), 200),
        (format!("evil.example:{port}"), 403),
    ] {
        let reply = send(&server, &line, &format!("Host: {host}\r\n"));
        assert_eq!(reply.status, status, "{host}");
    }
    let page = format!("Host: lambda:{port}\r\nOrigin: http://lambda\r\n");
    assert_forbidden(&send(&server, &line, &page), "Origin");
}

#[test]
fn host_option_by_name_is_served_under_that_name() {
    let server = echo(&["--host", "localhost"]);
    assert_eq!(
        server.url(),
        format!("http://localhost:{}{INVOKE}", server.port)
    );
    let port = server.port.to_string();
    let run = run_tool(&[
        "invoke",
        "--host",
        "localhost",
        "--port",
        &port,
        "--event",
        "7",
    ]);
    assert_eq!((run.code, run.text().as_str()), (0, "7"), "{}", run.stderr);
}

#[test]
fn host_option_invalid_or_of_another_machine_exits_2() {
    let echo = support::function("echo");
    let echo = echo.to_str().expect("UTF-8");
    for (host, text) in [
        ("", "invalid --host ''"),
        ("127.0.0.1:80", "invalid --host"),
        ("[::1", "invalid --host"),
        ("http://localhost", "invalid --host"),
        ("192.0.2.1", "it is not an address of this machine"),
    ] {
        let run = run_tool(&["run", echo, "--port", "0", "--host", host]);
        assert_eq!(run.code, 2, "{host}");
        assert!(run.stderr.contains(text), "{host}: {}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
    let run = run_tool(&["invoke", "--host", "a b"]);
    assert!(
        run.code == 2 && run.stderr.contains("invalid --host"),
        "{}",
        run.stderr
    );
}

#[test]
fn invoke_of_an_ipv6_address_without_server_exits_2() {
    if TcpListener::bind("[::1]:0").is_err() {
        skip::skip("this machine has no IPv6");
        return;
    }
    let free = TcpListener::bind("[::1]:0").expect("bind [::1]:0");
    let port = free.local_addr().expect("an address").port().to_string();
    drop(free);
    let run = run_tool(&["invoke", "--host", "::1", "--port", &port]);
    assert_eq!(run.code, 2);
    let text = format!("cannot connect to [::1]:{port}: ");
    assert!(run.stderr.contains(&text), "{}", run.stderr);
}

#[test]
fn invoke_by_ipv6_of_a_server_that_stops_reports_it() {
    if TcpListener::bind("[::1]:0").is_err() {
        skip::skip("this machine has no IPv6");
        return;
    }
    let listener = TcpListener::bind("[::1]:0").expect("bind [::1]:0");
    let port = listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("accept");
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
        stream.write_all(head.as_bytes()).expect("send");
    });
    let run = run_tool(&["invoke", "--host", "::1", "--port", &port]);
    server.join().expect("the server ends");
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stdout.is_empty());
    assert!(
        run.stderr.contains(&format!("[::1]:{port}")),
        "{}",
        run.stderr
    );
}
