//! Forks of workers that fail, injected by strace: a limit of processes does not bind root.

use crate::error_message;
use crate::pools::until_held;
use crate::skip::{has, skip};
use crate::support::api::{Kind, Script, Server};
use crate::support::messages::FORK_FAILED;
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
    // musl calls fork(2) or clone(2), depending on the architecture. Workers are not traced.
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
        let stderr = process.stderr();
        let left = process.wait_descendants_gone(bound(PATIENCE_MS));
        let ledger = server.finish();
        assert_eq!(status.and_then(|status| status.code()), Some(3), "{stderr}");
        assert_eq!((ledger.gets, ledger.posts.len()), (0, 1), "{ledger}");
        assert_eq!(ledger.posts[0].kind, Kind::InitError);
        let message = error_message(&ledger.posts[0], "Runtime.OutOfResources");
        assert!(message.contains("cannot fork a worker"), "{message}");
        assert!(stderr.contains(FORK_FAILED), "{stderr}");
        assert_eq!(left, [0; 0], "workers left waiting for others");
        // One line per try, not per missing worker.
        assert!(stderr.lines().count() < 32, "{stderr}");
    }
}

#[test]
fn fork_failing_twice_at_init_is_retried() {
    let (dir, server) = (TempDir::new(), Server::start(Script::default()));
    let Some(start) = pool(&dir, 4, "2..3", &server) else {
        return;
    };
    let mut process = start.spawn();
    until_held(&mut process, &server, 4);
    process.until_logged(FORK_FAILED);
    assert_eq!(server.ledger().posts.len(), 0);
}

#[test]
fn fork_failing_after_init_is_retried() {
    let (dir, server) = (TempDir::new(), Server::start(Script::default()));
    let Some(start) = pool(&dir, 1, "2..3", &server) else {
        return;
    };
    let mut process = start.spawn();
    until_held(&mut process, &server, 1);
    sys::kill(worker_of(&process), sys::SIGKILL);
    process.until_logged(FORK_FAILED);
    until_held(&mut process, &server, 1);
    assert_eq!(server.ledger().posts.len(), 0);
}
