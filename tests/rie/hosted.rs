//! Every kind of handler outside the binary, in the emulator.

use crate::for_kinds;
use crate::kinds::{Kind, command};
use crate::support::{bootstrap, rounds};

for_kinds!(any [bash dash program worker php node python ruby] [
    every_kind_answers_fails_and_crashes
]);

for_kinds!(kept [bash dash worker php node python ruby] [
    every_kind_fails_at_init
    every_kind_is_late
    a_hundred_in_a_row
]);

/// Puts the variables together that a kind is started with.
macro_rules! started {
    ($kind:ident, $task:ident, $($more:expr),*) => {{
        let root = $task.dir.path().to_str().expect("UTF-8");
        let all = [("_HANDLER", $kind.handler), ("LAMBDA_TASK_ROOT", root), $($more),*];
        crate::rie!(&bootstrap(), &all)
    }};
}

fn every_kind_answers_fails_and_crashes(kind: &Kind) {
    let task = kind.hosted_run();
    let rie = started!(kind, task,);
    let event = r#"{"say":"it's \"so\"","list":[1,2,3]}"#;
    for _ in 0..2 {
        assert_eq!(rie.text(event.as_bytes()), (200, event.to_string()));
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
    assert_eq!(rie.starts().len(), 1, "one runtime for all of it");
}

fn every_kind_fails_at_init(kind: &Kind) {
    let task = kind.hosted_run();
    let rie = started!(kind, task, ("INIT", "throw"));
    let (wanted, part) = kind.init_failure;
    for number in 1..=2 {
        let (status, text) = rie.text(b"{}");
        assert_eq!(status, 502, "{text}");
        assert!(text.contains(wanted) && text.contains(part), "{text}");
        assert_eq!(rie.starts().len(), number);
    }
}

fn every_kind_is_late(kind: &Kind) {
    let task = kind.hosted_run();
    let rie = started!(kind, task, ("AWS_LAMBDA_FUNCTION_TIMEOUT", "2"));
    assert_eq!(rie.text(b"\"fine\""), (200, "\"fine\"".to_string()));
    let (_, text) = rie.text(command("sleep 30").as_bytes());
    assert!(
        text.contains("Function.Timeout") || text.contains("Task timed out"),
        "{text}"
    );
    assert_eq!(rie.text(b"\"fine\""), (200, "\"fine\"".to_string()));
}

fn a_hundred_in_a_row(kind: &Kind) {
    let task = kind.hosted_run();
    let rie = started!(kind, task,);
    let (_, first) = rie.text(command("pid").as_bytes());
    for number in 0..rounds("invocations in a row", 100) {
        let event = format!("{{\"number\":{number}}}");
        assert_eq!(rie.text(event.as_bytes()), (200, event));
    }
    assert_eq!(rie.text(command("pid").as_bytes()), (200, first));
    assert_eq!(rie.connections().len(), 1, "one connection");
    assert_eq!(rie.starts().len(), 1);
}
