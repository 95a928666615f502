//! Handlers that fork: a child that returns from the handler, fails or exits sends no answer.

use crate::kinds::{IDLE_EXIT_LINE, Kind, php, python, ruby};
use crate::skip::skip;
use crate::support::hosting::{events, response};

/// The handler forks, and the child returns, fails or exits, as the event says; the parent answers
/// with the status of the one before.
const PYTHON: &str = "\
import os, sys
before = 0
def handler(event, context):
    global before
    status = os.waitstatus_to_exitcode(os.waitpid(before, 0)[1]) if before else 0
    before = os.fork()
    if before == 0:
        if event == 'fail': raise ValueError('in the child')
        if event == 'exit': sys.exit(7)
        return 'of the child'
    return status
";

const RUBY: &str = "\
$before = nil
def handler(event:, context:)
  status = $before ? Process.wait2($before)[1].exitstatus : 0
  $before = fork
  unless $before
    raise 'in the child' if event == 'fail'
    exit 7 if event == 'exit'
    return 'of the child'
  end
  status
end
";

const PHP: &str = "<?php
return function ($event) {
    static $before;
    $status = 0;
    if ($before) pcntl_waitpid($before, $status);
    $before = pcntl_fork();
    if (!$before) {
        if ($event == 'fail') throw new Exception('in the child');
        if ($event == 'exit') exit(7);
        return 'of the child';
    }
    return pcntl_wexitstatus($status);
};
";

fn assert_children_answer_nothing(kind: Option<Kind>, source: &str, handler: Option<&str>) {
    let Some(kind) = kind else {
        return;
    };
    let mut hosted = kind.with_source(source);
    if let Some(handler) = handler {
        hosted = hosted.variable("_HANDLER", handler);
    }
    let bodies = ["\"return\"", "\"fail\"", "\"exit\""].repeat(10);
    let outcome = hosted.run(&events(bodies.iter().copied()));
    let ledger = outcome.assert_serving();
    for number in 0..bodies.len() {
        let id = format!("event-{number}");
        let is_behind_exit = number > 0 && bodies[number - 1].contains("exit");
        let status: &[u8] = if is_behind_exit { b"7" } else { b"0" };
        assert_eq!(response(ledger, &id), status, "{id}");
        assert_eq!(ledger.posts_of(&id).len(), 1, "{ledger}");
    }
    assert!(
        !outcome.stderr.contains(IDLE_EXIT_LINE),
        "{}",
        outcome.stderr
    );
}

#[test]
fn python_child_forked_by_the_handler_sends_nothing() {
    assert_children_answer_nothing(python(), PYTHON, None);
}

#[test]
fn ruby_child_forked_by_the_handler_sends_nothing() {
    assert_children_answer_nothing(ruby(), RUBY, None);
}

#[test]
fn php_child_forked_by_the_handler_sends_nothing() {
    let modules = std::process::Command::new("php").arg("-m").output();
    let text = modules.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    if !text.is_ok_and(|text| text.contains("pcntl")) {
        return skip("no php with pcntl");
    }
    assert_children_answer_nothing(php(), PHP, Some("hello.php"));
}
