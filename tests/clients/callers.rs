//! Many callers at once: each gets exactly its own answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::harness::{Server, call};
use crate::support::{function, rounds};

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
