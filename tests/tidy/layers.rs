//! Which module of the library may use which.

use crate::rules::{Findings, is_test, module};
use crate::source::{Source, has_word, in_word};

/// The modules of the library, lowest layer first. A module may use those of lower layers alone.
/// The table in the documentation of `src/lib.rs` has the same modules in the same order.
const LAYERS: &[&[&str]] = &[
    &["limits", "wire"],
    &["sys"],
    &["buffer", "invocation"],
    &["diagnostics", "failure"],
    &["http_event"],
    &["config"],
    &["connection"],
    &["message_reader"],
    &["runtime_api"],
    &["session"],
    &["response", "logging", "shutdown"],
    &[
        "answer",
        "json",
        "stream",
        "panics",
        "service",
        "concurrency",
    ],
    &["snapstart"],
    &["host"],
    &["runtime"],
    &["testing"],
    &["guide"],
];

/// The roots of the library and of the program, which may use every module.
const ROOTS: &[&str] = &["lib", "main"];

/// Modules that make no system call, not even through `sys`.
const PURE: &[&str] = &["wire", "http_event"];

/// Where the table in the documentation of `src/lib.rs` differs from `LAYERS`, and where `LAYERS`
/// differs from the modules that `src/lib.rs` declares.
pub fn layer_table(lib: &str) -> Vec<String> {
    let mut found = Vec::new();
    let expected: Vec<&str> = LAYERS.concat();
    let mut rows = expected.iter();
    for (line, text) in (1..).zip(lib.lines()) {
        let Some(row) = text.strip_prefix("//! | `") else {
            continue;
        };
        let cell = row.split('|').next().unwrap_or("");
        for name in cell.split(|c| !in_word(c)).filter(|name| !name.is_empty()) {
            let wanted = rows.next().copied().unwrap_or("nothing");
            if name != wanted {
                let what = format!("the table has `{name}` where LAYERS has `{wanted}`");
                found.push(format!("src/lib.rs:{line}: {what}: make them agree"));
                return found;
            }
        }
    }
    for name in rows {
        let what = format!("the table of modules has no `{name}`: add it");
        found.push(format!("src/lib.rs:1: {what}"));
    }
    let code = Source::new("src/lib.rs", lib).code;
    let declared: Vec<&str> = code.lines().filter_map(declaration).collect();
    for name in expected.iter().filter(|name| !declared.contains(name)) {
        let what = format!("LAYERS has `{name}`, which is no module: remove it");
        found.push(format!("tests/tidy/layers.rs:1: {what}"));
    }
    for name in declared.iter().filter(|name| !expected.contains(name)) {
        let what = format!("LAYERS has no `{name}`: add it");
        found.push(format!("tests/tidy/layers.rs:1: {what}"));
    }
    found
}

/// The module that a line declares.
fn declaration(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    line.strip_prefix("mod ")?.strip_suffix(';')
}

pub fn layers(source: &Source, findings: &mut Findings) {
    let own = module(source.name).filter(|_| !is_test(source.name));
    for (line, (code, words)) in (1..).zip(source.code.lines().zip(source.words.lines())) {
        if source.name.starts_with("src/bin/") && code.contains("tinderbox::") {
            let what = "the tool shares no code with the runtime: write it again";
            findings.add(line, what);
        }
        if own.is_some() && has_word(code, "feature") && words.contains("\"tool\"") {
            findings.add(
                line,
                "the library must not read the feature `tool`: use `std`",
            );
        }
    }
    let Some(own) = own else { return };
    let layer = |module: &str| match ROOTS.contains(&module) {
        true => Some(LAYERS.len()),
        false => LAYERS.iter().position(|layer| layer.contains(&module)),
    };
    let Some(own_layer) = layer(own) else {
        let what = format!("`{own}` is in no layer: add it to LAYERS in tests/tidy/layers.rs");
        return findings.add(1, &what);
    };
    for (line, other) in named(source) {
        // The body of `main!` in lib.rs uses everything around it.
        if other == "*" && own != "lib" {
            findings.add(line, "everything of the crate: name what is used");
        }
        if other != own && layer(&other).is_some_and(|layer| layer >= own_layer) {
            let what = format!("{other} is above {own}: pass the value down instead");
            findings.add(line, &what);
        }
        if PURE.contains(&own) && other == "sys" {
            let what = format!("{own} makes no system calls: pass the bytes in");
            findings.add(line, &what);
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

/// The table and the declarations that `LAYERS` asks for.
#[cfg(test)]
fn documentation(names: &[&str]) -> String {
    let row = |name: &&str| format!("//! | `{name}` | what it is |\n");
    let declaration = |name: &&str| format!("#[doc(hidden)]\npub mod {name};\n");
    let rows: String = names.iter().map(row).collect();
    let declarations: String = names.iter().map(declaration).collect();
    format!(
        "//! | module | what |\n//! |---|---|\n{rows}#![no_std]\n{declarations}mod tests {{}}\n"
    )
}

#[test]
fn layer_table_that_agrees_passes() {
    let names = LAYERS.concat();
    let whole = documentation(&names);
    assert_eq!(layer_table(&whole), [""; 0]);
    // Several modules in a row.
    let joined = whole.replacen(" | what it is |\n//! | `wire`", ", `wire`", 1);
    assert_ne!(joined, whole);
    assert_eq!(layer_table(&joined), [""; 0]);
}

#[test]
fn layer_table_in_another_order_is_found() {
    let mut names = LAYERS.concat();
    names.swap(0, 1);
    let found = layer_table(&documentation(&names));
    let (first, second) = (names[1], names[0]);
    let what = format!(
        "src/lib.rs:3: the table has `{second}` where LAYERS has `{first}`: make them agree"
    );
    assert_eq!(found, [what]);
    let mut twice = LAYERS.concat();
    twice.push("limits");
    let found = layer_table(&documentation(&twice));
    let wanted = "the table has `limits` where LAYERS has `nothing`";
    assert!(found[0].contains(wanted), "{found:?}");
}

#[test]
fn layer_table_with_a_missing_or_a_new_module_is_found() {
    let names = LAYERS.concat();
    let (last, rest) = names.split_last().expect("modules");
    let whole = documentation(&names);
    let row = format!("//! | `{last}` | what it is |\n");
    let found = layer_table(&whole.replace(&row, ""));
    let wanted = format!("src/lib.rs:1: the table of modules has no `{last}`: add it");
    assert_eq!(found, [wanted]);
    let module = format!("pub mod {last};\n");
    let found = layer_table(&whole.replace(&module, ""));
    let wanted =
        format!("tests/tidy/layers.rs:1: LAYERS has `{last}`, which is no module: remove it");
    assert_eq!(found, [wanted]);
    let found = layer_table(&whole.replace(&module, "pub mod novel;\n"));
    let wanted = "tests/tidy/layers.rs:1: LAYERS has no `novel`: add it";
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[1], wanted);
    assert_eq!(rest.len() + 1, names.len());
}
