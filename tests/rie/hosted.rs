//! All kinds of hosted handlers under the emulator.

use crate::for_kinds;
use crate::kinds::{Kind, command};
use crate::support::machine::Window;
use crate::support::{bootstrap, proc, rounds, until};

for_kinds!(any [bash dash program worker php node python ruby] [
    handler_answers_fails_and_crashes
]);

for_kinds!(persistent [bash dash worker php node python ruby] [
    handler_failing_at_init_reaches_the_caller
    handler_past_its_deadline_is_a_timeout
    invocations_100_in_a_row_use_one_process
]);

/// Starts the emulator with the variables of a kind.
macro_rules! started {
    ($kind:ident, $task:ident, $($more:expr),*) => {{
        let root = $task.dir.path().to_str().expect("UTF-8");
        let all = [("_HANDLER", $kind.handler), ("LAMBDA_TASK_ROOT", root), $($more),*];
        crate::rie!(&bootstrap(), &all)
    }};
}

/// JSON as the language writes it: Python has blanks behind commas and colons.
fn spelled(kind: &Kind, json: &str) -> String {
    if kind.file == "index.py" {
        json.replace(',', ", ").replace(':', ": ")
    } else {
        json.to_string()
    }
}

fn handler_answers_fails_and_crashes(kind: &Kind) {
    let task = kind.hosted_run();
    let rie = started!(kind, task,);
    let event = spelled(kind, r#"{"say":"it's \"so\"","list":[1,2,3]}"#);
    for _ in 0..2 {
        assert_eq!(rie.text(event.as_bytes()), (200, event.clone()));
        let (_, text) = rie.text(command("fail for a reason").as_bytes());
        assert!(text.contains(kind.failure), "{text}");
        assert!(text.contains("for a reason"), "{text}");
        let (_, text) = rie.text(command("killed").as_bytes());
        assert!(text.contains("Runtime.ExitError"), "{text}");
        assert!(text.contains("signal 9"), "{text}");
    }
    let large = format!("\"{}\"", "y".repeat(6_000_000));
    assert!(rie.text(large.as_bytes()) == (200, large));
    let (_, text) = rie.text(command("exit 3").as_bytes());
    assert!(text.contains("Runtime.ExitError"), "{text}");
    assert_eq!(rie.text(b"\"fine\""), (200, "\"fine\"".to_string()));
    assert_eq!(rie.starts().len(), 1, "one runtime for all events");
}

fn handler_failing_at_init_reaches_the_caller(kind: &Kind) {
    let task = kind.hosted_run();
    let rie = started!(kind, task, ("INIT", "throw"));
    let (error_type, part) = kind.init_failure;
    for number in 1..=2 {
        let (status, text) = rie.text(b"{}");
        assert_eq!(status, 502, "{text}");
        assert!(text.contains(error_type) && text.contains(part), "{text}");
        assert_eq!(rie.starts().len(), number);
    }
}

fn handler_past_its_deadline_is_a_timeout(kind: &Kind) {
    let task = kind.hosted_run();
    let window = Window::of_seconds(2);
    let timeout_s = (window.ms / 1_000).to_string();
    let timeout = ("AWS_LAMBDA_FUNCTION_TIMEOUT", timeout_s.as_str());
    let rie = started!(kind, task, timeout);
    assert_eq!(rie.text(b"\"fine\""), (200, "\"fine\"".to_string()));
    let (_, text) = rie.text(command("sleep 600").as_bytes());
    // The runtime answers within its margin before the deadline. Where this machine delays threads
    // by more than the margin, the emulator may kill the runtime first.
    let (is_in_time, is_delayed) = (text.contains("Function.Timeout"), window.is_exceeded());
    assert!(
        is_in_time || is_delayed && text.contains("Task timed out"),
        "{text}\n{}",
        rie.output()
    );
    assert_eq!(rie.text(b"\"fine\""), (200, "\"fine\"".to_string()));
    assert_eq!(rie.starts().len(), if is_in_time { 1 } else { 2 });
    // Whichever process killed the handler: its descendants are killed too.
    let is_sleep = |pid: &u32| proc::name(*pid) == "sleep";
    until("the sleep killed", || !rie.runtimes().iter().any(is_sleep));
}

fn invocations_100_in_a_row_use_one_process(kind: &Kind) {
    let task = kind.hosted_run();
    let rie = started!(kind, task,);
    let (_, first) = rie.text(command("pid").as_bytes());
    for number in 0..rounds("invocations in a row", 100) {
        let event = format!("[{number}]");
        assert_eq!(rie.text(event.as_bytes()), (200, event));
    }
    assert_eq!(rie.text(command("pid").as_bytes()), (200, first));
    assert_eq!(rie.connections().len(), 1, "one connection");
    assert_eq!(rie.starts().len(), 1);
}
