//! Many callers at once: each gets exactly its own answer, or exactly one right error.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Server, call, wait_until};
use crate::lambda::function_error;
use crate::support::{bound, function, random::Random, rounds, sys};

/// Callers at once.
pub const CALLERS: usize = 200;

#[test]
fn callers_200_at_once_get_their_own_answers() {
    let server = Server::start(&function("echo"), &["--timeout", "60"]);
    let each = rounds("calls of each caller", 10);
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (server, answered) = (&server, &answered);
            scope.spawn(move || {
                for number in 0..each {
                    let event = format!("\"caller {caller}, call {number}\"");
                    let request = server.request(event.as_str()).with_timeout(120);
                    let reply = call(request).reply();
                    let text = reply.as_str().expect("text");
                    assert_eq!((reply.status_code, text), (200, event.as_str()));
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(answered.into_inner(), CALLERS * each);
    let starts = server.stderr().matches("START RequestId: ").count();
    assert_eq!(starts, CALLERS * each, "each event once");
}

/// What a caller got.
#[derive(PartialEq, Eq, Debug)]
enum Answer {
    /// Its own event.
    Own,
    /// The error that the environment ended while it had this event.
    Exit,
}

/// Calls with an event until a call is not refused for want of an environment.
fn answer(server: &Server, event: &str) -> Answer {
    let end = Instant::now() + bound(120_000);
    loop {
        let reply = call(server.request(event).with_timeout(120)).reply();
        let id = reply.header("X-Amzn-RequestId").unwrap_or_default();
        let text = String::from_utf8_lossy(reply.as_bytes()).into_owned();
        match (reply.status_code, reply.header("X-Amz-Function-Error")) {
            (429, None) => {
                assert_eq!(
                    reply.header("X-Amzn-ErrorType"),
                    Some("TooManyRequestsException")
                );
                assert!(Instant::now() < end, "never an environment");
                thread::sleep(Duration::from_millis(5));
            }
            (200, None) => {
                assert_eq!(text, event, "the answer to another event");
                return Answer::Own;
            }
            (200, Some("Unhandled")) => {
                let (kind, message) = function_error(text.as_bytes());
                assert_eq!(kind, "Runtime.ExitError", "{text}");
                let start = format!("RequestId: {id} Error: Runtime exited with error: signal: ");
                assert!(message.starts_with(&start), "{text}");
                return Answer::Exit;
            }
            (status, _) => panic!("{event}: {status} {text}"),
        }
    }
}

/// Starts 20 environments on demand.
fn start_20() -> Server {
    let options = ["--binary", "--environments", "20", "--timeout", "60"];
    Server::start(&function("probe"), &options)
}

fn count(server: &Server, text: &str) -> usize {
    server.stderr().matches(text).count()
}

/// Asserts that the log has START, END and REPORT of each event once.
fn assert_log(server: &Server, events: usize) {
    wait_until("all events end", || {
        count(server, "REPORT RequestId: ") >= events
    });
    for line in ["START RequestId: ", "END RequestId: ", "REPORT RequestId: "] {
        assert_eq!(count(server, line), events, "{line}");
    }
}

/// Each tenth event kills its environment: only that one fails.
#[test]
fn environments_20_killed_by_every_tenth_event_answer_200_callers() {
    let server = start_20();
    let each = rounds("calls of each caller", 10);
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let server = &server;
            scope.spawn(move || {
                for number in 0..each {
                    if (caller + number) % 10 == 0 {
                        assert_eq!(answer(server, "kill"), Answer::Exit);
                    } else {
                        let event = format!("caller {caller}, call {number}");
                        assert_eq!(answer(server, &event), Answer::Own);
                    }
                }
            });
        }
    });
    assert_log(&server, CALLERS * each);
    assert!(server.processes().len() <= 20, "{:?}", server.processes());
    assert_eq!(server.zombies(), 0);
}

/// A random environment is killed after every ten answers, idle or busy.
#[test]
fn environments_20_killed_at_random_answer_200_callers() {
    let server = start_20();
    let each = rounds("calls of each caller", 10);
    let (answered, exits) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let running = AtomicUsize::new(CALLERS);
    let mut random = Random::new(13);
    let mut kills = 0;
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (server, answered, exits, running) = (&server, &answered, &exits, &running);
            scope.spawn(move || {
                let _left = Leaving(running);
                for number in 0..each {
                    let event = format!("caller {caller}, call {number}");
                    if answer(server, &event) == Answer::Exit {
                        exits.fetch_add(1, Ordering::Relaxed);
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while running.load(Ordering::Acquire) > 0 {
            let processes = server.processes();
            if answered.load(Ordering::Relaxed) >= 10 * kills && !processes.is_empty() {
                let at = random.below(processes.len());
                sys::kill(processes[at], sys::SIGKILL);
                kills += 1;
            }
            thread::sleep(Duration::from_millis(1));
        }
    });
    assert_eq!(answered.into_inner(), CALLERS * each);
    let exits = exits.into_inner();
    assert!(exits <= kills, "{exits} events failed by {kills} kills");
    assert_log(&server, CALLERS * each);
    assert_eq!(answer(&server, "afterwards"), Answer::Own);
}

/// Counts a caller as gone, also when it panics.
struct Leaving<'a>(&'a AtomicUsize);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}
