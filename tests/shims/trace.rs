//! The trace id of an event: who sees it, and how much memory it costs.

use serde_json::json;

use crate::driver::{Language, Worker};
use crate::support::proc::heap_kib;
use crate::support::rounds;

crate::for_each_language! {
    trace_ids_that_differ_do_not_add_to_memory
    trace_id_of_each_event_is_seen_by_function_library_and_child
    trace_id_changed_by_the_function_is_reset_by_the_next_event
    trace_id_of_any_length_is_whole
    context_not_utf_8_is_no_error
}

/// From this event on, the workers write the variable in another way.
const SWITCH: u64 = 1_000;

fn context(id: Option<&str>) -> String {
    let line = id.map_or(String::new(), |id| format!("trace-id={id}\n"));
    format!("request-id=id-1\n{line}")
}

fn trace_ids_that_differ_do_not_add_to_memory(language: Language) {
    let mut worker = language.case("same");
    let count = rounds("events with a trace id", 20_000).max(4_000) as u64;
    let run = |worker: &mut Worker, events: std::ops::Range<u64>, step: u64| {
        let before = heap_kib(worker.pid());
        for number in events {
            // Of the length that Lambda's have.
            let number = number * step;
            let id = format!("Root=1-5e1b4151-{number:024x};Parent=53995c3f42cd8ad8;Sampled=1");
            assert_eq!(worker.ask_with(&context(Some(&id)), b"1").body, b"1");
        }
        heap_kib(worker.pid()).saturating_sub(before)
    };
    run(&mut worker, 0..2 * SWITCH, 1);
    let same_kib = run(&mut worker, 0..count, 0);
    // A heap that still grows to its size does not grow twice; retained ids add to each round.
    let mut rounds = [1_000_003, 1_000_033].map(|step| run(&mut worker, 0..count, step));
    rounds.sort_unstable();
    let [different_kib, _] = rounds;
    // Each retained id takes 145 bytes.
    let allowed_kib = same_kib + count * 145 / 1024 / 4;
    assert!(
        different_kib <= allowed_kib,
        "{count} events: {same_kib} KiB with one id, {different_kib} KiB with different ones"
    );
}

/// The function, a library in C, and children see this id, or none.
fn assert_seen(worker: &mut Worker, id: Option<&str>, leaves: Option<Option<&str>>) {
    let mut event = json!({ "wanted": id.unwrap_or("unset") });
    if let Some(leaves) = leaves {
        event["leaves"] = json!(leaves);
    }
    let event = event.to_string();
    let answer = worker.ask_with(&context(id), event.as_bytes());
    let wanted = json!({ "seen": [id, id, id, id], "forked": true });
    assert_eq!(answer.json(), wanted, "event {}", worker.sequence);
}

fn trace_id_of_each_event_is_seen_by_function_library_and_child(language: Language) {
    let mut worker = language.case("trace");
    for start in [0, SWITCH - 3] {
        worker.sequence = start;
        for id in [
            None,
            Some("Root=1-a;Parent=1;Sampled=1"),
            Some("Root=1-b"),
            Some("Root=1-b"),
            None,
            None,
            Some("R=ä€𝄞 '\"$x\\"),
            Some("x"),
            Some("Root=1-c;Parent=2;Sampled=0;Lineage=1:2"),
        ] {
            assert_seen(&mut worker, id, None);
        }
    }
    worker.assert_exits_silently();
}

fn trace_id_changed_by_the_function_is_reset_by_the_next_event(language: Language) {
    let mut worker = language.case("trace");
    for start in [0, SWITCH - 1] {
        worker.sequence = start;
        for leaves in [
            Some("own"),
            None,
            Some("Root=1-a"),
            None,
            Some(""),
            Some("own"),
        ] {
            assert_seen(&mut worker, Some("Root=1-a"), Some(leaves));
            assert_seen(&mut worker, Some("Root=1-b"), Some(leaves));
            assert_seen(&mut worker, None, Some(leaves));
        }
        assert_seen(&mut worker, None, None);
    }
}

fn trace_id_of_any_length_is_whole(language: Language) {
    let mut worker = language.case("trace");
    for start in [0, SWITCH - 1] {
        worker.sequence = start;
        for length in [
            10, 300, 340, 341, 342, 1_000, 1_007, 1_023, 1_024, 1_025, 16_000, 20,
        ] {
            assert_seen(&mut worker, Some(&"x".repeat(length)), None);
        }
    }
}

/// A caller chooses the bytes of some values.
fn context_not_utf_8_is_no_error(language: Language) {
    let mut worker = language.case("same");
    for start in [0, SWITCH - 1] {
        worker.sequence = start;
        for _ in 0..3 {
            worker.sequence += 1;
            let context = b"request-id=1\ntrace-id=Root=\xff\xfe\ntenant-id=t\xe4\n";
            let head = format!("{} {} 1\n", worker.sequence, context.len());
            worker.send_bytes(&[head.as_bytes(), context, b"7"].concat());
            assert_eq!(worker.answer().body, b"7");
        }
    }
    // PHP has texts of any bytes, and JSON has not.
    if language != Language::Php {
        let mut worker = language.case("context");
        worker.sequence = 1;
        worker.send_bytes(b"1 28 2\ntrace-id=R=\xff\ntenant-id=t\xe4\xfft\n{}");
        let answer = worker.answer().json();
        assert_eq!(answer["trace"], "R=\u{fffd}");
        assert_eq!(answer["trace_of_child"], "R=\u{fffd}");
        assert_eq!(answer["tenant_id"], "t\u{fffd}\u{fffd}t");
    }
}
