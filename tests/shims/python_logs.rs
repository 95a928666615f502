//! Records of Python's `logging`, hooks of SnapStart, AWS's client as a module, signals, versions.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::driver::{Language, Worker};
use crate::python::app;
use crate::skip::skip;
use crate::support::TempDir;

/// What `app.py` logs at its start, and for an event.
const LOGS: &str = "\
import logging
logger = logging.getLogger()
logger.setLevel(logging.INFO)
logging.info('at init')
def handler(event, context):
\tprint('printed')
\tlogging.debug('hidden')
\tlogging.getLogger('mine').warning('two\\nlines %s', 1, extra={'order': 5})
\ttry: 1 / 0
\texcept ZeroDivisionError: logging.exception({'a': 1})
";

/// The log of an event, without the times.
fn log_of(source: &str, variables: &[(&str, &str)]) -> Option<String> {
    let mut worker = app(source, variables)?;
    worker.ask(b"{}");
    let (_, log) = worker.ended(true);
    Some(log)
}

#[test]
fn text_record_has_level_time_and_request_id_in_one_line() {
    let Some(log) = log_of(LOGS, &[]) else {
        return;
    };
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 4, "{log}");
    for (line, level, end) in [
        (lines[0], "[INFO]", "\t\tat init"),
        (lines[2], "[WARNING]", "\tid-1\ttwo\rlines 1"),
        (lines[3], "[ERROR]", "\rZeroDivisionError: division by zero"),
    ] {
        assert!(line.starts_with(level) && line.ends_with(end), "{line:?}");
        let time = line.split('\t').nth(1).expect("a time");
        assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    }
    assert_eq!(lines[1], "printed");
    assert!(lines[3].contains("\tid-1\t{'a': 1}\rTraceback"), "{log}");
}

#[test]
fn json_record_has_the_fields_of_the_managed_runtime() {
    let Some(log) = log_of(LOGS, &[("AWS_LAMBDA_LOG_FORMAT", "JSON")]) else {
        return;
    };
    let records = log.lines().filter(|line| line.starts_with('{'));
    let mut records: Vec<Value> = records
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    for record in &mut records {
        let time = record.as_object_mut().expect("an object");
        let time = time.remove("timestamp").expect("a time");
        assert_eq!(time.as_str().map(str::len), Some(20));
    }
    let [init, warning, error] = &records[..] else {
        panic!("{log}")
    };
    let wanted = json!({"level": "INFO", "message": "at init", "logger": "root", "requestId": ""});
    assert_eq!(*init, wanted);
    let wanted = json!({"level": "WARNING", "message": "two\nlines 1", "logger": "mine",
        "requestId": "id-1", "order": 5});
    assert_eq!(*warning, wanted);
    assert_eq!(error["message"], json!({"a": 1}));
    assert_eq!(error["errorType"], "ZeroDivisionError");
    assert_eq!(error["errorMessage"], "division by zero");
    assert!(
        error["stackTrace"][0]
            .as_str()
            .expect("text")
            .contains("app.py")
    );
    assert!(
        error["location"]
            .as_str()
            .expect("text")
            .contains(":handler:")
    );
}

#[test]
fn error_of_the_handler_is_logged_before_it_is_sent() {
    let source = "\
        def handler(event, context):\n\
        \ttry: 1 / 0\n\
        \texcept Exception as e: raise KeyError('so') from e\n";
    let Some(log) = log_of(source, &[]) else {
        return;
    };
    let start = "[ERROR] KeyError: 'so'\rTraceback (most recent call last):\r\u{a0}\u{a0}File \"";
    assert!(log.starts_with(start), "{log:?}");
    assert!(
        log.contains("\rCaused by ZeroDivisionError: division by zero\r"),
        "{log:?}"
    );
    assert_eq!(log.matches('\n').count(), 1, "{log:?}");
    let Some(log) = log_of(source, &[("AWS_LAMBDA_LOG_FORMAT", "json")]) else {
        return;
    };
    let record: Value = serde_json::from_str(&log).expect("a record");
    assert_eq!(record["level"], "ERROR");
    assert_eq!(record["errorType"], "KeyError");
    assert_eq!(record["requestId"], "id-1");
    assert!(record["stackTrace"].as_array().expect("a list").len() > 1);
}

#[test]
fn level_of_the_environment_is_the_root_level() {
    let source = "\
        import logging\n\
        l = logging.getLogger()\n\
        def handler(event, context):\n\
        \tl.debug('d'); l.info('i'); l.error('e')\n";
    for (level, wanted) in [
        ("DEBUG", "die"),
        ("trace", "die"),
        ("ERROR", "e"),
        ("", "e"),
    ] {
        let Some(log) = log_of(source, &[("AWS_LAMBDA_LOG_LEVEL", level)]) else {
            return;
        };
        let ends: String = log.lines().filter_map(|line| line.chars().last()).collect();
        assert_eq!(ends, wanted, "{level}: {log}");
    }
}

#[test]
fn root_handler_is_there_while_the_module_loads() {
    let source = "\
        import logging\n\
        root = logging.getLogger()\n\
        names = [type(h).__name__ for h in root.handlers]\n\
        root.handlers[0].setFormatter(logging.Formatter('%(aws_request_id)s %(message)s'))\n\
        def handler(event, context):\n\
        \troot.error('x')\n\
        \troot.error('y')\n\
        \treturn names\n";
    let Some(mut worker) = app(source, &[]) else {
        return;
    };
    assert_eq!(worker.ask(b"{}").json(), json!(["LambdaLoggerHandler"]));
    worker.until_log(|log| log == "id-1 x\nid-1 y\n");
    // Who imports `logging` late has the handler, too.
    let source =
        "def handler(event, context):\n\timport logging\n\tlogging.getLogger().warning('late')\n";
    let log = log_of(source, &[]).expect("python is here");
    assert!(log.ends_with("\tid-1\tlate\n"), "{log}");
}

#[test]
fn telemetry_descriptor_gets_frames() {
    let source = "\
        import logging, os\n\
        def handler(event, context):\n\
        \tlogging.warning('a\\n\
        b')\n\
        \tcontext.log('c')\n\
        \tif '_LAMBDA_TELEMETRY_LOG_FD' in os.environ: return\n\
        \traise KeyError\n";
    for (format, types) in [("TEXT", [0x03, 0x03, 0x17]), ("JSON", [0x12, 0x03, 0x16])] {
        let variables = [
            ("_LAMBDA_TELEMETRY_LOG_FD", "1"),
            ("AWS_LAMBDA_LOG_FORMAT", format),
        ];
        let Some(mut worker) = app(source, &variables) else {
            return;
        };
        worker.ask(b"{}").message("error", "KeyError");
        worker.until_log(|log| log.contains("KeyError"));
        let (_, log) = worker.ended(true);
        // The collector of the log replaces what is not UTF-8: 0xa5, and a byte of the time.
        let starts: Vec<_> = log.match_indices("\u{fffd}Z\0").collect();
        assert_eq!(starts.len(), 3, "{format}: {log:?}");
        for ((at, mark), kind) in starts.into_iter().zip(types) {
            assert_eq!(log.as_bytes()[at + mark.len()], kind, "{format}: {log:?}");
        }
    }
}

#[test]
fn snapshot_hooks_run_in_the_order_of_the_managed_runtime() {
    let source = "\
        from snapshot_restore_py import register_before_snapshot, register_after_restore\n\
        ran = []\n\
        register_before_snapshot(ran.append, 'first')\n\
        @register_before_snapshot\n\
        def second(): ran.append('second')\n\
        @register_after_restore\n\
        def third(): ran.append('third')\n\
        register_after_restore(lambda **all: ran.append(all), fourth=4)\n\
        def handler(event, context): return ran\n";
    let dir = TempDir::new();
    let file = dir.file("app.py", source.as_bytes());
    let python = Language::Python;
    if !python.is_here() {
        return;
    }
    let mut command = python.command(&file, "handler");
    command.env("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start");
    let mut worker = Worker::start(&mut command);
    let ready = worker.answer();
    assert_eq!((&*ready.verb, &*ready.kind), ("ready", "restore"));
    worker.send_bytes(b"0 0 0\n");
    worker.expect_ready();
    let wanted = json!(["second", "first", "third", {"fourth": 4}]);
    assert_eq!(worker.ask(b"{}").json(), wanted);
    // Without SnapStart nothing runs.
    let mut worker = Worker::start(&mut python.command(&file, "handler"));
    worker.expect_ready();
    assert_eq!(worker.ask(b"{}").json(), json!([]));
}

#[test]
fn function_of_the_client_that_is_replaced_is_called_for_each_event() {
    let source = "\
        import sys\n\
        from awslambdaric.lambda_runtime_client import LambdaRuntimeClient\n\
        bootstrap = sys.modules['__main__'].bootstrap\n\
        calls = []\n\
        inner, post = bootstrap.handle_event_request, LambdaRuntimeClient.post_invocation_result\n\
        def outer(client, handler, *rest):\n\
        \tcalls.append(rest[0])\n\
        \treturn inner(client, lambda *all: ['wrapped', handler(*all)], *rest)\n\
        def posted(self, *all):\n\
        \tcalls.append('posted')\n\
        \treturn post(self, *all)\n\
        bootstrap.handle_event_request = outer\n\
         LambdaRuntimeClient.post_invocation_result = posted\n\
        def handler(event, context):\n\
        \tif event: raise KeyError(event)\n\
        \treturn list(calls)\n";
    let Some(mut worker) = app(source, &[]) else {
        return;
    };
    assert_eq!(worker.ask(b"0").json(), json!(["wrapped", ["id-1"]]));
    assert_eq!(worker.ask(b"7").message("error", "KeyError"), "7");
    let wanted = json!(["wrapped", ["id-1", "posted", "id-1", "id-1"]]);
    assert_eq!(worker.ask(b"0").json(), wanted);
}

#[test]
fn marshaller_of_the_function_is_used() {
    let source = "\
        from awslambdaric.lambda_runtime_client import LambdaRuntimeClient\n\
        class Mine:\n\
        \tdef unmarshal_request(self, request, *rest): return request.decode()\n\
        \tdef marshal_response(self, response): return response.upper(), 'text/plain'\n\
        LambdaRuntimeClient.marshaller = Mine()\n\
        def handler(event, context): return 'got ' + event\n";
    let Some(mut worker) = app(source, &[]) else {
        return;
    };
    let answer = worker.ask(b"{x");
    assert_eq!(
        (&*answer.kind, &*answer.body),
        ("text/plain", &b"GOT {X"[..])
    );
}

#[test]
fn client_function_that_answers_nothing_fails_the_event_once() {
    let source = "\
        from awslambdaric import bootstrap\n\
        bootstrap.handle_event_request = lambda *all: None\n\
        def handler(event, context): return 1\n";
    let Some(mut worker) = app(source, &[]) else {
        return;
    };
    for _ in 0..2 {
        let message = worker.ask(b"{}").message("error", "RuntimeError");
        assert!(message.contains("handle_event_request"), "{message}");
    }
}

#[test]
fn sigterm_handler_runs_while_the_worker_waits() {
    let source = "\
        import signal, sys\n\
        def end(*all):\n\
        \tprint('SIGTERM seen')\n\
        \tsys.exit(0)\n\
        signal.signal(signal.SIGTERM, end)\n\
        def handler(event, context): return event\n";
    let Some(mut worker) = app(source, &[]) else {
        return;
    };
    assert_eq!(worker.ask(b"1").body, b"1");
    let pid = worker.pid().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(killed.expect("kill").success());
    assert_eq!(worker.assert_exits(0), "SIGTERM seen\n");
}

/// The interpreter of a version, in PATH or among those of pyenv.
fn interpreter(version: &str) -> Option<PathBuf> {
    let name = format!("python{version}");
    let home = PathBuf::from(std::env::var_os("HOME")?);
    let root = std::env::var_os("PYENV_ROOT").map_or(home.join(".pyenv"), PathBuf::from);
    let installed = std::fs::read_dir(root.join("versions"));
    let folders = installed
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let own = folders.map(|folder| folder.join("bin").join(&name));
    let works = |path: &PathBuf| {
        let output = Command::new(path).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    };
    own.chain([PathBuf::from(&name)]).find(works)
}

#[test]
fn python_of_each_version_answers_logs_and_fails_alike() {
    let source = "\
        import collections, decimal, logging\n\
        from awslambdaric.lambda_context import LambdaContext\n\
        P = collections.namedtuple('P', 'x')\n\
        def handler(event, context: LambdaContext):\n\
        \tlogging.warning('logged')\n\
        \tif event == 1: raise LookupError('one')\n\
        \treturn [P(decimal.Decimal('1.10')), event, context.aws_request_id]\n";
    let dir = TempDir::new();
    let file = dir.file("app.py", source.as_bytes());
    for minor in 9..=15 {
        let version = format!("3.{minor}");
        let Some(program) = interpreter(&version) else {
            skip(&format!("no python {version}"));
            continue;
        };
        let mut command = Language::Python.command_of(&program, &file, "handler");
        let mut worker = Worker::start(&mut command);
        worker.expect_ready();
        for _ in 0..2 {
            let answer = worker.ask(b"[1, {}]");
            assert_eq!(
                answer.body, b"[{\"x\": 1.10}, [1, {}], \"id-1\"]",
                "{version}"
            );
            let answer = worker.ask(b"1");
            assert_eq!(answer.message("error", "LookupError"), "one", "{version}");
            assert!(answer.trace()[0].contains("app.py"), "{version}");
        }
        let (_, log) = worker.ended(true);
        assert_eq!(
            log.matches("\tid-1\tlogged\n").count(),
            4,
            "{version}: {log}"
        );
        assert_eq!(
            log.matches("[ERROR] LookupError: one\r").count(),
            2,
            "{log}"
        );
    }
}
