//! What a file of Rust has to keep to.

use crate::source::{Source, has_word, in_word};

/// The modules of the library from the ground up. One may use those on lower floors alone.
const FLOORS: &[&[&str]] = &[
    &["limits", "wire"],
    &["sys"],
    &["buffer"],
    &["diagnostics", "invocation", "failure"],
    &["config", "response"],
    &["connection"],
    &["runtime_api"],
    &["panics"],
    &[
        "logging",
        "json",
        "stream",
        "concurrency",
        "snapstart",
        "shutdown",
    ],
    &["host"],
    &["runtime"],
    &["lib", "main"],
];

/// Modules that make no system call, not even through `sys`.
const PURE: &[&str] = &["wire", "event"];

/// Where `unsafe` and `libc` live, with the folders of the same names.
const FENCES: &[&str] = &[
    "src/sys",
    "src/bin/tinderbox/sys",
    "tests/support/sys",
    "tests/functions",
    "benches/floor",
];

pub const COLUMNS_MAX: usize = 100;
pub const FUNCTION_LINES_MAX: usize = 70;
pub const FILE_LINES_MAX: usize = 300;

/// What the runtime's sources do without, and what to do instead.
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
    ("assert!(", "say it in a const, or use debug_assert!"),
    ("assert_eq!(", "use debug_assert_eq!"),
    ("assert_ne!(", "use debug_assert_ne!"),
    ("format_args!", "write bytes: core::fmt costs 5 KB"),
    (":?}", "write bytes: core::fmt costs 5 KB"),
    (":#?}", "write bytes: core::fmt costs 5 KB"),
];

/// Words that no code has, the tests' neither, and what to do instead.
const BANNED_EVERYWHERE: &[(&str, &str)] = &[
    ("async", "block: there is one thread and no executor"),
    ("await", "block: there is one thread and no executor"),
    ("todo", "do it, or leave it out"),
    ("unimplemented", "do it, or leave it out"),
];

/// What others offer, used as they mean it.
const RIVALS: &str = "benches/rivals/";

/// What is wrong with a file, each with its line.
pub struct Findings<'a> {
    name: &'a str,
    found: Vec<String>,
}

impl Findings<'_> {
    fn say(&mut self, line: usize, what: &str) {
        self.found.push(format!("{}:{line}: {what}", self.name));
    }
}

/// What is wrong with a file of Rust: `file:line: what: what to do instead`.
pub fn untidy(name: &str, text: &str) -> Vec<String> {
    let source = Source::new(name, text);
    let mut findings = Findings {
        name,
        found: Vec::new(),
    };
    form(&source, &mut findings);
    layers(&source, &mut findings);
    fences(&source, &mut findings);
    words(&source, &mut findings);
    if name.starts_with("src/") {
        functions(&source, &mut findings);
        file_length(&source, &mut findings);
    }
    findings.found
}

fn is_test(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.starts_with("tests/")
}

/// The module of the library that a file belongs to: `src/wire/http1.rs` is `wire`.
fn module(name: &str) -> Option<&str> {
    let inside = name.strip_prefix("src/")?;
    let end = inside.find(['/', '.'])?;
    (!inside.starts_with("bin/")).then_some(&inside[..end])
}

fn form(source: &Source, findings: &mut Findings) {
    if !source.text.starts_with("//!") {
        findings.say(1, "begin with `//!`: what this file is");
    }
    for (line, text) in (1..).zip(source.text.lines()) {
        // A row of a table in a comment cannot be broken.
        let row = text.trim_start().starts_with("//") && text.contains(" | ");
        if text.chars().count() > COLUMNS_MAX && !row {
            findings.say(line, "more than 100 columns: break the line");
        }
    }
}

fn layers(source: &Source, findings: &mut Findings) {
    let own = module(source.name).filter(|_| !is_test(source.name));
    for (line, (code, words)) in (1..).zip(source.code.lines().zip(source.words.lines())) {
        if source.name.starts_with("src/bin/") && code.contains("tinderbox::") {
            let what = "the tool shares no code with the runtime: write it anew";
            findings.say(line, what);
        }
        if own.is_some() && has_word(code, "feature") && words.contains("\"tool\"") {
            findings.say(
                line,
                "the library must not read the feature `tool`: use `std`",
            );
        }
    }
    let Some(own) = own else { return };
    let floor = |module: &str| FLOORS.iter().position(|floor| floor.contains(&module));
    let Some(own_floor) = floor(own) else {
        let what = format!("`{own}` is on no floor: add it to FLOORS in tests/tidy/rules.rs");
        return findings.say(1, &what);
    };
    for (line, other) in named(source) {
        // The body of `main!` in lib.rs takes all that stands around it.
        if other == "*" && own != "lib" {
            findings.say(line, "everything of the crate: name what is used");
        }
        if other != own && floor(&other).is_some_and(|floor| floor >= own_floor) {
            let what = format!("{other} is above {own}: pass the value down instead");
            findings.say(line, &what);
        }
        if PURE.contains(&own) && other == "sys" {
            let what = format!("{own} makes no system calls: pass the bytes in");
            findings.say(line, &what);
        }
    }
}

/// The modules at the root of the crate that a file names, each with its line.
fn named(source: &Source) -> Vec<(usize, String)> {
    // From src/wire/http1.rs, `super::super::` is the root too.
    let deep = source.name.matches('/').count();
    let up = "super::".repeat(deep);
    let mut found = Vec::new();
    for root in ["crate::", &up] {
        for (at, _) in source.code.match_indices(root) {
            let line = source.code[..at].matches('\n').count() + 1;
            let rest = &source.code[at + root.len()..];
            if !source.code[..at].ends_with("::") {
                found.extend(first_names(rest).into_iter().map(|name| (line, name)));
            }
        }
    }
    found
}

/// The first name of a path, or of each path of a list in braces.
fn first_names(path: &str) -> Vec<String> {
    let Some(list) = path.strip_prefix('{') else {
        let end = path.find(|c| !in_word(c)).unwrap_or(path.len());
        let name = if path.starts_with('*') {
            "*"
        } else {
            &path[..end]
        };
        let of_macro = path[end..].starts_with('!'); // it belongs to no module
        return (!of_macro).then(|| name.to_string()).into_iter().collect();
    };
    let mut names = Vec::new();
    let (mut deep, mut start) = (0, 0);
    for (at, character) in list.char_indices() {
        match character {
            '{' => deep += 1,
            '}' if deep > 0 => deep -= 1,
            ',' | '}' if deep == 0 => {
                names.extend(first_names(list[start..at].trim()));
                start = at + 1;
            }
            _ => {}
        }
        if character == '}' && start == at + 1 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn fences(source: &Source, findings: &mut Findings) {
    let inside = |fence: &str| {
        let rest = source.name.strip_prefix(fence);
        rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    };
    if FENCES.iter().any(|fence| inside(fence)) {
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
            findings.say(
                line,
                "`unsafe` belongs into a sys.rs, behind a safe function",
            );
        }
        if has_word(code, "libc") {
            findings.say(line, "`libc` belongs into a sys.rs, behind a safe function");
        }
    }
}

fn words(source: &Source, findings: &mut Findings) {
    let runtime = module(source.name).is_some() && !is_test(source.name);
    let rival = source.name.starts_with(RIVALS);
    for (line, (code, words)) in (1..).zip(source.code.lines().zip(source.words.lines())) {
        for (word, instead) in BANNED_EVERYWHERE {
            if has_word(code, word) && !rival {
                findings.say(line, &format!("`{word}` is banned: {instead}"));
            }
        }
        for (word, instead) in BANNED.iter().filter(|_| runtime) {
            // What formats stands in strings, the rest does not.
            let text = if word.ends_with("?}") { words } else { code };
            let allowed = ["debug_assert", "const _: () = assert!(", "const { assert!("]
                .iter()
                .any(|way| code.contains(way));
            if text.contains(word) && !allowed {
                findings.say(line, &format!("`{word}` is banned: {instead}"));
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
            findings.say(line, &what);
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
        let what = format!("{count} lines of code: split it, or say why: `long because ...`");
        findings.say(1, &what);
    }
}
