//! Function pointers that are stored to be called later, which hides the control flow.
//!
//! A function that is passed and called at once is fine (`&mut dyn FnMut`), and so is a generic
//! parameter. Stored in a field, a static or in a type alias, it lets a layer call what stands
//! above it.

use crate::rules::module;
use crate::source::{Source, has_word, in_word};

/// Items that may store a function: file, name, reason. An unneeded entry is reported too.
const ALLOWED: &[(&str, &str, &str)] = &[
    (
        "src/sys/atomic_fn.rs",
        "AtomicFn",
        "the one cell for a hook of the user's",
    ),
    (
        "src/shutdown.rs",
        "FUNCTION",
        "the user's hook: on_shutdown",
    ),
    (
        "src/shutdown.rs",
        "REGISTER",
        "code of the same module, linked only where there is a hook",
    ),
    (
        "src/shutdown.rs",
        "RENEW",
        "code of the same module, linked only where there is a hook",
    ),
    (
        "src/shutdown.rs",
        "WAIT",
        "code of the same module, linked only where there is a hook",
    ),
    (
        "src/snapstart.rs",
        "RestoreHook",
        "the user's hooks: before_snapshot, after_restore",
    ),
    (
        "src/wire/http1/request.rs",
        "HeadWriter",
        "borrowed while one head is written",
    ),
    (
        "src/failure.rs",
        "Failure",
        "how it is written: a function of its own file, without other layers",
    ),
];

/// Items of the library that store a function, and entries of the list that none needs.
pub fn callbacks(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    let mut needed = Vec::new();
    for source in sources
        .iter()
        .filter(|source| module(source.name).is_some())
    {
        for (line, item) in storing(&source.code) {
            let is_entry = |entry: &&(&str, &str, &str)| (entry.0, entry.1) == (source.name, item);
            match ALLOWED.iter().find(is_entry) {
                Some(entry) => needed.push(entry),
                None => found.push(format!(
                    "{}:{line}: `{item}` stores a function: pass a value, or use a trait with \
                     named methods",
                    source.name
                )),
            }
        }
    }
    for entry in ALLOWED.iter().filter(|entry| !needed.contains(entry)) {
        found.push(format!(
            "{}:1: `{}` stores no function: remove it from ALLOWED in tests/tidy/callbacks.rs",
            entry.0, entry.1
        ));
    }
    found
}

/// The structs, enums, unions, statics and type aliases that hold a function, each with its line.
fn storing(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for keyword in ["struct ", "enum ", "union ", "static ", "type "] {
        for (at, _) in code.match_indices(keyword) {
            let name_at = at + keyword.len();
            let text = &code[name_at..];
            let text = text.strip_prefix("mut ").unwrap_or(text);
            let name = text.split(|c| !in_word(c)).next().unwrap_or("");
            if code[..at].ends_with(in_word) || code[..at].ends_with('\'') || name.is_empty() {
                continue;
            }
            if holds_function(definition(text, keyword)) {
                found.push((code[..at].matches('\n').count() + 1, name));
            }
        }
    }
    found.sort();
    found
}

/// An item up to its end: the brace that closes its fields, or a semicolon. Of a static, the type
/// alone.
fn definition<'a>(text: &'a str, keyword: &str) -> &'a str {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' => depth -= 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return &text[..at];
                }
            }
            ';' if depth == 0 => return &text[..at],
            '=' if depth == 0 && keyword == "static " => return &text[..at],
            _ => {}
        }
    }
    text
}

fn holds_function(definition: &str) -> bool {
    let pointer = definition.match_indices("fn").any(|(at, _)| {
        let after = definition[at + 2..].trim_start();
        after.starts_with('(') && !definition[..at].ends_with(in_word)
    });
    let object = ["Fn", "FnMut", "FnOnce"]
        .iter()
        .any(|name| has_word(definition, name));
    // A bound on a generic parameter is no object.
    pointer || object && has_word(definition, "dyn")
}

#[test]
fn function_stored_in_an_item_is_found() {
    for (text, item) in [
        ("struct A {\n    wait: fn(&B),\n}\n", "A"),
        ("pub struct A {\n    after: Option<fn()>,\n}\n", "A"),
        ("struct A<'a>(&'a dyn Fn(u8));\n", "A"),
        ("struct A {\n    call: &'static mut dyn FnMut(),\n}\n", "A"),
        (
            "enum A {\n    Call(unsafe extern \"C\" fn(u8) -> u8),\n}\n",
            "A",
        ),
        ("static HOOK: Cell<fn()> = Cell::new();\n", "HOOK"),
        ("static mut HOOK: Option<fn()> = None;\n", "HOOK"),
        ("pub type Write = fn(&mut Response);\n", "Write"),
    ] {
        let source = Source::new("src/runtime_api/platform.rs", text);
        let found = callbacks(&[source]);
        let wanted = format!(
            "src/runtime_api/platform.rs:1: `{item}` stores a function: pass a value, or use a \
             trait with named methods"
        );
        assert_eq!(found.first(), Some(&wanted), "{text}");
        let tool = Source::new("src/bin/tinderbox/main.rs", text);
        assert!(!callbacks(&[tool])[0].contains("tinderbox"), "{text}");
    }
}

#[test]
fn function_that_is_only_passed_is_not_found() {
    for text in [
        "fn f(each: &mut dyn FnMut(u8)) {\n    each(1);\n}\n",
        "fn f(g: fn(u8) -> u8) -> u8 {\n    g(1)\n}\n",
        "struct A<F: FnMut(u8)> {\n    value: F,\n}\nfn f() {}\n",
        "struct A;\nfn f(g: fn()) {}\n",
        "static A: u8 = f(|g: fn()| 1);\nfn f() {}\n",
        "impl A {\n    fn f(&'static self, g: &dyn Fn()) {}\n}\n",
        "type A = u8;\nfn f(g: fn()) {}\n",
    ] {
        assert_eq!(
            storing(&Source::new("src/runtime_api.rs", text).code),
            [],
            "{text}"
        );
    }
}

#[test]
fn function_entry_that_is_not_needed_is_found() {
    let (file, item, _) = ALLOWED[0];
    let text = format!("struct {item}(fn());\n");
    let found = callbacks(&[Source::new(file, &text)]);
    assert_eq!(found.len(), ALLOWED.len() - 1, "{found:?}");
    let (other, name, _) = ALLOWED[1];
    let wanted = format!("{other}:1: `{name}` stores no function: remove it from ALLOWED");
    assert!(found[0].starts_with(&wanted), "{found:?}");
}
