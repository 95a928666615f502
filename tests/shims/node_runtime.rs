//! What a handler finds on AWS's managed runtime of Node: modules, arguments, globals, records.

use std::process::Command;

use serde_json::{Value, json};

use crate::driver::{Language, Worker};
use crate::support::TempDir;

crate::for_language! {
    node Node
    handler_without_plain_file_is_found_as_a_module
    handler_not_found_by_name_is_an_import_error
    handler_set_by_a_preloaded_module_is_loaded
    commonjs_is_required_and_es_modules_are_imported
    es_module_without_a_sign_of_it_is_loaded
    handler_finds_the_globals_and_arguments_of_the_managed_runtime
    flags_before_those_of_the_shim_are_in_the_order_of_the_managed_runtime
    module_folders_are_those_of_the_managed_runtime
    console_writes_a_record_with_time_request_and_level
    console_in_json_mode_writes_fields
    console_below_the_log_level_writes_nothing
    console_writes_frames_to_the_telemetry_descriptor
    error_is_logged_with_code_and_cause
    error_is_logged_where_the_handler_breaks_the_console
    exit_behind_a_long_answer_does_not_cut_it
    result_of_a_promise_of_exports_is_the_handler
    handler_neither_buffered_nor_streaming_is_an_init_error
    invoke_store_has_the_current_event_from_node_24_on
}

/// A task root with these files.
fn root(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new();
    for (name, text) in files {
        root.file(name, text.as_bytes());
    }
    root
}

/// The command for a target: a path and a name, or what no plain lookup has found.
fn command(node: Language, root: &TempDir, target: &str, name: &str) -> Command {
    let mut command = node.command(&root.path().join("x"), name);
    let mut arguments: Vec<_> = command.get_args().map(Into::into).collect::<Vec<_>>();
    let place = arguments.len() - 2;
    arguments[place] = std::ffi::OsString::from(target);
    let program = command.get_program().to_owned();
    command = Command::new(program);
    command.args(arguments);
    command.current_dir(root.path());
    command.env("LAMBDA_TASK_ROOT", root.path());
    for variable in ["NODE_PATH", "AWS_EXECUTION_ENV", "_HANDLER"] {
        command.env_remove(variable);
    }
    command
}

/// A worker for the handler of `index.js`.
fn index(node: Language, root: &TempDir) -> Command {
    let path = root.path().join("index.js");
    command(node, root, path.to_str().expect("text"), "handler")
}

fn ready(command: &mut Command) -> Worker {
    let mut worker = Worker::start(command);
    worker.expect_ready();
    worker
}

fn handler_without_plain_file_is_found_as_a_module(node: Language) {
    let answers = |text: &str| format!("exports.handler = async () => {text:?};");
    let root = TempDir::new();
    for (file, text) in [
        ("folder/sub/index.js", "folder"),
        ("plain", "no ending"),
        ("node_modules/pack/index.js", "package"),
        ("node_modules/@scope/pack/main.js", "scoped"),
        ("elsewhere/layer/handler.js", "absolute"),
        ("deep/node_modules/near/index.js", "near"),
    ] {
        root.file(file, answers(text).as_bytes());
    }
    root.file(
        "node_modules/@scope/pack/package.json",
        b"{\"main\": \"main.js\"}",
    );
    let absolute = root.path().join("elsewhere/layer/handler.handler");
    for (target, text) in [
        ("folder/sub.handler", "folder"),
        ("plain.handler", "no ending"),
        ("pack.handler", "package"),
        ("deep/near.handler", "near"),
        (absolute.to_str().expect("text"), "absolute"),
    ] {
        let mut worker = ready(&mut command(node, &root, target, ""));
        assert_eq!(worker.ask(b"{}").json(), text, "{target}");
        worker.assert_exits_silently();
    }
}

fn handler_not_found_by_name_is_an_import_error(node: Language) {
    let root = root(&[("index.js", "require('not-there');")]);
    let cases = [
        (
            "nope.handler",
            "Runtime.ImportModuleError",
            "Error: Cannot find module 'nope'\nRequire stack:\n- /var/runtime/index.mjs",
        ),
        (
            "index.handler",
            "Runtime.ImportModuleError",
            "Error: Cannot find module 'not-there'\n",
        ),
        ("nope", "Runtime.MalformedHandlerName", "Bad handler"),
    ];
    for (target, kind, start) in cases {
        let mut worker = Worker::start(&mut command(node, &root, target, ""));
        let message = worker.answer().message("init-error", kind);
        assert!(message.starts_with(start), "{message}");
        let log = worker.assert_exits(1);
        assert!(log.contains(kind) && log.lines().count() == 1, "{log}");
    }
}

/// As Sentry's wrapper of handlers does.
fn handler_set_by_a_preloaded_module_is_loaded(node: Language) {
    let root = root(&[
        (
            "index.js",
            "exports.handler = exports.deep = async () => 'own';",
        ),
        (
            "wrap/other.js",
            "exports.run = async () => [await require('../index').handler()];",
        ),
        (
            "pre.js",
            "if (process.env.OTHER) process.env._HANDLER = process.env.OTHER;",
        ),
    ]);
    let own = json!("own");
    for (handler, other, wanted) in [
        ("index.handler", "", &own),
        ("node:index.handler", "", &own),
        ("./index.handler", "", &own),
        ("index.handler", "wrap/other.run", &json!(["own"])),
        ("index.handler", "index.deep", &own),
    ] {
        let mut command = index(node, &root);
        command
            .env("_HANDLER", handler)
            .env("OTHER", other)
            .env("NODE_OPTIONS", "--require ./pre.js");
        assert_eq!(
            &ready(&mut command).ask(b"{}").json(),
            wanted,
            "{handler} {other}"
        );
    }
    // Without the module, an absolute path stands for itself.
    let mut absolute = index(node, &root);
    absolute.env("_HANDLER", root.path().join("index.handler"));
    assert_eq!(ready(&mut absolute).ask(b"{}").json(), own);
}

fn commonjs_is_required_and_es_modules_are_imported(node: Language) {
    let hook = "const Module = require('module'); const { _load } = Module; global.seen = [];\n\
        Module._load = function (name) { seen.push(name); return _load.apply(this, arguments); };";
    let commonjs = "exports.handler = async () => ({ seen: seen.some((name) => name === \
        __filename), \
        cached: require.cache[__filename] === module, main: typeof require.main, parent: \
            module.parent?.filename });";
    let esm = "export const handler = async () => ({ seen: seen.length, require: typeof require, \
        module: typeof module, dirname: typeof __dirname });";
    let root = root(&[
        ("hook.js", hook),
        ("index.js", commonjs),
        ("other.cjs", commonjs),
        ("esm.mjs", esm),
        ("typed/index.js", esm),
        ("typed/package.json", "{\"type\": \"module\"}"),
        ("typed/deep/index.js", esm),
    ]);
    let run = |file: &str| {
        let path = root.path().join(file);
        let mut command = command(node, &root, path.to_str().expect("text"), "handler");
        command.env("NODE_OPTIONS", "--require ./hook.js");
        ready(&mut command).ask(b"{}").json()
    };
    let required = json!({
        "seen": true, "cached": true, "main": "undefined", "parent": "/var/runtime/index.mjs"
    });
    for file in ["index.js", "other.cjs"] {
        assert_eq!(run(file), required, "{file}");
    }
    for file in ["esm.mjs", "typed/index.js", "typed/deep/index.js"] {
        let answer = run(file);
        for name in ["require", "module", "dirname"] {
            assert_eq!(answer[name], "undefined", "{file} {name}");
        }
    }
}

/// Node 18 knows ES modules by their names alone.
fn es_module_without_a_sign_of_it_is_loaded(node: Language) {
    let root = root(&[
        (
            "index.js",
            "const value = await Promise.resolve('awaited'); export const handler = async () => \
             value;",
        ),
        (
            "version.js",
            "exports.handler = async () => parseInt(process.versions.node);",
        ),
    ]);
    let path = root.path().join("version.js");
    let path = path.to_str().expect("text");
    let version = ready(&mut command(node, &root, path, "handler")).ask(b"{}");
    if version.json().as_u64() < Some(20) {
        return println!("skipped: {version:?}");
    }
    assert_eq!(ready(&mut index(node, &root)).ask(b"{}").json(), "awaited");
}

fn handler_finds_the_globals_and_arguments_of_the_managed_runtime(node: Language) {
    let root = root(&[(
        "index.js",
        "const { Worker } = require('worker_threads');\n\
         const early = { argv: process.argv.slice(1), flags: process.execArgv };\n\
         exports.handler = async () => ({ ...early, code: process._eval,\n\
         globals: ['fs', 'path', 'os', 'module', 'exports', 'require', '__filename', 'send', \
             'current', 'env']\n\
         .filter((name) => name in globalThis || new Function(`return typeof ${name}`)() !== \
             'undefined'),\n\
         header: require('http').maxHeaderSize, gc: typeof global.gc, done: global.gc(),\n\
         fatal: typeof console.fatal, language: process.env.AWS_EXECUTION_ENV,\n\
         worker: await new Promise((ok, no) => new \
             Worker(\"require('worker_threads').parentPort.postMessage(42)\",\n\
         { eval: true }).on('message', ok).on('error', no)) });",
    )]);
    let answer = ready(&mut index(node, &root)).ask(b"{}").json();
    assert_eq!(answer["argv"], json!(["/var/runtime/index.mjs"]));
    assert_eq!(
        answer["flags"],
        json!(["--expose-gc", "--max-http-header-size", "81920"])
    );
    assert_eq!(answer["globals"], json!([]));
    assert_eq!(answer.get("code"), None);
    assert_eq!(answer["header"], 81_920);
    assert_eq!(answer["gc"], "function");
    assert_eq!(answer["fatal"], "function");
    assert_eq!(answer["worker"], 42);
    let language = answer["language"].as_str().expect("a variable");
    assert!(
        language.starts_with("AWS_Lambda_nodejs") && language.ends_with(".x"),
        "{language}"
    );
}

fn flags_before_those_of_the_shim_are_in_the_order_of_the_managed_runtime(node: Language) {
    let root = root(&[(
        "index.js",
        "exports.handler = async () => process.execArgv;",
    )]);
    let plain = index(node, &root);
    let mut command = Command::new(plain.get_program());
    command.args([
        "--expose-gc",
        "--max-old-space-size=461",
        "--max-semi-space-size=25",
    ]);
    command
        .args(["--require", "./pre.js"])
        .args(plain.get_args());
    command.current_dir(root.path());
    root.file("pre.js", b"");
    let wanted = "--expose-gc --max-http-header-size 81920 --max-semi-space-size=25 \
        --max-old-space-size=461 --require ./pre.js";
    let wanted: Vec<&str> = wanted.split(' ').collect();
    assert_eq!(ready(&mut command).ask(b"{}").json(), json!(wanted));
}

fn module_folders_are_those_of_the_managed_runtime(node: Language) {
    let root = root(&[
        (
            "index.js",
            "exports.handler = async () => [require('shared/util'), process.env.NODE_PATH, \
             parseInt(process.versions.node)];",
        ),
        ("shared/util.js", "module.exports = 'of the root';"),
        ("own/shared/util.js", "module.exports = 'of the variable';"),
    ]);
    let answer = ready(&mut index(node, &root)).ask(b"{}").json();
    let task = root.path().to_str().expect("text");
    let wanted = format!(
        "/opt/nodejs/node{}/node_modules:/opt/nodejs/node_modules:\
         /var/runtime/node_modules:/var/runtime:{task}",
        answer[2]
    );
    assert_eq!(
        (&answer[0], &answer[1]),
        (&json!("of the root"), &json!(wanted))
    );

    let mut command = index(node, &root);
    command.env("NODE_PATH", root.path().join("own"));
    let answer = ready(&mut command).ask(b"{}").json();
    assert_eq!(answer[0], "of the variable");
}

const LOGS: &str = "console.log('at init');\n\
    exports.handler = async () => {\n\
    console.log('two\\nlines %s', 'x', { a: { b: { c: { d: 1 } } } }); console.log({ a: [1] }); \
        console.log();\n\
    console.trace('t'); console.debug('d'); console.info('i'); console.warn('w'); \
        console.error('e'); console.fatal('f');\n\
    console.error(Object.assign(new TypeError('one'), { code: 7 })); console.error('with', new \
        RangeError('two'));\n\
    const cycle = {}; cycle.self = cycle; console.log(cycle); console.log(1n); console.log(new \
        Error('c', { cause: 5 }).cause);\n\
    process.stdout.write('raw\\nlines\\n'); };";

/// What was printed within the event, after the line of the init phase.
fn printed(mut command: Command) -> (String, Vec<String>) {
    let mut worker = ready(&mut command);
    let fields = "request-id=id-1\ntenant-id=tenant 1\n";
    assert_eq!(worker.ask_with(fields, b"{}").verb, "ok");
    worker.until_log(|log| log.ends_with("raw\nlines\n"));
    let log = worker.log();
    let mut lines = log.lines().map(String::from);
    (lines.next().expect("a line"), lines.collect())
}

fn console_writes_a_record_with_time_request_and_level(node: Language) {
    let root = root(&[("index.js", LOGS)]);
    let (first, lines) = printed(index(node, &root));
    let no_request = if first.contains("\t-\t") {
        "-"
    } else {
        "undefined"
    };
    assert!(
        first.ends_with(&format!("Z\t{no_request}\tINFO\tat init")),
        "{first}"
    );
    let texts = lines.iter().filter_map(|line| line.split_once("Z\tid-1\t"));
    let texts: Vec<_> = texts.map(|(_, text)| text).collect();
    assert_eq!(texts.len(), lines.len() - 2, "{lines:?}");
    let start = [
        "INFO\ttwo\rlines x { a: { b: { c: [Object] } } }",
        "INFO\t{ a: [ 1 ] }",
        "INFO\tundefined",
        "TRACE\tt",
        "DEBUG\td",
        "INFO\ti",
        "WARN\tw",
        "ERROR\te",
        "FATAL\tf",
    ];
    assert_eq!(texts[..start.len()], start);
    assert!(
        texts[9].starts_with("ERROR\tTypeError: one\r    at "),
        "{}",
        texts[9]
    );
    assert!(texts[10].starts_with("ERROR\twith RangeError: two\r    at "));
    assert_eq!(
        texts[11..],
        [
            "INFO\t<ref *1> { self: [Circular *1] }",
            "INFO\t1n",
            "INFO\t5"
        ]
    );
}

fn console_in_json_mode_writes_fields(node: Language) {
    let root = root(&[("index.js", LOGS)]);
    let mut command = index(node, &root);
    command.env("AWS_LAMBDA_LOG_FORMAT", "JSON");
    let (first, mut lines) = printed(command);
    assert_eq!(lines.split_off(lines.len() - 2), ["raw", "lines"]);
    let record = |line: &String| -> Value { serde_json::from_str(line).expect("a record") };
    let at_init = record(&first);
    assert_eq!(
        (&at_init["level"], &at_init["message"]),
        (&json!("INFO"), &json!("at init"))
    );
    assert!(at_init.get("tenantId").is_none());
    let records: Vec<Value> = lines.iter().map(record).collect();
    for record in &records {
        assert!(
            record["timestamp"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z'))
        );
        assert_eq!(
            (&record["requestId"], &record["tenantId"]),
            (&json!("id-1"), &json!("tenant 1"))
        );
    }
    let levels: Vec<_> = records
        .iter()
        .map(|record| record["level"].as_str().expect("text"))
        .collect();
    assert_eq!(
        levels,
        [
            "INFO", "INFO", "INFO", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "ERROR",
            "ERROR", "INFO", "INFO", "INFO"
        ]
    );
    let message = |number: usize| &records[number]["message"];
    assert_eq!(message(0), "two\nlines x { a: { b: { c: [Object] } } }");
    assert_eq!(message(1), &json!({"a": [1]}));
    assert_eq!(records[2].get("message"), None);
    assert_eq!(message(8), "f");
    let fields = |value: &Value| {
        (
            value["errorType"].clone(),
            value["errorMessage"].clone(),
            value["stackTrace"][0].clone(),
        )
    };
    assert_eq!(
        fields(message(9)),
        (json!("TypeError"), json!("one"), json!("TypeError: one"))
    );
    assert_eq!(message(9)["code"], 7);
    assert_eq!(
        fields(&records[10]),
        (json!("RangeError"), json!("two"), json!("RangeError: two"))
    );
    assert_eq!(message(11), "<ref *1> { self: [Circular *1] }");
    assert_eq!(message(12), "1n");
}

fn console_below_the_log_level_writes_nothing(node: Language) {
    let root = root(&[(
        "index.js",
        LOGS.replace("console.log('at init')", "console.fatal('at init')")
            .as_str(),
    )]);
    for (level, count) in [
        ("TRACE", 14),
        ("debug", 13),
        ("Info", 12),
        ("WARN", 5),
        ("ERROR", 4),
        ("FATAL", 1),
        ("odd", 14),
    ] {
        let mut command = index(node, &root);
        command.env("AWS_LAMBDA_LOG_LEVEL", level);
        let (_, lines) = printed(command);
        assert_eq!(lines.len(), count + 2, "{level}: {lines:?}");
    }
}

fn console_writes_frames_to_the_telemetry_descriptor(node: Language) {
    let source = "exports.handler = async () => { console.warn('a\\nb'); return \
        process.env._LAMBDA_TELEMETRY_LOG_FD ?? 'unset'; };";
    let root = root(&[("index.js", source)]);
    for (format, mark, text) in [
        ("TEXT", 0xa55a_0003_u32 | 16, "Z\tid-1\tWARN\ta\nb\n"),
        (
            "JSON",
            0xa55a_0002 | 16,
            "\"level\":\"WARN\",\"requestId\":\"id-1\",\"message\":\"a\\nb\"}",
        ),
    ] {
        let file = root.path().join(format);
        let inner = index(node, &root);
        let mut command = Command::new("sh");
        command
            .args(["-c", "exec \"$@\" 9>\"$0\""])
            .arg(&file)
            .arg(inner.get_program());
        command.args(inner.get_args()).current_dir(root.path());
        command.env("LAMBDA_TASK_ROOT", root.path());
        command
            .env("_LAMBDA_TELEMETRY_LOG_FD", "9")
            .env("AWS_LAMBDA_LOG_FORMAT", format);
        let mut worker = ready(&mut command);
        assert_eq!(worker.ask(b"{}").json(), "unset");
        assert_eq!(worker.log(), "");
        let frame = std::fs::read(&file).expect("the frames");
        let (head, body) = frame.split_at(16);
        assert_eq!(head[..4], mark.to_be_bytes(), "{format}");
        assert_eq!(
            head[4..8],
            u32::try_from(body.len()).expect("short").to_be_bytes()
        );
        let micros = u64::from_be_bytes(head[8..].try_into().expect("8 bytes"));
        assert!(micros > 1_700_000_000_000_000, "{micros}");
        let body = String::from_utf8_lossy(body);
        assert!(body.ends_with(text), "{body}");
    }
}

fn error_is_logged_with_code_and_cause(node: Language) {
    let source = "exports.handler = async () => { throw Object.assign(new TypeError('outer', { \
        cause: new RangeError('inner') }), { code: 'E1' }); };";
    let root = root(&[("index.js", source)]);
    for format in ["TEXT", "JSON"] {
        let mut command = index(node, &root);
        command.env("AWS_LAMBDA_LOG_FORMAT", format);
        let mut worker = ready(&mut command);
        let answer = worker.ask(b"{}");
        assert_eq!(answer.message("error", "TypeError"), "outer");
        worker.until_log(|log| log.ends_with('\n'));
        let log = worker.log();
        assert_eq!(log.lines().count(), 1, "{log}");
        let error: Value = if format == "TEXT" {
            let (head, fields) = log
                .split_once("\tERROR\tInvoke Error \t")
                .expect("a record");
            assert!(head.ends_with("Z\tid-1"), "{head}");
            serde_json::from_str(fields).expect("JSON")
        } else {
            let record: Value = serde_json::from_str(&log).expect("JSON");
            record["message"].clone()
        };
        assert_eq!(
            (&error["errorType"], &error["errorMessage"], &error["code"]),
            (&json!("TypeError"), &json!("outer"), &json!("E1"))
        );
        let cause = &error["cause"];
        assert_eq!(
            (&cause["errorType"], &cause["errorMessage"]),
            (&json!("RangeError"), &json!("inner"))
        );
        assert!(!log.contains("[eval]"), "{log}");
    }
}

fn error_is_logged_where_the_handler_breaks_the_console(node: Language) {
    let source = "exports.handler = async (event) => { console.error = () => { throw new \
        Error('mine'); };\n\
        if (event.late) { const cycle = new Error('cyclic'); cycle.cause = cycle; throw cycle; }\n\
        throw new RangeError('thrown'); };";
    let root = root(&[("index.js", source)]);
    let mut worker = ready(&mut index(node, &root));
    assert_eq!(worker.ask(b"{}").message("error", "RangeError"), "thrown");
    worker.until_log(|log| {
        log.contains("\tERROR\tInvoke Error") && log.contains("RangeError: thrown")
    });
    assert_eq!(
        worker.ask(b"{\"late\":1}").message("error", "Error"),
        "cyclic"
    );
    worker.until_log(|log| log.contains("Error: cyclic"));
}

fn exit_behind_a_long_answer_does_not_cut_it(node: Language) {
    let source = "exports.handler = async (event) => { setImmediate(() => \
        process.exit(event.status)); return 'a'.repeat(5e6); };";
    let root = root(&[("index.js", source)]);
    for status in [0, 3] {
        let mut worker = ready(&mut index(node, &root));
        worker.send("", format!("{{\"status\":{status}}}").as_bytes());
        // The answer does not fit into the socket when the process exits.
        std::thread::sleep(std::time::Duration::from_millis(100));
        let answer = worker.answer();
        assert_eq!((&*answer.verb, answer.body.len()), ("ok", 5_000_002));
        worker.assert_exits(status);
    }
}

fn result_of_a_promise_of_exports_is_the_handler(node: Language) {
    let source = "module.exports = Promise.resolve({ handler: async () => 'promised', default: \
        async () => 'default' });";
    let root = root(&[("index.js", source)]);
    assert_eq!(ready(&mut index(node, &root)).ask(b"{}").json(), "promised");
    let path = root.path().join("index.js");
    let mut command = command(node, &root, path.to_str().expect("text"), "default");
    assert_eq!(ready(&mut command).ask(b"{}").json(), "default");
}

fn handler_neither_buffered_nor_streaming_is_an_init_error(node: Language) {
    let source = "exports.handler = async () => 1; \
        exports.handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'request';";
    let root = root(&[("index.js", source)]);
    let mut worker = Worker::start(&mut index(node, &root));
    let message = worker
        .answer()
        .message("init-error", "Runtime.MalformedStreamingHandler");
    assert_eq!(message, "Only response streaming is supported.");
    worker.assert_exits(1);
}

fn invoke_store_has_the_current_event_from_node_24_on(node: Language) {
    let source = "exports.handler = async (event, context) => { const store = \
        globalThis.awslambda.InvokeStore;\n\
        if (!store) return [parseInt(process.versions.node) < 24];\n\
        store.set('mine', 1); let refused; try { store.set(Symbol.for('_AWS_LAMBDA_REQUEST_ID'), \
            2); } catch { refused = true; }\n\
        return [refused, store.getRequestId(), store.getXRayTraceId(), store.getTenantId(), \
            store.get('mine'), context.xRayTraceId]; };";
    let root = root(&[("index.js", source)]);
    let mut worker = ready(&mut index(node, &root));
    let answer = worker
        .ask_with("request-id=id-9\ntrace-id=Root=1\ntenant-id=t\n", b"{}")
        .json();
    if answer[1].is_null() {
        return assert_eq!(answer, json!([true]));
    }
    assert_eq!(answer, json!([true, "id-9", "Root=1", "t", 1, "Root=1"]));
}
