//! A function that uses a library: its folder in `functions`, how it is started, what it did under
//! the official client.
//!
//! `functions/NAME/case.json`, all but the handler optional:
//!
//! | field | meaning |
//! |---|---|
//! | `handler` | `_HANDLER` |
//! | `environment` | more variables; `${HTTP}` and `${UDP}` are ports of the sink |
//! | `links` | links into `target/libraries`: path in the task root, or below `opt/`; `/*` at the end of a target links each entry |
//! | `copies` | the same for copies: what finds its files from its own place |
//! | `needs` | files without which the function is skipped |
//! | `events` | files of `events`, one event each |
//! | `formats` | log formats, `["Text"]` |
//! | `ours` | by format, `log` and `sent` of ours where these differ from the record, with a `reason` |
//!
//! The other files are the task root; those in `opt` are a layer. `functions/NAME/expected.json` is
//! what the official client did: for each format answers, lines of the log, messages to the sink.

use crate::compare::{Seen, value};
use crate::sink::Sink;
use crate::support::api::{Event, Kind, Ledger, Script, Server};
use crate::support::start::Start;
use crate::support::{TempDir, bootstrap, bound, root, runner, skip};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Events have ids as Lambda's are: libraries may look at them.
const ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fc";

/// A function in its task root.
struct Case {
    name: String,
    settings: Value,
    dir: TempDir,
    events: Vec<Event>,
}

/// The folder that `scripts/libraries.sh` fills.
pub fn libraries() -> PathBuf {
    root().join("target/libraries")
}

fn folder(name: &str) -> PathBuf {
    root().join("tests/libraries/functions").join(name)
}

fn read_json(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs a function in each of its log formats, and compares what it does with the record; with
/// `TINDERBOX_RECORD` it makes the record (see `record`).
pub fn check(name: &str) {
    let settings = read_json(&folder(name).join("case.json"));
    if let Some(reason) = missing(name, &settings) {
        return skip::skip(&reason);
    }
    if let Some(clients) = std::env::var_os("TINDERBOX_RECORD") {
        return record(name, &settings, Path::new(&clients));
    }
    let expected = read_json(&folder(name).join("expected.json"));
    for format in formats(&settings) {
        let mut right = Seen::from_record(&expected[&format]);
        let ours = &settings["ours"][&format];
        for (list, key) in [(&mut right.log, "log"), (&mut right.sent, "sent")] {
            if let Some(messages) = ours[key].as_array() {
                assert!(ours["reason"].is_string(), "{name}: {key} without a reason");
                list.clone_from(messages);
            }
        }
        let case = Case::new(name, &settings);
        let ours = case.run(&bootstrap(), &format, Some(right.sent.len()));
        let found = ours.differences(&right);
        assert!(found.is_empty(), "{name}, {format}:\n{}", found.join("\n"));
    }
}

/// Why a function cannot run here.
fn missing(name: &str, settings: &Value) -> Option<String> {
    if runner().is_some() {
        return Some("libraries run natively only".to_string());
    }
    let language = name.split('_').next().unwrap_or_default();
    let interpreter = if language == "python" {
        "python3"
    } else {
        language
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|folder| folder.join(interpreter).is_file()) {
        return Some(format!("no {interpreter} on this machine"));
    }
    let links = [&settings["links"], &settings["copies"]];
    let links = links.iter().filter_map(|list| list.as_object()).flatten();
    let targets = links.filter_map(|(_, target)| target.as_str());
    let needs = settings["needs"].as_array().into_iter().flatten();
    let needs = needs.filter_map(Value::as_str).map(PathBuf::from);
    let needs = needs.chain(targets.map(|target| libraries().join(target.trim_end_matches("/*"))));
    for path in needs {
        if !path.exists() {
            let place = path.strip_prefix(root()).unwrap_or(&path).display();
            return Some(format!("no {place}: scripts/libraries.sh installs it"));
        }
    }
    let is_layer = settings["links"]
        .as_object()
        .is_some_and(|links| links.keys().any(|link| link.starts_with("opt")));
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    ((is_layer || folder(name).join("opt").exists()) && !is_root)
        .then(|| "a layer is mounted on /opt, which needs root".to_string())
}

fn formats(settings: &Value) -> Vec<String> {
    let given = settings["formats"].as_array().cloned();
    let given = given.unwrap_or_else(|| vec![json!("Text")]);
    let texts = given.iter().filter_map(Value::as_str);
    texts.map(str::to_string).collect()
}

/// Runs the function twice under `CLIENTS/LANGUAGE/bootstrap`, which starts the official client of
/// the language with the handler of `_HANDLER`; what both runs have in common becomes the record.
fn record(name: &str, settings: &Value, clients: &Path) {
    let language = name.split('_').next().unwrap_or_default();
    let client = clients.join(language).join("bootstrap");
    let mut expected = json!({});
    for format in formats(settings) {
        let run = || Case::new(name, settings).run(&client, &format, None);
        expected[&format] = run().into_record(run());
    }
    let text = format!("{expected:#}\n");
    fs::write(folder(name).join("expected.json"), text).expect("write the record");
}

impl Case {
    fn new(name: &str, settings: &Value) -> Case {
        let dir = TempDir::new();
        let task = dir.path().join("task");
        copy(&folder(name), &task);
        for file in ["case.json", "expected.json"] {
            let _ = fs::remove_file(task.join(file));
        }
        if task.join("opt").exists() {
            fs::rename(task.join("opt"), dir.path().join("opt")).expect("move the layer");
        }
        let links = settings["links"].as_object().cloned().unwrap_or_default();
        // Those of all entries of a folder first: another link may replace one of them.
        let (all, single): (Vec<_>, Vec<_>) = links
            .iter()
            .partition(|(_, target)| target.as_str().unwrap_or_default().ends_with("/*"));
        for (path, target) in all.into_iter().chain(single) {
            let target = target.as_str().expect("a target is text");
            link(dir.path(), path, target);
        }
        for (path, source) in settings["copies"].as_object().into_iter().flatten() {
            let source = source.as_str().expect("a source is text");
            copy(&libraries().join(source), &task.join(path));
        }
        let files = settings["events"].as_array().cloned();
        let files = files.unwrap_or_else(|| vec![json!("api_gateway_v2.json")]);
        let events = files.iter().enumerate().map(|(number, file)| {
            let file = file.as_str().expect("an event is a file");
            let path = root().join("tests/libraries/events").join(file);
            let body = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let trace = format!("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e70{number:x}");
            Event::new(&format!("{ID}{number:x}"), body).header(
                "Lambda-Runtime-Trace-Id",
                &format!("{trace};Parent=9a9197af755a6419;Sampled=1"),
            )
        });
        Case {
            name: name.to_string(),
            settings: settings.clone(),
            events: events.collect(),
            dir,
        }
    }

    /// Runs all events. Waits for `sent` messages to the sink, or for a while where it is not known
    /// how many come.
    fn run(&self, program: &Path, format: &str, sent: Option<usize>) -> Seen {
        let sink = Sink::start();
        let server = Server::start(Script::events(&self.events));
        let start = self.start(program, format, &sink);
        let mut process = start
            .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
            .spawn();
        if sent.is_some() {
            process.until_idle(&server);
        } else {
            let end = std::time::Instant::now() + Duration::from_secs(60);
            while !server.wait_idle(Duration::from_millis(20)) {
                let waits = std::time::Instant::now() < end;
                assert!(waits, "{}: {}", self.name, process.stderr());
            }
        }
        let limit = match sent {
            Some(_) => bound(3_000),
            None => Duration::from_millis(1_500),
        };
        sink.sent(sent.unwrap_or(usize::MAX), limit);
        // One more than expected would come now.
        let mut messages = sink.sent(usize::MAX, Duration::from_millis(150));
        messages.sort_by_key(Value::to_string);
        let (outcome, left) = process.stop(server);
        if sent.is_some() {
            assert!(left.is_empty(), "left behind: {left:?}");
            outcome.ledger.assert_clean();
            outcome.ledger.assert_balanced();
        }
        let folders = self.folders(&sink);
        let lines = outcome.stdout.lines().chain(outcome.stderr.lines());
        let lines = lines.filter(|line| !line.starts_with("tinderbox: "));
        Seen {
            answers: self
                .events
                .iter()
                .map(|event| answer(&outcome.ledger, &event.id, &folders))
                .collect(),
            log: lines.map(|line| value(line, &folders)).collect(),
            sent: messages,
        }
    }

    fn start(&self, program: &Path, format: &str, sink: &Sink) -> Start {
        let task = self.dir.path().join("task");
        let layer = self.dir.path().join("opt");
        let program = program.display();
        // A shell that becomes the program, in the task root: Lambda starts it there.
        let mut script = format!("#!/bin/sh\ncd '{}'\n", task.display());
        if layer.exists() {
            let layer = layer.display();
            let inside = format!("mount --bind {layer} /opt && exec {program}");
            script += &format!("exec unshare -m sh -c '{inside}'\n");
        } else {
            script += &format!("exec '{program}'\n");
        }
        let script = self.dir.executable("start", script.as_bytes());
        let handler = self.settings["handler"].as_str().expect("a handler");
        let mut start = Start::new(&script)
            .variable("LAMBDA_TASK_ROOT", task.to_str().expect("UTF-8"))
            .variable("_HANDLER", handler)
            .variable("LANG", "C.UTF-8")
            .variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .variable("AWS_LAMBDA_LOG_FORMAT", format)
            .variable("AWS_DEFAULT_REGION", "us-east-1")
            .variable("AWS_ACCESS_KEY_ID", "key")
            .variable("AWS_SECRET_ACCESS_KEY", "secret")
            .variable("AWS_SESSION_TOKEN", "token")
            .variable("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR")
            .variable(
                "AWS_XRAY_DAEMON_ADDRESS",
                &format!("127.0.0.1:{}", sink.udp),
            )
            .variable("PYTHONDONTWRITEBYTECODE", "1");
        let environment = self.settings["environment"].as_object();
        for (name, value) in environment.into_iter().flatten() {
            let value = value.as_str().expect("the value of a variable is text");
            let value = value.replace("${HTTP}", &sink.http.to_string());
            start = start.variable(name, &value.replace("${UDP}", &sink.udp.to_string()));
        }
        start
    }

    /// Texts that differ from run to run, and what stands for them.
    fn folders(&self, sink: &Sink) -> Vec<(String, &'static str)> {
        let text = |path: PathBuf| path.to_str().expect("UTF-8").to_string();
        let language = self.name.split('_').next().unwrap_or_default();
        let mut folders = versions(language);
        folders.extend([
            (text(self.dir.path().join("task")), "/var/task"),
            (text(libraries()), "/libraries"),
            (format!("127.0.0.1:{}", sink.http), "HTTP"),
            (format!("127.0.0.1:{}", sink.udp), "UDP"),
        ]);
        folders
    }
}

/// Texts that name the version of the interpreter, and what stands for them.
fn versions(language: &str) -> Vec<(String, &'static str)> {
    let interpreter = if language == "python" {
        "python3"
    } else {
        language
    };
    let output = Command::new(interpreter).arg("--version").output();
    let output = output.unwrap_or_else(|error| panic!("{interpreter}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |c: char| c.is_ascii_digit() || c == '.';
    let words = text.split(|c| !number(c));
    let Some(version) = words.into_iter().find(|word| word.contains('.')) else {
        return Vec::new();
    };
    let parts: Vec<&str> = version.split('.').collect();
    let [major, minor, ..] = parts.as_slice() else {
        return Vec::new();
    };
    let texts = [
        (format!("{language}v{version}"), "VERSION"),
        (format!("{language}js{major}.x"), "RUNTIME"),
        (format!("{language}{major}.{minor}"), "RUNTIME"),
        (format!("{language}{major}{minor}_"), "RUNTIME_"),
    ];
    texts.into()
}

fn answer(ledger: &Ledger, id: &str, folders: &[(String, &str)]) -> Value {
    let posts = ledger.answers(id);
    let [post] = posts.as_slice() else {
        return json!(format!("{} answers", posts.len()));
    };
    let is_response = post.kind == Kind::Response;
    json!({
        "kind": if is_response { "response" } else { "error" },
        "type": post.header("Content-Type").filter(|_| is_response).map(content_type),
        "mode": post.header("Lambda-Runtime-Function-Response-Mode"),
        "body": value(&String::from_utf8_lossy(&post.body), folders),
    })
}

/// The Ruby client says of every response that it is a form: nobody relies on that.
fn content_type(text: &str) -> &str {
    match text {
        "application/x-www-form-urlencoded" => "*",
        other => other,
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("make a folder");
    for entry in fs::read_dir(from).expect("read a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copy a file");
        }
    }
}

fn link(dir: &Path, path: &str, target: &str) {
    let at = match path.strip_prefix("opt") {
        Some(rest) => dir.join("opt").join(rest.trim_start_matches('/')),
        None => dir.join("task").join(path),
    };
    let Some(folder) = target.strip_suffix("/*") else {
        let _ = fs::remove_file(&at);
        fs::create_dir_all(at.parent().expect("a parent")).expect("make a folder");
        symlink(libraries().join(target), at).expect("make a link");
        return;
    };
    fs::create_dir_all(&at).expect("make a folder");
    for entry in fs::read_dir(libraries().join(folder)).expect("read a folder") {
        let entry = entry.expect("an entry");
        if !at.join(entry.file_name()).exists() {
            symlink(entry.path(), at.join(entry.file_name())).expect("make a link");
        }
    }
}
