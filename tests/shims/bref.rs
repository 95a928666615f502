//! PHP functions written for Bref: its handlers, context, container, autoloader, settings, log.

use std::process::Command;

use serde_json::{Value, json};

use crate::driver::{Language, Worker};
use crate::skip::has;
use crate::support::TempDir;

const PHP: Language = Language::Php;

/// A worker for a function of `bref.php`, ready.
fn bref(name: &str) -> Option<Worker> {
    PHP.is_here().then(|| {
        let mut worker = PHP.start("bref", name);
        worker.expect_ready();
        worker
    })
}

/// A worker for a target that is no file, in this task root.
fn target(root: &TempDir, name: &str) -> Worker {
    let mut command = PHP.command(&root.path().join(name), "");
    let mut arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    arguments.truncate(arguments.len() - 2);
    command = Command::new(command.get_program());
    command.args(arguments).args([name, ""]);
    command.env("LAMBDA_TASK_ROOT", root.path());
    Worker::start(&mut command)
}

const AUTOLOAD: &[u8] = br#"<?php
spl_autoload_register(function ($class) {
    $file = __DIR__ . '/../src/' . strtr($class, '\\', '/') . '.php';
    if (is_file($file)) require $file;
});
if (is_file(__DIR__ . '/../boot.php')) require __DIR__ . '/../boot.php';
"#;

/// A task root with an autoloader in vendor, and classes in src.
fn app(classes: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new();
    root.file("vendor/autoload.php", AUTOLOAD);
    for (name, code) in classes {
        root.file(
            &format!("src/{name}.php"),
            format!("<?php\n{code}\n").as_bytes(),
        );
    }
    root
}

const HANDLER: (&str, &str) = (
    "App/Sums",
    "namespace App; class Sums { function handle($event, $context) { return array_sum($event); } }",
);

#[test]
fn handler_object_is_called_by_its_method_handle() {
    if !PHP.is_here() {
        return;
    }
    for name in ["", "settings"] {
        let mut command = PHP.command(&PHP.file("bref"), name);
        let mut worker = Worker::start(command.env("RETURNS_HANDLER", "1"));
        worker.expect_ready();
        assert_eq!(worker.ask(b"[1]").json(), json!(["handle", [1], "id-1"]));
    }
}

#[test]
fn autoloader_of_vendor_is_loaded_before_the_function() {
    if !PHP.is_here() {
        return;
    }
    let root = app(&[HANDLER]);
    let file = root.file("f.php", b"<?php return new App\\Sums();");
    let mut worker = Worker::start(&mut PHP.command(&file, ""));
    worker.expect_ready();
    assert_eq!(worker.ask(b"[1, 2]").json(), 3);
    // The path that Bref's variable names comes before it.
    let other = root.file(
        "other.php",
        b"<?php class App_Sums { function handle() { return 'other'; } }",
    );
    let file = root.file("g.php", b"<?php return new App_Sums();");
    let mut worker = Worker::start(PHP.command(&file, "").env("BREF_AUTOLOAD_PATH", other));
    worker.expect_ready();
    assert_eq!(worker.ask(b"[1, 2]").json(), "other");
}

#[test]
fn autoloader_that_fails_is_the_init_error() {
    if !PHP.is_here() {
        return;
    }
    let root = app(&[]);
    root.file(
        "boot.php",
        b"<?php throw new LengthException('in the autoloader');",
    );
    let file = root.file("f.php", b"<?php return fn ($event) => 1;");
    let mut worker = Worker::start(&mut PHP.command(&file, ""));
    let message = worker.answer().message("init-error", "LengthException");
    assert_eq!(message, "in the autoloader");
    worker.assert_exits(1);
}

#[test]
fn target_that_is_no_file_is_a_class_or_a_static_method() {
    if !PHP.is_here() {
        return;
    }
    let root = app(&[
        HANDLER,
        (
            "Tools",
            "class Tools { static function count($event) { return count($event); } }",
        ),
        ("Web", "class Web { function render() {} }"),
    ]);
    for (name, answer) in [("App\\Sums", 6), ("Tools::count", 3)] {
        let mut worker = target(&root, name);
        worker.expect_ready();
        assert_eq!(worker.ask(b"[1, 2, 3]").json(), answer, "{name}");
    }
    for name in ["App\\Nothing", "Web", "no/such.php", "strlen"] {
        let mut worker = target(&root, name);
        let message = worker
            .answer()
            .message("init-error", "Runtime.HandlerNotFound");
        assert!(message.contains(name), "{message}");
        worker.assert_exits(1);
    }
}

/// The parts of the package that the worker uses.
const BREF: (&str, &str) = (
    "Bref/Bref",
    "namespace Bref; class Bref { static $container, $events;
        static function getContainer() { return self::$container; }
        static function events() { return self::$events = self::$events ?? new Events; } }
    class Events { function __call($name, $arguments) {
        $parts = [array_slice($arguments, 1, 1), array_slice($arguments, 3, 1)];
        fwrite(STDERR, implode(' ', [$name, ...array_map('json_encode', $parts)]) . PHP_EOL);
        if ($name == 'afterInvoke' && $parts[0] == ['fails'])
            throw new \\Exception('by a hook'); } }",
);

#[test]
fn container_of_bref_makes_the_handler() {
    if !PHP.is_here() {
        return;
    }
    let root = app(&[HANDLER, BREF]);
    root.file(
        "boot.php",
        b"<?php Bref\\Bref::$container = new class {
            function get($id) { return fn ($event) => [$id, $event]; } };",
    );
    let mut worker = target(&root, "a.service");
    worker.expect_ready();
    assert_eq!(worker.ask(b"7").json(), json!(["a.service", 7]));
}

#[test]
fn hooks_of_bref_are_called_and_fail_no_event() {
    if !PHP.is_here() {
        return;
    }
    let root = app(&[BREF]);
    root.file("boot.php", b"<?php class_exists('Bref\\Bref');");
    let file = root.file(
        "f.php",
        b"<?php return fn ($event) => $event ?? throw new Exception('none');",
    );
    let mut worker = Worker::start(&mut PHP.command(&file, ""));
    worker.expect_ready();
    assert_eq!(worker.ask(b"\"fails\"").json(), "fails");
    worker.ask(b"null").message("error", "Exception");
    worker.until_log(|log| log.contains("none"));
    let log = worker.log();
    let hooks: Vec<_> = log
        .lines()
        .filter(|line| !line.contains("Invoke Error"))
        .collect();
    assert_eq!(
        hooks,
        [
            "beforeStartup [] []",
            "afterStartup [] []",
            "beforeInvoke [\"fails\"] []",
            "afterInvoke [\"fails\"] [\"fails\"]",
            "beforeInvoke [null] []",
            "afterInvoke [null] [null]",
        ]
    );
    assert!(log.contains("by a hook"), "{log}");
}

#[test]
fn function_in_a_namespace_is_found_by_either_name() {
    for name in ["settings", "App\\Functions\\settings", "SETTINGS"] {
        let Some(mut worker) = bref(name) else {
            return;
        };
        assert_eq!(worker.ask(b"{}").verb, "ok", "{name}");
    }
    for name in ["strlen", "class_exists", "tings"] {
        let mut worker = PHP.start("bref", name);
        let message = worker
            .answer()
            .message("init-error", "Runtime.HandlerNotFound");
        assert!(message.contains(&format!("'{name}'")), "{message}");
        assert!(message.contains("bref.php"), "{message}");
        worker.assert_exits(1);
    }
}

#[test]
fn context_is_that_of_bref() {
    let Some(mut worker) = bref("context") else {
        return;
    };
    for _ in 0..2 {
        let mut answer = worker.ask(b"{}").json();
        let fake_ms = answer["fake_ms"].take().as_i64().expect("a number");
        assert!((200_000..=300_000).contains(&fake_ms), "{fake_ms}");
        let wanted = json!({
            "keys": ["awsRequestId", "deadlineMs", "invokedFunctionArn", "traceId"],
            "is_serializable": true,
            "variable": true,
            "request_id": ["id-1", "id-1"],
            "class": "Bref\\Context\\Context",
            "fake": "fake-aws-request-id",
            "fake_ms": null,
            "made": "t",
        });
        assert_eq!(answer, wanted);
    }
}

#[test]
fn settings_without_an_ini_are_those_of_bref() {
    if !PHP.is_here() {
        return;
    }
    for (ini, limit, level) in [
        ("", "10240M", 22527),
        (
            "memory_limit=99M\nerror_reporting=1\nvariables_order=GPCS\n",
            "99M",
            1,
        ),
    ] {
        let folder = TempDir::new();
        folder.file("php.ini", ini.as_bytes());
        let mut command = PHP.command(&PHP.file("bref"), "settings");
        command.env("PHPRC", folder.path());
        command.env("PHP_INI_SCAN_DIR", folder.path());
        let mut worker = Worker::start(command.env("APP_KEY", "secret"));
        worker.expect_ready();
        let answer = worker.ask(b"{}").json();
        assert_eq!(answer, json!([limit, level, "secret", 1, 1]));
    }
}

#[test]
fn generator_result_is_an_error() {
    if let Some(mut worker) = bref("generates") {
        let message = worker
            .ask(b"{}")
            .message("error", "UnexpectedValueException");
        assert!(message.contains("generator"), "{message}");
    }
}

#[test]
fn surrogate_without_its_other_half_is_replaced() {
    if !PHP.is_here() {
        return;
    }
    let mut worker = PHP.case("same");
    for (event, answer) in [
        (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
        (r#""\ud800\\ud800\\\ude00""#, r#""\ufffd\\ud800\\\ufffd""#),
        (
            r#""\uD800\uD83D\uDE00x\u0041""#,
            r#""\ufffd\ud83d\ude00xA""#,
        ),
        (r#"{"\udfff":"\ud800"}"#, r#"{"\ufffd":"\ufffd"}"#),
    ] {
        assert_eq!(
            worker.ask(event.as_bytes()).body,
            answer.as_bytes(),
            "{event}"
        );
    }
    worker.assert_exits_silently();
}

#[test]
fn previous_exceptions_are_in_the_report_and_in_the_log() {
    let Some(mut worker) = bref("previous") else {
        return;
    };
    let report = worker.ask(b"{}").body;
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    let errors = [&report, &report["previous"][0], &report["previous"][1]];
    let types = errors.map(|error| (&error["errorType"], &error["errorMessage"]));
    assert_eq!(types[0], (&json!("RuntimeException"), &json!("third")));
    assert_eq!(
        types[1],
        (&json!("LogicException"), &json!("second \u{fffd}"))
    );
    assert_eq!(types[2], (&json!("DomainException"), &json!("first")));
    worker.until_log(|log| log.ends_with('\n'));
    let log = worker.log();
    let record = log
        .strip_prefix("id-1\tInvoke Error\t")
        .expect("the words of Bref");
    let record: Value = serde_json::from_str(record).expect("JSON");
    assert_eq!(record["previous"][1]["errorMessage"], "first");
    assert!(
        record["stack"][0]
            .as_str()
            .expect("a place")
            .contains("bref.php:")
    );
}

#[test]
fn report_of_many_long_exceptions_fits_into_the_frame() {
    if let Some(mut worker) = bref("previous_long") {
        // The driver checks the length.
        let message = worker.ask(b"{}").message("error", "RuntimeException");
        assert_eq!(message, "\u{1}".repeat(20_000));
    }
}

#[test]
fn child_that_the_handler_forks_answers_nothing() {
    if !PHP.is_here() || !has_pcntl() {
        return;
    }
    let mut worker = bref("forks").expect("php is here");
    for (child, status) in [("exits", 3), ("returns", 0), ("throws", 0), ("exits", 3)] {
        let event = format!("{{\"child\": \"{child}\"}}");
        assert_eq!(worker.ask(event.as_bytes()).json(), status, "{child}");
    }
}

/// The signal comes a second after the event.
#[test]
fn sigterm_handler_of_the_function_runs_while_it_is_idle() {
    if !PHP.is_here() || !has_pcntl() {
        return;
    }
    let root = TempDir::new();
    let file = root.file(
        "f.php",
        b"<?php
        pcntl_async_signals(true);
        pcntl_signal(SIGTERM, function () { exit(5); });
        return function ($event) {
            $pid = getmypid();
            exec(\"(sleep 1; kill -TERM $pid) >/dev/null 2>&1 3>&- &\");
            return $event;
        };",
    );
    let mut worker = Worker::start(&mut PHP.command(&file, ""));
    worker.expect_ready();
    assert_eq!(worker.ask(b"1").json(), 1);
    assert_eq!(worker.assert_exits(5), "");
}

fn has_pcntl() -> bool {
    let code = "exit(function_exists('pcntl_fork') ? 0 : 1);";
    let status = Command::new("php").args(["-r", code]).status();
    has("php") && status.expect("run php").success()
}

#[test]
fn records_of_the_json_format_have_level_and_id() {
    if !PHP.is_here() {
        return;
    }
    let all = [
        ("WARN", "Undefined variable $nothing"),
        ("INFO", "a notice"),
        ("ERROR", "of the event"),
    ];
    for (lowest, wanted) in [("", &all[..]), ("ERROR", &all[2..])] {
        let mut command = PHP.command(&PHP.file("bref"), "warns");
        command.env("AWS_LAMBDA_LOG_FORMAT", "JSON");
        let mut worker = Worker::start(command.env("AWS_LAMBDA_LOG_LEVEL", lowest));
        worker.expect_ready();
        worker.ask(b"{}").message("error", "Exception");
        worker.until_log(|log| log.contains("of the event") && log.ends_with('\n'));
        let records: Vec<Value> = worker
            .log()
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let seen: Vec<_> = records
            .iter()
            .map(|record| (&record["level"], &record["message"]))
            .collect();
        let wanted: Vec<_> = wanted
            .iter()
            .map(|&(level, text)| (json!(level), json!(text)))
            .collect();
        assert_eq!(
            seen,
            wanted
                .iter()
                .map(|(level, text)| (level, text))
                .collect::<Vec<_>>()
        );
        for record in &records {
            assert_eq!(record["requestId"], "id-1");
            assert!(record["timestamp"].as_str().expect("a time").ends_with('Z'));
        }
        assert_eq!(records.last().expect("one")["errorType"], "Exception");
    }
}
