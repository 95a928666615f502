//! README and guide: their commands run, their links lead somewhere, their figures are those of the
//! record.

mod support;

use support::skip;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

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
    const NEEDS_MORE: [&str; 5] = [
        "scripts/",
        "cargo ",
        "../tinderbox",
        "tinderbox invoke",
        "curl",
    ];
    let text = read(name);
    let blocks = text.split("```sh\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().expect("the block"));
    let runs = |block: &&str| !NEEDS_MORE.iter().any(|word| block.contains(word));
    blocks.filter(runs).map(str::to_string).collect()
}

/// Runs the blocks of a document in an empty folder with the two binaries, and compares what they
/// print, without white space.
fn assert_blocks_print(name: &str, blocks: usize, expected: &[&str]) {
    for program in ["php", "node", "python3", "ruby"] {
        if !skip::has(program) {
            return;
        }
    }
    let runnable = runnable_blocks(name);
    assert_eq!(runnable.len(), blocks, "{name}: {runnable:#?}");
    let folder = TempDir::new();
    let built = folder.path().join("target/lambda/x86_64");
    fs::create_dir_all(&built).expect("make a folder");
    let tool = env!("CARGO_BIN_EXE_tinderbox");
    fs::copy(tool, built.join("tinderbox")).expect("copy the tool");
    fs::copy(support::bootstrap(), built.join("bootstrap")).expect("copy the bootstrap");
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", &runnable.concat()]);
    let (output, stdout, stderr) = output(command.current_dir(folder.path()));
    assert!(output.status.success(), "{name}: {stdout}\n{stderr}");
    // The tool adds no newline to a response.
    let compact = |text: &str| text.replace([' ', '\n'], "");
    assert_eq!(
        compact(&stdout),
        compact(&expected.concat()),
        "{name}: {stderr}"
    );
}

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
    &[
        "AWS_LAMBDA_RUNTIME_API",
        " is not set: needs AWS Lambda or ",
    ],
    &["not [http://]IPV4:PORT or localhost:PORT: AWS_LAMBDA_RUNTIME_API="],
    &["expected an integer from 1 to 1024: AWS_LAMBDA_MAX_CONCURRENCY="],
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
