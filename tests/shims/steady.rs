//! Leaks: memory, descriptors, the channel; and idle workers that must not exit.

use std::time::Duration;

use crate::driver::{Language, Worker};
use crate::support::proc::{descriptors, resident_kib};
use crate::support::rounds;

crate::for_each_language! {
    memory_and_descriptors_after_10000_events_are_unchanged
    channel_is_inherited_by_children_of_php_alone
    worker_idle_beyond_the_socket_timeout_answers
}

fn memory_and_descriptors_after_10000_events_are_unchanged(language: Language) {
    let mut worker = language.case("same");
    let events = rounds("events", 10_000);
    let context = "request-id=id-1\ndeadline-ms=4102444800000\ntrace-id=Root=1\n\
                   client-context={\"custom\":{\"a\":1}}\n";
    let event = format!("{{\"text\":\"{}\"}}", "x".repeat(1000));
    let run = |worker: &mut Worker, count: usize| {
        for number in 0..count {
            // Now and then an error: those must not leak either.
            let bad = number % 10 == 9;
            let event = if bad { "{" } else { event.as_str() };
            let answer = worker.ask_with(context, event.as_bytes());
            assert_eq!(answer.verb, if bad { "error" } else { "ok" });
        }
    };
    // Beyond the event at which a worker begins to write the trace id in another way.
    run(&mut worker, (events / 2).max(1_000));
    let (open, before_kib) = (descriptors(worker.pid()), resident_kib(worker.pid()));
    run(&mut worker, events - events / 2);
    assert_eq!(descriptors(worker.pid()), open);
    let after_kib = resident_kib(worker.pid());
    // A collector that has not run yet, and the pieces of a heap, are not a leak: half of a
    // kilobyte an event would be 2,500 KiB.
    let allowed_kib = if language == Language::Node {
        24_000
    } else {
        2_000
    };
    assert!(
        after_kib < before_kib + allowed_kib,
        "{before_kib} KiB, then {after_kib} KiB"
    );
    if language.logs_errors() {
        // The log of the last errors may still be on its way.
        let (status, log) = worker.ended(true);
        assert_eq!(status.code(), Some(0), "{log}");
    } else {
        worker.assert_exits_silently();
    }
}

fn channel_is_inherited_by_children_of_php_alone(language: Language) {
    let mut worker = language.case("descriptors");
    // The shims for Python and Ruby move it.
    let is_moved = matches!(language, Language::Python | Language::Ruby);
    let number = if is_moved { 1_000 } else { 3 };
    let channel = format!("/proc/{}/fd/{number}", worker.pid());
    let channel = std::fs::read_link(channel).expect("it is open");
    let listed = worker.ask(b"{}").json();
    let listed = listed.as_str().expect("text");
    assert!(listed.contains("/proc/"), "{listed}");
    let inherited = listed.contains(channel.to_str().expect("text"));
    // PHP has no way to close a descriptor in its children.
    assert_eq!(inherited, language == Language::Php, "{listed}");
}

fn worker_idle_beyond_the_socket_timeout_answers(language: Language) {
    let mut command = language.command(&language.file("cases"), "same");
    if language == Language::Php {
        // 60 seconds without this.
        let (program, own) = (command.get_program().to_owned(), command);
        command = std::process::Command::new(program);
        command
            .args(["-d", "default_socket_timeout=1"])
            .args(own.get_args());
    }
    let mut worker = Worker::start(&mut command);
    worker.expect_ready();
    for _ in 0..2 {
        std::thread::sleep(Duration::from_millis(1_500));
        assert_eq!(worker.ask(b"1").body, b"1");
    }
    worker.assert_exits_silently();
}
