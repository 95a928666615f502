//! What the managed runtime of Python does, and the shim as well: names, values, logs, hooks.

use std::path::Path;

use serde_json::json;

use crate::driver::{Language, Worker};
use crate::support::TempDir;

/// A task root with these files.
fn task(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new();
    for (path, text) in files {
        dir.file(path, text.as_bytes());
    }
    dir
}

/// A worker for a whole `_HANDLER` within a task root, in which a plain lookup finds no file.
fn start_named(dir: &TempDir, handler: &str, variables: &[(&str, &str)]) -> Option<Worker> {
    Language::Python.is_here().then(|| {
        let mut command = Language::Python.command(Path::new(handler), "");
        command.env("LAMBDA_TASK_ROOT", dir.path());
        command.envs(variables.iter().copied());
        Worker::start(&mut command)
    })
}

/// A worker for `handler` of an `app.py` with this source, ready.
pub fn app(source: &str, variables: &[(&str, &str)]) -> Option<Worker> {
    let dir = task(&[("app.py", source)]);
    let mut worker = start_named(&dir, "app.handler", variables)?;
    worker.expect_ready();
    Some(worker)
}

/// The answers of such a handler to `{}` are these bytes.
fn assert_answers(source: &str, wanted: &str) {
    if let Some(mut worker) = app(source, &[("AWS_EXECUTION_ENV", "AWS_Lambda_python3.11")]) {
        let answer = worker.ask(b"{}");
        assert_eq!(String::from_utf8_lossy(&answer.body), wanted, "{source}");
    }
}

#[test]
fn dotted_names_packages_and_compiled_files_are_imported() {
    let source = "\
        def f(event, context): return __name__\n\
        class C:\n\
        \tm = f\n\
        \t@staticmethod\n\
        \tdef s(event, context): return 's'\n";
    let dir = task(&[
        ("a/b/c.py", source),
        ("package/__init__.py", source),
        ("package/inner.py", source),
    ]);
    for (handler, wanted) in [
        ("a.b.c.f", "a.b.c"),
        ("a/b/c.f", "a.b.c"),
        ("a/b.c.f", "a.b.c"),
        ("package.f", "package"),
        ("package.inner.f", "package.inner"),
    ] {
        let Some(mut worker) = start_named(&dir, handler, &[]) else {
            return;
        };
        worker.expect_ready();
        assert_eq!(worker.ask(b"{}").json(), wanted, "{handler}");
    }
    let python = Language::Python;
    let mut worker = Worker::start(&mut python.command(&dir.path().join("a/b/c.py"), "C.s"));
    worker.expect_ready();
    assert_eq!(worker.ask(b"{}").json(), "s");
}

#[test]
fn handler_not_loaded_has_the_error_of_the_managed_runtime() {
    let dir = task(&[
        ("imports.py", "import not_there\n"),
        ("syntax.py", "def f(:\n"),
        ("fine.py", "x = 1\n"),
        ("circle.py", "from circle import f\n"),
    ]);
    for (handler, kind, wanted) in [
        (
            "nope.f",
            "Runtime.ImportModuleError",
            "Unable to import module 'nope': No module named 'nope'",
        ),
        (
            "imports.f",
            "Runtime.ImportModuleError",
            "Unable to import module 'imports': No module named 'not_there'",
        ),
        (
            "circle.f",
            "Runtime.ImportModuleError",
            "Unable to import module 'circle': cannot import name 'f'",
        ),
        (
            "syntax.f",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'syntax': ",
        ),
        (
            "fine.f",
            "Runtime.HandlerNotFound",
            "Handler 'f' missing on module 'fine'",
        ),
        (
            "fine.x",
            "Runtime.HandlerNotFound",
            "Handler 'x' is not callable on module 'fine'",
        ),
        (
            "time.f",
            "Runtime.BuiltInModuleConflict",
            "Cannot use built-in module time as a handler module",
        ),
        (
            "handler",
            "Runtime.MalformedHandlerName",
            "Bad handler 'handler': ",
        ),
    ] {
        let Some(mut worker) = start_named(&dir, handler, &[]) else {
            return;
        };
        let message = worker.answer().message("init-error", kind);
        assert!(message.starts_with(wanted), "{handler}: {message}");
        let log = worker.assert_exits(1);
        let record = format!("[ERROR] {kind}: {wanted}");
        assert!(log.starts_with(&record), "{handler}: {log}");
    }
}

#[test]
fn values_are_written_as_simplejson_writes_them() {
    let tuples = "\
        import collections, typing\n\
        P = collections.namedtuple('P', 'x y')\n\
        class Q(typing.NamedTuple):\n\
        \ta: int\n\
        class R:\n\
        \tdef _asdict(self): return {'r': [P(1, 2)]}\n";
    for (value, wanted) in [
        (
            "[P(1, 2), {'q': Q(3)}, (R(),)]",
            r#"[{"x": 1, "y": 2}, {"q": {"a": 3}}, [{"r": [{"x": 1, "y": 2}]}]]"#,
        ),
        (
            "{b'k': b'\\xc3\\xa4', 'n': [1, 2]}",
            r#"{"k": "\u00e4", "n": [1, 2]}"#,
        ),
        (
            "[float('nan'), float('inf'), {'x': -float('inf')}]",
            r#"[NaN, Infinity, {"x": -Infinity}]"#,
        ),
        ("'\\ud800'", r#""\ud800""#),
        (
            "{1: 1, 1.5: None, True: False, None: '\"'}",
            r#"{"1": false, "1.5": null, "null": "\""}"#,
        ),
        (
            "collections.OrderedDict(a=collections.defaultdict(list, b=[(1,)]))",
            r#"{"a": {"b": [[1]]}}"#,
        ),
    ] {
        let source = format!("{tuples}def handler(event, context): return {value}\n");
        assert_answers(&source, wanted);
    }
    for (value, wanted) in [
        ("'9007199254740993'", "9007199254740993"),
        ("'19.90'", "19.90"),
        ("'1E+2'", "1E+2"),
        ("'-0.0'", "-0.0"),
        ("'NaN'", "NaN"),
        ("'-sNaN'", "NaN"),
        ("'Infinity'", "Infinity"),
    ] {
        let source = format!(
            "from decimal import Decimal\ndef handler(event, context): return [Decimal({value})]\n"
        );
        assert_answers(&source, &format!("[{wanted}]"));
    }
}

#[test]
fn value_not_json_is_a_marshal_error() {
    let cycle = "a = []\na.append(a)\n";
    for (value, wanted) in [
        ("{1}", "Object of type set is not JSON serializable"),
        (
            "[i for i in (1j,)]",
            "Object of type complex is not JSON serializable",
        ),
        (
            "{(1, 2): 3}",
            "keys must be str, int, float, bool or None, not tuple",
        ),
        ("a", "Circular reference detected"),
        (
            "[b'\\xff']",
            "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
        ),
        (
            "iter([])",
            "Object of type list_iterator is not JSON serializable",
        ),
    ] {
        let source = format!("{cycle}def handler(event, context): return {value}\n");
        let Some(mut worker) = app(&source, &[]) else {
            return;
        };
        let message = worker.ask(b"{}").message("error", "Runtime.MarshalError");
        assert_eq!(message, format!("Unable to marshal response: {wanted}"));
    }
}

#[test]
fn text_outside_of_ascii_is_escaped_up_to_python_3_11() {
    for (version, wanted) in [
        ("3.11", r#""\u00e4""#),
        ("3.12", "\"ä\""),
        ("3.13", "\"ä\""),
    ] {
        let variable = format!("AWS_Lambda_python{version}");
        let source = "def handler(event, context): return event\n";
        let Some(mut worker) = app(source, &[("AWS_EXECUTION_ENV", &variable)]) else {
            return;
        };
        let body = worker.ask("\"ä\"".as_bytes()).body;
        assert_eq!(String::from_utf8_lossy(&body), wanted, "{version}");
        assert_eq!(worker.ask(b"\"\\ud800\"").body, b"\"\\ud800\"");
    }
}

#[test]
fn file_of_the_task_root_takes_no_module_from_the_shim() {
    let broken = "raise ValueError('imported')\n";
    let names = [
        "types",
        "enum",
        "json",
        "re",
        "traceback",
        "linecache",
        "logging",
        "decimal",
        "site",
    ];
    let mut files = vec![(
        "app.py".to_string(),
        "\
            import logging, json, decimal\n\
            def handler(event, context):\n\
            \tlogging.error(json.dumps(event))\n\
            \traise LookupError('mine')\n",
    )];
    files.extend(names.map(|name| (format!("{name}.py"), broken)));
    let files: Vec<_> = files.iter().map(|(path, text)| (&**path, *text)).collect();
    let dir = task(&files);
    let Some(mut worker) = start_named(&dir, "app.handler", &[]) else {
        return;
    };
    worker.expect_ready();
    let answer = worker.ask(b"{}");
    assert_eq!(answer.message("error", "LookupError"), "mine");
    assert!(answer.trace()[0].contains("app.py"), "{}", answer.text());
}

#[test]
fn process_looks_as_in_the_managed_runtime() {
    let source = "\
        import os, sys, __main__, argparse\n\
        argparse.ArgumentParser().parse_args()\n\
        def handler(event, context): return [len(sys.argv), \
         hasattr(__main__, '__file__'), os.environ['AWS_EXECUTION_ENV'].split('.')[0], \
         os.environ['PYTHONPATH'], sys.path[0] == os.environ['LAMBDA_TASK_ROOT'], \
         [p for p in sys.path if p == '/opt/python'][:1], type(context).__name__, \
         sorted(vars(context))[:2]]\n";
    let wanted = json!([
        1,
        true,
        "AWS_Lambda_python3",
        "/var/runtime",
        true,
        ["/opt/python"],
        "LambdaContext",
        ["_epoch_deadline_time_in_ms", "_w3c_fields"]
    ]);
    if let Some(mut worker) = app(source, &[]) {
        assert_eq!(worker.ask(b"{}").json(), wanted);
    }
}

#[test]
fn pth_file_of_the_task_root_is_read() {
    let dir = task(&[
        (
            "app.py",
            "import deep\ndef handler(event, context): return deep.x\n",
        ),
        ("more.pth", "vendor/inner\n"),
        ("vendor/inner/deep.py", "x = 5\n"),
    ]);
    if let Some(mut worker) = start_named(&dir, "app.handler", &[]) {
        worker.expect_ready();
        assert_eq!(worker.ask(b"{}").json(), 5);
    }
}

#[test]
fn descriptors_closed_by_the_module_fail_no_event() {
    for line in [
        "os.closerange(3, 4096)",
        "os.closerange(3, 256)",
        "os.close(1000)",
    ] {
        let source = format!(
            "\
                import os\n\
                try:\n\
                \t{line}\n\
                except OSError: pass\n\
                def handler(event, context):\n\
                \tif event: os.closerange(3, 2000)\n\
                \treturn event\n"
        );
        let Some(mut worker) = app(&source, &[]) else {
            return;
        };
        for event in ["1", "0", "2"] {
            assert_eq!(
                worker.ask(event.as_bytes()).body,
                event.as_bytes(),
                "{line}"
            );
        }
    }
}
