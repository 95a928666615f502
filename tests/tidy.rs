//! The rules of the house, checked: each message says what to do instead.
//!
//! Each rule is also tested with a text that breaks it: a checker that never fires is worse than
//! none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The modules of the library from the ground up. One may use those on lower floors alone.
const FLOORS: &[&[&str]] = &[
    &["limits", "wire"],
    &["sys"],
    &["buffer"],
    &["log", "invocation", "failure"],
    &["config", "response"],
    &["connection"],
    &["api"],
    &["panics"],
    &["host"],
    &["runtime"],
    &["lib", "main"],
];

/// Modules that make no system call, not even through `sys`.
const PURE: &[&str] = &["wire", "event"];

/// Where `unsafe` and `libc` live.
const FENCES: &[&str] = &[
    "src/sys.rs",
    "src/bin/tinderbox/sys.rs",
    "tests/support/sys.rs",
];

const COLUMNS_MAX: usize = 100;
const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 300;

/// Words that the runtime's sources do without, and what to do instead.
const BANNED: &[(&str, &str)] = &[
    (".unwrap()", "match, or give a default"),
    (".expect(", "match, or give a default"),
    (
        "panic!(",
        "return an error; the release binaries link no panic",
    ),
    (
        "unreachable!(",
        "return an error; the release binaries link no panic",
    ),
    (
        "assert!(",
        "use `const _: () = assert!(...)`, or debug_assert!",
    ),
    ("format_args!", "write bytes: core::fmt costs 5 KB"),
    ("{:?}", "write bytes: core::fmt costs 5 KB"),
    ("async ", "block: there is one thread and no executor"),
    (".await", "block: there is one thread and no executor"),
];

/// Words that no file has.
const LEFTOVERS: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "do it, or leave it out"),
    (concat!("FIX", "ME"), "fix it"),
    (concat!("XX", "X"), "say what is wrong"),
    (concat!("todo", "!("), "do it, or leave it out"),
    (concat!("unimple", "mented!("), "do it, or leave it out"),
    (concat!("/ro", "ot/"), "no path of one machine"),
    (concat!("/ho", "me/"), "no path of one machine"),
    (concat!("/wo", "rk/"), "no path of one machine"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of the tree, committed or not, by their names from the root.
fn files() -> Vec<(String, String)> {
    let output = Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("run git");
    let names = String::from_utf8(output.stdout).expect("text");
    assert!(
        names.lines().count() > 20,
        "git lists the files of the tree"
    );
    let read = |name: &str| {
        Some((
            name.to_string(),
            fs::read_to_string(root().join(name)).ok()?,
        ))
    };
    names.lines().filter_map(read).collect()
}

/// The code of a file: without comments, strings and its test modules.
fn code(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut kept = String::new();
        let mut quoted = false;
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if quoted => _ = characters.next(),
                '"' => {
                    quoted = !quoted;
                    kept.push('"');
                }
                '/' if !quoted && characters.peek() == Some(&'/') => break,
                _ if quoted => {}
                _ => kept.push(character),
            }
        }
        lines.push(kept);
    }
    lines
}

fn is_test(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.starts_with("tests/")
}

/// The module of the library that a file belongs to: `src/wire/http1.rs` is `wire`.
fn module(name: &str) -> Option<&str> {
    let inside = name
        .strip_prefix("src/")
        .filter(|name| !name.starts_with("bin/"))?;
    let end = inside.find(['/', '.'])?;
    Some(&inside[..end])
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The modules that a line of code names.
fn named(line: &str) -> Vec<&str> {
    line.split("crate::")
        .skip(1)
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => list
                .split('}')
                .next()
                .unwrap_or_default()
                .split(',')
                .collect(),
            None => vec![rest],
        })
        .filter_map(|rest| {
            let rest = rest.trim();
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            (!rest[end..].starts_with('!')).then_some(&rest[..end]) // a macro is of no module
        })
        .collect()
}

/// What is wrong with a file of Rust.
fn untidy(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut say = |line: usize, what: String| found.push(format!("{name}:{}: {what}", line + 1));
    let code = code(text);
    if !text.starts_with("//!") {
        say(0, "begin with `//!`: what this file is".into());
    }
    for (number, line) in text.lines().enumerate() {
        // A row of a table in a comment cannot be broken.
        if line.chars().count() > COLUMNS_MAX && !line.contains(" | ") {
            say(
                number,
                format!("more than {COLUMNS_MAX} columns: break the line"),
            );
        }
    }
    layers(name, &code, &mut say);
    fences(name, &code, &mut say);
    if module(name).is_some() && !is_test(name) {
        for (number, line) in code.iter().enumerate() {
            for (word, instead) in BANNED {
                let allowed = line.contains("debug_assert!") || line.contains("= assert!(");
                if line.contains(word) && !allowed {
                    say(number, format!("`{word}` is banned: {instead}"));
                }
            }
        }
    }
    if name.starts_with("src/") {
        lengths(text, &code, &mut say);
    }
    found
}

fn layers(name: &str, code: &[String], say: &mut impl FnMut(usize, String)) {
    for (number, line) in code.iter().enumerate() {
        if name.starts_with("src/bin/") && line.contains("tinderbox::") {
            say(
                number,
                "the tool shares no code with the runtime: write it anew".into(),
            );
        }
        let Some(module) = module(name).filter(|_| !is_test(name)) else {
            continue;
        };
        if line.contains("feature = ") && line.contains("tool") {
            say(
                number,
                "the library must not read the feature `tool`".into(),
            );
        }
        let Some(own) = floor(module) else {
            say(
                0,
                format!("`{module}` is on no floor: add it to FLOORS in tests/tidy.rs"),
            );
            return;
        };
        for other in named(line).into_iter().filter(|other| *other != module) {
            if floor(other).is_some_and(|floor| floor >= own) {
                say(
                    number,
                    format!("{other} is above {module}: pass the value down instead"),
                );
            }
            if PURE.contains(&module) && other == "sys" {
                say(
                    number,
                    format!("{module} makes no system calls: pass the bytes in"),
                );
            }
        }
    }
}

fn fences(name: &str, code: &[String], say: &mut impl FnMut(usize, String)) {
    let fenced = FENCES.iter().any(|fence| {
        name == *fence || name.starts_with(&format!("{}/", fence.trim_end_matches(".rs")))
    });
    if fenced || name.starts_with("tests/functions/") {
        return;
    }
    // `main!` defines symbols that the linker looks up by name.
    let entry = name == "src/main.rs" || name == "src/lib.rs";
    for (number, line) in code.iter().enumerate() {
        let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        if words.clone().any(|word| word == "unsafe") && !entry {
            say(
                number,
                "`unsafe` belongs into a sys.rs, behind a safe function".into(),
            );
        }
        if line.contains("libc::") {
            say(
                number,
                "`libc` belongs into a sys.rs, behind a safe function".into(),
            );
        }
    }
}

fn lengths(text: &str, code: &[String], say: &mut impl FnMut(usize, String)) {
    let mut start = None;
    for (number, line) in code.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let word = line.trim_start();
        let begins = word.starts_with("fn ") || word.contains(" fn ") && word.ends_with(['{', '(']);
        if begins && start.is_none() {
            start = Some((number, indent));
        }
        if let Some((first, outer)) = start
            && (word == "}" || word.ends_with(';') && number == first)
            && indent == outer
        {
            let lines = number - first + 1;
            if lines > FUNCTION_LINES_MAX {
                say(
                    first,
                    format!("{lines} lines: a function fits a screen, split it"),
                );
            }
            start = None;
        }
    }
    let lines = code.iter().filter(|line| !line.trim().is_empty()).count();
    let header: String = text
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .collect();
    if lines > FILE_LINES_MAX && !header.contains("long because") {
        say(
            0,
            format!("{lines} lines of code: split it, or say in its header `long because ...`"),
        );
    }
}

/// What is wrong with any text file.
fn leftovers(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (word, instead) in LEFTOVERS {
            if line.contains(word) {
                found.push(format!("{name}:{}: `{word}`: {instead}", number + 1));
            }
        }
    }
    found
}

#[test]
fn the_tree_is_tidy() {
    let mut found = Vec::new();
    for (name, text) in files() {
        if name.ends_with(".rs") {
            found.extend(untidy(&name, &text));
        }
        if name != "LICENSE" && !name.ends_with("Cargo.lock") {
            found.extend(leftovers(&name, &text));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_source_file_is_declared() {
    let files = files();
    let text: String = files
        .iter()
        .filter(|(name, _)| name.ends_with(".rs"))
        .flat_map(|(_, text)| code(text))
        .collect();
    for (name, _) in files.iter().filter(|(name, _)| name.starts_with("src/")) {
        let stem = PathBuf::from(name)
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let declared = ["lib", "main"].contains(&&*stem) || text.contains(&format!("mod {stem};"));
        assert!(
            declared,
            "{name}: no `mod {stem};` anywhere: declare it or delete it"
        );
    }
}

#[test]
fn the_top_level_and_the_packages_are_those_agreed() {
    let mut top: Vec<String> = files()
        .iter()
        .filter_map(|(name, _)| name.split('/').next())
        .filter(|name| !name.starts_with('.'))
        .map(String::from)
        .collect();
    top.sort();
    top.dedup();
    let agreed = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "benches",
        "scripts",
        "src",
        "tests",
    ];
    assert_eq!(top, agreed);

    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("read Cargo.toml");
    assert!(!manifest.contains("dev-dependencies") && !manifest.contains("build-dependencies"));
    let section = manifest
        .split("\n[dependencies]\n")
        .nth(1)
        .expect("dependencies");
    let packages: Vec<&str> = section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| Some(line.split_once(" = ")?.0))
        .collect();
    assert_eq!(packages, ["libc", "minreq", "serde_json"]);
}

#[test]
fn each_rule_fires_on_an_untidy_text() {
    let long_line = format!("//! x\n// {}\n", "x".repeat(COLUMNS_MAX));
    let long_function = format!("//! x\nfn f() {{\n{}}}\n", "    f();\n".repeat(70));
    let long_file = format!("//! x\n{}", "use x;\n".repeat(FILE_LINES_MAX + 1));
    let cases: &[(&str, &str, &str)] = &[
        ("src/api.rs", "fn f() {}\n", "1: begin with"),
        ("src/api.rs", &long_line, "2: more than 100 columns"),
        ("src/api.rs", &long_function, "2: 72 lines"),
        ("src/api.rs", &long_file, "1: 301 lines of code"),
        (
            "src/buffer.rs",
            "//! x\nuse crate::api::Api;\n",
            "2: api is above buffer",
        ),
        (
            "src/log.rs",
            "//! x\nuse crate::{limits, runtime};\n",
            "2: runtime is above log",
        ),
        (
            "src/wire/json.rs",
            "//! x\nuse crate::sys;\n",
            "2: wire makes no system calls",
        ),
        (
            "src/novel.rs",
            "//! x\nuse crate::sys;\n",
            "1: `novel` is on no floor",
        ),
        (
            "src/api.rs",
            "//! x\nunsafe { f() }\n",
            "2: `unsafe` belongs",
        ),
        ("src/api.rs", "//! x\nlibc::exit(1)\n", "2: `libc` belongs"),
        (
            "src/api.rs",
            "//! x\nf().unwrap();\n",
            "2: `.unwrap()` is banned",
        ),
        (
            "src/api.rs",
            "//! x\nx = panic!();\n",
            "2: `panic!(` is banned",
        ),
        ("src/api.rs", "//! x\nf().await;\n", "2: `.await` is banned"),
        (
            "src/bin/tinderbox/main.rs",
            "//! x\ntinderbox::run(f)\n",
            "2: the tool shares no code",
        ),
        (
            "src/lib.rs",
            "//! x\n#[cfg(feature = tool)]\n",
            "2: the library must not read",
        ),
    ];
    for (name, text, message) in cases {
        let found = untidy(name, text);
        let fires = found
            .iter()
            .any(|line| line.contains(&format!("{name}:{message}")));
        assert!(
            fires,
            "{name} {text:?} should give {message:?}, gives {found:?}"
        );
    }
    for (word, _) in LEFTOVERS {
        assert_eq!(
            leftovers("x", &format!("fine\nnot {word} fine\n")).len(),
            1,
            "{word}"
        );
    }
    assert_eq!(
        untidy(
            "src/api.rs",
            "//! x\n// unsafe, .unwrap()\nf(\"libc::x\");\n"
        ),
        [""; 0]
    );
}
