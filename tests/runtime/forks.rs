//! A pool that has no process for a worker: forks are made to fail by strace, which root meets too.

use crate::error_message;
use crate::pools::until_held;
use crate::skip::{has, skip};
use crate::support::api::{Kind, Script, Server};
use crate::support::process::{PATIENCE_MS, Process};
use crate::support::start::Start;
use crate::support::{TempDir, bound, function, proc, runner, sys};

/// A pool whose forks with these numbers fail with EAGAIN; `None` without a tracer.
fn pool(dir: &TempDir, count: usize, failing: &str, server: &Server) -> Option<Start> {
    if runner().is_some() {
        skip("strace would see the calls of the runner");
        return None;
    }
    if !has("strace") {
        return None;
    }
    // musl forks with fork(2) or clone(2), by the architecture. The workers are not traced.
    let calls = "fork,clone";
    let script = format!(
        "#!/bin/sh\nexec strace -D -o /dev/null -e trace={calls} \
         -e inject={calls}:error=EAGAIN:when={failing} {}\n",
        function("probe").display()
    );
    let start = Start::new(&dir.executable("bootstrap", script.as_bytes()))
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .variable("AWS_LAMBDA_MAX_CONCURRENCY", &count.to_string());
    Some(start)
}

fn worker_of(process: &Process) -> u32 {
    let is_worker = |pid: &u32| {
        let parent = proc::state_and_parent(*pid).map(|(_, parent)| parent);
        parent == Some(process.pid())
    };
    let mut pids = process.descendants().into_iter();
    pids.find(is_worker).expect("a worker")
}

#[test]
fn fork_failing_at_init_is_one_init_error() {
    for (count, failing) in [(1, "1+"), (4, "3+"), (64, "3+")] {
        let (dir, server) = (TempDir::new(), Server::start(Script::default()));
        let Some(start) = pool(&dir, count, failing, &server) else {
            return;
        };
        let mut process = start.spawn();
        let status = process.wait(bound(PATIENCE_MS));
        let said = process.stderr();
        let left = process.wait_descendants_gone(bound(PATIENCE_MS));
        let ledger = server.finish();
        assert_eq!(status.and_then(|status| status.code()), Some(3), "{said}");
        assert_eq!((ledger.gets, ledger.posts.len()), (0, 1), "{ledger}");
        assert_eq!(ledger.posts[0].kind, Kind::InitError);
        let message = error_message(&ledger.posts[0], "Runtime.OutOfResources");
        assert!(message.contains("cannot fork a worker"), "{message}");
        assert!(
            said.contains("cannot fork a worker, trying again: errno 11"),
            "{said}"
        );
        assert_eq!(left, [0; 0], "workers that wait for others");
        // A line a try, not one a worker that is missing.
        assert!(said.lines().count() < 32, "{said}");
    }
}

#[test]
fn fork_failing_for_a_moment_at_init_is_tried_again() {
    let (dir, server) = (TempDir::new(), Server::start(Script::default()));
    let Some(start) = pool(&dir, 4, "2..3", &server) else {
        return;
    };
    let mut process = start.spawn();
    until_held(&mut process, &server, 4);
    process.until_said("cannot fork a worker, trying again: errno 11");
    assert_eq!(server.ledger().posts.len(), 0);
}

#[test]
fn fork_failing_after_init_is_tried_again() {
    let (dir, server) = (TempDir::new(), Server::start(Script::default()));
    let Some(start) = pool(&dir, 1, "2..3", &server) else {
        return;
    };
    let mut process = start.spawn();
    until_held(&mut process, &server, 1);
    sys::kill(worker_of(&process), sys::SIGKILL);
    process.until_said("cannot fork a worker, trying again: errno 11");
    until_held(&mut process, &server, 1);
    assert_eq!(server.ledger().posts.len(), 0);
}
