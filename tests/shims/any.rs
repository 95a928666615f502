//! The worker in Perl of the guide, unchanged.

use crate::driver::Worker;
use crate::skip::has;
use crate::support::{TempDir, root};

/// The worker, not yet ready, and the folder of its file.
fn start() -> Option<(Worker, TempDir)> {
    if !has("perl") {
        return None;
    }
    let chapter = root().join("src/guide/worker_protocol.md");
    let text = std::fs::read_to_string(chapter).expect("read the chapter");
    let (_, rest) = text.split_once("```perl\n").expect("a worker in Perl");
    let (code, _) = rest.split_once("```\n").expect("its end");
    let folder = TempDir::new();
    let path = folder.executable("shout", code.as_bytes());
    Some((Worker::start(&mut std::process::Command::new(path)), folder))
}

#[test]
fn readme_worker_answers_and_fails_as_documented() {
    let Some((mut worker, _folder)) = start() else {
        return;
    };
    worker.expect_ready();
    for event in ["{\"a\": \"hello\\n\"}", "", "two\nlines", "", "ä\u{0}"] {
        let answer = worker.ask(event.as_bytes());
        if event.is_empty() {
            let message = answer.message("error", "Died");
            assert!(message.starts_with("nothing to shout at "), "{message}");
            assert!(message.ends_with(".\n"), "{message:?}");
        } else {
            assert_eq!((&*answer.verb, &*answer.kind), ("ok", "text/plain"));
            assert_eq!(answer.body, event.to_ascii_uppercase().as_bytes());
        }
    }
    worker.until_log(|log| log == "shouting for id-1\n".repeat(3));
    worker.assert_exits_silently();
}

#[test]
fn readme_worker_echoes_every_size_and_byte() {
    let Some((mut worker, _folder)) = start() else {
        return;
    };
    worker.expect_ready();
    for bytes in [1, 60, 8_191, 8_192, 8_193, 65_536, 1_000_000, 6_291_556] {
        let event: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
        let answer = worker.ask(&event);
        assert!(answer.body == event.to_ascii_uppercase(), "{bytes} bytes");
    }
    worker.assert_exits_silently();
}
