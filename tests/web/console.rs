//! `console:`: commands.
//!
//! How arguments are split is tried against sh in the unit tests of `host/console`.

use super::site::task_root;
use crate::support::api::{Event, Kind, Ledger, Script, Server};
use crate::support::hosting::{error, events, response, start};
use crate::support::process::Outcome;
use crate::support::{TempDir, bound, skip};
use serde_json::{Value, json};

/// Prints its arguments, one a line, in brackets.
const ARGUMENTS: &str = "#!/bin/sh\nfor argument; do printf '[%s]\\n' \"$argument\"; done\n";

/// The outcome of events of a command, which goes on to serve.
fn run<B: Into<Vec<u8>>>(
    dir: &TempDir,
    handler: &str,
    bodies: impl IntoIterator<Item = B>,
) -> Outcome {
    let outcome = start(dir, handler).run(Script::events(&events(bodies)));
    outcome.assert_serving();
    outcome
}

/// The output in the answer to an event.
fn output(ledger: &Ledger, id: &str) -> String {
    let body = response(ledger, id);
    let value: Value = serde_json::from_slice(body).expect("JSON");
    assert_eq!(value["exitCode"], 0, "{value}");
    assert_eq!(value.as_object().map(|object| object.len()), Some(2));
    value["output"].as_str().expect("a string").to_string()
}

/// A shell script that a command runs, whose argument is the event.
fn shell(script: &str) -> TempDir {
    task_root(&[("run", &format!("#!/bin/sh\n{script}\n"))])
}

#[test]
fn arguments_of_each_form_reach_the_command() {
    let dir = task_root(&[("run", ARGUMENTS)]);
    let bodies = [
        ("", ""),
        (
            r#""migrate --force 'a b' \"c d\"""#,
            "[migrate]\n[--force]\n[a b]\n[c d]\n",
        ),
        (r#"["a b", 1, ""]"#, "[a b]\n[1]\n[]\n"),
        (r#"{"cli":"a 'b c'"}"#, "[a]\n[b c]\n"),
        (r#"{"cli":["a b",2.5]}"#, "[a b]\n[2.5]\n"),
        (
            r#""$HOME * `id` ; ls""#,
            "[$HOME]\n[*]\n[`id`]\n[;]\n[ls]\n",
        ),
    ];
    let outcome = run(&dir, "console:run", bodies.map(|(body, _)| body));
    for (number, (body, wanted)) in bodies.into_iter().enumerate() {
        let id = format!("event-{number}");
        assert_eq!(output(&outcome.ledger, &id), wanted, "{body}");
    }
    // It is in the log, too.
    assert!(
        outcome.stderr.contains("[migrate]\n[--force]\n"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn event_that_has_no_arguments_is_an_error_and_runs_nothing() {
    let dir = shell("echo RUN; touch ran");
    let bodies = [
        "null",
        "{}",
        "true",
        "7",
        r#"{"cli":null}"#,
        r#"["a",null]"#,
        "x",
        r#""a 'b""#,
    ];
    let outcome = run(&dir, "console:run", bodies);
    for number in 0..7 {
        let id = format!("event-{number}");
        let text = error(&outcome.ledger, &id, "Runtime.NotAConsoleEvent");
        assert!(text.contains("\"cli\""), "{text}");
    }
    let text = error(&outcome.ledger, "event-7", "Runtime.NotAConsoleEvent");
    assert_eq!(text, "the arguments have a quote without an end");
    assert!(!outcome.stderr.contains("RUN"), "{}", outcome.stderr);
    let logged = outcome.stderr.matches("Runtime.NotAConsoleEvent").count();
    assert_eq!(logged, 8, "{}", outcome.stderr);
}

#[test]
fn arguments_up_to_the_limit_reach_the_command() {
    let dir = shell("echo $# ${#1}");
    let many = |count: usize| format!("[{}]", vec!["\"x\""; count].join(","));
    let long = |bytes: usize| format!("[\"{}\"]", "x".repeat(bytes));
    let bodies = [
        many(200),
        many(255),
        many(256),
        long(131_071),
        long(131_072),
    ];
    let outcome = run(&dir, "console:run", bodies);
    let ledger = &outcome.ledger;
    assert_eq!(output(ledger, "event-0"), "200 1\n");
    assert_eq!(output(ledger, "event-1"), "255 1\n");
    assert_eq!(output(ledger, "event-3"), "1 131071\n");
    for id in ["event-2", "event-4"] {
        let text = error(ledger, id, "Runtime.NotAConsoleEvent");
        assert!(text.contains("255") && text.contains("131072"), "{text}");
    }
}

#[test]
fn both_streams_of_a_command_keep_their_order() {
    let dir =
        shell("for n in 1 2 3 4 5 6 7 8 9; do echo out $n; echo err $n >&2; done; cat; echo end");
    let outcome = run(&dir, "console:run", ["[]"]);
    let numbers = 1..=9;
    let wanted: String = numbers.map(|n| format!("out {n}\nerr {n}\n")).collect();
    // Standard input is empty, so cat ends at once.
    assert_eq!(output(&outcome.ledger, "event-0"), wanted + "end\n");
}

#[test]
fn status_of_a_command_that_fails_is_an_error_with_its_output() {
    let dir = shell("echo before; eval \"$1\"; echo not reached");
    let bodies = [
        r#"["exit 3"]"#,
        r#"["kill -9 $$"]"#,
        r#"["kill -TERM $$"]"#,
        r#"["exit 255"]"#,
        r#"["echo $LAMBDA_REQUEST_ID; exit 0"]"#,
        r#"["printf '%s' 'a\"b\\\\\\u00e9\\u0001'; exit 1"]"#,
    ];
    let outcome = run(&dir, "console:run", bodies);
    let ledger = &outcome.ledger;
    let failed = |id: &str| error(ledger, id, "Function.CommandFailed");
    assert_eq!(failed("event-0"), "exit status 3: before");
    assert_eq!(failed("event-1"), "exit status 137: before");
    assert_eq!(failed("event-2"), "exit status 143: before");
    assert_eq!(failed("event-3"), "exit status 255: before");
    assert_eq!(output(ledger, "event-4"), "before\nevent-4\n");
    assert!(failed("event-5").starts_with("exit status 1: before\na\"b"));
    let silent = shell("exit 2");
    let outcome = run(&silent, "console:run", ["[]"]);
    let text = error(&outcome.ledger, "event-0", "Function.CommandFailed");
    assert_eq!(text, "exit status 2");
    let line = "tinderbox: the command failed, exit status: 2\n";
    assert!(outcome.stderr.contains(line), "{}", outcome.stderr);
    assert!(
        !outcome.stderr.contains("errorMessage"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn output_that_does_not_fit_is_cut_from_the_front() {
    let dir = task_root(&[(
        "run",
        "#!/usr/bin/perl\n$| = 0;\nmy ($piece, $count, $status) = @ARGV;\n\
         $piece = eval qq(\"$piece\");\nprint 'FIRST';\nprint $piece for 1..$count;\n\
         print 'LAST';\nexit $status;\n",
    )]);
    if !skip::has("perl") {
        return;
    }
    let bodies = [
        json!(["0123456789abcdef", 393_216, 0]),
        json!(["\\x01", 6_000_000, 0]),
        json!(["\\xff", 3_000_000, 0]),
        json!(["\\n", 3_000_000, 1]),
        json!(["x", 3_000_000, 1]),
        json!(["\\x{e2}\\x{82}\\x{ac}", 1_000_000, 0]),
        json!(["x", 1_048_567, 0]),
        json!(["x", 10, 0]),
    ];
    let outcome = start(&dir, "console:run")
        .variable("LC_ALL", "C") // perl complains about a locale that is missing
        .run(Script::events(&events(bodies.map(|body| body.to_string()))));
    let ledger = outcome.assert_serving();
    const MIB: usize = 1024 * 1024;
    let text = output(ledger, "event-0");
    assert_eq!(text.len(), MIB);
    assert!(text.ends_with("0123456789abcdefLAST"));
    let text = output(ledger, "event-1");
    assert_eq!(text.len(), MIB);
    assert!(text.ends_with("\u{1}LAST") && response(ledger, "event-1").len() > 6_000_000);
    let text = output(ledger, "event-2");
    let count = text.matches('\u{fffd}').count();
    assert!(
        text.ends_with("\u{fffd}LAST") && count >= MIB - 8,
        "{count}"
    );
    for id in ["event-3", "event-4"] {
        let text = error(ledger, id, "Function.CommandFailed");
        assert!(
            text.starts_with("exit status 1: ") && text.ends_with("LAST"),
            "{id}"
        );
        let body = &ledger.answer(id).body;
        assert!(
            body.len() <= MIB && body.len() > MIB - 200_000,
            "{}",
            body.len()
        );
    }
    let text = output(ledger, "event-5");
    assert!(text.len() <= MIB && text.len() > MIB - 4);
    assert!(!text.contains('\u{fffd}') && text.ends_with("€LAST"));
    let text = output(ledger, "event-6");
    assert!(
        text.starts_with("FIRST") && text.len() == MIB,
        "{}",
        text.len()
    );
    // Nothing of another event is left.
    assert_eq!(output(ledger, "event-7"), "FIRSTxxxxxxxxxxLAST");
}

#[test]
fn deadline_kills_all_processes_of_a_command() {
    let dir = shell("echo started; (sleep 600; echo no) & eval \"$1\"");
    let endless = "while :; do echo 0123456789abcdef0123456789abcdef; done";
    let late = |id: &str, script: &str| {
        let at_ms = crate::support::api::now_ms() + bound(1500).as_millis() as u64;
        Event::new(id, json!([script]).to_string()).deadline(&at_ms.to_string())
    };
    for script in [endless, "trap '' TERM; sleep 600"] {
        let events = [late("late", script), Event::new("after", r#"["exit 0"]"#)];
        let server = Server::start(Script::events(&events));
        let mut process = start(&dir, "console:run")
            .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
            .spawn();
        process.until_idle(&server);
        let outcome = process.finish(server);
        let text = error(&outcome.ledger, "late", "Function.Timeout");
        assert!(text.contains("killed after"), "{text}");
        assert_eq!(output(&outcome.ledger, "after"), "started\n");
        assert!(outcome.stderr.contains("started"), "{}", outcome.stderr);
    }
}

#[test]
fn background_process_of_a_command_ends_with_it() {
    let dir = shell("(trap '' TERM; sleep 600; echo late) & echo done; exit $1");
    let outcome = run(&dir, "console:run", ["[0]", "[7]", "[0]"]);
    for id in ["event-0", "event-2"] {
        assert_eq!(output(&outcome.ledger, id), "done\n");
    }
    let text = error(&outcome.ledger, "event-1", "Function.CommandFailed");
    assert_eq!(text, "exit status 7: done");
}

#[test]
fn lines_of_a_command_are_records_in_a_json_log() {
    let dir = shell("echo one; echo two >&2; echo '{\"a\":1}'");
    let outcome = start(&dir, "console:run")
        .variable("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .run(Script::events(&events(["[]"])));
    let ledger = outcome.assert_serving();
    assert_eq!(output(ledger, "event-0"), "one\ntwo\n{\"a\":1}\n");
    let records: Vec<Value> = outcome
        .stderr
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    for text in ["one", "two"] {
        let is_there = records.iter().any(|record| record["message"] == text);
        assert!(is_there, "{text}: {}", outcome.stderr);
    }
    assert!(
        records.iter().any(|record| record["a"] == 1),
        "{}",
        outcome.stderr
    );
}

#[test]
fn variables_of_the_event_are_those_of_a_program() {
    let dir = shell("echo $LAMBDA_REQUEST_ID $LAMBDA_TENANT_ID $_X_AMZN_TRACE_ID");
    let event = Event::new("one", "[]")
        .header("Lambda-Runtime-Trace-Id", "Root=1-2")
        .header("Lambda-Runtime-Aws-Tenant-Id", "tenant-7");
    let outcome = start(&dir, "console:run").run(Script::events(&[event]));
    let ledger = outcome.assert_serving();
    assert_eq!(output(ledger, "one"), "one tenant-7 Root=1-2\n");
}

#[test]
fn script_of_php_without_its_executable_bit_is_run_by_php() {
    if !skip::has("php") {
        return;
    }
    let code = "<?php echo implode('|', array_slice($argv, 1)), ' ', PHP_SAPI;\n\
                fwrite(STDERR, 'E'); exit((int) ($argv[1] ?? 0));";
    let with_line = format!("\n#!/usr/bin/env php\n{code}");
    let dir = TempDir::new();
    dir.file("artisan", with_line.trim_start().as_bytes());
    dir.file("job.php", code.as_bytes());
    dir.file("bin/console", code.as_bytes());
    for handler in ["console:artisan", "console:job.php", "console:bin/console"] {
        let outcome = run(&dir, handler, [r#""0 --force 'x y'""#, r#"[4]"#]);
        let ledger = &outcome.ledger;
        assert_eq!(output(ledger, "event-0"), "0|--force|x y cliE", "{handler}");
        let text = error(ledger, "event-1", "Function.CommandFailed");
        assert_eq!(text, "exit status 4: 4 cliE", "{handler}");
    }
}

/// An application with Symfony's console, as its own skeleton has it in `bin/console`.
const SYMFONY: &str = r#"<?php
require '/usr/share/php/Symfony/Component/Console/autoload.php';
use Symfony\Component\Console\{Application, Command\Command};
use Symfony\Component\Console\Input\{InputArgument, InputOption};
$app = new Application('shop', '1.2');
$app->register('orders:send')
    ->addArgument('names', InputArgument::IS_ARRAY)
    ->addOption('force', 'f')
    ->addOption('class', null, InputOption::VALUE_REQUIRED)
    ->setCode(function ($input, $output) {
        $output->writeln('names: ' . implode('|', $input->getArgument('names')));
        $output->writeln('<error>class: ' . $input->getOption('class') . '</error>');
        $input->isInteractive() or $output->writeln('not interactive');
        return $input->getOption('force') ? Command::SUCCESS : 5;
    });
$app->register('orders:fail')->setCode(function () { throw new RuntimeException('no stock'); });
$app->run();
"#;

#[test]
fn application_of_symfonys_console_answers_and_fails() {
    let library = "/usr/share/php/Symfony/Component/Console/autoload.php";
    if !skip::has("php") {
        return;
    }
    if !std::path::Path::new(library).exists() {
        skip::skip("no package php-symfony-console");
        return;
    }
    let dir = TempDir::new();
    dir.file(
        "bin/console",
        format!("#!/usr/bin/env php\n{SYMFONY}").as_bytes(),
    );
    let bodies = [
        r#""--version""#,
        r#"{"cli":"orders:send -f -n 'Ann B' \"Bob\" --class='App\\Jobs'"}"#,
        r#"["orders:send","Ann","-n"]"#,
        r#""orders:fail""#,
        r#""orders:nothing""#,
        r#""""#,
    ];
    let outcome = run(&dir, "console:bin/console", bodies);
    let ledger = &outcome.ledger;
    assert_eq!(output(ledger, "event-0"), "shop 1.2\n");
    let text = output(ledger, "event-1");
    assert_eq!(
        text,
        "names: Ann B|Bob\nclass: App\\Jobs\nnot interactive\n"
    );
    let failed = |id: &str| error(ledger, id, "Function.CommandFailed");
    assert!(failed("event-2").starts_with("exit status 5: names: Ann\n"));
    let text = failed("event-3");
    assert!(
        text.starts_with("exit status 1: ") && text.contains("no stock"),
        "{text}"
    );
    let text = failed("event-4");
    assert!(text.contains("\"orders:nothing\" is not defined"), "{text}");
    assert!(output(ledger, "event-5").contains("Available commands:"));
}

#[test]
fn interpreter_by_way_of_env_is_that_of_the_function() {
    let own = "#!/bin/sh\necho own: \"$@\"\n";
    let dir = task_root(&[
        ("bin/php", own),
        ("artisan", "#!/usr/bin/env php\n<?php"),
        ("other", "#!/usr/bin/env -S sh -e\necho by itself: \"$@\"\n"),
        ("unknown", "#!/usr/bin/env tinderbox-no-such-program\n"),
    ]);
    let path = dir.path().join("artisan").display().to_string();
    let outcome = run(&dir, "console:artisan", [r#""a b""#]);
    let wanted = format!("own: {path} a b\n");
    assert_eq!(output(&outcome.ledger, "event-0"), wanted);
    let outcome = run(&dir, "console:other", [r#""a b""#]);
    assert_eq!(output(&outcome.ledger, "event-0"), "by itself: a b\n");
    let outcome = run(&dir, "console:unknown", ["[]"]);
    let text = error(&outcome.ledger, "event-0", "Function.CommandFailed");
    assert!(text.starts_with("exit status 127: "), "{text}");
}

#[test]
fn file_that_cannot_be_run_is_an_init_error() {
    let dir = TempDir::new();
    dir.file("notes.txt", b"no script");
    dir.file("manage.py", b"#!/usr/bin/env python3\n");
    dir.file("artisan", b"#!/usr/bin/env php\n<?php");
    dir.file("folder/x", b"");
    let runtime = std::fs::read(crate::support::bootstrap()).expect("the bootstrap");
    dir.executable("copy", &runtime);
    for (handler, error_type, wanted) in [
        ("console:notes.txt", "Runtime.InvalidEntrypoint", "mode 755"),
        ("console:manage.py", "Runtime.InvalidEntrypoint", "mode 755"),
        (
            "console:copy",
            "Runtime.HandlerNotFound",
            "the runtime itself",
        ),
        (
            "console:nothing",
            "Runtime.HandlerNotFound",
            "no handler console:nothing",
        ),
        ("console:folder", "Runtime.HandlerNotFound", "(a folder)"),
        ("console:artisan", "Runtime.NoSuchInterpreter", "no php"),
    ] {
        let start = start(&dir, handler).variable("PATH", "/nowhere");
        let outcome = start.run(Script::default());
        let [post] = &outcome.ledger.posts[..] else {
            panic!("{handler}: {}", outcome.stderr);
        };
        assert_eq!(post.kind, Kind::InitError, "{handler}");
        let value: Value = serde_json::from_slice(&post.body).expect("JSON");
        assert_eq!(value["errorType"], error_type, "{handler}: {value}");
        let text = value["errorMessage"].as_str().expect("a message");
        assert!(text.contains(wanted), "{handler}: {text}");
    }
}

#[test]
fn command_that_vanishes_after_init_is_an_error_of_the_event() {
    let dir = shell("echo once; rm \"$0\"");
    let outcome = run(&dir, "console:run", ["[]", "[]"]);
    assert_eq!(output(&outcome.ledger, "event-0"), "once\n");
    let text = error(&outcome.ledger, "event-1", "Runtime.InvalidEntrypoint");
    assert!(text.contains("no such file"), "{text}");
}
