//! The style rules, checked: each message names the place, and what to do instead.
//!
//! Each rule is also tested with a text that breaks it: a checker that never fires is worse than
//! none.

#[path = "tidy/callbacks.rs"]
mod callbacks;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/retired.rs"]
mod retired;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/test_names.rs"]
mod test_names;
#[path = "tidy/tree.rs"]
mod tree;

use std::sync::LazyLock;

use callbacks::callbacks;
use layers::layer_table;
use retired::{retired_names, retired_words};
use rules::{COLUMNS_MAX, FILE_LINES_MAX, FUNCTION_LINES_MAX, violations};
use source::Source;
use test_names::misnamed;
use tree::{LEFTOVERS, files, leftovers, misplaced, packages, undeclared};

/// The text files of the tree.
static FILES: LazyLock<Vec<(String, String)>> = LazyLock::new(files);

/// Those of Rust.
static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let rust = FILES.iter().filter(|(name, _)| name.ends_with(".rs"));
    rust.map(|(name, text)| Source::new(name, text)).collect()
});

fn assert_none(found: Vec<String>) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn tree_follows_style_rules() {
    let mut found = undeclared(&FILES, &SOURCES);
    found.extend(misplaced(FILES.iter().map(|(name, _)| name.as_str())));
    found.extend(SOURCES.iter().flat_map(violations));
    for (name, text) in FILES.iter() {
        found.extend(leftovers(name, text));
        match name.as_str() {
            "Cargo.toml" => found.extend(packages(text)),
            "src/lib.rs" => found.extend(layer_table(text)),
            _ => {}
        }
    }
    assert_none(found);
}

#[test]
fn tree_has_no_retired_word() {
    let texts = FILES.iter();
    let words = texts.flat_map(|(name, text)| retired_words(name, text));
    assert_none(
        words
            .chain(SOURCES.iter().flat_map(retired_names))
            .collect(),
    );
}

#[test]
fn tree_names_tests_by_subject_condition_and_result() {
    assert_none(SOURCES.iter().flat_map(misnamed).collect());
}

#[test]
fn library_stores_no_function() {
    assert_none(callbacks(&SOURCES));
}

fn violations_of(name: &str, text: &str) -> Vec<String> {
    violations(&Source::new(name, text))
}

/// The text, below the line that each file begins with, gives this one message.
fn fires(name: &str, text: &str, message: &str) {
    let found = violations_of(name, &format!("//! x\n{text}\n"));
    let wanted = format!("{name}:{message}");
    let right = found.len() == 1 && found[0].contains(&wanted);
    assert!(right, "{text:?} should give {wanted:?}, gives {found:?}");
}

fn passes(name: &str, text: &str) {
    assert_eq!(violations_of(name, &format!("//! x\n{text}\n")), [""; 0]);
}

#[test]
fn file_of_bad_form_is_found() {
    let found = violations_of("src/runtime_api.rs", "fn f() {}\n");
    assert_eq!(
        found,
        ["src/runtime_api.rs:1: begin with `//!`: what this file is"]
    );
    let long = "x".repeat(COLUMNS_MAX - 2);
    fires(
        "src/runtime_api.rs",
        &format!("// {long}"),
        "2: more than 100 columns: break",
    );
    passes("src/runtime_api.rs", &format!("//{long}"));
    passes("src/runtime_api.rs", &format!("//! | {long} | x |"));
    fires(
        "src/runtime_api.rs",
        &format!("f({long} | x)"),
        "2: more than 100 columns",
    );
}

#[test]
fn function_or_file_too_long_is_found() {
    let function = |lines: usize| format!("fn f() {{\n{}}}", "    f('{');\n".repeat(lines - 2));
    passes("src/runtime_api.rs", &function(FUNCTION_LINES_MAX));
    fires(
        "src/runtime_api.rs",
        &function(FUNCTION_LINES_MAX + 1),
        "2: 71 lines: a function fits",
    );
    let within = format!("impl A {{\n    pub fn f(\n    ) {}", &function(80)[7..]);
    fires(
        "src/runtime_api.rs",
        &format!("{within}\n}}"),
        "3: 81 lines",
    );
    passes(
        "src/runtime_api.rs",
        &format!("fn f(x: [u8; 1]);\n{}", function(70)),
    );

    let file = |lines: usize| "f!();\n".repeat(lines) + "\n// x\n".repeat(99).as_str();
    passes("src/runtime_api.rs", &file(FILE_LINES_MAX));
    fires(
        "src/runtime_api.rs",
        &file(FILE_LINES_MAX + 1),
        "1: 301 lines of code: split it",
    );
    let reason = "//!\n//! It is long because it is a table.\n";
    passes(
        "src/runtime_api.rs",
        &(reason.to_string() + &file(FILE_LINES_MAX + 1)),
    );
}

#[test]
fn module_that_uses_a_higher_layer_is_found() {
    for (name, text, message) in [
        (
            "src/buffer.rs",
            "use crate::runtime_api::RuntimeApi;",
            "2: runtime_api is above buffer: pass",
        ),
        (
            "src/diagnostics.rs",
            "use crate::{limits, runtime};",
            "2: runtime is above diagnostics",
        ),
        (
            "src/diagnostics.rs",
            "use crate::{\n    wire::{self, part},\n    runtime_api::{X, Y},\n};",
            "2: runtime_api is",
        ),
        (
            "src/diagnostics.rs",
            "fn f() { crate::host::f() }",
            "2: host is above diagnostics",
        ),
        (
            "src/diagnostics.rs",
            "use super::host;",
            "2: host is above diagnostics",
        ),
        (
            "src/runtime_api/platform.rs",
            "use super::super::runtime;",
            "2: runtime is above runtime_api",
        ),
        (
            "src/diagnostics.rs",
            "use crate::config::Config;",
            "2: config is above diagnostics",
        ),
        (
            "src/wire/json.rs",
            "use crate::limits::X;",
            "2: limits is above wire",
        ),
        (
            "src/diagnostics.rs",
            "use crate::*;",
            "2: everything of the crate: name",
        ),
        (
            "src/novel.rs",
            "use crate::sys;",
            "1: `novel` is in no layer: add",
        ),
        (
            "src/bin/tinderbox/main.rs",
            "tinderbox::run(f)",
            "2: the tool shares no code",
        ),
        (
            "src/lib.rs",
            "#[cfg(feature = \"tool\")]",
            "2: the library must not read",
        ),
        (
            "src/sys/child.rs",
            "#[cfg(any(test, feature = \"tool\"))]",
            "2: the library must not",
        ),
    ] {
        fires(name, text, message);
    }
    let found = violations_of("src/wire/json.rs", "//! x\nuse crate::sys;\n");
    let what = "src/wire/json.rs:2: wire makes no system calls: pass the bytes in";
    assert!(found.iter().any(|line| line == what), "{found:?}");
    passes(
        "src/runtime_api.rs",
        "use crate::{buffer, connection::{runtime, X}, sys};",
    );
    passes(
        "src/wire/json.rs",
        "use super::Error;\nuse crate::wire::part;",
    );
    passes(
        "src/lib.rs",
        "#[cfg(feature = \"std\")]\nmacro_rules! x { () => { $crate::main!() } }",
    );
    passes(
        "src/bin/tinderbox/main.rs",
        "#[cfg(feature = \"tool\")]\nuse crate::{api, local};",
    );
    passes("src/buffer/tests.rs", "use crate::runtime;");
}

#[test]
fn unsafe_or_libc_out_of_place_is_found() {
    for name in [
        "src/runtime_api.rs",
        "src/lib.rs",
        "src/bin/tinderbox/local.rs",
        "tests/wire.rs",
        "benches/support/server.rs",
    ] {
        fires(name, "unsafe { f() }", "2: `unsafe` belongs into a sys.rs");
        fires(name, "use libc as c;", "2: `libc` belongs into a sys.rs");
    }
    fires(
        "src/bin/tinderbox/system.rs",
        "libc::exit(1)",
        "2: `libc` belongs",
    );
    fires("src/main.rs", "libc::exit(1)", "2: `libc` belongs");
    let entry = "macro_rules! main {\n    () => { #[unsafe(no_mangle)] fn f() {} }\n}\n";
    passes("src/lib.rs", entry);
    fires(
        "src/lib.rs",
        &format!("{entry}unsafe {{ f() }}"),
        "5: `unsafe` belongs",
    );
    for name in [
        "src/sys.rs",
        "src/sys/child.rs",
        "src/sys/tests.rs",
        "src/bin/tinderbox/sys.rs",
        "tests/support/sys.rs",
        "tests/functions/probe/src/main.rs",
        "benches/baseline/src/main.rs",
    ] {
        passes(name, "unsafe { libc::f() }");
    }
    passes("src/main.rs", "#[unsafe(no_mangle)]");
    passes(
        "src/runtime_api.rs",
        "// unsafe, libc::x, .unwrap()\nf(\"libc::x unsafe .unwrap()\");",
    );
    passes("src/lib.rs", "/* unsafe\nlibc */\nf(b'\"'); // \"\n");
}

#[test]
fn banned_call_in_code_is_found() {
    for (text, word) in [
        ("f().unwrap();", ".unwrap()"),
        ("f().map(Option::unwrap);", "::unwrap"),
        ("f().expect(\"x\");", ".expect("),
        ("f().map(Result::expect);", "::expect"),
        ("panic!(\"x\");", "panic!("),
        ("unreachable!();", "unreachable!("),
        ("assert!(x);", "assert!("),
        ("assert_eq!(x, y);", "assert_eq!("),
        ("assert_ne!(x, y);", "assert_ne!("),
        ("f(format_args!(\"\"));", "format_args!"),
        ("write(\"{:?}\");", ":?}"),
        ("write(\"{x:?}\");", ":?}"),
        ("write(\"{:#?}\");", ":#?}"),
        ("f(b'\"').unwrap(); // \"", ".unwrap()"),
    ] {
        fires_or_more(text, word);
        passes("tests/x.rs", text);
        passes("src/bin/tinderbox/main.rs", text);
        passes("src/api/tests.rs", text);
    }
    for name in [
        "src/runtime_api.rs",
        "src/bin/tinderbox/main.rs",
        "tests/x.rs",
        "src/api/tests.rs",
    ] {
        fires(name, "async fn f() {}", "2: `async` is banned: block");
        fires(name, "f().await;", "2: `await` is banned: block");
        fires(name, concat!("to", "do!()"), "2: `todo` is banned: do it");
        fires(
            name,
            concat!("unimple", "mented!()"),
            "2: `unimplemented` is banned: do it",
        );
    }
    for name in [
        "benches/rivals/src/main.rs",
        "tests/functions/ecosystem/src/bin/x.rs",
    ] {
        passes(name, "async fn f() { g().await }");
    }
    passes(
        "src/runtime_api.rs",
        "const _: () = assert!(A);\nconst { assert!(A) };\ndebug_assert_eq!(a, b);",
    );
    passes(
        "src/runtime_api.rs",
        "f().unwrap_or_default(); f().expect_none();",
    );
}

fn fires_or_more(text: &str, word: &str) {
    let found = violations_of("src/runtime_api.rs", &format!("//! x\n{text}\n"));
    let wanted = format!("src/runtime_api.rs:2: `{word}` is banned: ");
    let fires = found.iter().any(|line| line.starts_with(&wanted));
    assert!(fires, "{text:?} should give {wanted:?}, gives {found:?}");
}

#[test]
fn leftover_in_text_is_found() {
    for (word, instead) in LEFTOVERS {
        let found = leftovers("x.md", &format!("fine\nnot {word} fine\n"));
        assert_eq!(found, [format!("x.md:2: `{word}`: {instead}")]);
        assert_eq!(leftovers("LICENSE", word), [""; 0]);
    }
}

#[test]
fn file_not_compiled_is_found() {
    let manifest = "[lib]\npath = \"src/lib.rs\"\n[[test]]\npath = \"tests/a.rs\"\n\
                    [[bench]]\npath = \"benches/a.rs\"\n";
    let tree = [
        ("Cargo.toml", manifest),
        (
            "src/lib.rs",
            "mod one;\n#[cfg(test)]\npub(crate) mod two;\n// mod four;\n",
        ),
        ("src/one.rs", "f(\"mod nine;\");\nmod inner;\n"),
        ("src/one/inner.rs", ""),
        ("src/two.rs", ""),
        (
            "tests/a.rs",
            "#[path = \"a/part.rs\"]\nmod part;\nmod shared;\n",
        ),
        ("tests/a/part.rs", ""),
        ("tests/shared.rs", ""),
        ("benches/a.rs", "mod common;\n"),
        ("benches/common.rs", "pub mod part;\n"),
        ("benches/common/part.rs", ""),
        ("tests/functions/f/Cargo.toml", ""),
        ("tests/functions/f/src/main.rs", ""),
    ];
    let own = |(name, text): &(&str, &str)| (name.to_string(), text.to_string());
    let tree: Vec<(String, String)> = tree.iter().map(own).collect();
    let undeclared = |files: &[(String, String)]| {
        let rust = files.iter().filter(|(name, _)| name.ends_with(".rs"));
        let sources: Vec<Source> = rust.map(|(name, text)| Source::new(name, text)).collect();
        undeclared(files, &sources)
    };
    assert_eq!(undeclared(&tree), [""; 0]);
    for name in [
        "src/three.rs",
        "src/four.rs",
        "src/nine.rs",
        "src/one/nine.rs",
        "src/two/inner.rs",
        "src/inner.rs",
        "tests/b.rs",
        "tests/b/part.rs",
        "benches/b.rs",
        "benches/common/other.rs",
        "tests/a/other.rs",
        "tests/functions/g/src/main.rs",
    ] {
        let mut more = tree.clone();
        more.push((name.to_string(), String::new()));
        let found = undeclared(&more);
        let wanted = format!("{name}:1: no `mod ");
        assert!(
            found.len() == 1 && found[0].starts_with(&wanted),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn top_level_entry_extra_or_missing_is_found() {
    let right =
        "Cargo.lock Cargo.toml LICENSE README.md benches/x scripts/x src/x src/y tests/x .ci/x";
    assert_eq!(misplaced(right.split(' ')), [""; 0]);
    let more = misplaced(right.split(' ').chain(["notes/x"]));
    assert_eq!(more, ["notes:1: not at the top: put it into a folder"]);
    let less = misplaced(right.split(' ').filter(|name| *name != "LICENSE"));
    assert_eq!(less, ["LICENSE:1: is missing at the top: restore it"]);
}

#[test]
fn package_not_agreed_or_missing_is_found() {
    let right = "[package]\nname = \"x\"\n[dependencies]\nlibc = \"0\"\nminreq = \"3\"\n\
                 serde = \"1\"\nserde_json = { version = \"1\" } # x\n\n\
                 [lints.rust]\nx = \"deny\"\n";
    assert_eq!(packages(right), [""; 0]);
    let more = right.replace("minreq", "rand=\"0\"\nminreq");
    let what = "Cargo.toml:5: package `rand`: write what it does, or do without";
    assert_eq!(packages(&more), [what]);
    let less = right.replace("minreq = \"3\"\n", "");
    assert_eq!(
        packages(&less),
        ["Cargo.toml:1: package `minreq` is missing"]
    );
    for section in [
        "dev-dependencies",
        "build-dependencies",
        "dependencies.rand",
        "target.'cfg(unix)'.dependencies",
        "workspace.dependencies",
    ] {
        let found = packages(&format!("{right}[{section}]\n"));
        let what = "Cargo.toml:11: every package stands in [dependencies]: move it there";
        assert_eq!(found, [what], "{section}");
    }
}
