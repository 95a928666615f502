//! Processes: start, restart, timeout, and no process left.

use std::fs;
use std::time::{Duration, Instant};

use crate::fake_runtime::{ManualRuntime, NEXT};
use crate::harness::{self, Server, run_tool, short_timeout, wait_until};
use crate::support::{TempDir, proc, sys};

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGQUIT: i32 = 3;

/// Starts descendants that leave the process group, the session and their parent.
const FAMILY: &str = "#!/bin/sh
sleep 60 &
setsid sleep 60 &
(setsid sh -c 'sleep 60 & exec sleep 60' &)
: >\"$LAMBDA_TASK_ROOT/up\"
exec sleep 60
";

/// A server whose bootstrap has started `FAMILY`.
fn family(folder: &TempDir, options: &[&str]) -> Server {
    let bootstrap = folder.executable("bootstrap", FAMILY.as_bytes());
    let server = Server::start(&bootstrap, options);
    wait_until("a family of five", || server.processes().len() == 5);
    server
}

#[test]
fn stop_signal_kills_all_descendants() {
    let mut signals = vec![sys::SIGTERM, SIGINT, SIGQUIT];
    // nohup(1) has it ignored, and the tool then leaves it so.
    if !proc::ignores(std::process::id(), SIGHUP) {
        signals.push(SIGHUP);
    }
    for signal in signals {
        let folder = TempDir::new();
        let mut server = family(&folder, &[]);
        assert_eq!(server.stop(signal).code(), Some(0), "{signal}");
        assert_eq!(server.processes(), [0u32; 0], "{signal}");
    }
}

#[test]
fn sigkill_of_the_tool_kills_the_bootstrap() {
    let folder = TempDir::new();
    let bootstrap = folder.executable("bootstrap", b"#!/bin/sh\nexec sleep 60\n");
    let mut server = Server::start(&bootstrap, &[]);
    wait_until("the bootstrap", || server.processes().len() == 1);
    server.stop(sys::SIGKILL);
    wait_until("no process left", || server.processes().is_empty());
}

#[test]
fn stop_signal_before_the_answer_exits_128_plus_n() {
    let folder = TempDir::new();
    let bootstrap = folder.executable("bootstrap", FAMILY.as_bytes());
    let path = bootstrap.to_str().expect("UTF-8");
    for signal in [sys::SIGTERM, SIGINT] {
        let mark = format!("TOOL_TEST_MARK={}-one-{signal}", std::process::id());
        let arguments = [
            "run",
            path,
            "--once={}",
            "--init-timeout=30",
            "--env",
            &mark,
        ];
        let mut child = crate::support::spawn(&mut harness::command(&arguments));
        let processes = || {
            let mut pids = proc::pids();
            pids.retain(|&pid| proc::has_mark(pid, &mark));
            pids
        };
        wait_until("a family of five", || processes().len() == 5);
        sys::kill(child.id(), signal);
        assert_eq!(harness::wait(&mut child).code(), Some(128 + signal));
        assert_eq!(processes(), [0u32; 0]);
    }
}

#[test]
fn function_timeout_is_a_function_error_and_kills_all_descendants() {
    let folder = TempDir::new();
    // Only the sleeping bootstrap has to meet this timeout, so it may be short.
    let server = family(&folder, &["--timeout", "0.4", "--any-runtime"]);
    let mut runtime = crate::wire::Wire::connect(server.runtime_port);
    runtime.get(NEXT);
    let began = Instant::now();
    let reply = server.invoke("{}");
    assert!(began.elapsed() >= Duration::from_millis(400));
    let id = reply.header("X-Amzn-RequestId").expect("an id").to_string();
    let body: serde_json::Value = serde_json::from_slice(reply.as_bytes()).expect("JSON");
    let message = format!("RequestId: {id} Error: Task timed out after 0.40 seconds");
    let expected = serde_json::json!({"errorType": "Sandbox.Timedout", "errorMessage": message});
    assert_eq!((reply.status_code, body), (200, expected));
    assert_eq!(reply.header("X-Amz-Function-Error"), Some("Unhandled"));
    wait_until("no process left", || server.processes().is_empty());
    wait_until("nothing to reap", || server.zombies() == 0);
    server.wait_for_stderr(&format!("{id} Task timed out after 0.40 seconds\n"));
    server.wait_for_stderr("\tStatus: timeout\n");
    server.wait_for_stderr("tinderbox: the function timed out: the bootstrap was killed");
}

#[test]
fn runtime_hanging_after_its_answer_is_killed() {
    let timeout = short_timeout().to_string();
    let lambda = ManualRuntime::start(&["--timeout", &timeout]);
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    runtime.respond(&id, b"\"in time\"");
    assert_eq!(caller.reply().as_bytes(), b"\"in time\"");
    lambda
        .server
        .wait_for_stderr("the function timed out: the bootstrap was killed");
    wait_until("no process left", || lambda.server.processes().is_empty());
}

#[test]
fn bootstrap_exit_kills_its_descendants() {
    let folder = TempDir::new();
    let script = FAMILY.replace("exec sleep 60\n", "sleep 0.2; exit 5\n");
    let server = Server::start(&folder.executable("bootstrap", script.as_bytes()), &[]);
    let message = "the bootstrap exited with status 5 before it requested an event; the next event \
                   restarts it";
    server.wait_for_stderr(message);
    assert_eq!(server.processes(), [0u32; 0]);
    assert_eq!(server.zombies(), 0);
}

#[test]
fn orphan_exit_is_reaped() {
    let folder = TempDir::new();
    let script = b"#!/bin/sh\nfor i in 1 2 3; do (sh -c 'exit 0' &); done\nexec sleep 60\n";
    let server = Server::start(&folder.executable("bootstrap", script), &[]);
    wait_until("the sleeper alone", || {
        server.processes().len() == 1 && server.zombies() == 0
    });
}

#[test]
fn exited_bootstrap_is_restarted_by_the_next_event_only() {
    let folder = TempDir::new();
    let script = b"#!/bin/sh\necho started >>\"$LAMBDA_TASK_ROOT/starts\"\nexit 7\n";
    let server = Server::start(&folder.executable("bootstrap", script), &[]);
    let starts =
        || fs::read_to_string(folder.path().join("starts")).map_or(0, |s| s.lines().count());
    server.wait_for_stderr("exited with status 7 before it requested an event; the next event");
    // A restart without an event would follow the exit at once.
    std::thread::sleep(Duration::from_secs_f64(short_timeout()));
    assert_eq!(starts(), 1);
    for number in 1..=3 {
        let reply = server.invoke("{}");
        assert!(reply.as_str().expect("text").contains("exit status 7"));
        assert_eq!(starts(), 1 + number);
    }
}

#[test]
fn failing_bootstrap_is_restarted_with_backoff() {
    let folder = TempDir::new();
    let script = b"#!/bin/sh\nexit 7\n";
    let server = Server::start(&folder.executable("bootstrap", script), &[]);
    server.wait_for_stderr("exited with status 7");
    let began = Instant::now();
    for _ in 0..4 {
        server.invoke("{}");
    }
    // The second start is immediate; the others are 100, 200 and 400 ms after the previous one.
    assert!(
        began.elapsed() >= Duration::from_millis(700),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn event_waiting_for_a_failing_start_gets_its_failure() {
    let folder = TempDir::new();
    // It exits when the file `fail` appears.
    let script = b"#!/bin/sh\necho started >>\"$LAMBDA_TASK_ROOT/starts\"\n\
        while ! [ -e \"$LAMBDA_TASK_ROOT/fail\" ]; do sleep 0.01; done\nexit 7\n";
    let bootstrap = folder.executable("bootstrap", script);
    let server = Server::start(&bootstrap, &["--init-timeout", "60"]);
    let caller = harness::call(server.request("{}"));
    std::thread::sleep(Duration::from_secs_f64(short_timeout())); // the event is waiting now
    folder.file("fail", b"");
    let reply = caller.reply();
    assert!(reply.as_str().expect("text").contains("exit status 7"));
    let starts = fs::read_to_string(folder.path().join("starts")).expect("a start");
    assert_eq!(starts.lines().count(), 1);
}

/// Answers and exits without waiting for the reply.
const EXITS_AFTER_ANSWER: &str = r#"#!/bin/bash
exec 3<>"/dev/tcp/127.0.0.1/${AWS_LAMBDA_RUNTIME_API##*:}"
printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n' >&3
while read -r name value <&3 && [ "$name" != $'\r' ]; do
    [ "$name" = Lambda-Runtime-Aws-Request-Id: ] && id=${value%$'\r'}
done
read -r -N 2 event <&3
printf 'POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nlast' \
    "/2018-06-01/runtime/invocation/$id/response" >&3
exit 4
"#;

#[test]
fn answer_before_an_immediate_exit_is_received() {
    let folder = TempDir::new();
    let bootstrap = folder.executable("bootstrap", EXITS_AFTER_ANSWER.as_bytes());
    let server = Server::start(&bootstrap, &["--timeout", "30"]);
    for _ in 0..20 {
        assert_eq!(server.invoke("{}").as_bytes(), b"last");
    }
    server.wait_for_stderr("the bootstrap exited with status 4 after its answer");
    assert!(!server.stderr().contains("before its answer"));
}

#[test]
fn bootstrap_open_for_writing_is_retried() {
    let folder = TempDir::new();
    let bootstrap = folder.executable("bootstrap", b"#!/bin/sh\nexit 6\n");
    let writer = fs::OpenOptions::new().append(true).open(&bootstrap);
    let run = std::thread::spawn(move || harness::run_once(&bootstrap, "{}", &[]));
    std::thread::sleep(Duration::from_millis(300));
    drop(writer.expect("open for writing"));
    let run = run.join().expect("the run ends");
    assert!(
        run.stderr.contains("exited with status 6"),
        "{}",
        run.stderr
    );
}

#[test]
fn two_instances_are_independent() {
    let (one, two) = (
        ManualRuntime::start(&["--function-name", "one"]),
        ManualRuntime::start(&["--function-name", "two"]),
    );
    let callers = [one.call("1"), two.call("2")];
    for (lambda, caller, text) in [(&two, 1, "2"), (&one, 0, "1")] {
        let mut runtime = lambda.connect();
        let event = runtime.next();
        assert_eq!(
            (event.body.as_slice(), caller),
            (text.as_bytes(), (text == "2") as usize)
        );
        runtime.respond(&event.id(), text.as_bytes());
    }
    let replies = callers.map(|caller| caller.reply().into_bytes());
    assert_eq!(replies, [b"1", b"2"]);
}

#[test]
fn process_environment_is_exactly_lambdas() {
    let folder = TempDir::new();
    let script = "#!/bin/sh
env >\"$0.env\"
pwd >\"$0.pwd\"
readlink /proc/self/fd/0 >\"$0.in\"
ps -o pgid= -p $$ >\"$0.group\"
echo $$ >\"$0.pid\"
cat /proc/self/status >\"$0.status\"
exit 0
";
    let bootstrap = folder.executable("bootstrap", script.as_bytes());
    let options = [
        "--once",
        "{}",
        "--handler",
        "h.x",
        "--memory",
        "256",
        "--function-name",
        "name",
    ];
    let more = ["--env", "A=b=c", "--env", "TZ=mine"];
    let path = bootstrap.to_str().expect("UTF-8");
    run_tool(&[&["run", path], &options[..], &more[..]].concat());
    let read = |name: &str| fs::read_to_string(format!("{path}.{name}")).expect("it ran");
    let mut names: Vec<String> = Vec::new();
    for line in read("env").lines() {
        let (name, value) = line.split_once('=').expect("NAME=VALUE");
        let root = folder.path().to_str().expect("UTF-8");
        let expected = match name {
            "_HANDLER" => "h.x",
            "AWS_LAMBDA_FUNCTION_NAME" => "name",
            "AWS_LAMBDA_FUNCTION_VERSION" => "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" => "256",
            "AWS_LAMBDA_INITIALIZATION_TYPE" => "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME" => "/aws/lambda/name",
            "LAMBDA_TASK_ROOT" | "PWD" => root,
            "LAMBDA_RUNTIME_DIR" => "/var/runtime",
            "LANG" => "en_US.UTF-8",
            "TZ" => "mine",
            "A" => "b=c",
            "PATH" => "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
            _ => value,
        };
        assert_eq!(value, expected, "{name}");
        names.push(name.to_string());
    }
    names.retain(|name| !["PWD", "SHLVL", "OLDPWD", "_"].contains(&name.as_str())); // the shell's
    names.sort();
    let expected = "A AWS_ACCESS_KEY_ID AWS_DEFAULT_REGION AWS_LAMBDA_FUNCTION_MEMORY_SIZE \
        AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE \
        AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_LAMBDA_RUNTIME_API AWS_REGION \
        AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_XRAY_CONTEXT_MISSING AWS_XRAY_DAEMON_ADDRESS \
        LAMBDA_RUNTIME_DIR LAMBDA_TASK_ROOT LANG LD_LIBRARY_PATH PATH TZ _AWS_XRAY_DAEMON_ADDRESS \
        _AWS_XRAY_DAEMON_PORT _HANDLER";
    assert_eq!(names, expected.split_whitespace().collect::<Vec<_>>());
    assert_eq!(read("pwd").trim(), folder.path().to_str().expect("UTF-8"));
    assert_eq!(read("in").trim(), "/dev/null");
    assert_eq!(read("group").trim(), read("pid").trim());
    let status = read("status");
    for field in ["SigBlk:", "SigIgn:"] {
        let mut lines = status.lines();
        let mask = lines.find_map(|line| line.strip_prefix(field));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        // The C library reserves 32 and 33 (signal(7)).
        assert_eq!(mask.map(|mask| mask & !(0b11 << 31)), Some(0), "{field}");
    }
}
