//! README and guide: their commands run, their links lead somewhere, their figures are those of the
//! record.

mod support;

use support::skip;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use support::{TempDir, root};

/// The longest that a landing page may be, in lines.
const README_LINES_MAX: usize = 200;

fn read(name: &str) -> String {
    let text = fs::read_to_string(root().join(name));
    text.unwrap_or_else(|error| panic!("cannot read {name}: {error}"))
}

/// README.md and the chapters of the guide.
fn documents() -> Vec<String> {
    let mut names = vec!["README.md".to_string()];
    for entry in fs::read_dir(root().join("src/guide")).expect("list src/guide") {
        let name = entry.expect("an entry of src/guide").file_name();
        names.push(format!("src/guide/{}", name.to_string_lossy()));
    }
    names
}

/// Runs a command to its end; its output is text.
fn output(command: &mut Command) -> (Output, String, String) {
    let output = command.stdin(Stdio::null()).output().expect("run bash");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, stdout, stderr)
}

/// The shell blocks of a document that need nothing but bootstrap, tool and interpreters: no clone,
/// no compiler, no second terminal, no AWS.
fn runnable_blocks(name: &str) -> Vec<String> {
    const NEEDS_MORE: [&str; 6] = [
        "scripts/",
        "cargo ",
        "../tinderbox",
        "tinderbox invoke",
        "curl",
        " install ",
    ];
    let runs = |block: &String| !NEEDS_MORE.iter().any(|word| block.contains(word));
    shell_blocks(name).into_iter().filter(runs).collect()
}

/// All shell blocks of a document.
fn shell_blocks(name: &str) -> Vec<String> {
    let text = read(name);
    let blocks = text.split("```sh\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().expect("the block"));
    blocks.map(str::to_string).collect()
}

/// Runs the blocks of a document in an empty folder with the two binaries, and compares what they
/// print, without white space.
fn assert_blocks_print(name: &str, blocks: usize, expected: &[&str]) {
    for program in ["php", "node", "python3", "ruby"] {
        if !skip::has(program) {
            return;
        }
    }
    let mut runnable = runnable_blocks(name);
    runnable.retain(|block| !block.contains(WEB_EVENTS));
    assert_eq!(runnable.len(), blocks, "{name}: {runnable:#?}");
    let (stdout, stderr) = run_blocks(name, &runnable, &TempDir::new());
    // The tool adds no newline to a response.
    let compact = |text: &str| text.replace([' ', '\n'], "");
    assert_eq!(
        compact(&stdout),
        compact(&expected.concat()),
        "{name}: {stderr}"
    );
}

/// Runs blocks of a document in a folder with the two binaries and the events of `tests/web`; what
/// they print.
fn run_blocks(name: &str, blocks: &[String], folder: &TempDir) -> (String, String) {
    // Two applications that start at the same time would both find their usual port free.
    static USUAL_PORT: LazyLock<Option<TcpListener>> =
        LazyLock::new(|| TcpListener::bind("127.0.0.1:8080").ok());
    LazyLock::force(&USUAL_PORT);
    let built = folder.path().join("target/lambda/x86_64");
    fs::create_dir_all(&built).expect("make a folder");
    let tool = env!("CARGO_BIN_EXE_tinderbox");
    fs::copy(tool, built.join("tinderbox")).expect("copy the tool");
    fs::copy(support::bootstrap(), built.join("bootstrap")).expect("copy the bootstrap");
    let events = folder.path().join("tests/web/events");
    fs::create_dir_all(&events).expect("make a folder");
    for entry in fs::read_dir(root().join("tests/web/events")).expect("list the events") {
        let entry = entry.expect("an event");
        fs::copy(entry.path(), events.join(entry.file_name())).expect("copy an event");
    }
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", &blocks.concat()]);
    // Commands of the test before those of the machine.
    let mut path = folder.path().join("commands").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    command.env("PATH", path);
    let (output, stdout, stderr) = output(command.current_dir(folder.path()));
    assert!(output.status.success(), "{name}: {stdout}\n{stderr}");
    (stdout, stderr)
}

/// Runs blocks as above; they print each of these texts, in this order.
fn assert_prints_in_order(name: &str, blocks: &[String], folder: &TempDir, expected: &[&str]) {
    let (stdout, stderr) = run_blocks(name, blocks, folder);
    let mut rest = stdout.as_str();
    for text in expected {
        let at = rest.find(text);
        let at = at.unwrap_or_else(|| panic!("{name}: no {text:?} in {rest}\n{stdout}\n{stderr}"));
        rest = &rest[at + text.len()..];
    }
}

/// What blocks about web applications have, whose responses have times in them.
const WEB_EVENTS: &str = "tests/web/events";

const HELLO: &str = r#"{"hello":"Ada"}"#;
const SHOUT: &str = r#"{"SAY":"HELLO"}"#;

#[test]
fn readme_commands_print_the_answers() {
    let shell = r#"Hello from shell: {"name":"Ada"}"#;
    let expected = [shell, HELLO, HELLO, HELLO, HELLO, SHOUT];
    assert_blocks_print("README.md", 3, &expected);
}

#[test]
fn guide_commands_print_the_answers() {
    let echo = r#"Echoing request: '{"say":"hello"}'"#;
    assert_blocks_print("src/guide/shell_and_programs.md", 2, &[echo, SHOUT]);
    assert_blocks_print("src/guide/php_node_python_ruby.md", 1, &[HELLO; 4]);
    assert_blocks_print("src/guide/ruby.md", 1, &[r#"{"shout":"ADA"}"#]);
    assert_blocks_print("src/guide/node.md", 1, &["one two"]);
    let greeting = r#"{"hello":"Ada","request":true}"#;
    assert_blocks_print("src/guide/php.md", 1, &[greeting]);
}

#[test]
fn guide_web_commands_print_the_answers() {
    if !skip::has("node") {
        return;
    }
    let blocks = runnable_blocks("src/guide/web.md");
    assert_eq!(blocks.len(), 3, "{blocks:#?}");
    let expected = [
        r#""headers":{"content-type":"text/plain""#,
        r#""body":"Hello Ada at /hello""#,
        r#""statusDescription":"200 OK","multiValueHeaders":{"content-type":["text/plain"]"#,
        r#""body":"Hello Ada at /hello""#,
        r#""multiValueHeaders":{"content-type":["text/plain"]"#,
        r#""body":"Hello Ada at /hello""#,
        r#""body":"<h1>Hello from a file</h1>\n""#,
        r#""body":"body { color: teal }\n""#,
        "text/event-stream",
        "data: tick 1\n\ndata: tick 2\n\ndata: tick 3\n\n",
    ];
    assert_prints_in_order("src/guide/web.md", &blocks, &TempDir::new(), &expected);
    let mut blocks = runnable_blocks("README.md");
    blocks.retain(|block| block.contains(WEB_EVENTS));
    assert_eq!(blocks.len(), 1, "{blocks:#?}");
    let expected = [r#""body":"Hello /hello?name=Ada""#];
    assert_prints_in_order("README.md", &blocks, &TempDir::new(), &expected);
}

#[test]
fn guide_php_web_commands_print_the_answers() {
    let has_server = [
        "/usr/sbin/php-fpm8.2",
        "/usr/sbin/php-fpm8.4",
        "/usr/bin/php-cgi",
    ];
    if !has_server.iter().any(|path| Path::new(path).exists()) {
        return skip::skip("no php-fpm and no php-cgi on this machine");
    }
    let blocks = runnable_blocks("src/guide/php_web.md");
    assert_eq!(blocks.len(), 5, "{blocks:#?}");
    let expected = [
        r#""body":"Hello Ada at /hello?name=Ada""#,
        r#""body":"<p>Ada of Zürich</p>""#,
        r#""body":"{\"hello\":\"Ada\"}""#,
        "text/css",
        r#""body":"body { color: teal }\n""#,
        r#"{"statusCode":404"#,
        r#""cookies":["seen=1; HttpOnly"]"#,
        r#""body":"Cart 7, /items, session abc, /shop/cart.php""#,
        r#""body":"The page /hello?name=Ada""#,
        "data: tick 1\n\ndata: tick 2\n\ndata: tick 3\n\n",
        r#"{"exitCode":0,"output":"Hello Ada\n"}"#,
        r#"{"exitCode":0,"output":"Hello Ada L.\n"}"#,
    ];
    assert_prints_in_order("src/guide/php_web.md", &blocks, &TempDir::new(), &expected);
}

/// The packages are those of `scripts/libraries.sh`: `npm install` links them, and Python finds
/// those of Debian without `pip install`.
#[test]
fn guide_web_commands_with_packages_print_the_answers() {
    let modules = root().join("target/libraries/node/node_modules");
    let site = Path::new("/usr/lib/python3/dist-packages");
    let names = ["fastapi", "uvicorn", "flask", "gunicorn"];
    let needs = names.map(|name| site.join(name));
    let needs = [modules.join("express")].into_iter().chain(needs);
    for path in needs {
        if !path.exists() {
            let path = path.display();
            return skip::skip(&format!("no {path}: scripts/libraries.sh installs it"));
        }
    }
    let folder = TempDir::new();
    let link = format!("#!/bin/sh\nln -s '{}' \"$4/\"\n", modules.display());
    folder.executable("commands/npm", link.as_bytes());
    folder.executable("commands/pip", b"#!/bin/sh\n");
    let blocks: Vec<String> = shell_blocks("src/guide/web.md")
        .into_iter()
        .filter(|block| block.contains(" install "))
        .collect();
    assert_eq!(blocks.len(), 3, "{blocks:#?}");
    let expected = [
        r#""body":"{\"hello\":\"Ada\",\"ip\":\"127.0.0.1\"}""#,
        r#""body":"{\"hello\":\"Ada\"}""#,
        r#""body":"Hello Ada from Flask""#,
    ];
    assert_prints_in_order("src/guide/web.md", &blocks, &folder, &expected);
}

/// `tinderbox run` in one terminal, `tinderbox invoke` in another.
#[test]
fn guide_web_commands_of_two_terminals_print_the_answer() {
    if !skip::has("node") {
        return;
    }
    let blocks = shell_blocks("src/guide/web.md");
    let [app, commands] = [&blocks[0], &blocks[1]];
    let (run, invoke) = commands.split_once('\n').expect("two commands");
    // Port 9000 may be in use: another one is chosen, and read from what `run` prints.
    let script = format!(
        "{app} {run} --port 0 >address & trap 'kill $!' EXIT
        until grep -q 127.0.0.1: address; do sleep 0.05; done
        port=$(sed -n 's/.*127.0.0.1:\\([0-9]*\\).*/\\1/p' address | head -n 1)
        {} --port $port",
        invoke.trim_end()
    );
    let expected = [r#""body":"Hello Ada at /hello""#; 4];
    assert_prints_in_order("src/guide/web.md", &[script], &TempDir::new(), &expected);
}

/// The table of variables has all that the code of the runtime names.
#[test]
fn guide_table_has_every_variable_of_the_source() {
    let mut named = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("list a folder of src") {
            let path = entry.expect("an entry of src").path();
            if path.is_dir() {
                // The tool reads none of them, and names those of the function.
                folders.extend(Some(path).filter(|path| !path.ends_with("src/bin")));
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("read a file of src");
                let words = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
                let words = words.filter(|word| word.starts_with("TINDERBOX_"));
                named.extend(words.map(str::to_string));
            }
        }
    }
    named.sort();
    named.dedup();
    let guide = read("src/guide/web.md");
    let (_, section) = guide.split_once("\n## Variables\n").expect("the section");
    let listed = table_names(section);
    for name in named {
        assert!(
            listed.contains(&name.as_str()),
            "src/guide/web.md: no row for {name}"
        );
    }
}

#[test]
fn readme_is_a_landing_page() {
    let lines = read("README.md").lines().count();
    assert!(
        lines <= README_LINES_MAX,
        "README.md has {lines} lines: move text to a chapter of src/guide"
    );
}

#[test]
fn relative_links_lead_to_files_and_headings() {
    for name in documents() {
        let text = read(&name);
        let folder = Path::new(&name).parent().expect("a folder");
        let inline = text.split("](").skip(1).map(|rest| rest.split(')').next());
        let definitions = text.lines().filter(|line| line.starts_with('['));
        let definitions = definitions.map(|line| line.split_once("]: ").map(|(_, link)| link));
        for link in inline.chain(definitions).flatten() {
            // Of an item of the library: rustdoc checks those.
            if link.starts_with("crate::") || link.contains("://") {
                continue;
            }
            let found = match link.strip_prefix('#') {
                Some(heading) => text.lines().any(|line| anchor(line) == heading),
                None => root().join(folder).join(link).exists(),
            };
            assert!(found, "{name}: the link `{link}` leads nowhere");
        }
    }
}

/// The anchor that GitHub gives to a heading.
fn anchor(line: &str) -> String {
    let text = line.trim_start_matches('#').trim().to_lowercase();
    let characters = text
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    characters.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn readme_and_rustdoc_list_every_chapter() {
    let (readme, module) = (read("README.md"), read("src/guide.rs"));
    for name in documents().iter().skip(1) {
        assert!(
            readme.contains(&format!("({name})")),
            "README.md: no link to {name}"
        );
        let stem = Path::new(name)
            .file_stem()
            .expect("a name")
            .to_string_lossy();
        let listed = module.lines().any(|line| line.trim() == stem);
        assert!(listed, "src/guide.rs: no chapter `{stem}`");
    }
}

/// The guide has the programs of tests/functions/ecosystem, without their tests.
#[test]
fn guide_examples_with_other_libraries_are_those_of_the_package() {
    let guide = read("src/guide/rust.md");
    let folder = "tests/functions/ecosystem/src/bin";
    let mut count = 0;
    for entry in fs::read_dir(root().join(folder)).expect("list the programs") {
        let name = entry.expect("a program").file_name();
        let name = format!("{folder}/{}", name.to_string_lossy());
        let text = read(&name);
        let (program, _) = text.split_once("\n#[cfg(test)]\n").expect("tests");
        let (_, program) = program.split_once("\n\n").expect("a first line");
        let is_there = guide.contains(&format!("\n{}\n```\n", program.trim_end()));
        assert!(
            is_there,
            "src/guide/rust.md does not have the program of {name}"
        );
        count += 1;
    }
    assert_eq!(guide.matches("(needs other packages)").count(), count);
}

/// The names in the first column of the tables of a section: `name` of "| `name` | text |".
fn table_names(section: &str) -> Vec<&str> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).collect()
}

#[test]
fn guide_feature_table_has_the_features_of_the_manifest() {
    let manifest = read("Cargo.toml");
    let (_, features) = manifest.split_once("[features]\n").expect("features");
    let features = features.split("\n[").next().expect("the section");
    let names = features.lines().filter(|line| !line.starts_with('#'));
    let names = names.filter_map(|line| Some(line.split_once(" = ")?.0));
    // `default` is a list of others; `tool` adds a program, and nothing to the library.
    let mut expected: Vec<&str> = names
        .filter(|name| !["default", "tool"].contains(name))
        .collect();
    let guide = read("src/guide/rust.md");
    let (_, section) = guide.split_once("\n## Features\n").expect("the section");
    let mut listed = table_names(section);
    expected.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, expected, "src/guide/rust.md and Cargo.toml");
}

/// The log lines that the guide quotes, each as the texts of the source that it begins with.
const LOG_LINES: [&[&str]; 6] = [
    &["cannot connect to the Runtime API, errno "],
    &["Runtime API: malformed "],
    &["Runtime API: "],
    &["AWS_LAMBDA_RUNTIME_API", " is not set: needs Lambda or "],
    &["not [http://]IP:PORT: AWS_LAMBDA_RUNTIME_API="],
    &["not 1 to 1024: AWS_LAMBDA_MAX_CONCURRENCY="],
];

#[test]
fn guide_log_lines_begin_with_texts_of_the_source() {
    let mut source = String::new();
    for entry in fs::read_dir(root().join("src")).expect("list src") {
        let name = entry.expect("an entry of src").file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".rs") {
            source += &read(&format!("src/{name}"));
        }
    }
    let guide = read("src/guide/limits_and_exit_codes.md");
    let (_, block) = guide.split_once("```text\n").expect("log lines");
    let block = block.split("```").next().expect("the block");
    assert_eq!(block.lines().count(), LOG_LINES.len(), "{block}");
    for (line, texts) in block.lines().zip(LOG_LINES) {
        for text in texts {
            assert!(source.contains(text), "no source has `{text}`");
        }
        let start = format!("tinderbox: {}", texts.concat());
        assert!(line.starts_with(&start), "{line}: expected `{start}`");
    }
}

/// A copy of what scripts/figures.sh reads and writes.
fn copy_figures(to: &Path) {
    let mut command = Command::new("cp");
    command.args([
        "-r",
        "--parents",
        "README.md",
        "src/guide",
        "scripts",
        "benches/record",
    ]);
    let (output, _, stderr) = output(command.arg(to).current_dir(root()));
    assert!(output.status.success(), "{stderr}");
}

#[test]
fn figures_check_notices_a_change_and_figures_restores_it() {
    let folder = TempDir::new();
    copy_figures(folder.path());
    let script = folder.path().join("scripts/figures.sh");
    let figures = |arguments: &[&str]| {
        let (output, _, stderr) = output(Command::new(&script).args(arguments));
        (output.status.code(), stderr)
    };
    assert_eq!(figures(&["--check"]), (Some(0), String::new()));
    for (name, from) in [
        ("README.md", "| warm event |"),
        ("src/guide/numbers.md", "| bare | "),
        ("benches/record/x86_64/figures.svg", "<rect x="),
    ] {
        let (path, original) = (folder.path().join(name), read(name));
        let changed = original.replacen(from, "| 17 ", 1);
        assert_ne!(changed, original, "{name} has `{from}`");
        fs::write(&path, changed).expect("change a figure");
        let (code, stderr) = figures(&["--check"]);
        let reported = stderr.contains(&format!("figures.sh: {name} and the record disagree"));
        assert!(code == Some(1) && reported, "{name}: {code:?}: {stderr}");
        assert_eq!(figures(&[]), (Some(0), String::new()));
        assert_eq!(fs::read_to_string(&path).expect("read it"), original);
    }
}
