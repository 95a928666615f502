//! Processes: started, started again, killed in time, and never left behind.

use std::fs;
use std::time::{Duration, Instant};

use crate::bench::{Bench, NEXT};
use crate::support::{TempDir, proc, sys};
use crate::tool::{self, Server, finish, until};

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

/// A server whose bootstrap has started its family.
fn family(folder: &TempDir, options: &[&str]) -> Server {
    let bootstrap = folder.executable("bootstrap", FAMILY.as_bytes());
    let server = Server::start(&bootstrap, options);
    until("a family of five", || server.processes().len() == 5);
    server
}

#[test]
fn a_signal_stops_the_tool_and_everything_that_was_started() {
    for signal in [sys::SIGTERM, SIGINT, SIGHUP, SIGQUIT] {
        let folder = TempDir::new();
        let mut server = family(&folder, &[]);
        assert_eq!(server.stop(signal).code(), Some(0), "{signal}");
        assert_eq!(server.processes(), [0u32; 0], "{signal}");
    }
}

#[test]
fn a_tool_that_is_killed_takes_its_bootstrap_with_it() {
    let folder = TempDir::new();
    let bootstrap = folder.executable("bootstrap", b"#!/bin/sh\nexec sleep 60\n");
    let mut server = Server::start(&bootstrap, &[]);
    until("the bootstrap", || server.processes().len() == 1);
    server.stop(sys::SIGKILL);
    until("nothing left", || server.processes().is_empty());
}

#[test]
fn a_signal_before_the_answer_is_128_and_its_number() {
    let folder = TempDir::new();
    let bootstrap = folder.executable("bootstrap", FAMILY.as_bytes());
    let path = bootstrap.to_str().expect("UTF-8");
    for signal in [sys::SIGTERM, SIGINT] {
        let mark = format!("TOOL_TEST_MARK={}-one-{signal}", std::process::id());
        let arguments = [
            "run",
            path,
            "--invoke={}",
            "--init-timeout=30",
            "--env",
            &mark,
        ];
        let mut child = crate::support::spawn(&mut tool::command(&arguments));
        let processes = || {
            let mut pids = proc::pids();
            pids.retain(|&pid| proc::has_mark(pid, &mark));
            pids
        };
        until("a family of five", || processes().len() == 5);
        sys::kill(child.id(), signal);
        assert_eq!(tool::wait(&mut child).code(), Some(128 + signal));
        assert_eq!(processes(), [0u32; 0]);
    }
}

#[test]
fn an_event_out_of_time_is_a_function_error_and_kills_everything() {
    let folder = TempDir::new();
    let server = family(&folder, &["--timeout", "0.4"]);
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
    until("nothing left", || server.processes().is_empty());
    until("nothing to reap", || server.zombies() == 0);
    server.says(&format!("{id} Task timed out after 0.40 seconds\n"));
    server.says("\tStatus: timeout\n");
    server.says("tinderbox: the bootstrap was killed: the function's time was up");
}

#[test]
fn a_runtime_that_answers_and_then_hangs_is_killed_after_its_answer() {
    let bench = Bench::start(&["--timeout", "0.4"]);
    let caller = bench.call("1");
    let mut runtime = bench.connect();
    let id = runtime.next().id();
    runtime.respond(&id, b"\"in time\"");
    assert_eq!(caller.reply().as_bytes(), b"\"in time\"");
    bench
        .server
        .says("the bootstrap was killed: the function's time was up");
    until("nothing left", || bench.server.processes().is_empty());
}

#[test]
fn what_an_ended_bootstrap_leaves_running_is_killed() {
    let folder = TempDir::new();
    let script = FAMILY.replace("exec sleep 60\n", "sleep 0.2; exit 5\n");
    let server = Server::start(&folder.executable("bootstrap", script.as_bytes()), &[]);
    server.says("the bootstrap exited with status 5 before it asked for an event; the next event");
    assert_eq!(server.processes(), [0u32; 0]);
    assert_eq!(server.zombies(), 0);
}

#[test]
fn orphans_that_end_while_the_bootstrap_runs_are_reaped() {
    let folder = TempDir::new();
    let script = b"#!/bin/sh\nfor i in 1 2 3; do (sh -c 'exit 0' &); done\nexec sleep 60\n";
    let server = Server::start(&folder.executable("bootstrap", script), &[]);
    until("the sleeper alone", || {
        server.processes().len() == 1 && server.zombies() == 0
    });
}

#[test]
fn an_ended_bootstrap_is_started_again_by_the_next_event_and_not_before() {
    let folder = TempDir::new();
    let script = b"#!/bin/sh\necho started >>\"$LAMBDA_TASK_ROOT/starts\"\nexit 7\n";
    let server = Server::start(&folder.executable("bootstrap", script), &[]);
    let starts =
        || fs::read_to_string(folder.path().join("starts")).map_or(0, |s| s.lines().count());
    server.says("exited with status 7");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(starts(), 1);
    for number in 1..=3 {
        let reply = server.invoke("{}");
        assert!(reply.as_str().expect("text").contains("exit status 7"));
        assert_eq!(starts(), 1 + number);
    }
}

#[test]
fn a_bootstrap_that_keeps_failing_is_started_more_and_more_slowly() {
    let folder = TempDir::new();
    let script = b"#!/bin/sh\nexit 7\n";
    let server = Server::start(&folder.executable("bootstrap", script), &[]);
    server.says("exited with status 7");
    let began = Instant::now();
    for _ in 0..4 {
        server.invoke("{}");
    }
    // The second start is at once; then 100, 200 and 400 ms after the start before.
    assert!(
        began.elapsed() >= Duration::from_millis(700),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn an_event_that_waits_for_a_failing_start_gets_that_failure() {
    let folder = TempDir::new();
    let script = b"#!/bin/sh\necho started >>\"$LAMBDA_TASK_ROOT/starts\"\nsleep 0.5\nexit 7\n";
    let server = Server::start(&folder.executable("bootstrap", script), &[]);
    assert!(
        server
            .invoke("{}")
            .as_str()
            .expect("text")
            .contains("exit status 7")
    );
    let starts = fs::read_to_string(folder.path().join("starts")).expect("a start");
    assert_eq!(starts.lines().count(), 1);
}

/// Answers and exits at once, without waiting for the reply to its answer.
const HASTY: &str = r#"#!/bin/bash
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
fn the_last_words_of_a_bootstrap_that_exits_at_once_are_heard() {
    let folder = TempDir::new();
    let server = Server::start(&folder.executable("bootstrap", HASTY.as_bytes()), &[]);
    for _ in 0..20 {
        assert_eq!(server.invoke("{}").as_bytes(), b"last");
    }
    server.says("the bootstrap exited with status 4 after its answer");
    assert!(!server.stderr().contains("before it answered"));
}

#[test]
fn a_bootstrap_that_is_still_being_written_is_waited_for() {
    let folder = TempDir::new();
    let bootstrap = folder.executable("bootstrap", b"#!/bin/sh\nexit 6\n");
    let writer = fs::OpenOptions::new().append(true).open(&bootstrap);
    let run = std::thread::spawn(move || tool::run_once(&bootstrap, "{}", &[]));
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
fn two_instances_at_once_are_two_lambdas() {
    let (one, two) = (
        Bench::start(&["--function", "one"]),
        Bench::start(&["--function", "two"]),
    );
    let callers = [one.call("1"), two.call("2")];
    for (bench, caller, text) in [(&two, 1, "2"), (&one, 0, "1")] {
        let mut runtime = bench.connect();
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
fn the_process_has_the_environment_of_lambda_and_nothing_else() {
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
        "--invoke",
        "{}",
        "--handler",
        "h.x",
        "--memory",
        "256",
        "--function",
        "name",
    ];
    let more = ["--env", "A=b=c", "--env", "TZ=mine"];
    let path = bootstrap.to_str().expect("UTF-8");
    finish(&[&["run", path], &options[..], &more[..]].concat());
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
        // The C library lets nobody touch its own two, 32 and 33 (signal(7)).
        assert_eq!(mask.map(|mask| mask & !(0b11 << 31)), Some(0), "{field}");
    }
}
