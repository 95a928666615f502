//! Resolution of `_HANDLER`: which file, which function, which interpreter.
//!
//! A worker in the `bin` of the task root takes the place of the interpreters of PHP, Node, Python
//! and Ruby, and answers with its arguments.

use crate::kinds::started;
use crate::skip::has;
use crate::support::TempDir;
use crate::support::api::{Kind, Script};
use crate::support::hosting::{error_type, events, message, response};
use crate::support::process::Outcome;

const MINIMAL_WORKER: &[u8] = include_bytes!("functions/minimal_worker.pl");

/// A task root with interpreters and these files, those that end in `*` executable.
pub fn root(files: &[&str]) -> TempDir {
    let dir = TempDir::new();
    for name in ["php", "node", "python3", "ruby"] {
        dir.executable(&format!("bin/{name}"), MINIMAL_WORKER);
    }
    for name in files {
        let shell = format!("say() {{ printf '%s' \"sh {name} $1\"; }}\n");
        match name.strip_suffix('*') {
            Some(name) if name.starts_with("worker") => dir.executable(name, MINIMAL_WORKER),
            Some(name) => dir.executable(name, b"#!/bin/sh\nprintf program\n"),
            None if name.ends_with('/') => dir.file(&format!("{name}inside"), b""),
            None => dir.file(name, shell.as_bytes()),
        };
    }
    dir
}

fn run(dir: &TempDir, handler: &str) -> Outcome {
    started(dir, handler).run(Script::events(&events(["event"])))
}

/// The answer of the handler of these files, without the path of the task root.
fn chosen(files: &[&str], handler: &str) -> String {
    let (answer, line) = answer_and_line(files, handler);
    assert!(line.starts_with("tinderbox: handler ROOT/"), "{line}");
    answer
}

/// The same with the first line of the log; in both, the path of the task root is `ROOT` or left
/// out.
pub fn answer_and_line(files: &[&str], handler: &str) -> (String, String) {
    let dir = root(files);
    let outcome = run(&dir, handler);
    let ledger = outcome.assert_serving();
    let text = String::from_utf8_lossy(response(ledger, "event-0")).into_owned();
    let place = format!("{}/", dir.path().display());
    let line = outcome.stderr.lines().next().unwrap_or_default();
    (text.replace(&place, ""), line.replace(&place, "ROOT/"))
}

/// The type and message of the init error of a handler that is refused.
pub fn refused(dir: &TempDir, handler: &str) -> (String, String) {
    let outcome = run(dir, handler);
    let ledger = outcome.assert_exit(3);
    let what = (ledger.gets, ledger.posts.len());
    assert_eq!(what, (0, 1), "{handler}: {ledger}");
    let post = &ledger.posts[0];
    assert_eq!(post.kind, Kind::InitError);
    let error_type = error_type(post);
    let message = message(post, &error_type);
    let place = format!("{}/", dir.path().display());
    (error_type, message.replace(&place, ""))
}

#[test]
fn handler_name_in_every_form_finds_its_file_and_function() {
    if !has("perl") {
        return;
    }
    for (files, handler, answer) in [
        (&["function.sh"][..], "function.say", "sh function.sh event"),
        (&["hello.php"], "hello.hello", "php hello.php hello"),
        (&["src/hello.php"], "hello.hello", "php src/hello.php hello"),
        (
            &["hello.php", "src/hello.php"],
            "hello.x",
            "php hello.php x",
        ),
        (&["hello.php"], "hello", "php hello.php hello"),
        (&["src/hello.php"], "hello", "php src/hello.php hello"),
        (&["hello.php"], "hello.php", "php hello.php "),
        (&["hello.php*"], "hello.php", "php hello.php "),
        (
            &["public/index.php"],
            "public/index.php",
            "php public/index.php ",
        ),
        (&["index.mjs"], "index.handler", "node index.mjs handler"),
        (&["index.js"], "index.handler", "node index.js handler"),
        (&["index.cjs"], "index.handler", "node index.cjs handler"),
        // Of one language the first file counts.
        (
            &["x.mjs", "x.js", "x.cjs"],
            "x.handler",
            "node x.js handler",
        ),
        (&["x.cjs", "x.mjs"], "node:x.handler", "node x.mjs handler"),
        (&["x.py"], "./x.handler", "python3 x.py handler"),
        (&["a/x.rb"], "./a/./x.handler", "ruby a/x.rb handler"),
        (&["index.py"], "index.handler", "python3 index.py handler"),
        (&["index.rb"], "index.handler", "ruby index.rb handler"),
        (&["program*"], "program", "program"),
        (&["program.v1.2*"], "program.v1.2", "program"),
        (&["worker*"], "worker:worker", "worker"),
        (&["worker.pl*"], "worker:worker.pl", "worker.pl"),
        // Folders, dots in the names of functions and of files.
        (
            &["a/b/index.py"],
            "a/b/index.handler",
            "python3 a/b/index.py handler",
        ),
        (&["a.b/hello.php"], "a.b/hello", "php a.b/hello.php hello"),
        (&["a.b/index.js"], "a.b/index.run", "node a.b/index.js run"),
        (&["a/program*"], "a/program", "program"),
        (
            &["a/function.sh"],
            "a/function.say",
            "sh a/function.sh event",
        ),
        (
            &["file.rb"],
            "file.Mod::Class.method",
            "ruby file.rb Mod::Class.method",
        ),
        (
            &["file.rb"],
            "file.Mod::Class::method",
            "ruby file.rb Mod::Class::method",
        ),
        (
            &["index.mjs"],
            "index.api.handler",
            "node index.mjs api.handler",
        ),
        (
            &["index.v2.mjs"],
            "index.v2.handler",
            "node index.v2.mjs handler",
        ),
        // The last dot comes first.
        (&["a.js", "a.b.js"], "a.b.c", "node a.b.js c"),
    ] {
        println!("{files:?} {handler}"); // shown when what follows fails
        assert_eq!(chosen(files, handler), answer, "{files:?} {handler}");
    }
}

#[test]
fn handler_kind_given_decides() {
    if !has("perl") {
        return;
    }
    let all = [
        "x.sh",
        "x.php",
        "x.mjs",
        "x.js",
        "x.py",
        "x.rb",
        "src/x.php",
    ];
    for (files, handler, answer) in [
        (&all[..], "shell:x.say", "sh x.sh event"),
        (&all, "php:x.f", "php x.php f"),
        (&all, "python:x.f", "python3 x.py f"),
        (&all, "ruby:x.f", "ruby x.rb f"),
        (&["x.js", "x.py"], "node:x.f", "node x.js f"),
        (&["x.py*"], "program:x.py", "program"),
        (&["x.php*"], "program:x.php", "program"),
        (&["x*"], "php:x", "php x "),
        (&["x.rb"], "ruby:x.A::B.c", "ruby x.rb A::B.c"),
        (&["f*", "f.php"], "php:f", "php f "),
    ] {
        println!("{files:?} {handler}");
        assert_eq!(chosen(files, handler), answer, "{files:?} {handler}");
    }
}

#[test]
fn handler_file_of_exactly_that_name_comes_first() {
    if !has("perl") {
        return;
    }
    let files = ["hello*", "hello.php", "hello.hello*", "hello.sh"];
    assert_eq!(chosen(&files, "hello"), "program");
    assert_eq!(chosen(&files, "hello.hello"), "program");
    assert_eq!(chosen(&files, "hello.php"), "php hello.php ");
}

#[test]
fn handler_directory_is_no_match() {
    if !has("perl") {
        return;
    }
    assert_eq!(
        chosen(&["hello/", "hello.php"], "hello"),
        "php hello.php hello"
    );
    assert_eq!(chosen(&["x.mjs/", "x.py"], "x.f"), "python3 x.py f");
    assert_eq!(chosen(&["x.php/", "src/x.php"], "x.f"), "php src/x.php f");
    let (error_type, _) = refused(&root(&["hello/", "hello.php/", "hello.sh/"]), "hello.sh");
    assert_eq!(error_type, "Runtime.HandlerNotFound");
}

#[test]
fn handler_not_found_names_every_path_tried() {
    let dir = root(&["other.py"]);
    for (handler, paths) in [
        (
            "a/x.f",
            &[
                "a/x.f",
                "a/x.sh",
                "a/x.php",
                "src/a/x.php",
                "a/x.mjs",
                "a/x.js",
                "a/x.cjs",
                "a/x.py",
                "a/x.rb",
            ][..],
        ),
        ("x", &["x", "x.php", "src/x.php"]),
        ("x.php", &["x.php", "x.sh", "x.php.php"][..2]),
        (
            "x.y.z",
            &[
                "x.y.z",
                "x.y.py",
                "x.py",
                "x.rb",
                "src/x.php",
                "src/x.y.php",
            ],
        ),
        ("shell:x.f", &["x.sh"]),
        ("program:x", &["x"]),
        ("worker:x.pl", &["x.pl"]),
        ("x.A::b.c", &["x.A::b.rb", "x.rb"]),
    ] {
        let (error_type, message) = refused(&dir, handler);
        assert_eq!(
            error_type, "Runtime.HandlerNotFound",
            "{handler}: {message}"
        );
        let words: Vec<&str> = message.split_whitespace().collect();
        for path in paths {
            assert!(words.contains(path), "{handler}: {path} in {message}");
        }
        if handler.starts_with("shell:") {
            assert!(!words.contains(&"x.py"), "{message}");
        }
    }
}

#[test]
fn handler_ambiguous_names_every_file_found() {
    for (files, handler) in [
        (&["x.py", "x.rb"][..], "x.f"),
        (&["x.sh", "src/x.php"], "x.f"),
        (&["a/x.php", "a/x.js", "a/x.rb"], "a/x.f"),
    ] {
        let (error_type, message) = refused(&root(files), handler);
        assert_eq!(error_type, "Runtime.AmbiguousHandler", "{message}");
        let words: Vec<&str> = message.split_whitespace().collect();
        for file in files {
            assert!(words.contains(file), "{file} in {message}");
        }
        assert!(!message.contains("x.pyc"), "{message}");
    }
}

#[test]
fn program_without_exec_bit_is_named_as_such() {
    for handler in ["run", "program:run", "worker:run"] {
        let (error_type, message) = refused(&root(&["run"]), handler);
        assert_eq!(error_type, "Runtime.HandlerNotFound");
        assert!(message.contains("run (no executable)"), "{message}");
    }
}

#[test]
fn handler_kind_unknown_is_refused_with_the_known_ones() {
    for handler in ["perl:x.f", "workers:x", "httpd:x"] {
        let (error_type, message) = refused(&root(&["x*"]), handler);
        assert_eq!(error_type, "Runtime.MalformedHandlerName");
        let word = handler.split(':').next().expect("a word");
        for part in [word, "worker", "php", "shell"] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }
}

#[test]
fn handler_with_parent_folder_or_bootstrap_is_refused() {
    let dir = root(&["in/x.py", "in/bootstrap*", "x.py", "x*", "worker*"]);
    let inner = dir.path().join("in");
    let inner = inner.to_str().expect("UTF-8");
    for handler in [
        "../x.f",
        "../x",
        "worker:../worker",
        "program:../x",
        "python:../x.f",
        "a/../../x.f",
        "/opt/../x.f",
        "..",
        "/",
        "x/",
        "bootstrap", // itself
        "./bootstrap",
        "worker:bootstrap",
    ] {
        let start = started(&dir, handler).variable("LAMBDA_TASK_ROOT", inner);
        let outcome = start.run(Script::events(&events(["never"])));
        let ledger = outcome.assert_exit(3);
        assert_eq!((ledger.gets, ledger.posts.len()), (0, 1), "{handler}");
        let error_type = match handler {
            "bootstrap" | "./bootstrap" | "worker:bootstrap" => "Runtime.HandlerNotFound",
            _ => "Runtime.MalformedHandlerName",
        };
        message(&ledger.posts[0], error_type);
    }
}

#[test]
fn handler_with_absolute_path_is_found_outside_the_task_root() {
    if !has("perl") {
        return;
    }
    let dir = root(&[]);
    let other = root(&["x.mjs", "x.cjs", "y.php", "f.sh", "program*", "src/z.php"]);
    let place = other.path().display().to_string();
    for (handler, answer) in [
        ("PLACE/x.handler", "node PLACE/x.mjs handler"),
        ("node:PLACE/x.handler", "node PLACE/x.mjs handler"),
        ("PLACE//x.handler", "node PLACE/x.mjs handler"),
        ("PLACE/y.php", "php PLACE/y.php "),
        ("PLACE/src/z.f", "php PLACE/src/z.php f"),
        ("PLACE/f.say", "sh f.sh event"),
        ("PLACE/program", "program"),
        ("program:PLACE/program", "program"),
    ] {
        println!("{handler}");
        let outcome = run(&dir, &handler.replace("PLACE", &place));
        let body = response(outcome.assert_serving(), "event-0").to_vec();
        assert_eq!(
            String::from_utf8_lossy(&body),
            answer.replace("PLACE", &place)
        );
    }
    // `src` is searched in the task root alone.
    let (error_type, _) = refused(&dir, &format!("{place}/z.f"));
    assert_eq!(error_type, "Runtime.HandlerNotFound");
}

#[test]
fn interpreter_missing_is_named_with_the_places_searched() {
    for (file, handler, name) in [
        ("x.php", "x.f", "php"),
        ("x.mjs", "x.f", "node"),
        ("x.py", "x.f", "python3"),
        ("x.rb", "x.f", "ruby"),
    ] {
        let dir = TempDir::new();
        dir.file(file, b"");
        // Neither a folder of that name nor a file without exec bit is an interpreter.
        dir.file(&format!("bin/{name}/inside"), b"");
        dir.file(&format!("other/{name}"), b"");
        let other = dir.path().join("other");
        let start = started(&dir, handler).variable("PATH", other.to_str().expect("UTF-8"));
        let outcome = start.run(Script::events(&events(["never"])));
        let ledger = outcome.assert_exit(3);
        assert_eq!((ledger.gets, ledger.posts.len()), (0, 1), "{handler}");
        let message = message(&ledger.posts[0], "Runtime.NoSuchInterpreter");
        assert!(
            message.contains(name) && message.contains("/opt/bin"),
            "{message}"
        );
    }
}

#[test]
fn interpreter_in_bin_of_the_function_comes_before_path() {
    if !has("perl") {
        return;
    }
    let dir = root(&["x.py"]);
    dir.executable("path/python3", b"#!/bin/sh\nexit 9\n");
    dir.executable("second/ruby", MINIMAL_WORKER);
    dir.file("first/ruby", b"");
    let place = |name: &str| dir.path().join(name).display().to_string();
    let start = started(&dir, "x.f").variable("PATH", &place("path"));
    let outcome = start.run(Script::events(&events(["event"])));
    let body = response(outcome.assert_serving(), "event-0");
    assert!(body.starts_with(b"python3 "), "{body:?}");
    // Then in PATH, whatever is no executable passed over.
    std::fs::remove_file(dir.path().join("bin/ruby")).expect("removed");
    dir.file("y.rb", b"");
    let path = format!("{}:{}::/usr/bin", place("first"), place("second"));
    let start = started(&dir, "y.f").variable("PATH", &path);
    let outcome = start.run(Script::events(&events(["event"])));
    let body = response(outcome.assert_serving(), "event-0");
    assert!(body.starts_with(b"ruby "), "{body:?}");
}

/// The shell that runs a function with this first line.
fn shell_of(first_line: &str, path: Option<&str>) -> Result<String, String> {
    let dir = TempDir::new();
    let body = "f() { /bin/readlink /proc/$$/exe; }\n";
    dir.file("x.sh", format!("{first_line}{body}").as_bytes());
    for name in ["bash", "sh", "dash"] {
        if path.is_some_and(|path| path.contains(name)) {
            let link = dir.path().join(name);
            std::fs::create_dir_all(&link).expect("a folder");
            let shell = std::path::Path::new("/bin").join(name);
            std::os::unix::fs::symlink(shell, link.join(name)).expect("a link");
        }
    }
    let mut start = started(&dir, "x.f");
    if let Some(path) = path {
        let folders: Vec<String> = (path.split(':'))
            .map(|name| dir.path().join(name).display().to_string())
            .collect();
        start = start.variable("PATH", &folders.join(":"));
    }
    let outcome = start.run(Script::events(&events(["event"])));
    if outcome.code == Some(3) {
        return Err(message(
            &outcome.ledger.posts[0],
            "Runtime.NoSuchInterpreter",
        ));
    }
    let body = response(outcome.assert_serving(), "event-0");
    let text = String::from_utf8_lossy(body);
    Ok(text.trim().rsplit('/').next().unwrap_or_default().into())
}

#[test]
fn shebang_of_a_function_selects_the_shell() {
    if !has("bash") || !has("dash") {
        return;
    }
    let shell = |line: &str| shell_of(line, None).expect("it runs");
    for line in [
        "",
        "# a comment\n",
        "#!/bin/bash\n",
        "#!/usr/bin/env bash\n",
        "#! /bin/bash -eu\n",
    ] {
        assert_eq!(shell(line), "bash", "{line:?}");
    }
    for line in [
        "#!/bin/dash\n",
        "#!/usr/bin/env dash\n",
        "#!/usr/bin/env -S dash\n",
        "#!dash\n",
    ] {
        assert_eq!(shell(line), "dash", "{line:?}");
    }
    let sh = std::fs::canonicalize("/bin/sh").expect("a shell");
    let sh = sh.file_name().expect("a name").to_str().expect("UTF-8");
    for line in ["#!/bin/sh\n", "#!/usr/bin/env sh\n", "#!/bin/sh -e\r\n"] {
        assert_eq!(shell(line), sh, "{line:?}");
    }
    // A shell that is missing at its path may be found by its name.
    assert_eq!(shell("#!/nowhere/bin/dash\n"), "dash");
    let missing = shell_of("#!/nowhere/zzsh\n", None).expect_err("there is none");
    assert!(missing.contains("shell"), "{missing}");
}

#[test]
fn shebang_missing_selects_bash_and_without_bash_sh() {
    if !has("bash") || !has("dash") {
        return;
    }
    let sh = std::fs::canonicalize("/bin/sh").expect("a shell");
    let sh = sh.file_name().expect("a name").to_str().expect("UTF-8");
    assert_eq!(shell_with("sh:bash"), Ok("bash".to_string()));
    assert_eq!(shell_with("sh"), Ok(sh.to_string()));
    assert!(shell_with("nothing").is_err());
}

fn shell_with(path: &str) -> Result<String, String> {
    shell_of("", Some(path))
}
