//! The style rules for one file of Rust.

use crate::layers::layers;
use crate::source::{Source, has_word, in_word};

/// Where `unsafe` and `libc` live, with the folders of the same names.
const UNSAFE_ALLOWED: &[&str] = &[
    "src/sys",
    "src/bin/tinderbox/sys",
    "tests/support/sys",
    "tests/functions",
    "benches/baseline",
];

pub const COLUMNS_MAX: usize = 100;
pub const FUNCTION_LINES_MAX: usize = 70;
pub const FILE_LINES_MAX: usize = 300;

/// Banned in the runtime's sources, with what to do instead.
const BANNED: &[(&str, &str)] = &[
    (".unwrap()", "match, or give a default"),
    ("::unwrap", "match, or give a default"),
    (".expect(", "match, or give a default"),
    ("::expect", "match, or give a default"),
    ("panic!(", "return an error: release binaries link no panic"),
    (
        "unreachable!(",
        "return an error: release binaries link no panic",
    ),
    ("assert!(", "assert in a const, or use debug_assert!"),
    ("assert_eq!(", "use debug_assert_eq!"),
    ("assert_ne!(", "use debug_assert_ne!"),
    ("format_args!", "write bytes: core::fmt costs 5 KB"),
    (":?}", "write bytes: core::fmt costs 5 KB"),
    (":#?}", "write bytes: core::fmt costs 5 KB"),
];

/// Banned in tests too, with what to do instead.
const BANNED_EVERYWHERE: &[(&str, &str)] = &[
    ("async", "block: there is one thread and no executor"),
    ("await", "block: there is one thread and no executor"),
    ("todo", "do it, or leave it out"),
    ("unimplemented", "do it, or leave it out"),
];

/// Programs with other projects' libraries, which need an executor.
const WITH_EXECUTOR: &[&str] = &["benches/rivals/", "tests/functions/ecosystem/"];

/// The violations found in a file.
pub struct Findings<'a> {
    name: &'a str,
    found: Vec<String>,
}

impl Findings<'_> {
    pub fn add(&mut self, line: usize, what: &str) {
        self.found.push(format!("{}:{line}: {what}", self.name));
    }
}

/// The violations in a file of Rust: `file:line: what: what to do instead`.
pub fn violations(source: &Source) -> Vec<String> {
    let name = source.name;
    let mut findings = Findings {
        name,
        found: Vec::new(),
    };
    form(source, &mut findings);
    layers(source, &mut findings);
    unsafe_placement(source, &mut findings);
    words(source, &mut findings);
    if name.starts_with("src/") {
        functions(source, &mut findings);
        file_length(source, &mut findings);
    }
    findings.found
}

pub fn is_test(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.contains("/tests/") || name.starts_with("tests/")
}

/// The module of the library that a file belongs to: `src/wire/http1.rs` is `wire`.
pub fn module(name: &str) -> Option<&str> {
    let inside = name.strip_prefix("src/")?;
    let end = inside.find(['/', '.'])?;
    (!inside.starts_with("bin/")).then_some(&inside[..end])
}

fn form(source: &Source, findings: &mut Findings) {
    if !source.text.starts_with("//!") {
        findings.add(1, "begin with `//!`: what this file is");
    }
    for (line, text) in (1..).zip(source.text.lines()) {
        // A row of a table in a comment cannot be broken.
        let row = text.trim_start().starts_with("//") && text.contains(" | ");
        if text.chars().count() > COLUMNS_MAX && !row {
            findings.add(line, "more than 100 columns: break the line");
        }
    }
}

fn unsafe_placement(source: &Source, findings: &mut Findings) {
    let inside = |place: &str| {
        let rest = source.name.strip_prefix(place);
        rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    };
    if UNSAFE_ALLOWED.iter().any(|place| inside(place)) {
        return;
    }
    // `main!` defines symbols that the linker looks up by name, and so may main.rs.
    let mut entry = source.name == "src/main.rs";
    for (line, code) in (1..).zip(source.code.lines()) {
        if source.name == "src/lib.rs" {
            let macros = ["macro_rules! main {", "macro_rules! define_panic_handler {"];
            entry = macros.contains(&code) || entry && code != "}";
        }
        if has_word(code, "unsafe") && !entry {
            findings.add(
                line,
                "`unsafe` belongs into a sys.rs, behind a safe function",
            );
        }
        if has_word(code, "libc") {
            findings.add(line, "`libc` belongs into a sys.rs, behind a safe function");
        }
    }
}

fn words(source: &Source, findings: &mut Findings) {
    let runtime = module(source.name).is_some() && !is_test(source.name);
    let has_executor = WITH_EXECUTOR
        .iter()
        .any(|folder| source.name.starts_with(folder));
    for (line, (code, words)) in (1..).zip(source.code.lines().zip(source.words.lines())) {
        for (word, instead) in BANNED_EVERYWHERE {
            if has_word(code, word) && !has_executor {
                findings.add(line, &format!("`{word}` is banned: {instead}"));
            }
        }
        for (word, instead) in BANNED.iter().filter(|_| runtime) {
            // Format specifiers are in strings, the others in code.
            let text = if word.ends_with("?}") { words } else { code };
            let allowed = ["debug_assert", "const _: () = assert!(", "const { assert!("]
                .iter()
                .any(|way| code.contains(way));
            if text.contains(word) && !allowed {
                findings.add(line, &format!("`{word}` is banned: {instead}"));
            }
        }
    }
}

/// A function runs from its `fn` to the brace that closes its body.
fn functions(source: &Source, findings: &mut Findings) {
    let code = &source.code;
    for (at, _) in code.match_indices("fn ") {
        if code[..at].ends_with(in_word) {
            continue;
        }
        let (mut braces, mut brackets, mut end) = (0, 0, None);
        for (offset, character) in code[at..].char_indices() {
            match character {
                '{' => braces += 1,
                '(' | '[' => brackets += 1,
                ')' | ']' => brackets -= 1,
                '}' => braces -= 1,
                _ => {}
            }
            // A declaration without a body ends in a semicolon.
            if braces == 0 && (character == '}' || character == ';' && brackets == 0) {
                end = Some(at + offset);
                break;
            }
        }
        let lines = code[at..end.unwrap_or(at)].matches('\n').count() + 1;
        if lines > FUNCTION_LINES_MAX {
            let line = code[..at].matches('\n').count() + 1;
            let what = format!("{lines} lines: a function fits a screen, split it");
            findings.add(line, &what);
        }
    }
}

fn file_length(source: &Source, findings: &mut Findings) {
    let lines = source.code.lines().filter(|line| !line.trim().is_empty());
    let count = lines.count();
    let header = source
        .text
        .lines()
        .take_while(|line| line.starts_with("//!"));
    let reason = header.collect::<String>().contains("long because");
    if count > FILE_LINES_MAX && !reason {
        let what =
            format!("{count} lines of code: split it, or give the reason: `long because ...`");
        findings.add(1, &what);
    }
}
